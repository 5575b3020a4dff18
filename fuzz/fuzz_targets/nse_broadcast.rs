//! Any bytes as a datagram and as a compressed stream: no panic, no byte outside the output, and
//! what decodes keeps its promises.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_feed_handler::wire::nse_broadcast::{
    COMPRESS_SIZE_MAX, DepthBook, Reader, Update, compress, decompress,
};

fuzz_target!(|data: &[u8]| {
    let mut reader = Reader::new();
    let mut book = DepthBook::default();
    let mut updates = 0;
    reader.on_datagram(data, &mut |update| {
        updates += 1;
        match update {
            Update::MarketByPrice(update) => {
                assert!(update.token.0 > 0 && update.trades.last_price.0 >= 0);
                assert!(update.bids.iter().chain(&update.asks).all(|level| level.price.0 >= 0));
                let before = book;
                if !book.on_market_by_price(update) {
                    assert_eq!(book, before, "a refusal changes nothing");
                }
                assert!(before.time() <= book.time());
            }
            Update::ExecutionRange(range) => assert!(range.low <= range.high),
            _ => {}
        }
    });
    assert_eq!(reader.counters().updates, updates);

    const BOUND: usize = 2048;
    let mut output = [0xEE; BOUND + 64];
    if let Ok(length) = decompress(data, &mut output[..BOUND]) {
        assert!(length <= BOUND);
    }
    assert!(output[BOUND..].iter().all(|&byte| byte == 0xEE));
    if data.len() <= COMPRESS_SIZE_MAX {
        let mut packed = [0; COMPRESS_SIZE_MAX + COMPRESS_SIZE_MAX / 16 + 67];
        let length = compress(data, &mut packed).expect("the buffer is large enough");
        let made = decompress(&packed[..length], &mut output).expect("our own stream");
        assert_eq!(&output[..made], data);
    }
});
