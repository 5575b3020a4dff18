//! The packet ring and AF_XDP, over the loopback interface and a virtual wire between two network
//! namespaces. These need root; without it they say that they are skipped.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod support;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use support::{
    Kept, SENDER, can_make_namespaces, drop_capabilities, ip, leave_namespace, now, receive,
    receive_stragglers, sender, with_wire,
};
use tezi_receive::{
    GroupConfig, Interface, PacketRing, PacketRingConfig, PacketSource, ReceiveError, Stamp,
};

const A: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 77, 2, 1), 6_001);
const B: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 77, 2, 2), 6_002);

fn on(interface: &str, group: SocketAddrV4) -> GroupConfig {
    GroupConfig { interface: Interface::Name(interface.into()), ..GroupConfig::new(group) }
}

fn ring_of(groups: Vec<GroupConfig>) -> PacketRingConfig {
    PacketRingConfig { groups, frames: 64, ..PacketRingConfig::default() }
}

/// In a network namespace of this thread's own, its loopback interface up.
fn alone<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let run = || {
        leave_namespace().unwrap();
        ip("link set lo up");
        ip("route add 224.0.0.0/4 dev lo");
        test()
    };
    std::thread::spawn(run).join().unwrap()
}

/// Datagrams of one burst on the wire, fewer than a ring has frames, and bursts.
const BURST: u8 = 40;
const BURSTS: u8 = 5;

/// What both rings must do on a wire. The sender sends, in this order: to a group that is not ours,
/// to another port of ours, then numbers to A and B in turn, each as a datagram of two bytes. Every
/// burst waits for its `go`, so that the ring goes round and never runs over.
fn send_over_wire(go: &mpsc::Receiver<()>) {
    let sender = sender(SENDER);
    for burst in 0..BURSTS {
        if go.recv().is_err() {
            return;
        }
        if burst == 0 {
            sender.send_to(b"another", "239.77.2.3:6001").unwrap();
            sender.send_to(b"another", "239.77.2.1:6009").unwrap();
        }
        for number in burst * BURST..(burst + 1) * BURST {
            let group = if number.is_multiple_of(2) { A } else { B };
            sender.send_to(&[number, 0xFF], group).unwrap();
        }
    }
}

fn receive_over_wire(source: &mut impl PacketSource, go: &mpsc::Sender<()>, stamp: Stamp) {
    let before = now();
    let mut kept = Vec::new();
    for _ in 0..BURSTS {
        go.send(()).unwrap();
        kept.extend(receive(source, usize::from(BURST)));
    }
    let seen: Vec<u8> = kept.iter().map(|kept| kept.payload[0]).collect();
    assert_eq!(seen, (0..BURST * BURSTS).collect::<Vec<u8>>(), "all, once, in order");
    for kept in &kept {
        let group = u16::from(kept.payload[0] % 2);
        assert_eq!((kept.group, kept.destination), (group, [A, B][usize::from(group)]));
        assert_eq!((*kept.source.ip(), kept.payload.len()), (SENDER, 2));
        assert_eq!((kept.stamp, kept.is_truncated), (stamp, false));
    }
    assert!(kept.iter().all(|kept| before <= kept.time && kept.time <= now()));
    assert!(kept.is_sorted_by_key(|kept| kept.time));
    assert_eq!(receive_stragglers(source), []);
    let counters = source.counters();
    assert_eq!((counters.datagrams, counters.bytes), (200, 400));
    assert_eq!(counters.dropped_by_kernel, 0);
}

#[test]
fn a_ring_over_a_wire_hands_over_its_groups_and_nothing_else() {
    if !can_make_namespaces() {
        return;
    }
    let (go_sender, go) = mpsc::channel();
    with_wire(
        move || send_over_wire(&go),
        move || {
            let groups = vec![on("tezi1", A), on("tezi1", B)];
            let mut source = PacketRing::open(&ring_of(groups)).unwrap();
            assert_eq!(source.groups(), [A, B]);
            receive_over_wire(&mut source, &go_sender, Stamp::Kernel);
            // The filter lets our address through; the port is ours to see.
            assert_eq!(source.counters().not_ours, 1);
        },
    );
}

#[test]
fn a_ring_on_loopback_receives_unicast_and_honours_max() {
    if !can_make_namespaces() {
        return;
    }
    alone(|| {
        let unicast = on("lo", "127.0.0.1:0".parse().unwrap());
        let mut source = PacketRing::open(&ring_of(vec![unicast])).unwrap();
        let sender = sender(Ipv4Addr::LOCALHOST);
        for number in 0..30 {
            sender.send_to(&[number], source.groups()[0]).unwrap();
        }
        let mut kept = Vec::new();
        for (max, expected) in [(0, 0), (1, 1), (7, 7), (100, 22), (100, 0)] {
            let got = source.poll(max, &mut |received| kept.push(Kept::new(received))).unwrap();
            assert_eq!(got, expected);
        }
        let numbers: Vec<u8> = kept.iter().map(|kept| kept.payload[0]).collect();
        assert_eq!(numbers, (0..30).collect::<Vec<u8>>());
        let counters = source.counters();
        assert_eq!((counters.polls, counters.polls_empty), (5, 2));
    });
}

#[test]
fn a_ring_cuts_long_datagrams_and_says_so() {
    if !can_make_namespaces() {
        return;
    }
    alone(|| {
        let config = PacketRingConfig { datagram_bytes_max: 100, ..ring_of(vec![on("lo", A)]) };
        let mut source = PacketRing::open(&config).unwrap();
        let sender = sender(Ipv4Addr::LOCALHOST);
        for length in [100, 101, 1_400] {
            sender.send_to(&vec![length as u8; length], A).unwrap();
        }
        let kept = receive(&mut source, 3);
        let seen: Vec<_> =
            kept.iter().map(|kept| (kept.payload.len(), kept.is_truncated)).collect();
        assert_eq!(seen, [(100, false), (100, true), (100, true)]);
        assert_eq!(source.counters().truncated, 2);
    });
}

#[test]
fn a_full_ring_shows_in_the_count_of_drops() {
    if !can_make_namespaces() {
        return;
    }
    alone(|| {
        let mut source = PacketRing::open(&ring_of(vec![on("lo", A)])).unwrap();
        let sender = sender(Ipv4Addr::LOCALHOST);
        for _ in 0..100 {
            sender.send_to(b"x", A).unwrap();
        }
        let received = source.poll(1_000, &mut |_| ()).unwrap();
        assert_eq!(received, 64);
        assert_eq!(source.counters().dropped_by_kernel, 36);
        assert_eq!(source.counters().dropped_by_kernel, 36, "asking twice counts once");
    });
}

#[test]
fn a_ring_refuses_fragments_and_counts_them() {
    if !can_make_namespaces() {
        return;
    }
    alone(|| {
        ip("link set lo mtu 1500");
        let mut source = PacketRing::open(&ring_of(vec![on("lo", A)])).unwrap();
        let sender = sender(Ipv4Addr::LOCALHOST);
        sender.send_to(&[1; 3_000], A).unwrap();
        sender.send_to(b"whole", A).unwrap();
        assert_eq!(receive(&mut source, 1)[0].payload, b"whole");
        assert_eq!(source.counters().fragments, 3);
    });
}

#[test]
fn a_ring_on_all_interfaces_tells_them_apart() {
    if !can_make_namespaces() {
        return;
    }
    let (go_sender, go) = mpsc::channel::<()>();
    with_wire(
        move || {
            go.recv().unwrap();
            sender(SENDER).send_to(b"wire", A).unwrap();
        },
        move || {
            let groups = vec![on("lo", A), on("tezi1", A)];
            let mut source = PacketRing::open(&ring_of(groups)).unwrap();
            sender(Ipv4Addr::LOCALHOST).send_to(b"loopback", A).unwrap();
            go_sender.send(()).unwrap();
            let mut kept = receive(&mut source, 2);
            kept.sort_by_key(|kept| kept.group);
            let seen: Vec<_> = kept.iter().map(|kept| kept.payload.as_slice()).collect();
            assert_eq!(seen, [&b"loopback"[..], b"wire"]);
        },
    );
}

#[test]
fn a_wait_on_a_ring_ends_with_a_packet() {
    if !can_make_namespaces() {
        return;
    }
    alone(|| {
        let mut source = PacketRing::open(&ring_of(vec![on("lo", A)])).unwrap();
        check_wait(&mut source);
    });
}

fn check_wait(source: &mut impl PacketSource) {
    let start = Instant::now();
    source.wait(Duration::from_millis(30)).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(30), "nothing was there");
    let sender = sender(Ipv4Addr::LOCALHOST);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(20));
            sender.send_to(b"1", A).unwrap();
            sender.send_to(b"2", A).unwrap();
        });
        for _ in 0..2 {
            let start = Instant::now();
            while source.poll(1, &mut |_| ()).unwrap() == 0 {
                source.wait(Duration::from_secs(5)).unwrap();
                assert!(start.elapsed() < Duration::from_secs(4), "slept over a packet");
            }
        }
    });
}

#[test]
fn two_lines_of_one_group_on_two_interfaces_do_not_mix() {
    if !can_make_namespaces() {
        return;
    }
    // Ordinary sockets, here because it takes two interfaces to show.
    let (go_sender, go) = mpsc::channel::<()>();
    with_wire(
        move || {
            go.recv().unwrap();
            sender(SENDER).send_to(b"wire", A).unwrap();
        },
        move || {
            let open = |interface: &str| {
                let groups = vec![on(interface, A)];
                let config = tezi_receive::UdpConfig { groups, ..Default::default() };
                tezi_receive::UdpSource::open(&config).unwrap()
            };
            let (mut loopback, mut wire) = (open("lo"), open("tezi1"));
            sender(Ipv4Addr::LOCALHOST).send_to(b"loopback", A).unwrap();
            go_sender.send(()).unwrap();
            assert_eq!(receive(&mut wire, 1)[0].payload, b"wire");
            assert_eq!(receive(&mut loopback, 1)[0].payload, b"loopback");
            assert_eq!(receive_stragglers(&mut wire), []);
            assert_eq!(receive_stragglers(&mut loopback), []);
        },
    );
}

fn text_of<T>(result: Result<T, ReceiveError>) -> String {
    result.err().map_or_else(|| panic!("it was opened"), |error| error.to_string())
}

#[test]
fn a_ring_that_cannot_be_says_why() {
    let absent = PacketRing::open(&ring_of(vec![on("absent0", A)]));
    let expected = "cannot find network interface absent0: No such device";
    assert!(text_of(absent).starts_with(expected));
    let no_frames = PacketRingConfig { frames: 0, ..ring_of(vec![on("lo", A)]) };
    assert!(text_of(PacketRing::open(&no_frames)).starts_with("a packet ring of 0 frames"));
    let any = PacketRing::open(&ring_of(vec![GroupConfig::new("0.0.0.0:0".parse().unwrap())]));
    assert!(text_of(any).contains("a ring compares addresses"));
    let without = std::thread::spawn(|| {
        drop_capabilities().unwrap();
        text_of(PacketRing::open(&ring_of(vec![on("lo", A)])))
    });
    let text = without.join().unwrap();
    let expected = "cannot open a packet socket (AF_PACKET, needs CAP_NET_RAW): Operation not";
    assert!(text.starts_with(expected), "{text}");
}

#[cfg(feature = "af-xdp")]
mod xdp {
    use super::*;
    use tezi_receive::{XdpConfig, XdpMode, XdpSource};

    fn config(interface: &str, mode: XdpMode) -> XdpConfig {
        XdpConfig {
            groups: vec![on(interface, A), on(interface, B)],
            mode,
            frames: 64,
            verifies_checksums: false,
            ..XdpConfig::default()
        }
    }

    /// A source, or the reason this machine has none.
    fn open(config: &XdpConfig) -> Option<XdpSource> {
        match XdpSource::open(config) {
            Ok(source) => Some(source),
            Err(ReceiveError::System { doing, source }) => {
                println!("skipped: no AF_XDP here: cannot {doing}: {source}");
                None
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn over_a_wire_in_every_mode_our_groups_come_and_nothing_else() {
        if !can_make_namespaces() {
            return;
        }
        for (asked, expected) in [
            (XdpMode::Generic, XdpMode::Generic),
            (XdpMode::Native, XdpMode::Native),
            (XdpMode::ZeroCopy, XdpMode::Native),
        ] {
            let (go_sender, go) = mpsc::channel();
            with_wire(
                move || send_over_wire(&go),
                move || {
                    let Some(mut source) = open(&config("tezi1", asked)) else { return };
                    assert_eq!(source.mode(), expected);
                    if asked == expected {
                        assert!(source.notes().is_empty(), "{:?}", source.notes());
                    } else {
                        let note = &source.notes()[0];
                        let said = "AF_XDP: asked zero copy, got native copy, because of zero copy: \
                                    cannot bind an AF_XDP socket to queue 0";
                        assert!(note.starts_with(said), "{note}");
                    }
                    receive_over_wire(&mut source, &go_sender, Stamp::Software);
                    // The program in the kernel has passed on what is not ours.
                    assert_eq!(source.counters().not_ours, 0);
                },
            );
        }
    }

    #[test]
    fn what_is_not_ours_goes_its_usual_way() {
        if !can_make_namespaces() {
            return;
        }
        alone(|| {
            let Some(mut ours) = open(&config("lo", XdpMode::Generic)) else { return };
            let other: SocketAddrV4 = "127.0.0.1:0".parse().unwrap();
            let groups = vec![GroupConfig::new(other)];
            let config = tezi_receive::UdpConfig { groups, ..Default::default() };
            let mut other = tezi_receive::UdpSource::open(&config).unwrap();
            let sender = sender(Ipv4Addr::LOCALHOST);
            sender.send_to(b"other", other.groups()[0]).unwrap();
            sender.send_to(b"ours", A).unwrap();
            assert_eq!(receive(&mut ours, 1)[0].payload, b"ours");
            assert_eq!(receive(&mut other, 1)[0].payload, b"other");
            check_wait(&mut ours);
        });
    }

    #[test]
    fn frames_that_find_no_place_are_counted_and_max_is_honoured() {
        if !can_make_namespaces() {
            return;
        }
        alone(|| {
            let Some(mut source) = open(&config("lo", XdpMode::Generic)) else { return };
            let sender = sender(Ipv4Addr::LOCALHOST);
            for number in 0..100 {
                sender.send_to(&[number], A).unwrap();
            }
            let mut numbers = Vec::new();
            for (max, expected) in [(0, 0), (5, 5), (100, 59), (100, 0)] {
                let mut sink =
                    |received: &tezi_receive::Received<'_>| numbers.push(received.payload[0]);
                assert_eq!(source.poll(max, &mut sink).unwrap(), expected);
            }
            assert_eq!(numbers, (0..64).collect::<Vec<u8>>());
            assert_eq!(source.counters().dropped_by_kernel, 36);
            // The frames are back with the kernel: as many come again, three times round.
            for round in 0..3 {
                for number in 0..64 {
                    sender.send_to(&[number, round], B).unwrap();
                }
                assert_eq!(receive(&mut source, 64).len(), 64);
            }
            assert_eq!(source.counters().dropped_by_kernel, 36);
        });
    }

    #[test]
    fn a_wrong_checksum_is_refused_where_it_is_checked() {
        if !can_make_namespaces() {
            return;
        }
        alone(|| {
            // The sender leaves the checksum to a card that loopback does not have.
            let config = XdpConfig { verifies_checksums: true, ..config("lo", XdpMode::Generic) };
            let Some(mut source) = open(&config) else { return };
            sender(Ipv4Addr::LOCALHOST).send_to(b"x", A).unwrap();
            assert_eq!(receive_stragglers(&mut source), []);
            assert_eq!(source.counters().checksum_wrong, 1);
        });
    }

    #[test]
    fn a_queue_is_free_again_when_its_source_is_gone() {
        if !can_make_namespaces() {
            return;
        }
        alone(|| {
            for _ in 0..3 {
                let Some(mut source) = open(&config("lo", XdpMode::Generic)) else { return };
                let text = text_of(XdpSource::open(&config("lo", XdpMode::Generic)));
                assert!(text.contains("cannot bind an AF_XDP socket to queue 0"), "{text}");
                sender(Ipv4Addr::LOCALHOST).send_to(b"x", A).unwrap();
                assert_eq!(receive(&mut source, 1).len(), 1);
            }
        });
    }

    #[test]
    fn what_cannot_be_says_why() {
        let cases = [
            (XdpConfig::default(), "AF_XDP: no group to receive"),
            (
                XdpConfig { groups: vec![GroupConfig::new(A)], ..XdpConfig::default() },
                "AF_XDP: the interface must be named",
            ),
            (config("absent0", XdpMode::Native), "cannot find network interface absent0: No such"),
            (
                XdpConfig { datagram_bytes_max: 3_751, ..config("lo", XdpMode::Native) },
                "AF_XDP: datagrams of at most 3751 bytes: it must be 1 to 3750",
            ),
            (
                XdpConfig { frames: 0, ..config("lo", XdpMode::Native) },
                "AF_XDP: 0 frames: it must be 1 to 1048576",
            ),
            (
                XdpConfig { groups: vec![on("lo", A); 257], ..XdpConfig::default() },
                "AF_XDP: 257 groups, at most 256",
            ),
        ];
        for (config, expected) in cases {
            let text = text_of(XdpSource::open(&config));
            assert!(text.starts_with(expected), "{text}");
        }
        let without = std::thread::spawn(|| {
            drop_capabilities().unwrap();
            text_of(XdpSource::open(&config("lo", XdpMode::Generic)))
        });
        let text = without.join().unwrap();
        let expected = "cannot open an AF_XDP socket (needs CAP_NET_RAW): Operation not permitted";
        assert!(text.starts_with(expected), "{text}");
    }
}
