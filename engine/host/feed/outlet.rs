//! Where a feed's events go; above all the ring to the core, and what happens when it is full.

use tezi_feed_handler::recovery::Audit;
use tezi_model::{Event, EventKind, Nanos, OrderId, StreamId};
use tezi_ring::{Full, Producer};

use crate::csv::DecodedCsv;

/// What the feed does when the core is behind by a whole ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FullRing {
    /// Waits for the core: right for a replay, whose packets wait too.
    Wait,
    /// Drops the event and tells the core, at its place, what its stream lost: right for a live
    /// feed, where a feed that waits lets the kernel drop packets that nobody has looked at.
    Drop,
}

/// Takes a feed's events.
pub(crate) trait EventSink {
    /// The raw stamp of the packet whose events follow.
    fn stamp(&mut self, received_raw: u64);

    /// Takes an event.
    fn push(&mut self, event: &Event);

    /// Whether nobody is left to take events.
    fn is_abandoned(&self) -> bool;

    /// No more comes: what went wrong with the events so far.
    fn finish(&mut self) -> Option<String>;

    /// What became of the events.
    fn counts(&self) -> SinkCounts;

    /// The audit of the books that the events go to, where one is made.
    fn audit(&mut self) -> Option<&mut Audit> {
        None
    }
}

/// What became of a feed's events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SinkCounts {
    /// Events made.
    pub(crate) events: u64,
    /// How often the ring was found full.
    pub(crate) stalls: u64,
    /// Events dropped on a full ring.
    pub(crate) dropped: u64,
}

/// The numbers dropped of one stream and not told to the core yet.
#[derive(Clone, Copy, Debug)]
struct Dropped {
    stream: StreamId,
    first: u32,
    last: u32,
    time: Nanos,
}

/// Streams whose drops are told apart; those beyond are told with the first of their segment.
const STREAMS_MAX: usize = 256;

/// The ring to the core, and the file of decoded messages.
pub(crate) struct Outlet<'a> {
    ring: Producer<Event>,
    decoded: Option<DecodedCsv<'a>>,
    received_raw: u64,
    policy: FullRing,
    counts: SinkCounts,
    untold: Vec<Dropped>,
}

impl<'a> Outlet<'a> {
    pub(super) fn new(
        ring: Producer<Event>,
        decoded: Option<DecodedCsv<'a>>,
        policy: FullRing,
    ) -> Self {
        Self {
            ring,
            decoded,
            received_raw: 0,
            policy,
            counts: SinkCounts::default(),
            untold: Vec::with_capacity(STREAMS_MAX),
        }
    }

    #[cold]
    fn on_full(&mut self, event: &Event) {
        self.counts.stalls += 1;
        if self.policy == FullRing::Drop {
            return self.drop_event(event);
        }
        // A core that has stopped takes nothing any more.
        while !self.ring.is_abandoned() {
            std::thread::yield_now();
            if self.ring.try_push(*event, self.received_raw).is_ok() {
                return;
            }
        }
    }

    #[cold]
    fn drop_event(&mut self, event: &Event) {
        self.counts.dropped += 1;
        let (stream, number) = (event.stream, event.sequence);
        let is_it = |one: &&mut Dropped| one.stream == stream;
        if let Some(known) = self.untold.iter_mut().find(is_it) {
            // A stream may begin again at 1; the range then covers both runs.
            known.first = known.first.min(number);
            known.last = known.last.max(number);
            known.time = event.receive_time;
        } else if self.untold.len() < STREAMS_MAX {
            let time = event.receive_time;
            self.untold.push(Dropped { stream, first: number, last: number, time });
        }
    }

    /// Puts one gap for each stream that lost events into the ring; whether all are told.
    #[cold]
    fn tell_dropped(&mut self) -> bool {
        while let Some(lost) = self.untold.last() {
            let gap = Event {
                kind_code: EventKind::StreamGap as u8,
                stream: lost.stream,
                sequence: lost.first,
                order_id: OrderId(u64::from(lost.last)),
                ..Event::clock(lost.time)
            };
            if self.ring.try_push(gap, self.received_raw).is_err() {
                return false;
            }
            self.untold.pop();
        }
        true
    }
}

impl EventSink for Outlet<'_> {
    #[inline]
    fn stamp(&mut self, received_raw: u64) {
        self.received_raw = received_raw;
    }

    #[inline]
    fn push(&mut self, event: &Event) {
        self.counts.events += 1;
        if let Some(csv) = &mut self.decoded {
            csv.write(event);
        }
        if !self.untold.is_empty() && !self.tell_dropped() {
            return self.drop_event(event);
        }
        if let Err(Full) = self.ring.try_push(*event, self.received_raw) {
            self.on_full(event);
        }
    }

    fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }

    /// Waits for room to tell what was dropped: nothing that follows will.
    fn finish(&mut self) -> Option<String> {
        while !self.untold.is_empty() && !self.tell_dropped() && !self.is_abandoned() {
            std::thread::yield_now();
        }
        self.decoded.take().and_then(DecodedCsv::finish)
    }

    fn counts(&self) -> SinkCounts {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi_model::{FeedFault, Segment};

    fn event(stream: u16, sequence: u32) -> Event {
        let stream = StreamId::new(Segment::NseFo, stream);
        let kind_code = EventKind::OrderNew as u8;
        Event { kind_code, stream, sequence, ..Event::clock(Nanos(i64::from(sequence))) }
    }

    /// What the core hears: sequence, or the range of a gap, by stream number.
    fn drain(ring: &mut tezi_ring::Consumer<Event>) -> Vec<(u16, u32, Option<u32>)> {
        let mut heard = Vec::new();
        while let Some(item) = ring.pop() {
            let event = item.payload;
            let last = match event.fault() {
                Some(FeedFault::Gap { last, .. }) => Some(last),
                _ => None,
            };
            heard.push((event.stream.number(), event.sequence, last));
        }
        heard
    }

    #[test]
    fn what_a_full_ring_drops_is_told_before_what_follows() {
        let (producer, mut consumer) = tezi_ring::ring(2).unwrap();
        let mut out = Outlet::new(producer, None, FullRing::Drop);
        for (stream, sequence) in [(1, 1), (1, 2), (1, 3), (2, 7), (1, 4)] {
            out.push(&event(stream, sequence));
        }
        assert_eq!(out.counts(), SinkCounts { events: 5, dropped: 3, stalls: 1 });
        assert_eq!(drain(&mut consumer), [(1, 1, None), (1, 2, None)]);
        // Two gaps fill the ring: the event behind them is dropped as well.
        out.push(&event(1, 5));
        assert_eq!(drain(&mut consumer), [(2, 7, Some(7)), (1, 3, Some(4))]);
        assert_eq!(out.finish(), None);
        assert_eq!(drain(&mut consumer), [(1, 5, Some(5))]);
        out.push(&event(1, 6));
        assert_eq!(drain(&mut consumer), [(1, 6, None)]);
        assert_eq!((out.counts().events, out.counts().dropped), (7, 4));
    }

    #[test]
    fn a_ring_nobody_reads_stops_no_feed() {
        for policy in [FullRing::Wait, FullRing::Drop] {
            let (producer, consumer) = tezi_ring::ring(1).unwrap();
            let mut out = Outlet::new(producer, None, policy);
            drop(consumer);
            (1..=3).for_each(|sequence| out.push(&event(1, sequence)));
            assert_eq!(out.finish(), None);
            assert!(out.is_abandoned());
        }
    }
}
