//! Orders that are more than regular limit orders, in both segments.

use tezi_model::{CommandKind, InstrumentId, Nanos, OrderCommand, Px, Qty, Segment, TimeInForce};

use super::super::super::attributes::FULL_PACKET_SIZE_MAX;
use super::super::super::server::OrderImage;
use super::super::super::tests::{command, future, identity};
use super::super::super::wire::{
    CmOrderEntryRequest, CmOrderEntryRequestTr, CmOrderFlags, CmOrderOmRequestTr, MsOeRequest,
    MsOeRequestTr, StOrderFlags,
};
use super::super::super::{
    Book, Checksum, EncodeError, ORDER_PACKET_SIZE_MAX, OrderAttributes, OrderEncoder, Underlying,
};
use super::{VENUE, encoder};

const NOW: Nanos = Nanos::from_ist(2026, 9, 21, 9, 15, 0);

/// The message of an order with attributes.
fn write(
    segment: Segment,
    command: &OrderCommand,
    attributes: &OrderAttributes,
) -> Result<Vec<u8>, EncodeError> {
    let plain = attributes.plain(segment, command)?;
    let mut trimmed = [0; ORDER_PACKET_SIZE_MAX];
    let size = if segment == Segment::NseCm {
        encoder().encode(&plain, &VENUE, 9, &mut trimmed)?
    } else {
        let mut encoder = OrderEncoder::new(&identity(), Checksum::None, 1).unwrap();
        encoder.define(InstrumentId(0), &future(), Underlying::Index).unwrap();
        encoder.encode(&plain, &VENUE, 9, &mut trimmed)?
    };
    let mut packet = [0; FULL_PACKET_SIZE_MAX];
    let size = attributes.lay_over(segment, &trimmed[..size], 12345, NOW, &mut packet);
    assert_eq!(usize::from(u16::from_be_bytes([packet[0], packet[1]])), size);
    assert_eq!(packet[2..6], [0, 0, 0, 9], "the envelope's number stays");
    Ok(packet[22..size].to_vec())
}

const STOP: OrderAttributes = OrderAttributes {
    book: Book::StopLoss,
    is_market: false,
    disclosed: Qty(0),
    trigger: Px::from_paise(2_500_000),
};

#[test]
fn market_disclosed_and_call_auction_orders_stay_trimmed() {
    let attributes = OrderAttributes {
        book: Book::CallAuction2,
        is_market: true,
        disclosed: Qty(50),
        trigger: Px::ZERO,
    };
    let message = write(Segment::NseCm, &command(CommandKind::New), &attributes).unwrap();
    let entry: &CmOrderEntryRequestTr = bytemuck::from_bytes(&message);
    assert_eq!((entry.book_type.get(), entry.price.get(), entry.disclosed_vol.get()), (12, 0, 50));
    assert_eq!(entry.st_order_flags.terms, CmOrderFlags::DAY | CmOrderFlags::MARKET);
    let message = write(Segment::NseCm, &command(CommandKind::Replace), &attributes).unwrap();
    let change: &CmOrderOmRequestTr = bytemuck::from_bytes(&message);
    assert_eq!((change.book_type.get(), change.price.get()), (12, 0));
    assert_eq!(change.last_activity_reference.get(), VENUE.last_activity_reference);

    let market = OrderAttributes { is_market: true, ..OrderAttributes::default() };
    let message = write(Segment::NseFo, &command(CommandKind::New), &market).unwrap();
    let entry: &MsOeRequestTr = bytemuck::from_bytes(&message);
    assert_eq!((entry.price.get(), entry.volume.get()), (0, 150));
    assert_eq!(entry.st_order_flags.terms, StOrderFlags::DAY | StOrderFlags::MARKET);
}

#[test]
fn a_stop_loss_order_takes_the_full_structure() {
    let message = write(Segment::NseCm, &command(CommandKind::New), &STOP).unwrap();
    let order: &CmOrderEntryRequest = bytemuck::from_bytes(&message);
    assert_eq!((order.header.transaction_code.get(), order.header.trader_id.get()), (2000, 12345));
    assert_eq!((order.header.message_length.get(), order.header.alpha_char), (290, *b"RE"));
    assert_eq!((order.book_type.get(), order.trigger_price.get()), (3, 2_500_000));
    assert_eq!((order.price.get(), order.volume.get()), (2_500_005, 150));
    assert_eq!(order.st_order_flags.terms, CmOrderFlags::DAY | CmOrderFlags::STOP_LOSS);
    assert_eq!(
        (order.sec_info.symbol.trimmed(), order.sec_info.series.trimmed()),
        (&b"RELIANCE"[..], &b"EQ"[..])
    );
    assert_eq!(order.pan.trimmed(), b"ABCDE1234F");

    let message = write(Segment::NseCm, &command(CommandKind::Cancel), &STOP).unwrap();
    let order: &CmOrderEntryRequest = bytemuck::from_bytes(&message);
    assert_eq!(order.header.transaction_code.get(), 2070);
    assert_eq!(order.order_number.get(), 1_000_000_000_012_345.0);
    assert_eq!(order.last_activity_reference.get(), VENUE.last_activity_reference);
    assert_eq!(OrderImage::of_cm_full(order).cm_full(), *order, "nothing is lost in the image");

    let message = write(Segment::NseFo, &command(CommandKind::Replace), &STOP).unwrap();
    let order: &MsOeRequest = bytemuck::from_bytes(&message);
    assert_eq!((order.header.transaction_code.get(), order.book_type.get()), (2040, 3));
    assert_eq!((order.token_no.get(), order.trigger_price.get()), (35_001, 2_500_000));
    assert_eq!(order.last_modified.get(), VENUE.last_modified);
}

#[test]
fn each_impossible_combination_has_its_name_and_no_cancel_is_kept() {
    let plain = OrderAttributes::default();
    let new = command(CommandKind::New);
    let ioc = OrderCommand { time_in_force_code: TimeInForce::Ioc as u8, ..new };
    let sell = OrderCommand { side_code: 1, ..new };
    let replace = command(CommandKind::Replace);
    let (cm, fo) = (Segment::NseCm, Segment::NseFo);
    let cases = [
        (fo, new, OrderAttributes { book: Book::CallAuction1, ..plain }, EncodeError::Book),
        (cm, replace, OrderAttributes { book: Book::Auction, ..plain }, EncodeError::Book),
        (cm, new, OrderAttributes { disclosed: Qty(151), ..plain }, EncodeError::Disclosed),
        (cm, replace, OrderAttributes { disclosed: Qty(76), ..plain }, EncodeError::Disclosed),
        (cm, ioc, OrderAttributes { disclosed: Qty(10), ..plain }, EncodeError::Disclosed),
        (cm, new, OrderAttributes { trigger: Px::from_paise(5), ..plain }, EncodeError::Trigger),
        (cm, new, OrderAttributes { trigger: Px::ZERO, ..STOP }, EncodeError::Trigger),
        (fo, new, OrderAttributes { trigger: Px(1), ..STOP }, EncodeError::Trigger),
        (
            fo,
            new,
            OrderAttributes { trigger: Px::from_paise(2_500_006), ..STOP },
            EncodeError::Trigger,
        ),
        (
            cm,
            sell,
            OrderAttributes { trigger: Px::from_paise(2_500_004), ..STOP },
            EncodeError::Trigger,
        ),
        (
            cm,
            sell,
            OrderAttributes { trigger: Px::from_paise(1 << 31), ..STOP },
            EncodeError::Trigger,
        ),
    ];
    for (segment, command, attributes, error) in cases {
        assert_eq!(write(segment, &command, &attributes), Err(error), "{attributes:?}");
        if command.kind() == Some(CommandKind::Replace) {
            let cancel = OrderCommand { kind_code: CommandKind::Cancel as u8, ..command };
            assert!(write(segment, &cancel, &attributes).is_ok(), "{attributes:?}");
        }
    }
    assert!(write(cm, &new, &OrderAttributes { disclosed: Qty(150), ..plain }).is_ok());
    assert!(
        write(
            cm,
            &new,
            &OrderAttributes { is_market: true, trigger: Px::from_paise(9_000_000), ..STOP }
        )
        .is_ok()
    );
}
