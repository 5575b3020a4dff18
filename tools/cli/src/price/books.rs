//! Option chains from the books of a feed: a capture at a moment, or the wire, once or again and again.
//!
//! The books are the monitor's (`tezi feed`): the same lines, recovery and names.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use clap::Args as ClapArgs;
use serde_json::{Value, json};
use tezi::model::{Instrument, Nanos};
use tezi::monitor::{BookChoice, Monitor, MonitorConfig, MonitorReport, MonitorView};
use tezi::pricing::{BookLimits, LeftOut, OptionChain, PriceSource, book_chains};
use tezi::{CaptureSession, StopSwitch};

use super::{Args, chain};
use crate::args;
use crate::files::check_distinct;
use crate::interrupt;
use crate::journal::moment;
use crate::outcome::{Failure, Verdict, print};
use crate::text::{date_time, wall_clock};
use crate::wire::WireArgs;

/// Which books, of when.
#[derive(ClapArgs, Clone, Debug)]
#[command(next_help_heading = "Books of a feed (with --contracts; --a and --b for the wire)")]
pub(super) struct BookArgs {
    /// A capture of the feed; several are merged by time
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["strike", "forward", "spot", "style", "interface", "source",
                                "recovery", "requests", "silence", "seconds"])]
    feed: Vec<PathBuf>,
    /// The moment in the capture, by the exchange's clock [default: its end]
    #[arg(long, value_name = "HH:MM:SS[.FFF]", value_parser = moment::time_of_day,
          requires = "feed")]
    at: Option<i64>,
    /// Prices the books of the wire again and again, so far apart [default: once, at the end]
    #[arg(long, value_name = "TIME", value_parser = args::duration, requires = "a",
          conflicts_with = "feed")]
    every: Option<Duration>,
    /// The widest book that says a price: ask less bid, in percent of their middle; four ticks always do
    #[arg(long, value_name = "PERCENT", value_parser = percent, default_value_t = 10.0)]
    spread_max: f64,
    /// Leaves out books that have not changed for so many seconds [default: an order rests as long as it will]
    #[arg(long, value_name = "SECONDS", value_parser = args::seconds)]
    age_max: Option<f64>,
}

fn percent(text: &str) -> Result<f64, String> {
    args::number(text, 0.0, 200.0)
}

impl BookArgs {
    /// Whether a feed is named.
    pub(super) fn is_asked(&self, wire: &WireArgs) -> bool {
        !self.feed.is_empty() || wire.a.is_some()
    }

    fn limits(&self) -> BookLimits {
        let age_max_ns = self.age_max.map(|seconds| (seconds * 1e9) as i64);
        BookLimits { spread_max: self.spread_max / 100.0, age_max_ns }
    }
}

pub(super) fn run(args: &Args) -> Result<Verdict, Failure> {
    let inputs: Vec<&Path> =
        args.books.feed.iter().chain(&args.contracts.contracts).map(PathBuf::as_path).collect();
    let outputs: Vec<&Path> = args.plot.as_deref().into_iter().collect();
    check_distinct(&inputs, &outputs)?;
    let instruments = instruments(args)?;
    let stop = StopSwitch::default();
    interrupt::stops(&stop.flag());
    let monitor = Monitor::new(config(args));
    let mut printer = Printer { args, is_begun: false };
    let report = if args.books.feed.is_empty() {
        let mut session = args.listen.session(&args.wire)?;
        session.instruments = instruments;
        session.stop = stop.clone();
        watch(&mut printer, &stop, |sink| monitor.watch_live(&session, sink))?
    } else {
        let session = CaptureSession {
            files: args.books.feed.clone(),
            speed: None,
            protocol: args.wire.protocol(),
            segment: args.wire.segment,
            date: args.wire.date,
            groups: args.wire.groups()?,
            instruments,
        };
        monitor.watch_captures(&session, &stop.flag(), &mut |_| {})?
    };
    conclude(&mut printer, &report)
}

/// The futures and options of the chains asked for; there must be options among them.
fn instruments(args: &Args) -> Result<Vec<Instrument>, Failure> {
    if args.contracts.contracts.is_empty() {
        let what =
            "a feed names no contract: --contracts with a contract master, a bhavcopy or a journal";
        return Err(Failure::Usage(what.into()));
    }
    let mut instruments = args.contracts.instruments(args.wire.segment_or_default())?;
    let wanted = args.wanted();
    // Without an underlying or expiry the other instruments of the feed stay known by name.
    if wanted.symbol.is_some() || wanted.expiry.is_some() {
        instruments.retain(|instrument| wanted.wants(instrument));
    }
    if instruments.iter().any(|instrument| instrument.option_type().is_some()) {
        return Ok(instruments);
    }
    let of = wanted.symbol.map_or(String::new(), |symbol| format!(" on {symbol}"));
    let expiry = if wanted.expiry.is_some() { " of that expiry" } else { "" };
    Err(Failure::Failed(format!("the contracts have no option{of}{expiry}")))
}

fn config(args: &Args) -> MonitorConfig {
    let symbol = args.files.symbol.as_ref();
    MonitorConfig {
        books: symbol.map_or(BookChoice::All, |it| BookChoice::Named(vec![it.clone()])),
        depth: 1,
        interval: args.books.every.unwrap_or(Duration::MAX),
        until: args.books.at.map(|at| Duration::from_nanos(at.unsigned_abs())),
        ..MonitorConfig::default()
    }
}

/// Watches on a thread of its own and prices on this one, so that no packet waits for a terminal. A
/// failure to write ends the session.
fn watch(
    printer: &mut Printer<'_>,
    stop: &StopSwitch,
    watch: impl FnOnce(&mut dyn FnMut(MonitorView)) -> Result<MonitorReport, tezi::Error> + Send,
) -> Result<MonitorReport, Failure> {
    let (views, shown) = mpsc::sync_channel(1);
    let mut result = Ok(());
    let report = std::thread::scope(|scope| {
        let watching = scope.spawn(move || {
            // A view that finds no room is older than the next one.
            watch(&mut |view| drop(views.try_send(view)))
        });
        for view in shown {
            if result.is_ok() {
                result = printer.again(&view);
            } else {
                stop.set();
            }
        }
        watching.join()
    });
    result?;
    match report {
        Ok(report) => Ok(report?),
        Err(_) => Err(Failure::Failed("the feed's thread stopped: this is a defect".into())),
    }
}

/// Prices the last books, and says what is not fine.
fn conclude(printer: &mut Printer<'_>, report: &MonitorReport) -> Result<Verdict, Failure> {
    let view = &report.view;
    let problems = report.problems();
    for problem in &problems {
        say(&format!("NOT FINE: {problem}"));
    }
    reached(view)?;
    let chains = printer.chains(view).map_err(Failure::Failed)?;
    printer.print(view, &chains)?;
    Ok(Verdict::of(problems.is_empty()))
}

/// Whether the feed was there at the moment asked for.
fn reached(view: &MonitorView) -> Result<(), Failure> {
    let Some(moment) = view.moment.filter(|moment| moment.first != Nanos::ZERO) else {
        return Ok(());
    };
    let (at, first) = (wall_clock(moment.at), wall_clock(moment.first));
    if moment.at < moment.first {
        return Err(Failure::Failed(format!(
            "nothing is known of --at {at}: the first message is of {first}"
        )));
    }
    if !moment.is_past && view.exchange_time < moment.at {
        let last = wall_clock(view.exchange_time);
        return Err(Failure::Failed(format!("the feed ends at {last}, before --at {at}")));
    }
    Ok(())
}

/// A line on standard error. That nobody reads it changes nothing.
fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// Prices views, and prints or writes them.
struct Printer<'a> {
    args: &'a Args,
    /// Whether the header of a CSV is out.
    is_begun: bool,
}

impl Printer<'_> {
    /// Prices a view on the way: books that say nothing yet may do so the next time.
    fn again(&mut self, view: &MonitorView) -> Result<(), Failure> {
        match self.chains(view) {
            Ok(chains) => self.print(view, &chains),
            Err(why) => {
                say(&why);
                Ok(())
            }
        }
    }

    /// The chains of a view, or why there are none with a price.
    fn chains(&self, view: &MonitorView) -> Result<Vec<OptionChain>, String> {
        let limits = self.args.books.limits();
        let chains = book_chains(&view.books, time(view), &self.args.wanted(), &limits);
        if chains.iter().flat_map(OptionChain::sides).any(|side| side.left_out.is_none()) {
            return Ok(chains);
        }
        let count = |reason: LeftOut| -> usize {
            chains.iter().filter_map(|chain| chain.left_out().get(&reason).copied()).sum()
        };
        let counts = LeftOut::OF_BOOKS.map(|reason| (count(reason), reason.name()));
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts.map(|(count, name)| format!("{count} {name}")).collect();
        let at = date_time(time(view));
        Err(format!("at {at} no option has a book that says a price: {}", counts.join(", ")))
    }

    fn print(&mut self, view: &MonitorView, chains: &[OptionChain]) -> Result<(), Failure> {
        let Self { args, is_begun } = self;
        chain::draw(args, chains)?;
        let at = time(view);
        let text = date_time(at);
        print(|out| {
            if args.json {
                let chains: Vec<Value> = chains.iter().map(chain::json).collect();
                let rate = args.option.rate;
                let whole = json!({
                    "rate": rate, "time": text, "exchange_time_ns": at.0, "chains": chains
                });
                if args.books.every.is_some() {
                    writeln!(out, "{whole}")
                } else {
                    writeln!(out, "{whole:#}")
                }
            } else if args.csv {
                if !std::mem::replace(is_begun, true) {
                    chain::csv_header(out, PriceSource::Books)?;
                }
                chain::csv(out, chains, &text)
            } else {
                writeln!(out, "books of {text}")?;
                chain::table(out, chains, args.files.symbol.is_some())
            }
        })
    }
}

/// The exchange's time of the books; of a feed without one, when the last packet came.
fn time(view: &MonitorView) -> Nanos {
    if view.exchange_time == Nanos::ZERO { view.receive_time } else { view.exchange_time }
}
