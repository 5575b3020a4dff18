//! The places datagrams are received into, and the two calls that fill them.
//!
//! The headers the kernel reads hold pointers to the other arrays, set once. All arrays are on the
//! heap and keep their size for as long as the headers live.
#![allow(unsafe_code, reason = "calls recvmsg and recvmmsg with pointers into its own arrays")]

use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use libc::{c_uint, iovec, mmsghdr, sockaddr_in, socklen_t};

use super::control::Control;

/// Room for control messages: a time stamp takes 32 bytes, a drop count 24.
const CONTROL_BYTES: usize = 128;

/// Aligned as control messages are.
#[derive(Clone)]
#[repr(C, align(8))]
struct ControlBytes([u8; CONTROL_BYTES]);

/// A datagram in its slot.
pub(super) struct Datagram<'a> {
    pub(super) payload: &'a [u8],
    pub(super) source: SocketAddrV4,
    pub(super) control: Control,
    pub(super) is_truncated: bool,
}

/// Places for some datagrams.
///
/// # Invariants
///
/// - `headers[i]` points to `vectors[i]`, `names[i]`, `controls[i]`, and `vectors[i]` to the `i`-th
///   part of `buffers`, `bytes_max` long; no array ever changes its length.
/// - The headers behind the first `used` have the lengths a call needs.
pub(super) struct Slots {
    headers: Vec<mmsghdr>,
    vectors: Vec<iovec>,
    names: Vec<sockaddr_in>,
    controls: Vec<ControlBytes>,
    buffers: Vec<u8>,
    bytes_max: usize,
    used: usize,
}

// SAFETY: the pointers in `headers` and `vectors` lead to this value's own arrays, which move with it;
// none is shared with anyone.
unsafe impl Send for Slots {}

impl Slots {
    /// Places for `count` datagrams of `bytes_max` bytes.
    pub(super) fn new(count: usize, bytes_max: usize) -> Self {
        let none = sockaddr_in {
            sin_family: 0,
            sin_port: 0,
            sin_addr: libc::in_addr { s_addr: 0 },
            sin_zero: [0; 8],
        };
        let vector = iovec { iov_base: ptr::null_mut(), iov_len: bytes_max };
        // SAFETY: integers and pointers, for which zero is a value.
        let header: mmsghdr = unsafe { MaybeUninit::zeroed().assume_init() };
        let mut slots = Self {
            headers: vec![header; count],
            vectors: vec![vector; count],
            names: vec![none; count],
            controls: vec![ControlBytes([0; CONTROL_BYTES]); count],
            buffers: vec![0; count * bytes_max],
            bytes_max,
            used: count,
        };
        let buffers = slots.buffers.as_mut_ptr();
        let vectors = slots.vectors.as_mut_ptr();
        let names = slots.names.as_mut_ptr();
        let controls = slots.controls.as_mut_ptr();
        for (index, header) in slots.headers.iter_mut().enumerate() {
            slots.vectors[index].iov_base = buffers.wrapping_add(index * bytes_max).cast();
            header.msg_hdr.msg_iov = vectors.wrapping_add(index);
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_name = names.wrapping_add(index).cast();
            header.msg_hdr.msg_control = controls.wrapping_add(index).cast();
        }
        slots.refresh();
        slots
    }

    /// How many places there are.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.headers.len()
    }

    /// Receives at most `max` datagrams that are there, into the first places.
    #[inline]
    pub(super) fn receive(&mut self, socket: BorrowedFd<'_>, max: usize) -> io::Result<usize> {
        self.refresh();
        let received = if self.headers.len() == 1 {
            self.receive_one(socket)
        } else {
            self.receive_many(socket, max)
        };
        // Whatever the call did, it did to headers it was given.
        self.used = *received.as_ref().unwrap_or(&1);
        received
    }

    fn receive_one(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        let header = &mut self.headers[0];
        // SAFETY: the header's pointers lead to live arrays of the lengths it states (invariant).
        let length = unsafe {
            libc::recvmsg(socket.as_raw_fd(), &raw mut header.msg_hdr, libc::MSG_DONTWAIT)
        };
        let Ok(length) = c_uint::try_from(length) else {
            return Err(io::Error::last_os_error());
        };
        header.msg_len = length;
        Ok(1)
    }

    fn receive_many(&mut self, socket: BorrowedFd<'_>, max: usize) -> io::Result<usize> {
        let count = max.min(self.headers.len()) as c_uint;
        let headers = self.headers.as_mut_ptr();
        // SAFETY: `headers` has `count` entries, whose pointers lead to live arrays of the lengths
        // they state (invariant).
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers,
                count,
                libc::MSG_DONTWAIT as _,
                ptr::null_mut(),
            )
        };
        usize::try_from(received).map_err(|_| io::Error::last_os_error())
    }

    /// The datagram the last call received into a place.
    #[inline]
    pub(super) fn datagram(&self, index: usize) -> Datagram<'_> {
        let header = &self.headers[index];
        let length = (header.msg_len as usize).min(self.bytes_max);
        let start = index * self.bytes_max;
        let name = &self.names[index];
        #[allow(clippy::unnecessary_cast, reason = "the field is 32 bits wide with musl")]
        let control_length = (header.msg_hdr.msg_controllen as usize).min(CONTROL_BYTES);
        Datagram {
            payload: &self.buffers[start..start + length],
            source: SocketAddrV4::new(
                Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr)),
                u16::from_be(name.sin_port),
            ),
            control: Control::parse(&self.controls[index].0[..control_length]),
            is_truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
        }
    }

    /// Sets the lengths the last call has changed back to what there is room for.
    #[inline]
    fn refresh(&mut self) {
        for header in &mut self.headers[..self.used] {
            header.msg_hdr.msg_namelen = size_of::<sockaddr_in>() as socklen_t;
            header.msg_hdr.msg_controllen = CONTROL_BYTES as _;
        }
        self.used = 0;
    }
}
