//! From a captured frame to a UDP payload: link header, VLAN tags, IPv4, UDP.
//!
//! Lengths are checked against each other; checksums are not, since captures on the sending side
//! hold frames that the card was still to finish.

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::named::named_reasons;

const ETHERTYPE_IPV4: u16 = 0x0800;
/// 802.1Q, 802.1ad, and the older number of the latter.
const ETHERTYPES_VLAN: [u16; 3] = [0x8100, 0x88A8, 0x9100];
pub(super) const IP_PROTOCOL_UDP: u8 = 17;
const MORE_FRAGMENTS: u16 = 0x2000;
/// Of the fragment offset, in units of eight bytes.
const FRAGMENT_OFFSET_MASK: u16 = 0x1FFF;
pub(super) const IP_HEADER_SIZE_MIN: usize = 20;
pub(super) const UDP_HEADER_SIZE: usize = 8;

/// The link layers that can be read, by the number pcap gives them (tcpdump.org, "Link-layer header
/// types").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkType {
    /// Ethernet II, with any number of VLAN tags.
    Ethernet,
    /// An IP packet with nothing before it.
    RawIp,
    /// Linux "cooked" capture, on the pseudo-interface `any`; VLAN tags as in Ethernet.
    LinuxCooked,
    /// Linux "cooked" capture, version 2; likewise.
    LinuxCooked2,
}

impl LinkType {
    /// The link type of a pcap header's number; the bits above the 28th (checksum length) are
    /// ignored.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        Some(match code & 0x0FFF_FFFF {
            1 => Self::Ethernet,
            // 101 is the file format's number, 12 and 14 leaked from BSD headers, 228 is IPv4 only.
            12 | 14 | 101 | 228 => Self::RawIp,
            113 => Self::LinuxCooked,
            276 => Self::LinuxCooked2,
            _ => return None,
        })
    }
}

named_reasons! {
    /// Why a frame holds no UDP payload for us.
    FrameError {
        /// The capture kept only the first part of the packet.
        CutBySnaplen = 0, "cut_by_snaplen", "the capture cut the packet short (snaplen)";
        /// The frame ends inside a header.
        TruncatedHeader = 1, "truncated_header", "the frame ends inside a header";
        /// ARP, IPv6, spanning tree, …
        NotIpv4 = 2, "not_ipv4", "not IPv4";
        /// The IPv4 header length is below 20 bytes or beyond the packet.
        IpHeaderLength = 3, "ip_header_length", "the IPv4 header length is impossible";
        /// The IPv4 total length does not fit header and frame.
        IpTotalLength = 4, "ip_total_length", "the IPv4 total length does not fit the frame";
        /// Part of a larger packet. Of the packets of a capture, one that could not be put together.
        IpFragment = 5, "ip_fragment", "an IPv4 fragment";
        /// TCP, IGMP, …
        NotUdp = 6, "not_udp", "not UDP";
        /// The UDP length does not fit the IPv4 packet.
        UdpLength = 7, "udp_length", "the UDP length does not fit the packet";
        /// An interface of a link layer that is not read.
        UnsupportedLinkType = 8, "unsupported_link_type", "the interface's link layer is not read";
    }
}

/// A UDP datagram, its payload still in the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpPacket<'a> {
    /// The sender.
    pub source: SocketAddrV4,
    /// The receiver; a group and port, in multicast.
    pub destination: SocketAddrV4,
    /// What was sent.
    pub payload: &'a [u8],
}

/// The UDP datagram in a frame.
///
/// # Errors
///
/// A [`FrameError`]; never [`FrameError::CutBySnaplen`] or [`FrameError::UnsupportedLinkType`], which only the
/// capture can tell.
#[inline]
pub fn parse_udp(link_type: LinkType, frame: &[u8]) -> Result<UdpPacket<'_>, FrameError> {
    let packet = Ipv4Packet::parse(link_type, frame)?;
    if packet.is_fragment() {
        return Err(FrameError::IpFragment);
    }
    packet.udp()
}

/// An IPv4 packet, its body still in the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ipv4Packet<'a> {
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    /// The same in every fragment of a datagram.
    pub(super) identification: u16,
    pub(super) protocol: u8,
    /// Where the body belongs in the datagram, in bytes: a multiple of eight.
    pub(super) fragment_offset: usize,
    pub(super) has_more_fragments: bool,
    /// What follows the header.
    pub(super) body: &'a [u8],
    /// Where the body begins in the frame.
    pub(super) body_offset: usize,
}

impl<'a> Ipv4Packet<'a> {
    #[inline]
    pub(super) fn parse(link_type: LinkType, frame: &'a [u8]) -> Result<Self, FrameError> {
        let packet = match link_type {
            LinkType::Ethernet => behind_tags(frame, 12)?,
            LinkType::RawIp => frame,
            LinkType::LinuxCooked => behind_tags(frame, 14)?,
            LinkType::LinuxCooked2 => behind_cooked2(frame)?,
        };
        parse_ipv4(packet, frame.len() - packet.len())
    }

    #[inline]
    pub(super) const fn is_fragment(&self) -> bool {
        self.has_more_fragments || self.fragment_offset != 0
    }

    /// The datagram in a packet that is whole.
    #[inline]
    pub(super) fn udp(&self) -> Result<UdpPacket<'a>, FrameError> {
        if self.protocol != IP_PROTOCOL_UDP {
            return Err(FrameError::NotUdp);
        }
        parse_udp_header(self.body, self.source, self.destination)
    }
}

/// The IPv4 packet behind an EtherType at `offset` and any number of VLAN tags.
#[inline]
fn behind_tags(frame: &[u8], offset: usize) -> Result<&[u8], FrameError> {
    let mut rest = frame.get(offset..).ok_or(FrameError::TruncatedHeader)?;
    loop {
        let ethertype = be16(rest, 0)?;
        if ethertype == ETHERTYPE_IPV4 {
            return Ok(&rest[2..]);
        }
        if !ETHERTYPES_VLAN.contains(&ethertype) {
            return Err(FrameError::NotIpv4);
        }
        rest = rest.get(4..).ok_or(FrameError::TruncatedHeader)?;
    }
}

/// The IPv4 packet behind a header of 20 bytes that begins with the EtherType.
fn behind_cooked2(frame: &[u8]) -> Result<&[u8], FrameError> {
    let payload = frame.get(20..).ok_or(FrameError::TruncatedHeader)?;
    match be16(frame, 0)? {
        ETHERTYPE_IPV4 => Ok(payload),
        // Behind the header stands the rest of the tag, then the next EtherType.
        tag if ETHERTYPES_VLAN.contains(&tag) => behind_tags(payload, 2),
        _ => Err(FrameError::NotIpv4),
    }
}

/// `offset` is where the packet begins in its frame.
#[inline]
fn parse_ipv4(packet: &[u8], offset: usize) -> Result<Ipv4Packet<'_>, FrameError> {
    let header = packet.first_chunk::<IP_HEADER_SIZE_MIN>();
    let Some(header) = header else {
        return Err(match packet.first() {
            Some(byte) if byte >> 4 != 4 => FrameError::NotIpv4,
            _ => FrameError::TruncatedHeader,
        });
    };
    if header[0] >> 4 != 4 {
        return Err(FrameError::NotIpv4);
    }
    let header_size = usize::from(header[0] & 0xF) * 4;
    if header_size < IP_HEADER_SIZE_MIN || packet.len() < header_size {
        return Err(FrameError::IpHeaderLength);
    }
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    // Behind the packet there may be Ethernet padding: the total length rules.
    let Some(body) = packet.get(header_size..total) else {
        return Err(FrameError::IpTotalLength);
    };
    let [_, _, _, _, i0, i1, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *header;
    let fragment = u16::from_be_bytes([f0, f1]);
    Ok(Ipv4Packet {
        source: Ipv4Addr::new(s0, s1, s2, s3),
        destination: Ipv4Addr::new(d0, d1, d2, d3),
        identification: u16::from_be_bytes([i0, i1]),
        protocol,
        fragment_offset: usize::from(fragment & FRAGMENT_OFFSET_MASK) * 8,
        has_more_fragments: fragment & MORE_FRAGMENTS != 0,
        body,
        body_offset: offset + header_size,
    })
}

#[inline]
pub(super) fn parse_udp_header(
    body: &[u8],
    source: Ipv4Addr,
    destination: Ipv4Addr,
) -> Result<UdpPacket<'_>, FrameError> {
    if body.len() < UDP_HEADER_SIZE {
        return Err(FrameError::TruncatedHeader);
    }
    let length = usize::from(be16(body, 4)?);
    let payload = body.get(UDP_HEADER_SIZE..length).ok_or(FrameError::UdpLength)?;
    Ok(UdpPacket {
        source: SocketAddrV4::new(source, be16(body, 0)?),
        destination: SocketAddrV4::new(destination, be16(body, 2)?),
        payload,
    })
}

#[inline]
fn be16(bytes: &[u8], offset: usize) -> Result<u16, FrameError> {
    match bytes.get(offset..).and_then(<[u8]>::first_chunk) {
        Some(&pair) => Ok(u16::from_be_bytes(pair)),
        None => Err(FrameError::TruncatedHeader),
    }
}
