//! What operators do to a running core: inputs like any other, journaled before they are acted on.
//!
//! A pause, a sweep of cancels, a way out of all positions, the kill switch and its release, limits and
//! restrictions. Who asked and why is the host's to record; the core only acts.

mod limit;
mod parameter;
mod record;
#[cfg(test)]
mod tests;

pub use limit::{Limit, LimitUnit};
pub use parameter::{Assignment, ParameterError};
pub use record::ControlRecord;

use tezi_model::{AccountDefinition, AccountId, InstrumentId, Px, StrategyId};

use crate::output::StopCause;
use crate::risk::Restriction;

/// One action of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// New orders and changes are refused from now on; cancels leave.
    Pause,
    /// Ends a pause, and with it a [`Control::Flatten`] under way.
    Resume,
    /// Cancels every order known now, those without an answer as soon as they have one.
    CancelAll {
        /// Only of this instrument.
        instrument: Option<InstrumentId>,
    },
    /// Pauses, cancels every order, then closes positions with immediate-or-cancel orders until none
    /// is left. It never opens a position, and goes on after a stop as well.
    Flatten {
        /// Only of this instrument.
        instrument: Option<InstrumentId>,
        /// How far through the touch the closing orders may trade, in basis points of it; the fat
        /// finger limit holds as for any order.
        through_bps: u32,
    },
    /// Stops trading for good: everything is cancelled, nothing else leaves.
    Kill,
    /// As [`Control::Kill`], and the exchange is asked to cancel every order of the session's user: that
    /// is the host's to do, where there is an order session.
    KillUser,
    /// Takes back a stop. Trading is paused then, until it is resumed.
    Release,
    /// Sets a limit, in its [`Limit::unit`].
    SetLimit {
        /// Which.
        limit: Limit,
        /// To what; nought switches it off.
        value: i64,
    },
    /// Sets what may be traded in an instrument.
    Restrict {
        /// Of which.
        instrument: InstrumentId,
        /// What may be.
        restriction: Restriction,
    },
    /// Sets the exchange's limit price protection range of an instrument; nought leaves a side open.
    PriceRange {
        /// Of which.
        instrument: InstrumentId,
        /// The least a sell may ask.
        low: Px,
        /// The most a buy may bid.
        high: Px,
    },
    /// Stops one of several strategies: its orders are cancelled, its requests refused.
    StopStrategy {
        /// Which.
        strategy: StrategyId,
        /// Why.
        cause: StopCause,
    },
    /// Lets a stopped strategy go on.
    StartStrategy {
        /// Which.
        strategy: StrategyId,
    },
    /// Stops one of several strategies as [`Control::StopStrategy`] does, then closes what it holds with
    /// immediate-or-cancel orders of its own until nothing is left, or it is started again. The others go on.
    FlattenStrategy {
        /// Which.
        strategy: StrategyId,
        /// As of [`Control::Flatten`].
        through_bps: u32,
    },
    /// Sets a limit of one of several strategies: the loss, position or open orders.
    SetStrategyLimit {
        /// Whose.
        strategy: StrategyId,
        /// Which.
        limit: Limit,
        /// To what; nought switches it off.
        value: i64,
    },
    /// Sets a parameter of a strategy.
    SetParameter {
        /// Whose; [`StrategyId::NONE`] where there is only one.
        strategy: StrategyId,
        /// Which, and to what.
        assignment: Assignment,
    },
    /// Declares an account, before the session begins: numbers go up from 1 without a hole.
    DeclareAccount {
        /// Its number.
        account: AccountId,
        /// What it is.
        definition: AccountDefinition,
    },
    /// Says for which account a strategy trades, before the session begins.
    AssignAccount {
        /// Whose orders; [`StrategyId::NONE`] where there is only one.
        strategy: StrategyId,
        /// For which.
        account: AccountId,
    },
    /// Sets a limit of one account: [`Limit::is_of_accounts`].
    SetAccountLimit {
        /// Whose.
        account: AccountId,
        /// Which.
        limit: Limit,
        /// To what; nought switches it off.
        value: i64,
    },
    /// As [`Control::Pause`], of one account.
    PauseAccount {
        /// Which.
        account: AccountId,
    },
    /// As [`Control::Resume`], of one account.
    ResumeAccount {
        /// Which.
        account: AccountId,
    },
    /// As [`Control::CancelAll`], of one account.
    CancelAccount {
        /// Which.
        account: AccountId,
    },
    /// As [`Control::Flatten`], of one account: the others trade on.
    FlattenAccount {
        /// Which.
        account: AccountId,
        /// As of [`Control::Flatten`].
        through_bps: u32,
    },
    /// As [`Control::Kill`], of one account: the others trade on.
    KillAccount {
        /// Which.
        account: AccountId,
    },
    /// Takes back the stop of an account. It is paused then, until it is resumed.
    ReleaseAccount {
        /// Which.
        account: AccountId,
    },
    /// Sets what an account may do, in every instrument.
    RestrictAccount {
        /// Which.
        account: AccountId,
        /// What it may do.
        restriction: Restriction,
    },
}

impl Control {
    /// A name for programs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::CancelAll { .. } => "cancel",
            Self::Flatten { .. } => "flatten",
            Self::Kill => "kill",
            Self::KillUser => "user_kill",
            Self::Release => "release",
            Self::SetLimit { .. } => "limit",
            Self::Restrict { .. } => "restrict",
            Self::PriceRange { .. } => "range",
            Self::StopStrategy { .. } => "stop",
            Self::StartStrategy { .. } => "start",
            Self::FlattenStrategy { .. } => "strategy_flatten",
            Self::SetStrategyLimit { .. } => "strategy_limit",
            Self::SetParameter { .. } => "set",
            Self::DeclareAccount { .. } => "account",
            Self::AssignAccount { .. } => "account_assign",
            Self::SetAccountLimit { .. } => "account_limit",
            Self::PauseAccount { .. } => "account_pause",
            Self::ResumeAccount { .. } => "account_resume",
            Self::CancelAccount { .. } => "account_cancel",
            Self::FlattenAccount { .. } => "account_flatten",
            Self::KillAccount { .. } => "account_kill",
            Self::ReleaseAccount { .. } => "account_release",
            Self::RestrictAccount { .. } => "account_restrict",
        }
    }

    /// The account it is about, if it is about one.
    #[must_use]
    pub const fn account(&self) -> Option<AccountId> {
        match *self {
            Self::DeclareAccount { account, .. }
            | Self::AssignAccount { account, .. }
            | Self::SetAccountLimit { account, .. }
            | Self::PauseAccount { account }
            | Self::ResumeAccount { account }
            | Self::CancelAccount { account }
            | Self::FlattenAccount { account, .. }
            | Self::KillAccount { account }
            | Self::ReleaseAccount { account }
            | Self::RestrictAccount { account, .. } => Some(account),
            _ => None,
        }
    }

    /// The text that a record of it has behind who and why: an assignment, or what declares an account.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::SetParameter { assignment, .. } => assignment.as_str(),
            Self::DeclareAccount { definition, .. } => definition.as_str(),
            _ => "",
        }
    }

    /// The strategy it is about, if it is about one.
    #[must_use]
    pub const fn strategy(&self) -> Option<StrategyId> {
        match *self {
            Self::StopStrategy { strategy, .. }
            | Self::StartStrategy { strategy }
            | Self::FlattenStrategy { strategy, .. }
            | Self::SetStrategyLimit { strategy, .. }
            | Self::SetParameter { strategy, .. } => Some(strategy),
            _ => None,
        }
    }

    /// The instrument it is about, if it is about one.
    #[must_use]
    pub const fn instrument(&self) -> Option<InstrumentId> {
        match *self {
            Self::CancelAll { instrument } | Self::Flatten { instrument, .. } => instrument,
            Self::Restrict { instrument, .. } | Self::PriceRange { instrument, .. } => {
                Some(instrument)
            }
            _ => None,
        }
    }
}

/// Why an action changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlError {
    /// The number was never given out.
    UnknownInstrument,
    /// A limit cannot have this value.
    Value {
        /// Which limit.
        limit: Limit,
        /// What it was to be.
        value: i64,
    },
    /// A range that begins above its end, or below nought.
    Range,
    /// More basis points than there are in a price.
    Through,
    /// As many sweeps of cancels as there is room for, or another flattening, are under way.
    Busy,
    /// There is no stop to take back.
    NotStopped,
    /// Trading is stopped: a pause neither begins nor ends.
    Stopped,
    /// There is no strategy of this number.
    UnknownStrategy,
    /// The strategy is not stopped.
    StrategyNotStopped,
    /// The strategy's code panicked: its state is not known, and it cannot go on.
    StrategyPanicked,
    /// A limit that only the whole desk has.
    NotOfStrategies(Limit),
    /// The strategy did not take the parameter.
    Parameter(ParameterError),
    /// There is no account of this number.
    UnknownAccount,
    /// The account is not stopped.
    AccountNotStopped,
    /// The account is stopped: a pause of it neither begins nor ends.
    AccountStopped,
    /// A limit that accounts have not.
    NotOfAccounts(Limit),
    /// Accounts are declared and assigned before the session begins.
    Begun,
    /// An account's number is not the next, or its name is another's.
    AccountTwice,
    /// Strategies and accounts take every place there is.
    AccountsFull,
}

impl core::fmt::Display for ControlError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::UnknownInstrument => f.write_str("the instrument is not known"),
            Self::Value { limit, value } => {
                write!(f, "{} cannot be {value}: it is {}", limit.name(), limit.unit().rule())
            }
            Self::Range => f.write_str("the range begins above its end, or below nought"),
            Self::Through => f.write_str("closing orders go at most 10000 basis points through"),
            Self::Busy => {
                f.write_str("too many sweeps of cancels, or another flattening, are under way")
            }
            Self::NotStopped => f.write_str("trading is not stopped: there is nothing to release"),
            Self::Stopped => f.write_str("trading is stopped: a release comes first"),
            Self::UnknownStrategy => f.write_str("there is no such strategy"),
            Self::StrategyNotStopped => f.write_str("the strategy is not stopped"),
            Self::StrategyPanicked => {
                f.write_str("the strategy panicked: only another session lets it go on")
            }
            Self::NotOfStrategies(limit) => write!(
                f,
                "{} is the desk's; a strategy has loss-max, position-max and open-orders-max",
                limit.name()
            ),
            Self::UnknownAccount => f.write_str("there is no such account"),
            Self::AccountNotStopped => f.write_str("the account is not stopped"),
            Self::AccountStopped => f.write_str("the account is stopped: a release comes first"),
            Self::NotOfAccounts(limit) => write!(
                f,
                "{} is not an account's: there are loss-max, position-max, open-orders-max, \
                 order-value-max and open-order-value-max",
                limit.name()
            ),
            Self::Begun => f.write_str("accounts are declared before the session begins"),
            Self::AccountTwice => {
                f.write_str("two accounts have one name, or a number is left out")
            }
            Self::AccountsFull => f.write_str("there is room for 64 strategies and accounts"),
            Self::Parameter(ParameterError::Unknown) => {
                f.write_str("the strategy has no such parameter that may change while it runs")
            }
            Self::Parameter(ParameterError::Value) => {
                f.write_str("the strategy did not take this value")
            }
        }
    }
}

impl core::error::Error for ControlError {}
