//! The population on a matcher: it keeps track of its orders, its books stay, and it repeats.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod crowd;

use std::collections::BTreeMap;

use crowd::{Market, nifty, stocks};
use tezi_core::book::Books;
use tezi_core::matching::{Order, Refusal, Report};
use tezi_core::venue::Rate;
use tezi_core::venue::bands::PriceBand;
use tezi_core::venue::session::{OrderType, Phase};
use tezi_exchange::Action;
use tezi_exchange::population::{Listed, Population, PopulationConfig, PopulationError};
use tezi_model::{InstrumentId, Nanos, OrderId, Px, Qty, Side, StateHasher};
use tezi_testing::Random;

const FUTURE: InstrumentId = InstrumentId(0);

fn all_orders(books: &Books) -> BTreeMap<u64, (Side, Px, u32)> {
    let mut orders = BTreeMap::new();
    for instrument in (0..books.instruments_count()).map(InstrumentId) {
        for side in Side::BOTH {
            for order in books.orders(instrument, side) {
                orders.insert(order.order_id.0, (side, order.price, order.quantity.0));
            }
        }
    }
    orders
}

/// The population's view against the books, order by order, but for those of outsiders.
fn assert_same_orders(market: &Market<'_>, outsiders: &[OrderId], what: &str) {
    let mut resting = all_orders(market.matcher.books());
    let mut waiting = all_orders(market.matcher.stops());
    for outsider in outsiders {
        resting.remove(&outsider.0);
    }
    for own in market.population.open_orders() {
        let is_stop = matches!(own.order_type, OrderType::StopLimit | OrderType::StopMarket);
        if is_stop {
            // It stands at its trigger, on the other side.
            let (side, trigger, open) = waiting.remove(&own.order_id.0).unwrap();
            assert_eq!(
                (side.opposite(), trigger, open),
                (own.side, own.trigger, own.open.0),
                "{what}"
            );
            continue;
        }
        let (side, price, shown) =
            resting.remove(&own.order_id.0).unwrap_or_else(|| panic!("{what}: {own:?}"));
        let is_market = own.order_type == OrderType::Market;
        assert!(side == own.side && (is_market || price == own.price), "{what}: {own:?}");
        let is_shown =
            if own.disclosed == Qty::ZERO { shown == own.open.0 } else { shown <= own.open.0 };
        assert!(is_shown, "{what}: {own:?} shows {shown}");
    }
    assert!(resting.is_empty() && waiting.is_empty(), "{what}: {resting:?} {waiting:?}");
}

/// Something that happens from outside: a sweep, a band, a phase.
fn disturb(market: &mut Market<'_>, random: &mut Random, outsiders: &mut Vec<OrderId>) {
    let instrument = InstrumentId(random.below(41) as u32);
    let side = Side::BOTH[random.below(2) as usize];
    match random.below(6) {
        0 => {
            let order = Order {
                member: 999,
                reference: 5,
                ..Order::market(instrument, side, Qty(65 * 25))
            };
            outsiders.extend(market.matcher.submit(market.now, &order, &mut market.reports));
        }
        1 => {
            let Some(touch) = market.matcher.books().touch(instrument, side) else { return };
            let order =
                Order { member: 999, ..Order::limit(instrument, side, touch.price, Qty(65 * 3)) };
            outsiders.extend(market.matcher.submit(market.now, &order, &mut market.reports));
        }
        2 => {
            let Some(touch) = market.matcher.books().touch(instrument, side) else { return };
            let band = PriceBand::around(touch.price, Rate::from_bps(50), Px::from_paise(5));
            market.matcher.set_band(market.now, instrument, band, &mut market.reports).unwrap();
            // Half of the time nobody tells the participants, who find out by refusals.
            if random.below(2) == 0 {
                market.population.set_band(instrument, band);
            }
        }
        3 => market.set_phase(instrument, Phase::Halted),
        4 => market.set_phase(instrument, Phase::Closed),
        _ => market.set_phase(instrument, Phase::PreOpenEntry),
    }
    market.hand_on();
}

#[test]
fn the_participants_never_lose_track_of_an_order() {
    for seed in 0..4 {
        let config = PopulationConfig {
            seed,
            stop_share: 0.2,
            disclosed_share: 0.3,
            taker_share: 0.03,
            intensity: 40.0,
            orders_max: 60,
            ..PopulationConfig::default()
        };
        let mut market = Market::new(&config, &nifty());
        let mut random = Random(seed);
        let mut outsiders = Vec::new();
        for step in 0..15_000 {
            market.step(Nanos::MAX);
            if random.below(100) == 0 {
                disturb(&mut market, &mut random, &mut outsiders);
            }
            if random.below(150) == 0 {
                let instrument = InstrumentId(random.below(41) as u32);
                market.set_phase(instrument, Phase::PreOpenMatch);
                market.set_phase(instrument, Phase::Continuous);
            }
            if step < 2_000 || step % 5 == 0 {
                assert_same_orders(&market, &outsiders, &format!("seed {seed}, step {step}"));
            }
        }
        let counters = *market.population.counters();
        assert!(market.matcher.is_consistent());
        assert_eq!(counters.unmatched, 0);
        assert!(counters.crowded > 0 && counters.refused > 0, "{counters:?}");
    }
}

/// The hash of everything after a while.
fn state_after(config: &PopulationConfig, actions: u64) -> (u64, Nanos) {
    let mut market = Market::new(config, &nifty());
    while market.actions < actions {
        market.step(Nanos::MAX);
    }
    let mut hasher = StateHasher::default();
    market.matcher.hash_into(&mut hasher);
    (hasher.finish(), market.now)
}

#[test]
fn the_same_seed_gives_the_same_market() {
    let config = PopulationConfig::default();
    let first = state_after(&config, 20_000);
    assert_eq!(first, state_after(&config, 20_000));
    assert_ne!(first, state_after(&PopulationConfig { seed: 2, ..config }, 20_000));
}

/// The middle of the future, and how far it is from what the underlying is worth, as a fraction.
fn middle(market: &Market<'_>) -> Option<(f64, f64)> {
    let touch =
        |side| market.matcher.books().touch(FUTURE, side).map(|level| level.price.to_rupees());
    let middle = 0.5 * (touch(Side::Buy)? + touch(Side::Sell)?);
    let carry = 1.0 + 0.065 * 12.0 / 365.0;
    let value = market.population.value_of(FUTURE)? * carry;
    Some((middle, (middle - value).abs() / value))
}

#[test]
fn prices_do_not_run_away_and_books_do_not_empty() {
    let mut market = Market::new(&PopulationConfig::default(), &nifty());
    market.run(1_000);
    for minute in 0..60 {
        market.run(60_000);
        let (middle, off) = middle(&market).unwrap_or_else(|| panic!("minute {minute}: one side"));
        assert!((24_500.0..25_500.0).contains(&middle), "minute {minute}: {middle}");
        assert!(off < 0.001, "minute {minute}: {off}");
        let books = market.matcher.books();
        let is_whole =
            |one: &InstrumentId| Side::BOTH.iter().all(|&side| books.touch(*one, side).is_some());
        let whole = (0..41).map(InstrumentId).filter(is_whole).count();
        assert!(whole >= 35, "minute {minute}: {whole} of 41 have two sides");
        assert!(books.orders_count() < 20_000, "minute {minute}: {}", books.orders_count());
    }
    assert!(market.matcher.is_consistent());
    let counters = market.population.counters();
    assert_eq!((counters.refused, counters.crowded, counters.unmatched), (0, 0, 0), "{counters:?}");
}

#[test]
fn books_refill_after_an_outsider_swept_them() {
    let mut market = Market::new(&PopulationConfig::default(), &nifty());
    market.run(5_000);
    for (instrument, side) in
        [(FUTURE, Side::Buy), (FUTURE, Side::Sell), (InstrumentId(21), Side::Buy)]
    {
        let levels = |market: &Market<'_>| {
            market.matcher.books().levels(instrument, side.opposite()).count()
        };
        let before = levels(&market);
        while levels(&market) > 0 {
            let sweep = Order {
                time_in_force: tezi_model::TimeInForce::Ioc,
                member: 999,
                ..Order::market(instrument, side, Qty(65 * 20))
            };
            market.matcher.submit(market.now, &sweep, &mut market.reports).unwrap();
            market.hand_on();
        }
        market.run(1_000);
        let after = levels(&market);
        assert!(
            after >= 5 && after * 3 >= before,
            "{instrument:?} {side:?}: {before} then {after}"
        );
        let (_, off) = middle(&market).unwrap();
        assert!(off < 0.002, "{off}");
    }
}

#[test]
fn participants_follow_the_phases_of_the_day() {
    let listed = nifty();
    let mut market = Market::closed(
        &PopulationConfig { intensity: 50.0, ..PopulationConfig::default() },
        &listed,
    );
    market.run(2_000);
    assert_eq!(market.actions, 0, "nobody sends anything before the day");
    market.set_phase(FUTURE, Phase::PreOpenEntry);
    market.run(20_000);
    let collected = market.matcher.books().orders_count();
    assert!(collected > 50, "{collected}");
    market.set_phase(FUTURE, Phase::PreOpenLimitOnly);
    market.run(2_000);
    market.set_phase(FUTURE, Phase::PreOpenMatch);
    let actions = market.actions;
    market.run(2_000);
    assert_eq!(market.actions, actions, "an auction that matches takes nothing");
    let opening = market.matcher.last_trade(FUTURE).unwrap().to_rupees();
    assert!((24_900.0..25_150.0).contains(&opening), "{opening}");
    for one in &listed {
        market.set_phase(one.instrument, Phase::Continuous);
    }
    market.run(3_000);
    assert!(middle(&market).is_some());
    for one in &listed {
        market.set_phase(one.instrument, Phase::Closed);
    }
    let actions = market.actions;
    market.run(3_000);
    assert_eq!((market.actions, market.matcher.books().orders_count()), (actions, 0));
    let open = market.population.open_orders().count();
    assert_eq!((open, market.population.orders_count()), (0, 0));
    assert_eq!(market.population.counters().refused, 0);
}

#[test]
fn a_refused_order_is_forgotten_and_others_go_on() {
    let config = PopulationConfig::default();
    let mut market = Market::new(&config, &nifty());
    let Some(Action::Submit(order)) = first_action(&mut market) else { panic!("a maker begins") };
    assert_eq!(market.population.orders_count(), 1);
    let Order { member, reference, .. } = order;
    let refused = |member| Report::Refused {
        request: tezi_core::matching::RequestKind::New,
        time: market.now,
        order_id: OrderId(0),
        member,
        reference,
        form: tezi_core::matching::OrderForm::Regular,
        refusal: Refusal::Capacity,
    };
    let (others, ours) = (refused(999), refused(member));
    market.population.on_report(&others);
    assert_eq!((market.population.orders_count(), market.population.counters().refused), (1, 0));
    market.population.on_report(&ours);
    assert_eq!((market.population.orders_count(), market.population.counters().refused), (0, 1));
    market.population.on_report(&ours);
    assert_eq!(market.population.counters().unmatched, 1);
    market.run(2_000);
    assert!(middle(&market).is_some());
}

fn first_action(market: &mut Market<'_>) -> Option<Action> {
    loop {
        let due = market.population.next_due()?;
        if let Some(action) = market.population.poll(due, &market.matcher) {
            return Some(action);
        }
    }
}

#[test]
fn what_cannot_be_traded_is_refused_by_name() {
    let config = PopulationConfig::default();
    let refused = |change: fn(&mut Listed)| {
        let mut listed = nifty();
        change(&mut listed[7]);
        Population::new(&config, &listed).map(|_| ()).unwrap_err()
    };
    let rule = |error| match error {
        PopulationError::Listed { index: 7, rule } => rule,
        other => panic!("{other}"),
    };
    assert!(rule(refused(|one| one.terms.tick = Px::ZERO)).contains("tick"));
    assert!(rule(refused(|one| one.terms.lot = Qty(0))).contains("lot"));
    assert!(rule(refused(|one| one.terms.freeze = Some(Qty(1)))).contains("frozen"));
    assert!(rule(refused(|one| one.spot = Px(5))).contains("same for all"));
    let bad = PopulationConfig { makers: 0, ..config };
    assert!(matches!(
        Population::new(&bad, &nifty()).map(|_| ()),
        Err(PopulationError::Field { name: "makers", .. })
    ));
    assert_eq!(Population::new(&config, &[]).unwrap().next_due(), None);
}

#[test]
fn a_thousand_instruments_trade() {
    let mut listed = stocks();
    let more = stocks();
    for (number, one) in (531_u32..1_062).zip(more) {
        let underlying = one.underlying + 100;
        listed.push(Listed { instrument: InstrumentId(number), underlying, ..one });
    }
    let mut market = Market::new(&PopulationConfig::default(), &listed);
    market.run(3_000);
    let rate = market.actions as f64 / 3.0;
    // 10.7 messages a second each, and the makers' first quotes: some ten each, in three seconds.
    assert!((9_000.0..16_000.0).contains(&rate), "{rate}");
}
