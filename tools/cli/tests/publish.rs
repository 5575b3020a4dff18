//! `tezi publish`: what leaves is what was recorded, what it says of it, and what it refuses.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::Duration;

use common::{Place, capture};
use serde_json::json;
use tezi::feed_handler::wire::mold_udp64::{PacketKind, decode};

/// Two receivers on the loopback interface, each with its group.
fn receivers() -> [(UdpSocket, SocketAddrV4); 2] {
    [1, 2].map(|last| {
        let group = Ipv4Addr::new(239, 255, 73, last);
        let socket = UdpSocket::bind(SocketAddrV4::new(group, 0)).unwrap();
        socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let SocketAddr::V4(address) = socket.local_addr().unwrap() else { unreachable!() };
        (socket, SocketAddrV4::new(group, address.port()))
    })
}

/// What lies in a socket.
fn drain(socket: &UdpSocket) -> Vec<Vec<u8>> {
    let mut buffer = [0; 2_048];
    let mut received = Vec::new();
    while let Ok(size) = socket.recv(&mut buffer) {
        received.push(buffer[..size].to_vec());
    }
    received
}

/// Few enough to fit a socket's buffer, whoever reads when.
fn payloads() -> Vec<Vec<u8>> {
    (0..100_u8).map(|index| vec![index; usize::from(index) + 1]).collect()
}

fn write_capture(place: &Place) {
    let payloads = payloads();
    let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    place.write("x.pcap", &capture(&payloads));
}

#[test]
fn a_capture_leaves_on_both_groups_as_it_is() {
    let place = Place::new("publish");
    write_capture(&place);
    let [(a, group_a), (b, group_b)] = receivers();
    let line = format!("publish x.pcap --a {group_a} --b {group_b} --lag 1 --json");
    let summary = place.run(&line).exits(0).json();
    assert_eq!([drain(&a), drain(&b)], [payloads(), payloads()]);
    assert_eq!(summary["datagrams"], 100);
    assert_eq!(summary["lines"][1]["sent"], 100);
    assert_eq!(summary["lines"][0]["group"], group_a.to_string());
    assert_eq!(summary["notes"], json!(["one line, 239.0.0.1:17741: sent on both"]));
    assert_eq!(summary["recovery"], json!(null));
    let text = format!("publish x.pcap --a {group_a} --b {group_b} --speed max --loop 2");
    place.run(&text).exits(0).says("Published 200 datagrams").says("200 sent, 0 dropped");
}

#[test]
fn faults_are_reproducible_and_each_line_has_its_own() {
    let place = Place::new("publish-faults");
    write_capture(&place);
    let run = |seed: u32| {
        let [(a, group_a), (b, group_b)] = receivers();
        let line = format!(
            "publish x.pcap --a {group_a} --b {group_b} --loss 0,50 --reorder 8 \
             --reorder-part 20 --duplicate 10 --seed {seed} --json"
        );
        let summary = place.run(&line).exits(0).json();
        ([drain(&a), drain(&b)], summary["lines"].clone())
    };
    let (first, counts) = run(1);
    let (again, _) = run(1);
    assert_eq!(first, again);
    assert_ne!(first, run(2).0);
    assert_eq!(counts[0]["dropped"], 0);
    assert!(counts[1]["dropped"].as_u64().unwrap() > 25);
    assert!(counts[0]["reordered"].as_u64().unwrap() > 5 && first[0].len() > 100);
}

#[test]
fn an_itch_file_leaves_as_numbered_packets() {
    let place = Place::new("publish-itch");
    let mut file = Vec::new();
    let messages: Vec<Vec<u8>> = (0..200_u64)
        .map(|index| {
            let mut message = vec![b'S', 0, 0, 0, 0];
            // Since midnight; a burst of ten every 100 µs.
            message.extend(&(index / 10 * 100_000).to_be_bytes()[2..]);
            message.push(b'Q');
            message
        })
        .collect();
    for message in &messages {
        file.extend((message.len() as u16).to_be_bytes());
        file.extend(message);
    }
    file.extend([0, 0]);
    place.write("x.itch", &file);
    let [(a, group_a), (_b, group_b)] = receivers();
    let line = format!("publish x.itch --protocol itch --a {group_a} --b {group_b} --json");
    let summary = place.run(&line).exits(0).json();
    assert_eq!(summary["datagrams"], 21);
    let packets = drain(&a);
    let mut received: Vec<Vec<u8>> = Vec::new();
    for packet in &packets {
        let packet = decode(packet).unwrap();
        assert_eq!(packet.sequence(), received.len() as u64 + 1);
        received.extend(packet.messages().map(<[u8]>::to_vec));
    }
    assert_eq!(received, messages);
    assert_eq!(decode(&packets[20]).unwrap().kind(), PacketKind::EndOfSession);
    place.write("cut.itch", &file[..file.len() - 5]);
    let line = format!("publish cut.itch --protocol itch --a {group_a} --b {group_b}");
    place.run(&line).exits(1).says("cut.itch: the file ends inside message 199");
}

#[test]
fn help_teaches_and_wrong_usage_is_refused() {
    let place = Place::new("publish-usage");
    write_capture(&place);
    place.write("empty.pcap", &capture(&[]));
    let mut help = place.run("publish --help").exits(0).says("Examples:").says("Exit codes:");
    for flag in [
        "--a ",
        "--b ",
        "--from",
        "--interface",
        "--ttl",
        "--unicast",
        "--protocol",
        "--speed",
        "--rate",
        "--loop",
        "--loss",
        "--duplicate",
        "--reorder",
        "--reorder-part",
        "--lag",
        "--seed",
        "--recovery",
        "--snapshot",
        "--snapshot-every",
        "--linger",
        "--heartbeats",
        "--json",
    ] {
        help = help.says(flag);
    }
    let lines = "--a 239.1.1.1:5001 --b 239.1.1.2:5002";
    let wrong = [
        ("publish x.pcap".to_string(), "--a"),
        ("publish x.pcap --a 239.1.1.1:5 --b 239.1.1.1:5".into(), "two groups"),
        ("publish x.pcap --a 10.0.0.1:5 --b 239.1.1.2:5".into(), "--unicast"),
        ("publish x.pcap --a 239.1.1.1:0 --b 239.1.1.2:5".into(), "port 0"),
        (format!("publish x.pcap {lines} --loss 101"), "0 to 100"),
        (format!("publish x.pcap {lines} --reorder 5000"), "4096"),
        (format!("publish x.pcap {lines} --rate 5 --speed 2x"), "cannot be used with"),
        (format!("publish x.pcap {lines} --loop 0"), "--loop"),
        (format!("publish x.pcap {lines} --recovery here"), "127.0.0.1:9001"),
        (format!("publish x.pcap {lines} --from 239.0.0.1:5,239.0.0.1:5"), "twice"),
        (format!("publish x.pcap {lines} --protocol itch --recovery 127.0.0.1:0"), "itch"),
    ];
    for (line, says) in wrong {
        let ran = place.run(&line).exits(2).says(says);
        assert!(ran.out.is_empty(), "{line}: {}", ran.out);
    }
    place.run(&format!("publish no-such.pcap {lines}")).exits(1).says("cannot open no-such.pcap");
    place.run(&format!("publish empty.pcap {lines}")).exits(1).says("no UDP datagram");
    let foreign = format!("publish x.pcap {lines} --from 239.9.9.9:9");
    place.run(&foreign).exits(1).says("100 datagrams to other groups").says("no UDP datagram");
}
