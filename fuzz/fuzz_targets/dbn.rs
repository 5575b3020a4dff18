//! Any bytes as a DBN file, compressed or not: no panic, bounded memory, and what decodes keeps the
//! model's promises.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_feed_handler::wire::dbn::{Decoder, Record, Records, decompress};
use tezi_model::{EventKind, Segment};

const SIZE_MAX: usize = 1 << 16;

fuzz_target!(|data: &[u8]| {
    let Ok(plain) = decompress(data, SIZE_MAX) else { return };
    assert!(plain.len() <= SIZE_MAX.max(data.len()));
    let Ok((metadata, records)) = Records::open(&plain) else { return };
    assert!(metadata.symbols.len() + metadata.mappings.len() <= plain.len());
    let mut decoder = Decoder::new(metadata.segment().unwrap_or(Segment::CmeGlobex));
    for record in records {
        let Ok(Record::Mbo(message)) = record else { continue };
        let _ = decoder.on_record(message, |event| match event.kind() {
            Some(EventKind::OrderNew | EventKind::OrderModify | EventKind::OrderReduce) => {
                assert!(event.order_id.0 > 0 && !event.quantity.is_zero());
            }
            kind => assert!(kind.is_some()),
        });
    }
    decoder.finish(|event| assert_eq!(event.kind(), Some(EventKind::StreamWhole)));
});
