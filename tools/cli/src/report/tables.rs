//! The tables of a day's evidence.

use std::collections::BTreeMap;

use tezi::control::{Control, Limit, LimitUnit};
use tezi::day_report::{
    ControlRow, DayReport, OrderRow, RatioRow, RefusalRow, RefusedBy, StopEvent, StopRow, TradeRow,
    UseRow,
};
use tezi::model::{
    AccountId, CommandKind, Instrument, Nanos, Px, RejectReason, StrategyId, TimeInForce,
};
use tezi::roster::StrategyEvent;
use tezi::{
    AccountEvent, AccountReport, ControlEntry, HoldingReport, Measure, PositionReport, Refusal,
    StrategyReport, UseLevel,
};

use crate::text::{date_time, rupees};

/// A table: a line of names and lines of values.
pub(super) struct Table {
    /// Its file is `NAME.csv`.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    /// A table of the columns named, each row made from one of `rows`.
    pub(super) fn new<T>(
        name: &'static str,
        title: &'static str,
        columns: &'static str,
        rows: &[T],
        row: impl Fn(&T) -> Vec<String>,
    ) -> Self {
        let columns = columns.split(',').collect();
        Self { name, title, columns, rows: rows.iter().map(row).collect() }
    }

    /// Fields that hold a comma or a quote are quoted (RFC 4180).
    pub(super) fn to_csv(&self) -> String {
        let quote = |field: &str| {
            if field.contains([',', '"', '\n']) {
                format!("\"{}\"", field.replace('"', "\"\""))
            } else {
                field.to_string()
            }
        };
        let mut text = self.columns.join(",") + "\n";
        for row in &self.rows {
            let fields: Vec<String> = row.iter().map(|field| quote(field)).collect();
            text += &fields.join(",");
            text.push('\n');
        }
        text
    }
}

const ORDERS: &str = "entered,order,exchange_order,instrument,side,time_in_force,price,quantity,filled,\
                      changes,cancels,status,strategy,account";
const TRADES: &str = "heard,exchange_time,trade,order,exchange_order,instrument,side,quantity,price,\
                      liquidity,taken_back,strategy,account";
const REFUSALS: &str = "time,record,by,kind,order,instrument,side,quantity,price,code,reason,found,\
                        allowed,account";
const STOPS: &str = "time,record,strategy,account,event";
const LIMITS: &str = "time,record,limit,instrument,level,value,most,unit,account";
const CONTROLS: &str = "time,record,action,strategy,account,what,instrument,who,uid,why";
const STRATEGIES: &str =
    "strategy,kind,state,orders,changes,cancels,open,fills,refused,profit_rupees";
const ACCOUNTS: &str = "account,client,participant,pan,state,restriction,orders,changes,cancels,open,\
                        open_value_rupees,fills,refused,profit_rupees";
const HOLDINGS: &str =
    "account,instrument,bought,sold,net,average,realised_rupees,unrealised_rupees";
const POSITIONS: &str = "strategy,account,instrument,carried_in,bought,sold,carried_out,lots,average,mark,\
                         realised_rupees,realised_fifo_rupees,unrealised_rupees";
const RATIOS: &str = "segment,counted,not_counted,trades,ratio,charge_rupees";

/// All tables of a day.
pub(super) fn of_report(report: &DayReport) -> Vec<Table> {
    let core = &report.replay.core;
    let of = Named { strategies: &core.strategies, accounts: &core.accounts };
    let holdings: Vec<_> = core.accounts.iter().flat_map(holdings).collect();
    vec![
        Table::new("orders", "Orders", ORDERS, &report.orders, |row| order(row, of)),
        Table::new("trades", "Trades", TRADES, &report.trades, |row| trade(row, of)),
        Table::new("refusals", "Refusals", REFUSALS, &report.refusals, |row| refusal(row, of)),
        Table::new("stops", "Stops", STOPS, &report.stops, |row| stop(row, of)),
        Table::new("limits", "Limits nearly used", LIMITS, &report.uses, |row| limit_use(row, of)),
        Table::new("controls", "Operators", CONTROLS, &report.controls, |row| control(row, of)),
        Table::new("ratios", "Order-to-trade ratio", RATIOS, &report.ratios, ratio_row),
        Table::new("strategies", "Strategies", STRATEGIES, of.strategies, strategy),
        Table::new("accounts", "Accounts", ACCOUNTS, of.accounts, account),
        Table::new("holdings", "Positions by account", HOLDINGS, &holdings, Clone::clone),
        Table::new("positions", "Positions carried", POSITIONS, &core.holdings, position),
    ]
}

/// The strategies of a roster, none of one that ran alone; and the accounts.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) strategies: &'a [StrategyReport],
    pub(super) accounts: &'a [AccountReport],
}

impl Named<'_> {
    /// What a strategy is called: its name, or its number where the journal does not tell it; nothing for
    /// the only strategy and for what is the desk's.
    fn name(self, id: StrategyId) -> String {
        let Some(index) = id.index() else { return String::new() };
        match self.strategies.get(index) {
            Some(it) if !it.name.is_empty() => it.name.clone(),
            _ => id.0.to_string(),
        }
    }

    /// What an account is called; nothing where none was declared.
    fn account(self, id: AccountId) -> String {
        let Some(index) = id.index() else { return String::new() };
        self.accounts.get(index).map_or_else(|| id.to_string(), |it| it.definition.name().into())
    }
}

fn account(it: &AccountReport) -> Vec<String> {
    let AccountReport { definition, counts, open_orders, open_value, profit, .. } = it;
    vec![
        definition.name().into(),
        definition.client().unwrap_or_default().into(),
        definition.participant().unwrap_or_default().into(),
        definition.pan().unwrap_or_default().into(),
        it.state().into(),
        it.restriction.name().into(),
        counts.new_orders.to_string(),
        counts.replaces.to_string(),
        counts.cancels.to_string(),
        open_orders.to_string(),
        rupees(*open_value),
        counts.fills.to_string(),
        counts.refusals.to_string(),
        profit.to_string(),
    ]
}

/// What an account traded, a row an instrument.
fn holdings(it: &AccountReport) -> Vec<Vec<String>> {
    let row = |held: &PositionReport| {
        let position = &held.position;
        vec![
            it.definition.name().into(),
            held.instrument.to_string(),
            position.bought.to_string(),
            position.sold.to_string(),
            position.net.to_string(),
            position.average_price().map_or_else(String::new, |price| price.to_string()),
            rupees(position.realised),
            rupees(position.unrealised()),
        ]
    };
    it.positions.iter().map(row).collect()
}

/// What was carried in, traded and carried out of one instrument, by what was paid.
fn position(it: &HoldingReport) -> Vec<String> {
    let price = |price: Option<Px>| price.map_or_else(String::new, |price| price.to_string());
    vec![
        it.strategy.clone(),
        it.account.clone(),
        it.instrument.to_string(),
        it.carried_in().to_string(),
        it.average.bought.to_string(),
        it.average.sold.to_string(),
        it.average.net.to_string(),
        it.lots.len().to_string(),
        price(it.average.average_price()),
        price(it.mark),
        rupees(it.average.realised),
        rupees(it.realised_fifo),
        rupees(it.unrealised()),
    ]
}

fn strategy(it: &StrategyReport) -> Vec<String> {
    let StrategyReport { name, kind, counts, open_orders, profit, .. } = it;
    vec![
        name.clone(),
        kind.clone(),
        it.state().into(),
        counts.new_orders.to_string(),
        counts.replaces.to_string(),
        counts.cancels.to_string(),
        open_orders.to_string(),
        counts.fills.to_string(),
        counts.refusals.to_string(),
        profit.to_string(),
    ]
}

fn time(time: Nanos) -> String {
    date_time(time)
}

fn name(instrument: Option<Instrument>) -> String {
    instrument.map_or_else(String::new, |it| it.to_string())
}

/// A number, or nothing for the nought that means none.
fn number(number: u64) -> String {
    if number == 0 { String::new() } else { number.to_string() }
}

fn order(row: &OrderRow, of: Named<'_>) -> Vec<String> {
    let OrderRow { entered, command, instrument, last, changes, cancels } = row;
    let is_ioc = command.time_in_force() == TimeInForce::Ioc;
    vec![
        time(*entered),
        command.client_order_id.to_string(),
        last.map_or_else(String::new, |it| number(it.order_id.0)),
        name(*instrument),
        command.side().to_string(),
        if is_ioc { "ioc" } else { "day" }.into(),
        last.map_or(command.price, |it| it.price).to_string(),
        last.map_or(command.quantity, |it| it.quantity).0.to_string(),
        last.map_or(0, |it| it.filled.0).to_string(),
        changes.to_string(),
        cancels.to_string(),
        last.map_or("unknown", |it| it.status.name()).into(),
        last.map_or_else(String::new, |it| of.name(it.strategy)),
        of.account(command.account),
    ]
}

fn trade(row: &TradeRow, of: Named<'_>) -> Vec<String> {
    let TradeRow { time: heard, report, order, instrument, taken_back } = row;
    vec![
        time(*heard),
        time(report.venue_time),
        report.fill_id.to_string(),
        report.client_order_id.to_string(),
        number(report.order_id.0),
        name(*instrument),
        order.map_or_else(String::new, |it| it.side.to_string()),
        report.quantity.0.to_string(),
        report.price.to_string(),
        if report.passive == 0 { "taken" } else { "passive" }.into(),
        taken_back.map_or_else(String::new, time),
        order.map_or_else(String::new, |it| of.name(it.strategy)),
        order.map_or_else(String::new, |it| of.account(it.account)),
    ]
}

fn control(row: &ControlRow, of: Named<'_>) -> Vec<String> {
    let ControlEntry { control, uid, who, why } = &row.entry;
    let what = match *control {
        Control::Flatten { through_bps, .. }
        | Control::FlattenStrategy { through_bps, .. }
        | Control::FlattenAccount { through_bps, .. } => {
            format!("{through_bps} bps through the touch")
        }
        Control::SetLimit { limit, value }
        | Control::SetStrategyLimit { limit, value, .. }
        | Control::SetAccountLimit { limit, value, .. } => {
            format!("{} {value}", limit.name())
        }
        Control::Restrict { restriction, .. } | Control::RestrictAccount { restriction, .. } => {
            restriction.name().into()
        }
        Control::DeclareAccount { definition, .. } => definition.as_str().into(),
        Control::AssignAccount { strategy, .. } => format!("for {}", of.name(strategy)),
        Control::PriceRange { low, high, .. } => format!("{low} to {high}"),
        Control::StopStrategy { cause, .. } => cause.name().into(),
        Control::SetParameter { assignment, .. } => assignment.as_str().into(),
        Control::PauseAccount { .. }
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
        | Control::StartStrategy { .. } => String::new(),
    };
    vec![
        time(row.time),
        row.sequence.to_string(),
        control.name().into(),
        control.strategy().map_or_else(String::new, |it| of.name(it)),
        control.account().map_or_else(String::new, |it| of.account(it)),
        what,
        name(row.instrument),
        who.clone(),
        uid.to_string(),
        why.clone(),
    ]
}

fn stop(row: &StopRow, of: Named<'_>) -> Vec<String> {
    let (whose, event) = told(row, of);
    let (strategy, account) = match row.event {
        StopEvent::Account(..) => (String::new(), whose),
        _ => (whose, String::new()),
    };
    vec![time(row.time), row.sequence.to_string(), strategy, account, event]
}

fn limit_use(row: &UseRow, of: Named<'_>) -> Vec<String> {
    let told = &row.told;
    let limit = told.limit();
    let unit = limit.map_or("", |it| match it.unit() {
        LimitUnit::Rupees => "rupees",
        LimitUnit::Units => "units",
        _ => "",
    });
    vec![
        time(row.time),
        row.sequence.to_string(),
        limit.map_or("unknown", Limit::name).into(),
        name(row.instrument),
        told.level().map_or("unknown", UseLevel::name).into(),
        told.value.to_string(),
        told.most.to_string(),
        unit.into(),
        of.account(told.account),
    ]
}

/// Whose stop it is, and what happened.
pub(super) fn told(row: &StopRow, of: Named<'_>) -> (String, String) {
    let none = String::new();
    match row.event {
        StopEvent::Stopped(reason) => (none, reason.message().into()),
        StopEvent::Released => (none, "released".into()),
        StopEvent::Strategy(id, StrategyEvent::Stopped(cause)) => {
            (of.name(id), format!("stopped: {}", cause.name()))
        }
        StopEvent::Strategy(id, event) => (of.name(id), event.name().into()),
        StopEvent::Account(id, AccountEvent::Stopped(cause)) => {
            (of.account(id), format!("stopped: {}", cause.name()))
        }
        StopEvent::Account(id, event) => (of.account(id), event.name().into()),
        StopEvent::ReductionBegins => (none, "risk is only reduced from here on".into()),
        StopEvent::ReductionEnds => (none, "risk may be taken again".into()),
    }
}

fn refusal(row: &RefusalRow, of: Named<'_>) -> Vec<String> {
    let head = [time(row.time), row.sequence.to_string()];
    let tail = match &row.by {
        RefusedBy::Check(refusal, check) => {
            let found = check.map_or(Measure::None, |it| it.found);
            let limit = check.map_or(Measure::None, |it| it.limit);
            let mut row = of_check(refusal, row.instrument, [measure(found), measure(limit)]);
            row.push(of.account(refusal.request.account));
            row
        }
        RefusedBy::Venue(report) => vec![
            "exchange".into(),
            report.kind().map_or("unknown", |kind| kind.name()).into(),
            report.client_order_id.to_string(),
            name(row.instrument),
            String::new(),
            report.quantity.0.to_string(),
            report.price.to_string(),
            report.reason.to_string(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
        ],
    };
    head.into_iter().chain(tail).collect()
}

fn of_check(
    refusal: &Refusal,
    instrument: Option<Instrument>,
    [found, allowed]: [String; 2],
) -> Vec<String> {
    let request = &refusal.request;
    let kind = match request.kind() {
        Some(CommandKind::New) => "new",
        Some(CommandKind::Replace) => "replace",
        Some(CommandKind::Cancel) => "cancel",
        None => "unknown",
    };
    let is_new = request.kind() == Some(CommandKind::New);
    vec![
        "check".into(),
        kind.into(),
        number(request.client_order_id.0),
        name(instrument),
        if is_new { request.side().to_string() } else { String::new() },
        number(u64::from(request.quantity.0)),
        if request.price.0 == 0 { String::new() } else { request.price.to_string() },
        refusal.reason_code.to_string(),
        refusal.reason().map_or("unknown", RejectReason::message).into(),
        found,
        allowed,
    ]
}

/// What a check found or allowed, as text.
pub(crate) fn measure(measure: Measure) -> String {
    match measure {
        Measure::None => "-".into(),
        Measure::Price(price) => price.to_string(),
        Measure::Money(money) => rupees(money),
        Measure::Count(count) => count.to_string(),
        Measure::Word(word) => word.into(),
    }
}

fn ratio_row(row: &RatioRow) -> Vec<String> {
    let RatioRow { segment, day, charge } = row;
    vec![
        segment.name().into(),
        day.counted.to_string(),
        day.exempt.to_string(),
        day.trades.to_string(),
        ratio_text(day.ratio_millionths()),
        charge.map_or_else(String::new, rupees),
    ]
}

/// A ratio in one line.
pub(super) fn ratio(row: &RatioRow) -> String {
    let RatioRow { segment, day, charge } = row;
    let ratio = ratio_text(day.ratio_millionths());
    let charge = charge.map_or_else(|| "no row says".into(), |it| format!("{} rupees", rupees(it)));
    format!(
        "{}: {} messages counted, {} near the last trade, {} trades: {ratio}; charge {charge}",
        segment.name(),
        day.counted,
        day.exempt,
        day.trades
    )
}

fn ratio_text(millionths: u64) -> String {
    format!("{}.{:02}", millionths / 1_000_000, millionths % 1_000_000 / 10_000)
}

/// How often each reason refused, the most frequent first.
pub(super) fn reasons(refusals: &[RefusalRow]) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for row in refusals {
        let reason = match &row.by {
            RefusedBy::Check(refusal, _) => {
                refusal.reason().map_or("unknown", RejectReason::message).to_string()
            }
            RefusedBy::Venue(report) => format!("the exchange's code {}", report.reason),
        };
        *counts.entry(reason).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_commas_and_quotes_come_back_from_csv() {
        let rows = [["a,b", "say \"x\""], ["plain", ""]];
        let table = Table::new("t", "T", "one,two", &rows, |row| row.map(String::from).to_vec());
        assert_eq!(table.to_csv(), "one,two\n\"a,b\",\"say \"\"x\"\"\"\nplain,\n");
        assert_eq!(ratio_text(50_001_000), "50.00");
        assert_eq!(ratio_text(1_990_000), "1.99");
    }
}
