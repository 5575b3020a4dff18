//! The simulated venue against hand-worked queues.

use bytemuck::Zeroable;
use tezi_model::{
    ClientOrderId, CommandKind, Event, EventKind, ExecutionKind, ExecutionReport, InstrumentId,
    Nanos, OrderCommand, OrderId, Px, Qty, Segment, Side, TimeInForce,
};

use super::SimulatedVenue;
use crate::book::{Books, BooksConfig};
use crate::config::SimulatedVenueConfig;

const SEGMENT: u8 = Segment::NseFo as u8;
const NIFTY: InstrumentId = InstrumentId(0);

/// A market and a venue without latency.
struct Bench {
    books: Books,
    venue: SimulatedVenue,
    now: Nanos,
}

impl Bench {
    /// Orders rest in the market: (id, side, paise, quantity).
    fn new(resting: &[(u64, Side, i64, u32)]) -> Self {
        let mut books =
            Books::new(&BooksConfig { instruments_max: 1, orders_max: 64, levels_max: 64 });
        books.add_instrument().unwrap();
        let config = SimulatedVenueConfig { order_latency_ns: 0, report_latency_ns: 0 };
        let mut bench = Self { books, venue: SimulatedVenue::new(config, 16), now: Nanos(1) };
        for &(id, side, paise, quantity) in resting {
            bench.market(id, side, paise, quantity);
        }
        bench
    }

    /// An order arrives in the market.
    fn market(&mut self, id: u64, side: Side, paise: i64, quantity: u32) {
        let price = Px::from_paise(paise);
        self.books.on_new(NIFTY, SEGMENT, OrderId(id), side, price, Qty(quantity)).unwrap();
        self.venue.on_order(NIFTY, SEGMENT, OrderId(id), self.now, &self.books);
    }

    /// The exchange's image of the book replaces it: orders (id, side, paise, quantity).
    fn image(&mut self, resting: &[(u64, Side, i64, u32)]) {
        self.books.clear(NIFTY);
        for &(id, side, paise, quantity) in resting {
            let (id, price) = (OrderId(id), Px::from_paise(paise));
            self.books.on_new(NIFTY, SEGMENT, id, side, price, Qty(quantity)).unwrap();
            self.venue.give_way(NIFTY, SEGMENT, id, &mut self.books);
            self.venue.on_order(NIFTY, SEGMENT, id, self.now, &self.books);
        }
    }

    /// Two orders of the market trade.
    fn trade(&mut self, buy: u64, sell: u64, paise: i64, quantity: u32) {
        let event = Event {
            kind_code: EventKind::Trade as u8,
            order_id: OrderId(buy),
            sell_order_id: OrderId(sell),
            price: Px::from_paise(paise),
            quantity: Qty(quantity),
            receive_time: self.now,
            ..Event::zeroed()
        };
        self.venue.on_trade(NIFTY, SEGMENT, &event, &self.books);
        self.books.on_trade(SEGMENT, OrderId(buy), OrderId(sell), Qty(quantity));
    }

    fn command(
        &mut self,
        kind: CommandKind,
        id: u64,
        side: Side,
        paise: i64,
        quantity: u32,
        tif: TimeInForce,
    ) {
        let command = OrderCommand {
            client_order_id: ClientOrderId(id),
            price: Px::from_paise(paise),
            quantity: Qty(quantity),
            instrument: NIFTY,
            kind_code: kind as u8,
            side_code: side as u8,
            time_in_force_code: tif as u8,
            ..OrderCommand::zeroed()
        };
        self.venue.send(self.now, &command);
    }

    fn rest(&mut self, id: u64, side: Side, paise: i64, quantity: u32) {
        self.command(CommandKind::New, id, side, paise, quantity, TimeInForce::Day);
        assert_eq!(self.reports(), [(id, ExecutionKind::Accepted, paise, quantity)]);
    }

    /// All reports due: (own order, kind, paise, quantity).
    fn reports(&mut self) -> Vec<(u64, ExecutionKind, i64, u32)> {
        let mut reports = Vec::new();
        while let Some(report) = self.venue.poll(self.now, &mut self.books, |_| SEGMENT) {
            let ExecutionReport { client_order_id, price, quantity, .. } = report;
            let paise = price.to_paise().unwrap();
            reports.push((client_order_id.0, report.kind().unwrap(), paise, quantity.0));
        }
        reports
    }
}

use ExecutionKind as K;
use Side::{Buy, Sell};

#[test]
fn an_aggressive_order_takes_the_book_at_resting_prices_and_rests_the_rest() {
    let mut bench = Bench::new(&[(1, Sell, 100, 50), (2, Sell, 101, 50)]);
    bench.command(CommandKind::New, 9, Buy, 101, 120, TimeInForce::Day);
    let fills = [(9, K::Accepted, 101, 120), (9, K::Fill, 100, 50), (9, K::Fill, 101, 50)];
    assert_eq!(bench.reports(), fills);
    bench.market(3, Sell, 101, 30);
    assert_eq!(bench.reports(), [(9, K::Fill, 101, 20)]);
}

#[test]
fn nothing_is_traded_with_twice() {
    let mut bench = Bench::new(&[(1, Sell, 100, 50)]);
    bench.command(CommandKind::New, 8, Buy, 100, 30, TimeInForce::Ioc);
    bench.command(CommandKind::New, 9, Buy, 100, 30, TimeInForce::Ioc);
    let reports = bench.reports();
    let expected = [
        (8, K::Accepted, 100, 30),
        (8, K::Fill, 100, 30),
        (9, K::Accepted, 100, 30),
        (9, K::Fill, 100, 20),
        (9, K::Canceled, 100, 20),
    ];
    assert_eq!(reports, expected);
}

#[test]
fn a_resting_order_waits_for_everything_ahead_of_it() {
    let mut bench = Bench::new(&[(1, Buy, 100, 40)]);
    bench.rest(9, Buy, 100, 50);
    bench.market(2, Buy, 100, 70);
    // Sells 40: all of it meets what is ahead.
    bench.market(3, Sell, 100, 40);
    assert_eq!(bench.reports(), []);
    bench.trade(1, 3, 100, 40);
    // Sells 60: 50 reach us, though the market gave all of it to the order behind us.
    bench.market(4, Sell, 100, 60);
    bench.trade(2, 4, 100, 60);
    assert_eq!(bench.reports(), [(9, K::Fill, 100, 50)]);
}

#[test]
fn a_market_order_never_shown_reaches_us_before_what_is_behind() {
    let mut bench = Bench::new(&[(1, Sell, 100, 10)]);
    bench.rest(9, Sell, 100, 25);
    bench.market(2, Sell, 100, 30);
    bench.trade(0, 1, 100, 10);
    assert_eq!(bench.reports(), []);
    bench.trade(0, 2, 100, 20);
    assert_eq!(bench.reports(), [(9, K::Fill, 100, 20)]);
    // A trade strictly through our price between two orders never shown.
    bench.trade(0, 77, 101, 50);
    assert_eq!(bench.reports(), [(9, K::Fill, 100, 5)]);
}

#[test]
fn less_quantity_keeps_the_place_and_a_new_price_gives_it_up() {
    let mut bench = Bench::new(&[]);
    bench.rest(9, Buy, 100, 50);
    bench.market(1, Buy, 100, 50);
    bench.command(CommandKind::Replace, 9, Buy, 100, 20, TimeInForce::Day);
    assert_eq!(bench.reports(), [(9, K::Replaced, 100, 20)]);
    bench.market(2, Sell, 100, 10);
    assert_eq!(bench.reports(), [(9, K::Fill, 100, 10)]);
    bench.command(CommandKind::Replace, 9, Buy, 99, 20, TimeInForce::Day);
    bench.command(CommandKind::Replace, 9, Buy, 100, 20, TimeInForce::Day);
    bench.reports();
    bench.market(3, Sell, 100, 40);
    assert_eq!(bench.reports(), [], "now behind order 1, of which 50 are ahead");
}

#[test]
fn a_cancel_that_comes_too_late_is_refused() {
    let mut bench = Bench::new(&[]);
    bench.rest(9, Buy, 100, 50);
    bench.market(1, Sell, 100, 80);
    bench.command(CommandKind::Cancel, 9, Buy, 0, 0, TimeInForce::Day);
    assert_eq!(bench.reports(), [(9, K::Fill, 100, 50), (9, K::CancelRejected, 0, 0)]);
    assert!(bench.venue.is_idle());
}

#[test]
fn commands_and_reports_travel_for_the_configured_time() {
    let mut bench = Bench::new(&[(1, Sell, 100, 50)]);
    let config = SimulatedVenueConfig { order_latency_ns: 10, report_latency_ns: 5 };
    bench.venue = SimulatedVenue::new(config, 16);
    bench.command(CommandKind::New, 9, Buy, 100, 50, TimeInForce::Day);
    assert_eq!(bench.venue.next_due(), Some(Nanos(11)));
    bench.now = Nanos(15);
    assert_eq!(bench.reports(), []);
    assert_eq!(bench.venue.next_due(), Some(Nanos(16)));
    bench.now = Nanos(16);
    assert_eq!(bench.reports().len(), 2);
}

#[test]
fn an_image_of_the_book_brings_no_own_order_forward() {
    let mut bench = Bench::new(&[(1, Buy, 100, 50), (2, Buy, 100, 30)]);
    bench.rest(8, Buy, 100, 20);
    bench.rest(9, Buy, 100, 10);
    bench.market(3, Buy, 100, 40);
    bench.image(&[(1, Buy, 100, 50), (2, Buy, 100, 30), (3, Buy, 100, 40)]);
    // All the image holds trades first, what once was behind included: the worse is assumed.
    bench.market(4, Sell, 100, 120);
    assert!(bench.reports().is_empty());
    bench.trade(1, 4, 100, 50);
    bench.trade(2, 4, 100, 30);
    bench.trade(3, 4, 100, 40);
    // Own orders keep their order among themselves, and their place before what comes new.
    bench.market(5, Buy, 100, 40);
    bench.market(6, Sell, 100, 25);
    assert_eq!(bench.reports(), [(8, K::Fill, 100, 20), (9, K::Fill, 100, 5)]);
}

#[test]
fn an_image_through_an_own_order_fills_it() {
    let mut bench = Bench::new(&[(1, Buy, 99, 50)]);
    bench.rest(9, Buy, 100, 30);
    // While nothing was seen the market came down through the order: it cannot have stood still.
    bench.image(&[(2, Sell, 98, 20), (3, Buy, 97, 50)]);
    assert_eq!(bench.reports(), [(9, K::Fill, 100, 20)]);
    // What was taken from the image's order is not taken again.
    bench.image(&[(2, Sell, 98, 20), (3, Buy, 97, 50)]);
    assert!(bench.reports().is_empty());
}

#[test]
fn an_own_order_in_an_emptied_book_stands_first() {
    let mut bench = Bench::new(&[(1, Buy, 100, 50), (2, Sell, 105, 10)]);
    bench.rest(9, Buy, 100, 30);
    bench.books.clear(NIFTY);
    bench.market(3, Buy, 100, 50);
    bench.market(4, Sell, 100, 40);
    assert_eq!(bench.reports(), [(9, K::Fill, 100, 30)]);
    // Of the seller ten are left, and nothing of what was there before.
    bench.command(CommandKind::New, 10, Buy, 105, 30, TimeInForce::Ioc);
    let left = [(10, K::Accepted, 105, 30), (10, K::Fill, 100, 10), (10, K::Canceled, 105, 10)];
    assert_eq!(bench.reports(), left);
}
