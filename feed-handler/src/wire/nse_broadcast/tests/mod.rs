//! Messages built byte by byte from the documents' offsets, and what must come of them.

mod book;
mod golden;
mod lzo;
mod mutations;
mod refusals;

use super::*;
use tezi_model::{Nanos, Segment};
use tezi_testing::Random;

/// 2026-09-21 09:15:00 in India, as seconds since 1980.
const OPEN_WIRE: i32 = 1_474_449_300;

fn open() -> Nanos {
    Nanos::from_ist(2026, 9, 21, 9, 15, 0)
}

/// A message under construction: big-endian values at offsets, nothing of the layout structs.
#[derive(Clone)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn zeroed(size: usize) -> Self {
        Self(vec![0; size])
    }

    /// A message from its header on, with code, time and length set.
    fn message(code: i16, size: usize) -> Self {
        Self::zeroed(size).i32(4, OPEN_WIRE).i16(10, code).i16(38, size as i16)
    }

    fn put(mut self, at: usize, bytes: &[u8]) -> Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    fn i16(self, at: usize, value: i16) -> Self {
        self.put(at, &value.to_be_bytes())
    }

    fn i32(self, at: usize, value: i32) -> Self {
        self.put(at, &value.to_be_bytes())
    }

    fn i64(self, at: usize, value: i64) -> Self {
        self.put(at, &value.to_be_bytes())
    }

    fn f64(self, at: usize, value: f64) -> Self {
        self.put(at, &value.to_be_bytes())
    }

    /// `first`, `first + 1`, … at `at`, four bytes each.
    fn i32s(self, at: usize, first: i32, count: usize) -> Self {
        (0..count).fold(self, |bytes, index| bytes.i32(at + 4 * index, first + index as i32))
    }
}

/// Eight unused bytes and the message.
fn clear(message: &Bytes) -> Vec<u8> {
    [&[1; 8], &message.0[..]].concat()
}

/// The debug text of every update of a message: `Update` borrows, texts do not.
fn updates(segment: Segment, message: &Bytes) -> Vec<Result<String, DecodeError>> {
    let clear = clear(message);
    let message = match decode(segment, &clear) {
        Ok(message) => message,
        Err(error) => return vec![Err(error)],
    };
    let mut all = Vec::new();
    message.for_each_update(&mut |update| all.push(update.map(|update| format!("{update:?}"))));
    all
}

/// Checks that a message gives exactly these updates.
#[track_caller]
fn expect(segment: Segment, message: &Bytes, expected: &[Update<'_>]) {
    let expected: Vec<_> = expected.iter().map(|update| Ok(format!("{update:?}"))).collect();
    assert_eq!(updates(segment, message), expected);
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
