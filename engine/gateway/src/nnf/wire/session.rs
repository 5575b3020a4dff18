//! Structures of signing on, of heartbeats and of the message download (FO 9.48, chapters 2, 3, 8
//! and 11). Where the printed offsets and the stated length disagree, packing to two gives the length.

use super::field::{BeF64, BeI16, BeI32, BeI64, Secret, Text};
use super::full::MessageHeader;
use super::layout;

layout! {
    /// INNER_MESSAGE_HEADER: the second header of 7304, and by one chapter of 7021.
    InnerMessageHeader, 40 bytes {
        /// Whose order it is.
        0 trader_id: BeI32,
        /// Seconds since 1980.
        4 log_time: BeI32,
        /// First two characters of the symbol, or a stream in the first.
        8 alpha_char: [u8; 2],
        /// What the message is.
        10 transaction_code: BeI16,
        /// 0, or why not.
        12 error_code: BeI16,
        /// Nanoseconds since 1980.
        14 timestamp: BeI64,
        /// Jiffies of the matching engine.
        22 time_stamp1: [u8; 8],
        /// The stream of the matching engine.
        30 time_stamp2: [u8; 8],
        /// Of the message, with its header.
        38 message_length: BeI16,
    }
}

layout! {
    /// GR_REQUEST 2400: asks the router for a gateway and keys.
    GrRequest, 48 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// The box, a subscribed connection.
        40 box_id: BeI16,
        /// The trading member.
        42 broker_id: Text<5>,
        /// Any.
        47 filler: u8,
    }
}

layout! {
    /// GR_RESPONSE 2401 of the existing encryption.
    GrResponse, 124 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// The box, a subscribed connection.
        40 box_id: BeI16,
        /// The trading member.
        42 broker_id: Text<5>,
        /// Any.
        47 filler: u8,
        /// Of the gateway, in text.
        48 ip_address: Text<16>,
        /// Of the gateway.
        64 port: BeI32,
        /// Repeated at box sign-on.
        68 session_key: Secret<8>,
        /// AES-256.
        76 cryptographic_key: Secret<32>,
        /// Its first twelve bytes are used.
        108 cryptographic_iv: Secret<16>,
    }
}

layout! {
    /// GR_RESPONSE 2401 of the new encryption.
    GrResponseNew, 136 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// The box, a subscribed connection.
        40 box_id: BeI16,
        /// The trading member.
        42 broker_id: Text<5>,
        /// Any.
        47 filler: u8,
        /// Of the gateway, in text.
        48 ip_address: Text<16>,
        /// Of the gateway.
        64 port: BeI32,
        /// Repeated at box sign-on.
        68 session_key: Secret<8>,
        /// AES-256.
        76 cryptographic_key: Secret<32>,
        /// First half of the vector.
        108 static_iv: Secret<8>,
        /// Second half, counted up one way and down the other.
        116 dynamic_iv: Secret<8>,
        /// Authenticated with every message.
        124 additional_key: Secret<12>,
    }
}

layout! {
    /// Secure box registration 23008 and box sign-off 20322.
    BoxMessage, 42 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// The box, a subscribed connection.
        40 box_id: BeI16,
    }
}

layout! {
    /// BOX_SIGN_ON_REQUEST_IN 23000.
    BoxSignOnRequestIn, 60 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// The box, a subscribed connection.
        40 box_id: BeI16,
        /// The trading member.
        42 broker_id: Text<5>,
        /// Any.
        47 reserved: [u8; 5],
        /// Repeated at box sign-on.
        52 session_key: Secret<8>,
    }
}

layout! {
    /// BOX_SIGN_ON_REQUEST_OUT 23001.
    BoxSignOnRequestOut, 52 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// The box, a subscribed connection.
        40 box_id: BeI16,
        /// Any.
        42 reserved: [u8; 10],
    }
}

layout! {
    /// MS_SIGNON 2300 and 2301 of futures and options.
    MsSignon, 278 bytes {
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
        102 last_password_change_date: BeI32,
        /// The trading member.
        106 broker_id: Text<5>,
        /// Any.
        111 reserved_3: u8,
        /// The branch.
        112 branch_id: BeI16,
        /// Of the protocol, as VVRRSS.
        114 version_number: BeI32,
        /// In 2301 the last market close: another one empties the local database.
        118 batch2_start_time: BeI32,
        /// Blank.
        122 host_switch_context: Text<1>,
        /// Blank over the direct interface.
        123 colour: Text<50>,
        /// Any.
        173 reserved_4: u8,
        /// 0 dealer, 4 corporate manager, 5 branch manager.
        174 user_type: BeI16,
        /// 0.
        176 sequence_number: BeF64,
        /// The workstation.
        184 ws_class_name: Text<14>,
        /// `A` active, `S` suspended, `D` deactivated, `C` and `V` close-out.
        198 broker_status: Text<1>,
        /// `T`.
        199 show_index: Text<1>,
        /// Bits of markets.
        200 st_broker_eligibility_per_mkt: [u8; 2],
        /// In 2301.
        202 member_type: BeI16,
        /// In 2301.
        204 clearing_status: Text<1>,
        /// In 2301.
        205 broker_name: Text<25>,
        /// Any.
        230 reserved_5: [u8; 16],
        /// Any.
        246 reserved_6: [u8; 16],
        /// Any.
        262 reserved_7: [u8; 16],
    }
}

layout! {
    /// A block of market status: 0 pre-open, 1 open, 2 closed, 3 pre-open ended, 4 post-close.
    MarketStatus, 8 bytes {
        /// 0 pre-open, 1 open, 2 closed, 3 pre-open ended, 4 post-close.
        0 normal: BeI16,
        /// As before.
        2 oddlot: BeI16,
        /// As before.
        4 spot: BeI16,
        /// As before.
        6 auction: BeI16,
    }
}

layout! {
    /// SYSTEM_INFORMATION_IN 1600 of futures and options.
    SystemInformationIn, 44 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// Seconds since 1980.
        40 last_update_instrument_time: BeI32,
    }
}

layout! {
    /// SYSTEM_INFORMATION_OUT 1601 of futures and options.
    SystemInformationOut, 106 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// Normal market.
        40 st_market_status: MarketStatus,
        /// Exercise market.
        48 st_ex_market_status: MarketStatus,
        /// Position liquidation market.
        56 st_pl_market_status: MarketStatus,
        /// `Y` when the portfolio changed.
        64 update_portfolio: Text<1>,
        /// Zero.
        65 pad: u8,
        /// Any.
        66 market_index: BeI32,
        /// Of one market.
        70 default_settlement_period: BeI16,
        /// Of one market.
        72 default_settlement_period_2: BeI16,
        /// Of one market.
        74 default_settlement_period_3: BeI16,
        /// 0.
        76 competitor_period: BeI16,
        /// 0.
        78 solicitor_period: BeI16,
        /// Percent.
        80 warning_percent: BeI16,
        /// Percent.
        82 volume_freeze_percent: BeI16,
        /// Seconds.
        84 snap_quote_time: BeI16,
        /// Any.
        86 reserved: [u8; 2],
        /// Units.
        88 board_lot_quantity: BeI32,
        /// Paise.
        92 tick_size: BeI32,
        /// Days.
        96 maximum_gtc_days: BeI16,
        /// Bits.
        98 st_stock_eligible_indicators: [u8; 2],
        /// Percent.
        100 disclosed_quantity_percent_allowed: BeI16,
        /// Any.
        102 risk_free_interest_rate: BeI32,
    }
}

layout! {
    /// UPDATE_LOCALDB_IN 7300 of futures and options.
    UpdateLocaldbIn, 82 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// Seconds since 1980.
        40 last_update_security_time: BeI32,
        /// Seconds since 1980.
        44 last_update_participant_time: BeI32,
        /// Seconds since 1980.
        48 last_update_instrument_time: BeI32,
        /// Seconds since 1980.
        52 last_update_index_time: BeI32,
        /// `G` for open orders that last longer than a day.
        56 request_for_open_orders: Text<1>,
        /// Any.
        57 reserved: u8,
        /// Normal market.
        58 st_market_status: MarketStatus,
        /// Exercise market.
        66 st_ex_market_status: MarketStatus,
        /// Position liquidation market.
        74 st_pl_market_status: MarketStatus,
    }
}

layout! {
    /// The local database begins 7307 or ends 7308.
    LocaldbMark, 42 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// Any.
        40 reserved: [u8; 2],
    }
}

layout! {
    /// MESSAGE_DOWNLOAD 7000.
    MessageDownload, 48 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// 0.
        40 sequence_number: BeF64,
    }
}

layout! {
    /// Stream outage 5294.
    StreamOutage, 244 bytes {
        /// With its code.
        0 header: MessageHeader,
        /// The stream of the matching engine.
        40 stream_number: BeI16,
        /// 1 the outage begins, 0 it ends.
        42 stream_status: BeI16,
        /// Any.
        44 reserved: [u8; 200],
    }
}
