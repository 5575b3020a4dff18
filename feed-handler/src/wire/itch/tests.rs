//! Golden vectors from the layouts, every field's refusal, every shorter prefix, mutations.

use tezi_model::{
    Event, EventKind, MarketFlags, Nanos, OrderId, Px, Qty, Segment, Side, StreamId, Token,
    TradingStatus,
};

use super::field::text;
use super::*;
use crate::wire::big_endian::BeU32;
use tezi_testing::Random;

/// Each type once. Locate 13, tracking 2, 09:30:00.000001025, then the fields in order.
const HEADER: &str = "000d00021f1aced9f401";
const STOCK: &str = "5a565a5a54202020"; // ZVZZT
const ORDER: &str = "0000000000001f7a";

fn vectors() -> Vec<(char, String)> {
    let with_stock = |body: &str| format!("{HEADER}{STOCK}{body}");
    let with_order = |body: &str| format!("{HEADER}{ORDER}{body}");
    let market = with_order(&format!("42000000c8{STOCK}00018894"));
    vec![
        ('A', market.clone()),
        ('F', with_order(&format!("53000000c8{STOCK}000188944e534451"))),
        ('E', with_order("000000640000000000000007")),
        ('C', with_order("00000064000000000000000759000188f8")),
        ('X', with_order("0000001e")),
        ('D', with_order("")),
        ('U', with_order("0000000000001f7b0000012c00018830")),
        ('P', format!("{HEADER}000000000000000042000001f4{STOCK}000188c60000000000000008")),
        ('Q', format!("{HEADER}00000000000f4240{STOCK}000186a000000000000000094f")),
        ('B', format!("{HEADER}0000000000000007")),
        ('S', format!("{HEADER}51")),
        ('R', with_stock("514e000000644e435a20504e4e314e000000014e")),
        ('H', with_stock("4820544f4e45")),
        ('Y', with_stock("31")),
        ('L', format!("{HEADER}4e534451{STOCK}594e41")),
        ('V', format!("{HEADER}000000746a52880000000068c61714000000005d21dba000")),
        ('W', format!("{HEADER}31")),
        ('K', with_stock("00008ca0410002bf20")),
        ('J', with_stock("000186a000019a280001731800000001")),
        ('h', with_stock("5148")),
        (
            'I',
            format!(
                "{HEADER}00000000000003e800000000000000c842{STOCK}000186a10001869f000186a04f4c"
            ),
        ),
        ('N', with_stock("41")),
        ('O', with_stock("59000186a000030d4000018a8800001f1aced9f4010001731800019a28")),
    ]
}

fn bytes(message_type: char, hex: &str) -> Vec<u8> {
    let digits = (0..hex.len()).step_by(2);
    let body = digits.map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
    core::iter::once(message_type as u8).chain(body).collect()
}

fn message(message_type: char) -> Vec<u8> {
    let hex = vectors().into_iter().find(|vector| vector.0 == message_type).unwrap().1;
    bytes(message_type, &hex)
}

fn context() -> MessageContext {
    MessageContext {
        stream: StreamId::new(Segment::NasdaqUs, 1),
        midnight: SessionDate::new(2019, 12, 30).unwrap().midnight(),
        receive_time: Nanos(77),
        flags: MarketFlags::LINE_B,
        sequence: 5,
    }
}

/// The event of a message, by both ways there are, which agree.
fn event(message: &[u8]) -> Result<Option<Event>, DecodeError> {
    let two_steps = decode(message).and_then(|message| message.to_event(&context()));
    assert_eq!(decode_event(message, &context()), two_steps);
    two_steps
}

fn row(message_type: char) -> String {
    let Some(event) = event(&message(message_type)).unwrap() else { return "none".into() };
    assert_eq!(event.exchange_time, context().midnight.plus(34_200_000_001_025));
    assert_eq!((event.receive_time, event.stream), (Nanos(77), context().stream));
    assert_eq!((event.token, event.sequence), (Token(13), 5));
    assert_eq!(event.flags & !MarketFlags::SELL, MarketFlags::LINE_B);
    format!(
        "{} {} {} {} {} {}",
        event.kind().unwrap().name(),
        event.side().letter(),
        event.order_id,
        event.sell_order_id,
        event.price,
        event.quantity
    )
}

#[test]
fn milestones_and_trading_actions_are_statuses() {
    use TradingStatus::{Auction, Closed, Halted, Open, PreOpen};
    let status = |message_type: char, at: usize, code: u8| {
        let mut message = message(message_type);
        message[at] = code;
        let event = event(&message).unwrap()?;
        assert_eq!(event.kind(), Some(EventKind::TradingStatus));
        assert_eq!((event.sequence, event.receive_time), (5, Nanos(77)));
        Some((event.token, TradingStatus::from_code(event.quantity.0).unwrap()))
    };
    let market = b"SQMEC".map(|code| status('S', 11, code).unwrap());
    assert_eq!(market, [PreOpen, Open, Closed, Closed, Closed].map(|status| (Token(0), status)));
    let stock = b"HPQT".map(|code| status('H', 19, code).unwrap());
    assert_eq!(stock, [Halted, Halted, Auction, Open].map(|status| (Token(13), status)));
    assert_eq!(
        (status('S', 11, b'O'), status('S', 11, b'?'), status('H', 19, 0)),
        (None, None, None)
    );
    let mut of_no_stock = message('H');
    of_no_stock[2] = 0;
    assert_eq!(event(&of_no_stock), Err(DecodeError::LocateZero));
}

#[test]
fn golden_vectors_become_events() {
    let rows: Vec<_> = "AFECXDUPQB".chars().map(row).collect();
    assert_eq!(
        rows,
        [
            "order_new B 8058 0 10.05 200",
            "order_new S 8058 0 10.05 200",
            "order_execute B 8058 0 0.00 100",
            "order_execute B 8058 0 10.06 100",
            "order_reduce B 8058 0 0.00 30",
            "order_cancel B 8058 0 0.00 0",
            "order_replace B 8058 8059 10.04 300",
            "trade B 0 0 10.055 500",
            "trade B 0 0 10.00 1000000",
            "trade_cancel B 0 0 0.00 0",
        ]
    );
    for silent in "RYLVWKJhINO".chars() {
        assert_eq!(row(silent), "none", "{silent}");
    }
}

#[test]
fn golden_vectors_of_administration_have_their_fields() {
    macro_rules! decoded {
        ($letter:literal, $variant:ident, $binding:ident => $fields:expr, $expected:expr) => {
            let bytes = message($letter);
            let Ok(Message::$variant($binding)) = decode(&bytes) else { panic!("{}", $letter) };
            assert_eq!($fields, $expected);
        };
    }
    decoded!('S', SystemEvent, m => m.event_code, b'Q');
    decoded!('R', StockDirectory, m => (text(&m.stock), m.market_category, m.issue_sub_type),
        ("ZVZZT", b'Q', *b"Z "));
    decoded!('R', StockDirectory, m =>
        (m.financial_status_indicator, m.round_lot_size.get(), m.round_lots_only,
         m.issue_classification, m.authenticity, m.short_sale_threshold_indicator),
        (b'N', 100, b'N', b'C', b'P', b'N'));
    decoded!('R', StockDirectory, m =>
        (m.ipo_flag, m.luld_reference_price_tier, m.etp_flag, m.etp_leverage_factor.get(),
         m.inverse_indicator), (b'N', b'1', b'N', 1, b'N'));
    decoded!('H', StockTradingAction, m => (m.trading_state, m.reserved, &m.reason),
        (b'H', b' ', b"TONE"));
    decoded!('Y', RegShoRestriction, m => (text(&m.stock), m.reg_sho_action), ("ZVZZT", b'1'));
    decoded!('L', MarketParticipantPosition, m =>
        (&m.mpid, text(&m.stock), m.primary_market_maker, m.market_maker_mode,
         m.market_participant_state), (b"NSDQ", "ZVZZT", b'Y', b'N', b'A'));
    decoded!('V', MwcbDeclineLevel, m => [m.level_1, m.level_2, m.level_3].map(|p| p.get()),
        [500_000_000_000, 450_000_000_000, 400_000_000_000]);
    decoded!('W', MwcbStatus, m => m.breached_level, b'1');
    decoded!('K', QuotingPeriodUpdate, m =>
        (m.ipo_quotation_release_time.get(), m.ipo_quotation_release_qualifier, m.ipo_price.get()),
        (36_000, b'A', 180_000));
    decoded!('J', LuldAuctionCollar, m =>
        [m.auction_collar_reference_price, m.upper_auction_collar_price,
         m.lower_auction_collar_price, m.auction_collar_extension].map(BeU32::get),
        [100_000, 105_000, 95_000, 1]);
    decoded!('h', OperationalHalt, m => (m.market_code, m.operational_halt_action), (b'Q', b'H'));
    decoded!('I', NetOrderImbalance, m =>
        (m.paired_shares.get(), m.imbalance_shares.get(), m.imbalance_direction), (1_000, 200, b'B'));
    decoded!('I', NetOrderImbalance, m =>
        (m.far_price.get(), m.near_price.get(), m.current_reference_price.get(), m.cross_type,
         m.price_variation_indicator), (100_001, 99_999, 100_000, b'O', b'L'));
    decoded!('N', RetailInterest, m => (text(&m.stock), m.interest_flag), ("ZVZZT", b'A'));
    decoded!('O', DirectListing, m =>
        (m.open_eligibility_status, m.minimum_allowable_price.get(),
         m.maximum_allowable_price.get(), m.near_execution_price.get()),
        (b'Y', 100_000, 200_000, 101_000));
    decoded!('O', DirectListing, m =>
        (m.near_execution_time.get(), m.lower_price_range_collar.get(),
         m.upper_price_range_collar.get()), (34_200_000_001_025, 95_000, 105_000));
    decoded!('F', AddOrderWithMpid, m => &m.attribution, b"NSDQ");
    decoded!('Q', CrossTrade, m => (m.match_number.get(), m.cross_type), (9, b'O'));
}

#[test]
fn a_directory_entry_is_an_instrument() {
    let mut bytes = message('R');
    let instrument = |bytes: &[u8]| {
        let Ok(Message::StockDirectory(stock)) = decode(bytes) else { panic!("a directory") };
        stock.instrument()
    };
    let stock = instrument(&bytes).unwrap();
    assert_eq!((stock.symbol.as_str(), stock.token, stock.lot), ("ZVZZT", Token(13), Qty(1)));
    assert_eq!((stock.segment(), stock.to_string()), (Some(Segment::NasdaqUs), "ZVZZT EQ".into()));
    bytes[25] = b'Y';
    assert_eq!(instrument(&bytes).unwrap().lot, Qty(100));
    bytes[21..25].fill(0);
    assert_eq!(instrument(&bytes), Err(DecodeError::QuantityZero));
    bytes[1..3].fill(0);
    assert_eq!(instrument(&bytes), Err(DecodeError::LocateZero));
}

#[test]
fn every_type_has_a_vector_and_no_other_length() {
    assert_eq!(vectors().len(), Message::TYPES.len());
    for (letter, hex) in vectors() {
        let whole = bytes(letter, &hex);
        assert_eq!(Message::size_of_type(letter as u8), Some(whole.len()), "{letter}");
        assert_eq!(decode(&whole).unwrap().header().message_type, letter as u8);
        for length in 1..whole.len() {
            assert_eq!(event(&whole[..length]), Err(DecodeError::WrongLength), "{letter}");
        }
        let longer = [&whole[..], &[0]].concat();
        assert_eq!(event(&longer), Err(DecodeError::WrongLength), "{letter}");
    }
    assert_eq!(event(&[]), Err(DecodeError::Empty));
    let known = |&letter: &u8| Message::TYPES.contains(&letter);
    for letter in (0..=255).filter(|letter| !known(letter)) {
        assert_eq!(event(&[letter; 36]), Err(DecodeError::UnknownType));
        assert_eq!(Message::size_of_type(letter), None);
    }
}

/// The refusal of a message with some bytes overwritten.
fn refusal(message_type: char, at: usize, with: &[u8]) -> Option<DecodeError> {
    let mut bytes = message(message_type);
    bytes[at..at + with.len()].copy_from_slice(with);
    event(&bytes).err()
}

#[test]
fn each_field_out_of_range_has_its_own_reason() {
    let day = 86_400_000_000_000_u64.to_be_bytes();
    for letter in "AFECXDUPQB".chars() {
        assert_eq!(refusal(letter, 5, &day[2..]), Some(DecodeError::TimeOutOfRange), "{letter}");
        assert_eq!(refusal(letter, 1, &[0; 2]), Some(DecodeError::LocateZero), "{letter}");
    }
    for letter in "AFECXDU".chars() {
        assert_eq!(refusal(letter, 11, &[0; 8]), Some(DecodeError::OrderIdZero), "{letter}");
    }
    assert_eq!(refusal('U', 19, &[0; 8]), Some(DecodeError::OrderIdZero));
    for letter in "AF".chars() {
        assert_eq!(refusal(letter, 19, b"X"), Some(DecodeError::UnknownSide), "{letter}");
    }
    for (letter, at) in
        [('A', 20), ('F', 20), ('E', 19), ('C', 19), ('X', 19), ('U', 27), ('P', 20)]
    {
        assert_eq!(refusal(letter, at, &[0; 4]), Some(DecodeError::QuantityZero), "{letter}");
    }
    for (letter, at) in [('A', 32), ('F', 32), ('C', 32), ('U', 31), ('P', 32), ('Q', 27)] {
        assert_eq!(refusal(letter, at, &[0; 4]), Some(DecodeError::PriceZero), "{letter}");
    }
    assert_eq!(refusal('Q', 11, &[0, 0, 0, 1]), Some(DecodeError::QuantityOutOfRange));
    assert_eq!(refusal('C', 31, b"y"), Some(DecodeError::UnknownPrintable));
    // The lowest code wins.
    assert_eq!(refusal('A', 1, &[0; 35]), Some(DecodeError::LocateZero));
    let last = (86_400_000_000_000_u64 - 1).to_be_bytes();
    assert_eq!(refusal('A', 5, &last[2..]), None);
}

#[test]
fn the_largest_values_are_kept() {
    let mut bytes = message('A');
    bytes[11..19].fill(0xFF);
    bytes[20..24].fill(0xFF);
    bytes[32..36].fill(0xFF);
    let event = event(&bytes).unwrap().unwrap();
    assert_eq!((event.order_id, event.quantity), (OrderId(u64::MAX), Qty(u32::MAX)));
    assert_eq!(event.price, Px(i64::from(u32::MAX) * 10_000));
}

#[test]
fn what_is_no_trade_for_the_tape_is_none_here() {
    let mut cross = message('Q');
    cross[11..19].fill(0);
    assert_eq!(event(&cross), Ok(None));
    let mut decoder = Decoder::new(SessionDate::new(2019, 12, 30).unwrap(), 1);
    let mut execution = message('C');
    execution[31] = b'N';
    let reduce = decoder.on_message(&execution, (1 << 32) + 9, Nanos::ZERO, 0).unwrap().unwrap();
    assert_eq!(reduce.kind(), Some(EventKind::OrderReduce));
    assert_eq!((reduce.price, reduce.quantity, reduce.side()), (Px::ZERO, Qty(100), Side::Buy));
    assert_eq!((reduce.sequence, reduce.receive_time), (9, reduce.exchange_time));
    assert!(decoder.on_message(&message('X'), 10, Nanos(3), 0).unwrap().is_some());
    assert!(decoder.on_message(&message('Y'), 11, Nanos(3), 0).unwrap().is_none());
    assert_eq!(decoder.on_message(b"?", 12, Nanos(3), 0), Err(DecodeError::UnknownType));
    let counters = decoder.counters();
    assert_eq!((counters.non_printable, counters.refused_count()), (1, 1));
    assert_eq!("CXYA".bytes().map(|l| counters.of_type(l)).collect::<Vec<_>>(), [1, 1, 1, 0]);
}

#[test]
fn mutations_are_refused_or_keep_the_models_promises() {
    let mut random = Random(1);
    let originals: Vec<_> = vectors().iter().map(|(letter, hex)| bytes(*letter, hex)).collect();
    for step in 0..100_000 {
        let mut bytes = originals[random.next() as usize % originals.len()].clone();
        for _ in 0..1 + random.next() % 3 {
            let at = random.next() as usize % bytes.len();
            bytes[at] = random.next() as u8;
        }
        if random.next().is_multiple_of(8) {
            bytes.truncate(random.next() as usize % (bytes.len() + 1));
        }
        let Ok(Some(event)) = event(&bytes) else { continue };
        let is_status = event.kind() == Some(EventKind::TradingStatus);
        assert!(is_status || event.token.0 > 0, "step {step}");
        match event.kind() {
            Some(EventKind::OrderNew | EventKind::OrderReplace | EventKind::Trade) => {
                assert!(event.price.0 > 0 && !event.quantity.is_zero(), "step {step}");
            }
            kind => assert!(kind.is_some(), "step {step}"),
        }
    }
}

#[test]
fn files_end_with_a_length_of_nothing() {
    let framed = |messages: &[&[u8]]| -> Vec<u8> {
        let frame = |m: &&[u8]| [&(m.len() as u16).to_be_bytes()[..], m].concat();
        messages.iter().flat_map(frame).collect()
    };
    let (first, second) = (message('A'), message('D'));
    let whole = framed(&[&first, &second, &[]]);
    let mut reader = FileReader::new(&whole);
    let read: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
    assert_eq!(read[0], FileMessage { index: 0, offset: 0, bytes: &first });
    assert_eq!(read[1], FileMessage { index: 1, offset: 38, bytes: &second });
    assert!(read.len() == 2 && reader.is_complete() && reader.messages_read() == 2);

    for length in 0..whole.len() {
        let mut reader = FileReader::new(&whole[..length]);
        let (good, bad): (Vec<_>, Vec<_>) = reader.by_ref().partition(Result::is_ok);
        assert_eq!(good.len(), usize::from(length >= 38) + usize::from(length >= 59));
        let offset = if length >= 59 {
            59
        } else if length >= 38 {
            38
        } else {
            0
        };
        let needed = match length - offset {
            0 | 1 => 2,
            _ => 2 + [36, 19][good.len()],
        };
        let available = length - offset;
        let truncated =
            FileError::Truncated { index: good.len() as u64, offset, needed, available };
        assert_eq!(bad, if available == 0 { vec![] } else { vec![Err(truncated)] });
        assert!(!reader.is_complete());
    }
    let error = FileReader::new(&whole[..50]).last().unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file ends inside message 1 at byte 38: 21 bytes are needed, 12 are there"
    );
    let after = [&whole[..], b"more"].concat();
    let error = FileReader::new(&after).last().unwrap().unwrap_err();
    assert_eq!(error, FileError::AfterEnd { index: 2, offset: 61, available: 4 });
}
