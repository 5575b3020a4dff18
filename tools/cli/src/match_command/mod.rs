//! `tezi match`: orders and session events from a file through the exchange's matching.

mod forms;
mod input;
mod output;
mod session;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use tezi::model::{Px, Qty, Segment};
use tezi::venue::Date;

use self::session::{Defaults, MatchSession};
use crate::args;
use crate::files;
use crate::outcome::{Failure, Verdict, print};

/// Runs a file of orders through the exchange's matching rules
///
/// For teaching, for settling what a rule does, and for comparing with another matcher. In goes CSV
/// with a header, or JSON lines with the same names; out come what the exchange says of each order,
/// the trades, and the final book, as CSV: to files, or one table after the other to standard output.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Orders and events, CSV or JSON lines
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where acknowledgements, cancels, refusals go
    #[arg(long, value_name = "FILE")]
    acks: Option<PathBuf>,
    /// Where trades go
    #[arg(long, value_name = "FILE")]
    trades: Option<PathBuf>,
    /// Where the final book goes
    #[arg(long, value_name = "FILE")]
    book: Option<PathBuf>,
    /// The segment: fo or cm. Error codes and kinds of order are its own
    #[arg(long, value_name = "SEGMENT", default_value = "fo", value_parser = segment)]
    segment: Segment,
    /// The date whose rules hold
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-11-20", value_parser = date)]
    date: Date,
    /// Price step of instruments that the file does not describe
    #[arg(long, value_name = "RUPEES", default_value = "0.05", value_parser = args::price)]
    tick: Px,
    /// Lot of instruments that the file does not describe
    #[arg(long, value_name = "UNITS", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    lot: u32,
}

const EXAMPLES: &str = "\
Columns (any order; leave out what you do not need; an empty field is the default):
  time        HH:MM:SS with or without a fraction, never going back
  action      new (default), modify, cancel, legs, block, kill; of the exchange: instrument, phase,
              band, reference, close, release, refuse, cancel-trade, open-blocks, close-blocks
  order       your name for the order; modify, cancel, release and refuse name it again
  member      number of the member, 1 by default
  pan         client's PAN, AAAAA1111A: orders of one PAN never trade with each other
  participant custodial participant's code
  instrument  its name; one that was not described is open, with --tick and --lot
  side        buy or sell
  type        limit (default), market, sl, sl-m
  price, trigger       rupees
  quantity, disclosed  units; quantity of modify is the total, what has traded included; what
              modify leaves empty stays as it is
  flags       words apart by blanks: day, ioc, cancel-active (the self-trade bit)
              of instrument: tick=0.05 lot=65 freeze=1800 band=90..110 reference=100
                product=future|option|equity phase=continuous
                and of a spread: near=NAME far=NAME leg-price=near|far
              of phase: one of closed, pre_open_entry, pre_open_limit_only, pre_open_match,
                pre_open_buffer, continuous, closing_reference, closing_entry, closing_limit_only,
                closing_match, recess, post_close, halted
              of band: band=90..110; of cancel-trade: trade=1
              of open-blocks: band=970..1030 value-min=250000000
  An order of legs (two or three, immediate or cancel) has a part for each leg in instrument, side,
  price and quantity: A+B, buy+sell, 100+101, 5+5. kill cancels all orders of the member.
  Of reference (what auctions refer to) and close, price is the price.

Examples:
  tezi match orders.csv
      order,side,price,quantity     four columns are enough
      a,sell,100.05,50
      b,buy,100.10,20               trades 20 at 100.05, the price of the order that rested
  tezi match day.jsonl --acks acks.csv --trades trades.csv --book book.csv
      {\"time\": \"09:15:00\", \"order\": \"a\", \"side\": \"sell\", \"price\": 100.05, \"quantity\": 50}
  tezi match preopen.csv --segment cm
      A call auction: action=phase with flags pre_open_entry, orders, then pre_open_match.

Exit codes: 0 the file was run, whatever the exchange refused; 1 it cannot be read (the message names
file, line and column) or written; 2 wrong usage.";

fn segment(text: &str) -> Result<Segment, String> {
    let known = [Segment::NseFo, Segment::NseCm];
    let found = known.into_iter().find(|segment| segment.name() == text);
    found.ok_or_else(|| "a segment is needed: fo or cm".to_string())
}

fn date(text: &str) -> Result<Date, String> {
    Date::parse(text).ok_or_else(|| "a date is needed, as in 2026-11-20".to_string())
}

/// Runs a file.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let outputs = [&args.acks, &args.trades, &args.book];
    let outputs: Vec<&Path> = outputs.into_iter().flatten().map(PathBuf::as_path).collect();
    files::check_distinct(&[&args.file], &outputs)?;
    let name = args.file.display().to_string();
    let text = std::fs::read_to_string(&args.file)
        .map_err(|error| Failure::Failed(format!("cannot read {name}: {error}")))?;
    let place = |error: input::Wrong| Failure::Failed(format!("{name}: {error}"));
    let rows = input::read(&text).map_err(place)?;
    let (tick, lot) = (args.tick, Qty(args.lot));
    let defaults = Defaults { segment: args.segment, date: args.date, tick, lot };
    let mut session = MatchSession::new(&defaults, &rows).map_err(Failure::Failed)?;
    for row in &rows {
        session.apply(row).map_err(place)?;
    }
    let tables: [(&Option<PathBuf>, String); 3] = [
        (&args.acks, output::acknowledgements(&session)),
        (&args.trades, output::trades(&session)),
        (&args.book, output::book(&session)),
    ];
    for (path, table) in &tables {
        if let Some(path) = path {
            write(path, table).map_err(|error| {
                Failure::Failed(format!("cannot write {}: {error}", path.display()))
            })?;
        }
    }
    if outputs.is_empty() {
        let [(_, acks), (_, trades), (_, book)] = &tables;
        print(|out| write!(out, "{acks}\n{trades}\n{book}"))?;
    }
    Ok(Verdict::Fine)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    out.write_all(text.as_bytes())?;
    out.flush()
}
