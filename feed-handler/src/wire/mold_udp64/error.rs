//! Why a packet is refused.

use crate::named::named_reasons;

named_reasons! {
    /// The reason a packet is refused as a whole, one code each.
    ///
    /// Codes are fixed and ordered by precedence: when several rules are broken, the lowest code is
    /// the answer.
    PacketError {
        /// Fewer bytes than a header has.
        TruncatedHeader = 0, "truncated_header", "the packet ends inside its header";
        /// Numbers count from 1.
        SequenceZero = 1, "sequence_zero", "the sequence number is 0";
        /// The numbers of the packet do not fit 64 bits.
        SequenceOverflow = 2, "sequence_overflow", "the packet's last number does not fit 64 bits";
        /// The packet ends before the last message its count promises.
        TruncatedMessage = 3, "truncated_message", "the packet ends inside a message";
        /// The packet goes on after the last message its count promises.
        TrailingBytes = 4, "trailing_bytes", "bytes follow the last message";
        /// A packet of another session than the one that is on.
        ForeignSession = 5, "foreign_session", "the packet is of another session";
        /// A number far beyond what was sent so far, which no other packet confirms.
        ImplausibleSequence = 6, "implausible_sequence", "the sequence number is far beyond the last, and nothing confirms it";
    }
}
