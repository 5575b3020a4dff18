//! `tezi journal diff`: where two journals begin to differ.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::{Value, json};
use tezi::Entry;
use tezi::journal::{End, JournalReader};
use tezi::model::Nanos;

use super::describe::describe;
use super::names::Names;
use crate::outcome::{Failure, Verdict, print};
use crate::text::{date_time, grouped};

/// Compares two journals record by record, and shows the first that differs
///
/// Sequence, type, origin and payload are compared; the core's time as well, unless two live runs of
/// one market are compared (`--no-time`). A journal that ends earlier, is cut or damaged differs there.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The one journal
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The other
    #[arg(value_name = "B")]
    b: PathBuf,
    /// Leaves the times of the core out of the comparison
    #[arg(long)]
    no_time: bool,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  tezi journal diff monday.journal replayed.journal
      Nothing differs, or the first record that does, in both.

Exit codes: 0 they are the same; 1 they differ, or one is cut or damaged; 2 wrong usage.";

/// One side of the comparison.
struct Side {
    reader: JournalReader,
    names: Names,
}

/// A record as it is compared and shown.
#[derive(PartialEq)]
struct Said {
    record_type: u16,
    flags: u16,
    time: Nanos,
    payload: Vec<u8>,
}

impl Side {
    fn open(path: &Path) -> Result<Self, Failure> {
        Ok(Self { reader: JournalReader::open(path)?, names: Names::new() })
    }

    /// The next record, into `said`, and its words when they are asked for; false at the end.
    fn next(&mut self, said: &mut Said) -> bool {
        let Some(record) = self.reader.next_record() else { return false };
        if let Ok(entry) = Entry::read(&record) {
            self.names.learn(&entry);
        }
        (said.record_type, said.flags, said.time) = (record.record_type, record.flags, record.time);
        said.payload.clear();
        said.payload.extend_from_slice(record.payload);
        true
    }

    /// A record for people, or how the journal ended where there is none.
    fn words(&self, said: Option<&Said>, sequence: u64) -> String {
        let Some(said) = said else {
            return match self.reader.end() {
                Some(End::Clean) | None => "ends here".into(),
                Some(end) => end.to_string(),
            };
        };
        let record = tezi::journal::Record {
            sequence,
            time: said.time,
            record_type: said.record_type,
            flags: said.flags,
            payload: &said.payload,
            segment: 0,
            offset: 0,
        };
        let what = match Entry::read(&record) {
            Ok(entry) => {
                let description = describe(&entry, &self.names);
                format!("{} {}", description.label, description.to_words())
            }
            Err(what) => format!("unreadable: {what}"),
        };
        format!("{}  {}", date_time(said.time), what.trim_end())
    }

    fn is_clean(&self) -> bool {
        matches!(self.reader.end(), Some(End::Clean))
    }
}

/// Where they differ: the sequence, and both sides in words.
struct Difference {
    sequence: u64,
    a: String,
    b: String,
}

/// Compares two journals.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let (mut a, mut b) = (Side::open(&args.a)?, Side::open(&args.b)?);
    let (same, difference) = compare(&mut a, &mut b, !args.no_time);
    let is_fine = difference.is_none() && a.is_clean() && b.is_clean();
    if args.json {
        let difference = difference
            .as_ref()
            .map_or(Value::Null, |it| json!({ "sequence": it.sequence, "a": it.a, "b": it.b }));
        let json = json!({ "is_same": is_fine, "records_same": same, "difference": difference });
        print(|out| writeln!(out, "{json:#}"))?;
    } else {
        print(|out| write_result(out, args, same, difference.as_ref()))?;
    }
    Ok(Verdict::of(is_fine))
}

/// How many records are the same from the start, and the first that differs.
fn compare(a: &mut Side, b: &mut Side, with_time: bool) -> (u64, Option<Difference>) {
    let empty = || Said { record_type: 0, flags: 0, time: Nanos::ZERO, payload: Vec::new() };
    let (mut first, mut second, mut same) = (empty(), empty(), 0);
    loop {
        let (has_a, has_b) = (a.next(&mut first), b.next(&mut second));
        let times = (first.time, second.time);
        if !with_time {
            second.time = first.time;
        }
        if has_a && has_b && first == second {
            same += 1;
            continue;
        }
        (first.time, second.time) = times;
        let is_end = !has_a && !has_b && a.is_clean() && b.is_clean();
        let sequence = same + 1;
        let difference = Difference {
            sequence,
            a: a.words(has_a.then_some(&first), sequence),
            b: b.words(has_b.then_some(&second), sequence),
        };
        return (same, (!is_end).then_some(difference));
    }
}

fn write_result(
    out: &mut dyn Write,
    args: &Args,
    same: u64,
    difference: Option<&Difference>,
) -> io::Result<()> {
    writeln!(out, "A {}\nB {}", args.a.display(), args.b.display())?;
    writeln!(out, "  {} records are the same", grouped(same))?;
    match difference {
        None => writeln!(out, "Fine: nothing differs."),
        Some(Difference { sequence, a, b }) => {
            writeln!(out, "NOT FINE: record {} differs", grouped(*sequence))?;
            writeln!(out, "  A  {a}\n  B  {b}")
        }
    }
}
