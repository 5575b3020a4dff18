//! The plain layouts: each struct is the bytes of one record, proven by the assertions beside it.

use bytemuck::{Pod, Zeroable};

use crate::wire::big_endian::{BeI16, BeI32, BeI64, BeU32};

/// Declares layouts and proves size and offsets at compile time: `field: type @ offset`.
macro_rules! layouts {
    ($($(#[$outer:meta])* $name:ident, $size:literal {
        $($(#[$doc:meta])* $field:ident: $type:ty, @ $offset:literal;)+
    })+) => {$(
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
        #[repr(C)]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)+
        }

        const _: () = {
            assert!(size_of::<$name>() == $size && align_of::<$name>() == 1);
            $(assert!(core::mem::offset_of!($name, $field) == $offset);)+
        };
    )+};
}

layouts! {
    /// Leads every message with records. 28 bytes.
    Header, 28 {
        /// One of [`super::message_type`].
        message_type: BeI32, @ 0;
        /// Not used.
        reserved: [u8; 10], @ 4;
        /// The exchange's wall clock.
        hour: BeI16, @ 14;
        /// The exchange's wall clock.
        minute: BeI16, @ 16;
        /// The exchange's wall clock.
        second: BeI16, @ 18;
        /// The exchange's wall clock.
        millisecond: BeI16, @ 20;
        /// Not used.
        reserved_after_time: [u8; 4], @ 22;
        /// Records that follow.
        record_count: BeI16, @ 26;
    }
    /// Type 2002: a product's session began or ended. 40 bytes.
    ProductState, 40 {
        /// 2002.
        message_type: BeI32, @ 0;
        /// Not used.
        reserved: [u8; 10], @ 4;
        /// The exchange's wall clock.
        hour: BeI16, @ 14;
        /// The exchange's wall clock.
        minute: BeI16, @ 16;
        /// The exchange's wall clock.
        second: BeI16, @ 18;
        /// The exchange's wall clock.
        millisecond: BeI16, @ 20;
        /// As in the master files.
        product_id: BeI16, @ 22;
        /// Not used.
        reserved_after_product: [u8; 4], @ 24;
        /// 20 in a call auction of illiquid shares, 0 otherwise.
        market_type: BeI16, @ 28;
        /// 0 logon or end, 1 call-auction entry, 2 matching end, 3 continuous, 4 closing, 5
        /// post-closing, 6 end of day, 7 member query, 10, 11 and 13 special pre-open.
        session_number: BeI16, @ 30;
        /// Not used.
        reserved_after_session: [u8; 4], @ 32;
        /// Start or end.
        start_end_flag: u8, @ 36;
        /// Not used.
        reserved_at_end: [u8; 3], @ 37;
    }
    /// What a market picture says in plain fields, behind the instrument code. 72 bytes.
    PictureHead, 72 {
        /// Trades today.
        trades: BeU32, @ 0;
        /// Units traded today.
        volume: BeI64, @ 4;
        /// Value traded today, in `value_unit`.
        value: BeI64, @ 12;
        /// `l` lakh, `c` crore.
        value_unit: u8, @ 20;
        /// Not used.
        reserved: [u8; 3], @ 21;
        /// 20 in a call auction of illiquid shares, 0 otherwise.
        market_type: BeI16, @ 24;
        /// As in [`ProductState`].
        session_number: BeI16, @ 26;
        /// Hour, minute and second of the last trade, a byte each.
        last_time: [u8; 3], @ 28;
        /// Millisecond of the last trade, three characters.
        last_millisecond: [u8; 3], @ 31;
        /// Not used.
        reserved_after_time: [u8; 12], @ 34;
        /// Price points a side.
        price_points: BeI16, @ 46;
        /// The exchange's time stamp.
        timestamp: BeI64, @ 48;
        /// Close price.
        close_rate: BeI32, @ 56;
        /// Quantity of the last trade: the base of the compressed quantities.
        last_quantity: BeI64, @ 60;
        /// Price of the last trade: the base of the compressed prices.
        last_rate: BeI32, @ 68;
    }
    /// A record of type 2014. 12 bytes.
    ClosePrice, 12 {
        /// The instrument.
        instrument: BeI32, @ 0;
        /// In the segment's price unit.
        price: BeI32, @ 4;
        /// Not used.
        reserved: u8, @ 8;
        /// `Y` when it traded today.
        traded: u8, @ 9;
        /// Not used.
        reserved_at_end: [u8; 2], @ 10;
    }
    /// A record of type 2015. 44 bytes.
    OpenInterest, 44 {
        /// The instrument.
        instrument: BeI32, @ 0;
        /// Units in equity derivatives, lots in currency derivatives.
        quantity: BeI64, @ 4;
        /// In paise.
        value: BeI64, @ 12;
        /// Change of the quantity.
        change: BeI64, @ 20;
        /// Not used.
        reserved: [u8; 16], @ 28;
    }
    /// A record of type 2034: the limit price protection range. 20 bytes.
    LppRange, 20 {
        /// The instrument.
        instrument: BeI32, @ 0;
        /// Highest price an order may have.
        upper: BeI32, @ 4;
        /// Lowest price an order may have.
        lower: BeI32, @ 8;
        /// Not used.
        reserved: [u8; 8], @ 12;
    }
}
