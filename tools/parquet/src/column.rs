//! The kinds of columns: what Arrow type each has, which values become null, how it is encoded.
//!
//! Numbers that rise from row to row (sequences, times, orders) are delta-encoded; all others get a
//! dictionary for as long as one pays. Both are read by every reader of Parquet.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, PrimitiveBuilder, StringBuilder, StringDictionaryBuilder,
};
use arrow_array::types::{
    ArrowPrimitiveType, Int32Type, Int64Type, TimestampNanosecondType, UInt64Type,
};
use arrow_schema::{DataType, TimeUnit};
use tezi::model::{Nanos, Px};

/// How the values of a column lie in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Differences from value to value.
    Delta,
    /// Numbers of a dictionary, while that is small; then as they are.
    Dictionary,
    /// As they are.
    Plain,
}

/// A column being filled, one value a row.
pub(crate) trait Column: Default {
    /// What a row has for it.
    type Value<'a>: Default;
    /// Whether a row may have nothing.
    const NULLABLE: bool;
    /// See [`Encoding`].
    const ENCODING: Encoding = Encoding::Dictionary;
    /// What the values are counted in, and 10⁻ⁿ of what, where they are no plain numbers.
    const UNIT: Option<(&'static str, u32)> = None;

    /// Its type.
    fn data_type() -> DataType;

    /// Appends a value. Returns the bytes it takes beside a place of fixed size.
    fn push(&mut self, value: Self::Value<'_>) -> usize;

    /// All values since the last call.
    fn finish(&mut self) -> ArrayRef;
}

/// The time zone of every time.
const UTC: &str = "UTC";

/// A number that is always there and rises: a sequence.
#[derive(Default)]
pub(crate) struct Serial(PrimitiveBuilder<UInt64Type>);

impl Column for Serial {
    type Value<'a> = u64;
    const NULLABLE: bool = false;
    const ENCODING: Encoding = Encoding::Delta;

    fn data_type() -> DataType {
        DataType::UInt64
    }

    fn push(&mut self, value: u64) -> usize {
        self.0.append_value(value);
        0
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// The number of an order; 0, which names none, becomes null.
#[derive(Default)]
pub(crate) struct Id(PrimitiveBuilder<UInt64Type>);

impl Column for Id {
    type Value<'a> = u64;
    const NULLABLE: bool = true;
    const ENCODING: Encoding = Encoding::Delta;

    fn data_type() -> DataType {
        DataType::UInt64
    }

    fn push(&mut self, value: u64) -> usize {
        self.0.append_option((value != 0).then_some(value));
        0
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// A number of few different values.
pub(crate) struct Number<T: ArrowPrimitiveType>(PrimitiveBuilder<T>);

impl<T: ArrowPrimitiveType> Default for Number<T> {
    fn default() -> Self {
        Self(PrimitiveBuilder::new())
    }
}

impl<T: ArrowPrimitiveType> Column for Number<T> {
    type Value<'a> = T::Native;
    const NULLABLE: bool = false;

    fn data_type() -> DataType {
        T::DATA_TYPE
    }

    fn push(&mut self, value: T::Native) -> usize {
        self.0.append_value(value);
        0
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// A number that a row may lack.
pub(crate) struct MaybeNumber<T: ArrowPrimitiveType>(PrimitiveBuilder<T>);

impl<T: ArrowPrimitiveType> Default for MaybeNumber<T> {
    fn default() -> Self {
        Self(PrimitiveBuilder::new())
    }
}

impl<T: ArrowPrimitiveType> Column for MaybeNumber<T> {
    type Value<'a> = Option<T::Native>;
    const NULLABLE: bool = true;

    fn data_type() -> DataType {
        T::DATA_TYPE
    }

    fn push(&mut self, value: Option<T::Native>) -> usize {
        self.0.append_option(value);
        0
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// A time; [`Nanos::ZERO`], which means "not known", becomes null.
pub(crate) struct Time(PrimitiveBuilder<TimestampNanosecondType>);

impl Default for Time {
    fn default() -> Self {
        Self(PrimitiveBuilder::new().with_data_type(Self::data_type()))
    }
}

impl Column for Time {
    type Value<'a> = Nanos;
    const NULLABLE: bool = true;
    const ENCODING: Encoding = Encoding::Delta;

    fn data_type() -> DataType {
        DataType::Timestamp(TimeUnit::Nanosecond, Some(UTC.into()))
    }

    fn push(&mut self, value: Nanos) -> usize {
        self.0.append_option((value != Nanos::ZERO).then_some(value.0));
        0
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// What prices are counted in: see `docs/decisions/0002-price-unit.md`.
const PRICE_UNIT: Option<(&str, u32)> = Some(("currency unit", 8));
const _: () = assert!(Px::SCALE == 10_i64.pow(8));

/// A price, in the model's own unit.
#[derive(Default)]
pub(crate) struct Price(PrimitiveBuilder<Int64Type>);

impl Column for Price {
    type Value<'a> = Px;
    const NULLABLE: bool = false;
    const UNIT: Option<(&'static str, u32)> = PRICE_UNIT;

    fn data_type() -> DataType {
        DataType::Int64
    }

    fn push(&mut self, value: Px) -> usize {
        self.0.append_value(value.0);
        0
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// A price that a row may lack.
#[derive(Default)]
pub(crate) struct MaybePrice(PrimitiveBuilder<Int64Type>);

impl Column for MaybePrice {
    type Value<'a> = Option<Px>;
    const NULLABLE: bool = true;
    const UNIT: Option<(&'static str, u32)> = PRICE_UNIT;

    fn data_type() -> DataType {
        DataType::Int64
    }

    fn push(&mut self, value: Option<Px>) -> usize {
        self.0.append_option(value.map(|price| price.0));
        0
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// One of few names, or the code of what has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label<'a> {
    /// A name.
    Text(&'a str),
    /// A code that this version has no name for: `unknown_77`.
    Code(u32),
}

impl Default for Label<'_> {
    fn default() -> Self {
        Self::Text("")
    }
}

impl<'a> Label<'a> {
    /// The name of a code, if it has one.
    pub(crate) fn of(name: Option<&'a str>, code: impl Into<u32>) -> Self {
        name.map_or_else(|| Self::Code(code.into()), Self::Text)
    }
}

/// Names, each kept once in a batch.
#[derive(Default)]
struct Names {
    builder: StringDictionaryBuilder<Int32Type>,
    scratch: String,
}

impl Names {
    fn data_type() -> DataType {
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
    }

    fn push(&mut self, label: Label<'_>) {
        match label {
            Label::Text(text) => self.builder.append_value(text),
            Label::Code(code) => {
                self.scratch.clear();
                // Writing to a string cannot fail.
                let _ = write!(self.scratch, "unknown_{code}");
                self.builder.append_value(&self.scratch);
            }
        }
    }
}

/// A name.
#[derive(Default)]
pub(crate) struct Name(Names);

impl Column for Name {
    type Value<'a> = Label<'a>;
    const NULLABLE: bool = false;

    fn data_type() -> DataType {
        Names::data_type()
    }

    fn push(&mut self, value: Label<'_>) -> usize {
        self.0.push(value);
        0
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.builder.finish())
    }
}

/// A name that a row may lack.
#[derive(Default)]
pub(crate) struct MaybeName(Names);

impl Column for MaybeName {
    type Value<'a> = Option<Label<'a>>;
    const NULLABLE: bool = true;

    fn data_type() -> DataType {
        Names::data_type()
    }

    fn push(&mut self, value: Option<Label<'_>>) -> usize {
        match value {
            Some(label) => self.0.push(label),
            None => self.0.builder.append_null(),
        }
        0
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.builder.finish())
    }
}

/// Text that a row may lack.
#[derive(Default)]
pub(crate) struct MaybeText(StringBuilder);

impl Column for MaybeText {
    type Value<'a> = Option<&'a str>;
    const NULLABLE: bool = true;

    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn push(&mut self, value: Option<&str>) -> usize {
        self.0.append_option(value);
        value.map_or(0, str::len)
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// Bytes that a row may lack.
#[derive(Default)]
pub(crate) struct MaybeBytes(BinaryBuilder);

impl Column for MaybeBytes {
    type Value<'a> = Option<&'a [u8]>;
    const NULLABLE: bool = true;
    const ENCODING: Encoding = Encoding::Plain;

    fn data_type() -> DataType {
        DataType::Binary
    }

    fn push(&mut self, value: Option<&[u8]>) -> usize {
        self.0.append_option(value);
        value.map_or(0, <[u8]>::len)
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// Yes or no.
pub(crate) struct Flag(BooleanBuilder);

impl Default for Flag {
    fn default() -> Self {
        Self(BooleanBuilder::new())
    }
}

impl Column for Flag {
    type Value<'a> = bool;
    const NULLABLE: bool = false;

    fn data_type() -> DataType {
        DataType::Boolean
    }

    fn push(&mut self, value: bool) -> usize {
        self.0.append_value(value);
        0
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}
