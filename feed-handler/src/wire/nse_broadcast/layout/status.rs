//! Market and security status.

use super::{ContractInfo, MessageHeader, SecurityInfo, layout};
use crate::wire::big_endian::{BeI16, BeI32};

layout! {
    /// FO 9.48: one of up to 35 of 7320 and of the F&O 7210.
    StatusRecordFo = 12 {
        0 token: BeI32, "The contract.";
        4 status: [BeI16; 4], "Security status in each market, by market type.";
    }

    /// CM 6.3: one of up to 25 of 18130 and 18707.
    StatusRecordCm = 16 {
        0 token: BeI32, "The security.";
        4 status: [BeI16; 6], "Security status in each market, by market type.";
    }

    /// FO 9.48, p. 166: the market's status in F&O, whole.
    MarketStatusFo = 320 {
        0 header: MessageHeader, "Leads every message.";
        40 token: BeI32, "A contract, or 0.";
        44 sec_info: ContractInfo, "The contract's name, or blank.";
        74 market_type: BeI16, "1 normal.";
        76 destination: [u8; 2], "Flags of who shows it.";
        78 broadcast_message_length: BeI16, "Bytes of the text.";
        80 broadcast_message: [u8; 239], "The text.";
        319 pad: u8, "Alignment.";
    }

    /// CM 6.3, p. 107: the market's status in CM, whole.
    MarketStatusCm = 298 {
        0 header: MessageHeader, "Leads every message.";
        40 sec_info: SecurityInfo, "The security's name, or blank.";
        52 market_type: BeI16, "1 normal.";
        54 destination: [u8; 2], "Flags of who shows it.";
        56 broadcast_message_length: BeI16, "Bytes of the text.";
        58 broadcast_message: [u8; 240], "The text.";
    }

    /// CM 6.3: the symbol status action 7764, whole.
    SymbolActionRecord = 58 {
        0 header: MessageHeader, "Leads every message.";
        40 sec_info: SecurityInfo, "The security.";
        52 market_type: BeI16, "1 normal.";
        54 reserved: BeI16, "Not used.";
        56 action_code: BeI16, "What was done.";
    }
}
