//! Records: layouts, and the walk over a file's.

use bytemuck::{Pod, Zeroable};

use super::{FileError, Metadata};
use crate::wire::little_endian::{LeI32, LeI64, LeU32};
use crate::wire::little_endian::{LeU16, LeU64};

/// A record's length counts words of so many bytes.
const WORD_SIZE: usize = 4;

/// The price that stands for none.
pub const PRICE_UNDEFINED: i64 = i64::MAX;
/// The time that stands for none.
pub const TIME_UNDEFINED: u64 = u64::MAX;

/// Record types.
pub mod rtype {
    /// Market by order.
    pub const MBO: u8 = 0xA0;
}

/// The flags of a market-by-order record.
pub mod flags {
    /// The last record of an event of the instrument: the book is right after it.
    pub const LAST: u8 = 1 << 7;
    /// A top of book, not an order.
    pub const TOP_OF_BOOK: u8 = 1 << 6;
    /// Of a snapshot or another replay.
    pub const SNAPSHOT: u8 = 1 << 5;
    /// A price level, not an order.
    pub const PRICE_LEVEL: u8 = 1 << 4;
    /// `ts_recv` is not when it was received.
    pub const BAD_RECEIVE_TIME: u8 = 1 << 3;
    /// Messages of the channel were lost: books may be wrong.
    pub const MAYBE_BAD_BOOK: u8 = 1 << 2;
}

/// Leads every record. 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct RecordHeader {
    /// The record's length, this header included, in words of four bytes.
    pub length: u8,
    /// What the record is.
    pub rtype: u8,
    /// The data set and venue.
    pub publisher_id: LeU16,
    /// The instrument.
    pub instrument_id: LeU32,
    /// The exchange's time, UTC nanoseconds.
    pub ts_event: LeU64,
}

/// Market by order, the same in versions 1 to 3. 56 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct MboMessage {
    /// Leads every record.
    pub header: RecordHeader,
    /// The venue's number of the order.
    pub order_id: LeU64,
    /// 10⁻⁹ of the currency unit, [`PRICE_UNDEFINED`] for none.
    pub price: LeI64,
    /// The order's size, or the size cancelled or traded.
    pub size: LeU32,
    /// [`flags`].
    pub flags: u8,
    /// The venue's channel.
    pub channel_id: u8,
    /// `A` add, `C` cancel, `M` modify, `R` clear, `T` trade, `F` fill, `N` none.
    pub action: u8,
    /// `A` ask, `B` bid, `N` none; of a trade, the aggressor's.
    pub side: u8,
    /// When the provider received it, UTC nanoseconds.
    pub ts_recv: LeU64,
    /// Nanoseconds the venue took to send it, before `ts_recv`.
    pub ts_in_delta: LeI32,
    /// The venue's sequence number, of the channel.
    pub sequence: LeU32,
}

const _: () = {
    use core::mem::offset_of;
    assert!(size_of::<RecordHeader>() == 16 && align_of::<RecordHeader>() == 1);
    assert!(size_of::<MboMessage>() == 56 && align_of::<MboMessage>() == 1);
    assert!(
        offset_of!(RecordHeader, instrument_id) == 4 && offset_of!(RecordHeader, ts_event) == 8
    );
    assert!(offset_of!(MboMessage, order_id) == 16 && offset_of!(MboMessage, price) == 24);
    assert!(offset_of!(MboMessage, size) == 32 && offset_of!(MboMessage, flags) == 36);
    assert!(offset_of!(MboMessage, action) == 38 && offset_of!(MboMessage, side) == 39);
    assert!(offset_of!(MboMessage, ts_recv) == 40 && offset_of!(MboMessage, ts_in_delta) == 48);
    assert!(offset_of!(MboMessage, sequence) == 52);
};

/// One record of a file.
#[derive(Clone, Copy, Debug)]
pub enum Record<'a> {
    /// Market by order.
    Mbo(&'a MboMessage),
    /// Any other type: whole, not looked into.
    Other(&'a RecordHeader),
}

/// The records of a file, in order; after an error, nothing.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
    offset: usize,
    index: u64,
    /// What the metadata say every record has behind it, in bytes.
    ts_out_size: usize,
}

impl<'a> Records<'a> {
    /// The records behind a file's metadata.
    ///
    /// # Errors
    ///
    /// The reasons of [`FileError`] that concern metadata.
    pub fn open(file: &'a [u8]) -> Result<(Metadata, Self), FileError> {
        let (metadata, offset) = Metadata::parse(file)?;
        let rest = file.get(offset..).unwrap_or_default();
        let ts_out_size = if metadata.ts_out { size_of::<LeU64>() } else { 0 };
        Ok((metadata, Self { rest, offset, index: 0, ts_out_size }))
    }

    /// Where the next record begins in the file.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The next record, of which `rest` holds at least the first byte.
    #[inline]
    fn record(&self, first: u8) -> Result<(Record<'a>, usize), FileError> {
        let length = usize::from(first) * WORD_SIZE;
        let Some(bytes) = self.rest.get(..length) else { return Err(self.truncated(length)) };
        let Some(Ok(header)) =
            bytes.get(..size_of::<RecordHeader>()).map(bytemuck::try_from_bytes::<RecordHeader>)
        else {
            return Err(self.wrong_length(length));
        };
        if header.rtype != rtype::MBO {
            return Ok((Record::Other(header), length));
        }
        if length != size_of::<MboMessage>() + self.ts_out_size {
            return Err(self.wrong_length(length));
        }
        match bytemuck::try_from_bytes(&bytes[..size_of::<MboMessage>()]) {
            Ok(message) => Ok((Record::Mbo(message), length)),
            Err(_) => Err(self.wrong_length(length)),
        }
    }

    #[cold]
    const fn wrong_length(&self, length: usize) -> FileError {
        FileError::RecordLength { index: self.index, offset: self.offset, length }
    }

    #[cold]
    fn truncated(&self, length: usize) -> FileError {
        if length < size_of::<RecordHeader>() {
            return self.wrong_length(length);
        }
        let (index, offset, available) = (self.index, self.offset, self.rest.len());
        FileError::Truncated { index, offset, needed: length, available }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, FileError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let &first = self.rest.first()?;
        match self.record(first) {
            Ok((record, length)) => {
                self.rest = &self.rest[length..];
                self.offset += length;
                self.index += 1;
                Some(Ok(record))
            }
            Err(error) => {
                self.rest = &[];
                Some(Err(error))
            }
        }
    }
}
