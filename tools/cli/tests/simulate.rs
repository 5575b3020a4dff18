//! `tezi simulate`: days that hold, the same twice, and what is refused.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test stops at what is not so")]

mod common;

use common::Place;

#[test]
fn days_hold_and_leave_nothing_behind() {
    let place = Place::new("simulate");
    let ran = place.run("simulate --seed 11 --days 4 --journals days --json").exits(0);
    let summary = ran.json();
    assert_eq!(summary["days"], 4);
    assert_eq!(summary["faulty"], serde_json::json!([]));
    assert!(summary["orders"].as_u64().unwrap() > 0, "{}", ran.out);
    assert!(!place.path("days").exists());
}

#[test]
fn a_day_is_told_and_is_the_same_again() {
    let place = Place::new("simulate-again");
    let days = [1, 2].map(|threads| {
        let line = format!("simulate --seed 3 --days 2 --verbose --threads {threads}");
        let ran = place.run(&line).exits(0);
        let mut days: Vec<String> =
            ran.err.lines().filter(|line| line.starts_with("seed ")).map(Into::into).collect();
        days.sort();
        assert!(ran.out.contains("Everything held."), "{}", ran.out);
        days
    });
    assert_eq!(days[0].len(), 2);
    assert_eq!(days[0], days[1]);
    let plan = place.run("simulate --seed 3 --plan").exits(0);
    assert!(plan.out.contains("killed_at") && plan.out.contains("gateway"), "{}", plan.out);
}

#[test]
fn what_cannot_be_is_refused() {
    let place = Place::new("simulate-wrong");
    place.run("simulate --days 0").exits(2);
    std::fs::write(place.path("taken"), "a file").unwrap();
    place.run("simulate --journals taken").exits(1).says("cannot make taken");
}
