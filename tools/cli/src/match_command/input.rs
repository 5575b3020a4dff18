//! The rows of a file, CSV or JSON lines, as text by column; and what is wrong with one.

use std::fmt;

use serde_json::Value;
use tezi::model::{Px, Qty};

/// The columns, in the order in which [`Row`] keeps them.
pub(super) const COLUMNS: [&str; 14] = [
    "time",
    "action",
    "order",
    "member",
    "pan",
    "participant",
    "instrument",
    "side",
    "type",
    "price",
    "trigger",
    "quantity",
    "disclosed",
    "flags",
];

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) line: usize,
    pub(super) column: Option<&'static str>,
    pub(super) what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// One line of the file.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Counts from 1.
    pub(super) line: usize,
    values: [String; COLUMNS.len()],
}

impl Row {
    /// The text of a column, empty when it was left out.
    pub(super) fn get(&self, column: &str) -> &str {
        COLUMNS.iter().position(|known| *known == column).map_or("", |at| &self.values[at])
    }

    /// The row without the fields that have a part for each leg.
    pub(super) fn without_legs(&self) -> Self {
        let mut row = self.clone();
        for (column, value) in COLUMNS.iter().zip(&mut row.values) {
            if matches!(*column, "instrument" | "side" | "price" | "quantity") {
                value.clear();
            }
        }
        row
    }

    pub(super) fn wrong(&self, column: &'static str, what: impl Into<String>) -> Wrong {
        Wrong { line: self.line, column: Some(column), what: what.into() }
    }

    /// A price in rupees; `None` when it was left out.
    pub(super) fn price(&self, column: &'static str) -> Result<Option<Px>, Wrong> {
        let text = self.get(column);
        if text.is_empty() {
            return Ok(None);
        }
        let price = rupees(text);
        let price =
            price.ok_or_else(|| self.wrong(column, format!("'{text}' is no price in rupees")));
        price.map(Some)
    }

    /// A whole number; `None` when it was left out.
    pub(super) fn number(&self, column: &'static str) -> Result<Option<u32>, Wrong> {
        let text = self.get(column);
        if text.is_empty() {
            return Ok(None);
        }
        let number = text.parse();
        number.map(Some).map_err(|_| self.wrong(column, format!("'{text}' is no whole number")))
    }

    /// A quantity; `None` when it was left out.
    pub(super) fn quantity(&self, column: &'static str) -> Result<Option<Qty>, Wrong> {
        Ok(self.number(column)?.map(Qty))
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(
        &self,
        column: &'static str,
        known: &[(&str, T)],
    ) -> Result<Option<T>, Wrong> {
        let text = self.get(column);
        if text.is_empty() {
            return Ok(None);
        }
        let found = known.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        match found {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
                Err(self.wrong(column, format!("'{text}' is none of {}", words.join(", "))))
            }
        }
    }
}

/// A price in rupees, exactly; up to eight decimals.
pub(super) fn rupees(text: &str) -> Option<Px> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = !whole.is_empty()
        && part.len() <= 8
        && whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit());
    if !is_number {
        return None;
    }
    let part: i64 = format!("{part:0<8}").parse().ok()?;
    let units = whole.parse::<i64>().ok()?.checked_mul(Px::SCALE)?.checked_add(part)?;
    // Far below the place where the matcher keeps market orders.
    (units <= i64::MAX / 4).then_some(Px(sign * units))
}

/// Reads a file: JSON lines when its first character is a brace, CSV otherwise.
pub(super) fn read(text: &str) -> Result<Vec<Row>, Wrong> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') { read_json(text) } else { read_csv(text) }
}

fn read_csv(text: &str) -> Result<Vec<Row>, Wrong> {
    let mut header: Option<Vec<usize>> = None;
    let mut rows = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        let wrong = |what: String| Wrong { line, column: None, what };
        let fields = split(text).ok_or_else(|| wrong("a quotation mark is not closed".into()))?;
        let Some(columns) = &header else {
            header = Some(read_header(&fields).map_err(wrong)?);
            continue;
        };
        if fields.len() > columns.len() {
            let what = format!("{} fields, the header has {}", fields.len(), columns.len());
            return Err(wrong(what));
        }
        let mut row = Row { line, values: Default::default() };
        for (&column, field) in columns.iter().zip(fields) {
            row.values[column] = field;
        }
        rows.push(row);
    }
    Ok(rows)
}

fn read_header(fields: &[String]) -> Result<Vec<usize>, String> {
    let mut columns = Vec::new();
    for field in fields {
        let found = COLUMNS.iter().position(|known| known.eq_ignore_ascii_case(field));
        let column = found
            .ok_or_else(|| format!("'{field}' is no column; there are {}", COLUMNS.join(", ")))?;
        if columns.contains(&column) {
            return Err(format!("column {field} stands there twice"));
        }
        columns.push(column);
    }
    Ok(columns)
}

/// The fields of a CSV line; `None` when a quotation mark is not closed.
fn split(line: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let (mut is_quoted, mut characters) = (false, line.chars().peekable());
    while let Some(character) = characters.next() {
        let field = fields.last_mut()?;
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            _ => field.push(character),
        }
    }
    for field in &mut fields {
        *field = field.trim().to_string();
    }
    (!is_quoted).then_some(fields)
}

fn read_json(text: &str) -> Result<Vec<Row>, Wrong> {
    let mut rows = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim().is_empty() {
            continue;
        }
        let wrong = |what: String| Wrong { line, column: None, what };
        let value: Value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let Value::Object(object) = value else {
            return Err(wrong("an object is needed, as in {\"order\": \"a\"}".into()));
        };
        let mut row = Row { line, values: Default::default() };
        for (name, value) in object {
            let found = COLUMNS.iter().position(|known| *known == name);
            let column = found.ok_or_else(|| wrong(format!("'{name}' is no column")))?;
            row.values[column] = match value {
                Value::String(text) => text.trim().to_string(),
                Value::Number(number) => number.to_string(),
                Value::Null => String::new(),
                _ => return Err(row.wrong(COLUMNS[column], "text or a number is needed")),
            };
        }
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_and_json_say_the_same() {
        let csv = "order,price,flags\n# a remark\n\na, 100.05 ,\"ioc, \"\"x\"\"\"\n";
        let json = "{\"order\": \"a\", \"price\": 100.05, \"flags\": \"ioc, \\\"x\\\"\"}";
        for text in [csv, json] {
            let rows = read(text).unwrap();
            assert_eq!(rows.len(), 1);
            assert_eq!((rows[0].get("order"), rows[0].get("flags")), ("a", "ioc, \"x\""));
            assert_eq!(rows[0].price("price").unwrap(), Some(Px::from_paise(10_005)));
            assert_eq!(rows[0].price("trigger").unwrap(), None);
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let cases = [
            ("frob\n", "line 1: 'frob' is no column"),
            ("order,order\n", "line 1: column order stands there twice"),
            ("order\na,b\n", "line 2: 2 fields, the header has 1"),
            ("order\n\"a\n", "line 2: a quotation mark is not closed"),
            ("{\"order\": [1]}", "line 1, column order: text or a number"),
            ("{}\n[1]", "line 2: an object is needed"),
        ];
        for (text, says) in cases {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(says), "{error}");
        }
    }

    #[test]
    fn prices_are_exact_or_refused() {
        assert_eq!(rupees("100.05"), Some(Px::from_paise(10_005)));
        assert_eq!(rupees("-0.00000001"), Some(Px(-1)));
        for bad in ["", ".5", "1e3", "1.123456789", "99999999999999999999", "1.0x", "100000000000"]
        {
            assert_eq!(rupees(bad), None, "{bad}");
        }
    }
}
