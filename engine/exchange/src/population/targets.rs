//! What the population is calibrated to: figures of a real session, and how near it must come.
//!
//! Two sources, both NSE F&O stream 2 of 20 May 2016 from 09:37:36: *rates and mix* over some 5,000
//! messages (protocol reference, calibration section), and *shape*, measured by
//! [`statistics`](super::statistics) over 3,000 consecutive messages of it. Times there are in
//! milliseconds, so what happens within 10 µs has no target. Books were joined in the middle of
//! the session and are partly empty: spreads and depth are bounds, not values.

use super::statistics::Summary;

/// A figure, what it was in the real session, and the range in which it must lie here.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The figure.
    pub name: &'static str,
    /// In the real session.
    pub real: f64,
    /// The lowest accepted.
    pub min: f64,
    /// The highest accepted.
    pub max: f64,
    /// Where it stands in a summary.
    pub of: fn(&Summary) -> f64,
}

/// Every target. The simulated session has the real one's size: 531 instruments of ten underlyings.
pub const TARGETS: &[Target] = &[
    Target { name: "messages/s", real: 5_662.0, min: 5_000.0, max: 6_500.0, of: |s| s.per_second },
    Target { name: "M share", real: 0.81, min: 0.78, max: 0.84, of: |s| s.modify_share },
    Target { name: "N share", real: 0.10, min: 0.085, max: 0.115, of: |s| s.new_share },
    Target { name: "X share", real: 0.09, min: 0.075, max: 0.105, of: |s| s.cancel_share },
    Target { name: "T share", real: 0.002, min: 0.001, max: 0.004, of: |s| s.trade_share },
    Target { name: "X per N", real: 0.9, min: 0.8, max: 1.0, of: |s| s.cancels_per_new },
    Target { name: "M price only", real: 0.96, min: 0.93, max: 0.99, of: |s| s.price_only_share },
    Target { name: "X repeats", real: 1.0, min: 0.98, max: 1.0, of: |s| s.cancel_repeats_share },
    Target { name: "M one tick", real: 0.49, min: 0.39, max: 0.59, of: |s| s.one_tick_share },
    Target { name: "M up to two", real: 0.76, min: 0.66, max: 0.86, of: |s| s.two_ticks_share },
    Target {
        name: "same millisecond",
        real: 0.864,
        min: 0.82,
        max: 0.91,
        of: |s| s.same_millisecond_share,
    },
    Target {
        name: "peak in 1 ms",
        real: 65.0,
        min: 40.0,
        max: 150.0,
        of: |s| s.peak_per_millisecond as f64,
    },
    Target { name: "dispersion, 1 ms", real: 11.7, min: 7.0, max: 17.0, of: |s| s.dispersion },
    Target {
        name: "same instrument",
        real: 0.25,
        min: 0.12,
        max: 0.38,
        of: |s| s.same_instrument_share,
    },
    Target {
        name: "busiest tenth",
        real: 0.60,
        min: 0.48,
        max: 0.72,
        of: |s| s.busiest_tenth_share,
    },
    Target {
        name: "spread, ticks",
        real: 38.0,
        min: 5.0,
        max: 50.0,
        of: |s| s.spread_median_ticks,
    },
    Target { name: "orders, level 1", real: 1.4, min: 1.0, max: 2.5, of: |s| s.level_orders[0] },
    Target { name: "orders, level 2", real: 1.2, min: 1.0, max: 2.2, of: |s| s.level_orders[1] },
];
