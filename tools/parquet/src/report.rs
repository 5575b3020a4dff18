//! What an export came to.

use std::fmt;
use std::path::PathBuf;

use tezi::journal::{Damage, TornTail};

use crate::tables::Table;

/// One file of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableReport {
    /// Which.
    pub table: Table,
    /// Where it lies.
    pub path: PathBuf,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// Row groups in it.
    pub row_groups: usize,
}

/// What a journal had, and what of it is in the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportReport {
    /// The session all segments share.
    pub session_id: u64,
    /// Segment files.
    pub segments: usize,
    /// Good records that were read, those outside the range included.
    pub records: u64,
    /// Bytes of payload in them.
    pub payload_bytes: u64,
    /// The files, in the order of [`Table::ALL`].
    pub tables: Vec<TableReport>,
    /// Whether reading ended before the journal did, at the end of the range: what lies behind was
    /// not looked at.
    pub stopped_early: bool,
    /// The first places of damage, at most [`tezi::journal::FINDINGS_MAX`].
    pub damage: Vec<Damage>,
    /// All places of damage.
    pub damage_count: u64,
    /// Records known to be lost, over all places.
    pub records_lost: u64,
    /// Places of damage that do not tell how many records are lost.
    pub losses_unknown: u64,
    /// A write that was cut short at the end.
    pub torn_tail: Option<TornTail>,
    /// Records whose payload is not what their type says: only in `records`.
    pub unreadable: u64,
    /// The first of them: its sequence, and what is wrong.
    pub unreadable_first: Option<(u64, String)>,
    /// Records of types that this version does not know: only in `records`.
    pub unknown: u64,
    /// Own orders that were forgotten for lack of room: later rows of them lack instrument and side.
    pub orders_forgotten: u64,
}

impl ExportReport {
    /// Whether the files have everything that was written to the journal.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.problems().is_empty()
    }

    /// What is not fine, a sentence each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems: Vec<_> = self.damage.iter().map(ToString::to_string).collect();
        let unlisted = self.damage_count - self.damage.len() as u64;
        if 0 < unlisted {
            problems.push(format!("{unlisted} more places of damage"));
        }
        if let Some(tail) = &self.torn_tail {
            problems.push(format!("{tail}; every record before it is good"));
        }
        if let Some((sequence, what)) = &self.unreadable_first {
            problems.push(format!(
                "{} records cannot be understood, and are in no table but `records`; the first, \
                 {sequence}: {what}",
                self.unreadable
            ));
        }
        if 0 < self.unknown {
            problems.push(format!("{} records of unknown types", self.unknown));
        }
        if 0 < self.orders_forgotten {
            problems.push(format!(
                "{} orders were too many to remember: answers to them may lack instrument and side",
                self.orders_forgotten
            ));
        }
        problems
    }

    /// How the journal ends, in a word for a file's metadata.
    #[must_use]
    pub const fn end(&self) -> JournalEnd {
        match (self.damage_count, &self.torn_tail) {
            (0, None) if self.stopped_early => JournalEnd::NotRead,
            (0, None) => JournalEnd::Clean,
            (0, Some(_)) => JournalEnd::TornTail,
            _ => JournalEnd::Damaged,
        }
    }
}

/// How a journal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalEnd {
    /// All of it was read, and all of it is good.
    Clean,
    /// The last write was cut short.
    TornTail,
    /// There is damage in it.
    Damaged,
    /// Its end was not read.
    NotRead,
}

impl fmt::Display for JournalEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Clean => "clean",
            Self::TornTail => "torn_tail",
            Self::Damaged => "damaged",
            Self::NotRead => "not_read",
        })
    }
}
