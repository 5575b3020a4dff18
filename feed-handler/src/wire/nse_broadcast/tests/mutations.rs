//! Seeded damage: nothing panics, the output bound holds, the counters add up.

use tezi_model::Segment;

use super::golden::{market_by_price, wide_record};
use super::{Bytes, Random, clear};
use crate::wire::nse_broadcast::*;

const MUTATIONS: usize = 100_000;

/// Good datagrams of several kinds, compressed and plain.
fn corpus() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let forms = [
        (MarketByPriceForm::Narrow, Segment::NseFo),
        (MarketByPriceForm::Wide, Segment::NseFo),
        (MarketByPriceForm::Cash, Segment::NseCm),
    ];
    for (form, segment) in forms {
        let message = encode_market_by_price(form, 1, &[market_by_price(segment); 2]).unwrap();
        let mut writer = DatagramWriter::new(segment).unwrap();
        writer.push_compressed(message.as_bytes()).unwrap();
        writer.push_plain(&clear(&Bytes::message(6541, 40))).unwrap();
        all.push(writer.as_bytes().to_vec());
    }
    let codes = [7200, 7201, 7202, 17202, 7203, 7207, 7211, 17211, 7220, 7305, 7309, 6511, 7210];
    for (index, code) in codes.into_iter().chain([7214, 7215, 18703, 18130, 18720]).enumerate() {
        let segment = if index < 13 { Segment::NseFo } else { Segment::NseCm };
        let message = Bytes::message(code, 490).i16(40, 1).i32(42, 1);
        let mut writer = DatagramWriter::new(segment).unwrap();
        writer.push_plain(&clear(&message)).unwrap();
        all.push(writer.as_bytes().to_vec());
    }
    all
}

/// Changes, removes, inserts or copies a few bytes.
fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..1 + random.index(4) {
        let at = random.index(bytes.len().max(1));
        match random.index(5) {
            _ if bytes.is_empty() => bytes.push(random.next() as u8),
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.next() as u8),
            2 => bytes[at] = [0, 0x7F, 0x80, 0xFF][random.index(4)],
            3 => bytes[at] ^= 1 << random.index(8),
            _ => bytes[at] = random.next() as u8,
        }
    }
}

#[test]
fn damaged_datagrams_are_read_or_refused_and_counted() {
    let (corpus, mut random) = (corpus(), Random(7));
    let mut reader = Reader::new();
    let mut seen = 0;
    for step in 0..MUTATIONS {
        let mut bytes = corpus[step % corpus.len()].clone();
        damage(&mut random, &mut bytes);
        reader.on_datagram(&bytes, &mut |update| {
            seen += 1;
            if let Update::MarketByPrice(update) = update {
                assert!(update.token.0 > 0 && update.trades.last_price.0 >= 0, "step {step}");
                assert!(update.bids.iter().all(|level| level.price.0 >= 0), "step {step}");
            }
        });
    }
    let counters = reader.counters();
    assert_eq!((counters.datagrams, counters.updates), (MUTATIONS as u64, seen));
    let undecoded: u64 = counters.undecoded().iter().map(|code| code.count).sum();
    let refused = |range: core::ops::Range<usize>| counters.refused[range].iter().sum::<u64>();
    let (lzo, field) = (DecodeError::LzoInputOverrun, DecodeError::TokenNotPositive);
    let refused_messages = refused(lzo as usize..field as usize);
    assert_eq!(
        counters.messages,
        counters.decoded + undecoded + counters.undecoded_other + refused_messages
    );
    assert!(counters.refused.iter().filter(|&&count| count > 0).count() > 15);
}

#[test]
fn damaged_streams_never_write_beyond_their_output() {
    let message = clear(&wide_record(Bytes::message(17208, 558).i16(40, 1), 42));
    let mut packed = [0; 1024];
    let length = compress(&message, &mut packed).unwrap();
    let mut random = Random(8);
    let mut output = [0xEE; 640];
    for step in 0..MUTATIONS {
        let mut stream = packed[..length].to_vec();
        damage(&mut random, &mut stream);
        let bound = random.index(600);
        output.fill(0xEE);
        if let Ok(made) = decompress(&stream, &mut output[..bound]) {
            assert!(made <= bound, "step {step}");
        }
        assert!(output[bound..].iter().all(|&byte| byte == 0xEE), "step {step}");
    }
}

#[test]
fn random_streams_never_panic() {
    let mut random = Random(9);
    let mut output = [0; MESSAGE_SIZE_MAX];
    for _ in 0..MUTATIONS {
        let length = random.index(64);
        let stream: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        let _ = decompress(&stream, &mut output);
    }
}
