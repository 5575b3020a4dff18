//! `tezi replay`: captures in place of the wire.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use tezi::model::{Instrument, InstrumentKind, Px};
use tezi::{CaptureSession, ReplayFrom, Session};

use crate::args::{self, Speed};
use crate::contracts::ContractArgs;
use crate::files;
use crate::hosting::{Hint, HostArgs, Hosting, quoted};
use crate::outcome::{Failure, Verdict};
use crate::strategies::StrategyName;
use crate::wire::WireArgs;

/// Replays captures of one or both lines, or recorded data, through the same path as the wire
///
/// The packets take the way they would take from a socket: arbitration, books, strategy, journal.
/// Of each stream, the first group seen is line A and the second line B; several files are merged
/// by the time of their packets. Time is that of the packets, so the same captures always give the
/// same state. A capture that begins in mid-session is fine: orders from before show in the book
/// once they change.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Captures (pcap or pcapng, plain, gzip or zstd), DBN files, or raw ITCH files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// How fast: 1x as recorded, 10x ten times that, max as fast as it goes
    #[arg(long, value_name = "SPEED", default_value = "max", value_parser = args::speed)]
    speed: Speed,
    #[command(flatten)]
    wire: WireArgs,
    #[command(flatten)]
    contracts: ContractArgs,
    #[command(flatten)]
    pub(crate) host: HostArgs,
}

const EXAMPLES: &str = "\
Examples:
  tezi replay day.pcap
      At full speed: gaps, books, latency by stage; a journal to look into.
  tezi replay line_a.pcap line_b.pcap --speed 10x
      Both lines from two files, ten times as fast as recorded.
  tezi replay day.pcap --decoded-csv day.csv --book-csv book.csv --no-journal
      What was decoded, message by message, and the book it ends in, to compare with anyone's.
  tezi replay day.pcap --contracts contract.gz
      With names, lots and ticks for tokens; option-quoter quotes the options in it.
  tezi replay day.pcap --contracts fo_contract_stream_info.csv --tick 0.05 --lot 75
      The same from a file that says neither tick nor lot.
  tezi replay demo.pcap --contracts journals/demo-20261120-091500
      A demo's capture with the instruments of its journal: the same quoter again.
  tezi replay es.mbo.dbn.zst --book-csv book.csv
      A Databento file of market-by-order data; ITCH: --protocol itch --date 2019-12-30.
  tezi replay bse.pcap --protocol eobi --segment bse-fo --decoded-csv bse.csv
      BSE's order-by-order feed; NSE broadcast, NFCAST and ITCH on MoldUDP64 are found out alike.
  tezi replay mixed.pcap --a 239.70.70.41:17741 --b 239.70.70.31:10831
      Only these two groups of a capture of many.

Exit codes: 0 all was fine; 1 a file cannot be read or is cut, messages were lost on every line or
refused, or no message of the protocol was found; 2 wrong usage.";

/// Replays captures.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let inputs = args.files.iter().chain(&args.contracts.contracts).map(PathBuf::as_path);
    let inputs: Vec<&Path> = inputs.chain(args.host.inputs()).collect();
    files::check_distinct(&inputs, &args.host.outputs())?;
    let groups = args.wire.groups()?;
    let instruments = args.contracts.instruments(args.wire.segment_or_default())?;
    let has_options = instruments.iter().any(|it| it.kind() == InstrumentKind::Option);
    let (limits, segment) = (&args.host.limits, args.wire.segment_or_default());
    let hosting = Hosting {
        resume: false,
        resume_from: ReplayFrom::Snapshot,
        replication: None,
        snapshots: None,
        args: &args.host,
        kind: "replay",
        strategy_default: if has_options {
            StrategyName::OptionQuoter
        } else {
            StrategyName::Watch
        },
        opening: opening(args, &instruments),
        instruments: instruments.len(),
        hints: hints(args, has_options),
        risk_file: match limits.needs_risk_file() {
            true => Some(args.contracts.risk_file(&instruments, segment, &limits.risk)?),
            false => None,
        },
    };
    hosting.run(&Session::Capture(CaptureSession {
        files: args.files.clone(),
        speed: args.speed.0,
        protocol: args.wire.protocol(),
        segment: args.wire.segment,
        date: args.wire.date,
        groups,
        instruments,
    }))
}

/// The line before the run, with what the user should know beforehand.
fn opening(args: &Args, instruments: &[Instrument]) -> String {
    let files: Vec<String> = args.files.iter().map(|file| file.display().to_string()).collect();
    let speed = match args.speed.0 {
        Some(factor) => format!("at {factor}x"),
        None => "at full speed".into(),
    };
    let mut text = format!("Replay: {} {speed}", files.join(", "));
    if !instruments.is_empty() {
        text += &format!(", {} contracts", instruments.len());
    }
    // A spread's tick is not asked for: nothing is quoted in it.
    let mut contracts = instruments.iter().filter(|instrument| instrument.legs().is_none());
    let has_ticks = contracts.all(|instrument| instrument.tick > Px::ZERO);
    let strategies = &args.host.strategy.strategy;
    let is_quoting = strategies.is_empty()
        || strategies.iter().any(|word| word.name == StrategyName::OptionQuoter);
    if !has_ticks && is_quoting {
        text += "\nThe contracts say no tick, and option-quoter quotes nothing without one: add --tick 0.05";
    }
    text
}

fn hints(args: &Args, has_options: bool) -> Vec<Hint> {
    let files: Vec<String> = args.files.iter().map(|file| quoted(file)).collect();
    let files = files.join(" ");
    let mut hints = Vec::new();
    if args.host.output.decoded_csv.is_none() {
        hints.push(Hint {
            command: format!("{{tezi}} replay {files} --decoded-csv day.csv --book-csv book.csv"),
            shows: "what was decoded, and the books at the end",
        });
    }
    if !has_options {
        hints.push(Hint {
            command: format!("{{tezi}} replay {files} --contracts FILE --tick 0.05"),
            shows: "names for tokens, and quotes for options",
        });
    }
    hints.push(Hint {
        command: format!("cargo run --release --example touch_joiner -- {files}"),
        shows: "a strategy of your own on a capture",
    });
    hints
}
