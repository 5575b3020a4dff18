//! Datagrams that wait to be sent, and the lines they go out on.

/// Bytes of the longest message.
pub(crate) const MESSAGE_SIZE_MAX: usize = 45;

/// Which of the two lines of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lines {
    /// The first source.
    pub a: bool,
    /// The second source.
    pub b: bool,
}

impl Lines {
    /// Neither line. Tick recovery still has what was to go out on them.
    pub const NONE: Self = Self { a: false, b: false };
    /// Line A alone.
    pub const A: Self = Self { a: true, b: false };
    /// Line B alone.
    pub const B: Self = Self { a: false, b: true };
    /// Both.
    pub const BOTH: Self = Self { a: true, b: true };

    /// Those of these that are not among `others`.
    #[inline]
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self { a: self.a && !others.a, b: self.b && !others.b }
    }

    /// These and `others`.
    #[inline]
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self { a: self.a || others.a, b: self.b || others.b }
    }
}

/// What [`Exchange::poll_datagram`](crate::Exchange::poll_datagram) gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// The stream.
    pub stream: u8,
    /// The lines it goes out on. On neither, only the recovery services get it.
    pub lines: Lines,
    /// Bytes of it.
    pub size: usize,
}

#[derive(Clone, Copy)]
struct Waiting {
    stream: u8,
    lines: Lines,
    size: u8,
    bytes: [u8; MESSAGE_SIZE_MAX],
}

/// A ring of datagrams, each of one message, as on the real feed (one message a datagram in all
/// frames seen).
pub(crate) struct Datagrams {
    /// Length is a power of two.
    ring: Box<[Waiting]>,
    head: u64,
    tail: u64,
    lost: u64,
}

impl Datagrams {
    pub(crate) fn new(bound: u32) -> Self {
        let empty = Waiting { stream: 0, lines: Lines::NONE, size: 0, bytes: [0; 45] };
        let length = bound.clamp(2, 1 << 28).next_power_of_two() as usize;
        Self { ring: vec![empty; length].into_boxed_slice(), head: 0, tail: 0, lost: 0 }
    }

    /// Lets a message wait. Without room it is lost, as by a sender whose buffer is full: its number
    /// is used up, so that everybody sees the gap.
    #[inline]
    pub(crate) fn push<const N: usize>(&mut self, stream: u8, lines: Lines, message: &[u8; N]) {
        const { assert!(N <= MESSAGE_SIZE_MAX) };
        if self.tail - self.head == self.ring.len() as u64 {
            self.lost += 1;
            return;
        }
        let place = self.tail as usize & (self.ring.len() - 1);
        let waiting = &mut self.ring[place];
        (waiting.stream, waiting.lines, waiting.size) = (stream, lines, N as u8);
        waiting.bytes[..N].copy_from_slice(message);
        self.tail += 1;
    }

    /// Copies out the oldest; a buffer that is too short gets nothing and loses nothing.
    #[inline]
    pub(crate) fn pop(&mut self, buffer: &mut [u8]) -> Option<Datagram> {
        if self.head == self.tail {
            return None;
        }
        let waiting = &self.ring[self.head as usize & (self.ring.len() - 1)];
        let size = usize::from(waiting.size);
        buffer.get_mut(..size)?.copy_from_slice(&waiting.bytes[..size]);
        self.head += 1;
        Some(Datagram { stream: waiting.stream, lines: waiting.lines, size })
    }

    pub(crate) const fn waiting(&self) -> u64 {
        self.tail - self.head
    }

    pub(crate) const fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_leave_in_order_and_a_full_ring_loses_the_newest() {
        let mut datagrams = Datagrams::new(3);
        for number in 0..6 {
            datagrams.push(number, Lines::A, &[number; 13]);
        }
        assert_eq!((datagrams.waiting(), datagrams.lost()), (4, 2));
        let mut buffer = [0; 64];
        assert_eq!(datagrams.pop(&mut buffer[..12]), None);
        for number in 0..4 {
            let expected = Datagram { stream: number, lines: Lines::A, size: 13 };
            assert_eq!(datagrams.pop(&mut buffer), Some(expected));
            assert_eq!(buffer[..13], [number; 13]);
        }
        assert_eq!(datagrams.pop(&mut buffer), None);
    }
}
