//! The end that pops.
#![allow(unsafe_code, reason = "reads slots that are the consumer's")]

use core::convert::Infallible;
use core::fmt;

use crate::storage::{Cursor, End};

/// What was pushed: a payload and its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<P> {
    /// The payload.
    pub payload: P,
    /// The tag, of 63 bits.
    pub tag: u64,
}

/// The end that pops. One thread has it; it may move to another.
///
/// # Invariants
///
/// - `cursor.position` is the position of the next item to be taken.
/// - Outside a call, the shared head equals it: what was taken is the producer's again.
pub struct Consumer<P> {
    cursor: Cursor<P>,
}

impl<P> Consumer<P> {
    pub(crate) const fn new(cursor: Cursor<P>) -> Self {
        Self { cursor }
    }

    /// Places of the ring.
    #[inline]
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.cursor.capacity() as usize
    }

    /// Whether no item is to be taken now.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cursor.slot(0).published(self.cursor.turn(0)).is_none()
    }

    /// Items that wait. While the producer pushes a batch, parts of it may count before they can be
    /// taken. Looks at the slots (no end has to tell the other how far it is): O(log capacity), and
    /// each look may fetch a line from the producer, so it is for gauges, not for loops.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.is_empty() {
            return 0;
        }
        // Published slots stand one behind the other from here on: find the first that is not.
        let (mut published, mut unpublished) = (0, self.cursor.capacity());
        while unpublished - published > 1 {
            let middle = published.midpoint(unpublished);
            match self.cursor.slot(middle).published(self.cursor.turn(middle)) {
                Some(_) => published = middle,
                None => unpublished = middle,
            }
        }
        published as usize + 1
    }

    /// Whether the producer has gone: what is in the ring now is all there will be.
    ///
    /// Ask before looking into the ring: a ring found empty *after* that is empty for good.
    #[inline]
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.cursor.is_gone(End::Producer)
    }

    /// Shows up to `max` items in turn where they lie, nothing is copied, and returns how many there
    /// were. Their places are the producer's again when the call ends, so a `max` well below the
    /// capacity keeps the producer going.
    #[inline]
    pub fn drain(&mut self, max: usize, mut take: impl FnMut(&P, u64)) -> usize {
        let taken = self.try_drain::<Infallible>(max, |payload, tag| {
            take(payload, tag);
            Ok(())
        });
        match taken {
            Ok(count) => count,
        }
    }

    /// As [`Self::drain`], ended early by an error. The item that caused it stays the next one, and
    /// so does one whose `take` panicked.
    ///
    /// # Errors
    ///
    /// What `take` returned.
    #[inline]
    pub fn try_drain<E>(
        &mut self,
        max: usize,
        mut take: impl FnMut(&P, u64) -> Result<(), E>,
    ) -> Result<usize, E> {
        let batch = Batch(&mut self.cursor);
        let mut count = 0;
        while count < max {
            let slot = batch.0.slot(0);
            let Some(tag) = slot.published(batch.0.turn(0)) else { break };
            // SAFETY: the word shows the position's turn, so the payload is the consumer's until
            // the head moves beyond it, which the batch does at its end, when `take` is over.
            slot.payload.with(|payload| take(unsafe { &*payload }, tag))?;
            batch.0.position += 1;
            count += 1;
        }
        Ok(count)
    }
}

impl<P: Copy> Consumer<P> {
    /// Takes the next item.
    #[inline]
    pub fn pop(&mut self) -> Option<Item<P>> {
        let slot = self.cursor.slot(0);
        let tag = slot.published(self.cursor.turn(0))?;
        // SAFETY: the word shows the position's turn, so the payload is the consumer's until the
        // head moves beyond it, which happens below.
        let payload = slot.payload.with(|payload| unsafe { payload.read() });
        self.cursor.position += 1;
        self.cursor.release();
        Some(Item { payload, tag })
    }
}

/// Gives places back when it goes, however the batch ends.
struct Batch<'a, P>(&'a mut Cursor<P>);

impl<P> Drop for Batch<'_, P> {
    #[inline]
    fn drop(&mut self) {
        self.0.release();
    }
}

impl<P> Drop for Consumer<P> {
    fn drop(&mut self) {
        self.cursor.leave(End::Consumer);
    }
}

impl<P> fmt::Debug for Consumer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("capacity", &self.capacity())
            .field("taken", &self.cursor.position)
            .finish_non_exhaustive()
    }
}
