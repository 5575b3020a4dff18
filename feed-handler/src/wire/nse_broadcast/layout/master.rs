//! Master changes: contracts, spreads and securities; and the end-of-day bhavcopy entries.

use super::{ContractInfo, MessageHeader, SecurityInfo, layout};
use crate::wire::big_endian::{BeF64, BeI16, BeI32, BeI64};

layout! {
    /// FO 9.48, p. 154, and CM 6.3, p. 93: whether one market may trade an instrument.
    Eligibility = 4 {
        0 flags: u8, "The top bit: eligible.";
        1 pad: u8, "Alignment.";
        2 status: BeI16, "Security status.";
    }

    /// FO 9.48, p. 154: 7305 and 7340, whole. Dates and times are seconds since 1980, prices paise.
    ContractChange = 298 {
        0 header: MessageHeader, "Leads every message.";
        40 token: BeI32, "The contract.";
        44 sec_info: ContractInfo, "Its name.";
        74 permitted_to_trade: BeI16, "1 when it may be traded.";
        76 issued_capital: BeF64, "Of securities.";
        84 warning_quantity: BeI32, "Units.";
        88 freeze_quantity: BeI32, "Units; larger orders are frozen.";
        92 credit_rating: [u8; 12], "Padded with blanks.";
        104 eligibility: [Eligibility; 4], "By market type.";
        120 issue_rate: BeI16, "Of securities.";
        122 issue_start_date: BeI32, "Date.";
        126 interest_payment_date: BeI32, "Date.";
        130 issue_maturity_date: BeI32, "Date.";
        134 margin_percentage: BeI32, "Percent.";
        138 minimum_lot_quantity: BeI32, "Units.";
        142 board_lot_quantity: BeI32, "Units.";
        146 tick_size: BeI32, "Paise.";
        150 name: [u8; 25], "Padded with blanks.";
        175 reserved: u8, "Not used.";
        176 listing_date: BeI32, "Date.";
        180 expulsion_date: BeI32, "Date.";
        184 re_admission_date: BeI32, "Date.";
        188 record_date: BeI32, "Date.";
        192 low_price_range: BeI32, "Paise.";
        196 high_price_range: BeI32, "Paise.";
        200 expiry_date: BeI32, "Date.";
        204 no_delivery_start_date: BeI32, "Date.";
        208 no_delivery_end_date: BeI32, "Date.";
        212 eligibility_indicators: [u8; 2], "Flags.";
        214 book_closure_start_date: BeI32, "Date.";
        218 book_closure_end_date: BeI32, "Date.";
        222 exercise_start_date: BeI32, "Date.";
        226 exercise_end_date: BeI32, "Date.";
        230 old_token: BeI32, "The token before a change.";
        234 asset_instrument: [u8; 6], "The underlying's kind.";
        240 asset_name: [u8; 10], "The underlying.";
        250 asset_token: BeI32, "The underlying's token.";
        254 intrinsic_value: BeI32, "Paise.";
        258 extrinsic_value: BeI32, "Paise.";
        262 purpose: [u8; 2], "Flags.";
        264 local_update_date_time: BeI32, "Time of the change.";
        268 delete_flag: u8, "`Y` when it is deleted.";
        269 remark: [u8; 25], "Padded with blanks.";
        294 base_price: BeI32, "Paise.";
    }

    /// FO 9.48, p. 105: 7309 and 7341, whole.
    SpreadChange = 132 {
        0 header: MessageHeader, "Leads every message.";
        40 token_1: BeI32, "The near leg.";
        44 token_2: BeI32, "The far leg.";
        48 sec_info_1: ContractInfo, "The near leg's name.";
        78 sec_info_2: ContractInfo, "The far leg's name.";
        108 reference_price: BeI32, "Paise.";
        112 day_low_price_diff_range: BeI32, "Paise.";
        116 day_high_price_diff_range: BeI32, "Paise.";
        120 op_low_price_diff_range: BeI32, "Paise.";
        124 op_high_price_diff_range: BeI32, "Paise.";
        128 eligibility: u8, "The top bit: eligible.";
        129 reserved: u8, "Not used.";
        130 delete_flag: u8, "`Y` when it is deleted.";
        131 reserved_2: u8, "Not used.";
    }

    /// CM 6.3, p. 93: 18720, whole. Dates and times are seconds since 1980, prices paise.
    SecurityChange = 260 {
        0 header: MessageHeader, "Leads every message.";
        40 token: BeI32, "The security.";
        44 sec_info: SecurityInfo, "Its name.";
        56 instrument_type: BeI16, "Kind of security.";
        58 permitted_to_trade: BeI16, "1 when it may be traded.";
        60 issued_capital: BeF64, "Issued capital.";
        68 settlement_type: BeI16, "0 T+0, 1 T+1.";
        70 freeze_percent: BeI16, "Percent.";
        72 credit_rating: [u8; 19], "Padded with blanks.";
        91 reserved: u8, "Not used.";
        92 eligibility: [Eligibility; 6], "By market type.";
        116 surv_ind: BeI16, "Surveillance indicator.";
        118 issue_start_date: BeI32, "Date.";
        122 interest_payment_date: BeI32, "Date.";
        126 issue_maturity_date: BeI32, "Date.";
        130 board_lot_quantity: BeI32, "Units.";
        134 tick_size: BeI32, "Paise.";
        138 name: [u8; 25], "Padded with blanks.";
        163 reserved_2: u8, "Not used.";
        164 listing_date: BeI32, "Date.";
        168 expulsion_date: BeI32, "Date.";
        172 re_admission_date: BeI32, "Date.";
        176 record_date: BeI32, "Date.";
        180 expiry_date: BeI32, "Date.";
        184 no_delivery_start_date: BeI32, "Date.";
        188 no_delivery_end_date: BeI32, "Date.";
        192 eligibility_indicators: [u8; 2], "Flags.";
        194 book_closure_start_date: BeI32, "Date.";
        198 book_closure_end_date: BeI32, "Date.";
        202 purpose: [u8; 2], "Flags.";
        204 local_update_date_time: BeI32, "Time of the change.";
        208 delete_flag: u8, "`Y` when it is deleted.";
        209 remark: [u8; 25], "Padded with blanks.";
        234 face_value: BeI32, "Paise.";
        238 isin_number: [u8; 12], "The ISIN.";
        250 mkt_maker_spread: BeI32, "Market maker's spread.";
        254 mkt_maker_min_qty: BeI32, "Market maker's least quantity.";
        258 call_auction_1_flag: BeI16, "Set when it trades in call auction 1.";
    }

    /// FO 9.48, p. 61: the contract of a bhavcopy entry.
    ContractDescriptor = 28 {
        0 instrument_name: [u8; 6], "`FUTIDX`, `OPTSTK`, …";
        6 symbol: [u8; 10], "The underlying.";
        16 expiry_date: BeI32, "Seconds since 1980.";
        20 strike_price: BeI32, "Paise.";
        24 option_type: [u8; 2], "`CE`, `PE`, `XX`.";
        26 ca_level: BeI16, "Corporate-action level.";
    }

    /// FO 9.48, p. 137: one of 4 of 11833. The message's count is not documented, so it is a layout
    /// only.
    NarrowBhavcopy = 82 {
        0 contract: ContractDescriptor, "The contract.";
        28 market_type: BeI16, "1 normal.";
        30 open_price: BeI32, "Paise.";
        34 high_price: BeI32, "Paise.";
        38 low_price: BeI32, "Paise.";
        42 closing_price: BeI32, "Paise.";
        46 total_quantity_traded: BeI32, "Units.";
        50 total_value_traded: BeF64, "Unit not documented.";
        58 previous_close_price: BeI32, "Paise.";
        62 open_interest: BeI64, "Units.";
        70 chg_open_interest: BeI64, "Units.";
        78 indicator: [u8; 4], "Flags.";
    }

    /// FO 9.48, p. 137: one of 4 of 1833; see [`NarrowBhavcopy`].
    WideBhavcopy = 86 {
        0 contract: ContractDescriptor, "The contract.";
        28 market_type: BeI16, "1 normal.";
        30 open_price: BeI32, "Paise.";
        34 high_price: BeI32, "Paise.";
        38 low_price: BeI32, "Paise.";
        42 closing_price: BeI32, "Paise.";
        46 total_quantity_traded: BeI64, "Units.";
        54 total_value_traded: BeF64, "Unit not documented.";
        62 previous_close_price: BeI32, "Paise.";
        66 open_interest: BeI64, "Units.";
        74 chg_open_interest: BeI64, "Units.";
        82 indicator: [u8; 4], "Flags.";
    }
}
