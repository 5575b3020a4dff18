//! `tezi journal replay`: the state of a session from its journal alone.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args as ClapArgs;
use serde_json::{Value, json};
use tezi::{ReplayFrom, ReplayReport, read_head, replay_journal_from, replay_recorded_from};

use super::moment;
use crate::json::{known, of_core};
use crate::library;
use crate::outcome::{Failure, Verdict, print};
use crate::strategies::Shipped;
use crate::text::{date_time, grouped, hash, rupees};

/// Rebuilds the state from a journal alone and compares it, output by output
///
/// The inputs of the journal go through the core again. Each command, refusal, report and timer that
/// comes of them must equal the one the journal holds, and so must the hash of the state at the end.
/// The strategies that ship decide anew, from their own code, and so does one that is named by its
/// shared object; of any other the decisions are taken
/// from the journal, and everything else is still worked out anew.
///
/// Where a snapshot fits, the replay begins from the newest one, and proves what comes behind it; with
/// --no-snapshot it proves the whole journal.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Takes the decisions from the journal even where the strategy's code is here
    #[arg(long)]
    recorded: bool,
    /// Takes the strategy from this shared object, with the parameters that the journal has
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recorded", "at"])]
    strategy_library: Option<PathBuf>,
    /// Stops behind the last input of this time of day in India: the state at a moment
    ///
    /// The decisions are taken from the journal then, and there is no hash to compare with.
    #[arg(long, value_name = "HH:MM:SS[.FFF]", value_parser = moment::time_of_day, verbatim_doc_comment)]
    at: Option<i64>,
    /// Begins at the first record, whatever snapshots there are: the proof of the whole journal
    #[arg(long)]
    no_snapshot: bool,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  tezi journal replay journals/demo-20261120-091500
      Both hashes, and how many outputs were compared.
  tezi journal replay journals/demo-20261120-091500 --recorded
      Without the strategy's code: proves that the journal is enough by itself.
  tezi journal replay journals/demo-20261120-091500 --at 10:31:07.123
      Positions, orders and books as they were at that moment.
  tezi journal replay day.journal --json | jq -r .state_hash
      The hash, for programs.

Exit codes: 0 the state is proven; 1 it differs, or the journal is cut, damaged or has no end mark;
2 wrong usage.";

/// Rebuilds a state.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let head = read_head(&args.path)?;
    let from = if args.no_snapshot { ReplayFrom::Start } else { ReplayFrom::Snapshot };
    let recorded = || replay_recorded_from(&args.path, args.at, from);
    let (report, decisions) = if args.at.is_some() {
        (recorded()?, "taken from the journal".to_string())
    } else if args.recorded {
        (recorded()?, "taken from the journal, as asked".to_string())
    } else if let Some(path) = &args.strategy_library {
        let strategy = library::strategy(path, &head.parameters)?;
        (
            replay_journal_from(&args.path, strategy, from)?,
            format!("worked out anew by {}", path.display()),
        )
    } else {
        match Shipped::of_journal(&head) {
            Ok(strategy) => (strategy.replay(&args.path, from)?, "worked out anew".to_string()),
            Err(why) => (recorded()?, format!("taken from the journal: {why}")),
        }
    };
    if args.json {
        let json = of_report(args, &report);
        print(|out| writeln!(out, "{json:#}"))?;
    } else {
        print(|out| write_report(out, args, &report, &decisions))?;
    }
    Ok(Verdict::of(report.is_fine()))
}

fn write_report(
    out: &mut dyn Write,
    args: &Args,
    report: &ReplayReport,
    decisions: &str,
) -> io::Result<()> {
    let (head, core) = (&report.head, &report.core);
    let counters = &core.counters;
    writeln!(out, "Journal {}", args.path.display())?;
    writeln!(out, "  engine    {}, kernel {}", head.engine, head.kernel)?;
    writeln!(out, "  strategy  {} {}", head.strategy, head.parameters)?;
    writeln!(out, "  decisions {decisions}")?;
    for why in &report.passed_over {
        writeln!(out, "  passed over {why}")?;
    }
    if let Some(sequence) = report.snapshot {
        writeln!(out, "  begins    from the snapshot before record {}", grouped(sequence))?;
    }
    writeln!(
        out,
        "  records   {}, {} outputs compared, {} differ",
        grouped(report.records),
        grouped(report.outputs),
        grouped(report.divergences)
    )?;
    writeln!(
        out,
        "  session   {} events, {} new orders, {} changes, {} cancels, {} fills",
        grouped(counters.events),
        grouped(counters.new_orders),
        grouped(counters.replaces),
        grouped(counters.cancels),
        grouped(counters.fills)
    )?;
    writeln!(out, "  profit    {} rupees, before charges", core.profit)?;
    let recorded = report.recorded_hash.map_or("none".into(), hash);
    writeln!(out, "  recorded  {recorded}")?;
    writeln!(out, "  rebuilt   {}", hash(core.state_hash))?;
    for problem in report.problems() {
        writeln!(out, "NOT FINE: {problem}")?;
    }
    if let Some(time) = report.stopped_before {
        writeln!(out, "Stopped before the input of {} (IST).", date_time(time))?;
    } else if report.is_fine() && report.snapshot.is_some() {
        writeln!(out, "Fine from the snapshot on; --no-snapshot proves the whole journal.")?;
    } else if report.is_fine() {
        writeln!(out, "Fine: the hashes are equal, and so is every output.")?;
    }
    Ok(())
}

fn of_report(args: &Args, report: &ReplayReport) -> Value {
    let head = &report.head;
    json!({
        "path": args.path.display().to_string(),
        "is_fine": report.is_fine(),
        "problems": report.problems(),
        "state_hash": hash(report.core.state_hash),
        "recorded_hash": report.recorded_hash.map(hash),
        "is_equal": report.recorded_hash == Some(report.core.state_hash),
        "engine": head.engine,
        "strategy": { "name": head.strategy, "parameters": head.parameters },
        "pricing_kernel": head.kernel,
        "with_strategy": report.with_strategy,
        "records": report.records,
        "outputs": report.outputs,
        "divergences": report.divergences,
        "first_divergence": report.first_divergence,
        "unknown_records": report.unknown_records,
        "end": report.end,
        "is_whole": report.is_whole,
        "snapshot": report.snapshot,
        "passed_over": report.passed_over,
        "stopped_before_ns": report.stopped_before.map(known),
        "core": of_core(&report.core, 0),
        "profit": rupees(report.core.profit),
    })
}
