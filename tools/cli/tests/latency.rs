//! `tezi latency`: a log that a run kept, shown, drawn, compared; and what is no log.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use common::Place;

/// A short session with a latency log.
fn logged(name: &str) -> Place {
    let place = Place::new(name);
    let line = "demo --seconds 2 --rate 2000 --lose-both 0 --no-pin --no-journal \
                --latency-log run.hlog --latency-interval 0.05 --log events.jsonl --json";
    let ran = place.run(line).exits(0);
    let summary = ran.json();
    let shown = place.run("latency run.hlog --json").exits(0).json();
    for (stage, row) in summary["latency_ns"].as_object().unwrap() {
        for key in ["count", "p50", "p99", "max"] {
            let told = &shown[0]["latency_ns"][stage][key];
            // The summary's maximum is exact; a log has the place it fell into.
            let is_same = key == "max" || told == &row[key];
            assert!(is_same, "{stage} {key}: {told} and {}", row[key]);
        }
    }
    place
}

#[test]
fn a_log_is_shown_drawn_and_compared() {
    let place = logged("latency-log");
    let ran = place.run("latency run.hlog --plot p.svg --html p.html").exits(0);
    ran.says("packet to core").says("p99.99");
    let page = String::from_utf8(place.read("p.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("packet to order bytes"));
    assert!(String::from_utf8(place.read("p.svg")).unwrap().ends_with("</svg>\n"));
    let csv = place.run("latency run.hlog --csv --stage ring").exits(0).out;
    assert_eq!(csv.lines().count(), 2, "{csv}");
    let same = "latency run.hlog run.hlog --compare --fail-if-slower";
    place.run(same).exits(0).says("no difference shown");
    let rows = place.run("latency run.hlog run.hlog --compare --json").exits(0).json();
    assert!(rows.as_array().unwrap().iter().all(|row| row["shown"] != "slower"));
    let late = place.run("latency run.hlog --from 1000").exits(0);
    late.says("nothing there");
    let lines = String::from_utf8(place.read("events.jsonl")).unwrap();
    let events: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&events[0]["event"], &events[events.len() - 1]["event"]),
        (&"start".into(), &"stop".into())
    );
}

#[test]
fn damage_is_passed_over_named_and_told_by_the_exit_code() {
    let place = logged("latency-damage");
    let mut bytes = place.read("run.hlog");
    bytes.truncate(bytes.len() - 30);
    place.write("cut.hlog", &bytes);
    let cut = place.run("latency cut.hlog").exits(1);
    cut.says("cut.hlog: line ").says("packet to core");
    place.write("other", b"not a log\n");
    place.run("latency other").exits(1).says("other: no interval of a histogram log; line 1");
    place.run("latency missing").exits(1).says("cannot read missing");
    place.run("latency run.hlog --compare").exits(2).says("--compare takes two files");
    place.run("latency run.hlog --from 2 --to 1").exits(2).says("--from must be before --to");
    place.run("latency run.hlog --html run.hlog").exits(2).says("named twice");
    place.run("demo --latency-log a --log a").exits(2).says("named twice");
    place.run("demo --metrics localhost").exits(2).says("a port or an address and port");
    place.run("demo --hiccup-core 1").exits(2).says("--hiccups");
}
