//! What a ring does with each packet: parse it, find its group, hand it over or count why not.

use tezi_model::Nanos;

use crate::frame::{FrameError, parse_udp};
use crate::table::GroupTable;
use crate::{Received, SourceCounters, Stamp};

/// What the ring knows of a packet beside its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// Index of the interface it came by; 0 when unknown.
    pub(crate) interface: u32,
    pub(crate) time: Nanos,
    pub(crate) stamp: Stamp,
    /// Whether it was longer on the wire than it is here.
    pub(crate) is_cut: bool,
    /// Whether the UDP checksum is to be checked: no one else has, and it was meant to be right.
    pub(crate) is_checksum_due: bool,
}

/// The groups of a ring and the counts of what came.
pub(crate) struct Demux {
    table: GroupTable,
    /// Longer payloads are cut to this.
    payload_bytes_max: usize,
    pub(crate) counters: SourceCounters,
}

impl Demux {
    pub(crate) fn new(table: GroupTable, payload_bytes_max: usize) -> Self {
        Self { table, payload_bytes_max, counters: SourceCounters::default() }
    }

    /// Hands the datagram of an IPv4 packet over, and returns whether it did.
    #[inline]
    pub(crate) fn on_packet(
        &mut self,
        packet: &[u8],
        arrival: Arrival,
        sink: &mut impl FnMut(&Received<'_>),
    ) -> bool {
        let udp = match parse_udp(packet, arrival.is_cut) {
            Ok(udp) => udp,
            Err(error) => return self.refuse(error),
        };
        let group = self.table.find(udp.destination, *udp.source.ip(), arrival.interface);
        let Some(group) = group else { return self.refuse(FrameError::NotUdp) };
        if arrival.is_checksum_due && !udp.is_checksum_right() {
            self.counters.checksum_wrong += 1;
            return false;
        }
        let length = udp.payload.len().min(self.payload_bytes_max);
        let is_truncated = udp.is_truncated || length < udp.payload.len();
        self.counters.on_datagram(length, is_truncated);
        sink(&Received {
            payload: &udp.payload[..length],
            source: udp.source,
            destination: udp.destination,
            group,
            time: arrival.time,
            stamp: arrival.stamp,
            is_truncated,
        });
        true
    }

    /// Counts a packet that is not handed over.
    #[cold]
    pub(crate) fn refuse(&mut self, why: FrameError) -> bool {
        match why {
            FrameError::NotUdp => self.counters.not_ours += 1,
            FrameError::Fragment => self.counters.fragments += 1,
            FrameError::Malformed => self.counters.malformed += 1,
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GroupConfig;
    use crate::frame::tests::packet;

    fn demux(payload_bytes_max: usize) -> Demux {
        let address = "239.1.1.1:5000".parse().unwrap();
        let table = GroupTable::new(&[GroupConfig::new(address)], &[address]).unwrap();
        Demux::new(table, payload_bytes_max)
    }

    fn arrival() -> Arrival {
        Arrival {
            interface: 0,
            time: Nanos(9),
            stamp: Stamp::Kernel,
            is_cut: false,
            is_checksum_due: true,
        }
    }

    #[test]
    fn every_packet_is_handed_over_or_counted_once() {
        let ours = packet("10.0.0.1:1", "239.1.1.1:5000", b"ours");
        let with = |offset: usize, value: u8| {
            let mut bytes = ours.clone();
            bytes[offset] = value;
            bytes
        };
        let packets = [
            ours.clone(),
            packet("10.0.0.1:1", "239.1.1.1:5001", b"another port"),
            packet("10.0.0.1:1", "239.1.1.2:5000", b"another group"),
            with(9, 6),          // TCP
            with(7, 1),          // a fragment
            with(0, 0x65),       // version 6
            with(28, b'X'),      // a flipped payload
            ours[..30].to_vec(), // cut without being told so
        ];
        let mut demux = demux(1_500);
        let mut payloads = Vec::new();
        for packet in &packets {
            let mut sink = |received: &Received<'_>| payloads.push(received.payload.to_vec());
            demux.on_packet(packet, arrival(), &mut sink);
        }
        assert_eq!(payloads, [b"ours"]);
        let expected = SourceCounters {
            datagrams: 1,
            bytes: 4,
            not_ours: 3,
            fragments: 1,
            malformed: 2,
            checksum_wrong: 1,
            ..SourceCounters::default()
        };
        assert_eq!(demux.counters, expected);
    }

    #[test]
    fn a_payload_cut_by_the_ring_or_the_bound_is_told() {
        let bytes = packet("10.0.0.1:1", "239.1.1.1:5000", b"0123456789");
        for (packet, is_cut, bytes_max, expected) in [
            (&bytes[..], false, 10, (&b"0123456789"[..], false)),
            (&bytes[..], false, 9, (&b"012345678"[..], true)),
            (&bytes[..30], true, 10, (&b"01"[..], true)),
        ] {
            let mut demux = demux(bytes_max);
            let mut seen = Vec::new();
            let mut sink = |received: &Received<'_>| {
                seen.push((received.payload.to_vec(), received.is_truncated));
            };
            demux.on_packet(packet, Arrival { is_cut, ..arrival() }, &mut sink);
            assert_eq!(seen, [(expected.0.to_vec(), expected.1)]);
            assert_eq!(demux.counters.truncated, u64::from(expected.1));
        }
    }
}
