//! `tezi audit`: the story of one order, for an inspector.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::{Map, Value, json};
use tezi::audit::{AuditEvent, Chapter, OrderAudit, audit_order};
use tezi::journal::JournalReader;
use tezi::model::{ClientOrderId, RejectReason};
use tezi::oms::Order;
use tezi::{Check, Emitted, Entry, Explanation, Origin, Output};

use super::describe::describe;
use super::names::Names;
use crate::json::known;
use crate::outcome::{Failure, Verdict, print};
use crate::report::measure;
use crate::text::{date_time, rupees};

/// Tells the story of one order: what was known, what each check found, what came of it
///
/// The journal's inputs go through the core again. Where a request of the order was made, the market, the
/// position and every check are told as they were in that instant, with what the check found and what
/// it allowed; then what the exchange said. The order's number is the host's own, as `tezi journal
/// dump` prints it (client_order_id).
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory
    #[arg(value_name = "JOURNAL")]
    path: PathBuf,
    /// The order's own number
    #[arg(value_name = "ORDER")]
    order: u64,
    /// Leaves out checks that passed
    #[arg(long)]
    brief: bool,
    /// Prints one JSON object
    #[arg(long, conflicts_with = "brief")]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  tezi journal grep journals/host-20261123-091500 --type command,fill
      Which orders there were.
  tezi audit journals/host-20261123-091500 17
      The whole story of one.
  tezi audit journals/host-20261123-091500 17 --brief
      Without the checks that passed.
  tezi audit journals/host-20261123-091500 17 --json | jq '.chapters[].checks[]? | select(.passed | not)'
      For programs.

Exit codes: 0 told; 1 no such order, or the journal is damaged or gives another state; 2 wrong usage.";

/// Tells the story.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let audit = audit_order(&args.path, ClientOrderId(args.order))?;
    if audit.chapters.is_empty() {
        let (path, order) = (args.path.display(), args.order);
        return Err(Failure::Failed(format!("{path}: no order has the number {order}")));
    }
    let names = names(&args.path)?;
    if args.json {
        let json = of_audit(&audit, &names);
        print(|out| writeln!(out, "{json:#}"))?;
    } else {
        print(|out| write_audit(out, args, &audit, &names))?;
    }
    Ok(Verdict::of(doubts(&audit).is_empty()))
}

/// What makes the story doubtful. A journal that has no end yet does not.
fn doubts(audit: &OrderAudit) -> Vec<String> {
    let mut replay = audit.replay.clone();
    let state = replay.core.state_hash;
    replay.recorded_hash.get_or_insert(state);
    replay.problems()
}

/// Names of all instruments and orders of the journal.
fn names(path: &Path) -> Result<Names, Failure> {
    let mut names = Names::new();
    let mut reader = JournalReader::open(path)?;
    while let Some(record) = reader.next_record() {
        if let Ok(entry) = Entry::read(&record) {
            names.learn(&entry);
        }
    }
    Ok(names)
}

fn write_audit(
    out: &mut dyn Write,
    args: &Args,
    audit: &OrderAudit,
    names: &Names,
) -> io::Result<()> {
    let OrderAudit { client_order_id, head, instrument, .. } = audit;
    let what = instrument.map_or_else(String::new, |it| format!(", {it}"));
    writeln!(out, "Order {client_order_id} of {}{what}", args.path.display())?;
    writeln!(out, "  strategy  {} {}", head.strategy, head.parameters)?;
    writeln!(out, "  engine    {}, kernel {}", head.engine, head.kernel)?;
    for chapter in &audit.chapters {
        write_chapter(out, args, chapter, names)?;
    }
    for doubt in doubts(audit) {
        writeln!(out, "NOT FINE: {doubt}")?;
    }
    Ok(())
}

fn write_chapter(
    out: &mut dyn Write,
    args: &Args,
    chapter: &Chapter,
    names: &Names,
) -> io::Result<()> {
    let Chapter { sequence, time, event, order, position } = chapter;
    writeln!(out, "\n{}  record {sequence}", date_time(*time))?;
    match event {
        AuditEvent::Sent { cause, origin, command, explanation } => {
            let command =
                Entry::Output(Emitted { origin: *origin, output: Output::Command(*command) });
            writeln!(out, "  sent      {}", describe(&command, names).to_words())?;
            if *origin == Origin::CORE {
                writeln!(out, "  by        the core itself: trading was stopped")?;
            }
            write_knowledge(out, args, cause, explanation.as_deref(), names)?;
        }
        AuditEvent::Refused { cause, refusal, explanation } => {
            let reason = refusal.reason().map_or("unknown", RejectReason::message);
            let entry =
                Entry::Output(Emitted { origin: Origin(1), output: Output::Refusal(*refusal) });
            writeln!(out, "  refused   {}", describe(&entry, names).to_words())?;
            writeln!(out, "  because   {reason}")?;
            write_knowledge(out, args, cause, explanation.as_deref(), names)?;
        }
        AuditEvent::Report(report) => {
            writeln!(out, "  heard     {}", describe(&Entry::Report(*report), names).to_words())?;
        }
    }
    if let Some(order) = order {
        writeln!(out, "  then      {}; position {}", state(order), position.net)?;
    }
    Ok(())
}

fn state(order: &Order) -> String {
    let (filled, quantity) = (order.filled.0, order.quantity.0);
    format!("{}, {filled} of {quantity} filled at {} or better", order.status.name(), order.price)
}

fn write_knowledge(
    out: &mut dyn Write,
    args: &Args,
    cause: &Entry,
    explanation: Option<&Explanation>,
    names: &Names,
) -> io::Result<()> {
    let description = describe(cause, names);
    writeln!(out, "  cause     {} {}", description.label, description.to_words())?;
    let Some(explanation) = explanation else { return Ok(()) };
    let Explanation { bids, asks, market, position, profit, in_flight, checks, .. } = explanation;
    for level in 0..bids.len().max(asks.len()) {
        let side = |levels: &[tezi::book::Level]| {
            levels.get(level).map_or_else(String::new, |it| {
                format!("{} x {} ({})", it.price, it.quantity, it.orders)
            })
        };
        let label = if level == 0 { "book" } else { "" };
        writeln!(out, "  {label:<8}  {:>24}   {}", side(bids), side(asks))?;
    }
    if let Some(market) = market {
        let last = market.last_trade.map_or("none".into(), |price| price.to_string());
        let stale = if market.is_stale { ", messages lost" } else { "" };
        writeln!(out, "  market    last trade {last}, {}{stale}", market.status.name())?;
        writeln!(
            out,
            "  held      {} here, profit {} rupees; {} orders open worth {} rupees, {in_flight} in flight",
            position.net,
            rupees(*profit),
            market.open_orders,
            rupees(market.open_value)
        )?;
    }
    let passed = checks.iter().filter(|check| check.passed).count();
    if checks.is_empty() {
        return Ok(());
    }
    writeln!(out, "  checks    {passed} of {} passed", checks.len())?;
    for check in checks.iter().filter(|check| !args.brief || !check.passed) {
        let Check { reason, found, limit, passed } = check;
        let (code, name) = (*reason as u16, reason.name());
        let verdict = if *passed { "" } else { "  FAILED" };
        writeln!(
            out,
            "    {code:>3}  {name:<20} {:>18}  allowed {}{verdict}",
            measure(*found),
            measure(*limit)
        )?;
    }
    Ok(())
}

fn of_audit(audit: &OrderAudit, names: &Names) -> Value {
    let chapters: Vec<Value> =
        audit.chapters.iter().map(|chapter| of_chapter(chapter, names)).collect();
    json!({
        "client_order_id": audit.client_order_id.0,
        "instrument": audit.instrument.map(|it| it.to_string()),
        "strategy": { "name": audit.head.strategy, "parameters": audit.head.parameters },
        "engine": audit.head.engine,
        "pricing_kernel": audit.head.kernel,
        "settings": audit.head.settings,
        "chapters": chapters,
        "doubts": doubts(audit),
    })
}

fn of_chapter(chapter: &Chapter, names: &Names) -> Value {
    let entry = match &chapter.event {
        AuditEvent::Sent { origin, command, .. } => {
            Entry::Output(Emitted { origin: *origin, output: Output::Command(*command) })
        }
        AuditEvent::Refused { refusal, .. } => {
            Entry::Output(Emitted { origin: Origin(1), output: Output::Refusal(*refusal) })
        }
        AuditEvent::Report(report) => Entry::Report(*report),
    };
    let mut object = of_entry(&entry, names);
    object.insert("sequence".into(), chapter.sequence.into());
    object.insert("time_ns".into(), known(chapter.time));
    if let Some(order) = &chapter.order {
        object.insert("status".into(), order.status.name().into());
        object.insert("filled".into(), order.filled.0.into());
        object.insert("position".into(), chapter.position.net.into());
    }
    if let AuditEvent::Sent { cause, explanation, .. }
    | AuditEvent::Refused { cause, explanation, .. } = &chapter.event
    {
        object.insert("cause".into(), of_entry(cause, names).into());
        if let Some(explanation) = explanation {
            add_explanation(&mut object, explanation);
        }
    }
    object.into()
}

fn of_entry(entry: &Entry, names: &Names) -> Map<String, Value> {
    let description = describe(entry, names);
    let mut object = Map::new();
    object.insert("type".into(), description.label.into());
    description.add_to(&mut object);
    object
}

fn add_explanation(object: &mut Map<String, Value>, explanation: &Explanation) {
    let levels = |levels: &[tezi::book::Level]| -> Value {
        let level = |it: &tezi::book::Level| json!([it.price.to_string(), it.quantity, it.orders]);
        levels.iter().map(level).collect()
    };
    object.insert("bids".into(), levels(&explanation.bids));
    object.insert("asks".into(), levels(&explanation.asks));
    object.insert("profit".into(), rupees(explanation.profit).into());
    object.insert("held".into(), explanation.position.net.into());
    object.insert("in_flight".into(), explanation.in_flight.into());
    object.insert("exchange_time_ns".into(), known(explanation.exchange_time));
    let of_check = |check: &Check| {
        json!({
            "code": check.reason as u16,
            "check": check.reason.name(),
            "passed": check.passed,
            "found": measure(check.found),
            "allowed": measure(check.limit),
        })
    };
    object.insert("checks".into(), explanation.checks.iter().map(of_check).collect());
}
