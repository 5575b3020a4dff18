//! `tezi feed`, and `tezi replay` of every protocol: captures shown and recorded again, groups
//! listened to, and what is refused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::process::Stdio;
use std::time::Duration;

use common::{Place, Ran, capture};
use serde_json::json;
use tezi::feed_handler::wire::bse_eobi::PacketBuilder;
use tezi::feed_handler::wire::bse_nfcast::{
    Dialect, Level, Levels, MarketPicture, encode_market_pictures,
};
use tezi::feed_handler::wire::mold_udp64::Publisher;
use tezi::feed_handler::wire::nse_broadcast::{
    DEPTH, DatagramWriter, DayPrices, MarketByPrice, MarketByPriceForm, Trades,
    encode_market_by_price,
};
use tezi::feed_handler::wire::nse_mtbt::{Order, Trade, encode_order, encode_trade, message_type};
use tezi::feed_handler::wire::{bse_eobi, nse_broadcast};
use tezi::model::{Nanos, OrderId, Px, Qty, Segment, Side, Token};

fn time() -> Nanos {
    Nanos::from_ist(2026, 11, 20, 9, 15, 0)
}

fn mtbt_order(sequence: u32, id: u64, side: Side, price: i32) -> Vec<u8> {
    let (message_type, order_id) = (message_type::ORDER_NEW, OrderId(id));
    let order =
        Order { message_type, time: time(), order_id, token: 35_001, side, price, quantity: 65 };
    encode_order(1, sequence, &order).to_vec()
}

/// Two bids and an ask, whose second bid trades in part.
fn mtbt() -> Vec<Vec<u8>> {
    let trade = Trade {
        message_type: message_type::TRADE,
        time: time(),
        buy_order_id: OrderId(12),
        sell_order_id: OrderId(0),
        token: 35_001,
        price: 9_990,
        quantity: 15,
    };
    vec![
        mtbt_order(1, 11, Side::Buy, 9_985),
        mtbt_order(2, 12, Side::Buy, 9_990),
        mtbt_order(3, 13, Side::Sell, 10_010),
        encode_trade(1, 4, &trade).to_vec(),
    ]
}

/// The book that is in each of the captures below, token 35001 or 13: a bid and an ask.
const LEVELS: [(Side, i64, u32); 2] = [(Side::Buy, 9_990, 50), (Side::Sell, 10_010, 65)];

fn broadcast() -> Vec<Vec<u8>> {
    let [bids, asks] = LEVELS.map(|(_, paise, quantity)| {
        let mut side = [nse_broadcast::Level::default(); DEPTH];
        let (price, quantity) = (Px::from_paise(paise), u64::from(quantity));
        side[0] = nse_broadcast::Level { price, quantity, orders: 1 };
        side
    });
    let record = MarketByPrice {
        segment: Segment::NseFo,
        token: Token(35_001),
        time: time(),
        book_type: 1,
        status: None,
        trades: Trades::default(),
        auction: Default::default(),
        bids,
        asks,
        total_buy: 0,
        total_sell: 0,
        indicator: [0; 2],
        prices: DayPrices::default(),
        indicative_close: Px::ZERO,
    };
    let clear = encode_market_by_price(MarketByPriceForm::Wide, 1, &[record]).unwrap();
    let mut writer = DatagramWriter::new(Segment::NseFo).unwrap();
    writer.push_compressed(clear.as_bytes()).unwrap();
    vec![writer.as_bytes().to_vec()]
}

fn eobi() -> Vec<Vec<u8>> {
    let mut packet = PacketBuilder::new(900, 1, time());
    for (sequence, (side, paise, quantity)) in (1..).zip(LEVELS) {
        let order = bse_eobi::Order {
            side,
            price: Some(Px::from_paise(paise)),
            priority_time: time(),
            quantity: Qty(quantity),
        };
        packet.order_add(sequence, Token(35_001), &order);
    }
    vec![packet.bytes().to_vec()]
}

fn nfcast() -> Vec<Vec<u8>> {
    let [bids, offers] = LEVELS.map(|(_, paise, quantity)| {
        let (price, quantity) = (Px::from_paise(paise), u64::from(quantity));
        Levels::new(&[Level { price, quantity, orders: 1, implied_quantity: 0 }])
    });
    let picture = MarketPicture {
        token: Token(35_001),
        session_number: 3,
        last_price: Px::from_paise(10_000),
        last_quantity: 1,
        bids,
        offers,
        ..MarketPicture::default()
    };
    let (clock, dialect, mut bytes) = ([9, 15, 0, 0], Dialect::default(), Vec::new());
    encode_market_pictures(&[picture], clock, false, Segment::BseFo, dialect, &mut bytes).unwrap();
    vec![bytes]
}

/// The two orders as ITCH messages of stock 13; times since midnight.
fn itch_messages() -> Vec<Vec<u8>> {
    let messages = (1_u64..).zip(LEVELS).map(|(id, (side, cents, quantity))| {
        let clock = 34_200_000_000_000_u64.to_be_bytes();
        let price = (cents as u32 * 100).to_be_bytes();
        let side = [side.letter() as u8];
        let head = [b'A', 0, 13, 0, 0];
        let fields: [&[u8]; 7] = [
            &head,
            &clock[2..],
            &id.to_be_bytes(),
            &side,
            &quantity.to_be_bytes(),
            b"ZVZZT   ",
            &price,
        ];
        fields.concat()
    });
    messages.collect()
}

fn mold() -> Vec<Vec<u8>> {
    let mut publisher = Publisher::new(*b"000000001A", 1_400).unwrap();
    let mut sent = Vec::new();
    for message in itch_messages() {
        publisher.push(&message, &mut |_: &[u8]| {}).unwrap();
        publisher.flush(&mut |datagram: &[u8]| sent.push(datagram.to_vec()));
    }
    sent
}

/// The same as a raw file.
fn itch_file() -> Vec<u8> {
    let framed = itch_messages()
        .into_iter()
        .flat_map(|message| [&(message.len() as u16).to_be_bytes()[..], &message].concat());
    framed.chain([0, 0]).collect()
}

/// Two orders of DBN, market by order, version 1, of instrument 35001.
fn dbn_file() -> Vec<u8> {
    let mut body = b"GLBX.MDP3\0\0\0\0\0\0\0".to_vec();
    body.extend(0_u16.to_le_bytes());
    for number in [1_000, u64::MAX, 0, u64::MAX] {
        body.extend(number.to_le_bytes());
    }
    // Symbologies, no time of sending; reserved; no schema; no symbols, no mappings.
    body.extend([&[1, 0, 0][..], &[0; 47], &[0; 4], &[0; 16]].concat());
    let mut file = [b"DBN\x01", &(body.len() as u32).to_le_bytes()[..], &body].concat();
    for (id, (side, cents, quantity)) in (1_u64..).zip(LEVELS) {
        let event_time = 1_703_545_200_000_000_000_u64.to_le_bytes();
        let side = if side == Side::Buy { b'B' } else { b'A' };
        let fields: [&[u8]; 10] = [
            &[14, 0xA0, 1, 0],
            &35_001_u32.to_le_bytes(),
            &event_time,
            &id.to_le_bytes(),
            &(cents * 10_000_000).to_le_bytes(),
            &quantity.to_le_bytes(),
            &[0x80, 0, b'A', side],
            &event_time,
            &0_i32.to_le_bytes(),
            &(id as u32).to_le_bytes(),
        ];
        file.extend(fields.concat());
    }
    file
}

/// A capture of datagrams on one group.
fn write(place: &Place, name: &str, datagrams: &[Vec<u8>]) {
    let payloads: Vec<&[u8]> = datagrams.iter().map(Vec::as_slice).collect();
    place.write(name, &capture(&payloads));
}

#[test]
fn a_capture_is_shown_in_text_and_as_one_object() {
    let place = Place::new("feed");
    write(&place, "x.pcap", &mtbt());
    let text = place.run("feed x.pcap --speed max").exits(0);
    let text = text.says("1 instruments (0 stale), 3 orders; 4 events, 1 trades");
    assert!(!text.out.contains("NOT FINE") && text.err.is_empty(), "{text:?}");
    let line = "feed x.pcap --speed max --json --book 35001 --depth 1";
    let summary = place.run(line).exits(0).json();
    assert_eq!(summary["is_fine"], true);
    assert_eq!(summary["feed"]["protocol"], "mtbt");
    assert_eq!(summary["feed"]["delivered"], 4);
    assert_eq!((&summary["book_orders"], &summary["trades"]), (&json!(3), &json!(1)));
    let book = &summary["books"][0];
    assert_eq!((&book["token"], &book["last_trade"]), (&json!(35_001), &json!("99.90")));
    assert_eq!(book["bids"], json!([["99.90", 50, 1]]));
    assert_eq!(book["asks"], json!([["100.10", 65, 1]]));
    assert_eq!(summary["audit"], json!(null));
    let none = place.run("feed x.pcap --speed max --json --book NIFTY").exits(0).json();
    assert_eq!(none["books"], json!([]));
}

#[test]
fn what_is_lost_or_foreign_is_not_fine() {
    let place = Place::new("feed-lost");
    let mut datagrams = mtbt();
    datagrams.remove(1);
    write(&place, "lost.pcap", &datagrams);
    let lost = place.run("feed lost.pcap --speed max").exits(1);
    lost.says("NOT FINE: 1 messages were lost on every line").says("1 instruments (1 stale)");
    write(&place, "foreign.pcap", &[b"GET / HTTP/1.1".to_vec()]);
    place.run("feed foreign.pcap --speed max").exits(1).says("no mtbt message in 1 datagrams");
    place.run("feed no-such.pcap").exits(1).says("no-such.pcap");
    place.write("text.pcap", b"this is no capture of anything");
    place.run("feed text.pcap").exits(1).says("text.pcap");
}

#[test]
fn what_is_recorded_replays_the_same() {
    let place = Place::new("feed-record");
    write(&place, "x.pcap", &mtbt());
    let line = "feed x.pcap --speed max --record y.pcapng --json";
    assert_eq!(place.run(line).exits(0).json()["feed"]["packets_recorded"], 4);
    let replay = |file: &str| {
        let line = format!("replay {file} --no-pin --no-journal --json --decoded-csv {file}.csv");
        place.run(&line).exits(0).json()["state_hash"].clone()
    };
    assert_eq!(replay("x.pcap"), replay("y.pcapng"));
    assert_eq!(place.read("x.pcap.csv"), place.read("y.pcapng.csv"));
    place.run("feed x.pcap --speed max --record no/such/dir.pcapng").exits(1).says("no/such/dir");
}

#[test]
fn every_protocol_replays_by_its_name_and_found_out() {
    let place = Place::new("protocols");
    let captures = [
        ("mtbt", "35001", mtbt()),
        ("broadcast", "35001", broadcast()),
        ("eobi", "35001", eobi()),
        ("nfcast", "35001", nfcast()),
        ("mold", "13", mold()),
    ];
    let mut files = Vec::new();
    for (name, token, datagrams) in &captures {
        write(&place, &format!("{name}.pcap"), datagrams);
        files.push((*name, *token, format!("{name}.pcap"), ""));
    }
    place.write("dbn.bin", &dbn_file());
    place.write("itch.bin", &itch_file());
    files.push(("dbn", "35001", "dbn.bin".into(), ""));
    files.push(("itch", "13", "itch.bin".into(), "--date 2026-11-20"));
    for (name, token, file, more) in files {
        for protocol in [name, "auto"] {
            if (name, protocol) == ("itch", "auto") {
                // A raw file does not say what it is.
                place.run(&format!("replay {file} --no-journal")).exits(1).says("itch.bin");
                continue;
            }
            let line = format!(
                "replay {file} --protocol {protocol} {more} --no-pin --no-journal --json \
                 --book-csv {name}.csv"
            );
            let summary = place.run(&line).exits(0).json();
            assert_eq!(summary["is_fine"], true, "{name}");
            let book = String::from_utf8(place.read(&format!("{name}.csv"))).unwrap();
            let touch: Vec<&str> = book.lines().filter(|row| row.contains(",1,")).collect();
            let expected = [format!("{token},B,1,9990,50,1"), format!("{token},S,1,10010,65,1")];
            let touch: Vec<&str> =
                touch.into_iter().filter(|row| row.split(',').nth(2) == Some("1")).collect();
            assert_eq!(touch, expected, "{name} as {protocol}");
        }
        let shown = place.run(&format!("feed {file} --protocol {name} {more} --speed max --json"));
        let shown = shown.exits(0).json();
        assert_eq!(shown["books"][0]["bids"][0], json!(["99.90", 50, 1]), "{name}");
    }
}

/// A group and port of this test alone.
fn fresh_group() -> SocketAddrV4 {
    let [.., high, low] = std::process::id().to_be_bytes();
    let group = Ipv4Addr::new(239, 224 + high % 16, low, 1);
    let socket = UdpSocket::bind(SocketAddrV4::new(group, 0)).unwrap();
    let SocketAddr::V4(address) = socket.local_addr().unwrap() else { unreachable!() };
    SocketAddrV4::new(group, address.port())
}

#[test]
fn a_silent_group_is_said_to_be_silent() {
    let place = Place::new("feed-silent");
    let line = format!("feed --a {} --interface 127.0.0.1 --seconds 1", fresh_group());
    place.run(&line).exits(1).says("NOT FINE: no mtbt message in 0 datagrams");
    place.run(&format!("{line} --interface tezi-none0")).exits(2).says("--interface");
    let unknown = format!("feed --a {} --interface tezi-none0 --seconds 1", fresh_group());
    place.run(&unknown).exits(1).says("tezi-none0");
}

#[test]
fn a_group_is_listened_to_and_recorded() {
    let place = Place::new("feed-live");
    let group = fresh_group();
    let line = format!(
        "feed --a {group} --interface 127.0.0.1 --seconds 2 --record y.pcapng --json --every 0.1"
    );
    let mut command = place.command();
    command.args(line.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    // Far from the first number of the day, so that joining late is no loss.
    for sequence in 5_000.. {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        let order = mtbt_order(sequence, u64::from(sequence), Side::Buy, 9_990);
        socket.send_to(&order, group).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    let summary = Ran::new(child.wait_with_output().unwrap()).exits(0).json();
    let delivered = summary["feed"]["delivered"].as_u64().unwrap();
    assert!(delivered > 0 && summary["feed"]["packets_recorded"] == delivered, "{summary:#}");
    assert_eq!(summary["book_orders"], delivered);
    let replayed = place.run("replay y.pcapng --no-pin --no-journal --json").exits(0).json();
    assert_eq!(replayed["feed"]["delivered"], delivered);
}

#[test]
fn wrong_usage_is_refused_before_anything_is_done() {
    let place = Place::new("feed-usage");
    write(&place, "x.pcap", &mtbt());
    let a = "--a 239.1.1.1:5001";
    let wrong = [
        ("feed".to_string(), "<FILE>"),
        ("feed x.pcap --interface lo".into(), "cannot be used with"),
        ("feed x.pcap --recovery 127.0.0.1:9001".into(), "cannot be used with"),
        ("feed x.pcap --record x.pcap".into(), "x.pcap"),
        ("feed x.pcap --protocol fix".into(), "broadcast"),
        ("feed x.pcap --protocol itch".into(), "--date"),
        ("feed x.pcap --depth 0".into(), "--depth"),
        ("feed x.pcap --every 0".into(), "--every"),
        ("feed x.pcap --speed fast".into(), "--speed"),
        ("feed x.pcap --books 2 --book NIFTY".into(), "cannot be used with"),
        ("feed x.pcap --protocol eobi --segment fo".into(), "segment"),
        (format!("feed {a} --b 239.1.1.1:5001"), "--a and --b are both 239.1.1.1:5001"),
        (format!("feed {a} --snapshot-b 239.1.1.4:5001"), "--snapshot-a"),
        (format!("feed {a} --snapshot 127.0.0.1:9001"), "--recovery"),
        (format!("feed {a} --audit=5"), "--snapshot"),
        (format!("feed {a} --source-b 10.0.0.1"), "--source"),
        (format!("feed {a} --protocol dbn"), "dbn comes in files"),
        (format!("feed {a} --protocol eobi --segment fo --seconds 1"), "segment"),
        (format!("feed {a} --method magic"), "recvmmsg"),
        (format!("feed {a} --seconds soon"), "--seconds"),
        ("feed --a 239.1.1.1".into(), "--a"),
    ];
    for (line, says) in wrong {
        let ran = place.run(&line).exits(2).says(says);
        assert!(ran.out.is_empty(), "{line}: {}", ran.out);
    }
    let help = place.run("feed --help").exits(0).says("Examples:").says("Exit codes:");
    let flags =
        ["--a ", "--b ", "--snapshot-a", "--protocol", "--segment", "--date", "--interface"];
    let more = ["--source", "--method", "--spin", "--recovery", "--requests", "--seconds"];
    let rest = ["--silence", "--book", "--depth", "--every", "--record", "--audit", "--quiet"];
    let all = flags.into_iter().chain(more).chain(rest).chain(["--speed", "--contracts", "--json"]);
    all.fold(help, Ran::says);
}
