//! Dated rules: every number that an exchange or a regulator changes, with its dates and source.
//!
//! Rows are CSV (`engine/core/rules/*.csv` are built in; `docs/operating/rules.md` says how to add
//! or overlay them). The text is checked whole at load: an unknown key, a malformed value, two rows
//! for one date or a gap where there must be none refuses the file and names its line. A lookup is
//! typed by its key, costs O(log rows) for each part of the scope, and belongs to the start of a
//! day: what runs during the day keeps the values.

mod csv;
mod error;
pub mod key;
mod load;
mod steps;
#[cfg(test)]
mod tests;
mod times;
mod value;

pub use error::{MissingRule, RuleError, RuleFault};
pub use key::{Key, KeySpec};
pub use steps::{BreakerLevel, FlexStep, FlexSteps, HaltLength, Steps};
pub use times::{ClosingTimes, DayKind, PreOpenTimes, Window};
pub use value::{AllocationOrder, AutoFlex, FlexEvidence, MarketWideLimit, RuleValue, Value};

use crate::venue::Date;

/// The columns of a rule file, in order.
pub const COLUMNS: [&str; 8] =
    ["key", "scope", "value", "effective_from", "effective_to", "source", "confidence", "note"];

/// The files that come with the engine: (name, text).
pub const BUILTIN: &[(&str, &str)] = &[
    ("rules/calendar.csv", include_str!("../../../rules/calendar.csv")),
    ("rules/sessions.csv", include_str!("../../../rules/sessions.csv")),
    ("rules/contracts.csv", include_str!("../../../rules/contracts.csv")),
    ("rules/bands.csv", include_str!("../../../rules/bands.csv")),
    ("rules/limits.csv", include_str!("../../../rules/limits.csv")),
    ("rules/margins.csv", include_str!("../../../rules/margins.csv")),
    ("rules/charges.csv", include_str!("../../../rules/charges.csv")),
];

/// How sure a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// A choice or a memory: verify it before it costs money (`L`).
    Low,
    /// One secondary source (`M`).
    Medium,
    /// Between the two (`MH`).
    MediumHigh,
    /// The circular itself, or several independent sources (`H`).
    High,
}

impl Confidence {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "L" => Some(Self::Low),
            "M" => Some(Self::Medium),
            "MH" => Some(Self::MediumHigh),
            "H" => Some(Self::High),
            _ => None,
        }
    }
}

/// One rule over one period.
#[derive(Clone, Debug)]
pub struct Row {
    /// The name of its key.
    pub key: &'static str,
    /// Where it holds.
    pub scope: Box<str>,
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// What holds.
    pub value: Value,
    /// The circular or page it is from.
    pub source: Box<str>,
    /// How sure that is.
    pub confidence: Confidence,
    /// What else to know.
    pub note: Box<str>,
    /// The file it stands in.
    pub file: Box<str>,
    /// The line of the file, counted from 1.
    pub line: u32,
}

impl Row {
    fn name(&self) -> (&'static str, &str) {
        (self.key, &self.scope)
    }
}

/// All rules, looked up by key, scope and date.
///
/// # Invariants
///
/// - `rows` rises strictly in (key, scope, first day).
/// - No two rows of a key and scope hold on one day.
#[derive(Clone, Debug)]
pub struct Rules {
    rows: Vec<Row>,
}

impl Rules {
    /// The rules that come with the engine.
    ///
    /// # Errors
    ///
    /// The first fault found; a test proves that there is none.
    pub fn builtin() -> Result<Self, RuleError> {
        Self::load(BUILTIN, &[])
    }

    /// The rules that come with the engine, with a user's files (name, text) laid over them.
    ///
    /// # Errors
    ///
    /// The first fault found. Nothing is taken then.
    pub fn with_overlays(overlays: &[(&str, &str)]) -> Result<Self, RuleError> {
        Self::load(BUILTIN, overlays)
    }

    /// Loads `base` as one set of rows, then lays each of `overlays` over what stands, in order. A
    /// row of an overlay takes the place of rows of the same key and scope for the days it holds;
    /// outside these days they stand as before.
    ///
    /// # Errors
    ///
    /// The first fault found: of a line, of two rows within `base` or within one overlay that hold
    /// on one day, or of a gap left at the end. Nothing is taken then.
    pub fn load(base: &[(&str, &str)], overlays: &[(&str, &str)]) -> Result<Self, RuleError> {
        let mut rows = load::read_layer(base)?;
        for overlay in overlays {
            rows = load::lay_over(rows, &load::read_layer(&[*overlay])?);
        }
        load::check_gaps(&rows)?;
        let rules = Self { rows };
        debug_assert!(rules.is_consistent(), "rows rise and do not overlap");
        Ok(rules)
    }

    /// What `key` says for `scope` on `date`. Where `scope` itself has no row, its general parts
    /// have a say: `NSE/fo/NIFTY`, then `NSE/fo`, `NSE`, and `*`.
    ///
    /// # Errors
    ///
    /// [`MissingRule`] when no row holds.
    pub fn get<T: RuleValue>(
        &self,
        key: Key<T>,
        scope: &str,
        date: Date,
    ) -> Result<&T, MissingRule> {
        self.find(key, scope, date).ok_or_else(|| MissingRule {
            key: key.name(),
            scope: scope.to_owned(),
            date,
        })
    }

    /// As [`Rules::get`], for a rule that need not hold.
    #[must_use]
    pub fn find<T: RuleValue>(&self, key: Key<T>, scope: &str, date: Date) -> Option<&T> {
        self.row(key.name(), scope, date).and_then(|row| T::of(&row.value))
    }

    /// The row that answers a lookup: for its source and how sure it is.
    #[must_use]
    pub fn row(&self, key: &str, scope: &str, date: Date) -> Option<&Row> {
        let mut scope = scope;
        loop {
            if let Some(row) = self.row_of_scope(key, scope, date) {
                return Some(row);
            }
            scope = match scope.rfind('/') {
                Some(end) => &scope[..end],
                None if scope != "*" => "*",
                None => return None,
            };
        }
    }

    /// Every row, by key, scope and date.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Checks every invariant by brute force. For tests; O(rows).
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        self.rows.iter().all(|row| row.from <= row.to)
            && self.rows.windows(2).all(|pair| {
                let [first, second] = pair else { return true };
                first.name() < second.name()
                    || (first.name() == second.name() && first.to < second.from)
            })
    }

    fn row_of_scope(&self, key: &str, scope: &str, date: Date) -> Option<&Row> {
        let after =
            self.rows.partition_point(|row| (row.key, &*row.scope, row.from) <= (key, scope, date));
        let row = &self.rows[after.checked_sub(1)?];
        (row.key == key && &*row.scope == scope && date <= row.to).then_some(row)
    }
}
