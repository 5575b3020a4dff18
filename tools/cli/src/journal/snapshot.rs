//! `tezi journal snapshot`: the state of a session, written beside its journal.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args as ClapArgs;
use serde_json::{Value, json};
use tezi::{
    ReplayFrom, SnapshotInfo, SnapshotReport, SnapshotWhen, read_head, write_snapshots_recorded,
};

use super::moment;
use crate::json::known;
use crate::outcome::{Failure, Verdict, print};
use crate::strategies::Shipped;
use crate::text::{date_time, grouped, hash};

/// Writes a snapshot of a session's state beside its journal, so that a restart reads only what comes
/// behind it
///
/// The inputs of the journal go through the core, from the newest snapshot on, and each output must be the
/// journal's. What is then the state before the last input (or behind --at) is written to
/// snapshot-SEQUENCE.tzs. `tezi host --resume` and `tezi journal replay` begin from the newest snapshot
/// that fits. Only the newest two are kept: they follow from the journal, which is the truth.
/// Strategies that do not write down their own state have snapshots without it, which serve
/// `tezi journal replay --recorded` and `--at`; such a session is resumed from its whole journal.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Writes one each time so many records are acted on, too
    #[arg(long, value_name = "RECORDS", value_parser = clap::value_parser!(u64).range(1..))]
    every: Option<u64>,
    /// Writes the state behind the last input of this time of day in India, not that of the end
    #[arg(long, value_name = "HH:MM:SS[.FFF]", value_parser = moment::time_of_day)]
    at: Option<i64>,
    /// Replays from the first record, whatever snapshots there are
    #[arg(long)]
    no_snapshot: bool,
    /// Takes the decisions from the journal even where the strategy's code is here
    #[arg(long)]
    recorded: bool,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  tezi journal snapshot journals/host-20261120-091500
      Before a restart in the evening, or from a timer while another process trades.
  tezi journal snapshot journals/host-20261120-091500 --at 12:00:00 --recorded
      The state at noon: what `tezi journal replay --at` of the afternoon then begins from.

Exit codes: 0 written, or one of this state was there; 1 the journal does not give the same outputs again;
2 wrong usage.";

/// Writes snapshots.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let when = SnapshotWhen { every: args.every, until: args.at };
    let from = if args.no_snapshot { ReplayFrom::Start } else { ReplayFrom::Snapshot };
    let head = read_head(&args.path)?;
    let strategy = match Shipped::of_journal(&head) {
        _ if args.recorded => Err("taken from the journal, as asked".to_string()),
        Ok(strategy) => Ok(strategy),
        Err(why) => Err(format!("taken from the journal: {why}")),
    };
    let (report, decisions) = match strategy {
        Ok(strategy) => {
            (strategy.write_snapshots(&args.path, when, from)?, "worked out anew".to_string())
        }
        Err(why) => (write_snapshots_recorded(&args.path, when, from)?, why),
    };
    if args.json {
        let json = of_report(&report, &decisions);
        print(|out| writeln!(out, "{json:#}"))?;
    } else {
        print(|out| write_report(out, &report, &decisions))?;
    }
    Ok(Verdict::of(true))
}

fn write_report(out: &mut dyn Write, report: &SnapshotReport, decisions: &str) -> io::Result<()> {
    for why in &report.passed_over {
        writeln!(out, "Passed over {why}")?;
    }
    let begin =
        report.from.map_or("the start".into(), |it| format!("the snapshot before record {it}"));
    let records = grouped(report.records);
    writeln!(out, "Read {records} records from {begin}; decisions {decisions}.")?;
    for SnapshotInfo { path, bytes, sequence, time, state_hash } in &report.written {
        let (path, bytes) = (path.display(), grouped(*bytes));
        writeln!(out, "Wrote {path}, {bytes} bytes")?;
        let (time, state) = (date_time(*time), hash(*state_hash));
        writeln!(out, "  the state before record {}, {time} (IST), {state}", grouped(*sequence))?;
    }
    if report.written.is_empty() {
        writeln!(out, "There is a snapshot of this state; nothing was written.")?;
    }
    Ok(())
}

fn of_report(report: &SnapshotReport, decisions: &str) -> Value {
    let written = report.written.iter().map(|it| {
        json!({
            "path": it.path.display().to_string(),
            "bytes": it.bytes,
            "sequence": it.sequence,
            "time_ns": known(it.time),
            "state_hash": hash(it.state_hash),
        })
    });
    json!({
        "written": written.collect::<Vec<_>>(),
        "from": report.from,
        "passed_over": report.passed_over,
        "records": report.records,
        "decisions": decisions,
    })
}
