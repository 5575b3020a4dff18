//! The manifest: one line a segment, each ending with its link of the chain.

use std::fmt::Write as _;
use std::path::Path;

use tezi_model::Nanos;

use crate::{ArchiveError, Digest, Fault};

/// The manifest's name in an archive.
pub const MANIFEST_NAME: &str = "manifest.txt";

const FORMAT: &str = "tezi-archive 1";

/// What an archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The journal's own number.
    pub session_id: u64,
    /// How many years it is to be kept.
    pub retain_years: u16,
    /// The journal's segments, in order.
    pub segments: Vec<Segment>,
    /// The records in them.
    pub span: Span,
    /// The last link of the chain: it stands for every byte of the journal.
    pub seal: Digest,
}

/// One segment of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its file name in the journal.
    pub name: String,
    /// Its size there.
    pub bytes: u64,
    /// Of its bytes there.
    pub digest: Digest,
    /// Its size in the archive.
    pub packed_bytes: u64,
    /// Of its bytes in the archive.
    pub packed_digest: Digest,
}

/// Which records a journal holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// How many.
    pub records: u64,
    /// Time of the first, 0 without one.
    pub first: Nanos,
    /// Time of the last, 0 without one.
    pub last: Nanos,
}

impl Segment {
    /// Its file name in the archive.
    #[must_use]
    pub fn packed_name(&self) -> String {
        format!("{}.zst", self.name)
    }

    fn line(&self) -> String {
        let Self { name, bytes, digest, packed_bytes, packed_digest } = self;
        format!("segment {name} {bytes} {digest} {packed_bytes} {packed_digest}")
    }
}

impl Manifest {
    /// A manifest with its seal, of what was packed.
    pub(crate) fn seal(
        session_id: u64,
        retain_years: u16,
        segments: Vec<Segment>,
        span: Span,
    ) -> Self {
        let mut manifest = Self { session_id, retain_years, segments, span, seal: Digest([0; 32]) };
        manifest.seal = manifest.write().1;
        manifest
    }

    /// Bytes of the journal.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Bytes of its segments in the archive.
    #[must_use]
    pub fn packed_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.packed_bytes).sum()
    }

    /// The text of its file, and the last link in it.
    #[must_use]
    pub fn write(&self) -> (String, Digest) {
        let (head, mut chain) = (self.head(), Digest::of(self.head().as_bytes()));
        let mut text = head;
        for line in self.segments.iter().map(Segment::line).chain([self.end()]) {
            chain = chain.link(&line);
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{line} {chain}");
        }
        (text, chain)
    }

    fn head(&self) -> String {
        let Self { session_id, retain_years, .. } = self;
        format!("{FORMAT}\nsession {session_id:016x}\nretain-years {retain_years}\n")
    }

    fn end(&self) -> String {
        let Span { records, first, last } = self.span;
        format!("end {} {records} {} {}", self.segments.len(), first.0, last.0)
    }

    /// Reads a manifest and checks its chain.
    ///
    /// # Errors
    ///
    /// [`Fault`] names the first line that is not as it was written.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let manifest = parse(text)?;
        // A number has one way to be written: another one would not be seen in the chain.
        let written = manifest.write().0;
        let pairs = (1..).zip(text.split('\n').zip(written.split('\n')));
        match pairs.into_iter().find(|(_, (found, written))| found != written) {
            Some((line, _)) => Err(Fault::Line { line, expected: "as it is written" }),
            None => Ok(manifest),
        }
    }

    /// As [`Manifest::parse`]; `path` is what errors name.
    pub(crate) fn read(path: &Path, text: &str) -> Result<Self, ArchiveError> {
        Self::parse(text).map_err(|fault| ArchiveError::fault(path, fault))
    }
}

fn parse(text: &str) -> Result<Manifest, Fault> {
    let mut lines = (1..).zip(text.split_inclusive('\n'));
    let mut next = || match lines.next() {
        Some((number, line)) => {
            line.strip_suffix('\n').map(|line| (number, line)).ok_or(Fault::Unfinished)
        }
        None => Err(Fault::Unfinished),
    };
    let (line, format) = next()?;
    if format != FORMAT {
        return Err(Fault::Line { line, expected: FORMAT });
    }
    let (line, session) = next()?;
    let session_id = session
        .strip_prefix("session ")
        .filter(|digits| digits.len() == 16)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or(Fault::Line { line, expected: "session and 16 digits" })?;
    let (line, retain) = next()?;
    let retain_years = retain
        .strip_prefix("retain-years ")
        .and_then(|years| years.parse().ok())
        .ok_or(Fault::Line { line, expected: "retain-years and a number" })?;
    let span = Span::default();
    let mut manifest =
        Manifest { session_id, retain_years, segments: Vec::new(), span, seal: Digest([0; 32]) };
    let mut chain = Digest::of(manifest.head().as_bytes());
    loop {
        let (line, text) = next()?;
        let expected = "a segment or the end, and its link";
        let wrong = Fault::Line { line, expected };
        let (body, link) = text.rsplit_once(' ').ok_or_else(|| wrong.clone())?;
        chain = chain.link(body);
        if Digest::parse(link).ok_or_else(|| wrong.clone())? != chain {
            return Err(Fault::Chain { line });
        }
        let words: Vec<&str> = body.split(' ').collect();
        match words[..] {
            ["segment", ..] => manifest.segments.push(segment(&words).ok_or(wrong)?),
            ["end", count, records, first, last] => {
                let is_all = count.parse() == Ok(manifest.segments.len());
                let span = is_all.then(|| span_of(records, first, last)).flatten();
                manifest.span = span.ok_or_else(|| wrong.clone())?;
                manifest.seal = chain;
                return if next().is_ok() { Err(wrong) } else { Ok(manifest) };
            }
            _ => return Err(wrong),
        }
    }
}

fn segment(words: &[&str]) -> Option<Segment> {
    let ["segment", name, bytes, digest, packed_bytes, packed_digest] = words[..] else {
        return None;
    };
    // A name leads nowhere but into the directory itself.
    let is_plain = name
        .strip_suffix(".tzj")
        .is_some_and(|stem| stem.len() == 8 && stem.bytes().all(|byte| byte.is_ascii_digit()));
    is_plain.then_some(())?;
    Some(Segment {
        name: name.into(),
        bytes: bytes.parse().ok()?,
        digest: Digest::parse(digest)?,
        packed_bytes: packed_bytes.parse().ok()?,
        packed_digest: Digest::parse(packed_digest)?,
    })
}

fn span_of(records: &str, first: &str, last: &str) -> Option<Span> {
    Some(Span {
        records: records.parse().ok()?,
        first: Nanos(first.parse().ok()?),
        last: Nanos(last.parse().ok()?),
    })
}
