//! Full-size structures of the capital market: sign-on, system information, the order and the trade
//! (CM 6.3, chapters 3-5). Downloaded messages come in them.

use super::cm::{CmOrderFlags, SecInfo};
use super::field::{BeF64, BeI16, BeI32, BeI64, Secret, Text};
use super::full::MessageHeader;
use super::layout;

layout! {
    /// SIGNON 2300 and 2301.
    CmSignon, 276 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// Who is signed on.
        40 user_id: BeI32,
        /// Any.
        44 reserved: [u8; 8],
        /// Blank-padded.
        52 password: Secret<8>,
        /// Any.
        60 reserved_2: [u8; 8],
        /// Blank unless it is to change.
        68 new_password: Secret<8>,
        /// In 2301.
        76 trader_name: Text<26>,
        /// Seconds since 1980.
        102 last_password_change_date_time: BeI32,
        /// The trading member.
        106 broker_id: Text<5>,
        /// Any.
        111 reserved_3: u8,
        /// The branch.
        112 branch_id: BeI16,
        /// Of the protocol, as VVRRSS.
        114 version_number: BeI32,
        /// Any.
        118 reserved_4: [u8; 56],
        /// 0 dealer, 4 corporate manager, 5 branch manager.
        174 user_type: BeI16,
        /// 0.
        176 sequence_number: BeF64,
        /// The workstation.
        184 workstation_number: Text<14>,
        /// `A` active, `S` suspended, `D` deactivated, `C` and `V` close-out.
        198 broker_status: Text<1>,
        /// `T`.
        199 show_index: Text<1>,
        /// Bits of markets.
        200 broker_eligibility_per_market: [u8; 2],
        /// In 2301.
        202 broker_name: Text<26>,
        /// Any.
        228 reserved_5: [u8; 16],
        /// Any.
        244 reserved_6: [u8; 16],
        /// Any.
        260 reserved_7: [u8; 16],
    }
}

layout! {
    /// SYSTEM_INFORMATION_OUT 1601.
    CmSystemInformationOut, 94 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// 0 pre-open, 1 open, 2 closed, 3 pre-open ended, 4 post-close.
        40 normal: BeI16,
        /// As before.
        42 oddlot: BeI16,
        /// As before.
        44 spot: BeI16,
        /// As before.
        46 auction: BeI16,
        /// As before.
        48 call_auction1: BeI16,
        /// As before.
        50 call_auction2: BeI16,
        /// Any.
        52 market_index: BeI32,
        /// Of one market.
        56 default_settlement_period: BeI16,
        /// Of one market.
        58 default_settlement_period_2: BeI16,
        /// Of one market.
        60 default_settlement_period_3: BeI16,
        /// 0.
        62 competitor_period: BeI16,
        /// 0.
        64 solicitor_period: BeI16,
        /// Percent.
        66 warning_percent: BeI16,
        /// Percent.
        68 volume_freeze_percent: BeI16,
        /// Any.
        70 reserved: [u8; 2],
        /// Minutes.
        72 terminal_idle_time: BeI16,
        /// Units.
        74 board_lot_quantity: BeI32,
        /// Paise.
        78 tick_size: BeI32,
        /// Days.
        82 maximum_gtc_days: BeI16,
        /// Bits.
        84 securityeligible: [u8; 2],
        /// Percent.
        86 disclosed_quantity_percent_allowed: BeI16,
        /// Any.
        88 reserved_2: [u8; 6],
    }
}

layout! {
    /// UPDATE_LOCALDB_IN 7300.
    CmUpdateLocaldbIn, 62 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// Seconds since 1980.
        40 last_update_security_time: BeI32,
        /// Seconds since 1980.
        44 last_update_participant_time: BeI32,
        /// `G` for open orders that last longer than a day.
        48 request_for_open_orders: Text<1>,
        /// Any.
        49 reserved: u8,
        /// 0 pre-open, 1 open, 2 closed, 3 pre-open ended, 4 post-close.
        50 normal_market_status: BeI16,
        /// As before.
        52 odd_lot_market_status: BeI16,
        /// As before.
        54 spot_market_status: BeI16,
        /// As before.
        56 auction_market_status: BeI16,
        /// As before.
        58 call_auction1_market_status: BeI16,
        /// As before.
        60 call_auction2_market_status: BeI16,
    }
}

layout! {
    /// ORDER_ENTRY_REQUEST: 2000, 2040, 2070, kill switch 2062, and full-size answers.
    CmOrderEntryRequest, 290 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// Any.
        40 participant_type: u8,
        /// Any.
        41 reserved: u8,
        /// 0.
        42 competitor_period: BeI16,
        /// 0.
        44 solicitor_period: BeI16,
        /// Who: `T`, `B`, `M`, or `C` for the exchange.
        46 mod_cxl_by: Text<1>,
        /// Any.
        47 filler9: u8,
        /// 17 price freeze, 18 quantity freeze, …
        48 reason_code: BeI16,
        /// Any.
        50 reserved_2: [u8; 4],
        /// The security.
        54 sec_info: SecInfo,
        /// 0 outside auctions.
        66 auction_number: BeI16,
        /// Blank.
        68 op_broker_id: Text<5>,
        /// Blank on entry, `C` in close-out.
        73 suspended: Text<1>,
        /// As confirmed, the same bits.
        74 order_number: BeF64,
        /// The client's code.
        82 account_number: Text<10>,
        /// 1 regular lot, 3 stop-loss, …
        92 book_type: BeI16,
        /// 1 buy, 2 sell.
        94 buy_sell: BeI16,
        /// The part to show.
        96 disclosed_vol: BeI32,
        /// Of the part to show, not traded.
        100 disclosed_vol_remaining: BeI32,
        /// Units not traded.
        104 total_vol_remaining: BeI32,
        /// Units of the order.
        108 volume: BeI32,
        /// Units traded.
        112 volume_filled_today: BeI32,
        /// Paise.
        116 price: BeI32,
        /// Paise, of a stop-loss order.
        120 trigger_price: BeI32,
        /// 0.
        124 good_till_date: BeI32,
        /// Seconds since 1980.
        128 entry_date_time: BeI32,
        /// 0.
        132 min_fill_aon: BeI32,
        /// Seconds since 1980.
        136 last_modified: BeI32,
        /// What the order is.
        140 st_order_flags: CmOrderFlags,
        /// The branch.
        142 branch_id: BeI16,
        /// Whose order it is.
        144 trader_id: BeI32,
        /// The trading member.
        148 broker_id: Text<5>,
        /// The member's remarks.
        153 oe_remarks: Text<25>,
        /// Custodial participant.
        178 settlor: Text<12>,
        /// 1 client, 2 proprietary.
        190 pro_client: BeI16,
        /// 0 T+0, 1 T+1; 0 on entry.
        192 settlement_type: BeI16,
        /// The 15-digit identifier of product and terminal.
        194 nnf_field: BeF64,
        /// Time of the execution.
        202 exec_time_stamp: BeF64,
        /// Any.
        210 reserved_3: [u8; 4],
        /// Ten characters.
        214 pan: Text<10>,
        /// Issued by the exchange.
        224 algo_id: BeI32,
        /// Any.
        228 reserved_filler: BeI16,
        /// To be sent back with the next change of the order.
        230 last_activity_reference: BeI64,
        /// Any.
        238 reserved_4: [u8; 52],
    }
}

layout! {
    /// MS_TRADE_CONFIRM: trade 2222, trigger 2212, trade changes 2282, 2286, 2287.
    CmTradeConfirm, 228 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// The order that traded.
        40 response_order_number: BeF64,
        /// The trading member.
        48 broker_id: Text<5>,
        /// Any.
        53 reserved: u8,
        /// Whose order it is.
        54 trader_num: BeI32,
        /// The client's code.
        58 account_num: Text<10>,
        /// 1 buy, 2 sell.
        68 buy_sell: BeI16,
        /// Units of the order.
        70 original_vol: BeI32,
        /// The part to show.
        74 disclosed_vol: BeI32,
        /// Units not traded.
        78 remaining_vol: BeI32,
        /// Of the part to show, not traded.
        82 disclosed_vol_remaining: BeI32,
        /// Paise.
        86 price: BeI32,
        /// What the order is.
        90 st_order_flags: CmOrderFlags,
        /// 0.
        92 gtd: BeI32,
        /// The exchange's number of the trade.
        96 fill_number: BeI32,
        /// Units traded now.
        100 fill_qty: BeI32,
        /// Paise, of the trade.
        104 fill_price: BeI32,
        /// Units traded.
        108 vol_filled_today: BeI32,
        /// A number in two characters.
        112 activity_type: Text<2>,
        /// Seconds since 1980.
        114 activity_time: BeI32,
        /// 0.
        118 op_order_number: BeF64,
        /// Blank.
        126 op_broker_id: Text<5>,
        /// The security.
        131 sec_info: SecInfo,
        /// Any.
        143 reserved_2: u8,
        /// 1 regular lot, 3 stop-loss, …
        144 book_type: BeI16,
        /// Units after the change.
        146 new_volume: BeI32,
        /// 1 client, 2 proprietary.
        150 pro_client: BeI16,
        /// Ten characters.
        152 pan: Text<10>,
        /// Issued by the exchange.
        162 algo_id: BeI32,
        /// Any.
        166 reserved_filler: BeI16,
        /// To be sent back with the next change of the order.
        168 last_activity_reference: BeI64,
        /// Any.
        176 reserved_3: [u8; 52],
    }
}

layout! {
    /// TRADE_INQUIRY_DATA: change 5445 or cancel 5440 a trade, and the answers.
    CmTradeInquiryData, 210 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// The security.
        40 sec_info: SecInfo,
        /// The exchange's number of the trade.
        52 fill_number: BeI32,
        /// Units traded now.
        56 fill_qty: BeI32,
        /// Paise, of the trade.
        60 fill_price: BeI32,
        /// 1 normal, …
        64 market_type: BeI16,
        /// Units after the change.
        66 new_volume: BeI32,
        /// Any.
        70 reserved: [u8; 24],
        /// The buying member.
        94 buy_broker_id: Text<5>,
        /// The selling member.
        99 sell_broker_id: Text<5>,
        /// Whose order it is.
        104 trader_id: BeI32,
        /// 1 buyer, 2 seller, 3 both.
        108 requested_by: BeI16,
        /// The buyer's client code.
        110 buy_account_number: Text<10>,
        /// The seller's client code.
        120 sell_account_number: Text<10>,
        /// Of the buyer.
        130 buy_pan: Text<10>,
        /// Of the seller.
        140 sell_pan: Text<10>,
        /// Any.
        150 reserved_2: [u8; 60],
    }
}
