//! Makes a journal with a torn tail one that can be appended to.
//!
//! Only bytes behind the last good record go, only when no good record lies behind them, and not
//! before a copy of them is on the disk beside the journal: a checksum cannot tell a write that was
//! cut short from a last record that rotted, so the evidence stays.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::{
    End, JournalError, JournalReader, RecordFault, TornTail,
    segment::{lock, sync_dir},
    stage::settle,
};

/// What [`recover`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The torn tail that is gone; `None` when there was none and nothing was changed.
    pub torn_tail: Option<TornTail>,
    /// The copy of its bytes.
    pub saved: Option<PathBuf>,
    /// The last record that was in memory only, when a killed writer left any there; it is on the
    /// disk now.
    pub settled: Option<u64>,
    /// Sequence of the journal's last record; 0 when it has none.
    pub sequence_last: u64,
}

/// Brings to the disk what a killed writer left in memory, and removes a torn tail, and nothing else,
/// from the journal in `dir`.
///
/// The bytes removed are kept in `NNNNNNNN.torn-OFFSET` beside the segment. A last segment that
/// never got its header is removed whole.
///
/// # Errors
///
/// [`JournalError::Damaged`] when good records lie behind the fault: nothing is removed then.
/// [`JournalError::Locked`], and those of [`JournalReader::open`].
pub fn recover(dir: &Path) -> Result<Recovery, JournalError> {
    let lock = lock(dir)?;
    let settled = settle(dir, &lock)?;
    let mut reader = JournalReader::open_last_segment(dir)?;
    while reader.next_record().is_some() {}
    let sequence_last = reader.sequence_expected() - 1;
    let tail = match reader.end() {
        Some(End::TornTail(tail)) => tail.clone(),
        Some(End::Damage(damage)) => return Err(JournalError::Damaged(damage.clone())),
        Some(End::Clean) | None => {
            return Ok(Recovery { settled, sequence_last, ..Recovery::default() });
        }
    };
    let saved = save(&tail)?;
    sync_dir(&lock, dir)?;
    remove(&tail)?;
    sync_dir(&lock, dir)?;
    Ok(Recovery { torn_tail: Some(tail), saved, settled, sequence_last })
}

/// Copies the torn bytes to a file of their own.
fn save(tail: &TornTail) -> Result<Option<PathBuf>, JournalError> {
    if tail.bytes == 0 {
        return Ok(None);
    }
    let path = tail.segment.with_extension(format!("torn-{}", tail.offset));
    let error = |source| JournalError::io("keep a torn tail in", &path, source);
    let mut from = File::open(&tail.segment).map_err(error)?;
    from.seek(SeekFrom::Start(tail.offset)).map_err(error)?;
    let mut bytes = Vec::new();
    from.take(tail.bytes).read_to_end(&mut bytes).map_err(error)?;
    let mut to = File::create(&path).map_err(error)?;
    to.write_all(&bytes).map_err(error)?;
    to.sync_all().map_err(error)?;
    Ok(Some(path))
}

fn remove(tail: &TornTail) -> Result<(), JournalError> {
    let error = |source| JournalError::io("remove the torn tail of", &tail.segment, source);
    if tail.fault == RecordFault::HeaderUnfinished {
        return fs::remove_file(&tail.segment).map_err(error);
    }
    let file = File::options().write(true).open(&tail.segment).map_err(error)?;
    file.set_len(tail.offset).map_err(error)?;
    file.sync_all().map_err(error)
}
