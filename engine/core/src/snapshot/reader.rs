//! Reads a snapshot.

use bytemuck::AnyBitPattern;
use tezi_model::{Money, Nanos, Px, Qty};

use super::error::SnapshotError;
use super::part::Name;

/// No sum of money has more bits: sums and differences of a few such never overflow.
const MONEY_MAX: i128 = 1 << 110;

/// What is left to read of a part.
#[derive(Clone, Debug)]
pub struct SnapshotReader<'a> {
    rest: &'a [u8],
    part: Name,
}

impl<'a> SnapshotReader<'a> {
    /// Reads what a [`SnapshotWriter`](super::SnapshotWriter) wrote.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, part: *b"TEZI" }
    }

    /// Bytes left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    /// The error for something that no state has.
    #[cold]
    #[must_use]
    pub const fn refuse(&self, what: &'static str) -> SnapshotError {
        SnapshotError::Range { part: self.part, what }
    }

    /// Goes on only where something holds.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Range`] names it.
    pub fn ensure(&self, holds: bool, what: &'static str) -> Result<(), SnapshotError> {
        if holds { Ok(()) } else { Err(self.refuse(what)) }
    }

    /// One byte.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::CutShort`], as of everything that is read.
    pub fn u8(&mut self) -> Result<u8, SnapshotError> {
        self.array().map(|[byte]| byte)
    }

    /// Two bytes.
    ///
    /// # Errors
    ///
    /// As [`Self::u8`].
    pub fn u16(&mut self) -> Result<u16, SnapshotError> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes.
    ///
    /// # Errors
    ///
    /// As [`Self::u8`].
    pub fn u32(&mut self) -> Result<u32, SnapshotError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    ///
    /// # Errors
    ///
    /// As [`Self::u8`].
    pub fn u64(&mut self) -> Result<u64, SnapshotError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Eight bytes, with a sign.
    ///
    /// # Errors
    ///
    /// As [`Self::u8`].
    pub fn i64(&mut self) -> Result<i64, SnapshotError> {
        self.array().map(i64::from_le_bytes)
    }

    /// A real number, whatever it is.
    ///
    /// # Errors
    ///
    /// As [`Self::u8`].
    pub fn f64(&mut self) -> Result<f64, SnapshotError> {
        self.u64().map(f64::from_bits)
    }

    /// A flag.
    ///
    /// # Errors
    ///
    /// As [`Self::u8`], and [`SnapshotError::Range`] for a byte that is neither 0 nor 1.
    pub fn flag(&mut self) -> Result<bool, SnapshotError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.refuse("flag")),
        }
    }

    /// How many of `what` follow, `most` at the most.
    ///
    /// # Errors
    ///
    /// As [`Self::u8`], and [`SnapshotError::Capacity`].
    pub fn count(&mut self, most: usize, what: &'static str) -> Result<usize, SnapshotError> {
        let count = self.u32()? as usize;
        if count <= most { Ok(count) } else { Err(SnapshotError::Capacity { what }) }
    }

    /// A place below `end`.
    ///
    /// # Errors
    ///
    /// As [`Self::u8`], and [`SnapshotError::Range`].
    pub fn index(&mut self, end: usize, what: &'static str) -> Result<usize, SnapshotError> {
        let index = self.u32()? as usize;
        if index < end { Ok(index) } else { Err(self.refuse(what)) }
    }

    /// A sum of money.
    ///
    /// # Errors
    ///
    /// As [`Self::u8`], and [`SnapshotError::Range`] for more than any day's trading comes to.
    pub fn money(&mut self) -> Result<Money, SnapshotError> {
        let value = self.array().map(i128::from_le_bytes)?;
        self.ensure((-MONEY_MAX..=MONEY_MAX).contains(&value), "sum of money")?;
        Ok(Money(value))
    }

    /// A price.
    ///
    /// # Errors
    ///
    /// As [`Self::u8`].
    pub fn price(&mut self) -> Result<Px, SnapshotError> {
        self.i64().map(Px)
    }

    /// A quantity.
    ///
    /// # Errors
    ///
    /// As [`Self::u8`].
    pub fn quantity(&mut self) -> Result<Qty, SnapshotError> {
        self.u32().map(Qty)
    }

    /// A time.
    ///
    /// # Errors
    ///
    /// As [`Self::u8`].
    pub fn time(&mut self) -> Result<Nanos, SnapshotError> {
        self.i64().map(Nanos)
    }

    /// A value, where there is one.
    ///
    /// # Errors
    ///
    /// Those of [`Self::flag`] and of `read`.
    pub fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, SnapshotError>,
    ) -> Result<Option<T>, SnapshotError> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    /// A code as what it stands for.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Range`] for a code that stands for nothing.
    pub fn known<T>(&self, value: Option<T>, what: &'static str) -> Result<T, SnapshotError> {
        value.ok_or_else(|| self.refuse(what))
    }

    /// A text.
    ///
    /// # Errors
    ///
    /// As [`Self::u8`], and [`SnapshotError::Range`] for what is no text.
    pub fn text(&mut self) -> Result<&'a str, SnapshotError> {
        let length = self.u32()? as usize;
        let bytes = self.take(length)?;
        core::str::from_utf8(bytes).map_err(|_| self.refuse("text"))
    }

    /// A record as journals hold it.
    ///
    /// # Errors
    ///
    /// As [`Self::u8`].
    pub fn record<T: AnyBitPattern>(&mut self) -> Result<T, SnapshotError> {
        let bytes = self.take(size_of::<T>())?;
        bytemuck::try_pod_read_unaligned(bytes).map_err(|_| self.cut_short())
    }

    /// Enters the part that comes next, reads it with `read`, and sees that nothing of it is left.
    pub(crate) fn part<R>(
        &mut self,
        name: Name,
        read: impl FnOnce(&mut SnapshotReader<'a>) -> Result<R, SnapshotError>,
    ) -> Result<R, SnapshotError> {
        let mut inner = self.enter(name)?;
        let result = read(&mut inner)?;
        inner.finish()?;
        Ok(result)
    }

    /// Enters the part that comes next, and goes on behind it.
    pub(crate) fn enter(&mut self, name: Name) -> Result<SnapshotReader<'a>, SnapshotError> {
        let found = self.array()?;
        if found != name {
            return Err(SnapshotError::Order { expected: name, found });
        }
        let length = self.u64()?;
        let length = usize::try_from(length).map_err(|_| self.cut_short())?;
        Ok(SnapshotReader { rest: self.take(length)?, part: name })
    }

    /// Sees that everything is read.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::LeftOver`] when it is not.
    pub fn finish(&self) -> Result<(), SnapshotError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(SnapshotError::LeftOver { part: self.part })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let Some((array, rest)) = self.rest.split_first_chunk() else {
            return Err(self.cut_short());
        };
        self.rest = rest;
        Ok(*array)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], SnapshotError> {
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.cut_short());
        };
        self.rest = rest;
        Ok(bytes)
    }

    #[cold]
    const fn cut_short(&self) -> SnapshotError {
        SnapshotError::CutShort { part: self.part }
    }
}
