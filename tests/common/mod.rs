//! What the whole-engine tests share: a seeded session as MTBT messages, captures of it, the book
//! it must end in by a second way of reckoning, and a place for files.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]
#![allow(unreachable_pub, reason = "a module of test binaries")]

pub mod feeds;
pub mod journal;
pub mod tape;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use tezi::model::{Nanos, Side};
use tezi::pricing::Black76Input;
use tezi::strategy::{BookUpdate, Context, OptionQuoter, OptionQuoterConfig, Strategy};
use tezi::{Capacity, CaptureSession, CoreConfig, Host, Pinning, Session};

use tape::contracts;
pub use tezi_testing::Random;

/// A directory of this test alone, gone with it.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tezi-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A text file, whichever way its lines end.
pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap().replace("\r\n", "\n")
}

/// Fails with the first line in which two books differ.
pub fn assert_same_book(book: &str, expected: &str, what: &str) {
    let pairs = (1..).zip(book.lines().zip(expected.lines()));
    let first = pairs.into_iter().find(|(_, (line, other))| line != other);
    assert_eq!(first, None, "{what}: the first line that differs");
    assert_eq!(book.lines().count(), expected.lines().count(), "{what}: lines");
}

/// Bounds that fit the tape: a session is up in a moment.
pub fn config() -> CoreConfig {
    CoreConfig {
        capacity: Capacity {
            instruments_max: 64,
            market_orders_max: 4_096,
            levels_max: 2_048,
            own_orders_max: 256,
            timers_max: 16,
            outputs_max: 256,
        },
        ..CoreConfig::default()
    }
}

/// A host with those bounds that leaves the scheduler alone.
pub fn host() -> Host {
    Host::new().config(config()).pinning(Pinning::Off)
}

/// A replay of captures that knows the tape's instruments.
pub fn captures<P: Into<PathBuf>>(files: impl IntoIterator<Item = P>) -> CaptureSession {
    let Session::Capture(session) = Session::captures(files) else { unreachable!() };
    CaptureSession { instruments: contracts(), ..session }
}

/// A quoter that trades a good deal on the tape.
pub fn quoter() -> OptionQuoter {
    quoter_with(2.0)
}

pub fn quoter_with(edge_ticks: f64) -> OptionQuoter {
    OptionQuoter::new(OptionQuoterConfig { edge_ticks, requote_ms: 2, ..Default::default() })
}

/// Bids one lot at the best bid, every so many changes of a book.
pub struct Bidder {
    pub every: u32,
    pub calls: u32,
}

impl Strategy for Bidder {
    fn name(&self) -> &'static str {
        "bidder"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        self.calls += 1;
        if !self.calls.is_multiple_of(self.every) {
            return;
        }
        let Some(bid) = ctx.book(update.instrument).touch(Side::Buy) else { return };
        let Some(state) = ctx.instrument(update.instrument) else { return };
        let lot = state.definition.lot;
        let _ = ctx.submit_ioc(update.instrument, Side::Buy, bid.price, lot);
    }
}

/// What an option is worth when the session opens.
pub fn fair_value(forward: f64, strike: f64, expiry: Nanos, now: Nanos, is_call: bool) -> f64 {
    let years = expiry.since(now) as f64 / (365.0 * 86_400.0 * 1e9);
    Black76Input { forward, strike, years, vol: 0.12, rate: 0.065, is_call }.value().price
}
