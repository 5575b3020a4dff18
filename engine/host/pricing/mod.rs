//! Pricing for people and programs: everything of the core's pricing, and on the C++ kernels a
//! [`Sheet`] of contracts in any convention, an [`AmericanSheet`] and an [`OptionChain`] from a
//! bhavcopy or from books, with its smile.

mod american;
mod chain;
mod chain_books;
mod chain_smile;
mod sheet;

pub use american::{AmericanSheet, AmericanValued};
pub use chain::{
    ChainOptions, LeftOut, OptionChain, OptionSide, PriceSource, StrikeRow, option_chains,
};
pub use chain_books::{BookLimits, book_chains};
pub use sheet::{Basis, Contract, Quote, Sheet, Valued};
pub use tezi_core::pricing::*;
