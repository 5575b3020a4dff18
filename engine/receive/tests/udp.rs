//! Ordinary sockets over the loopback interface.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod support;

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use support::{now, receive, receive_stragglers, sender};
use tezi_receive::{
    GroupConfig, Interface, PacketSource, ReceiveError, Stamp, UdpConfig, UdpMethod, UdpSource,
};

const METHODS: [UdpMethod; 2] = [UdpMethod::Recv, UdpMethod::RecvMmsg];
const LO: Interface = Interface::Address(Ipv4Addr::LOCALHOST);

fn group(address: &str) -> GroupConfig {
    let group = GroupConfig::new(address.parse().unwrap());
    if group.group.ip().is_multicast() { GroupConfig { interface: LO, ..group } } else { group }
}

fn config(groups: &[&str]) -> UdpConfig {
    let groups = groups.iter().map(|address| group(address)).collect();
    UdpConfig { groups, receive_buffer_bytes: 1 << 16, ..UdpConfig::default() }
}

fn error_of(config: &UdpConfig) -> String {
    UdpSource::open(config).err().unwrap_or_else(|| panic!("{config:?} was opened")).to_string()
}

#[test]
fn unicast_and_multicast_arrive_with_group_addresses_and_kernel_time() {
    for method in METHODS {
        let config = config(&["127.0.0.1:0", "239.77.1.1:0", "239.77.1.2:0"]);
        let mut source = UdpSource::open(&UdpConfig { method, ..config }).unwrap();
        let groups = source.groups().to_vec();
        assert!(groups.iter().all(|group| group.port() != 0), "{groups:?}");
        let sender = sender(Ipv4Addr::LOCALHOST);
        let before = now();
        for (index, group) in groups.iter().enumerate() {
            sender.send_to(&vec![index as u8; 10 + index], group).unwrap();
        }
        let mut kept = receive(&mut source, 3);
        let after = now();
        kept.sort_by_key(|kept| kept.group);
        assert_eq!(kept.len(), 3, "{method:?}");
        for (index, kept) in kept.iter().enumerate() {
            assert_eq!((kept.group, kept.destination), (index as u16, groups[index]));
            assert_eq!(kept.payload, vec![index as u8; 10 + index]);
            assert_eq!(kept.source.port(), sender.local_addr().unwrap().port());
            assert_eq!((kept.stamp, kept.is_truncated), (Stamp::Kernel, false));
            assert!(before <= kept.time && kept.time <= after, "{before} {} {after}", kept.time);
        }
        let counters = source.counters();
        assert_eq!((counters.datagrams, counters.bytes), (3, 33));
        assert_eq!((counters.truncated, counters.dropped_by_kernel, counters.errors), (0, 0, 0));
    }
}

#[test]
fn without_kernel_stamps_the_time_is_taken_after_the_call() {
    let config = UdpConfig { kernel_stamps: false, ..config(&["127.0.0.1:0"]) };
    let mut source = UdpSource::open(&config).unwrap();
    sender(Ipv4Addr::LOCALHOST).send_to(b"x", source.groups()[0]).unwrap();
    std::thread::sleep(Duration::from_millis(2));
    let before = now();
    let kept = receive(&mut source, 1);
    assert_eq!(kept[0].stamp, Stamp::Software);
    assert!(before <= kept[0].time && kept[0].time <= now());
}

#[test]
fn a_datagram_longer_than_expected_is_cut_told_and_counted() {
    for method in METHODS {
        let config = config(&["127.0.0.1:0"]);
        let config = UdpConfig { method, datagram_bytes_max: 8, ..config };
        let mut source = UdpSource::open(&config).unwrap();
        let sender = sender(Ipv4Addr::LOCALHOST);
        for length in [7, 8, 9, 0] {
            sender.send_to(&b"123456789"[..length], source.groups()[0]).unwrap();
        }
        let kept = receive(&mut source, 4);
        let seen: Vec<_> =
            kept.iter().map(|kept| (kept.payload.as_slice(), kept.is_truncated)).collect();
        let expected: [(&[u8], bool); 4] =
            [(b"1234567", false), (b"12345678", false), (b"12345678", true), (b"", false)];
        assert_eq!(seen, expected, "{method:?}");
        assert_eq!(source.counters().truncated, 1);
    }
}

#[test]
fn max_is_honoured_and_groups_take_turns() {
    for method in METHODS {
        let config = config(&["127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"]);
        let mut source = UdpSource::open(&UdpConfig { method, ..config }).unwrap();
        let sender = sender(Ipv4Addr::LOCALHOST);
        // Two busy groups and one with a single datagram.
        for (index, count) in [(0, 40), (1, 40), (2, 1)] {
            for number in 0..count {
                sender.send_to(&[number], source.groups()[index]).unwrap();
            }
        }
        let mut seen = [const { Vec::new() }; 3];
        let mut sizes = Vec::new();
        for max in [0, 1, 1, 1, 4, 35, 100, 100, 100] {
            let mut sink = |received: &tezi_receive::Received<'_>| {
                seen[usize::from(received.group)].push(received.payload[0]);
            };
            let received = source.poll(max, &mut sink).unwrap();
            assert!(received <= max);
            sizes.push(received);
            if sizes.len() == 4 {
                assert_eq!(seen.each_ref().map(Vec::len), [1, 1, 1], "each had its turn");
            }
        }
        assert_eq!(sizes[..4], [0, 1, 1, 1]);
        let all: Vec<u8> = (0..40).collect();
        assert_eq!(seen, [all.clone(), all, vec![0]], "{method:?}: nothing lost, in order");
    }
}

#[test]
fn a_full_receive_buffer_shows_in_the_count_of_drops() {
    for method in METHODS {
        let config = UdpConfig { method, receive_buffer_bytes: 4_096, ..config(&["127.0.0.1:0"]) };
        let mut source = UdpSource::open(&config).unwrap();
        let sender = sender(Ipv4Addr::LOCALHOST);
        for _ in 0..200 {
            sender.send_to(&[7; 500], source.groups()[0]).unwrap();
        }
        // Told before any datagram tells it, and the same after they are read.
        let dropped = source.counters().dropped_by_kernel;
        let mut received = 0;
        while source.poll(64, &mut |_| ()).unwrap() > 0 {
            received = source.counters().datagrams;
        }
        assert!(0 < received && received < 200, "{received}");
        assert_eq!(dropped, 200 - received);
        // A datagram that comes later tells it by control message.
        sender.send_to(&[7], source.groups()[0]).unwrap();
        receive(&mut source, 1);
        let counters = source.counters();
        assert_eq!((counters.dropped_by_kernel, counters.datagrams), (dropped, received + 1));
    }
}

#[test]
fn a_wait_ends_with_a_datagram_and_not_while_one_is_left() {
    let mut source = UdpSource::open(&config(&["127.0.0.1:0", "127.0.0.1:0"])).unwrap();
    let drain = |source: &mut UdpSource| source.poll(10, &mut |_| ()).unwrap();
    assert_eq!(drain(&mut source), 0);
    let start = Instant::now();
    source.wait(Duration::from_millis(30)).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(30), "nothing was there");

    let sender = sender(Ipv4Addr::LOCALHOST);
    let group = source.groups()[1];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(30));
            for _ in 0..3 {
                sender.send_to(b"x", group).unwrap();
            }
        });
        let start = Instant::now();
        source.wait(Duration::from_secs(5)).unwrap();
        assert!(start.elapsed() < Duration::from_secs(4));
    });
    // All three have come; one is taken, and the wait must not sleep over the others.
    let mut taken = 0;
    for _ in 0..3 {
        let start = Instant::now();
        source.wait(Duration::from_secs(5)).unwrap();
        while source.poll(1, &mut |_| taken += 1).unwrap() == 0 {
            assert!(start.elapsed() < Duration::from_secs(4), "slept over a datagram");
        }
        assert!(start.elapsed() < Duration::from_secs(4), "slept over a datagram");
    }
    assert_eq!(taken, 3);
}

#[test]
fn a_source_filter_hears_one_sender_only() {
    // The whole of 127/8 is local: two senders on one machine.
    let ours = Ipv4Addr::new(127, 0, 0, 2);
    let other = sender(Ipv4Addr::LOCALHOST);
    let right = UdpSocket::bind((ours, 0)).unwrap();
    let right = socket2::Socket::from(right);
    right.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    let right = UdpSocket::from(right);
    for interface in [LO, Interface::Name("lo".into())] {
        let chosen = GroupConfig { source: Some(ours), interface, ..group("232.77.1.3:0") };
        let config = UdpConfig { groups: vec![chosen], ..config(&[]) };
        let mut source = UdpSource::open(&config).unwrap();
        other.send_to(b"other", source.groups()[0]).unwrap();
        right.send_to(b"right", source.groups()[0]).unwrap();
        let kept = receive(&mut source, 1);
        assert_eq!((kept[0].payload.as_slice(), *kept[0].source.ip()), (&b"right"[..], ours));
        assert_eq!(receive_stragglers(&mut source), []);
    }
}

#[test]
fn other_groups_on_the_port_do_not_mix_in() {
    let interface = Interface::Name("lo".into());
    let first = UdpSource::open(&config(&["239.77.1.4:0"])).unwrap();
    let port = first.groups()[0].port();
    let second = SocketAddrV4::new(Ipv4Addr::new(239, 77, 1, 5), port);
    let groups = vec![GroupConfig { interface, ..GroupConfig::new(second) }];
    let mut second = UdpSource::open(&UdpConfig { groups, ..config(&[]) }).unwrap();
    let sender = sender(Ipv4Addr::LOCALHOST);
    sender.send_to(b"first", first.groups()[0]).unwrap();
    sender.send_to(b"second", second.groups()[0]).unwrap();
    assert_eq!(receive(&mut second, 1)[0].payload, b"second");
    assert_eq!(receive_stragglers(&mut second), []);
}

#[test]
fn two_sources_can_listen_to_one_group() {
    let mut first = UdpSource::open(&config(&["239.77.1.6:0"])).unwrap();
    let address = first.groups()[0].to_string();
    let mut second = UdpSource::open(&config(&[&address])).unwrap();
    sender(Ipv4Addr::LOCALHOST).send_to(b"both", first.groups()[0]).unwrap();
    assert_eq!(receive(&mut first, 1)[0].payload, b"both");
    assert_eq!(receive(&mut second, 1)[0].payload, b"both");
}

#[test]
fn refusals_name_what_was_being_done_with_what() {
    let with = |interface: Interface, source: Option<Ipv4Addr>| {
        let group = "239.77.1.7:0".parse().unwrap();
        UdpConfig { groups: vec![GroupConfig { group, interface, source }], ..config(&[]) }
    };
    let sender = Some(Ipv4Addr::new(10, 0, 0, 1));
    let absent = Interface::Name("absent0".into());
    let elsewhere = Interface::Address(Ipv4Addr::new(203, 0, 113, 9));
    let mut unicast = config(&["127.0.0.1:0"]);
    unicast.groups[0].source = sender;
    let cases = [
        (with(absent.clone(), None), "cannot find network interface absent0: No such device"),
        (with(absent, sender), "cannot find network interface absent0: No such device"),
        (
            with(elsewhere.clone(), None),
            "cannot join multicast group 239.77.1.7:0 on interface 203.0.113.9: ",
        ),
        (
            with(elsewhere, sender),
            "cannot join multicast group 239.77.1.7:0 on interface 203.0.113.9 from source 10.0.0.1: ",
        ),
        (
            unicast,
            "127.0.0.1:0 on interface any from source 10.0.0.1: 127.0.0.1 is not a multicast group",
        ),
        (config(&["203.0.113.9:5000"]), "cannot bind a datagram socket to 203.0.113.9:5000: "),
        (config(&[]), "no group to receive"),
        (
            UdpConfig { datagram_bytes_max: 0, ..config(&["127.0.0.1:0"]) },
            "datagrams of at most 0 bytes: it must be 1 to 65507",
        ),
    ];
    for (config, expected) in cases {
        let text = error_of(&config);
        assert!(text.starts_with(expected), "{text}");
    }
}

#[test]
fn a_port_in_use_is_refused() {
    let first = UdpSource::open(&config(&["127.0.0.1:0"])).unwrap();
    let again = config(&[&first.groups()[0].to_string()]);
    match UdpSource::open(&again) {
        Err(ReceiveError::System { source, .. }) => {
            assert_eq!(source.kind(), std::io::ErrorKind::AddrInUse);
        }
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn a_note_says_what_was_not_granted() {
    let config = UdpConfig { receive_buffer_bytes: 3 << 30, ..config(&["127.0.0.1:0"]) };
    let source = UdpSource::open(&config).unwrap();
    let notes = source.notes();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("asked 3072 MiB") && notes[0].contains("rmem_max"), "{notes:?}");
}
