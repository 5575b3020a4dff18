//! What differs is named; and a session is the same however it is taken up.

use tezi_core::VenueMode;
use tezi_core::snapshot::{NoSnapshot, SnapshotError, SnapshotReader, SnapshotWriter};
use tezi_core::strategy::{BookUpdate, Context};
use tezi_journal::{JournalWriter, WriterConfig};
use tezi_model::{
    Event, EventKind, ExecutionKind, ExecutionReport, Instrument, InstrumentKind, Px, Qty, Segment,
    Side, StreamId, Symbol, Token,
};

use super::*;
use crate::records::{RecordType, output_bytes};
use crate::snapshots::SnapshotWhen;

#[test]
fn what_differs_is_named_and_the_first_number_is_not() {
    let one = CoreConfig::default();
    let mut other = CoreConfig { client_order_id_base: 77, ..one };
    assert_eq!(difference(&one, &other), None);
    other.capacity.timers_max += 1;
    assert_eq!(difference(&one, &other), Some("bounds (instruments, orders, levels)"));
    other.limits.loss_max += 1;
    assert_eq!(difference(&one, &other), Some("limits"));
}

#[test]
fn limits_are_the_same_however_often_a_process_died_before_the_start() {
    let set = |value| Control::SetLimit { limit: tezi_core::control::Limit::Loss, value };
    let wanted = [set(1), set(2), set(3)];
    let [a, b, c] = wanted;
    for recorded in [&[a, b, c][..], &[a, a, b, c], &[a, b, a, b, c, a, b, c]] {
        assert!(are_of(recorded, &wanted, true) && are_of(recorded, &wanted, false));
    }
    for recorded in [&[][..], &[a], &[a, b, c, a]] {
        assert!(are_of(recorded, &wanted, false) && !are_of(recorded, &wanted, true));
    }
    for recorded in [&[b][..], &[a, c], &[a, b, c, set(4)]] {
        assert!(!are_of(recorded, &wanted, false));
    }
    assert!(are_of(&[], &[], true) && !are_of(&[a], &[], false));
}

#[test]
fn a_day_begins_at_midnight_in_india() {
    let midnight = Nanos::from_ist(2026, 11, 23, 0, 0, 0);
    assert_eq!(day(midnight), day(midnight.plus(1)));
    assert_ne!(day(midnight), day(midnight.plus(-1)));
}

/// Sends two orders with every book, and cancels the one of four books ago.
#[derive(Default)]
struct Pairs {
    books: u64,
}

impl Strategy for Pairs {
    fn name(&self) -> &'static str {
        "pairs"
    }

    fn save(&self, out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        out.u64(self.books);
        Ok(())
    }

    fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        self.books = input.u64()?;
        Ok(())
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        self.books += 1;
        for ticks in [0, 1] {
            let price = Px::from_paise(10_000 + ticks * 5);
            let _ = ctx.submit(update.instrument, Side::Buy, price, Qty(1));
        }
        let _ = ctx.cancel(ClientOrderId(self.books.saturating_sub(4)));
    }
}

fn config() -> CoreConfig {
    let mut config = CoreConfig { venue_mode: VenueMode::External as u32, ..CoreConfig::default() };
    config.capacity.market_orders_max = 1_024;
    config.capacity.levels_max = 256;
    config.capacity.instruments_max = 8;
    (config.limits.fat_finger_bps, config.limits.open_orders_max) = (0, 0);
    (config.limits.messages_per_second_max, config.limits.position_max) = (0, 0);
    config
}

/// Writes a journal as a session does.
struct Session {
    core: Core<Pairs, CppKernels>,
    journal: JournalWriter,
    now: Nanos,
}

impl Session {
    fn begin(dir: &Path) -> Self {
        let writer = WriterConfig { segment_bytes: 64 << 10, session_id: 7, created: Nanos(1) };
        let mut journal = JournalWriter::create(dir, &writer).unwrap();
        let now = Nanos::from_ist(2026, 11, 23, 9, 15, 0);
        let text = b"engine tezi test\nstrategy pairs\nparameters \nkernel none\n";
        journal.append(RecordType::SESSION, 0, now, text).unwrap();
        let config = config();
        journal.append(RecordType::CONFIG, 0, now, bytemuck::bytes_of(&config)).unwrap();
        let mut future = Instrument::unknown(Segment::NseFo, Token(7));
        (future.symbol, future.tick) = (Symbol::new("NIFTY"), Px::from_paise(5));
        future.kind_code = InstrumentKind::Future as u8;
        journal.append(RecordType::INSTRUMENT, 0, now, bytemuck::bytes_of(&future)).unwrap();
        let mut core = Core::new(&config, Pairs::default(), CppKernels).unwrap();
        core.define(&future).unwrap();
        journal.append(RecordType::START, 0, now, &[]).unwrap();
        core.on_start(now);
        Self { core, journal, now }
    }

    /// An order of the market; of its outputs only so many reach the journal.
    fn event(&mut self, number: u64, outputs_max: usize) {
        self.now = self.now.plus(1_000_000);
        let event = Event {
            kind_code: EventKind::OrderNew as u8,
            stream: StreamId::new(Segment::NseFo, 1),
            token: Token(7),
            order_id: OrderId(number),
            price: Px::from_paise(9_000 + number as i64 % 50 * 5),
            quantity: Qty(65),
            ..Event::clock(self.now)
        };
        self.write(RecordType::EVENT, bytemuck::bytes_of(&event));
        self.core.on_event(self.now, &event);
        self.write_outputs(outputs_max);
    }

    fn report(&mut self, id: u64, kind: ExecutionKind) {
        self.now = self.now.plus(1_000);
        let report = ExecutionReport {
            client_order_id: ClientOrderId(id),
            order_id: OrderId(5_000 + id),
            price: Px::from_paise(10_000),
            quantity: Qty(1),
            fill_id: if kind == ExecutionKind::Fill { id as u32 } else { 0 },
            kind_code: kind as u8,
            passive: 0,
            reason: 0,
            reserved: 0,
            venue_time: self.now,
        };
        self.write(RecordType::REPORT, bytemuck::bytes_of(&report));
        let _ = self.core.on_report(self.now, &report);
        self.write_outputs(usize::MAX);
    }

    fn write(&mut self, record_type: u16, payload: &[u8]) {
        self.journal.append(record_type, 0, self.now, payload).unwrap();
    }

    fn write_outputs(&mut self, outputs_max: usize) {
        for emitted in self.core.outputs().iter().take(outputs_max) {
            let (record_type, payload) = output_bytes(&emitted.output);
            self.journal.append(record_type, emitted.origin.0, self.now, payload).unwrap();
        }
    }
}

/// A session of so many books that dies in the middle of the outputs of its last input.
fn died(dir: &Path, books: u64) -> u64 {
    let mut session = Session::begin(dir);
    for number in 1..books {
        session.event(number, usize::MAX);
        let id = 2 * number - 1;
        session.report(id, ExecutionKind::Accepted);
        match number % 5 {
            0 => session.report(id, ExecutionKind::Fill),
            1 => session.report(id, ExecutionKind::Canceled),
            2 => session.report(id + 1, ExecutionKind::Rejected),
            _ => {}
        }
    }
    session.event(books, 1);
    session.journal.close().unwrap();
    session.core.state_hash()
}

fn resumed(dir: &Path) -> Resumed<Pairs> {
    resumed_from(dir, ReplayFrom::Snapshot)
}

fn resumed_from(dir: &Path, from: ReplayFrom) -> Resumed<Pairs> {
    let now = Nanos::from_ist(2026, 11, 23, 12, 0, 0);
    let mut resumed = resume(dir, Pairs::default(), &config(), &[], from, now).unwrap();
    resumed.orders.closed.sort_unstable();
    resumed.orders.open.sort_unstable_by_key(|order| order.client_order_id);
    resumed
}

#[test]
fn a_session_is_the_same_from_a_snapshot_and_from_the_start() {
    let dir = std::env::temp_dir().join(format!("tezi-resume-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&dir));
    let hash = died(&dir, 400);
    let slow = resumed(&dir);
    assert_eq!((slow.summary.snapshot, slow.core.state_hash()), (None, hash));
    assert_eq!(slow.unwritten.len() + 1, slow.core.outputs().len());
    assert!(slow.summary.unsent > 0 && slow.summary.open_orders > 10, "{}", slow.summary);
    assert!(slow.orders.closed.len() > 50 && slow.orders.open.len() > 10);
    for every in [None, Some(600)] {
        let when = SnapshotWhen { every, until: None };
        let written = crate::write_snapshots(&dir, Pairs::default(), when, ReplayFrom::Start);
        let written = written.unwrap().written;
        if every.is_some() {
            // From an earlier one, with much behind it.
            std::fs::remove_file(&written.last().unwrap().path).unwrap();
        }
        let fast = resumed(&dir);
        assert!(fast.summary.snapshot.is_some() && fast.summary.passed_over == 0);
        assert!(fast.summary.records < slow.summary.records / 2, "{}", fast.summary);
        assert_eq!(fast.core.state_hash(), hash);
        assert_eq!(fast.core.outputs(), slow.core.outputs());
        assert_eq!((fast.has_started, &fast.unwritten), (slow.has_started, &slow.unwritten));
        assert_eq!(fast.orders, slow.orders);
        assert_eq!(fast.core.strategy().books, 400);
        let end = |it: &Resumption| (it.died_at, it.open_orders, it.in_flight, it.unsent);
        assert_eq!(end(&fast.summary), end(&slow.summary));
        let text = fast.summary.to_string();
        assert!(text.starts_with("Resumed from the snapshot before record"), "{text}");
        let whole = resumed_from(&dir, ReplayFrom::Start);
        assert_eq!((whole.summary.snapshot, whole.core.state_hash()), (None, hash));
        assert_eq!(whole.summary.records, slow.summary.records);
    }
    std::fs::remove_dir_all(&dir).unwrap();
}
