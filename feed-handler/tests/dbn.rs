//! DBN files as they are delivered, whole: first one of our own, then real ones. The captures are
//! private: without `TEZI_CAPTURES` those tests say that they skip.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use tezi_feed_handler::wire::dbn::{Decoder, FileError, Record, Records, decompress};
use tezi_model::{Event, EventKind, Nanos};

const SIZE_MAX: usize = 1 << 26;

/// A file of version 1 with a snapshot of two orders and some trading, as one compressed frame of
/// raw blocks.
fn own_file() -> Vec<u8> {
    let mut plain = b"DBN\x01".to_vec();
    let mut body = b"GLBX.MDP3\0\0\0\0\0\0\0\0\0".to_vec(); // data set and schema 0
    body.extend(1_700_000_000_000_000_000_u64.to_le_bytes());
    body.extend([0xFF; 8]); // no end
    body.extend([0; 8]); // no limit
    body.extend([0xFF; 8]);
    body.extend([1, 0, 0]); // raw symbols in, instrument ids out, no send time
    body.extend([0; 47 + 4 + 4 * 4]); // reserved, no definition, four empty lists
    plain.extend((body.len() as u32).to_le_bytes());
    plain.extend(body);
    let records = [
        (b'R', b'N', 0, i64::MAX, 0, 0x28),
        (b'A', b'B', 1, 100_000_000_000, 5, 0x28),
        (b'A', b'A', 2, 100_250_000_000, 4, 0xA8),
        (b'T', b'B', 9, 100_250_000_000, 3, 0x00),
        (b'F', b'A', 2, 100_250_000_000, 3, 0x00),
        (b'M', b'A', 2, 100_250_000_000, 1, 0x80),
        (b'C', b'B', 1, 100_000_000_000, 2, 0x80),
    ];
    for (index, (action, side, order_id, price, size, flags)) in records.into_iter().enumerate() {
        plain.extend([14, 0xA0, 1, 0]);
        plain.extend(42_u32.to_le_bytes());
        plain.extend((1_700_000_000_000_000_000 + index as u64).to_le_bytes());
        plain.extend(u64::to_le_bytes(order_id));
        plain.extend(i64::to_le_bytes(price));
        plain.extend(u32::to_le_bytes(size));
        plain.extend([flags, 0, action, side]);
        plain.extend((1_700_000_000_000_000_500 + index as u64).to_le_bytes());
        plain.extend([0; 4]);
        plain.extend((index as u32).to_le_bytes());
    }
    // RFC 8878: magic, a one-byte content size in a single segment would end at 255, so two bytes,
    // which count from 256; then one raw block, the last.
    let mut frame = vec![0x28, 0xB5, 0x2F, 0xFD, 0x60];
    frame.extend((plain.len() as u16 - 256).to_le_bytes());
    let header = (plain.len() as u32) << 3 | 1;
    frame.extend(&header.to_le_bytes()[..3]);
    frame.extend(plain);
    frame
}

fn events(file: &[u8]) -> (Vec<Event>, Decoder, u64) {
    let plain = decompress(file, SIZE_MAX).unwrap();
    let (metadata, records) = Records::open(&plain).unwrap();
    let mut decoder = Decoder::new(metadata.segment().unwrap());
    let (mut events, mut others) = (Vec::new(), 0);
    for record in records {
        match record.unwrap() {
            Record::Mbo(message) => decoder.on_record(message, |e| events.push(*e)).unwrap(),
            Record::Other(_) => others += 1,
        }
    }
    decoder.finish(|event| events.push(*event));
    (events, decoder, others)
}

#[test]
fn a_file_of_our_own_becomes_events() {
    let (events, decoder, others) = events(&own_file());
    let rows: Vec<_> = events
        .iter()
        .map(|event| {
            let name = event.kind().unwrap().name();
            format!("{name} {} {} {}", event.order_id, event.price, event.quantity)
        })
        .collect();
    assert_eq!(
        rows,
        [
            "snapshot_start 0 0.00 0",
            "order_new 1 100.00 5",
            "order_new 2 100.25 4",
            "stream_whole 0 0.00 0",
            "trade 0 100.25 3",
            "order_modify 2 100.25 1",
            "order_reduce 1 0.00 2",
        ]
    );
    assert!(events.iter().all(|event| event.receive_time > Nanos(1_700_000_000_000_000_000)));
    assert_eq!((decoder.counters().records, decoder.counters().silent, others), (7, 1, 0));
}

#[test]
fn a_damaged_file_is_named() {
    let file = own_file();
    for length in 4..file.len() {
        let error = decompress(&file[..length], SIZE_MAX).unwrap_err();
        assert_eq!(error, FileError::Compression { offset: 0 }, "{length}");
    }
    assert_eq!(decompress(&file, 100), Err(FileError::TooLarge { size_max: 100 }));
    assert_eq!(*decompress(&file[..3], SIZE_MAX).unwrap(), file[..3]);
    let error = Records::open(&file).unwrap_err();
    assert_eq!(error, FileError::NotDbn { magic: [0x28, 0xB5, 0x2F, 0xFD] });
}

#[test]
fn a_real_session_decodes_without_a_refusal() {
    let Some(root) = std::env::var_os("TEZI_CAPTURES") else {
        println!("skipped: TEZI_CAPTURES is not set");
        return;
    };
    let expected = [("20231224", 8_725, 8_725), ("20231225", 68_792, 62_421)];
    for (day, records, own_events) in expected {
        let name = format!("esh4-glbx-mdp3-{day}.mbo.dbn.zst");
        let path = PathBuf::from(&root).join("databento").join(name);
        let file = std::fs::read(path).unwrap();
        let (events, decoder, others) = events(&file);
        let mut kinds = BTreeMap::new();
        for event in &events {
            *kinds.entry(event.kind().unwrap().name()).or_insert(0) += 1;
        }
        println!("{day}: {kinds:?}, {:?}", decoder.counters());
        let counters = decoder.counters();
        assert_eq!((counters.records, counters.refused.iter().sum::<u64>()), (records, 0));
        assert_eq!((counters.snapshots, others), (1, 0));
        let of_feed = |event: &&Event| event.fault().is_none();
        assert_eq!(events.iter().filter(of_feed).count() as u64, own_events);
        assert_eq!(records - counters.silent, own_events);
        let whole = events.iter().filter(|e| e.kind() == Some(EventKind::StreamWhole)).count();
        assert_eq!(whole, 1, "the snapshot ended");
    }
}
