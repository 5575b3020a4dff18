//! The mapped ring of a packet socket: frames the kernel fills and this process gives back.
//!
//! Who owns a frame is in the first word of its header (`Documentation/networking/packet_mmap.rst`):
//! the kernel stores `TP_STATUS_USER` behind the data when it has filled the frame, and this process
//! stores `TP_STATUS_KERNEL` when it has read it.
#![allow(unsafe_code, reason = "reads frames that belong to this process by the ring's protocol")]

use core::sync::atomic::Ordering;
use std::io;
use std::os::fd::BorrowedFd;

use bytemuck::{NoUninit, Pod, Zeroable};

use crate::ReceiveError;
use crate::mapped::Mapped;

/// `linux/if_packet.h`.
const TP_STATUS_KERNEL: u32 = 0;
const TP_STATUS_USER: u32 = 1;
const TP_STATUS_CSUM_NOT_READY: u32 = 1 << 3;
const TP_STATUS_CSUM_VALID: u32 = 1 << 7;

/// Where the index of the interface stands: in a `struct sockaddr_ll` behind the header.
const INTERFACE_OFFSET: usize = size_of::<Header>() + 4;
/// What stands before the packet in a frame: header, address, alignment.
const FRAME_OVERHEAD: usize = 80;
/// The longest IPv4 header, and UDP's.
const HEADERS_MAX: usize = 60 + 8;
const BLOCK_SIZE_MIN: usize = 1 << 16;
/// More would be more than the kernel's own count of bytes holds.
const RING_BYTES_MAX: usize = 1 << 31;

/// `struct tpacket2_hdr`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Header {
    status: u32,
    length: u32,
    length_here: u32,
    link_offset: u16,
    network_offset: u16,
    seconds: u32,
    nanos: u32,
    vlan_tag: u16,
    vlan_protocol: u16,
    padding: [u8; 4],
}

const _: () = assert!(size_of::<Header>() == 32);

/// `struct tpacket_req`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, NoUninit)]
#[repr(C)]
pub(super) struct RingRequest {
    block_size: u32,
    block_count: u32,
    pub(super) frame_size: u32,
    pub(super) frame_count: u32,
}

impl RingRequest {
    /// Whole blocks that hold at least `frames` frames for datagrams of `datagram_bytes_max`.
    pub(super) fn new(frames: usize, datagram_bytes_max: usize) -> Result<Self, ReceiveError> {
        let impossible = || {
            ReceiveError::Config(format!(
                "a packet ring of {frames} frames for datagrams of {datagram_bytes_max} bytes: both \
                 must be positive, a datagram at most 65507 bytes, the ring at most 2 GiB"
            ))
        };
        if frames == 0 || datagram_bytes_max == 0 || datagram_bytes_max > 65_507 {
            return Err(impossible());
        }
        let frame_size = (FRAME_OVERHEAD + HEADERS_MAX + datagram_bytes_max).next_power_of_two();
        let block_size = frame_size.max(BLOCK_SIZE_MIN);
        let block_count = frames.div_ceil(block_size / frame_size);
        if block_count > RING_BYTES_MAX / block_size {
            return Err(impossible());
        }
        Ok(Self {
            block_size: block_size as u32,
            block_count: block_count as u32,
            frame_size: frame_size as u32,
            frame_count: (block_count * (block_size / frame_size)) as u32,
        })
    }
}

/// A frame the kernel has filled.
pub(super) struct Frame<'a> {
    /// From the IPv4 header on.
    pub(super) packet: &'a [u8],
    /// Whether the packet was longer on the wire.
    pub(super) is_cut: bool,
    /// Whether neither card nor kernel has checked the UDP checksum, and the sender, if on this
    /// machine, has computed it.
    pub(super) is_checksum_due: bool,
    /// Since the UNIX epoch.
    pub(super) seconds: u32,
    pub(super) nanos: u32,
    /// Index of the interface it came by.
    pub(super) interface: u32,
}

/// The mapped ring.
///
/// # Invariants
///
/// - `offset` is where the next frame to read begins, a multiple of `frame_size` inside the mapping.
/// - All frames before it have been given back.
pub(super) struct Ring {
    frames: Mapped,
    frame_size: usize,
    offset: usize,
}

impl Ring {
    /// Maps the ring that a socket has been asked for.
    pub(super) fn map(socket: BorrowedFd<'_>, request: &RingRequest) -> io::Result<Self> {
        let frame_size = request.frame_size as usize;
        let bytes = frame_size * request.frame_count as usize;
        Ok(Self { frames: Mapped::of(socket, 0, bytes)?, frame_size, offset: 0 })
    }

    /// Frames in the ring.
    pub(super) fn frame_count(&self) -> usize {
        self.frames.len() / self.frame_size
    }

    /// The oldest frame that is filled and not given back.
    #[inline]
    pub(super) fn front(&mut self) -> Option<Frame<'_>> {
        let status = self.frames.word(self.offset).load(Ordering::Acquire);
        if status & TP_STATUS_USER == 0 {
            return None;
        }
        let header: Header = self.frames.read(self.offset);
        let start = usize::from(header.network_offset).min(self.frame_size);
        let length = (header.length_here as usize).min(self.frame_size - start);
        // SAFETY: the kernel does not touch a frame from the store of `TP_STATUS_USER`, seen above
        // with acquire ordering, until `release` stores `TP_STATUS_KERNEL`, which needs this ring
        // mutably and so comes after the slice. It lies inside the frame.
        let packet = unsafe { self.frames.bytes(self.offset + start, length) };
        Some(Frame {
            packet,
            is_cut: length < header.length as usize,
            is_checksum_due: status & (TP_STATUS_CSUM_NOT_READY | TP_STATUS_CSUM_VALID) == 0,
            seconds: header.seconds,
            nanos: header.nanos,
            interface: self.frames.read(self.offset + INTERFACE_OFFSET),
        })
    }

    /// Gives the frame [`Ring::front`] has shown back to the kernel.
    #[inline]
    pub(super) fn release(&mut self) {
        self.frames.word(self.offset).store(TP_STATUS_KERNEL, Ordering::Release);
        let next = self.offset + self.frame_size;
        self.offset = if next == self.frames.len() { 0 } else { next };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_powers_of_two_and_fill_whole_blocks() {
        for (frames, bytes_max, frame_size, frame_count) in [
            (8_192, 1_900, 2_048, 8_192),
            (1, 1, 256, 256),
            (100, 1_901, 4_096, 112),
            (3, 65_507, 131_072, 3),
        ] {
            let request = RingRequest::new(frames, bytes_max).unwrap();
            assert_eq!((request.frame_size, request.frame_count), (frame_size, frame_count));
            let bytes = u64::from(request.block_size) * u64::from(request.block_count);
            assert_eq!(bytes, u64::from(frame_size) * u64::from(frame_count));
        }
        for (frames, bytes_max) in
            [(0, 100), (100, 0), (100, 65_508), (1 << 21, 1_900), (usize::MAX, 1)]
        {
            assert!(RingRequest::new(frames, bytes_max).is_err(), "{frames} of {bytes_max}");
        }
    }
}
