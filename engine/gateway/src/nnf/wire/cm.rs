//! Structures of the capital market (CM 6.3, chapters 2-4 and the trimmed appendix). Instruments go by
//! symbol and series, and the order flags lie in other places than in futures and options.

use super::field::{BeF64, BeI16, BeI32, BeI64, Text};
use super::full::MessageHeader;
use super::layout;

layout! {
    /// SEC_INFO: which security.
    SecInfo, 12 bytes {
        /// The company.
        0 symbol: Text<10>,
        /// `EQ`, …
        10 series: Text<2>,
    }
}

layout! {
    /// ST_ORDER_FLAGS of the capital market.
    CmOrderFlags, 2 bytes {
        /// Day or IOC, exactly one of them; the other attributes.
        0 terms: u8,
        /// What became of the order; pre-open and self trade.
        1 state: u8,
    }
}

layout! {
    /// ORDER_ENTRY_REQUEST_TR: a new order, 20000.
    CmOrderEntryRequestTr, 136 bytes {
        /// What the message is.
        0 transcode: BeI16,
        /// Whose order it is.
        2 trader_id: BeI32,
        /// The security.
        6 sec_info: SecInfo,
        /// The client's code.
        18 account_number: Text<10>,
        /// 1 regular lot, 3 stop-loss, …
        28 book_type: BeI16,
        /// 1 buy, 2 sell.
        30 buy_sell: BeI16,
        /// The part to show.
        32 disclosed_vol: BeI32,
        /// Units of the order.
        36 volume: BeI32,
        /// Paise.
        40 price: BeI32,
        /// 0.
        44 good_till_date: BeI32,
        /// What the order is.
        48 st_order_flags: CmOrderFlags,
        /// The branch.
        50 branch_id: BeI16,
        /// Who is signed on.
        52 user_id: BeI32,
        /// The trading member.
        56 broker_id: Text<5>,
        /// Blank on entry, `C` in close-out.
        61 suspended: Text<1>,
        /// Custodial participant.
        62 settlor: Text<12>,
        /// 1 client, 2 proprietary.
        74 pro_client: BeI16,
        /// The 15-digit identifier of product and terminal.
        76 nnf_field: BeF64,
        /// Free for the member.
        84 transaction_id: BeI32,
        /// Ten characters.
        88 pan: Text<10>,
        /// Issued by the exchange.
        98 algo_id: BeI32,
        /// Any.
        102 reserved_filler: BeI16,
        /// Any.
        104 reserved: [u8; 32],
    }
}

layout! {
    /// ORDER_OM_REQUEST_TR: modify 20040, cancel 20070.
    CmOrderOmRequestTr, 180 bytes {
        /// What the message is.
        0 transaction_code: BeI16,
        /// Seconds since 1980.
        2 log_time: BeI32,
        /// Who is signed on.
        6 user_id: BeI32,
        /// 0, or why not.
        10 error_code: BeI16,
        /// Jiffies of the matching engine.
        12 time_stamp1: BeI64,
        /// The stream of the matching engine.
        20 time_stamp2: u8,
        /// Who: `T`, `B`, `M`, or `C` for the exchange.
        21 modified_cancelled_by: Text<1>,
        /// 17 price freeze, 18 quantity freeze, …
        22 reason_code: BeI16,
        /// The security.
        24 sec_info: SecInfo,
        /// As confirmed, the same bits.
        36 order_number: BeF64,
        /// The client's code.
        44 account_number: Text<10>,
        /// 1 regular lot, 3 stop-loss, …
        54 book_type: BeI16,
        /// 1 buy, 2 sell.
        56 buy_sell: BeI16,
        /// The part to show.
        58 disclosed_vol: BeI32,
        /// Of the part to show, not traded.
        62 disclosed_vol_remaining: BeI32,
        /// Units not traded.
        66 total_vol_remaining: BeI32,
        /// Units of the order.
        70 volume: BeI32,
        /// Units traded.
        74 volume_filled_today: BeI32,
        /// Paise.
        78 price: BeI32,
        /// Seconds since 1980.
        82 entry_date_time: BeI32,
        /// Seconds since 1980.
        86 last_modified: BeI32,
        /// What the order is.
        90 st_order_flags: CmOrderFlags,
        /// The branch.
        92 branch_id: BeI16,
        /// Who is signed on.
        94 user_id_2: BeI32,
        /// The trading member.
        98 broker_id: Text<5>,
        /// Blank on entry, `C` in close-out.
        103 suspended: Text<1>,
        /// Custodial participant.
        104 settlor: Text<12>,
        /// 1 client, 2 proprietary.
        116 pro_client: BeI16,
        /// 0 T+0, 1 T+1; 0 on entry.
        118 settlement_type: BeI16,
        /// The 15-digit identifier of product and terminal.
        120 nnf_field: BeF64,
        /// Free for the member.
        128 transaction_id: BeI32,
        /// Ten characters.
        132 pan: Text<10>,
        /// Issued by the exchange.
        142 algo_id: BeI32,
        /// Any.
        146 reserved_filler: BeI16,
        /// To be sent back with the next change of the order.
        148 last_activity_reference: BeI64,
        /// Any.
        156 reserved: [u8; 24],
    }
}

layout! {
    /// ORDER_OM_RESPONSE_TR: confirmed 20073-20075, refused 20231, 20042, 20072, price 20012.
    CmOrderOmResponseTr, 216 bytes {
        /// What the message is.
        0 transaction_code: BeI16,
        /// Seconds since 1980.
        2 log_time: BeI32,
        /// Who is signed on.
        6 user_id: BeI32,
        /// 0, or why not.
        10 error_code: BeI16,
        /// Jiffies of the matching engine.
        12 time_stamp1: BeI64,
        /// The stream of the matching engine.
        20 time_stamp2: u8,
        /// Who: `T`, `B`, `M`, or `C` for the exchange.
        21 modified_cancelled_by: Text<1>,
        /// 17 price freeze, 18 quantity freeze, …
        22 reason_code: BeI16,
        /// The security.
        24 sec_info: SecInfo,
        /// As confirmed, the same bits.
        36 order_number: BeF64,
        /// The client's code.
        44 account_number: Text<10>,
        /// 1 regular lot, 3 stop-loss, …
        54 book_type: BeI16,
        /// 1 buy, 2 sell.
        56 buy_sell: BeI16,
        /// The part to show.
        58 disclosed_vol: BeI32,
        /// Of the part to show, not traded.
        62 disclosed_vol_remaining: BeI32,
        /// Units not traded.
        66 total_vol_remaining: BeI32,
        /// Units of the order.
        70 volume: BeI32,
        /// Units traded.
        74 volume_filled_today: BeI32,
        /// Paise.
        78 price: BeI32,
        /// Seconds since 1980.
        82 entry_date_time: BeI32,
        /// Seconds since 1980.
        86 last_modified: BeI32,
        /// What the order is.
        90 st_order_flags: CmOrderFlags,
        /// The branch.
        92 branch_id: BeI16,
        /// Who is signed on.
        94 user_id_2: BeI32,
        /// The trading member.
        98 broker_id: Text<5>,
        /// Blank on entry, `C` in close-out.
        103 suspended: Text<1>,
        /// Custodial participant.
        104 settlor: Text<12>,
        /// 1 client, 2 proprietary.
        116 pro_client: BeI16,
        /// 0 T+0, 1 T+1; 0 on entry.
        118 settlement_type: BeI16,
        /// The 15-digit identifier of product and terminal.
        120 nnf_field: BeF64,
        /// Free for the member.
        128 transaction_id: BeI32,
        /// Nanoseconds since 1980.
        132 timestamp: BeI64,
        /// Ten characters.
        140 pan: Text<10>,
        /// Issued by the exchange.
        150 algo_id: BeI32,
        /// Any.
        154 reserved_filler: BeI16,
        /// To be sent back with the next change of the order.
        156 last_activity_reference: BeI64,
        /// Any.
        164 reserved: [u8; 52],
    }
}

layout! {
    /// MS_TRADE_CONFIRM_TR: a trade, 20222.
    CmTradeConfirmTr, 192 bytes {
        /// What the message is.
        0 transaction_code: BeI16,
        /// Seconds since 1980.
        2 log_time: BeI32,
        /// Who is signed on.
        6 user_id: BeI32,
        /// Nanoseconds since 1980.
        10 time_stamp: BeI64,
        /// Jiffies of the matching engine.
        18 time_stamp1: [u8; 8],
        /// The order that traded.
        26 response_order_number: BeF64,
        /// The stream of the matching engine.
        34 time_stamp2: u8,
        /// The trading member.
        35 broker_id: Text<5>,
        /// Whose order it is.
        40 trader_num: BeI32,
        /// 1 buy, 2 sell.
        44 buy_sell: BeI16,
        /// The client's code.
        46 account_num: Text<10>,
        /// Units of the order.
        56 original_vol: BeI32,
        /// The part to show.
        60 disclosed_vol: BeI32,
        /// Units not traded.
        64 remaining_vol: BeI32,
        /// Of the part to show, not traded.
        68 disclosed_vol_remaining: BeI32,
        /// Paise.
        72 price: BeI32,
        /// What the order is.
        76 st_order_flags: CmOrderFlags,
        /// The exchange's number of the trade.
        78 fill_number: BeI32,
        /// Units traded now.
        82 fill_qty: BeI32,
        /// Paise, of the trade.
        86 fill_price: BeI32,
        /// Units traded.
        90 vol_filled_today: BeI32,
        /// A number in two characters.
        94 activity_type: Text<2>,
        /// Seconds since 1980.
        96 activity_time: BeI32,
        /// The security.
        100 sec_info: SecInfo,
        /// 1 regular lot, 3 stop-loss, …
        112 book_type: BeI16,
        /// 1 client, 2 proprietary.
        114 pro_client: BeI16,
        /// Ten characters.
        116 pan: Text<10>,
        /// Issued by the exchange.
        126 algo_id: BeI32,
        /// Any.
        130 reserved_filler: BeI16,
        /// To be sent back with the next change of the order.
        132 last_activity_reference: BeI64,
        /// Any.
        140 reserved: [u8; 52],
    }
}

layout! {
    /// ERROR_RESPONSE of the capital market.
    CmErrorResponse, 180 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// The security.
        40 sec_info: SecInfo,
        /// For people.
        52 error_message: Text<128>,
    }
}

/// The bits of F&O lie elsewhere: there Day is 0x08 and IOC 0x02.
impl CmOrderFlags {
    /// In `terms`: at the opening price.
    pub const ATO: u8 = 0x80;
    /// In `terms`: a market order.
    pub const MARKET: u8 = 0x40;
    /// In `terms`: a stop-loss order.
    pub const STOP_LOSS: u8 = 0x20;
    /// In `terms`: open until the end of the day.
    pub const DAY: u8 = 0x10;
    /// In `terms`: immediate or cancel.
    pub const IOC: u8 = 0x04;
    /// In `state`: partly or wholly traded.
    pub const TRADED: u8 = 0x40;
    /// In `state`: modified at least once.
    pub const MODIFIED: u8 = 0x20;
    /// In `state`: waits for approval by the exchange.
    pub const FROZEN: u8 = 0x10;
    /// In `state`: an order of the pre-open session.
    pub const PRE_OPEN: u8 = 0x08;
    /// In `state`: self trade: cancel the active order rather than do what the exchange does.
    pub const STPC: u8 = 0x02;
}
