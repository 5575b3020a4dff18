//! Receiving from ordinary sockets, one a group.
//!
//! The caller spins on [`PacketSource::poll`], or waits. Under a library that stands in for the
//! kernel's sockets (`LD_PRELOAD`) this is the source to use: non-blocking, one thread, nothing but
//! sockets.

mod control;
mod slots;

use std::io;
use std::net::SocketAddrV4;
use std::os::fd::AsFd;
use std::time::Duration;

use libc::{SO_BUSY_POLL, SO_RXQ_OVFL, SO_TIMESTAMPNS, SOL_SOCKET};
use socket2::Socket;

use self::slots::Slots;
use crate::membership::Membership;
use crate::waiter::Waiter;
use crate::{
    PacketSource, ReceiveError, Received, SourceCounters, Stamp, UdpConfig, UdpMethod, sys,
};

/// Datagrams of one `recvmmsg`.
const BATCH: usize = 32;
/// The longest datagram of UDP over IPv4.
const DATAGRAM_BYTES_LIMIT: usize = 65_507;

/// Ordinary sockets.
pub struct UdpSource {
    members: Vec<Member>,
    groups: Vec<SocketAddrV4>,
    slots: Slots,
    waiter: Waiter,
    /// The group whose turn is next.
    turn: usize,
    counters: SourceCounters,
    notes: Vec<String>,
}

/// The socket of one group.
struct Member {
    socket: Socket,
    /// What the kernel has dropped, as far as datagrams have told.
    drops: DropCount,
    /// Whether the socket was not seen empty since it last had news.
    may_have_more: bool,
}

/// A count of 32 bits that wraps, made one of 64.
#[derive(Clone, Copy, Default)]
struct DropCount {
    total: u64,
    last: u32,
}

impl DropCount {
    fn updated(self, count: u32) -> Self {
        let news = count.wrapping_sub(self.last);
        Self { total: self.total + u64::from(news), last: count }
    }
}

impl UdpSource {
    /// Binds and joins everything the configuration names.
    ///
    /// # Errors
    ///
    /// [`ReceiveError::System`] with the group and the interface when one cannot be had,
    /// [`ReceiveError::Config`] for no group at all, a source of what is no group, or a datagram
    /// size that is impossible.
    pub fn open(config: &UdpConfig) -> Result<Self, ReceiveError> {
        let bytes_max = config.datagram_bytes_max;
        if bytes_max == 0 || bytes_max > DATAGRAM_BYTES_LIMIT {
            return Err(ReceiveError::Config(format!(
                "datagrams of at most {bytes_max} bytes: it must be 1 to {DATAGRAM_BYTES_LIMIT}"
            )));
        }
        let mut notes = Vec::new();
        let memberships = Membership::join_all(&config.groups, &mut notes)?;
        for membership in &memberships {
            membership.set_receive_buffer(config.receive_buffer_bytes, &mut notes)?;
            set_options(membership, config, &mut notes);
        }
        let waiter = Waiter::new(memberships.iter().map(|member| member.socket.as_fd()))?;
        let slots = match config.method {
            UdpMethod::Recv => 1,
            UdpMethod::RecvMmsg => BATCH,
        };
        Ok(Self {
            groups: memberships.iter().map(|membership| membership.address).collect(),
            members: memberships.into_iter().map(Member::new).collect(),
            slots: Slots::new(slots, bytes_max),
            waiter,
            turn: 0,
            counters: SourceCounters::default(),
            notes,
        })
    }

    /// The groups in the order of the configuration, with the ports the kernel gave.
    #[must_use]
    pub fn groups(&self) -> &[SocketAddrV4] {
        &self.groups
    }

    /// Hands over at most `max` datagrams of one group.
    #[inline]
    fn take(
        &mut self,
        index: usize,
        max: usize,
        sink: &mut impl FnMut(&Received<'_>),
    ) -> io::Result<usize> {
        let member = &mut self.members[index];
        let mut taken = 0;
        while taken < max {
            let asked = (max - taken).min(self.slots.count());
            let got = match self.slots.receive(member.socket.as_fd(), asked) {
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                // A signal: the socket may have more, and the next poll will see.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => break,
                Err(error) => return Err(error),
            };
            let mut time_of_batch = None;
            for slot in 0..got {
                let datagram = self.slots.datagram(slot);
                if let Some(count) = datagram.control.drops {
                    member.drops = member.drops.updated(count);
                }
                let (time, stamp) = match datagram.control.time {
                    Some(time) => (time, Stamp::Kernel),
                    None => (*time_of_batch.get_or_insert_with(sys::now), Stamp::Software),
                };
                self.counters.on_datagram(datagram.payload.len(), datagram.is_truncated);
                sink(&Received {
                    payload: datagram.payload,
                    source: datagram.source,
                    destination: self.groups[index],
                    group: index as u16,
                    time,
                    stamp,
                    is_truncated: datagram.is_truncated,
                });
            }
            taken += got;
            if got < asked {
                member.may_have_more = false;
                break;
            }
        }
        Ok(taken)
    }
}

impl Member {
    fn new(membership: Membership) -> Self {
        // What came between bind and now has told its edge to no one.
        Self { socket: membership.socket, drops: DropCount::default(), may_have_more: true }
    }
}

impl PacketSource for UdpSource {
    fn poll(
        &mut self,
        max: usize,
        sink: &mut impl FnMut(&Received<'_>),
    ) -> Result<usize, ReceiveError> {
        let count = self.members.len();
        let share = max.div_ceil(count);
        let mut received = 0;
        let mut failed = None;
        for _ in 0..count {
            let left = max - received;
            if left == 0 {
                break;
            }
            let index = self.turn;
            self.turn = if index + 1 == count { 0 } else { index + 1 };
            match self.take(index, share.min(left), sink) {
                Ok(taken) => received += taken,
                Err(error) => {
                    self.counters.errors += 1;
                    failed = Some(error);
                }
            }
        }
        self.counters.on_poll(received);
        match failed {
            Some(error) => Err(ReceiveError::running("receive from a group's socket", error)),
            None => Ok(received),
        }
    }

    fn wait(&mut self, timeout: Duration) -> Result<(), ReceiveError> {
        if self.members.iter().any(|member| member.may_have_more) {
            return Ok(());
        }
        let members = &mut self.members;
        self.waiter.wait(timeout, |index| members[index].may_have_more = true)
    }

    fn counters(&self) -> SourceCounters {
        let dropped = self.members.iter().map(|member| {
            // Datagrams tell of the losses before them; the last losses are told by no datagram.
            match sys::socket_drops(member.socket.as_fd()) {
                Some(count) => member.drops.updated(count).total,
                None => member.drops.total,
            }
        });
        SourceCounters { dropped_by_kernel: dropped.sum(), ..self.counters }
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// What improves a socket and may be refused: a note then, not an error.
fn set_options(membership: &Membership, config: &UdpConfig, notes: &mut Vec<String>) {
    let mut set = |what: &str, name, value: u32, instead: &str| {
        if let Err(error) = sys::set_option(membership.socket.as_fd(), SOL_SOCKET, name, &value) {
            let address = membership.address;
            notes.push(format!("{what} of {address}: asked, {instead} instead: {error}"));
        }
    };
    if config.kernel_stamps {
        set("kernel stamps (SO_TIMESTAMPNS)", SO_TIMESTAMPNS, 1, "stamps taken after the call");
    }
    set("drop counts (SO_RXQ_OVFL)", SO_RXQ_OVFL, 1, "what SO_MEMINFO says");
    if let Some(us) = config.busy_poll_us {
        set("busy polling (SO_BUSY_POLL, needs CAP_NET_ADMIN)", SO_BUSY_POLL, us, "interrupts");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drop_count_goes_on_where_the_kernel_begins_anew() {
        let mut drops = DropCount::default();
        for (count, total) in [(5, 5), (5, 5), (u32::MAX, u64::from(u32::MAX)), (3, (1 << 32) + 3)]
        {
            drops = drops.updated(count);
            assert_eq!(drops.total, total);
        }
    }
}
