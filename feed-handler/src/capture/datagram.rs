//! UDP datagrams as frames: Ethernet II, IPv4, UDP, with right lengths and checksums.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

const ETHERNET_SIZE: usize = 14;
const IP_SIZE: usize = 20;
const UDP_SIZE: usize = 8;
/// Of the three headers in front of a payload.
pub(super) const HEADERS_SIZE: usize = ETHERNET_SIZE + IP_SIZE + UDP_SIZE;
/// The most a UDP datagram can carry over IPv4.
const PAYLOAD_SIZE_MAX: usize = 65_535 - IP_SIZE - UDP_SIZE;
/// A locally administered address, for the sender and for receivers that are no group.
const MAC_LOCAL: [u8; 6] = [0x02, b't', b'e', b'z', b'i', 0];

/// The headers of a frame with this payload. `id` is the identification field of the IPv4 packet.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`] when the payload is longer than a UDP datagram can be.
pub(super) fn frame_headers(
    id: u16,
    source: SocketAddrV4,
    destination: SocketAddrV4,
    payload: &[u8],
) -> io::Result<[u8; HEADERS_SIZE]> {
    if payload.len() > PAYLOAD_SIZE_MAX {
        return Err(invalid("the payload is longer than a UDP datagram can be"));
    }
    let mut headers = [0; HEADERS_SIZE];
    let (ethernet, packet) = headers.split_at_mut(ETHERNET_SIZE);
    fill_ethernet(ethernet, *destination.ip());
    let (ip, udp) = packet.split_at_mut(IP_SIZE);
    fill_ip(ip, id, *source.ip(), *destination.ip(), payload.len());
    fill_udp(udp, source, destination, payload);
    Ok(headers)
}

pub(super) fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// A group's address holds its low 23 bits (RFC 1112, section 6.4).
fn fill_ethernet(to: &mut [u8], destination: Ipv4Addr) {
    let [_, b, c, d] = destination.octets();
    let receiver =
        if destination.is_multicast() { [0x01, 0x00, 0x5E, b & 0x7F, c, d] } else { MAC_LOCAL };
    to[0..6].copy_from_slice(&receiver);
    to[6..12].copy_from_slice(&MAC_LOCAL);
    to[12..14].copy_from_slice(&[0x08, 0x00]);
}

fn fill_ip(to: &mut [u8], id: u16, source: Ipv4Addr, destination: Ipv4Addr, payload_size: usize) {
    let total = (IP_SIZE + UDP_SIZE + payload_size) as u16;
    to[0] = 0x45; // version 4, five words
    to[2..4].copy_from_slice(&total.to_be_bytes());
    to[4..6].copy_from_slice(&id.to_be_bytes());
    to[6] = 0x40; // don't fragment
    to[8] = 64; // hops
    to[9] = 17; // UDP
    to[12..16].copy_from_slice(&source.octets());
    to[16..20].copy_from_slice(&destination.octets());
    let checksum = !fold(sum_words(to));
    to[10..12].copy_from_slice(&checksum.to_be_bytes());
}

fn fill_udp(to: &mut [u8], source: SocketAddrV4, destination: SocketAddrV4, payload: &[u8]) {
    let length = (UDP_SIZE + payload.len()) as u16;
    to[0..2].copy_from_slice(&source.port().to_be_bytes());
    to[2..4].copy_from_slice(&destination.port().to_be_bytes());
    to[4..6].copy_from_slice(&length.to_be_bytes());
    let pseudo_header = sum_words(&source.ip().octets())
        + sum_words(&destination.ip().octets())
        + 17
        + u32::from(length);
    let checksum = !fold(pseudo_header + sum_words(to) + sum_words(payload));
    // On the wire 0 means "no checksum" (RFC 768).
    let checksum = if checksum == 0 { 0xFFFF } else { checksum };
    to[6..8].copy_from_slice(&checksum.to_be_bytes());
}

/// The sum of big-endian words, the last one padded with a zero (RFC 1071). 64 KiB cannot overflow.
pub(super) fn sum_words(bytes: &[u8]) -> u32 {
    bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |&low| u32::from(low)))
        .sum()
}

/// A sum in ones' complement arithmetic of 16 bits.
pub(super) const fn fold(sum: u32) -> u16 {
    let once = (sum & 0xFFFF) + (sum >> 16);
    ((once & 0xFFFF) + (once >> 16)) as u16
}
