//! `tezi feed`: a feed on the screen, and into a file.

mod screen;

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use clap::Args as ClapArgs;
use tezi::monitor::{BookChoice, Monitor, MonitorConfig, MonitorReport, MonitorView};
use tezi::{CaptureSession, Error, LiveSession, StopSwitch};

use crate::args::{self, Speed};
use crate::contracts::ContractArgs;
use crate::files;
use crate::interrupt;
use crate::json;
use crate::listen::ListenArgs;
use crate::outcome::{Failure, Verdict, print};
use crate::settings::ConfigArgs;
use crate::wire::WireArgs;
use screen::Screen;

/// Shows a feed: rates, lines, gaps, recovery and the top of books, from the wire or a capture
///
/// Without FILE it listens to the groups named until Ctrl-C; with FILE it plays captures, as fast as
/// they were recorded. On a terminal the view is rewritten four times a second; elsewhere a line is
/// printed each time. What was received can be kept as pcapng with times in nanoseconds.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Captures to play in place of the wire
    #[arg(value_name = "FILE", required_unless_present = "a",
          conflicts_with_all = ["interface", "source", "recovery", "requests", "silence"])]
    files: Vec<PathBuf>,
    /// How fast captures are played
    #[arg(long, value_name = "SPEED", default_value = "1x", value_parser = args::speed)]
    speed: Speed,
    #[command(flatten)]
    wire: WireArgs,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    show: ShowArgs,
    #[command(flatten)]
    contracts: ContractArgs,
    #[command(flatten)]
    settings: ConfigArgs,
}

/// What is shown and kept.
#[derive(ClapArgs, Clone, Debug)]
#[command(next_help_heading = "Output")]
struct ShowArgs {
    /// Shows this book, by symbol, full name or token; may be given several times
    #[arg(long, value_name = "NAME")]
    book: Vec<String>,
    /// Shows so many books, the busiest
    #[arg(long, value_name = "N", default_value_t = 3, conflicts_with = "book")]
    books: usize,
    /// Levels of each side
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u8).range(1..=50))]
    depth: u8,
    /// Seconds between two views
    #[arg(long, value_name = "SECONDS", default_value_t = 0.25, value_parser = args::seconds)]
    every: f64,
    /// Writes every datagram to this pcapng file, with its time in nanoseconds
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Compares the books with the exchange's snapshots, so many seconds apart, and lists differences
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "30",
          require_equals = true, value_parser = args::seconds, requires = "snapshot")]
    audit: Option<f64>,
    /// Shows nothing while it runs
    #[arg(long)]
    quiet: bool,
    /// Prints the summary at the end as one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  tezi feed day.pcap --speed 10x
      A capture on the screen, ten times as fast as recorded; its protocol is found out.
  tezi feed --protocol mtbt --segment fo --a 239.70.70.41:17741 --b 239.70.70.31:10831 \\
            --interface eth1 --contracts contract.gz --book NIFTY
      Both lines of a stream of NSE F&O, with the books of NIFTY's contracts.
  tezi feed --protocol mtbt --a 239.255.70.41:17741 --b 239.255.70.31:10831 --interface 127.0.0.1 \\
            --recovery 127.0.0.1:9001 --snapshot 127.0.0.1:9001
      What `tezi publish` sends on this machine, with what is lost asked for over TCP.
  tezi feed --protocol eobi --segment bse-fo --a 239.1.2.5:14001 --snapshot-a 239.1.2.6:14002
      BSE: incremental and snapshot channel.
  tezi feed --protocol mtbt --a 239.70.70.41:17741 --record today.pcapng --quiet --method ring
      Keeps what comes, and says at the end what was lost.

Exit codes: 0 all was fine; 1 a group cannot be joined or a file read, messages were lost on every
line or refused, or none of the protocol came; 2 wrong usage.";

/// Shows a feed.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let inputs: Vec<&Path> =
        args.files.iter().chain(&args.contracts.contracts).map(PathBuf::as_path).collect();
    let outputs: Vec<&Path> = args.show.record.iter().map(PathBuf::as_path).collect();
    files::check_distinct(&inputs, &outputs)?;
    let stop = StopSwitch::default();
    interrupt::stops(&stop.flag());
    let monitor = Monitor::new(args.monitor_config());
    let report = if args.files.is_empty() {
        let session = args.live_session(&stop)?;
        args.show(|sink| monitor.watch_live(&session, sink))?
    } else {
        let session = args.capture_session()?;
        let stop = stop.flag();
        args.show(|sink| monitor.watch_captures(&session, &stop, sink))?
    };
    args.conclude(&report)
}

impl Args {
    fn monitor_config(&self) -> MonitorConfig {
        let books = match &self.show.book[..] {
            [] => BookChoice::Busiest(self.show.books),
            names => BookChoice::Named(names.to_vec()),
        };
        MonitorConfig {
            books,
            depth: usize::from(self.show.depth),
            interval: Duration::from_secs_f64(self.show.every),
            record: self.show.record.clone(),
            audit: self.show.audit.map(Duration::from_secs_f64),
            ..MonitorConfig::default()
        }
    }

    fn capture_session(&self) -> Result<CaptureSession, Failure> {
        Ok(CaptureSession {
            files: self.files.clone(),
            speed: self.speed.0,
            protocol: self.wire.protocol(),
            segment: self.wire.segment,
            date: self.wire.date,
            groups: self.wire.groups()?,
            instruments: self.contracts.instruments(self.wire.segment_or_default())?,
        })
    }

    fn live_session(&self, stop: &StopSwitch) -> Result<LiveSession, Failure> {
        let mut session = self.listen.session(&self.wire)?;
        session.instruments = self.contracts.instruments(self.wire.segment_or_default())?;
        session.stop = stop.clone();
        Ok(session)
    }

    /// Watches on a thread of its own and shows the views on this one, so that a slow terminal
    /// costs no packet.
    fn show(
        &self,
        watch: impl FnOnce(&mut dyn FnMut(MonitorView)) -> Result<MonitorReport, Error> + Send,
    ) -> Result<MonitorReport, Failure> {
        let (views, shown) = mpsc::sync_channel(2);
        let report = std::thread::scope(|scope| {
            let watching = scope.spawn(move || {
                // A view that finds no room is older than the next one.
                watch(&mut |view| drop(views.try_send(view)))
            });
            let mut screen = Screen::new(self.show.quiet || self.show.json);
            for view in shown {
                screen.show(view);
            }
            screen.close();
            watching.join()
        });
        match report {
            Ok(report) => Ok(report?),
            Err(_) => Err(Failure::Failed("the feed's thread stopped: this is a defect".into())),
        }
    }

    /// Says what came of it.
    fn conclude(&self, report: &MonitorReport) -> Result<Verdict, Failure> {
        let problems = report.problems();
        if self.show.json {
            let summary = json::of_monitor(report);
            print(|out| writeln!(out, "{summary:#}"))?;
        } else {
            print(|out| write!(out, "{report}"))?;
        }
        Ok(Verdict::of(problems.is_empty()))
    }
}
