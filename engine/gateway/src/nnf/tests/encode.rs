//! The encoder: golden bytes, every refusal, and the way back through the structures.

use tezi_model::{CommandKind, InstrumentId, OrderCommand, OrderId, Px, Qty, Side, TimeInForce};

use super::super::wire::{Envelope, MsOeRequestTr, MsOmRequestTr, OrderChangePacket, Text};
use super::super::{
    Checksum, ContractError, EncodeError, ORDER_PACKET_SIZE_MAX, OrderEncoder, Packet, Underlying,
    VenueOrderState,
};
use super::{Rng, command, future, golden, identity, option};

const VENUE: VenueOrderState = VenueOrderState {
    last_activity_reference: 1_474_449_302_000_000_777,
    entry_date_time: 1_474_449_301,
    last_modified: 1_474_449_302,
};

fn encoder(checksum: Checksum) -> OrderEncoder {
    let mut encoder = OrderEncoder::new(&identity(), checksum, 3).unwrap();
    encoder.define(InstrumentId(0), &future(), Underlying::Index).unwrap();
    encoder.define(InstrumentId(2), &option(), Underlying::Index).unwrap();
    encoder
}

fn encode(encoder: &OrderEncoder, command: &OrderCommand) -> Result<Vec<u8>, EncodeError> {
    let mut out = [0xAA; ORDER_PACKET_SIZE_MAX];
    let size = encoder.encode(command, &VENUE, 9, &mut out)?;
    assert!(out[size..].iter().all(|&byte| byte == 0xAA), "nothing is written behind the packet");
    Ok(out[..size].to_vec())
}

#[test]
fn a_new_order_has_the_golden_bytes() {
    let packet = encode(&encoder(Checksum::None), &command(CommandKind::New)).unwrap();
    assert_eq!(packet[..6], [0, 180, 0, 0, 0, 9]);
    assert_eq!(packet[6..22], [0; 16]);
    assert_eq!(packet[22..], golden::bytes(golden::ENTRY));
}

#[test]
fn a_cancel_has_the_golden_bytes_and_echoes_what_the_venue_said() {
    let mut encoder = encoder(Checksum::None);
    encoder.set_pre_open(true);
    let cancel = OrderCommand {
        instrument: InstrumentId(2),
        side_code: Side::Sell as u8,
        time_in_force_code: TimeInForce::Ioc as u8,
        ..command(CommandKind::Cancel)
    };
    let packet = encode(&encoder, &cancel).unwrap();
    assert_eq!(packet[..2], [0, 208]);
    assert_eq!(packet[22..], golden::bytes(golden::CANCEL));

    let replace = OrderCommand { kind_code: CommandKind::Replace as u8, ..cancel };
    let mut expected = golden::bytes(golden::CANCEL);
    expected[..2].copy_from_slice(&20040_i16.to_be_bytes());
    assert_eq!(encode(&encoder, &replace).unwrap()[22..], expected);

    encoder.set_pre_open(false);
    assert_eq!(encode(&encoder, &replace).unwrap()[22 + 97], 0);
}

#[test]
fn the_checksum_is_the_md5_of_the_message() {
    let packet = encode(&encoder(Checksum::Md5), &command(CommandKind::New)).unwrap();
    let parsed = Packet::parse(&packet).unwrap();
    // By `md5sum` of the golden bytes.
    assert_eq!(u128::from_be_bytes(parsed.checksum), 0x61b1_7e43_21d2_909c_a801_22bb_04c0_9338);
    assert_eq!((parsed.verify(Checksum::Md5), parsed.sequence), (Ok(()), 9));
    assert_eq!(parsed.size(), packet.len());
}

#[test]
fn each_refusal_has_its_name_and_leaves_the_buffer() {
    let encoder = encoder(Checksum::Md5);
    let (new, replace) = (command(CommandKind::New), command(CommandKind::Replace));
    let cancel = command(CommandKind::Cancel);
    let cases = [
        (OrderCommand { kind_code: 0, ..new }, EncodeError::Kind),
        (OrderCommand { kind_code: 4, ..new }, EncodeError::Kind),
        (OrderCommand { side_code: 2, ..new }, EncodeError::Side),
        (OrderCommand { side_code: 2, ..cancel }, EncodeError::Side),
        (OrderCommand { time_in_force_code: 2, ..new }, EncodeError::TimeInForce),
        (OrderCommand { instrument: InstrumentId(1), ..new }, EncodeError::UnknownInstrument),
        (OrderCommand { instrument: InstrumentId(3), ..new }, EncodeError::UnknownInstrument),
        (
            OrderCommand { instrument: InstrumentId(u32::MAX), ..new },
            EncodeError::UnknownInstrument,
        ),
        (OrderCommand { order_id: OrderId(0), ..replace }, EncodeError::OrderNumber),
        (OrderCommand { order_id: OrderId(0), ..cancel }, EncodeError::OrderNumber),
        (OrderCommand { order_id: OrderId((1 << 53) + 1), ..cancel }, EncodeError::OrderNumber),
        (OrderCommand { order_id: OrderId(u64::MAX), ..cancel }, EncodeError::OrderNumber),
        (OrderCommand { quantity: Qty(0), ..new }, EncodeError::Quantity),
        (OrderCommand { quantity: Qty(1 << 31), ..new }, EncodeError::Quantity),
        (OrderCommand { quantity: Qty(75), ..replace }, EncodeError::Quantity),
        (OrderCommand { quantity: Qty(74), ..replace }, EncodeError::Quantity),
        (OrderCommand { quantity: Qty(74), ..cancel }, EncodeError::Quantity),
        (
            OrderCommand { quantity: Qty(u32::MAX), filled: Qty(u32::MAX - 1), ..cancel },
            EncodeError::Quantity,
        ),
        (OrderCommand { price: Px(new.price.0 + 1), ..new }, EncodeError::PriceNotPaise),
        (OrderCommand { price: Px::ZERO, ..new }, EncodeError::PriceRange),
        (OrderCommand { price: Px::from_paise(-5), ..replace }, EncodeError::PriceRange),
        (OrderCommand { price: Px::from_paise(1 << 31), ..new }, EncodeError::PriceRange),
        (OrderCommand { price: Px::from_paise(1 << 31), ..cancel }, EncodeError::PriceRange),
    ];
    for (command, error) in cases {
        let mut out = [0xAA; ORDER_PACKET_SIZE_MAX];
        assert_eq!(encoder.encode(&command, &VENUE, 1, &mut out), Err(error), "{command:?}");
        assert_eq!(out, [0xAA; ORDER_PACKET_SIZE_MAX]);
    }
}

#[test]
fn a_cancel_leaves_whatever_price_and_quantity_it_carries() {
    let cancel = OrderCommand {
        price: Px::ZERO,
        quantity: Qty(0),
        filled: Qty(0),
        ..command(CommandKind::Cancel)
    };
    assert!(encode(&encoder(Checksum::None), &cancel).is_ok());
}

#[test]
fn a_refused_definition_leaves_what_was_defined() {
    let mut encoder = encoder(Checksum::None);
    let before = encode(&encoder, &command(CommandKind::New));
    let bad = tezi_model::Instrument { kind_code: 0, ..future() };
    let error = encoder.define(InstrumentId(0), &bad, Underlying::Index);
    assert_eq!(error, Err(ContractError::Kind));
    assert_eq!(encode(&encoder, &command(CommandKind::New)), before);
    let error = encoder.define(InstrumentId(3), &future(), Underlying::Index);
    assert_eq!(error, Err(ContractError::Capacity));
}

/// Any command that is encoded says on the wire exactly what it said before, against a reading of
/// the structures that shares nothing with the encoder.
#[test]
fn random_commands_come_back_from_the_wire() {
    const SEED: u64 = 0x6e6e_6601;
    let (encoder, mut rng) = (encoder(Checksum::Md5), Rng(SEED));
    let mut encoded = 0;
    for step in 0..20_000 {
        let kind = [CommandKind::New, CommandKind::Replace, CommandKind::Cancel][rng.below(3)];
        let filled = rng.below(200) as u32;
        let sent = OrderCommand {
            order_id: OrderId(rng.next() >> rng.below(64)),
            price: Px::from_paise((rng.next() >> 32) as i64 - (1 << 30)),
            quantity: Qty(filled.saturating_add((rng.next() >> (32 + rng.below(32))) as u32)),
            filled: Qty(if kind == CommandKind::New { 0 } else { filled }),
            instrument: InstrumentId(rng.below(4) as u32),
            side_code: rng.below(2) as u8,
            time_in_force_code: rng.below(2) as u8,
            ..command(kind)
        };
        let Ok(packet) = encode(&encoder, &sent) else { continue };
        encoded += 1;
        let parsed = Packet::parse(&packet).unwrap();
        assert_eq!(parsed.verify(Checksum::Md5), Ok(()), "seed {SEED:#x}, step {step}");
        let (id, price, open, filled, side, flags, token) = if kind == CommandKind::New {
            let wire: &MsOeRequestTr = bytemuck::from_bytes(parsed.message);
            let (price, volume) = (wire.price.get(), wire.volume.get());
            let terms = wire.st_order_flags.terms;
            let side = wire.buy_sell_indicator.get();
            (sent.order_id.0, price, volume, 0, side, terms, wire.token_no.get())
        } else {
            let wire: &MsOmRequestTr = bytemuck::from_bytes(parsed.message);
            let (price, volume) = (wire.price.get(), wire.volume.get());
            let terms = wire.st_order_flags.terms;
            let (id, side) = (wire.order_number.get() as u64, wire.buy_sell_indicator.get());
            assert_eq!(wire.total_volume_remaining, wire.volume);
            let filled = wire.volume_filled_today.get();
            (id, price, volume, filled, side, terms, wire.token_no.get())
        };
        let said = (
            OrderId(id),
            Px::from_paise(i64::from(price)),
            Qty((open + filled) as u32),
            side as u8 - 1,
            flags == 0x02,
            token,
        );
        let token = if sent.instrument.0 == 0 { 35_001 } else { 35_002 };
        let ioc = sent.time_in_force() == TimeInForce::Ioc;
        let meant = (sent.order_id, sent.price, sent.quantity, sent.side_code, ioc, token);
        assert_eq!(said, meant, "seed {SEED:#x}, step {step}");
    }
    assert!(encoded > 2_000, "only {encoded} commands could be encoded");
}

#[test]
fn text_fields_of_a_request_are_blank_padded_without_nul() {
    let mut out = [0; ORDER_PACKET_SIZE_MAX];
    let encoder = encoder(Checksum::None);
    encoder.encode(&command(CommandKind::Replace), &VENUE, 0, &mut out).unwrap();
    let packet: OrderChangePacket = bytemuck::pod_read_unaligned(&out);
    let message = packet.message;
    assert_eq!(size_of_val(&packet.envelope), Envelope::SIZE);
    assert_eq!(message.account_number, Text::BLANK);
    assert_eq!(message.settlor, Text::BLANK);
    for text in [
        bytemuck::bytes_of(&message.contract_desc.symbol),
        bytemuck::bytes_of(&message.broker_id),
        bytemuck::bytes_of(&message.pan),
    ] {
        assert!(!text.contains(&0) && text.is_ascii());
    }
}
