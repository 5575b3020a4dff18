//! Full-size structures of futures and options beside the order itself: price-only change, spreads
//! and multi-leg orders, trades, acknowledgements (FO 9.48, chapters 4-6 and 15).

use super::field::{BeF64, BeI16, BeI32, BeI64, Text};
use super::full::{ContractDesc, MessageHeader};
use super::layout;
use super::trimmed::{AdditionalOrderFlags, StOrderFlags};

layout! {
    /// MS_ACK_RESPONSE 20401 to 20417: the gateway has the request.
    MsAckResponse, 22 bytes {
        /// What the message is.
        0 transaction_code: BeI16,
        /// Whose order it is.
        2 trader_id: BeI32,
        /// Nanoseconds since 1980.
        6 time_stamp: BeI64,
        /// Free for the member.
        14 reference: BeI32,
        /// 0, or why not.
        18 error_code: BeI16,
        /// Of the message, with its header.
        20 message_length: BeI16,
    }
}

layout! {
    /// PRICE_MOD 2013 and 20406: another price, nothing else.
    PriceMod, 106 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// The contract's number.
        40 token_no: BeI32,
        /// Whose order it is.
        44 trader_id: BeI32,
        /// As confirmed, the same bits.
        48 order_number: BeF64,
        /// 1 buy, 2 sell.
        56 buy_sell: BeI16,
        /// Paise.
        58 price: BeI32,
        /// Units of the order.
        62 volume: BeI32,
        /// Seconds since 1980.
        66 last_modified: BeI32,
        /// Free for the member.
        70 reference: Text<4>,
        /// To be sent back with the next change of the order.
        74 last_activity_reference: BeI64,
        /// Any.
        82 reserved: [u8; 24],
    }
}

layout! {
    /// MS_SPD_LEG_INFO: a further leg.
    MsSpdLegInfo, 80 bytes {
        /// This leg.
        0 token2: BeI32,
        /// The contract.
        4 contract_desc: ContractDesc,
        /// Blank.
        32 op_broker_id2: Text<5>,
        /// Any.
        37 filler_x2: u8,
        /// Any.
        38 order_type2: BeI16,
        /// 1 buy, 2 sell.
        40 buy_sell2: BeI16,
        /// The part to show.
        42 disclosed_vol2: BeI32,
        /// Of the part to show, not traded.
        46 disclosed_vol_remaining2: BeI32,
        /// Units not traded.
        50 total_vol_remaining2: BeI32,
        /// Units of the order.
        54 volume2: BeI32,
        /// Units traded.
        58 volume_filled_today2: BeI32,
        /// Paise.
        62 price2: BeI32,
        /// Paise, of a stop-loss order.
        66 trigger_price2: BeI32,
        /// 0.
        70 min_fill_aon2: BeI32,
        /// What the order is.
        74 st_order_flags: StOrderFlags,
        /// `O` or `C`.
        76 open_close2: Text<1>,
        /// Self trade, cancel on logoff.
        77 additional_order_flags: AdditionalOrderFlags,
        /// Any.
        78 reserved: u8,
        /// Any.
        79 filler_y: u8,
    }
}

layout! {
    /// MS_SPD_OE_REQUEST: spreads 2100, 2118, 2106, two and three legs 2102, 2104, and the answers.
    MsSpdOeRequest, 480 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// Any.
        40 participant_type1: u8,
        /// Any.
        41 filler1: u8,
        /// 0.
        42 competitor_period1: BeI16,
        /// 0.
        44 solicitor_period1: BeI16,
        /// Who: `T`, `B`, `M`, or `C` for the exchange.
        46 mod_cxl_by1: Text<1>,
        /// Any.
        47 filler9: u8,
        /// 17 price freeze, 18 quantity freeze, …
        48 reason_code1: BeI16,
        /// Any.
        50 start_alpha1: Text<2>,
        /// Any.
        52 end_alpha1: Text<2>,
        /// First leg.
        54 token1: BeI32,
        /// The contract.
        58 contract_desc: ContractDesc,
        /// Blank.
        86 op_broker_id1: Text<5>,
        /// Any.
        91 filler_x1: u8,
        /// Any.
        92 filler_options1: [u8; 3],
        /// Any.
        95 filler_y1: u8,
        /// Any.
        96 order_type1: BeI16,
        /// 0 when the order never had one.
        98 order_number1: BeF64,
        /// The client's code.
        106 account_number1: Text<10>,
        /// 1 regular lot.
        116 book_type1: BeI16,
        /// 1 buy, 2 sell.
        118 buy_sell1: BeI16,
        /// The part to show.
        120 disclosed_vol1: BeI32,
        /// Of the part to show, not traded.
        124 disclosed_vol_remaining1: BeI32,
        /// Units not traded.
        128 total_vol_remaining1: BeI32,
        /// Units of the order.
        132 volume1: BeI32,
        /// Units traded.
        136 volume_filled_today1: BeI32,
        /// Paise.
        140 price1: BeI32,
        /// Paise, of a stop-loss order.
        144 trigger_price1: BeI32,
        /// 0.
        148 good_till_date1: BeI32,
        /// Seconds since 1980.
        152 entry_date_time1: BeI32,
        /// 0.
        156 min_fill_aon1: BeI32,
        /// Seconds since 1980.
        160 last_modified1: BeI32,
        /// What the order is.
        164 st_order_flags: StOrderFlags,
        /// The branch.
        166 branch_id1: BeI16,
        /// Whose order it is.
        168 trader_id1: BeI32,
        /// The trading member.
        172 broker_id1: Text<5>,
        /// The member's remarks.
        177 c_ord_filler: Text<24>,
        /// `O` or `C`.
        201 open_close1: Text<1>,
        /// Custodial participant.
        202 settlor1: Text<12>,
        /// 1 client, 2 proprietary.
        214 pro_client1: BeI16,
        /// Any.
        216 settlement_period1: BeI16,
        /// Self trade, cancel on logoff.
        218 additional_order_flags: AdditionalOrderFlags,
        /// Any.
        219 reserved: u8,
        /// Any.
        220 fillers: [u8; 2],
        /// Any.
        222 filler17: u8,
        /// Any.
        223 filler18: u8,
        /// The 15-digit identifier of product and terminal.
        224 nnf_field: BeF64,
        /// Any.
        232 mkt_replay: BeI64,
        /// Ten characters.
        240 pan: Text<10>,
        /// Issued by the exchange.
        250 algo_id: BeI32,
        /// Any.
        254 reserved_2: BeI16,
        /// To be sent back with the next change of the order.
        256 last_activity_reference: BeI64,
        /// Any.
        264 reserved_3: [u8; 52],
        /// Price of the second leg minus that of the first, paise.
        316 price_diff: BeI32,
        /// The second leg.
        320 leg_info2: MsSpdLegInfo,
        /// The third leg.
        400 leg_info3: MsSpdLegInfo,
    }
}

layout! {
    /// MS_TRADE_CONFIRM: trade 2222, trigger 2212, trade cancelled 2282 or modified 2287.
    MsTradeConfirm, 296 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// The order that traded.
        40 response_order_number: BeF64,
        /// The trading member.
        48 broker_id: Text<5>,
        /// Any.
        53 reserved: u8,
        /// Whose order it is.
        54 trader_number: BeI32,
        /// The client's code.
        58 account_number: Text<10>,
        /// 1 buy, 2 sell.
        68 buy_sell_indicator: BeI16,
        /// Units of the order.
        70 original_volume: BeI32,
        /// The part to show.
        74 disclosed_volume: BeI32,
        /// Units not traded.
        78 remaining_volume: BeI32,
        /// Of the part to show, not traded.
        82 disclosed_volume_remaining: BeI32,
        /// Paise.
        86 price: BeI32,
        /// What the order is.
        90 st_order_flags: StOrderFlags,
        /// 0.
        92 good_till_date: BeI32,
        /// The exchange's number of the trade.
        96 fill_number: BeI32,
        /// Units traded now.
        100 fill_quantity: BeI32,
        /// Paise, of the trade.
        104 fill_price: BeI32,
        /// Units traded.
        108 volume_filled_today: BeI32,
        /// A number in two characters.
        112 activity_type: Text<2>,
        /// Seconds since 1980.
        114 activity_time: BeI32,
        /// 0.
        118 counter_trader_order_number: BeF64,
        /// Blank.
        126 counter_broker_id: Text<5>,
        /// Zero.
        131 pad: u8,
        /// The contract's number.
        132 token: BeI32,
        /// The contract.
        136 contract_desc: ContractDesc,
        /// `O` or `C`.
        164 open_close: Text<1>,
        /// `O` or `C`.
        165 old_open_close: Text<1>,
        /// 1 regular lot, 3 stop-loss, …
        166 book_type: Text<1>,
        /// Zero.
        167 pad_2: u8,
        /// Any.
        168 reserved_2: BeI32,
        /// Before the change.
        172 old_account_number: Text<10>,
        /// Custodial participant.
        182 participant: Text<12>,
        /// Before the change.
        194 old_participant: Text<12>,
        /// Self trade, cancel on logoff.
        206 additional_order_flags: AdditionalOrderFlags,
        /// Any.
        207 reserved_3: u8,
        /// Any.
        208 reserved_4: u8,
        /// Any.
        209 reserved_filler2: u8,
        /// Ten characters.
        210 pan: Text<10>,
        /// Before the change.
        220 old_pan: Text<10>,
        /// Issued by the exchange.
        230 algo_id: BeI32,
        /// Any.
        234 reserved_5: BeI16,
        /// To be sent back with the next change of the order.
        236 last_activity_reference: BeI64,
        /// Any.
        244 reserved_6: [u8; 52],
    }
}

layout! {
    /// MS_TRADE_INQ_DATA: change 5445 or cancel 5440 a trade, and the answers.
    MsTradeInqData, 234 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// The contract's number.
        40 token_no: BeI32,
        /// The contract.
        44 contract_desc: ContractDesc,
        /// The exchange's number of the trade.
        72 fill_number: BeI32,
        /// Units traded now.
        76 fill_quantity: BeI32,
        /// Paise, of the trade.
        80 fill_price: BeI32,
        /// 1 normal, …
        84 mkt_type: Text<1>,
        /// `O` or `C`.
        85 buy_open_close: Text<1>,
        /// Any.
        86 reserved: BeI32,
        /// The buying member.
        90 buy_broker_id: Text<5>,
        /// The selling member.
        95 sell_broker_id: Text<5>,
        /// Whose order it is.
        100 trader_id: BeI32,
        /// 1 buyer, 2 seller, 3 both.
        104 requested_by: Text<1>,
        /// `O` or `C`.
        105 sell_open_close: Text<1>,
        /// The buyer's client code.
        106 buy_account_number: Text<10>,
        /// The seller's client code.
        116 sell_account_number: Text<10>,
        /// Any.
        126 reserved_2: [u8; 24],
        /// Any.
        150 reserved_filler: [u8; 2],
        /// Any.
        152 reserved_3: [u8; 2],
        /// Of the buyer.
        154 buy_pan: Text<10>,
        /// Of the seller.
        164 sell_pan: Text<10>,
        /// Any.
        174 reserved_4: [u8; 60],
    }
}
