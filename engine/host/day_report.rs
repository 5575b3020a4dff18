//! A day's evidence from its journal: orders, trades, what was refused and by what, what operators did,
//! stops, and the order-to-trade ratio with its charge.

use std::collections::BTreeMap;
use std::path::Path;

use tezi_core::oms::Order;
use tezi_core::roster::StrategyEvent;
use tezi_core::strategy::Recorded;
use tezi_core::venue::rules::{Rules, key};
use tezi_core::venue::{Date, OrderToTrade, segment_scope};
use tezi_core::{AccountEvent, Check, Emitted, Explanation, LimitUse, Origin, Output, Refusal};
use tezi_model::{
    AccountId, ClientOrderId, CommandKind, ExecutionKind, ExecutionReport, Instrument,
    InstrumentKind, Money, Nanos, OrderCommand, RejectReason, Segment, StrategyId,
};

use crate::error::Error;
use crate::records::{ControlEntry, Entry};
use crate::replay::{JournalHead, Replay, ReplayReport, Step, recorded};

/// A day, order by order.
#[derive(Clone, Debug)]
pub struct DayReport {
    /// Who ran.
    pub head: JournalHead,
    /// Every order that left, by number.
    pub orders: Vec<OrderRow>,
    /// Every trade, in order.
    pub trades: Vec<TradeRow>,
    /// Every request that was refused, here or by the exchange, in order.
    pub refusals: Vec<RefusalRow>,
    /// Every stop of trading, of a strategy or of an account, and when risk was only reduced.
    pub stops: Vec<StopRow>,
    /// Every time that much of a limit was used, or less again.
    pub uses: Vec<UseRow>,
    /// Everything operators did, and the limits set before the start.
    pub controls: Vec<ControlRow>,
    /// Order-to-trade ratio by segment.
    pub ratios: Vec<RatioRow>,
    /// The replay under it.
    pub replay: ReplayReport,
}

/// An order that left.
#[derive(Clone, Copy, Debug)]
pub struct OrderRow {
    /// When it left.
    pub entered: Nanos,
    /// As it left.
    pub command: OrderCommand,
    /// What it is in.
    pub instrument: Option<Instrument>,
    /// As it was last known.
    pub last: Option<Order>,
    /// Changes that left.
    pub changes: u32,
    /// Cancels that left.
    pub cancels: u32,
}

/// A trade.
#[derive(Clone, Copy, Debug)]
pub struct TradeRow {
    /// When it was heard.
    pub time: Nanos,
    /// The report.
    pub report: ExecutionReport,
    /// Its order.
    pub order: Option<Order>,
    /// What it is in.
    pub instrument: Option<Instrument>,
    /// When the exchange took it back, if it did.
    pub taken_back: Option<Nanos>,
}

/// A request that did not leave, or that the exchange refused.
#[derive(Clone, Copy, Debug)]
pub struct RefusalRow {
    /// When.
    pub time: Nanos,
    /// The input's record.
    pub sequence: u64,
    /// What it is in.
    pub instrument: Option<Instrument>,
    /// Who refused it.
    pub by: RefusedBy,
}

/// Who refused a request.
#[derive(Clone, Copy, Debug)]
pub enum RefusedBy {
    /// A check; with what it found and allowed.
    Check(Refusal, Option<Check>),
    /// The exchange, or who carries orders to it.
    Venue(ExecutionReport),
}

/// When trading, or that of one strategy or account, stopped or went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopRow {
    /// When.
    pub time: Nanos,
    /// The input's record.
    pub sequence: u64,
    /// What happened.
    pub event: StopEvent,
}

/// What stopped, or went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopEvent {
    /// All trading, and why.
    Stopped(RejectReason),
    /// A stop was taken back.
    Released,
    /// One of several strategies.
    Strategy(StrategyId, StrategyEvent),
    /// One account.
    Account(AccountId, AccountEvent),
    /// From here on risk is only reduced.
    ReductionBegins,
    /// Risk may be taken again.
    ReductionEnds,
}

/// How much of a limit was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseRow {
    /// When.
    pub time: Nanos,
    /// The input's record.
    pub sequence: u64,
    /// Which limit, and how much of it.
    pub told: LimitUse,
    /// Whose, if it is an instrument's or an underlying's.
    pub instrument: Option<Instrument>,
}

/// An operator's action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlRow {
    /// When.
    pub time: Nanos,
    /// Its record.
    pub sequence: u64,
    /// What, by whom, and why.
    pub entry: ControlEntry,
    /// What it is about, if it is about an instrument that is known.
    pub instrument: Option<Instrument>,
}

/// The order-to-trade ratio of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatioRow {
    /// The segment.
    pub segment: Segment,
    /// What was counted.
    pub day: OrderToTrade,
    /// What it costs; `None` where no row says.
    pub charge: Option<Money>,
}

type Player = Replay<Recorded, fn(&mut Recorded, &Emitted), fn(&Recorded) -> usize>;

/// Reports a day from its journal. `rules` has the rows of the exchanges.
///
/// # Errors
///
/// [`Error::Journal`] when the journal cannot be opened, [`Error::JournalContent`] when it does not begin
/// as a session does. What is wrong further on is in [`DayReport::replay`].
pub fn day_report(path: &Path, rules: &Rules) -> Result<DayReport, Error> {
    let load: fn(&mut Recorded, &Emitted) = |strategy, emitted| strategy.load(emitted);
    let left: fn(&Recorded) -> usize = Recorded::left;
    let mut replay: Player = Replay::open(path, recorded(path)?, load, left)?;
    let mut day = Day::new(rules);
    while let Some((step, is_last)) = replay.next_step() {
        let has_requests = step.outputs.iter().any(|it| {
            it.origin != Origin::CORE
                && matches!(it.output, Output::Command(_) | Output::Refusal(_))
        });
        if has_requests {
            replay.core.strategy_mut().witness();
        }
        if is_last {
            replay.act(&step);
        } else {
            replay.apply(&step);
        }
        let witnessed = replay.core.strategy_mut().take_witnessed();
        day.take(&step, witnessed, &replay);
    }
    let ratios = day.ratios();
    let head = replay.head.clone();
    Ok(DayReport {
        head,
        orders: day.orders.into_values().collect(),
        trades: day.trades,
        refusals: day.refusals,
        stops: day.stops,
        uses: day.uses,
        controls: day.controls,
        ratios,
        replay: replay.finish(false),
    })
}

/// A day under way.
struct Day<'a> {
    rules: &'a Rules,
    date: Option<Date>,
    orders: BTreeMap<ClientOrderId, OrderRow>,
    trades: Vec<TradeRow>,
    refusals: Vec<RefusalRow>,
    stops: Vec<StopRow>,
    uses: Vec<UseRow>,
    controls: Vec<ControlRow>,
    counts: BTreeMap<u8, (Segment, OrderToTrade)>,
    stopped: bool,
}

impl<'a> Day<'a> {
    const fn new(rules: &'a Rules) -> Self {
        Self {
            rules,
            date: None,
            orders: BTreeMap::new(),
            trades: Vec::new(),
            refusals: Vec::new(),
            stops: Vec::new(),
            uses: Vec::new(),
            controls: Vec::new(),
            counts: BTreeMap::new(),
            stopped: false,
        }
    }

    fn take(&mut self, step: &Step, witnessed: Vec<Explanation>, replay: &Player) {
        if self.date.is_none() && step.time > Nanos::ZERO {
            self.date = Some(Date::of(step.time));
        }
        match &step.input {
            Entry::Report(report) => self.on_report(step, report, replay),
            Entry::TradeCanceled(report) => self.on_trade_canceled(step.time, report),
            Entry::Control(entry) => self.on_control(step, entry, replay),
            _ => {}
        }
        let mut witnessed = witnessed.into_iter();
        for Emitted { origin, output } in &step.outputs {
            let mut met = || if *origin == Origin::CORE { None } else { witnessed.next() };
            match output {
                Output::Command(command) => self.on_command(step, command, met(), replay),
                Output::Refusal(refusal) => {
                    self.on_refusal(step, refusal, met().as_ref(), replay);
                }
                Output::Report(report) => self.on_report(step, report, replay),
                Output::Strategy(change) => {
                    if let Some(event) = change.event() {
                        self.on_stop(step, StopEvent::Strategy(change.strategy, event));
                    }
                }
                Output::Account(change) => {
                    if let Some(event) = change.event() {
                        self.on_stop(step, StopEvent::Account(change.account, event));
                    }
                }
                Output::RiskReduction(change) if change.begins == 1 => {
                    self.on_stop(step, StopEvent::ReductionBegins);
                }
                Output::RiskReduction(_) => self.on_stop(step, StopEvent::ReductionEnds),
                Output::LimitUse(told) => {
                    let state = told.instrument().and_then(|id| replay.core.instruments().get(id));
                    let instrument = state.map(|state| state.definition);
                    let (time, sequence) = (step.time, step.sequence);
                    self.uses.push(UseRow { time, sequence, told: *told, instrument });
                }
                Output::Timer(_) | Output::Kill | Output::Theoretical(_) => {}
            }
        }
        let stopped = replay.core.stopped();
        let was_stopped = std::mem::replace(&mut self.stopped, stopped.is_some());
        match (was_stopped, stopped) {
            (false, Some(reason)) => self.on_stop(step, StopEvent::Stopped(reason)),
            (true, None) => self.on_stop(step, StopEvent::Released),
            _ => {}
        }
    }

    fn on_stop(&mut self, step: &Step, event: StopEvent) {
        self.stops.push(StopRow { time: step.time, sequence: step.sequence, event });
    }

    fn on_command(
        &mut self,
        step: &Step,
        command: &OrderCommand,
        met: Option<Explanation>,
        replay: &Player,
    ) {
        let id = command.client_order_id;
        let state = replay.core.instruments().get(command.instrument);
        let instrument = state.map(|state| state.definition);
        let row = self.orders.entry(id).or_insert(OrderRow {
            entered: step.time,
            command: *command,
            instrument,
            last: None,
            changes: 0,
            cancels: 0,
        });
        row.last = replay.core.orders().get(id).or(row.last);
        match command.kind() {
            Some(CommandKind::Replace) => row.changes += 1,
            Some(CommandKind::Cancel) => row.cancels += 1,
            _ => {}
        }
        let Some(instrument) = instrument else { return };
        let width = self
            .date
            .and_then(|date| self.rules.find(key::OTR_EXEMPT, exempt_scope(&instrument)?, date));
        let width = width.copied();
        let Some(count) = self.count(&instrument) else { return };
        if command.kind() == Some(CommandKind::Cancel) {
            count.on_cancel();
        } else {
            let last = met.and_then(|it| it.market).and_then(|market| market.last_trade);
            count.on_order(command.price, last, width.as_ref());
        }
    }

    fn on_refusal(
        &mut self,
        step: &Step,
        refusal: &Refusal,
        met: Option<&Explanation>,
        replay: &Player,
    ) {
        let found = met.and_then(|it| it.instrument);
        let state = found.and_then(|id| replay.core.instruments().get(id));
        let failed = |met: &Explanation| met.checks.iter().find(|check| !check.passed).copied();
        let check = met.and_then(failed);
        self.refusals.push(RefusalRow {
            time: step.time,
            sequence: step.sequence,
            instrument: state.map(|state| state.definition),
            by: RefusedBy::Check(*refusal, check),
        });
    }

    fn on_report(&mut self, step: &Step, report: &ExecutionReport, replay: &Player) {
        let id = report.client_order_id;
        let order = replay.core.orders().get(id);
        let state = order.and_then(|order| replay.core.instruments().get(order.instrument));
        let instrument = state.map(|state| state.definition);
        if let Some(row) = self.orders.get_mut(&id) {
            row.last = order.or(row.last);
        }
        match report.kind() {
            Some(ExecutionKind::Fill) => {
                if let Some(count) = instrument.and_then(|it| self.count(&it)) {
                    count.on_trade();
                }
                let time = step.time;
                let (report, taken_back) = (*report, None);
                self.trades.push(TradeRow { time, report, order, instrument, taken_back });
            }
            Some(
                ExecutionKind::Rejected
                | ExecutionKind::ReplaceRejected
                | ExecutionKind::CancelRejected,
            ) => self.refusals.push(RefusalRow {
                time: step.time,
                sequence: step.sequence,
                instrument,
                by: RefusedBy::Venue(*report),
            }),
            _ => {}
        }
    }

    /// Marks the trade that was taken back. A repeat changes nothing.
    fn on_trade_canceled(&mut self, time: Nanos, report: &ExecutionReport) {
        let is_it = |row: &&mut TradeRow| {
            let trade = &row.report;
            trade.fill_id == report.fill_id
                && trade.order_id == report.order_id
                && row.taken_back.is_none()
        };
        if let Some(row) = self.trades.iter_mut().find(is_it) {
            row.taken_back = Some(time);
        }
    }

    fn on_control(&mut self, step: &Step, entry: &ControlEntry, replay: &Player) {
        let state = entry.control.instrument().and_then(|id| replay.core.instruments().get(id));
        self.controls.push(ControlRow {
            time: step.time,
            sequence: step.sequence,
            entry: entry.clone(),
            instrument: state.map(|state| state.definition),
        });
    }

    fn count(&mut self, instrument: &Instrument) -> Option<&mut OrderToTrade> {
        let segment = instrument.segment()?;
        let empty = (segment, OrderToTrade::default());
        Some(&mut self.counts.entry(segment as u8).or_insert(empty).1)
    }

    fn ratios(&self) -> Vec<RatioRow> {
        let slabs = self.date.and_then(|date| self.rules.find(key::OTR_CHARGE, "*", date));
        let row = |&(segment, day): &(Segment, OrderToTrade)| RatioRow {
            segment,
            day,
            charge: slabs.map(|slabs| day.charge(slabs)),
        };
        self.counts.values().map(row).collect()
    }
}

/// The scope of the row that says which orders of an instrument are not counted.
fn exempt_scope(instrument: &Instrument) -> Option<&'static str> {
    match (segment_scope(instrument.segment()?)?, instrument.kind()) {
        ("NSE/fo", InstrumentKind::Future) => Some("NSE/fo/future"),
        ("NSE/fo", InstrumentKind::Option) => Some("NSE/fo/option"),
        ("NSE/fo", _) => None,
        (scope, _) => Some(scope),
    }
}
