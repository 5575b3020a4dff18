//! `docs/rules-tests.md` names a test for every rule: each of them exists, and none is ignored.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Names of the functions that are tests and run without being asked for.
fn tests_in(text: &str, names: &mut BTreeSet<String>) {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    for (index, line) in lines.iter().enumerate() {
        if *line == "#[test]"
            && let Some(name) = lines.get(index + 1).and_then(|next| next.strip_prefix("fn "))
            && let Some((name, _)) = name.split_once('(')
        {
            names.insert(name.to_string());
        }
    }
}

#[test]
fn every_rule_of_the_table_has_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in ["engine/core", "tools/cli/tests"] {
        rust_files(&root.join(folder), &mut files);
    }
    let mut names = BTreeSet::new();
    for file in files {
        tests_in(&fs::read_to_string(file).unwrap(), &mut names);
    }
    let table = fs::read_to_string(root.join("docs/rules-tests.md")).unwrap();
    let (mut rows, mut rules) = (0, BTreeSet::new());
    for line in table.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let &[rule, what, tests] = cells.as_slice() else { panic!("three cells: {line}") };
        if rule == "rule" {
            continue;
        }
        rows += 1;
        rules.insert(rule.to_string());
        let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{rule} {what} names no test");
        for test in named {
            assert!(names.contains(test), "{rule} {what}: there is no test '{test}'");
        }
    }
    assert!(rows > 40, "{rows} rows");
    for rule in ["1.5", "1.7", "1.9", "2.1", "2.2", "2.3", "2.4", "2.5"] {
        assert!(rules.contains(rule), "no row for rule {rule}");
    }
}
