//! Every datagram goes through the feed handler's own decoder and arbiter into books of their own:
//! these must be the matcher's, whatever happens.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use common::*;
use tezi_core::matching::{Order, Owner, Pan, Report, SelfTrade, Target};
use tezi_core::venue::session::{OrderType, Phase};
use tezi_exchange::{Action, Exchange, ExchangeConfig, Lines, TimedEvent, VenueEvent};
use tezi_model::{EventKind, InstrumentId, Nanos, OrderId, Px, Qty, Side, TimeInForce, Token};

/// An exchange, its script, its reader, and the time, which goes on by a microsecond a request.
struct Table {
    exchange: Exchange,
    script: Script,
    reader: Reader,
    now: Nanos,
}

impl Table {
    fn open(config: &ExchangeConfig, now: Nanos) -> Self {
        let (mut exchange, script) = common::open(config);
        exchange.on_time(now);
        Self { exchange, script, reader: Reader::new(config), now }
    }

    fn act(&mut self, action: Action) -> Vec<Report> {
        self.now = self.now.plus(1_000);
        self.script.push(self.now, action);
        self.exchange.on_time(self.now);
        self.reader.read(&mut self.exchange, self.now);
        self.script.take_reports()
    }

    fn submit(&mut self, order: Order) -> OrderId {
        let reports = self.act(Action::Submit(order));
        let found = reports.iter().find_map(|report| match report {
            Report::Accepted(state) | Report::Frozen(state) => Some(state.order_id),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("refused: {reports:?}"))
    }

    fn wait(&mut self, until: Nanos) {
        // In steps, as a host would: heartbeats wait to be taken.
        while self.now < until {
            self.now = until.min(self.now.plus(600_000_000_000));
            self.exchange.on_time(self.now);
            self.reader.read(&mut self.exchange, self.now);
        }
    }

    fn same(&self, context: &str) {
        assert_same_books(&self.exchange, &self.reader, context);
    }
}

/// A table during continuous trading, what the day said so far read and forgotten.
fn open_table() -> Table {
    let mut table = Table::open(&config(), at(9, 30, 0));
    table.wait(at(9, 30, 1));
    table.reader.letters();
    table
}

#[test]
fn an_aggressor_is_shown_before_its_trades_and_a_resting_order_only_by_them() {
    let mut table = open_table();
    let sell = table.submit(order(0, Side::Sell, 2_245_000, 2));
    let buy = table.submit(order(0, Side::Buy, 2_245_005, 3));
    let events = core::mem::take(&mut table.reader.events);
    let kinds: Vec<_> = events.iter().map(|event| event.kind().unwrap()).collect();
    assert_eq!(kinds, [EventKind::OrderNew, EventKind::OrderNew, EventKind::Trade]);
    let trade = events[2];
    assert_eq!((trade.order_id, trade.sell_order_id), (buy, sell));
    assert_eq!((trade.price, trade.quantity), (paise(2_245_000), Qty(130)));
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(buy.0, 1_100_000_000_000_002);
    table.same("after a trade");
}

#[test]
fn market_orders_trade_under_no_number_and_appear_when_they_rest() {
    let mut table = open_table();
    table.submit(order(0, Side::Sell, 2_245_000, 1));
    let market =
        Order { price: Px::ZERO, order_type: OrderType::Market, ..order(0, Side::Buy, 0, 2) };
    let market = table.submit(market);
    let events = core::mem::take(&mut table.reader.events);
    let rows: Vec<_> = events[1..]
        .iter()
        .map(|event| (event.kind().unwrap(), event.order_id, event.price, event.quantity))
        .collect();
    let rests = (EventKind::OrderNew, market, paise(2_245_000), Qty(65));
    assert_eq!(rows, [(EventKind::Trade, OrderId(0), paise(2_245_000), Qty(65)), rests]);
    table.same("after a market order");
}

#[test]
fn stop_loss_orders_appear_when_triggered() {
    let mut table = open_table();
    let stop = Order {
        order_type: OrderType::StopLimit,
        trigger: paise(2_245_100),
        ..order(0, Side::Buy, 2_245_200, 1)
    };
    let stop = table.submit(stop);
    assert_eq!(table.reader.letters(), "");
    table.submit(order(0, Side::Sell, 2_245_100, 1));
    table.submit(order(0, Side::Buy, 2_245_100, 1));
    let events = core::mem::take(&mut table.reader.events);
    let last = events.last().unwrap();
    assert_eq!((last.kind(), last.order_id), (Some(EventKind::OrderModify), stop));
    table.same("after a trigger");
    table.act(Action::Cancel(Target::new(stop, 7)));
    assert_eq!(table.reader.letters(), "X");
    table.same("after its cancel");
}

#[test]
fn of_a_disclosed_order_its_part_shows_and_the_next_is_a_new_order_of_its_number() {
    let mut table = open_table();
    let iceberg = Order { disclosed: Qty(65), ..order(0, Side::Sell, 2_245_000, 3) };
    table.submit(iceberg);
    table.submit(order(0, Side::Sell, 2_245_000, 1));
    table.same("it rests");
    table.submit(order(0, Side::Buy, 2_245_000, 2));
    // The iceberg's part, its next part behind the other order, the other order.
    assert_eq!(table.reader.letters(), "NNNTNT");
    table.same("it is replenished");
    // As an aggressor it shows as much as it trades, then its part.
    table.submit(Order { disclosed: Qty(65), ..order(0, Side::Buy, 2_245_000, 5) });
    assert_eq!(table.reader.letters(), "NTNNTN");
    table.same("it arrived and rests");
    let counters = *table.reader.books.counters();
    assert_eq!((counters.overfilled, counters.side_mismatched), (0, 0));
}

#[test]
fn a_change_that_loses_its_place_is_seen_to_lose_it() {
    let mut table = open_table();
    let first = table.submit(order(0, Side::Buy, 2_244_000, 2));
    table.submit(order(0, Side::Buy, 2_244_000, 2));
    let modify = |table: &mut Table, changed: Order| {
        table.reader.letters();
        table.act(Action::Modify { target: Target::new(first, 7), order: changed });
        table.same("after a change");
        table.reader.letters()
    };
    // Less keeps the place, more and another price lose it.
    assert_eq!(modify(&mut table, order(0, Side::Buy, 2_244_000, 1)), "M");
    assert_eq!(queue(table.exchange.books(), InstrumentId(0), Side::Buy)[0].0, first.0);
    assert_eq!(modify(&mut table, order(0, Side::Buy, 2_244_000, 3)), "M");
    assert_eq!(queue(table.exchange.books(), InstrumentId(0), Side::Buy)[1].0, first.0);
    assert_eq!(modify(&mut table, order(0, Side::Buy, 2_244_005, 3)), "M");
    let iceberg = Order { disclosed: Qty(65), ..order(0, Side::Buy, 2_244_000, 3) };
    assert_eq!(modify(&mut table, iceberg), "M");
    table.submit(order(0, Side::Buy, 2_244_000, 2));
    // More of what is hidden: the place is lost, and nothing that shows has changed.
    assert_eq!(modify(&mut table, Order { quantity: Qty(65 * 4), ..iceberg }), "XN");
    let ioc = Order { time_in_force: TimeInForce::Ioc, ..order(0, Side::Buy, 2_244_000, 3) };
    assert_eq!(modify(&mut table, ioc), "X");
}

#[test]
fn an_auction_hides_its_orders_says_its_trades_and_shows_what_is_left() {
    // The future of the month has a pre-open from nine.
    let mut table = Table::open(&config(), at(8, 59, 0));
    table.wait(at(9, 1, 0));
    assert_eq!(table.exchange.phase(InstrumentId(0)), Phase::PreOpenEntry);
    table.submit(order(0, Side::Buy, 2_245_000, 3));
    table.submit(order(0, Side::Sell, 2_244_000, 1));
    table.submit(order(0, Side::Sell, 2_246_000, 1));
    assert_eq!(table.reader.letters(), "");
    table.wait(at(9, 14, 0));
    assert_eq!(table.reader.letters(), "T");
    table.wait(at(9, 15, 0));
    assert_eq!(table.reader.letters(), "NN");
    table.same("after the open");
}

#[test]
fn the_book_leaves_the_feed_before_an_auction_within_the_day() {
    let mut day = config();
    day.events = vec![TimedEvent { at: at(10, 0, 0), event: VenueEvent::Breaker(1) }];
    let mut table = Table::open(&day, at(9, 30, 0));
    table.submit(order(0, Side::Buy, 2_244_000, 1));
    let option = table.submit(order(1, Side::Buy, 19_000, 1));
    table.reader.letters();
    table.wait(at(10, 0, 0));
    assert_eq!(table.exchange.phase(InstrumentId(0)), Phase::Halted);
    let refused = table.act(Action::Submit(order(0, Side::Buy, 2_244_000, 1)));
    assert!(matches!(refused[..], [Report::Refused { .. }]), "{refused:?}");
    assert_eq!(table.reader.letters(), "");
    // Forty-five minutes, then a quarter of an hour of auction for futures.
    table.wait(at(10, 46, 0));
    assert_eq!(table.exchange.phase(InstrumentId(0)), Phase::PreOpenEntry);
    assert_eq!(table.reader.letters(), "X");
    table.submit(order(0, Side::Buy, 2_244_000, 2));
    // An option waits for the auction's end; a cancel passes meanwhile.
    table.act(Action::Cancel(Target::new(option, 7)));
    assert_eq!(table.reader.letters(), "X");
    table.wait(at(11, 0, 0));
    assert_eq!(table.reader.letters(), "NN");
    table.same("after the halt");
}

#[test]
fn a_band_cancels_what_lies_outside_and_the_end_of_the_day_everything() {
    let mut day = config();
    let (low, high) = (paise(2_200_000), paise(2_300_000));
    let band = VenueEvent::Band { token: Token(35_001), low, high };
    let unknown = VenueEvent::Band { token: Token(1), low, high };
    day.events = vec![
        TimedEvent { at: at(10, 0, 0), event: band },
        TimedEvent { at: at(10, 0, 0), event: unknown },
    ];
    let mut table = Table::open(&day, at(9, 30, 0));
    table.submit(order(0, Side::Buy, 2_190_000, 1));
    table.submit(order(0, Side::Buy, 2_244_000, 1));
    table.reader.letters();
    table.wait(at(10, 0, 0));
    assert_eq!(table.reader.letters(), "X");
    assert_eq!(table.exchange.counters().events_refused, 1);
    table.same("after the band");
    table.wait(at(15, 40, 0));
    assert_eq!(table.reader.letters(), "X");
    assert_eq!(table.exchange.books().orders_count(), 0);
    table.same("after the day");
}

#[test]
fn a_line_that_loses_is_made_good_by_the_other_and_both_leave_a_gap() {
    let mut day = config();
    let event = |at, event| TimedEvent { at, event };
    let (one, both) = (Some(1), Lines::BOTH);
    day.events = vec![
        event(at(10, 0, 0), VenueEvent::LossBegins { stream: one, lines: Lines::A }),
        event(at(10, 0, 1), VenueEvent::LossEnds { stream: one, lines: Lines::A }),
        event(at(10, 0, 2), VenueEvent::LossBegins { stream: None, lines: both }),
        event(at(10, 0, 3), VenueEvent::LossEnds { stream: None, lines: both }),
    ];
    let mut table = Table::open(&day, at(9, 59, 0));
    for second in [0, 2, 3] {
        table.wait(at(10, 0, second));
        table.submit(order(0, Side::Buy, 2_244_000 + 5 * second, 1));
        if second == 0 {
            table.same("one line is enough");
        }
    }
    table.reader.give_up(at(10, 0, 10));
    let gaps = table.reader.events.iter().filter(|event| event.fault().is_some()).count();
    assert_eq!(gaps, 1);
    assert_eq!(table.exchange.books().orders_count(), 3);
    assert_eq!(queue(&table.reader.books, InstrumentId(0), Side::Buy).len(), 2);
}

#[test]
fn a_stream_that_begins_anew_says_what_rests() {
    let mut day = config();
    day.events = vec![TimedEvent { at: at(10, 0, 0), event: VenueEvent::StreamRestart(1) }];
    let mut table = Table::open(&day, at(9, 30, 0));
    for price in [2_244_000, 2_244_005, 2_244_000] {
        table.submit(order(0, Side::Buy, price, 1));
    }
    table.submit(order(1, Side::Sell, 20_000, 1));
    table.reader.letters();
    table.wait(at(10, 0, 0));
    assert_eq!(table.reader.letters(), "RNNN");
    table.same("after the restart");
    let sequences: Vec<_> = table.exchange.streams().map(|state| state.last_sequence).collect();
    assert_eq!(sequences, [3, 1]);
}

#[test]
fn a_silent_stream_says_that_it_lives_and_a_trade_can_be_taken_back() {
    let mut day = config();
    day.events = vec![TimedEvent { at: at(10, 0, 0), event: VenueEvent::TradeCancel(1) }];
    let mut table = Table::open(&day, at(9, 59, 50));
    table.submit(order(0, Side::Sell, 2_245_000, 1));
    table.submit(order(0, Side::Buy, 2_245_000, 1));
    table.reader.letters();
    table.wait(at(10, 0, 0));
    assert_eq!(table.reader.letters(), "C");
    let before = table.reader.datagrams;
    let due = table.exchange.next_due();
    assert!(due <= at(10, 0, 2), "{due}");
    table.wait(at(10, 0, 10));
    // Two streams, every two seconds, over ten.
    let heartbeats = table.reader.datagrams - before;
    assert!((8..=11).contains(&heartbeats), "{heartbeats}");
    assert_eq!(table.reader.letters(), "");
}

/// A random order of any kind.
fn random_order(rng: &mut Random) -> Order {
    let instrument = rng.below(3) as u32;
    let side = if rng.one_in(2) { Side::Buy } else { Side::Sell };
    let middle = [2_245_000, 20_000, 2_256_000][instrument as usize];
    let price = middle + 5 * (rng.below(21) as i64 - 10);
    let mut order = order(instrument, side, price, 1 + rng.below(6) as u32);
    match rng.below(12) {
        0 => (order.order_type, order.price) = (OrderType::Market, Px::ZERO),
        1 | 2 => {
            let away = 5 * rng.below(8) as i64;
            order.order_type = OrderType::StopLimit;
            order.trigger = order.price;
            order.price = match side {
                Side::Buy => order.price + paise(away),
                Side::Sell => order.price - paise(away),
            };
        }
        3 if instrument != 1 => order.order_type = OrderType::StopMarket,
        _ => {}
    }
    if order.order_type == OrderType::StopMarket {
        order.trigger = order.price;
    }
    if rng.one_in(8) {
        order.time_in_force = TimeInForce::Ioc;
    } else if rng.one_in(3) {
        order.disclosed = Qty(65 * (1 + rng.below(2) as u32));
    }
    if rng.one_in(3) {
        let pan = ["ABCDE1234F", "VWXYZ9876K"][rng.below(2) as usize];
        order.owner = Owner { pan: Pan::parse(pan).unwrap(), ..Owner::default() };
        order.self_trade =
            if rng.one_in(2) { SelfTrade::CancelActive } else { SelfTrade::CancelPassive };
    }
    order
}

#[test]
fn random_days_read_from_the_feed_are_the_matchers() {
    for seed in 1..=6 {
        let mut rng = Random(seed);
        let mut day = config();
        day.freeze.approves = seed % 2 == 0;
        day.freeze.after_ns = 20_000;
        day.listings[0].instrument.freeze_quantity = Qty(65 * 5);
        let mut table = Table::open(&day, at(9, 20, 0));
        let mut live: Vec<(OrderId, Order)> = Vec::new();
        let (mut letters, mut trades) = (String::new(), 0);
        for step in 0..4_000 {
            let action = match rng.below(10) {
                0..=4 => Action::Submit(random_order(&mut rng)),
                kind if live.is_empty() || kind == 9 => Action::Submit(random_order(&mut rng)),
                5..=7 => {
                    let (id, was) = live[rng.below(live.len() as u64) as usize];
                    let mut order = random_order(&mut rng);
                    order = Order {
                        instrument: was.instrument,
                        side: was.side,
                        owner: was.owner,
                        self_trade: was.self_trade,
                        ..order
                    };
                    if rng.one_in(2) {
                        (order.price, order.order_type) = (was.price, was.order_type);
                        (order.trigger, order.disclosed) = (was.trigger, was.disclosed);
                    }
                    Action::Modify { target: Target::new(id, 7), order }
                }
                _ => {
                    let at = rng.below(live.len() as u64) as usize;
                    Action::Cancel(Target::new(live.swap_remove(at).0, 7))
                }
            };
            for report in table.act(action) {
                match (report, action) {
                    (Report::Accepted(state), Action::Submit(order)) => {
                        live.push((state.order_id, order));
                    }
                    (Report::Traded(_), _) => trades += 1,
                    _ => {}
                }
            }
            if live.len() > 200 {
                live.remove(0);
            }
            letters.push_str(&table.reader.letters());
            table.same(&format!("seed {seed}, step {step}, {action:?}"));
        }
        assert!(trades > 300, "seed {seed}: {trades} trades");
        for letter in ['N', 'M', 'X', 'T'] {
            assert!(letters.contains(letter), "seed {seed}: no {letter}");
        }
        let counters = *table.reader.books.counters();
        assert_eq!((counters.overfilled, counters.side_mismatched, counters.moved), (0, 0, 0));
        assert_eq!(table.exchange.counters().datagrams_lost, 0);
        assert!(table.exchange.matcher().is_consistent());
    }
}
