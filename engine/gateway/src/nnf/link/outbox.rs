//! Bytes that wait to be sent, in the order in which they were sealed.

/// A queue of bytes of a fixed capacity that counts all it ever took and gave.
pub(in super::super) struct Outbox {
    bytes: Box<[u8]>,
    head: usize,
    tail: usize,
    /// All bytes ever given out.
    given: u64,
}

impl Outbox {
    pub(in super::super) fn new(capacity: usize) -> Self {
        Self { bytes: vec![0; capacity].into_boxed_slice(), head: 0, tail: 0, given: 0 }
    }

    /// Bytes that still fit.
    #[inline]
    pub(in super::super) const fn room(&self) -> usize {
        self.bytes.len() - (self.tail - self.head)
    }

    /// Takes a whole packet, or nothing when it does not fit.
    #[inline]
    pub(in super::super) fn push(&mut self, packet: &[u8]) -> bool {
        if packet.len() > self.room() {
            return false;
        }
        if packet.len() > self.bytes.len() - self.tail {
            self.bytes.copy_within(self.head..self.tail, 0);
            self.tail -= self.head;
            self.head = 0;
        }
        self.bytes[self.tail..self.tail + packet.len()].copy_from_slice(packet);
        self.tail += packet.len();
        true
    }

    /// Position, counted from the first byte ever, behind the last byte taken so far.
    #[inline]
    pub(in super::super) const fn end(&self) -> u64 {
        self.given + (self.tail - self.head) as u64
    }

    /// Whether everything before that position was given out.
    #[inline]
    pub(in super::super) const fn has_given(&self, end: u64) -> bool {
        end <= self.given
    }

    /// Gives out bytes; how many.
    #[inline]
    pub(in super::super) fn give(&mut self, buffer: &mut [u8]) -> usize {
        let size = buffer.len().min(self.tail - self.head);
        buffer[..size].copy_from_slice(&self.bytes[self.head..self.head + size]);
        self.head += size;
        self.given += size as u64;
        if self.head == self.tail {
            (self.head, self.tail) = (0, 0);
        }
        size
    }

    /// Forgets what waits. Positions go on from what was given.
    pub(in super::super) const fn clear(&mut self) {
        (self.head, self.tail) = (0, 0);
    }

    pub(in super::super) const fn is_empty(&self) -> bool {
        self.head == self.tail
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::Rng;
    use super::*;

    #[test]
    fn bytes_leave_in_their_order_and_positions_count_them() {
        const SEED: u64 = 0x0_b0c5;
        let (mut rng, mut outbox) = (Rng(SEED), Outbox::new(64));
        let (mut model, mut counter) = (std::collections::VecDeque::new(), 0_u8);
        for step in 0..20_000 {
            if rng.below(2) == 0 {
                let packet: Vec<u8> =
                    (0..rng.below(40)).map(|at| counter.wrapping_add(at as u8)).collect();
                let fits = model.len() + packet.len() <= 64;
                assert_eq!(outbox.push(&packet), fits, "seed {SEED:#x}, step {step}");
                if fits {
                    counter = counter.wrapping_add(packet.len() as u8);
                    model.extend(packet);
                }
            } else {
                let mut buffer = vec![0; rng.below(40)];
                let size = outbox.give(&mut buffer);
                let expected: Vec<u8> = model.drain(..buffer.len().min(model.len())).collect();
                assert_eq!(buffer[..size], expected, "seed {SEED:#x}, step {step}");
            }
            assert_eq!(outbox.is_empty(), model.is_empty());
            assert_eq!(outbox.has_given(outbox.end()), model.is_empty());
        }
    }
}
