//! Replay of captures: good, cut, foreign, and the real one where it is at hand.

#![allow(clippy::unwrap_used)] // helpers of tests, which clippy takes for code

mod common;

use common::{Place, Ran, capture, private_captures, short_demo};
use serde_json::{Value, json};

/// Where the record of a packet begins, by walking the file.
fn record_offsets(pcap: &[u8]) -> Vec<usize> {
    let mut offsets = Vec::new();
    let mut offset = 24;
    while offset < pcap.len() {
        offsets.push(offset);
        let length: [u8; 4] = pcap[offset + 8..offset + 12].try_into().unwrap();
        offset += 16 + u32::from_le_bytes(length) as usize;
    }
    offsets
}

#[test]
fn a_capture_gives_the_same_state_every_time_and_in_either_form() {
    let place = Place::new("replay");
    let demo = short_demo(&place);
    let replay = |options: &str| -> Value {
        place.run(&format!("replay x.pcap --no-pin --json {options}")).exits(0).json()
    };
    let first = replay("--journal r1 --decoded-csv d1.csv --book-csv b1.csv");
    let second = replay("--journal r2 --decoded-csv d2.csv --book-csv b2.csv");
    assert_eq!(first["state_hash"], second["state_hash"]);
    assert_eq!(first["feed"]["delivered"], demo["feed"]["delivered"]);
    assert_eq!(first["strategy"]["name"], "watch");
    let rows = place.read("d1.csv");
    assert_eq!(rows, place.read("d2.csv"));
    assert_eq!(place.read("b1.csv"), place.read("b2.csv"));
    let rows = rows.split(|&byte| byte == b'\n').count() as u64 - 2;
    assert_eq!(json!(rows), first["feed"]["delivered"]);

    // The journals are of different sessions and of one state.
    let rebuilt = place.run("journal replay r1 --json").exits(0).json();
    assert_eq!(rebuilt["state_hash"], first["state_hash"]);

    // With the demo's instruments the same quoter quotes again, as often as it is run.
    let quoted = replay("--no-journal --contracts j");
    assert_eq!(quoted["strategy"]["name"], "option-quoter");
    assert!(quoted["core"]["new_orders"].as_u64() > Some(0), "{quoted:#}");
    assert_eq!(quoted["state_hash"], replay("--no-journal --contracts j")["state_hash"]);
}

#[test]
fn of_a_cut_capture_everything_before_the_cut_is_kept() {
    let place = Place::new("cut");
    short_demo(&place);
    let pcap = place.read("x.pcap");
    let offsets = record_offsets(&pcap);
    let packet = offsets.len() / 2;
    place.write("cut.pcap", &pcap[..offsets[packet] + 30]);
    place.write("before.pcap", &pcap[..offsets[packet]]);
    let before = place.run("replay before.pcap --no-pin --no-journal --json").json();
    let cut = place.run("replay cut.pcap --no-pin --no-journal --json").exits(1);
    let where_cut = format!("inside packet {packet} at byte {}", offsets[packet]);
    let cut = cut.says(&where_cut).says("cut.pcap").json();
    assert_eq!(cut["state_hash"], before["state_hash"]);
    assert!(cut["feed"]["delivered"].as_u64() > Some(1_000));
}

#[test]
fn what_is_no_capture_of_the_protocol_is_named() {
    let place = Place::new("foreign");
    place.write("ng.pcap", b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0");
    place.run("replay ng.pcap").exits(1).says("ng.pcap: ");
    place.write("short.pcap", &capture(&[])[..10]);
    place.run("replay short.pcap").exits(1).says("short.pcap").says("after 10 bytes");
    place.write("foreign.pcap", &capture(&[b"GET / HTTP/1.1", b"hello", b""]));
    let ran = place.run("replay foreign.pcap --no-pin --no-journal --json").exits(1);
    let summary = ran.json();
    let refused = summary["feed"]["lines"][0]["refused"].as_object().unwrap();
    let count: u64 = refused.values().filter_map(Value::as_u64).sum();
    assert!(count >= 2, "{refused:?}");
    assert_eq!(summary["is_fine"], false);
    let problems = summary["problems"].to_string();
    assert!(problems.contains("no mtbt message in 3 datagrams"), "{problems}");
    place.run("replay foreign.pcap --no-pin --no-journal").exits(1).says("NOT FINE: no mtbt");
}

fn replay_private(place: &Place, file: &std::path::Path, options: &str) -> Ran {
    let mut command = place.command();
    command.arg("replay").arg(file).args(["--no-pin", "--no-journal", "--json"]);
    Ran::new(command.args(options.split_whitespace()).output().unwrap())
}

#[test]
fn the_real_capture_gives_the_independent_decode_and_book() {
    let Some(captures) = private_captures() else { return };
    let place = Place::new("real");
    let options = "--decoded-csv d.csv --book-csv b.csv";
    let single = replay_private(&place, &captures.join("first3000.pcap"), options).exits(0);
    let decoded = std::fs::read(captures.join("first3000.decoded.csv")).unwrap();
    let book = std::fs::read(captures.join("first3000.final_book.csv")).unwrap();
    assert!(place.read("d.csv") == decoded, "the decode differs from first3000.decoded.csv");
    // Outright books are byte for byte those; spread books follow them, a token for each leg.
    let ours = place.read("b.csv");
    assert!(ours.starts_with(&book), "the book differs from first3000.final_book.csv");
    let spreads = std::str::from_utf8(&ours[book.len()..]).unwrap();
    assert!(!spreads.is_empty() && spreads.lines().all(|line| line.contains('/')), "{spreads}");
    assert_eq!(single.json()["feed"]["delivered"], 3_000);

    let options = "--decoded-csv d2.csv --book-csv b2.csv";
    replay_private(&place, &captures.join("first3000.AB_clean.pcap"), options).exits(0);
    assert_eq!(place.read("d.csv"), place.read("d2.csv"));
    assert_eq!(place.read("b.csv"), place.read("b2.csv"));
}

#[test]
fn exactly_the_lost_numbers_of_the_real_capture_are_reported() {
    let Some(captures) = private_captures() else { return };
    let truth = std::fs::read_to_string(captures.join("AB_truth.txt")).unwrap();
    let line = truth.lines().find(|line| line.contains("AB_gaps")).unwrap();
    let list = line.split_once("both lines: [").unwrap().1.split_once(']').unwrap().0;
    let lost: Vec<u64> = list.split(", ").map(|number| number.parse().unwrap()).collect();
    let place = Place::new("gaps");
    let ran = replay_private(&place, &captures.join("first3000.AB_gaps.pcap"), "").exits(1);
    let summary = ran.json();
    let ranges = summary["feed"]["streams"][0]["lost"].as_array().unwrap();
    let numbers =
        ranges.iter().flat_map(|range| range[0].as_u64().unwrap()..=range[1].as_u64().unwrap());
    assert_eq!(numbers.collect::<Vec<_>>(), lost);
    assert_eq!(summary["feed"]["lost"], lost.len());
}
