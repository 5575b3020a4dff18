//! The rings an AF_XDP socket shares with the kernel (`Documentation/networking/af_xdp.rst`).
//!
//! A ring has one producer and one consumer, each with a count that runs on and wraps at 32 bits.
//! Whoever advances its count says: what lies before it is yours.

use core::sync::atomic::Ordering;
use std::io;
use std::os::fd::BorrowedFd;

use bytemuck::{Pod, Zeroable};

use crate::mapped::Mapped;
use crate::sys;

/// Where the parts of a ring are in its mapping (`struct xdp_ring_offset`).
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct RingOffsets {
    producer: u64,
    consumer: u64,
    entries: u64,
    flags: u64,
}

/// `struct xdp_mmap_offsets`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Offsets {
    receive: RingOffsets,
    transmit: RingOffsets,
    fill: RingOffsets,
    completion: RingOffsets,
}

/// A received frame (`struct xdp_desc`).
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Descriptor {
    /// Offset in the memory given to the kernel.
    pub(super) address: u64,
    pub(super) length: u32,
    options: u32,
}

const _: () = {
    assert!(size_of::<Offsets>() == size_of::<libc::xdp_mmap_offsets>());
    assert!(size_of::<Descriptor>() == size_of::<libc::xdp_desc>());
};

/// A mapped ring of entries of one size.
struct Ring {
    map: Mapped,
    producer: usize,
    consumer: usize,
    entries: usize,
    flags: usize,
    mask: u32,
}

impl Ring {
    /// `count` is a power of two, as the kernel was asked for.
    fn map<T>(
        socket: BorrowedFd<'_>,
        page_offset: u64,
        offsets: &RingOffsets,
        count: u32,
    ) -> io::Result<Self> {
        let place = |offset: u64| usize::try_from(offset).map_err(io::Error::other);
        let entries = place(offsets.entries)?;
        Ok(Self {
            map: Mapped::of(socket, page_offset, entries + count as usize * size_of::<T>())?,
            producer: place(offsets.producer)?,
            consumer: place(offsets.consumer)?,
            entries,
            flags: place(offsets.flags)?,
            mask: count - 1,
        })
    }

    #[inline]
    fn place<T>(&self, index: u32) -> usize {
        self.entries + (index & self.mask) as usize * size_of::<T>()
    }
}

/// Frames the kernel has filled. This process is the consumer.
pub(super) struct ReceiveRing {
    ring: Ring,
    /// What the kernel knows the consumer's count to be.
    consumed: u32,
}

/// Frames the kernel may fill. This process is the producer.
pub(super) struct FillRing {
    ring: Ring,
    /// What the kernel knows the producer's count to be.
    produced: u32,
}

/// Maps both rings of a socket that has been asked for them with `count` entries each.
pub(super) fn map_rings(socket: BorrowedFd<'_>, count: u32) -> io::Result<(ReceiveRing, FillRing)> {
    let offsets: Offsets = sys::get_option(socket, libc::SOL_XDP, libc::XDP_MMAP_OFFSETS)?;
    let receive_page = libc::XDP_PGOFF_RX_RING as u64;
    let receive = Ring::map::<Descriptor>(socket, receive_page, &offsets.receive, count)?;
    let fill_page = libc::XDP_UMEM_PGOFF_FILL_RING;
    let fill = Ring::map::<u64>(socket, fill_page, &offsets.fill, count)?;
    Ok((ReceiveRing { ring: receive, consumed: 0 }, FillRing { ring: fill, produced: 0 }))
}

impl ReceiveRing {
    /// How many frames there are to read.
    #[inline]
    pub(super) fn available(&self) -> u32 {
        let produced = self.ring.map.word(self.ring.producer).load(Ordering::Acquire);
        produced.wrapping_sub(self.consumed)
    }

    /// The `index`-th of the frames there are to read.
    #[inline]
    pub(super) fn get(&self, index: u32) -> Descriptor {
        self.ring.map.read(self.ring.place::<Descriptor>(self.consumed.wrapping_add(index)))
    }

    /// Gives the first `count` entries back. The frames themselves go back by the fill ring.
    #[inline]
    pub(super) fn release(&mut self, count: u32) {
        self.consumed = self.consumed.wrapping_add(count);
        self.ring.map.word(self.ring.consumer).store(self.consumed, Ordering::Release);
    }
}

impl FillRing {
    /// Sets the `index`-th entry behind those the kernel has. There is always room: there are as many
    /// entries as frames.
    #[inline]
    pub(super) fn set(&mut self, index: u32, address: u64) {
        let place = self.ring.place::<u64>(self.produced.wrapping_add(index));
        self.ring.map.write(place, address);
    }

    /// Gives the `count` entries that were set to the kernel.
    #[inline]
    pub(super) fn submit(&mut self, count: u32) {
        self.produced = self.produced.wrapping_add(count);
        self.ring.map.word(self.ring.producer).store(self.produced, Ordering::Release);
    }

    /// Whether the driver sleeps until it is called.
    #[inline]
    pub(super) fn needs_wakeup(&self) -> bool {
        let flags = self.ring.map.word(self.ring.flags).load(Ordering::Relaxed);
        flags & libc::XDP_RING_NEED_WAKEUP != 0
    }
}
