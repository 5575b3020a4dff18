//! Market pictures: plain fields, then differences.
//!
//! A compressed field is a 16-bit difference to its base, or the escape 32767 and the value itself.
//! The base of the fields before the levels is the last trade: its price for prices, its quantity
//! for the rest. The base of a level's field is the same field of the level before, and of the
//! first level's the last trade again (NFCAST 5.0, chapter 5).

use tezi_model::{Px, Segment, Token};

use super::layout::PictureHead;
use super::{DecodeError, Message, decode};

/// The most price points a side has.
pub const LEVELS_MAX: usize = 5;

/// The difference that says that the value itself follows.
pub(super) const ESCAPE: i16 = i16::MAX;
/// In the place of a price: no more bids.
pub(super) const BIDS_END: i16 = 32_766;
/// In the place of a price: no more offers.
pub(super) const OFFERS_END: i16 = -32_766;

/// How long a value behind an escape is in a field that is 64 bits wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantityEscape {
    /// Four bytes, as the text says.
    FourBytes,
    /// Eight bytes, as the width of the field suggests.
    EightBytes,
}

/// How many fields a level has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelFields {
    /// Price, quantity, orders, implied quantity (sections 5.4, 5.5 and 5.9.2).
    Four,
    /// The same and a reserved one (section 5.9.3 and the field table).
    Five,
}

/// One of the readings that the manual allows.
///
/// The default is what it says most completely: five fields, as its full example reads byte by byte,
/// and four bytes behind an escape, the only length it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// How long a value behind an escape is.
    pub quantity_escape: QuantityEscape,
    /// How many fields a level has.
    pub level_fields: LevelFields,
}

impl Default for Dialect {
    fn default() -> Self {
        Self::ALL[0]
    }
}

impl Dialect {
    /// Every dialect, the default first.
    pub const ALL: [Self; 4] = [
        Self { quantity_escape: QuantityEscape::FourBytes, level_fields: LevelFields::Five },
        Self { quantity_escape: QuantityEscape::FourBytes, level_fields: LevelFields::Four },
        Self { quantity_escape: QuantityEscape::EightBytes, level_fields: LevelFields::Five },
        Self { quantity_escape: QuantityEscape::EightBytes, level_fields: LevelFields::Four },
    ];
}

/// Finds the sender's dialect: the one that reads every datagram to its last byte.
#[derive(Clone, Debug)]
pub struct DialectFinder {
    /// Whether the dialect of [`Dialect::ALL`] has read everything so far.
    possible: [bool; 4],
    segment: Segment,
}

impl DialectFinder {
    /// A finder that has seen nothing: every dialect is possible.
    #[must_use]
    pub const fn new(segment: Segment) -> Self {
        Self { possible: [true; 4], segment }
    }

    /// Rules out the dialects that do not read `datagram`. One that none reads rules out none: it
    /// is damaged, or no market picture.
    pub fn on_datagram(&mut self, datagram: &[u8]) {
        let reads = Dialect::ALL.map(|dialect| match decode(datagram, self.segment, dialect) {
            Ok(Message::MarketPictures(_, mut pictures)) => pictures.all(|one| one.is_ok()),
            _ => false,
        });
        if reads.contains(&true) {
            for (possible, reads) in self.possible.iter_mut().zip(reads) {
                *possible &= reads;
            }
        }
    }

    /// The dialects that are still possible, the default first.
    pub fn possible(&self) -> impl Iterator<Item = Dialect> + '_ {
        Dialect::ALL
            .into_iter()
            .zip(self.possible)
            .filter_map(|(dialect, is)| is.then_some(dialect))
    }

    /// The dialect, when only one is left.
    #[must_use]
    pub fn found(&self) -> Option<Dialect> {
        let mut possible = self.possible();
        let first = possible.next()?;
        possible.next().is_none().then_some(first)
    }
}

/// One price point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Its price.
    pub price: Px,
    /// Units open at it.
    pub quantity: u64,
    /// Orders at it.
    pub orders: u64,
    /// Units open at it by implication of spreads.
    pub implied_quantity: u64,
}

/// The price points of a side, best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    levels: [Level; LEVELS_MAX],
    count: u8,
}

impl Levels {
    /// The first five of `levels`.
    #[must_use]
    pub fn new(levels: &[Level]) -> Self {
        let mut side = Self::default();
        for level in levels.iter().take(LEVELS_MAX) {
            side.push(*level);
        }
        side
    }

    /// The price points, best first.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[Level] {
        &self.levels[..usize::from(self.count)]
    }

    fn push(&mut self, level: Level) {
        self.levels[usize::from(self.count)] = level;
        self.count += 1;
    }
}

/// The state of one instrument's market. Prices are the model's; quantities are units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MarketPicture {
    /// The instrument.
    pub token: Token,
    /// Trades today.
    pub trades: u32,
    /// Units traded today.
    pub volume: u64,
    /// Value traded today, in `value_unit`.
    pub value: i64,
    /// `l` lakh, `c` crore.
    pub value_unit: u8,
    /// 20 in a call auction of illiquid shares, 0 otherwise.
    pub market_type: i16,
    /// As in [`super::ProductState`].
    pub session_number: i16,
    /// Hour, minute and second of the last trade, in India.
    pub last_time: [u8; 3],
    /// Millisecond of the last trade, as sent: three characters.
    pub last_millisecond: [u8; 3],
    /// The exchange's time stamp, as sent; its unit is not documented.
    pub timestamp: i64,
    /// Close price.
    pub close: Px,
    /// Quantity of the last trade.
    pub last_quantity: u64,
    /// Price of the last trade.
    pub last_price: Px,
    /// First price of the day.
    pub open: Px,
    /// Close of the day before.
    pub previous_close: Px,
    /// Highest price of the day.
    pub high: Px,
    /// Lowest price of the day.
    pub low: Px,
    /// Reference price of block deals.
    pub block_reference: Px,
    /// Equilibrium price of a running auction.
    pub indicative_price: Px,
    /// Quantity that would trade at it.
    pub indicative_quantity: u64,
    /// Units of all bids.
    pub total_bid_quantity: u64,
    /// Units of all offers.
    pub total_offer_quantity: u64,
    /// Lower circuit limit.
    pub lower_circuit: Px,
    /// Upper circuit limit.
    pub upper_circuit: Px,
    /// Weighted average price of the day.
    pub average: Px,
    /// Best bids.
    pub bids: Levels,
    /// Best offers.
    pub offers: Levels,
}

/// Price units in one unit of the wire: paise, and 10⁻⁴ rupee in currency derivatives.
pub(super) const fn price_units(segment: Segment) -> i64 {
    match segment {
        Segment::BseCd => Px::SCALE / 10_000,
        _ => Px::PAISA,
    }
}

/// The pictures of one datagram, in order. An error ends them: what follows cannot be found.
#[derive(Clone, Debug)]
pub struct MarketPictures<'a> {
    rest: &'a [u8],
    /// Records still to be read; `None` when the end was told.
    remaining: Option<usize>,
    is_wide: bool,
    segment: Segment,
    dialect: Dialect,
}

impl<'a> MarketPictures<'a> {
    pub(super) const fn new(
        rest: &'a [u8],
        count: usize,
        is_wide: bool,
        segment: Segment,
        dialect: Dialect,
    ) -> Self {
        Self { rest, remaining: Some(count), is_wide, segment, dialect }
    }

    fn read(&mut self) -> Result<MarketPicture, DecodeError> {
        let mut reader = Reader { rest: self.rest, dialect: self.dialect };
        let picture = read_picture(&mut reader, self.is_wide, price_units(self.segment))?;
        self.rest = reader.rest;
        Ok(picture)
    }
}

impl Iterator for MarketPictures<'_> {
    type Item = Result<MarketPicture, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let picture = match self.remaining? {
            0 if self.rest.is_empty() => return None,
            0 => Err(DecodeError::TrailingBytes),
            _ => self.read(),
        };
        let remaining = self.remaining.take();
        self.remaining = remaining.filter(|_| picture.is_ok()).map(|remaining| remaining - 1);
        Some(picture)
    }
}

/// Reads fields off the front of a record.
struct Reader<'a> {
    rest: &'a [u8],
    dialect: Dialect,
}

impl Reader<'_> {
    #[inline]
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (first, rest) =
            self.rest.split_first_chunk::<N>().ok_or(DecodeError::TruncatedRecord)?;
        self.rest = rest;
        Ok(*first)
    }

    #[inline]
    fn difference(&mut self) -> Result<i16, DecodeError> {
        self.bytes().map(i16::from_be_bytes)
    }

    /// A price: `difference` to `base`, or the value behind the escape.
    #[inline]
    fn price_of(&mut self, difference: i16, base: i32) -> Result<i32, DecodeError> {
        if difference == ESCAPE {
            return self.bytes().map(i32::from_be_bytes);
        }
        base.checked_add(i32::from(difference)).ok_or(DecodeError::PriceOutOfRange)
    }

    #[inline]
    fn price(&mut self, base: i32) -> Result<i32, DecodeError> {
        let difference = self.difference()?;
        self.price_of(difference, base)
    }

    /// A quantity of 64 bits; `is_narrow` for fields whose value has four bytes in any dialect.
    #[inline]
    fn quantity(&mut self, base: i64, is_narrow: bool) -> Result<i64, DecodeError> {
        let difference = self.difference()?;
        let value = if difference != ESCAPE {
            base.checked_add(i64::from(difference)).ok_or(DecodeError::QuantityOutOfRange)?
        } else if is_narrow || self.dialect.quantity_escape == QuantityEscape::FourBytes {
            i64::from(i32::from_be_bytes(self.bytes()?))
        } else {
            i64::from_be_bytes(self.bytes()?)
        };
        if value < 0 { Err(DecodeError::QuantityNegative) } else { Ok(value) }
    }

    fn levels(&mut self, bases: Bases, points: usize, end: i16) -> Result<Levels, DecodeError> {
        let mut side = Levels::default();
        let (mut price, mut quantity) = (bases.price, bases.quantity);
        let (mut orders, mut implied, mut reserved) = (quantity, quantity, quantity);
        for _ in 0..points {
            let difference = self.difference()?;
            if difference == end {
                break;
            }
            price = self.price_of(difference, price)?;
            quantity = self.quantity(quantity, false)?;
            orders = self.quantity(orders, true)?;
            implied = self.quantity(implied, false)?;
            if self.dialect.level_fields == LevelFields::Five {
                reserved = self.reserved(reserved)?;
            }
            side.push(Level {
                price: bases.px(price),
                quantity: quantity.cast_unsigned(),
                orders: orders.cast_unsigned(),
                implied_quantity: implied.cast_unsigned(),
            });
        }
        Ok(side)
    }

    /// The fifth field of a level, of any value.
    fn reserved(&mut self, base: i64) -> Result<i64, DecodeError> {
        let difference = self.difference()?;
        if difference == ESCAPE {
            return self.bytes().map(|bytes| i64::from(i32::from_be_bytes(bytes)));
        }
        Ok(base.saturating_add(i64::from(difference)))
    }
}

/// The last trade, which the differences begin at, and the unit of prices.
#[derive(Clone, Copy)]
struct Bases {
    price: i32,
    quantity: i64,
    units: i64,
}

impl Bases {
    #[inline]
    const fn px(self, wire: i32) -> Px {
        Px(wire as i64 * self.units)
    }
}

fn read_picture(
    reader: &mut Reader<'_>,
    is_wide: bool,
    units: i64,
) -> Result<MarketPicture, DecodeError> {
    let instrument = if is_wide {
        i64::from_be_bytes(reader.bytes()?)
    } else {
        i64::from(i32::from_be_bytes(reader.bytes()?))
    };
    let head: PictureHead = bytemuck::cast(reader.bytes::<{ size_of::<PictureHead>() }>()?);
    let token = match u32::try_from(instrument) {
        Ok(number) if number != 0 => Token(number),
        _ => return Err(DecodeError::TokenOutOfRange),
    };
    let points = match usize::try_from(head.price_points.get()) {
        Ok(points) if points <= LEVELS_MAX => points,
        _ => return Err(DecodeError::PointsOutOfRange),
    };
    let bases = Bases { price: head.last_rate.get(), quantity: head.last_quantity.get(), units };
    let unsigned = |value: i64| u64::try_from(value).map_err(|_| DecodeError::QuantityNegative);
    let price = |reader: &mut Reader<'_>| reader.price(bases.price).map(|wire| bases.px(wire));
    let quantity =
        |reader: &mut Reader<'_>| reader.quantity(bases.quantity, false).map(i64::cast_unsigned);
    // Fields are read in the order in which they are written here, which is that of the wire.
    Ok(MarketPicture {
        token,
        trades: head.trades.get(),
        volume: unsigned(head.volume.get())?,
        value: head.value.get(),
        value_unit: head.value_unit,
        market_type: head.market_type.get(),
        session_number: head.session_number.get(),
        last_time: head.last_time,
        last_millisecond: head.last_millisecond,
        timestamp: head.timestamp.get(),
        close: bases.px(head.close_rate.get()),
        last_quantity: unsigned(bases.quantity)?,
        last_price: bases.px(bases.price),
        open: price(reader)?,
        previous_close: price(reader)?,
        high: price(reader)?,
        low: price(reader)?,
        block_reference: price(reader)?,
        indicative_price: price(reader)?,
        indicative_quantity: quantity(reader)?,
        total_bid_quantity: quantity(reader)?,
        total_offer_quantity: quantity(reader)?,
        lower_circuit: price(reader)?,
        upper_circuit: price(reader)?,
        average: price(reader)?,
        bids: reader.levels(bases, points, BIDS_END)?,
        offers: reader.levels(bases, points, OFFERS_END)?,
    })
}
