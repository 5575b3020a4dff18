//! The exchange's rules as data and as state machines: sessions, auctions, price bands, circuit
//! breakers.
//!
//! Every number that an exchange or a regulator changes is a dated row ([`rules`]); code here holds
//! the mechanism and reads the number of the day. Nothing reads a clock, a file or a random source:
//! times and seeds come in, decisions go out. Rows are looked up once a day; what runs during the
//! day holds plain values and does not allocate.

pub mod auction;
pub mod bands;
pub mod breaker;
pub mod calendar;
mod date;
mod order_to_trade;
mod rate;
pub mod rules;
pub mod session;
mod vwap;

pub use date::{Date, TimeOfDay, Weekday};
pub use order_to_trade::OrderToTrade;
pub use rate::{Rate, Width};
pub use vwap::{Vwap, WindowAverage};

use tezi_model::Segment;

/// The scope that rows of a segment stand under, `NSE/fo`; `None` for segments without rows here.
#[must_use]
pub const fn segment_scope(segment: Segment) -> Option<&'static str> {
    match segment {
        Segment::NseFo => Some("NSE/fo"),
        Segment::NseCm => Some("NSE/cm"),
        Segment::BseFo => Some("BSE/fo"),
        Segment::BseCm => Some("BSE/cm"),
        _ => None,
    }
}
