//! Files made by hand in each version, every refusal, every shorter prefix, mutations.

use tezi_model::{Event, EventKind, MarketFlags, Nanos, Qty, Segment, Side, Token};

use super::*;
use crate::wire::little_endian::{LeI32, LeI64, LeU32};
use crate::wire::little_endian::{LeU16, LeU64};

const LAST: u8 = flags::LAST;
const SNAPSHOT: u8 = flags::SNAPSHOT;

/// Metadata of a version, with a symbol, a symbol not found, and a mapping of two intervals.
fn metadata(version: u8, ts_out: bool) -> Vec<u8> {
    let size = if version == 1 { 22 } else { 71 };
    let text = |text: &str, size: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(size, 0);
        bytes
    };
    let mut body = text("GLBX.MDP3", 16);
    body.extend(0_u16.to_le_bytes());
    for number in [1_000, u64::MAX, 0] {
        body.extend(number.to_le_bytes());
    }
    if version == 1 {
        body.extend(u64::MAX.to_le_bytes());
    }
    body.extend([1, 0, u8::from(ts_out)]);
    if version > 1 {
        body.extend((size as u16).to_le_bytes());
    }
    body.extend(vec![0; if version == 1 { 47 } else { 53 }]);
    body.extend(0_u32.to_le_bytes());
    for symbols in [&["ESH4"][..], &[], &["NQZ9"]] {
        body.extend((symbols.len() as u32).to_le_bytes());
        body.extend(symbols.iter().flat_map(|symbol| text(symbol, size)));
    }
    body.extend(1_u32.to_le_bytes());
    body.extend(text("ESH4", size));
    body.extend(2_u32.to_le_bytes());
    for (start, end, symbol) in [(20_231_224, 20_231_225, "17077"), (20_231_225, 20_231_226, "8")] {
        body.extend(u32::to_le_bytes(start));
        body.extend(u32::to_le_bytes(end));
        body.extend(text(symbol, size));
    }
    if version == 3 {
        body.resize(body.len().next_multiple_of(8), 0);
    }
    let mut file = vec![b'D', b'B', b'N', version];
    file.extend((body.len() as u32).to_le_bytes());
    file.extend(body);
    file
}

const fn record(
    action: u8,
    side: u8,
    order_id: u64,
    price: i64,
    size: u32,
    flags: u8,
) -> MboMessage {
    MboMessage {
        header: RecordHeader {
            length: 14,
            rtype: rtype::MBO,
            publisher_id: LeU16::new(1),
            instrument_id: LeU32::new(17_077),
            ts_event: LeU64::new(1_703_545_200_000_000_001),
        },
        order_id: LeU64::new(order_id),
        price: LeI64::new(price),
        size: LeU32::new(size),
        flags,
        channel_id: 3,
        action,
        side,
        ts_recv: LeU64::new(1_703_545_200_000_000_900),
        ts_in_delta: LeI32::new(-5),
        sequence: LeU32::new(42),
    }
}

const PRICE: i64 = 4_800_250_000_000;
const ADD: MboMessage = record(b'A', b'A', 7, PRICE, 3, LAST);

fn events(decoder: &mut Decoder, message: &MboMessage) -> Vec<Event> {
    let mut events = Vec::new();
    decoder.on_record(message, |event| events.push(*event)).unwrap();
    events
}

fn row(event: &Event) -> String {
    let kind = event.kind().unwrap();
    format!("{} {} {} {} {}", kind.name(), event.order_id, event.price, event.quantity, event.flags)
}

fn rows(decoder: &mut Decoder, message: &MboMessage) -> Vec<String> {
    events(decoder, message).iter().map(row).collect()
}

#[test]
fn a_golden_record_has_its_fields() {
    let hex = "0ea00100b54200000160d2685535a4170700000000000000803232a55d040000\
               03000000800341418463d2685535a417fbffffff2a000000";
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    assert_eq!(*bytemuck::from_bytes::<MboMessage>(&bytes), ADD);
    assert_eq!(bytemuck::bytes_of(&ADD), bytes);
}

#[test]
fn metadata_of_every_version_is_read() {
    for version in 1..=3 {
        let file = metadata(version, false);
        let (read, size) = Metadata::parse(&file).unwrap();
        assert_eq!((size, read.version, read.dataset.as_str()), (file.len(), version, "GLBX.MDP3"));
        assert_eq!((read.schema, read.start, read.end), (Some(0), Nanos(1_000), None));
        assert_eq!((read.limit, read.symbology_in, read.symbology_out), (None, Some(1), 0));
        assert_eq!((read.symbols, read.partial), (vec!["ESH4".to_string()], vec![]));
        assert_eq!(read.not_found, ["NQZ9"]);
        assert_eq!(read.mappings[0].intervals[1].end_date, 20_231_226);
        let (read, _) = Metadata::parse(&file).unwrap();
        let segment = read.segment().unwrap();
        let tokens: Vec<_> = read
            .instruments(segment)
            .map(|instrument| (instrument.symbol.as_str().to_string(), instrument.token))
            .collect();
        let symbol = || "ESH4".to_string();
        assert_eq!(tokens, [(symbol(), Token(17_077)), (symbol(), Token(8))]);
        assert_eq!(segment, Segment::CmeGlobex);
    }
}

#[test]
fn damaged_metadata_are_refused_where_they_are() {
    let not_dbn = FileError::NotDbn { magic: *b"DB\0\0" };
    assert_eq!(Metadata::parse(b"DB"), Err(not_dbn));
    for version in [0, 4] {
        let file = [b'D', b'B', b'N', version];
        assert_eq!(Metadata::parse(&file), Err(FileError::UnsupportedVersion { version }));
    }
    for version in 1..=3 {
        let file = metadata(version, false);
        for length in 4..file.len() {
            let error = Metadata::parse(&file[..length]).unwrap_err();
            assert_eq!(error.name(), "truncated_metadata", "{length}");
            // A length that is too small cuts a field instead.
            let mut short = file.clone();
            let cut = (length - 4).min(file.len() - 9 - 7) as u32;
            short[4..8].copy_from_slice(&cut.to_le_bytes());
            assert_eq!(Metadata::parse(&short).unwrap_err().name(), "truncated_metadata");
        }
    }
    let mut file = metadata(2, false);
    let at = 8 + 16 + 2 + 24 + 3;
    file[at..at + 2].fill(0);
    assert_eq!(Metadata::parse(&file), Err(FileError::SymbolLength));
    // A count of four thousand million symbols allocates nothing.
    let mut file = metadata(1, false);
    file[112..116].fill(0xFF);
    let error = Metadata::parse(&file).unwrap_err();
    assert!(matches!(error, FileError::TruncatedMetadata { offset: 116, .. }), "{error}");
}

#[test]
fn each_action_becomes_its_event() {
    let mut decoder = Decoder::new(Segment::CmeGlobex);
    let [event] = events(&mut decoder, &ADD)[..] else { panic!("one event") };
    assert_eq!((event.side(), event.token, event.sequence), (Side::Sell, Token(17_077), 42));
    assert_eq!(event.exchange_time, Nanos(1_703_545_200_000_000_001));
    assert_eq!(event.receive_time, Nanos(1_703_545_200_000_000_900));
    assert_eq!(event.stream.segment(), Some(Segment::CmeGlobex));
    let more = MarketFlags::MORE_IN_PACKET;
    let cases = [
        (record(b'A', b'B', 7, PRICE, 3, 0), format!("order_new 7 4800.25 3 {more}")),
        (record(b'M', b'A', 7, -10, 2, LAST), "order_modify 7 -0.00000001 2 1".into()),
        (record(b'C', b'N', 7, PRICE, 2, LAST), "order_reduce 7 0.00 2 0".into()),
        (record(b'T', b'A', 9, PRICE, 1, LAST), "trade 0 4800.25 1 0".into()),
    ];
    for (message, expected) in cases {
        assert_eq!(rows(&mut decoder, &message), [expected]);
    }
    for action in [b'F', b'N'] {
        assert!(rows(&mut decoder, &record(action, b'B', 7, PRICE, 1, 0)).is_empty());
    }
    assert_eq!((decoder.counters().records, decoder.counters().silent), (7, 2));
}

#[test]
fn snapshots_begin_and_end() {
    let names = |decoder: &mut Decoder, message: &MboMessage| -> Vec<&str> {
        events(decoder, message).iter().map(|event| event.kind().unwrap().name()).collect()
    };
    let mut decoder = Decoder::new(Segment::CmeGlobex);
    let clear = record(b'R', b'N', 0, PRICE_UNDEFINED, 0, SNAPSHOT);
    let resting = record(b'A', b'B', 7, PRICE, 3, SNAPSHOT);
    let last = record(b'A', b'B', 8, PRICE, 3, SNAPSHOT | LAST);
    assert_eq!(names(&mut decoder, &clear), ["snapshot_start"]);
    assert_eq!(names(&mut decoder, &resting), ["order_new"]);
    assert_eq!(names(&mut decoder, &last), ["order_new", "stream_whole"]);
    assert_eq!(names(&mut decoder, &ADD), ["order_new"]);
    // Without a clear, and without an end.
    assert_eq!(names(&mut decoder, &resting), ["snapshot_start", "order_new"]);
    assert_eq!(names(&mut decoder, &ADD), ["stream_whole", "order_new"]);
    // A venue that empties its book.
    let clear = record(b'R', b'N', 0, PRICE_UNDEFINED, 0, LAST);
    assert_eq!(names(&mut decoder, &clear), ["snapshot_start", "stream_whole"]);
    // Messages lost, then a snapshot that mends it.
    let bad = record(b'A', b'B', 9, PRICE, 3, LAST | flags::MAYBE_BAD_BOOK);
    assert_eq!(names(&mut decoder, &bad), ["stream_stale", "order_new"]);
    assert_eq!(names(&mut decoder, &bad), ["order_new"]);
    assert_eq!(names(&mut decoder, &resting), ["snapshot_start", "order_new"]);
    let [event] = events(&mut decoder, &resting)[..] else { panic!("one event") };
    assert_eq!(event.flags, MarketFlags::SNAPSHOT | MarketFlags::MORE_IN_PACKET);
    let mut ends = Vec::new();
    decoder.finish(|event| ends.push(event.kind().unwrap().name()));
    decoder.finish(|event| ends.push(event.kind().unwrap().name()));
    assert_eq!((ends, decoder.counters().snapshots), (vec!["stream_whole"], 4));
}

#[test]
fn each_instrument_is_a_stream() {
    let mut decoder = Decoder::new(Segment::CmeGlobex);
    let of = |instrument: u32| {
        let header = RecordHeader { instrument_id: LeU32::new(instrument), ..ADD.header };
        MboMessage { header, ..ADD }
    };
    let mut number = |instrument| {
        decoder.on_record(&of(instrument), |event| {
            assert_eq!(event.token, Token(instrument));
            assert_eq!(u32::from(event.stream.number()), 10_000 - instrument);
        })
    };
    for instrument in [10_000, 9_999, 10_000, 9_999, 9_998] {
        assert_eq!(number(instrument), Ok(()));
    }
    for below in 3..4_096 {
        assert_eq!(number(10_000 - below), Ok(()));
    }
    assert_eq!(number(5), Err(RecordError::InstrumentsFull));
    assert_eq!(number(5_905), Ok(()));
    assert_eq!(decoder.tokens().count(), INSTRUMENTS_MAX);
}

#[test]
fn each_field_out_of_range_has_its_own_reason() {
    use RecordError as E;
    let mut decoder = Decoder::new(Segment::CmeGlobex);
    let time = |at: u64| RecordHeader { ts_event: LeU64::new(at), ..ADD.header };
    let cases = [
        (record(b'X', b'A', 7, PRICE, 3, 0), E::UnknownAction),
        (record(b'A', b'A', 7, PRICE, 3, flags::TOP_OF_BOOK), E::NotAnOrder),
        (record(b'A', b'A', 7, PRICE, 3, flags::PRICE_LEVEL), E::NotAnOrder),
        (MboMessage { header: time(1 << 63), ..ADD }, E::TimeOutOfRange),
        (MboMessage { ts_recv: LeU64::new(1 << 63), ..ADD }, E::TimeOutOfRange),
        (record(b'A', b'A', 0, PRICE, 3, 0), E::OrderIdZero),
        (record(b'M', b'A', 0, PRICE, 3, 0), E::OrderIdZero),
        (record(b'C', b'A', 0, PRICE, 3, 0), E::OrderIdZero),
        (record(b'A', b'N', 7, PRICE, 3, 0), E::UnknownSide),
        (record(b'M', b'N', 7, PRICE, 3, 0), E::UnknownSide),
        (record(b'A', b'A', 7, PRICE_UNDEFINED, 3, 0), E::PriceUndefined),
        (record(b'T', b'A', 7, PRICE_UNDEFINED, 3, 0), E::PriceUndefined),
        (record(b'M', b'A', 7, PRICE + 1, 3, 0), E::PriceTooFine),
        (record(b'A', b'A', 7, -PRICE - 9, 3, 0), E::PriceTooFine),
        (record(b'A', b'A', 7, PRICE, 0, 0), E::QuantityZero),
        (record(b'C', b'A', 7, PRICE, 0, 0), E::QuantityZero),
        // The lowest code wins.
        (record(b'A', b'N', 0, PRICE_UNDEFINED, 0, 0), E::OrderIdZero),
    ];
    for (message, error) in cases {
        let sink = |_: &Event| panic!("a refused record has no event");
        assert_eq!(decoder.on_record(&message, sink), Err(error));
    }
    assert_eq!(decoder.counters().refused.iter().sum::<u64>(), cases.len() as u64);
    assert_eq!(decoder.tokens().count(), 0, "a refused record leaves no trace");
    let undefined = MboMessage { header: time(TIME_UNDEFINED), ..ADD };
    assert_eq!(events(&mut decoder, &undefined)[0].exchange_time, Nanos::ZERO);
}

#[test]
fn records_are_walked_by_their_lengths() {
    for ts_out in [false, true] {
        let mut file = metadata(1, ts_out);
        let start = file.len();
        let mut add = ADD;
        add.header.length += if ts_out { 2 } else { 0 };
        let tail = vec![0_u8; if ts_out { 8 } else { 0 }];
        let system = RecordHeader { length: 5, rtype: 0x17, ..ADD.header };
        file.extend(
            [bytemuck::bytes_of(&system), &[0; 4], bytemuck::bytes_of(&add), &tail].concat(),
        );
        let (read, records) = Records::open(&file).unwrap();
        assert_eq!(read.ts_out, ts_out);
        let records: Vec<_> = records.map(Result::unwrap).collect();
        assert!(matches!(records[0], Record::Other(header) if header.rtype == 0x17));
        assert!(matches!(records[1], Record::Mbo(message) if message.order_id.get() == 7));
        for length in start + 1..file.len() {
            let (_, records) = Records::open(&file[..length]).unwrap();
            let (good, bad): (Vec<_>, Vec<_>) = records.partition(Result::is_ok);
            let second = start + 20;
            assert_eq!(good.len(), usize::from(length >= second));
            let (offset, needed) =
                if length < second { (start, 20) } else { (second, file.len() - second) };
            let (index, available) = (good.len() as u64, length - offset);
            let error = FileError::Truncated { index, offset, needed, available };
            assert!(bad.iter().all(|bad| matches!(bad, Err(found) if *found == error)));
            assert_eq!(bad.len(), usize::from(available > 0));
        }
        for length in [0, 3, 13, 17] {
            file[start] = length;
            let index = 0;
            let (_, mut records) = Records::open(&file).unwrap();
            let first = records.next().unwrap();
            if usize::from(length) * 4 < 16 {
                let error =
                    FileError::RecordLength { index, offset: start, length: length as usize * 4 };
                assert_eq!(first.unwrap_err(), error);
                assert!(records.next().is_none());
            }
        }
    }
    let mut file = metadata(3, false);
    let mut short = ADD;
    short.header.length = 13;
    file.extend(bytemuck::bytes_of(&short));
    let error = Records::open(&file).unwrap().1.next().unwrap().unwrap_err();
    assert_eq!(error.name(), "record_length");
}

#[test]
fn plain_files_pass_and_damaged_frames_are_named() {
    let file = metadata(1, false);
    assert_eq!(decompress(&file, 0).unwrap(), file, "no bound on what is not compressed");
    // "DBN" as one raw block, without a checksum; then an empty skippable frame; then it again.
    let frame = [0x28, 0xB5, 0x2F, 0xFD, 0x20, 3, 0x19, 0, 0, b'D', b'B', b'N'];
    let skip = [0x50, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, 9, 9];
    let both = [&frame[..], &skip, &frame].concat();
    assert_eq!(*decompress(&both, 6).unwrap(), *b"DBNDBN");
    assert_eq!(decompress(&both, 5), Err(FileError::TooLarge { size_max: 5 }));
    for length in 4..both.len() {
        // Between two frames there is nothing to miss.
        let expected = match length {
            12 | 22 => continue,
            0..=11 => 0,
            13..=21 => 12,
            _ => 22,
        };
        let error = FileError::Compression { offset: expected };
        assert_eq!(decompress(&both[..length], 6), Err(error), "{length}");
    }
}

#[test]
fn mutations_are_refused_or_keep_the_models_promises() {
    let mut state = 1_u64;
    let mut random = move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let x = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    };
    let original: Vec<u8> = [
        &metadata(3, false)[..],
        bytemuck::bytes_of(&ADD),
        bytemuck::bytes_of(&record(b'T', b'A', 9, PRICE, 1, LAST)),
        bytemuck::bytes_of(&record(b'C', b'A', 7, PRICE, 1, SNAPSHOT)),
    ]
    .concat();
    for step in 0..100_000 {
        let mut file = original.clone();
        for _ in 0..1 + random() % 4 {
            let at = random() as usize % file.len();
            file[at] = random() as u8;
        }
        if random().is_multiple_of(8) {
            file.truncate(random() as usize % file.len());
        }
        let Ok((_, records)) = Records::open(&file) else { continue };
        let mut decoder = Decoder::new(Segment::CmeGlobex);
        for record in records {
            let Ok(Record::Mbo(message)) = record else { continue };
            let _ = decoder.on_record(message, |event| match event.kind() {
                Some(EventKind::OrderNew | EventKind::OrderModify | EventKind::OrderReduce) => {
                    assert!(event.order_id.0 > 0 && event.quantity > Qty::ZERO, "step {step}");
                }
                kind => assert!(kind.is_some(), "step {step}"),
            });
        }
    }
}
