//! Envelope and decoder: golden messages, every shape an answer may have, every refusal, and
//! mutated input.

use tezi_model::{ClientOrderId, ExecutionKind, Nanos, OrderId, Px, Qty, Side, Token};

use super::super::{
    Checksum, DecodeError, Field, OrderKey, Packet, Reply, VenueOrderState, decode,
};
use super::{Rng, golden};

/// Decodes with a session that knows order 1000000000012345 as 42, and sequence 9 as 43.
fn read(message: &[u8]) -> Result<Reply, DecodeError> {
    decode(9, message, |key| match key {
        OrderKey { order_id: OrderId(1_000_000_000_012_345), .. } => Some(ClientOrderId(42)),
        OrderKey { sequence: 9, order_id: OrderId(0), .. } => Some(ClientOrderId(43)),
        _ => None,
    })
}

/// The vector with other bytes at some offsets.
fn patched(vector: &str, patches: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = golden::bytes(vector);
    for &(offset, patch) in patches {
        bytes[offset..offset + patch.len()].copy_from_slice(patch);
    }
    bytes
}

fn kind(message: &[u8]) -> Result<(ExecutionKind, u16), DecodeError> {
    read(message).map(|reply| (reply.report.kind().unwrap(), reply.report.reason))
}

const TIME: &str = "2026-09-21 09:15:00.000001000";

#[test]
fn a_confirmation_decodes_field_by_field() {
    let message = golden::bytes(golden::RESPONSE);
    let mut asked = None;
    let reply = decode(9, &message, |key| {
        asked = Some(key);
        Some(ClientOrderId(42))
    });
    let reply = reply.unwrap();
    let order_id = OrderId(1_000_000_000_012_345);
    assert_eq!(asked, Some(OrderKey { sequence: 9, order_id, filler: 0x0102_0304 }));
    assert_eq!(reply.report.kind(), Some(ExecutionKind::Replaced));
    assert_eq!(reply.report.client_order_id, ClientOrderId(42));
    assert_eq!(reply.report.order_id, order_id);
    assert_eq!(reply.report.price, Px::from_paise(2_500_010));
    assert_eq!(reply.report.quantity, Qty(300), "75 open and 225 filled, whatever Volume means");
    assert_eq!((reply.report.fill_id, reply.report.passive), (0, 0));
    assert_eq!(reply.report.reason, 18, "approved after a quantity freeze");
    assert_eq!(reply.report.venue_time.to_string(), TIME);
    assert_eq!((reply.token, reply.side), (Token(35_001), Some(Side::Sell)));
    assert_eq!((reply.remaining, reply.filled), (Qty(75), Qty(225)));
    assert_eq!(reply.transaction_code, 20074);
    let venue = VenueOrderState {
        last_activity_reference: 1_474_449_302_000_000_777,
        entry_date_time: 1_474_449_301,
        last_modified: 1_474_449_302,
    };
    assert_eq!(reply.venue, venue);
}

#[test]
fn a_trade_decodes_field_by_field() {
    let reply = read(&golden::bytes(golden::TRADE)).unwrap();
    assert_eq!(reply.report.kind(), Some(ExecutionKind::Fill));
    assert_eq!(reply.report.client_order_id, ClientOrderId(42));
    assert_eq!(reply.report.price, Px::from_paise(2_500_000));
    assert_eq!((reply.report.quantity, reply.report.fill_id), (Qty(75), 900_001));
    assert_eq!(reply.report.reason, 0);
    assert_eq!(reply.report.venue_time.to_string(), TIME);
    assert_eq!((reply.token, reply.side), (Token(35_001), Some(Side::Buy)));
    assert_eq!((reply.remaining, reply.filled), (Qty(150), Qty(150)));

    let mut venue = VenueOrderState { entry_date_time: 5, last_modified: 6, ..Default::default() };
    venue.absorb(reply.venue);
    let after = VenueOrderState {
        last_activity_reference: 1_474_449_303_000_000_888,
        entry_date_time: 5,
        last_modified: 1_474_449_303,
    };
    assert_eq!(venue, after);

    let without_reference = patched(golden::TRADE, &[(170, &[0; 8])]);
    let reference = read(&without_reference).unwrap().venue.last_activity_reference;
    assert_eq!(reference, 1_474_449_300_000_001_000, "the time stands in");
}

#[test]
fn an_order_the_session_does_not_know_is_reported_all_the_same() {
    let message = golden::bytes(golden::TRADE);
    let reply = decode(0, &message, |_| None).unwrap();
    assert_eq!(reply.report.client_order_id, ClientOrderId(0));
    assert_eq!(reply.report.quantity, Qty(75));
}

#[test]
fn refusals_come_full_plain_or_trimmed() {
    let full = read(&golden::bytes(golden::REFUSAL)).unwrap();
    assert_eq!(full.report.kind(), Some(ExecutionKind::Rejected));
    assert_eq!(full.report.client_order_id, ClientOrderId(43), "found by the sequence number");
    assert_eq!((full.report.reason, full.report.order_id), (17070, OrderId(0)));
    assert_eq!(full.venue, VenueOrderState::default(), "a refusal moves no mark");
    assert_eq!(full.report.venue_time.to_string(), TIME);

    let plain = read(&golden::bytes(golden::ERROR)).unwrap();
    assert_eq!(plain.report.kind(), Some(ExecutionKind::ReplaceRejected));
    assert_eq!((plain.report.client_order_id, plain.report.reason), (ClientOrderId(43), 16044));
    assert_eq!((plain.token, plain.side), (Token(0), None));
}

#[test]
fn the_code_and_the_error_decide_what_an_answer_means() {
    use ExecutionKind::{Accepted, CancelRejected, Canceled, Rejected, ReplaceRejected, Replaced};
    let trimmed = [
        (20073_i16, 0_i16, Accepted),
        (20073, 17070, Rejected),
        (20074, 0, Replaced),
        (20074, 16044, ReplaceRejected),
        (20075, 0, Canceled),
        (20075, 16388, Canceled),
    ];
    for (code, error, expected) in trimmed {
        let patches: [(usize, &[u8]); 3] =
            [(0, &code.to_be_bytes()), (10, &error.to_be_bytes()), (22, &[0, 0])];
        let message = patched(golden::RESPONSE, &patches);
        assert_eq!(kind(&message), Ok((expected, error as u16)), "{code} {error}");
    }
    let full = [
        (2231_i16, 17070_i16, Rejected),
        (2042, 16044, ReplaceRejected),
        (2072, 16044, CancelRejected),
        (2073, 0, Accepted),
        (2074, 0, Replaced),
        (2075, 0, Canceled),
        (2075, 16388, Canceled),
        (9002, 16388, Canceled),
    ];
    let number = 1_000_000_000_012_345_f64.to_be_bytes();
    for (code, error, expected) in full {
        let patches: [(usize, &[u8]); 3] =
            [(0, &code.to_be_bytes()), (12, &error.to_be_bytes()), (98, &number)];
        let message = patched(golden::REFUSAL, &patches);
        assert_eq!(kind(&message), Ok((expected, error as u16)), "{code} {error}");
        assert_eq!(read(&message).unwrap().report.client_order_id, ClientOrderId(42));
    }
    for (code, expected) in [(2231_i16, Rejected), (2072, CancelRejected)] {
        let message = patched(golden::ERROR, &[(0, &code.to_be_bytes())]);
        assert_eq!(kind(&message), Ok((expected, 16044)));
    }
}

#[test]
fn each_impossible_value_of_a_confirmation_or_trade_is_named() {
    let (zero, minus): (&[u8], &[u8]) = (&[0; 8], &[0xff; 8]);
    let half = 0.5_f64.to_be_bytes();
    let huge = 18_446_744_073_709_551_616_f64.to_be_bytes(); // 2^64
    let fraction = 1_000_000_000_012_345.5_f64.to_be_bytes();
    let confirmations: [(usize, &[u8], Field); 12] = [
        (56, zero, Field::OrderNumber),
        (56, minus, Field::OrderNumber), // no number
        (56, &half, Field::OrderNumber),
        (56, &huge, Field::OrderNumber),
        (56, &fraction, Field::OrderNumber),
        (24, &[0; 4], Field::TokenNo),
        (24, &minus[..4], Field::TokenNo),
        (76, &[0, 0], Field::BuySellIndicator),
        (76, &[0, 3], Field::BuySellIndicator),
        (86, &minus[..4], Field::RemainingVolume),
        (90, &minus[..4], Field::Volume),
        (94, &minus[..4], Field::VolumeFilledToday),
    ];
    for (offset, value, field) in confirmations {
        let message = patched(golden::RESPONSE, &[(offset, value)]);
        assert_eq!(read(&message), Err(DecodeError::OutOfRange(field)), "{offset} {value:x?}");
    }
    let trades: [(usize, &[u8], Field); 10] = [
        (34, zero, Field::OrderNumber),
        (58, &[0, 0], Field::BuySellIndicator),
        (68, &minus[..4], Field::RemainingVolume),
        (86, &minus[..4], Field::FillNumber),
        (90, &minus[..4], Field::FillQuantity),
        (90, &[0; 4], Field::FillQuantity),
        (94, &minus[..4], Field::FillPrice),
        (94, &[0; 4], Field::FillPrice),
        (98, &minus[..4], Field::VolumeFilledToday),
        (108, &[0; 4], Field::TokenNo),
    ];
    for (offset, value, field) in trades {
        let message = patched(golden::TRADE, &[(offset, value)]);
        assert_eq!(read(&message), Err(DecodeError::OutOfRange(field)), "{offset} {value:x?}");
    }
}

#[test]
fn a_refusal_survives_any_echo() {
    let nonsense = [0xff; 8];
    let patches: Vec<(usize, &[u8])> =
        [54, 98, 118, 128, 132, 136, 140].map(|offset| (offset, &nonsense[..])).to_vec();
    // The side and the price overlap what follows them, which is nonsense too.
    let reply = read(&patched(golden::REFUSAL, &patches)).unwrap();
    assert_eq!(reply.report.kind(), Some(ExecutionKind::Rejected));
    assert_eq!((reply.report.order_id, reply.report.quantity), (OrderId(0), Qty(0)));
    assert_eq!((reply.token, reply.side), (Token(0), None));
    assert_eq!(reply.report.client_order_id, ClientOrderId(43));
}

#[test]
fn the_time_falls_back_to_the_seconds_of_the_log() {
    let message = patched(golden::RESPONSE, &[(156, &[0; 8])]);
    let time = read(&message).unwrap().report.venue_time;
    assert_eq!(time.to_string(), "2026-09-21 09:15:00.000000000");
    let message = patched(golden::RESPONSE, &[(156, &[0; 8]), (2, &[0; 4])]);
    assert_eq!(read(&message).unwrap().report.venue_time, Nanos::ZERO);
}

#[test]
fn every_other_length_of_every_message_is_named() {
    let vectors = [golden::RESPONSE, golden::TRADE, golden::REFUSAL, golden::ERROR, golden::ENTRY];
    for vector in vectors {
        let message = golden::bytes(vector);
        let code = i16::from_be_bytes([message[0], message[1]]);
        for length in 0..message.len() {
            // A refusal cut to 182 bytes is an error response by its length.
            if code == 2231 && length == 182 {
                continue;
            }
            let error = match (length, code) {
                (0 | 1, _) => DecodeError::Truncated,
                (_, 20000) => DecodeError::UnknownTransactionCode { code },
                _ => DecodeError::MessageLength { code, length: length as u16 },
            };
            assert_eq!(read(&message[..length]), Err(error), "{code}, {length} bytes");
        }
        let longer = [&message[..], &[0]].concat();
        assert!(read(&longer).is_err());
    }
    let long = [&20222_i16.to_be_bytes()[..], &[0; 70_000]].concat();
    let error = DecodeError::MessageLength { code: 20222, length: u16::MAX };
    assert_eq!(read(&long), Err(error));
}

/// A heartbeat of user 12345 in the plain method, its MD5 made by another program.
const HEARTBEAT: [u8; 62] = {
    let mut packet = [0; 62];
    let head = *b"\x00\x3e\x00\x00\x00\x00\x60\x40\x81\x2a\xfa\x0f\x3e\x74\x46\x68\x0f\x96\xe6\x30\
        \x60\xd0\x5b\xd2\x00\x00\x00\x00\x20\x20\x00\x00\x30\x39";
    let mut at = 0;
    while at < head.len() {
        packet[at] = head[at];
        at += 1;
    }
    packet[61] = 0x28;
    packet
};

#[test]
fn the_envelope_of_a_heartbeat_is_read_and_verified() {
    let packet = Packet::parse(&HEARTBEAT).unwrap();
    assert_eq!((packet.sequence, packet.size(), packet.message.len()), (0, 62, 40));
    assert_eq!(packet.verify(Checksum::Md5), Ok(()));
    assert_eq!(read(packet.message), Err(DecodeError::UnknownTransactionCode { code: 23506 }));

    let stream = [&HEARTBEAT[..], &HEARTBEAT[..40]].concat();
    let first = Packet::parse(&stream).unwrap();
    assert_eq!(first, packet, "a packet ends where its length says");
    assert_eq!(Packet::parse(&stream[first.size()..]), Err(DecodeError::Truncated));
}

#[test]
fn every_shorter_prefix_of_a_packet_is_truncated_and_every_changed_bit_shows() {
    for length in 0..HEARTBEAT.len() {
        assert_eq!(Packet::parse(&HEARTBEAT[..length]), Err(DecodeError::Truncated), "{length}");
    }
    for bit in 6 * 8..HEARTBEAT.len() * 8 {
        let mut changed = HEARTBEAT;
        changed[bit / 8] ^= 1 << (bit % 8);
        let packet = Packet::parse(&changed).unwrap();
        assert_eq!(packet.verify(Checksum::Md5), Err(DecodeError::ChecksumMismatch));
        assert_eq!(packet.verify(Checksum::None), Ok(()), "left to the layer that encrypts");
    }
}

#[test]
fn a_length_that_cannot_be_ends_the_stream() {
    for length in [0, 1, 22, 23, 1025, u16::MAX] {
        let mut packet = [0; 2048];
        packet[..2].copy_from_slice(&length.to_be_bytes());
        assert_eq!(Packet::parse(&packet), Err(DecodeError::PacketLength { length }));
    }
    for length in [24_u16, 1024] {
        let mut packet = [0; 2048];
        packet[..2].copy_from_slice(&length.to_be_bytes());
        assert_eq!(Packet::parse(&packet).map(|packet| packet.size()), Ok(usize::from(length)));
    }
}

#[test]
fn mutated_input_never_panics_and_never_gives_an_impossible_fill() {
    const SEED: u64 = 0x6e6e_6602;
    let vectors = [golden::RESPONSE, golden::TRADE, golden::REFUSAL, golden::ERROR];
    let messages = vectors.map(golden::bytes);
    let mut rng = Rng(SEED);
    let (mut good, mut bad) = (0, 0);
    for step in 0..200_000 {
        let mut bytes = [&[0; 22][..], &messages[rng.below(messages.len())]].concat();
        let length = (bytes.len() as u16).to_be_bytes();
        bytes[..2].copy_from_slice(&length);
        for _ in 0..1 + rng.below(6) {
            let at = rng.below(bytes.len());
            bytes[at] = rng.next() as u8;
        }
        if rng.below(4) == 0 {
            bytes.truncate(rng.below(bytes.len() + 1));
        }
        let Ok(packet) = Packet::parse(&bytes) else { continue };
        let _ = packet.verify(Checksum::Md5);
        match decode(packet.sequence, packet.message, |_| None) {
            Ok(reply) => {
                good += 1;
                let report = reply.report;
                if report.kind() == Some(ExecutionKind::Fill) {
                    let possible = report.price > Px::ZERO && !report.quantity.is_zero();
                    assert!(possible && !report.order_id.is_none(), "seed {SEED:#x}, step {step}");
                }
            }
            Err(_) => bad += 1,
        }
    }
    assert!(good > 1_000 && bad > 1_000, "{good} good, {bad} bad");
}
