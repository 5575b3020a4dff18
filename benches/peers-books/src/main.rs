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
//! ```text
//! cd benches/peers-books && cargo run --release          seven rounds in turn: the least, the median
//! ```

#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

mod flow;
mod ours;
mod parse;
mod peers;
#[path = "../../support/mod.rs"]
mod support;

use std::time::Instant;

use flow::{Contestant, Flow, Outcome};
use support::median;

const ROUNDS: usize = 7;

/// A contestant's times, and what it ended in.
struct Row {
    name: &'static str,
    nanos: Vec<f64>,
    outcome: Outcome,
}

fn time<C: Contestant>(name: &'static str, flow: &Flow, rows: &mut Vec<Row>) {
    let mut contestant = C::new();
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
    let outcome = rows[0].outcome.clone();
    println!("{title}, ends in {} levels, {} trades:", outcome.levels.len(), outcome.trades);
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

fn main() {
    parse::run(ROUNDS);
    let (book, matching) = (Flow::book(500_000), Flow::matching(400_000));
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
