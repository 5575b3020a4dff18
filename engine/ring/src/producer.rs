//! The end that pushes.
#![allow(unsafe_code, reason = "writes slots that are the producer's")]

use core::fmt;
use core::ops::{Deref, DerefMut};

#[cfg(doc)]
use crate::TAG_MAX;
use crate::storage::{Cursor, End};
use crate::{Full, Item};

/// The end that pushes. One thread has it; it may move to another.
///
/// # Invariants
///
/// - `head_seen` is a value the shared head has had: the true one is not before it.
/// - `cursor.position - head_seen` is at most the capacity.
pub struct Producer<P> {
    cursor: Cursor<P>,
    /// The head when it was last looked at.
    head_seen: u64,
    full_count: u64,
}

impl<P> Producer<P> {
    pub(crate) const fn new(cursor: Cursor<P>) -> Self {
        Self { cursor, head_seen: 0, full_count: 0 }
    }

    /// Places of the ring.
    #[inline]
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.cursor.capacity() as usize
    }

    /// Items pushed and not given back by the consumer: those that wait, and those it looks at.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        (self.cursor.position - self.cursor.head()) as usize
    }

    /// Whether the consumer has given everything back.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pushes refused because the ring was full, each attempt counted, a cut batch once.
    #[inline]
    #[must_use]
    pub const fn full_count(&self) -> u64 {
        self.full_count
    }

    /// Whether the consumer has gone: what is pushed from now on, nobody takes.
    #[inline]
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.cursor.is_gone(End::Consumer)
    }

    /// Free places: at least one when there is any, all there are when `wanted` is more than it
    /// knows of. The head's line is only fetched when what was seen of it does not do.
    #[inline]
    fn room(&mut self, wanted: u64) -> u64 {
        let room = self.head_seen + self.cursor.capacity() - self.cursor.position;
        if wanted <= room { room } else { self.room_now() }
    }

    fn room_now(&mut self) -> u64 {
        self.head_seen = self.cursor.head();
        self.head_seen + self.cursor.capacity() - self.cursor.position
    }

    /// A place to be written and published. Leaving it unpublished pushes nothing.
    ///
    /// # Errors
    ///
    /// [`Full`] when there is none; it is counted.
    #[inline]
    pub fn reserve(&mut self) -> Result<Reservation<'_, P>, Full> {
        if self.room(1) == 0 {
            self.full_count += 1;
            return Err(Full);
        }
        Ok(Reservation { producer: self })
    }

    /// Pushes what `write` makes of a place, where it lies: nothing is copied. The payload holds
    /// what the place held before, or zeros. When `write` panics nothing is pushed.
    ///
    /// **Units**: `tag` has 63 bits ([`TAG_MAX`]); the bit above is lost.
    ///
    /// # Errors
    ///
    /// [`Full`]; it is counted, and `write` is not called.
    #[inline]
    pub fn push_with(&mut self, tag: u64, write: impl FnOnce(&mut P)) -> Result<(), Full> {
        let mut reservation = self.reserve()?;
        write(&mut reservation);
        reservation.publish(tag);
        Ok(())
    }
}

impl<P: Copy> Producer<P> {
    /// Pushes a payload and its tag.
    ///
    /// **Units**: `tag` has 63 bits ([`TAG_MAX`]); the bit above is lost.
    ///
    /// # Errors
    ///
    /// [`Full`]; it is counted.
    #[inline]
    pub fn try_push(&mut self, payload: P, tag: u64) -> Result<(), Full> {
        self.push_with(tag, |place| *place = payload)
    }

    /// Pushes as many of the items as there is room for, from the first on; returns how many. Fewer
    /// than all are counted as one refusal.
    ///
    /// The first is published last: the consumer, which looks at that line, is disturbed once and
    /// then finds them all.
    #[inline]
    pub fn push_batch(&mut self, items: &[Item<P>]) -> usize {
        let wanted = items.len() as u64;
        let count = self.room(wanted).min(wanted);
        self.full_count += u64::from(count < wanted);
        for (ahead, item) in items[..count as usize].iter().enumerate().rev() {
            let ahead = ahead as u64;
            let slot = self.cursor.slot(ahead);
            // SAFETY: there is room for `count` places from the position on, and none of them is
            // published before its payload is written.
            slot.payload.with_mut(|place| unsafe { place.write(item.payload) });
            slot.publish(item.tag, self.cursor.turn(ahead));
        }
        self.cursor.position += count;
        count as usize
    }
}

/// A place of the ring that is the producer's to write.
#[must_use = "what is not published is not pushed"]
pub struct Reservation<'a, P> {
    producer: &'a mut Producer<P>,
}

impl<P> Reservation<'_, P> {
    /// Pushes what was written, with its tag.
    ///
    /// **Units**: `tag` has 63 bits ([`TAG_MAX`]); the bit above is lost.
    #[inline]
    pub fn publish(self, tag: u64) {
        let cursor = &mut self.producer.cursor;
        cursor.slot(0).publish(tag, cursor.turn(0));
        cursor.position += 1;
    }
}

impl<P> Deref for Reservation<'_, P> {
    type Target = P;

    #[inline]
    fn deref(&self) -> &P {
        // SAFETY: there was room at the position when it was reserved, and while the reservation
        // borrows the producer nothing else publishes or writes it: the payload is the producer's.
        self.producer.cursor.slot(0).payload.with(|place| unsafe { &*place })
    }
}

impl<P> DerefMut for Reservation<'_, P> {
    #[inline]
    fn deref_mut(&mut self) -> &mut P {
        // SAFETY: as for `deref`; `&mut self` excludes other references from this reservation.
        self.producer.cursor.slot(0).payload.with_mut(|place| unsafe { &mut *place })
    }
}

impl<P> Drop for Producer<P> {
    fn drop(&mut self) {
        self.cursor.leave(End::Producer);
    }
}

impl<P> fmt::Debug for Producer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("capacity", &self.capacity())
            .field("pushed", &self.cursor.position)
            .field("full_count", &self.full_count)
            .finish_non_exhaustive()
    }
}
