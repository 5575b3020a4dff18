//! `tezi replay`: captures in place of the wire.

use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use tezi::feed_handler::wire::itch::SessionDate;
use tezi::journal::{End, JournalReader};
use tezi::masters::{self, LoadOptions, LoadedFile, ReferenceData, SpreadRecord};
use tezi::model::{Instrument, InstrumentKind, Px, Qty, Segment};
use tezi::{CaptureSession, Entry, Protocol, Session};

use crate::args::{self, Speed};
use crate::files;
use crate::hosting::{Hint, HostArgs, Hosting, quoted};
use crate::outcome::{Failure, Verdict};
use crate::strategies::StrategyName;

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
    #[command(flatten)]
    capture: CaptureArgs,
    #[command(flatten)]
    host: HostArgs,
}

/// What the captures are of, and how fast they go.
#[derive(ClapArgs, Clone, Debug)]
#[command(next_help_heading = "Capture")]
struct CaptureArgs {
    /// How fast: 1x as recorded, 10x ten times that, max as fast as it goes
    #[arg(long, value_name = "SPEED", default_value = "max", value_parser = args::speed)]
    speed: Speed,
    /// The segment: F&O, capital market, currency or commodity derivatives
    #[arg(long, value_name = "SEGMENT", default_value = "fo", value_parser = segment())]
    segment: Segment,
    /// What is in the files: auto knows DBN by its first bytes and takes packets for MTBT
    #[arg(long, value_name = "PROTOCOL", default_value = "auto",
          value_parser = ["auto", "mtbt", "dbn", "itch"])]
    protocol: String,
    /// The day of an ITCH file, whose messages do not say it
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = session_date,
          required_if_eq("protocol", "itch"))]
    date: Option<SessionDate>,
    /// The group of line A, where it is not the first seen
    #[arg(long, value_name = "GROUP:PORT", value_parser = args::group, requires = "b")]
    a: Option<SocketAddrV4>,
    /// The group of line B
    #[arg(long, value_name = "GROUP:PORT", value_parser = args::group, requires = "a")]
    b: Option<SocketAddrV4>,
    /// Knows the instruments beforehand: names for tokens, quotes for options
    ///
    /// FILE is any of the exchanges' files, plain, gzip or zip, recognised by what is in it: contract
    /// or security masters, stream information, a UDiFF bhavcopy. Given several times, the files
    /// complete each other. A directory is a journal, whose instruments are taken. When there are
    /// options among them, the strategy is option-quoter where none is named, and watch otherwise.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    contracts: Vec<PathBuf>,
    /// The price step of the contracts, in rupees, where FILE does not say it
    #[arg(long, value_name = "RUPEES", value_parser = args::price, requires = "contracts")]
    tick: Option<Px>,
    /// The lot of the contracts, in units, where FILE does not say it
    #[arg(long, value_name = "UNITS", requires = "contracts",
          value_parser = clap::value_parser!(u32).range(1..))]
    lot: Option<u32>,
}

/// The segments that send tick-by-tick data in this protocol.
const SEGMENTS: [Segment; 4] = [Segment::NseFo, Segment::NseCm, Segment::NseCd, Segment::NseCo];

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
  tezi replay mixed.pcap --a 239.70.70.41:17741 --b 239.70.70.31:10831
      Only these two groups of a capture of many.

Exit codes: 0 all was fine; 1 a file cannot be read or is cut, messages were lost on every line or
refused, or no message of the protocol was found; 2 wrong usage.";

fn segment() -> impl TypedValueParser<Value = Segment> {
    let parse = |name: String| SEGMENTS.into_iter().find(|segment| segment.name() == name);
    let names = PossibleValuesParser::new(SEGMENTS.map(Segment::name));
    names.try_map(move |name| parse(name).ok_or("no such segment"))
}

/// Replays captures.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let capture = &args.capture;
    let inputs: Vec<&Path> =
        args.files.iter().chain(&capture.contracts).map(PathBuf::as_path).collect();
    let output = &args.host.output;
    let outputs = [&output.decoded_csv, &output.book_csv];
    let outputs: Vec<&Path> = outputs.into_iter().flatten().map(PathBuf::as_path).collect();
    files::check_distinct(&inputs, &outputs)?;
    let groups = capture.a.zip(capture.b).map(|(a, b)| [a, b]);
    if let Some([a, b]) = groups
        && a == b
    {
        return Err(Failure::Usage(format!("--a and --b are both {a}: the lines have two groups")));
    }
    let instruments = capture.instruments()?;
    let has_options = instruments.iter().any(|it| it.kind() == InstrumentKind::Option);
    let hosting = Hosting {
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
    };
    hosting.run(&Session::Capture(CaptureSession {
        files: args.files.clone(),
        speed: capture.speed.0,
        segment: capture.segment,
        groups,
        protocol: capture.protocol(),
        instruments,
    }))
}

fn session_date(text: &str) -> Result<SessionDate, &'static str> {
    SessionDate::parse(text).ok_or("a day as YYYY-MM-DD, from 2007 on, is needed")
}

impl CaptureArgs {
    fn protocol(&self) -> Protocol {
        match (self.protocol.as_str(), self.date) {
            ("mtbt", _) => Protocol::Mtbt,
            ("dbn", _) => Protocol::Dbn,
            ("itch", Some(date)) => Protocol::Itch(date),
            _ => Protocol::Auto,
        }
    }

    /// The instruments of the contract files, with the tick and lot asked for.
    fn instruments(&self) -> Result<Vec<Instrument>, Failure> {
        let mut instruments = Vec::new();
        let mut loaded = Vec::new();
        for path in &self.contracts {
            if path.is_dir() {
                instruments.extend(of_journal(path)?);
            } else {
                loaded.push(self.load(path)?);
            }
        }
        let merged = ReferenceData::merge(loaded);
        instruments.extend(merged.instruments().iter().map(|record| record.instrument));
        instruments.extend(merged.spreads().iter().map(SpreadRecord::instrument));
        for instrument in &mut instruments {
            if instrument.tick == Px::ZERO {
                instrument.tick = self.tick.unwrap_or_default();
            }
            if instrument.lot == Qty::ZERO {
                instrument.lot = self.lot.map_or(Qty::ZERO, Qty);
            }
        }
        Ok(instruments)
    }

    fn load(&self, path: &Path) -> Result<LoadedFile, Failure> {
        let failed = |what: String| Failure::Failed(format!("{}: {what}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| {
            Failure::Failed(format!("cannot read contracts {}: {error}", path.display()))
        })?;
        masters::load(&bytes, &LoadOptions::of_segment(self.segment))
            .map_err(|error| failed(error.to_string()))
    }
}

/// The instruments that a journal's session knew from its start.
fn of_journal(path: &Path) -> Result<Vec<Instrument>, Failure> {
    let mut reader = JournalReader::open(path)?;
    let mut instruments = Vec::new();
    while let Some(record) = reader.next_record() {
        match Entry::read(&record) {
            Ok(Entry::Instrument(instrument)) => instruments.push(*instrument),
            Ok(Entry::Session(_) | Entry::Config(_)) => {}
            // They come first: the session begins here.
            _ => return Ok(instruments),
        }
    }
    match reader.end() {
        Some(End::Clean) | None => Ok(instruments),
        Some(end) => Err(Failure::Failed(format!("{}: {end}", path.display()))),
    }
}

/// The line before the run, with what the user should know beforehand.
fn opening(args: &Args, instruments: &[Instrument]) -> String {
    let files: Vec<String> = args.files.iter().map(|file| file.display().to_string()).collect();
    let speed = match args.capture.speed.0 {
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
    if !has_ticks && args.host.strategy.strategy != Some(StrategyName::Watch) {
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
