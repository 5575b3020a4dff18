//! Golden vectors both ways, every dialect, every shorter prefix, mutations.
//!
//! The vectors are built from the field table of NFCAST 5.0, apart from the layouts they test.

use tezi_model::{Px, Segment, Token};

use super::*;
use crate::wire::big_endian::{BeI16, BeI32};
use tezi_testing::Random;

const PICTURE: &str = "000007e400000000000000000000000a000f001e00fa000000000001000d2432000004d2000000000008aa52\
     00000000000010e16c000000000000030a0f1d3939350000000000000000000000000005000001a0c4506c7b\
     00224188000000000000004b0022418dff977fff00200b200005ff3300007fff00000000ffb57fff000f1206\
     7d007fff001e84807fff002625a0fffbfffb004bffb8ffb5ffb5fffb7fff000186a00002000000007ffe0005\
     0000ffb6ffb5ffb58002";
const OPEN_INTEREST: &str = "000007df00000000000000000000000a000f001e00fa000000000001000d2432000000000001e240000000024cb016eaffffffffffffffb300000000000000000000000000000000";
const CLOSE_PRICE: &str =
    "000007de00000000000000000000000a000f001e00fa0000000000010007a265000478b500590000";
const LPP: &str = "000007f200000000000000000000000a000f001e00fa000000000001000d2432002625a0001e84800000000000000000";
const PRODUCT_STATE: &str =
    "000007d2000000000000000000000009000f00000001000700000000000000030000000053000000";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn read(datagram: &[u8], dialect: Dialect) -> Result<Vec<MarketPicture>, DecodeError> {
    match decode(datagram, Segment::BseFo, dialect)? {
        Message::MarketPictures(_, pictures) => pictures.collect(),
        other => panic!("{other:?}"),
    }
}

fn golden() -> MarketPicture {
    let px = Px::from_paise;
    let level =
        |price, quantity, orders| Level { price: px(price), quantity, orders, implied_quantity: 0 };
    MarketPicture {
        token: Token(861_234),
        trades: 1234,
        volume: 567_890,
        value: 4321,
        value_unit: b'l',
        market_type: 0,
        session_number: 3,
        last_time: [10, 15, 29],
        last_millisecond: *b"995",
        timestamp: 1_790_000_000_123,
        close: px(2_245_000),
        last_quantity: 75,
        last_price: px(2_245_005),
        open: px(2_244_900),
        previous_close: px(2_100_000),
        high: px(2_245_010),
        low: px(2_244_800),
        block_reference: px(2_245_005),
        indicative_price: px(0),
        indicative_quantity: 0,
        total_bid_quantity: 987_654,
        total_offer_quantity: 32_075,
        lower_circuit: px(2_000_000),
        upper_circuit: px(2_500_000),
        average: px(2_245_000),
        bids: Levels::new(&[level(2_245_000, 150, 3), level(2_244_995, 100_000, 5)]),
        offers: Levels::new(&[level(2_245_010, 75, 1)]),
    }
}

#[test]
fn a_picture_is_read_field_by_field() {
    let datagram = bytes(PICTURE);
    let Ok(Message::MarketPictures(header, _)) =
        decode(&datagram, Segment::BseFo, Dialect::default())
    else {
        panic!("market pictures")
    };
    let time = [header.hour, header.minute, header.second, header.millisecond].map(BeI16::get);
    assert_eq!(time, [10, 15, 30, 250]);
    assert_eq!(read(&datagram, Dialect::default()), Ok(vec![golden()]));
    // Currency prices are finer.
    let Ok(Message::MarketPictures(_, mut pictures)) =
        decode(&datagram, Segment::BseCd, Dialect::default())
    else {
        panic!("market pictures")
    };
    let picture = pictures.next().unwrap().unwrap();
    assert_eq!(picture.last_price.to_string(), "224.5005");
}

#[test]
fn the_encoder_writes_the_same_bytes() {
    let mut out = Vec::new();
    let time = [10, 15, 30, 250];
    let dialect = Dialect::default();
    encode_market_pictures(&[golden()], time, false, Segment::BseFo, dialect, &mut out).unwrap();
    assert_eq!(out, bytes(PICTURE));
}

#[test]
fn the_other_messages_are_read_field_by_field() {
    let read = |hex: &str, check: &dyn Fn(Message<'_>)| {
        check(decode(&bytes(hex), Segment::BseFo, Dialect::default()).unwrap());
    };
    read(OPEN_INTEREST, &|message| {
        let Message::OpenInterests(_, [one]) = message else { panic!("{message:?}") };
        assert_eq!((one.instrument.get(), one.quantity.get()), (861_234, 123_456));
        assert_eq!((one.value.get(), one.change.get()), (9_876_543_210, -77));
    });
    read(CLOSE_PRICE, &|message| {
        let Message::ClosePrices(_, [one]) = message else { panic!("{message:?}") };
        assert_eq!((one.instrument.get(), one.price.get(), one.traded), (500_325, 293_045, b'Y'));
    });
    read(LPP, &|message| {
        let Message::LppRanges(_, [one]) = message else { panic!("{message:?}") };
        let range = (one.lower.get(), one.upper.get());
        assert_eq!((one.instrument.get(), range), (861_234, (2_000_000, 2_500_000)));
    });
    read(PRODUCT_STATE, &|message| {
        let Message::ProductState(state) = message else { panic!("{message:?}") };
        let time = [state.hour, state.minute, state.second, state.millisecond].map(BeI16::get);
        assert_eq!(time, [9, 15, 0, 1]);
        assert_eq!((state.product_id.get(), state.session_number.get()), (7, 3));
        assert_eq!(state.start_end_flag, b'S');
    });
    for other in [2001, 2003, 2004, 2011, 2012, 2016, 2017, 2022, 2027, 2028, 2030, 2033, 2035] {
        let datagram = BeI32::new(other).0;
        let message = decode(&datagram, Segment::BseCm, Dialect::default());
        assert!(
            matches!(message, Ok(Message::Other(kind, rest)) if kind == other && rest.len() == 4)
        );
    }
}

#[test]
fn what_is_out_of_range_has_its_name() {
    use DecodeError::*;
    let dialect = Dialect::default();
    let change = |at: usize, with: &[u8]| {
        let mut datagram = bytes(PICTURE);
        datagram[at..at + with.len()].copy_from_slice(with);
        read(&datagram, dialect).unwrap_err()
    };
    assert_eq!(change(26, &[0, 7]), CountOutOfRange);
    assert_eq!(change(26, &[255, 255]), CountOutOfRange);
    assert_eq!(change(26, &[0, 0]), TrailingBytes);
    assert_eq!(change(26, &[0, 2]), TruncatedRecord);
    assert_eq!(change(28, &[0; 4]), TokenOutOfRange);
    assert_eq!(change(28, &[255; 4]), TokenOutOfRange);
    assert_eq!(change(28 + 4 + 46, &[0, 6]), PointsOutOfRange);
    assert_eq!(change(28 + 4 + 46, &[255, 255]), PointsOutOfRange);
    assert_eq!(change(28 + 4 + 46, &[0, 1]), TrailingBytes);
    assert_eq!(change(28 + 4 + 4, &[255]), QuantityNegative); // the volume
    assert_eq!(change(28 + 4 + 60, &[255]), QuantityNegative); // the last quantity
    assert_eq!(change(28 + 4 + 68, &[0x80, 0, 0, 0]), PriceOutOfRange); // less than the difference
    let mut relayed = [0; 300];
    relayed[4..8].copy_from_slice(&292_u32.to_le_bytes());
    relayed[8..12].copy_from_slice(&2020_u32.to_le_bytes());
    assert_eq!(read(&relayed, dialect), Err(RelayForm));
    assert_eq!(read(&[0; 300], dialect), Err(ForeignProtocol));
    assert_eq!(read(&2036_i32.to_be_bytes(), dialect), Err(ForeignProtocol));
    let wrong = |hex: &str, length: usize| {
        let mut datagram = bytes(hex);
        datagram.resize(length, 0);
        decode(&datagram, Segment::BseCm, dialect).unwrap_err()
    };
    assert_eq!(wrong(OPEN_INTEREST, 28 + 43), WrongLength);
    assert_eq!(wrong(CLOSE_PRICE, 28 + 24), WrongLength);
    assert_eq!(wrong(LPP, 27), TruncatedHeader);
    assert_eq!(wrong(PRODUCT_STATE, 41), WrongLength);
    assert_eq!(wrong(PRODUCT_STATE, 39), TruncatedHeader);
    // What the wire cannot say.
    let mut out = Vec::new();
    let mut refuse = |picture: MarketPicture, count: usize| {
        let pictures = vec![picture; count];
        encode_market_pictures(&pictures, [0; 4], false, Segment::BseFo, dialect, &mut out)
            .unwrap_err()
    };
    assert_eq!(refuse(golden(), 7), CountOutOfRange);
    assert_eq!(refuse(MarketPicture { token: Token(1 << 31), ..golden() }, 1), TokenOutOfRange);
    assert_eq!(refuse(MarketPicture { open: Px(1), ..golden() }, 1), PriceOutOfRange);
    let large = MarketPicture { total_bid_quantity: 1 << 31, ..golden() };
    assert_eq!(refuse(large, 1), QuantityOutOfRange);
}

#[test]
fn every_shorter_prefix_is_refused() {
    for hex in [PICTURE, OPEN_INTEREST, CLOSE_PRICE, LPP, PRODUCT_STATE] {
        let whole = bytes(hex);
        for length in 0..whole.len() {
            let message = decode(&whole[..length], Segment::BseFo, Dialect::default());
            let pictures = match message {
                Ok(Message::MarketPictures(_, pictures)) => pictures.collect::<Result<Vec<_>, _>>(),
                Ok(other) => panic!("{length} bytes are {other:?}"),
                Err(error) => Err(error),
            };
            let error = pictures.unwrap_err();
            let short = [
                DecodeError::TruncatedHeader,
                DecodeError::TruncatedRecord,
                DecodeError::WrongLength,
            ];
            assert!(short.contains(&error), "{length}: {error:?}");
        }
    }
}

fn random_levels(random: &mut Random, wide: bool) -> Levels {
    let count = random.below(6) as usize;
    let levels: Vec<_> = (0..count).map(|_| random_level(random, wide)).collect();
    Levels::new(&levels)
}

fn random_level(random: &mut Random, wide: bool) -> Level {
    Level {
        price: Px::from_paise(random_price(random)),
        quantity: random_quantity(random, wide),
        orders: random.below(100_000),
        implied_quantity: random_quantity(random, wide),
    }
}

/// Near the end markers as often as anywhere else.
fn random_price(random: &mut Random) -> i64 {
    match random.below(4) {
        0 => 100_000 + 32_764 + random.below(5) as i64,
        1 => 100_000 - 32_770 + random.below(6) as i64,
        2 => random.below(200_000) as i64,
        _ => i64::from(random.next() as i32),
    }
}

fn random_quantity(random: &mut Random, wide: bool) -> u64 {
    match random.below(3) {
        0 => random.below(200),
        1 => random.below(1 << 31),
        _ => random.below(if wide { 1 << 62 } else { 70_000 }),
    }
}

fn random_picture(random: &mut Random, wide: bool) -> MarketPicture {
    MarketPicture {
        token: Token(1 + random.below(1 << 20) as u32),
        volume: random.below(1 << 62),
        last_quantity: random.below(500),
        last_price: Px::from_paise(100_000),
        open: Px::from_paise(random_price(random)),
        high: Px::from_paise(random_price(random)),
        indicative_quantity: random_quantity(random, wide),
        total_bid_quantity: random_quantity(random, wide),
        average: Px::from_paise(random_price(random)),
        bids: random_levels(random, wide),
        offers: random_levels(random, wide),
        ..golden()
    }
}

#[test]
fn every_picture_survives_there_and_back_in_every_dialect() {
    let mut random = Random(5);
    let mut out = Vec::new();
    for round in 0..4000 {
        let dialect = Dialect::ALL[round % 4];
        let wide = dialect.quantity_escape == QuantityEscape::EightBytes;
        let count = 1 + random.below(PICTURES_MAX as u64);
        let pictures: Vec<_> = (0..count).map(|_| random_picture(&mut random, wide)).collect();
        let is_wide = round % 8 < 4;
        encode_market_pictures(&pictures, [0; 4], is_wide, Segment::BseFo, dialect, &mut out)
            .unwrap();
        assert_eq!(read(&out, dialect), Ok(pictures));
    }
}

#[test]
fn the_dialect_is_found_from_datagrams() {
    let mut out = Vec::new();
    for (index, dialect) in Dialect::ALL.into_iter().enumerate() {
        let mut random = Random(index as u64);
        let mut finder = DialectFinder::new(Segment::BseFo);
        assert_eq!(finder.possible().next(), Some(Dialect::default()));
        finder.on_datagram(b"\x00\x00\x07\xd1"); // the time rules out none
        assert_eq!((finder.possible().count(), finder.found()), (4, None));
        for _ in 0..20 {
            let pictures = [random_picture(&mut random, false), random_picture(&mut random, false)];
            encode_market_pictures(&pictures, [0; 4], false, Segment::BseFo, dialect, &mut out)
                .unwrap();
            finder.on_datagram(&out);
        }
        assert_eq!(finder.found(), Some(dialect));
    }
}

#[test]
fn mutations_never_panic() {
    let mut random = Random(9);
    let vectors = [PICTURE, PICTURE, PICTURE, OPEN_INTEREST, CLOSE_PRICE, LPP, PRODUCT_STATE];
    let vectors = vectors.map(bytes);
    for round in 0..100_000 {
        let mut datagram = vectors[round % vectors.len()].clone();
        for _ in 0..random.below(6) {
            let at = random.below(datagram.len() as u64) as usize;
            datagram[at] = random.next() as u8;
        }
        let length = random.below(datagram.len() as u64 + 1) as usize;
        datagram.truncate(if random.below(4) == 0 { length } else { datagram.len() });
        let message = decode(&datagram, Segment::BseCd, Dialect::ALL[round % 4]);
        if let Ok(Message::MarketPictures(_, pictures)) = message {
            assert!(pictures.count() <= PICTURES_MAX + 1);
        }
    }
}
