//! `tezi latency`: tables, plots and comparisons of histogram logs.

mod compare;
mod html;
mod series;
mod show;
#[cfg(test)]
mod tests;
mod time_plot;

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use crate::args::number;
use crate::files;
use crate::outcome::{Failure, Verdict, print};
use crate::percentile_plot::{Curve, percentile_curves};
use series::{Log, Window};

/// Shows latency by stage, of a run that kept a histogram log (--latency-log)
///
/// One row a stage: how many latencies, the percentiles, the maximum, in nanoseconds. Reads logs of
/// HdrHistogram, version 2 encoding, with or without tags, whoever wrote them. Two files with
/// --compare are set side by side, with confidence intervals and a verdict for each stage.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Histogram logs; each has a table of its own
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Compares two logs, the second with the first
    #[arg(long)]
    compare: bool,
    /// With --compare: ends with exit code 1 when a stage is slower
    #[arg(long, requires = "compare")]
    fail_if_slower: bool,
    /// Only this stage; may be given several times
    #[arg(long, value_name = "NAME")]
    stage: Vec<String>,
    /// Leaves out what began before, in seconds from the beginning of the log
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    from: Option<f64>,
    /// Leaves out what began then or later, in seconds from the beginning of the log
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    to: Option<f64>,
    /// The table as CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// The table as JSON
    #[arg(long)]
    json: bool,
    /// Draws the percentiles of every stage as an SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Writes a page with table, percentiles, and each stage over time
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  tezi demo --latency-log run.hlog && tezi latency run.hlog
      A row for each stage of the path.
  tezi latency run.hlog --html run.html
      Table, percentiles and time lines on one page that needs nothing else.
  tezi latency run.hlog --from 60 --stage tick_to_order --stage hiccup --plot tail.svg
      Without the first minute; what is ours beside what is the machine's.
  tezi latency before.hlog after.hlog --compare
      Medians and 99th percentiles with 99 % intervals, and whether a difference is shown.
  tezi latency before.hlog after.hlog --compare --fail-if-slower --stage tick_to_order
      For a test: exit code 1 when the second is shown to be slower.

Exit codes: 0 all was read; 1 a file cannot be read or has damaged lines, or, with
--fail-if-slower, a stage is slower; 2 wrong usage.";

fn seconds(text: &str) -> Result<f64, String> {
    number(text, 0.0, 1e9)
}

/// Reads logs and shows them.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    if args.compare && args.files.len() != 2 {
        return Err(Failure::Usage("--compare takes two files".into()));
    }
    if args.from.zip(args.to).is_some_and(|(from, to)| from >= to) {
        return Err(Failure::Usage("--from must be before --to".into()));
    }
    let inputs: Vec<&Path> = args.files.iter().map(PathBuf::as_path).collect();
    let outputs: Vec<&Path> =
        [&args.plot, &args.html].into_iter().flatten().map(PathBuf::as_path).collect();
    files::check_distinct(&inputs, &outputs)?;
    let window = Window { from: args.from, to: args.to };
    let read = |path: &PathBuf| Log::read(path, window, &args.stage);
    let logs = args.files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    for log in &logs {
        log.complain();
    }
    if let Some(path) = &args.plot {
        write_file(path, &plot(&logs))?;
    }
    let compared = match (&logs[..], args.compare) {
        ([before, after], true) => Some(compare::compare(before, after)),
        _ => None,
    };
    if let Some(path) = &args.html {
        write_file(path, &html::page(&logs, compared.as_deref()))?;
    }
    let is_slower = compared.iter().flatten().any(compare::Row::is_slower);
    print(|out| match compared {
        Some(rows) if args.json => writeln!(out, "{:#}", compare::to_json(&rows)),
        Some(rows) if args.csv => compare::write_csv(out, &rows),
        Some(rows) => compare::write_table(out, &rows, &logs),
        None if args.json => writeln!(out, "{:#}", show::to_json(&logs)),
        None if args.csv => show::write_csv(out, &logs),
        None => show::write_tables(out, &logs),
    })?;
    let is_whole = logs.iter().all(|log| log.bad_count == 0);
    Ok(Verdict::of(is_whole && !(args.fail_if_slower && is_slower)))
}

/// The percentiles of every stage of every log.
fn plot(logs: &[Log]) -> String {
    let series = logs.iter().flat_map(|log| log.stages.iter().map(move |series| (log, series)));
    let curves: Vec<Curve<'_>> = series
        .map(|(log, series)| {
            let name = match logs {
                [_] => series.title().to_owned(),
                _ => format!("{}, {}", series.title(), log.name()),
            };
            let quantile = Box::new(|quantile| series.total.quantile(quantile));
            Curve { name, count: series.total.count(), quantile }
        })
        .collect();
    percentile_curves("Latency by percentile", &curves)
}

fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::Failed(format!("cannot write {}: {error}", path.display())))
}
