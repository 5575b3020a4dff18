//! What the checks of an underlying, of lists, loops and rates are set to.

use bytemuck::{Pod, Zeroable};

use crate::config::ConfigError;

/// Limits behind those of [`RiskLimits`](crate::config::RiskLimits). Zero switches a limit off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct GuardLimits {
    /// The largest position in all instruments of one underlying, in units, long or short, if all
    /// open orders of one side filled.
    pub underlying_net_max: i64,
    /// The most units held long and short in all instruments of one underlying, added up without
    /// their sign, if the worse side of each filled.
    pub underlying_gross_max: i64,
    /// How long an equal order counts as the same once more, in nanoseconds.
    pub duplicate_window_ns: i64,
    /// How often in a row the same order (instrument, side, price, quantity) may leave, each within
    /// the window of the one before.
    pub duplicates_max: u32,
    /// New orders in one instrument in one second of the clock: more is a loop.
    pub instrument_orders_max: u32,
    /// Requests without an answer at once.
    pub in_flight_max: u32,
    /// New orders and changes in one segment in one second of the clock (TOPS: the rule
    /// `algo.tops`).
    pub segment_orders_max: u32,
    /// How far through its theoretical price an order may lie, in basis points of it.
    pub theoretical_bps: u32,
    /// Zero.
    pub reserved: u32,
    /// How far the profit may fall from the day's highest, in rupees; at it trading stops for good.
    pub drawdown_max: i64,
    /// How far the profit may fall from the highest of the last minute, in rupees; at it trading stops
    /// for good.
    pub minute_loss_max: i64,
    /// Collateral for margin, premium and losses, in rupees.
    pub margin_available: i64,
    /// The largest net position in an underlying by delta, in rupees at its price, if all that makes it
    /// larger filled (SEBI 29 May 2025 /79: 1,500 crore at the end of the day, 5,000 within it).
    pub futeq_net_max: i64,
    /// The same of what is long, and of what is short, each by itself (10,000 crore).
    pub futeq_gross_max: i64,
    /// The part of the collateral, in basis points, at which only risk may be reduced (NSE: 9,000).
    pub reduction_at_bps: u32,
    /// The part below which that ends; nought is the same as where it begins (NSE: 8,500).
    pub reduction_until_bps: u32,
    /// The part of a limit, in basis points, at whose use an alert is told; nought tells none.
    pub alert_at_bps: u32,
    /// The part at whose use an alarm is told; nought tells none.
    pub alarm_at_bps: u32,
}

const _: () = assert!(size_of::<GuardLimits>() == 104);

impl GuardLimits {
    /// Nothing is limited.
    pub const OFF: Self = Self {
        underlying_net_max: 0,
        underlying_gross_max: 0,
        duplicate_window_ns: 0,
        duplicates_max: 0,
        instrument_orders_max: 0,
        in_flight_max: 0,
        segment_orders_max: 0,
        theoretical_bps: 0,
        reserved: 0,
        drawdown_max: 0,
        minute_loss_max: 0,
        margin_available: 0,
        futeq_net_max: 0,
        futeq_gross_max: 0,
        reduction_at_bps: 0,
        reduction_until_bps: 0,
        alert_at_bps: 0,
        alarm_at_bps: 0,
    };

    /// What checks look at: all but the marks at whose use alerts are told.
    pub(super) const fn without_marks(self) -> Self {
        Self { alert_at_bps: 0, alarm_at_bps: 0, ..self }
    }

    /// Checks every limit.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Bound`] names the first that is negative.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let signed = [
            ("underlying_net_max", self.underlying_net_max),
            ("underlying_gross_max", self.underlying_gross_max),
            ("duplicate_window_ns", self.duplicate_window_ns),
            ("drawdown_max", self.drawdown_max),
            ("minute_loss_max", self.minute_loss_max),
            ("margin_available", self.margin_available),
            ("futeq_net_max", self.futeq_net_max),
            ("futeq_gross_max", self.futeq_gross_max),
        ];
        match signed.into_iter().find(|&(_, value)| value < 0) {
            None => Ok(()),
            Some((field, value)) => {
                Err(ConfigError::Bound { field, value: value.unsigned_abs(), rule: "not negative" })
            }
        }
    }
}

/// What may be traded in an instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Restriction {
    /// Everything.
    #[default]
    None = 0,
    /// Only what brings the position towards nought: the ban period of a share whose open interest
    /// is above 95 % of its market-wide limit, and the risk-reduction mode of a member.
    ReduceOnly = 1,
    /// No buys.
    NoBuys = 2,
    /// No sells.
    NoSells = 3,
    /// Nothing.
    Nothing = 4,
}

impl Restriction {
    /// A name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ReduceOnly => "reduce-only",
            Self::NoBuys => "no-buys",
            Self::NoSells => "no-sells",
            Self::Nothing => "nothing",
        }
    }

    /// The restriction a record's byte stands for.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::None,
            1 => Self::ReduceOnly,
            2 => Self::NoBuys,
            3 => Self::NoSells,
            4 => Self::Nothing,
            _ => return None,
        })
    }
}
