//! Execution algorithms: a parent order, worked by child orders.
//!
//! A [`Parent`] keeps the account: what is executed and at what price, which children are open, and
//! that both together never come to more than its quantity, with every request in flight filled. A
//! [`Tactic`] says what it wants open and where; [`Execution`] joins the two. [`Legging`] works two
//! instruments against each other. `docs/algos.md` has every state, rule and parameter.
//!
//! Everything here is a function of its inputs: no clock, no randomness but from a seed, no
//! allocation. An algorithm sees and asks through [`MarketAccess`] alone, so whoever gives the same
//! inputs gets the same orders.

mod access;
mod benchmark;
mod children;
mod iceberg;
mod legging;
mod legging_spec;
mod parent;
mod participation;
mod pegged;
mod price;
mod schedule;
mod scheduled;
mod state;
mod tactic;
mod volume_curve;
mod wake;
mod work;

pub use access::{Input, MarketAccess};
pub use benchmark::Benchmark;
pub use children::{CHILDREN_MAX, Child};
pub use iceberg::Iceberg;
pub use legging::Legging;
pub use legging_spec::{LegPolicy, LeggingSpec};
pub use parent::{ChildPolicy, Parent, ParentCounters, ParentId, ParentSpec};
pub use participation::Participation;
pub use pegged::{Pegged, Reference};
pub use schedule::{Jitter, Schedule};
pub use scheduled::{CatchUp, Scheduled};
pub use state::{DoneReason, Ending, FailReason, ParentError, ParentState};
pub use tactic::{Execution, Plan, Tactic};
pub use volume_curve::{BUCKETS_MAX, CurveLearner, VolumeCurve};

/// The finisher of SplitMix64 over a seed and a count: the same number for the same two, always
/// (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
const fn draw(seed: u64, count: u64) -> u64 {
    let word = seed.wrapping_add(count.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let x = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
