//! From the text of rule files to rows that neither overlap nor leave gaps.

use super::error::{RuleError, RuleFault};
use super::{COLUMNS, Confidence, Row, csv, key};
use crate::venue::Date;

/// The rows of files that stand side by side, sorted; overlaps are refused.
pub(super) fn read_layer(files: &[(&str, &str)]) -> Result<Vec<Row>, RuleError> {
    let mut rows = Vec::new();
    for (name, text) in files {
        read_file(name, text, &mut rows)?;
    }
    sort(&mut rows);
    for pair in rows.windows(2) {
        let [first, second] = pair else { continue };
        if first.name() == second.name() && second.from <= first.to {
            let other = (first.file.to_string(), first.line);
            let fault = RuleFault::Overlap { file: other.0, line: other.1 };
            return Err(error(&second.file, second.line, "effective_from", fault));
        }
    }
    Ok(rows)
}

/// Lays `over` on `under`: where both hold, `over` stays.
pub(super) fn lay_over(under: Vec<Row>, over: &[Row]) -> Vec<Row> {
    let mut rows = over.to_owned();
    for row in under {
        let mut left = Some(row);
        // `over` is sorted, so the periods that cut a row come in order of time.
        for cut in over {
            let Some(row) = left.take() else { break };
            if row.name() != cut.name() || cut.to < row.from || row.to < cut.from {
                left = Some(row);
                continue;
            }
            if row.from < cut.from {
                rows.push(Row { to: cut.from.plus_days(-1), ..row.clone() });
            }
            if cut.to < row.to {
                left = Some(Row { from: cut.to.plus_days(1), ..row });
            }
        }
        rows.extend(left);
    }
    sort(&mut rows);
    rows
}

/// Refuses days without a value after the first row of a complete key.
pub(super) fn check_gaps(rows: &[Row]) -> Result<(), RuleError> {
    for (index, row) in rows.iter().enumerate() {
        if row.to == Date::MAX || !key::spec(row.key).is_some_and(|spec| spec.complete) {
            continue;
        }
        let next = rows.get(index + 1).filter(|next| next.name() == row.name());
        let from = row.to.plus_days(1);
        let to = next.map_or(Date::MAX, |next| next.from.plus_days(-1));
        if from <= to {
            let fault = RuleFault::Gap { from, to };
            return Err(error(&row.file, row.line, "effective_to", fault));
        }
    }
    Ok(())
}

fn sort(rows: &mut [Row]) {
    rows.sort_by(|a, b| (a.name(), a.from).cmp(&(b.name(), b.from)));
}

fn read_file(name: &str, text: &str, rows: &mut Vec<Row>) -> Result<(), RuleError> {
    let mut header_seen = false;
    // A spreadsheet may begin the file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        let fail = |field, fault| Err(error(name, line, field, fault));
        let Some(fields) = csv::fields(text) else { return fail("row", RuleFault::Quotes) };
        if !header_seen {
            if fields != COLUMNS {
                return fail("header", RuleFault::Header);
            }
            header_seen = true;
            continue;
        }
        match <[String; 8]>::try_from(fields) {
            Ok(fields) => rows.push(read_row(name, line, fields)?),
            Err(fields) => return fail("row", RuleFault::Columns(fields.len())),
        }
    }
    Ok(())
}

fn read_row(file: &str, line: u32, fields: [String; 8]) -> Result<Row, RuleError> {
    let [key, scope, value, from, to, source, confidence, note] = fields;
    let fail = |field, fault| error(file, line, field, fault);
    let spec = key::spec(&key).ok_or_else(|| fail("key", RuleFault::UnknownKey(key)))?;
    if scope.split('/').any(|part| part.trim().is_empty()) {
        return Err(fail("scope", RuleFault::Scope(scope)));
    }
    let Some(value) = (spec.parse)(&value) else {
        let fault = RuleFault::Value { found: value, expected: spec.expected };
        return Err(fail("value", fault));
    };
    let read_date = |text: String, field, open_end| {
        if text.is_empty() {
            return Ok(open_end);
        }
        Date::parse(&text).ok_or_else(|| fail(field, RuleFault::Date(text)))
    };
    let from = read_date(from, "effective_from", Date::MIN)?;
    let to = read_date(to, "effective_to", Date::MAX)?;
    if to < from {
        return Err(fail("effective_to", RuleFault::Reversed));
    }
    if source.is_empty() {
        return Err(fail("source", RuleFault::Empty));
    }
    let Some(confidence) = Confidence::parse(&confidence) else {
        return Err(fail("confidence", RuleFault::Confidence(confidence)));
    };
    Ok(Row {
        key: spec.name,
        scope: scope.into(),
        from,
        to,
        value,
        source: source.into(),
        confidence,
        note: note.into(),
        file: file.into(),
        line,
    })
}

fn error(file: &str, line: u32, field: &'static str, fault: RuleFault) -> RuleError {
    RuleError { file: file.to_owned(), line, field, fault }
}
