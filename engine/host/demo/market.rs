//! A seeded market: participants quote, take and cancel, and what the exchange would publish of it
//! comes out as MTBT messages.
//!
//! The future follows a random walk; options follow it through Black-76 with a smile. Makers keep
//! a bid and an ask near the fair value and mostly change prices (`M`), others add and cancel orders
//! around the touch, takers cross it. An aggressor's `N` comes first and its trades after, at the
//! resting prices, by price and time; a market order is never shown and trades with id 0. Rate and
//! message mix are near those of NSE F&O stream 2 (May 2016: 5,662 messages/s, 81 % `M`, 10 % `N`,
//! 9 % `X`, 0.2 % `T`), with more trades, so that a short session has some.

use tezi_core::book::{Books, BooksConfig};
use tezi_core::pricing::Black76Input;
use tezi_feed_handler::wire::nse_mtbt::{Order, Trade, encode_order, encode_trade, message_type};
use tezi_model::{
    Instrument, InstrumentId, InstrumentKind, Nanos, OptionType, OrderId, Px, Qty, Segment, Side,
    Symbol, Token,
};

use crate::random::Random;

const SEGMENT: Segment = Segment::NseFo;
const NANOS_PER_YEAR: f64 = 365.0 * 86_400.0 * 1e9;
/// Volatility of the walk, per year of 252 trading days of 6¼ hours.
const VOL: f64 = 0.12;
const RATE: f64 = 0.065;
const TRADING_NANOS_PER_YEAR: f64 = 252.0 * 22_500.0 * 1e9;

/// One message as the exchange sends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TapeMessage {
    /// When it is sent, exchange time.
    pub(crate) at: Nanos,
    length: u8,
    bytes: [u8; 45],
}

impl TapeMessage {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// A whole session.
pub(crate) struct Tape {
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) messages: Vec<TapeMessage>,
}

/// A participant that keeps an order on each side.
#[derive(Clone, Copy)]
struct Maker {
    orders: [OrderId; 2],
    half_width_ticks: f64,
    lots: u32,
}

struct Contract {
    instrument: Instrument,
    stream: u8,
    makers: Vec<Maker>,
    others: Vec<(OrderId, Side)>,
    fair: f64,
    vol: f64,
}

pub(crate) struct Market {
    random: Random,
    books: Books,
    contracts: Vec<Contract>,
    futures: [f64; 2],
    now: Nanos,
    next_order: u64,
    sequences: [u32; 2],
    messages: Vec<TapeMessage>,
}

/// The demo's session: Friday 20 November 2026, from the open of continuous trading.
pub(crate) fn session_start() -> Nanos {
    Nanos::from_ist(2026, 11, 20, 9, 15, 0)
}

/// Makes the tape of `seconds` at `rate` messages a second.
pub(crate) fn make_tape(seed: u64, seconds: f64, rate: f64) -> Tape {
    let mut market = Market::new(seed, (seconds * rate) as usize);
    market.open();
    let end = session_start().plus((seconds * 1e9) as i64);
    let mean_ns = 1e9 / rate;
    while market.now < end {
        // Twice a uniform number: bursts and pauses, without a logarithm.
        let pause = 2.0 * mean_ns * market.random.unit();
        market.step(pause as i64);
    }
    Tape {
        instruments: market.contracts.iter().map(|c| c.instrument).collect(),
        messages: market.messages,
    }
}

impl Market {
    fn new(seed: u64, messages: usize) -> Self {
        let contracts = contracts();
        let instruments_max = contracts.len() as u32;
        let mut books =
            Books::new(&BooksConfig { instruments_max, orders_max: 1 << 14, levels_max: 1 << 13 });
        for _ in &contracts {
            let added = books.add_instrument();
            debug_assert!(added.is_ok(), "there is room for every contract");
        }
        Self {
            random: Random::new(seed),
            books,
            contracts,
            futures: [24_000.0, 52_000.0],
            now: session_start(),
            next_order: 1,
            sequences: [0; 2],
            messages: Vec::with_capacity(messages + messages / 8 + 4_096),
        }
    }

    /// Everyone enters first orders.
    fn open(&mut self) {
        self.revalue();
        for index in 0..self.contracts.len() {
            for _ in 0..if index < 2 { 8 } else { 5 } {
                let half_width_ticks = if index < 2 { 3.0 } else { 4.0 } + self.random.unit() * 8.0;
                let lots = 1 + self.random.below(12) as u32;
                let maker = Maker { orders: [OrderId(0); 2], half_width_ticks, lots };
                self.contracts[index].makers.push(maker);
                let last = self.contracts[index].makers.len() - 1;
                Side::BOTH.into_iter().for_each(|side| self.requote(index, last, side));
            }
            for _ in 0..20 {
                self.add_other(index);
            }
        }
    }

    fn step(&mut self, pause_ns: i64) {
        self.now = self.now.plus(pause_ns);
        let moved = (pause_ns as f64 / TRADING_NANOS_PER_YEAR).sqrt() * VOL * self.random.normal();
        self.futures[0] *= 1.0 + moved;
        let apart = 0.3 * (pause_ns as f64 / TRADING_NANOS_PER_YEAR).sqrt() * VOL;
        self.futures[1] *= 1.0 + moved + apart * self.random.normal();
        self.revalue_futures();
        let index = self.pick_contract();
        match self.random.below(1_000) {
            0..=9 => self.take(index),
            10..=84 => self.add_other(index),
            85..=154 => self.cancel_other(index),
            _ => {
                self.revalue_option(index);
                let maker = self.random.below(self.contracts[index].makers.len() as u64) as usize;
                let side = Side::BOTH[self.random.below(2) as usize];
                self.requote(index, maker, side);
            }
        }
    }

    /// Futures are the busiest, then options near the money.
    fn pick_contract(&mut self) -> usize {
        match self.random.below(10) {
            0..=2 => 0,
            3 => 1,
            _ => 2 + self.random.below(self.contracts.len() as u64 - 2) as usize,
        }
    }

    fn revalue(&mut self) {
        self.revalue_futures();
        (2..self.contracts.len()).for_each(|index| self.revalue_option(index));
    }

    fn revalue_futures(&mut self) {
        self.contracts[0].fair = self.futures[0];
        self.contracts[1].fair = self.futures[1];
    }

    fn revalue_option(&mut self, index: usize) {
        if index < 2 {
            return;
        }
        // A slow walk of each option's volatility, drawn back to its place in the smile. A hundredth
        // of a vol point is 0.3 rupees at the money: this wanders by a tick or so.
        let forward = self.futures[0];
        let wander = 0.000_004 * self.random.normal();
        let now = self.now;
        let contract = &mut self.contracts[index];
        let strike = contract.instrument.strike.to_rupees();
        let moneyness = (strike - forward) / forward;
        let smile = VOL + 0.01 - 0.25 * moneyness + 4.0 * moneyness * moneyness;
        if contract.fair == 0.0 {
            contract.vol = smile;
        }
        contract.vol = (contract.vol + 0.02 * (smile - contract.vol) + wander).clamp(0.05, 1.0);
        let years = contract.instrument.expiry.since(now) as f64 / NANOS_PER_YEAR;
        let is_call = contract.instrument.option_type() == Some(OptionType::Call);
        let input = Black76Input { forward, strike, years, vol: contract.vol, rate: RATE, is_call };
        contract.fair = input.value().price;
    }

    /// Brings a maker's order to its price of now: enters it, or changes price or quantity.
    fn requote(&mut self, index: usize, maker: usize, side: Side) {
        let jitter = self.random.unit() * 4.0;
        let contract = &self.contracts[index];
        let Maker { orders, half_width_ticks, lots } = contract.makers[maker];
        let tick = contract.instrument.tick;
        let away = (half_width_ticks + jitter) * tick.to_rupees();
        let price = match side {
            Side::Buy => Px::from_rupees(contract.fair - away).floor_to(tick),
            Side::Sell => Px::from_rupees(contract.fair + away).ceil_to(tick),
        };
        let price = self.passive(index, side, price);
        let lot = contract.instrument.lot.0;
        let id = orders[side as usize];
        match self.books.order(SEGMENT as u8, id) {
            None => {
                let id = self.enter(index, side, price, lot * lots);
                self.contracts[index].makers[maker].orders[side as usize] = id;
            }
            Some(resting) => {
                let toggled =
                    if resting.quantity.0 > lot { resting.quantity.0 - lot } else { lot * lots };
                let quantity = if resting.price == price { toggled } else { resting.quantity.0 };
                self.change(index, id, side, price, quantity);
            }
        }
    }

    fn add_other(&mut self, index: usize) {
        const OTHERS_MAX: usize = 60;
        if self.contracts[index].others.len() >= OTHERS_MAX {
            return self.cancel_other(index);
        }
        let side = Side::BOTH[self.random.below(2) as usize];
        let depth = 2.0 + self.random.unit() * 40.0;
        let lots = 1 + self.random.below(6) as u32;
        let contract = &self.contracts[index];
        let tick = contract.instrument.tick;
        let away = depth * tick.to_rupees() * side.sign() as f64;
        let price = Px::from_rupees(contract.fair - away).floor_to(tick);
        let price = self.passive(index, side, price);
        let quantity = contract.instrument.lot.0 * lots;
        let id = self.enter(index, side, price, quantity);
        self.contracts[index].others.push((id, side));
    }

    fn cancel_other(&mut self, index: usize) {
        let others = self.contracts[index].others.len() as u64;
        if others == 0 {
            return;
        }
        let pick = self.random.below(others) as usize;
        let (id, side) = self.contracts[index].others.swap_remove(pick);
        self.cancel(index, id, side);
    }

    /// Crosses the touch, rather on the side on which the market is wrong.
    fn take(&mut self, index: usize) {
        let contract = &self.contracts[index];
        let instrument = InstrumentId(index as u32);
        let (Some(bid), Some(ask)) =
            (self.books.touch(instrument, Side::Buy), self.books.touch(instrument, Side::Sell))
        else {
            return;
        };
        let mid = f64::midpoint(bid.price.to_rupees(), ask.price.to_rupees());
        let wrong = (contract.fair - mid) / (4.0 * contract.instrument.tick.to_rupees());
        let buys = 0.5 + 0.3 * wrong.clamp(-1.0, 1.0);
        let (tick, lot) = (contract.instrument.tick, contract.instrument.lot.0);
        let side = if self.random.chance(buys) { Side::Buy } else { Side::Sell };
        let touch = if side == Side::Buy { ask.price } else { bid.price };
        let through = Px(tick.0 * self.random.below(3) as i64 * side.sign());
        let quantity = lot * (1 + self.random.below(10) as u32);
        if self.random.chance(0.3) {
            self.match_order(index, side, OrderId(0), touch + through, quantity);
        } else {
            let id = self.enter(index, side, touch + through, quantity);
            let left = self.match_order(index, side, id, touch + through, quantity);
            if left > 0 {
                self.cancel(index, id, side);
            }
        }
    }

    /// Trades an aggressor with what it crosses, by price and time; what is left of it.
    fn match_order(
        &mut self,
        index: usize,
        side: Side,
        id: OrderId,
        limit: Px,
        quantity: u32,
    ) -> u32 {
        let instrument = InstrumentId(index as u32);
        let mut left = quantity;
        while left > 0 {
            let Some(resting) = self.books.orders(instrument, side.opposite()).next() else {
                break;
            };
            if !side.crosses(limit, resting.price) {
                break;
            }
            let traded = left.min(resting.quantity.0);
            left -= traded;
            let (buy, sell) = match side {
                Side::Buy => (id, resting.order_id),
                Side::Sell => (resting.order_id, id),
            };
            self.books.on_trade(SEGMENT as u8, buy, sell, Qty(traded));
            let contract = &self.contracts[index];
            let (stream, token) = (contract.stream, contract.instrument.token.0 as i32);
            let trade = Trade {
                message_type: message_type::TRADE,
                time: self.now,
                buy_order_id: buy,
                sell_order_id: sell,
                token,
                price: wire_price(resting.price),
                quantity: traded as i32,
            };
            let sequence = self.next_sequence(stream);
            self.push(&encode_trade(stream, sequence, &trade));
        }
        left
    }

    /// The nearest price to `price` at which an order of `side` would not trade.
    fn passive(&self, index: usize, side: Side, price: Px) -> Px {
        let tick = self.contracts[index].instrument.tick;
        let opposite = self.books.touch(InstrumentId(index as u32), side.opposite());
        let price = match (opposite, side) {
            (Some(ask), Side::Buy) => price.min(ask.price - tick),
            (Some(bid), Side::Sell) => price.max(bid.price + tick),
            (None, _) => price,
        };
        price.max(tick)
    }

    fn enter(&mut self, index: usize, side: Side, price: Px, quantity: u32) -> OrderId {
        let stream = self.contracts[index].stream;
        // Two digits of prefix and fourteen of sequence, as the exchange numbers orders.
        let id = OrderId((10 + u64::from(stream)) * 100_000_000_000_000 + self.next_order);
        self.next_order += 1;
        let result = self.books.on_new(
            InstrumentId(index as u32),
            SEGMENT as u8,
            id,
            side,
            price,
            Qty(quantity),
        );
        if result.is_ok() {
            self.publish(index, message_type::ORDER_NEW, id, side, price, quantity);
        }
        id
    }

    fn change(&mut self, index: usize, id: OrderId, side: Side, price: Px, quantity: u32) {
        let instrument = InstrumentId(index as u32);
        let result =
            self.books.on_modify(instrument, SEGMENT as u8, id, side, price, Qty(quantity));
        if result.is_ok() {
            self.publish(index, message_type::ORDER_MODIFY, id, side, price, quantity);
        }
    }

    fn cancel(&mut self, index: usize, id: OrderId, side: Side) {
        if let Some(resting) = self.books.order(SEGMENT as u8, id) {
            self.books.on_cancel(SEGMENT as u8, id);
            let quantity = resting.quantity.0;
            self.publish(index, message_type::ORDER_CANCEL, id, side, resting.price, quantity);
        }
    }

    fn publish(
        &mut self,
        index: usize,
        kind: u8,
        id: OrderId,
        side: Side,
        price: Px,
        quantity: u32,
    ) {
        let contract = &self.contracts[index];
        let stream = contract.stream;
        let order = Order {
            message_type: kind,
            time: self.now,
            order_id: id,
            token: contract.instrument.token.0 as i32,
            side,
            price: wire_price(price),
            quantity: quantity as i32,
        };
        let sequence = self.next_sequence(stream);
        self.push(&encode_order(stream, sequence, &order));
    }

    fn next_sequence(&mut self, stream: u8) -> u32 {
        let sequence = &mut self.sequences[usize::from(stream) - 1];
        *sequence += 1;
        *sequence
    }

    fn push(&mut self, message: &[u8]) {
        let mut bytes = [0; 45];
        bytes[..message.len()].copy_from_slice(message);
        self.messages.push(TapeMessage { at: self.now, length: message.len() as u8, bytes });
    }
}

fn wire_price(price: Px) -> i32 {
    (price.0 / SEGMENT.wire_price_units()) as i32
}

/// Two futures on stream 1, fourteen options on stream 2, all of the monthly expiry of December
/// 2026 (its last Tuesday; NSE/FAOP/68747). Lots and ticks as of November 2026: NIFTY 65
/// (NSE/FAOP/70616), BANKNIFTY 30, index futures 0.10 up to 30,000 and 0.20 above
/// (NSE/FAOP/67135), options 0.05; freeze quantities of 5 October 2026 (NSE/FAOP/76693).
fn contracts() -> Vec<Contract> {
    let expiry = Nanos::from_ist(2026, 12, 29, 15, 40, 0);
    let mut all = Vec::with_capacity(16);
    for (token, symbol, lot, freeze, tick, base) in
        [(50_001, "NIFTY", 65, 3_510, 10, 24_000.0), (50_002, "BANKNIFTY", 30, 1_440, 20, 52_000.0)]
    {
        let mut instrument = Instrument::unknown(SEGMENT, Token(token));
        instrument.symbol = Symbol::new(symbol);
        instrument.expiry = expiry;
        instrument.tick = Px::from_paise(tick);
        instrument.price_low = Px::from_rupees(base * 0.9);
        instrument.price_high = Px::from_rupees(base * 1.1);
        instrument.lot = Qty(lot);
        instrument.freeze_quantity = Qty(freeze);
        instrument.kind_code = InstrumentKind::Future as u8;
        all.push(contract(instrument, 1, base));
    }
    for step in -3_i64..=3 {
        for option in [OptionType::Call, OptionType::Put] {
            let mut instrument = all[0].instrument;
            instrument.token = Token(50_100 + all.len() as u32);
            instrument.kind_code = InstrumentKind::Option as u8;
            instrument.option_code = option as u8;
            instrument.strike = Px::from_rupees(24_000.0 + 100.0 * step as f64);
            instrument.tick = Px::from_paise(5);
            instrument.price_low = Px::from_paise(5);
            instrument.price_high = Px::from_rupees(3_000.0);
            all.push(contract(instrument, 2, 0.0));
        }
    }
    all
}

const fn contract(instrument: Instrument, stream: u8, fair: f64) -> Contract {
    Contract { instrument, stream, makers: Vec::new(), others: Vec::new(), fair, vol: VOL }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_makes_one_session_and_another_another() {
        let bytes = |seed| -> Vec<u8> {
            make_tape(seed, 0.1, 10_000.0)
                .messages
                .iter()
                .flat_map(|m| m.bytes().to_vec())
                .collect()
        };
        assert_eq!(bytes(1), bytes(1));
        assert_ne!(bytes(1), bytes(2));
    }

    #[test]
    fn the_mix_is_that_of_a_quoting_market() {
        let tape = make_tape(3, 2.0, 15_000.0);
        let count = |kind: u8| tape.messages.iter().filter(|m| m.bytes()[8] == kind).count() as f64;
        let total = tape.messages.len() as f64;
        assert!((0.7..0.9).contains(&(count(b'M') / total)));
        assert!((0.002..0.05).contains(&(count(b'T') / total)));
        assert!(tape.messages.is_sorted_by_key(|m| m.at));
    }
}
