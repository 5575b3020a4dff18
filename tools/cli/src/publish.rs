//! `tezi publish`: captures back onto the wire.

use std::io::{self, IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args as ClapArgs;
use serde_json::{Value, json};
use tezi::feed_handler::Line;
use tezi::feed_handler::recovery::server::ServerCounters;
use tezi::publish::{
    Captures, ItchFiles, LineFaults, Pace, PublishConfig, PublishReport, PublishUpdate, Publisher,
    ServiceConfig,
};

use crate::args::{self, Percent, Speed};
use crate::interrupt;
use crate::outcome::{Failure, Verdict, print};
use crate::text::{date_time, grouped, wall_clock};

/// Sends captures to two multicast groups, as the exchange would, with its recovery services
///
/// Every UDP payload goes out again, byte for byte, at the distances it was recorded at. Of a
/// capture of both lines, A's packets go to --a and B's to --b; those of a single line go to both.
/// Each line can lose, repeat and reorder packets, line B can lag, all from one seed; tick recovery
/// and snapshots are served over TCP from what was published so far, lost or not. With the usual
/// interface and time to live nothing leaves this machine.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Captures (pcap or pcapng, plain, gzip or zstd), merged by time, or raw ITCH files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    lines: LineArgs,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    faults: FaultArgs,
    #[command(flatten)]
    services: ServiceArgs,
    /// Prints the summary as one JSON object; times and durations are nanoseconds
    #[arg(long)]
    json: bool,
}

/// Where it goes.
#[derive(ClapArgs, Clone, Debug)]
#[command(next_help_heading = "Lines")]
struct LineArgs {
    /// The group that line A is sent to
    #[arg(long, value_name = "GROUP:PORT", value_parser = args::group)]
    a: SocketAddrV4,
    /// The group that line B is sent to
    #[arg(long, value_name = "GROUP:PORT", value_parser = args::group)]
    b: SocketAddrV4,
    /// The groups in the capture: one for both lines, or A's and B's [default: found]
    ///
    /// Found means: of each stream the first group seen is line A's and the second line B's.
    #[arg(long, value_name = "GROUP:PORT[,GROUP:PORT]", value_delimiter = ',', num_args = 1..=2,
          value_parser = args::group, verbatim_doc_comment)]
    from: Vec<SocketAddrV4>,
    /// The address of the interface to send by
    #[arg(long, value_name = "ADDRESS", default_value_t = Ipv4Addr::LOCALHOST)]
    interface: Ipv4Addr,
    /// How many routers may pass it on [default: 0 on the loopback interface, 1 elsewhere]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8))]
    ttl: Option<u8>,
    /// Lets --a and --b be addresses of single receivers
    #[arg(long)]
    unicast: bool,
    /// What the files are: captures, or raw ITCH messages, which are sent in MoldUDP64 packets
    #[arg(long, value_name = "PROTOCOL", default_value = "capture",
          value_parser = ["capture", "itch"])]
    protocol: String,
}

/// How fast it goes.
#[derive(ClapArgs, Clone, Debug)]
#[command(next_help_heading = "Pace")]
struct PaceArgs {
    /// How fast: 1x as recorded, 10x ten times that, max as fast as it goes
    #[arg(long, value_name = "SPEED", default_value = "1x", value_parser = args::speed,
          conflicts_with = "rate")]
    speed: Speed,
    /// So many packets of the capture a second, evenly, in place of the recorded distances
    #[arg(long, value_name = "PACKETS", value_parser = rate)]
    rate: Option<f64>,
    /// Sends it all so many times: the same bytes again, which a feed handler takes for copies
    #[arg(long = "loop", value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..))]
    passes: u32,
}

/// What is done to the lines.
#[derive(ClapArgs, Clone, Debug)]
#[command(next_help_heading = "Faults (percentages; one for both lines, or A's and B's)")]
struct FaultArgs {
    /// Packets lost
    #[arg(long, value_name = "PCT[,PCT]", default_value = "0", value_parser = args::percent)]
    loss: Percent,
    /// Packets sent twice, the copy within 8 later packets
    #[arg(long, value_name = "PCT[,PCT]", default_value = "0", value_parser = args::percent)]
    duplicate: Percent,
    /// Holds packets back until up to N later ones of the line have passed, 20 ms at most
    #[arg(long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(..=4_096))]
    reorder: u32,
    /// The packets that --reorder holds back
    #[arg(long, value_name = "PCT[,PCT]", default_value = "10", value_parser = args::percent,
          requires = "reorder")]
    reorder_part: Percent,
    /// How far line B is behind line A, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0.0, value_parser = lag)]
    lag: f64,
    /// The same seed makes the same faults
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// What is beside the lines.
#[derive(ClapArgs, Clone, Debug)]
#[command(next_help_heading = "Services (NSE tick by tick)")]
struct ServiceArgs {
    /// Serves tick recovery over TCP, with the exchange's limits
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = args::address)]
    recovery: Option<SocketAddrV4>,
    /// Serves snapshots over TCP; may be the same address
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = args::address)]
    snapshot: Option<SocketAddrV4>,
    /// Seconds between two images
    #[arg(long, value_name = "S", default_value_t = 30.0, value_parser = seconds)]
    snapshot_every: f64,
    /// Seconds that the services go on after the last packet [default: 2 with services]
    #[arg(long, value_name = "S", value_parser = seconds)]
    linger: Option<f64>,
    /// Sends heartbeats of streams that were silent for so many seconds, and at the end
    #[arg(long, value_name = "S", num_args = 0..=1, default_missing_value = "2",
          require_equals = true, value_parser = seconds)]
    heartbeats: Option<f64>,
}

const EXAMPLES: &str = "\
Examples:
  tezi publish day.pcap --a 239.70.70.41:17741 --b 239.70.70.31:10831
      As recorded, on this machine only. Of one line in the file, both groups get every packet.
  tezi publish day.pcap.gz --a 239.70.70.41:17741 --b 239.70.70.31:10831 --interface 10.1.1.5
      Out of the interface with that address.
  tezi publish day.pcap --a 239.1.1.1:5001 --b 239.1.1.2:5002 --loss 1,10 --reorder 64 --lag 50
      Bad lines: A loses 1 %, B 10 % and is 50 ms behind, a tenth of the packets comes out of order.
  tezi publish day.pcap --a 239.1.1.1:5001 --b 239.1.1.2:5002 --loss 50 --heartbeats \\
       --recovery 127.0.0.1:9001 --snapshot 127.0.0.1:9002
      What both lines lose can be asked for, in the exchange's own protocol.
  tezi publish day.pcap --a 239.1.1.1:5001 --b 239.1.1.2:5002 --speed max --loop 10 --json
      As fast as it goes, ten times over: the load on a receiver. --rate 50000 for a steady one.
  tezi publish 12302019.NASDAQ_ITCH50 --protocol itch --a 239.1.1.1:5001 --b 239.1.1.2:5002
      An ITCH file as MoldUDP64.

Ctrl-C ends it with the summary of what was sent; a second one at once.

Exit codes: 0 all was fine; 1 a file cannot be read, is cut or holds no datagram, or the network
refused; 2 wrong usage.";

fn rate(text: &str) -> Result<f64, String> {
    args::number(text, 0.001, 1e9)
}

fn lag(text: &str) -> Result<f64, String> {
    args::number(text, 0.0, 60_000.0)
}

fn seconds(text: &str) -> Result<f64, String> {
    args::number(text, 0.001, 86_400.0)
}

impl Args {
    fn config(&self) -> PublishConfig {
        let (lines, faults, services) = (&self.lines, &self.faults, &self.services);
        let lags_ns = [0, (faults.lag * 1e6) as u64];
        let has_services = services.recovery.is_some() || services.snapshot.is_some();
        let linger = services.linger.unwrap_or(if has_services { 2.0 } else { 0.0 });
        let ttl = lines.ttl.unwrap_or(u8::from(!lines.interface.is_loopback()));
        PublishConfig {
            unicast: lines.unicast,
            interface: lines.interface,
            ttl: u32::from(ttl),
            faults: Line::BOTH.map(Line::index).map(|line| LineFaults {
                loss: faults.loss.0[line],
                duplicate: faults.duplicate.0[line],
                reorder: faults.reorder_part.0[line],
                reorder_depth: faults.reorder,
                lag_ns: lags_ns[line],
            }),
            pace: match (self.pace.rate, self.pace.speed.0) {
                (Some(rate), _) => Pace::Rate(rate),
                (None, Some(speed)) => Pace::Speed(speed),
                (None, None) => Pace::Max,
            },
            passes: self.pace.passes,
            seed: faults.seed,
            heartbeat: services.heartbeats.map(Duration::from_secs_f64),
            final_heartbeats: if services.heartbeats.is_some() { 3 } else { 0 },
            linger: Duration::from_secs_f64(linger),
            services: ServiceConfig {
                recovery: services.recovery,
                snapshot: services.snapshot,
                snapshot_interval: Duration::from_secs_f64(services.snapshot_every),
                ..ServiceConfig::default()
            },
            ..PublishConfig::new(lines.a, lines.b)
        }
    }

    /// Wrong usage that only the values together show.
    fn check(&self, config: &PublishConfig) -> Result<(), Failure> {
        config.check().map_err(|error| {
            let hint = if self.lines.unicast { "" } else { " (--unicast allows single receivers)" };
            let hint = if error.to_string().contains("unicast") { hint } else { "" };
            Failure::Usage(format!("{error}{hint}"))
        })?;
        if let [a, b] = self.lines.from[..]
            && a == b
        {
            return Err(Failure::Usage(format!("--from names {a} twice")));
        }
        if self.lines.protocol == "itch"
            && (config.services.is_any() || !self.lines.from.is_empty())
        {
            let what = "--protocol itch goes without --from, --recovery and --snapshot";
            return Err(Failure::Usage(what.into()));
        }
        Ok(())
    }
}

/// Publishes.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let config = args.config();
    args.check(&config)?;
    let stop = Arc::new(AtomicBool::new(false));
    interrupt::stops(&stop);
    let mut line = Progress::new();
    let publish = |publisher: &Publisher, line: &mut Progress| {
        let mut progress = |update: &PublishUpdate| line.show(update);
        if args.lines.protocol == "itch" {
            let files = ItchFiles::open(&args.files)?;
            publisher.run(files.datagrams(), &stop, &mut progress)
        } else {
            let captures = Captures::open(&args.files)?;
            publisher.run(captures.datagrams(&args.lines.from), &stop, &mut progress)
        }
    };
    let publisher = Publisher::new(config)?;
    let result = publish(&publisher, &mut line);
    line.finish();
    let report = result?;
    if args.json {
        let summary = summary(args, &report);
        print(|out| writeln!(out, "{summary:#}"))?;
    } else {
        print(|out| write_summary(out, args, &publisher, &report))?;
    }
    Ok(Verdict::of(report.problems().is_empty()))
}

/// How far it is, on standard error: one line rewritten on a terminal, a line every two seconds
/// elsewhere.
struct Progress {
    is_terminal: bool,
    last: PublishUpdate,
    said: Duration,
}

impl Progress {
    fn new() -> Self {
        let is_terminal = io::stderr().is_terminal();
        Self { is_terminal, last: PublishUpdate::default(), said: Duration::ZERO }
    }

    fn show(&mut self, update: &PublishUpdate) {
        const INTERVAL: Duration = Duration::from_secs(2);
        let since = update.elapsed.saturating_sub(self.last.elapsed).as_secs_f64();
        let rate = (update.sent - self.last.sent) as f64 / since.max(1e-9);
        let text = format!(
            "{:>6.1} s  {} packets  {} packets/s  at {}",
            update.elapsed.as_secs_f64(),
            grouped(update.sent),
            grouped(rate as u64),
            wall_clock(update.time)
        );
        let mut stderr = io::stderr();
        // A closed standard error stops nothing.
        if self.is_terminal {
            let _ = write!(stderr, "\r\x1b[2K{text}").and_then(|()| stderr.flush());
            self.last = *update;
        } else if update.elapsed.saturating_sub(self.said) >= INTERVAL {
            let _ = writeln!(stderr, "{text}");
            (self.said, self.last) = (update.elapsed, *update);
        }
    }

    fn finish(&self) {
        if self.is_terminal {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }
}

fn write_summary(
    out: &mut dyn Write,
    args: &Args,
    publisher: &Publisher,
    report: &PublishReport,
) -> io::Result<()> {
    let seconds = report.elapsed.as_secs_f64();
    let end = if report.is_stopped { ", stopped before the end" } else { "" };
    writeln!(out, "Published {} datagrams in {seconds:.3} s{end}", grouped(report.datagrams))?;
    if let Some((first, last)) = report.span {
        writeln!(out, "  recorded {} to {}", date_time(first), wall_clock(last))?;
    }
    let rate = report.sent() as f64 / seconds.max(1e-9);
    writeln!(
        out,
        "  {} packets/s on both lines together, at worst {:.3} ms behind",
        grouped(rate as u64),
        report.behind_ns_max as f64 / 1e6
    )?;
    report.source.notes.iter().try_for_each(|note| writeln!(out, "  {note}"))?;
    for ((line, sent), to) in
        Line::BOTH.into_iter().zip(&report.lines).zip([args.lines.a, args.lines.b])
    {
        writeln!(
            out,
            "  {line:?} to {to}: {} sent, {} dropped, {} twice, {} held back, {} heartbeats",
            grouped(sent.sent),
            grouped(sent.dropped),
            grouped(sent.duplicated),
            grouped(sent.reordered),
            grouped(sent.heartbeats)
        )?;
    }
    if report.dropped_on_both > 0 {
        writeln!(out, "  {} sent on neither line", grouped(report.dropped_on_both))?;
    }
    let services = [
        ("recovery", publisher.recovery_address(), report.recovery),
        ("snapshot", publisher.snapshot_address(), report.snapshot),
    ];
    for (name, address, counters) in services {
        let (Some(address), Some(counters)) = (address, counters) else { continue };
        writeln!(
            out,
            "  {name} on {address}: {} connections, {} granted, {} refused, {} hung up, \
             {} turned away",
            grouped(counters.connections),
            grouped(counters.granted),
            grouped(counters.refused),
            grouped(counters.hung_up),
            grouped(counters.turned_away)
        )?;
    }
    if report.unserved > 0 && report.recovery.or(report.snapshot).is_some() {
        let unserved = grouped(report.unserved);
        writeln!(out, "  {unserved} datagrams are no tick-by-tick data: not in the services")?;
    }
    if report.source.foreign > 0 {
        writeln!(out, "  {} datagrams to other groups left out", grouped(report.source.foreign))?;
    }
    for (reason, count) in &report.source.skipped {
        writeln!(out, "  {} packets skipped: {reason}", grouped(*count))?;
    }
    report.problems().iter().try_for_each(|problem| writeln!(out, "NOT FINE: {problem}"))
}

/// The summary for programs. Fields are only ever added.
fn summary(args: &Args, report: &PublishReport) -> Value {
    let groups = [args.lines.a, args.lines.b].map(|group| group.to_string());
    let lines = Line::BOTH.map(|line| {
        let sent = &report.lines[line.index()];
        json!({
            "line": format!("{line:?}"),
            "group": groups[line.index()],
            "read": sent.read,
            "sent": sent.sent,
            "bytes": sent.bytes,
            "dropped": sent.dropped,
            "duplicated": sent.duplicated,
            "reordered": sent.reordered,
            "heartbeats": sent.heartbeats,
        })
    });
    let skipped = report.source.skipped.iter();
    let skipped: serde_json::Map<_, _> =
        skipped.map(|&(reason, count)| (reason.to_string(), json!(count))).collect();
    json!({
        "format": 1,
        "is_fine": report.problems().is_empty(),
        "problems": report.problems(),
        "notes": report.source.notes,
        "is_stopped": report.is_stopped,
        "datagrams": report.datagrams,
        "dropped_on_both": report.dropped_on_both,
        "first_time_ns": report.span.map(|(first, _)| first.0),
        "last_time_ns": report.span.map(|(_, last)| last.0),
        "elapsed_ns": u64::try_from(report.elapsed.as_nanos()).unwrap_or(u64::MAX),
        "behind_ns_max": report.behind_ns_max,
        "foreign_datagrams": report.source.foreign,
        "skipped_frames": skipped,
        "lines": lines,
        "messages": report.messages,
        "unserved": report.unserved,
        "recovery": report.recovery.map(of_server),
        "snapshot": report.snapshot.map(of_server),
    })
}

fn of_server(counters: ServerCounters) -> Value {
    json!({
        "connections": counters.connections,
        "turned_away": counters.turned_away,
        "hung_up": counters.hung_up,
        "granted": counters.granted,
        "refused": counters.refused,
        "too_fast": counters.too_fast,
        "malformed": counters.malformed,
    })
}
