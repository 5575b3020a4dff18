//! Option chains from books at one moment: the middle of every book that says a price, the reason for
//! every other.
//!
//! The middle, not the micro-price (the middle weighed by the quantities at bid and ask): in the demo's
//! market both are equally far from the options' theoretical prices, and the middle is never off by more
//! than half the spread, which is its weight, needs no quantities, and stays when one of them changes.

use tezi_core::pricing::DAYS_PER_YEAR;
use tezi_model::{Nanos, Px, TradingStatus};

use super::chain::{Builders, ChainOptions, LeftOut, OptionChain, OptionSide, PriceSource};
use crate::monitor::BookView;

const NANOS_PER_YEAR: f64 = DAYS_PER_YEAR * 86_400e9;
/// A spread of so many ticks is never too wide: the premium of a cheap option is a few of them.
const SPREAD_TICKS: i64 = 4;
/// The tick of options at NSE, for an instrument whose own is not known: 0.05.
const TICK_DEFAULT: Px = Px(5 * Px::PAISA);

/// Which books say a price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BookLimits {
    /// The most that ask less bid may be, as a part of the middle; four ticks always may.
    pub spread_max: f64,
    /// The longest time since the book last changed, in nanoseconds; `None` for any: an order that
    /// rests is still an offer.
    pub age_max_ns: Option<i64>,
}

impl Default for BookLimits {
    /// A tenth of the middle, of any age.
    fn default() -> Self {
        Self { spread_max: 0.1, age_max_ns: None }
    }
}

/// The chains of the options and futures among `books`, by symbol and expiry, as they were at `now` by
/// the exchange's clock, from which time to expiry runs to the nanosecond. One level of each side is
/// enough. What says no price is in its chain with the reason ([`OptionSide::left_out`]).
#[must_use]
pub fn book_chains(
    books: &[BookView],
    now: Nanos,
    options: &ChainOptions<'_>,
    limits: &BookLimits,
) -> Vec<OptionChain> {
    let mut builders = Builders::default();
    for book in books.iter().filter(|book| options.wants(&book.instrument)) {
        let years = book.instrument.expiry.since(now).max(0) as f64 / NANOS_PER_YEAR;
        let side = side(book, now, limits);
        builders.of(&book.instrument, PriceSource::Books, years).add(&book.instrument, side);
    }
    builders.finish(options.rate)
}

fn side(book: &BookView, now: Nanos, limits: &BookLimits) -> OptionSide {
    let [bid, ask] = [&book.bids, &book.asks].map(|levels| levels.first().map(|level| level.price));
    let middle = bid.zip(ask).map(|(bid, ask)| 0.5 * (bid.to_rupees() + ask.to_rupees()));
    OptionSide {
        price: middle.unwrap_or(f64::NAN),
        volume: book.volume,
        bid: bid.map(Px::to_rupees),
        ask: ask.map(Px::to_rupees),
        left_out: left_out(book, now, limits),
        valued: None,
    }
}

/// The first reason, in the order of [`LeftOut`], that a book's middle is no price.
fn left_out(book: &BookView, now: Nanos, limits: &BookLimits) -> Option<LeftOut> {
    if book.is_stale {
        return Some(LeftOut::Stale);
    }
    if !matches!(book.status, TradingStatus::Unknown | TradingStatus::Open) {
        return Some(LeftOut::NotTrading);
    }
    let (bid, ask) = match (book.bids.first(), book.asks.first()) {
        (Some(bid), Some(ask)) => (bid.price, ask.price),
        (None, None) => return Some(LeftOut::Empty),
        _ => return Some(LeftOut::OneSided),
    };
    if bid >= ask {
        return Some(LeftOut::Crossed);
    }
    if limits.age_max_ns.is_some_and(|max| now.since(book.changed) > max) {
        return Some(LeftOut::Unchanged);
    }
    let tick = if book.instrument.tick > Px::ZERO { book.instrument.tick } else { TICK_DEFAULT };
    let spread = ask.0.saturating_sub(bid.0);
    let middle = 0.5 * (ask.0 as f64 + bid.0 as f64);
    let is_wide = spread > SPREAD_TICKS * tick.0 && spread as f64 > limits.spread_max * middle;
    is_wide.then_some(LeftOut::TooWide)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi_core::book::Level;
    use tezi_core::pricing::Black76Input;
    use tezi_model::{Instrument, InstrumentKind, OptionType, Segment, Symbol, Token};

    const RATE: f64 = 0.065;
    const FORWARD: f64 = 24_010.0;

    /// Thursday noon, 3 h 40 min before an expiry.
    fn now() -> Nanos {
        Nanos::from_ist(2026, 11, 19, 12, 0, 0)
    }

    fn level(rupees: f64) -> Level {
        Level { price: Px::from_rupees(rupees), quantity: 65, orders: 1 }
    }

    /// An option, or without a type the future, with a bid and an ask around `middle`.
    fn book(option: Option<OptionType>, strike: f64, middle: f64, half: f64) -> BookView {
        let mut instrument = Instrument::unknown(Segment::NseFo, Token(strike as u32));
        instrument.symbol = Symbol::new("NIFTY");
        instrument.expiry = Nanos::from_ist(2026, 11, 19, 15, 40, 0);
        instrument.tick = Px::from_paise(5);
        let kind = if option.is_some() { InstrumentKind::Option } else { InstrumentKind::Future };
        instrument.kind_code = kind as u8;
        if let Some(option) = option {
            instrument.option_code = option as u8;
            instrument.strike = Px::from_rupees(strike);
        }
        BookView {
            instrument,
            status: TradingStatus::Open,
            is_stale: false,
            updates: 1,
            changed: now(),
            last_trade: None,
            volume: 0,
            bids: vec![level(middle - half)],
            asks: vec![level(middle + half)],
        }
    }

    fn chain(vol: impl Fn(f64) -> f64) -> Vec<BookView> {
        let years = 13_200.0 / (365.0 * 86_400.0);
        let option = |strike: f64, option| {
            let (vol, is_call) = (vol(strike), option == OptionType::Call);
            let of = Black76Input { forward: FORWARD, strike, years, vol, rate: RATE, is_call };
            book(Some(option), strike, of.value().price, 0.05)
        };
        let strikes = (-4..=4).map(|step| 24_000.0 + 50.0 * f64::from(step));
        let options = strikes
            .flat_map(|strike| [OptionType::Call, OptionType::Put].map(|of| option(strike, of)));
        options.chain([book(None, 0.0, FORWARD, 0.5)]).collect()
    }

    fn price(books: &[BookView], limits: &BookLimits) -> OptionChain {
        let options = ChainOptions { rate: RATE, ..ChainOptions::default() };
        let mut chains = book_chains(books, now(), &options, limits);
        assert_eq!(chains.len(), 1);
        chains.remove(0)
    }

    #[test]
    fn the_last_hours_give_back_the_volatility_to_the_second() {
        let chain = price(&chain(|_| 0.15), &BookLimits::default());
        assert!((chain.years * 365.0 * 86_400.0 - 13_200.0).abs() < 1e-6, "{}", chain.years);
        let parity = chain.parity.unwrap();
        assert_eq!(parity.pairs, 9);
        assert!((parity.forward - FORWARD).abs() < 0.02 && chain.basis().unwrap().abs() < 0.02);
        assert!(chain.left_out().is_empty());
        for (row, side) in
            chain.strikes.iter().flat_map(|row| [(row, row.call.unwrap()), (row, row.put.unwrap())])
        {
            let valued = side.valued.unwrap();
            // A middle is known to half a paisa here, and the forward to the same.
            let off = (valued.vol - 0.15).abs() * valued.value.first.vega;
            assert!(off < 0.02, "{}: {valued:?}", row.strike);
        }
        assert_eq!(chain.smile.status.name(), "fitted");
        assert!((chain.smile_vol(FORWARD).unwrap() - 0.15).abs() < 1e-4);
    }

    #[test]
    fn each_reason_leaves_out_its_option_and_no_other() {
        let mut books = chain(|_| 0.15);
        let clean = price(&books, &BookLimits::default());
        books[0].is_stale = true;
        books[1].status = TradingStatus::Halted;
        (books[2].bids, books[2].asks) = (Vec::new(), Vec::new());
        books[3].bids.clear();
        books[4].bids = books[4].asks.clone();
        books[5].changed = now().plus(-60_000_000_001);
        books[6].asks = vec![level(books[6].asks[0].price.to_rupees() * 1.3)];
        let limits = BookLimits { age_max_ns: Some(60_000_000_000), ..BookLimits::default() };
        let chain = price(&books, &limits);
        let names: Vec<_> = chain.sides().take(8).map(OptionSide::status).collect();
        let reasons = [
            "stale",
            "not_trading",
            "empty",
            "one_sided",
            "crossed",
            "unchanged",
            "too_wide",
            "ok",
        ];
        assert_eq!(names, reasons);
        assert!(chain.left_out().values().all(|&count| count == 1));
        assert_eq!(chain.left_out().len(), 7);
        // The first four strikes have no pair any more; the others say what they said.
        assert_eq!(chain.parity.unwrap().pairs, 5);
        let vol = |of: &OptionChain| of.strikes[8].put.unwrap().valued.unwrap().vol;
        assert!((vol(&chain) - vol(&clean)).abs() < 1e-3);
        for side in chain.sides().take(7) {
            assert!(side.valued.is_none());
        }
    }

    #[test]
    fn cheap_options_may_be_four_ticks_wide_and_no_wider() {
        let at = |bid, ask| {
            let mut book = book(Some(OptionType::Call), 25_000.0, 1.0, 0.05);
            (book.bids, book.asks) = (vec![level(bid)], vec![level(ask)]);
            left_out(&book, now(), &BookLimits::default())
        };
        assert_eq!([at(0.05, 0.25), at(0.05, 0.30)], [None, Some(LeftOut::TooWide)]);
        assert_eq!([at(100.0, 110.0), at(100.0, 111.0)], [None, Some(LeftOut::TooWide)]);
        assert_eq!([at(5.0, 5.0), at(5.05, 5.0)], [Some(LeftOut::Crossed); 2]);
    }

    #[test]
    fn without_pairs_the_future_is_the_forward_and_its_own_book_counts() {
        let mut books = chain(|_| 0.15);
        books.retain(|book| book.instrument.option_type() != Some(OptionType::Put));
        let chain = price(&books, &BookLimits::default());
        assert!(chain.parity.is_none() && chain.forward == FORWARD);
        assert!(chain.sides().all(|side| side.status() == "ok"));
        let last = books.len() - 1;
        books[last].bids.clear();
        let chain = price(&books, &BookLimits::default());
        assert!(chain.future.is_none() && chain.forward.is_nan());
        assert!(chain.sides().all(|side| side.status() == "invalid"));
    }
}
