//! A generated capture published over real multicast on the loopback interface and received by plain
//! sockets, byte for byte; and its recovery and snapshot services over TCP.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::Scratch;
use common::tape::{GROUPS, Message, book_csv, both_lines, single_line, tape, write_capture};
use socket2::{Domain, Socket, Type};
use tezi::feed_handler::wire::nse_mtbt::{
    SnapshotHeader, SnapshotOrder, encode_heartbeat, encode_recovery_reply,
    encode_recovery_request, encode_snapshot_reply, encode_snapshot_request, message_type,
};
use tezi::publish::{Captures, LineFaults, Pace, PublishConfig, PublishReport, Publisher};

/// Two lines received: each datagram, in order of arrival.
struct Receivers {
    sockets: [UdpSocket; 2],
    groups: [SocketAddrV4; 2],
}

impl Receivers {
    /// Joins two groups on free ports, with buffers for everything a test sends.
    fn join() -> Self {
        let join = |last: u8| {
            let group = Ipv4Addr::new(239, 255, 71, last);
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
            socket.set_recv_buffer_size(4 << 20).unwrap();
            socket.bind(&SocketAddrV4::new(group, 0).into()).unwrap();
            socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST).unwrap();
            let socket = UdpSocket::from(socket);
            let SocketAddr::V4(address) = socket.local_addr().unwrap() else { unreachable!() };
            (socket, SocketAddrV4::new(group, address.port()))
        };
        let ((a, group_a), (b, group_b)) = (join(1), join(2));
        Self { sockets: [a, b], groups: [group_a, group_b] }
    }

    /// What each line brought, once nothing more comes.
    fn drain(&self) -> [Vec<Vec<u8>>; 2] {
        [0, 1].map(|line| {
            let socket = &self.sockets[line];
            socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            let mut buffer = [0; 2_048];
            let mut received = Vec::new();
            while let Ok(size) = socket.recv(&mut buffer) {
                received.push(buffer[..size].to_vec());
            }
            received
        })
    }
}

/// Publishes a capture; what was received, and the report.
fn publish(
    scratch: &Scratch,
    change: impl Fn(&mut PublishConfig),
) -> ([Vec<Vec<u8>>; 2], PublishReport) {
    let receivers = Receivers::join();
    let [a, b] = receivers.groups;
    let mut config = PublishConfig { pace: Pace::Rate(20_000.0), ..PublishConfig::new(a, b) };
    change(&mut config);
    let captures = Captures::open([scratch.path("x.pcap")]).unwrap();
    let publisher = Publisher::new(config).unwrap();
    let stop = AtomicBool::new(false);
    let report = publisher.run(captures.datagrams(&[]), &stop, &mut |_| {}).unwrap();
    let received = receivers.drain();
    for (line, sent) in received.iter().zip(&report.lines) {
        assert_eq!(line.len() as u64, sent.sent + sent.heartbeats, "all that was sent arrived");
    }
    (received, report)
}

fn bytes(tape: &[Message]) -> Vec<Vec<u8>> {
    tape.iter().map(Message::bytes).collect()
}

#[test]
fn a_single_line_goes_to_both_groups_byte_for_byte() {
    let (scratch, tape) = (Scratch::new(), tape(1, 1_500));
    write_capture(&scratch.path("x.pcap"), &tape, &single_line(&tape));
    let (received, report) = publish(&scratch, |config| {
        config.faults[1].lag_ns = 5_000_000;
        config.final_heartbeats = 1;
    });
    let mut expected = bytes(&tape);
    for stream in [1, 2] {
        let last = tape.iter().filter(|it| it.stream == stream).map(|it| it.sequence).max();
        expected.push(encode_heartbeat(stream, last.unwrap()).to_vec());
    }
    assert!(received.iter().all(|line| *line == expected));
    assert_eq!((report.datagrams, report.sent()), (1_500, 3_000));
    assert_eq!(report.span.map(|(first, _)| first), Some(tape[0].time));
    assert!(report.problems().is_empty());
}

#[test]
fn the_lines_of_a_capture_of_both_go_out_as_recorded() {
    let (scratch, tape) = (Scratch::new(), tape(2, 1_000));
    let faults = common::tape::Faults { loss: 0.1, duplicate: 0.05, reorder: 0.1 };
    let sent = both_lines(&tape, 2, faults, |_| false);
    write_capture(&scratch.path("x.pcap"), &tape, &sent);
    let (received, report) = publish(&scratch, |_| {});
    for (line, received) in received.iter().enumerate() {
        let own = sent.iter().filter(|it| it.line == line);
        let expected: Vec<_> = own.map(|it| tape[it.index].bytes()).collect();
        assert!(*received == expected, "line {line}");
    }
    let note = format!("line A is {}, line B {}", GROUPS[0], GROUPS[1]);
    assert_eq!(report.source.notes, [note]);
}

#[test]
fn faults_are_those_of_the_seed_and_counted() {
    let (scratch, tape) = (Scratch::new(), tape(3, 1_000));
    write_capture(&scratch.path("x.pcap"), &tape, &single_line(&tape));
    let run = |seed: u64| {
        publish(&scratch, |config| {
            let faults = LineFaults {
                loss: 0.2,
                duplicate: 0.1,
                reorder: 0.2,
                reorder_depth: 64,
                lag_ns: 0,
            };
            (config.faults, config.seed) = ([faults; 2], seed);
        })
    };
    let (first, report) = run(5);
    let (again, same) = run(5);
    assert!(first == again, "one seed, one pair of lines");
    assert_eq!(report.lines, same.lines);
    assert!(first != run(6).0 && first[0] != first[1]);
    for line in &report.lines {
        assert!(line.dropped > 100 && line.duplicated > 50 && line.reordered > 100, "{line:?}");
    }
    let all = bytes(&tape);
    let lost = all.iter().filter(|it| !first[0].contains(it) && !first[1].contains(it)).count();
    assert_eq!(lost as u64, report.dropped_on_both);
    assert!(lost > 10);
}

/// Asks a service; everything until it hangs up. Requests are 10 ms apart at least.
fn ask(address: SocketAddrV4, request: &[u8]) -> Vec<u8> {
    std::thread::sleep(Duration::from_millis(20));
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// The snapshot of a stream, once it covers the last message.
fn snapshot(address: SocketAddrV4, stream: u8, last: u32) -> Vec<SnapshotOrder> {
    let reply = encode_snapshot_reply(stream, true);
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = ask(address, &encode_snapshot_request(stream));
        assert!(Instant::now() < deadline, "no image of {last}: {answer:?}");
        let Some(image) = answer.strip_prefix(&reply[..]) else { continue };
        let (header, orders) = image.split_at(size_of::<SnapshotHeader>());
        let header: &SnapshotHeader = bytemuck::from_bytes(header);
        let orders: &[SnapshotOrder] = bytemuck::cast_slice(orders);
        assert_eq!(header.checked_order_count().unwrap() as usize, orders.len());
        assert_eq!(header.stream_id.get(), i16::from(stream));
        if header.last_seq_no.get() == last {
            return orders.to_vec();
        }
    }
}

/// Quantity and orders of each level, as the CSV of a book says and as a snapshot does.
fn assert_same_levels(csv: &str, orders: &[SnapshotOrder]) {
    let mut levels: BTreeMap<(i32, u8, i32), (i32, u32)> = BTreeMap::new();
    // Spreads have books of their own, whose rows name both legs.
    for it in orders.iter().filter(|it| it.message_type == message_type::ORDER_NEW) {
        let key = (it.token.get(), it.order_type, it.price.get());
        let level = levels.entry(key).or_default();
        *level = (level.0 + it.quantity.get(), level.1 + 1);
    }
    let rows: BTreeMap<_, _> = csv
        .lines()
        .skip(1)
        .filter(|line| !line.contains('/'))
        .map(|line| {
            let row: Vec<&str> = line.split(',').collect();
            let number = |index: usize| row[index].parse::<i32>().unwrap();
            ((number(0), row[1].as_bytes()[0], number(3)), (number(4), number(5) as u32))
        })
        .collect();
    assert_eq!(levels, rows);
}

#[test]
fn what_was_published_can_be_asked_for_lost_or_not() {
    let (scratch, tape) = (Scratch::new(), tape(4, 6_000));
    write_capture(&scratch.path("x.pcap"), &tape, &single_line(&tape));
    let free = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    let [a, b] = [1, 2].map(|last| SocketAddrV4::new(Ipv4Addr::new(239, 255, 72, last), 5_001));
    let mut config = PublishConfig { pace: Pace::Max, ..PublishConfig::new(a, b) };
    config.faults.iter_mut().for_each(|faults| faults.loss = 1.0);
    config.linger = Duration::from_secs(60);
    config.services.recovery = Some(free);
    config.services.snapshot = Some(free);
    config.services.snapshot_interval = Duration::from_millis(50);
    let publisher = Publisher::new(config).unwrap();
    let (recovery, images) =
        (publisher.recovery_address().unwrap(), publisher.snapshot_address().unwrap());
    assert_ne!(recovery, images);
    let captures = Captures::open([scratch.path("x.pcap")]).unwrap();
    let stop = AtomicBool::new(false);
    let mut orders = Vec::new();
    let report = std::thread::scope(|scope| {
        let running =
            scope.spawn(|| publisher.run(captures.datagrams(&[]), &stop, &mut |_| {}).unwrap());
        for stream in [1, 2] {
            let sent: Vec<&Message> = tape.iter().filter(|it| it.stream == stream).collect();
            let last = sent.len() as u32;
            orders.extend(snapshot(images, stream, last));
            for (first, last) in [(1, last), (7, 7), (last - 5, last)] {
                let mut expected = encode_recovery_reply(stream, true).to_vec();
                let range = &sent[first as usize - 1..last as usize];
                range.iter().for_each(|message| expected.extend(message.bytes()));
                let answer = ask(recovery, &encode_recovery_request(stream, first, last));
                assert!(answer == expected, "stream {stream}: {first} to {last}");
            }
            // Not there yet; and not what the port serves.
            let refused = encode_recovery_reply(stream, false).to_vec();
            assert_eq!(ask(recovery, &encode_recovery_request(stream, 1, last + 1)), refused);
            assert_eq!(ask(images, &encode_recovery_request(stream, 1, 1)), refused);
            let refused = encode_snapshot_reply(stream, false).to_vec();
            assert_eq!(ask(recovery, &encode_snapshot_request(stream)), refused);
        }
        stop.store(true, Ordering::Relaxed);
        running.join().unwrap()
    });
    assert_same_levels(&book_csv(&tape), &orders);
    assert_eq!((report.sent(), report.dropped_on_both, report.messages), (0, 6_000, 6_000));
    assert!(!report.is_stopped, "the end was reached before the stop");
    let counters = report.recovery.unwrap();
    assert_eq!((counters.granted, counters.refused, counters.too_fast), (6, 4, 0));
}
