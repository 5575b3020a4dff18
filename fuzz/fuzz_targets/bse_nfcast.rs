//! Any bytes as a datagram, in every dialect: no panic, a bounded walk, and what reads well is
//! written to bytes that read the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_feed_handler::wire::bse_nfcast::{
    Dialect, DialectFinder, Message, PICTURES_MAX, decode, encode_market_pictures,
};
use tezi_model::Segment;

fuzz_target!(|data: &[u8]| {
    let mut finder = DialectFinder::new(Segment::BseCd);
    finder.on_datagram(data);
    let mut out = Vec::new();
    for dialect in Dialect::ALL {
        let Ok(message) = decode(data, Segment::BseCd, dialect) else { continue };
        let Message::MarketPictures(_, pictures) = message else { continue };
        let read: Vec<_> = pictures.collect();
        assert!(read.len() <= PICTURES_MAX + 1);
        let Ok(pictures) = read.into_iter().collect::<Result<Vec<_>, _>>() else { continue };
        // A sum of differences may be beyond what an escape of four bytes can say.
        let (time, segment) = ([0; 4], Segment::BseCd);
        if encode_market_pictures(&pictures, time, true, segment, dialect, &mut out).is_err() {
            continue;
        }
        let Ok(Message::MarketPictures(_, again)) = decode(&out, segment, dialect) else {
            unreachable!("what was written is market pictures");
        };
        assert_eq!(again.collect::<Result<Vec<_>, _>>(), Ok(pictures));
    }
});
