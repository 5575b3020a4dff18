//! The document and the schema say the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

use std::collections::BTreeMap;

use tezi_parquet::{SCHEMA_VERSION, Table};

const DOCUMENT: &str = include_str!("../../../docs/wire/parquet.md");

/// A column of the document: its name, its type, and when it is null.
type Column = (String, String, bool);

/// The tables of columns in the document, by the file that their heading names.
fn documented() -> BTreeMap<String, Vec<Column>> {
    let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    let mut table = None;
    for line in DOCUMENT.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let name = heading.trim_matches('`').strip_suffix(".parquet");
            table = name.map(String::from);
            continue;
        }
        let (Some(table), Some(row)) = (&table, line.strip_prefix("| `")) else { continue };
        let cells: Vec<_> = row.trim_end_matches('|').split(" | ").map(str::trim).collect();
        let [name, data_type, null, meaning] = cells[..] else { panic!("not four cells: {line}") };
        assert!(!meaning.is_empty(), "{line}");
        let name = name.trim_end_matches('`').to_string();
        let is_nullable = match null {
            "no" => false,
            "yes" => true,
            other => panic!("null is {other}: {line}"),
        };
        let column = (name, data_type.to_string(), is_nullable);
        tables.entry(table.clone()).or_default().push(column);
    }
    tables
}

#[test]
fn every_column_is_documented_with_its_type() {
    let mut documented = documented();
    for table in Table::ALL {
        let schema = table.schema();
        let columns: Vec<Column> = schema
            .fields()
            .iter()
            .map(|it| (it.name().clone(), it.data_type().to_string(), it.is_nullable()))
            .collect();
        assert_eq!(documented.remove(table.name()), Some(columns), "{}", table.name());
    }
    assert!(documented.is_empty(), "documented and not there: {documented:?}");
}

#[test]
fn prices_say_their_unit_and_nothing_else_does() {
    for table in Table::ALL {
        for field in table.schema().fields() {
            let is_price = field.name().contains("price")
                || ["strike", "tick"].contains(&field.name().as_str());
            let unit = field.metadata().get("unit").map(String::as_str);
            let scale = field.metadata().get("scale").map(String::as_str);
            let expected = is_price.then_some("currency unit");
            assert_eq!((unit, scale), (expected, is_price.then_some("8")), "{field:?}");
        }
    }
}

#[test]
fn the_version_of_the_schema_is_documented() {
    assert!(DOCUMENT.contains(&format!("schema version {SCHEMA_VERSION}")));
}
