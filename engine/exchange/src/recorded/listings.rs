//! What a recording trades, as listings: for an exchange that is to play it and knows no more of it.

use std::collections::BTreeMap;

use tezi_core::venue::Date;
use tezi_gateway::nnf::Underlying;
use tezi_model::{
    Event, EventKind, Instrument, InstrumentKind, Nanos, Px, Qty, Segment, Symbol, Token,
};

use crate::config::Listing;

/// The listings of a recording, and what was left out.
#[derive(Clone, Debug)]
pub struct ListingsOfRecording {
    /// The busiest instruments, by token.
    pub listings: Vec<Listing>,
    /// Instruments that were less busy than these.
    pub left_out: usize,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    events: u64,
    /// Greatest common divisors of prices and quantities.
    tick: u64,
    lot: u32,
    first: Px,
    low: Px,
    high: Px,
}

/// Lists the `count_max` busiest instruments of a recording as futures of a symbol `R` and their token,
/// that expire a month after `date`: order entry has to call them something. Tick and lot are what all
/// prices and quantities are multiples of, the reference is the first price, the range a tenth to ten
/// times what was seen. Instruments whose prices are no whole paise, or none above zero, are left out.
#[must_use]
pub fn recorded_listings(events: &[Event], date: Date, count_max: usize) -> ListingsOfRecording {
    let mut seen: BTreeMap<Token, Seen> = BTreeMap::new();
    for event in events {
        use EventKind as K;
        let Some(kind) = event.kind().filter(|_| event.token != Token(0)) else { continue };
        if event.quantity.0 == 0 {
            continue;
        }
        match kind {
            K::OrderNew | K::OrderModify | K::OrderReplace => {
                seen.entry(event.token).or_default().note(event);
            }
            // What trades, or is taken away, is in whole lots too.
            K::Trade | K::OrderExecute | K::OrderReduce => {
                let it = seen.entry(event.token).or_default();
                it.lot = divisor(it.lot.into(), event.quantity.0.into()) as u32;
            }
            _ => {}
        }
    }
    let all = seen.len();
    let mut busiest: Vec<(Token, Seen)> = seen
        .into_iter()
        .filter(|(token, it)| token.0 <= i32::MAX as u32 && it.is_possible())
        .collect();
    busiest.sort_by_key(|(token, it)| (core::cmp::Reverse(it.events), *token));
    busiest.truncate(count_max);
    busiest.sort_by_key(|(token, _)| *token);
    let expiry = date.plus_days(30).midnight().plus(EXPIRY_OF_DAY_NS);
    let listings: Vec<Listing> =
        busiest.into_iter().map(|(token, it)| it.listing(token, expiry)).collect();
    ListingsOfRecording { left_out: all - listings.len(), listings }
}

/// 15:30.
const EXPIRY_OF_DAY_NS: i64 = (15 * 60 + 30) * 60 * 1_000_000_000;
/// The highest price that order entry can say.
const PRICE_MAX: Px = Px::from_paise(i32::MAX as i64);

impl Seen {
    fn note(&mut self, event: &Event) {
        if self.events == 0 {
            (self.first, self.low, self.high) = (event.price, event.price, event.price);
        }
        self.events += 1;
        (self.low, self.high) = (self.low.min(event.price), self.high.max(event.price));
        self.tick = divisor(self.tick, event.price.0.unsigned_abs());
        self.lot = divisor(self.lot.into(), event.quantity.0.into()) as u32;
    }

    fn is_possible(&self) -> bool {
        let is_paise = self.tick.is_multiple_of(Px::PAISA as u64);
        self.low > Px::ZERO && self.high <= PRICE_MAX && is_paise
    }

    fn listing(&self, token: Token, expiry: Nanos) -> Listing {
        let tick = Px(self.tick as i64);
        let mut instrument = Instrument::unknown(Segment::NseFo, token);
        instrument.symbol = Symbol::new(&format!("R{token}"));
        instrument.kind_code = InstrumentKind::Future as u8;
        (instrument.expiry, instrument.tick, instrument.lot) = (expiry, tick, Qty(self.lot));
        instrument.price_low = tick.max(Px(self.low.0 / 10).ceil_to(tick));
        instrument.price_high = Px(self.high.0.saturating_mul(10)).min(PRICE_MAX).floor_to(tick);
        Listing { instrument, underlying: Underlying::Stock, stream: 1, reference: self.first }
    }
}

/// The greatest common divisor; of 0 and a number, the number.
fn divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
