//! Receiving from a ring of packets shared with the kernel (`AF_PACKET`, `TPACKET_V2`).
//!
//! The kernel copies each IPv4 packet for our groups into the next frame of a ring and this process
//! reads it there: no system call a packet. It needs `CAP_NET_RAW`, no support of the driver, and works
//! on every interface. Version 2 of the ring, since version 3 hands over blocks of packets and a
//! block that is not full waits for a timer.
//!
//! The socket takes packets after the link header (`SOCK_DGRAM`), where the kernel has already removed
//! VLAN tags and chosen the VLAN's interface: join and listen on that one (`eth0.100`).

mod filter;
mod ring;

use std::cell::Cell;
use std::net::SocketAddrV4;
use std::os::fd::AsFd;
use std::time::Duration;

use bytemuck::{Pod, Zeroable};
use socket2::{Domain, Protocol, Socket, Type};
use tezi_model::Nanos;

use self::ring::{Frame, Ring, RingRequest};
use crate::demux::{Arrival, Demux};
use crate::membership::Membership;
use crate::table::GroupTable;
use crate::waiter::Waiter;
use crate::{GroupConfig, PacketSource, ReceiveError, Received, SourceCounters, Stamp, sys};

/// `linux/if_packet.h`.
const PACKET_RX_RING: i32 = 5;
const PACKET_STATISTICS: i32 = 6;
const PACKET_VERSION: i32 = 10;
const TPACKET_V2: i32 = 1;
const ETH_P_IP: u16 = 0x0800;

/// How to receive from a packet ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketRingConfig {
    /// What to receive. When all name one interface the ring takes packets of that one only.
    pub groups: Vec<GroupConfig>,
    /// Packets the ring holds, at least.
    pub frames: usize,
    /// The longest datagram to expect; what is longer is cut, told and counted. A frame is the
    /// next power of two that holds it with some 150 bytes of headers.
    pub datagram_bytes_max: usize,
}

impl Default for PacketRingConfig {
    /// 8,192 frames of 2 KiB.
    fn default() -> Self {
        Self { groups: Vec::new(), frames: 8_192, datagram_bytes_max: 1_900 }
    }
}

/// A packet ring, and joined sockets that keep the groups coming.
pub struct PacketRing {
    /// Before the socket: a mapping goes before what it maps.
    ring: Ring,
    socket: Socket,
    _memberships: Vec<Membership>,
    groups: Vec<SocketAddrV4>,
    demux: Demux,
    waiter: Waiter,
    /// Reading the kernel's count sets it to zero.
    dropped: Cell<u64>,
    notes: Vec<String>,
}

/// `struct sockaddr_ll`: which protocol, on which interface.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct LinkAddress {
    family: u16,
    protocol_be: u16,
    interface: i32,
    hardware_type: u16,
    packet_type: u8,
    address_length: u8,
    address: [u8; 8],
}

/// `struct tpacket_stats`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Statistics {
    packets: u32,
    drops: u32,
}

const _: () = assert!(size_of::<LinkAddress>() == size_of::<libc::sockaddr_ll>());

impl PacketRing {
    /// Joins every group and opens the ring.
    ///
    /// # Errors
    ///
    /// [`ReceiveError::System`] with what was being done when the kernel refuses: above all without
    /// `CAP_NET_RAW`, or for an interface that does not exist. [`ReceiveError::Config`] for no group,
    /// or frames that cannot be.
    pub fn open(config: &PacketRingConfig) -> Result<Self, ReceiveError> {
        let request = RingRequest::new(config.frames, config.datagram_bytes_max)?;
        let mut notes = Vec::new();
        let memberships = Membership::join_all(&config.groups, &mut notes)?;
        memberships.iter().try_for_each(Membership::mute)?;
        let groups: Vec<_> = memberships.iter().map(|membership| membership.address).collect();
        let table = GroupTable::new(&config.groups, &groups)?;

        // Protocol 0: nothing arrives before the filter and the ring are there.
        let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(Protocol::from(0))).map_err(
            ReceiveError::opening(|| "open a packet socket (AF_PACKET, needs CAP_NET_RAW)".into()),
        )?;
        filter::attach(&socket, &groups, &mut notes)?;
        let ring = open_ring(&socket, &request)?;
        bind(&socket, &config.groups)?;
        let waiter = Waiter::new([socket.as_fd()].into_iter())?;
        Ok(Self {
            ring,
            socket,
            _memberships: memberships,
            groups,
            demux: Demux::new(table, config.datagram_bytes_max),
            waiter,
            dropped: Cell::new(0),
            notes,
        })
    }

    /// The groups in the order of the configuration, with the ports the kernel gave.
    #[must_use]
    pub fn groups(&self) -> &[SocketAddrV4] {
        &self.groups
    }
}

fn open_ring(socket: &Socket, request: &RingRequest) -> Result<Ring, ReceiveError> {
    let fd = socket.as_fd();
    sys::set_option(fd, libc::SOL_PACKET, PACKET_VERSION, &TPACKET_V2).map_err(
        ReceiveError::opening(|| "choose version 2 of the packet ring (PACKET_VERSION)".into()),
    )?;
    let size = || format!("{} frames of {} bytes", request.frame_count, request.frame_size);
    sys::set_option(fd, libc::SOL_PACKET, PACKET_RX_RING, request)
        .map_err(ReceiveError::opening(|| format!("open a packet ring of {}", size())))?;
    Ring::map(fd, request)
        .map_err(ReceiveError::opening(|| format!("map a packet ring of {}", size())))
}

/// Starts the ring on the interface that all groups name, or else on all of them.
fn bind(socket: &Socket, groups: &[GroupConfig]) -> Result<(), ReceiveError> {
    let mut interface = groups.first().map_or(Ok(0), |group| group.interface.index())?;
    for group in groups {
        if group.interface.index()? != interface {
            interface = 0;
        }
    }
    let address = LinkAddress {
        family: libc::AF_PACKET as u16,
        protocol_be: ETH_P_IP.to_be(),
        interface: interface.cast_signed(),
        ..LinkAddress::zeroed()
    };
    sys::bind(socket.as_fd(), &address).map_err(ReceiveError::opening(|| match interface {
        0 => "bind a packet socket to all interfaces".into(),
        index => format!("bind a packet socket to interface number {index}"),
    }))
}

fn arrival(frame: &Frame<'_>) -> Arrival {
    Arrival {
        interface: frame.interface,
        time: Nanos(i64::from(frame.seconds) * 1_000_000_000 + i64::from(frame.nanos)),
        stamp: Stamp::Kernel,
        is_cut: frame.is_cut,
        is_checksum_due: frame.is_checksum_due,
    }
}

impl PacketSource for PacketRing {
    fn poll(
        &mut self,
        max: usize,
        sink: &mut impl FnMut(&Received<'_>),
    ) -> Result<usize, ReceiveError> {
        let mut received = 0;
        // Once around the ring at most, should the packets all be for others.
        for _ in 0..self.ring.frame_count() {
            if received == max {
                break;
            }
            let Some(frame) = self.ring.front() else { break };
            received += usize::from(self.demux.on_packet(frame.packet, arrival(&frame), sink));
            self.ring.release();
        }
        self.demux.counters.on_poll(received);
        Ok(received)
    }

    fn wait(&mut self, timeout: Duration) -> Result<(), ReceiveError> {
        if self.ring.front().is_some() {
            return Ok(());
        }
        self.waiter.wait(timeout, |_| {})
    }

    fn counters(&self) -> SourceCounters {
        let statistics =
            sys::get_option::<Statistics>(self.socket.as_fd(), libc::SOL_PACKET, PACKET_STATISTICS);
        if let Ok(statistics) = statistics {
            self.dropped.set(self.dropped.get() + u64::from(statistics.drops));
        }
        SourceCounters { dropped_by_kernel: self.dropped.get(), ..self.demux.counters }
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}
