//! The deterministic core of Tezi: a function from events to events.
//!
//! Nothing here reads a clock, opens a socket or file, starts a thread, draws a random number or
//! takes a lock; nothing allocates after start. The same inputs give the same outputs and the same
//! state hash, which is what makes the journal the truth.

pub mod backtest;
pub mod book;
pub mod collateral;
pub mod config;
pub mod control;
mod desk;
mod engine;
pub mod execution;
mod instruments;
mod ledger;
pub mod margin;
pub mod matching;
pub mod oms;
mod output;
mod position;
pub mod pricing;
mod risk;
pub mod risk_measures;
pub mod roster;
pub mod snapshot;
pub mod strategy;
mod timers;
pub mod venue;

pub use config::{Capacity, ConfigError, CoreConfig, RiskLimits, SimulatedVenueConfig, VenueMode};
pub use desk::{Counters, Explanation, HOLDINGS_MAX, LOTS_MAX, OperatorWork};
pub use engine::{Core, NoProbe, Probe, Stage};
pub use instruments::{InstrumentState, InstrumentTable};
pub use ledger::{AccountLimits, AccountView};
pub use output::{
    AccountChange, AccountEvent, Emitted, LimitUse, Origin, Output, Refusal, Request,
    RiskReduction, Theoretical, UseLevel,
};
pub use position::{
    AdjustError, CARRIED_UNITS_MAX, CarriedLot, CorporateAction, CorporateActionKind, Holding,
    HoldingError, HoldingKey, Holdings, Lot, Lots, Opening, OpeningError, OpeningRecord, Position,
    Positions, Ratio,
};
pub use risk::{Check, GuardLimits, Market, Measure, Proposal, Restriction, Risk, tags};
