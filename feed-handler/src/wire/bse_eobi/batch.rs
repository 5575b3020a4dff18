//! What one call gives out: the sink, with the "more follow" flag kept exact.

use tezi_model::{Event, MarketFlags};

/// Passes events to the sink one behind, so that each knows whether another follows.
pub(super) struct Batch<'a, F: FnMut(&Event)> {
    sink: &'a mut F,
    pending: Option<Event>,
}

impl<'a, F: FnMut(&Event)> Batch<'a, F> {
    #[inline]
    pub(super) const fn new(sink: &'a mut F) -> Self {
        Self { sink, pending: None }
    }

    /// Gives out an event; more may follow.
    #[inline]
    pub(super) fn push(&mut self, event: &Event) {
        self.flush(MarketFlags::MORE_IN_PACKET);
        self.pending = Some(*event);
    }

    /// Ends the batch.
    #[inline]
    pub(super) fn finish(mut self) {
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
