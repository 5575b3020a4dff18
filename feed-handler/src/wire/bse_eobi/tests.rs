//! Golden vectors both ways, every field's refusal, every shorter prefix, mutations.
//!
//! The vectors are built from the offsets of EOBI 1.4, apart from the layouts they test.

use tezi_model::{
    Event, EventKind, MarketFlags, Nanos, OrderId, Px, Qty, Segment, Side, StreamId, Token,
    TradingStatus,
};

use super::*;
use crate::Line;
use crate::wire::little_endian::{LeI64, LeU32};

const T: i64 = 1_790_000_000_123_456_789;
const PX: i64 = 8_123_455_000_000;
const TOKEN: Token = Token(861_234);
const CONTEXT: PacketContext = PacketContext {
    stream: StreamId::new(Segment::BseFo, 3),
    line: Line::B,
    receive_time: Nanos(77),
    transact_time: Nanos(T),
};

const HEADER: &str = "2000ca32ffffffff0403020135040000030100000000000015cd4e2b845bd718";
const HEARTBEAT: &str = "1000c932ffffffff2900000000000000";
const ORDER_ADD: &str = "38002c332a0000000ccd4e2b845bd71832240d000000000010cd4e2b845bd718140000000000000001000000\
     00000000c04da66363070000";
const ORDER_MODIFY: &str = "50002d332b0000000ccd4e2b845bd71810cd4e2b845bd718c04da66363070000140000000000000032240d00\
     000000001acd4e2b845bd718280000000000000001000000000000000099f26363070000";
const ORDER_MODIFY_SAME: &str = "480032332c0000000ccd4e2b845bd71816cd4e2b845bd718280000000000000032240d000000000010cd4e2b\
     845bd7180f000000000000000200000000000000c04da66363070000";
const ORDER_DELETE: &str = "40002e332d0000000ccd4e2b845bd71817cd4e2b845bd71832240d000000000010cd4e2b845bd7180f000000\
     000000000200000000000000c04da66363070000";
const MASS_DELETE: &str = "18002f332e00000032240d000000000018cd4e2b845bd718";
const FULL_EXECUTION: &str = "400030332f0000000200000000000000c04da6636307000010cd4e2b845bd71832240d00000000004d000000\
     000000000f0000000000000080025a6363070000";
const PARTIAL_EXECUTION: &str = "400031332f0000000200000000000000c04da6636307000010cd4e2b845bd71832240d00000000004d000000\
     000000000f0000000000000080025a6363070000";
const TRADE_REVERSAL: &str = "580090333000000032240d000000000019cd4e2b845bd7184d000000000000000f00000000000000c04da663\
     6307000014cd4e2b845bd7180100000000000000c04da6636307000009000000000000000200000000000000";
const EXECUTION_SUMMARY: &str = "400092333100000032240d000000000012cd4e2b845bd71815cd4e2b845bd7180f0000000000000001ff0000\
     00000000c04da663630700000700000000000000";
const INSTRUMENT_INFO: &str = "300093333200000032240d0000000000c04da66363070000c14da66363070000c24da66363070000c34da663\
     63070000";
const LPP: &str = "200094333300000032240d0000000000c24da66363070000c34da66363070000";
const PRODUCT_STATE: &str = "1800f43334000000010302000000000015cd4e2b845bd718";
const INSTRUMENT_STATE: &str = "2000f5333500000032240d000000000001cb00000000000015cd4e2b845bd718";
const COMPLEX: &str = "4000583436000000000000000001000015cd4e2b845bd718070000000501020032240d000000000001000000\
     0100000033240d00000000000100000002000000";
const TOP_OF_BOOK: &str =
    "2800c0343700000015cd4e2b845bd71832240d0000000000c04da663630700000000000000000080";
const AUCTION_PRICE: &str =
    "2800bd343800000015cd4e2b845bd71832240d0000000000c04da663630700002c01000000000000";
const PRODUCT_SUMMARY: &str = "10002035390000002900000001030200";
const INSTRUMENT_SUMMARY: &str = "500021353a00000032240d000000000015cd4e2b845bd71814cd4e2b845bd7180100000001cb000139300000\
     000000006300000000000000c04da6636307000009000000000000000400000000000000";
const SNAPSHOT_ORDER: &str =
    "280022353b00000010cd4e2b845bd71814000000000000000100000000000000c04da66363070000";

/// Every message, in the order of their numbers on the channel.
const MESSAGES: [&str; 20] = [
    HEARTBEAT,
    ORDER_ADD,
    ORDER_MODIFY,
    ORDER_MODIFY_SAME,
    ORDER_DELETE,
    MASS_DELETE,
    FULL_EXECUTION,
    PARTIAL_EXECUTION,
    TRADE_REVERSAL,
    EXECUTION_SUMMARY,
    INSTRUMENT_INFO,
    LPP,
    PRODUCT_STATE,
    INSTRUMENT_STATE,
    COMPLEX,
    TOP_OF_BOOK,
    AUCTION_PRICE,
    PRODUCT_SUMMARY,
    INSTRUMENT_SUMMARY,
    SNAPSHOT_ORDER,
];

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn datagram(messages: &[&str]) -> Vec<u8> {
    let mut all = bytes(HEADER);
    messages.iter().for_each(|hex| all.extend(bytes(hex)));
    all
}

/// What one message of a datagram gives.
fn with<R>(hex: &str, read: impl FnOnce(&Message<'_>) -> R) -> R {
    let datagram = datagram(&[hex]);
    let packet = packet(&datagram).unwrap();
    let mut messages = packet.messages();
    let result = read(&messages.next().unwrap().unwrap().1);
    assert!(messages.next().is_none());
    result
}

fn event(hex: &str) -> Event {
    with(hex, |message| message.to_event(&CONTEXT).unwrap().unwrap())
}

/// What the bytes of one message, changed at `at`, give.
fn error(hex: &str, at: usize, change: &[u8]) -> DecodeError {
    let mut datagram = datagram(&[hex]);
    datagram[32 + at..][..change.len()].copy_from_slice(change);
    let message = packet(&datagram).and_then(|packet| packet.messages().next().unwrap());
    message.and_then(|(_, message)| message.to_event(&CONTEXT)).unwrap_err()
}

fn id(side: Side, price: i64, time: i64) -> OrderId {
    order_id(TOKEN, side, Px(price), Nanos(time))
}

#[test]
fn the_packet_header_is_read() {
    let datagram = datagram(&[]);
    let header = packet(&datagram).unwrap().header;
    assert_eq!((header.appl_seq_num.get(), header.market_segment_id.get()), (0x0102_0304, 1077));
    assert_eq!((header.partition_id, header.completion_indicator), (3, 1));
    assert_eq!((header.appl_seq_reset_indicator, header.transact_time.get()), (0, T));
}

#[test]
fn order_messages_become_events() {
    let plain = Event {
        kind_code: EventKind::OrderNew as u8,
        flags: MarketFlags::LINE_B,
        stream: CONTEXT.stream,
        token: TOKEN,
        exchange_time: Nanos(T),
        receive_time: Nanos(77),
        sequence: 42,
        quantity: Qty(20),
        price: Px(PX),
        order_id: id(Side::Buy, PX, T - 5),
        sell_order_id: OrderId(0),
    };
    assert_eq!(event(ORDER_ADD), plain);
    let replaced = Event {
        kind_code: EventKind::OrderReplace as u8,
        sequence: 43,
        quantity: Qty(40),
        price: Px(PX + 5_000_000),
        sell_order_id: id(Side::Buy, PX + 5_000_000, T + 5),
        ..plain
    };
    assert_eq!(event(ORDER_MODIFY), replaced);
    let modified = Event {
        kind_code: EventKind::OrderModify as u8,
        flags: MarketFlags::LINE_B | MarketFlags::SELL,
        exchange_time: Nanos(T + 1),
        sequence: 44,
        quantity: Qty(15),
        order_id: id(Side::Sell, PX, T - 5),
        ..plain
    };
    assert_eq!(event(ORDER_MODIFY_SAME), modified);
    let deleted = Event {
        kind_code: EventKind::OrderCancel as u8,
        exchange_time: Nanos(T + 2),
        sequence: 45,
        ..modified
    };
    assert_eq!(event(ORDER_DELETE), deleted);
    let executed = Event {
        kind_code: EventKind::OrderExecute as u8,
        exchange_time: Nanos(T),
        sequence: 47,
        price: Px(PX - 5_000_000),
        ..modified
    };
    assert_eq!(event(FULL_EXECUTION), executed);
    assert_eq!(event(PARTIAL_EXECUTION), executed);
    let reversed = Event {
        kind_code: EventKind::TradeCancel as u8,
        exchange_time: Nanos(T + 4),
        sequence: 48,
        quantity: Qty(15),
        order_id: OrderId(0),
        ..plain
    };
    assert_eq!(event(TRADE_REVERSAL), reversed);
    with(SNAPSHOT_ORDER, |message| {
        let Message::SnapshotOrder(order) = message else { panic!("a snapshot order") };
        let snapshot = Event {
            flags: MarketFlags::LINE_B | MarketFlags::SNAPSHOT,
            exchange_time: Nanos(T - 5),
            sequence: 900,
            ..plain
        };
        assert_eq!(order.to_event(&CONTEXT, TOKEN, 900), Ok(Some(snapshot)));
    });
}

#[test]
fn the_other_messages_are_read_field_by_field() {
    let all = datagram(&MESSAGES);
    let packet = packet(&all).unwrap();
    let mut seen = 0;
    for message in packet.messages() {
        seen += 1;
        match message.unwrap().1 {
            Message::Heartbeat(m) => assert_eq!(m.last_msg_seq_num_processed.get(), 41),
            Message::OrderMassDelete(m) => {
                assert_eq!((m.security_id.get(), m.transact_time.get()), (861_234, T + 3));
            }
            Message::Execution(m) => assert_eq!(m.trd_match_id.get(), 77),
            Message::TradeReversal(m, entries) => {
                assert_eq!((m.trd_match_id.get(), m.trd_reg_ts_execution_time.get()), (77, T - 1));
                let [entry] = entries else { panic!("one entry") };
                let fields = (entry.md_entry_px.get(), entry.md_entry_size.get());
                assert_eq!((fields, entry.md_entry_type), ((PX, 9), 2));
            }
            Message::ExecutionSummary(m) => {
                assert_eq!((m.aggressor_timestamp.get(), m.exec_id.get()), (T - 3, T));
                assert_eq!((m.last_qty.get(), m.last_px.get()), (15, PX));
                assert_eq!((m.aggressor_side, m.trade_condition), (1, 255));
                assert_eq!(m.resting_hidden_qty.get(), 7);
            }
            Message::InstrumentInfo(m) => {
                assert_eq!((m.close_price.get(), m.prev_close_price.get()), (PX, PX + 1));
                assert_eq!((m.upper_circuit.get(), m.lower_circuit.get()), (PX + 2, PX + 3));
            }
            Message::LppRange(m) => {
                assert_eq!((m.upper.get(), m.lower.get()), (PX + 2, PX + 3));
            }
            Message::ProductState(m) => {
                let fields = (m.trading_session_id, m.trading_session_sub_id, m.trad_ses_status);
                assert_eq!((fields, m.transact_time.get()), ((1, 3, 2), T));
            }
            Message::InstrumentState(m) => {
                assert_eq!((m.security_status, m.security_trading_status), (1, 203));
            }
            Message::AddComplexInstrument(m, legs) => {
                assert_eq!((m.security_id.get(), m.security_sub_type.get()), (1 << 40, 7));
                assert_eq!((m.product_complex, m.implied_market_indicator), (5, 1));
                let ids: Vec<_> = legs.iter().map(|leg| leg.leg_security_id.get()).collect();
                assert_eq!(ids, [861_234, 861_235]);
                assert_eq!((legs[1].leg_ratio_qty.get(), legs[1].leg_side), (1, 2));
            }
            Message::BestBidOffer(m) => {
                assert_eq!((m.bid_px.get(), m.offer_px.get()), (PX, PRICE_NULL));
            }
            Message::AuctionClearingPrice(m) => {
                assert_eq!((m.last_px.get(), m.last_qty.get()), (PX, 300));
            }
            Message::ProductSummary(m) => assert_eq!(m.last_msg_seq_num_processed.get(), 41),
            Message::InstrumentSummary(m, entries) => {
                assert_eq!((m.tot_no_orders.get(), m.trade_volume.get()), (1, 12_345));
                assert_eq!((m.no_of_trades.get(), entries.len()), (99, 1));
            }
            Message::Unknown(_) => panic!("every template is known"),
            _ => {}
        }
    }
    assert_eq!(seen, MESSAGES.len());
}

#[test]
fn the_encoder_writes_the_same_bytes() {
    let buy = Order {
        side: Side::Buy,
        price: Some(Px(PX)),
        priority_time: Nanos(T - 5),
        quantity: Qty(20),
    };
    let sell = Order { side: Side::Sell, quantity: Qty(15), ..buy };
    let moved = Order {
        price: Some(Px(PX + 5_000_000)),
        priority_time: Nanos(T + 5),
        quantity: Qty(40),
        ..buy
    };
    // The builder's time stands for each message's own, so those fields are set apart.
    let check = |hex: &str, build: &dyn Fn(&mut PacketBuilder), times: &[(usize, i64)]| {
        let mut builder = PacketBuilder::new(1077, 0x0102_0304, Nanos(T));
        build(&mut builder);
        let mut built = builder.bytes()[32..].to_vec();
        for &(at, time) in times {
            built[at..at + 8].copy_from_slice(&time.to_le_bytes());
        }
        assert_eq!(built, bytes(hex));
    };
    check(HEARTBEAT, &|b| _ = b.heartbeat(41), &[]);
    check(ORDER_ADD, &|b| _ = b.order_add(42, TOKEN, &buy), &[(8, T - 9)]);
    check(ORDER_MODIFY, &|b| _ = b.order_modify(43, TOKEN, &buy, &moved), &[(8, T - 9)]);
    let same = |b: &mut PacketBuilder| _ = b.order_modify_same_priority(44, TOKEN, Qty(40), &sell);
    check(ORDER_MODIFY_SAME, &same, &[(8, T - 9), (16, T + 1)]);
    let delete = |b: &mut PacketBuilder| _ = b.order_delete(45, TOKEN, &sell);
    check(ORDER_DELETE, &delete, &[(8, T - 9), (16, T + 2)]);
    check(MASS_DELETE, &|b| _ = b.order_mass_delete(46, TOKEN), &[(16, T + 3)]);
    // The match number is the encoder's own choice: the message's number.
    let last = Px(PX - 5_000_000);
    let full = |b: &mut PacketBuilder| _ = b.execution(47, TOKEN, &sell, Qty(15), last);
    check(&FULL_EXECUTION.replace("4d00000000", "2f00000000"), &full, &[]);
    check(SNAPSHOT_ORDER, &|b| _ = b.snapshot_order(59, &buy), &[]);
    check(PRODUCT_SUMMARY, &|b| _ = b.product_summary(57, 41), &[]);
    let mut header = PacketBuilder::new(1077, 0x0102_0304, Nanos(T));
    header.complete();
    let mut expected = bytes(HEADER);
    expected[16] = 0; // the partition
    assert_eq!(header.bytes(), expected);
    assert_eq!(header.reset().bytes()[18], 1);
}

#[test]
fn an_order_id_is_a_function_of_the_key() {
    let base = id(Side::Buy, PX, T);
    assert_eq!(base, id(Side::Buy, PX, T));
    // Equal times: thousands of prices, both sides and neighbouring instruments stay apart.
    let mut ids: Vec<u64> = Vec::new();
    for token in 0..8 {
        for side in Side::BOTH {
            for tick in 0..4096 {
                let price = Px(PX + tick * 5 * Px::PAISA);
                ids.push(order_id(Token(TOKEN.0 + token), side, price, Nanos(T)).0);
            }
        }
    }
    // Equal prices: consecutive times.
    ids.extend((1..65_536).map(|step| id(Side::Buy, PX, T + step).0));
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
    assert!(ids.iter().all(|&id| id != 0));
}

#[test]
fn states_and_mass_deletes_are_events() {
    let row = |hex: &str, changes: &[(usize, u8)]| {
        let mut datagram = datagram(&[hex]);
        for &(at, value) in changes {
            datagram[32 + at] = value;
        }
        let packet = packet(&datagram).unwrap();
        let message = packet.messages().next().unwrap().unwrap().1;
        let event = message.to_event(&CONTEXT).unwrap()?;
        assert_eq!((event.stream, event.flags), (CONTEXT.stream, MarketFlags::LINE_B));
        let status = TradingStatus::from_code(event.quantity.0).unwrap();
        Some((event.kind().unwrap(), event.token, event.exchange_time.0 - T, status))
    };
    use TradingStatus::{Auction, Closed, Halted, Open, PreOpen, Unknown};
    assert_eq!(row(MASS_DELETE, &[]), Some((EventKind::BookClear, TOKEN, 3, Unknown)));
    let product = |session, status| {
        row(PRODUCT_STATE, &[(9, session), (10, status)]).map(|(kind, token, _, status)| {
            assert_eq!((kind, token), (EventKind::TradingStatus, Token(0)));
            status
        })
    };
    assert_eq!(product(3, 1), Some(Halted));
    assert_eq!(product(3, 3), Some(Closed));
    let by_session = [1, 3, 4, 5, 6, 7].map(|session| product(session, 2).unwrap());
    assert_eq!(by_session, [PreOpen, Open, Auction, Closed, Closed, PreOpen]);
    assert_eq!((product(2, 2), product(3, 0)), (None, None));
    let instrument = |state, trading| {
        row(INSTRUMENT_STATE, &[(16, state), (17, trading)]).map(|(kind, token, _, status)| {
            assert_eq!((kind, token), (EventKind::TradingStatus, TOKEN));
            status
        })
    };
    let by_state = [200, 201, 202, 203, 204, 206, 208, 211].map(|state| instrument(1, state));
    let expected = [Closed, PreOpen, PreOpen, Open, Auction, Auction, Auction, Auction];
    assert_eq!(by_state, expected.map(Some));
    let stopped = [2, 4, 9].map(|state| instrument(state, 203).unwrap());
    assert_eq!(stopped, [Closed, Closed, Halted]);
    assert_eq!((instrument(1, 212), instrument(0, 203)), (None, None));
}

#[test]
fn market_orders_are_in_no_book() {
    let null = PRICE_NULL.to_le_bytes();
    let changed = |hex: &str, ats: &[usize]| {
        let mut datagram = datagram(&[hex]);
        for at in ats {
            datagram[32 + at..][..8].copy_from_slice(&null);
        }
        let packet = packet(&datagram).unwrap();
        let message = packet.messages().next().unwrap().unwrap().1;
        message.to_event(&CONTEXT).unwrap()
    };
    assert_eq!(changed(ORDER_ADD, &[48]), None);
    assert_eq!(changed(ORDER_DELETE, &[56]), None);
    assert_eq!(changed(ORDER_MODIFY_SAME, &[64]), None);
    assert_eq!(changed(ORDER_MODIFY, &[24, 72]), None);
    let limit = changed(ORDER_MODIFY, &[24]).unwrap();
    assert_eq!(limit.kind(), Some(EventKind::OrderNew));
    assert_eq!(limit.order_id, id(Side::Buy, PX + 5_000_000, T + 5));
    let market = changed(ORDER_MODIFY, &[72]).unwrap();
    assert_eq!(market.kind(), Some(EventKind::OrderCancel));
    assert_eq!(market.order_id, id(Side::Buy, PX, T - 5));
    let trade = changed(FULL_EXECUTION, &[16]).unwrap();
    assert_eq!((trade.kind(), trade.order_id), (Some(EventKind::Trade), OrderId(0)));
    assert_eq!((trade.flags, trade.quantity), (MarketFlags::LINE_B, Qty(15)));
    // A modification that keeps the key is one in place.
    let mut datagram = datagram(&[ORDER_MODIFY]);
    datagram.copy_within(32 + 16..32 + 24, 32 + 48);
    datagram.copy_within(32 + 24..32 + 32, 32 + 72);
    let packet = packet(&datagram).unwrap();
    let event = packet.messages().next().unwrap().unwrap().1.to_event(&CONTEXT).unwrap().unwrap();
    assert_eq!((event.kind(), event.sell_order_id), (Some(EventKind::OrderModify), OrderId(0)));
}

#[test]
fn each_field_out_of_range_has_its_name() {
    use DecodeError::*;
    let negative = (-1_i64).to_le_bytes();
    let zero = 0_i64.to_le_bytes();
    let large = (1_i64 << 32).to_le_bytes();
    let null = PRICE_NULL.to_le_bytes();
    for (hex, time, token, side, quantity) in [
        (ORDER_ADD, 24, 16, 40, 32),
        (ORDER_MODIFY, 16, 40, 64, 56),
        (ORDER_MODIFY, 48, 40, 64, 56),
        (ORDER_MODIFY_SAME, 16, 32, 56, 48),
        (ORDER_MODIFY_SAME, 40, 32, 56, 48),
        (FULL_EXECUTION, 24, 32, 8, 48),
        (TRADE_REVERSAL, 16, 8, 0, 32),
    ] {
        assert_eq!(error(hex, time, &negative), TimeOutOfRange);
        for token_change in [negative, zero, large] {
            assert_eq!(error(hex, token, &token_change), TokenOutOfRange);
        }
        if side != 0 {
            assert_eq!([0, 3, 255].map(|one| error(hex, side, &[one])), [UnknownSide; 3]);
        }
        assert_eq!(error(hex, quantity, &negative), QuantityNegative);
        assert_eq!(error(hex, quantity, &null), QuantityNegative);
        assert_eq!(error(hex, quantity, &zero), QuantityZero);
        assert_eq!(error(hex, quantity, &large), QuantityOutOfRange);
    }
    assert_eq!(error(ORDER_DELETE, 16, &negative), TimeOutOfRange);
    assert_eq!(error(ORDER_DELETE, 32, &negative), TimeOutOfRange);
    assert_eq!(error(ORDER_DELETE, 24, &zero), TokenOutOfRange);
    assert_eq!(error(ORDER_DELETE, 48, &[9]), UnknownSide);
    assert_eq!(error(FULL_EXECUTION, 56, &null), PriceNull);
    assert_eq!(error(TRADE_REVERSAL, 40, &null), PriceNull);
    // Framing.
    assert_eq!(error(ORDER_ADD, 0, &[7, 0]), ImpossibleLength);
    assert_eq!(error(ORDER_ADD, 0, &[57, 0]), ImpossibleLength);
    assert_eq!(error(ORDER_ADD, 0, &[64, 0]), TruncatedMessage);
    assert_eq!(error(ORDER_ADD, 0, &[48, 0]), WrongLength);
    assert_eq!(error(TRADE_REVERSAL, 56, &[2]), GroupMismatch);
    assert_eq!(error(TRADE_REVERSAL, 0, &[56, 0]), WrongLength);
    assert_eq!(error(INSTRUMENT_SUMMARY, 39, &[0]), GroupMismatch);
    assert_eq!(error(COMPLEX, 30, &[1]), GroupMismatch);
    let mut header = bytes(HEADER);
    header[0] = 40;
    assert_eq!(packet(&header).unwrap_err(), WrongHeaderLength);
    header[2] = 0;
    assert_eq!(packet(&header).unwrap_err(), ForeignProtocol);
    assert_eq!(packet(&header[..31]).unwrap_err(), ForeignProtocol);
}

#[test]
fn every_shorter_prefix_is_refused_by_name() {
    for hex in MESSAGES {
        let whole = datagram(&[hex]);
        for length in 0..whole.len() {
            let expected = match length {
                0..32 | 33..40 => Err(DecodeError::TruncatedHeader),
                32 => Ok(0),
                _ => Err(DecodeError::TruncatedMessage),
            };
            let read = packet(&whole[..length])
                .and_then(|packet| packet.messages().try_fold(0, |n, one| one.map(|_| n + 1)));
            assert_eq!(read, expected, "{length} of {hex}");
        }
    }
}

#[test]
fn a_bad_body_is_skipped_and_an_unknown_template_is_no_error() {
    let mut all = datagram(&[ORDER_ADD, TRADE_REVERSAL, ORDER_DELETE]);
    all[32 + 2] = 0x2b; // template 13099
    all[32 + 56 + 56] = 9; // the group's count
    let packet = packet(&all).unwrap();
    let read: Vec<_> = packet.messages().map(|one| one.map(|(_, message)| message)).collect();
    assert!(matches!(read[0], Ok(Message::Unknown(header)) if header.msg_seq_num.get() == 42));
    assert!(matches!(read[1], Err(DecodeError::GroupMismatch)));
    assert!(matches!(read[2], Ok(Message::OrderDelete(_))));
    assert_eq!(read.len(), 3);
}

#[test]
fn mutations_never_panic() {
    let mut state = 11_u64;
    let mut random = move |bound: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let clean = datagram(&MESSAGES[..17]);
    let mut sequencer = Sequencer::new(SequencerConfig {
        products_max: 4,
        kept_max: 8,
        window_datagrams: 8,
        ..SequencerConfig::new(Segment::BseCm)
    })
    .unwrap();
    let snapshot = datagram(&MESSAGES[17..]);
    for round in 0..100_000_u32 {
        let channel = if random(4) == 0 { Channel::Snapshot } else { Channel::Incremental };
        let mut bytes = if channel == Channel::Snapshot { snapshot.clone() } else { clean.clone() };
        bytes[8..12].copy_from_slice(bytemuck::bytes_of(&LeU32::new(round / 3)));
        bytes[24..32].copy_from_slice(bytemuck::bytes_of(&LeI64::new(T + i64::from(round))));
        for _ in 0..random(6) {
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
        }
        bytes.truncate(if random(8) == 0 { random(bytes.len() + 1) } else { bytes.len() });
        if let Ok(packet) = packet(&bytes) {
            for (_, message) in packet.messages().flatten() {
                if let Ok(Some(event)) = message.to_event(&CONTEXT) {
                    let is_status = event.kind() == Some(EventKind::TradingStatus);
                    assert!(event.kind().is_some() && (is_status || event.token.0 != 0));
                }
            }
        }
        let line = Line::BOTH[random(2)];
        let now = Nanos(T + i64::from(round) * 1_000_000);
        sequencer.on_packet(channel, line, &bytes, now, &mut |event: &Event| {
            assert_eq!(event.stream.segment(), Some(Segment::BseCm));
        });
        if round % 64 == 0 {
            assert!(sequencer.is_consistent());
        }
    }
    sequencer.finish(Nanos::MAX, &mut |_: &Event| {});
    assert!(sequencer.is_consistent() && sequencer.next_timeout().is_none());
}
