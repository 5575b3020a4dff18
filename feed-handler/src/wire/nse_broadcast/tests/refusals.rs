//! Every refusal by its name, every shorter prefix, the reader's counters, the encoder.

use tezi_model::{Px, Segment, Token};

use super::golden::{market_by_price, wide_record};
use super::{Bytes, clear, updates};
use crate::wire::nse_broadcast::DecodeError::*;
use crate::wire::nse_broadcast::*;

const FO: Segment = Segment::NseFo;
const CM: Segment = Segment::NseCm;

fn wide_message() -> Bytes {
    wide_record(Bytes::message(17208, 558).i16(40, 1), 42)
}

#[test]
fn every_field_out_of_range_is_refused_by_name() {
    let wide = |change: fn(Bytes) -> Bytes| (FO, change(wide_message()));
    let fo = |code, size, change: fn(Bytes) -> Bytes| (FO, change(Bytes::message(code, size)));
    let cm = |code, size, change: fn(Bytes) -> Bytes| (CM, change(Bytes::message(code, size)));
    let cases = [
        (wide(|m| m.i16(40, -1)), RecordCountOutOfRange),
        (wide(|m| m.i16(40, 3)), RecordCountOutOfRange),
        (wide(|m| m.i32(42, 0)), TokenNotPositive),
        (wide(|m| m.i32(42, i32::MIN)), TokenNotPositive),
        (wide(|m| m.i64(50, -1)), QuantityNegative),
        (wide(|m| m.i32(58, -1)), PriceNegative),
        (wide(|m| m.i32(68, -1)), QuantityNegative),
        (wide(|m| m.i32(72, -1)), TimeNegative),
        (wide(|m| m.i32(76, -1)), PriceNegative),
        (wide(|m| m.i32(86, -1)), PriceNegative),
        (wide(|m| m.i32(90, -1)), QuantityNegative),
        (wide(|m| m.i64(102, -1)), QuantityNegative),
        (wide(|m| m.i32(110, -1)), PriceNegative),
        (wide(|m| m.i16(114, -1)), CountNegative),
        (wide(|m| m.i64(266, -1)), QuantityNegative),
        (wide(|m| m.i64(274, -1)), QuantityNegative),
        (wide(|m| m.i32(296, -1)), PriceNegative),
        (fo(7208, 470, |m| m.i16(40, 1).i32(42, 1).f64(222, -1.0)), QuantityNegative),
        (fo(7208, 470, |m| m.i16(40, 1).i32(42, 1).f64(230, f64::NAN)), NumberNotFinite),
        (cm(7208, 566, |m| m.i16(40, 1).i32(42, 1).i32(300, -1)), PriceNegative),
        (cm(7214, 538, |m| m.i16(40, 1).i32(42, 1).i64(58, -1)), QuantityNegative),
        (fo(17211, 248, |m| m.i32(40, 1).i32(44, 0)), TokenNotPositive),
        (fo(17211, 248, |m| m.i32(40, 1).i32(44, 2).f64(64, f64::INFINITY)), NumberNotFinite),
        (fo(17202, 498, |m| m.i16(40, 13)), RecordCountOutOfRange),
        (fo(17202, 498, |m| m.i16(40, 1).i32(42, 1).i64(56, -1)), QuantityNegative),
        (cm(7210, 490, |m| m.i16(40, 1).i32(42, 1).i64(50, -1)), CountNegative),
        (fo(7220, 344, |m| m.i32(40, 26)), RecordCountOutOfRange),
        (fo(7220, 344, |m| m.i32(40, 1).i32(44, 1).i32(48, 5).i32(52, 6)), RangeInverted),
        (fo(7130, 504, |m| m.i16(12, 59)), RecordCountOutOfRange),
        (fo(7207, 474, |m| m.i16(40, 1).i32(96, -1)), CountNegative),
        (fo(7207, 474, |m| m.i16(40, 1).f64(104, f64::NAN)), NumberNotFinite),
        (fo(6511, 320, |m| m.i32(40, -1)), TokenNotPositive),
        (fo(6511, 320, |m| m.i16(78, 240)), TextLengthOutOfRange),
        (fo(6511, 320, |m| m.i16(78, -1)), TextLengthOutOfRange),
        (cm(6511, 298, |m| m.i16(56, 241)), TextLengthOutOfRange),
        (fo(7305, 298, |m| m.i32(40, 1).i32(192, 1)), RangeInverted),
        (fo(7305, 298, |m| m.i32(40, 1).i32(62, -1)), TimeNegative),
        (fo(7309, 132, |m| m.i32(40, 1).i32(44, 2).i32(120, 1)), RangeInverted),
        (cm(18720, 260, |m| m.i32(40, 1).i32(134, -1)), PriceNegative),
    ];
    for (index, ((segment, message), error)) in cases.into_iter().enumerate() {
        assert_eq!(updates(segment, &message), [Err(error)], "case {index}");
    }
}

#[test]
fn a_bad_record_leaves_the_others() {
    let message = wide_record(wide_message().i16(40, 2).i32(42, 0), 300);
    let results = updates(FO, &message);
    assert_eq!((results.len(), &results[0]), (2, &Err(TokenNotPositive)));
    assert!(results[1].is_ok());
}

#[test]
fn every_shorter_message_is_refused() {
    let sizes = [
        (FO, 7200, 410),
        (FO, 7211, 204),
        (FO, 17211, 248),
        (FO, 6511, 320),
        (FO, 7305, 298),
        (FO, 7309, 132),
        (CM, 7200, 482),
        (CM, 6511, 298),
        (CM, 7764, 58),
        (CM, 18720, 260),
    ];
    for (segment, code, size) in sizes {
        every_prefix_is_refused(segment, &Bytes::message(code, size));
    }
    // A count of all records: the message ends with the last of them.
    let records = [
        (FO, 7208, 2, 470),
        (FO, 17208, 2, 558),
        (FO, 7201, 4, 498),
        (FO, 17201, 5, 492),
        (FO, 7202, 17, 484),
        (FO, 17202, 12, 498),
        (FO, 7207, 6, 474),
        (FO, 7203, 20, 442),
        (FO, 7320, 35, 462),
        (CM, 7208, 2, 566),
        (CM, 7201, 4, 466),
        (CM, 7214, 2, 538),
        (CM, 7215, 11, 482),
        (CM, 7210, 8, 490),
        (CM, 18703, 28, 546),
        (CM, 8207, 6, 474),
        (CM, 7203, 17, 484),
        (CM, 18130, 25, 442),
    ];
    for (segment, code, count, size) in records {
        every_prefix_is_refused(segment, &Bytes::message(code, size).i16(40, count));
    }
    every_prefix_is_refused(FO, &Bytes::message(7220, 344).i32(40, 25));
    every_prefix_is_refused(FO, &Bytes::message(7130, 504).i16(12, 58));
    every_prefix_is_refused(FO, &Bytes::message(17130, 508).i16(12, 39));
}

#[track_caller]
fn every_prefix_is_refused(segment: Segment, message: &Bytes) {
    let whole = clear(message);
    assert!(decode(segment, &whole).is_ok());
    for length in 0..whole.len() {
        let expected = if length < 48 { TruncatedHeader } else { TruncatedMessage };
        assert_eq!(decode(segment, &whole[..length]).unwrap_err(), expected, "{length} bytes");
    }
}

/// A datagram of F&O with these packets.
fn datagram(count: i16, packets: &[(i16, &[u8])]) -> Vec<u8> {
    let mut bytes = [&[2, 0][..], &count.to_be_bytes()].concat();
    for (compressed_length, packet) in packets {
        bytes.extend(compressed_length.to_be_bytes());
        bytes.extend(*packet);
    }
    bytes
}

/// What a reader says of one datagram: updates, and the reasons of what it refused.
fn read(datagram: &[u8]) -> (u64, Vec<(DecodeError, u64)>) {
    let mut reader = Reader::new();
    reader.on_datagram(datagram, &mut |_| {});
    let refused = reader.counters().refused;
    let reasons = DecodeError::ALL.iter().zip(refused).filter(|&(_, count)| count > 0);
    (reader.counters().updates, reasons.map(|(&error, count)| (error, count)).collect())
}

#[test]
fn framing_is_refused_by_name() {
    let alive = clear(&Bytes::message(6541, 40));
    let mut packed = [0; 512];
    let length = compress(&alive, &mut packed).unwrap();
    let packed = &packed[..length];
    let size = length as i16;
    let whole = datagram(3, &[(0, &alive), (size, packed), (0, &alive)]);
    assert_eq!(read(&whole), (3, vec![]));
    assert_eq!(read(&[&whole[..], &[9; 20]].concat()), (3, vec![]), "padding is not read");
    for length in 0..whole.len() {
        let (updates, refused) = read(&whole[..length]);
        let reason = if length < 4 { TruncatedDatagram } else { TruncatedPacket };
        assert_eq!(refused, [(reason, 1)], "cut to {length}");
        assert!(updates < 3);
    }
    let network = |byte| [&[byte][..], &whole[1..]].concat();
    assert_eq!(read(&network(3)), (0, vec![(UnknownNetwork, 1)]));
    assert_eq!(read(&network(6)), (0, vec![(UnsupportedNetwork, 1)]));
    assert_eq!(read(&network(4)).0, 3);
    assert_eq!(read(&datagram(0, &[])), (0, vec![(PacketCountNotPositive, 1)]));
    assert_eq!(read(&datagram(-1, &[])), (0, vec![(PacketCountNotPositive, 1)]));
    let negative = datagram(2, &[(-1, &alive), (0, &alive)]);
    assert_eq!(read(&negative), (0, vec![(CompressedLengthNegative, 1)]));
    let short = clear(&Bytes::message(6541, 40).i16(38, 39));
    assert_eq!(read(&datagram(2, &[(0, &short), (0, &alive)])), (0, vec![(ImpossibleLength, 1)]));
    // A bad stream is its own: the next message is found by iCompLen.
    let bad = [(size, &[&[32, 0][..], &packed[2..]].concat()[..]), (0, &alive)];
    assert_eq!(read(&datagram(2, &bad)), (1, vec![(LzoLookbehind, 1)]));
    let empty = datagram(2, &[(3, &[17, 0, 0]), (0, &alive)]);
    assert_eq!(read(&empty), (1, vec![(TruncatedHeader, 1)]));
}

#[test]
fn codes_that_are_not_decoded_are_counted_by_code() {
    let mut reader = Reader::new();
    let mut send = |code: i16| {
        let other = clear(&Bytes::message(code, 40));
        reader.on_datagram(&datagram(1, &[(0, &other)]), &mut |_| panic!("no update"));
    };
    (0..100).for_each(|code| send(20_000 + code % 70));
    send(1833);
    let counters = reader.counters();
    assert_eq!((counters.datagrams, counters.messages, counters.decoded), (101, 101, 0));
    assert_eq!(counters.refused, [0; DecodeError::COUNT]);
    let codes = counters.undecoded();
    assert_eq!(codes.len(), 64);
    assert_eq!(codes[0], CodeCount { segment: FO, transaction_code: 20_000, count: 2 });
    let by_code: u64 = codes.iter().map(|code| code.count).sum();
    assert_eq!((by_code, counters.undecoded_other), (94, 7));
}

#[test]
fn what_is_encoded_decodes() {
    use MarketByPriceForm::{Cash, Narrow, Wide};
    for (form, segment) in [(Narrow, FO), (Wide, FO), (Cash, CM)] {
        let mut first = market_by_price(segment);
        first.trades.volume_exceeded = form != Cash;
        if form == Cash {
            first.indicative_close = Px::from_paise(7);
        }
        let second = MarketByPrice { token: Token(2), ..first };
        for records in [&[first][..], &[first, second]] {
            let message = encode_market_by_price(form, 3, records).unwrap();
            let mut writer = DatagramWriter::new(segment).unwrap();
            writer.push_compressed(message.as_bytes()).unwrap();
            let mut seen = Vec::new();
            let mut reader = Reader::new();
            reader.on_datagram(writer.as_bytes(), &mut |update| match update {
                Update::MarketByPrice(update) => seen.push(*update),
                other => panic!("{other:?}"),
            });
            assert_eq!(seen, records);
            assert_eq!((reader.counters().short, reader.counters().compressed), (0, 1));
        }
        // The same bytes as those built by hand, plain, when they fit.
        let message = encode_market_by_price(form, 0, &[first, second]).unwrap();
        let mut writer = DatagramWriter::new(segment).unwrap();
        let fits = writer.push_plain(message.as_bytes());
        let expected = if form == Narrow { Ok(()) } else { Err(EncodeError::DatagramFull) };
        assert_eq!(fits, expected);
        assert_eq!(writer.as_bytes().len(), if form == Narrow { 4 + 2 + 478 } else { 4 });
        assert_eq!(writer.push_plain(message.as_bytes()), Err(EncodeError::DatagramFull));
    }
    let wide = encode_market_by_price(Wide, 0, &[market_by_price(FO)]).unwrap();
    let by_hand = clear(&wide_message());
    assert_eq!(wide.as_bytes().len(), by_hand.len());
    // They differ in what is unused, and in how a falling price is written: sign and indicator.
    let differing = |at: &usize| wide.as_bytes()[*at] != by_hand[*at];
    let at: Vec<_> = (8..by_hand.len()).filter(differing).collect();
    let (flag, change) = (8 + 42 + 21, 8 + 42 + 22);
    assert!(at.iter().all(|&at| at == flag || (change <= at && at < change + 4)), "{at:?}");
}

#[test]
fn what_does_not_fit_the_wire_is_refused() {
    use MarketByPriceForm::{Narrow, Wide};
    let good = market_by_price(FO);
    let error = |form, record| encode_market_by_price(form, 0, &[record]).unwrap_err();
    let mut price = good;
    price.bids[0].price = Px(1);
    assert_eq!(error(Wide, price), EncodeError::PriceOutOfRange);
    price.bids[0].price = Px::from_paise(1 << 31);
    assert_eq!(error(Wide, price), EncodeError::PriceOutOfRange);
    let mut quantity = good;
    quantity.asks[0].quantity = 1 << 31;
    assert_eq!(error(Narrow, quantity), EncodeError::QuantityOutOfRange);
    assert!(encode_market_by_price(Wide, 0, &[quantity]).is_ok());
    let count = |count| encode_market_by_price(Wide, 0, &vec![good; count]).unwrap_err();
    assert_eq!([count(0), count(3)], [EncodeError::RecordCountOutOfRange; 2]);
    let segment = DatagramWriter::new(Segment::BseFo).unwrap_err();
    assert_eq!(segment, EncodeError::UnsupportedSegment);
}
