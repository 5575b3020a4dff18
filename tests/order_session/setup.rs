//! The one contract, box and user of the tests that trade against the small exchange.

#![allow(unreachable_pub, reason = "a module of test binaries")]
#![allow(dead_code, reason = "each test file uses its own part")]

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::Duration;

use tezi::feed_handler::Line;
use tezi::feed_handler::feed::{Channel, FeedConfig, Protocol};
use tezi::gateway::nnf::Encryption;
use tezi::model::{Instrument, InstrumentKind, Nanos, Px, Qty, Segment, Symbol, Token};
use tezi::{CoreConfig, FeedGroup, Idle, LiveSession, OrderSessionConfig, RiskLimits};

use super::common::config;

pub const TOKEN: u32 = 50_001;
pub const LOT: u32 = 65;

/// A test that comes to nothing ends here.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn future() -> Instrument {
    let mut it = Instrument::unknown(Segment::NseFo, Token(TOKEN));
    it.symbol = Symbol::new("NIFTY");
    it.expiry = Nanos::from_ist(2026, 12, 29, 15, 30, 0);
    it.tick = Px::from_paise(10);
    it.lot = Qty(LOT);
    it.kind_code = InstrumentKind::Future as u8;
    it
}

pub fn free_line() -> SocketAddrV4 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let SocketAddr::V4(address) = socket.local_addr().unwrap() else { unreachable!() };
    address
}

/// The box and user that the exchange has in its books, with waits that suit a test.
pub fn order_session(router: SocketAddrV4, encryption: Encryption) -> OrderSessionConfig {
    const MS: i64 = 1_000_000;
    let mut config = OrderSessionConfig::new(router, 123, "90001", 678, "secret1");
    config.encryption = encryption;
    let limits = &mut config.limits;
    (limits.orders, limits.orders_of_the_day) = (1 << 10, 1 << 14);
    (limits.answer_timeout_ns, limits.settle_ns) = (100 * MS, 100 * MS);
    (limits.retry_ns, limits.retry_ns_max) = (20 * MS, 100 * MS);
    config
}

pub fn core_config() -> CoreConfig {
    let limits = RiskLimits { messages_per_second_max: 0, ..RiskLimits::default() };
    CoreConfig { limits, ..config() }
}

pub fn live(lines: [SocketAddrV4; 2]) -> LiveSession {
    let groups = lines.into_iter().zip(Line::BOTH);
    let groups = groups.map(|(address, line)| FeedGroup::new(address, Channel::Line(line)));
    let feed = FeedConfig::new(Protocol::NseMtbt, Segment::NseFo);
    let mut session = LiveSession::new(feed, groups.collect());
    session.instruments = vec![future()];
    (session.idle, session.duration_max) = (Idle::Wait, Some(2 * PATIENCE));
    session
}
