//! Full-size structures that answer trimmed requests: refusals come in them (FO 9.48, chapters 2
//! and 4). Some codes of the full family confirm too, for which the layout is the same.

use super::field::{BeF64, BeI16, BeI32, BeI64, Text};
use super::layout;
use super::trimmed::{AdditionalOrderFlags, StOrderFlags};

layout! {
    /// MESSAGE_HEADER (FO 9.48, chapter 2).
    MessageHeader, 40 bytes {
        /// What the message is.
        0 transaction_code: BeI16,
        /// Seconds since 1980.
        2 log_time: BeI32,
        /// First two characters of the symbol; in downloads the stream number in the first.
        6 alpha_char: [u8; 2],
        /// Who is signed on.
        8 trader_id: BeI32,
        /// 0, or why not.
        12 error_code: BeI16,
        /// Nanoseconds since 1980 for the codes of the order path.
        14 timestamp: BeI64,
        /// Jiffies of the matching engine; a message download starts from it.
        22 time_stamp1: [u8; 8],
        /// Byte 7 is the stream of the matching engine.
        30 time_stamp2: [u8; 8],
        /// Of the message, this header included.
        38 message_length: BeI16,
    }
}

layout! {
    /// ERROR_RESPONSE of futures and options (FO 9.48, chapter 2). The capital market's is shorter.
    ErrorResponse, 182 bytes {
        /// Its error code is not 0.
        0 header: MessageHeader,
        /// What the error is about.
        40 key: Text<14>,
        /// For people.
        54 error_message: Text<128>,
    }
}

layout! {
    /// CONTRACT_DESC: which contract, in full-size messages.
    ContractDesc, 28 bytes {
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
        /// 0.
        26 ca_level: BeI16,
    }
}

layout! {
    /// MS_OE_REQUEST: the full order structure, here the refusals 2231, 2042, 2072 and the
    /// confirmations 2073, 2074, 2075, 9002 (FO 9.48, chapter 4).
    MsOeRequest, 316 bytes {
        /// With code, error and nanoseconds.
        0 header: MessageHeader,
        /// Any.
        40 participant_type: u8,
        /// Any.
        41 reserved: u8,
        /// Any.
        42 competitor_period: BeI16,
        /// Any.
        44 solicitor_period: BeI16,
        /// Who: `T`, `B`, `M`, or `C` for the exchange.
        46 modified_cancelled_by: Text<1>,
        /// Any.
        47 reserved_2: u8,
        /// 17 price freeze, 18 quantity freeze, …
        48 reason_code: BeI16,
        /// Any.
        50 reserved_3: [u8; 4],
        /// The contract's number.
        54 token_no: BeI32,
        /// The contract.
        58 contract_desc: ContractDesc,
        /// Blank.
        86 counter_party_broker_id: Text<5>,
        /// Any.
        91 reserved_4: [u8; 3],
        /// Whether the member is in close-out.
        94 closeout_flag: Text<1>,
        /// Any.
        95 reserved_5: u8,
        /// Any.
        96 order_type: BeI16,
        /// 0 when the order never had one.
        98 order_number: BeF64,
        /// The client's code.
        106 account_number: Text<10>,
        /// 1, regular lot.
        116 book_type: BeI16,
        /// 1 buy, 2 sell.
        118 buy_sell_indicator: BeI16,
        /// The part to show.
        120 disclosed_volume: BeI32,
        /// Of it, not traded.
        124 disclosed_volume_remaining: BeI32,
        /// Units not traded.
        128 total_volume_remaining: BeI32,
        /// Units of the order.
        132 volume: BeI32,
        /// Units traded.
        136 volume_filled_today: BeI32,
        /// Paise.
        140 price: BeI32,
        /// Paise, of a stop-loss order.
        144 trigger_price: BeI32,
        /// 0.
        148 good_till_date: BeI32,
        /// Seconds since 1980.
        152 entry_date_time: BeI32,
        /// 0.
        156 minimum_fill_aon_volume: BeI32,
        /// Seconds since 1980.
        160 last_modified: BeI32,
        /// What the order is.
        164 st_order_flags: StOrderFlags,
        /// The branch.
        166 branch_id: BeI16,
        /// Whose order it is.
        168 trader_id: BeI32,
        /// The trading member.
        172 broker_id: Text<5>,
        /// The member's remarks.
        177 c_ord_filler: Text<24>,
        /// `O` or `C`.
        201 open_close: Text<1>,
        /// Custodial participant.
        202 settlor: Text<12>,
        /// 1 client, 2 proprietary.
        214 pro_client_indicator: BeI16,
        /// Any.
        216 settlement_period: BeI16,
        /// Self trade, cancel on logoff.
        218 additional_order_flags: AdditionalOrderFlags,
        /// Any.
        219 reserved_6: u8,
        /// Sixteen one-bit fillers and two of a byte.
        220 fillers: [u8; 4],
        /// As sent.
        224 nnf_field: BeF64,
        /// Any.
        232 mkt_replay: BeI64,
        /// As sent.
        240 pan: Text<10>,
        /// As sent.
        250 algo_id: BeI32,
        /// Zero.
        254 reserved_7: BeI16,
        /// To be sent back with the next change of the order.
        256 last_activity_reference: BeI64,
        /// Any.
        264 reserved_tail: [u8; 52],
    }
}
