//! The five-level feed: what our own reader makes of its datagrams is the exchange's books, its last
//! trades and the day's prices.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::collections::BTreeMap;

use common::*;
use tezi_core::matching::{Order, Report, TradeKind};
use tezi_core::venue::Date;
use tezi_core::venue::session::OrderType;
use tezi_exchange::{Action, BroadcastConfig, Exchange, ExchangeConfig, NoBackground};
use tezi_feed_handler::wire::nse_broadcast::{
    DATAGRAM_SIZE_MAX, DepthBook, LEAD_SIZE, MESSAGE_SIZE_MAX, MarketByPrice, MarketByPriceForm,
    Reader, SecurityStatus, Update, packets,
};
use tezi_model::{InstrumentId, Px, Side, TimeInForce};

const SECOND: i64 = 1_000_000_000;

fn day(form: Option<MarketByPriceForm>) -> ExchangeConfig {
    let broadcast = BroadcastConfig { form, ..BroadcastConfig::default() };
    ExchangeConfig { broadcast: Some(broadcast), ..config() }
}

/// What a listener has heard: a book a token.
struct Listener {
    reader: Reader,
    books: BTreeMap<u32, DepthBook>,
    last: Vec<MarketByPrice>,
}

impl Listener {
    fn new() -> Self {
        Self { reader: Reader::new(), books: BTreeMap::new(), last: Vec::new() }
    }

    /// Reads what waits; how many datagrams.
    fn read(&mut self, exchange: &mut Exchange) -> usize {
        let mut buffer = [0; DATAGRAM_SIZE_MAX];
        let mut count = 0;
        self.last.clear();
        while let Some(size) = exchange.poll_broadcast(&mut buffer) {
            count += 1;
            let (books, last) = (&mut self.books, &mut self.last);
            self.reader.on_datagram(&buffer[..size], &mut |update| match update {
                Update::MarketByPrice(record) => {
                    last.push(*record);
                    assert!(books.entry(record.token.0).or_default().on_market_by_price(record));
                }
                other => panic!("{other:?}"),
            });
        }
        assert_eq!(self.reader.counters().refused.iter().sum::<u64>(), 0);
        count
    }
}

/// The day's figures by the reports alone.
#[derive(Default)]
struct Model {
    prices: Vec<Px>,
    volume: u64,
}

fn random_order(rng: &mut Random) -> Order {
    let instrument = rng.below(3) as u32;
    let side = Side::BOTH[rng.below(2) as usize];
    let middle = [2_245_000, 20_000, 2_256_000][instrument as usize];
    let mut order =
        order(instrument, side, middle + 5 * (rng.below(31) as i64 - 15), 1 + rng.below(6) as u32);
    match rng.below(12) {
        0 => (order.order_type, order.price) = (OrderType::Market, Px::ZERO),
        1 => order.time_in_force = TimeInForce::Ioc,
        _ => {}
    }
    order
}

#[test]
fn what_is_read_is_the_exchanges_five_levels_and_its_day() {
    for (form, seed) in [(None, 1), (Some(MarketByPriceForm::Narrow), 2)] {
        let (mut exchange, script) = common::open(&day(form));
        let (mut listener, mut rng) = (Listener::new(), Random(seed));
        let mut models: BTreeMap<u32, Model> = BTreeMap::new();
        let start = at(9, 30, 0);
        exchange.on_time(start);
        for second in 1..=60_i64 {
            for _ in 0..rng.below(40) {
                let within =
                    start.plus((second - 1) * SECOND + 1 + rng.below(SECOND as u64 - 2) as i64);
                script.push(within.max(exchange.now()), Action::Submit(random_order(&mut rng)));
                exchange.on_time(within);
            }
            exchange.on_time(start.plus(second * SECOND));
            for report in script.take_reports() {
                if let Report::Traded(trade) = report {
                    assert_eq!(trade.kind, TradeKind::Regular);
                    let model = models.entry(trade.instrument.0).or_default();
                    model.prices.push(trade.price);
                    model.volume += u64::from(trade.quantity.0);
                }
            }
            listener.read(&mut exchange);
            same(&exchange, &listener, &models, &format!("seed {seed}, second {second}"));
        }
        assert!(models.values().all(|model| model.prices.len() > 10));
        let counters = exchange.counters();
        assert_eq!(counters.broadcast_refused, 0);
        assert!(counters.broadcast_records > 100, "{}", counters.broadcast_records);
        let wide = listener.reader.counters().compressed;
        assert_eq!(wide, listener.reader.counters().messages, "all are compressed");
    }
}

fn same(exchange: &Exchange, listener: &Listener, models: &BTreeMap<u32, Model>, context: &str) {
    for (id, listing) in (0_u32..).zip(exchange.listings()) {
        let Some(book) = listener.books.get(&listing.instrument.token.0) else {
            assert_eq!(
                exchange.books().levels(InstrumentId(id), Side::Buy).count(),
                0,
                "{context}"
            );
            continue;
        };
        for side in Side::BOTH {
            let ours: Vec<_> = exchange.books().levels(InstrumentId(id), side).collect();
            let shown = ours.iter().take(5).map(|it| (it.price, it.quantity, it.orders));
            let heard = book.levels(side).iter().filter(|it| !it.is_empty());
            let heard = heard.map(|it| (it.price, it.quantity, it.orders));
            assert!(shown.eq(heard), "{context}, {id}, {side:?}: {book:?}");
            let total: u64 = ours.iter().map(|it| it.quantity).sum();
            assert_eq!(book.total(side), total, "{context}");
        }
        assert!(book.is_consistent(), "{context}");
        assert_eq!(book.status(), Some(SecurityStatus::Open));
        if let Some(model) = models.get(&id) {
            let prices = book.prices();
            let last = *model.prices.last().unwrap();
            assert_eq!((book.last_price(), book.volume()), (last, model.volume), "{context}");
            assert_eq!(prices.open, model.prices[0], "{context}");
            assert_eq!(Some(prices.high), model.prices.iter().copied().max(), "{context}");
            assert_eq!(Some(prices.low), model.prices.iter().copied().min(), "{context}");
            assert_eq!(prices.close, listing.reference, "{context}");
        }
    }
}

#[test]
fn only_what_changed_is_said_and_everything_once_a_minute() {
    let (mut exchange, script) = common::open(&day(None));
    let mut listener = Listener::new();
    let start = at(9, 30, 0);
    exchange.on_time(start);
    script.push(start, Action::Submit(order(1, Side::Buy, 19_000, 1)));
    let mut records = Vec::new();
    for second in 1..=60 {
        exchange.on_time(start.plus(second * SECOND));
        listener.read(&mut exchange);
        records.push(listener.last.len());
    }
    // At the start of the day every contract's phase began.
    assert_eq!((records[0], records[1..59].iter().sum::<usize>(), records[59]), (3, 0, 3));
    assert_eq!(listener.last[1].time, at(9, 31, 0));
    assert_eq!(exchange.poll_broadcast(&mut [0; DATAGRAM_SIZE_MAX]), None);
}

#[test]
fn many_contracts_fill_datagrams_and_lose_nothing() {
    let mut day = day(None);
    let first = day.listings[1];
    for token in 40_000..40_101 {
        let mut listing = first;
        listing.instrument.token.0 = token;
        listing.instrument.strike = paise(2_000_000 + i64::from(token) * 5);
        day.listings.push(listing);
    }
    let (mut exchange, script) = common::open(&day);
    let start = at(9, 30, 0);
    exchange.on_time(start);
    let mut rng = Random(9);
    for id in 0..day.listings.len() as u32 {
        for _ in 0..8 {
            let price = [2_245_000, 20_000, 2_256_000][id.min(2) as usize % 3];
            let price = if id > 2 { 20_000 } else { price } - 5 * rng.below(9) as i64;
            let quantity = 1 + rng.below(900) as u32;
            script.push(start, Action::Submit(order(id, Side::Buy, price, quantity % 20 + 1)));
        }
    }
    let mut listener = Listener::new();
    exchange.on_time(start.plus(SECOND));
    assert_eq!(exchange.poll_broadcast(&mut [0; DATAGRAM_SIZE_MAX - 1]), None, "too short");
    let datagrams = listener.read(&mut exchange);
    assert_eq!(listener.books.len(), 104);
    assert!((20..104).contains(&datagrams), "{datagrams}");
    for (id, listing) in (0..).map(InstrumentId).zip(exchange.listings()) {
        let best = exchange.books().touch(id, Side::Buy).map(|level| level.price);
        let heard = listener.books[&listing.instrument.token.0].best(Side::Buy);
        assert_eq!(best, heard.map(|level| level.price));
    }
}

#[test]
fn the_day_decides_the_form_and_a_wrong_interval_is_refused() {
    let summer = Date::parse("2026-09-04").unwrap();
    let usual = day(None).date;
    for (date, form, code) in [
        (usual, None, 17_208),
        (summer, None, 7_208),
        (usual, Some(MarketByPriceForm::Narrow), 7_208),
    ] {
        let (mut exchange, _) = common::open(&ExchangeConfig { date, ..day(form) });
        let start = date.midnight().plus(36_000 * SECOND);
        exchange.on_time(start);
        exchange.on_time(start.plus(SECOND));
        let mut buffer = [0; DATAGRAM_SIZE_MAX];
        let size = exchange.poll_broadcast(&mut buffer).unwrap();
        let mut scratch = [0; MESSAGE_SIZE_MAX];
        for packet in packets(&buffer[..size]).unwrap() {
            let message = packet.unwrap().unpack(&mut scratch).unwrap();
            let at = LEAD_SIZE + 10;
            assert_eq!(i16::from_be_bytes([message[at], message[at + 1]]), code, "{date}");
        }
    }
    let broadcast = Some(BroadcastConfig { interval_ns: 0, ..BroadcastConfig::default() });
    let wrong = ExchangeConfig { broadcast, ..config() };
    assert!(Exchange::new(&wrong, Box::new(NoBackground)).is_err());
}
