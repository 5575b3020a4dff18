//! What the files say of an instrument: the model's [`Instrument`], and beside it what that record
//! has no place for.
//!
//! Unknown is zero, empty or `None`, so a record of one file can be completed from another.

use core::fmt;

use tezi_model::{Instrument, InstrumentKind, Nanos, Px, Qty, Segment, StreamId, Symbol, Token};

use super::FileKind;

/// One instrument: the engine's record of it, and what else its files say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentRecord {
    /// What the engine trades on.
    pub instrument: Instrument,
    /// What it does not.
    pub details: InstrumentDetails,
}

/// What the model's [`Instrument`] cannot hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentDetails {
    /// The file that named the instrument; of several, the one that takes precedence.
    pub source: FileKind,
    /// The tick-by-tick stream that carries it.
    pub stream: Option<StreamId>,
    /// What a derivative is written on.
    pub underlying: UnderlyingKind,
    /// The token of the underlying, in its own segment.
    pub underlying_token: Option<Token>,
    /// The series, `EQ`; empty where the file has none.
    pub series: Symbol,
    /// The international number of a cash instrument.
    pub isin: Option<Isin>,
    /// The exchange's name for it: a company, or `NIFTY26SEPFUT`.
    pub name: Box<str>,
    /// What a cash instrument is.
    pub security_type: Option<SecurityType>,
    /// The fewest units an order may have.
    pub quantity_min: Qty,
    /// The price the day's range is measured from.
    pub base_price: Px,
    /// Units issued, of a cash instrument.
    pub issued_capital: u64,
    /// Whether the exchange lets it trade.
    pub permission: Option<TradingPermission>,
    /// Whether it may trade in the normal market.
    pub normal_market: Option<bool>,
    /// Whether it has a closing auction.
    pub closing_auction: Option<bool>,
    /// How a derivative is settled.
    pub settlement: Option<SettlementMethod>,
    /// The prices of a day, from a bhavcopy.
    pub prices: Option<DailyPrices>,
}

impl InstrumentRecord {
    /// A record of which only segment, token and source are known.
    #[must_use]
    pub fn unknown(segment: Segment, token: Token, source: FileKind) -> Self {
        Self {
            instrument: Instrument::unknown(segment, token),
            details: InstrumentDetails {
                source,
                stream: None,
                underlying: UnderlyingKind::Unknown,
                underlying_token: None,
                series: Symbol::default(),
                isin: None,
                name: Box::default(),
                security_type: None,
                quantity_min: Qty::ZERO,
                base_price: Px::ZERO,
                issued_capital: 0,
                permission: None,
                normal_market: None,
                closing_auction: None,
                settlement: None,
                prices: None,
            },
        }
    }

    /// Segment code and token: what makes an instrument one.
    #[inline]
    #[must_use]
    pub const fn key(&self) -> (u8, Token) {
        (self.instrument.segment_code, self.instrument.token)
    }

    /// Whether `other` may speak of the same contract: nothing that names it differs where both
    /// know it.
    ///
    /// Exchanges give the token of an expired contract to a new one, so files of different days
    /// may mean different contracts by one token. Expiries are compared by date: some files have no
    /// time of day.
    #[must_use]
    pub fn is_same_contract(&self, other: &Self) -> bool {
        let (a, b) = (&self.instrument, &other.instrument);
        agree(a.symbol, b.symbol)
            && agree(a.kind_code, b.kind_code)
            && agree(a.option_code, b.option_code)
            && agree(a.strike, b.strike)
            && (a.expiry == Nanos::ZERO
                || b.expiry == Nanos::ZERO
                || a.expiry.ist_date() == b.expiry.ist_date())
            && (a.kind() != InstrumentKind::Equity
                || agree(self.details.series, other.details.series))
    }

    /// Takes from `other` what is unknown here; what is known stays.
    pub fn complete_from(&mut self, other: &Self) {
        let (mine, theirs) = (&mut self.instrument, &other.instrument);
        complete(&mut mine.symbol, theirs.symbol);
        complete(&mut mine.expiry, theirs.expiry);
        complete(&mut mine.strike, theirs.strike);
        complete(&mut mine.tick, theirs.tick);
        // A pair: a lowest price of nought is only unknown when there is no highest one.
        if mine.price_high == Px::ZERO && mine.price_low == Px::ZERO {
            (mine.price_low, mine.price_high) = (theirs.price_low, theirs.price_high);
        }
        complete(&mut mine.lot, theirs.lot);
        complete(&mut mine.freeze_quantity, theirs.freeze_quantity);
        complete(&mut mine.kind_code, theirs.kind_code);
        complete(&mut mine.option_code, theirs.option_code);

        let (mine, theirs) = (&mut self.details, &other.details);
        complete(&mut mine.stream, theirs.stream);
        complete(&mut mine.underlying, theirs.underlying);
        complete(&mut mine.underlying_token, theirs.underlying_token);
        complete(&mut mine.series, theirs.series);
        complete(&mut mine.isin, theirs.isin);
        if mine.name.is_empty() {
            mine.name.clone_from(&theirs.name);
        }
        complete(&mut mine.security_type, theirs.security_type);
        complete(&mut mine.quantity_min, theirs.quantity_min);
        complete(&mut mine.base_price, theirs.base_price);
        complete(&mut mine.issued_capital, theirs.issued_capital);
        complete(&mut mine.permission, theirs.permission);
        complete(&mut mine.normal_market, theirs.normal_market);
        complete(&mut mine.closing_auction, theirs.closing_auction);
        complete(&mut mine.settlement, theirs.settlement);
        complete(&mut mine.prices, theirs.prices);
    }
}

fn agree<T: PartialEq + Default + Copy>(a: T, b: T) -> bool {
    a == b || a == T::default() || b == T::default()
}

fn complete<T: PartialEq + Default + Copy>(mine: &mut T, theirs: T) {
    if *mine == T::default() {
        *mine = theirs;
    }
}

/// A pair of contracts that trades as one, at the difference of their prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpreadRecord {
    /// The file that named it; of several, the one that takes precedence.
    pub source: FileKind,
    /// The tick-by-tick stream that carries it.
    pub stream: Option<StreamId>,
    /// The near leg, then the far one. From stream information, only segment and token are known.
    pub legs: [Instrument; 2],
    /// The difference the ranges are measured from. As all differences here, it has a sign.
    pub reference_price: Px,
    /// Lowest and highest difference of the day; both zero when not known.
    pub day_range: [Px; 2],
    /// Lowest and highest difference an order may have; both zero when not known. The exchange may
    /// move it within the day.
    pub operating_range: [Px; 2],
    /// Whether it may trade; `None` when the file does not say.
    pub is_eligible: Option<bool>,
}

impl SpreadRecord {
    /// A spread of which only the legs' tokens are known.
    #[must_use]
    pub fn unknown(segment: Segment, tokens: [Token; 2], source: FileKind) -> Self {
        Self {
            source,
            stream: None,
            legs: tokens.map(|token| Instrument::unknown(segment, token)),
            reference_price: Px::ZERO,
            day_range: [Px::ZERO; 2],
            operating_range: [Px::ZERO; 2],
            is_eligible: None,
        }
    }

    /// Segment code and the tokens of the legs: what makes a spread one.
    #[inline]
    #[must_use]
    pub const fn key(&self) -> (u8, Token, Token) {
        (self.legs[0].segment_code, self.legs[0].token, self.legs[1].token)
    }

    /// Takes from `other` what is unknown here; what is known stays.
    pub fn complete_from(&mut self, other: &Self) {
        complete(&mut self.stream, other.stream);
        if self.legs[0].symbol == Symbol::default() {
            self.legs = other.legs;
        }
        if self.is_eligible.is_none() {
            self.is_eligible = other.is_eligible;
            self.reference_price = other.reference_price;
            self.day_range = other.day_range;
            self.operating_range = other.operating_range;
        }
    }
}

/// What a derivative is written on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UnderlyingKind {
    /// The file does not say, or the instrument is no derivative.
    #[default]
    Unknown,
    /// An index (`FUTIDX`, `OPTIDX`; `IDF`, `IDO`).
    Index,
    /// A share (`FUTSTK`, `OPTSTK`; `STF`, `STO`).
    Stock,
    /// Something else: a currency, a rate, a commodity.
    Other,
}

/// What a cash instrument is (`security.txt`, instrument type).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecurityType {
    /// Code 0.
    Equity,
    /// Code 1.
    PreferenceShare,
    /// Code 2.
    Debenture,
    /// Code 3.
    Warrant,
    /// Code 4.
    Miscellaneous,
}

/// Whether the exchange lets an instrument trade (permitted to trade).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TradingPermission {
    /// Code 0.
    Forbidden,
    /// Code 1.
    Permitted,
    /// Code 2: listed on BSE, traded here only while BSE cannot.
    OutageBackup,
}

/// How a derivative is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SettlementMethod {
    /// Code `C`.
    Cash,
    /// Code `P`.
    Physical,
}

/// An international securities identification number: two letters, nine letters or digits, and a
/// check digit. Its form is checked, the check digit is not: the exchange's word is taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Isin([u8; 12]);

impl Isin {
    /// The number a text stands for, `None` when it has not the form.
    #[must_use]
    pub fn new(text: &[u8]) -> Option<Self> {
        let bytes: [u8; 12] = text.try_into().ok()?;
        let [country @ .., check] = &bytes;
        let (country, number) = country.split_at(2);
        let is_code = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        let has_form = country.iter().all(u8::is_ascii_uppercase)
            && number.iter().all(is_code)
            && check.is_ascii_digit();
        has_form.then_some(Self(bytes))
    }

    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Isin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Isin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// A day's prices of an instrument, from a bhavcopy.
///
/// Of what did not trade, open, high, low and last are zero and the close is the previous one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyPrices {
    /// The start of the trading day, midnight in India.
    pub date: Nanos,
    /// The first price.
    pub open: Px,
    /// The highest price.
    pub high: Px,
    /// The lowest price.
    pub low: Px,
    /// The last traded price.
    pub last: Px,
    /// The closing price.
    pub close: Px,
    /// The closing price of the day before.
    pub previous_close: Px,
    /// The daily or, on the last day, the final settlement price.
    pub settlement: Px,
    /// The price of the underlying.
    pub underlying: Px,
    /// Open interest in units, not in contracts.
    pub open_interest: u64,
    /// What traded: contracts of a derivative, units of a cash instrument.
    pub volume: u64,
}
