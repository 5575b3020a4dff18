//! The three tables: what was said of orders, what traded, what rests at the end.

use std::fmt::{Display, Write};

use tezi::matching::{OrderState, Report, RequestKind, Trade};
use tezi::model::{InstrumentId, Px, Side, TimeInForce};
use tezi::venue::session::OrderType;

use super::session::{Line, MatchSession};
use crate::text::wall_clock;

const ACKS: &str = "line,time,report,code,order,order_id,member,instrument,side,type,time_in_force,\
    price,trigger,quantity,traded,shown,reason,reason_code,form";
const TRADES: &str = "line,time,trade,instrument,price,quantity,buy_order,buy_order_id,buy_member,\
    sell_order,sell_order_id,sell_member,aggressor,canceled,kind";
const BOOK: &str = "instrument,side,price,quantity,order_id,waits";

/// A field, quoted where it must be.
fn field(text: &str) -> String {
    let must = text.contains([',', '"', '\n']);
    if must { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}

fn maybe<T: Display>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn price(price: Px) -> String {
    if price == Px::ZERO { String::new() } else { price.to_string() }
}

/// The limit of an order that has one: a spread's may be zero.
fn limit(state: &OrderState) -> String {
    match state.order_type {
        OrderType::Limit | OrderType::StopLimit => state.price.to_string(),
        OrderType::Market | OrderType::StopMarket => String::new(),
    }
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

const fn type_name(order_type: OrderType) -> &'static str {
    match order_type {
        OrderType::Limit => "limit",
        OrderType::Market => "market",
        OrderType::StopLimit => "sl",
        OrderType::StopMarket => "sl-m",
    }
}

/// What an order is called in the file.
fn name(session: &MatchSession, reference: u64) -> String {
    let at = usize::try_from(reference).ok().and_then(|number| number.checked_sub(1));
    at.and_then(|at| session.names.get(at)).map_or_else(String::new, |name| field(name))
}

fn instrument(session: &MatchSession, instrument: InstrumentId) -> String {
    session.instruments.get(instrument.index()).map_or_else(String::new, |name| field(name))
}

/// One line for everything that was said of an order, trades apart.
pub(super) fn acknowledgements(session: &MatchSession) -> String {
    let mut text = format!("{ACKS}\n");
    for line in &session.lines {
        let row = match &line.report {
            Report::Accepted(state) => state_row(session, line, "accepted", state, "", None),
            Report::Modified(state) => state_row(session, line, "modified", state, "", None),
            Report::Priced(state) => state_row(session, line, "priced", state, "", None),
            Report::Triggered(state) => state_row(session, line, "triggered", state, "", None),
            Report::Frozen(state) => state_row(session, line, "frozen", state, "", None),
            Report::Replenished(state) => state_row(session, line, "replenished", state, "", None),
            Report::Canceled(state, reason) => {
                let code = reason.code(session.segment);
                state_row(session, line, "canceled", state, reason.name(), code)
            }
            Report::Refused { request, form, order_id, member, reference, refusal, .. } => {
                let kind = match request {
                    RequestKind::New => "rejected",
                    RequestKind::Modify => "modify_rejected",
                    RequestKind::Cancel => "cancel_rejected",
                };
                let id = if order_id.is_none() { String::new() } else { order_id.to_string() };
                format!(
                    "{},{},{kind},{},{},{id},{member},,,,,,,,,,{},{},{}",
                    line.line,
                    wall_clock(line.time),
                    maybe(line.report.transaction_code()),
                    name(session, *reference),
                    refusal.name(),
                    maybe(refusal.code(session.segment)),
                    form.name(),
                )
            }
            Report::Traded(_) | Report::TradeCanceled(_) => continue,
        };
        text.push_str(&row);
        text.push('\n');
    }
    text
}

fn state_row(
    session: &MatchSession,
    line: &Line,
    kind: &str,
    state: &OrderState,
    reason: &str,
    code: Option<u16>,
) -> String {
    let force = if state.time_in_force == TimeInForce::Ioc { "ioc" } else { "day" };
    format!(
        "{},{},{kind},{},{},{},{},{},{},{},{force},{},{},{},{},{},{reason},{},{}",
        line.line,
        wall_clock(line.time),
        maybe(line.report.transaction_code()),
        name(session, state.reference),
        state.order_id,
        state.member,
        instrument(session, state.instrument),
        side(state.side),
        type_name(state.order_type),
        limit(state),
        price(state.trigger),
        state.quantity,
        state.traded,
        state.shown,
        maybe(code),
        state.form.name(),
    )
}

/// One line for every trade, and one for each that was taken back.
pub(super) fn trades(session: &MatchSession) -> String {
    let mut text = format!("{TRADES}\n");
    for line in &session.lines {
        let (trade, canceled) = match &line.report {
            Report::Traded(trade) => (trade, ""),
            Report::TradeCanceled(trade) => (trade, "yes"),
            _ => continue,
        };
        text.push_str(&trade_row(session, line, trade, canceled));
        text.push('\n');
    }
    text
}

fn trade_row(session: &MatchSession, line: &Line, trade: &Trade, canceled: &str) -> String {
    let [buy_id, sell_id] = trade.order_ids;
    let [buy, sell] = trade.references.map(|reference| name(session, reference));
    let [buy_member, sell_member] = trade.members;
    format!(
        "{},{},{},{},{},{},{buy},{buy_id},{buy_member},{sell},{sell_id},{sell_member},{},{canceled},{}",
        line.line,
        wall_clock(line.time),
        trade.trade_id,
        instrument(session, trade.instrument),
        trade.price,
        trade.quantity,
        trade.aggressor.map_or("auction", side),
        trade.kind.name(),
    )
}

/// What rests, best first, and the stop-loss orders that wait at their triggers.
pub(super) fn book(session: &MatchSession) -> String {
    let mut text = format!("{BOOK}\n");
    let (books, stops) = (session.matcher.books(), session.matcher.stops());
    for (number, instrument) in (0..).map(InstrumentId).zip(&session.instruments) {
        let instrument = field(instrument);
        for of_side in Side::BOTH {
            for order in books.orders(number, of_side) {
                // A market order of an auction has no price.
                let is_market = order.price.0.unsigned_abs() > (i64::MAX / 4).unsigned_abs();
                let price = if is_market { "market".into() } else { order.price.to_string() };
                let (quantity, id) = (order.quantity, order.order_id);
                let _ = writeln!(text, "{instrument},{},{price},{quantity},{id},", side(of_side));
            }
        }
        for of_side in Side::BOTH {
            for order in stops.orders(number, of_side.opposite()) {
                let (price, quantity, id) = (order.price, order.quantity, order.order_id);
                let _ = writeln!(
                    text,
                    "{instrument},{},{price},{quantity},{id},trigger",
                    side(of_side)
                );
            }
        }
    }
    text
}
