//! `tezi doctor`: the settings, the measurement, and that both agree with the exit code.

mod common;

use common::Place;
use serde_json::Value;

#[test]
fn settings_alone_are_told_at_once_and_agree_with_the_exit_code() {
    let place = Place::new("doctor-settings");
    let ran = place.run("doctor --seconds 0 --json");
    let summary = ran.json();
    let checks = summary["checks"].as_array().unwrap();
    let mut names: Vec<&str> = checks.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert!(names.len() > 25, "{names:?}");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), checks.len(), "a name is one check's");
    let costs = checks.iter().filter(|it| it["status"] == "costs");
    assert!(costs.clone().all(|it| it["mend"].as_str().is_some_and(|mend| !mend.is_empty())));
    assert_eq!(summary["is_good"], Value::Bool(costs.count() == 0));
    assert_eq!(ran.code, if summary["is_good"] == true { 0 } else { 1 });
    assert!(summary["hiccups"].is_null());
    let table = place.run("doctor --seconds 0").out;
    assert!(["processor", "memory", "kernel", "network"].iter().all(|it| table.contains(it)));
}

#[test]
fn a_second_of_measurement_is_a_second_and_is_drawn() {
    let place = Place::new("doctor-measured");
    let ran = place.run("doctor --seconds 1 --json --plot gaps.svg");
    let summary = ran.json();
    let hiccups = &summary["hiccups"];
    let number = |name: &str| hiccups[name].as_u64().unwrap();
    assert!(number("elapsed_ns") >= 1_000_000_000);
    assert!(number("stolen_ns") <= number("elapsed_ns"));
    let ordered = ["p50_ns", "p99_ns", "p999_ns", "max_ns"].map(number);
    assert!(ordered.is_sorted(), "{ordered:?}");
    let classes = hiccups["classes"].as_array().unwrap();
    let counted: u64 = classes.iter().map(|it| it["count"].as_u64().unwrap()).sum();
    assert_eq!(counted, number("count"));
    assert!(String::from_utf8(place.read("gaps.svg")).unwrap().ends_with("</svg>\n"));
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let place = Place::new("doctor-refused");
    let far = place.run("doctor --core 1023 --seconds 1");
    assert_eq!(far.code, 1);
    assert!(far.err.contains("core 1023"), "{}", far.err);
    assert_eq!(place.run("doctor --seconds 0 --plot x.svg").code, 2);
    assert_eq!(place.run("doctor --core 1024").code, 2);
    assert_eq!(place.run("doctor --seconds -1").code, 2);
}
