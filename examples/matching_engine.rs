//! The matcher alone, as a library: no venue, no journal, no thread, no clock.
//!
//! `cargo run --release --example matching_engine`
//!
//! One future. Two sellers rest, one of them changes its order, a buyer takes, the rest is cancelled.
//! Everything the matcher says goes to a sink: here a closure that prints.

use tezi::matching::{InstrumentTerms, Matcher, MatcherConfig, Order, Refusal, Report, Target};
use tezi::model::{Nanos, Px, Qty, Segment, Side};
use tezi::venue::session::Phase;

fn main() -> Result<(), Refusal> {
    // Bounds first: after this line the matcher does not allocate.
    let mut matcher = Matcher::new(&MatcherConfig::small(Segment::NseFo));
    let future = matcher.add_instrument(&InstrumentTerms::new(Px::from_paise(10), Qty(65)))?;
    let mut sink = |report: &Report| print_report(report);
    // Time is a number of the caller's.
    matcher.set_phase(Nanos(1), future, Phase::Continuous, &mut sink)?;

    let price = |rupees: i64| Px(rupees * Px::SCALE);
    let sell = Order { member: 7, ..Order::limit(future, Side::Sell, price(22_450), Qty(130)) };
    let first = matcher.submit(Nanos(2), &sell, &mut sink)?;
    let second = matcher.submit(Nanos(3), &Order { reference: 2, ..sell }, &mut sink)?;

    // Less quantity keeps the place in the queue.
    let smaller = Order { quantity: Qty(65), ..sell };
    matcher.modify(Nanos(4), Target::new(first, 7), &smaller, &mut sink)?;

    let buy = Order { member: 8, ..Order::limit(future, Side::Buy, price(22_451), Qty(130)) };
    matcher.submit(Nanos(5), &buy, &mut sink)?;

    matcher.cancel(Nanos(6), Target::new(second, 7), &mut sink)?;

    // What is refused is said, and changes nothing.
    let refused = matcher.cancel(Nanos(7), Target::new(first, 7), &mut sink);
    assert_eq!(refused, Err(Refusal::UnknownOrder));
    assert!(matcher.books().touch(future, Side::Sell).is_none());
    println!("refused {}, last trade {:?}", matcher.refused_count(), matcher.last_trade(future));
    Ok(())
}

fn print_report(report: &Report) {
    let code = report.transaction_code().unwrap_or(0);
    match report {
        Report::Accepted(state) | Report::Modified(state) | Report::Canceled(state, _) => println!(
            "{code} order {} of member {}: {} {} at {}, {} traded",
            state.order_id, state.member, state.side, state.quantity, state.price, state.traded,
        ),
        Report::Traded(trade) => println!(
            "{code} trade {}: {} at {}, buyer {}, seller {}",
            trade.trade_id, trade.quantity, trade.price, trade.order_ids[0], trade.order_ids[1],
        ),
        Report::Refused { refusal, .. } => println!("{code} refused: {refusal}"),
        other => println!("{code} {other:?}"),
    }
}
