//! The example plays, and everything that cannot be is named with its line and key.

use super::*;
use crate::{Exchange, NoBackground};

const EXAMPLE: &str = include_str!("../../../../../examples/scenarios/nifty.toml");

#[test]
fn the_example_plays() {
    let scenario = Scenario::parse(EXAMPLE).unwrap();
    let config = scenario.config(&[]).unwrap();
    assert_eq!(scenario.start(), Nanos::from_ist(2026, 11, 20, 9, 0, 0));
    assert_eq!((config.listings.len(), config.boxes.len()), (3, 2));
    assert_eq!(config.boxes[1].faults.drop_answers_per_million, 10_000);
    assert_eq!(config.boxes[1].faults.delay_ns, 300_000);
    assert_eq!(config.listings[1].instrument.strike, Px::from_paise(2_450_000));
    assert_eq!(config.listings[1].reference, Px::from_paise(18_235));
    // A loss has a beginning and an end.
    assert_eq!(config.events.len(), 5);
    let broadcast = config.broadcast.map(|it| (it.interval_ns, it.refresh_every));
    assert_eq!(broadcast, Some((1_000_000_000, 60)));
    assert_eq!(scenario.population.map(|population| population.seed), Some(1));
    let config = ExchangeConfig { limits: crate::Limits::small(), ..config };
    let mut exchange = Exchange::new(&config, Box::new(NoBackground)).unwrap();
    exchange.on_time(Nanos::from_ist(2026, 11, 20, 16, 0, 0));
    assert_eq!(exchange.counters().events_refused, 0);
}

/// The error of the example with `from` written as `to`.
fn error(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    let text = EXAMPLE.replacen(from, to, 1);
    let error = Scenario::parse(&text).and_then(|scenario| scenario.config(&[]).map(drop));
    let error = error.expect_err(to);
    let line = text.lines().nth(error.line.wrapping_sub(1)).unwrap_or("");
    format!("{} @ {}", error, line.split('#').next().unwrap_or("").trim())
}

#[test]
fn what_cannot_be_is_named_with_line_and_key() {
    for (from, to, words) in [
        ("seed = 7", "sede = 7", ["sede", "unknown field", "sede = 7"]),
        ("token = 35001", "token = -1", ["token", "line", "token = -1"]),
        ("tick = 0.10", "tick = 0.105", ["tick", "no price", "tick = 0.105"]),
        ("date = \"2026-11-20\"", "date = \"2026-11-31\"", ["date", "no date", "2026-11-31"]),
        ("start = \"09:00:00\"", "start = \"9:00\"", ["start", "no time", "9:00"]),
        ("heartbeat = \"2s\"", "heartbeat = \"2\"", ["heartbeat", "no length", "\"2\""]),
        ("kind = \"future\"", "kind = \"swap\"", ["kind", "unknown variant", "swap"]),
        ("segment = \"fo\"", "segment = \"cd\"", ["segment", "unknown variant", "\"cd\""]),
        ("segment = \"fo\"", "segment = \"cm\"", ["kind", "are of segment", "[[instrument]]"]),
        ("kind = \"future\"", "kind = \"share\"", ["kind", "are of segment", "[[instrument]]"]),
        ("strike = 24500\n", "", ["strike", "needs one", "[[instrument]]"]),
        ("lines = \"a\"\n", "", ["kind", "needs until, lines", "[[event]]"]),
        ("until = \"10:30:20\"", "until = \"10:30:00\"", ["until", "after it begins", "[[event]]"]),
        ("level = 1", "level = 4", ["level", "1 to 3", "[[event]]"]),
        ("level = 1", "trade = 1", ["trade", "does not take", "[[event]]"]),
        ("streams = 2", "streams = 0", ["stream", "no such stream", "[[event]]"]),
        ("drop_answers = 0.01", "drop_answers = 1.01", ["drop_answers", "0 to 1", "[[box]]"]),
        ("interval = \"1s\"", "interval = \"1\"", ["interval", "no length", "\"1\""]),
        (
            "[[box]]\nid = 77",
            "[[spread]]\nnear = 35001\nfar = 3\n[[box]]\nid = 77",
            ["far", "no contract", "[[spread]]"],
        ),
        ("high = 1200", "high = 0.01", ["high", "below", "[[event]]"]),
    ] {
        let found = error(from, to);
        for word in words {
            assert!(found.contains(word), "{to}: {word:?} not in {found:?}");
        }
    }
}

#[test]
fn contracts_are_drawn_from_a_master_file() {
    let scenario = Scenario::parse(EXAMPLE).unwrap();
    let base = instrument(scenario.instruments[1].get_ref(), Segment::NseFo);
    let mut master = Vec::new();
    for expiry in [20, 24, 27] {
        for strike in 0..41 {
            for option_code in [1, 2] {
                let token = Token(1_000 + master.len() as u32);
                let strike = Px::from_paise(2_350_000 + 5_000 * strike);
                let expiry = Nanos::from_ist(2026, 11, expiry - 1, 15, 30, 0);
                master.push(Instrument { token, strike, expiry, option_code, ..base });
            }
        }
    }
    let table = "[contracts]\nfile = \"x\"\nexpiries = 1\nstrikes = 2\n\
                 underlyings = { NIFTY = 24490 }\n";
    let scenario = Scenario::parse(&format!("{EXAMPLE}{table}")).unwrap();
    let config = scenario.config(&master).unwrap();
    let drawn: Vec<_> = config.listings[3..]
        .iter()
        .map(|listing| (listing.instrument.to_string(), listing.stream))
        .collect();
    // What expired yesterday is not listed; five strikes around the level, a call and a put each.
    assert_eq!(drawn.len(), 10);
    assert_eq!(drawn[0], ("NIFTY 2026-11-23 24500 CE".to_string(), 1));
    assert_eq!(drawn[1], ("NIFTY 2026-11-23 24500 PE".to_string(), 2));
    assert!(drawn.iter().all(|(name, _)| name.contains("2026-11-23")));
}
