//! NNF, the order-entry protocol of NSE, for futures and options.
//!
//! Source: NSE "Trimmed Protocol for Non-NEAT Front End", FO 9.48 (the chapters are cited beside
//! each structure). The byte layouts are in [`wire`]; [`OrderEncoder`] turns a command into a
//! packet, [`Packet`] takes the envelope off what arrives and [`decode`] turns the message into an
//! execution report. [`client`] is the member's whole session around them, [`server`] the exchange's.
//! `docs/wire/nnf.md` and `nnf_orders.md` draw it all and say where the documents disagree.
//!
//! ```
//! use tezi_gateway::nnf::{
//!     Account, Checksum, ORDER_PACKET_SIZE_MAX, OrderEncoder, SelfTrade, SessionIdentity,
//!     Underlying, UserRole, VenueOrderState,
//! };
//! use tezi_model::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let identity = SessionIdentity {
//!     user_id: 12345,
//!     trader_id: 12345,
//!     role: UserRole::Dealer,
//!     branch_id: 1,
//!     broker_id: "90001",
//!     account: Account::Proprietary,
//!     settlor: "",
//!     pan: "ABCDE1234F",
//!     nnf_id: 111_111_111_111_100,
//!     algo_id: 0,
//!     self_trade: SelfTrade::ExchangeDefault,
//!     cancel_on_logoff: true,
//! };
//! let mut encoder = OrderEncoder::new(&identity, Checksum::None, 8)?;
//! let mut future = Instrument::unknown(Segment::NseFo, Token(35001));
//! future.symbol = Symbol::new("NIFTY");
//! future.expiry = Nanos::from_ist(2026, 9, 24, 15, 30, 0);
//! future.kind_code = InstrumentKind::Future as u8;
//! encoder.define(InstrumentId(0), &future, Underlying::Index)?;
//!
//! let command = OrderCommand {
//!     client_order_id: ClientOrderId(1),
//!     order_id: OrderId(0),
//!     price: Px::from_paise(2_500_000),
//!     quantity: Qty(75),
//!     filled: Qty(0),
//!     instrument: InstrumentId(0),
//!     kind_code: CommandKind::New as u8,
//!     side_code: Side::Buy as u8,
//!     time_in_force_code: TimeInForce::Day as u8,
//!     strategy: StrategyId::NONE,
//!     account: tezi_model::AccountId::NONE,
//!     reserved_tail: [0; 7],
//! };
//! let mut packet = [0; ORDER_PACKET_SIZE_MAX];
//! let size = encoder.encode(&command, &VenueOrderState::default(), 1, &mut packet)?;
//! assert_eq!(size, 22 + 158);
//! # Ok(())
//! # }
//! ```

pub mod client;
pub mod server;
pub mod wire;

mod attributes;
mod cm;
mod contract;
mod decode;
mod decode_legs;
mod encode;
mod encode_legs;
mod envelope;
mod error_code;
mod header;
mod holders;
mod identity;
mod legs;
mod link;
mod md5;
mod notice;
#[cfg(test)]
mod tests;
mod venue_state;

pub use attributes::{Book, OrderAttributes};
pub use cm::{CmOrderEncoder, decode_cm};
pub use contract::{Contract, ContractError, Underlying};
pub use decode::{DecodeError, Field, OrderKey, Reply, decode};
pub use decode_legs::{LegReply, LegsReply, decode_legs};
pub use encode::{EncodeError, ORDER_PACKET_SIZE_MAX, OrderEncoder};
pub use encode_legs::{LegCommand, LegsCommand};
pub use envelope::{Checksum, Packet};
pub use error_code::ErrorCode;
pub use identity::{Account, IdentityError, SelfTrade, SessionIdentity, UserRole};
pub use legs::{LegFields, Legs, LegsForm, LegsKey};
pub use link::{CipherError, DynamicIvOrder, Encryption, SessionKeys};
pub use notice::{Notice, NoticeKind};
pub use venue_state::VenueOrderState;
