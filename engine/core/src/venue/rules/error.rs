//! Why rule files are refused, and what a lookup says when there is no row.

use core::fmt;

use crate::venue::Date;

/// A fault of a rule file: where it is and what is wrong. Nothing of the files is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// The name the file was given.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The column at fault.
    pub field: &'static str,
    /// What is wrong with it.
    pub fault: RuleFault,
}

/// What can be wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleFault {
    /// The first line that is no comment does not name the columns.
    Header,
    /// Not the right number of columns.
    Columns(usize),
    /// A quotation mark is open at the end of the line, or stands inside a field.
    Quotes,
    /// No such key.
    UnknownKey(String),
    /// A scope that is empty or has an empty part.
    Scope(String),
    /// Not a date.
    Date(String),
    /// The row ends before it begins.
    Reversed,
    /// The value is not of the key's shape.
    Value {
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// Not H, MH, M or L.
    Confidence(String),
    /// The field is empty.
    Empty,
    /// Another row of the same files holds for the same key, scope and date.
    Overlap {
        /// The name of its file.
        file: String,
        /// Its line.
        line: u32,
    },
    /// After this row and before the next the key has no value.
    Gap {
        /// The first date without one.
        from: Date,
        /// The last one, [`Date::MAX`] when no row follows.
        to: Date,
    },
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file, self.line, self.field, self.fault)
    }
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => write!(f, "the columns are {}", super::COLUMNS.join(",")),
            Self::Columns(found) => {
                write!(f, "{found} columns, there must be {}", super::COLUMNS.len())
            }
            Self::Quotes => f.write_str("a quotation mark without its partner"),
            Self::UnknownKey(name) => write!(f, "no rule is called `{name}`"),
            Self::Scope(scope) => write!(f, "`{scope}` is no scope such as `*` or `NSE/fo/NIFTY`"),
            Self::Date(text) => write!(f, "`{text}` is no date such as 2026-08-03"),
            Self::Reversed => f.write_str("the row ends before it begins"),
            Self::Value { found, expected } => write!(f, "`{found}`, expected {expected}"),
            Self::Confidence(text) => write!(f, "`{text}` is not H, MH, M or L"),
            Self::Empty => f.write_str("must not be empty"),
            Self::Overlap { file, line } => write!(f, "the period overlaps that of {file}:{line}"),
            Self::Gap { from, to } if *to == Date::MAX => {
                write!(f, "the rule must always have a value, and has none from {from} on")
            }
            Self::Gap { from, to } => {
                write!(f, "the rule must always have a value, and has none from {from} to {to}")
            }
        }
    }
}

impl core::error::Error for RuleError {}

/// No row holds: what was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingRule {
    /// The key.
    pub key: &'static str,
    /// The scope; its general parts were looked at too.
    pub scope: String,
    /// The date.
    pub date: Date,
}

impl fmt::Display for MissingRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no row of `{}` holds for {} on {}", self.key, self.scope, self.date)
    }
}

impl core::error::Error for MissingRule {}
