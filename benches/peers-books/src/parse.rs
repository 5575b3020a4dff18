//! Parsing alone: an ITCH 5.0 file in memory, each message to a caller who looks at it.

use std::time::Instant;

use tezi::feed_handler::wire::itch::{Decoder, FileReader, SessionDate};
use tezi::model::{Event, EventKind, Nanos};

use crate::support::itch_tape::{ItchTape, TapeShape};
use crate::support::median;

/// What the caller adds up: it must be the same for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    orders: u64,
    ids: u64,
    quantity: u64,
}

impl Sums {
    fn add(&mut self, id: u64, quantity: u32) {
        self.orders += 1;
        self.ids ^= id;
        self.quantity += u64::from(quantity);
    }
}

fn ours(bytes: &[u8]) -> Sums {
    let mut sums = Sums::default();
    let date = SessionDate::new(2026, 11, 20).expect("a day");
    let mut decoder = Decoder::new(date, 1);
    for message in FileReader::new(bytes) {
        let message = message.expect("the tape is whole");
        let mut look = |event: &Event| match event.kind() {
            Some(EventKind::OrderNew) => sums.add(event.order_id.0, event.quantity.0),
            Some(EventKind::OrderReplace) => sums.add(event.sell_order_id.0, event.quantity.0),
            Some(EventKind::OrderCancel) => sums.ids ^= event.order_id.0,
            _ => {}
        };
        let taken = decoder.on_message_with(message.bytes, message.index, Nanos(0), 0, |e| look(e));
        std::hint::black_box(taken.is_ok());
    }
    sums
}

fn itchy(bytes: &[u8]) -> Sums {
    use itchy::Body;
    let mut sums = Sums::default();
    for message in itchy::MessageStream::from_reader(bytes) {
        match message.expect("the tape is whole").body {
            Body::AddOrder(order) => sums.add(order.reference, order.shares),
            Body::ReplaceOrder(order) => sums.add(order.new_reference, order.shares),
            Body::DeleteOrder { reference } => sums.ids ^= reference,
            _ => {}
        }
    }
    sums
}

/// A parser, by name.
type Parser = (&'static str, fn(&[u8]) -> Sums);

/// Times both in turn and prints them.
pub(crate) fn run(rounds: usize) {
    let tape = ItchTape::new(TapeShape::SINGLE, 7, 1_000_000);
    let parsers: [Parser; 2] = [("tezi", ours), ("itchy 0.3", itchy)];
    let mut nanos = [const { Vec::new() }; 2];
    let truth = ours(&tape.flow.bytes);
    for _ in 0..rounds {
        for ((name, parser), nanos) in parsers.iter().zip(&mut nanos) {
            let start = Instant::now();
            let sums = parser(std::hint::black_box(&tape.flow.bytes));
            nanos.push(start.elapsed().as_nanos() as f64 / tape.flow.messages as f64);
            assert_eq!(sums, truth, "{name} finds the same orders");
        }
    }
    println!(
        "parse, a message of ITCH 5.0 ({} messages, {} new):",
        tape.flow.messages, truth.orders
    );
    let ours = median(&mut nanos[0]);
    for ((name, _), nanos) in parsers.iter().zip(&mut nanos) {
        let middle = median(nanos);
        println!("  {name:<24}{middle:>9.1} ({:.1}) ns   {:>6.1} x", nanos[0], middle / ours);
    }
}
