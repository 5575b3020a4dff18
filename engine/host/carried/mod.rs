//! Positions from one day to the next: what a session begins with, by files, and what it leaves behind.
//! `docs/operating/positions.md`.
//!
//! The files are read once, when a session begins. From then on the journal has what they said: a session
//! that is taken up again has it from there, and a file that is named again must say the same.

mod file;
mod resolve;
mod table;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};

use tezi_core::strategy::Strategy;
use tezi_core::venue::Date;
use tezi_core::{InstrumentTable, Opening};
use tezi_model::{AccountId, Nanos, StrategyId};

use crate::core_loop::TimeSource;
use crate::error::Error;
use crate::host::Host;
use resolve::{Owners, Session};

pub(crate) use write::PositionsOut;

/// Where positions come from and go to.
#[derive(Clone, Debug, Default)]
pub(crate) struct CarriedFiles {
    pub(crate) positions: Option<PathBuf>,
    pub(crate) corporate_actions: Option<PathBuf>,
    pub(crate) write: Option<PathBuf>,
    pub(crate) day: Option<Date>,
}

impl CarriedFiles {
    /// Whether a session keeps what is held by lots.
    pub(crate) const fn are_asked_for(&self) -> bool {
        self.positions.is_some() || self.write.is_some()
    }
}

impl Host {
    /// Begins sessions with the positions of a file (`docs/operating/positions.md`): they count for every
    /// check from the first order on. What is wrong with the file is an error before the session begins.
    #[must_use]
    pub fn positions(mut self, file: impl Into<PathBuf>) -> Self {
        self.carried.positions = Some(file.into());
        self
    }

    /// Applies the corporate actions of a file to the positions that were carried over their ex-date.
    #[must_use]
    pub fn corporate_actions(mut self, file: impl Into<PathBuf>) -> Self {
        self.carried.corporate_actions = Some(file.into());
        self
    }

    /// Writes the positions at the end of a session as a file that the next day's [`Host::positions`]
    /// takes.
    #[must_use]
    pub fn write_positions(mut self, file: impl Into<PathBuf>) -> Self {
        self.carried.write = Some(file.into());
        self
    }

    /// Says which day sessions are of, where it is not the clock's: for positions of a replay.
    #[must_use]
    pub const fn positions_day(mut self, day: Date) -> Self {
        self.carried.day = Some(day);
        self
    }

    /// What the core is told before a session's start; nothing where no positions are asked for.
    ///
    /// # Errors
    ///
    /// [`Error::File`], and [`Error::Parameter`] with every line that cannot be.
    pub(crate) fn openings<S: Strategy>(
        &self,
        strategy: &S,
        instruments: &InstrumentTable,
        (source, now): (TimeSource, Nanos),
    ) -> Result<Vec<Opening>, Error> {
        if !self.carried.are_asked_for() {
            return match self.carried.corporate_actions {
                None => Ok(Vec::new()),
                Some(_) => {
                    Err(Error::Parameter("corporate actions are of positions: name those".into()))
                }
            };
        }
        let day = match (self.carried.day, source) {
            (Some(day), _) => day,
            (None, TimeSource::Clock) => Date::of(now),
            (None, TimeSource::Events) => {
                let what = "positions of a replay: say which day it is of";
                return Err(Error::Parameter(what.into()));
            }
        };
        let nowhere = Path::new("");
        let read = |path: &Option<PathBuf>| path.as_deref().unwrap_or(nowhere).to_path_buf();
        let paths = [&self.carried.positions, &self.carried.corporate_actions].map(read);
        let rows = match &self.carried.positions {
            Some(path) => file::positions(path)?,
            None => Vec::new(),
        };
        let actions = match &self.carried.corporate_actions {
            Some(path) => file::actions(path)?,
            None => Vec::new(),
        };
        let session = Session {
            instruments,
            owners: &self.owners(strategy),
            day,
            positions: (&paths[0], &rows),
            actions: (&paths[1], &actions),
        };
        session.openings()
    }

    fn owners<S: Strategy>(&self, strategy: &S) -> Owners {
        let account = |id| self.account_of(id).unwrap_or(AccountId::NONE);
        let count = strategy.strategies();
        let named = |id: StrategyId| {
            let (name, _) = strategy.member(id).unwrap_or_default();
            (name.to_string(), account(id))
        };
        Owners {
            alone: (count == 0).then(|| strategy.name().to_string()),
            strategies: (1..=count).map(|number| named(StrategyId(number))).collect(),
            accounts: self.accounts().map(|(_, it)| it.name().to_string()).collect(),
            account_of_alone: account(StrategyId::NONE),
        }
    }
}

/// Whether what a journal says that a session began with is what the files say, and what is left of it to
/// tell; the first `told` were.
///
/// # Errors
///
/// A sentence.
pub(crate) fn left_to_tell(
    recorded: &[Opening],
    wanted: Vec<Opening>,
    files: &CarriedFiles,
    has_begun: bool,
) -> Result<Vec<Opening>, String> {
    let keeps = |openings: &[Opening]| !openings.is_empty();
    if has_begun && keeps(&wanted) && !keeps(recorded) {
        return Err("the session began without positions and keeps no lots; resume it so".into());
    }
    // The journal has them: a file need not be there any more.
    if files.positions.is_none() {
        let is_whole = match recorded.first() {
            Some(Opening::Begin { lots, actions, .. }) => {
                recorded.len() as u64 > u64::from(*lots) + u64::from(*actions)
            }
            _ => true,
        };
        return match (is_whole, has_begun || keeps(recorded)) {
            (false, _) => {
                Err("the session had not taken in all its positions: name the file".into())
            }
            (true, true) => Ok(Vec::new()),
            (true, false) => Ok(wanted),
        };
    }
    let is_same = if has_begun { recorded == wanted } else { wanted.starts_with(recorded) };
    if !is_same {
        return Err(
            "the session has other positions; resume it with the same, or name no file".into()
        );
    }
    Ok(wanted.into_iter().skip(recorded.len()).collect())
}
