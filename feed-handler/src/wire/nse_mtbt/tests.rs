//! Golden vectors both ways, every field's refusal, every shorter prefix.

use tezi_model::{
    Event, EventKind, MarketFlags, Nanos, OrderId, Px, Qty, Segment, Side, StreamId, Token,
};

use super::*;
use crate::Line;
use crate::wire::little_endian::{LeF64, LeI16, LeI32, LeI64, LeU32};

const CONTEXT: PacketContext =
    PacketContext { segment: Segment::NseFo, line: Line::A, receive_time: Nanos(77) };

/// Three frames of 20 May 2016 (times in milliseconds), then vectors built from MTBT 6.7.
const REAL_NEW: &str =
    "26000200df5797004e078e4e560b010000902e33ab8d430f43fdbb000042282c0100bc020000";
const REAL_TRADE: &str = "2d000200f25a9700547b8e4e560b01000030cc31ab8d430f43183133ab8d430f43\
                          71bb0000e7270000581b0000";
const REAL_SPREAD: &str =
    "260002005b58970048258e4e560b010000102332ab8d430f43b1bb00005338ffffffb0040000";
const NEW: &str = "26000200010000004ee8cbd28dd34b76140400ec16930d1143b9880000428d41220041000000";
const TRADE: &str = "2d000200020000005470dfd28dd34b76140400ec16930d11430000ec16930d1143\
                     b98800008841220041000000";
const HEARTBEAT: &str = "0d000200000000005a02000000";
const RECOVERY_REQUEST: &str = "5202000500000009000000";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// The event of one message that fills `bytes`.
fn event(bytes: &[u8]) -> Result<Event, DecodeError> {
    let (message, length) = decode(bytes)?;
    assert_eq!(length, bytes.len());
    message.to_event(&CONTEXT).map(|event| event.expect("an event"))
}

/// The fields of a message as a row: kind, flags, stream, sequence, time in India, ids, token,
/// price in paise, quantity.
fn row(hex: &str) -> String {
    let event = event(&bytes(hex)).unwrap();
    assert_eq!(event.receive_time, CONTEXT.receive_time);
    format!(
        "{} {} {} {} | {} | {} {} {} {} {}",
        event.kind().unwrap().name(),
        event.flags,
        event.stream,
        event.sequence,
        event.exchange_time,
        event.order_id,
        event.sell_order_id,
        event.token,
        event.price.to_paise().unwrap(),
        event.quantity
    )
}

#[test]
fn golden_vectors_decode() {
    let rows = [REAL_NEW, REAL_TRADE, REAL_SPREAD, NEW, TRADE].map(row);
    assert_eq!(
        rows,
        [
            "order_new 0 fo/2 9918431 | 2016-05-20 09:37:36.775000000 | \
             1100000002467282 0 48125 76840 700",
            "trade 0 fo/2 9919218 | 2016-05-20 09:37:36.891000000 | \
             1100000002455942 1100000002467363 47985 10215 7000",
            "spread_order_modify 1 fo/2 9918555 | 2016-05-20 09:37:36.805000000 | \
             1100000002458722 0 48049 -200 1200",
            "order_new 0 fo/2 1 | 2026-09-21 09:15:00.000001000 | \
             1200000000000001 0 35001 2245005 65",
            "trade 0 fo/2 2 | 2026-09-21 09:15:00.000006000 | \
             1200000000000001 1200000000000000 35001 2245000 65",
        ]
    );
    let heartbeat = bytes(HEARTBEAT);
    let Ok((Message::Heartbeat(message), 13)) = decode(&heartbeat) else { panic!("a heartbeat") };
    assert_eq!((message.header.stream_id.get(), message.last_seq_no.get()), (2, 2));
    let request: RecoveryRequest = bytemuck::pod_read_unaligned(&bytes(RECOVERY_REQUEST));
    assert_eq!((request.message_type, request.stream_id.get()), (b'R', 2));
    assert_eq!((request.first_seq_no.get(), request.last_seq_no.get()), (5, 9));
}

#[test]
fn golden_vectors_encode() {
    // The encoder writes nanoseconds; these times give the millisecond counts of 2016.
    let wire = |count: i64| Nanos(count + (315_532_800 - 19_800) * 1_000_000_000);
    let new = Order {
        message_type: message_type::ORDER_NEW,
        time: wire(1_148_204_256_775),
        order_id: OrderId(1_100_000_002_467_282),
        token: 48_125,
        side: Side::Buy,
        price: 76_840,
        quantity: 700,
    };
    let raw_time = |hex: &str| i64::from_le_bytes(bytes(hex)[9..17].try_into().unwrap());
    assert_eq!(encode_order(2, 9_918_431, &new).as_slice(), bytes(REAL_NEW));
    let spread = Order {
        message_type: message_type::SPREAD_ORDER_MODIFY,
        time: wire(raw_time(REAL_SPREAD)),
        order_id: OrderId(1_100_000_002_458_722),
        token: 48_049,
        side: Side::Sell,
        price: -200,
        quantity: 1_200,
    };
    assert_eq!(encode_order(2, 9_918_555, &spread).as_slice(), bytes(REAL_SPREAD));
    let trade = Trade {
        message_type: message_type::TRADE,
        time: wire(raw_time(REAL_TRADE)),
        buy_order_id: OrderId(1_100_000_002_455_942),
        sell_order_id: OrderId(1_100_000_002_467_363),
        token: 47_985,
        price: 10_215,
        quantity: 7_000,
    };
    assert_eq!(encode_trade(2, 9_919_218, &trade).as_slice(), bytes(REAL_TRADE));
    let open = Nanos::from_ist(2026, 9, 21, 9, 15, 0);
    let new = Order {
        time: open.plus(1_000),
        order_id: OrderId(1_200_000_000_000_001),
        token: 35_001,
        price: 2_245_005,
        quantity: 65,
        ..new
    };
    assert_eq!(encode_order(2, 1, &new).as_slice(), bytes(NEW));
    let trade = Trade {
        time: open.plus(6_000),
        buy_order_id: OrderId(1_200_000_000_000_001),
        sell_order_id: OrderId(1_200_000_000_000_000),
        token: 35_001,
        price: 2_245_000,
        quantity: 65,
        ..trade
    };
    assert_eq!(encode_trade(2, 2, &trade).as_slice(), bytes(TRADE));
    assert_eq!(encode_heartbeat(2, 2).as_slice(), bytes(HEARTBEAT));
    assert_eq!(encode_recovery_request(2, 5, 9).as_slice(), bytes(RECOVERY_REQUEST));
}

#[test]
fn tcp_messages_round_trip() {
    assert_eq!(encode_snapshot_request(3).as_slice(), bytes("4f03000000000000000000"));
    assert_eq!(encode_recovery_reply(3, true).as_slice(), bytes("0a000300000000005953"));
    assert_eq!(encode_snapshot_reply(3, false).as_slice(), bytes("0a000300000000004245"));
    let refused = encode_snapshot_reply(3, false);
    let Ok((Message::Reply(reply), 10)) = decode(&refused) else { panic!("a reply") };
    assert_eq!(reply.is_granted(), Ok(false));
    let unknown = ReplyMessage { status: b'?', ..*reply };
    assert_eq!(unknown.is_granted(), Err(DecodeError::UnknownReplyStatus));
    assert_eq!(decode(&refused).unwrap().0.to_event(&CONTEXT), Err(DecodeError::UnexpectedReply));

    let header: SnapshotHeader = bytemuck::cast(encode_snapshot_header(3, 900, 2));
    assert_eq!(header.total_size.get(), 76);
    assert_eq!(header.checked_order_count(), Ok(2));
    let refusals = [
        SnapshotHeader { transaction_code: LeI16::new(1), ..header }.checked_order_count(),
        SnapshotHeader { stream_id: LeI16::new(-1), ..header }.checked_order_count(),
        SnapshotHeader { order_count: LeI32::new(3), ..header }.checked_order_count(),
        SnapshotHeader { order_count: LeI32::new(-2), ..header }.checked_order_count(),
        SnapshotHeader { total_size: LeI32::new(-16), ..header }.checked_order_count(),
    ];
    use DecodeError::{SnapshotSizeMismatch, StreamOutOfRange, UnknownTransactionCode};
    assert_eq!(
        refusals.map(Result::unwrap_err),
        [
            UnknownTransactionCode,
            StreamOutOfRange,
            SnapshotSizeMismatch,
            SnapshotSizeMismatch,
            SnapshotSizeMismatch
        ]
    );
}

#[test]
fn a_snapshot_order_is_a_new_order() {
    let stream = StreamId::new(Segment::NseFo, 3);
    let order = Order {
        message_type: message_type::SPREAD_ORDER_NEW,
        time: Nanos::from_ist(2026, 9, 21, 9, 15, 0),
        order_id: OrderId(42),
        token: 7,
        side: Side::Sell,
        price: -5,
        quantity: 65,
    };
    let record: SnapshotOrder = bytemuck::cast(encode_snapshot_order(&order));
    let event = record.to_event(stream, Segment::NseFo, 900, Nanos(5)).unwrap();
    let expected = Event {
        kind_code: EventKind::SpreadOrderNew as u8,
        flags: MarketFlags::SELL,
        stream,
        token: Token(7),
        exchange_time: order.time,
        receive_time: Nanos(5),
        sequence: 900,
        quantity: Qty(65),
        price: Px::from_paise(-5),
        order_id: OrderId(42),
        sell_order_id: OrderId(0),
    };
    assert_eq!(event, expected);
    let modify = SnapshotOrder { message_type: b'M', ..record };
    let refused = modify.to_event(stream, Segment::NseFo, 900, Nanos(5));
    assert_eq!(refused, Err(DecodeError::UnknownType));
}

fn order() -> OrderMessage {
    bytemuck::pod_read_unaligned(&bytes(NEW))
}

fn trade() -> TradeMessage {
    bytemuck::pod_read_unaligned(&bytes(TRADE))
}

#[test]
fn every_order_field_out_of_range_is_refused_by_name() {
    use DecodeError::*;
    let id = |id: f64| OrderMessage { order_id: LeF64::new(id), ..order() };
    let price = |price| OrderMessage { price: LeI32::new(price), ..order() };
    let quantity = |quantity| OrderMessage { quantity: LeI32::new(quantity), ..order() };
    let header = |stream, seq_no| {
        let (stream_id, seq_no) = (LeI16::new(stream), LeU32::new(seq_no));
        let header = StreamHeader { stream_id, seq_no, ..order().header };
        OrderMessage { header, ..order() }
    };
    let cases = [
        (header(-1, 1), StreamOutOfRange),
        (header(256, 1), StreamOutOfRange),
        (header(2, 0), SequenceZero),
        (OrderMessage { timestamp: LeI64::new(-1), ..order() }, TimeNegative),
        (id(f64::NAN), OrderIdNotInteger),
        (id(f64::INFINITY), OrderIdNotInteger),
        (id(f64::NEG_INFINITY), OrderIdNotInteger),
        (id(1.5), OrderIdNotInteger),
        (id(5e-324), OrderIdNotInteger),
        (id(-1.0), OrderIdOutOfRange),
        (id(9_007_199_254_740_994.0), OrderIdOutOfRange),
        (id(f64::MAX), OrderIdOutOfRange),
        (id(0.0), OrderIdZero),
        (id(-0.0), OrderIdZero),
        (OrderMessage { token: LeI32::new(0), ..order() }, TokenNotPositive),
        (OrderMessage { token: LeI32::new(i32::MIN), ..order() }, TokenNotPositive),
        (OrderMessage { order_type: b'b', ..order() }, UnknownSide),
        (price(0), PriceNotPositive),
        (price(-5), PriceNotPositive),
        (quantity(-1), QuantityNegative),
        (quantity(0), QuantityZero),
    ];
    for (message, error) in cases {
        assert_eq!(event(bytemuck::bytes_of(&message)), Err(error), "{message:?}");
    }
    assert_eq!(
        event(bytemuck::bytes_of(&id(9_007_199_254_740_992.0))).unwrap().order_id.0,
        1 << 53
    );
}

#[test]
fn what_cancels_and_spreads_may_carry() {
    let with = |message_type, price, quantity| {
        let (price, quantity) = (LeI32::new(price), LeI32::new(quantity));
        let message = OrderMessage { message_type, price, quantity, ..order() };
        event(bytemuck::bytes_of(&message))
            .map(|event| (event.price.to_paise().unwrap(), event.quantity.0))
    };
    for cancel in [b'X', b'J'] {
        assert_eq!(with(cancel, 0, 0), Ok((0, 0)));
        assert_eq!(with(cancel, -7, -7), Ok((-7, 0)));
    }
    for spread in [b'G', b'H'] {
        assert_eq!(with(spread, -7, 5), Ok((-7, 5)));
        assert_eq!(with(spread, 0, 5), Ok((0, 5)));
        assert_eq!(with(spread, 1, 0), Err(DecodeError::QuantityZero));
        assert_eq!(with(spread, 1, -1), Err(DecodeError::QuantityNegative));
    }
    assert_eq!(with(b'M', 0, 5), Err(DecodeError::PriceNotPositive));
}

#[test]
fn every_trade_field_out_of_range_is_refused_by_name() {
    use DecodeError::*;
    let ids = |message_type, buy: f64, sell: f64| TradeMessage {
        message_type,
        buy_order_id: LeF64::new(buy),
        sell_order_id: LeF64::new(sell),
        ..trade()
    };
    let cases = [
        (ids(b'T', 0.0, 0.0), TradeWithoutOrders),
        (ids(b'C', 0.0, 0.0), TradeWithoutOrders),
        (ids(b'T', 0.5, 1.0), OrderIdNotInteger),
        (ids(b'K', 1.0, -2.0), OrderIdOutOfRange),
        (TradeMessage { timestamp: LeI64::new(i64::MIN), ..trade() }, TimeNegative),
        (TradeMessage { token: LeI32::new(-1), ..trade() }, TokenNotPositive),
        (TradeMessage { trade_price: LeI32::new(0), ..trade() }, PriceNotPositive),
        (
            TradeMessage { message_type: b'K', trade_price: LeI32::new(-1), ..trade() },
            PriceNotPositive,
        ),
        (TradeMessage { trade_quantity: LeI32::new(0), ..trade() }, QuantityZero),
        (TradeMessage { trade_quantity: LeI32::new(-1), ..trade() }, QuantityNegative),
    ];
    for (message, error) in cases {
        assert_eq!(event(bytemuck::bytes_of(&message)), Err(error), "{message:?}");
    }
    let kinds = [ids(b'T', 0.0, 1.0), ids(b'K', 0.0, 0.0), ids(b'C', 1.0, 0.0)]
        .map(|message| event(bytemuck::bytes_of(&message)).unwrap().kind().unwrap());
    assert_eq!(kinds, [EventKind::Trade, EventKind::SpreadTrade, EventKind::TradeCancel]);
}

#[test]
fn framing_is_refused_by_name() {
    use DecodeError::*;
    let error = |bytes: &[u8]| decode(bytes).map(|(_, length)| length).unwrap_err();
    for hex in [REAL_NEW, TRADE, HEARTBEAT, "0a000300000000005953"] {
        let whole = bytes(hex);
        for length in 0..whole.len() {
            let expected = if length < 9 { TruncatedHeader } else { TruncatedMessage };
            assert_eq!(error(&whole[..length]), expected, "{hex} cut to {length}");
        }
        for length in i16::MIN..=i16::MAX {
            let mut other = whole.clone();
            other[..2].copy_from_slice(&length.to_le_bytes());
            let expected = if length < 9 { ImpossibleLength } else { WrongLength };
            if length as usize != whole.len() {
                assert_eq!(error(&other), expected, "{hex} with length {length}");
            }
        }
    }
    let mut unknown = bytes(NEW);
    unknown[8] = b'?';
    assert_eq!(error(&unknown), UnknownType);
    assert_eq!(error(b"HTTP/1.1 200 OK"), ForeignProtocol);
    assert_eq!(error(b"\x00\x00\x00\x00\x00\x00\x00\x00\x00"), ForeignProtocol);
}

#[test]
fn old_masters_are_told_by_length() {
    let mut contract = [0; 41];
    contract[0] = 41;
    contract[8] = b'C';
    assert!(matches!(decode(&contract), Ok((Message::OldContract(_), 41))));
    let mut start = [0; 13];
    start[0] = 13;
    for kind in *b"BE" {
        start[8] = kind;
        let (message, _) = decode(&start).unwrap();
        assert!(matches!(message, Message::OldCount(_)));
        assert_eq!(message.to_event(&CONTEXT), Ok(None));
    }
}

#[test]
fn a_datagram_keeps_the_good_messages_around_a_bad_one() {
    let kinds = |datagram: &[u8]| {
        let kind = |message: Result<Message<'_>, _>| match message {
            Ok(message) => Ok(message.header().msg_len.get()),
            Err(error) => Err(error),
        };
        messages(datagram).map(kind).collect::<Vec<_>>()
    };
    let (new, trade) = (bytes(NEW), bytes(TRADE));
    let mut unknown = new.clone();
    unknown[8] = b'?';
    let mut long = [new.clone(), vec![0; 2]].concat();
    long[0] = 40;
    let all = [new.clone(), unknown, trade.clone(), long, bytes(HEARTBEAT)].concat();
    use DecodeError::*;
    assert_eq!(kinds(&all), [Ok(38), Err(UnknownType), Ok(45), Err(WrongLength), Ok(13)]);
    assert_eq!(
        kinds(&[new.clone(), trade[..44].to_vec()].concat()),
        [Ok(38), Err(TruncatedMessage)]
    );
    assert_eq!(kinds(&[new, vec![0; 3]].concat()), [Ok(38), Err(TruncatedHeader)]);
    assert_eq!(kinds(&[]), [Err(TruncatedHeader)]);
}

#[test]
fn currency_prices_are_ten_millionths_of_a_rupee() {
    let context = PacketContext { segment: Segment::NseCd, line: Line::B, ..CONTEXT };
    let event = order().to_event(&context).unwrap();
    assert_eq!(event.price, Px(2_245_005 * 10));
    assert_eq!(event.stream, StreamId::new(Segment::NseCd, 2));
    assert_eq!(event.flags, MarketFlags::LINE_B);
}
