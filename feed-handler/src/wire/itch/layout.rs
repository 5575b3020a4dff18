//! The layouts: each struct is the bytes of one message, proven by the assertions at the end.
//!
//! Section numbers are those of "Nasdaq TotalView-ITCH 5.0". Raw fields keep its names. Text is
//! ASCII, left-justified and padded with spaces; `Price(4)` counts 10⁻⁴ dollar, `Price(8)` 10⁻⁸.

use bytemuck::{Pod, Zeroable};

use super::field::BeU48;
use crate::wire::big_endian::{BeU16, BeU32, BeU64};

/// Leads every message. 11 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Header {
    /// What the message is.
    pub message_type: u8,
    /// The stock's number today, 0 when the message is of no stock.
    pub stock_locate: BeU16,
    /// Nasdaq's own.
    pub tracking_number: BeU16,
    /// Nanoseconds since midnight in New York.
    pub timestamp: BeU48,
}

macro_rules! messages {
    ($($(#[$outer:meta])* $name:ident $size:literal { $($(#[$doc:meta])* $offset:literal $field:ident: $type:ty,)+ })+) => {$(
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
        #[repr(C)]
        pub struct $name {
            /// Leads every message.
            pub header: Header,
            $($(#[$doc])* pub $field: $type,)+
        }

        const _: () = {
            assert!(size_of::<$name>() == $size && align_of::<$name>() == 1);
            $(assert!(core::mem::offset_of!($name, $field) == $offset);)+
        };
    )+};
}

messages! {
    /// Section 4.1, `S`: the day's milestones. 12 bytes.
    SystemEvent 12 {
        /// `O` start of messages, `S` of system hours, `Q` of market hours, `M` end of market
        /// hours, `E` of system hours, `C` of messages.
        11 event_code: u8,
    }
    /// Section 4.2.1, `R`: a stock and its locate number. 39 bytes.
    StockDirectory 39 {
        /// The symbol.
        11 stock: [u8; 8],
        /// Where it is listed: `Q G S` Nasdaq tiers, `N A P` NYSE, `Z` BATS, `V` IEX.
        19 market_category: u8,
        /// `N` normal; deficient, delinquent, bankrupt and so on otherwise.
        20 financial_status_indicator: u8,
        /// Shares in a round lot.
        21 round_lot_size: BeU32,
        /// `Y` when only round lots are accepted.
        25 round_lots_only: u8,
        /// `C` common, `A` depositary, `Q` other, ….
        26 issue_classification: u8,
        /// Sub-type, two letters.
        27 issue_sub_type: [u8; 2],
        /// `P` live, `T` test.
        29 authenticity: u8,
        /// `Y` on the Reg SHO threshold list.
        30 short_sale_threshold_indicator: u8,
        /// `Y` set up for an IPO.
        31 ipo_flag: u8,
        /// `1` or `2`.
        32 luld_reference_price_tier: u8,
        /// `Y` for an exchange-traded product.
        33 etp_flag: u8,
        /// Its leverage, a whole number.
        34 etp_leverage_factor: BeU32,
        /// `Y` for an inverse one.
        38 inverse_indicator: u8,
    }
    /// Section 4.2.2, `H`: a halt, pause or release of a stock. 25 bytes.
    StockTradingAction 25 {
        /// The symbol.
        11 stock: [u8; 8],
        /// `H` halted, `P` paused, `Q` quotation only, `T` trading.
        19 trading_state: u8,
        /// Not used.
        20 reserved: u8,
        /// Why, four letters.
        21 reason: [u8; 4],
    }
    /// Section 4.2.3, `Y`: the short-sale price test of a stock. 20 bytes.
    RegShoRestriction 20 {
        /// The symbol.
        11 stock: [u8; 8],
        /// `0` none, `1` in effect from now, `2` remains in effect.
        19 reg_sho_action: u8,
    }
    /// Section 4.2.4, `L`: a market maker's standing in a stock. 26 bytes.
    MarketParticipantPosition 26 {
        /// The participant.
        11 mpid: [u8; 4],
        /// The symbol.
        15 stock: [u8; 8],
        /// `Y` primary.
        23 primary_market_maker: u8,
        /// `N` normal, `P` passive, `S` syndicate, `R` pre-syndicate, `L` penalty.
        24 market_maker_mode: u8,
        /// `A` active, `E` excused, `W` withdrawn, `S` suspended, `D` deleted.
        25 market_participant_state: u8,
    }
    /// Section 4.2.5.1, `V`: the day's market-wide circuit-breaker levels. 35 bytes.
    MwcbDeclineLevel 35 {
        /// `Price(8)`.
        11 level_1: BeU64,
        /// `Price(8)`.
        19 level_2: BeU64,
        /// `Price(8)`.
        27 level_3: BeU64,
    }
    /// Section 4.2.5.2, `W`: a market-wide level is breached. 12 bytes.
    MwcbStatus 12 {
        /// `1`, `2` or `3`.
        11 breached_level: u8,
    }
    /// Section 4.2.6, `K`: when a new stock will be released for quoting. 28 bytes.
    QuotingPeriodUpdate 28 {
        /// The symbol.
        11 stock: [u8; 8],
        /// Seconds since midnight.
        19 ipo_quotation_release_time: BeU32,
        /// `A` expected, `C` cancelled or postponed.
        23 ipo_quotation_release_qualifier: u8,
        /// `Price(4)`.
        24 ipo_price: BeU32,
    }
    /// Section 4.2.7, `J`: the price collar of an auction after a pause. 35 bytes.
    LuldAuctionCollar 35 {
        /// The symbol.
        11 stock: [u8; 8],
        /// `Price(4)`.
        19 auction_collar_reference_price: BeU32,
        /// `Price(4)`.
        23 upper_auction_collar_price: BeU32,
        /// `Price(4)`.
        27 lower_auction_collar_price: BeU32,
        /// How often it was widened.
        31 auction_collar_extension: BeU32,
    }
    /// Section 4.2.8, `h`: one market of the group halts or resumes a stock. 21 bytes.
    OperationalHalt 21 {
        /// The symbol.
        11 stock: [u8; 8],
        /// `Q` Nasdaq, `B` BX, `X` PSX.
        19 market_code: u8,
        /// `H` halted, `T` resumed.
        20 operational_halt_action: u8,
    }
    /// Section 4.3.1, `A`: a new displayed order. 36 bytes.
    AddOrder 36 {
        /// Unique within the day.
        11 order_reference_number: BeU64,
        /// `B` or `S`.
        19 buy_sell_indicator: u8,
        /// Shares displayed.
        20 shares: BeU32,
        /// The symbol.
        24 stock: [u8; 8],
        /// `Price(4)`.
        32 price: BeU32,
    }
    /// Section 4.4.1, `E`: a resting order traded at its own price. 31 bytes.
    OrderExecuted 31 {
        /// The resting order.
        11 order_reference_number: BeU64,
        /// Shares traded.
        19 executed_shares: BeU32,
        /// Names the trade, and ties it to a broken-trade message.
        23 match_number: BeU64,
    }
    /// Section 4.4.2, `C`: a resting order traded at another price than its own. 36 bytes.
    OrderExecutedWithPrice 36 {
        /// The resting order.
        11 order_reference_number: BeU64,
        /// Shares traded.
        19 executed_shares: BeU32,
        /// Names the trade.
        23 match_number: BeU64,
        /// `Y`; `N` when the trade is reported again in bulk, by a cross.
        31 printable: u8,
        /// `Price(4)`.
        32 execution_price: BeU32,
    }
    /// Section 4.4.3, `X`: part of an order is cancelled. 23 bytes.
    OrderCancel 23 {
        /// The order.
        11 order_reference_number: BeU64,
        /// Shares taken off.
        19 canceled_shares: BeU32,
    }
    /// Section 4.4.4, `D`: an order leaves the book. 19 bytes.
    OrderDelete 19 {
        /// The order.
        11 order_reference_number: BeU64,
    }
    /// Section 4.4.5, `U`: an order goes on under a new number, at the end of the queue. 35 bytes.
    OrderReplace 35 {
        /// The order so far.
        11 original_order_reference_number: BeU64,
        /// The order from now on.
        19 new_order_reference_number: BeU64,
        /// Shares displayed from now on.
        27 shares: BeU32,
        /// `Price(4)`, from now on.
        31 price: BeU32,
    }
    /// Section 4.5.1, `P`: a trade of an order that was not displayed. 44 bytes.
    Trade 44 {
        /// 0 since 2010.
        11 order_reference_number: BeU64,
        /// `B` always, since 2014.
        19 buy_sell_indicator: u8,
        /// Shares traded.
        20 shares: BeU32,
        /// The symbol.
        24 stock: [u8; 8],
        /// `Price(4)`.
        32 price: BeU32,
        /// Names the trade.
        36 match_number: BeU64,
    }
    /// Section 4.5.2, `Q`: the trade of a cross in bulk. 40 bytes.
    CrossTrade 40 {
        /// Shares traded; 0 when nothing crossed.
        11 shares: BeU64,
        /// The symbol.
        19 stock: [u8; 8],
        /// `Price(4)`.
        27 cross_price: BeU32,
        /// Names the trade.
        31 match_number: BeU64,
        /// `O` opening, `C` closing, `H` after a halt or an IPO.
        39 cross_type: u8,
    }
    /// Section 4.5.3, `B`: a trade is taken back; the book stays as it is. 19 bytes.
    BrokenTrade 19 {
        /// The trade.
        11 match_number: BeU64,
    }
    /// Section 4.6, `I`: what would cross now, and what would be left. 50 bytes.
    NetOrderImbalance 50 {
        /// Shares that would cross.
        11 paired_shares: BeU64,
        /// Shares that would be left.
        19 imbalance_shares: BeU64,
        /// `B`, `S`, `N` none, `O` too few orders, `P` paused.
        27 imbalance_direction: u8,
        /// The symbol.
        28 stock: [u8; 8],
        /// `Price(4)`, of cross orders alone.
        36 far_price: BeU32,
        /// `Price(4)`, of cross and continuous orders.
        40 near_price: BeU32,
        /// `Price(4)`.
        44 current_reference_price: BeU32,
        /// `O` opening, `C` closing, `H` after a halt or an IPO, `A` extended trading close.
        48 cross_type: u8,
        /// How far the near price is from the reference, in steps.
        49 price_variation_indicator: u8,
    }
    /// Section 4.7, `N`: retail interest on a side. 20 bytes.
    RetailInterest 20 {
        /// The symbol.
        11 stock: [u8; 8],
        /// `B`, `S`, `A` both, `N` none.
        19 interest_flag: u8,
    }
    /// Section 4.8, `O`: prices of a direct listing with a capital raise. 48 bytes.
    DirectListing 48 {
        /// The symbol.
        11 stock: [u8; 8],
        /// `Y` when the stock may open.
        19 open_eligibility_status: u8,
        /// `Price(4)`, 20 % below the registration's lowest.
        20 minimum_allowable_price: BeU32,
        /// `Price(4)`, 80 % above the registration's highest.
        24 maximum_allowable_price: BeU32,
        /// `Price(4)`, the reference price once it may open.
        28 near_execution_price: BeU32,
        /// When that price was set: nanoseconds since midnight.
        32 near_execution_time: BeU64,
        /// `Price(4)`.
        40 lower_price_range_collar: BeU32,
        /// `Price(4)`.
        44 upper_price_range_collar: BeU32,
    }
}

/// Section 4.3.2, `F`: a new displayed order with its participant's name. 40 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct AddOrderWithMpid {
    /// As without the name, but for the type.
    pub order: AddOrder,
    /// The participant.
    pub attribution: [u8; 4],
}

const _: () = {
    assert!(size_of::<Header>() == 11 && align_of::<Header>() == 1);
    assert!(core::mem::offset_of!(Header, timestamp) == 5);
    assert!(size_of::<AddOrderWithMpid>() == 40);
    assert!(core::mem::offset_of!(AddOrderWithMpid, attribution) == 36);
};
