//! The spread books of 3,000 consecutive messages of a real session, through the core: against a
//! reckoning that goes by numbers of orders alone. The data is private: `TEZI_CAPTURES` says where it
//! lies, and without it nothing is checked here.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytemuck::Zeroable;
use tezi_core::pricing::Reference;
use tezi_core::strategy::Watch;
use tezi_core::{Core, CoreConfig};
use tezi_model::{
    Event, EventKind, InstrumentId, MarketFlags, Nanos, OrderId, Px, Qty, Segment, Side, StreamId,
    Token,
};

/// A file of the capture set, `None` when there is none.
fn read(name: &str) -> Option<String> {
    let folder = PathBuf::from(std::env::var_os("TEZI_CAPTURES")?);
    let path = folder.join("nse_mtbt").join(name);
    Some(std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}")))
}

/// The event of a row `stream,seq,type,time,id,sell_id,token,side,price,quantity`.
fn event(line: &str) -> Event {
    let cells: Vec<_> = line.split(',').collect();
    let number = |cell: usize| cells[cell].parse::<i64>().unwrap_or(0);
    let kind = match cells[2] {
        "N" => EventKind::OrderNew,
        "M" => EventKind::OrderModify,
        "X" => EventKind::OrderCancel,
        "T" => EventKind::Trade,
        "G" => EventKind::SpreadOrderNew,
        "H" => EventKind::SpreadOrderModify,
        "J" => EventKind::SpreadOrderCancel,
        "K" => EventKind::SpreadTrade,
        other => panic!("a row of type {other}"),
    };
    Event {
        kind_code: kind as u8,
        flags: if cells[7] == "S" { MarketFlags::SELL } else { 0 },
        stream: StreamId::new(Segment::NseFo, number(0) as u16),
        token: Token(number(6) as u32),
        sequence: number(1) as u32,
        receive_time: Nanos(number(1)),
        quantity: Qty(number(9) as u32),
        price: Px::from_paise(number(8)),
        order_id: OrderId(number(4).unsigned_abs()),
        sell_order_id: OrderId(number(5).unsigned_abs()),
        ..Event::zeroed()
    }
}

/// What rests of each spread order: the token it buys and the one it sells, price, quantity.
fn reckon(events: &[Event]) -> BTreeMap<OrderId, ([Token; 2], Px, u32)> {
    let mut resting: BTreeMap<OrderId, ([Token; 2], Px, u32)> = BTreeMap::new();
    for event in events {
        let id = event.order_id;
        match event.kind().unwrap() {
            EventKind::SpreadOrderNew | EventKind::SpreadOrderModify => {
                let order = resting.entry(id).or_default();
                order.0[event.side() as usize] = event.token;
                (order.1, order.2) = (event.price, event.quantity.0);
            }
            EventKind::SpreadOrderCancel => drop(resting.remove(&id)),
            EventKind::SpreadTrade => {
                // Each order buys one of the two legs: so each is reduced once.
                let left = resting.get(&id).map(|order| order.2.saturating_sub(event.quantity.0));
                match left {
                    Some(0) => drop(resting.remove(&id)),
                    Some(left) => resting.get_mut(&id).unwrap().2 = left,
                    None => {}
                }
            }
            _ => {}
        }
    }
    resting
}

#[test]
fn the_spread_books_of_a_real_session_hold_what_its_orders_say() {
    let (Some(decoded), Some(expected)) =
        (read("first3000.decoded.csv"), read("first3000.final_book.csv"))
    else {
        println!("skipped: TEZI_CAPTURES is not set");
        return;
    };
    let events: Vec<_> = decoded.lines().skip(1).map(event).collect();
    let mut core = Core::new(&CoreConfig::default(), Watch, Reference).unwrap();
    for event in &events {
        core.on_event(event.receive_time, event);
    }
    let counters = core.counters();
    assert!(counters.spread_events > 0 && counters.spread_legs_given_up == 0, "{counters:?}");

    let table = core.instruments();
    let spreads: Vec<_> =
        table.iter().filter(|(_, state)| state.definition.legs().is_some()).collect();
    assert!(!spreads.is_empty());
    let mut held = BTreeMap::new();
    for &(id, state) in &spreads {
        let [near, far] = state.definition.legs().unwrap();
        for side in Side::BOTH {
            let tokens = if side == Side::Buy { [far, near] } else { [near, far] };
            for order in core.books().orders(id, side) {
                held.insert(order.order_id, (tokens, order.price, order.quantity.0));
            }
        }
    }
    assert_eq!(held, reckon(&events));

    // What traded is the difference of the legs' prices: the far one's message follows the near one's.
    let trades: Vec<_> =
        events.iter().filter(|event| event.kind() == Some(EventKind::SpreadTrade)).collect();
    for pair in trades.chunks(2) {
        let spread = table.find_spread(Segment::NseFo, pair[0].token, pair[1].token).unwrap();
        assert_eq!(core.last_trade(spread), Some(pair[1].price - pair[0].price));
        assert!(core.volume(spread) >= u64::from(pair[0].quantity.0));
    }

    // And the outright books are as if there were no spreads.
    let outright = |id: InstrumentId| !spreads.iter().any(|&(spread, _)| spread == id);
    let mut lines = 0;
    for (id, state) in table.iter().filter(|&(id, _)| outright(id)) {
        for side in Side::BOTH {
            for (number, level) in (1..).zip(core.books().levels(id, side)) {
                let (token, letter) = (state.definition.token, side.letter());
                let paise = level.price.to_paise().unwrap();
                let (quantity, orders) = (level.quantity, level.orders);
                let line = format!("{token},{letter},{number},{paise},{quantity},{orders}");
                assert!(expected.lines().any(|other| other == line), "{line}");
                lines += 1;
            }
        }
    }
    assert_eq!(lines, expected.lines().skip(1).count());
}
