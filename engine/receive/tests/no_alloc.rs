//! After a source is open, polling it allocates nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod support;

use std::net::Ipv4Addr;
use std::time::Duration;

use support::{can_make_namespaces, sender};
use tezi_receive::{
    GroupConfig, Interface, PacketRing, PacketRingConfig, PacketSource, UdpConfig, UdpMethod,
    UdpSource,
};
use tezi_testing::allocation;

#[global_allocator]
static ALLOCATOR: allocation::Counting = allocation::Counting;

/// Polls a source with datagrams, without, and with datagrams cut short.
fn check(source: &mut impl PacketSource, group: std::net::SocketAddrV4) {
    let sender = sender(Ipv4Addr::LOCALHOST);
    for length in (0..300).chain([1_000; 20]) {
        sender.send_to(&[7; 1_000][..length], group).unwrap();
    }
    std::thread::sleep(Duration::from_millis(20));
    let before = allocation::count();
    let mut received = 0;
    for max in [0, 1, 100, 1_000, 1_000] {
        received += source.poll(max, &mut |_| ()).unwrap();
        source.wait(Duration::from_millis(1)).unwrap();
    }
    assert_eq!(allocation::count() - before, 0, "{received} datagrams");
    let counters = source.counters();
    assert_eq!((counters.datagrams, counters.truncated, received), (320, 20, 320));
}

#[test]
fn polling_allocates_nothing() {
    let before = allocation::count();
    drop(std::hint::black_box(Box::new(7)));
    assert_eq!(allocation::count() - before, 1, "allocations are counted");
    let group = GroupConfig::new("127.0.0.1:0".parse().unwrap());
    for method in [UdpMethod::Recv, UdpMethod::RecvMmsg] {
        let groups = vec![group.clone()];
        let config = UdpConfig { groups, method, datagram_bytes_max: 500, ..UdpConfig::default() };
        let mut source = UdpSource::open(&config).unwrap();
        let address = source.groups()[0];
        check(&mut source, address);
    }
    if !can_make_namespaces() {
        return;
    }
    let groups = vec![GroupConfig { interface: Interface::Name("lo".into()), ..group }];
    let config =
        PacketRingConfig { groups, datagram_bytes_max: 500, ..PacketRingConfig::default() };
    let mut source = PacketRing::open(&config).unwrap();
    let address = source.groups()[0];
    check(&mut source, address);
}
