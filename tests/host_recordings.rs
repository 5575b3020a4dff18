//! Recorded data that is no capture, through the whole host: ITCH files made here, and a DBN
//! session where the private captures have one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use common::{Scratch, read};
use tezi::feed_handler::wire::itch::SessionDate;
use tezi::strategy::Watch;
use tezi::{CaptureSession, Host, Pinning, Protocol, Report, Session, replay_recorded};

/// A message behind its length: type, locate 7, time, then the rest.
fn message(kind: u8, time_ns: u64, rest: &[&[u8]]) -> Vec<u8> {
    let mut body = vec![kind, 0, 7, 0, 0];
    body.extend_from_slice(&time_ns.to_be_bytes()[2..]);
    rest.iter().for_each(|part| body.extend_from_slice(part));
    let mut bytes = (body.len() as u16).to_be_bytes().to_vec();
    bytes.append(&mut body);
    bytes
}

fn add(id: u64, side: u8, shares: u32, price: u32) -> Vec<u8> {
    let (id, shares, price) = (id.to_be_bytes(), shares.to_be_bytes(), price.to_be_bytes());
    message(b'A', id[7].into(), &[&id, &[side], &shares, b"TEZI    ", &price])
}

/// Four orders; one is executed in part, one reduced, one replaced, one deleted.
fn itch_day() -> Vec<u8> {
    let number = |value: u64| value.to_be_bytes();
    let shares = |value: u32| value.to_be_bytes();
    [
        add(1, b'B', 100, 1_000_000),
        add(2, b'B', 50, 1_000_000),
        add(3, b'S', 80, 1_000_100),
        add(4, b'S', 30, 1_000_200),
        message(b'E', 10, &[&number(1), &shares(40), &number(900)]),
        message(b'X', 11, &[&number(3), &shares(20)]),
        message(b'U', 12, &[&number(2), &number(5), &shares(70), &shares(999_900)]),
        message(b'D', 13, &[&number(4)]),
    ]
    .concat()
}

fn run(scratch: &Scratch, bytes: &[u8], protocol: Protocol, journal: &str) -> (String, Report) {
    let file = scratch.path("day");
    std::fs::write(&file, bytes).unwrap();
    let Session::Capture(session) = Session::captures([file]) else { panic!("a capture session") };
    let session = Session::Capture(CaptureSession { protocol, ..session });
    let book = scratch.path("book.csv");
    let host = Host::new().pinning(Pinning::Off);
    let host = host.book_csv(&book).journal(scratch.path(journal));
    let report = host.run(&session, Watch).unwrap();
    (read(&book), report)
}

#[test]
fn an_itch_file_ends_in_the_book_its_messages_say() {
    let scratch = Scratch::new();
    let itch = Protocol::Itch(SessionDate::new(2019, 12, 30).unwrap());
    let (book, report) = run(&scratch, &itch_day(), itch, "journal");
    assert!(report.is_fine(), "{:?}", report.problems());
    let rows: Vec<&str> = book.lines().skip(1).collect();
    assert_eq!(rows, ["7,B,1,10000,60,1", "7,B,2,9999,70,1", "7,S,1,10001,60,1"]);
    assert_eq!((report.core.counters.trades, report.core.counters.events), (1, 8));
    let (_, again) = run(&scratch, &itch_day(), itch, "again");
    assert_eq!(again.core.state_hash, report.core.state_hash);
    let replay = replay_recorded(&scratch.path("journal")).unwrap();
    assert!(replay.is_fine(), "{:?}", replay.problems());
    assert_eq!(replay.core.state_hash, report.core.state_hash);
}

#[test]
fn of_a_cut_itch_file_everything_before_the_cut_is_kept() {
    let scratch = Scratch::new();
    let itch = Protocol::Itch(SessionDate::new(2019, 12, 30).unwrap());
    let day = itch_day();
    let (book, report) = run(&scratch, &day[..day.len() - 5], itch, "journal");
    assert!(!report.is_fine());
    assert_eq!(report.core.counters.events, 7);
    assert_eq!(book.lines().count(), 5);
}

#[test]
fn a_dbn_session_is_recognised_and_names_no_unknown_order() {
    let Some(captures) = std::env::var_os("TEZI_CAPTURES") else {
        println!("skipped: TEZI_CAPTURES is not set");
        return;
    };
    let file =
        std::path::Path::new(&captures).join("databento/esh4-glbx-mdp3-20231225.mbo.dbn.zst");
    let scratch = Scratch::new();
    let bytes = std::fs::read(file).unwrap();
    let (_, report) = run(&scratch, &bytes, Protocol::Auto, "journal");
    assert!(report.is_fine(), "{:?}", report.problems());
    assert_eq!(report.feed.recorded.as_ref().unwrap().records, 68_792);
    assert_eq!((report.core.book_orders, report.core.counters.orders_unknown), (11_217, 0));
    assert_eq!(replay_recorded(&scratch.path("journal")).unwrap().problems(), Vec::<String>::new());
}
