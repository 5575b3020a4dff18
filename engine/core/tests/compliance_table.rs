//! `docs/compliance.md` has a row for every reason of refusal, in order of precedence, with tests
//! that exist; and rules of origin change on their day.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

use std::fs;
use std::path::{Path, PathBuf};

use tezi_core::tags::{NseTagRules, TagFault, check_nse};
use tezi_core::venue::Date;
use tezi_core::venue::rules::{Rules, key};
use tezi_model::RejectReason;

fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_reason_has_its_row_and_its_tests() {
    let core = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    sources(&core.join("src"), &mut text);
    sources(&core.join("tests"), &mut text);
    let table = fs::read_to_string(core.join("../../docs/compliance.md")).unwrap();
    let (mut reasons, mut rows) = (RejectReason::ALL.iter(), 0);
    for line in table.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let tests = cells.last().unwrap();
        if *tests == "tests" {
            continue;
        }
        rows += 1;
        if cells.len() == 6 {
            let reason = reasons.next().unwrap();
            let named = (cells[0], cells[1].trim_matches('`'));
            assert_eq!(named, (&*(*reason as u16).to_string(), reason.name()), "{line}");
        }
        let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{line} names no test");
        for test in named {
            let is_there = text.contains(&format!("#[test]\nfn {test}()"))
                || text.contains(&format!("#[test]\n    fn {test}()"));
            assert!(is_there, "there is no test '{test}'");
        }
    }
    assert_eq!(reasons.next(), None, "every reason has a row");
    assert_eq!(rows, RejectReason::ALL.len() + 3);
}

#[test]
fn the_cross_checks_begin_on_12_october_2026() {
    let rules = Rules::builtin().unwrap();
    let on = |day| {
        let date = Date::new(2026, 10, day).unwrap();
        let generic_algo_id = *rules.get(key::ALGO_GENERIC_ID, "NSE", date).unwrap() as u32;
        let is_cross_checked =
            rules.find(key::ALGO_NNF_CHECK, "NSE/fo", date).copied().unwrap_or(false);
        // The generic algo id from a dealer's terminal.
        let rules = NseTagRules { generic_algo_id, is_cross_checked };
        check_nse(400_013_001_001_017, generic_algo_id, rules)
    };
    assert_eq!([11, 12].map(on), [Ok(()), Err(TagFault::GenericElsewhere)]);
    let tops =
        |day| *rules.get(key::ALGO_TOPS, "NSE/fo", Date::new(2026, 11, day).unwrap()).unwrap();
    assert_eq!(tops(23), 10);
}
