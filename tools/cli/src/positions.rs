//! Positions from one day to the next, on a command line.

use std::path::{Path, PathBuf};

use clap::Args;
use tezi::Host;
use tezi::venue::Date;

/// What a session begins with and leaves behind.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Positions")]
pub(crate) struct PositionArgs {
    /// Begins with the positions of this CSV: they count for every check from the first order on
    ///
    /// Columns: segment and token, or instrument; quantity, price; strategy, account, close, date, as_of
    /// (docs/operating/positions.md). A session that is resumed has them from its journal.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    positions: Option<PathBuf>,
    /// Applies the splits, bonuses and consolidations of this CSV to positions carried over their ex-date
    ///
    /// Columns: instrument, ex_date, ratio (A:B), kind. Actions that are in the positions already, and those
    /// to come, are passed over.
    #[arg(long, value_name = "FILE", requires = "positions", verbatim_doc_comment)]
    corporate_actions: Option<PathBuf>,
    /// Writes the positions at the end, for the next day's --positions
    #[arg(long, value_name = "FILE")]
    write_positions: Option<PathBuf>,
    /// The day of the session, where it is not the clock's: for positions of a replay
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    positions_day: Option<Date>,
}

impl PositionArgs {
    /// The files that are read.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Path> {
        let inputs = [&self.positions, &self.corporate_actions];
        inputs.into_iter().flatten().map(PathBuf::as_path)
    }

    /// The file that is written.
    pub(crate) fn output(&self) -> Option<&Path> {
        self.write_positions.as_deref()
    }

    /// Sets a host up with them.
    pub(crate) fn apply(&self, mut host: Host) -> Host {
        if let Some(file) = &self.positions {
            host = host.positions(file);
        }
        if let Some(file) = &self.corporate_actions {
            host = host.corporate_actions(file);
        }
        if let Some(file) = &self.write_positions {
            host = host.write_positions(file);
        }
        match self.positions_day {
            Some(day) => host.positions_day(day),
            None => host,
        }
    }
}

fn day(text: &str) -> Result<Date, String> {
    Date::parse(text).ok_or_else(|| "a date, as 2026-11-24".into())
}
