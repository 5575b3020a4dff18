//! Brings what a killed writer left in memory to the disk.
//!
//! Of each segment the copy with more good records is kept. A segment is written whole under another
//! name and then renamed, so that being killed here as well loses nothing: the memory is given back
//! only when everything is on the disk.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use crate::{
    Crc32c, HeaderFault, JournalError, SEGMENT_HEADER_BYTES, SegmentHeader,
    format::good_prefix,
    segment::{segment_path, sync_dir, unfinished_path},
};

use super::place::{Place, is_prepared};

/// Makes the disk hold everything that the memory does, and gives the memory back. For who holds the
/// lock. Returns the sequence of the last record that was only in memory.
pub(crate) fn settle(dir: &Path, lock: &File) -> Result<Option<u64>, JournalError> {
    let Some(place) = Place::find(dir) else { return Ok(None) };
    let mut last = None;
    for (number, staged) in place.segments() {
        if is_prepared(&staged) {
            continue;
        }
        let bytes = read(&staged)?;
        let path = segment_path(dir, number);
        let on_disk = if path.exists() { read(&path)? } else { Vec::new() };
        let (session, end, sequence) =
            good_part(&bytes, number).map_err(|fault| header_error(&staged, fault))?;
        match good_part(&on_disk, number) {
            Ok((found, ..)) if found != session => {
                let fault = HeaderFault::Session { found: session, expected: found };
                return Err(header_error(&staged, fault));
            }
            Ok((_, on_disk_end, _)) if end <= on_disk_end => continue,
            // A file that is not there yet, was never finished, or rotted: the memory is better.
            _ => {}
        }
        write_segment(dir, number, &bytes[..end])?;
        sync_dir(lock, dir)?;
        last = Some(sequence - 1);
    }
    sync_dir(lock, dir)?;
    place.remove();
    Ok(last)
}

/// The session of a segment, the end of its last good record, and the sequence behind it.
fn good_part(bytes: &[u8], number: u32) -> Result<(u64, usize, u64), HeaderFault> {
    let start = bytes.first_chunk::<SEGMENT_HEADER_BYTES>();
    let start = start.ok_or(HeaderFault::Short { bytes: bytes.len() as u64 })?;
    let header = SegmentHeader::decode(start)?.header;
    if header.number != number {
        return Err(HeaderFault::Number { found: header.number });
    }
    let crc = Crc32c::detect();
    let seed = SegmentHeader::seed(header.session_id, number, crc);
    let (end, sequence) = good_prefix(bytes, header.base_sequence, seed, crc);
    Ok((header.session_id, end, sequence))
}

/// Memory that is not understood is left as it is.
fn header_error(path: &Path, fault: HeaderFault) -> JournalError {
    JournalError::Header { path: path.to_path_buf(), fault }
}

fn read(path: &Path) -> Result<Vec<u8>, JournalError> {
    fs::read(path).map_err(|source| JournalError::io("read journal segment", path, source))
}

fn write_segment(dir: &Path, number: u32, bytes: &[u8]) -> Result<(), JournalError> {
    let path = unfinished_path(dir, number);
    let error = |source| JournalError::Io {
        doing: "bring to the disk journal segment",
        path: path.clone(),
        bytes_needed: Some(bytes.len() as u64),
        source,
    };
    let mut file = File::create(&path).map_err(error)?;
    file.write_all(bytes).map_err(error)?;
    file.sync_all().map_err(error)?;
    fs::rename(&path, segment_path(dir, number)).map_err(error)
}
