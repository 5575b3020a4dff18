//! The layouts the other way: what a simulated BSE and the tests send.

use bytemuck::{Zeroable, bytes_of};
use tezi_model::{Px, Segment};

use super::layout::{Header, PictureHead};
use super::picture::{BIDS_END, ESCAPE, LEVELS_MAX, Level, OFFERS_END, price_units};
use super::{
    DecodeError, Dialect, LevelFields, MarketPicture, PICTURES_MAX, QuantityEscape, message_type,
};
use crate::wire::big_endian::{BeI16, BeI32, BeI64, BeU32};

/// The header of a message of `record_count` records, sent at `time`: hour, minute, second and
/// millisecond.
#[must_use]
pub fn encode_header(message_type: i32, time: [i16; 4], record_count: i16) -> Header {
    Header {
        message_type: BeI32::new(message_type),
        hour: BeI16::new(time[0]),
        minute: BeI16::new(time[1]),
        second: BeI16::new(time[2]),
        millisecond: BeI16::new(time[3]),
        record_count: BeI16::new(record_count),
        ..Header::zeroed()
    }
}

/// Replaces `out` by the datagram of up to six pictures: type 2020, or 2021 when `is_wide`.
///
/// # Errors
///
/// [`DecodeError::CountOutOfRange`], [`DecodeError::TokenOutOfRange`],
/// [`DecodeError::PriceOutOfRange`] and [`DecodeError::QuantityOutOfRange`] when the wire cannot
/// say it; `out` then holds part of the datagram.
pub fn encode_market_pictures(
    pictures: &[MarketPicture],
    time: [i16; 4],
    is_wide: bool,
    segment: Segment,
    dialect: Dialect,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    if PICTURES_MAX < pictures.len() {
        return Err(DecodeError::CountOutOfRange);
    }
    let kind =
        if is_wide { message_type::MARKET_PICTURE_WIDE } else { message_type::MARKET_PICTURE };
    out.clear();
    out.extend_from_slice(bytes_of(&encode_header(kind, time, pictures.len() as i16)));
    let mut writer = Writer { out, dialect, units: price_units(segment) };
    pictures.iter().try_for_each(|picture| writer.picture(picture, is_wide))
}

/// Writes fields to the end of a datagram.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    dialect: Dialect,
    units: i64,
}

impl Writer<'_> {
    fn picture(&mut self, picture: &MarketPicture, is_wide: bool) -> Result<(), DecodeError> {
        let token = picture.token.0;
        if is_wide {
            self.out.extend_from_slice(&i64::from(token).to_be_bytes());
        } else {
            let narrow = i32::try_from(token).map_err(|_| DecodeError::TokenOutOfRange)?;
            self.out.extend_from_slice(&narrow.to_be_bytes());
        }
        let (rate, base) = (self.wire(picture.last_price)?, signed(picture.last_quantity)?);
        let head = PictureHead {
            trades: BeU32::new(picture.trades),
            volume: BeI64::new(signed(picture.volume)?),
            value: BeI64::new(picture.value),
            value_unit: picture.value_unit,
            market_type: BeI16::new(picture.market_type),
            session_number: BeI16::new(picture.session_number),
            last_time: picture.last_time,
            last_millisecond: picture.last_millisecond,
            price_points: BeI16::new(LEVELS_MAX as i16),
            timestamp: BeI64::new(picture.timestamp),
            close_rate: BeI32::new(self.wire(picture.close)?),
            last_quantity: BeI64::new(base),
            last_rate: BeI32::new(rate),
            ..PictureHead::zeroed()
        };
        self.out.extend_from_slice(bytes_of(&head));
        let MarketPicture { open, previous_close, high, low, .. } = *picture;
        for px in
            [open, previous_close, high, low, picture.block_reference, picture.indicative_price]
        {
            self.price(px, rate)?;
        }
        let totals = [picture.total_bid_quantity, picture.total_offer_quantity];
        for quantity in [picture.indicative_quantity, totals[0], totals[1]] {
            self.quantity(quantity, base, false)?;
        }
        for px in [picture.lower_circuit, picture.upper_circuit, picture.average] {
            self.price(px, rate)?;
        }
        self.levels(picture.bids.as_slice(), rate, picture.last_quantity, BIDS_END)?;
        self.levels(picture.offers.as_slice(), rate, picture.last_quantity, OFFERS_END)
    }

    fn levels(
        &mut self,
        levels: &[Level],
        rate: i32,
        quantity: u64,
        end: i16,
    ) -> Result<(), DecodeError> {
        let first = Level { quantity, orders: quantity, implied_quantity: quantity, price: Px(0) };
        let (mut rate, mut before, mut reserved) = (rate, first, signed(quantity)?);
        for level in levels {
            rate = self.price(level.price, rate)?;
            self.quantity(level.quantity, signed(before.quantity)?, false)?;
            self.quantity(level.orders, signed(before.orders)?, true)?;
            self.quantity(level.implied_quantity, signed(before.implied_quantity)?, false)?;
            if self.dialect.level_fields == LevelFields::Five {
                self.quantity(0, reserved, true)?;
                reserved = 0;
            }
            before = *level;
        }
        if levels.len() < LEVELS_MAX {
            self.out.extend_from_slice(&end.to_be_bytes());
        }
        Ok(())
    }

    /// A price in the unit of the wire.
    fn wire(&self, px: Px) -> Result<i32, DecodeError> {
        if px.0 % self.units != 0 {
            return Err(DecodeError::PriceOutOfRange);
        }
        i32::try_from(px.0 / self.units).map_err(|_| DecodeError::PriceOutOfRange)
    }

    fn price(&mut self, px: Px, base: i32) -> Result<i32, DecodeError> {
        let wire = self.wire(px)?;
        if !self.difference(i64::from(wire) - i64::from(base)) {
            self.out.extend_from_slice(&wire.to_be_bytes());
        }
        Ok(wire)
    }

    fn quantity(&mut self, value: u64, base: i64, is_narrow: bool) -> Result<(), DecodeError> {
        let value = signed(value)?;
        if self.difference(value - base) {
            return Ok(());
        }
        if is_narrow || self.dialect.quantity_escape == QuantityEscape::FourBytes {
            let narrow = i32::try_from(value).map_err(|_| DecodeError::QuantityOutOfRange)?;
            self.out.extend_from_slice(&narrow.to_be_bytes());
        } else {
            self.out.extend_from_slice(&value.to_be_bytes());
        }
        Ok(())
    }

    /// Writes the difference, or the escape and false when the value must follow. A difference that
    /// would read as an end is escaped.
    fn difference(&mut self, difference: i64) -> bool {
        let small = i16::try_from(difference)
            .ok()
            .filter(|small| ![ESCAPE, BIDS_END, OFFERS_END].contains(small));
        self.out.extend_from_slice(&small.unwrap_or(ESCAPE).to_be_bytes());
        small.is_some()
    }
}

fn signed(quantity: u64) -> Result<i64, DecodeError> {
    i64::try_from(quantity).map_err(|_| DecodeError::QuantityOutOfRange)
}
