//! What a capture gives: packets, UDP datagrams, and the counts of both.

use tezi_model::Nanos;

use super::fragments::FragmentCounters;
use super::frame::{FrameError, LinkType, UdpPacket, parse_udp};

/// One packet of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapturedPacket<'a> {
    /// When it was captured, UTC. A simple packet of pcapng has no time and gets that of the packet
    /// before it; [`Nanos::ZERO`] when there is none.
    pub time: Nanos,
    /// The link layer it begins with; `None` is one that is not read.
    pub link_type: Option<LinkType>,
    /// The frame, from its link header on.
    pub data: &'a [u8],
    /// How long the frame was on the wire; more than `data` when the capture cut it.
    pub original_length: usize,
    /// Counts from 0.
    pub index: u64,
    /// Where its record or block begins, in the decompressed bytes.
    pub offset: u64,
}

impl<'a> CapturedPacket<'a> {
    /// The UDP datagram in it.
    ///
    /// # Errors
    ///
    /// A [`FrameError`]; of a frame that the capture cut, always [`FrameError::CutBySnaplen`].
    #[inline]
    pub fn udp(&self) -> Result<UdpPacket<'a>, FrameError> {
        parse_udp(self.whole()?, self.data)
    }

    /// The link type of a frame that is all there.
    #[inline]
    pub(super) fn whole(&self) -> Result<LinkType, FrameError> {
        if self.data.len() < self.original_length {
            return Err(FrameError::CutBySnaplen);
        }
        self.link_type.ok_or(FrameError::UnsupportedLinkType)
    }
}

/// A UDP datagram of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapturedUdp<'a> {
    /// When it was captured, UTC; of one put together, when the last missing fragment was.
    pub time: Nanos,
    /// The index of its packet, from 0; of one put together, that of the last missing fragment.
    pub index: u64,
    /// Addresses and payload.
    pub packet: UdpPacket<'a>,
}

/// What a walk over the datagrams met. Every packet is counted once:
/// `packets == datagrams + skipped (all) + fragments.kept`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureCounters {
    /// Packets read.
    pub packets: u64,
    /// UDP datagrams given out.
    pub datagrams: u64,
    /// Packets skipped, indexed by the code of the [`FrameError`].
    pub skipped: [u64; FrameError::COUNT],
    /// What became of fragments.
    pub fragments: FragmentCounters,
}
