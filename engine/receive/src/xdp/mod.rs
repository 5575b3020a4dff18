//! Receiving beside the kernel's network stack (`AF_XDP`).
//!
//! A program in the kernel looks at each frame as it comes out of the driver, or with zero copy as the
//! card has written it, and puts ours into memory this process reads; all other traffic goes its
//! usual way. It needs Linux 5.9, `CAP_NET_RAW`, `CAP_BPF` and `CAP_NET_ADMIN` to open, and nothing to
//! poll. There are no kernel stamps: times are taken by [`PacketSource::poll`], once a call.
//!
//! A source takes one queue of one interface. A card with several must steer the groups to that one
//! (`docs/operating/receiving.md`). Fragments go to the kernel, and are lost to us.

mod bpf;
mod program;
mod ring;
mod socket;

use std::fmt;
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use self::program::GROUPS_MAX;
use self::socket::{QueueRequest, XdpSocket};
use crate::demux::{Arrival, Demux};
use crate::frame::{FrameError, ipv4_of_ethernet};
use crate::membership::Membership;
use crate::table::GroupTable;
use crate::waiter::Waiter;
use crate::{
    GroupConfig, Interface, PacketSource, ReceiveError, Received, SourceCounters, Stamp, sys,
};

/// What stands before a payload at most: the kernel's headroom, Ethernet and two tags, IPv4 with
/// options, UDP.
const OVERHEAD_MAX: usize = 256 + 14 + 8 + 60 + 8;
/// The sizes of frame the kernel takes, with pages of 4 KiB.
const FRAME_SIZES: [usize; 2] = [2_048, 4_096];
const FRAMES_MAX: usize = 1 << 20;

/// How frames come from the interface to this process; what a driver does not know, falls back to
/// the one before, with a note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum XdpMode {
    /// Out of the kernel's own buffers, after the driver (`skb` mode). Every interface can.
    Generic,
    /// In the driver, copied.
    Native,
    /// Written by the card into this process's memory.
    #[default]
    ZeroCopy,
}

impl XdpMode {
    const fn below(self) -> Option<Self> {
        match self {
            Self::ZeroCopy => Some(Self::Native),
            Self::Native => Some(Self::Generic),
            Self::Generic => None,
        }
    }

    const fn attach_flags(self) -> u32 {
        match self {
            Self::Generic => bpf::XDP_FLAGS_SKB_MODE,
            Self::Native | Self::ZeroCopy => bpf::XDP_FLAGS_DRV_MODE,
        }
    }
}

impl fmt::Display for XdpMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Generic => "generic copy",
            Self::Native => "native copy",
            Self::ZeroCopy => "zero copy",
        })
    }
}

/// How to receive by AF_XDP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XdpConfig {
    /// What to receive: at most 256, all on one interface that is named or has the address named.
    pub groups: Vec<GroupConfig>,
    /// The queue of the interface.
    pub queue: u32,
    /// The best mode to try.
    pub mode: XdpMode,
    /// Frames to share with the kernel; rounded up to a power of two.
    pub frames: usize,
    /// The longest datagram to expect, at most 3,750: up to 1,702 a frame takes 2 KiB, else 4. What
    /// does not fit into a frame is dropped by the kernel, and counted; what fits and is longer is cut.
    pub datagram_bytes_max: usize,
    /// Whether to check UDP checksums, as the kernel's stack does otherwise. To be switched off where
    /// the sender is on the same machine: over a virtual wire nobody fills them in.
    pub verifies_checksums: bool,
}

impl Default for XdpConfig {
    /// Queue 0, the best mode there is, 4,096 frames of 2 KiB.
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            queue: 0,
            mode: XdpMode::default(),
            frames: 4_096,
            datagram_bytes_max: 1_500,
            verifies_checksums: true,
        }
    }
}

/// An AF_XDP socket with its program, and joined sockets that keep the groups coming.
pub struct XdpSource {
    /// Before the socket: no more frames come when it is taken down.
    _link: OwnedFd,
    _map: OwnedFd,
    socket: XdpSocket,
    _memberships: Vec<Membership>,
    groups: Vec<SocketAddrV4>,
    interface: u32,
    mode: XdpMode,
    verifies_checksums: bool,
    demux: Demux,
    waiter: Waiter,
    notes: Vec<String>,
}

impl XdpSource {
    /// Joins every group, loads the program and binds the socket.
    ///
    /// # Errors
    ///
    /// [`ReceiveError::System`] with what was being done when the kernel refuses the simplest mode as
    /// well: without the capabilities, for a queue or an interface that does not exist, or where
    /// another program runs. [`ReceiveError::Config`] for what can be on no machine.
    pub fn open(config: &XdpConfig) -> Result<Self, ReceiveError> {
        let mut request = request(config)?;
        let mut notes = Vec::new();
        let memberships = Membership::join_all(&config.groups, &mut notes)?;
        memberships.iter().try_for_each(Membership::mute)?;
        let groups: Vec<_> = memberships.iter().map(|membership| membership.address).collect();
        let table = GroupTable::new(&config.groups, &groups)?;

        let mut mode = config.mode;
        let mut reasons = Vec::new();
        let (socket, map, link) = loop {
            request.is_zero_copy = mode == XdpMode::ZeroCopy;
            match open_in(mode, &request, &groups) {
                Ok(opened) => break opened,
                Err(error) => match mode.below() {
                    Some(below) => {
                        reasons.push(format!("{mode}: {error}"));
                        mode = below;
                    }
                    None => return Err(error),
                },
            }
        };
        if mode == XdpMode::ZeroCopy && !socket.is_zero_copy() {
            mode = XdpMode::Native;
            reasons.push("zero copy: the driver copies all the same".into());
        }
        if mode != config.mode {
            let why = reasons.join("; ");
            notes.push(format!("AF_XDP: asked {}, got {mode}, because of {why}", config.mode));
        }
        Ok(Self {
            waiter: Waiter::new([socket.as_fd()].into_iter())?,
            _link: link,
            _map: map,
            socket,
            _memberships: memberships,
            groups,
            interface: request.interface,
            mode,
            verifies_checksums: config.verifies_checksums,
            demux: Demux::new(table, config.datagram_bytes_max),
            notes,
        })
    }

    /// The groups in the order of the configuration, with the ports the kernel gave.
    #[must_use]
    pub fn groups(&self) -> &[SocketAddrV4] {
        &self.groups
    }

    /// How frames come.
    #[must_use]
    pub fn mode(&self) -> XdpMode {
        self.mode
    }
}

/// Checks a configuration.
fn request(config: &XdpConfig) -> Result<QueueRequest, ReceiveError> {
    let refuse = |what: String| Err(ReceiveError::Config(format!("AF_XDP: {what}")));
    let Some(first) = config.groups.first() else {
        return refuse("no group to receive".into());
    };
    if config.groups.len() > GROUPS_MAX {
        return refuse(format!("{} groups, at most {GROUPS_MAX}", config.groups.len()));
    }
    if first.interface == Interface::Any {
        return refuse("the interface must be named".into());
    }
    let interface = first.interface.index()?;
    for group in &config.groups {
        if group.interface.index()? != interface {
            return refuse(format!("{group}: not on interface {} as others", first.interface));
        }
    }
    let bytes = config.datagram_bytes_max;
    let size = FRAME_SIZES.into_iter().find(|size| bytes + OVERHEAD_MAX <= *size);
    let Some(frame_size) = size.filter(|_| bytes > 0) else {
        let bytes_max = FRAME_SIZES[1] - OVERHEAD_MAX;
        return refuse(format!("datagrams of at most {bytes} bytes: it must be 1 to {bytes_max}"));
    };
    if config.frames == 0 || config.frames > FRAMES_MAX {
        return refuse(format!("{} frames: it must be 1 to {FRAMES_MAX}", config.frames));
    }
    Ok(QueueRequest {
        interface,
        queue: config.queue,
        frame_count: config.frames.next_power_of_two() as u32,
        frame_size: frame_size as u32,
        is_zero_copy: false,
    })
}

fn open_in(
    mode: XdpMode,
    request: &QueueRequest,
    groups: &[SocketAddrV4],
) -> Result<(XdpSocket, OwnedFd, OwnedFd), ReceiveError> {
    let QueueRequest { interface, queue, .. } = *request;
    let socket = XdpSocket::open(request)?;
    let map = bpf::create_map(queue.saturating_add(1)).map_err(ReceiveError::opening(|| {
        "create a map of sockets (bpf, needs CAP_BPF and CAP_NET_ADMIN)".into()
    }))?;
    bpf::set_socket(map.as_fd(), queue, socket.as_fd()).map_err(ReceiveError::opening(|| {
        format!("put the AF_XDP socket into the map for queue {queue}")
    }))?;
    let program = program::program(groups, std::os::fd::AsRawFd::as_raw_fd(&map));
    let program = bpf::load(&program).map_err(ReceiveError::opening(|| {
        format!("load an XDP program of {} instructions", program.len())
    }))?;
    let link = bpf::attach(&program, interface, mode.attach_flags());
    let link = link.map_err(ReceiveError::opening(|| {
        format!("run an XDP program on interface number {interface} ({mode})")
    }))?;
    Ok((socket, map, link))
}

impl PacketSource for XdpSource {
    fn poll(
        &mut self,
        max: usize,
        sink: &mut impl FnMut(&Received<'_>),
    ) -> Result<usize, ReceiveError> {
        let mut received = 0;
        let available = self.socket.available();
        let mut read = 0;
        if available > 0 && max > 0 {
            let arrival = Arrival {
                interface: self.interface,
                time: sys::now(),
                stamp: Stamp::Software,
                is_cut: false,
                is_checksum_due: self.verifies_checksums,
            };
            while read < available && received < max {
                let packet = match self.socket.frame(read) {
                    Some(frame) => ipv4_of_ethernet(frame),
                    None => Err(FrameError::Malformed),
                };
                let is_handed = match packet {
                    Ok(packet) => self.demux.on_packet(packet, arrival, sink),
                    Err(error) => self.demux.refuse(error),
                };
                received += usize::from(is_handed);
                read += 1;
            }
            self.socket.release(read);
        }
        self.demux.counters.on_poll(received);
        match self.socket.wake() {
            Ok(()) => Ok(received),
            Err(error) => {
                self.demux.counters.errors += 1;
                Err(ReceiveError::running("wake the driver of an AF_XDP socket", error))
            }
        }
    }

    fn wait(&mut self, timeout: Duration) -> Result<(), ReceiveError> {
        if self.socket.available() > 0 {
            return Ok(());
        }
        self.waiter.wait(timeout, |_| {})
    }

    fn counters(&self) -> SourceCounters {
        let dropped_by_kernel = self.socket.dropped().unwrap_or_default();
        SourceCounters { dropped_by_kernel, ..self.demux.counters }
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}
