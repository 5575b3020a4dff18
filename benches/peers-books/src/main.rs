//! Parsing, books and matching beside published crates, all in one run over the same seeded flows.
//!
//! - *parse*: an ITCH 5.0 file from memory, every message to a caller, beside `itchy`. Both must find
//!   the same orders.
//! - *book*: one book of 2,000 orders followed: new orders, cancels, replacements, executions of the
//!   order that is first. `orderbook-rs` and `lobster` are matchers, so there an execution is an order
//!   that takes it, and a replacement is a cancel and a new order: they have no other way.
//! - *match*: 58 % limit orders, 3.5 % immediate or cancel, 38 % cancels, 5,000 live orders, the same for
//!   the matcher of this project with all its checks. `lobster` knows no immediate or cancel: what is
//!   left of one is cancelled.
//!
//! After *book* and *match* all must agree on every level (price and quantity), after *match* on trades
//! and traded quantity too; one that does not is named.
//!
//! The curve is *match* over many instruments, each request about another, up to 10 million live orders in
//! 100,000 of them, where it is memory that is measured.
//!
//! ```text
//! cd benches/peers-books && cargo run --release          seven rounds in turn: the least, the median
//! cargo run --release -- curve                           the curve, minutes
//! ```

#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

mod flow;
mod ours;
mod parse;
mod peers;
#[path = "../../support/mod.rs"]
mod support;

use std::time::Instant;

use flow::{Contestant, Flow, Outcome, Size};
use support::median;

const ROUNDS: usize = 7;

/// A contestant's times, and what it ended in.
struct Row {
    name: &'static str,
    nanos: Vec<f64>,
    outcome: Outcome,
}

fn time<C: Contestant>(name: &'static str, flow: &Flow, rows: &mut Vec<Row>) {
    let mut contestant = C::new(flow.size);
    flow.opening.iter().for_each(|step| contestant.step(step));
    let start = Instant::now();
    flow.steps.iter().for_each(|step| contestant.step(step));
    let nanos = start.elapsed().as_nanos() as f64 / flow.steps.len() as f64;
    let outcome = contestant.outcome();
    match rows.iter_mut().find(|row| row.name == name) {
        Some(row) => row.nanos.push(nanos),
        None => rows.push(Row { name, nanos: vec![nanos], outcome }),
    }
}

fn print(title: &str, rows: &mut [Row]) {
    let outcome = rows[0].outcome;
    println!("{title}, ends in {} levels, {} trades:", outcome.levels, outcome.trades);
    let ours = median(&mut rows[0].nanos);
    for row in rows {
        let middle = median(&mut row.nanos);
        let word = if row.outcome == outcome { "agrees" } else { "ENDS IN ANOTHER BOOK" };
        println!(
            "  {:<24}{middle:>9.1} ({:.1}) ns   {:>6.1} x   {word}",
            row.name,
            row.nanos[0],
            middle / ours
        );
    }
}

/// Live orders and instruments of the curve.
const CURVE: [(usize, u32); 5] =
    [(5_000, 1), (100_000, 100), (1_000_000, 1_000), (1_000_000, 10_000), (10_000_000, 100_000)];
const CURVE_ROUNDS: usize = 3;
/// With ten times as many `orderbook-rs` asks for more memory than most machines have.
const ORDERBOOK_RS_LIVE_MAX: usize = 1_000_000;

fn curve() {
    for (live, instruments) in CURVE {
        let flow = Flow::matching(Size { instruments, live }, 400_000);
        let mut rows = Vec::new();
        for _ in 0..CURVE_ROUNDS {
            time::<ours::Matcher>("tezi, matcher", &flow, &mut rows);
            time::<peers::Lobster>("lobster 0.7", &flow, &mut rows);
            if live <= ORDERBOOK_RS_LIVE_MAX {
                time::<peers::OrderbookRs>("orderbook-rs 0.15", &flow, &mut rows);
            }
        }
        print(&format!("match, {live} live in {instruments} instruments"), &mut rows);
    }
}

fn main() {
    if std::env::args().any(|word| word == "curve") {
        return curve();
    }
    parse::run(ROUNDS);
    let size = Size { instruments: 1, live: 5_000 };
    let (book, matching) = (Flow::book(500_000), Flow::matching(size, 400_000));
    let (mut followed, mut matched) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        time::<ours::Books>("tezi, book", &book, &mut followed);
        time::<peers::OrderbookRs>("orderbook-rs 0.15", &book, &mut followed);
        time::<peers::Lobster>("lobster 0.7", &book, &mut followed);
        time::<ours::Matcher>("tezi, matcher", &matching, &mut matched);
        time::<peers::OrderbookRs>("orderbook-rs 0.15", &matching, &mut matched);
        time::<peers::Lobster>("lobster 0.7", &matching, &mut matched);
    }
    // A book that follows makes no trades of its own: levels are what all can agree on.
    followed.iter_mut().for_each(|row| (row.outcome.trades, row.outcome.traded) = (0, 0));
    print("book, an event", &mut followed);
    print("match, a request", &mut matched);
}
