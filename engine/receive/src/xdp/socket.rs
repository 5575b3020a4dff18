//! An AF_XDP socket: the memory given to the kernel, the rings, and the queue it is bound to.
#![allow(unsafe_code, reason = "gives memory to the kernel and reads it by the rings' protocol")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;
use std::{ptr, thread};

use bytemuck::{NoUninit, Pod, Zeroable};
use socket2::{Domain, Socket, Type};

use super::ring::{Descriptor, FillRing, ReceiveRing, map_rings};
use crate::mapped::Mapped;
use crate::{ReceiveError, sys};

/// `struct xdp_umem_reg`.
#[derive(Clone, Copy, NoUninit)]
#[repr(C)]
struct MemoryRegistration {
    address: u64,
    length: u64,
    frame_size: u32,
    headroom: u32,
    flags: u32,
    transmit_metadata_length: u32,
}

/// `struct sockaddr_xdp`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct QueueAddress {
    family: u16,
    flags: u16,
    interface: u32,
    queue: u32,
    shared_socket: u32,
}

/// `struct xdp_statistics`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Statistics {
    dropped: u64,
    receive_invalid: u64,
    transmit_invalid: u64,
    receive_ring_full: u64,
    fill_ring_empty: u64,
    transmit_ring_empty: u64,
}

const _: () = {
    assert!(size_of::<MemoryRegistration>() == size_of::<libc::xdp_umem_reg>());
    assert!(size_of::<QueueAddress>() == size_of::<libc::sockaddr_xdp>());
    assert!(size_of::<Statistics>() == size_of::<libc::xdp_statistics>());
};

/// Entries of the ring that would tell of sent frames; the kernel wants one.
const COMPLETIONS: u32 = 8;
/// How often, and with what pause, a busy queue is asked for again.
const BUSY_ATTEMPTS: u32 = 20;
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// What a socket is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueueRequest {
    pub(super) interface: u32,
    pub(super) queue: u32,
    /// A power of two.
    pub(super) frame_count: u32,
    /// A power of two.
    pub(super) frame_size: u32,
    pub(super) is_zero_copy: bool,
}

/// A bound socket with all its frames given to the kernel.
///
/// # Invariants
///
/// Each frame is in one place: the kernel's, from its entry in the fill ring on; or this process's,
/// from its entry in the receive ring until [`XdpSocket::release`].
pub(super) struct XdpSocket {
    /// The mappings go before what they map: a device is busy while a ring is mapped.
    receive: ReceiveRing,
    fill: FillRing,
    memory: Mapped,
    frame_size: u32,
    socket: Socket,
}

impl XdpSocket {
    /// Opens a socket and binds it to a queue.
    pub(super) fn open(request: &QueueRequest) -> Result<Self, ReceiveError> {
        let socket = Socket::new(Domain::from(libc::AF_XDP), Type::RAW, None).map_err(
            ReceiveError::opening(|| "open an AF_XDP socket (needs CAP_NET_RAW)".into()),
        )?;
        let QueueRequest { frame_count, frame_size, .. } = *request;
        let open = || -> io::Result<(Mapped, ReceiveRing, FillRing)> {
            let memory = Mapped::anonymous(frame_count as usize * frame_size as usize)?;
            register(socket.as_fd(), &memory, frame_size)?;
            let set = |name, count| sys::set_option(socket.as_fd(), libc::SOL_XDP, name, count);
            set(libc::XDP_UMEM_FILL_RING, &frame_count)?;
            set(libc::XDP_UMEM_COMPLETION_RING, &COMPLETIONS)?;
            set(libc::XDP_RX_RING, &frame_count)?;
            let (receive, fill) = map_rings(socket.as_fd(), frame_count)?;
            Ok((memory, receive, fill))
        };
        let (memory, receive, mut fill) = open().map_err(ReceiveError::opening(|| {
            format!(
                "give {frame_count} frames of {frame_size} bytes to AF_XDP (they are locked in \
                 memory: ulimit -l, or CAP_IPC_LOCK)"
            )
        }))?;
        for index in 0..frame_count {
            fill.set(index, u64::from(index) * u64::from(frame_size));
        }
        fill.submit(frame_count);
        bind(socket.as_fd(), request)?;
        Ok(Self { receive, fill, memory, frame_size, socket })
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// How many frames there are to read.
    #[inline]
    pub(super) fn available(&self) -> u32 {
        self.receive.available()
    }

    /// The `index`-th of the frames there are to read; `None` when the kernel should point outside
    /// the memory it was given.
    #[inline]
    pub(super) fn frame(&self, index: u32) -> Option<&[u8]> {
        assert!(index < self.available(), "a frame is read after the kernel has given it");
        let Descriptor { address, length, .. } = self.receive.get(index);
        let start = usize::try_from(address).ok()?;
        let end = start.checked_add(length as usize)?;
        if end > self.memory.len() {
            return None;
        }
        // SAFETY: the frame is this process's (invariant): the kernel advanced its count behind it,
        // seen with acquire ordering, and gets it back by `release`, which needs `self` mutably and
        // so comes after the slice. It lies inside the memory.
        Some(unsafe { self.memory.bytes(start, length as usize) })
    }

    /// Gives the first `count` frames there are to read back to the kernel.
    #[inline]
    pub(super) fn release(&mut self, count: u32) {
        assert!(count <= self.available(), "only what the kernel has given is given back");
        for index in 0..count {
            let address = self.receive.get(index).address;
            self.fill.set(index, address & !u64::from(self.frame_size - 1));
        }
        self.receive.release(count);
        self.fill.submit(count);
    }

    /// Wakes a driver that sleeps until it is called.
    #[inline]
    pub(super) fn wake(&self) -> io::Result<()> {
        if !self.fill.needs_wakeup() {
            return Ok(());
        }
        let fd = self.socket.as_raw_fd();
        let flags = libc::MSG_DONTWAIT;
        // SAFETY: no memory is passed.
        let code = unsafe {
            libc::recvfrom(fd, ptr::null_mut(), 0, flags, ptr::null_mut(), ptr::null_mut())
        };
        if code >= 0 {
            return Ok(());
        }
        match io::Error::last_os_error() {
            // The driver is at it already, or the signal's handler was.
            error if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            error if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            error if error.raw_os_error() == Some(libc::EBUSY) => Ok(()),
            error => Err(error),
        }
    }

    /// Frames for this socket that found no place.
    pub(super) fn dropped(&self) -> io::Result<u64> {
        let statistics: Statistics =
            sys::get_option(self.as_fd(), libc::SOL_XDP, libc::XDP_STATISTICS)?;
        Ok(statistics.dropped + statistics.receive_ring_full)
    }

    /// Whether the card writes into our memory itself.
    pub(super) fn is_zero_copy(&self) -> bool {
        sys::get_option::<u32>(self.as_fd(), libc::SOL_XDP, libc::XDP_OPTIONS)
            .is_ok_and(|options| options & libc::XDP_OPTIONS_ZEROCOPY != 0)
    }
}

/// Gives memory to the kernel for frames.
fn register(socket: BorrowedFd<'_>, memory: &Mapped, frame_size: u32) -> io::Result<()> {
    let registration = MemoryRegistration {
        address: memory.address(),
        length: memory.len() as u64,
        frame_size,
        headroom: 0,
        flags: 0,
        transmit_metadata_length: 0,
    };
    let bytes = bytemuck::bytes_of(&registration);
    // SAFETY: the kernel reads the registration during the call, and keeps the pages it names for as
    // long as it uses them, even when they are unmapped here. What it writes there is read only by
    // `XdpSocket::frame`.
    let code = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_XDP,
            libc::XDP_UMEM_REG,
            bytes.as_ptr().cast(),
            bytes.len() as libc::socklen_t,
        )
    };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn bind(socket: BorrowedFd<'_>, request: &QueueRequest) -> Result<(), ReceiveError> {
    let QueueRequest { interface, queue, is_zero_copy, .. } = *request;
    let how = if is_zero_copy { libc::XDP_ZEROCOPY } else { libc::XDP_COPY };
    let address = QueueAddress {
        family: libc::AF_XDP as u16,
        flags: how | libc::XDP_USE_NEED_WAKEUP,
        interface,
        queue,
        shared_socket: 0,
    };
    // The kernel releases a queue some time after the socket that had it is closed.
    let mut bound = sys::bind(socket, &address);
    for _ in 0..BUSY_ATTEMPTS {
        match &bound {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                thread::sleep(BUSY_PAUSE);
                bound = sys::bind(socket, &address);
            }
            _ => break,
        }
    }
    bound.map_err(ReceiveError::opening(|| {
        let how = if is_zero_copy { "zero copy" } else { "copy" };
        format!("bind an AF_XDP socket to queue {queue} of interface number {interface} ({how})")
    }))
}
