//! The boundary between a feed and whatever hands it datagrams.

use std::net::SocketAddrV4;
use std::time::Duration;

use tezi_model::Nanos;

use crate::ReceiveError;

/// The group of a datagram whose group is not known.
pub const GROUP_NONE: u16 = u16::MAX;

/// Who took the time of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// This process, after the call that handed the datagram over. Time spent waiting in the
    /// kernel is not in it.
    Software,
    /// The kernel, when the datagram came out of the driver.
    Kernel,
    /// The network card, when it came off the wire.
    Hardware,
    /// Whoever recorded it.
    Capture,
}

/// A datagram, still in the memory it was received into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    /// What was sent, without headers; only its beginning when `is_truncated`.
    pub payload: &'a [u8],
    /// The sender.
    pub source: SocketAddrV4,
    /// What it was sent to: a group and port, in multicast. Of a socket bound to no address in
    /// particular, what the socket is bound to.
    pub destination: SocketAddrV4,
    /// Index of the group it came by, in the order of the configuration; [`GROUP_NONE`] when
    /// unknown.
    pub group: u16,
    /// When it was received, by the clock `stamp` names.
    pub time: Nanos,
    /// Who took `time`.
    pub stamp: Stamp,
    /// Whether the sender sent more than is here.
    pub is_truncated: bool,
}

/// What a source has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceCounters {
    /// Datagrams handed over.
    pub datagrams: u64,
    /// Their payload.
    pub bytes: u64,
    /// Of the datagrams, those handed over cut short.
    pub truncated: u64,
    /// Lost in the kernel: a full receive buffer or ring, a wrong checksum (`SO_RXQ_OVFL` and
    /// `SO_MEMINFO`, `PACKET_STATISTICS`, `XDP_STATISTICS`).
    pub dropped_by_kernel: u64,
    /// Packets that came up a ring and were for no group of ours.
    pub not_ours: u64,
    /// Parts of a datagram that came up a ring; rings put nothing together.
    pub fragments: u64,
    /// Packets that came up a ring with lengths that contradict each other.
    pub malformed: u64,
    /// Datagrams that came up a ring with a wrong UDP checksum.
    pub checksum_wrong: u64,
    /// Calls of [`PacketSource::poll`].
    pub polls: u64,
    /// Of these, the ones that found nothing.
    pub polls_empty: u64,
    /// System calls that failed.
    pub errors: u64,
}

impl SourceCounters {
    #[inline]
    pub(crate) fn on_datagram(&mut self, bytes: usize, is_truncated: bool) {
        self.datagrams += 1;
        self.bytes += bytes as u64;
        self.truncated += u64::from(is_truncated);
    }

    #[inline]
    pub(crate) fn on_poll(&mut self, received: usize) {
        self.polls += 1;
        self.polls_empty += u64::from(received == 0);
    }
}

/// Where datagrams come from. One instance a thread.
pub trait PacketSource {
    /// Hands at most `max` datagrams that are there to `sink`, and returns how many; never blocks,
    /// never allocates.
    ///
    /// The order within a group is the order of arrival. Groups take turns, so that a busy one does
    /// not starve the others; a call may return fewer than are there.
    ///
    /// # Errors
    ///
    /// What the operating system said, after everything else was done: datagrams of other groups
    /// have been handed over and are in the counters. Such errors of a datagram socket are rarely
    /// final; the caller goes on.
    fn poll(
        &mut self,
        max: usize,
        sink: &mut impl FnMut(&Received<'_>),
    ) -> Result<usize, ReceiveError>;

    /// Waits until something is there, or `timeout` is over. A source that can only spin returns at
    /// once; so does every source while the last poll may have left something. The wait is counted
    /// in whole milliseconds, rounded up.
    ///
    /// # Errors
    ///
    /// What the operating system said.
    fn wait(&mut self, timeout: Duration) -> Result<(), ReceiveError>;

    /// What was received, lost and refused so far. Asks the kernel: some system calls.
    fn counters(&self) -> SourceCounters;

    /// What was asked for and not granted, and what to set so that it is. One sentence each.
    fn notes(&self) -> &[String];
}
