//! ITCH 5.0 from bytes to books: what a whole day of a feed costs a message.
//!
//! Stages: *parse* (a file's messages, decoded, checked and counted, each dispatched by kind),
//! *book* (the same into L3 books, every change of a touch told to a caller who looks at it),
//! *line* (MoldUDP64 packets of 1 to 15 messages through the sequencer in front of that: the path
//! of a live feed), *ahead* (the same in batches of up to 64 messages, read ahead), *huge* (that on
//! huge pages).
//!
//! Flows, after an opening that is not timed: *single* (one book of 2,000 orders, about 95 levels a
//! side), *deep* (one walking book of 11,000 orders, about 1,000 levels), *multi* (8,000 symbols by
//! Zipf, 400,000 orders), *real* (a recorded session of one future, where `TEZI_CAPTURES` names it).
//!
//! All stages run in turn; the median and the least of the repetitions are reported. After each,
//! every level and order of the books is compared, by checksum, with a naive book's.
//! `cargo bench --bench itch FLOW STAGE` runs one of them.
//! `TEZI_BENCH_LARGE=1` takes flows of 5, 5 and 20 million messages in place of 1, 1 and 2.

#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

mod support;

use std::hint::black_box;
use std::time::Instant;

use bytemuck::Zeroable;
use support::dbn_tape;
use support::itch_tape::{ItchTape, Stretch, TapeShape};
use support::naive_book::truth_of;
use support::{is_measuring, median};
use tezi::book::{Applied, Books, BooksConfig, ReadAhead, Upcoming};
use tezi::feed_handler::Line;
use tezi::feed_handler::wire::itch::{Decoder, FileReader, SessionDate};
use tezi::feed_handler::wire::mold_udp64::{Delivery, Sequencer, SequencerConfig, Source};
use tezi::model::{Event, EventKind, InstrumentId, Nanos, Segment, Side};

/// Fewer messages than these are too short to time: the flow is run again, on fresh books.
const MESSAGES_MIN: usize = 500_000;

/// Events that are taken at once.
const BATCH_MAX: usize = 64;

/// A way from bytes to books.
type Stage = fn(&mut Follower, &Stretch);

const STAGES: [(&str, Stage); 5] = [
    ("parse", Follower::parse),
    ("book", Follower::file),
    ("line", Follower::line),
    ("ahead", Follower::ahead),
    ("huge", Follower::ahead),
];

/// Whoever is told of touches.
#[derive(Default)]
struct Listener {
    touches: u64,
    sum: u64,
}

impl Listener {
    #[inline]
    fn tell(&mut self, books: &Books, applied: &Applied) {
        for change in applied.changes.iter().flatten() {
            if change.touch {
                self.on_touch(books, change.instrument, change.side);
            }
        }
    }

    #[inline(never)]
    fn on_touch(&mut self, books: &Books, instrument: InstrumentId, side: Side) {
        self.touches += 1;
        if let Some(level) = books.touch(instrument, side) {
            self.sum = self.sum.wrapping_add(level.price.0.cast_unsigned() ^ level.quantity);
        }
    }
}

/// Follows a feed.
struct Follower {
    decoder: Decoder,
    sequencer: Sequencer,
    books: Books,
    listener: Listener,
    /// Events of each kind, for the stage that only parses.
    kinds: [u64; 32],
}

impl Follower {
    fn new(tape: &ItchTape) -> Self {
        let live = tape.truth.orders as u32;
        let mut books = Books::new(&BooksConfig {
            instruments_max: tape.symbols as u32,
            orders_max: live + live / 4 + 1_024,
            levels_max: live + 4_096,
        });
        for _ in 0..tape.symbols {
            books.add_instrument().expect("there is room for every symbol");
        }
        let date = SessionDate::new(2026, 11, 20).expect("a day");
        Self {
            decoder: Decoder::new(date, 1),
            sequencer: Sequencer::new(SequencerConfig::default()).expect("bounds"),
            books,
            listener: Listener::default(),
            kinds: [0; 32],
        }
    }

    /// The same on huge pages.
    fn on_huge_pages(self) -> Self {
        tezi::advise_huge_pages(&self.books);
        self
    }

    fn parse(&mut self, stretch: &Stretch) {
        for message in FileReader::new(&stretch.bytes) {
            let message = message.expect("the tape is whole");
            let kinds = &mut self.kinds;
            let taken =
                self.decoder.on_message_with(message.bytes, message.index, Nanos(0), 0, |event| {
                    dispatch(kinds, event);
                });
            black_box(taken.is_ok());
        }
    }

    fn file(&mut self, stretch: &Stretch) {
        for message in FileReader::new(&stretch.bytes) {
            let message = message.expect("the tape is whole");
            let Self { decoder, books, listener, .. } = self;
            let taken =
                decoder.on_message_with(message.bytes, message.index, Nanos(0), 0, |event| {
                    follow(books, listener, event);
                });
            black_box(taken.is_ok());
        }
    }

    /// As the core takes events from the ring: as many as are there, up to a batch.
    fn ahead(&mut self, stretch: &Stretch) {
        let Self { decoder, sequencer, books, listener, .. } = self;
        let mut batch =
            Batch { events: [Event::zeroed(); BATCH_MAX], count: 0, ahead: ReadAhead::default() };
        for packet in stretch.packets() {
            let taken = sequencer.on_packet(Source::Line(Line::A), packet, Nanos(1), |delivery| {
                let Delivery::Message { sequence, bytes, .. } = delivery else { return };
                let taken = decoder.on_message_with(bytes, sequence, Nanos(1), 0, |event| {
                    batch.push(event);
                });
                black_box(taken.is_ok());
                if batch.count == BATCH_MAX {
                    batch.apply(books, listener);
                }
            });
            assert!(taken.is_ok(), "the tape is whole");
        }
        batch.apply(books, listener);
    }

    fn line(&mut self, stretch: &Stretch) {
        let Self { decoder, sequencer, books, listener, .. } = self;
        for packet in stretch.packets() {
            let taken = sequencer.on_packet(Source::Line(Line::A), packet, Nanos(1), |delivery| {
                let Delivery::Message { sequence, bytes, .. } = delivery else { return };
                let taken = decoder.on_message_with(bytes, sequence, Nanos(1), 0, |event| {
                    follow(books, listener, event);
                });
                black_box(taken.is_ok());
            });
            assert!(taken.is_ok(), "the tape is whole");
        }
    }
}

/// Events on their way to the books.
struct Batch {
    events: [Event; BATCH_MAX],
    count: usize,
    ahead: ReadAhead,
}

impl Batch {
    #[inline]
    fn push(&mut self, event: &Event) {
        self.events[self.count % BATCH_MAX] = *event;
        self.count += 1;
    }

    #[inline(never)]
    fn apply(&mut self, books: &mut Books, listener: &mut Listener) {
        let events = &self.events[..self.count];
        self.count = 0;
        if !books.is_worth_reading_ahead() {
            return events.iter().for_each(|event| follow(books, listener, event));
        }
        for event in events.iter().take(ReadAhead::DISTANCE) {
            self.ahead.push(books, &upcoming(event));
        }
        for (place, event) in events.iter().enumerate() {
            match events.get(place + ReadAhead::DISTANCE) {
                Some(later) => self.ahead.push(books, &upcoming(later)),
                None => self.ahead.pass(books),
            }
            follow(books, listener, event);
        }
    }
}

#[inline]
fn upcoming(event: &Event) -> Upcoming {
    Upcoming {
        segment_code: CODE,
        order_id: event.order_id,
        order_id_new: event.sell_order_id,
        instrument: InstrumentId(event.token.0.wrapping_sub(1)),
        side: event.side(),
        price: event.price,
    }
}

/// Does something else for each kind, as a handler of messages does.
#[inline(always)]
fn dispatch(kinds: &mut [u64; 32], event: &Event) {
    match event.kind() {
        Some(EventKind::OrderNew) => on_new(kinds, event),
        Some(EventKind::OrderCancel) => on_cancel(kinds, event),
        Some(EventKind::OrderReplace) => on_replace(kinds, event),
        _ => on_other(kinds, event),
    }
}

#[inline(never)]
fn on_new(kinds: &mut [u64; 32], event: &Event) {
    kinds[0] ^= event.order_id.0;
    kinds[1] += u64::from(event.quantity.0);
    kinds[2] ^= event.price.0.cast_unsigned();
}

#[inline(never)]
fn on_cancel(kinds: &mut [u64; 32], event: &Event) {
    kinds[3] ^= event.order_id.0;
}

#[inline(never)]
fn on_replace(kinds: &mut [u64; 32], event: &Event) {
    kinds[4] ^= event.sell_order_id.0;
    kinds[5] += u64::from(event.quantity.0);
}

#[inline(never)]
fn on_other(kinds: &mut [u64; 32], event: &Event) {
    kinds[6] += u64::from(event.quantity.0);
}

const CODE: u8 = Segment::NasdaqUs as u8;

/// Applies an event, and tells of each touch that changed. As small as a choice of the handler can
/// be, so that it is made together with the choice of the decoder.
#[inline(always)]
fn follow(books: &mut Books, listener: &mut Listener, event: &Event) {
    match event.kind() {
        Some(EventKind::OrderNew) => follow_new(books, listener, event),
        Some(EventKind::OrderCancel) => follow_cancel(books, listener, event),
        Some(EventKind::OrderReplace) => follow_replace(books, listener, event),
        Some(EventKind::OrderExecute | EventKind::OrderReduce) => {
            follow_reduce(books, listener, event);
        }
        _ => {}
    }
}

#[inline(never)]
fn follow_new(books: &mut Books, listener: &mut Listener, event: &Event) {
    let instrument = InstrumentId(event.token.0 - 1);
    let (id, side, price) = (event.order_id, event.side(), event.price);
    if let Ok(applied) = books.on_new(instrument, CODE, id, side, price, event.quantity) {
        listener.tell(books, &applied);
    }
}

#[inline(never)]
fn follow_cancel(books: &mut Books, listener: &mut Listener, event: &Event) {
    let applied = books.on_cancel(CODE, event.order_id);
    listener.tell(books, &applied);
}

#[inline(never)]
fn follow_replace(books: &mut Books, listener: &mut Listener, event: &Event) {
    let (id, id_new) = (event.order_id, event.sell_order_id);
    if let Ok(applied) = books.on_replace(CODE, id, id_new, event.price, event.quantity) {
        listener.tell(books, &applied);
    }
}

#[inline(never)]
fn follow_reduce(books: &mut Books, listener: &mut Listener, event: &Event) {
    let applied = books.on_reduce(CODE, event.order_id, event.quantity);
    listener.tell(books, &applied);
}

/// Nanoseconds this thread has run for, without what others took: the first number of its
/// scheduler statistics. `None` where the system keeps none; the clock on the wall serves then.
fn on_cpu_nanos() -> Option<u64> {
    std::thread::yield_now(); // the scheduler brings its sums up to date
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    statistics.split(' ').next()?.parse().ok().filter(|&nanos| nanos > 0)
}

/// Nanoseconds a message of one run of a stage, or of several where the flow is short.
fn run(tape: &ItchTape, name: &str, stage: Stage) -> f64 {
    let passes = if is_measuring() { 1 + MESSAGES_MIN / tape.flow.messages } else { 1 };
    let nanos: u64 = (0..passes).map(|_| pass(tape, name, stage)).sum();
    nanos as f64 / (passes * tape.flow.messages) as f64
}

/// The stretch that is timed: a name for `valgrind --toggle-collect`, which counts what the opening
/// does not do.
#[inline(never)]
fn measured(follower: &mut Follower, stage: Stage, stretch: &Stretch) {
    stage(follower, stretch);
}

/// Nanoseconds of one pass; the final book is checked.
fn pass(tape: &ItchTape, name: &str, stage: Stage) -> u64 {
    let mut follower = Follower::new(tape);
    if name == "huge" {
        follower = follower.on_huge_pages();
    }
    stage(&mut follower, &tape.opening);
    let (start, start_on_cpu) = (Instant::now(), on_cpu_nanos());
    measured(&mut follower, stage, &tape.flow);
    let nanos = match (start_on_cpu, on_cpu_nanos()) {
        (Some(start), Some(end)) => end - start,
        _ => start.elapsed().as_nanos() as u64,
    };
    let refused = follower.decoder.counters().refused_count();
    assert_eq!(refused, 0, "{name}: every message is in order");
    if follower.kinds.iter().all(|&count| count == 0) {
        assert_eq!(truth_of(&follower.books), tape.truth, "{name}: the books are the naive ones");
        assert!(black_box(follower.listener.sum) != 0 && follower.listener.touches > 0);
    }
    nanos
}

fn tapes() -> impl Iterator<Item = ItchTape> {
    let is_large = std::env::var_os("TEZI_BENCH_LARGE").is_some();
    let millions = match (is_measuring(), is_large) {
        (false, _) => [0.05, 0.05, 0.1],
        (true, false) => [1.0, 1.0, 2.0],
        (true, true) => [5.0, 5.0, 20.0],
    };
    let shapes = [TapeShape::SINGLE, TapeShape::DEEP, TapeShape::MULTI];
    let made = shapes
        .into_iter()
        .zip(millions)
        .zip([7, 11, 42])
        .map(|((shape, millions), seed)| ItchTape::new(shape, seed, (millions * 1e6) as usize));
    let real = || {
        let tape = dbn_tape::real();
        if tape.is_none() {
            println!("real: skipped, TEZI_CAPTURES does not name a recording");
        }
        tape
    };
    made.chain(core::iter::once_with(real).flatten())
}

fn main() {
    let repetitions = if is_measuring() { 5 } else { 1 };
    let mut wanted = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let (wanted, wanted_stage) = (wanted.next(), wanted.next());
    println!("itch: ns a message, median (least) of {repetitions} runs in turn");
    for tape in tapes() {
        if wanted.as_ref().is_some_and(|wanted| wanted != tape.name) {
            continue;
        }
        let truth = tape.truth;
        println!(
            "{}: {} messages {:?} (A or F, D, U, E, X, P); at the end {} orders, {} levels",
            tape.name, tape.flow.messages, tape.kinds, truth.orders, truth.levels
        );
        let mut results = [const { Vec::new() }; STAGES.len()];
        for _ in 0..repetitions {
            for ((name, stage), result) in STAGES.iter().zip(&mut results) {
                if wanted_stage.as_ref().is_some_and(|wanted| wanted != name) {
                    continue;
                }
                result.push(run(&tape, name, *stage));
            }
        }
        for ((name, _), result) in STAGES.iter().zip(&mut results) {
            if result.is_empty() {
                continue;
            }
            let middle = median(result);
            println!("  {name:<8}{middle:>8.1} ({:.1})", result[0]);
        }
    }
}
