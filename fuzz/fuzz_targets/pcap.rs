//! Any bytes as a capture, plain or compressed: no panic, the walk ends, every packet is counted
//! once, and both walks see the same packets.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_feed_handler::capture::{CaptureConfig, CaptureReader, LinkType, parse_udp};

fuzz_target!(|data: &[u8]| {
    use LinkType::{Ethernet, LinuxCooked, LinuxCooked2, RawIp};
    for link_type in [Ethernet, RawIp, LinuxCooked, LinuxCooked2] {
        if let Ok(udp) = parse_udp(link_type, data) {
            assert!(udp.payload.len() + 28 <= data.len());
        }
    }
    // Small bounds, so that an input that expands costs little.
    let config = CaptureConfig {
        decompressed_size_max: 4 << 20,
        zstd_window_size_max: 1 << 20,
        fragmented_datagrams_max: 4,
        ..CaptureConfig::default()
    };
    let Ok(mut reader) = CaptureReader::with_config(data, &config) else { return };
    let mut datagrams = 0;
    let mut end = None;
    while let Some(datagram) = reader.next_udp() {
        assert!(end.is_none(), "an error ends the capture");
        datagrams += u64::from(datagram.is_ok());
        end = datagram.err();
    }
    let counters = *reader.counters();
    assert_eq!(counters.datagrams, datagrams);
    let skipped = counters.skipped.iter().sum::<u64>();
    assert_eq!(counters.packets, datagrams + skipped + counters.fragments.kept);
    if reader.compression().is_none() {
        assert!(counters.packets <= data.len() as u64 / 16);
    }
    let Ok(mut again) = CaptureReader::with_config(data, &config) else {
        unreachable!("the same bytes were read before");
    };
    let mut packets = 0;
    let mut end_again = None;
    while let Some(packet) = again.next_packet() {
        packets += u64::from(packet.is_ok());
        end_again = packet.err();
    }
    assert_eq!((packets, end_again), (counters.packets, end));
});
