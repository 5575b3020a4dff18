//! `tezi report`: the evidence of a day, as CSV files and one page.

mod page;
mod tables;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use tezi::day_report::{DayReport, UseRow, day_report};
use tezi::venue::rules::Rules;
use tezi::{HoldingReport, UseLevel};

use crate::hosting::quoted;
use crate::outcome::{Failure, Verdict, print};
use crate::text::grouped;

pub(crate) use tables::measure;
use tables::{Named, Table};

/// Writes a day's evidence from its journal: orders, trades, refusals, stops, operators, order-to-trade ratio
///
/// The journal's inputs go through the core again, so what a check found and allowed when it refused is
/// in the report although nobody wrote it down then. The charge on the order-to-trade ratio follows the
/// rows of the day (docs/operating/rules.md); messages near the last trade are not counted.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory
    #[arg(value_name = "JOURNAL")]
    path: PathBuf,
    /// Writes orders.csv, trades.csv, refusals.csv, stops.csv, limits.csv, controls.csv, ratios.csv,
    /// strategies.csv, accounts.csv, holdings.csv, positions.csv and report.html into this directory, which is made; files there are not overwritten
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    to: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  tezi report journals/host-20261123-091500
      How many orders, trades and refusals, by reason; stops; the order-to-trade ratio.
  tezi report journals/host-20261123-091500 --to evidence/20261123
      The same as files: eleven tables and a page to look at.
  tezi audit journals/host-20261123-091500 17
      Behind any line of it: the whole story of an order.

Exit codes: 0 reported; 1 the journal is damaged or gives another state, or a file cannot be written;
2 wrong usage.";

/// Reports a day.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let rules = Rules::builtin().map_err(|error| Failure::Failed(error.to_string()))?;
    let report = day_report(&args.path, &rules)?;
    let tables = tables::of_report(&report);
    if let Some(to) = &args.to {
        write_files(to, &args.path, &report, &tables)?;
    }
    print(|out| write_summary(out, args, &report))?;
    Ok(Verdict::of(doubts(&report).is_empty()))
}

/// What was carried in, traded and carried out, where the session keeps lots.
fn write_holdings(out: &mut dyn Write, holdings: &[HoldingReport]) -> io::Result<()> {
    for it in holdings {
        let owners = [&it.strategy, &it.account].map(String::as_str);
        let owners = owners.into_iter().filter(|name| !name.is_empty());
        let owner: String = owners.flat_map(|name| [name, " "]).collect();
        writeln!(
            out,
            "  held      {owner}{}: {} carried in, {} bought, {} sold, {} carried out",
            it.instrument,
            it.carried_in(),
            it.average.bought,
            it.average.sold,
            it.average.net
        )?;
    }
    Ok(())
}

/// What makes the report doubtful. A journal that has no end yet does not.
fn doubts(report: &DayReport) -> Vec<String> {
    let mut replay = report.replay.clone();
    let state = replay.core.state_hash;
    replay.recorded_hash.get_or_insert(state);
    replay.problems()
}

fn write_files(
    to: &Path,
    journal: &Path,
    report: &DayReport,
    tables: &[Table],
) -> Result<(), Failure> {
    let failed = |path: &Path, error: io::Error| {
        Failure::Failed(format!("cannot write {}: {error}", path.display()))
    };
    fs::create_dir_all(to).map_err(|error| failed(to, error))?;
    let write = |name: String, text: String| {
        let path = to.join(name);
        let file = fs::File::create_new(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| failed(&path, error))
    };
    for table in tables {
        write(format!("{}.csv", table.name), table.to_csv())?;
    }
    write("report.html".into(), page::html(journal, report, tables))
}

fn write_summary(out: &mut dyn Write, args: &Args, report: &DayReport) -> io::Result<()> {
    let DayReport { head, orders, trades, refusals, stops, uses, controls, ratios, .. } = report;
    let count = |length: usize| grouped(length as u64);
    writeln!(out, "Journal {}", args.path.display())?;
    writeln!(out, "  strategy  {} {}", head.strategy, head.parameters)?;
    writeln!(out, "  orders    {}, {} trades", count(orders.len()), count(trades.len()))?;
    writeln!(out, "  refused   {}", count(refusals.len()))?;
    for (reason, times) in tables::reasons(refusals) {
        writeln!(out, "            {:>9} x {reason}", grouped(times))?;
    }
    let core = &report.replay.core;
    let of = Named { strategies: &core.strategies, accounts: &core.accounts };
    for it in of.strategies {
        writeln!(
            out,
            "  {:<9} {} {}: {} orders, {} fills, {} refused, profit {}",
            it.name,
            it.kind,
            it.state(),
            grouped(it.counts.new_orders),
            grouped(it.counts.fills),
            grouped(it.counts.refusals),
            it.profit
        )?;
    }
    for it in of.accounts {
        writeln!(
            out,
            "  {:<9} {}: {} orders, {} fills, {} refused, profit {}",
            it.definition.name(),
            it.state(),
            grouped(it.counts.new_orders),
            grouped(it.counts.fills),
            grouped(it.counts.refusals),
            it.profit
        )?;
    }
    write_holdings(out, &core.holdings)?;
    for stop in stops {
        let (whose, event) = tables::told(stop, of);
        let whose = if whose.is_empty() { whose } else { format!("{whose} ") };
        writeln!(out, "  stop      {} record {}: {whose}{event}", stop.time, stop.sequence)?;
    }
    if !uses.is_empty() {
        let is_up = |row: &&UseRow| row.told.level() > Some(UseLevel::Below);
        let up = uses.iter().filter(is_up).count();
        writeln!(out, "  limits    {} alerts of limits nearly used", count(up))?;
    }
    if !controls.is_empty() {
        writeln!(
            out,
            "  operators acted {} times, the settings' limits among them",
            controls.len()
        )?;
    }
    for ratio in ratios {
        writeln!(out, "  ratio     {}", tables::ratio(ratio))?;
    }
    for doubt in doubts(report) {
        writeln!(out, "NOT FINE: {doubt}")?;
    }
    if let Some(to) = &args.to {
        writeln!(out, "Written to {}: report.html and eleven tables.", quoted(to))?;
    }
    Ok(())
}
