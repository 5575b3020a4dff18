//! What a feed says beside orders and trades, through the whole core: trading status, index values,
//! trades taken back, emptied books and images of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use bytemuck::Zeroable;
use common::market::{LOT, contracts, open};
use common::{core, small_config};
use tezi_core::pricing::Reference;
use tezi_core::strategy::{
    BookUpdate, Context, Fill, IndexUpdate, StatusUpdate, Strategy, TradeCancel,
};
use tezi_core::{Core, CoreConfig, SimulatedVenueConfig};
use tezi_model::{
    ClientOrderId, Event, EventKind, Instrument, InstrumentId, MarketFlags, OrderId, Px, Qty,
    RejectReason, Segment, Side, StreamId, Token, TradingStatus,
};

/// Asks what it is told to ask at the next change of a book, and notes what it hears.
#[derive(Default)]
struct Clerk {
    /// A price to bid one lot at.
    bid: Option<(InstrumentId, Px)>,
    cancel: Option<ClientOrderId>,
    asked: Vec<Result<ClientOrderId, RejectReason>>,
    heard: Vec<StatusUpdate>,
    status: Vec<TradingStatus>,
    values: Vec<(IndexUpdate, Option<Px>)>,
    cancels: Vec<(TradeCancel, u64)>,
    fills: Vec<u32>,
}

impl Strategy for Clerk {
    fn name(&self) -> &'static str {
        "clerk"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, _update: BookUpdate) {
        if let Some((instrument, price)) = self.bid.take() {
            self.asked.push(ctx.submit(instrument, Side::Buy, price, Qty(LOT)));
        }
        if let Some(id) = self.cancel.take() {
            self.asked.push(ctx.cancel(id));
        }
    }

    fn on_fill(&mut self, _ctx: &mut Context<'_>, fill: &Fill) {
        self.fills.push(fill.quantity.0);
    }

    fn on_status(&mut self, ctx: &mut Context<'_>, update: &StatusUpdate) {
        self.heard.push(*update);
        self.status.push(ctx.status(InstrumentId(0)));
    }

    fn on_index(&mut self, ctx: &mut Context<'_>, update: &IndexUpdate) {
        self.values.push((*update, ctx.last_trade(update.instrument)));
    }

    fn on_trade_cancel(&mut self, ctx: &mut Context<'_>, cancel: &TradeCancel) {
        self.cancels.push((*cancel, ctx.volume(cancel.instrument)));
    }
}

/// A core and the future in it, and the time of the next event.
struct Bench {
    core: Core<Clerk, Reference>,
    future: Instrument,
    price: Px,
    step: i64,
}

impl Bench {
    fn new(config: &CoreConfig) -> Self {
        let mut config = *config;
        config.venue = SimulatedVenueConfig { order_latency_ns: 0, report_latency_ns: 0 };
        let (future, price) = contracts()[0];
        Self { core: core(&config, Clerk::default()), future, price, step: 0 }
    }

    fn event(&self, kind: EventKind) -> Event {
        Event {
            kind_code: kind as u8,
            stream: StreamId::new(Segment::NseFo, 1),
            token: self.future.token,
            ..Event::zeroed()
        }
    }

    fn give(&mut self, event: Event) {
        self.step += 1;
        let receive_time = open().plus(self.step * 1_000_000);
        let event = Event { receive_time, exchange_time: receive_time, ..event };
        self.core.on_event(event.receive_time, &event);
    }

    fn status(&mut self, token: Token, status: TradingStatus) {
        let event = self.event(EventKind::TradingStatus);
        self.give(Event { token, quantity: Qty(status as u32), ..event });
    }

    /// An order of the market, so many ticks from the fair price.
    fn order(&mut self, id: u64, side: Side, ticks: i64, lots: u32, flags: u8) {
        let side_flag = if side == Side::Sell { MarketFlags::SELL } else { 0 };
        let order = self.event(EventKind::OrderNew);
        self.give(Event {
            flags: flags | side_flag,
            order_id: OrderId(id),
            price: self.price + Px(self.future.tick.0 * ticks),
            quantity: Qty(LOT * lots),
            ..order
        });
    }

    /// Bids one lot at the fair price, asked for at the next order of the market.
    fn bid(&mut self) -> Result<ClientOrderId, RejectReason> {
        self.core.strategy_mut().bid = Some((InstrumentId(0), self.price));
        self.order(1_000, Side::Buy, -50, 1, 0);
        let asked = self.core.strategy().asked.last().copied().unwrap();
        self.give(Event::clock(open()));
        asked
    }
}

use TradingStatus::{Closed, Halted, Open, PreOpen};

#[test]
fn halted_is_not_traded_but_cancels_pass() {
    let mut bench = Bench::new(&small_config(0, 0));
    let (own, all) = (bench.future.token, Token(0));
    let resting = bench.bid().unwrap();
    for (token, stop) in [(own, Halted), (own, Closed), (all, Halted), (all, Closed)] {
        bench.status(token, stop);
        assert_eq!(bench.core.status(InstrumentId(0)), stop);
        assert_eq!(bench.bid(), Err(RejectReason::NotTrading), "{stop:?}");
        bench.status(token, Open);
        let open = bench.bid().unwrap();
        bench.core.strategy_mut().cancel = Some(open);
        bench.order(1_000, Side::Buy, -51, 1, 0);
    }
    bench.status(own, Halted);
    bench.core.strategy_mut().cancel = Some(resting);
    bench.order(1_000, Side::Buy, -52, 1, 0);
    assert_eq!(bench.core.strategy().asked.last(), Some(&Ok(resting)));
    bench.give(Event::clock(open()));
    assert_eq!(bench.core.orders().open_count(), 0);
    assert_eq!(bench.core.refusals().collect::<Vec<_>>(), [(RejectReason::NotTrading, 4)]);
    // Another instrument trades on.
    assert_eq!(bench.core.status(InstrumentId(1)), Open);
}

#[test]
fn the_switch_of_the_configuration_trades_on() {
    let mut config = small_config(0, 0);
    config.limits.trade_when_halted = 1;
    let mut bench = Bench::new(&config);
    bench.status(bench.future.token, Halted);
    assert!(bench.bid().is_ok());
}

#[test]
fn a_status_is_told_once_and_is_part_of_the_state() {
    let mut bench = Bench::new(&small_config(0, 0));
    let token = bench.future.token;
    let hash = bench.core.state_hash();
    for status in [PreOpen, PreOpen, Open] {
        bench.status(token, status);
    }
    bench.status(Token(0), Halted);
    let malformed = bench.core.counters().malformed;
    let event = bench.event(EventKind::TradingStatus);
    bench.give(Event { quantity: Qty(6), ..event });
    assert_eq!(bench.core.counters().malformed, malformed + 1);
    let heard: Vec<_> =
        bench.core.strategy().heard.iter().map(|u| (u.instrument, u.status)).collect();
    let own = Some(InstrumentId(0));
    assert_eq!(heard, [(own, PreOpen), (own, Open), (None, Halted)]);
    assert_eq!(bench.core.strategy().status, [PreOpen, Open, Halted]);
    // The same events but for one word end in another state.
    let mut other = Bench::new(&small_config(0, 0));
    assert_eq!(other.core.state_hash(), hash);
    for status in [PreOpen, PreOpen, Open] {
        other.status(token, status);
    }
    other.status(Token(0), Closed);
    other.give(Event { quantity: Qty(6), ..event });
    assert_ne!(other.core.state_hash(), bench.core.state_hash());
}

#[test]
fn an_index_has_a_value_and_takes_no_contracts_place() {
    let mut bench = Bench::new(&small_config(0, 0));
    // The future's own token, as a number of an index.
    let event = bench.event(EventKind::IndexValue);
    for rupees in [24_010.5, 24_011.0] {
        bench.give(Event { price: Px::from_rupees(rupees), ..event });
    }
    let index = bench.core.instruments().find_index(Segment::NseFo, event.token).unwrap();
    let values: Vec<_> =
        bench.core.strategy().values.iter().map(|(u, last)| (u.value, *last)).collect();
    let [first, second] = [24_010.5, 24_011.0].map(Px::from_rupees);
    assert_eq!(values, [(first, Some(first)), (second, Some(second))]);
    assert_eq!(bench.core.last_trade(index), Some(second));
    assert_eq!((bench.core.last_trade(InstrumentId(0)), bench.core.volume(index)), (None, 0));
    bench.core.strategy_mut().bid = Some((index, second));
    bench.order(1, Side::Buy, -1, 1, 0);
    assert_eq!(bench.core.strategy().asked, [Err(RejectReason::NotTradable)]);
}

#[test]
fn a_trade_taken_back_is_told_and_off_the_volume() {
    let mut bench = Bench::new(&small_config(0, 0));
    let trade =
        Event { price: bench.price, quantity: Qty(3 * LOT), ..bench.event(EventKind::Trade) };
    bench.give(trade);
    let part = Event { kind_code: EventKind::TradeCancel as u8, quantity: Qty(LOT), ..trade };
    bench.give(Event { order_id: OrderId(5), sell_order_id: OrderId(6), ..part });
    let &(cancel, volume) = bench.core.strategy().cancels.last().unwrap();
    assert_eq!(
        (cancel.instrument, cancel.price, cancel.quantity),
        (InstrumentId(0), bench.price, Qty(LOT))
    );
    assert_eq!((cancel.buy_order_id, cancel.sell_order_id), (OrderId(5), OrderId(6)));
    assert_eq!(volume, u64::from(2 * LOT));
    assert_eq!(bench.core.last_trade(InstrumentId(0)), Some(bench.price));
    // One of a trade that was never seen takes off what is there.
    bench.give(Event { quantity: Qty(9 * LOT), ..part });
    assert_eq!(bench.core.volume(InstrumentId(0)), 0);
    assert_eq!(bench.core.counters().trade_cancels, 2);
}

#[test]
fn a_recovered_book_brings_no_own_order_forward() {
    let mut bench = Bench::new(&small_config(0, 0));
    bench.order(1, Side::Buy, 0, 2, 0);
    bench.bid().unwrap();
    let start = bench.event(EventKind::SnapshotStart);
    bench.give(start);
    bench.order(1, Side::Buy, 0, 2, MarketFlags::SNAPSHOT);
    let whole = bench.event(EventKind::StreamWhole);
    bench.give(whole);
    bench.order(2, Side::Sell, 0, 2, 0);
    bench.give(Event::clock(open()));
    assert!(bench.core.strategy().fills.is_empty(), "two lots were ahead, and two were sold");
    bench.order(3, Side::Sell, 0, 3, 0);
    bench.give(Event::clock(open()));
    assert_eq!(bench.core.strategy().fills, [LOT]);
}

#[test]
fn an_emptied_book_leaves_own_orders_where_they_are() {
    for kind in [EventKind::BookClear, EventKind::StreamReset] {
        let mut bench = Bench::new(&small_config(0, 0));
        bench.order(1, Side::Buy, 0, 2, 0);
        bench.bid().unwrap();
        let clear = bench.event(kind);
        bench.give(clear);
        assert_eq!(bench.core.books().orders_count(), 0);
        assert_eq!(bench.core.orders().open_count(), 1, "{kind:?}");
        bench.order(2, Side::Buy, 0, 5, 0);
        bench.order(3, Side::Sell, 0, 1, 0);
        bench.give(Event::clock(open()));
        assert_eq!(
            bench.core.strategy().fills,
            [LOT],
            "{kind:?}: it stands before what came after"
        );
        assert!(bench.core.is_consistent());
    }
}
