//! When and by which matching engine a message was made.

use tezi_model::Segment;

use super::super::cm::stamp_of_cm;
use super::super::wire::{
    MessageHeader, MsOeResponseTr, MsTradeConfirmTr, TransactionCode as Code,
};

/// The mark of a message in its stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Stamp {
    /// `TimeStamp1`, jiffies since 1980: what a download starts from. 0 when the message has none.
    pub(in super::super) jiffies: i64,
    /// The stream, from 1; 0 when the message has none.
    pub(in super::super) stream: u8,
    /// Nanoseconds since 1980, 0 when the message has none.
    pub(in super::super) nanos: i64,
}

/// Codes from here on are of messages without a header.
const TRIMMED: i16 = 20_000;

/// The stamp of an order message, its envelope taken off; empty when it is too short to have one.
#[inline]
pub(in super::super) fn stamp_of(segment: Segment, message: &[u8]) -> Stamp {
    let Some((code, _)) = message.split_first_chunk() else { return Stamp::default() };
    let code = i16::from_be_bytes(*code);
    let stamp = match code {
        _ if segment == Segment::NseCm && code >= TRIMMED => stamp_of_cm(code, message),
        Code::ORDER_CONFIRMATION_TR
        | Code::ORDER_MOD_CONFIRMATION_TR
        | Code::ORDER_CXL_CONFIRMATION_TR => {
            bytemuck::try_from_bytes::<MsOeResponseTr>(message).ok().map(|wire| Stamp {
                jiffies: jiffies_from_wire(bytemuck::cast(wire.time_stamp1)),
                stream: wire.time_stamp2,
                nanos: wire.time_stamp.get(),
            })
        }
        Code::TRADE_CONFIRMATION_TR => {
            bytemuck::try_from_bytes::<MsTradeConfirmTr>(message).ok().map(|wire| Stamp {
                jiffies: jiffies_from_wire(bytemuck::cast(wire.timestamp1)),
                stream: bytemuck::cast::<_, [u8; 8]>(wire.timestamp2)[7],
                nanos: wire.timestamp.get(),
            })
        }
        _ => message.get(..MessageHeader::SIZE).map(|header| {
            let header: &MessageHeader = bytemuck::from_bytes(header);
            Stamp {
                jiffies: jiffies_from_wire(header.time_stamp1),
                stream: header.time_stamp2[7],
                nanos: header.timestamp.get(),
            }
        }),
    };
    stamp.unwrap_or_default()
}

/// `TimeStamp1` as a number. The documents make the same eight bytes an integer in one structure,
/// a double in another and text in a third. A count of jiffies stays below 2^48 until the next
/// century, and no double that holds one does, so that its size tells which it is.
#[inline]
pub(in super::super) fn jiffies_from_wire(bytes: [u8; 8]) -> i64 {
    let integer = i64::from_be_bytes(bytes);
    if (0..1 << 48).contains(&integer) {
        return integer;
    }
    let double = f64::from_be_bytes(bytes);
    if (0.0..281_474_976_710_656.0).contains(&double) { double as i64 } else { 0 }
}

/// The same number as a download request has it.
#[inline]
pub(in super::super) const fn jiffies_to_double(jiffies: i64) -> f64 {
    jiffies as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jiffies_are_the_same_as_integer_and_as_double() {
        for jiffies in [0_i64, 1, 987_654_321, 96_700_000_000_000, (1 << 48) - 1] {
            assert_eq!(jiffies_from_wire(jiffies.to_be_bytes()), jiffies);
            let double = jiffies_to_double(jiffies).to_be_bytes();
            assert_eq!(jiffies_from_wire(double), jiffies);
        }
        for nonsense in [i64::MIN, -1, i64::MAX] {
            assert_eq!(jiffies_from_wire(nonsense.to_be_bytes()), 0);
        }
    }
}
