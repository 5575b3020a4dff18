//! Why bytes are not an ITCH message.

use crate::named::named_reasons;

named_reasons! {
    /// The reason a message is refused, one code each.
    ///
    /// Codes are fixed and ordered by precedence: when several rules are broken, the lowest code is
    /// the answer. Framing comes first, then the header, then the body.
    DecodeError {
        /// Not even a type.
        Empty = 0, "empty", "the message is empty";
        /// The type is not one of ITCH 5.0.
        UnknownType = 1, "unknown_type", "unknown message type";
        /// The message is shorter or longer than its type.
        WrongLength = 2, "wrong_length", "the length is not that of the message type";
        /// A day has 86,400 seconds.
        TimeOutOfRange = 3, "time_out_of_range", "the time is not within a day";
        /// Orders and trades are of one stock.
        LocateZero = 4, "locate_zero", "the stock locate of an order or a trade is 0";
        /// An order without a number.
        OrderIdZero = 5, "order_id_zero", "the order reference number is 0";
        /// Neither `B` nor `S`.
        UnknownSide = 6, "unknown_side", "the side is neither B nor S";
        /// Orders, executions and cancels have some.
        QuantityZero = 7, "quantity_zero", "the number of shares is 0";
        /// A cross of more than 2^32 - 1 shares.
        QuantityOutOfRange = 8, "quantity_out_of_range", "the number of shares is above 2^32 - 1";
        /// Neither `Y` nor `N`.
        UnknownPrintable = 9, "unknown_printable", "the printable flag is neither Y nor N";
        /// Displayed orders and trades have a price.
        PriceZero = 10, "price_zero", "the price is 0";
    }
}
