//! Every limit that can be set while a session runs, by its name.

use super::ControlError;
use crate::config::RiskLimits;
use crate::output::LimitUse;
use crate::risk::GuardLimits;

/// What a limit is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitUnit {
    /// Rupees.
    Rupees,
    /// Units of an instrument or underlying.
    Units,
    /// Orders, messages, requests.
    Count,
    /// Basis points of a price.
    BasisPoints,
    /// Milliseconds.
    Milliseconds,
    /// 1 is yes, 0 is no.
    Switch,
}

impl LimitUnit {
    /// What its values are, for people.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Rupees => "rupees, from 0 (off)",
            Self::Units => "units, from 0 (off)",
            Self::Count => "a count, from 0 (off) to 4294967295",
            Self::BasisPoints => "basis points, from 0 (off) to 4294967295",
            Self::Milliseconds => "milliseconds, from 0 (off) to 86400000",
            Self::Switch => "1 for yes, 0 for no",
        }
    }
}

macro_rules! limits {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal, $unit:ident;)+) => {
        /// A limit of [`RiskLimits`] or [`GuardLimits`]. Codes are fixed: journals hold them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Limit {
            $($(#[$doc])* $variant = $code,)+
        }

        impl Limit {
            /// Every limit, by code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The limit a record's number stands for.
            #[must_use]
            pub const fn from_code(code: u16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The name, that of its setting.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What it is counted in.
            #[must_use]
            pub const fn unit(self) -> LimitUnit {
                match self {
                    $(Self::$variant => LimitUnit::$unit,)+
                }
            }
        }
    };
}

limits! {
    /// [`RiskLimits::order_value_max`].
    OrderValue = 1, "order-value-max", Rupees;
    /// [`RiskLimits::open_order_value_max`].
    OpenOrderValue = 2, "open-order-value-max", Rupees;
    /// [`RiskLimits::loss_max`].
    Loss = 3, "loss-max", Rupees;
    /// [`RiskLimits::position_max`].
    Position = 4, "position-max", Units;
    /// [`RiskLimits::open_orders_max`].
    OpenOrders = 5, "open-orders-max", Count;
    /// [`RiskLimits::messages_per_second_max`].
    MessagesPerSecond = 6, "messages-per-second-max", Count;
    /// [`RiskLimits::fat_finger_bps`].
    FatFinger = 7, "fat-finger-bps", BasisPoints;
    /// [`RiskLimits::trade_on_stale`].
    TradeOnStale = 8, "trade-on-stale", Switch;
    /// [`RiskLimits::trade_when_halted`].
    TradeWhenHalted = 9, "trade-when-halted", Switch;
    /// [`GuardLimits::underlying_net_max`].
    UnderlyingNet = 16, "underlying-net-max", Units;
    /// [`GuardLimits::underlying_gross_max`].
    UnderlyingGross = 17, "underlying-gross-max", Units;
    /// [`GuardLimits::duplicate_window_ns`].
    DuplicateWindow = 18, "duplicate-window-ms", Milliseconds;
    /// [`GuardLimits::duplicates_max`].
    Duplicates = 19, "duplicates-max", Count;
    /// [`GuardLimits::instrument_orders_max`].
    InstrumentOrders = 20, "instrument-orders-max", Count;
    /// [`GuardLimits::in_flight_max`].
    InFlight = 21, "in-flight-max", Count;
    /// [`GuardLimits::segment_orders_max`].
    SegmentOrders = 22, "segment-orders-max", Count;
    /// [`GuardLimits::theoretical_bps`].
    Theoretical = 23, "theoretical-bps", BasisPoints;
    /// [`GuardLimits::drawdown_max`].
    Drawdown = 24, "drawdown-max", Rupees;
    /// [`GuardLimits::minute_loss_max`].
    MinuteLoss = 25, "minute-loss-max", Rupees;
    /// [`GuardLimits::margin_available`].
    MarginAvailable = 26, "margin-available", Rupees;
    /// [`GuardLimits::futeq_net_max`].
    FutEqNet = 27, "futeq-net-max", Rupees;
    /// [`GuardLimits::futeq_gross_max`].
    FutEqGross = 28, "futeq-gross-max", Rupees;
    /// [`GuardLimits::reduction_at_bps`].
    ReductionAt = 29, "reduction-at-bps", BasisPoints;
    /// [`GuardLimits::reduction_until_bps`].
    ReductionUntil = 30, "reduction-until-bps", BasisPoints;
    /// [`GuardLimits::alert_at_bps`].
    AlertAt = 31, "alert-at-bps", BasisPoints;
    /// [`GuardLimits::alarm_at_bps`].
    AlarmAt = 32, "alarm-at-bps", BasisPoints;
}

impl LimitUse {
    /// Which limit; `None` when the record holds no known code.
    #[must_use]
    pub const fn limit(&self) -> Option<Limit> {
        Limit::from_code(self.limit_code)
    }
}

const NANOS_PER_MS: i64 = 1_000_000;
const MS_PER_DAY: i64 = 86_400_000;

impl Limit {
    /// The limit of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|limit| limit.name() == name)
    }

    /// Whether it is one of [`RiskLimits`], which the configuration holds.
    #[must_use]
    pub const fn is_of_configuration(self) -> bool {
        (self as u16) < Self::UnderlyingNet as u16
    }

    /// Whether a strategy of several can have one of its own.
    #[must_use]
    pub const fn is_of_strategies(self) -> bool {
        matches!(self, Self::Loss | Self::Position | Self::OpenOrders)
    }

    /// Whether an account can have one of its own.
    #[must_use]
    pub const fn is_of_accounts(self) -> bool {
        self.is_of_strategies() || matches!(self, Self::OrderValue | Self::OpenOrderValue)
    }

    /// What it is set to.
    #[must_use]
    pub fn get(self, risk: &RiskLimits, guards: &GuardLimits) -> i64 {
        match self {
            Self::OrderValue => risk.order_value_max,
            Self::OpenOrderValue => risk.open_order_value_max,
            Self::Loss => risk.loss_max,
            Self::Position => risk.position_max,
            Self::OpenOrders => risk.open_orders_max.into(),
            Self::MessagesPerSecond => risk.messages_per_second_max.into(),
            Self::FatFinger => risk.fat_finger_bps.into(),
            Self::TradeOnStale => risk.trade_on_stale.into(),
            Self::TradeWhenHalted => risk.trade_when_halted.into(),
            Self::UnderlyingNet => guards.underlying_net_max,
            Self::UnderlyingGross => guards.underlying_gross_max,
            Self::DuplicateWindow => guards.duplicate_window_ns / NANOS_PER_MS,
            Self::Duplicates => guards.duplicates_max.into(),
            Self::InstrumentOrders => guards.instrument_orders_max.into(),
            Self::InFlight => guards.in_flight_max.into(),
            Self::SegmentOrders => guards.segment_orders_max.into(),
            Self::Theoretical => guards.theoretical_bps.into(),
            Self::Drawdown => guards.drawdown_max,
            Self::MinuteLoss => guards.minute_loss_max,
            Self::MarginAvailable => guards.margin_available,
            Self::FutEqNet => guards.futeq_net_max,
            Self::FutEqGross => guards.futeq_gross_max,
            Self::ReductionAt => guards.reduction_at_bps.into(),
            Self::ReductionUntil => guards.reduction_until_bps.into(),
            Self::AlertAt => guards.alert_at_bps.into(),
            Self::AlarmAt => guards.alarm_at_bps.into(),
        }
    }

    /// Whether it is one of those of the first journals, which every hash of an operated session has.
    pub(crate) const fn is_always_hashed(self) -> bool {
        (self as u16) < Self::MarginAvailable as u16
    }

    /// Sets it.
    ///
    /// # Errors
    ///
    /// [`ControlError::Value`] when it cannot be that; nothing is changed.
    pub fn set(
        self,
        risk: &mut RiskLimits,
        guards: &mut GuardLimits,
        value: i64,
    ) -> Result<(), ControlError> {
        self.check(value)?;
        // In range by the check; were one not, the tightest limit there is would be the answer.
        let count = u32::try_from(value).unwrap_or(1);
        match self {
            Self::OrderValue => risk.order_value_max = value,
            Self::OpenOrderValue => risk.open_order_value_max = value,
            Self::Loss => risk.loss_max = value,
            Self::Position => risk.position_max = value,
            Self::OpenOrders => risk.open_orders_max = count,
            Self::MessagesPerSecond => risk.messages_per_second_max = count,
            Self::FatFinger => risk.fat_finger_bps = count,
            Self::TradeOnStale => risk.trade_on_stale = u16::from(value == 1),
            Self::TradeWhenHalted => risk.trade_when_halted = u16::from(value == 1),
            Self::UnderlyingNet => guards.underlying_net_max = value,
            Self::UnderlyingGross => guards.underlying_gross_max = value,
            Self::DuplicateWindow => guards.duplicate_window_ns = value * NANOS_PER_MS,
            Self::Duplicates => guards.duplicates_max = count,
            Self::InstrumentOrders => guards.instrument_orders_max = count,
            Self::InFlight => guards.in_flight_max = count,
            Self::SegmentOrders => guards.segment_orders_max = count,
            Self::Theoretical => guards.theoretical_bps = count,
            Self::Drawdown => guards.drawdown_max = value,
            Self::MinuteLoss => guards.minute_loss_max = value,
            Self::MarginAvailable => guards.margin_available = value,
            Self::FutEqNet => guards.futeq_net_max = value,
            Self::FutEqGross => guards.futeq_gross_max = value,
            Self::ReductionAt => guards.reduction_at_bps = count,
            Self::ReductionUntil => guards.reduction_until_bps = count,
            Self::AlertAt => guards.alert_at_bps = count,
            Self::AlarmAt => guards.alarm_at_bps = count,
        }
        Ok(())
    }

    /// Whether it can have a value.
    ///
    /// # Errors
    ///
    /// [`ControlError::Value`] when it cannot.
    pub fn check(self, value: i64) -> Result<(), ControlError> {
        let most = match self.unit() {
            // As money, a value of rupees has to fit with room for sums.
            LimitUnit::Rupees | LimitUnit::Units => i64::MAX >> 1,
            LimitUnit::Count | LimitUnit::BasisPoints => i64::from(u32::MAX),
            LimitUnit::Milliseconds => MS_PER_DAY,
            LimitUnit::Switch => 1,
        };
        let fits = (0..=most).contains(&value);
        if fits { Ok(()) } else { Err(ControlError::Value { limit: self, value }) }
    }

    /// Whether a change lets more through than before.
    #[must_use]
    pub const fn is_looser(self, from: i64, to: i64) -> bool {
        match self {
            Self::TradeOnStale | Self::TradeWhenHalted => to > from,
            // The window alone does nothing but widen what counts as the same order once more.
            Self::DuplicateWindow => to < from,
            // Nought is no limit at all.
            _ if from == 0 => false,
            _ => to == 0 || to > from,
        }
    }
}
