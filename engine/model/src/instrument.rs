//! Instruments and the numbers that name them.

use core::fmt;

use bytemuck::{Pod, Zeroable};

use crate::{Nanos, Px, Qty};

/// The exchange's own number for an instrument, unique within a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct Token(pub u32);

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The engine's number for an instrument: 0, 1, 2, … in the order they became known. An index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct InstrumentId(pub u32);

impl InstrumentId {
    /// The position in a table of instruments.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A market segment: one space of tokens and of order numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Segment {
    /// NSE futures and options.
    NseFo = 1,
    /// NSE capital market (cash).
    NseCm = 2,
    /// NSE currency derivatives.
    NseCd = 3,
    /// NSE commodity derivatives.
    NseCo = 4,
    /// BSE equity derivatives.
    BseFo = 5,
    /// BSE cash.
    BseCm = 6,
    /// BSE currency derivatives.
    BseCd = 7,
    /// NASDAQ, US equities.
    NasdaqUs = 8,
    /// CME Globex.
    CmeGlobex = 9,
}

impl Segment {
    /// Every segment.
    pub const ALL: [Self; 9] = [
        Self::NseFo,
        Self::NseCm,
        Self::NseCd,
        Self::NseCo,
        Self::BseFo,
        Self::BseCm,
        Self::BseCd,
        Self::NasdaqUs,
        Self::CmeGlobex,
    ];

    /// The segment a record's byte stands for.
    #[inline]
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::NseFo),
            2 => Some(Self::NseCm),
            3 => Some(Self::NseCd),
            4 => Some(Self::NseCo),
            5 => Some(Self::BseFo),
            6 => Some(Self::BseCm),
            7 => Some(Self::BseCd),
            8 => Some(Self::NasdaqUs),
            9 => Some(Self::CmeGlobex),
            _ => None,
        }
    }

    /// The short name people type: `fo`, `cm`, `cd`, `co` for NSE, with the exchange before it for
    /// others.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NseFo => "fo",
            Self::NseCm => "cm",
            Self::NseCd => "cd",
            Self::NseCo => "co",
            Self::BseFo => "bse-fo",
            Self::BseCm => "bse-cm",
            Self::BseCd => "bse-cd",
            Self::NasdaqUs => "nasdaq",
            Self::CmeGlobex => "cme",
        }
    }

    /// Price units in one unit of the wire price of the segment's order-by-order feed: paise on NSE,
    /// but 10⁻⁷ rupee in currency derivatives (MTBT 6.7, chapter 6); 10⁻⁸ on BSE (EOBI 1.4); 10⁻⁴
    /// dollar on NASDAQ (ITCH 5.0); 10⁻⁹ dollar in DBN, which is finer than the model and counts as
    /// 10⁻⁸ here: its decoder divides.
    #[inline]
    #[must_use]
    pub const fn wire_price_units(self) -> i64 {
        match self {
            Self::NseFo | Self::NseCm | Self::NseCo => Px::PAISA,
            Self::NseCd => Px::SCALE / 10_000_000,
            Self::BseFo | Self::BseCm | Self::BseCd | Self::CmeGlobex => 1,
            Self::NasdaqUs => Px::SCALE / 10_000,
        }
    }
}

/// A feed stream: a segment and the number of the exchange's stream, or product, within it.
///
/// **Shape**: from the low bit on, 8 low bits of the number, 4 bits of the segment, 4 high bits of the
/// number. A number below 256 thus stands in the low byte alone, the segment above it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct StreamId(pub u16);

impl StreamId {
    /// The largest number of a stream. BSE has a stream a product, and hundreds of products.
    pub const NUMBER_MAX: u16 = 0xFFF;

    /// Names the exchange's stream `number` of a segment; of a number beyond
    /// [`NUMBER_MAX`](Self::NUMBER_MAX) the low 12 bits count.
    #[inline]
    #[must_use]
    pub const fn new(segment: Segment, number: u16) -> Self {
        Self((segment as u16) << 8 | (number & 0xFF) | (number & 0xF00) << 4)
    }

    /// The exchange's stream number.
    #[inline]
    #[must_use]
    pub const fn number(self) -> u16 {
        (self.0 & 0xFF) | (self.0 >> 4 & 0xF00)
    }

    /// The segment, `None` when the record holds no known one.
    #[inline]
    #[must_use]
    pub const fn segment(self) -> Option<Segment> {
        Segment::from_code((self.0 >> 8 & 0xF) as u8)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.segment() {
            Some(segment) => write!(f, "{}/{}", segment.name(), self.number()),
            None => write!(f, "?{}/{}", self.0 >> 8 & 0xF, self.number()),
        }
    }
}

/// A symbol: up to 16 bytes of ASCII, padded with NUL.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct Symbol(pub [u8; 16]);

impl Symbol {
    /// The symbol of a text, cut to 16 bytes; bytes outside printable ASCII become `?`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(text.bytes()) {
            *to = if from.is_ascii_graphic() || from == b' ' { from } else { b'?' };
        }
        Self(bytes)
    }

    /// The symbol as text, without padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|&byte| byte == 0).unwrap_or(self.0.len());
        core::str::from_utf8(&self.0[..length]).unwrap_or("?")
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// What kind of contract an instrument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum InstrumentKind {
    /// Seen in market data, in no master file: only its token is known.
    Unknown = 0,
    /// A share or other cash instrument.
    Equity = 1,
    /// A future.
    Future = 2,
    /// A European option.
    Option = 3,
    /// A pair of contracts that trades at the difference of their prices.
    Spread = 4,
    /// A value that is reckoned from others and does not trade.
    Index = 5,
}

/// Call or put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OptionType {
    /// The right to buy (`CE`).
    Call = 1,
    /// The right to sell (`PE`).
    Put = 2,
}

/// What the engine knows of one instrument. Journaled as it is.
///
/// Zero means "not known" in every numeric field; a check whose input is not known does not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Instrument {
    /// The name of the underlying, `NIFTY`.
    pub symbol: Symbol,
    /// When it expires.
    pub expiry: Nanos,
    /// The strike of an option. The record has no other room for the token of a spread's far leg,
    /// which stands here as a number: read it with [`Instrument::legs`].
    pub strike: Px,
    /// The price step.
    pub tick: Px,
    /// The lowest price an order may have today. Of a spread both bounds have a sign.
    pub price_low: Px,
    /// The highest price an order may have today.
    pub price_high: Px,
    /// The exchange's number; of a spread with two legs that of the near one.
    pub token: Token,
    /// Units in one lot; orders are multiples of it.
    pub lot: Qty,
    /// The most units one order may have (the exchange's quantity freeze).
    pub freeze_quantity: Qty,
    /// A [`Segment`] code.
    pub segment_code: u8,
    /// An [`InstrumentKind`] code.
    pub kind_code: u8,
    /// An [`OptionType`] code, 0 for what is no option.
    pub option_code: u8,
    /// Zero.
    pub reserved: u8,
}

const _: () = assert!(size_of::<Instrument>() == 72);

impl Instrument {
    /// An instrument of which only segment and token are known.
    #[must_use]
    pub fn unknown(segment: Segment, token: Token) -> Self {
        Self::unknown_code(segment as u8, token)
    }

    /// The spread of a near leg and the contract with the token `far`. Symbol, expiry, tick and lot
    /// are the near leg's.
    #[must_use]
    pub fn spread(near: &Self, far: Token) -> Self {
        Self {
            symbol: near.symbol,
            expiry: near.expiry,
            tick: near.tick,
            lot: near.lot,
            strike: Px(i64::from(far.0)),
            kind_code: InstrumentKind::Spread as u8,
            ..Self::unknown_code(near.segment_code, near.token)
        }
    }

    /// An index, by the number the feed gives it.
    #[must_use]
    pub fn index(segment: Segment, number: Token) -> Self {
        let kind_code = InstrumentKind::Index as u8;
        Self { kind_code, ..Self::unknown(segment, number) }
    }

    fn unknown_code(segment_code: u8, token: Token) -> Self {
        Self { token, segment_code, ..Self::zeroed() }
    }

    /// The tokens of a spread's near and far leg; `None` for what is no spread, and for one that the
    /// exchange knows by a token of its own.
    #[inline]
    #[must_use]
    pub const fn legs(&self) -> Option<[Token; 2]> {
        let far = self.strike.0;
        if self.kind_code == InstrumentKind::Spread as u8 && 0 < far && far <= u32::MAX as i64 {
            Some([self.token, Token(far as u32)])
        } else {
            None
        }
    }

    /// The segment, `None` when the record holds no known one.
    #[inline]
    #[must_use]
    pub const fn segment(&self) -> Option<Segment> {
        Segment::from_code(self.segment_code)
    }

    /// The kind of contract.
    #[inline]
    #[must_use]
    pub const fn kind(&self) -> InstrumentKind {
        match self.kind_code {
            1 => InstrumentKind::Equity,
            2 => InstrumentKind::Future,
            3 => InstrumentKind::Option,
            4 => InstrumentKind::Spread,
            5 => InstrumentKind::Index,
            _ => InstrumentKind::Unknown,
        }
    }

    /// Call or put; `None` for what is no option.
    #[inline]
    #[must_use]
    pub const fn option_type(&self) -> Option<OptionType> {
        match self.option_code {
            1 => Some(OptionType::Call),
            2 => Some(OptionType::Put),
            _ => None,
        }
    }
}

impl fmt::Display for Instrument {
    /// `NIFTY 2026-09-24 24000 CE`, `NIFTY 2026-09-24 FUT`, `INFY EQ`, or `fo:35001`; a spread by its
    /// legs, `fo:35001/35002`, an index by name or number, `index cm:7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.expiry.ist_date();
        let segment = self.segment().map_or("?", Segment::name);
        let text = match (self.kind(), self.option_type()) {
            (InstrumentKind::Future, _) => {
                format!("{} {year:04}-{month:02}-{day:02} FUT", self.symbol)
            }
            (InstrumentKind::Option, Some(option)) => {
                let letters = if option == OptionType::Call { "CE" } else { "PE" };
                let strike = self.strike.to_rupees();
                format!("{} {year:04}-{month:02}-{day:02} {strike} {letters}", self.symbol)
            }
            (InstrumentKind::Equity, _) => format!("{} EQ", self.symbol),
            (InstrumentKind::Index, _) if self.symbol != Symbol::default() => {
                format!("{} INDEX", self.symbol)
            }
            (InstrumentKind::Index, _) => format!("index {segment}:{}", self.token),
            _ => match self.legs() {
                Some([near, far]) => format!("{segment}:{near}/{far}"),
                None => format!("{segment}:{}", self.token),
            },
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instruments_print_the_way_dealers_write_them() {
        let mut option = Instrument::unknown(Segment::NseFo, Token(35001));
        assert_eq!(option.to_string(), "fo:35001");
        option.symbol = Symbol::new("NIFTY");
        option.expiry = Nanos::from_ist(2026, 9, 22, 15, 40, 0);
        option.strike = Px::from_rupees(24_000.0);
        option.kind_code = InstrumentKind::Option as u8;
        option.option_code = OptionType::Put as u8;
        assert_eq!(option.to_string(), "NIFTY 2026-09-22 24000 PE");
        option.kind_code = InstrumentKind::Future as u8;
        assert_eq!(option.to_string(), "NIFTY 2026-09-22 FUT");
        let spread = Instrument::spread(&option, Token(35002));
        assert_eq!(spread.to_string(), "fo:35001/35002");
        let mut index = Instrument::index(Segment::NseCm, Token(7));
        assert_eq!(index.to_string(), "index cm:7");
        index.symbol = Symbol::new("Nifty 50");
        assert_eq!(index.to_string(), "Nifty 50 INDEX");
    }

    #[test]
    fn only_a_spread_of_two_tokens_has_legs() {
        let near = Instrument::unknown(Segment::NseFo, Token(7));
        let spread = Instrument::spread(&near, Token(u32::MAX));
        assert_eq!(spread.kind(), InstrumentKind::Spread);
        assert_eq!(spread.legs(), Some([Token(7), Token(u32::MAX)]));
        assert_eq!(Instrument::spread(&near, Token(0)).legs(), None);
        let far_out = Instrument { strike: Px(1 << 32), ..spread };
        assert_eq!(far_out.legs(), None);
        let option = Instrument { kind_code: InstrumentKind::Option as u8, ..spread };
        assert_eq!((near.legs(), option.legs()), (None, None));
    }

    #[test]
    fn codes_name_what_they_were_made_from() {
        for segment in Segment::ALL {
            assert_eq!(Segment::from_code(segment as u8), Some(segment));
            for number in [0, 7, 255, 256, 0xABC, StreamId::NUMBER_MAX] {
                let stream = StreamId::new(segment, number);
                assert_eq!((stream.segment(), stream.number()), (Some(segment), number));
            }
            assert_eq!(StreamId::new(segment, 7).0, (segment as u16) << 8 | 7);
        }
        assert_eq!(Symbol::new("a\u{e9}").as_str(), "a??");
        assert_eq!(Symbol::new("0123456789abcdefg").as_str(), "0123456789abcdef");
    }
}
