//! The packet envelope and the trimmed order structures (FO 9.48, chapters 11 and 15).
//!
//! Trimmed messages have no message header: they begin with the transaction code. Where the
//! documents print offsets without the pad bytes, packing to two gives the stated lengths, and
//! that is what stands here. Shared rules: prices in paise, quantities in units, times in seconds
//! since 1980 on the wall clock in India unless the field says nanoseconds.

use super::field::{BeF64, BeI16, BeI32, BeI64, BeU16, BeU32, Text};
use super::layout;

layout! {
    /// What stands before every message (FO 9.48, chapter 11).
    Envelope, 22 bytes {
        /// Of the envelope and the message, at most 1024.
        0 length: BeU16,
        /// Free in the encrypted methods, and echoed in the answers; 0 in the plain one.
        2 sequence: BeU32,
        /// MD5 of the plain message, or the AES-GCM tag.
        6 checksum: [u8; 16],
    }
}

layout! {
    /// CONTRACT_DESC_TR: which contract.
    ContractDescTr, 26 bytes {
        /// `FUTIDX`, `FUTSTK`, `OPTIDX` or `OPTSTK`.
        0 instrument_name: Text<6>,
        /// The underlying.
        6 symbol: Text<10>,
        /// Seconds since 1980.
        16 expiry_date: BeI32,
        /// Paise; -1 for a future.
        20 strike_price: BeI32,
        /// `CE`, `PE`, or `XX` for a future.
        24 option_type: Text<2>,
    }
}

layout! {
    /// ST_ORDER_FLAGS of futures and options. In the capital market the bits lie elsewhere.
    StOrderFlags, 2 bytes {
        /// [`Self::DAY`] or [`Self::IOC`], exactly one of them; the other attributes.
        0 terms: u8,
        /// What became of the order, and [`Self::PRE_OPEN`].
        1 state: u8,
    }
}

impl StOrderFlags {
    /// In `terms`: at the opening price.
    pub const ATO: u8 = 0x80;
    /// In `terms`: a market order.
    pub const MARKET: u8 = 0x40;
    /// In `terms`: a stop-loss order.
    pub const STOP_LOSS: u8 = 0x20;
    /// In `terms`: open until the end of the day.
    pub const DAY: u8 = 0x08;
    /// In `terms`: immediate or cancel.
    pub const IOC: u8 = 0x02;
    /// In `state`: partly or wholly traded.
    pub const TRADED: u8 = 0x20;
    /// In `state`: modified at least once.
    pub const MODIFIED: u8 = 0x10;
    /// In `state`: waits for approval by the exchange.
    pub const FROZEN: u8 = 0x08;
    /// In `state`: an order of the pre-open session.
    pub const PRE_OPEN: u8 = 0x04;
}

layout! {
    /// ADDITIONAL_ORDER_FLAGS of futures and options.
    AdditionalOrderFlags, 1 bytes {
        /// [`Self::STPC`], [`Self::COL`].
        0 bits: u8,
    }
}

impl AdditionalOrderFlags {
    /// Self trade: cancel the active order rather than do what the exchange does by default.
    pub const STPC: u8 = 0x10;
    /// Cancel on logoff.
    pub const COL: u8 = 0x02;
    /// Named BOC, not explained; book-or-cancel by its name.
    pub const BOC: u8 = 0x01;
}

layout! {
    /// MS_OE_REQUEST_TR: a new order, 20000 (FO 9.48, chapter 15).
    MsOeRequestTr, 158 bytes {
        /// 20000.
        0 transaction_code: BeI16,
        /// Who is signed on.
        2 user_id: BeI32,
        /// 0.
        6 reason_code: BeI16,
        /// The contract's number.
        8 token_no: BeI32,
        /// Mandatory beside the token.
        12 contract_desc: ContractDescTr,
        /// The client's code, blank for own orders.
        38 account_number: Text<10>,
        /// 1, regular lot.
        48 book_type: BeI16,
        /// 1 buy, 2 sell.
        50 buy_sell_indicator: BeI16,
        /// 0, or the part to show.
        52 disclosed_volume: BeI32,
        /// Units, a multiple of the lot.
        56 volume: BeI32,
        /// Paise; 0 asks for a market order.
        60 price: BeI32,
        /// 0.
        64 good_till_date: BeI32,
        /// Day or IOC.
        68 st_order_flags: StOrderFlags,
        /// The branch.
        70 branch_id: BeI16,
        /// Whose order it is.
        72 trader_id: BeI32,
        /// The trading member.
        76 broker_id: Text<5>,
        /// `O` or `C`.
        81 open_close: Text<1>,
        /// Custodial participant, blank for own.
        82 settlor: Text<12>,
        /// 1 client, 2 proprietary.
        94 pro_client_indicator: BeI16,
        /// Self trade, cancel on logoff.
        96 additional_order_flags: AdditionalOrderFlags,
        /// Zero.
        97 pad: u8,
        /// Free for the member.
        98 filler: BeI32,
        /// The 15-digit identifier of product and terminal.
        102 nnf_field: BeF64,
        /// Mandatory for every order.
        110 pan: Text<10>,
        /// Issued by the exchange, 0 for an order of a person.
        120 algo_id: BeI32,
        /// Zero.
        124 reserved: BeI16,
        /// Zero.
        126 reserved_tail: [u8; 32],
    }
}

layout! {
    /// MS_OM_REQUEST_TR: modify 20040, cancel 20070, quick cancel 20060 (FO 9.48, chapter 15).
    MsOmRequestTr, 186 bytes {
        /// 20040, 20060 or 20070.
        0 transaction_code: BeI16,
        /// Who is signed on.
        2 user_id: BeI32,
        /// `T` dealer, `B` branch manager, `M` corporate manager.
        6 modified_cancelled_by: Text<1>,
        /// Zero.
        7 pad: u8,
        /// The contract's number.
        8 token_no: BeI32,
        /// Mandatory beside the token.
        12 contract_desc: ContractDescTr,
        /// As confirmed, the same bits.
        38 order_number: BeF64,
        /// The client's code, blank for own orders.
        46 account_number: Text<10>,
        /// 1, regular lot.
        56 book_type: BeI16,
        /// 1 buy, 2 sell.
        58 buy_sell_indicator: BeI16,
        /// 0, or the part to show.
        60 disclosed_volume: BeI32,
        /// 0 from the member.
        64 disclosed_volume_remaining: BeI32,
        /// Units that stay open.
        68 total_volume_remaining: BeI32,
        /// Units that stay open; see `docs/wire/nnf.md` on the reading of this field.
        72 volume: BeI32,
        /// Units traded.
        76 volume_filled_today: BeI32,
        /// Paise.
        80 price: BeI32,
        /// 0.
        84 good_till_date: BeI32,
        /// As last received.
        88 entry_date_time: BeI32,
        /// As last received.
        92 last_modified: BeI32,
        /// Day or IOC.
        96 st_order_flags: StOrderFlags,
        /// The branch.
        98 branch_id: BeI16,
        /// Whose order it is.
        100 trader_id: BeI32,
        /// The trading member.
        104 broker_id: Text<5>,
        /// `O` or `C`.
        109 open_close: Text<1>,
        /// Custodial participant, blank for own.
        110 settlor: Text<12>,
        /// 1 client, 2 proprietary.
        122 pro_client_indicator: BeI16,
        /// May not differ from the new order's.
        124 additional_order_flags: AdditionalOrderFlags,
        /// Zero.
        125 pad_2: u8,
        /// Free for the member.
        126 filler: BeI32,
        /// The 15-digit identifier of product and terminal.
        130 nnf_field: BeF64,
        /// May not differ from the new order's.
        138 pan: Text<10>,
        /// Issued by the exchange, 0 for an order of a person.
        148 algo_id: BeI32,
        /// Zero.
        152 reserved: BeI16,
        /// As last received; an old one is refused with 16044.
        154 last_activity_reference: BeI64,
        /// Zero.
        162 reserved_tail: [u8; 24],
    }
}

layout! {
    /// MS_OE_RESPONSE_TR: confirmed 20073, modified 20074, cancelled 20075 (FO 9.48, chapter 15).
    MsOeResponseTr, 240 bytes {
        /// 20073, 20074 or 20075.
        0 transaction_code: BeI16,
        /// Seconds since 1980.
        2 log_time: BeI32,
        /// Who is signed on.
        6 user_id: BeI32,
        /// Why, when it is not a plain success.
        10 error_code: BeI16,
        /// Jiffies of the matching engine; a message download starts from it.
        12 time_stamp1: BeI64,
        /// The stream of the matching engine.
        20 time_stamp2: u8,
        /// Who: `T`, `B`, `M`, or `C` for the exchange.
        21 modified_cancelled_by: Text<1>,
        /// 17 price freeze, 18 quantity freeze, …
        22 reason_code: BeI16,
        /// The contract's number.
        24 token_no: BeI32,
        /// The contract.
        28 contract_desc: ContractDescTr,
        /// Whether the member is in close-out.
        54 closeout_flag: Text<1>,
        /// Any.
        55 pad: u8,
        /// The exchange's number: two digits of stream, fourteen of sequence.
        56 order_number: BeF64,
        /// The client's code.
        64 account_number: Text<10>,
        /// 1, regular lot.
        74 book_type: BeI16,
        /// 1 buy, 2 sell.
        76 buy_sell_indicator: BeI16,
        /// The part to show.
        78 disclosed_volume: BeI32,
        /// Of it, not traded.
        82 disclosed_volume_remaining: BeI32,
        /// Units not traded.
        86 total_volume_remaining: BeI32,
        /// Units of the order.
        90 volume: BeI32,
        /// Units traded.
        94 volume_filled_today: BeI32,
        /// Paise.
        98 price: BeI32,
        /// 0.
        102 good_till_date: BeI32,
        /// Seconds since 1980.
        106 entry_date_time: BeI32,
        /// Seconds since 1980.
        110 last_modified: BeI32,
        /// What the order is.
        114 st_order_flags: StOrderFlags,
        /// The branch.
        116 branch_id: BeI16,
        /// Whose order it is.
        118 trader_id: BeI32,
        /// The trading member.
        122 broker_id: Text<5>,
        /// `O` or `C`.
        127 open_close: Text<1>,
        /// Custodial participant.
        128 settlor: Text<12>,
        /// 1 client, 2 proprietary.
        140 pro_client_indicator: BeI16,
        /// Self trade, cancel on logoff.
        142 additional_order_flags: AdditionalOrderFlags,
        /// Any.
        143 pad_2: u8,
        /// By its place the filler of the request; that it returns is not written anywhere.
        144 filler: BeI32,
        /// As sent.
        148 nnf_field: BeF64,
        /// Nanoseconds since 1980.
        156 time_stamp: BeI64,
        /// As sent.
        164 pan: Text<10>,
        /// As sent.
        174 algo_id: BeI32,
        /// Zero.
        178 reserved: BeI16,
        /// To be sent back with the next change of the order.
        180 last_activity_reference: BeI64,
        /// Any.
        188 reserved_tail: [u8; 52],
    }
}

layout! {
    /// MS_TRADE_CONFIRM_TR: a trade, 20222 (FO 9.48, chapter 15).
    MsTradeConfirmTr, 230 bytes {
        /// 20222.
        0 transaction_code: BeI16,
        /// Seconds since 1980.
        2 log_time: BeI32,
        /// Whose order it is.
        6 trader_id: BeI32,
        /// Nanoseconds since 1980.
        10 timestamp: BeI64,
        /// Jiffies of the matching engine; a message download starts from it.
        18 timestamp1: BeF64,
        /// Byte 7 is the stream of the matching engine.
        26 timestamp2: BeF64,
        /// The order that traded.
        34 response_order_number: BeF64,
        /// The trading member.
        42 broker_id: Text<5>,
        /// Any.
        47 reserved: u8,
        /// The client's code.
        48 account_number: Text<10>,
        /// 1 buy, 2 sell.
        58 buy_sell_indicator: BeI16,
        /// Units of the order.
        60 original_volume: BeI32,
        /// The part to show.
        64 disclosed_volume: BeI32,
        /// Units not traded.
        68 remaining_volume: BeI32,
        /// Of the part to show, not traded.
        72 disclosed_volume_remaining: BeI32,
        /// Paise, of the order.
        76 price: BeI32,
        /// What the order is.
        80 st_order_flags: StOrderFlags,
        /// 0.
        82 good_till_date: BeI32,
        /// The exchange's number of the trade.
        86 fill_number: BeI32,
        /// Units traded now.
        90 fill_quantity: BeI32,
        /// Paise, of the trade.
        94 fill_price: BeI32,
        /// Units traded in all, this trade included.
        98 volume_filled_today: BeI32,
        /// A number in two characters.
        102 activity_type: Text<2>,
        /// Seconds since 1980.
        104 activity_time: BeI32,
        /// The contract's number.
        108 token: BeI32,
        /// The contract.
        112 contract_desc: ContractDescTr,
        /// `O` or `C`.
        138 open_close: Text<1>,
        /// The book type, as a byte here.
        139 book_type: u8,
        /// Custodial participant.
        140 participant: Text<12>,
        /// Self trade, cancel on logoff.
        152 additional_order_flags: AdditionalOrderFlags,
        /// As sent.
        153 pan: Text<10>,
        /// Any.
        163 pad: u8,
        /// As sent.
        164 algo_id: BeI32,
        /// Zero.
        168 reserved_2: BeI16,
        /// To be sent back with the next change of the order.
        170 last_activity_reference: BeI64,
        /// Any.
        178 reserved_tail: [u8; 52],
    }
}

layout! {
    /// A new order as it goes onto the wire.
    OrderEntryPacket, 180 bytes {
        /// Length 180.
        0 envelope: Envelope,
        /// 20000.
        22 message: MsOeRequestTr,
    }
}

layout! {
    /// A modification or cancel as it goes onto the wire.
    OrderChangePacket, 208 bytes {
        /// Length 208.
        0 envelope: Envelope,
        /// 20040, 20060 or 20070.
        22 message: MsOmRequestTr,
    }
}
