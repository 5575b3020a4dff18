//! The same figures of any stream of messages: a real capture, or what a matcher reports.
//!
//! Messages are counted as NSE's tick-by-tick feed sends them (MTBT 6.7, chapters 6 and 11): a new
//! limit order is `N`, a change `M`, a cancel `X`, a trade `T`. Market and stop-loss orders are not
//! sent; a stop-loss that became live, a market order that rests and a disclosed order's next part
//! are an `M`. It allocates as it goes: it measures, and is no part of the exchange.

use std::collections::BTreeMap;

use tezi_core::book::Books;
use tezi_core::matching::{OrderState, Report};
use tezi_core::venue::session::OrderType;
use tezi_model::{Event, EventKind, InstrumentId, Nanos, OrderId, Px, Side};

const NANOS_PER_MILLISECOND: i64 = 1_000_000;
/// "At once", in nanoseconds: the share of messages so soon after the one before is reported.
const AT_ONCE_NS: i64 = 10_000;
/// Levels of a side whose orders are averaged.
const LEVELS: usize = 5;

/// What a message says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    New,
    Modify,
    Cancel,
    Trade,
    Spread,
}

/// A message about one order.
struct Message {
    kind: Kind,
    time: Nanos,
    instrument: u32,
    order_id: OrderId,
    price: Px,
    quantity: u32,
}

/// An order as last shown.
struct Shown {
    price: Px,
    quantity: u32,
    /// When it was new; `None` of one that was there before.
    born: Option<Nanos>,
}

/// Collects what [`Summary`] sums up.
pub struct Statistics {
    tick: Px,
    kinds: [u64; 5],
    first: Option<Nanos>,
    last: Nanos,
    instrument_last: Option<u32>,
    instruments: BTreeMap<u32, u64>,
    shown: BTreeMap<u64, Shown>,
    /// Changes of an order that was seen before: of the price alone, of anything else.
    changes: [u64; 2],
    /// By how many ticks prices changed: one, two, more.
    steps: [u64; 3],
    /// Cancels that repeat the last price and quantity, and those that do not.
    repeats: [u64; 2],
    lives: Vec<i64>,
    at_once: u64,
    same_millisecond: u64,
    same_instrument: u64,
    in_millisecond: u64,
    peak: u64,
    /// Sum of the squares of the messages in each millisecond.
    squares: f64,
    spreads: Vec<i64>,
    /// Of the levels of each rank: orders, and how many levels.
    level_orders: [[u64; 2]; LEVELS],
    one_sided: u64,
}

impl Statistics {
    /// Nothing yet. `tick` is the step of all prices.
    #[must_use]
    pub fn new(tick: Px) -> Self {
        Self {
            tick,
            kinds: [0; 5],
            first: None,
            last: Nanos::ZERO,
            instrument_last: None,
            instruments: BTreeMap::new(),
            shown: BTreeMap::new(),
            changes: [0; 2],
            steps: [0; 3],
            repeats: [0; 2],
            lives: Vec::new(),
            at_once: 0,
            same_millisecond: 0,
            same_instrument: 0,
            in_millisecond: 0,
            peak: 0,
            squares: 0.0,
            spreads: Vec::new(),
            level_orders: [[0; 2]; LEVELS],
            one_sided: 0,
        }
    }

    /// An event of a tick-by-tick feed; what is no message counts for nothing.
    pub fn on_event(&mut self, event: &Event) {
        let kind = match event.kind() {
            Some(EventKind::OrderNew) => Kind::New,
            Some(EventKind::OrderModify) => Kind::Modify,
            Some(EventKind::OrderCancel) => Kind::Cancel,
            Some(EventKind::Trade) => Kind::Trade,
            Some(
                EventKind::SpreadOrderNew
                | EventKind::SpreadOrderModify
                | EventKind::SpreadOrderCancel
                | EventKind::SpreadTrade,
            ) => Kind::Spread,
            _ => return,
        };
        let Event { exchange_time, token, order_id, price, quantity, .. } = *event;
        if kind == Kind::Trade {
            self.take(order_id, quantity.0);
            self.take(event.sell_order_id, quantity.0);
        }
        let (time, instrument, quantity) = (exchange_time, token.0, quantity.0);
        self.on_message(&Message { kind, time, instrument, order_id, price, quantity });
    }

    /// A report of a matcher, in continuous trading.
    pub fn on_report(&mut self, report: &Report) {
        let (kind, state) = match report {
            Report::Accepted(state) if state.order_type == OrderType::Limit => (Kind::New, state),
            Report::Modified(state) | Report::Replenished(state)
                if state.order_type == OrderType::Limit =>
            {
                (Kind::Modify, state)
            }
            Report::Priced(state) => (Kind::Modify, state),
            Report::Triggered(state) if state.order_type == OrderType::Limit => {
                (Kind::Modify, state)
            }
            Report::Canceled(state, _) if state.order_type == OrderType::Limit => {
                (Kind::Cancel, state)
            }
            Report::Traded(trade) => {
                for order_id in trade.order_ids {
                    self.take(order_id, trade.quantity.0);
                }
                return self.on_message(&Message {
                    kind: Kind::Trade,
                    time: trade.time,
                    instrument: trade.instrument.0,
                    order_id: trade.order_ids[0],
                    price: trade.price,
                    quantity: trade.quantity.0,
                });
            }
            _ => return,
        };
        let OrderState { time, instrument, order_id, price, .. } = *state;
        let quantity = state.open().0;
        self.on_message(&Message {
            kind,
            time,
            instrument: instrument.0,
            order_id,
            price,
            quantity,
        });
    }

    /// Looks at the books as they are now.
    pub fn sample(&mut self, books: &Books) {
        for instrument in (0..books.instruments_count()).map(InstrumentId) {
            let [bid, ask] = Side::BOTH.map(|side| books.touch(instrument, side));
            match (bid, ask) {
                (Some(bid), Some(ask)) => {
                    self.spreads.push((ask.price.0 - bid.price.0) / self.tick.0.max(1));
                }
                (None, None) => {}
                _ => self.one_sided += 1,
            }
            for side in Side::BOTH {
                for (rank, level) in books.levels(instrument, side).take(LEVELS).enumerate() {
                    self.level_orders[rank][0] += u64::from(level.orders);
                    self.level_orders[rank][1] += 1;
                }
            }
        }
    }

    /// Messages so far.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.kinds.iter().sum()
    }

    /// A trade takes from an order; what is wholly traded is gone.
    fn take(&mut self, order_id: OrderId, quantity: u32) {
        if let Some(shown) = self.shown.get_mut(&order_id.0) {
            shown.quantity = shown.quantity.saturating_sub(quantity);
            if shown.quantity == 0 {
                self.shown.remove(&order_id.0);
            }
        }
    }

    fn on_message(&mut self, message: &Message) {
        self.kinds[message.kind as usize] += 1;
        *self.instruments.entry(message.instrument).or_default() += 1;
        self.same_instrument += u64::from(self.instrument_last == Some(message.instrument));
        self.instrument_last = Some(message.instrument);
        self.on_time(message.time);
        let &Message { time, order_id, price, quantity, .. } = message;
        match message.kind {
            Kind::New => {
                self.shown.insert(order_id.0, Shown { price, quantity, born: Some(time) });
            }
            Kind::Modify => self.on_change(order_id, price, quantity),
            Kind::Cancel => {
                if let Some(shown) = self.shown.remove(&order_id.0) {
                    let is_same = shown.price == price && shown.quantity == quantity;
                    self.repeats[usize::from(!is_same)] += 1;
                    self.lives.extend(shown.born.map(|born| time.since(born)));
                }
            }
            Kind::Trade | Kind::Spread => {}
        }
    }

    fn on_change(&mut self, order_id: OrderId, price: Px, quantity: u32) {
        let before = self.shown.get(&order_id.0);
        let born = before.and_then(|shown| shown.born);
        if let Some(before) = before {
            let is_price_only = before.price != price && before.quantity == quantity;
            self.changes[usize::from(!is_price_only)] += 1;
            let step =
                (before.price.0.abs_diff(price.0) / self.tick.0.max(1).cast_unsigned()) as usize;
            if step > 0 {
                self.steps[(step - 1).min(2)] += 1;
            }
        }
        self.shown.insert(order_id.0, Shown { price, quantity, born });
    }

    fn on_time(&mut self, time: Nanos) {
        if self.first.is_none() {
            self.first = Some(time);
        } else {
            let gap = time.since(self.last);
            self.at_once += u64::from(gap <= AT_ONCE_NS);
            let millisecond = |time: Nanos| time.0.div_euclid(NANOS_PER_MILLISECOND);
            if millisecond(time) == millisecond(self.last) {
                self.same_millisecond += 1;
            } else {
                self.squares += (self.in_millisecond * self.in_millisecond) as f64;
                self.in_millisecond = 0;
            }
        }
        self.in_millisecond += 1;
        self.peak = self.peak.max(self.in_millisecond);
        self.last = time;
    }

    /// What was collected, summed up.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let messages = self.messages() as f64;
        let share = |part: u64, rest: u64| ratio(part as f64, (part + rest) as f64);
        let of_all = |part: u64| ratio(part as f64, messages);
        let of_pairs = |part: u64| ratio(part as f64, messages - 1.0);
        let span = self.last.since(self.first.unwrap_or(self.last));
        let milliseconds = (span / NANOS_PER_MILLISECOND + 1) as f64;
        let mean = messages / milliseconds;
        let open = (self.in_millisecond * self.in_millisecond) as f64;
        let variance = (self.squares + open) / milliseconds - mean * mean;
        let [new, modify, cancel, trade, spread] = self.kinds;
        let stepped: u64 = self.steps.iter().sum();
        let mut busiest: Vec<u64> = self.instruments.values().copied().collect();
        busiest.sort_unstable_by(|left, right| right.cmp(left));
        let tenth: u64 = busiest.iter().take(busiest.len().div_ceil(10)).sum();
        let [one, two, _] = self.steps;
        Summary {
            messages: self.messages(),
            instruments: self.instruments.len(),
            per_second: ratio(messages, span as f64 * 1e-9),
            new_share: of_all(new),
            modify_share: of_all(modify),
            cancel_share: of_all(cancel),
            trade_share: of_all(trade),
            spread_share: of_all(spread),
            cancels_per_new: ratio(cancel as f64, new as f64),
            price_only_share: share(self.changes[0], self.changes[1]),
            cancel_repeats_share: share(self.repeats[0], self.repeats[1]),
            one_tick_share: ratio(one as f64, stepped as f64),
            two_ticks_share: ratio((one + two) as f64, stepped as f64),
            life_median_ms: median(&self.lives) * 1e-6,
            at_once_share: of_pairs(self.at_once),
            same_millisecond_share: of_pairs(self.same_millisecond),
            peak_per_millisecond: self.peak,
            dispersion: ratio(variance, mean),
            same_instrument_share: of_pairs(self.same_instrument),
            busiest_tenth_share: of_all(tenth),
            spread_median_ticks: median(&self.spreads),
            one_sided_share: share(self.one_sided, self.spreads.len() as u64),
            level_orders: self
                .level_orders
                .map(|[orders, levels]| ratio(orders as f64, levels as f64)),
        }
    }
}

/// The figures of a stream. What was never seen is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Messages.
    pub messages: u64,
    /// Instruments with a message.
    pub instruments: usize,
    /// Messages a second.
    pub per_second: f64,
    /// Of all messages, new orders (`N`).
    pub new_share: f64,
    /// Changes (`M`).
    pub modify_share: f64,
    /// Cancels (`X`).
    pub cancel_share: f64,
    /// Trades (`T`).
    pub trade_share: f64,
    /// Of spread orders and trades (`G H J K`).
    pub spread_share: f64,
    /// Cancels for each new order.
    pub cancels_per_new: f64,
    /// Of the changes of orders seen before, those of the price alone.
    pub price_only_share: f64,
    /// Of the cancels of orders seen before, those that repeat the last price and quantity.
    pub cancel_repeats_share: f64,
    /// Of the changes of a price, those by one tick.
    pub one_tick_share: f64,
    /// Of the changes of a price, those by one or two ticks.
    pub two_ticks_share: f64,
    /// From new to cancelled, the median of the orders that did both in the stream, in milliseconds.
    pub life_median_ms: f64,
    /// Of the messages, those within 10 µs of the one before.
    pub at_once_share: f64,
    /// Of the messages, those in the millisecond of the one before.
    pub same_millisecond_share: f64,
    /// The most messages in one millisecond.
    pub peak_per_millisecond: u64,
    /// Variance over mean of the messages in a millisecond: 1 if none knew of another.
    pub dispersion: f64,
    /// Of the messages, those about the instrument of the one before.
    pub same_instrument_share: f64,
    /// Of the messages, those about the busiest tenth of the instruments.
    pub busiest_tenth_share: f64,
    /// Ticks from bid to ask, the median over instruments and samples.
    pub spread_median_ticks: f64,
    /// Of the books sampled that hold any order, those with one side only.
    pub one_sided_share: f64,
    /// Orders at a level, on average: at the touch, behind it, and so on.
    pub level_orders: [f64; LEVELS],
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn median(values: &[i64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).map_or(0.0, |&value| value as f64)
}

#[cfg(test)]
mod tests {
    use tezi_model::{Qty, Token};

    use super::*;

    /// An event of token 7: kind, time in microseconds, order, paise, quantity.
    fn event(kind: EventKind, time_us: i64, order: u64, paise: i64, quantity: u32) -> Event {
        Event {
            kind_code: kind as u8,
            exchange_time: Nanos(time_us * 1_000),
            token: Token(7),
            order_id: OrderId(order),
            price: Px::from_paise(paise),
            quantity: Qty(quantity),
            ..Event::clock(Nanos::ZERO)
        }
    }

    #[test]
    fn a_small_stream_sums_up_to_what_is_counted_by_hand() {
        use EventKind::{OrderCancel as X, OrderModify as M, OrderNew as N, Trade as T};
        let mut statistics = Statistics::new(Px::from_paise(5));
        for (kind, time, order, paise, quantity) in [
            (N, 0, 1, 100, 50),
            (N, 5, 2, 110, 50),     // at once
            (M, 500, 1, 105, 50),   // one tick, price only
            (M, 900, 1, 120, 75),   // three ticks, and the quantity
            (T, 2_500, 2, 110, 20), // the only one of its millisecond; leaves 30
            (X, 4_000, 2, 110, 30), // repeats, after 3,995 µs
            (X, 4_100, 1, 0, 0),    // does not
            (M, 4_200, 9, 100, 10), // never seen before: no step
        ] {
            statistics.on_event(&event(kind, time, order, paise, quantity));
        }
        statistics.on_event(&event(EventKind::Clock, 9_000, 0, 0, 0));
        let sum = statistics.summary();
        assert_eq!((sum.messages, sum.instruments, sum.peak_per_millisecond), (8, 1, 4));
        let shares = [sum.new_share, sum.modify_share, sum.cancel_share, sum.trade_share];
        assert_eq!(shares, [0.25, 0.375, 0.25, 0.125]);
        assert_eq!((sum.cancels_per_new, sum.price_only_share), (1.0, 0.5));
        assert_eq!((sum.cancel_repeats_share, sum.one_tick_share), (0.5, 0.5));
        assert_eq!((sum.two_ticks_share, sum.life_median_ms), (0.5, 4.1));
        assert_eq!((sum.at_once_share, sum.same_millisecond_share), (1.0 / 7.0, 5.0 / 7.0));
        // Five milliseconds with 4, 0, 1, 0 and 3 messages: variance 26/5 − (8/5)².
        assert!((sum.dispersion - (5.2 - 2.56) / 1.6).abs() < 1e-12, "{}", sum.dispersion);
        assert_eq!(Statistics::new(Px::ZERO).summary().messages, 0);
    }
}
