//! Why bytes are not NFCAST.

use crate::named::named_reasons;

named_reasons! {
    /// The reason a datagram or a record is refused, one code each.
    ///
    /// Codes are fixed. The first broken rule on the wire is the answer.
    DecodeError {
        /// Fewer bytes than the header of the message.
        TruncatedHeader = 0, "truncated_header", "the datagram ends inside the header";
        /// The little-endian form that the exchange's own relay puts on a local network.
        RelayForm = 1, "relay_form", "the relay's little-endian form, not the direct feed";
        /// The type is not within 2001..=2035.
        ForeignProtocol = 2, "foreign_protocol", "not NFCAST: the message type is not within 2001..=2035";
        /// More records than a message of the type has, or less than none.
        CountOutOfRange = 3, "count_out_of_range", "the record count is out of range";
        /// The records do not fill the datagram.
        WrongLength = 4, "wrong_length", "the length is not that of the message's records";
        /// The datagram ends inside a market picture.
        TruncatedRecord = 5, "truncated_record", "the datagram ends inside a record";
        /// Not a token of the model.
        TokenOutOfRange = 6, "token_out_of_range", "the instrument code is not within 1..=4294967295";
        /// More price points than five, or less than none.
        PointsOutOfRange = 7, "points_out_of_range", "the number of price points is not within 0..=5";
        /// A difference leads out of the range of prices.
        PriceOutOfRange = 8, "price_out_of_range", "a price is not within 32 bits";
        /// Less than nothing, by value or by difference.
        QuantityNegative = 9, "quantity_negative", "a quantity is negative";
        /// Cannot be sent in the dialect, or the sum is beyond 64 bits.
        QuantityOutOfRange = 10, "quantity_out_of_range", "a quantity does not fit its field";
        /// Bytes are left behind the last record: the dialect is not the sender's.
        TrailingBytes = 11, "trailing_bytes", "bytes are left behind the last record";
    }
}
