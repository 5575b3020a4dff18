//! Two days on the command line: what the first writes the second begins with; dump, report and audit of it.

#![allow(clippy::unwrap_used)] // helpers of tests, which clippy takes for code

mod common;

use common::{Place, Ran, short_demo};

fn text(place: &Place, name: &str) -> String {
    String::from_utf8(place.read(name)).unwrap()
}

/// A day of the demo's capture, with its instruments and the same quoter.
fn day(place: &Place, journal: &str, date: &str, options: &str) -> Ran {
    let line = format!(
        "replay x.pcap --contracts j --no-pin --json --strategy option-quoter --set edge_ticks=1 \
         --set requote_ms=1 --journal {journal} --positions-day {date} \
         --write-positions {journal}.csv {options}"
    );
    place.run(&line)
}

#[test]
fn what_one_day_writes_the_next_begins_with() {
    let place = Place::new("positions");
    short_demo(&place);
    let first = day(&place, "d1", "2026-11-20", "").exits(0).json();
    let written = text(&place, "d1.csv");
    assert!(written.starts_with("segment,token,instrument,strategy,account,quantity,price,close"));
    let held = |summary: &serde_json::Value, of: &str| -> i64 {
        let holdings = summary["holdings"].as_array().unwrap();
        holdings.iter().map(|it| it[of].as_i64().unwrap().abs()).sum()
    };
    assert!(held(&first, "carried_out") > 0 && held(&first, "carried_in") == 0, "{first:#}");
    let second = day(&place, "d2", "2026-11-23", "--positions d1.csv").exits(0).json();
    assert_eq!(held(&second, "carried_in"), held(&first, "carried_out"));

    let lines = written.lines().count();
    let dumped = place.run("journal dump d2 --type opening").exits(0).says("as_of=2026-11-20");
    assert_eq!(dumped.out.lines().filter(|line| line.contains("kind=lot")).count(), lines - 1);
    place.run("journal verify d2").exits(0);
    place.run("journal replay d2").exits(0);
    let reported = place.run("report d2 --to report").exits(0).says("carried in");
    drop(reported);
    let table = text(&place, "report/positions.csv");
    assert!(table.starts_with("strategy,account,instrument,carried_in,bought,sold,carried_out"));
    let rows = table.lines().skip(1).map(|row| row.split(',').collect::<Vec<_>>());
    let sums = rows.map(|row| -> i64 {
        let number = |at: usize| row[at].parse::<i64>().unwrap();
        assert_eq!(number(3) + number(4) - number(5), number(6), "{row:?}");
        number(3).abs()
    });
    assert_eq!(sums.sum::<i64>(), held(&first, "carried_out"));
    let order = text(&place, "report/orders.csv");
    let order = order.lines().nth(1).and_then(|row| row.split(',').nth(1)).unwrap().to_string();
    place.run(&format!("audit d2 {order}")).exits(0).says("position");
}

#[test]
fn files_that_cannot_be_are_named_with_their_lines() {
    let place = Place::new("positions-wrong");
    short_demo(&place);
    place.write("p.csv", b"segment,token,quantity,price\nfo,1,65,100\nfo,2,65,0\n");
    let options = "--positions p.csv";
    day(&place, "d1", "2026-11-20", options).exits(1).says("p.csv, line 3: price: `0` is no price");
    place.write("p.csv", b"segment,token,quantity,price\nfo,1,65,100\n");
    day(&place, "d1", "2026-11-20", options).exits(1).says("line 2: token: fo:1 is not known");
    assert!(!place.path("d1").exists() && !place.path("d1.csv").exists());
    day(&place, "d1", "2026-11-20", "--corporate-actions c.csv").exits(2).says("--positions");
    day(&place, "d1", "20-11-2026", options).exits(2).says("a date, as 2026-11-24");
    day(&place, "p", "2026-11-20", options).exits(2).says("p.csv is named twice");
}
