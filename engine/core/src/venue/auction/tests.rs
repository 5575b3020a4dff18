//! Tests of the equilibrium price, of the order of matching and of closing prices.

use tezi_model::Px;

use super::*;
use crate::venue::rules::{AllocationOrder, Rules, key};
use crate::venue::{Date, Rate};
use tezi_testing::Random;

const fn rupees(rupees: i64) -> Px {
    Px(rupees * Px::SCALE)
}

/// Levels of (rupees, buy, sell).
fn levels(rows: &[(i64, u64, u64)]) -> Vec<AuctionLevel> {
    rows.iter()
        .map(|&(price, buy, sell)| AuctionLevel { price: rupees(price), buy, sell })
        .collect()
}

/// The result as (kind, price in paise, demand, supply).
fn found(rows: &[(i64, u64, u64)], market: [u64; 2], reference: Px) -> (char, i64, u64, u64) {
    let levels = levels(rows);
    let [market_buy, market_sell] = market;
    let discovery =
        discover(AuctionOrders { levels: &levels, market_buy, market_sell }, reference).unwrap();
    let letter = match discovery {
        Discovery::Equilibrium(_) => 'E',
        Discovery::AtReference(_) => 'R',
        Discovery::None => return ('N', 0, 0, 0),
    };
    let clearing = discovery.clearing().unwrap();
    (letter, clearing.price.to_paise().unwrap(), clearing.demand, clearing.supply)
}

#[test]
fn rule_2_3_the_published_table_of_nse_gives_105_times_27_500() {
    // Its demand column needs 4,000 more bid above the last price printed.
    let table = [
        (103, 13_500, 11_500),
        (104, 9_500, 9_800),
        (105, 12_000, 15_000),
        (106, 6_500, 12_000),
        (107, 5_000, 12_500),
        (108, 4_000, 0),
    ];
    assert_eq!(found(&table, [0, 0], rupees(100)), ('E', 10_500, 27_500, 36_300));
    // The same as a market order.
    assert_eq!(found(&table[..5], [4_000, 0], rupees(100)), ('E', 10_500, 27_500, 36_300));
}

#[test]
fn rule_2_3_1_most_volume_wins() {
    let rows = [(99, 0, 100), (100, 100, 50), (101, 50, 200)];
    assert_eq!(found(&rows, [0, 0], rupees(101)), ('E', 10_000, 150, 150));
}

#[test]
fn rule_2_3_2_then_the_smaller_surplus_wins() {
    // 100 trade at 100 and at 101; 50 are left over at 100, none at 101.
    let rows = [(100, 50, 100), (101, 100, 0)];
    assert_eq!(found(&rows, [0, 0], rupees(90)), ('E', 10_100, 100, 100));
}

#[test]
fn rule_2_3_3_then_the_price_closest_to_the_previous_close_wins() {
    let rows = [(100, 0, 100), (104, 100, 0)];
    for (close, paise) in [(90, 10_000), (101, 10_000), (103, 10_400), (110, 10_400)] {
        assert_eq!(found(&rows, [0, 0], rupees(close)), ('E', paise, 100, 100), "{close}");
    }
}

#[test]
fn rule_2_3_4_midway_between_the_two_closest_the_previous_close_itself_is_the_price() {
    assert_eq!(
        found(&[(100, 0, 100), (104, 100, 0)], [0, 0], rupees(102)),
        ('E', 10_200, 100, 100)
    );
    // Surpluses of opposite sign: at the close itself nothing is left over.
    let rows = [(100, 30, 100), (104, 100, 30)];
    assert_eq!(found(&rows, [0, 0], rupees(102)), ('E', 10_200, 100, 100));
    // A level without quantity is no order price.
    let rows = [(100, 0, 100), (101, 0, 0), (104, 100, 0)];
    assert_eq!(found(&rows, [0, 0], rupees(102)), ('E', 10_200, 100, 100));
}

#[test]
fn rule_2_3_without_equilibrium() {
    let close = rupees(100);
    assert_eq!(found(&[], [500, 300], close), ('R', 10_000, 500, 300));
    assert_eq!(found(&[], [500, 0], close), ('N', 0, 0, 0));
    assert_eq!(found(&[(99, 10, 0), (101, 0, 10)], [0, 0], close), ('N', 0, 0, 0));
    assert_eq!(found(&[(99, 10, 0)], [5, 0], close), ('N', 0, 0, 0));
    // Market orders trade with limits of the other side.
    assert_eq!(found(&[(99, 10, 0), (101, 0, 10)], [5, 0], close), ('E', 10_100, 5, 10));
    assert_eq!(Discovery::None.market_order_limit(close), close);
}

#[test]
fn unsorted_levels_are_refused_by_index() {
    for rows in [[(100, 1, 0), (100, 0, 1)], [(101, 1, 0), (100, 0, 1)]] {
        let levels = levels(&rows);
        let orders = AuctionOrders { levels: &levels, market_buy: 0, market_sell: 0 };
        assert_eq!(discover(orders, Px::ZERO), Err(AuctionError::Unsorted(1)));
    }
}

/// Rules 1 to 4 by the letter: sums over all orders for every order price.
fn reckon(rows: &[(i64, u64, u64)], market: [u64; 2], reference: i64) -> (char, i64, u64, u64) {
    let orders: Vec<_> = rows.iter().filter(|row| row.1 + row.2 > 0).collect();
    let at = |price: i64| {
        let demand: u64 = orders.iter().filter(|row| row.0 >= price).map(|row| row.1).sum();
        let supply: u64 = orders.iter().filter(|row| row.0 <= price).map(|row| row.2).sum();
        (demand + market[0], supply + market[1])
    };
    if orders.is_empty() {
        let trades = market[0].min(market[1]) > 0;
        return if trades { ('R', reference, market[0], market[1]) } else { ('N', 0, 0, 0) };
    }
    let prices: Vec<i64> = orders.iter().map(|row| row.0).collect();
    let volume = |price: &i64| at(*price).0.min(at(*price).1);
    let most = prices.iter().map(volume).max().unwrap();
    if most == 0 {
        return ('N', 0, 0, 0);
    }
    let mut left: Vec<i64> = prices.into_iter().filter(|price| volume(price) == most).collect();
    let surplus = |price: &i64| at(*price).0.abs_diff(at(*price).1);
    let least = left.iter().map(surplus).min().unwrap();
    left.retain(|price| surplus(price) == least);
    let near = left.iter().map(|price| price.abs_diff(reference)).min().unwrap();
    left.retain(|price| price.abs_diff(reference) == near);
    let price = if left.len() == 2 { reference } else { left[0] };
    ('E', price, at(price).0, at(price).1)
}

#[test]
fn random_auctions_agree_with_the_reckoner() {
    let (mut midway, mut none) = (0, 0);
    for seed in 0..20_000 {
        let mut random = Random(seed);
        // Few quantities over few prices, so that ties are common.
        let mut rows = Vec::new();
        for price in 95..106 {
            if random.below(2) == 0 {
                let sparse = |random: &mut Random| random.below(4).saturating_sub(1) * 10;
                rows.push((price, sparse(&mut random), sparse(&mut random)));
            }
        }
        let market = [random.below(3) * 10, random.below(3) * 10];
        let close = 95 + random.below(11) as i64;
        let (letter, price, demand, supply) = reckon(&rows, market, close);
        assert_eq!(
            found(&rows, market, rupees(close)),
            (letter, price * 100, demand, supply),
            "{seed}"
        );
        midway += u32::from(letter == 'E' && !rows.iter().any(|row| row.0 == price));
        none += u32::from(letter == 'N');
    }
    assert!(midway > 20 && none > 20, "the cases are met: {midway} midway, {none} none");
}

#[test]
fn the_steps_of_the_matching_follow_their_date_and_trade_the_whole_volume() {
    let rules = Rules::builtin().unwrap();
    let order = |scope: &str, day: &str| {
        *rules.get(key::AUCTION_ALLOCATION, scope, Date::parse(day).unwrap()).unwrap()
    };
    assert_eq!(order("NSE/cm", "2026-09-06"), AllocationOrder::LimitFirst);
    assert_eq!(order("NSE/cm", "2026-09-07"), AllocationOrder::MarketFirst);
    assert_eq!(order("NSE/cm/closing", "2026-08-03"), AllocationOrder::MarketFirst);
    assert_eq!(order("NSE/fo/future", "2026-09-06"), AllocationOrder::LimitFirst);
    // 100 limit and 50 market buys against 60 limit and 70 market sells.
    let clearing = Clearing { price: rupees(100), demand: 150, supply: 130 };
    let limit_first = StageVolumes::new(AllocationOrder::LimitFirst, &clearing, 50, 70);
    let expected =
        StageVolumes { limit_limit: 60, limit_market: 40, market_limit: 0, market_market: 30 };
    assert_eq!(limit_first, expected);
    let market_first = StageVolumes::new(AllocationOrder::MarketFirst, &clearing, 50, 70);
    let expected =
        StageVolumes { limit_limit: 60, limit_market: 20, market_limit: 0, market_market: 50 };
    assert_eq!(market_first, expected);
    let mut random = Random(7);
    for _ in 0..10_000 {
        let [demand, supply, buy, sell] = [(); 4].map(|()| random.below(50));
        let clearing = Clearing { price: rupees(1), demand, supply };
        for order in [AllocationOrder::LimitFirst, AllocationOrder::MarketFirst] {
            let total = StageVolumes::new(order, &clearing, buy, sell).total();
            assert_eq!(total, demand.min(supply));
        }
    }
}

#[test]
fn rule_2_4_reference_and_band_of_the_closing_auction() {
    let rules = Rules::builtin().unwrap();
    let on = |day| CallAuctionClose::new(&rules, "NSE/cm/cas", Date::parse(day).unwrap());
    assert!(on("2026-08-02").is_err());
    let method = on("2026-08-03").unwrap();
    assert_eq!(method.band, Rate::from_bps(300));
    let mut prices = DayPrices { fallback: rupees(90), ..DayPrices::default() };
    let reference = |prices: &DayPrices| {
        let reference = reference_price(prices);
        (reference.price, reference.source)
    };
    assert_eq!(reference(&prices), (rupees(90), PriceSource::Fallback));
    prices.last_trade = Some(rupees(95));
    assert_eq!(reference(&prices), (rupees(95), PriceSource::LastTrade));
    prices.window_average = Some(rupees(100));
    assert_eq!(reference(&prices), (rupees(100), PriceSource::WindowAverage));
    let band = method.band(&prices, Px::from_paise(5)).unwrap();
    assert_eq!((band.low, band.high), (rupees(97), rupees(103)));
    assert_eq!(VwapClose.band(&prices, Px::from_paise(5)), None);
}

#[test]
fn rule_2_4_close_is_the_equilibrium_else_the_reference_else_the_last_close() {
    let method = CallAuctionClose { band: Rate::from_bps(300) };
    // Cumulative demand and supply 98: 1000/200, 100: 800/800, 102: 300/900.
    let levels = levels(&[(98, 200, 200), (100, 500, 600), (102, 300, 100)]);
    let orders = AuctionOrders { levels: &levels, market_buy: 0, market_sell: 0 };
    let auction = discover(orders, rupees(99)).unwrap();
    assert_eq!(auction.clearing().unwrap().volume(), 800);
    let traded =
        DayPrices { last_trade: Some(rupees(99)), fallback: rupees(98), ..DayPrices::default() };
    let close = |prices: &DayPrices, auction| method.close(prices, Some(auction));
    let by = |price, source| ClosePrice { price, source };
    assert_eq!(close(&traded, &auction), by(rupees(100), PriceSource::Auction));
    assert_eq!(close(&traded, &Discovery::None), by(rupees(99), PriceSource::LastTrade));
    let untraded = DayPrices { last_trade: None, ..traded };
    assert_eq!(close(&untraded, &Discovery::None), by(rupees(98), PriceSource::Fallback));
    // Without a closing auction the auction's result has no say.
    assert_eq!(VwapClose.close(&traded, Some(&auction)), by(rupees(99), PriceSource::LastTrade));
}

#[test]
fn rule_2_3_a_common_price_weighs_both_exchanges() {
    let clearing = |price, volume| Clearing { price: rupees(price), demand: volume, supply: 900 };
    let both = [clearing(100, 300), clearing(104, 100)];
    assert_eq!(common_price(&both, Px::from_paise(5)), Some(rupees(101)));
    assert_eq!(common_price(&[], Px(1)), None);
}
