//! Bounds of a matcher, and what it must know of an instrument on its day.

use tezi_model::{OrderId, Px, Qty, Segment};

use super::legs::LegsFill;
use crate::book::BooksConfig;
use crate::venue::bands::PriceBand;
use crate::venue::rules::{AllocationOrder, MissingRule, Rules, key};
use crate::venue::session::OrderRules;
use crate::venue::{Date, Rate, Width};

/// The bounds of a [`Matcher`](super::Matcher). All of it is allocated at start.
///
/// **Memory**: 115 bytes an order beside its book, 163 a stop-loss, 104 a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatcherConfig {
    /// The segment: whose error codes apply.
    pub segment: Segment,
    /// Instruments, resting orders and price levels.
    pub books: BooksConfig,
    /// Stop-loss orders that can wait at one time.
    pub stops_max: u32,
    /// Frozen requests that can wait at one time.
    pub frozen_max: u32,
    /// Trades that can still be taken back: the latest, rounded up to a power of two.
    pub trades_max: u32,
    /// Block orders that can wait for their counterpart at one time.
    pub blocks_max: u32,
    /// How much of an order of several legs trades when the books do not hold all of it.
    pub legs_fill: LegsFill,
    /// The number of the first order (NNF: two digits of the stream and fourteen of a count).
    pub order_id_first: OrderId,
}

impl MatcherConfig {
    /// Room for a test or a lesson: 16 instruments, 4,096 orders.
    #[must_use]
    pub const fn small(segment: Segment) -> Self {
        Self {
            segment,
            books: BooksConfig { instruments_max: 16, orders_max: 4_096, levels_max: 2_048 },
            stops_max: 1_024,
            frozen_max: 64,
            trades_max: 4_096,
            blocks_max: 64,
            legs_fill: LegsFill::Proportional,
            order_id_first: OrderId(1),
        }
    }
}

/// What a matcher must know of an instrument on its day. Whoever follows the dated rules fills it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentTerms {
    /// Price step; zero when not known.
    pub tick: Px,
    /// Quantity step; zero when not known.
    pub lot: Qty,
    /// Prices that orders may have.
    pub band: PriceBand,
    /// The most one order may have before it is frozen.
    pub freeze: Option<Qty>,
    /// Which kinds of order exist.
    pub orders: OrderRules,
    /// The smallest disclosed part; `None` where there is no disclosed quantity.
    pub disclosed_min: Option<Rate>,
    /// How far from the last trade a market order may trade; `None` for anywhere.
    pub market_protection: Option<Width>,
    /// How far a limit may lie from its trigger; `None` for anywhere.
    pub trigger_gap: Option<Width>,
    /// Who trades first in a call auction at the open.
    pub opening_allocation: AllocationOrder,
    /// Who trades first in the closing auction.
    pub closing_allocation: AllocationOrder,
    /// Previous close, adjusted: what auctions at the open refer to, and what stands in for the last
    /// trade before there is one.
    pub reference: Px,
}

impl InstrumentTerms {
    /// An instrument with a tick and a lot, every kind of order, no band, no freeze.
    #[must_use]
    pub const fn new(tick: Px, lot: Qty) -> Self {
        let orders = OrderRules {
            stop_limit: true,
            stop_market: true,
            disclosed: true,
            post_close_limit: true,
        };
        Self {
            tick,
            lot,
            band: PriceBand { low: Px(1), high: Px(i64::MAX / 4) },
            freeze: None,
            orders,
            disclosed_min: Some(Rate(0)),
            market_protection: None,
            trigger_gap: None,
            opening_allocation: AllocationOrder::LimitFirst,
            closing_allocation: AllocationOrder::MarketFirst,
            reference: tick,
        }
    }

    /// A calendar spread with a tick and a lot: price differences of less than 9,999,999.90 rupees
    /// either way (NNF F&O, chapter 5). Its reference is a difference too.
    #[must_use]
    pub const fn spread(tick: Px, lot: Qty) -> Self {
        let limit = 999_999_990 * Px::PAISA - 1;
        let band = PriceBand { low: Px(-limit), high: Px(limit) };
        Self { band, reference: Px::ZERO, ..Self::new(tick, lot) }
    }

    /// These terms with what the rules of a date say for a scope (`NSE/fo/option`, `NSE/cm`): which
    /// kinds of order exist, disclosed quantity, who trades first in auctions, and for options how
    /// far market orders may trade.
    ///
    /// # Errors
    ///
    /// [`MissingRule`] when a row that must be there is not.
    pub fn with_rules(self, rules: &Rules, scope: &str, date: Date) -> Result<Self, MissingRule> {
        let opening_allocation = *rules.get(key::AUCTION_ALLOCATION, scope, date)?;
        let closing = rules.find(key::AUCTION_ALLOCATION, &format!("{scope}/closing"), date);
        let is_option = scope.ends_with("/option");
        let protection = rules.find(key::MARKET_PROTECTION, scope, date).filter(|_| is_option);
        Ok(Self {
            orders: OrderRules::new(rules, scope, date)?,
            disclosed_min: rules.find(key::DISCLOSED_MIN, scope, date).copied(),
            market_protection: protection.copied(),
            opening_allocation,
            closing_allocation: closing.copied().unwrap_or(opening_allocation),
            ..self
        })
    }
}
