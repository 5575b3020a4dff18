//! The operator's screen: books, trades, boxes, rates.

use tezi::exchange::{ExchangeView, InstrumentView};
use tezi::matching::Trade;
use tezi::model::Nanos;

use crate::text::{grouped, wall_clock};

/// What an operator may press.
const KEYS: &str = "q ends it, h halts and resumes, 1-9 choose a box, c cancels its orders";
/// Trades shown, the newest.
const TRADES_SHOWN: usize = 6;

/// Which books are shown.
#[derive(Clone, Debug)]
pub(super) enum Books {
    /// So many, the first listed.
    First(usize),
    /// Those whose name, symbol or token is among these.
    Named(Vec<String>),
}

impl Books {
    fn choose<'a>(&self, view: &'a ExchangeView) -> Vec<&'a InstrumentView> {
        let all = view.instruments.iter();
        match self {
            Self::First(count) => all.take(*count).collect(),
            Self::Named(names) => all.filter(|it| names.iter().any(|name| is(it, name))).collect(),
        }
    }
}

fn is(view: &InstrumentView, name: &str) -> bool {
    let it = &view.instrument;
    let is_symbol = it.symbol.as_str().eq_ignore_ascii_case(name);
    is_symbol || it.to_string().eq_ignore_ascii_case(name) || it.token.to_string() == name
}

/// How much a count grew in a second between two views.
fn rate(
    view: &ExchangeView,
    last: Option<&ExchangeView>,
    count: fn(&ExchangeView) -> u64,
) -> String {
    let before = last.map_or(0, count);
    let since = last.map_or(view.elapsed, |last| view.elapsed.saturating_sub(last.elapsed));
    let grown = count(view).saturating_sub(before) as f64;
    grouped((grown / since.as_secs_f64().max(1e-3)) as u64)
}

/// A view in one line.
pub(super) fn summary_line(view: &ExchangeView, last: Option<&ExchangeView>) -> String {
    let on = view.boxes.iter().filter(|(own, _)| own.is_signed_on).count();
    format!(
        "{}  {} messages ({}/s)  {} trades  {} requests of members  {on} of {} boxes signed on",
        clock_of(view.time),
        grouped(view.counters.messages),
        rate(view, last, |view| view.counters.messages),
        grouped(view.counters.trades),
        grouped(view.counters.requests),
        view.boxes.len(),
    )
}

/// A view as a screen of lines; `chosen` is the box that a key would be about, where there are keys.
pub(super) fn lines(
    view: &ExchangeView,
    last: Option<&ExchangeView>,
    books: &Books,
    chosen: Option<usize>,
) -> Vec<String> {
    let counters = &view.counters;
    let mut lines = vec![
        format!(
            "tezi exchange  {}{}  up {:.0} s  {}",
            clock_of(view.time),
            if view.is_halted { "  HALTED" } else { "" },
            view.elapsed.as_secs_f64(),
            if chosen.is_some() { KEYS } else { "Ctrl-C ends it" },
        ),
        format!(
            "  {} messages/s  {} trades/s  {} requests/s of members  {}/s of the population",
            rate(view, last, |view| view.counters.messages),
            rate(view, last, |view| view.counters.trades),
            rate(view, last, |view| view.counters.requests),
            rate(view, last, |view| view.counters.background_requests),
        ),
        format!(
            "  {} messages  {} trades  {} units  {} refused  {} lost",
            grouped(counters.messages),
            grouped(counters.trades),
            grouped(counters.quantity_traded),
            grouped(counters.refused + counters.background_refused),
            grouped(counters.datagrams_lost),
        ),
        String::new(),
    ];
    box_table(view, chosen, &mut lines);
    stream_table(view, &mut lines);
    for instrument in books.choose(view) {
        book_table(instrument, &mut lines);
    }
    trade_table(view, &mut lines);
    lines
}

fn box_table(view: &ExchangeView, chosen: Option<usize>, lines: &mut Vec<String>) {
    lines.push(format!(
        "  {:<6} {:>8}  {:<12} {:>10} {:>8} {:>9} {:>9} {:>8} {:>11} {:>11}",
        "box",
        "user",
        "state",
        "requests",
        "/s",
        "refused",
        "trades",
        "orders",
        "packets in",
        "out"
    ));
    for (place, (own, is_connected)) in view.boxes.iter().enumerate() {
        let mark = if chosen == Some(place) { '>' } else { ' ' };
        let state = match (own.is_signed_on, is_connected) {
            (true, _) => "signed on",
            (false, true) => "connected",
            (false, false) => "away",
        };
        lines.push(format!(
            "{mark} {:<6} {:>8}  {state:<12} {:>10} {:>8} {:>9} {:>9} {:>8} {:>11} {:>11}",
            own.box_id,
            own.user_id,
            grouped(own.activity.requests),
            own.activity.rate_at(view.time),
            grouped(own.activity.refused),
            grouped(own.activity.trades),
            own.orders,
            grouped(own.session.packets_in),
            grouped(own.session.packets_out),
        ));
    }
    lines.push(String::new());
}

fn stream_table(view: &ExchangeView, lines: &mut Vec<String>) {
    let [a, b] = &view.lines;
    for stream in &view.streams {
        let lost = match (stream.lost.a, stream.lost.b) {
            (false, false) => "",
            (true, false) => "  LINE A LOST",
            (false, true) => "  LINE B LOST",
            (true, true) => "  BOTH LINES LOST",
        };
        let last = grouped(stream.last_sequence.into());
        lines.push(format!("  stream {:<3} last {last}{lost}", stream.stream));
    }
    lines.push(format!(
        "  line A {} datagrams, {} kept off   line B {}, {} kept off",
        grouped(a.sent),
        grouped(a.lost),
        grouped(b.sent),
        grouped(b.lost)
    ));
    lines.push(String::new());
}

fn book_table(view: &InstrumentView, lines: &mut Vec<String>) {
    let last = view.last_trade.map_or("-".into(), |price| price.to_string());
    lines.push(format!("  {}  last {last}  {:?}", view.instrument, view.phase));
    for place in 0..view.bids.len().max(view.asks.len()) {
        let bid = view.bids.get(place).map_or(format!("{:>34}", ""), |level| {
            format!("{:>6} {:>12} {:>14}", level.orders, level.quantity, level.price)
        });
        let ask = view.asks.get(place).map_or(String::new(), |level| {
            format!("{:<14} {:<12} {:<6}", level.price, level.quantity, level.orders)
        });
        lines.push(format!("  {bid}  |  {ask}"));
    }
    lines.push(String::new());
}

fn trade_table(view: &ExchangeView, lines: &mut Vec<String>) {
    let name = |trade: &Trade| {
        let it = view.instruments.get(trade.instrument.index());
        it.map_or("-".into(), |it| it.instrument.to_string())
    };
    for trade in view.trades.iter().rev().take(TRADES_SHOWN) {
        lines.push(format!(
            "  {}  {:<24} {:>8} at {}",
            clock_of(trade.time),
            name(trade),
            trade.quantity.0,
            trade.price
        ));
    }
}

/// A time of day to the millisecond.
fn clock_of(time: Nanos) -> String {
    wall_clock(time).chars().take("09:15:00.000".len()).collect()
}
