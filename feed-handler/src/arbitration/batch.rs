//! What one packet or one timeout gives out: the sink, with the "more follow" flag kept exact.

use tezi_model::{Event, MarketFlags};

/// Passes events to the sink one behind, so that each knows whether another follows.
///
/// Which events a packet gives out is known only at its end: copies are dropped and held ones
/// released on the way. So all but the last wait here for their successor.
pub(crate) struct Batch<'a, F: FnMut(&Event)> {
    sink: &'a mut F,
    pending: Option<Event>,
}

impl<'a, F: FnMut(&Event)> Batch<'a, F> {
    #[inline]
    pub(crate) const fn new(sink: &'a mut F) -> Self {
        Self { sink, pending: None }
    }

    /// Gives out an event; more may follow.
    #[inline]
    pub(crate) fn push(&mut self, event: &Event) {
        self.flush(MarketFlags::MORE_IN_PACKET);
        self.pending = Some(*event);
    }

    /// Gives out an event that no other follows. Copies nothing when it is the only one.
    #[inline]
    pub(crate) fn push_last(&mut self, event: &Event) {
        self.flush(MarketFlags::MORE_IN_PACKET);
        (self.sink)(event);
    }

    /// Ends the batch.
    #[inline]
    pub(crate) fn finish(mut self) {
        self.flush(0);
    }

    #[inline]
    fn flush(&mut self, flag: u8) {
        if let Some(mut event) = self.pending.take() {
            event.flags |= flag;
            (self.sink)(&event);
        }
    }
}
