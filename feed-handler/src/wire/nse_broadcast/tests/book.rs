//! The five-level book.

use tezi_model::{Px, Segment, Side, Token};

use super::golden::market_by_price;
use super::open;
use crate::wire::nse_broadcast::*;

#[test]
fn newer_depth_replaces_the_book_and_older_does_not() {
    let first = market_by_price(Segment::NseFo);
    let mut book = DepthBook::default();
    assert_eq!(book.best(Side::Buy), None);
    assert!(book.on_market_by_price(&first));
    assert_eq!(book.levels(Side::Sell), &first.asks);
    assert_eq!(book.best(Side::Buy), Some(first.bids[0]));
    assert_eq!((book.time(), book.volume()), (first.time, first.trades.volume));
    assert_eq!((book.total(Side::Buy), book.total(Side::Sell)), (70_000, 80_000));
    assert_eq!((book.last_price(), book.last_quantity()), (Px::from_paise(2_245_005), 65));
    assert_eq!((book.prices(), book.status()), (first.prices, Some(SecurityStatus::Open)));

    let before = book;
    let earlier = MarketByPrice { time: first.time.plus(-1_000_000_000), ..first };
    let fewer = Trades { volume: first.trades.volume - 1, ..first.trades };
    let same_second = MarketByPrice { trades: fewer, ..first };
    for refused in [earlier, same_second] {
        assert!(!book.on_market_by_price(&refused));
        assert_eq!(book, before);
    }
    let empty = MarketByPrice { bids: [Level::default(); DEPTH], ..first };
    assert!(book.on_market_by_price(&empty));
    assert_eq!(book.best(Side::Buy), None);
}

#[test]
fn tickers_and_watches_fill_in_what_depth_does_not_say() {
    let mut book = DepthBook::default();
    let ticker = Ticker {
        segment: Segment::NseFo,
        token: Token(1),
        time: open(),
        market_type: 1,
        price: Px::from_paise(500),
        quantity: 65,
        open_interest: Some([30, 31, 32]),
        index_value: Px::ZERO,
    };
    assert!(book.on_ticker(&ticker));
    assert_eq!((book.last_price(), book.last_quantity()), (Px::from_paise(500), 65));
    assert_eq!(book.open_interest(), 30);
    assert!(!book.on_ticker(&Ticker { market_type: 2, ..ticker }));
    assert!(!book.on_ticker(&Ticker { time: open().plus(-1), ..ticker }));

    let touch = Level { price: Px::from_paise(499), quantity: 7, orders: 0 };
    let market = WatchMarket { bid: touch, ..WatchMarket::default() };
    let watch = MarketWatch {
        segment: Segment::NseFo,
        token: Token(1),
        time: open(),
        markets: [market; 3],
        open_interest: 40,
    };
    assert!(book.on_market_watch(&watch));
    assert_eq!((book.best(Side::Buy), book.best(Side::Sell)), (Some(touch), None));
    assert_eq!(book.open_interest(), 40);
    let depth = market_by_price(Segment::NseFo);
    assert!(book.on_market_by_price(&depth));
    assert_eq!(book.open_interest(), 40);
    assert!(book.on_market_watch(&watch));
    assert_eq!(book.best(Side::Buy), Some(depth.bids[0]), "a touch does not replace depth");
}

#[test]
fn consistency_is_order_and_no_cross() {
    let level = |price| Level { price: Px::from_paise(price), quantity: 1, orders: 1 };
    let is_consistent = |bids: &[i64], asks: &[i64]| {
        let side = |prices: &[i64]| {
            let mut levels = [Level::default(); DEPTH];
            for (slot, &price) in levels.iter_mut().zip(prices) {
                *slot = if price == 0 { Level::default() } else { level(price) };
            }
            levels
        };
        let update = market_by_price(Segment::NseFo);
        let mut book = DepthBook::default();
        book.on_market_by_price(&MarketByPrice { bids: side(bids), asks: side(asks), ..update });
        book.is_consistent()
    };
    assert!(DepthBook::default().is_consistent());
    assert!(is_consistent(&[10, 9, 8, 7, 6], &[11, 12]));
    assert!(is_consistent(&[10], &[]));
    assert!(!is_consistent(&[10, 11], &[12]));
    assert!(!is_consistent(&[10, 10], &[12]));
    assert!(!is_consistent(&[10, 0, 9], &[12]));
    assert!(!is_consistent(&[10], &[12, 11]));
    assert!(!is_consistent(&[10], &[10]));
}
