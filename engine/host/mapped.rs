//! A file mapped for reading.
//!
//! Unsafe island: one call, argued where it is made.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// A file's bytes, read as they are needed. An empty file has none.
pub(crate) struct MappedFile(Option<Mmap>);

impl MappedFile {
    pub(crate) fn new(file: &File) -> io::Result<Self> {
        if file.metadata()?.len() == 0 {
            return Ok(Self(None));
        }
        // SAFETY: the mapping is private and read only. A capture is a finished file; a process
        // that cuts it short meanwhile can end this one with a bus error, which is the documented
        // price of mapping and no worse than a read error in the middle of a replay.
        let map = unsafe { Mmap::map(file) }?;
        Ok(Self(Some(map)))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}
