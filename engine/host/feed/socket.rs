//! Receiving two lines from multicast sockets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tezi_feed_handler::Line;

use super::{Feed, FeedReport};
use crate::backoff::Backoff;
use crate::error::Error;

/// The receive buffer asked for; the kernel grants at most `net.core.rmem_max`.
const RECEIVE_BUFFER_BYTES: usize = 16 << 20;
/// Larger than any datagram of MTBT; a longer one is cut and refused by the decoder.
const DATAGRAM_BYTES_MAX: usize = 2_048;
/// Datagrams taken from one line before the other has its turn.
const BATCH: usize = 32;

/// The two lines' sockets, joined.
pub(crate) struct Lines {
    sockets: [UdpSocket; 2],
    /// The groups, with the ports the kernel gave.
    pub(crate) groups: [SocketAddrV4; 2],
}

impl Lines {
    /// Joins two groups on an interface. Port 0 takes a free one. Bound to the group's address, so
    /// that other groups on the same port do not mix in (MTBT 6.7, chapter 12).
    pub(crate) fn join(groups: [SocketAddrV4; 2], interface: Ipv4Addr) -> Result<Self, Error> {
        let join = |group: SocketAddrV4| {
            join(group, interface).map_err(|source| Error::Network {
                doing: format!("join multicast group {group} on interface {interface}"),
                source,
            })
        };
        let (a, group_a) = join(groups[0])?;
        let (b, group_b) = join(groups[1])?;
        Ok(Self { sockets: [a, b], groups: [group_a, group_b] })
    }
}

fn join(group: SocketAddrV4, interface: Ipv4Addr) -> io::Result<(UdpSocket, SocketAddrV4)> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
    socket.bind(&group.into())?;
    socket.join_multicast_v4(group.ip(), &interface)?;
    socket.set_nonblocking(true)?;
    let socket = UdpSocket::from(socket);
    match socket.local_addr()? {
        SocketAddr::V4(address) => Ok((socket, SocketAddrV4::new(*group.ip(), address.port()))),
        SocketAddr::V6(_) => Err(io::Error::other("an IPv4 socket has an IPv6 address")),
    }
}

/// Receives until `is_done` says that the sender has finished and both lines have been silent for
/// longer than any gap is waited for, or until `stop`.
pub(crate) fn run_sockets(
    mut feed: Feed<'_>,
    lines: &Lines,
    is_done: &AtomicBool,
    stop: &AtomicBool,
) -> FeedReport {
    const SILENCE: Duration = Duration::from_millis(300);
    const RECOVERY_SILENCE: Duration = Duration::from_secs(5);
    let mut buffer = [0; DATAGRAM_BYTES_MAX];
    let mut backoff = Backoff::default();
    let mut silent_since = Instant::now();
    let mut faults = Vec::new();
    loop {
        let mut received = 0;
        for line in Line::BOTH {
            for _ in 0..BATCH {
                match lines.sockets[line.index()].recv(&mut buffer) {
                    Ok(length) => {
                        let raw = feed.clock.raw();
                        let time = feed.clock.time(raw);
                        feed.on_datagram(line, &buffer[..length], time, raw);
                        received += 1;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => {
                        // Nothing of a datagram socket's errors is final; say it once and go on.
                        if faults.len() < 8 {
                            faults.push(format!("receiving on line {line:?}: {error}"));
                        }
                        break;
                    }
                }
            }
        }
        if received > 0 {
            silent_since = Instant::now();
            backoff.reset();
            feed.on_recovery(feed.clock.now());
            continue;
        }
        let now = feed.clock.now();
        feed.on_time(now);
        feed.on_recovery(now);
        let silence = if feed.is_recovering() { RECOVERY_SILENCE } else { SILENCE };
        let is_over = is_done.load(Ordering::Acquire) && silent_since.elapsed() >= silence;
        if is_over || stop.load(Ordering::Relaxed) || feed.is_abandoned() {
            break;
        }
        backoff.wait();
    }
    let now = feed.clock.now();
    let mut report = feed.finish(now);
    report.faults.append(&mut faults);
    report
}
