//! `tezi price` from the books of a feed: the demo's own market, whose volatilities are known, books made
//! by hand, and the wire.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::bhavcopy::bhavcopy;
use common::{Place, Ran, capture, short_demo};
use serde_json::Value;
use tezi::feed_handler::wire::nse_mtbt::{Order, encode_order, message_type};
use tezi::model::{Nanos, OrderId, Side};
use tezi::pricing::Black76Input;

const DEMO: &str = "price --contracts j --symbol NIFTY --rate 0.065";

fn rows(chain: &Value) -> impl Iterator<Item = &Value> {
    chain["strikes"].as_array().unwrap().iter()
}

/// Every option of a chain: its strike and what came of it.
fn sides(chain: &Value) -> impl Iterator<Item = (f64, &Value)> {
    let of = |row| ["call", "put"].map(|side: &str| (row, side));
    let sides = rows(chain).flat_map(of);
    sides.map(|(row, side)| (row["strike"].as_f64().unwrap(), &row[side]))
}

/// Holds the chains of NIFTY against the market that the demo makes.
fn holds_the_demo(whole: &Value) {
    let chain = &whole["chains"][0];
    assert_eq!((&chain["symbol"], &chain["expiry"]), (&"NIFTY".into(), &"2026-12-29".into()));
    let expiry = Nanos::from_ist(2026, 12, 29, 15, 40, 0);
    let now = Nanos(whole["exchange_time_ns"].as_i64().unwrap());
    let years = expiry.since(now) as f64 / (365.0 * 86_400e9);
    assert!((chain["years"].as_f64().unwrap() - years).abs() < 1e-15, "{chain}");
    let future = chain["future"].as_f64().unwrap();
    assert!(chain["basis"].as_f64().unwrap().abs() < 4.0, "{chain}");
    let mut count = 0;
    for (strike, side) in sides(chain).filter(|(_, side)| side["status"] == "ok") {
        count += 1;
        // The smile of `engine/host/demo/market.rs`.
        let x = (strike - future) / future;
        let theoretical = 0.13 - 0.25 * x + 4.0 * x * x;
        let vol = side["implied_vol"].as_f64().unwrap();
        // Half a spread of a rupee, and three rupees that the future moved since the quotes.
        let off = (vol - theoretical).abs() * side["vega"].as_f64().unwrap();
        assert!(off < 3.5, "{strike}: {vol} is not {theoretical}, {off} rupees: {side}");
    }
    assert!(count >= 10, "{count} options: {chain}");
    let at_forward = chain["smile"]["vol_at_forward"].as_f64().unwrap();
    // A wrong clock would show: a day in 39 is 1.3 % of volatility.
    assert!((at_forward / 0.13 - 1.0).abs() < 0.006, "{at_forward}");
}

#[test]
fn the_demos_books_give_back_its_volatilities() {
    let place = Place::new("books-demo");
    short_demo(&place);
    let end = place.run(&format!("{DEMO} --feed x.pcap --json")).exits(0).json();
    holds_the_demo(&end);
    let line = format!("{DEMO} --feed x.pcap --at 09:15:00.500");
    let half = place.run(&format!("{line} --json")).exits(0).json();
    holds_the_demo(&half);
    let time = |whole: &Value| whole["exchange_time_ns"].as_i64().unwrap();
    let moment = Nanos::from_ist(2026, 11, 20, 9, 15, 0).plus(500_000_000);
    assert!(
        time(&half) <= moment.0 && moment.0 - time(&half) < 20_000_000 && moment.0 < time(&end)
    );
    // The same in every form.
    let csv = place.run(&format!("{line} --csv")).exits(0).out;
    assert_eq!(csv.lines().count(), 15);
    assert!(
        csv.starts_with("time,symbol,expiry,years,type,strike,mid,bid,ask,volume,outlier,price")
    );
    let first: Vec<&str> = csv.lines().nth(1).unwrap().split(',').collect();
    let call = &half["chains"][0]["strikes"][0]["call"];
    assert_eq!(first.len(), csv.lines().next().unwrap().split(',').count());
    assert_eq!(first[6].parse::<f64>().unwrap(), call["mid"].as_f64().unwrap());
    let middle = 0.5 * (call["bid"].as_f64().unwrap() + call["ask"].as_f64().unwrap());
    assert!((middle - call["mid"].as_f64().unwrap()).abs() < 1e-9);
    let table = place.run(&format!("{line} --plot smile.svg")).exits(0);
    let _ = table.says("books of 2026-11-20 09:15:00.4").says("NIFTY").says("spread");
    let svg = String::from_utf8(place.read("smile.svg")).unwrap();
    assert!(svg.matches("<circle").count() >= 10 && svg.contains("<polyline"));
}

#[test]
fn what_a_feed_cannot_say_is_refused_with_the_reason() {
    let place = Place::new("books-refused");
    short_demo(&place);
    let cases = [
        ("--feed x.pcap --symbol INFY --contracts j", "the contracts have no option on INFY"),
        (
            "--feed x.pcap --symbol NIFTY --contracts j --expiry 2026-11-24",
            "no option on NIFTY of that expiry",
        ),
        ("--feed x.pcap --symbol BANKNIFTY --contracts j", "no option on BANKNIFTY"),
        ("--feed x.pcap --contracts j --at 09:00:00", "the first message is of 09:15:00"),
        ("--feed x.pcap --contracts j --at 15:30:00", "the feed ends at 09:15:01.0"),
        ("--feed none.pcap --contracts j", "none.pcap"),
        ("--feed x.pcap --contracts none.txt", "none.txt"),
        // The first order of the day: every other book is empty.
        ("--feed x.pcap --contracts j --symbol NIFTY --at 09:15:00 --spread-max 0", "14 "),
    ];
    for (line, says) in cases {
        let ran = place.run(&format!("price {line}")).exits(1).says(says);
        assert!(ran.out.is_empty(), "{line}: {}", ran.out);
    }
    let mut help = place.run("price --help").exits(0);
    for flag in ["--feed", "--at ", "--every", "--spread-max", "--age-max", "--a ", "--contracts"] {
        help = help.says(flag);
    }
    place.write("foreign.pcap", &capture(&[b"GET / HTTP/1.1"]));
    place
        .run("price --feed foreign.pcap --contracts j")
        .exits(1)
        .says("no mtbt message in 1 datagrams");
    let wrong = [
        ("--feed x.pcap", "--contracts"),
        ("--a 239.1.1.1:5001", "--contracts"),
        ("--feed x.pcap --contracts j --every 5s", "cannot be used with"),
        ("--forward 5 --every 5s", "--a"),
        ("--feed x.pcap --contracts j --at noon", "as in 10:31:07"),
        ("--a 239.1.1.1:5001 --contracts j --at 10:00:00", "--feed"),
        ("--feed x.pcap --contracts j --interface lo", "cannot be used with"),
        ("--feed x.pcap --bhavcopy x", "cannot be used with"),
        ("--feed x.pcap --strike 5", "cannot be used with"),
        ("--a 239.1.1.1:5001 --strike 5", "cannot be used with"),
        ("--feed x.pcap --contracts j --spread-max 1000", "0 to 200"),
        ("--feed x.pcap --contracts j --symbol NIFTY --plot x.pcap", "x.pcap is named twice"),
        ("--at 10:00:00", "--feed"),
    ];
    for (line, says) in wrong {
        let ran = place.run(&format!("price {line}")).exits(2).says(says);
        assert!(ran.out.is_empty(), "{line}: {}", ran.out);
    }
}

/// Noon and later, a week before the contracts below expire.
fn at(second: i64) -> Nanos {
    Nanos::from_ist(2026, 11, 20, 12, 0, 0).plus(second * 1_000_000_000)
}

/// Orders by hand, on one stream.
#[derive(Default)]
struct Tape {
    packets: Vec<Vec<u8>>,
    orders: u64,
}

impl Tape {
    fn order(&mut self, second: i64, token: u32, side: Side, rupees: f64) {
        self.orders += 1;
        let order = Order {
            message_type: message_type::ORDER_NEW,
            time: at(second),
            order_id: OrderId(self.orders),
            token: token.cast_signed(),
            side,
            price: (rupees * 100.0).round() as i32,
            quantity: 75,
        };
        self.packets.push(encode_order(1, self.orders as u32, &order).to_vec());
    }

    fn quote(&mut self, second: i64, token: u32, middle: f64, half: f64) {
        self.order(second, token, Side::Buy, middle - half);
        self.order(second, token, Side::Sell, middle + half);
    }

    fn write(&self, place: &Place, name: &str) {
        let payloads: Vec<&[u8]> = self.packets.iter().map(Vec::as_slice).collect();
        place.write(name, &capture(&payloads));
    }
}

/// From noon to the expiry.
const SECONDS: f64 = 7.0 * 86_400.0 + 13_200.0;
const FORWARD: f64 = 23_012.5;
const HAND: &str = "price --feed hand.pcap --contracts fo.csv --symbol DEMO --rate 0.06";

fn premium(index: u32, is_call: bool, vol: f64) -> f64 {
    let strike = 22_000.0 + 50.0 * f64::from(index);
    let years = SECONDS / (365.0 * 86_400.0);
    Black76Input { forward: FORWARD, strike, years, vol, rate: 0.06, is_call }.value().price
}

const fn token(index: u32, is_call: bool) -> u32 {
    1_002 + 2 * index + if is_call { 0 } else { 1 }
}

/// Seven days, three hours and forty minutes before expiry: a book for the future and for both options of thirteen
/// strikes about the money, at a volatility of 14 %.
fn by_hand(place: &Place) -> Tape {
    place.write("fo.csv", bhavcopy("2026-11-27", 0.1, FORWARD).as_bytes());
    let mut tape = Tape::default();
    tape.quote(0, 1_001, FORWARD, 0.5);
    for index in 14..27 {
        for is_call in [true, false] {
            tape.quote(0, token(index, is_call), premium(index, is_call, 0.14), 0.05);
        }
    }
    tape
}

#[test]
fn a_moment_has_the_books_of_then_and_time_runs_to_the_second() {
    let place = Place::new("books-moment");
    let mut tape = by_hand(&place);
    // Five seconds later a better bid, half a rupee dearer, for the call at 23,000.
    let call = premium(20, true, 0.14);
    tape.quote(5, token(20, true), call + 0.7, 0.05);
    tape.write(&place, "hand.pcap");
    let price = |more: &str| place.run(&format!("{HAND} --json {more}")).exits(0).json();
    let early = price("--at 12:00:04.999");
    assert_eq!(early["time"], "2026-11-20 12:00:00.000000000");
    let chain = &early["chains"][0];
    assert_eq!(chain["years"].as_f64().unwrap(), SECONDS / (365.0 * 86_400.0));
    assert_eq!((&chain["parity"]["pairs"], &chain["is_liquid"]), (&13.into(), &true.into()));
    assert_eq!(chain["smile"]["status"], "fitted");
    assert!((chain["forward"].as_f64().unwrap() - FORWARD).abs() < 0.02);
    for (strike, side) in sides(chain).filter(|(_, side)| side["status"] != "empty") {
        // Bid and ask are rounded to paise: the middle is off by half of one, the forward by two.
        let off = (side["implied_vol"].as_f64().unwrap() - 0.14).abs();
        assert!(off < 0.03 / side["vega"].as_f64().unwrap() + 1e-6, "{strike}: {side}");
    }
    assert!(rows(chain).all(|row| row["is_outlier"] == false));
    assert_eq!(chain["left_out"]["empty"], 56);
    // The old offer still rests below the new bid.
    let late = price("--at 12:00:05");
    assert_eq!(late["chains"][0]["left_out"]["crossed"], 1);
    assert_eq!(late["chains"][0]["parity"]["pairs"], 12);
    let years = late["chains"][0]["years"].as_f64().unwrap();
    assert!((years * 365.0 * 86_400.0 - (SECONDS - 5.0)).abs() < 1e-6);
    assert_eq!(price("")["chains"], late["chains"]);
}

#[test]
fn what_says_no_price_is_left_out_and_counted() {
    let place = Place::new("books-left-out");
    let mut tape = by_hand(&place);
    tape.order(1, token(3, true), Side::Buy, 900.0);
    tape.quote(1, token(4, true), 800.0, 90.0);
    tape.quote(61, 1_001, FORWARD, 0.45);
    tape.quote(61, token(20, true), premium(20, true, 0.14), 0.04);
    tape.write(&place, "hand.pcap");
    let text = place.run(HAND).exits(0);
    let text = text.says("left out: 54 empty, 1 one_sided, 1 too_wide of 82 options");
    let _ = text.says("one_sided").says("liquid");
    let chain = &place.run(&format!("{HAND} --json")).exits(0).json()["chains"][0];
    let left_out = |index: usize| chain["strikes"][index]["call"].clone();
    assert_eq!((&left_out(3)["status"], &left_out(3)["bid"]), (&"one_sided".into(), &900.0.into()));
    assert!(left_out(3)["ask"].is_null() && left_out(3)["implied_vol"].is_null());
    assert_eq!(left_out(4)["status"], "too_wide");
    let wide = place.run(&format!("{HAND} --json --spread-max 25")).exits(0).json();
    assert_ne!(wide["chains"][0]["strikes"][4]["call"]["status"], "too_wide");
    let fresh = place.run(&format!("{HAND} --json --age-max 30")).exits(0).json();
    let counts = &fresh["chains"][0]["left_out"];
    assert_eq!((&counts["unchanged"], &counts["empty"]), (&26.into(), &54.into()));
    // A lost message makes every book of its stream doubtful; of what never came no stream is known.
    tape.packets.remove(40);
    tape.write(&place, "hand.pcap");
    let lost = place.run(HAND).exits(1).says("28 stale");
    let _ = lost.says("NOT FINE: 1 messages were lost on every line");
    // Also at a moment behind the gap and before the capture's end.
    place.run(&format!("{HAND} --json --at 12:00:00.5")).exits(1).says("26 stale");
}

/// A group and port of this test alone.
fn fresh_group(last: u8) -> SocketAddrV4 {
    let [.., high, low] = std::process::id().to_be_bytes();
    let group = Ipv4Addr::new(239, 224 + high % 16, low, last);
    let socket = UdpSocket::bind(SocketAddrV4::new(group, 0)).unwrap();
    let SocketAddr::V4(address) = socket.local_addr().unwrap() else { unreachable!() };
    SocketAddrV4::new(group, address.port())
}

/// Waits until some process has bound a port, and then for its groups to be joined.
fn wait_for_port(address: SocketAddrV4) {
    let end = Instant::now() + Duration::from_secs(20);
    let port = format!(":{:04X} ", address.port());
    while !std::fs::read_to_string("/proc/net/udp").unwrap().contains(&port) {
        assert!(Instant::now() < end, "nobody listens on {address}");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
}

#[test]
fn the_wire_is_priced_again_and_again() {
    let place = Place::new("books-live");
    short_demo(&place);
    let [a, b] = [41, 42].map(fresh_group);
    let lines = format!("--protocol mtbt --a {a} --b {b} --interface 127.0.0.1");
    let mut command = place.command();
    let line = format!("{DEMO} {lines} --every 1s --silence 2 --seconds 40 --json --plot live.svg");
    command.args(line.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    wait_for_port(b);
    place.run(&format!("publish x.pcap --a {a} --b {b} --speed 0.5x")).exits(0);
    let ran = Ran::new(child.wait_with_output().unwrap()).exits(0);
    let views: Vec<Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(views.len() >= 2, "{} views", views.len());
    views.iter().for_each(holds_the_demo);
    let time = |view: &Value| view["exchange_time_ns"].as_i64().unwrap();
    assert!(views.is_sorted_by_key(time) && time(&views[0]) < time(&views[views.len() - 1]));
    // The last books are those of the capture's end.
    let end = place.run(&format!("{DEMO} --feed x.pcap --json")).exits(0).json();
    assert_eq!(views[views.len() - 1]["chains"], end["chains"]);
    assert!(place.read("live.svg").starts_with(b"<svg"));
}
