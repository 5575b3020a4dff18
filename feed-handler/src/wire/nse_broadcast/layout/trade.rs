//! Last trades, market watch, open interest, price ranges and indices.

use super::layout;
use crate::wire::big_endian::{BeF64, BeI16, BeI32, BeI64, BeU32};

layout! {
    /// FO 9.48, p. 169: one of up to 17 of 7202.
    NarrowTicker = 26 {
        0 token: BeI32, "The contract.";
        4 market_type: BeI16, "1 normal.";
        6 fill_price: BeI32, "Paise.";
        10 fill_volume: BeI32, "Units.";
        14 open_interest: BeU32, "Units.";
        18 day_hi_oi: BeU32, "Units.";
        22 day_lo_oi: BeU32, "Units.";
    }

    /// FO 9.48, p. 169: one of up to 12 of 17202.
    WideTicker = 38 {
        0 token: BeI32, "The contract.";
        4 market_type: BeI16, "1 normal.";
        6 fill_price: BeI32, "Paise.";
        10 fill_volume: BeI32, "Units.";
        14 open_interest: BeI64, "Units.";
        22 day_hi_oi: BeI64, "Units.";
        30 day_lo_oi: BeI64, "Units.";
    }

    /// CM 6.3, p. 111: one of up to 28 of 18703.
    CashTicker = 18 {
        0 token: BeI32, "The security.";
        4 market_type: BeI16, "1 normal.";
        6 fill_price: BeI32, "Paise.";
        10 fill_volume: BeI32, "Units.";
        14 market_index_value: BeI32, "Hundredths of a point.";
    }

    /// FO 9.48, p. 184: one market of the F&O 17201.
    NarrowWatchMarket = 26 {
        0 indicator: [u8; 2], "From the top bit: last trade more, less; buy; sell.";
        2 buy_volume: BeI32, "Units at the best bid.";
        6 buy_price: BeI32, "Paise; 0 for none.";
        10 sell_volume: BeI32, "Units at the best ask.";
        14 sell_price: BeI32, "Paise; 0 for none.";
        18 last_trade_price: BeI32, "Paise.";
        22 last_trade_time: BeI32, "Seconds since 1980.";
    }

    /// FO 9.48, p. 184: one market of 7201.
    WideWatchMarket = 34 {
        0 indicator: [u8; 2], "From the top bit: last trade more, less; buy; sell.";
        2 buy_volume: BeI64, "Units at the best bid.";
        10 buy_price: BeI32, "Paise; 0 for none.";
        14 sell_volume: BeI64, "Units at the best ask.";
        22 sell_price: BeI32, "Paise; 0 for none.";
        26 last_trade_price: BeI32, "Paise.";
        30 last_trade_time: BeI32, "Seconds since 1980.";
    }

    /// FO 9.48, p. 183: one of up to 4 of the F&O 7201.
    WideWatch = 114 {
        0 token: BeI32, "The contract.";
        4 markets: [WideWatchMarket; 3], "Normal, odd lot, spot.";
        106 open_interest: BeI64, "Units.";
    }

    /// FO 9.48, p. 185: one of up to 5 of the F&O 17201.
    NarrowWatch = 90 {
        0 token: BeI32, "The contract.";
        4 markets: [NarrowWatchMarket; 3], "Normal, odd lot, spot.";
        82 open_interest: BeI64, "Units.";
    }

    /// CM 6.3: one of up to 4 of the CM 7201.
    CashWatch = 106 {
        0 token: BeI32, "The security.";
        4 markets: [WideWatchMarket; 3], "Normal, odd lot, spot.";
    }

    /// CM 6.3: one of up to 11 of the call auction's watch, 7215.
    AuctionWatchRecord = 40 {
        0 token: BeI32, "The security.";
        4 market_type: BeI16, "5 or 6, the call auctions.";
        6 indicator: [u8; 2], "From the top bit: last trade more, less; buy; sell.";
        8 buy_volume: BeI64, "Units at the best bid.";
        16 buy_price: BeI32, "Paise; 0 for none.";
        20 sell_volume: BeI64, "Units at the best ask.";
        28 sell_price: BeI32, "Paise; 0 for none.";
        32 last_trade_price: BeI32, "Paise.";
        36 last_trade_time: BeI32, "Seconds since 1980.";
    }

    /// CM 6.3: one of up to 8 of the call auction's cancelled quantities, 7210.
    AuctionCancelRecord = 56 {
        0 token: BeI32, "The security.";
        4 reserved: [u8; 4], "Not used.";
        8 buy_cancel_count: BeI64, "Buy orders cancelled.";
        16 buy_cancel_volume: BeI64, "Units.";
        24 sell_cancel_count: BeI64, "Sell orders cancelled.";
        32 sell_cancel_volume: BeI64, "Units.";
        40 reserved_2: [u8; 16], "Not used.";
    }

    /// FO 9.48, p. 198: one of up to 25 of the execution range, 7220.
    ExecutionRangeRecord = 12 {
        0 token: BeI32, "The contract.";
        4 high_exec_band: BeI32, "Paise.";
        8 low_exec_band: BeI32, "Paise.";
    }

    /// FO 9.48, p. 200: one of up to 58 of 7130.
    NarrowOpenInterest = 8 {
        0 token: BeI32, "The underlying.";
        4 current_oi: BeU32, "Units.";
    }

    /// FO 9.48, p. 201: one of up to 39 of 17130.
    WideOpenInterest = 12 {
        0 token: BeI32, "The underlying.";
        4 current_oi: BeI64, "Units.";
    }

    /// FO 9.48, p. 187, and CM 6.3, p. 139: one of up to 6 of 7207, 7216 and 8207.
    IndexRecord = 72 {
        0 index_name: [u8; 21], "Padded with blanks.";
        21 pad: u8, "Alignment.";
        22 value: BeI32, "Hundredths of a point; in 8207 the indicative close.";
        26 high: BeI32, "Hundredths of a point.";
        30 low: BeI32, "Hundredths of a point.";
        34 open: BeI32, "Hundredths of a point.";
        38 close: BeI32, "Hundredths of a point.";
        42 percent_change: BeI32, "Hundredths of a percent.";
        46 yearly_high: BeI32, "Hundredths of a point.";
        50 yearly_low: BeI32, "Hundredths of a point.";
        54 no_of_upmoves: BeI32, "In 8207 the change of the indicative close.";
        58 no_of_downmoves: BeI32, "Downward moves.";
        62 market_capitalisation: BeF64, "Unit not documented.";
        70 net_change_indicator: u8, "`+`, `-` or blank.";
        71 reserved: u8, "Not used.";
    }

    /// FO 9.48: one of up to 20 of the F&O 7203.
    IndustryIndexFo = 20 {
        0 industry_name: [u8; 15], "Padded with blanks.";
        15 pad: u8, "Alignment.";
        16 index_value: BeI32, "Hundredths of a point.";
    }

    /// CM 6.3: one of up to 17 of the CM 7203.
    IndustryIndexCm = 26 {
        0 industry_name: [u8; 21], "Padded with blanks.";
        21 pad: u8, "Alignment.";
        22 index_value: BeI32, "Hundredths of a point.";
    }
}
