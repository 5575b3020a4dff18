//! A seeded market that says everything a feed can say, in and out of place.

use std::collections::VecDeque;

use bytemuck::Zeroable;
use tezi_core::pricing::Black76Input;
use tezi_model::{
    Event, EventKind, Instrument, InstrumentKind, MarketFlags, Nanos, OptionType, OrderId, Px, Qty,
    Segment, Side, StreamId, Symbol, Token, TradingStatus,
};

use tezi_testing::Random;

/// The lot of every contract here.
pub const LOT: u32 = 65;

/// The session's first moment.
pub fn open() -> Nanos {
    Nanos::from_ist(2026, 11, 20, 9, 15, 0)
}

/// A future, four options around its money, and a share: definitions and fair prices.
pub fn contracts() -> Vec<(Instrument, Px)> {
    let expiry = Nanos::from_ist(2026, 12, 29, 15, 40, 0);
    let mut future = Instrument::unknown(Segment::NseFo, Token(101));
    future.symbol = Symbol::new("NIFTY");
    future.expiry = expiry;
    future.tick = Px::from_paise(10);
    future.lot = Qty(LOT);
    future.freeze_quantity = Qty(LOT * 8);
    future.kind_code = InstrumentKind::Future as u8;
    future.price_low = Px::from_rupees(21_600.0);
    future.price_high = Px::from_rupees(26_400.0);
    let mut all = vec![(future, Px::from_rupees(24_000.0))];
    for (index, (strike, option)) in [
        (23_900.0, OptionType::Call),
        (24_000.0, OptionType::Call),
        (24_000.0, OptionType::Put),
        (24_100.0, OptionType::Put),
    ]
    .into_iter()
    .enumerate()
    {
        let mut contract = future;
        contract.token = Token(102 + index as u32);
        contract.tick = Px::from_paise(5);
        contract.strike = Px::from_rupees(strike);
        contract.kind_code = InstrumentKind::Option as u8;
        contract.option_code = option as u8;
        contract.price_low = Px::from_paise(5);
        contract.price_high = Px::from_rupees(3_000.0);
        let years = expiry.since(open()) as f64 / (365.0 * 86_400.0 * 1e9);
        let is_call = option == OptionType::Call;
        let input =
            Black76Input { forward: 24_000.0, strike, years, vol: 0.12, rate: 0.065, is_call };
        all.push((contract, Px::from_rupees(input.value().price).floor_to(contract.tick)));
    }
    let mut share = Instrument::unknown(Segment::NseCm, Token(101));
    share.symbol = Symbol::new("INFY");
    share.tick = Px::from_paise(5);
    share.lot = Qty(1);
    share.kind_code = InstrumentKind::Equity as u8;
    all.push((share, Px::from_rupees(1_500.0)));
    all
}

/// The contracts, a spread of two of the options, and an index.
pub fn definitions() -> Vec<Instrument> {
    let mut all: Vec<_> = contracts().into_iter().map(|(definition, _)| definition).collect();
    all.push(Instrument::spread(&all[1], all[2].token));
    all.push(Instrument::index(Segment::NseCm, Token(101)));
    all
}

/// An order of the market.
#[derive(Clone, Copy, Debug)]
struct Resting {
    id: OrderId,
    contract: usize,
    side: Side,
    price: Px,
    quantity: u32,
}

/// A spread order of the market, with the contracts of its near and far leg.
#[derive(Clone, Copy, Debug)]
struct RestingSpread {
    id: OrderId,
    legs: [usize; 2],
    side: Side,
    price: Px,
    quantity: u32,
}

/// See the module. An endless iterator of events.
pub struct Market {
    random: Random,
    contracts: Vec<(Instrument, Px)>,
    live: Vec<Resting>,
    live_max: usize,
    spreads: Vec<RestingSpread>,
    pending: VecDeque<Event>,
    now: Nanos,
    next_id: u64,
    sequences: [u32; 2],
    hostile: bool,
}

impl Market {
    /// A market that mostly behaves, and now and then says what makes no sense.
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random(seed),
            contracts: contracts(),
            live: Vec::new(),
            live_max: 52,
            spreads: Vec::new(),
            pending: VecDeque::new(),
            now: open(),
            next_id: 1,
            sequences: [0; 2],
            hostile: false,
        }
    }

    /// As [`Market::new`], with prices, quantities and times at the ends of their types as well.
    pub fn hostile(seed: u64) -> Self {
        Self { hostile: true, ..Self::new(seed) }
    }

    fn one_event(&mut self) -> Event {
        if let Some(event) = self.pending.pop_front() {
            return event;
        }
        // Now and then more orders than there is room for.
        if self.random.one_in(4_000) {
            self.live_max = if self.live_max > 60 { 52 } else { 72 };
        }
        match self.random.below(1_000) {
            0..=249 => self.enter(),
            250..=569 => self.change(),
            570..=699 => self.cancel(),
            700..=779 => self.take(),
            780..=854 => self.loose_trade(),
            855..=889 => self.spread(),
            890..=899 => self.unknown_order(),
            900..=949 => Event::clock(Nanos::ZERO),
            950..=956 => self.trade_cancel(),
            957..=962 => self.status(),
            963..=966 => self.index(),
            967 => self.book_clear(),
            968..=969 => self.image(),
            970..=973 => self.unknown_token(),
            974..=976 => self.feed_fault(EventKind::StreamGap),
            977..=989 => self.feed_fault(EventKind::StreamReset),
            _ => self.malformed(),
        }
    }

    fn order(&mut self, kind: EventKind, resting: Resting) -> Event {
        let (contract, _) = self.contracts[resting.contract];
        let mut event = self.event(kind, &contract);
        event.order_id = resting.id;
        event.price = resting.price;
        event.quantity = Qty(resting.quantity);
        if resting.side == Side::Sell {
            event.flags |= MarketFlags::SELL;
        }
        event
    }

    fn event(&mut self, kind: EventKind, contract: &Instrument) -> Event {
        let segment = contract.segment().unwrap();
        let number = 1 + u8::from(contract.kind() == InstrumentKind::Option);
        let sequence = &mut self.sequences[usize::from(number) - 1];
        *sequence += 1;
        Event {
            kind_code: kind as u8,
            stream: StreamId::new(segment, number.into()),
            token: contract.token,
            sequence: *sequence,
            ..Event::zeroed()
        }
    }

    fn enter(&mut self) -> Event {
        if self.live.len() >= self.live_max {
            return self.cancel();
        }
        let contract = self.random.below(self.contracts.len() as u64) as usize;
        let side = Side::BOTH[self.random.below(2) as usize];
        let price = self.passive_price(contract, side);
        let resting = Resting { id: self.new_id(), contract, side, price, quantity: self.lots() };
        self.live.push(resting);
        self.order(EventKind::OrderNew, resting)
    }

    fn change(&mut self) -> Event {
        let Some(index) = self.pick() else { return self.enter() };
        let Resting { contract, side, .. } = self.live[index];
        if self.random.one_in(2) {
            self.live[index].price = self.passive_price(contract, side);
        }
        if self.random.one_in(2) {
            self.live[index].quantity = self.lots();
        }
        if self.random.one_in(200) {
            // An order cannot change its side; a feed can say so.
            self.live[index].side = side.opposite();
        }
        let mut changed = self.live[index];
        if self.random.one_in(300) {
            changed.quantity = 0;
            self.live.swap_remove(index);
        }
        self.order(EventKind::OrderModify, changed)
    }

    fn cancel(&mut self) -> Event {
        let Some(index) = self.pick() else { return Event::clock(Nanos::ZERO) };
        let resting = self.live.swap_remove(index);
        self.order(EventKind::OrderCancel, resting)
    }

    /// An aggressor, shown or not, and its trades.
    fn take(&mut self) -> Event {
        let contract = self.random.below(self.contracts.len() as u64) as usize;
        let side = Side::BOTH[self.random.below(2) as usize];
        let is_shown = self.random.one_in(2);
        let quantity = self.lots() * 3;
        let limit = Px(self.touch(contract, side.opposite()).map_or(0, |touch| touch.0));
        let id = if is_shown { self.new_id() } else { OrderId(0) };
        let aggressor = Resting { id, contract, side, price: limit, quantity };
        let mut events = VecDeque::new();
        if is_shown {
            events.push_back(self.order(EventKind::OrderNew, aggressor));
        }
        let mut left = quantity;
        while left > 0 {
            let Some(index) = self.best(contract, side.opposite()) else { break };
            if limit.0 == 0 || !side.crosses(limit, self.live[index].price) {
                break;
            }
            let traded = left.min(self.live[index].quantity);
            left -= traded;
            let resting = self.live[index];
            events.push_back(self.trade(contract, side, id, resting.id, resting.price, traded));
            self.live[index].quantity -= traded;
            if self.live[index].quantity == 0 {
                self.live.swap_remove(index);
            }
        }
        if is_shown && left > 0 {
            let rest = Resting { quantity: left, ..aggressor };
            events.push_back(self.order(EventKind::OrderCancel, rest));
        }
        self.pending = events;
        self.pending.pop_front().unwrap_or_else(|| Event::clock(Nanos::ZERO))
    }

    fn trade(
        &mut self,
        contract: usize,
        side: Side,
        id: OrderId,
        resting: OrderId,
        price: Px,
        quantity: u32,
    ) -> Event {
        let (definition, _) = self.contracts[contract];
        let (buy, sell) = if side == Side::Buy { (id, resting) } else { (resting, id) };
        let event = self.event(EventKind::Trade, &definition);
        let quantity = Qty(quantity);
        Event { order_id: buy, sell_order_id: sell, price, quantity, ..event }
    }

    /// A trade that names orders at will: none, one, an unknown one, one of the wrong side.
    fn loose_trade(&mut self) -> Event {
        let contract = self.random.below(self.contracts.len() as u64) as usize;
        let side = Side::BOTH[self.random.below(2) as usize];
        let ids = [(); 2].map(|()| match self.random.below(4) {
            0 => self.pick().map_or(OrderId(0), |index| self.live[index].id),
            1 => OrderId(self.random.below(1 << 50)),
            _ => OrderId(0),
        });
        let price = self.passive_price(contract, side);
        let quantity = self.lots();
        self.trade(contract, side, ids[0], ids[1], price, quantity)
    }

    /// A spread order or trade: the message of one leg, and most of the time that of the other.
    fn spread(&mut self) -> Event {
        let kind = match self.random.below(10) {
            0..=3 => EventKind::SpreadOrderNew,
            4..=6 => EventKind::SpreadOrderModify,
            7 => EventKind::SpreadOrderCancel,
            _ => EventKind::SpreadTrade,
        };
        let spread = self.spread_order(kind);
        let mut legs = [0, 1].map(|leg| {
            let (contract, fair) = self.contracts[spread.legs[leg]];
            let is_sell = (spread.side == Side::Sell) == (leg == 1);
            let event = self.event(kind, &contract);
            let flags = if is_sell { MarketFlags::SELL } else { 0 };
            let (quantity, order_id) = (Qty(spread.quantity), spread.id);
            // A trade is at the leg's own price.
            let is_trade = kind == EventKind::SpreadTrade;
            let price = if is_trade { fair } else { spread.price };
            Event { flags, price, quantity, order_id, ..event }
        });
        // Whoever buys one leg sells the other; who it was is not always shown.
        if kind == EventKind::SpreadTrade {
            let shown = if self.random.one_in(3) { OrderId(0) } else { spread.id };
            (legs[0].order_id, legs[0].sell_order_id) = (OrderId(0), shown);
            (legs[1].order_id, legs[1].sell_order_id) = (shown, OrderId(0));
        }
        if self.random.one_in(2) {
            legs.swap(0, 1);
        }
        match self.random.below(30) {
            0 => {}
            1 => self.pending.extend([legs[1], legs[1]]),
            2 => self.pending.push_back(Event { price: Px(1), ..legs[1] }),
            _ => self.pending.push_back(legs[1]),
        }
        legs[0]
    }

    /// The spread order that a message is about, new or from those that rest.
    fn spread_order(&mut self, kind: EventKind) -> RestingSpread {
        let place = self.random.below(self.spreads.len().max(1) as u64) as usize;
        let known = self.spreads.get(place).copied();
        let is_new = kind == EventKind::SpreadOrderNew && self.spreads.len() < 6;
        let mut spread = match known {
            Some(known) if !is_new && !self.random.one_in(10) => known,
            _ => {
                let near = 1 + self.random.below(2) as usize;
                let side = Side::BOTH[self.random.below(2) as usize];
                let (id, legs) = (self.new_id(), [near, near + 1]);
                RestingSpread { id, legs, side, price: Px::ZERO, quantity: 0 }
            }
        };
        let away = self.random.below(40) as i64 * spread.side.sign();
        (spread.price, spread.quantity) = (Px::from_paise(-5 * away), self.lots());
        self.spreads.retain(|other| other.id != spread.id);
        if matches!(kind, EventKind::SpreadOrderNew | EventKind::SpreadOrderModify) {
            self.spreads.push(spread);
        }
        spread
    }

    fn trade_cancel(&mut self) -> Event {
        let trade = self.loose_trade();
        Event { kind_code: EventKind::TradeCancel as u8, ..trade }
    }

    /// Mostly trading goes on; now and then the word is not known, or of the whole segment.
    fn status(&mut self) -> Event {
        let pick = self.random.below(self.contracts.len() as u64) as usize;
        let (contract, _) = self.contracts[pick];
        let code = match self.random.below(12) {
            0 => TradingStatus::Halted as u32,
            1 => TradingStatus::Closed as u32,
            2 => TradingStatus::Auction as u32,
            3 => 6 + self.random.below(10) as u32,
            _ => TradingStatus::Open as u32,
        };
        let token = if self.random.one_in(6) { Token(0) } else { contract.token };
        Event { token, quantity: Qty(code), ..self.event(EventKind::TradingStatus, &contract) }
    }

    fn index(&mut self) -> Event {
        let (share, _) = self.contracts[5];
        let token = Token(101 + u32::from(self.random.one_in(20)));
        let price = Px::from_paise(self.random.below(3_000_000) as i64);
        Event { token, price, ..self.event(EventKind::IndexValue, &share) }
    }

    fn book_clear(&mut self) -> Event {
        let pick = self.random.below(self.contracts.len() as u64) as usize;
        let (contract, _) = self.contracts[pick];
        self.live.retain(|resting| resting.contract != pick);
        self.event(EventKind::BookClear, &contract)
    }

    /// The exchange's image of the books of a stream, and that they are whole with it.
    fn image(&mut self) -> Event {
        let start = self.feed_fault(EventKind::SnapshotStart);
        for index in 0..self.live.len() {
            let order = self.order(EventKind::OrderNew, self.live[index]);
            if order.stream == start.stream {
                let flags = order.flags | MarketFlags::SNAPSHOT;
                self.pending.push_back(Event { flags, ..order });
            }
        }
        let kind_code = EventKind::StreamWhole as u8;
        self.pending.push_back(Event { kind_code, order_id: OrderId(0), ..start });
        start
    }

    /// A change or cancel of an order from before the join.
    fn unknown_order(&mut self) -> Event {
        let kind = [EventKind::OrderModify, EventKind::OrderCancel][self.random.below(2) as usize];
        let contract = self.random.below(self.contracts.len() as u64) as usize;
        let price = self.passive_price(contract, Side::Buy);
        let resting =
            Resting { id: self.new_id(), contract, side: Side::Buy, price, quantity: LOT };
        if kind == EventKind::OrderModify {
            self.live.push(resting);
        }
        self.order(kind, resting)
    }

    /// More tokens than there is room for instruments.
    fn unknown_token(&mut self) -> Event {
        let bound = if self.random.one_in(4) { 9 } else { 2 };
        let token = Token(900 + self.random.below(bound) as u32);
        let contract = Instrument::unknown(Segment::NseFo, token);
        let event = self.event(EventKind::OrderNew, &contract);
        let id = OrderId(1 << 40 | u64::from(token.0));
        Event { order_id: id, price: Px::from_paise(100), quantity: Qty(1), ..event }
    }

    fn feed_fault(&mut self, kind: EventKind) -> Event {
        let pick = self.random.below(self.contracts.len() as u64) as usize;
        let (contract, _) = self.contracts[pick];
        let event = self.event(kind, &contract);
        if kind != EventKind::StreamGap {
            self.spreads.clear();
        }
        if kind == EventKind::StreamReset {
            let stream = event.stream;
            let of = |c: &Instrument| {
                StreamId::new(
                    c.segment().unwrap(),
                    1 + u16::from(c.kind() == InstrumentKind::Option),
                )
            };
            let contracts = &self.contracts;
            self.live.retain(|resting| of(&contracts[resting.contract].0) != stream);
        }
        let first = event.sequence;
        Event { token: Token(0), order_id: OrderId(u64::from(first) + 2), ..event }
    }

    /// Bytes that no decoder gives out.
    fn malformed(&mut self) -> Event {
        let mut event = self.order_like();
        match self.random.below(6) {
            0 => event.kind_code = 13 + self.random.below(200) as u8,
            1 => event.kind_code = 0,
            2 => event.stream = StreamId(self.random.below(1 << 16) as u16),
            3 => event.order_id = OrderId(0),
            4 => event.quantity = Qty(0),
            _ => event.flags = self.random.next() as u8,
        }
        if self.hostile {
            self.distort(&mut event);
        }
        event
    }

    fn distort(&mut self, event: &mut Event) {
        let ends = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
        let end = ends[self.random.below(7) as usize];
        match self.random.below(6) {
            0 => event.price = Px(end),
            1 => event.quantity = Qty(u32::MAX - (end & 1) as u32),
            2 => event.exchange_time = Nanos(end),
            3 => event.sell_order_id = OrderId(end.cast_unsigned()),
            4 => event.order_id = OrderId(u64::MAX),
            _ => event.price = Px(self.random.next().cast_signed()),
        }
    }

    fn order_like(&mut self) -> Event {
        let index = self.pick();
        match index {
            Some(index) if self.random.one_in(2) => {
                self.order(EventKind::OrderModify, self.live[index])
            }
            _ => self.loose_trade(),
        }
    }

    /// A price near the fair one that does not cross what rests, one in twenty left as it is.
    fn passive_price(&mut self, contract: usize, side: Side) -> Px {
        let (definition, fair) = self.contracts[contract];
        let tick = definition.tick;
        if self.random.one_in(40) {
            let moved = Px(tick.0 * (self.random.below(9) as i64 - 4));
            self.contracts[contract].1 = (fair + moved).max(Px(tick.0 * 40));
        }
        let away = 1 + self.random.below(12) as i64;
        let price = fair - Px(tick.0 * away * side.sign());
        if self.random.one_in(20) {
            return price;
        }
        match (self.touch(contract, side.opposite()), side) {
            (Some(ask), Side::Buy) => price.min(ask - tick),
            (Some(bid), Side::Sell) => price.max(bid + tick),
            (None, _) => price,
        }
    }

    fn touch(&self, contract: usize, side: Side) -> Option<Px> {
        self.best(contract, side).map(|index| self.live[index].price)
    }

    fn best(&self, contract: usize, side: Side) -> Option<usize> {
        let own =
            |&index: &usize| self.live[index].contract == contract && self.live[index].side == side;
        let price = |&index: &usize| -self.live[index].price.0 * side.sign();
        (0..self.live.len()).filter(own).min_by_key(price)
    }

    fn pick(&mut self) -> Option<usize> {
        let count = self.live.len() as u64;
        (count > 0).then(|| self.random.below(count) as usize)
    }

    fn lots(&mut self) -> u32 {
        LOT * (1 + self.random.below(4) as u32)
    }

    fn new_id(&mut self) -> OrderId {
        self.next_id += 1;
        OrderId(1_100_000_000_000_000 + self.next_id)
    }
}

impl Iterator for Market {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let event = self.one_event();
        let step = match self.random.below(100) {
            0 => -1_000_000,
            1..=30 => 0,
            _ => self.random.below(6_000_000) as i64,
        };
        self.now = self.now.plus(step);
        let exchange_time = match event.kind() {
            Some(EventKind::Clock) => Nanos::ZERO,
            _ if event.exchange_time == Nanos::ZERO => self.now.plus(-50_000),
            _ => event.exchange_time,
        };
        Some(Event { receive_time: self.now, exchange_time, ..event })
    }
}
