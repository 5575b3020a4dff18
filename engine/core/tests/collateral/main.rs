//! Collateral before the trade: margin, premium and position limits by delta, and the mode in which risk
//! is only reduced.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod rules;
mod session;
mod setup;
