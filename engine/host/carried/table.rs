//! CSV as the files of positions have it: a header, columns in any order, no quoted fields. Every fault is
//! said with its line; a file with one is not taken.

use std::fmt::Write as _;
use std::path::Path;

use tezi_model::Px;

use crate::error::Error;

/// The largest file.
const BYTES_MAX: u64 = 1 << 26;
/// Faults that are said; the rest is counted.
const FAULTS_SAID: usize = 20;

/// What is wrong with a line, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) line: usize,
    pub(crate) why: String,
}

impl Fault {
    pub(crate) fn new(line: usize, why: impl Into<String>) -> Self {
        Self { line, why: why.into() }
    }
}

/// A line and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) line: usize,
    fields: &'a [&'a str],
    names: &'a [&'a str],
}

impl<'a> Row<'a> {
    /// What stands in a column; empty where there is no such column.
    pub(crate) fn text(&self, name: &str) -> &'a str {
        let place = self.names.iter().position(|it| *it == name);
        place.and_then(|place| self.fields.get(place)).copied().unwrap_or("")
    }

    /// As [`Row::text`], `None` where it is empty, read by `parse`.
    ///
    /// # Errors
    ///
    /// The fault that says `rule`.
    pub(crate) fn parse<T>(
        &self,
        name: &str,
        rule: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let text = self.text(name);
        if text.is_empty() {
            return Ok(None);
        }
        let wrong = || Fault::new(self.line, format!("{name}: `{text}` is no {rule}"));
        parse(text).map(Some).ok_or_else(wrong)
    }

    /// As [`Row::parse`], of a column that every line fills.
    ///
    /// # Errors
    ///
    /// As [`Row::parse`], and the fault that says it is missing.
    pub(crate) fn need<T>(
        &self,
        name: &str,
        rule: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Fault> {
        let missing = || Fault::new(self.line, format!("{name}: is missing"));
        self.parse(name, rule, parse)?.ok_or_else(missing)
    }
}

/// Reads a file's rows. Empty lines and lines that begin with `#` are passed over.
///
/// # Errors
///
/// [`Error::File`] when it cannot be read, [`Error::Parameter`] with every fault.
pub(crate) fn read<T>(
    path: &Path,
    columns: &[&str],
    parse: impl Fn(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Error> {
    let size = std::fs::metadata(path).map_err(|source| Error::file("read", path, source))?.len();
    if size > BYTES_MAX {
        return Err(refused(path, &[Fault::new(1, format!("has more than {BYTES_MAX} bytes"))]));
    }
    let text = std::fs::read_to_string(path).map_err(|source| Error::file("read", path, source))?;
    of_text(&text, columns, parse).map_err(|faults| refused(path, &faults))
}

/// As [`read`], of a text.
///
/// # Errors
///
/// Every fault.
pub(crate) fn of_text<T>(
    text: &str,
    columns: &[&str],
    parse: impl Fn(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Vec<Fault>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = (1..).zip(text.lines());
    let is_said = |line: &str| !line.trim().is_empty() && !line.starts_with('#');
    let mut lines = lines.filter(|(_, line)| is_said(line));
    let Some((first, header)) = lines.next() else {
        return Err(vec![Fault::new(1, "has no header")]);
    };
    let names: Vec<&str> = header.split(',').map(str::trim).collect();
    let unknown = names.iter().enumerate().filter_map(|(place, name)| {
        if !columns.contains(name) {
            Some(format!("column `{name}` is none of {}", columns.join(", ")))
        } else if names[..place].contains(name) {
            Some(format!("column `{name}` is there twice"))
        } else {
            None
        }
    });
    let mut faults: Vec<Fault> = unknown.map(|why| Fault::new(first, why)).collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut rows = Vec::new();
    for (line, text) in lines {
        let fields: Vec<&str> = text.split(',').map(str::trim).collect();
        if fields.len() != names.len() {
            let why = format!("has {} fields, and the header {}", fields.len(), names.len());
            faults.push(Fault::new(line, why));
            continue;
        }
        match parse(&Row { line, fields: &fields, names: &names }) {
            Ok(row) => rows.push(row),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}

/// The error that says what is wrong with a file.
pub(crate) fn refused(path: &Path, faults: &[Fault]) -> Error {
    let mut text = String::new();
    for Fault { line, why } in faults.iter().take(FAULTS_SAID) {
        let end = if text.is_empty() { "" } else { "\n" };
        let _ = write!(text, "{end}{}, line {line}: {why}", path.display());
    }
    if faults.len() > FAULTS_SAID {
        let _ = write!(text, "\nand {} more", faults.len() - FAULTS_SAID);
    }
    Error::Parameter(text)
}

/// A price above nought, in rupees with at most eight decimals, exactly.
pub(crate) fn price(text: &str) -> Option<Px> {
    const DECIMALS: usize = 8;
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
    let part_is_short = part.len() <= DECIMALS && !(part.is_empty() && text.contains('.'));
    if whole.is_empty() || !is_digits(whole) || !is_digits(part) || !part_is_short {
        return None;
    }
    let rupees: i64 = whole.parse().ok()?;
    let rest: i64 = format!("{part:0<DECIMALS$}").parse().ok()?;
    let units = rupees.checked_mul(Px::SCALE)?.checked_add(rest)?;
    (units > 0).then_some(Px(units))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi_testing::Random;

    #[test]
    fn prices_come_back_from_what_they_print() {
        let mut random = Random(5);
        for _ in 0..10_000 {
            let px = Px(1 + (random.next() >> (1 + random.below(62))) as i64);
            assert_eq!(price(&px.to_string()), Some(px), "{px}");
        }
        assert_eq!(price("10"), Some(Px::from_paise(1_000)));
        for text in
            ["", "0", "0.00", "-1", "+1", "1.", ".5", "1.123456789", "1e3", "99999999999999"]
        {
            assert_eq!(price(text), None, "{text}");
        }
    }

    #[test]
    fn every_fault_has_its_line() {
        let number = |row: &Row<'_>| row.need("a", "number", |text| text.parse::<u8>().ok());
        let read = |text| of_text(text, &["a", "b"], number);
        assert_eq!(read("# c\nb,a\n\nx,5\r\n ,6\n"), Ok(vec![5, 6]));
        let fault = |line, why: &str| Fault::new(line, why);
        let faults = [
            fault(2, "a: `x` is no number"),
            fault(3, "has 1 fields, and the header 2"),
            fault(5, "a: is missing"),
        ];
        assert_eq!(read("a,b\nx,\n5\n5,5\n,5\n"), Err(faults.to_vec()));
        assert_eq!(read(""), Err(vec![fault(1, "has no header")]));
        let faults =
            [fault(1, "column `c` is none of a, b"), fault(1, "column `a` is there twice")];
        assert_eq!(read("a,c,a\n"), Err(faults.to_vec()));
        let many: Vec<Fault> = (1..30).map(|line| Fault::new(line, "is wrong")).collect();
        let said = refused(Path::new("p.csv"), &many).to_string();
        assert!(said.starts_with("p.csv, line 1: is wrong\np.csv, line 2"), "{said}");
        assert!(said.ends_with("and 9 more"), "{said}");
    }
}
