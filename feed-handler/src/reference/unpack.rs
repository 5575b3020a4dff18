//! Opens the wrapping of a downloaded file: gzip, or a zip that holds one file.
//!
//! Layout of a zip: PKWARE, APPNOTE.TXT 6.3.9, sections 4.3.7, 4.3.12 and 4.3.16; of gzip, RFC 1952.
//! The central directory is believed, sizes and checksums are verified, and no file may unpack to
//! more than the caller allows: a bomb ends as [`UnpackError::TooLarge`].

use std::borrow::Cow;
use std::io::Read;

use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder};

use crate::named::named_reasons;

named_reasons! {
    /// Why a wrapping could not be opened. Codes are fixed.
    UnpackError {
        /// No end-of-directory record: cut short, most likely.
        NoDirectory = 0, "zip_no_directory", "the zip has no directory: it may be cut short";
        /// An offset or a signature in it is wrong.
        Damaged = 1, "zip_damaged", "the zip is damaged";
        /// It holds no file.
        Empty = 2, "zip_empty", "the zip holds no file";
        /// It holds more than one.
        SeveralFiles = 3, "zip_several_files", "the zip holds more than one file";
        /// The file is encrypted.
        Encrypted = 4, "zip_encrypted", "the file in the zip is encrypted";
        /// Neither stored nor deflated.
        UnknownMethod = 5, "zip_unknown_method", "the file in the zip is neither stored nor deflated";
        /// A zip of more than 4 GiB.
        Zip64 = 6, "zip64", "the zip is of the 64-bit form";
        /// More bytes than the caller allows.
        TooLarge = 7, "too_large", "the file unpacks to more than is allowed";
        /// The compressed data makes no sense.
        BadData = 8, "bad_data", "the compressed data is damaged";
        /// Another size than the directory says.
        WrongSize = 9, "wrong_size", "the file has another size than the zip says";
        /// Another checksum than the directory says.
        WrongChecksum = 10, "wrong_checksum", "the file has another checksum than the zip says";
    }
}

const END_SIZE: usize = 22;
const ENTRY_SIZE: usize = 46;
const LOCAL_SIZE: usize = 30;
const COMMENT_SIZE_MAX: usize = 65_535;
const ENCRYPTED: u16 = 1;

/// Returns what is in a zip or gzip file, or the bytes themselves when they are neither.
///
/// # Errors
///
/// An [`UnpackError`]; among them that the content is larger than `bytes_max`.
pub fn unpack(bytes: &[u8], bytes_max: usize) -> Result<Cow<'_, [u8]>, UnpackError> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        unzip(bytes, bytes_max)
    } else if bytes.starts_with(&[0x1F, 0x8B]) {
        Ok(Cow::Owned(inflate(MultiGzDecoder::new(bytes), 0, bytes_max)?))
    } else {
        Ok(Cow::Borrowed(bytes))
    }
}

/// One entry of the central directory.
struct Entry {
    flags: u16,
    method: u16,
    checksum: u32,
    packed_size: usize,
    size: usize,
    local_offset: usize,
    is_directory: bool,
}

fn unzip(bytes: &[u8], bytes_max: usize) -> Result<Cow<'_, [u8]>, UnpackError> {
    let entry = only_file(bytes)?;
    if entry.flags & ENCRYPTED != 0 {
        return Err(UnpackError::Encrypted);
    }
    if entry.size > bytes_max {
        return Err(UnpackError::TooLarge);
    }
    let packed = packed_bytes(bytes, &entry).ok_or(UnpackError::Damaged)?;
    let content = match entry.method {
        0 => Cow::Borrowed(packed),
        8 => Cow::Owned(inflate(DeflateDecoder::new(packed), entry.size, bytes_max)?),
        _ => return Err(UnpackError::UnknownMethod),
    };
    if content.len() != entry.size {
        return Err(UnpackError::WrongSize);
    }
    let mut checksum = Crc::new();
    checksum.update(&content);
    if checksum.sum() != entry.checksum {
        return Err(UnpackError::WrongChecksum);
    }
    Ok(content)
}

/// The directory's one entry that is a file.
fn only_file(bytes: &[u8]) -> Result<Entry, UnpackError> {
    let end = end_of_directory(bytes).ok_or(UnpackError::NoDirectory)?;
    let entries = u16_at(bytes, end + 10).ok_or(UnpackError::Damaged)?;
    let start = u32_at(bytes, end + 16).ok_or(UnpackError::Damaged)?;
    if entries == u16::MAX || start == u32::MAX {
        return Err(UnpackError::Zip64);
    }
    let mut offset = start as usize;
    let mut file = None;
    for _ in 0..entries {
        let (entry, next) = entry_at(bytes, offset).ok_or(UnpackError::Damaged)?;
        offset = next;
        if entry.is_directory {
            continue;
        }
        if entry.size == u32::MAX as usize || entry.packed_size == u32::MAX as usize {
            return Err(UnpackError::Zip64);
        }
        if file.replace(entry).is_some() {
            return Err(UnpackError::SeveralFiles);
        }
    }
    file.ok_or(UnpackError::Empty)
}

/// Where the end-of-directory record is: the last one whose comment ends with the file.
fn end_of_directory(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(END_SIZE)?;
    (last.saturating_sub(COMMENT_SIZE_MAX)..=last).rev().find(|&at| {
        bytes[at..].starts_with(b"PK\x05\x06")
            && u16_at(bytes, at + 20)
                .is_some_and(|comment| at + END_SIZE + usize::from(comment) == bytes.len())
    })
}

/// The entry at `at`, and where the next one starts.
fn entry_at(bytes: &[u8], at: usize) -> Option<(Entry, usize)> {
    let head = bytes.get(at..at.checked_add(ENTRY_SIZE)?)?;
    if !head.starts_with(b"PK\x01\x02") {
        return None;
    }
    let size_at = |offset| u16_at(head, offset).map(usize::from);
    let name_end = ENTRY_SIZE + size_at(28)?;
    let name = bytes.get(at + ENTRY_SIZE..at + name_end)?;
    let entry = Entry {
        flags: u16_at(head, 8)?,
        method: u16_at(head, 10)?,
        checksum: u32_at(head, 16)?,
        packed_size: u32_at(head, 20)? as usize,
        size: u32_at(head, 24)? as usize,
        local_offset: u32_at(head, 42)? as usize,
        is_directory: name.ends_with(b"/"),
    };
    Some((entry, at + name_end + size_at(30)? + size_at(32)?))
}

/// The bytes of an entry, behind its local header, whose name and extra field may differ in length
/// from the directory's.
fn packed_bytes<'a>(bytes: &'a [u8], entry: &Entry) -> Option<&'a [u8]> {
    let local = bytes.get(entry.local_offset..)?;
    if !local.starts_with(b"PK\x03\x04") {
        return None;
    }
    let start = LOCAL_SIZE + usize::from(u16_at(local, 26)?) + usize::from(u16_at(local, 28)?);
    local.get(start..start.checked_add(entry.packed_size)?)
}

/// Reads all of `source`, but no more than `bytes_max`. `size` is how much to expect; the room
/// made beforehand is bounded, since the number may be a lie.
fn inflate(source: impl Read, size: usize, bytes_max: usize) -> Result<Vec<u8>, UnpackError> {
    let mut content = Vec::with_capacity(size.min(16 << 20));
    source
        .take((bytes_max as u64).saturating_add(1))
        .read_to_end(&mut content)
        .map_err(|_| UnpackError::BadData)?;
    if content.len() > bytes_max { Err(UnpackError::TooLarge) } else { Ok(content) }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
