//! One of the two lines: which numbers it brought, and what became of its messages.

use crate::wire::nse_mtbt::DecodeError;

/// What came on a line, over all streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineCounters {
    /// Datagrams.
    pub packets: u64,
    /// Bytes of the datagrams.
    pub bytes: u64,
    /// Sequenced messages that decoded. Each is in one count of a [`StreamLineCounters`], or in
    /// `streams_refused`.
    pub messages: u64,
    /// Heartbeats.
    pub heartbeats: u64,
    /// Records of old in-band masters without a number of their own.
    pub unsequenced: u64,
    /// Messages and heartbeats of streams beyond the configured number of them.
    pub streams_refused: u64,
    /// Refused messages, indexed by the code of the [`DecodeError`].
    pub errors: [u64; DecodeError::COUNT],
}

impl LineCounters {
    pub(super) const NONE: Self = Self {
        packets: 0,
        bytes: 0,
        messages: 0,
        heartbeats: 0,
        unsequenced: 0,
        streams_refused: 0,
        errors: [0; DecodeError::COUNT],
    };

    /// Refused messages of every kind.
    #[must_use]
    pub fn errors_total(&self) -> u64 {
        self.errors.iter().sum()
    }
}

/// What became of one stream's messages on one line. Each message is in exactly one count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamLineCounters {
    /// Came before the other line's copy: these make the output.
    pub first: u64,
    /// The other line had brought it already.
    pub redundant: u64,
    /// The same line had brought it already, or it came more than a window after a later one.
    pub duplicates: u64,
    /// Came after its number was declared lost; dropped.
    pub late: u64,
    /// Numbered below the first message seen of the stream, or sent before its last restart;
    /// dropped.
    pub before_join: u64,
    /// A far jump, or a restart at another number than 1, that no second message confirmed;
    /// dropped.
    pub implausible: u64,
}

impl StreamLineCounters {
    /// Every message of the line.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.first
            + self.redundant
            + self.duplicates
            + self.late
            + self.before_join
            + self.implausible
    }
}

/// Whether a line brought a number before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    New,
    Again,
}

/// The last `window` numbers that one line brought, one bit each, and how many it brought in all.
///
/// # Invariant
///
/// Bit `n % window` says whether number `n` came, for every `n` in `(highest - window, highest]`.
#[derive(Clone, Debug)]
pub(super) struct SeenNumbers {
    bits: Box<[u64]>,
    highest: u64,
    /// Different numbers brought so far.
    distinct: u64,
}

impl SeenNumbers {
    pub(super) fn new(window: usize) -> Self {
        Self { bits: vec![0; window.div_ceil(64)].into(), highest: 0, distinct: 0 }
    }

    /// Different numbers brought so far, over all restarts.
    pub(super) const fn distinct(&self) -> u64 {
        self.distinct
    }

    /// Starts over: the next number is expected to be `first`.
    pub(super) fn restart(&mut self, first: u64) {
        self.bits.fill(0);
        self.highest = first - 1;
    }

    /// Notes that `sequence` came. A number that left the window counts as seen before.
    #[inline]
    pub(super) fn mark(&mut self, sequence: u64) -> Mark {
        if sequence == self.highest + 1 {
            self.highest = sequence;
            let (word, bit) = self.place(sequence);
            self.bits[word] |= bit;
            self.distinct += 1;
            return Mark::New;
        }
        self.mark_out_of_order(sequence)
    }

    fn mark_out_of_order(&mut self, sequence: u64) -> Mark {
        let window = self.window();
        if sequence > self.highest {
            if sequence - self.highest >= window {
                self.bits.fill(0);
            } else {
                for skipped in self.highest + 1..=sequence {
                    let (word, bit) = self.place(skipped);
                    self.bits[word] &= !bit;
                }
            }
            self.highest = sequence;
        } else if self.highest - sequence >= window {
            return Mark::Again;
        }
        let (word, bit) = self.place(sequence);
        if self.bits[word] & bit != 0 {
            return Mark::Again;
        }
        self.bits[word] |= bit;
        self.distinct += 1;
        Mark::New
    }

    const fn window(&self) -> u64 {
        self.bits.len() as u64 * 64
    }

    #[inline]
    const fn place(&self, sequence: u64) -> (usize, u64) {
        let position = sequence & (self.window() - 1);
        ((position >> 6) as usize, 1 << (position & 63))
    }
}
