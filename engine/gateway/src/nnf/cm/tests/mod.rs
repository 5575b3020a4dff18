//! The capital market, byte by byte: golden messages, every shape an answer may have, attributes.

mod attributes;
mod golden;

use tezi_model::{
    ClientOrderId, CommandKind, ExecutionKind, InstrumentId, OrderCommand, OrderId, Px, Qty, Side,
    TimeInForce, Token,
};

use super::super::link::{Stamp, stamp_of};
use super::super::tests::{EQ, Rng, command, future, identity, share};
use super::super::wire::{CmOrderFlags, SecInfo, Text};
use super::super::{
    Checksum, CmOrderEncoder, ContractError, DecodeError, EncodeError, Field, IdentityError,
    ORDER_PACKET_SIZE_MAX, OrderKey, Reply, SelfTrade, SessionIdentity, Underlying,
    VenueOrderState, decode_cm,
};
use tezi_model::Segment;

const VENUE: VenueOrderState = VenueOrderState {
    last_activity_reference: 1_474_449_302_000_000_777,
    entry_date_time: 1_474_449_301,
    last_modified: 1_474_449_302,
};

fn encoder() -> CmOrderEncoder {
    let mut encoder = CmOrderEncoder::new(&identity(), Checksum::None, 2).unwrap();
    encoder.define(InstrumentId(0), &share("RELIANCE", 2885), EQ).unwrap();
    encoder
}

fn encode(encoder: &CmOrderEncoder, command: &OrderCommand) -> Result<Vec<u8>, EncodeError> {
    let mut out = [0xAA; ORDER_PACKET_SIZE_MAX];
    let size = encoder.encode(command, &VENUE, 9, &mut out)?;
    assert!(out[size..].iter().all(|&byte| byte == 0xAA), "nothing is written behind the packet");
    Ok(out[..size].to_vec())
}

fn read(message: &[u8]) -> Result<Reply, DecodeError> {
    let encoder = encoder();
    decode_cm(
        9,
        message,
        |sec_info| encoder.token_of(sec_info),
        |key| match key {
            OrderKey { order_id: OrderId(1_000_000_000_012_345), .. } => Some(ClientOrderId(42)),
            OrderKey { filler: 0x0102_0304, .. } => Some(ClientOrderId(43)),
            _ => None,
        },
    )
}

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

#[test]
fn requests_have_the_golden_bytes() {
    let mut encoder = encoder();
    let packet = encode(&encoder, &command(CommandKind::New)).unwrap();
    assert_eq!(packet[..6], [0, 158, 0, 0, 0, 9]);
    assert_eq!(packet[22..], golden::bytes(golden::ENTRY));
    encoder.set_pre_open(true);
    let cancel = OrderCommand {
        side_code: Side::Sell as u8,
        time_in_force_code: TimeInForce::Ioc as u8,
        ..command(CommandKind::Cancel)
    };
    let packet = encode(&encoder, &cancel).unwrap();
    assert_eq!(packet[..2], [0, 202]);
    assert_eq!(packet[22..], golden::bytes(golden::CANCEL));
    let replace = OrderCommand { kind_code: CommandKind::Replace as u8, ..cancel };
    let expected = patched(golden::CANCEL, &[(0, &20040_i16.to_be_bytes())]);
    assert_eq!(encode(&encoder, &replace).unwrap()[22..], expected);
    encoder.set_pre_open(false);
    assert_eq!(encode(&encoder, &replace).unwrap()[22 + 91], 0);
}

#[test]
fn self_trade_prevention_stays_with_the_pre_open_bit() {
    let identity = SessionIdentity { self_trade: SelfTrade::CancelActive, ..identity() };
    let mut encoder = CmOrderEncoder::new(&identity, Checksum::None, 1).unwrap();
    encoder.define(InstrumentId(0), &share("RELIANCE", 2885), EQ).unwrap();
    for (pre_open, state) in [(true, 0x0A), (false, 0x02)] {
        encoder.set_pre_open(pre_open);
        for (kind, at) in [(CommandKind::New, 49), (CommandKind::Cancel, 91)] {
            assert_eq!(encode(&encoder, &command(kind)).unwrap()[22 + at], state);
        }
    }
}

#[test]
fn what_the_segment_cannot_say_is_refused() {
    let logoff = SessionIdentity { cancel_on_logoff: true, ..identity() };
    let error = CmOrderEncoder::new(&logoff, Checksum::None, 1).unwrap_err();
    assert_eq!(error, IdentityError::CancelOnLogoff);
    let mut encoder = encoder();
    let refused = [
        (encoder.define(InstrumentId(0), &future(), EQ), ContractError::Segment),
        (encoder.define(InstrumentId(2), &share("X", 1), EQ), ContractError::Capacity),
        (encoder.define(InstrumentId(0), &share("X", 1), Underlying::Stock), ContractError::Kind),
    ];
    for (done, error) in refused {
        assert_eq!(done, Err(error));
    }
    let (new, cancel) = (command(CommandKind::New), command(CommandKind::Cancel));
    let cases = [
        (OrderCommand { kind_code: 9, ..new }, EncodeError::Kind),
        (OrderCommand { side_code: 2, ..new }, EncodeError::Side),
        (OrderCommand { time_in_force_code: 2, ..cancel }, EncodeError::TimeInForce),
        (OrderCommand { instrument: InstrumentId(1), ..new }, EncodeError::UnknownInstrument),
        (OrderCommand { instrument: InstrumentId(7), ..cancel }, EncodeError::UnknownInstrument),
        (OrderCommand { order_id: OrderId(0), ..cancel }, EncodeError::OrderNumber),
        (OrderCommand { quantity: Qty(0), ..new }, EncodeError::Quantity),
        (OrderCommand { price: Px(1), ..new }, EncodeError::PriceNotPaise),
        (OrderCommand { price: Px::ZERO, ..new }, EncodeError::PriceRange),
    ];
    for (command, error) in cases {
        let mut out = [0xAA; ORDER_PACKET_SIZE_MAX];
        assert_eq!(encoder.encode(&command, &VENUE, 1, &mut out), Err(error), "{command:?}");
        assert_eq!(out, [0xAA; ORDER_PACKET_SIZE_MAX]);
    }
}

#[test]
fn a_confirmation_decodes_field_by_field() {
    let message = golden::bytes(golden::RESPONSE);
    let reply = read(&message).unwrap();
    assert_eq!(reply.report.kind(), Some(ExecutionKind::Replaced));
    assert_eq!(reply.report.client_order_id, ClientOrderId(42));
    assert_eq!(reply.report.order_id, OrderId(1_000_000_000_012_345));
    assert_eq!(reply.report.price, Px::from_paise(2_500_010));
    assert_eq!((reply.report.quantity, reply.report.reason), (Qty(300), 18));
    assert_eq!(reply.report.venue_time.to_string(), "2026-09-21 09:15:00.000001000");
    assert_eq!((reply.token, reply.side), (Token(2885), Some(Side::Sell)));
    assert_eq!((reply.remaining, reply.filled), (Qty(75), Qty(225)));
    assert_eq!(reply.venue, VENUE);
    let stamp = stamp_of(Segment::NseCm, &message);
    let nanos = 1_474_449_300_000_001_000;
    assert_eq!(stamp, Stamp { jiffies: 987_654_321, stream: 5, nanos });
}

#[test]
fn a_trade_decodes_field_by_field() {
    let message = golden::bytes(golden::TRADE);
    let reply = read(&message).unwrap();
    let report = reply.report;
    assert_eq!((report.kind(), report.fill_id), (Some(ExecutionKind::Fill), 1_000_001));
    assert_eq!((report.quantity, report.price), (Qty(25), Px::from_paise(2_499_995)));
    assert_eq!((reply.remaining, reply.filled), (Qty(50), Qty(250)));
    assert_eq!((reply.token, reply.side), (Token(2885), Some(Side::Buy)));
    assert_eq!(reply.venue.last_activity_reference, 1_474_449_302_000_000_777);
    assert_eq!(reply.venue.last_modified, 1_474_449_302);
    assert_eq!(stamp_of(Segment::NseCm, &message).jiffies, 987_654_321);
    assert_eq!(stamp_of(Segment::NseCm, &message).stream, 5);
    let other = read(&patched(golden::TRADE, &[(100, b"UNKNOWN   BE")])).unwrap();
    assert_eq!((other.token, other.report.kind()), (Token(0), Some(ExecutionKind::Fill)));
}

#[test]
fn each_code_has_its_meaning() {
    use ExecutionKind as Kind;
    let trimmed = |code: i16, error: i16| {
        let (code, error) = (code.to_be_bytes(), error.to_be_bytes());
        kind(&patched(golden::RESPONSE, &[(0, &code), (10, &error), (22, &[0, 0])]))
    };
    let cases = [
        (20073, 0, Ok((Kind::Accepted, 0))),
        (20074, 0, Ok((Kind::Replaced, 0))),
        (20075, 0, Ok((Kind::Canceled, 0))),
        (20075, 17_080, Ok((Kind::Canceled, 17_080))),
        (20231, 16_284, Ok((Kind::Rejected, 16_284))),
        (20042, 16_343, Ok((Kind::ReplaceRejected, 16_343))),
        (20072, 16_060, Ok((Kind::CancelRejected, 16_060))),
        (20012, 0, Err(DecodeError::UnknownTransactionCode { code: 20012 })),
        (2073, 0, Err(DecodeError::MessageLength { code: 2073, length: 216 })),
    ];
    for (code, error, expected) in cases {
        assert_eq!(trimmed(code, error), expected, "{code}");
    }
    for (code, expected) in [
        (20231, Kind::Rejected),
        (2231, Kind::Rejected),
        (2042, Kind::ReplaceRejected),
        (20072, Kind::CancelRejected),
    ] {
        let mut error = vec![0; 180];
        error[..2].copy_from_slice(&i16::to_be_bytes(code));
        error[12..14].copy_from_slice(&16_012_i16.to_be_bytes());
        assert_eq!(kind(&error), Ok((expected, 16_012)));
    }
    // A refusal brings the member's tag back, the only name of an order in plain mode.
    let refusal = patched(golden::RESPONSE, &[(0, &20231_i16.to_be_bytes()), (36, &[0; 8])]);
    assert_eq!(read(&refusal).unwrap().report.client_order_id, ClientOrderId(43));
}

#[test]
fn impossible_values_are_named_and_every_prefix_is_refused() {
    let cases: [(&str, usize, &[u8], Field); 7] = [
        (golden::RESPONSE, 36, &[0; 8], Field::OrderNumber),
        (golden::RESPONSE, 56, &[0, 3], Field::BuySellIndicator),
        (golden::RESPONSE, 66, &[0xFF; 4], Field::RemainingVolume),
        (golden::RESPONSE, 74, &[0xFF; 4], Field::VolumeFilledToday),
        (golden::TRADE, 82, &[0; 4], Field::FillQuantity),
        (golden::TRADE, 86, &[0; 4], Field::FillPrice),
        (golden::TRADE, 78, &[0xFF; 4], Field::FillNumber),
    ];
    for (vector, at, bytes, field) in cases {
        assert_eq!(kind(&patched(vector, &[(at, bytes)])), Err(DecodeError::OutOfRange(field)));
    }
    for vector in [golden::RESPONSE, golden::TRADE] {
        let message = golden::bytes(vector);
        for size in 0..message.len() {
            assert!(read(&message[..size]).is_err(), "{size}");
        }
    }
}

#[test]
fn mutated_messages_never_panic() {
    const SEED: u64 = 0xc_a54;
    let mut rng = Rng(SEED);
    let (mut read_count, vectors) = (0, [golden::RESPONSE, golden::TRADE]);
    for _ in 0..20_000 {
        let mut message = golden::bytes(vectors[rng.below(2)]);
        for _ in 0..rng.below(4) {
            let at = rng.below(message.len());
            message[at] = rng.next() as u8;
        }
        let _ = stamp_of(Segment::NseCm, &message);
        read_count += usize::from(read(&message).is_ok());
    }
    assert!(read_count > 5_000, "{read_count}");
}

#[test]
fn names_of_securities_and_flags_are_as_the_document_has_them() {
    let packet = encode(&encoder(), &command(CommandKind::New)).unwrap();
    let sec_info: SecInfo = bytemuck::pod_read_unaligned(&packet[28..40]);
    assert_eq!(sec_info.symbol, Text::new("RELIANCE").unwrap());
    assert_eq!(sec_info.series, Text::new("EQ").unwrap());
    assert_eq!(packet[22 + 48], CmOrderFlags::DAY);
}
