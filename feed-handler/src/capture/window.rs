//! The bytes of a capture: the file as it lies in memory, or a window that slides over what is
//! decompressed from it.
//!
//! Only the bytes of one record or block must be there at once, so a compressed capture of any size
//! needs one mebibyte, or the largest block it contains, beside the decoder's own state.

use super::error::{CaptureError, Compression, StreamFault};
use super::gzip::{self, Gzip};
use super::reader::CaptureConfig;
use super::zstd::{self, Zstd};

/// How much is decompressed at once.
const CHUNK_SIZE: usize = 1 << 20;

/// What a decoder gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    /// The next bytes, at least one.
    Bytes(usize),
    /// There are no more.
    End,
    /// There may have been more.
    Fault(StreamFault),
}

enum Decoder<'a> {
    Gzip(Box<Gzip<'a>>),
    Zstd(Box<Zstd<'a>>),
}

impl Decoder<'_> {
    fn read(&mut self, out: &mut [u8]) -> Decoded {
        match self {
            Self::Gzip(gzip) => gzip.read(out),
            Self::Zstd(zstd) => zstd.read(out),
        }
    }

    fn position(&self) -> usize {
        match self {
            Self::Gzip(gzip) => gzip.position(),
            Self::Zstd(zstd) => zstd.position(),
        }
    }

    const fn compression(&self) -> Compression {
        match self {
            Self::Gzip(_) => Compression::Gzip,
            Self::Zstd(_) => Compression::Zstd,
        }
    }
}

/// What was decompressed last.
struct Sliding<'a> {
    decoder: Decoder<'a>,
    buffer: Vec<u8>,
    /// How much of the buffer holds bytes.
    filled: usize,
    /// Where the buffer begins in the decompressed capture.
    base: u64,
    decompressed: u64,
    decompressed_max: u64,
    /// Set once: no more bytes will come.
    end: Option<Result<(), StreamFault>>,
}

impl Sliding<'_> {
    /// Drops the bytes before `position` and decompresses until `needed` are there, or no more come.
    fn fill(&mut self, position: usize, needed: usize) {
        self.buffer.copy_within(position..self.filled, 0);
        self.filled -= position;
        self.base += position as u64;
        if self.buffer.len() < needed {
            self.buffer.resize(needed, 0);
        }
        while self.filled < needed && self.end.is_none() {
            match self.decoder.read(&mut self.buffer[self.filled..]) {
                Decoded::Bytes(size) => self.take(size),
                Decoded::End => self.end = Some(Ok(())),
                Decoded::Fault(fault) => self.end = Some(Err(fault)),
            }
        }
    }

    fn take(&mut self, size: usize) {
        let allowed = (self.decompressed_max - self.decompressed).min(size as u64);
        self.decompressed += allowed;
        self.filled += allowed as usize;
        if allowed < size as u64 {
            self.end = Some(Err(StreamFault::TooLarge));
        }
    }

    fn fault(&self) -> Option<CaptureError> {
        let Some(Err(fault)) = self.end else { return None };
        Some(CaptureError::Compressed {
            compression: self.decoder.compression(),
            offset: self.decoder.position() as u64,
            decompressed: self.decompressed,
            fault,
        })
    }
}

enum Source<'a> {
    Whole(&'a [u8]),
    Sliding(Sliding<'a>),
}

/// A capture's bytes, and how far they were read.
///
/// # Invariants
///
/// - `position` is never beyond the bytes that are there.
pub(super) struct Window<'a> {
    source: Source<'a>,
    position: usize,
}

impl<'a> Window<'a> {
    /// Recognises a compressed file by its first bytes.
    pub(super) fn new(bytes: &'a [u8], config: &CaptureConfig) -> Self {
        let decoder = match bytes.first_chunk::<4>() {
            Some(&magic) if magic == zstd::MAGIC || zstd::is_skippable(magic) => {
                Some(Decoder::Zstd(Box::new(Zstd::new(bytes, config.zstd_window_size_max))))
            }
            _ if bytes.starts_with(&gzip::MAGIC) => Some(Decoder::Gzip(Box::new(Gzip::new(bytes)))),
            _ => None,
        };
        let sliding = |decoder| Sliding {
            decoder,
            buffer: vec![0; CHUNK_SIZE],
            filled: 0,
            base: 0,
            decompressed: 0,
            decompressed_max: config.decompressed_size_max,
            end: None,
        };
        let source = match decoder {
            Some(decoder) => Source::Sliding(sliding(decoder)),
            None => Source::Whole(bytes),
        };
        Self { source, position: 0 }
    }

    /// How the file is compressed.
    pub(super) fn compression(&self) -> Option<Compression> {
        match &self.source {
            Source::Whole(_) => None,
            Source::Sliding(sliding) => Some(sliding.decoder.compression()),
        }
    }

    /// The bytes that are there, those already read included. They move when the window is filled.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.source {
            Source::Whole(bytes) => bytes,
            Source::Sliding(sliding) => &sliding.buffer[..sliding.filled],
        }
    }

    /// How many of [`bytes`](Self::bytes) were read.
    #[inline]
    pub(super) const fn position(&self) -> usize {
        self.position
    }

    /// The bytes that are there and not yet read.
    #[inline]
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes()[self.position..]
    }

    /// Where [`rest`](Self::rest) begins in the capture.
    #[inline]
    pub(super) fn offset(&self) -> u64 {
        let base = match &self.source {
            Source::Whole(_) => 0,
            Source::Sliding(sliding) => sliding.base,
        };
        base + self.position as u64
    }

    /// Takes bytes of [`rest`](Self::rest) as read.
    #[inline]
    pub(super) fn consume(&mut self, size: usize) {
        debug_assert!(size <= self.rest().len(), "only bytes that are there are read");
        self.position += size;
    }

    /// Whether `needed` bytes are not yet read, after getting them if possible.
    pub(super) fn fill(&mut self, needed: usize) -> bool {
        if self.rest().len() >= needed {
            return true;
        }
        if let Source::Sliding(sliding) = &mut self.source {
            sliding.fill(self.position, needed);
            self.position = 0;
        }
        self.rest().len() >= needed
    }

    /// Why no more bytes come, when it is not the end of the file.
    pub(super) fn fault(&self) -> Option<CaptureError> {
        match &self.source {
            Source::Whole(_) => None,
            Source::Sliding(sliding) => sliding.fault(),
        }
    }
}
