//! Two members with real sessions trade a day with each other and with the background: what each
//! believes of its orders must be what the exchange has.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use common::world::*;
use common::*;
use tezi_core::matching::Report;
use tezi_exchange::{Action, Exchange, GatewayFaults, TimedEvent, VenueEvent};
use tezi_gateway::nnf::{DynamicIvOrder, Encryption, NoticeKind, Underlying};
use tezi_model::{CommandKind, InstrumentId, OrderId, Qty, Side, Token};

#[test]
fn two_members_trade_with_each_other_in_every_encryption() {
    for encryption in
        [Encryption::Plain, Encryption::Existing, Encryption::New(DynamicIvOrder::BigEndian)]
    {
        let mut world = World::open(&two_boxes(encryption), at(9, 14, 0));
        assert!(world.desks.iter().all(|desk| desk.session.is_live()), "{encryption:?}");
        world.wait(at(9, 15, 1));
        let now = world.now;
        let sell = world.desks[0].enter(0, Side::Sell, 2_245_000, 2, now);
        world.settle();
        world.desks[1].enter(0, Side::Buy, 2_245_010, 3, world.now);
        world.settle();
        let (seller, buyer) = (world.desks[0].beliefs[&sell], world.last(1));
        assert_eq!((seller.filled, seller.is_open), (130, false));
        assert_eq!((buyer.filled, buyer.quantity, buyer.is_open), (130, 195, true));
        world.assert_agreed("after a trade");
        assert_same_books(&world.exchange, &world.reader, "after a trade");
        let trade = world.exchange.trades().next_back().unwrap();
        assert_eq!((trade.price, trade.quantity), (paise(2_245_000), Qty(130)));
        // The buyer changes what is left, then cancels it.
        let id = world.desks[1].next - 1;
        world.desks[1].change(id, CommandKind::Replace, Side::Buy, (2_244_000, 260), world.now);
        world.settle();
        assert_eq!((world.last(1).price, world.last(1).quantity), (paise(2_244_000).0, 260));
        world.assert_agreed("after a change");
        world.desks[1].change(id, CommandKind::Cancel, Side::Buy, (2_244_000, 260), world.now);
        world.settle();
        assert!(!world.last(1).is_open);
        world.assert_agreed("after a cancel");
        assert_same_books(&world.exchange, &world.reader, "after a cancel");
    }
}

#[test]
fn refusals_carry_the_exchanges_numbers() {
    let mut world = World::open(&two_boxes(Encryption::Plain), at(9, 30, 0));
    // Tick, lot price band, limit price protection.
    for (price, lots, code) in
        [(2_245_001, 1, 16_283), (2_480_000, 1, 17_070), (1_000_000, 1, 16_284)]
    {
        world.desks[0].enter(0, Side::Buy, price, lots, world.now);
        world.settle();
        assert_eq!((world.last(0).reason, world.last(0).is_open), (code, false), "{price}");
    }
    let views: Vec<_> = world.exchange.boxes().collect();
    assert_eq!((views[0].activity.requests, views[0].activity.refused), (3, 3));
    assert_eq!(world.exchange.counters().refused, 3);
    assert_eq!(world.reader.letters(), "");
}

#[test]
fn a_self_trade_cancels_the_resting_order_and_says_so() {
    let mut world = World::open(&two_boxes(Encryption::Plain), at(9, 30, 0));
    let first = world.desks[0].enter(0, Side::Sell, 2_245_000, 1, world.now);
    world.settle();
    world.desks[0].enter(0, Side::Buy, 2_245_000, 1, world.now);
    world.settle();
    let resting = world.desks[0].beliefs[&first];
    assert_eq!((resting.is_open, resting.reason), (false, 17_071));
    world.assert_agreed("after a self trade");
    assert_eq!(world.reader.letters(), "NNX");
}

#[test]
fn above_the_freeze_quantity_the_exchange_decides() {
    for approves in [true, false] {
        let mut day = two_boxes(Encryption::Plain);
        day.listings[0].instrument.freeze_quantity = Qty(65 * 10);
        (day.freeze.approves, day.freeze.after_ns) = (approves, 50 * MILLISECOND);
        let mut world = World::open(&day, at(9, 30, 0));
        let id = world.desks[0].enter(0, Side::Buy, 2_245_000, 11, world.now);
        world.settle();
        assert_eq!(world.desks[0].notices, [NoticeKind::Frozen]);
        assert_eq!(world.reader.letters(), "");
        world.settle();
        let belief = world.desks[0].beliefs[&id];
        assert_eq!(belief.is_open, approves);
        if !approves {
            assert_eq!(belief.reason, 16_307);
        }
        world.assert_agreed("after the decision");
        assert_same_books(&world.exchange, &world.reader, "after the decision");
    }
}

#[test]
fn kill_switch_logoff_and_the_close_cancel_orders() {
    let mut world = World::open(&two_boxes(Encryption::Plain), at(9, 30, 0));
    for desk in 0..2 {
        for (instrument, price) in [(0, 2_244_000), (0, 2_244_100), (1, 19_000)] {
            world.desks[desk].enter(instrument, Side::Buy, price, 1, world.now);
        }
    }
    world.settle();
    world.desks[1].session.kill_switch(Some(InstrumentId(0)), world.now).unwrap();
    world.settle();
    let open = |world: &World, desk: usize| {
        world.desks[desk].beliefs.values().filter(|belief| belief.is_open).count()
    };
    assert_eq!((open(&world, 0), open(&world, 1)), (3, 1));
    world.assert_agreed("after the kill switch");
    // The first desk's orders go when its user goes; it hears so when it is back.
    world.exchange.on_disconnected(0, world.now);
    world.desks[0].is_connected = false;
    world.desks[0].session.on_disconnected(world.now);
    assert_eq!(world.exchange.counters().canceled_on_logoff, 3);
    world.wait(world.now.plus(5_000 * MILLISECOND));
    assert!(world.desks[0].session.is_live());
    assert_eq!((open(&world, 0), open(&world, 1)), (0, 1));
    world.assert_agreed("after the logoff");
    world.desks[0].enter(0, Side::Buy, 2_244_000, 1, world.now);
    world.settle();
    // The close comes as an event here, so that the test need not live through the day.
    assert_eq!(world.exchange.books().orders_count(), 2);
    world.assert_agreed("before the close");
    assert_same_books(&world.exchange, &world.reader, "before the close");
}

#[test]
fn contracts_that_expire_end_with_a_batch_of_cancels() {
    let mut day = two_boxes(Encryption::Plain);
    day.listings[1].instrument.expiry = at(15, 30, 0);
    day.events = vec![TimedEvent { at: at(9, 30, 10), event: VenueEvent::Expiry }];
    let mut world = World::open(&day, at(9, 30, 0));
    // The client's own contract has another expiry: the exchange does not know it.
    world.desks[0].enter(1, Side::Buy, 19_000, 1, world.now);
    world.settle();
    assert_eq!(world.last(0).reason, 16_012);
    let listing = &day.listings[1];
    world.desks[0].session.define(InstrumentId(1), &listing.instrument, Underlying::Index).unwrap();
    world.desks[0].enter(1, Side::Buy, 19_000, 1, world.now);
    world.settle();
    assert!(world.last(0).is_open);
    world.wait(at(9, 30, 11));
    assert_eq!((world.last(0).is_open, world.last(0).reason), (false, 16_388));
    world.assert_agreed("after the expiry");
}

/// A day of random requests over gateways that lose answers, break, and are slow.
#[test]
fn members_learn_the_truth_through_faulty_gateways() {
    let faults = [
        GatewayFaults::default(),
        GatewayFaults { drop_answers_per_million: 100_000, ..GatewayFaults::default() },
        GatewayFaults { disconnect_after: 9, ..GatewayFaults::default() },
        GatewayFaults { delay_ns: 3 * MILLISECOND, ..GatewayFaults::default() },
        GatewayFaults { drop_answers_per_million: 50_000, disconnect_after: 17, delay_ns: 700_000 },
    ];
    for (seed, faults) in faults.into_iter().enumerate() {
        let mut rng = Random(seed as u64);
        let mut day =
            two_boxes(if seed % 2 == 0 { Encryption::Plain } else { Encryption::Existing });
        day.boxes.iter_mut().for_each(|own| own.faults = faults);
        let mut world = World::open(&day, at(9, 30, 0));
        for step in 0..400 {
            if step % 5 == 0 {
                let price = 2_245_000 + 5 * (rng.below(9) as i64 - 4);
                let side = if rng.one_in(2) { Side::Buy } else { Side::Sell };
                world.script.push(world.now, Action::Submit(order(0, side, price, 2)));
            }
            let now = world.now;
            let desk = &mut world.desks[rng.below(2) as usize];
            if desk.session.is_live() {
                let open: Vec<u64> = desk
                    .session
                    .open_orders()
                    .filter(|(_, order_id, _, waits)| order_id.0 != 0 && !waits)
                    .map(|(id, ..)| id.0)
                    .collect();
                let price = 2_245_000 + 5 * (rng.below(9) as i64 - 4);
                if open.is_empty() || rng.one_in(2) {
                    let side = if rng.one_in(2) { Side::Buy } else { Side::Sell };
                    desk.enter(0, side, price, 1 + rng.below(3) as u32, now);
                } else {
                    let id = open[rng.below(open.len() as u64) as usize];
                    let quantity = desk.beliefs[&id].filled + 65 * (1 + rng.below(3) as u32);
                    let kind =
                        if rng.one_in(2) { CommandKind::Replace } else { CommandKind::Cancel };
                    let side = side_of(&world.exchange, desk.beliefs[&id].order_id);
                    desk.change(id, kind, side, (price, quantity), now);
                }
            }
            for _ in 0..rng.below(30) {
                world.pass(MILLISECOND / 10);
            }
        }
        // Everything comes to rest: lost answers are looked for by download.
        for _ in 0..20 {
            let until = world.now.plus(3_000 * MILLISECOND);
            world.wait(until);
        }
        let context = format!("seed {seed}, {faults:?}");
        world.assert_agreed(&context);
        assert_same_books(&world.exchange, &world.reader, &context);
        let counters = world.exchange.counters();
        assert!(counters.trades > 20, "{context}: {counters:?}");
        let trades: Vec<_> = world.script.take_reports();
        let traded = trades.iter().filter(|report| matches!(report, Report::Traded(_))).count();
        assert_eq!(traded as u64, counters.trades, "{context}");
    }
}

fn side_of(exchange: &Exchange, order_id: u64) -> Side {
    let order = exchange.books().order(FO, OrderId(order_id));
    order.map_or(Side::Buy, |order| order.side)
}

#[test]
fn the_same_day_gives_the_same_bytes() {
    let run = || {
        let mut world = World::open(&two_boxes(Encryption::Existing), at(9, 30, 0));
        for step in 0..50_i64 {
            let side = if step % 2 == 0 { Side::Buy } else { Side::Sell };
            world.desks[(step % 3 % 2) as usize].enter(
                0,
                side,
                2_245_000 + 5 * (step % 7),
                1,
                world.now,
            );
            world.settle();
        }
        let mut hasher = tezi_model::StateHasher::default();
        world.exchange.hash_into(&mut hasher);
        (hasher.finish(), format!("{:?}", world.reader.events))
    };
    assert_eq!(run(), run());
    assert_eq!(Token(35_001), listings()[0].instrument.token);
}
