//! Writes a snapshot.

use bytemuck::NoUninit;
use tezi_model::{Money, Nanos, Px, Qty};

use super::part::Name;

/// Bytes of a snapshot, as they come.
///
/// **Shape**: grows as needed; [`SnapshotWriter::clear`] keeps the memory for the next one.
#[derive(Clone, Debug, Default)]
pub struct SnapshotWriter {
    bytes: Vec<u8>,
}

impl SnapshotWriter {
    /// Nothing written yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// What was written.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets what was written and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Takes back everything behind the first `length` bytes.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Eight bytes, with a sign.
    pub fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// The eight bytes of a real number, every bit of them.
    pub fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }

    /// One byte, 1 for yes.
    pub fn flag(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    /// Four bytes: how many of something follow. Bounds of the core are below 2³⁰.
    pub fn count(&mut self, count: usize) {
        debug_assert!(u32::try_from(count).is_ok(), "every bound of the core fits in 32 bits");
        self.u32(count as u32);
    }

    /// Sixteen bytes.
    pub fn money(&mut self, value: Money) {
        self.bytes.extend_from_slice(&value.0.to_le_bytes());
    }

    /// Eight bytes.
    pub fn price(&mut self, value: Px) {
        self.i64(value.0);
    }

    /// Four bytes.
    pub fn quantity(&mut self, value: Qty) {
        self.u32(value.0);
    }

    /// Eight bytes.
    pub fn time(&mut self, value: Nanos) {
        self.i64(value.0);
    }

    /// A flag, and behind it the value where there is one.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// A length of four bytes, and the text.
    pub fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// A record as journals hold it.
    pub fn record<T: NoUninit>(&mut self, record: &T) {
        self.bytes.extend_from_slice(bytemuck::bytes_of(record));
    }

    /// A part: its name, its length in eight bytes, and what `write` writes.
    pub(crate) fn part<R>(&mut self, name: Name, write: impl FnOnce(&mut Self) -> R) -> R {
        self.bytes.extend_from_slice(&name);
        let place = self.bytes.len();
        self.u64(0);
        let result = write(self);
        let length = (self.bytes.len() - place - size_of::<u64>()) as u64;
        if let Some(bytes) = self.bytes.get_mut(place..place + size_of::<u64>()) {
            bytes.copy_from_slice(&length.to_le_bytes());
        }
        result
    }
}
