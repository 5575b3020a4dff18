//! Why bytes are not a broadcast message.

use crate::named::named_reasons;

named_reasons! {
    /// The reason a datagram, a message or a record is refused, one code each.
    ///
    /// Codes are fixed and ordered by precedence: the datagram comes first, then compression, then
    /// the message, then the fields of a record.
    DecodeError {
        /// Fewer bytes than the datagram's own header.
        TruncatedDatagram = 0, "truncated_datagram", "the datagram is shorter than its header";
        /// `cNetId` names no segment: another protocol.
        UnknownNetwork = 1, "unknown_network", "cNetId is none of 2, 4 and 6: not NSE broadcast";
        /// Currency derivatives, whose layouts the F&O and CM documents do not give.
        UnsupportedNetwork = 2, "unsupported_network", "cNetId 6: currency derivatives are not decoded";
        /// `iNoPackets` is zero or negative.
        PacketCountNotPositive = 3, "packet_count_not_positive", "iNoPackets is not positive";
        /// The datagram ends inside a message that `iNoPackets` promises.
        TruncatedPacket = 4, "truncated_packet", "the datagram ends inside a message";
        /// `iCompLen` is negative.
        CompressedLengthNegative = 5, "compressed_length_negative", "iCompLen is negative";
        /// An uncompressed message whose `MessageLength` is less than its header.
        ImpossibleLength = 6, "impossible_length", "MessageLength is less than a header";
        /// The compressed stream ends before its end marker.
        LzoInputOverrun = 7, "lzo_input_overrun", "the compressed stream ends before its end marker";
        /// The compressed stream makes more bytes than a message has.
        LzoOutputOverrun = 8, "lzo_output_overrun", "the compressed stream is longer than any message";
        /// A match reaches back to before the first byte.
        LzoLookbehind = 9, "lzo_lookbehind", "the compressed stream copies from before its start";
        /// Bytes follow the end marker.
        LzoTrailingInput = 10, "lzo_trailing_input", "bytes follow the end of the compressed stream";
        /// Less than the eight leading bytes and a header.
        TruncatedHeader = 11, "truncated_header", "the message is shorter than its header";
        /// A record count below zero or above what the message has room for.
        RecordCountOutOfRange = 12, "record_count_out_of_range", "the record count is not one the message can have";
        /// The message ends before the last record or field its code promises.
        TruncatedMessage = 13, "truncated_message", "the message is shorter than its layout";
        /// Zero or negative.
        TokenNotPositive = 14, "token_not_positive", "the token is not positive";
        /// Before 1980.
        TimeNegative = 15, "time_negative", "a time is negative";
        /// Only differences of prices may be negative.
        PriceNegative = 16, "price_negative", "a price is negative";
        /// Less than nothing.
        QuantityNegative = 17, "quantity_negative", "a quantity is negative";
        /// An infinity or not a number.
        NumberNotFinite = 18, "number_not_finite", "a floating-point field is not finite";
        /// Less than no orders.
        CountNegative = 19, "count_negative", "a count is negative";
        /// The low end of a price range is above its high end.
        RangeInverted = 20, "range_inverted", "the low end of a price range is above the high end";
        /// A text longer than its field.
        TextLengthOutOfRange = 21, "text_length_out_of_range", "the length of a text does not fit its field";
    }
}
