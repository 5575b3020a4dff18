//! The header of full-size messages, and times as the wire has them.

use bytemuck::Zeroable;
use tezi_model::{Nanos, NseTime};

use super::wire::{BeI16, BeI32, MessageHeader};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// The header of a message of the session.
pub(super) fn header(code: i16, user_id: i32, size: usize, now: Nanos) -> MessageHeader {
    MessageHeader {
        transaction_code: BeI16::new(code),
        log_time: BeI32::new(wire_seconds(now)),
        alpha_char: *b"  ",
        trader_id: BeI32::new(user_id),
        message_length: BeI16::new(size as i16),
        ..MessageHeader::zeroed()
    }
}

/// Seconds since 1980 on the wall clock in India; 0 for what a field cannot hold.
pub(super) fn wire_seconds(time: Nanos) -> i32 {
    i32::try_from(NseTime::from_nanos(time).0.div_euclid(NANOS_PER_SECOND)).unwrap_or(0).max(0)
}
