//! CSV files that people write, whole: every fault is said with its line and column, and a file with
//! one is not taken.
//!
//! Fields may not hold quoted commas. Empty lines and lines that begin with `#` are passed over.

use std::fmt::Write;
use std::path::Path;

use crate::outcome::Failure;

/// The largest file.
const BYTES_MAX: u64 = 1 << 28;
/// Faults that are said; the rest is counted.
const FAULTS_SAID: usize = 20;

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) column: &'static str,
    pub(crate) why: String,
}

impl Fault {
    pub(crate) fn new(column: &'static str, why: impl Into<String>) -> Self {
        Self { column, why: why.into() }
    }
}

/// A row and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    /// Counted from 1.
    pub(crate) line: usize,
    text: &'a str,
}

impl<'a> Row<'a> {
    /// What stands in a column, without blanks around it; empty where there is none.
    pub(crate) fn text(self, column: Option<usize>) -> &'a str {
        column.and_then(|column| self.text.split(',').nth(column)).map_or("", str::trim)
    }

    /// A finite number of a column.
    pub(crate) fn number(self, at: Option<usize>, column: &'static str) -> Result<f64, Fault> {
        let text = self.text(at);
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| Fault::new(column, format!("`{text}` is no number")))
    }
}

/// A file's text and its columns.
#[derive(Debug)]
pub(crate) struct Table {
    name: String,
    names: Vec<String>,
    first_line: usize,
    text: String,
}

impl Table {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let failed =
            |error: std::io::Error| Failure::Failed(format!("cannot open {name}: {error}"));
        let size = std::fs::metadata(path).map_err(failed)?.len();
        if size > BYTES_MAX {
            return Err(Failure::Failed(format!("{name}: over {BYTES_MAX} bytes")));
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        Self::of(&name, String::from_utf8_lossy(&bytes).into_owned()).map_err(Failure::Failed)
    }

    fn of(name: &str, text: String) -> Result<Self, String> {
        let header = rows(text.trim_start_matches('\u{feff}')).next();
        let header = header.ok_or_else(|| format!("{name}: the file is empty"))?;
        let names = header.text.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
        let (name, first_line) = (name.to_string(), header.line);
        Ok(Self { name, names, first_line, text })
    }

    /// Where a column is.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|found| found == name)
    }

    /// Where a column is that must be there.
    pub(crate) fn need(&self, name: &str) -> Result<Option<usize>, Failure> {
        match self.column(name) {
            None => Err(Failure::Failed(format!("{}: no column {name}", self.name))),
            found => Ok(found),
        }
    }

    /// Reads every row. A row whose number of fields is not the header's is a fault too.
    pub(crate) fn parse<T>(
        &self,
        mut each: impl FnMut(Row<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Failure> {
        let mut parsed = Vec::new();
        let mut faults = Vec::new();
        for row in rows(&self.text).filter(|row| row.line > self.first_line) {
            let fields = row.text.split(',').count();
            let one = if fields == self.names.len() {
                each(row)
            } else {
                let why = format!("{fields} fields where the header has {}", self.names.len());
                Err(Fault::new("row", why))
            };
            match one {
                Ok(one) => parsed.push(one),
                Err(fault) => faults.push((row.line, fault)),
            }
        }
        if faults.is_empty() { Ok(parsed) } else { Err(self.refuse(&faults)) }
    }

    /// The failure that says what is wrong with which lines.
    pub(crate) fn refuse(&self, faults: &[(usize, Fault)]) -> Failure {
        let mut text = String::new();
        for (line, Fault { column, why }) in faults.iter().take(FAULTS_SAID) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}: line {line}, {column}: {why}", self.name);
        }
        if let Some(more) = faults.len().checked_sub(FAULTS_SAID).filter(|more| *more > 0) {
            let _ = writeln!(text, "and {more} more");
        }
        let _ = write!(text, "{} bad, nothing was reckoned", faults.len());
        Failure::Failed(text)
    }
}

fn rows(text: &str) -> impl Iterator<Item = Row<'_>> {
    let lines = text.lines().enumerate().map(|(index, text)| Row { line: index + 1, text });
    lines.filter(|row| !row.text.trim().is_empty() && !row.text.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_line_and_column() {
        let text = "# positions\n a , B\r\n1,2\n\n3,x\n4\n# done\n";
        let table = Table::of("my.csv", text.into()).unwrap();
        assert_eq!(
            (table.column("a"), table.column("b"), table.column("c")),
            (Some(0), Some(1), None)
        );
        assert!(table.need("c").is_err());
        let said = table.parse(|row| row.number(table.column("b"), "b")).unwrap_err().to_string();
        let want = "my.csv: line 5, b: `x` is no number\n\
                    my.csv: line 6, row: 1 fields where the header has 2\n\
                    2 bad, nothing was reckoned";
        assert_eq!(said, want);
        let table = Table::of("my.csv", "a,b\n1,2\n3,4\n".into()).unwrap();
        assert_eq!(table.parse(|row| row.number(table.column("b"), "b")).unwrap(), [2.0, 4.0]);
        assert!(Table::of("my.csv", "\n# nothing\n".into()).is_err());
        let many = "a,b\n".to_string() + &"x,y\n".repeat(30);
        let table = Table::of("my.csv", many).unwrap();
        let said = table.parse(|row| row.number(Some(0), "a")).unwrap_err().to_string();
        assert!(said.contains("and 10 more\n30 bad"), "{said}");
    }
}
