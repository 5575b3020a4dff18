//! `tezi doctor`: what costs tail latency on this machine, and what mends it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args as ClapArgs;
use serde_json::{Value, json};
use tezi::doctor::{Finding, HiccupMeter, SIZE_CLASSES, Status, Subject, examine};

use crate::outcome::{self, Failure, Verdict};
use crate::percentile_plot::percentiles;
use crate::progress::ProgressLine;
use crate::text::grouped;

/// Says what costs tail latency on this machine, and the command that mends each
///
/// Reads the machine's settings (it changes none), then spins on the core for some seconds and
/// counts the gaps in which a thread there could not have acted: the floor under every latency
/// measured on it. Run it on the core that will trade, while the machine is otherwise as it will be.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The core to examine and measure [default: the last allowed, where a host puts its core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..1024))]
    core: Option<u16>,
    /// How long to measure, 0 to only read the settings
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=86_400))]
    seconds: u64,
    /// The result for programs
    #[arg(long)]
    json: bool,
    /// Draws the percentiles of the gaps as an SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  tezi doctor
      Every setting, ten seconds of measurement, a verdict.
  tezi doctor --core 3 --seconds 60
      Another core, longer: rare stalls show.
  tezi doctor --plot gaps.svg
      The percentiles of the gaps, drawn, with an axis that counts nines.
  tezi doctor --seconds 0
      Only the settings, at once.
  tezi doctor --json | jq '.checks[] | select(.status == \"costs\") | .mend'
      The commands that mend what costs.

Exit codes: 0 all is good (what cannot be read does not count); 1 something costs, or the measured
core is not quiet; 2 wrong usage.";

/// Examines and measures.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    if args.plot.is_some() && args.seconds == 0 {
        return Err(Failure::Usage("--plot draws a measurement: --seconds 0 makes none".into()));
    }
    let core = args.core.map(usize::from);
    let core = core.or_else(|| Subject::new("/", &[]).core_last_allowed()).unwrap_or(0);
    let mut subject = Subject::new("/", &[core]);
    let meter = match args.seconds {
        0 => None,
        seconds => {
            ProgressLine::new().say(&format!("Spinning on core {core} for {seconds} s."));
            subject.begin_window();
            Some(measure(core, seconds)?)
        }
    };
    let findings = examine(&subject);
    if let (Some(path), Some(meter)) = (&args.plot, &meter) {
        write_plot(path, core, meter)?;
    }
    let is_good = findings.iter().all(|it| it.status != Status::Costs)
        && meter.as_ref().is_none_or(HiccupMeter::is_quiet);
    outcome::print(|out| {
        if args.json {
            return writeln!(out, "{:#}", to_json(core, &findings, meter.as_ref(), is_good));
        }
        write_findings(out, core, &findings)?;
        meter.as_ref().map_or(Ok(()), |meter| write_meter(out, meter))
    })?;
    Ok(Verdict::of(is_good))
}

fn measure(core: usize, seconds: u64) -> Result<HiccupMeter, Failure> {
    match HiccupMeter::measure(Some(core), Duration::from_secs(seconds)) {
        (meter, None) => Ok(meter),
        (_, Some(warning)) => Err(Failure::Failed(warning)),
    }
}

fn write_plot(path: &Path, core: usize, meter: &HiccupMeter) -> Result<(), Failure> {
    let seconds = meter.elapsed_ns() as f64 / 1e9;
    let title = format!("Gaps over 1 us on core {core}, {} in {seconds:.1} s", meter.count());
    let svg = percentiles(&title, meter.count(), &|quantile| meter.quantile(quantile));
    std::fs::write(path, svg)
        .map_err(|error| Failure::Failed(format!("cannot write {}: {error}", path.display())))
}

fn write_findings(out: &mut dyn Write, core: usize, findings: &[Finding]) -> io::Result<()> {
    writeln!(out, "Settings, for core {core}")?;
    let mut area = "";
    for it in findings {
        if it.area != area {
            area = it.area;
            writeln!(out, "\n{area}")?;
        }
        writeln!(out, "  {:<8} {:<19} {}", it.status.title(), it.name, it.found)?;
        if it.status == Status::Costs {
            writeln!(out, "{:30}{}\n{:30}mend: {}", "", it.why, "", it.mend)?;
        }
    }
    let count = |status| findings.iter().filter(|it| it.status == status).count();
    let (good, costs) = (count(Status::Good), count(Status::Costs));
    writeln!(out, "\n  {good} good, {costs} cost, {} unknown", count(Status::Unknown))
}

fn write_meter(out: &mut dyn Write, meter: &HiccupMeter) -> io::Result<()> {
    let seconds = meter.elapsed_ns() as f64 / 1e9;
    writeln!(out, "\nMeasured, {seconds:.1} s of spinning: gaps over 1 us\n")?;
    let us = |ns: u64| ns as f64 / 1e3;
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|quantile| us(meter.quantile(quantile)));
    let max = us(meter.gap_ns_max());
    writeln!(out, "  p50 {p50:.1} us, p99 {p99:.1} us, p99.9 {p999:.1} us, max {max:.1} us")?;
    for ((name, _), count) in SIZE_CLASSES.iter().zip(meter.classes()) {
        writeln!(out, "  {name:<16} {:>12}", grouped(*count))?;
    }
    let share = 100.0 * meter.stolen_ns() as f64 / meter.elapsed_ns().max(1) as f64;
    writeln!(
        out,
        "  stolen           {:>9.1} ms, {share:.3} % of the time",
        us(meter.stolen_ns()) / 1e3
    )?;
    writeln!(out, "\n{}", meter.verdict())
}

fn to_json(core: usize, findings: &[Finding], meter: Option<&HiccupMeter>, is_good: bool) -> Value {
    let checks: Vec<Value> = findings
        .iter()
        .map(|it| {
            json!({
                "area": it.area, "name": it.name, "status": it.status.title(), "found": it.found, "why": it.why,
                "mend": it.mend,
            })
        })
        .collect();
    let hiccups = meter.map(|meter| {
        let classes = SIZE_CLASSES.iter().zip(meter.classes());
        let classes: Vec<Value> =
            classes.map(|((name, _), count)| json!({ "size": name, "count": count })).collect();
        json!({
            "elapsed_ns": meter.elapsed_ns(), "threshold_ns": HiccupMeter::THRESHOLD_NS,
            "count": meter.count(), "stolen_ns": meter.stolen_ns(),
            "p50_ns": meter.quantile(0.5), "p99_ns": meter.quantile(0.99),
            "p999_ns": meter.quantile(0.999), "max_ns": meter.gap_ns_max(),
            "classes": classes, "is_quiet": meter.is_quiet(), "verdict": meter.verdict(),
        })
    });
    json!({ "core": core, "is_good": is_good, "checks": checks, "hiccups": hiccups })
}
