//! `controls.parquet`: what operators did, and what else began and stopped trading.

use arrow_array::types::{Int64Type, UInt8Type, UInt16Type, UInt32Type};
use tezi::control::{Control, Limit};
use tezi::journal::Record;
use tezi::model::StrategyId;
use tezi::oms::OrderSessionState;
use tezi::roster::StrategyEvent;
use tezi::{AccountEvent, ControlEntry, Emitted, Entry, Origin, Output, UseLevel};

use super::columns;
use super::orders::nonzero;
use crate::column::{Label, MaybeName, MaybeNumber, MaybePrice, MaybeText, Name, Serial, Time};
use crate::names::Names;

columns! {
    Controls, ControlRow {
        sequence: Serial,
        time: Time,
        source: Name,
        event: Name,
        call: MaybeNumber<UInt16Type>,
        strategy: MaybeNumber<UInt8Type>,
        account: MaybeNumber<UInt8Type>,
        instrument_id: MaybeNumber<UInt32Type>,
        instrument: MaybeName,
        limit: MaybeName,
        value: MaybeNumber<Int64Type>,
        restriction: MaybeName,
        cause: MaybeName,
        price_low: MaybePrice,
        price_high: MaybePrice,
        through_bps: MaybeNumber<UInt32Type>,
        assignment: MaybeText,
        uid: MaybeNumber<UInt32Type>,
        who: MaybeText,
        why: MaybeText,
    }
}

impl<'a> ControlRow<'a> {
    /// The row of an entry; `None` for one that controls nothing.
    pub(crate) fn new(record: &Record<'_>, entry: &'a Entry, names: &'a Names) -> Option<Self> {
        let row = match entry {
            Entry::Control(control) => return Some(Self::operator(record, control, names)),
            Entry::Start => Self::host("session_start"),
            Entry::Stop => Self::host("session_stop"),
            Entry::Resume(_) => Self::host("session_resume"),
            Entry::OrderSession(OrderSessionState::Live) => Self::host("order_session_live"),
            Entry::OrderSession(OrderSessionState::Down) => Self::host("order_session_down"),
            Entry::Output(Emitted { origin, output: Output::Kill }) => Self {
                event: Label::Text("kill"),
                source: Label::Text(if *origin == Origin::CORE { "core" } else { "strategy" }),
                call: Some(origin.0),
                ..Self::default()
            },
            Entry::Output(Emitted { origin, output: Output::Strategy(change) }) => Self {
                event: Label::of(change.event().map(strategy_event), change.event_code),
                source: Label::Text("core"),
                call: Some(origin.0),
                strategy: nonzero(change.strategy.0),
                ..Self::default()
            },
            Entry::Output(Emitted { origin, output: Output::Account(change) }) => Self {
                event: Label::of(change.event().map(account_event), change.event_code),
                source: Label::Text("core"),
                call: Some(origin.0),
                account: nonzero(change.account.0),
                ..Self::default()
            },
            Entry::Output(Emitted { origin, output: Output::RiskReduction(change) }) => Self {
                event: Label::Text(match change.begins {
                    0 => "risk_reduction_ends",
                    _ => "risk_reduction_begins",
                }),
                source: Label::Text("core"),
                call: Some(origin.0),
                ..Self::default()
            },
            Entry::Output(Emitted { origin, output: Output::LimitUse(told) }) => {
                let known = told.instrument().map(|id| names.instrument(id)).unwrap_or_default();
                Self {
                    event: Label::of(told.level().map(limit_use), told.level_code),
                    source: Label::Text("core"),
                    call: Some(origin.0),
                    limit: Some(Label::of(told.limit().map(Limit::name), told.limit_code)),
                    value: Some(told.value),
                    account: nonzero(told.account.0),
                    instrument_id: known.id,
                    instrument: known.name,
                    ..Self::default()
                }
            }
            _ => return None,
        };
        Some(Self { sequence: record.sequence, time: record.time, ..row })
    }

    fn host(event: &'static str) -> Self {
        Self { source: Label::Text("host"), event: Label::Text(event), ..Self::default() }
    }

    fn operator(record: &Record<'_>, entry: &'a ControlEntry, names: &'a Names) -> Self {
        let ControlEntry { control, uid, who, why } = entry;
        let known = control.instrument().map(|id| names.instrument(id)).unwrap_or_default();
        let row = Self {
            sequence: record.sequence,
            time: record.time,
            source: Label::Text("operator"),
            event: Label::Text(control.name()),
            strategy: strategy_of(control).and_then(|it| nonzero(it.0)),
            account: control.account().and_then(|it| nonzero(it.0)),
            instrument_id: known.id,
            instrument: known.name,
            uid: Some(*uid),
            who: Some(who),
            why: (!why.is_empty()).then_some(why),
            ..Self::default()
        };
        match control {
            Control::Flatten { through_bps, .. }
            | Control::FlattenStrategy { through_bps, .. }
            | Control::FlattenAccount { through_bps, .. } => {
                Self { through_bps: Some(*through_bps), ..row }
            }
            Control::SetLimit { limit, value }
            | Control::SetStrategyLimit { limit, value, .. }
            | Control::SetAccountLimit { limit, value, .. } => {
                Self { limit: Some(Label::Text(limit.name())), value: Some(*value), ..row }
            }
            Control::Restrict { restriction, .. }
            | Control::RestrictAccount { restriction, .. } => {
                Self { restriction: Some(Label::Text(restriction.name())), ..row }
            }
            Control::PriceRange { low, high, .. } => {
                Self { price_low: Some(*low), price_high: Some(*high), ..row }
            }
            Control::StopStrategy { cause, .. } => {
                Self { cause: Some(Label::Text(cause.name())), ..row }
            }
            Control::SetParameter { assignment, .. } => {
                Self { assignment: Some(assignment.as_str()), ..row }
            }
            Control::DeclareAccount { definition, .. } => {
                Self { assignment: Some(definition.as_str()), ..row }
            }
            Control::AssignAccount { .. }
            | Control::PauseAccount { .. }
            | Control::ResumeAccount { .. }
            | Control::CancelAccount { .. }
            | Control::KillAccount { .. }
            | Control::ReleaseAccount { .. }
            | Control::Pause
            | Control::Resume
            | Control::CancelAll { .. }
            | Control::Kill
            | Control::KillUser
            | Control::Release
            | Control::StartStrategy { .. } => row,
        }
    }
}

/// The strategy that an action is about, or that trades for an account from then on.
const fn strategy_of(control: &Control) -> Option<StrategyId> {
    match *control {
        Control::AssignAccount { strategy, .. } => Some(strategy),
        _ => control.strategy(),
    }
}

/// The event of an account, told from an operator's of the same name.
const fn account_event(event: AccountEvent) -> &'static str {
    match event {
        AccountEvent::Released => "account_released",
        AccountEvent::Stopped(tezi::roster::StopCause::Loss) => "account_stopped_loss",
        AccountEvent::Stopped(_) => "account_stopped_operator",
    }
}

/// The event of a limit's use.
const fn limit_use(level: UseLevel) -> &'static str {
    match level {
        UseLevel::Below => "limit_use_below",
        UseLevel::Alert => "limit_use_alert",
        UseLevel::Alarm => "limit_use_alarm",
        UseLevel::Full => "limit_use_full",
    }
}

/// The event of a strategy, told from an operator's of the same name.
const fn strategy_event(event: StrategyEvent) -> &'static str {
    use tezi::roster::StopCause as C;
    match event {
        StrategyEvent::Woke => "strategy_woke",
        StrategyEvent::Slept => "strategy_slept",
        StrategyEvent::Started => "strategy_started",
        StrategyEvent::Stopped(C::Operator) => "strategy_stopped_operator",
        StrategyEvent::Stopped(C::Budget) => "strategy_stopped_budget",
        StrategyEvent::Stopped(C::Loss) => "strategy_stopped_loss",
        StrategyEvent::Stopped(C::Panic) => "strategy_stopped_panic",
    }
}
