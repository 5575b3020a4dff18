//! What a session came to, as plain data.

use std::path::PathBuf;
use std::time::Duration;

use tezi_core::collateral::CollateralView;
use tezi_core::execution::Parent;
use tezi_core::oms::ReportCounters;
use tezi_core::pricing::PricingKernel;
use tezi_core::roster::{StopCause, StrategyCounts, StrategyView};
use tezi_core::strategy::Strategy;
use tezi_core::venue::Date;
use tezi_core::{
    AccountLimits, AccountView, Core, Counters, Holding, HoldingKey, Holdings, Lot, Position,
    Restriction,
};
use tezi_journal::JournalStats;
use tezi_model::{AccountDefinition, Instrument, Money, Nanos, Px, RejectReason, StrategyId};

use crate::demo::InjectedFaults;
use crate::feed::FeedReport;
use crate::journaling::DurabilityReport;
use crate::latency::Latencies;
use crate::orders::OrdersReport;
use crate::replication::ReplicationReport;
use crate::resume::Resumption;
use crate::snapshots::SessionSnapshots;

/// One position at the end.
#[derive(Clone, Debug)]
pub struct PositionReport {
    /// The instrument.
    pub instrument: Instrument,
    /// The position.
    pub position: Position,
}

/// One of several strategies at the end.
#[derive(Clone, Debug)]
pub struct StrategyReport {
    /// Its name; empty when its code was not there.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// Why it is stopped.
    pub stopped: Option<StopCause>,
    /// Whether it was outside its hours.
    pub is_asleep: bool,
    /// What it did.
    pub counts: StrategyCounts,
    /// Open orders at the end.
    pub open_orders: u32,
    /// Profit, realised and not, before charges.
    pub profit: Money,
}

impl StrategyReport {
    /// `trading`, `asleep`, or why it is stopped.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        match self.stopped {
            Some(StopCause::Operator) => "stopped operator",
            Some(StopCause::Budget) => "stopped budget",
            Some(StopCause::Loss) => "stopped loss",
            Some(StopCause::Panic) => "stopped panic",
            None if self.is_asleep => "asleep",
            None => "trading",
        }
    }

    fn new<S: Strategy, K: PricingKernel>(core: &Core<S, K>, view: &StrategyView<'_>) -> Self {
        let (name, kind) = core.strategy().member(view.id).unwrap_or_default();
        Self {
            name: name.into(),
            kind: kind.into(),
            stopped: view.stopped,
            is_asleep: view.is_asleep,
            counts: view.counts,
            open_orders: view.open_orders,
            profit: view.positions.profit(),
        }
    }
}

/// One account at the end.
#[derive(Clone, Debug)]
pub struct AccountReport {
    /// What it was declared as.
    pub definition: AccountDefinition,
    /// Why it is stopped.
    pub stopped: Option<StopCause>,
    /// Whether an operator had paused it.
    pub is_paused: bool,
    /// What it might do.
    pub restriction: Restriction,
    /// Its limits.
    pub limits: AccountLimits,
    /// What was done for it.
    pub counts: StrategyCounts,
    /// Open orders at the end.
    pub open_orders: u32,
    /// Their value.
    pub open_value: Money,
    /// Profit, realised and not, before charges.
    pub profit: Money,
    /// Positions ever touched.
    pub positions: Vec<PositionReport>,
}

impl AccountReport {
    /// `trading`, `paused`, or why it is stopped.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        match self.stopped {
            Some(StopCause::Loss) => "stopped loss",
            Some(_) => "stopped operator",
            None if self.is_paused => "paused",
            None => "trading",
        }
    }

    fn new<S: Strategy, K: PricingKernel>(core: &Core<S, K>, view: &AccountView<'_>) -> Self {
        let positions = view.positions.iter().filter_map(|(id, position)| {
            let instrument = core.instruments().get(id)?.definition;
            Some(PositionReport { instrument, position: *position })
        });
        Self {
            definition: *view.definition,
            stopped: view.stopped,
            is_paused: view.is_paused,
            restriction: view.restriction,
            limits: view.limits,
            counts: view.counts,
            open_orders: view.open_orders,
            open_value: view.open_value,
            profit: view.positions.profit(),
            positions: positions.collect(),
        }
    }
}

/// What one strategy held for one account of one instrument at the end, by what was paid.
#[derive(Clone, Debug)]
pub struct HoldingReport {
    /// The account's name; empty where none was declared.
    pub account: String,
    /// The strategy's name; empty for the only strategy, and for the desk's own.
    pub strategy: String,
    /// The instrument.
    pub instrument: Instrument,
    /// By average cost. What was carried in is what is held less what was traded.
    pub average: Position,
    /// Lots, oldest first.
    pub lots: Vec<Lot>,
    /// Profit of what was closed, first in first out, before charges.
    pub realised_fifo: Money,
    /// The price that the desk values the instrument at.
    pub mark: Option<Px>,
}

impl HoldingReport {
    /// Units that the session began with, corporate actions included.
    #[must_use]
    pub const fn carried_in(&self) -> i64 {
        self.average.net - (self.average.bought as i64 - self.average.sold as i64)
    }

    /// Profit of what is held, against its average cost, before charges.
    #[must_use]
    pub fn unrealised(&self) -> Money {
        Position { mark: self.mark, ..self.average }.unrealised()
    }

    fn all<S: Strategy, K: PricingKernel>(core: &Core<S, K>) -> Vec<Self> {
        let accounts: Vec<String> =
            core.accounts().map(|it| it.definition.name().to_string()).collect();
        let strategy = |number: u32| {
            let id = StrategyId(u8::try_from(number).unwrap_or(0));
            match core.strategy().member(id) {
                _ if number == 0 => String::new(),
                Some((name, _)) if !name.is_empty() => name.to_string(),
                _ => number.to_string(),
            }
        };
        let of = |holding: &Holding| {
            let HoldingKey { account, strategy: number, instrument } = holding.key;
            let account = (account as usize).checked_sub(1).and_then(|place| accounts.get(place));
            Some(Self {
                account: account.cloned().unwrap_or_default(),
                strategy: strategy(number),
                instrument: core.instruments().get(instrument)?.definition,
                average: holding.average,
                lots: holding.lots.iter().copied().collect(),
                realised_fifo: holding.lots.realised(),
                mark: core.positions().get(instrument).mark,
            })
        };
        core.holdings().into_iter().flat_map(Holdings::iter).filter_map(of).collect()
    }
}

/// The state of the core at the end, as far as reports show it.
#[derive(Clone, Debug)]
pub struct CoreReport {
    /// What was counted.
    pub counters: Counters,
    /// What happened to reports of the venue.
    pub reports: ReportCounters,
    /// Refused requests by reason.
    pub refusals: Vec<(RejectReason, u64)>,
    /// Instruments known.
    pub instruments: usize,
    /// Instruments with a book that may be wrong.
    pub stale_instruments: usize,
    /// Live orders in the books of the market.
    pub book_orders: u64,
    /// Positions ever touched.
    pub positions: Vec<PositionReport>,
    /// What is held by account, strategy and instrument; none where the session keeps no lots.
    pub holdings: Vec<HoldingReport>,
    /// The day of the session, where it keeps lots.
    pub holdings_day: Option<Date>,
    /// Trades that found no place among the holdings.
    pub unbooked_fills: u64,
    /// Profit, realised and not, before charges.
    pub profit: Money,
    /// What of the collateral was used at the end; `None` where nothing was valued.
    pub collateral: Option<CollateralView>,
    /// Why trading was stopped before the end.
    pub stopped: Option<RejectReason>,
    /// The most order messages in one second of the clock.
    pub messages_peak: u32,
    /// How each of several strategies stood at the end.
    pub strategies: Vec<StrategyReport>,
    /// How each account stood at the end; none where none was declared.
    pub accounts: Vec<AccountReport>,
    /// The parent orders that the strategy worked.
    pub parents: Vec<Parent>,
    /// What the strategy says beside that; empty for nothing.
    pub remarks: String,
    /// The latest time of the exchange.
    pub exchange_time: Nanos,
    /// The hash of the state.
    pub state_hash: u64,
    /// Whether every invariant held at the end, checked by brute force.
    pub is_consistent: bool,
}

impl CoreReport {
    pub(crate) fn new<S: Strategy, K: PricingKernel>(
        core: &Core<S, K>,
        stopped: Option<RejectReason>,
    ) -> Self {
        let stale = core.instruments().iter().filter(|&(id, _)| core.is_stale(id)).count();
        let positions = core.positions().iter().filter_map(|(id, position)| {
            let instrument = core.instruments().get(id)?.definition;
            Some(PositionReport { instrument, position: *position })
        });
        let mut parents = Vec::new();
        core.strategy().each_parent(&mut |_, parent| parents.push(parent.clone()));
        Self {
            counters: *core.counters(),
            reports: core.orders().counters(),
            refusals: core.refusals().collect(),
            instruments: core.instruments().len(),
            stale_instruments: stale,
            book_orders: core.books().orders_count() as u64,
            positions: positions.collect(),
            holdings: HoldingReport::all(core),
            holdings_day: core.holdings().map(|it| Date::of_number(it.day())),
            unbooked_fills: core.unbooked_fills(),
            profit: core.profit(),
            collateral: core.collateral(),
            stopped,
            messages_peak: core.messages_peak(),
            strategies: core.strategies().map(|it| StrategyReport::new(core, &it)).collect(),
            accounts: core.accounts().map(|it| AccountReport::new(core, &it)).collect(),
            parents,
            remarks: core.strategy().remarks(),
            exchange_time: core.exchange_time(),
            state_hash: core.state_hash(),
            is_consistent: core.is_consistent(),
        }
    }
}

/// What a session came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The strategy's name.
    pub strategy: String,
    /// The strategy's parameters.
    pub parameters: String,
    /// The pricing kernel.
    pub kernel: &'static str,
    /// What the feed thread found.
    pub feed: FeedReport,
    /// Faults the demo put in, `None` for a capture.
    pub injected: Option<InjectedFaults>,
    /// The core at the end.
    pub core: CoreReport,
    /// Latency by stage.
    pub latencies: Latencies,
    /// How long the session ran.
    pub elapsed: Duration,
    /// Whether the market kept a pace of its own; when not, events queue in the ring and their
    /// latency from the packet on says nothing.
    pub is_paced: bool,
    /// Where the journal lies.
    pub journal: Option<PathBuf>,
    /// What was taken up, where another process had begun the session.
    pub resumption: Option<Resumption>,
    /// What is in it; `None` when it could not be finished.
    pub journal_stats: Option<JournalStats>,
    /// How it came to the disk while the session ran; `None` of a mapped journal, which does not say.
    pub durability: Option<DurabilityReport>,
    /// What became of it on its way to a follower; `None` when it was not replicated.
    pub replication: Option<ReplicationReport>,
    /// What became of the snapshots beside it; `None` when none were to be written.
    pub snapshots: Option<SessionSnapshots>,
    /// Why the journal, and with it the session, stopped early.
    pub journal_error: Option<String>,
    /// Order messages that could not be encoded.
    pub orders_not_encoded: u64,
    /// What the order session came to; `None` when the venue was inside the core.
    pub orders: Option<OrdersReport>,
    /// What could not be had and was done without: a core to pin to, above all.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether everything that was run or checked is fine: nothing lost on both lines, nothing
    /// refused by the decoder, nothing cut short, every invariant held.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.problems().is_empty()
    }

    /// What is not fine, a sentence each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.feed.problems();
        problems.extend(self.journal_error.clone());
        problems.extend(self.replication.iter().flat_map(ReplicationReport::problems));
        problems.extend(self.snapshots.iter().flat_map(SessionSnapshots::problems));
        problems.extend(self.orders.iter().flat_map(OrdersReport::problems));
        if self.core.counters.book_refusals > 0 {
            let refused = self.core.counters.book_refusals;
            problems
                .push(format!("{refused} events found no room in the books (raise the bounds)"));
        }
        if self.core.unbooked_fills > 0 {
            let unbooked = self.core.unbooked_fills;
            problems.push(format!("{unbooked} trades found no place among the holdings"));
        }
        if self.core.reports.refused > 0 {
            let refused = self.core.reports.refused;
            problems.push(format!("{refused} reports of the venue were refused"));
        }
        if !self.core.is_consistent {
            problems.push("an invariant of books or orders does not hold: this is a defect".into());
        }
        problems
    }
}
