//! Pricing for people and programs: everything of the core's pricing, and on the C++ kernels a
//! [`Sheet`] of contracts in any convention, an [`AmericanSheet`] and an [`OptionChain`] from a
//! bhavcopy, with its smile.

mod american;
mod chain;
mod chain_smile;
mod sheet;

pub use american::{AmericanSheet, AmericanValued};
pub use chain::{ChainOptions, OptionChain, OptionSide, StrikeRow, option_chains};
pub use sheet::{Basis, Contract, Quote, Sheet, Valued};
pub use tezi_core::pricing::*;
