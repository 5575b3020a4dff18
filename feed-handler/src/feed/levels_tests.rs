//! Levels by script, and by seeded pictures against a naive map.

use std::collections::BTreeMap;

use tezi_model::{
    Event, EventKind, MarketFlags, Nanos, Px, Segment, Side, StreamId, Token, TradingStatus,
};

use super::samples::{Random, ten};
use super::*;
use crate::Line;

const CONTEXT: LevelContext = LevelContext {
    stream: StreamId::new(Segment::NseFo, 0),
    line: Line::A,
    receive_time: Nanos(77),
};

fn picture(token: u32, seconds: i64, volume: u64, sides: [&[(i64, u64)]; 2]) -> Picture {
    let side = |levels: &[(i64, u64)]| {
        let mut side = [PriceLevel::default(); LEVELS_MAX];
        for (to, &(price, quantity)) in side.iter_mut().zip(levels) {
            *to = PriceLevel { price: Px(price), quantity };
        }
        side
    };
    Picture {
        token: Token(token),
        time: ten().plus(seconds * 1_000_000_000),
        volume,
        last_price: Px(500),
        status: None,
        levels: sides.map(side),
    }
}

struct Script {
    books: LevelBooks,
    rows: Vec<String>,
}

impl Script {
    fn new(config: LevelConfig) -> Self {
        Self { books: LevelBooks::new(&config), rows: Vec::new() }
    }

    fn show(&mut self, picture: &Picture) -> LevelOutcome {
        let rows = &mut self.rows;
        let outcome = self.books.on_picture(picture, &CONTEXT, &mut |event| rows.push(row(event)));
        assert!(self.books.is_consistent());
        outcome
    }

    fn rows(&mut self) -> Vec<String> {
        std::mem::take(&mut self.rows)
    }
}

fn row(event: &Event) -> String {
    let has_more = event.flags & MarketFlags::MORE_IN_PACKET != 0;
    assert_eq!((event.stream, event.receive_time), (CONTEXT.stream, Nanos(77)));
    if event.kind() == Some(EventKind::TradingStatus) {
        let status = TradingStatus::from_code(event.quantity.0).unwrap();
        return format!("{} {}{}", event.token, status.name(), if has_more { " +" } else { "" });
    }
    assert!(event.flags & MarketFlags::LEVEL != 0);
    format!(
        "{} {} {:x} {}x{}{}",
        event.kind().unwrap().name(),
        event.side().letter(),
        event.order_id.0,
        event.quantity,
        event.price.0,
        if has_more { " +" } else { "" }
    )
}

#[test]
fn the_difference_of_two_pictures_is_told_and_no_more() {
    let mut script = Script::new(LevelConfig::default());
    let first = picture(0x35, 0, 900, [&[(100, 5), (99, 6)], &[(101, 7)]]);
    assert_eq!(script.show(&first), LevelOutcome::Shown);
    let rows = ["order_new B 3500 5x100 +", "order_new B 3501 6x99 +", "order_new S 3580 7x101"];
    assert_eq!(script.rows(), rows, "what traded before the first picture is not told");
    assert_eq!(script.show(&first), LevelOutcome::Unchanged);
    assert_eq!(script.rows(), [""; 0]);

    let second = picture(0x35, 1, 950, [&[(101, 1), (99, 9)], &[(102, 3), (103, 4)]]);
    assert_eq!(script.show(&second), LevelOutcome::Shown);
    let rows = [
        "trade B 0 50x500 +",
        "order_cancel B 3500 5x100 +",
        "order_cancel S 3580 7x101 +",
        "order_new B 3500 1x101 +",
        "order_modify B 3501 9x99 +",
        "order_new S 3580 3x102 +",
        "order_new S 3581 4x103",
    ];
    assert_eq!(script.rows(), rows);
    let levels: Vec<_> = script.books.levels(Token(0x35), Side::Sell).collect();
    assert_eq!(
        levels.iter().map(|(px, qty)| (px.0, qty.0)).collect::<Vec<_>>(),
        [(102, 3), (103, 4)]
    );

    for older in [first, picture(0x35, 1, 949, [&[], &[]])] {
        assert_eq!(script.show(&older), LevelOutcome::Older);
    }
    assert_eq!(script.rows(), [""; 0]);
    let counters = *script.books.counters();
    assert_eq!((counters.shown, counters.unchanged, counters.older), (2, 1, 2));
}

#[test]
fn what_an_event_cannot_hold_is_cut_and_counted() {
    let mut script = Script::new(LevelConfig::default());
    script.show(&picture(1, 0, 0, [&[(100, u64::MAX), (99, 1), (99, 2)], &[]]));
    let max = u32::MAX;
    assert_eq!(
        script.rows(),
        [format!("order_new B 100 {max}x100 +"), "order_new B 101 3x99".into()]
    );
    script.show(&picture(1, 1, 1 << 33, [&[(100, 1 << 32)], &[]]));
    assert_eq!(script.rows(), [format!("trade B 0 {max}x500 +"), "order_cancel B 101 3x99".into()]);
    assert_eq!(script.books.counters().saturated, 3);
    // A day's volume that falls is a new day's, or a mistake: no trade.
    script.show(&picture(1, 2, 10, [&[(100, 1 << 32)], &[]]));
    script.show(&Picture { last_price: Px::ZERO, ..picture(1, 3, 12, [&[], &[]]) });
    assert_eq!(script.rows(), [format!("order_cancel B 100 {max}x100")]);
    let counters = *script.books.counters();
    assert_eq!((counters.volume_fell, counters.trades_without_price), (1, 1));
}

#[test]
fn bounds_and_wild_times_are_refused_and_counted() {
    let config = LevelConfig { instruments_max: 2, ..LevelConfig::default() };
    let mut script = Script::new(config);
    let bid: [&[(i64, u64)]; 2] = [&[(100, 5)], &[]];
    for token in [7, 9, 7] {
        assert_ne!(script.show(&picture(token, 0, 0, bid)), LevelOutcome::Refused);
    }
    for token in [8, 0] {
        assert_eq!(script.show(&picture(token, 0, 0, bid)), LevelOutcome::Refused);
    }
    assert_eq!(
        (script.books.instrument_count(), script.books.counters().instruments_refused),
        (2, 2)
    );
    // A time two hours ahead needs a second one near it.
    assert_eq!(script.show(&picture(7, 7_200, 0, [&[], &[]])), LevelOutcome::Refused);
    assert_eq!(script.show(&picture(7, 1, 0, [&[(100, 6)], &[]])), LevelOutcome::Shown);
    assert_eq!(script.show(&picture(7, 7_201, 0, [&[], &[]])), LevelOutcome::Shown);
    assert_eq!(script.books.counters().implausible, 1);
}

#[test]
fn a_status_is_told_when_it_changes() {
    let mut script = Script::new(LevelConfig::default());
    let say =
        |seconds, status| Picture { status: Some(status), ..picture(3, seconds, 0, [&[], &[]]) };
    for (seconds, status) in [
        (0, TradingStatus::PreOpen),
        (1, TradingStatus::PreOpen),
        (5, TradingStatus::Open),
        (4, TradingStatus::PreOpen),
        (6, TradingStatus::Halted),
    ] {
        script.show(&say(seconds, status));
    }
    assert_eq!(script.rows(), ["3 pre_open", "3 open", "3 halted"]);
}

/// What a naive reader holds: by order id, the order; and what each instrument last showed.
#[derive(Default)]
struct Naive {
    orders: BTreeMap<u64, (u32, Side, i64, u32)>,
    accepted: BTreeMap<u32, Picture>,
    traded: BTreeMap<u32, u64>,
}

impl Naive {
    fn on_event(&mut self, event: &Event) {
        let order = (event.token.0, event.side(), event.price.0, event.quantity.0);
        match event.kind().unwrap() {
            EventKind::OrderNew => {
                assert_ne!(event.order_id.0, 0);
                assert_eq!(self.orders.insert(event.order_id.0, order), None);
            }
            EventKind::OrderModify => {
                let before = self.orders.insert(event.order_id.0, order).unwrap();
                assert_eq!((before.0, before.1, before.2), (order.0, order.1, order.2));
                assert_ne!(before.3, order.3);
            }
            EventKind::OrderCancel => {
                let before = self.orders.remove(&event.order_id.0);
                assert_eq!(before, Some(order));
            }
            EventKind::Trade => {
                assert!(event.order_id.is_none() && event.sell_order_id.is_none());
                *self.traded.entry(event.token.0).or_default() += u64::from(event.quantity.0);
            }
            kind => panic!("{kind:?}"),
        }
    }

    /// Whether the picture is no older than what is shown.
    fn accepts(&mut self, picture: &Picture) -> bool {
        let before = self.accepted.get(&picture.token.0);
        let is_newer = before.is_none_or(|before| {
            (before.time, 0) < (picture.time, 0)
                || before.time == picture.time && before.volume <= picture.volume
        });
        if is_newer {
            self.accepted.insert(picture.token.0, *picture);
        }
        is_newer
    }

    /// The book a picture means, as a map from side and price to quantity.
    fn book_of(picture: &Picture) -> BTreeMap<(u8, i64), u32> {
        let mut book = BTreeMap::new();
        for side in Side::BOTH {
            for level in &picture.levels[side as usize] {
                let sum: &mut u64 = book.entry((side as u8, level.price.0)).or_default();
                *sum = sum.saturating_add(level.quantity);
            }
        }
        book.into_iter()
            .filter(|(_, quantity)| *quantity > 0)
            .map(|(key, quantity)| (key, u32::try_from(quantity).unwrap_or(u32::MAX)))
            .collect()
    }
}

#[test]
fn the_books_of_the_events_are_the_last_pictures() {
    for seed in 0..40 {
        let mut random = Random(seed);
        let mut books =
            LevelBooks::new(&LevelConfig { instruments_max: 64, ..LevelConfig::default() });
        let mut naive = Naive::default();
        let mut volumes = [0; 12];
        for step in 0..1_500_i64 {
            let token = 1 + random.below(12) as u32;
            let volume = &mut volumes[token as usize - 1];
            *volume += random.below(3) * random.below(50);
            let mut side = |base: i64, step: i64| -> Vec<(i64, u64)> {
                let level = |n: i64| {
                    let price = if random.below(30) == 0 { base } else { base + step * n };
                    let huge = random.below(60) == 0;
                    (price, if huge { random.next() } else { random.below(5) })
                };
                (0..5).map(level).collect()
            };
            let middle = 100 + (step / 10) % 7;
            let sides = [side(middle, -1), side(middle + 1, 1)];
            // Some come late, from the other line.
            let late = if random.below(8) == 0 { random.below(4) as i64 } else { 0 };
            let volume = volume.saturating_sub(if late > 0 { random.below(9) } else { 0 });
            let picture = picture(token, step / 4 - late, volume, [&sides[0], &sides[1]]);
            let outcome = books.on_picture(&picture, &CONTEXT, &mut |event| naive.on_event(event));
            let is_shown = matches!(outcome, LevelOutcome::Shown | LevelOutcome::Unchanged);
            assert_eq!(is_shown, naive.accepts(&picture), "seed {seed} step {step}");
            let shown = naive.orders.values().filter(|order| order.0 == token);
            let book: BTreeMap<_, _> =
                shown.map(|&(_, side, price, quantity)| ((side as u8, price), quantity)).collect();
            assert_eq!(book, Naive::book_of(&naive.accepted[&token]), "seed {seed} step {step}");
        }
        assert!(books.is_consistent());
        let counters = books.counters();
        assert_eq!(counters.shown + counters.unchanged + counters.older, 1_500, "seed {seed}");
        assert!(counters.older > 20 && counters.saturated > 0, "seed {seed}");
        for (token, picture) in &naive.accepted {
            let count = naive.orders.values().filter(|order| order.0 == *token).count();
            let shown: usize =
                Side::BOTH.map(|s| books.levels(Token(*token), s).count()).iter().sum();
            assert_eq!((count, shown), (Naive::book_of(picture).len(), count), "seed {seed}");
        }
    }
}
