//! The command line: what is asked for, the progress, and the summary.

mod moment;
mod progress;
mod summary;

use std::fmt;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::{Parser, ValueEnum};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tezi_parquet::{Compression, ExportError, ExportOptions, Range, Table, export};

use progress::ProgressLine;

/// Exit code of a process ended by Ctrl-C, as shells count.
const EXIT_INTERRUPTED: u8 = 130;

/// Writes what a journal holds as Parquet files
///
/// One file a table: records (all of them, understood or not), instruments, market (decoded events),
/// orders (requests that left or were refused, answers), fills, controls (operators, what began and
/// stopped trading). Times are UTC, prices integers of 1e-8 of the currency unit; docs/wire/parquet.md
/// has every column. Reads on behind damage, and says what is lost. Changes nothing in the journal.
#[derive(Parser, Clone, Debug)]
#[command(name = "tezi-parquet", version, verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory, or one segment file
    #[arg(value_name = "JOURNAL")]
    path: PathBuf,
    /// Writes the files into this directory, which is made
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Writes only these tables
    #[arg(long, value_name = "TABLE", value_delimiter = ',', value_parser = table)]
    only: Vec<Table>,
    /// Adds the bytes of each record to the table of records
    #[arg(long)]
    payload: bool,
    /// Begins at this record
    #[arg(long, value_name = "SEQ", default_value_t = 0, hide_default_value = true)]
    from: u64,
    /// Ends at this record; what lies behind it is not checked
    #[arg(long, value_name = "SEQ")]
    until: Option<u64>,
    /// Only records from this time of day in India on
    #[arg(long, value_name = "HH:MM:SS[.FFF]", value_parser = moment::time_of_day)]
    after: Option<i64>,
    /// Only records up to this time of day in India
    #[arg(long, value_name = "HH:MM:SS[.FFF]", value_parser = moment::time_of_day)]
    before: Option<i64>,
    /// How the files are compressed
    #[arg(long, value_name = "CODEC", value_enum, default_value_t)]
    compression: CompressionArg,
    /// Replaces files that are there already
    #[arg(long)]
    force: bool,
    /// Prints the summary as one JSON object
    #[arg(long)]
    json: bool,
}

/// What `--compression` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum CompressionArg {
    /// Small, and read by nearly everything
    #[default]
    Zstd,
    /// Larger, for readers without Zstandard
    Snappy,
    /// As large as it is
    None,
}

const EXAMPLES: &str = "\
Examples:
  tezi-parquet journals/demo-20261120-091500 --to day
      Six files in day/, and a summary.
  tezi-parquet day.journal --to day --only market,fills --after 09:15:00 --before 09:30:00
      Market events and own fills of the first quarter of an hour.
  tezi-parquet day.journal --to day --only records --payload --compression snappy
      Every record with its bytes, for who decodes them (docs/wire/session.md).
  duckdb -c \"SELECT instrument, sum(quantity), avg(price) / 1e8 FROM 'day/fills.parquet' GROUP BY 1\"
      Prices are integers: 1e8 of them are a rupee.

Exit codes: 0 everything is in the files; 1 the journal is damaged or cut, and the files have the rest,
or nothing could be written; 2 wrong usage, files that are there already among it.";

/// Why nothing was exported.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A file is there already.
    Usage(String),
    /// A file, the journal or the machine refused.
    Failed(String),
    /// Ctrl-C.
    Interrupted,
}

impl Failure {
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) => 1,
            Self::Interrupted => EXIT_INTERRUPTED,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) => write!(f, "{what} (--force replaces it)"),
            Self::Failed(what) => f.write_str(what),
            Self::Interrupted => f.write_str("interrupted: no file was written"),
        }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Exists { .. } => Self::Usage(error.to_string()),
            ExportError::Interrupted => Self::Interrupted,
            error => Self::Failed(error.to_string()),
        }
    }
}

/// Exports a journal; whether everything that was written to it is in the files.
pub(crate) fn run(args: &Args) -> Result<bool, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the second signal finds the flag set by the first, and ends at once.
        let code = EXIT_INTERRUPTED.into();
        let _ = flag::register_conditional_shutdown(signal, code, Arc::clone(&stop));
        let _ = flag::register(signal, Arc::clone(&stop));
    }
    let mut line = ProgressLine::new();
    let started = Instant::now();
    let result = export(&args.path, &args.to, &args.options(), |progress| {
        line.show(progress);
        if stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    line.finish();
    let report = result?;
    let text = if args.json {
        format!("{:#}\n", summary::json(&args.path, &report))
    } else {
        summary::text(&args.path, &args.to, &report, started.elapsed())
    };
    print(&text)?;
    Ok(report.is_fine())
}

impl Args {
    fn options(&self) -> ExportOptions {
        let is_all = self.only.is_empty();
        ExportOptions {
            tables: if is_all { Table::ALL.to_vec() } else { self.only.clone() },
            range: Range {
                from: self.from,
                to: self.until.unwrap_or(u64::MAX),
                after: self.after,
                before: self.before,
            },
            payload: self.payload,
            compression: match self.compression {
                CompressionArg::Zstd => Compression::Zstd,
                CompressionArg::Snappy => Compression::Snappy,
                CompressionArg::None => Compression::None,
            },
            force: self.force,
            ..ExportOptions::default()
        }
    }
}

fn table(name: &str) -> Result<Table, String> {
    let names = || Table::ALL.map(Table::name).join(", ");
    Table::from_name(name).ok_or_else(|| format!("the tables are {}", names()))
}

/// Writes to standard output. That its reader has gone (`| head`) is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+=:,@".contains(letter);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn tables_are_chosen_by_name() {
        let parse = |line: &str| Args::try_parse_from(line.split_whitespace());
        let args = parse("tezi-parquet j --to d --only market,orders --until 9").unwrap();
        let options = args.options();
        assert_eq!(options.tables, [Table::Market, Table::Orders]);
        assert_eq!((options.range.from, options.range.to), (0, 9));
        assert_eq!(parse("tezi-parquet j --to d").unwrap().options(), ExportOptions::default());
        let error = parse("tezi-parquet j --to d --only trades").unwrap_err().to_string();
        assert!(error.contains("records, instruments, market, orders, fills, controls"), "{error}");
        assert!(parse("tezi-parquet j").is_err());
    }
}
