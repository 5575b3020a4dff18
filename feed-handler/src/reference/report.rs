//! What loading a file says about itself: counts that add up, and a name for everything refused.

use core::fmt;

use crate::named::named_reasons;

use super::UnpackError;

named_reasons! {
    /// Why a line was refused. Codes are fixed.
    FaultReason {
        /// The line has fewer fields than its format.
        TooFewFields = 0, "too_few_fields", "has fewer fields than the format";
        /// A line or header of no known kind.
        UnknownRecord = 1, "unknown_record", "is no record of this format";
        /// A value the instrument cannot do without is empty, or says "none".
        Missing = 2, "missing", "is not given";
        /// The text is no number of the kind needed.
        NotANumber = 3, "not_a_number", "is not a number";
        /// A number outside what the field may hold.
        OutOfRange = 4, "out_of_range", "is out of range";
        /// A price with more decimals than the price unit has.
        TooFine = 5, "too_fine", "has more than eight decimals";
        /// The text is no date of the calendar.
        NotADate = 6, "not_a_date", "is not a date";
        /// A code that the document does not list.
        UnknownCode = 7, "unknown_code", "is not a known code";
        /// A text longer than the model holds; cutting it could make two names one.
        TooLong = 8, "too_long", "is too long";
        /// A range whose low end is above its high end.
        InvertedRange = 9, "inverted_range", "is a range upside down";
        /// The same instrument a second time; the first line counts.
        Duplicate = 10, "duplicate", "is there a second time";
    }
}

/// A line that was refused: where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFault {
    /// The line, counted from 1.
    pub line: usize,
    /// The field, as the exchange's document names it.
    pub field: &'static str,
    /// What stands there, cut to 48 bytes.
    pub value: Box<str>,
    /// What is wrong with it.
    pub reason: FaultReason,
}

impl LineFault {
    #[cold]
    pub(super) fn new(line: usize, field: &'static str, value: &[u8], reason: FaultReason) -> Self {
        let cut = &value[..value.len().min(48)];
        Self { line, field, value: String::from_utf8_lossy(cut).into(), reason }
    }
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {} {:?} {}", self.line, self.field, self.value, self.reason)
    }
}

/// What to do with a line that is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Refuse the file at the first one.
    #[default]
    Strict,
    /// Skip it, count it, and keep the first few in the report.
    Lenient,
}

/// What became of a file's lines.
///
/// # Invariants
///
/// `lines == loaded + spreads + set_aside + skipped`, checked by [`LoadReport::adds_up`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Lines after the header that are not blank.
    pub lines: usize,
    /// Lines that became an instrument.
    pub loaded: usize,
    /// Lines that became a spread.
    pub spreads: usize,
    /// Sound lines that stand for nothing tradable: contracts marked as deleted, and a broker's
    /// spreads, which do not name their legs.
    pub set_aside: usize,
    /// Lines that were wrong.
    pub skipped: usize,
    /// The first of them, at most as many as the options say.
    pub faults: Vec<LineFault>,
    /// How many records the header promises, of a file that does.
    pub declared: Option<usize>,
}

impl LoadReport {
    /// Whether every line is accounted for.
    #[must_use]
    pub const fn adds_up(&self) -> bool {
        self.lines == self.loaded + self.spreads + self.set_aside + self.skipped
    }

    /// Whether the file has as many records as its header promises; true when it promises none.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.declared.is_none_or(|declared| declared == self.lines)
    }
}

/// Why a file was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// Its zip or gzip wrapping could not be opened.
    Unpack(UnpackError),
    /// Its content is none of the known formats; how it starts.
    UnknownKind(Box<str>),
    /// The file does not say its segment, and the options say none that it can be of.
    SegmentNeeded,
    /// The header is wrong.
    Header(LineFault),
    /// A line is wrong, and the policy is strict.
    Line(LineFault),
    /// The header promises another number of records, and the policy is strict.
    CountMismatch {
        /// Records promised.
        declared: usize,
        /// Records there.
        found: usize,
    },
    /// More instruments or spreads than the options allow.
    TooMany {
        /// How many they allow.
        records_max: usize,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unpack(error) => write!(f, "cannot unpack: {error}"),
            Self::UnknownKind(start) => write!(f, "no known reference file: starts {start:?}"),
            Self::SegmentNeeded => {
                f.write_str("the file does not say its segment: one that has such files is needed")
            }
            Self::Header(fault) => write!(f, "header: {fault}"),
            Self::Line(fault) => write!(f, "{fault}"),
            Self::CountMismatch { declared, found } => {
                write!(f, "the header promises {declared} records, the file has {found}")
            }
            Self::TooMany { records_max } => write!(f, "more than {records_max} records"),
        }
    }
}

impl core::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unpack(error) => Some(error),
            Self::Header(fault) | Self::Line(fault) => Some(&fault.reason),
            _ => None,
        }
    }
}
