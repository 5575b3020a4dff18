//! The two files that say what a session begins with, read but not yet held against its instruments,
//! strategies and accounts.

use std::path::Path;

use tezi_core::venue::Date;
use tezi_core::{CorporateActionKind, Ratio};
use tezi_model::{Px, Segment, Token};

use super::table::{self, Fault, Row};
use crate::error::Error;

/// Columns of a file of positions, in the order in which one is written.
pub(crate) const POSITIONS: [&str; 10] = [
    "segment",
    "token",
    "instrument",
    "strategy",
    "account",
    "quantity",
    "price",
    "close",
    "date",
    "as_of",
];
/// Columns of a file of corporate actions.
const ACTIONS: [&str; 4] = ["instrument", "ex_date", "ratio", "kind"];

/// An instrument as a file names it: by segment and token, by name, or by both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) token: Option<(Segment, Token)>,
    /// Narrows a name that several exchanges have.
    pub(crate) segment: Option<Segment>,
    /// Empty where the token says it.
    pub(crate) name: String,
}

/// A line of a file of positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PositionRow {
    pub(crate) line: usize,
    pub(crate) instrument: Named,
    pub(crate) strategy: String,
    pub(crate) account: String,
    pub(crate) net: i64,
    pub(crate) price: Px,
    pub(crate) close: Option<Px>,
    pub(crate) date: Option<Date>,
    pub(crate) as_of: Option<Date>,
}

/// A line of a file of corporate actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ActionRow {
    pub(crate) line: usize,
    /// A contract's name, `SEGMENT:TOKEN`, or a symbol: then everything on that symbol.
    pub(crate) instrument: String,
    pub(crate) ex_date: Date,
    pub(crate) ratio: Ratio,
    pub(crate) kind: CorporateActionKind,
    /// The ratio as it was written.
    pub(crate) text: String,
}

/// Reads a file of positions.
///
/// # Errors
///
/// [`Error::File`], and [`Error::Parameter`] with every line that is wrong by itself.
pub(crate) fn positions(path: &Path) -> Result<Vec<PositionRow>, Error> {
    table::read(path, &POSITIONS, position)
}

/// Reads a file of corporate actions.
///
/// # Errors
///
/// As [`positions`].
pub(crate) fn actions(path: &Path) -> Result<Vec<ActionRow>, Error> {
    table::read(path, &ACTIONS, action)
}

/// A segment by its name.
pub(crate) fn segment(name: &str) -> Option<Segment> {
    Segment::ALL.into_iter().find(|it| it.name() == name)
}

pub(crate) fn position(row: &Row<'_>) -> Result<PositionRow, Fault> {
    const DAY: &str = "date as YYYY-MM-DD";
    const PRICE: &str = "price above 0 in rupees, with at most 8 decimals";
    let segment = row.parse("segment", "segment", segment)?;
    let token = row.parse("token", "token", |text| text.parse().ok().map(Token))?;
    let name = row.text("instrument").to_string();
    let token = match (segment, token) {
        (Some(segment), Some(token)) => Some((segment, token)),
        (None, Some(_)) => return Err(Fault::new(row.line, "segment: is missing")),
        _ => None,
    };
    if token.is_none() && name.is_empty() {
        let why = "names no instrument: segment and token, or the contract's name";
        return Err(Fault::new(row.line, why));
    }
    let units = |text: &str| text.parse().ok().filter(|units| *units != 0);
    let rule = "whole number of units other than 0";
    Ok(PositionRow {
        line: row.line,
        instrument: Named { token, segment, name },
        strategy: row.text("strategy").to_string(),
        account: row.text("account").to_string(),
        net: row.need("quantity", rule, units)?,
        price: row.need("price", PRICE, table::price)?,
        close: row.parse("close", PRICE, table::price)?,
        date: row.parse("date", DAY, Date::parse)?,
        as_of: row.parse("as_of", DAY, Date::parse)?,
    })
}

pub(crate) fn action(row: &Row<'_>) -> Result<ActionRow, Fault> {
    let kind = |text: &str| CorporateActionKind::ALL.into_iter().find(|it| it.name() == text);
    let rule = "kind: split, bonus and consolidation are";
    let kind = row.need("kind", rule, kind)?;
    let terms = |text: &str| {
        let (after, before) = text.split_once(':')?;
        let [after, before]: [u32; 2] = [after.trim().parse().ok()?, before.trim().parse().ok()?];
        (after > 0 && before > 0).then_some((after, before))
    };
    let terms = row.need("ratio", "ratio A:B of two whole numbers above 0", terms)?;
    let text = format!("{}:{}", terms.0, terms.1);
    let wrong = |why: &str| Fault::new(row.line, format!("ratio: {text} {why}"));
    let ratio = match kind {
        // New shares for those held, which stay.
        CorporateActionKind::Bonus => {
            let after = terms.0.checked_add(terms.1).ok_or_else(|| wrong("is too large"))?;
            Ratio::new(after, terms.1)
        }
        CorporateActionKind::Split if terms.0 <= terms.1 => {
            return Err(wrong("is no split, which makes more units: A for every B"));
        }
        CorporateActionKind::Consolidation if terms.0 >= terms.1 => {
            return Err(wrong("is no consolidation, which makes fewer units: A for every B"));
        }
        CorporateActionKind::Split | CorporateActionKind::Consolidation => {
            Ratio::new(terms.0, terms.1)
        }
    };
    let named = |text: &str| Some(text.to_string());
    Ok(ActionRow {
        line: row.line,
        instrument: row.need("instrument", "instrument", named)?,
        ex_date: row.need("ex_date", "date as YYYY-MM-DD", Date::parse)?,
        ratio: ratio.ok_or_else(|| wrong("is no ratio"))?,
        kind,
        text,
    })
}
