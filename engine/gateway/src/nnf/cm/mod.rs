//! The capital market (CM 6.3): its requests, answers and flags.
//!
//! Sessions are the same in both segments, and so is what an answer means. What differs is here: a
//! security goes by symbol and series instead of a token, the order flags lie elsewhere, own
//! orders carry the member's code as their account, and refusals come trimmed.

mod decode;
mod encode;
mod flags;
mod securities;
#[cfg(test)]
mod tests;

pub use decode::decode_cm;
pub(super) use decode::{answer_of_notice, notice_of_trade, stamp_of_cm};
pub use encode::CmOrderEncoder;
pub(super) use flags::{from_cm, to_cm};
pub(super) use securities::{descriptor, sec_info, sec_info_of};
