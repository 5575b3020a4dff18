//! Several strategies on one core: each with orders, positions, limits and hours of its own.
//!
//! A [`Roster`] is a strategy that is made of others. Every market event goes to each member in turn,
//! what happens to an order only to the one whose order it is. What the desk keeps of each (the ledger)
//! says whether it may trade; a member that panics, uses too much time, loses too much or is stopped by
//! an operator has its orders cancelled and its requests refused, and the others go on.

mod members;
mod schedule;

pub use crate::ledger::{STRATEGIES_MAX, StrategyCounts, StrategyLimits, StrategyView};
pub use crate::output::{StopCause, StrategyChange, StrategyEvent};
pub use members::{Budget, Roster, RosterError};
pub use schedule::{Hours, HoursError};
