//! The desk: all state of the core but the strategy's own.
//!
//! Market events change books here, requests become commands here (`trading`), and everything a
//! strategy may see or do goes through here by way of its `Context`.

mod accounts;
mod collateral;
mod explain;
mod market;
mod opening;
mod operator;
mod snapshot;
mod spread;
mod status;
mod strategies;
mod trading;
mod usage;

use tezi_model::{
    InstrumentId, Nanos, Px, RejectReason, StateHasher, StrategyId, StreamId, TradingStatus,
};

use crate::backtest::SimulatedVenue;
use crate::book::{Books, BooksConfig};
use crate::collateral::Collateral;
use crate::config::{ConfigError, CoreConfig, VenueMode};
use crate::instruments::InstrumentTable;
use crate::ledger::Ledgers;
use crate::oms::{OrderSessionState, Orders};
use crate::output::{Emitted, Origin, Output};
use crate::position::Positions;
use crate::risk::{GuardLimits, Guards, Losses, Risk};
use crate::timers::Timers;
use operator::Operator;
use status::Statuses;

pub use explain::Explanation;
pub(crate) use market::MarketChange;
pub use opening::{HOLDINGS_MAX, LOTS_MAX};
pub use operator::OperatorWork;

/// What the core has counted. All since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Market events taken in, gaps and resets included.
    pub events: u64,
    /// Order events applied to a book.
    pub orders_applied: u64,
    /// Cancels and trades that name no known order: before the join, or never shown.
    pub orders_unknown: u64,
    /// Trades. Both legs of a spread trade are one.
    pub trades: u64,
    /// Messages of spread orders and trades, one for each leg.
    pub spread_events: u64,
    /// Of them, given up without the message of the other leg.
    pub spread_legs_given_up: u64,
    /// Trades the exchange took back.
    pub trade_cancels: u64,
    /// Words of trading status and index values.
    pub status_events: u64,
    /// Gaps reported by the feed.
    pub gaps: u64,
    /// Streams that began again.
    pub resets: u64,
    /// Events with an unknown kind or segment.
    pub malformed: u64,
    /// Events that found no room: the books of the stream are stale from then on, but for a status or
    /// index value, which has no book.
    pub book_refusals: u64,
    /// Requests refused when their input had caused as many outputs as configured: there is no
    /// room to say so, and they are in no other count.
    pub requests_unsaid: u64,
    /// Inputs whose time lay before that of an earlier one.
    pub clock_steps_back: u64,
    /// New orders that left.
    pub new_orders: u64,
    /// Changes that left.
    pub replaces: u64,
    /// Cancels that left.
    pub cancels: u64,
    /// Fills booked.
    pub fills: u64,
    /// Of them, passive.
    pub passive_fills: u64,
}

/// What is known of an instrument's market beside its book.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tape {
    pub(crate) last_trade: Option<Px>,
    pub(crate) volume: u64,
}

/// Streams a desk can tell apart: every one that has an id.
const STREAMS: usize = 1 << 16;

/// Reasons of the first journals: every state hash has counts of them.
const fn is_always_hashed(reason: RejectReason) -> bool {
    use RejectReason::{Capacity, Drawdown, MinuteLoss, Paused};
    !matches!(reason, Drawdown | MinuteLoss | Paused) && reason as u16 <= Capacity as u16
}

/// See the module.
pub(crate) struct Desk {
    pub(crate) config: CoreConfig,
    pub(crate) now: Nanos,
    pub(crate) has_started: bool,
    pub(crate) exchange_time: Nanos,
    pub(crate) instruments: InstrumentTable,
    pub(crate) books: Books,
    pub(crate) tape: Box<[Tape]>,
    pub(crate) stale: Box<[bool]>,
    pub(crate) statuses: Statuses,
    pub(crate) orders: Orders,
    pub(crate) positions: Positions,
    pub(crate) risk: Risk,
    pub(crate) guards: Guards,
    pub(crate) losses: Losses,
    usage: usage::Usage,
    /// `None` until something is valued.
    pub(crate) collateral: Option<Box<Collateral>>,
    /// `None` until somebody says what the session begins with.
    carried: Option<Box<opening::Carried>>,
    pub(crate) operator: Operator,
    pub(crate) timers: Timers,
    pub(crate) venue: Option<SimulatedVenue>,
    pub(crate) counters: Counters,
    pub(crate) refusals: [u64; RejectReason::ALL.len()],
    pub(crate) outputs: Vec<Emitted>,
    /// Of them, changes of strategies: they have places of their own.
    pub(crate) changes: usize,
    pub(crate) origin: Origin,
    /// Whose call is under way, or whom it is about, where there are several strategies.
    pub(crate) strategy: StrategyId,
    /// Whether a call of a strategy is inside the desk: what panics there is not the strategy.
    pub(crate) is_entered: bool,
    pub(crate) ledgers: Ledgers,
    /// After a stop, when refused cancels are tried again.
    pub(crate) cancels_again_at: Nanos,
}

impl Desk {
    pub(crate) fn new(config: &CoreConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let capacity = &config.capacity;
        let books = Books::new(&BooksConfig {
            instruments_max: capacity.instruments_max,
            orders_max: capacity.market_orders_max,
            levels_max: capacity.levels_max,
        });
        let venue = (config.venue_mode == VenueMode::Simulated as u32)
            .then(|| SimulatedVenue::new(config.venue, capacity.own_orders_max));
        let instruments = capacity.instruments_max as usize;
        Ok(Self {
            config: *config,
            now: Nanos::ZERO,
            has_started: false,
            exchange_time: Nanos::ZERO,
            instruments: InstrumentTable::new(capacity.instruments_max),
            books,
            tape: vec![Tape::default(); instruments].into_boxed_slice(),
            stale: vec![false; STREAMS].into_boxed_slice(),
            statuses: Statuses::new(capacity.instruments_max),
            orders: Orders::new(capacity.own_orders_max, capacity.instruments_max)
                .numbered_from(config.client_order_id_base),
            positions: Positions::new(capacity.instruments_max),
            risk: Risk::new(config.limits),
            guards: Guards::new(capacity.instruments_max),
            losses: Losses::new(),
            usage: usage::Usage::new(capacity.instruments_max),
            collateral: None,
            carried: None,
            operator: Operator::new(),
            timers: Timers::new(capacity.timers_max),
            venue,
            counters: Counters::default(),
            refusals: [0; RejectReason::ALL.len()],
            outputs: Vec::with_capacity(capacity.outputs_max as usize),
            changes: 0,
            origin: Origin::CORE,
            strategy: StrategyId::NONE,
            is_entered: false,
            ledgers: Ledgers::new(0, 0),
            cancels_again_at: Nanos::ZERO,
        })
    }

    /// Sets the limits behind those of the configuration, wherever they are looked at.
    pub(crate) fn set_guards(&mut self, limits: &GuardLimits) {
        self.guards.set_limits(*limits);
        self.losses.set_limits(limits);
        self.usage.set_limits(limits);
    }

    /// Begins an input: time moves on, the outputs of the last one are gone.
    pub(crate) fn begin(&mut self, now: Nanos) {
        self.outputs.clear();
        self.changes = 0;
        self.origin = Origin::CORE;
        if now < self.now {
            self.counters.clock_steps_back += 1;
        }
        self.now = self.now.max(now);
    }

    /// When something happens without an input: a timer, or the venue. `None` when nothing is due.
    pub(crate) fn next_due(&self) -> Option<Nanos> {
        let venue = self.venue.as_ref().and_then(SimulatedVenue::next_due);
        let due = match (self.timers.next_due(), venue) {
            (Some(timer), Some(venue)) => Some(timer.min(venue)),
            (timer, venue) => timer.or(venue),
        };
        let is_idle = self.operator.is_idle() && !self.ledgers.has_work();
        if is_idle { due } else { self.next_due_with_operator(due) }
    }

    /// Whether messages of an instrument's stream are lost.
    pub(crate) fn is_stale(&self, instrument: InstrumentId) -> bool {
        let stream = self.instruments.get(instrument).and_then(|state| state.stream);
        stream.is_some_and(|stream| self.is_stream_stale(stream))
    }

    /// Whether messages of a stream are lost.
    pub(crate) fn is_stream_stale(&self, stream: StreamId) -> bool {
        self.stale.get(stream.0 as usize).copied().unwrap_or(false)
    }

    pub(crate) fn set_stale(&mut self, stream: StreamId, stale: bool) {
        if let Some(flag) = self.stale.get_mut(stream.0 as usize) {
            *flag = stale;
        }
    }

    /// Whether and how an instrument trades, as far as the exchange said.
    pub(crate) fn status(&self, instrument: InstrumentId) -> TradingStatus {
        let state = self.instruments.get(instrument);
        state.map_or(TradingStatus::Unknown, |state| {
            self.statuses.get(instrument, state.definition.segment_code)
        })
    }

    /// Whether so many outputs find room. One place is kept for [`Output::Kill`], which can be
    /// neither refused nor left unsaid.
    pub(crate) fn has_room(&self, outputs: usize) -> bool {
        self.outputs.len() - self.changes + outputs < self.config.capacity.outputs_max as usize
    }

    /// Whether the place kept for [`Output::Kill`] is free.
    pub(crate) fn has_room_for_kill(&self) -> bool {
        self.outputs.len() - self.changes < self.config.capacity.outputs_max as usize
    }

    pub(crate) fn emit(&mut self, origin: Origin, output: Output) {
        self.outputs.push(Emitted { origin, output });
    }

    /// The hash of everything a replay must reproduce.
    pub(crate) fn state_hash(&self) -> u64 {
        let mut hasher = StateHasher::default();
        hasher.write_i64(self.now.0);
        self.instruments.hash_into(&mut hasher);
        self.books.hash_into(&mut hasher);
        for (index, &stale) in self.stale.iter().enumerate() {
            if stale {
                hasher.write(index as u64);
            }
        }
        self.orders.hash_into(&mut hasher);
        self.positions.hash_into(&mut hasher);
        if let Some(venue) = &self.venue {
            venue.hash_into(&mut hasher);
        }
        self.timers.hash_into(&mut hasher);
        for (_, tape) in self.instruments.iter().zip(&self.tape) {
            // A spread may trade at 0.
            hasher.write(u64::from(tape.last_trade.is_some()));
            hasher.write_i64(tape.last_trade.map_or(0, |price| price.0));
            hasher.write(tape.volume);
        }
        self.statuses.hash_into(&mut hasher);
        self.guards.hash_into(&mut hasher);
        hasher.write_i64(self.exchange_time.0);
        hasher.write_i64(self.cancels_again_at.0);
        hasher.write(self.counters.events);
        hasher.write(self.risk.stopped().map_or(0, |reason| reason as u64));
        self.hash_refusals(&mut hasher);
        if self.risk.session() == Some(OrderSessionState::Down) {
            hasher.write(1);
        }
        self.hash_operator(&mut hasher);
        self.ledgers.hash_into(&mut hasher);
        if let Some(collateral) = &self.collateral {
            collateral.hash_into(&mut hasher);
        }
        self.usage.hash_into(&mut hasher);
        self.hash_carried(&mut hasher);
        hasher.finish()
    }

    /// What came after the first journals is folded in only where it occurred, so that they keep their
    /// hash.
    fn hash_refusals(&self, hasher: &mut StateHasher) {
        let counts = || RejectReason::ALL.iter().copied().zip(self.refusals);
        let first = counts().filter(|&(reason, _)| is_always_hashed(reason));
        first.for_each(|(_, count)| hasher.write(count));
        let behind = counts().filter(|&(reason, _)| reason > RejectReason::Capacity);
        let behind = behind.enumerate().map(|(place, (_, count))| (place as u64, count));
        let between = counts()
            .filter(|&(reason, _)| reason < RejectReason::Capacity && !is_always_hashed(reason))
            .map(|(reason, count)| (1 << 16 | reason as u64, count));
        for (key, count) in behind.chain(between).filter(|&(_, count)| count > 0) {
            hasher.write(key);
            hasher.write(count);
        }
    }
}
