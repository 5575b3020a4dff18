//! Loops of a fixed number of operations, for callgrind to count: `tools/callgrind.sh` runs each
//! with two counts and divides the difference. Instructions repeat exactly where times do not.
//!
//! ```text
//! instructions LOOP COUNT      one loop
//! instructions                 the names of the loops
//! ```
//!
//! Pricing runs on the baseline instruction set, which every machine has (and every valgrind).

#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

mod support;

use std::hint::black_box;
use std::process::ExitCode;

use support::flow::{Flow, FlowShape};
use support::path::{command, identity};
use support::scenario::{BLOCK, Scenario, Stage, instruments};
use support::scratch::ScratchJournal;
use support::tape::Tape;
use tezi::feed_handler::feed::{Channel, FeedConfig, FeedHandler, Protocol};
use tezi::feed_handler::wire::nse_mtbt::{PacketContext, decode};
use tezi::feed_handler::{Arbiter, ArbiterConfig};
use tezi::gateway::nnf::{
    Checksum, ORDER_PACKET_SIZE_MAX, OrderEncoder, Underlying, VenueOrderState,
};
use tezi::kernels::{CppKernels, KernelTarget};
use tezi::model::{
    CommandKind, ExecutionKind, ExecutionReport, Instrument, InstrumentId, InstrumentKind, Nanos,
    OrderId, Px, Qty, Segment, Side, Token,
};
use tezi::strategy::{Context, Strategy};
use tezi::{Core, CoreConfig, Opening, RiskLimits, VenueMode};

/// Operations there is input for.
const COUNT_MAX: usize = 1 << 16;

type Loop = (&'static str, fn(usize));

const LOOPS: [Loop; 19] = [
    ("decode", decode_loop),
    ("arbitrate_one_line", |count| arbitrate_loop(count, &Tape::one_line(1, COUNT_MAX))),
    ("arbitrate_two_lines", |count| {
        // Two arrivals a message, near enough: the count is of arrivals.
        arbitrate_loop(count, &Tape::two_lines(1, COUNT_MAX, 18, 5));
    }),
    ("feed_one_line", |count| feed_loop(count, &Tape::one_line(1, COUNT_MAX))),
    ("feed_two_lines", |count| feed_loop(count, &Tape::two_lines(1, COUNT_MAX, 18, 5))),
    ("book_tight", |count| book_loop(count, FlowShape::TIGHT)),
    ("book_deep", |count| book_loop(count, FlowShape::DEEP)),
    ("journal_append_56", |count| journal_loop(count, 56)),
    ("journal_append_256", |count| journal_loop(count, 256)),
    ("nnf_encode_replace", encode_loop),
    ("ring_pair", ring_loop),
    ("ring_pair_drained", ring_drained_loop),
    ("ring_pair_rtrb", ring_rtrb_loop),
    ("tick_no_order_depth", |count| tick_loop(count, Scenario::Depth)),
    ("tick_no_order_priced_1", |count| tick_loop(count, Scenario::Priced)),
    ("tick_orders_1", |count| tick_loop(count, Scenario::OneOrder)),
    ("tick_orders_8", |count| tick_loop(count, Scenario::EightOrders)),
    ("fill", |count| fill_loop(count, false)),
    ("fill_holdings_kept", |count| fill_loop(count, true)),
];

fn decode_loop(count: usize) {
    let tape = Tape::one_line(1, COUNT_MAX);
    for arrival in &tape.arrivals[..count] {
        let context = PacketContext {
            segment: Segment::NseFo,
            line: arrival.line,
            receive_time: arrival.time,
        };
        let event = decode(tape.datagram(arrival)).and_then(|(it, _)| it.to_event(&context));
        black_box(&event);
    }
}

fn arbitrate_loop(count: usize, tape: &Tape) {
    let mut arbiter = Arbiter::new(ArbiterConfig::new(Segment::NseFo)).expect("bounds");
    for arrival in &tape.arrivals[..count] {
        let datagram = tape.datagram(arrival);
        arbiter.on_packet(arrival.line, datagram, arrival.time, &mut |event| {
            black_box(event);
        });
    }
}

/// As [`arbitrate_loop`], through the boundary over all protocols.
fn feed_loop(count: usize, tape: &Tape) {
    let config = FeedConfig::new(Protocol::NseMtbt, Segment::NseFo);
    let mut feed = FeedHandler::new(&config).expect("bounds");
    for arrival in &tape.arrivals[..count] {
        let (channel, datagram) = (Channel::Line(arrival.line), tape.datagram(arrival));
        feed.on_packet(channel, datagram, arrival.time, &mut |event| {
            black_box(event);
        });
    }
}

fn book_loop(count: usize, shape: FlowShape) {
    let mut flow = Flow::new(shape, 1, COUNT_MAX);
    for step in &flow.steps[..count] {
        black_box(step.apply(&mut flow.books));
    }
}

fn journal_loop(count: usize, size: usize) {
    let payload = vec![0xA5_u8; size];
    let mut journal = ScratchJournal::new("instructions", 64 << 20);
    let writer = journal.writer();
    for index in 0..count {
        let time = Nanos(index as i64);
        black_box(writer.append(5, 0, time, black_box(&payload)).expect("there is room"));
    }
}

fn encode_loop(count: usize) {
    let mut encoder = OrderEncoder::new(&identity(), Checksum::None, 16).expect("identity");
    for (index, instrument) in instruments().iter().enumerate() {
        let id = InstrumentId(index as u32);
        encoder.define(id, instrument, Underlying::Index).expect("every instrument is known");
    }
    let mut packet = [0; ORDER_PACKET_SIZE_MAX];
    let command = command(CommandKind::Replace);
    for _ in 0..count {
        let venue = VenueOrderState::default();
        let size = encoder.encode(black_box(&command), &venue, 1, &mut packet);
        black_box((&packet, size.expect("the command can be said")));
    }
}

fn ring_loop(count: usize) {
    let (mut producer, mut consumer) = tezi_ring::ring::<[u64; 7]>(1_024).expect("capacity");
    for _ in 0..count {
        black_box((producer.try_push(black_box([1; 7]), 1).is_ok(), consumer.pop().is_some()));
    }
}

/// In batches of eight, written and read in place.
fn ring_drained_loop(count: usize) {
    let (mut producer, mut consumer) = tezi_ring::ring::<[u64; 7]>(1_024).expect("capacity");
    for _ in 0..count / 8 {
        for _ in 0..8 {
            let pushed = producer.push_with(1, |place| *place = black_box([1; 7]));
            black_box(pushed.is_ok());
        }
        consumer.drain(8, |payload, _| {
            black_box(payload);
        });
    }
}

fn ring_rtrb_loop(count: usize) {
    let (mut producer, mut consumer) = rtrb::RingBuffer::<[u64; 8]>::new(1_024);
    for _ in 0..count {
        black_box((producer.push(black_box([1; 8])).is_ok(), consumer.pop().is_ok()));
    }
}

/// The script collects inside `TickPath::on_packet` only, so the venue's answers are not counted.
fn tick_loop(count: usize, scenario: Scenario) {
    let kernel = KernelTarget::all().next().expect("the baseline is always there");
    let mut stage = Stage::new(scenario, kernel);
    for index in 0..count {
        if (index as u64).is_multiple_of(BLOCK) {
            stage.path.make_room(BLOCK);
        }
        black_box(stage.step());
    }
}

/// Buys and sells without end.
struct Dealer;

impl Strategy for Dealer {
    fn name(&self) -> &'static str {
        "dealer"
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        for (side, rupees) in [(Side::Buy, 99.0), (Side::Sell, 101.0)] {
            let sent = ctx.submit(InstrumentId(0), side, Px::from_rupees(rupees), Qty(1 << 20));
            black_box(sent.is_ok());
        }
    }
}

/// Reports of an exchange on its fills, bought and sold by turns: the one who waits is the strategy.
fn fill_loop(count: usize, has_holdings: bool) {
    let limits = RiskLimits {
        order_value_max: 0,
        open_order_value_max: 0,
        loss_max: 0,
        position_max: 0,
        fat_finger_bps: 0,
        ..RiskLimits::default()
    };
    let config =
        CoreConfig { limits, venue_mode: VenueMode::External as u32, ..CoreConfig::default() };
    let mut core = Core::new(&config, Dealer, CppKernels).expect("a core of the default bounds");
    let mut definition = Instrument::unknown(Segment::NseFo, Token(1));
    definition.kind_code = InstrumentKind::Future as u8;
    core.define(&definition).expect("there is room for one");
    if has_holdings {
        let begin = Opening::Begin { day: 20_781, as_of: 20_780, lots: 0, actions: 0 };
        core.on_opening(Nanos(1), &begin).expect("it has not begun");
    }
    core.on_start(Nanos(1));
    assert!(core.orders().open_count() == 2, "the dealer's orders are open");
    let orders: Vec<_> = core.orders().open().map(|it| (it.client_order_id, it.price)).collect();
    for index in 0..count {
        let (client_order_id, price) = orders[index % 2];
        let report = ExecutionReport {
            client_order_id,
            order_id: OrderId(client_order_id.0),
            price,
            quantity: Qty(1),
            fill_id: index as u32 + 1,
            kind_code: ExecutionKind::Fill as u8,
            passive: 1,
            reason: 0,
            reserved: 0,
            venue_time: Nanos(2),
        };
        black_box(core.on_report(Nanos(2), black_box(&report)).is_ok());
    }
    assert!(core.counters().fills as usize == count, "every report is a fill");
}

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    match words.as_slice() {
        [] => LOOPS.iter().for_each(|(name, _)| println!("{name}")),
        [name, count] => {
            let found = LOOPS.iter().find(|(known, _)| known == name);
            let count = count.parse().ok().filter(|&count| count <= COUNT_MAX);
            let (Some((_, run)), Some(count)) = (found, count) else {
                eprintln!("instructions: {name} is no loop, or COUNT is above {COUNT_MAX}");
                return ExitCode::from(2);
            };
            run(count);
        }
        _ => {
            eprintln!("usage: instructions [LOOP COUNT]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
