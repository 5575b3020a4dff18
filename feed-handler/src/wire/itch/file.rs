//! Files of raw messages, each behind its length: the form the exchange publishes whole days in.
//!
//! Source: "NASDAQ BinaryFILE" 1.00. A big-endian length of two bytes, that many bytes, and so on;
//! a length of 0 ends the session. A file without that end was cut, be it between messages.

use core::fmt;

const LENGTH_SIZE: usize = 2;

/// Why a file cannot be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileError {
    /// The file ends inside a message or its length. The messages before it were given out.
    Truncated {
        /// The message's index, from 0.
        index: u64,
        /// Where its length begins in the file.
        offset: usize,
        /// Bytes it needs, length included, as far as known.
        needed: usize,
        /// Bytes there are.
        available: usize,
    },
    /// Bytes follow the end of the session.
    AfterEnd {
        /// Messages before it.
        index: u64,
        /// Where the bytes begin in the file.
        offset: usize,
        /// How many there are.
        available: usize,
    },
}

impl FileError {
    /// A name for programs, in snake case.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "truncated",
            Self::AfterEnd { .. } => "after_end",
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { index, offset, needed, available } => write!(
                f,
                "the file ends inside message {index} at byte {offset}: {needed} bytes are needed, \
                 {available} are there"
            ),
            Self::AfterEnd { index, offset, available } => write!(
                f,
                "{available} bytes follow the end of the session, which is after message {index} \
                 at byte {offset}"
            ),
        }
    }
}

impl core::error::Error for FileError {}

/// One message of a file, not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMessage<'a> {
    /// Counts from 0; its number in the stream is one more.
    pub index: u64,
    /// Where its length begins in the file.
    pub offset: usize,
    /// The message, for [`super::decode`].
    pub bytes: &'a [u8],
}

/// The messages of a file, in order; after an error, nothing.
#[derive(Clone, Debug)]
pub struct FileReader<'a> {
    rest: &'a [u8],
    offset: usize,
    index: u64,
    is_complete: bool,
}

impl<'a> FileReader<'a> {
    /// Begins to read.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset: 0, index: 0, is_complete: false }
    }

    /// Whether the end of the session was read. A file without it holds the start of a day.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Messages given out.
    #[must_use]
    pub const fn messages_read(&self) -> u64 {
        self.index
    }

    #[cold]
    fn truncated(&mut self) -> FileError {
        let rest = core::mem::take(&mut self.rest);
        let length =
            rest.first_chunk().map_or(0, |&length| usize::from(u16::from_be_bytes(length)));
        FileError::Truncated {
            index: self.index,
            offset: self.offset,
            needed: LENGTH_SIZE + length,
            available: rest.len(),
        }
    }

    #[cold]
    fn end(&mut self, rest: &[u8]) -> Option<Result<FileMessage<'a>, FileError>> {
        self.is_complete = true;
        self.rest = &[];
        self.offset += LENGTH_SIZE;
        let (index, offset, available) = (self.index, self.offset, rest.len());
        (available > 0).then_some(Err(FileError::AfterEnd { index, offset, available }))
    }
}

impl<'a> Iterator for FileReader<'a> {
    type Item = Result<FileMessage<'a>, FileError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let Some((&length, rest)) = self.rest.split_first_chunk::<LENGTH_SIZE>() else {
            return if self.rest.is_empty() { None } else { Some(Err(self.truncated())) };
        };
        let length = usize::from(u16::from_be_bytes(length));
        if length == 0 {
            return self.end(rest);
        }
        let Some((bytes, rest)) = rest.split_at_checked(length) else {
            return Some(Err(self.truncated()));
        };
        let message = FileMessage { index: self.index, offset: self.offset, bytes };
        self.rest = rest;
        self.offset += LENGTH_SIZE + length;
        self.index += 1;
        Some(Ok(message))
    }
}
