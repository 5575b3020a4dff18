//! Every bound and limit of the core, as one record that is journaled before anything else.

use bytemuck::{Pod, Zeroable};
use tezi_model::Money;

/// Bounds of the core: what is allocated at start. At a bound the answer is a named refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Capacity {
    /// Instruments, those seen first in market data included.
    pub instruments_max: u32,
    /// Live orders of the market, over all books.
    pub market_orders_max: u32,
    /// Price levels, over all books.
    pub levels_max: u32,
    /// Own orders remembered. A power of two; the oldest closed one gives way to a new one.
    pub own_orders_max: u32,
    /// Timers set at once.
    pub timers_max: u32,
    /// Commands, refusals and reports that one input may cause.
    pub outputs_max: u32,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            instruments_max: 16_384,
            market_orders_max: 1 << 20,
            levels_max: 1 << 18,
            own_orders_max: 1 << 14,
            timers_max: 1_024,
            outputs_max: 4_096,
        }
    }
}

/// Pre-trade limits. Zero switches a limit off, except where the field says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct RiskLimits {
    /// The most one order may be worth, in rupees.
    pub order_value_max: i64,
    /// The most all open orders together may be worth, in rupees.
    pub open_order_value_max: i64,
    /// The largest loss of the session, in rupees; at it trading stops for good.
    pub loss_max: i64,
    /// The largest position in one instrument, in units, long or short, all open orders filled.
    pub position_max: i64,
    /// Open orders at once.
    pub open_orders_max: u32,
    /// New orders and changes in one second of the clock; cancels count but are never refused.
    pub messages_per_second_max: u32,
    /// How far beyond the opposite touch (or, without one, the last trade) a price may lie, in
    /// basis points of it.
    pub fat_finger_bps: u32,
    /// 1 lets orders out on books whose stream has lost messages; 0 refuses them.
    pub trade_on_stale: u16,
    /// 1 lets orders out in what the exchange has halted or closed; 0 refuses them. What the feed
    /// says nothing of trades either way.
    pub trade_when_halted: u16,
}

impl Default for RiskLimits {
    /// A small proprietary desk: one order ≤ ₹1 crore, ₹10 crore open, ₹10 lakh loss, 120 messages
    /// a second (the smallest colocation rate NSE sells per address, 2026).
    fn default() -> Self {
        Self {
            order_value_max: 10_000_000,
            open_order_value_max: 100_000_000,
            loss_max: 1_000_000,
            position_max: 1_950,
            open_orders_max: 64,
            messages_per_second_max: 120,
            fat_finger_bps: 500,
            trade_on_stale: 0,
            trade_when_halted: 0,
        }
    }
}

impl RiskLimits {
    /// The order value limit as money, `None` when off.
    #[must_use]
    pub fn order_value(&self) -> Option<Money> {
        (self.order_value_max > 0).then(|| Money::from_rupees(self.order_value_max))
    }

    /// The open order value limit as money, `None` when off.
    #[must_use]
    pub fn open_order_value(&self) -> Option<Money> {
        (self.open_order_value_max > 0).then(|| Money::from_rupees(self.open_order_value_max))
    }
}

/// The simulated venue: how late orders reach it and reports come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SimulatedVenueConfig {
    /// From the core to the matching engine, in nanoseconds.
    pub order_latency_ns: i64,
    /// From the matching engine back to the core, in nanoseconds.
    pub report_latency_ns: i64,
}

impl Default for SimulatedVenueConfig {
    /// Twenty microseconds each way, the order of a rack-to-router hop in colocation.
    fn default() -> Self {
        Self { order_latency_ns: 20_000, report_latency_ns: 20_000 }
    }
}

/// Where commands go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum VenueMode {
    /// To the venue inside the core, which fills them against the market's own book.
    Simulated = 0,
    /// Out of the core; reports come back as inputs.
    External = 1,
}

/// The configuration of the core. Journaled as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct CoreConfig {
    /// Pre-trade limits.
    pub limits: RiskLimits,
    /// The simulated venue.
    pub venue: SimulatedVenueConfig,
    /// Bounds.
    pub capacity: Capacity,
    /// A [`VenueMode`] code.
    pub venue_mode: u32,
    /// The number before that of the first own order. Sessions of one user on one day must not give
    /// the same number twice, so a session with an exchange starts each from another one.
    pub client_order_id_base: u32,
}

const _: () = assert!(size_of::<CoreConfig>() == 96);

impl Default for CoreConfig {
    fn default() -> Self {
        Self {
            limits: RiskLimits::default(),
            venue: SimulatedVenueConfig::default(),
            capacity: Capacity::default(),
            venue_mode: VenueMode::Simulated as u32,
            client_order_id_base: 0,
        }
    }
}

/// Why a configuration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// A bound is zero, not a power of two where it must be, or larger than the design allows.
    Bound {
        /// The field.
        field: &'static str,
        /// What it holds.
        value: u64,
        /// What it must be.
        rule: &'static str,
    },
}

impl core::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self::Bound { field, value, rule } = self;
        write!(f, "{field} is {value}: it must be {rule}")
    }
}

impl core::error::Error for ConfigError {}

impl CoreConfig {
    /// Checks every bound.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Bound`] names the first field that cannot be honoured.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let capacity = &self.capacity;
        let sizes = [
            ("instruments_max", capacity.instruments_max, 1 << 24),
            ("market_orders_max", capacity.market_orders_max, 1 << 28),
            ("levels_max", capacity.levels_max, 1 << 26),
            ("own_orders_max", capacity.own_orders_max, 1 << 24),
            ("timers_max", capacity.timers_max, 1 << 20),
            ("outputs_max", capacity.outputs_max, 1 << 20),
        ];
        for (field, value, most) in sizes {
            if value == 0 || value > most {
                return Err(bound(field, u64::from(value), "positive and within the design limit"));
            }
        }
        if !capacity.own_orders_max.is_power_of_two() {
            return Err(bound(
                "own_orders_max",
                u64::from(capacity.own_orders_max),
                "a power of two",
            ));
        }
        if capacity.outputs_max < 64 {
            return Err(bound("outputs_max", u64::from(capacity.outputs_max), "at least 64"));
        }
        let signed = [
            ("order_latency_ns", self.venue.order_latency_ns),
            ("report_latency_ns", self.venue.report_latency_ns),
            ("order_value_max", self.limits.order_value_max),
            ("open_order_value_max", self.limits.open_order_value_max),
            ("loss_max", self.limits.loss_max),
            ("position_max", self.limits.position_max),
        ];
        for (field, value) in signed {
            if value < 0 {
                return Err(bound(field, value.unsigned_abs(), "not negative"));
            }
        }
        if self.venue_mode > VenueMode::External as u32 {
            return Err(bound("venue_mode", u64::from(self.venue_mode), "0 or 1"));
        }
        Ok(())
    }
}

const fn bound(field: &'static str, value: u64, rule: &'static str) -> ConfigError {
    ConfigError::Bound { field, value, rule }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_and_a_bad_bound_is_named() {
        assert_eq!(CoreConfig::default().validate(), Ok(()));
        let mut config = CoreConfig::default();
        config.capacity.own_orders_max = 3;
        let error = config.validate().unwrap_err().to_string();
        assert_eq!(error, "own_orders_max is 3: it must be a power of two");
        config = CoreConfig::default();
        config.venue.order_latency_ns = -1;
        assert!(config.validate().is_err());
    }
}
