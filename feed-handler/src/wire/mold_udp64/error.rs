//! Why a packet, a request or a message is refused.

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

named_reasons! {
    /// The reason a server refuses a request, one code each.
    ///
    /// Codes are fixed and ordered by precedence.
    RequestError {
        /// Another size than a request has.
        WrongSize = 0, "wrong_size", "a request has 20 bytes";
        /// Not the session that is kept.
        UnknownSession = 1, "unknown_session", "the request is of another session";
        /// No messages asked for.
        NothingAsked = 2, "nothing_asked", "the request names no messages";
        /// More messages than the server allows.
        TooMany = 3, "too_many", "the request names more messages than the server allows";
        /// The first message asked for was never sent.
        OutOfRange = 4, "out_of_range", "the first message asked for was never sent";
        /// The first message asked for fits no answer.
        MessageTooLong = 5, "message_too_long", "the first message asked for is longer than an answer";
    }
}

named_reasons! {
    /// The reason a message is not kept, one code each.
    StoreError {
        /// Longer than a block's length can say.
        MessageTooLong = 0, "message_too_long", "a message has at most 65,535 bytes";
        /// No room for it.
        Full = 1, "full", "the store has no room for the message";
    }
}

named_reasons! {
    /// The reason a publisher or a server cannot be, or does not take a message.
    PublishError {
        /// Below what a packet needs, or above what UDP carries.
        DatagramMax = 0, "datagram_max", "datagram_max must be 22 to 65,507";
        /// None, or a number that is no count.
        MessagesMax = 1, "messages_max", "messages_max must be 1 to 65,534";
        /// Longer than a datagram.
        MessageTooLong = 2, "message_too_long", "the message fits no datagram";
    }
}
