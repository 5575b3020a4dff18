//! Why a file or a record is refused.

use core::fmt;

use crate::named::named_reasons;

named_reasons! {
    /// The reason a market-by-order record is refused, one code each.
    ///
    /// Codes are fixed and ordered by precedence: when several rules are broken, the lowest code is
    /// the answer.
    RecordError {
        /// Not one of `A C M R T F N`.
        UnknownAction = 0, "unknown_action", "the action is none of A C M R T F N";
        /// Flagged as a price level or a top of book.
        NotAnOrder = 1, "not_an_order", "the record is of a price level, not of an order";
        /// Later than the year 2262.
        TimeOutOfRange = 2, "time_out_of_range", "a time does not fit 63 bits of nanoseconds";
        /// An order without a number.
        OrderIdZero = 3, "order_id_zero", "the order id is 0";
        /// A new or changed order on neither side.
        UnknownSide = 4, "unknown_side", "the side of an order is neither A nor B";
        /// No price where one belongs.
        PriceUndefined = 5, "price_undefined", "the price is not given";
        /// Finer than the model's unit.
        PriceTooFine = 6, "price_too_fine", "the price is not a multiple of 10^-8";
        /// Orders, cancels and trades have some.
        QuantityZero = 7, "quantity_zero", "the size is 0";
        /// More instruments than streams can be told apart.
        InstrumentsFull = 8, "instruments_full", "more than 4,096 instruments in one file";
    }
}

/// Why a file cannot be read, or not beyond a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileError {
    /// The first bytes are not those of a DBN file, compressed or not.
    NotDbn {
        /// They, as found; short files have zeros.
        magic: [u8; 4],
    },
    /// A version that is not read.
    UnsupportedVersion {
        /// Its number.
        version: u8,
    },
    /// The file ends inside its metadata, or the metadata end inside a field.
    TruncatedMetadata {
        /// Where the field begins in the file.
        offset: usize,
        /// Bytes it needs.
        needed: usize,
        /// Bytes there are.
        available: usize,
    },
    /// Symbols of no length.
    SymbolLength,
    /// The file ends inside a record. The records before it were given out.
    Truncated {
        /// The record's index, from 0.
        index: u64,
        /// Where it begins in the file.
        offset: usize,
        /// Bytes it needs.
        needed: usize,
        /// Bytes there are.
        available: usize,
    },
    /// A record shorter than a header, or a market-by-order record of another size.
    RecordLength {
        /// The record's index, from 0.
        index: u64,
        /// Where it begins in the file.
        offset: usize,
        /// The bytes it claims.
        length: usize,
    },
    /// The compressed data is damaged or ends too early.
    Compression {
        /// Where the frame begins in the file.
        offset: usize,
    },
    /// The decompressed data would be larger than the bound.
    TooLarge {
        /// The bound, in bytes.
        size_max: usize,
    },
}

impl FileError {
    /// A name for programs, in snake case.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotDbn { .. } => "not_dbn",
            Self::UnsupportedVersion { .. } => "unsupported_version",
            Self::TruncatedMetadata { .. } => "truncated_metadata",
            Self::SymbolLength => "symbol_length",
            Self::Truncated { .. } => "truncated",
            Self::RecordLength { .. } => "record_length",
            Self::Compression { .. } => "compression",
            Self::TooLarge { .. } => "too_large",
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotDbn { magic: [a, b, c, d] } => {
                write!(f, "not a DBN file: it begins with {a:02x} {b:02x} {c:02x} {d:02x}")
            }
            Self::UnsupportedVersion { version } => {
                write!(f, "DBN version {version} is not read (1, 2 and 3 are)")
            }
            Self::TruncatedMetadata { offset, needed, available } => write!(
                f,
                "the metadata end inside a field at byte {offset}: {needed} bytes are needed, \
                 {available} are there"
            ),
            Self::SymbolLength => f.write_str("the metadata say that symbols have no length"),
            Self::Truncated { index, offset, needed, available } => write!(
                f,
                "the file ends inside record {index} at byte {offset}: {needed} bytes are needed, \
                 {available} are there"
            ),
            Self::RecordLength { index, offset, length } => write!(
                f,
                "record {index} at byte {offset} claims {length} bytes, which no such record has"
            ),
            Self::Compression { offset } => {
                write!(f, "the compressed frame at byte {offset} is damaged or cut short")
            }
            Self::TooLarge { size_max } => {
                write!(f, "the decompressed file is larger than {size_max} bytes")
            }
        }
    }
}

impl core::error::Error for FileError {}
