//! Why bytes are not EOBI.

use crate::named::named_reasons;

named_reasons! {
    /// The reason a packet or a message is refused, one code each.
    ///
    /// Codes are fixed. When several rules are broken, framing is the answer before the body, and
    /// in the body the first field on the wire.
    DecodeError {
        /// Fewer bytes than a packet header, or than a message header.
        TruncatedHeader = 0, "truncated_header", "the datagram ends inside a header";
        /// Does not begin with a packet header.
        ForeignProtocol = 1, "foreign_protocol", "not EOBI: no packet header of template 13002";
        /// `BodyLen` of the packet header is not 32.
        WrongHeaderLength = 2, "wrong_header_length", "BodyLen of the packet header is not 32";
        /// `BodyLen` is less than a message header, or no multiple of 8.
        ImpossibleLength = 3, "impossible_length", "BodyLen is below 8 or no multiple of 8";
        /// The message is longer than what is left of the datagram.
        TruncatedMessage = 4, "truncated_message", "the datagram ends inside a message";
        /// `BodyLen` is not the size of the template.
        WrongLength = 5, "wrong_length", "BodyLen is not the size of the template";
        /// The repeating group does not fill the message.
        GroupMismatch = 6, "group_mismatch", "the count of a repeating group does not fit BodyLen";
        /// Longer than the sequencer has room for.
        OversizedDatagram = 7, "oversized_datagram", "the datagram is longer than datagram_max";
        /// A snapshot message on the incremental channel, or an order message on the other one.
        WrongChannel = 8, "wrong_channel", "the message belongs to the other channel";
        /// A message that takes a number has none.
        SequenceNull = 9, "sequence_null", "MsgSeqNum is null in a sequenced message";
        /// Null, or beyond the year 2262.
        TimeOutOfRange = 10, "time_out_of_range", "a time is null or beyond the year 2262";
        /// Not within the model's tokens.
        TokenOutOfRange = 11, "token_out_of_range", "SecurityID is not within 1..=4294967295";
        /// Neither 1 nor 2.
        UnknownSide = 12, "unknown_side", "the side is neither 1 (buy) nor 2 (sell)";
        /// Less than nothing, or null.
        QuantityNegative = 13, "quantity_negative", "the quantity is negative or null";
        /// Live orders and executions have some.
        QuantityZero = 14, "quantity_zero", "the quantity is 0";
        /// More than the model's quantities hold.
        QuantityOutOfRange = 15, "quantity_out_of_range", "the quantity is above 4294967295";
        /// An execution without a price.
        PriceNull = 16, "price_null", "the price of an execution is null";
    }
}
