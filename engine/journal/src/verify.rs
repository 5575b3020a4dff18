//! Reads a whole journal, behind damage too, and reports what is there and what is not.

use core::fmt;
use std::path::Path;

use tezi_model::Nanos;

use crate::{Damage, End, JournalError, JournalReader, TornTail, record_bytes};

/// Findings a report keeps; more are counted.
pub const FINDINGS_MAX: usize = 256;

/// One place of damage, and what could be read behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong, and where.
    pub damage: Damage,
    /// Good records behind it, up to the next finding or the end.
    pub good_records_after: u64,
}

/// What a journal holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// The session all its segments share.
    pub session_id: u64,
    /// Segment files.
    pub segments: usize,
    /// Good records.
    pub records: u64,
    /// Bytes of good records, headers and padding included.
    pub bytes: u64,
    /// Sequence and time of the first good record.
    pub first: Option<(u64, Nanos)>,
    /// Sequence and time of the last good record.
    pub last: Option<(u64, Nanos)>,
    /// The first [`FINDINGS_MAX`] places of damage, in order.
    pub findings: Vec<Finding>,
    /// Places of damage, those beyond the list included.
    pub findings_count: u64,
    /// A write that was cut short at the end. Not damage: [`crate::recover`] removes it.
    pub torn_tail: Option<TornTail>,
}

impl VerifyReport {
    /// Whether every record that was written is there; a torn tail is not a record.
    #[must_use]
    pub const fn is_undamaged(&self) -> bool {
        self.findings_count == 0
    }
}

/// Checks every byte of a journal directory, or of one segment file. Changes nothing.
///
/// # Errors
///
/// As [`JournalReader::open`]. Damage is no error here: it is in the report.
pub fn verify(path: &Path) -> Result<VerifyReport, JournalError> {
    let mut reader = JournalReader::open(path)?;
    let mut report = VerifyReport {
        session_id: reader.session_id(),
        segments: reader.segments(),
        ..VerifyReport::default()
    };
    loop {
        let records_before = report.records;
        while let Some(record) = reader.next_record() {
            report.records += 1;
            report.bytes += record_bytes(record.payload.len()) as u64;
            report.first.get_or_insert((record.sequence, record.time));
            report.last = Some((record.sequence, record.time));
        }
        // Beyond the bound the last kept finding is not the nearest one any more.
        if report.findings_count == report.findings.len() as u64
            && let Some(finding) = report.findings.last_mut()
        {
            finding.good_records_after = report.records - records_before;
        }
        match reader.end() {
            Some(End::Damage(damage)) => {
                report.findings_count += 1;
                if report.findings.len() < FINDINGS_MAX {
                    let damage = Damage::clone(damage);
                    report.findings.push(Finding { damage, good_records_after: 0 });
                }
            }
            Some(End::TornTail(tail)) => report.torn_tail = Some(tail.clone()),
            Some(End::Clean) | None => {}
        }
        if !reader.skip_damage() {
            return Ok(report);
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.damage.fmt(f)?;
        match self.good_records_after {
            0 => f.write_str("; no good record follows it directly"),
            1 => f.write_str("; 1 good record follows it"),
            records => write!(f, "; {records} good records follow it"),
        }
    }
}

impl fmt::Display for VerifyReport {
    /// A line for the whole, one for each finding, and one for a torn tail.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} records, {} bytes in {} segments, session {:#018x}",
            self.records, self.bytes, self.segments, self.session_id
        )?;
        if let (Some((first, _)), Some((last, _))) = (self.first, self.last) {
            write!(f, ", sequence {first} to {last}")?;
        }
        for finding in &self.findings {
            write!(f, "\ndamage: {finding}")?;
        }
        let more = self.findings_count - self.findings.len() as u64;
        if 0 < more {
            write!(f, "\ndamage: {more} more places, not listed")?;
        }
        match &self.torn_tail {
            Some(tail) => write!(f, "\n{tail}"),
            None => Ok(()),
        }
    }
}
