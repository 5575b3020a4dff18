//! Finds the snapshot that a replay begins from.

use std::path::{Path, PathBuf};

use tezi_core::snapshot::SnapshotReader;
use tezi_core::strategy::Strategy;
use tezi_core::{Core, CoreConfig};

use super::file::{self, SnapshotFile};
use super::{Facts, Records};
use crate::error::Error;
use crate::kernels::CppKernels;
use crate::replay::time_of_day;

/// What to begin with.
pub(crate) struct Begun<S> {
    pub(crate) core: Core<S, CppKernels>,
    /// Where to read on, what is known and the first record that is not acted on yet; `None` without a
    /// snapshot.
    pub(crate) taken: Option<(Records, Facts, u64)>,
    /// Snapshots that do not fit, and why.
    pub(crate) unfit: Vec<(PathBuf, String)>,
}

impl<S: Strategy> Begun<S> {
    /// A new core, and no look at snapshots.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when there can be no such core.
    pub(crate) fn new(config: &CoreConfig, strategy: S) -> Result<Self, Error> {
        Ok(Self { core: Core::new(config, strategy, CppKernels)?, taken: None, unfit: Vec::new() })
    }
}

/// Which snapshots may be begun from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) session_id: u64,
    /// Nothing later than this time of day is in them.
    pub(crate) until: Option<i64>,
    /// The strategy keeps nothing: any strategy's state will do.
    pub(crate) is_recorded: bool,
    /// The journal is being written.
    pub(crate) is_live: bool,
}

/// Makes the core of a journal, of the newest snapshot that fits or new.
///
/// # Errors
///
/// [`Error::Config`] when there can be no such core. What is wrong with a snapshot is in the result.
pub(crate) fn begin<S: Strategy>(
    path: &Path,
    config: &CoreConfig,
    mut strategy: S,
    wanted: &Wanted,
) -> Result<Begun<S>, Error> {
    let mut unfit = Vec::new();
    for (sequence, snapshot) in file::list(path) {
        let found = match find(path, &snapshot, sequence, wanted) {
            Ok(Some(found)) => found,
            Ok(None) => continue,
            Err(why) => {
                unfit.push((snapshot, why));
                continue;
            }
        };
        let (file, records, facts) = found;
        let mut core = Core::new(config, strategy, CppKernels)?;
        let mut input = SnapshotReader::new(file.core());
        let loaded = match wanted.is_recorded {
            true => core.load_without_strategy(&mut input),
            false => core.load(&mut input),
        };
        match loaded {
            Ok(()) if core.state_hash() == file.header.state_hash => {
                return Ok(Begun { core, taken: Some((records, facts, sequence)), unfit });
            }
            Ok(()) => unfit.push((snapshot, "its header has another state hash".into())),
            Err(error) => unfit.push((snapshot, error.to_string())),
        }
        strategy = core.into_strategy();
    }
    Ok(Begun { unfit, ..Begun::new(config, strategy)? })
}

/// Reads a snapshot and finds its place in the journal; `None` for one that is too late.
fn find(
    path: &Path,
    snapshot: &Path,
    sequence: u64,
    wanted: &Wanted,
) -> Result<Option<(SnapshotFile, Records, Facts)>, String> {
    let file = SnapshotFile::read(snapshot)?;
    let header = &file.header;
    if header.session_id != wanted.session_id {
        return Err("it is of another journal".into());
    }
    if header.sequence != sequence || sequence < 2 {
        return Err("it has the name of another".into());
    }
    if wanted.until.is_some_and(|until| until < time_of_day(header.time)) {
        return Ok(None);
    }
    let facts = Facts::load(&mut SnapshotReader::new(file.host()));
    let facts = facts.map_err(|error| error.to_string())?;
    let behind = match wanted.is_live {
        true => Records::behind_live(path, sequence - 1),
        false => Records::behind(path, sequence - 1),
    };
    match behind.map_err(|error| error.to_string())? {
        Some((records, mark)) if mark == header.mark => Ok(Some((file, records, facts))),
        Some(_) => Err("the journal went on another way before it".into()),
        None => Err(format!("the journal has no record {}", sequence - 1)),
    }
}
