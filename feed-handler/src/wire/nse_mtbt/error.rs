//! Why bytes are not an MTBT message.

use crate::named::named_reasons;

named_reasons! {
    /// The reason a message is refused, one code each.
    ///
    /// Codes are fixed and ordered by precedence: when several rules are broken, the lowest code is
    /// the answer. Framing comes first, then the header, then the body in wire order.
    DecodeError {
        /// Fewer bytes are left than a header and a type need.
        TruncatedHeader = 0, "truncated_header", "the datagram ends inside a message header";
        /// Neither the type nor the length is one of this protocol.
        ForeignProtocol = 1, "foreign_protocol", "not MTBT: unknown type, and a length that does not fit the datagram";
        /// `msg_len` is less than a header and a type.
        ImpossibleLength = 2, "impossible_length", "msg_len is less than a header and a type";
        /// The framing holds, the type is not known.
        UnknownType = 3, "unknown_type", "unknown message type";
        /// `msg_len` is not the size of the type.
        WrongLength = 4, "wrong_length", "msg_len is not the size of the message type";
        /// The message is longer than what is left of the datagram.
        TruncatedMessage = 5, "truncated_message", "the datagram ends inside a message";
        /// A reply of the TCP services, where multicast messages belong.
        UnexpectedReply = 6, "unexpected_reply", "a TCP reply on a multicast line";
        /// `stream_id` is negative or above 255.
        StreamOutOfRange = 7, "stream_out_of_range", "stream_id is not within 0..=255";
        /// Only heartbeats and replies have no sequence number.
        SequenceZero = 8, "sequence_zero", "seq_no is 0 in a sequenced message";
        /// Before 1980.
        TimeNegative = 9, "time_negative", "the timestamp is negative";
        /// A fraction, an infinity or not a number.
        OrderIdNotInteger = 10, "order_id_not_integer", "an order id is not an integer";
        /// Negative, or above 2^53, where doubles stop being exact.
        OrderIdOutOfRange = 11, "order_id_out_of_range", "an order id is not within 0..=2^53";
        /// An order without an id.
        OrderIdZero = 12, "order_id_zero", "the order id of an order is 0";
        /// Both ids are 0; only spread trades may do that.
        TradeWithoutOrders = 13, "trade_without_orders", "both order ids of a trade are 0";
        /// Zero or negative.
        TokenNotPositive = 14, "token_not_positive", "the token is not positive";
        /// Neither `B` nor `S`.
        UnknownSide = 15, "unknown_side", "the side is neither B nor S";
        /// Outright orders and trades have positive prices.
        PriceNotPositive = 16, "price_not_positive", "the price is not positive";
        /// Less than nothing.
        QuantityNegative = 17, "quantity_negative", "the quantity is negative";
        /// Live orders and trades have some.
        QuantityZero = 18, "quantity_zero", "the quantity is 0";
        /// A TCP reply that is neither `S` nor `E`.
        UnknownReplyStatus = 19, "unknown_reply_status", "the reply is neither S nor E";
        /// A snapshot that does not begin with its transaction code.
        UnknownTransactionCode = 20, "unknown_transaction_code", "the transaction code is not that of a snapshot";
        /// `size` is not 16 + 30 times the number of orders.
        SnapshotSizeMismatch = 21, "snapshot_size_mismatch", "the snapshot's size is not that of its orders";
    }
}
