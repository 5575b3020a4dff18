//! The phases of a trading day and what each one takes.

use core::fmt;

/// A phase of the normal market of one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Phase {
    /// Before the day, after it, or no trading day at all.
    Closed = 0,
    /// Call auction at the open or after a halt: limit and market orders.
    PreOpenEntry = 1,
    /// The same: limit orders only, market orders are frozen (NSE/CMTR/74466).
    PreOpenLimitOnly = 2,
    /// The auction matches; nothing is taken.
    PreOpenMatch = 3,
    /// Between the auction and continuous trading.
    PreOpenBuffer = 4,
    /// Continuous trading.
    Continuous = 5,
    /// The closing auction's reference price is reckoned; nothing is taken.
    ClosingReference = 6,
    /// Closing auction: limit and market orders.
    ClosingEntry = 7,
    /// Closing auction: limit orders only, market orders are frozen.
    ClosingLimitOnly = 8,
    /// The closing auction matches; nothing is taken.
    ClosingMatch = 9,
    /// After trading, before the session at the closing price.
    Recess = 10,
    /// Trading at the closing price.
    PostClose = 11,
    /// The market-wide circuit breaker stopped trading.
    Halted = 12,
}

impl Phase {
    /// Every phase, in order of its code.
    pub const ALL: [Self; 13] = [
        Self::Closed,
        Self::PreOpenEntry,
        Self::PreOpenLimitOnly,
        Self::PreOpenMatch,
        Self::PreOpenBuffer,
        Self::Continuous,
        Self::ClosingReference,
        Self::ClosingEntry,
        Self::ClosingLimitOnly,
        Self::ClosingMatch,
        Self::Recess,
        Self::PostClose,
        Self::Halted,
    ];

    /// A name for people and programs, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::PreOpenEntry => "pre_open_entry",
            Self::PreOpenLimitOnly => "pre_open_limit_only",
            Self::PreOpenMatch => "pre_open_match",
            Self::PreOpenBuffer => "pre_open_buffer",
            Self::Continuous => "continuous",
            Self::ClosingReference => "closing_reference",
            Self::ClosingEntry => "closing_entry",
            Self::ClosingLimitOnly => "closing_limit_only",
            Self::ClosingMatch => "closing_match",
            Self::Recess => "recess",
            Self::PostClose => "post_close",
            Self::Halted => "halted",
        }
    }

    /// What the venue does with resting orders when this phase begins.
    #[must_use]
    pub const fn task(self) -> PhaseTask {
        match self {
            Self::PreOpenMatch | Self::ClosingMatch => PhaseTask::RunAuction,
            Self::Continuous => PhaseTask::CarryOver,
            Self::ClosingReference => PhaseTask::CancelStops,
            Self::Recess | Self::Closed => PhaseTask::CancelAll,
            _ => PhaseTask::None,
        }
    }

    const fn is_auction_entry(self) -> bool {
        matches!(
            self,
            Self::PreOpenEntry
                | Self::PreOpenLimitOnly
                | Self::ClosingEntry
                | Self::ClosingLimitOnly
        )
    }

    const fn is_limit_only(self) -> bool {
        matches!(self, Self::PreOpenLimitOnly | Self::ClosingLimitOnly)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What the beginning of a phase does to resting orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhaseTask {
    /// Nothing.
    None,
    /// The auction trades at its one price.
    RunAuction,
    /// What an auction left goes on with its time stamps; market orders as limits at its price (2.3).
    CarryOver,
    /// Stop-loss orders and hidden quantities leave; limit orders go on (2.4; seen for BSE).
    CancelStops,
    /// Every order leaves.
    CancelAll,
}

/// What an order asks by its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderType {
    /// A limit price.
    Limit,
    /// Any price.
    Market,
    /// A limit price once the trigger trades (`SL`).
    StopLimit,
    /// Any price once the trigger trades (`SL-M`).
    StopMarket,
}

/// The terms of an order that sessions look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderTerms {
    /// Its price.
    pub order_type: OrderType,
    /// Whether what does not trade at once is cancelled.
    pub immediate_or_cancel: bool,
    /// Whether it shows only a part of its quantity.
    pub disclosed: bool,
}

impl OrderTerms {
    /// A plain day order.
    #[must_use]
    pub const fn plain(order_type: OrderType) -> Self {
        Self { order_type, immediate_or_cancel: false, disclosed: false }
    }
}

/// A request to the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderAction {
    /// Enter an order with these terms.
    New(OrderTerms),
    /// Change an order.
    Modify {
        /// Its type as it rests.
        resting: OrderType,
        /// Its terms afterwards.
        terms: OrderTerms,
    },
    /// Cancel an order.
    Cancel {
        /// Its type as it rests.
        resting: OrderType,
    },
}

/// Which terms exist at all for an instrument on a date: rows, read at the start of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRules {
    /// Stop-loss limit orders.
    pub stop_limit: bool,
    /// Stop-loss market orders.
    pub stop_market: bool,
    /// Disclosed quantity.
    pub disclosed: bool,
    /// Limit orders after the close.
    pub post_close_limit: bool,
}

/// Why a session refuses a request. Ordered by precedence: the first that applies is the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum SessionRefusal {
    /// No phase that takes orders.
    MarketClosed = 1,
    /// The market-wide circuit breaker stopped trading; only cancels are taken.
    MarketHalted = 2,
    /// An auction is matching.
    AuctionMatching = 3,
    /// A market order rests while only limit orders may change.
    MarketOrderFrozen = 4,
    /// Limit orders only.
    MarketOrderNotAllowed = 5,
    /// Market orders only.
    LimitOrderNotAllowed = 6,
    /// No stop-loss orders in this phase, or none for this product.
    StopLossNotAllowed = 7,
    /// No stop-loss market orders for this product (16052).
    StopMarketNotAllowed = 8,
    /// No immediate-or-cancel in this phase.
    ImmediateOrCancelNotAllowed = 9,
    /// No disclosed quantity in this phase, or for this product.
    DisclosedQuantityNotAllowed = 10,
    /// Immediate-or-cancel with disclosed quantity.
    DisclosedImmediateOrCancel = 11,
}

impl SessionRefusal {
    /// What a dealer should read; the exchange's own words where they are known.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::MarketClosed => "the market is closed",
            Self::MarketHalted => "trading is halted by the market-wide circuit breaker",
            Self::AuctionMatching => "the auction is matching",
            Self::MarketOrderFrozen => "market orders can no longer be changed in this auction",
            Self::MarketOrderNotAllowed => "Market orders are currently not allowed.",
            Self::LimitOrderNotAllowed => "only market orders trade at the closing price",
            Self::StopLossNotAllowed => "stop-loss orders are not taken here",
            Self::StopMarketNotAllowed => "stop-loss market orders are not taken here",
            Self::ImmediateOrCancelNotAllowed => "immediate-or-cancel is not taken in this session",
            Self::DisclosedQuantityNotAllowed => "disclosed quantity is not taken here",
            Self::DisclosedImmediateOrCancel => {
                "disclosed quantity and immediate-or-cancel exclude each other"
            }
        }
    }
}

impl fmt::Display for SessionRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.message())
    }
}

impl core::error::Error for SessionRefusal {}

impl Phase {
    /// Whether this phase takes a request (rules 2.1, 2.3 and 2.4). During a halt cancels are taken:
    /// that is a choice, no text was seen.
    ///
    /// # Errors
    ///
    /// The first [`SessionRefusal`] that applies.
    pub fn check(self, rules: OrderRules, action: OrderAction) -> Result<(), SessionRefusal> {
        use SessionRefusal as No;
        match self {
            Self::Halted if matches!(action, OrderAction::Cancel { .. }) => return Ok(()),
            Self::Halted => return Err(No::MarketHalted),
            Self::PreOpenMatch | Self::ClosingMatch => return Err(No::AuctionMatching),
            Self::Closed | Self::PreOpenBuffer | Self::ClosingReference | Self::Recess => {
                return Err(No::MarketClosed);
            }
            _ => {}
        }
        let (resting, terms) = match action {
            OrderAction::New(terms) => (None, Some(terms)),
            OrderAction::Modify { resting, terms } => (Some(resting), Some(terms)),
            OrderAction::Cancel { resting } => (Some(resting), None),
        };
        if self.is_limit_only() && resting == Some(OrderType::Market) {
            return Err(No::MarketOrderFrozen);
        }
        terms.map_or(Ok(()), |terms| self.check_terms(rules, terms))
    }

    fn check_terms(self, rules: OrderRules, terms: OrderTerms) -> Result<(), SessionRefusal> {
        use SessionRefusal as No;
        let continuous = self == Self::Continuous;
        match terms.order_type {
            OrderType::Market if self.is_limit_only() => return Err(No::MarketOrderNotAllowed),
            OrderType::Limit if self == Self::PostClose && !rules.post_close_limit => {
                return Err(No::LimitOrderNotAllowed);
            }
            OrderType::StopLimit if !continuous || !rules.stop_limit => {
                return Err(No::StopLossNotAllowed);
            }
            OrderType::StopMarket if !continuous => return Err(No::StopLossNotAllowed),
            OrderType::StopMarket if !rules.stop_market => return Err(No::StopMarketNotAllowed),
            _ => {}
        }
        debug_assert!(
            continuous || self.is_auction_entry() || self == Self::PostClose,
            "only phases that take orders look at their terms"
        );
        if terms.immediate_or_cancel && !continuous {
            return Err(No::ImmediateOrCancelNotAllowed);
        }
        if terms.disclosed && (!continuous || !rules.disclosed) {
            return Err(No::DisclosedQuantityNotAllowed);
        }
        if terms.disclosed && terms.immediate_or_cancel {
            return Err(No::DisclosedImmediateOrCancel);
        }
        Ok(())
    }
}
