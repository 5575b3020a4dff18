//! Price-time matching by the exchange's rules: orders in, acknowledgements and trades out.
//!
//! A [`Matcher`] holds the books of one segment and does with an order what NSE does: limit,
//! market and stop-loss orders, immediate or cancel, disclosed quantity, the time-priority table of
//! modifications, quantity freeze, self-trade prevention, call auctions, calendar spreads, orders of
//! two and three legs, block deals, and trades taken back (NNF capital market 6.1 and F&O; SEBI
//! CIR/MRD/DP/21/2010). Numbers that change by date are not
//! here: they come in as [`InstrumentTerms`], which whoever follows the dated rules fills.
//!
//! It reads no clock, starts no thread and writes no file: time comes in with each request, reports
//! go to a [`Sink`]. After construction it does not allocate. The same requests give the same
//! reports. A request that is refused leaves everything as it was, and says why with the exchange's
//! own number where one is known ([`Refusal::code`]).
//!
//! ```
//! use tezi_core::matching::{InstrumentTerms, Matcher, MatcherConfig, Order, Report};
//! use tezi_core::venue::session::Phase;
//! use tezi_model::{Nanos, Px, Qty, Segment, Side};
//!
//! let mut matcher = Matcher::new(&MatcherConfig::small(Segment::NseFo));
//! let terms = InstrumentTerms::new(Px::from_paise(5), Qty(65));
//! let future = matcher.add_instrument(&terms)?;
//! let mut reports: Vec<Report> = Vec::new();
//! matcher.set_phase(Nanos(1), future, Phase::Continuous, &mut reports)?;
//!
//! let sell = Order::limit(future, Side::Sell, Px::from_paise(2_245_005), Qty(130));
//! matcher.submit(Nanos(2), &sell, &mut reports)?;
//! let buy = Order::limit(future, Side::Buy, Px::from_paise(2_245_010), Qty(65));
//! matcher.submit(Nanos(3), &buy, &mut reports)?;
//!
//! let Some(Report::Traded(trade)) = reports.last() else { unreachable!() };
//! assert_eq!((trade.price, trade.quantity), (sell.price, Qty(65)));
//! assert_eq!(matcher.books().touch(future, Side::Sell).map(|level| level.quantity), Some(65));
//! # Ok::<(), tezi_core::matching::Refusal>(())
//! ```

mod auction;
mod blocks;
mod checks;
mod continuous;
mod freeze;
mod hash;
mod legs;
mod matcher;
mod members;
mod modify;
mod multiple;
mod order;
mod phases;
mod refusal;
mod report;
mod spread;
mod state;
mod stops;
mod terms;
#[cfg(test)]
mod tests;
mod trades;

pub use blocks::BlockTerms;
pub use legs::{Leg, LegsFill, LegsOrder};
pub use matcher::Matcher;
pub use order::{Order, OrderForm, Owner, Pan, ParticipantCode, SelfTrade, Target};
pub use refusal::Refusal;
pub use report::{CancelReason, OrderState, Report, RequestKind, Sink, Trade, TradeKind};
pub use spread::{LegPriceRule, Spread};
pub use terms::{InstrumentTerms, MatcherConfig};
