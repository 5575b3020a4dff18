//! A log of histograms: any bytes, and intervals whose histograms are any bytes in a right envelope. No
//! panic, no endless memory; what is read has as many counts as its buckets say.

#![no_main]

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};
use libfuzzer_sys::fuzz_target;
use tezi::latency::log::read;

/// Base 64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let of = |chunk: &[u8]| -> [char; 4] {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        std::array::from_fn(|place| {
            let letter = LETTERS[(word >> (18 - 6 * place) & 63) as usize];
            if place > chunk.len() { '=' } else { char::from(letter) }
        })
    };
    bytes.chunks(3).flat_map(of).collect()
}

/// A line of an interval: what is compressed in it is `histogram`.
fn line(histogram: &[u8]) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(histogram).unwrap();
    let packed = packed.finish().unwrap();
    let mut bytes = 0x1c84_9304_u32.to_be_bytes().to_vec();
    bytes.extend((packed.len() as u32).to_be_bytes());
    bytes.extend(packed);
    format!("Tag=ring,1.000,1.000,0.001,{}\n", base64(&bytes)).into_bytes()
}

fuzz_target!(|data: &[u8]| {
    for text in [data.to_vec(), line(data)] {
        let read = read(&text[..], 8, |interval| {
            let all = &interval.distribution;
            let sum = all.values().iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
            assert!(all.count() == sum && all.values().is_sorted_by_key(|(value, _)| *value));
            assert_eq!(all.max(), all.values().last().map_or(0, |(value, _)| *value));
        });
        assert!(read.is_ok_and(|(count, bad)| bad.len() as u64 == count.min(8)));
    }
});
