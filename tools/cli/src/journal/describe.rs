//! What a record says, as named fields: one description for people and for programs.

use std::borrow::Cow;

use serde_json::{Map, Value};
use tezi::collateral::Valuation;
use tezi::control::{Control, Limit};
use tezi::model::{
    AccountId, CommandKind, Event, EventKind, ExecutionKind, ExecutionReport, FeedFault,
    Instrument, MarketFlags, Nanos, OrderCommand, Px, TimeInForce,
};
use tezi::roster::StrategyEvent;
use tezi::venue::Date;
use tezi::{
    AccountEvent, ControlEntry, CoreConfig, Emitted, Entry, LimitUse, Opening, Origin, Output,
    Refusal, UseLevel,
};

use super::names::Names;
use crate::json::known;
use crate::text::{hash, wall_clock};

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum FieldValue {
    Text(Cow<'static, str>),
    Count(u64),
    Signed(i64),
    /// In rupees.
    Price(Px),
    Time(Nanos),
}

/// A field, in the order in which it is shown.
pub(super) type Field = (Cow<'static, str>, FieldValue);

/// A record as it is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Description {
    /// The type that the dump names, and filters by.
    pub(super) label: &'static str,
    pub(super) fields: Vec<Field>,
}

impl Description {
    pub(super) fn new(label: &'static str) -> Self {
        Self { label, fields: Vec::with_capacity(12) }
    }

    pub(super) fn text(mut self, name: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        self.fields.push((name.into(), FieldValue::Text(text.into())));
        self
    }

    pub(super) fn count(mut self, name: &'static str, count: impl Into<u64>) -> Self {
        self.fields.push((name.into(), FieldValue::Count(count.into())));
        self
    }

    fn signed(mut self, name: &'static str, value: i64) -> Self {
        self.fields.push((name.into(), FieldValue::Signed(value)));
        self
    }

    fn price(mut self, name: &'static str, price: Px) -> Self {
        self.fields.push((name.into(), FieldValue::Price(price)));
        self
    }

    fn time(mut self, name: &'static str, time: Nanos) -> Self {
        self.fields.push((name.into(), FieldValue::Time(time)));
        self
    }

    /// `name=value` words; values with blanks in quotes, times without their date.
    pub(super) fn to_words(&self) -> String {
        let mut line = String::new();
        for (name, value) in &self.fields {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(name);
            line.push('=');
            match value {
                FieldValue::Text(text) if text.is_empty() || text.contains([' ', '"']) => {
                    line.push_str(&format!("{text:?}"));
                }
                FieldValue::Text(text) => line.push_str(text),
                FieldValue::Count(count) => line.push_str(&count.to_string()),
                FieldValue::Signed(value) => line.push_str(&value.to_string()),
                FieldValue::Price(price) => line.push_str(&price.to_string()),
                FieldValue::Time(time) => line.push_str(&wall_clock(*time)),
            }
        }
        line
    }

    /// Adds the fields to an object. Times become `NAME_ns`, prices strings.
    pub(super) fn add_to(&self, object: &mut Map<String, Value>) {
        for (name, value) in &self.fields {
            let (name, value) = match value {
                FieldValue::Text(text) => (name.to_string(), text.as_ref().into()),
                FieldValue::Count(count) => (name.to_string(), (*count).into()),
                FieldValue::Signed(value) => (name.to_string(), (*value).into()),
                FieldValue::Price(price) => (name.to_string(), price.to_string().into()),
                FieldValue::Time(time) => (format!("{name}_ns"), known(*time)),
            };
            object.insert(name, value);
        }
    }
}

/// Describes a record that was understood.
pub(super) fn describe(entry: &Entry, names: &Names) -> Description {
    match entry {
        Entry::Session(text) => session("session", text),
        Entry::Resume(text) => session("resume", text),
        Entry::Config(config) => of_config(config),
        Entry::Instrument(instrument) => of_instrument(instrument),
        Entry::Start => Description::new("start"),
        Entry::Event(event) => of_event(event, names),
        Entry::Report(report) => of_report(report, names),
        Entry::TradeCanceled(report) => of_trade_cancel(report, names),
        Entry::OrderSession(state) => Description::new("order_session").text("state", state.name()),
        Entry::Valuation(valuation) => of_valuation(valuation, names),
        Entry::Opening(opening) => of_opening(opening, names),
        Entry::Control(entry) => of_control(entry, names),
        Entry::Stop => Description::new("stop"),
        Entry::Output(Emitted { origin, output }) => match output {
            Output::Command(command) => by(of_command(command, names), *origin),
            Output::Refusal(refusal) => by(of_refusal(refusal, names), *origin),
            Output::Report(report) => of_report(report, names),
            Output::Timer(at) => by(Description::new("timer").time("at", *at), *origin),
            Output::Kill => by(Description::new("kill"), *origin),
            Output::Strategy(change) => {
                let event = change.event().map_or("unknown", StrategyEvent::name);
                let number = u64::from(change.strategy.0);
                let it =
                    Description::new("strategy").count("strategy", number).text("event", event);
                by(it, *origin)
            }
            Output::Account(change) => {
                let event = change.event().map_or("unknown", AccountEvent::name);
                let number = u64::from(change.account.0);
                by(
                    Description::new("account").count("account", number).text("event", event),
                    *origin,
                )
            }
            Output::Theoretical(said) => {
                let it = Description::new("theoretical")
                    .text("instrument", names.instrument(said.instrument))
                    .price("price", said.price);
                by(it, *origin)
            }
            Output::RiskReduction(change) => {
                let event = if change.begins == 1 { "begins" } else { "ends" };
                Description::new("risk_reduction").text("event", event)
            }
            Output::LimitUse(told) => of_limit_use(told, names),
        },
        Entry::End(state) => Description::new("end").text("state_hash", hash(*state)),
        Entry::Unknown(number) => Description::new("unknown").count("record_type", *number),
    }
}

/// Who caused an output: the strategy, in its call of that number during the input, or the core.
fn by(description: Description, origin: Origin) -> Description {
    match origin {
        Origin::CORE => description.text("by", "core"),
        Origin(call) => description.text("by", format!("strategy/{call}")),
    }
}

fn session(label: &'static str, text: &str) -> Description {
    let mut description = Description::new(label);
    for (key, value) in text.lines().filter_map(|line| line.split_once(' ')) {
        let value = FieldValue::Text(value.to_string().into());
        description.fields.push((key.to_string().into(), value));
    }
    description
}

fn of_config(config: &CoreConfig) -> Description {
    let CoreConfig { limits, venue, capacity, venue_mode, .. } = config;
    Description::new("config")
        .signed("order_value_max", limits.order_value_max)
        .signed("open_order_value_max", limits.open_order_value_max)
        .signed("loss_max", limits.loss_max)
        .signed("position_max", limits.position_max)
        .count("open_orders_max", limits.open_orders_max)
        .count("messages_per_second_max", limits.messages_per_second_max)
        .count("fat_finger_bps", limits.fat_finger_bps)
        .count("trade_on_stale", limits.trade_on_stale)
        .count("trade_when_halted", limits.trade_when_halted)
        .signed("order_latency_ns", venue.order_latency_ns)
        .signed("report_latency_ns", venue.report_latency_ns)
        .text("venue", if *venue_mode == 0 { "simulated" } else { "external" })
        .count("instruments_max", capacity.instruments_max)
        .count("market_orders_max", capacity.market_orders_max)
        .count("levels_max", capacity.levels_max)
        .count("own_orders_max", capacity.own_orders_max)
        .count("timers_max", capacity.timers_max)
        .count("outputs_max", capacity.outputs_max)
}

fn of_instrument(instrument: &Instrument) -> Description {
    let mut description = Description::new("instrument")
        .text("instrument", instrument.to_string())
        .text("segment", instrument.segment().map_or("?", |segment| segment.name()))
        .count("token", instrument.token.0)
        .count("lot", instrument.lot.0)
        .price("tick", instrument.tick);
    // Zero is "not known" here, and says nothing.
    if instrument.freeze_quantity.0 > 0 {
        description = description.count("freeze_quantity", instrument.freeze_quantity.0);
    }
    if instrument.price_high.0 > 0 {
        description = description
            .price("price_low", instrument.price_low)
            .price("price_high", instrument.price_high);
    }
    description
}

fn of_event(event: &Event, names: &Names) -> Description {
    let description = Description::new("event");
    let Some(kind) = event.kind() else {
        return description.text("kind", "malformed").count("code", event.kind_code);
    };
    let description = description.text("kind", kind.name());
    let stream = event.stream.to_string();
    match kind {
        EventKind::Clock => return description,
        EventKind::StreamReset => return description.text("stream", stream),
        EventKind::StreamGap => {
            let description = description.text("stream", stream);
            return match event.fault() {
                Some(FeedFault::Gap { first, last }) => {
                    description.count("lost_first", first).count("lost_last", last)
                }
                _ => description,
            };
        }
        _ => {}
    }
    let is_trade =
        matches!(kind, EventKind::Trade | EventKind::SpreadTrade | EventKind::TradeCancel);
    let mut description = description.text("instrument", names.of_event(event));
    if !is_trade {
        description = description.text("side", event.side().to_string());
    }
    description = description.count("quantity", event.quantity.0).price("price", event.price);
    description = if is_trade {
        description
            .count("buy_order_id", event.order_id.0)
            .count("sell_order_id", event.sell_order_id.0)
    } else {
        description.count("order_id", event.order_id.0)
    };
    let line = if event.flags & MarketFlags::LINE_B == 0 { "A" } else { "B" };
    description
        .text("stream", stream)
        .count("stream_sequence", event.sequence)
        .text("line", line)
        .time("exchange_time", event.exchange_time)
        .time("receive_time", event.receive_time)
}

fn of_opening(opening: &Opening, names: &Names) -> Description {
    let description = Description::new("opening");
    let day = |day: i32| match day {
        0 => "unknown".to_string(),
        day => Date::of_number(day).to_string(),
    };
    match opening {
        Opening::Begin { day: today, as_of, lots, actions } => description
            .text("kind", "begin")
            .text("day", day(*today))
            .text("as_of", day(*as_of))
            .count("lots", *lots)
            .count("actions", *actions),
        Opening::Lot(lot) => {
            let mut description = description.text("kind", "lot");
            if !lot.strategy.is_none() {
                description = description.count("strategy", lot.strategy.0);
            }
            if !lot.account.is_none() {
                description = description.count("account", lot.account.0);
            }
            description
                .text("instrument", names.instrument(lot.instrument))
                .signed("quantity", lot.net)
                .price("price", lot.price)
                .price("close", lot.mark)
                .text("date", day(lot.day))
        }
        Opening::Action(action) => {
            let (after, before) = action.ratio.terms();
            description
                .text("kind", action.kind.name())
                .text("instrument", names.instrument(action.instrument))
                .count("units_after", after)
                .count("units_before", before)
                .text("ex_date", day(action.ex_day))
        }
    }
}

fn of_control(entry: &ControlEntry, names: &Names) -> Description {
    let ControlEntry { control, uid, who, why } = entry;
    let mut description = Description::new("control").text("action", control.name());
    if let Some(instrument) = control.instrument() {
        description = description.text("instrument", names.instrument(instrument));
    }
    if let Some(strategy) = control.strategy().filter(|it| !it.is_none()) {
        description = description.count("strategy", strategy.0);
    }
    if let Control::AssignAccount { strategy, .. } = *control
        && !strategy.is_none()
    {
        description = description.count("strategy", strategy.0);
    }
    if let Some(account) = control.account() {
        description = description.count("account", account.0);
    }
    description = match *control {
        Control::Flatten { through_bps, .. }
        | Control::FlattenStrategy { through_bps, .. }
        | Control::FlattenAccount { through_bps, .. } => {
            description.count("through_bps", through_bps)
        }
        Control::SetLimit { limit, value } => {
            description.text("limit", limit.name()).signed("value", value)
        }
        Control::Restrict { restriction, .. } | Control::RestrictAccount { restriction, .. } => {
            description.text("restriction", restriction.name())
        }
        Control::PriceRange { low, high, .. } => {
            description.price("price_low", low).price("price_high", high)
        }
        Control::StopStrategy { cause, .. } => description.text("cause", cause.name()),
        Control::SetStrategyLimit { limit, value, .. }
        | Control::SetAccountLimit { limit, value, .. } => {
            description.text("limit", limit.name()).signed("value", value)
        }
        Control::SetParameter { assignment, .. } => {
            description.text("parameter", assignment.as_str().to_string())
        }
        Control::DeclareAccount { definition, .. } => {
            description.text("definition", definition.as_str().to_string())
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
        | Control::StartStrategy { .. } => description,
    };
    let description = description.text("who", who.clone()).count("uid", *uid);
    if why.is_empty() { description } else { description.text("why", why.clone()) }
}

fn of_limit_use(told: &LimitUse, names: &Names) -> Description {
    let limit = told.limit().map_or("unknown", Limit::name);
    let level = told.level().map_or("unknown", UseLevel::name);
    let description = Description::new("limit_use").text("limit", limit).text("level", level);
    let description = match told.instrument() {
        Some(id) => description.text("instrument", names.instrument(id)),
        None => description,
    };
    let description = with_account(description, told.account);
    description.signed("value", told.value).signed("most", told.most)
}

/// The account of something, where one was declared.
fn with_account(description: Description, account: AccountId) -> Description {
    if account.is_none() { description } else { description.count("account", account.0) }
}

fn of_command(command: &OrderCommand, names: &Names) -> Description {
    let kind = command.kind().map_or("unknown", command_name);
    let mut description = Description::new("command")
        .text("kind", kind)
        .count("client_order_id", command.client_order_id.0)
        .text("instrument", names.instrument(command.instrument))
        .text("side", command.side().to_string())
        .count("quantity", command.quantity.0)
        .price("price", command.price);
    description = with_account(description, command.account);
    if command.kind() == Some(CommandKind::New) {
        let is_ioc = command.time_in_force() == TimeInForce::Ioc;
        return description.text("time_in_force", if is_ioc { "ioc" } else { "day" });
    }
    description = description.count("filled", command.filled.0);
    description.count("order_id", command.order_id.0)
}

const fn command_name(kind: CommandKind) -> &'static str {
    match kind {
        CommandKind::New => "new",
        CommandKind::Replace => "replace",
        CommandKind::Cancel => "cancel",
    }
}

fn of_refusal(refusal: &Refusal, names: &Names) -> Description {
    let request = &refusal.request;
    let reason = refusal.reason();
    let mut description = Description::new("refusal")
        .text("kind", request.kind().map_or("unknown", command_name))
        .text("reason", reason.map_or("unknown", |reason| reason.name()));
    if request.kind() == Some(CommandKind::New) {
        description = description
            .text("instrument", names.instrument(request.instrument))
            .text("side", request.side().to_string());
    } else {
        description = description.count("client_order_id", request.client_order_id.0);
    }
    if request.kind() != Some(CommandKind::Cancel) {
        description =
            description.count("quantity", request.quantity.0).price("price", request.price);
    }
    with_account(description, request.account)
}

fn of_report(report: &ExecutionReport, names: &Names) -> Description {
    let is_fill = report.kind() == Some(ExecutionKind::Fill);
    let mut description = Description::new(if is_fill { "fill" } else { "report" })
        .text("kind", report.kind().map_or("unknown", ExecutionKind::name))
        .count("client_order_id", report.client_order_id.0);
    if let Some((instrument, side)) = names.order(report.client_order_id) {
        description = description.text("instrument", instrument).text("side", side.to_string());
    }
    description = description.count("quantity", report.quantity.0).price("price", report.price);
    description = description.count("order_id", report.order_id.0);
    if is_fill {
        description = description
            .count("fill_id", report.fill_id)
            .text("liquidity", if report.passive == 0 { "taken" } else { "passive" });
    }
    if report.reason != 0 {
        description = description.count("reason", report.reason);
    }
    description.time("venue_time", report.venue_time)
}

fn of_valuation(valuation: &Valuation, names: &Names) -> Description {
    match valuation {
        Valuation::Underlying(it) => Description::new("underlying")
            .count("number", it.number)
            .price("price", it.price)
            .price("previous_close", it.previous_close),
        Valuation::Contract(it) => Description::new("contract")
            .text("instrument", names.instrument(it.instrument))
            .count("underlying", it.underlying)
            .price("price", it.price)
            .text("futeq_delta", format!("{:.6}", f64::from(it.futeq_delta) / 1e6))
            .text("delta", format!("{:.6}", f64::from(it.delta) / 1e6)),
    }
}

fn of_trade_cancel(report: &ExecutionReport, names: &Names) -> Description {
    Description { label: "trade_cancel", ..of_report(report, names) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi::model::{OrderId, Qty, Segment, StreamId, Token};

    fn order(token: u32) -> Event {
        Event {
            kind_code: EventKind::OrderNew as u8,
            flags: MarketFlags::SELL | MarketFlags::LINE_B,
            stream: StreamId::new(Segment::NseFo, 2),
            token: Token(token),
            exchange_time: Nanos::from_ist(2026, 11, 20, 9, 15, 0),
            quantity: Qty(75),
            price: Px::from_paise(1_205),
            order_id: OrderId(11),
            sequence: 3,
            ..Event::clock(Nanos::from_ist(2026, 11, 20, 9, 15, 1))
        }
    }

    #[test]
    fn an_order_of_the_market_is_told_with_its_units() {
        let words = describe(&Entry::Event(order(7)), &Names::new()).to_words();
        assert_eq!(
            words,
            "kind=order_new instrument=fo:7 side=sell quantity=75 price=12.05 order_id=11 \
             stream=fo/2 stream_sequence=3 line=B exchange_time=09:15:00.000000000 \
             receive_time=09:15:01.000000000"
        );
    }

    #[test]
    fn text_with_blanks_is_quoted_and_times_are_numbers_for_programs() {
        let description = Description::new("timer")
            .text("instrument", "NIFTY 2026-11-24 FUT")
            .time("at", Nanos(5));
        assert!(description.to_words().starts_with("instrument=\"NIFTY 2026-11-24 FUT\" at="));
        let mut object = Map::new();
        description.add_to(&mut object);
        assert_eq!(object["at_ns"], 5);
    }
}
