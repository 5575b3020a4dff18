//! From a frame of a ring to a UDP payload: Ethernet, VLAN tags, IPv4, UDP.
//!
//! What the kernel's own stack does for a socket is done here for a ring: lengths are checked against
//! each other, and the checksum where no one else has checked it. Parts of a datagram are refused:
//! nothing is put together, and no exchange fragments its feed.

use std::net::{Ipv4Addr, SocketAddrV4};

#[cfg(feature = "af-xdp")]
const ETHERTYPE_IPV4: u16 = 0x0800;
/// 802.1Q, 802.1ad, and the older number of the latter.
#[cfg(feature = "af-xdp")]
const ETHERTYPES_VLAN: [u16; 3] = [0x8100, 0x88A8, 0x9100];
const IP_PROTOCOL_UDP: u8 = 17;
/// "More fragments", and the fragment's offset.
const FRAGMENT_MASK: u16 = 0x3FFF;
pub(crate) const IP_HEADER_SIZE_MIN: usize = 20;
pub(crate) const UDP_HEADER_SIZE: usize = 8;

/// Why a frame holds no datagram for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameError {
    /// Another protocol: ARP, IPv6, TCP, …
    NotUdp,
    /// Part of a larger datagram.
    Fragment,
    /// It ends inside a header, or its lengths contradict each other.
    Malformed,
}

/// A UDP datagram, its payload still in the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UdpFrame<'a> {
    pub(crate) source: SocketAddrV4,
    pub(crate) destination: SocketAddrV4,
    pub(crate) payload: &'a [u8],
    /// Whether the frame was cut and the payload with it.
    pub(crate) is_truncated: bool,
    /// Header and payload, as far as they are there.
    datagram: &'a [u8],
}

/// The IPv4 packet of an Ethernet frame, behind any number of VLAN tags.
#[cfg(feature = "af-xdp")]
#[inline]
pub(crate) fn ipv4_of_ethernet(frame: &[u8]) -> Result<&[u8], FrameError> {
    let mut rest = frame.get(12..).ok_or(FrameError::Malformed)?;
    loop {
        let ethertype = be16(rest, 0)?;
        if ethertype == ETHERTYPE_IPV4 {
            return Ok(&rest[2..]);
        }
        if !ETHERTYPES_VLAN.contains(&ethertype) {
            return Err(FrameError::NotUdp);
        }
        rest = rest.get(4..).ok_or(FrameError::Malformed)?;
    }
}

/// The datagram of an IPv4 packet. `is_cut` says that the packet was longer on the wire than it
/// is here; otherwise lengths beyond its end are impossible.
#[inline]
pub(crate) fn parse_udp(packet: &[u8], is_cut: bool) -> Result<UdpFrame<'_>, FrameError> {
    let header = packet.first_chunk::<IP_HEADER_SIZE_MIN>().ok_or(FrameError::Malformed)?;
    let [version, _, l0, l1, _, _, f0, f1, _, protocol, _, _, source @ .., d0, d1, d2, d3] =
        *header;
    if version >> 4 != 4 {
        return Err(FrameError::Malformed);
    }
    if protocol != IP_PROTOCOL_UDP {
        return Err(FrameError::NotUdp);
    }
    if u16::from_be_bytes([f0, f1]) & FRAGMENT_MASK != 0 {
        return Err(FrameError::Fragment);
    }
    let header_size = usize::from(version & 0xF) * 4;
    let total = usize::from(u16::from_be_bytes([l0, l1]));
    let is_possible = IP_HEADER_SIZE_MIN <= header_size
        && header_size + UDP_HEADER_SIZE <= total
        && (total <= packet.len() || is_cut);
    if !is_possible {
        return Err(FrameError::Malformed);
    }
    // Behind the packet there may be Ethernet padding: the total length rules.
    let end = total.min(packet.len());
    let body = packet.get(header_size..end).ok_or(FrameError::Malformed)?;
    let length = usize::from(be16(body, 4)?);
    if !(UDP_HEADER_SIZE..=total - header_size).contains(&length) {
        return Err(FrameError::Malformed);
    }
    let datagram = &body[..length.min(body.len())];
    Ok(UdpFrame {
        source: SocketAddrV4::new(Ipv4Addr::from(source), be16(body, 0)?),
        destination: SocketAddrV4::new(Ipv4Addr::new(d0, d1, d2, d3), be16(body, 2)?),
        payload: datagram.get(UDP_HEADER_SIZE..).ok_or(FrameError::Malformed)?,
        is_truncated: datagram.len() < length,
        datagram,
    })
}

impl UdpFrame<'_> {
    /// Whether the UDP checksum is right, or there is none, or not enough of the datagram is here
    /// to tell (RFC 768; a sum of ones' complement, RFC 1071).
    #[inline]
    pub(crate) fn is_checksum_right(&self) -> bool {
        if self.is_truncated || self.datagram[6..8] == [0, 0] {
            return true;
        }
        let mut sum = sum16(&self.source.ip().octets())
            + sum16(&self.destination.ip().octets())
            + u64::from(IP_PROTOCOL_UDP)
            + self.datagram.len() as u64
            + sum16(self.datagram);
        while sum > 0xFFFF {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        sum == 0xFFFF
    }
}

/// The sum of the big-endian 16-bit words, the last one filled up with a zero. Summed four bytes at
/// a time, since a carry out of a low word counts the same in the end.
#[inline]
fn sum16(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut sum: u64 = words.iter().map(|word| u64::from(u32::from_be_bytes(*word))).sum();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    sum += u64::from(u32::from_be_bytes(last));
    (sum & 0xFFFF) + (sum >> 16)
}

#[inline]
fn be16(bytes: &[u8], offset: usize) -> Result<u16, FrameError> {
    match bytes.get(offset..).and_then(<[u8]>::first_chunk) {
        Some(&pair) => Ok(u16::from_be_bytes(pair)),
        None => Err(FrameError::Malformed),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An IPv4 packet with a UDP datagram in it, checksum and all.
    pub(crate) fn packet(source: &str, destination: &str, payload: &[u8]) -> Vec<u8> {
        let source: SocketAddrV4 = source.parse().unwrap();
        let destination: SocketAddrV4 = destination.parse().unwrap();
        let udp_length = (UDP_HEADER_SIZE + payload.len()) as u16;
        let mut bytes = vec![0x45, 0];
        bytes.extend((IP_HEADER_SIZE_MIN as u16 + udp_length).to_be_bytes());
        bytes.extend([0, 1, 0, 0, 64, IP_PROTOCOL_UDP, 0, 0]);
        bytes.extend(source.ip().octets());
        bytes.extend(destination.ip().octets());
        bytes.extend(source.port().to_be_bytes());
        bytes.extend(destination.port().to_be_bytes());
        bytes.extend(udp_length.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(payload);
        let checksum = naive_checksum(&bytes);
        bytes[26..28].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }

    /// Word by word, as RFC 1071 says it.
    fn naive_checksum(packet: &[u8]) -> u16 {
        let mut words = packet[12..].to_vec();
        words.extend([0, IP_PROTOCOL_UDP]);
        words.extend(((packet.len() - 20) as u16).to_be_bytes());
        if !packet.len().is_multiple_of(2) {
            // The odd byte is the last of the datagram, before what was added here.
            words.insert(packet.len() - 12, 0);
        }
        let mut sum = 0_u32;
        for pair in words.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], pair[1]]));
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        if sum == 0xFFFF { 0xFFFF } else { !(sum as u16) }
    }

    #[test]
    fn a_datagram_is_found_whatever_follows_it() {
        let mut bytes = packet("10.1.2.3:4000", "239.1.1.1:5000", b"payload");
        bytes.extend([0xEE; 11]);
        let udp = parse_udp(&bytes, false).unwrap();
        assert_eq!(udp.source, "10.1.2.3:4000".parse().unwrap());
        assert_eq!(udp.destination, "239.1.1.1:5000".parse().unwrap());
        assert_eq!((udp.payload, udp.is_truncated), (&b"payload"[..], false));
        assert!(udp.is_checksum_right());
    }

    #[test]
    fn every_shorter_prefix_is_refused_or_told_cut() {
        let bytes = packet("10.1.2.3:4000", "239.1.1.1:5000", b"payload");
        for length in 0..bytes.len() {
            let part = &bytes[..length];
            assert_eq!(parse_udp(part, false), Err(FrameError::Malformed), "{length}");
            match parse_udp(part, true) {
                Ok(udp) => {
                    assert!(udp.is_truncated && udp.is_checksum_right(), "{length}");
                    assert_eq!(udp.payload, &b"payload"[..length - 28]);
                }
                Err(error) => {
                    assert!(length < 28 && error == FrameError::Malformed, "{length}");
                }
            }
        }
    }

    #[test]
    fn each_impossible_field_is_refused_by_its_name() {
        let good = packet("10.1.2.3:4000", "239.1.1.1:5000", b"payload");
        let cases = [
            (0, 0x65, FrameError::Malformed), // version 6
            (0, 0x44, FrameError::Malformed), // a header of 16 bytes
            (0, 0x4F, FrameError::Malformed), // a header longer than the packet
            (2, 0xFF, FrameError::Malformed), // total length beyond the frame
            (3, 27, FrameError::Malformed),   // total length inside the UDP header
            (6, 0x20, FrameError::Fragment),  // more fragments
            (7, 0x01, FrameError::Fragment),  // not the first
            (9, 6, FrameError::NotUdp),       // TCP
            (24, 1, FrameError::Malformed),   // UDP length beyond the packet
            (25, 7, FrameError::Malformed),   // UDP length inside its header
        ];
        for (offset, value, expected) in cases {
            let mut bytes = good.clone();
            bytes[offset] = value;
            assert_eq!(parse_udp(&bytes, false), Err(expected), "byte {offset} = {value:#x}");
        }
        // "Do not fragment" is no fragment.
        let mut bytes = good;
        bytes[6] = 0x40;
        assert!(parse_udp(&bytes, false).is_ok());
    }

    #[test]
    fn checksums_agree_with_the_naive_sum_and_see_every_flipped_bit() {
        for length in 0..40 {
            let payload: Vec<u8> = (0..length).map(|index: u8| index.wrapping_mul(151)).collect();
            let good = packet("10.1.2.3:4000", "239.1.1.1:5000", &payload);
            assert!(parse_udp(&good, false).unwrap().is_checksum_right(), "{length}");
            for bit in 0..good.len() * 8 {
                let byte = bit / 8;
                // What the checksum covers and the parser does not judge: addresses, ports, data.
                if !(12..24).contains(&byte) && byte < 26 {
                    continue;
                }
                let mut bytes = good.clone();
                bytes[byte] ^= 1 << (bit % 8);
                let udp = parse_udp(&bytes, false).unwrap();
                assert!(!udp.is_checksum_right(), "{length} bytes, bit {bit}");
            }
        }
        let mut without = packet("10.1.2.3:4000", "239.1.1.1:5000", b"x");
        without[26..28].fill(0);
        assert!(parse_udp(&without, false).unwrap().is_checksum_right());
    }

    #[cfg(feature = "af-xdp")]
    #[test]
    fn ethernet_is_peeled_with_any_number_of_tags() {
        for tags in [&[][..], &[0x8100], &[0x88A8, 0x8100], &[0x9100, 0x8100, 0x8100]] {
            let mut frame = vec![0xAA; 12];
            for tag in tags {
                frame.extend(u16::to_be_bytes(*tag));
                frame.extend([0, 5]);
            }
            frame.extend([0x08, 0, 0x45, 1, 2]);
            assert_eq!(ipv4_of_ethernet(&frame), Ok(&[0x45, 1, 2][..]));
            for length in 0..frame.len() - 3 {
                assert_eq!(ipv4_of_ethernet(&frame[..length]), Err(FrameError::Malformed));
            }
        }
        let arp = [[0xAA; 12].as_slice(), &[0x08, 0x06, 0, 1]].concat();
        assert_eq!(ipv4_of_ethernet(&arp), Err(FrameError::NotUdp));
    }
}
