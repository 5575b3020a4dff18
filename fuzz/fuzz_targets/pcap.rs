//! Any bytes as a capture: no panic, the walk ends, and every record is counted once.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_feed_handler::capture::{LinkType, PcapReader, parse_udp};

fuzz_target!(|data: &[u8]| {
    use LinkType::{Ethernet, LinuxCooked, LinuxCooked2, RawIp};
    for link_type in [Ethernet, RawIp, LinuxCooked, LinuxCooked2] {
        if let Ok(udp) = parse_udp(link_type, data) {
            assert!(udp.payload.len() + 28 <= data.len());
        }
    }
    let Ok(mut reader) = PcapReader::new(data) else { return };
    let mut datagrams = 0;
    while let Some(datagram) = reader.next_udp() {
        datagrams += u64::from(datagram.is_ok());
    }
    let counters = reader.counters();
    assert_eq!(counters.datagrams, datagrams);
    assert_eq!(counters.packets, datagrams + counters.skipped.iter().sum::<u64>());
    assert!(counters.packets <= data.len() as u64 / 16);
});
