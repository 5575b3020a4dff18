//! A source of datagrams that are already in memory, for tests and examples.

use std::net::SocketAddrV4;
use std::time::Duration;

use tezi_model::Nanos;

use crate::{PacketSource, ReceiveError, Received, SourceCounters, Stamp};

/// A datagram to be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryDatagram {
    /// What was sent.
    pub payload: Vec<u8>,
    /// The sender.
    pub source: SocketAddrV4,
    /// A group and port, in multicast.
    pub destination: SocketAddrV4,
    /// See [`Received::group`].
    pub group: u16,
    /// When it was received.
    pub time: Nanos,
}

/// Hands over the datagrams it was made with, in their order, stamped as a capture's are.
#[derive(Debug)]
pub struct MemorySource {
    datagrams: Vec<MemoryDatagram>,
    next: usize,
    counters: SourceCounters,
}

impl MemorySource {
    /// A source of these.
    #[must_use]
    pub fn new(datagrams: Vec<MemoryDatagram>) -> Self {
        Self { datagrams, next: 0, counters: SourceCounters::default() }
    }

    /// How many are still to be handed over.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.datagrams.len() - self.next
    }
}

impl PacketSource for MemorySource {
    fn poll(
        &mut self,
        max: usize,
        sink: &mut impl FnMut(&Received<'_>),
    ) -> Result<usize, ReceiveError> {
        let count = max.min(self.remaining());
        for datagram in &self.datagrams[self.next..self.next + count] {
            self.counters.on_datagram(datagram.payload.len(), false);
            sink(&Received {
                payload: &datagram.payload,
                source: datagram.source,
                destination: datagram.destination,
                group: datagram.group,
                time: datagram.time,
                stamp: Stamp::Capture,
                is_truncated: false,
            });
        }
        self.next += count;
        self.counters.on_poll(count);
        Ok(count)
    }

    fn wait(&mut self, _: Duration) -> Result<(), ReceiveError> {
        Ok(())
    }

    fn counters(&self) -> SourceCounters {
        self.counters
    }

    fn notes(&self) -> &[String] {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_come_in_order_and_max_is_honoured() {
        let address = "239.1.1.1:5000".parse().unwrap();
        let datagrams = (0..7).map(|index| MemoryDatagram {
            payload: vec![index; usize::from(index)],
            source: address,
            destination: address,
            group: 3,
            time: Nanos(i64::from(index)),
        });
        let mut source = MemorySource::new(datagrams.collect());
        let mut seen = Vec::new();
        for max in [0, 2, 4, 9, 1] {
            let mut sink = |received: &Received<'_>| {
                assert_eq!((received.group, received.stamp), (3, Stamp::Capture));
                assert_eq!(received.payload, vec![received.time.0 as u8; received.time.0 as usize]);
                seen.push((max, received.time.0));
            };
            source.poll(max, &mut sink).unwrap();
        }
        assert_eq!(seen, [(2, 0), (2, 1), (4, 2), (4, 3), (4, 4), (4, 5), (9, 6)]);
        let counters = source.counters();
        assert_eq!((counters.datagrams, counters.bytes), (7, 21));
        assert_eq!((counters.polls, counters.polls_empty, source.remaining()), (5, 2, 0));
    }
}
