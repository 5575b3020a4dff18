//! Depth: market by price and by order, call auctions, spreads.

use super::{MessageHeader, layout};
use crate::wire::big_endian::{BeF64, BeI16, BeI32, BeI64, BeU32};

layout! {
    /// FO 9.48, p. 178: a level of 7208.
    NarrowLevel = 12 {
        0 quantity: BeI32, "Open quantity.";
        4 price: BeI32, "Paise; 0 for an empty level.";
        8 number_of_orders: BeI16, "Orders at the price.";
        10 bb_buy_sell_flag: BeI16, "Set when buy-back orders are among them.";
    }

    /// FO 9.48, p. 178, and CM 6.3, p. 120: a level of 17208 and of every CM message.
    WideLevel = 16 {
        0 quantity: BeI64, "Open quantity.";
        8 price: BeI32, "Paise; 0 for an empty level.";
        12 number_of_orders: BeI16, "Orders at the price.";
        14 bb_buy_sell_flag: BeI16, "Set when buy-back orders are among them.";
    }

    /// FO 9.48, p. 170: a level of the F&O 7200.
    ShortLevel = 10 {
        0 quantity: BeI32, "Open quantity.";
        4 price: BeI32, "Paise; 0 for an empty level.";
        8 number_of_orders: BeI16, "Orders at the price.";
    }

    /// FO 9.48, p. 171, and CM 6.3, p. 113: one order of 7200.
    OrderEntry = 18 {
        0 trader_id: BeI32, "The trader.";
        4 quantity: BeI32, "Open quantity.";
        8 price: BeI32, "Paise; 0 for an empty place.";
        12 terms: [u8; 2], "Order-term flags.";
        14 min_fill_quantity: BeI32, "Smallest fill the order takes.";
    }

    /// FO 9.48, p. 176: an auction in progress, within [`NarrowSummary`] and [`WideSummary`].
    AuctionInfo = 22 {
        0 auction_number: BeI16, "0 when there is none.";
        2 auction_status: BeI16, "1 approval pending … 7 cancelled.";
        4 initiator_type: BeI16, "Who began it.";
        6 initiator_price: BeI32, "Paise.";
        10 initiator_quantity: BeI32, "Units.";
        14 auction_price: BeI32, "Paise.";
        18 auction_quantity: BeI32, "Units.";
    }

    /// FO 9.48, p. 171 and 176: what leads the depth of 7200 and 7208 in F&O.
    NarrowSummary = 56 {
        0 token: BeI32, "The contract.";
        4 book_type: BeI16, "1 regular lot.";
        6 trading_status: BeI16, "Security status: 1 to 6.";
        8 volume_traded_today: BeU32, "Units; see `volume_exceeded`.";
        12 last_traded_price: BeI32, "Paise; 0 before the first trade.";
        16 net_change_indicator: u8, "`+`, `-` or blank.";
        17 volume_exceeded: u8, "Set when the volume does not fit 32 bits; a pad byte in 7200.";
        18 net_price_change: BeI32, "From the closing price, paise.";
        22 last_trade_quantity: BeI32, "Units.";
        26 last_trade_time: BeI32, "Seconds since 1980.";
        30 average_trade_price: BeI32, "Paise.";
        34 auction: AuctionInfo, "The auction of the contract, if any.";
    }

    /// FO 9.48, p. 177, and CM 6.3, p. 118: what leads the depth of 17208 and of CM messages.
    WideSummary = 60 {
        0 token: BeI32, "The contract or security.";
        4 book_type: BeI16, "1 regular lot.";
        6 trading_status: BeI16, "Security status: 1 to 6.";
        8 volume_traded_today: BeI64, "Units.";
        16 last_traded_price: BeI32, "Paise; 0 before the first trade.";
        20 net_change_indicator: u8, "`+`, `-` or blank.";
        21 volume_exceeded: u8, "As in 7208; a pad byte in CM.";
        22 net_price_change: BeI32, "From the closing price, paise.";
        26 last_trade_quantity: BeI32, "Units.";
        30 last_trade_time: BeI32, "Seconds since 1980.";
        34 average_trade_price: BeI32, "Paise.";
        38 auction: AuctionInfo, "The auction of the security, if any.";
    }

    /// FO 9.48, p. 176: the prices of the day that end a record.
    DayPrices = 16 {
        0 closing_price: BeI32, "Paise.";
        4 open_price: BeI32, "Paise.";
        8 high_price: BeI32, "Paise.";
        12 low_price: BeI32, "Paise.";
    }

    /// FO 9.48, p. 177: totals in 64-bit integers.
    WideTotals = 20 {
        0 bb_total_buy_flag: BeI16, "Set when buy-back orders are in the total.";
        2 bb_total_sell_flag: BeI16, "Set when buy-back orders are in the total.";
        4 total_buy_quantity: BeI64, "Units.";
        12 total_sell_quantity: BeI64, "Units.";
    }

    /// FO 9.48, p. 176: one record of the F&O 7208.
    NarrowMarketByPrice = 214 {
        0 summary: NarrowSummary, "What was traded.";
        56 levels: [NarrowLevel; 10], "Five bids, then five asks, best first.";
        176 bb_total_buy_flag: BeI16, "Set when buy-back orders are in the total.";
        178 bb_total_sell_flag: BeI16, "Set when buy-back orders are in the total.";
        180 total_buy_quantity: BeF64, "Units.";
        188 total_sell_quantity: BeF64, "Units.";
        196 indicator: [u8; 2], "From the top bit: last trade more, less; buy; sell.";
        198 prices: DayPrices, "Close, open, high, low.";
    }

    /// FO 9.48, p. 177: one record of the F&O 17208.
    WideMarketByPrice = 258 {
        0 summary: WideSummary, "What was traded.";
        60 levels: [WideLevel; 10], "Five bids, then five asks, best first.";
        220 totals: WideTotals, "Open quantity of each side.";
        240 indicator: [u8; 2], "From the top bit: last trade more, less; buy; sell.";
        242 prices: DayPrices, "Close, open, high, low.";
    }

    /// CM 6.3, p. 118: one record of the CM 7208.
    CashMarketByPrice = 262 {
        0 record: WideMarketByPrice, "As in F&O.";
        258 indicative_close_price: BeI32, "Of the closing auction, paise.";
    }

    /// FO 9.48, p. 170: the F&O 7200, whole.
    MarketByOrderFo = 410 {
        0 header: MessageHeader, "Leads every message.";
        40 summary: NarrowSummary, "What was traded.";
        96 orders: [OrderEntry; 10], "Five buy orders, then five sell orders.";
        276 levels: [ShortLevel; 10], "Five bids, then five asks, best first.";
        376 total_buy_quantity: BeF64, "Units.";
        384 total_sell_quantity: BeF64, "Units.";
        392 indicator: [u8; 2], "From the top bit: last trade more, less; buy; sell.";
        394 prices: DayPrices, "Close, open, high, low.";
    }

    /// CM 6.3, p. 112: the CM 7200, whole.
    MarketByOrderCm = 482 {
        0 header: MessageHeader, "Leads every message.";
        40 summary: WideSummary, "What was traded.";
        100 orders: [OrderEntry; 10], "Five buy orders, then five sell orders.";
        280 levels: [WideLevel; 10], "Five bids, then five asks, best first.";
        440 totals: WideTotals, "Open quantity of each side.";
        460 indicator: [u8; 2], "From the top bit: last trade more, less; buy; sell.";
        462 prices: DayPrices, "Close, open, high, low.";
        478 reserved: [u8; 4], "Not used.";
    }

    /// CM 6.3, p. 129: one record of the call auction, 7214.
    AuctionRecord = 248 {
        0 token: BeI32, "The security.";
        4 book_type: BeI16, "11 or 12 in the call auctions.";
        6 trading_status: BeI16, "Security status: 1 to 6.";
        8 volume_traded_today: BeI64, "Units.";
        16 indicative_traded_qty: BeI64, "What would trade now, units.";
        24 last_traded_price: BeI32, "Paise.";
        28 net_change_indicator: u8, "`+`, `-` or blank.";
        29 filler: u8, "Pad.";
        30 net_price_change: BeI32, "From the closing price, paise.";
        34 last_trade_quantity: BeI32, "Units.";
        38 last_trade_time: BeI32, "Seconds since 1980.";
        42 average_trade_price: BeI32, "Paise.";
        46 first_open_price: BeI32, "Paise.";
        50 levels: [WideLevel; 10], "Five bids, then five asks, best first.";
        210 totals: WideTotals, "Open quantity of each side.";
        230 indicator: [u8; 2], "From the top bit: last trade more, less; buy; sell.";
        232 prices: DayPrices, "Close, open, high, low.";
    }

    /// FO 9.48, p. 194: a level of 7211.
    NarrowSpreadLevel = 10 {
        0 number_of_orders: BeI16, "Orders at the price.";
        2 volume: BeI32, "Open quantity.";
        6 price: BeI32, "Difference of the legs, paise.";
    }

    /// FO 9.48, p. 195: a level of 17211. The offsets printed there contradict its 14 bytes.
    WideSpreadLevel = 14 {
        0 number_of_orders: BeI16, "Orders at the price.";
        2 volume: BeI64, "Open quantity.";
        10 price: BeI32, "Difference of the legs, paise.";
    }

    /// FO 9.48, p. 194: what ends 7211 and 17211.
    SpreadPrices = 36 {
        0 total_buy_volume: BeF64, "Units.";
        8 total_sell_volume: BeF64, "Units.";
        16 open_price_difference: BeI32, "Paise.";
        20 day_high_price_difference: BeI32, "Paise.";
        24 day_low_price_difference: BeI32, "Paise.";
        28 last_traded_price_difference: BeI32, "Paise.";
        32 last_update_time: BeI32, "Seconds since 1980.";
    }

    /// FO 9.48, p. 194: the spread message 7211, whole.
    NarrowSpread = 204 {
        0 header: MessageHeader, "Leads every message.";
        40 token_1: BeI32, "The near leg.";
        44 token_2: BeI32, "The far leg.";
        48 mbp_buy: BeI16, "Buy levels in use.";
        50 mbp_sell: BeI16, "Sell levels in use.";
        52 last_active_time: BeI32, "Seconds since 1980.";
        56 traded_volume: BeU32, "Units.";
        60 total_traded_value: BeF64, "Unit not documented.";
        68 buys: [NarrowSpreadLevel; 5], "Best first.";
        118 sells: [NarrowSpreadLevel; 5], "Best first.";
        168 prices: SpreadPrices, "Totals and prices of the day.";
    }

    /// FO 9.48, p. 195: the spread message 17211, whole.
    WideSpread = 248 {
        0 header: MessageHeader, "Leads every message.";
        40 token_1: BeI32, "The near leg.";
        44 token_2: BeI32, "The far leg.";
        48 mbp_buy: BeI16, "Buy levels in use.";
        50 mbp_sell: BeI16, "Sell levels in use.";
        52 last_active_time: BeI32, "Seconds since 1980.";
        56 traded_volume: BeI64, "Units.";
        64 total_traded_value: BeF64, "Unit not documented.";
        72 buys: [WideSpreadLevel; 5], "Best first.";
        142 sells: [WideSpreadLevel; 5], "Best first.";
        212 prices: SpreadPrices, "Totals and prices of the day.";
    }
}
