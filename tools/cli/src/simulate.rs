//! `tezi simulate`: whole days of host, networks and exchange, each from one number.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args as ClapArgs;
use serde_json::json;
use tezi::simulation::{SimulationReport, plan_of, simulate};

use crate::interrupt;
use crate::outcome::{Failure, Verdict, print};
use crate::progress::ProgressLine;
use crate::text::grouped;

/// Runs simulated days of host, networks and exchange, each from one seed, and says what does not hold
///
/// A host with a strategy that asks for everything trades on the simulated exchange over networks that
/// lose, delay, repeat, reorder, stall and break; its process is killed and taken up again, its clock
/// is wrong, the exchange halts, drops answers, takes trades back and begins streams again. All code is
/// the code of `tezi host` and `tezi exchange`; time and what lies between are made from the seed. In
/// the end the exchange's own matcher says what happened, and orders, positions, books and the journal
/// with its replays must agree with it.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many days, with seeds that follow
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    days: u64,
    /// Ends after so many seconds, whatever is left
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
    /// Days at once; as many as there are cores, when it is not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Where journals are written, and those of days with faults are left
    #[arg(long, value_name = "DIR")]
    journals: Option<PathBuf>,
    /// Prints a line for every day, not only for those with faults
    #[arg(long)]
    verbose: bool,
    /// Prints what the first seed makes happen, and runs nothing
    #[arg(long)]
    plan: bool,
    /// Prints the summary as one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  tezi simulate --days 1000
      A thousand days.
  tezi simulate --seed 459 --verbose
      One of them again: the same to the last byte of what is traded, on every machine.
  tezi simulate --seed 459 --plan
      What goes wrong on it, and when.
  tezi simulate --seed 1000000 --days 100000 --seconds 600 --journals found
      Ten minutes of others; the journals of days with faults are left in found/.

Exit codes: 0 everything held; 1 a day had faults; 2 wrong usage.";

/// What all days came to.
#[derive(Default)]
struct Total {
    days: u64,
    lives: u64,
    orders: u64,
    trades: u64,
    records: u64,
    simulated_ns: u64,
    faulty: Vec<SimulationReport>,
}

impl Total {
    fn add(&mut self, report: SimulationReport) {
        self.days += 1;
        self.lives += report.lives as u64;
        self.orders += report.orders as u64;
        self.trades += report.trades as u64;
        self.records += report.records;
        self.simulated_ns += report.simulated_ns;
        if !report.faults.is_empty() {
            self.faulty.push(report);
        }
    }
}

/// Runs the days.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    if args.plan {
        let plan = plan_of(args.seed);
        print(|out| writeln!(out, "{plan}"))?;
        return Ok(Verdict::Fine);
    }
    let place = args.journals.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("tezi-simulate-{}", std::process::id()))
    });
    std::fs::create_dir_all(&place)
        .map_err(|error| Failure::Failed(format!("cannot make {}: {error}", place.display())))?;
    let begun = Instant::now();
    let total = run_days(args, &place);
    // Left when it holds journals of days with faults, or was there before.
    drop(std::fs::remove_dir(&place));
    let mut total = total?;
    total.faulty.sort_by_key(|report| report.seed);
    let verdict = Verdict::of(total.faulty.is_empty());
    let elapsed = begun.elapsed();
    if args.json {
        let summary = summary(&total, elapsed);
        print(|out| writeln!(out, "{summary:#}"))?;
    } else {
        print(|out| write_total(out, &total, elapsed, &place))?;
    }
    Ok(verdict)
}

/// Runs days on several threads, each of which takes the next seed.
fn run_days(args: &Args, place: &std::path::Path) -> Result<Total, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    interrupt::stops(&stop);
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = args.threads.map_or(cores, usize::from).min(args.days.min(1 << 10) as usize);
    let deadline = args.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let next = AtomicU64::new(0);
    let is_over =
        || stop.load(Ordering::Relaxed) || deadline.is_some_and(|at| Instant::now() >= at);
    let (sender, results) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next, is_over) = (sender.clone(), &next, &is_over);
            scope.spawn(move || {
                while !is_over() {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= args.days {
                        return;
                    }
                    let seed = args.seed.wrapping_add(at);
                    let day = simulate(seed, &place.join(format!("seed-{seed}")));
                    let is_error = day.is_err();
                    // Nobody listens any more when another day could not be run.
                    if sender.send(day).is_err() || is_error {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut progress = ProgressLine::new();
        let mut total = Total::default();
        for day in results {
            let report = day?;
            if args.verbose || !report.faults.is_empty() {
                progress.say(&report.to_string());
            }
            total.add(report);
            progress.show_text(|elapsed| {
                let (days, faulty) = (grouped(total.days), total.faulty.len());
                let seconds = elapsed.as_secs_f64();
                format!("{days} of {} days in {seconds:.0} s, {faulty} with faults", args.days)
            });
        }
        progress.finish();
        Ok(total)
    })
}

fn write_total(
    out: &mut dyn Write,
    total: &Total,
    elapsed: Duration,
    place: &std::path::Path,
) -> std::io::Result<()> {
    let Total { days, lives, orders, trades, records, simulated_ns, faulty } = total;
    writeln!(
        out,
        "{} days of {} s in {:.1} s: {} processes, {} orders, {} trades, {} records",
        grouped(*days),
        grouped(simulated_ns / 1_000_000_000),
        elapsed.as_secs_f64(),
        grouped(*lives),
        grouped(*orders),
        grouped(*trades),
        grouped(*records),
    )?;
    if faulty.is_empty() {
        return writeln!(out, "Everything held.");
    }
    writeln!(out, "{} with faults; their journals are in {}:", faulty.len(), place.display())?;
    for report in faulty {
        writeln!(out, "  tezi simulate --seed {} --verbose", report.seed)?;
    }
    Ok(())
}

fn summary(total: &Total, elapsed: Duration) -> serde_json::Value {
    let faulty = total.faulty.iter();
    json!({
        "days": total.days,
        "processes": total.lives,
        "orders": total.orders,
        "trades": total.trades,
        "records": total.records,
        "simulated_seconds": total.simulated_ns as f64 / 1e9,
        "seconds": elapsed.as_secs_f64(),
        "faulty": faulty.map(|it| json!({"seed": it.seed, "faults": it.faults}))
            .collect::<Vec<_>>(),
    })
}
