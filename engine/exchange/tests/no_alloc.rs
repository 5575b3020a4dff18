//! Participants do not allocate after the start: an allocator that counts, around a session.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod crowd;

use crowd::{Market, nifty};
use tezi_exchange::population::PopulationConfig;
use tezi_testing::allocation;

#[global_allocator]
static ALLOCATOR: allocation::Counting = allocation::Counting;

#[test]
fn a_session_allocates_nothing() {
    let config = PopulationConfig { taker_share: 0.02, ..PopulationConfig::default() };
    let mut market = Market::new(&config, &nifty());
    market.reports.reserve(4_096);
    let before = allocation::count();
    market.run(20_000);
    assert_eq!(allocation::count() - before, 0);
    assert!(market.actions > 8_000, "{}", market.actions);
    let boxed = Box::new(market.actions);
    assert_eq!((allocation::count() - before, *boxed > 0), (1, true), "the allocator counts");
}
