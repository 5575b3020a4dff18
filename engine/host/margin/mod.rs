//! Margins of a day: everything of the core's margins, and a [`MarginDay`] that makes underlyings
//! and contracts of a bhavcopy, so that positions are all that is left to say.

mod contract;
mod day;
mod risk_file;
mod scenario;

pub use contract::{ContractKey, PositionRefusal};
pub use day::{MarginDay, MarginDayError, MarginDayOptions, MarginGroup};
pub use risk_file::RiskFile;
pub use scenario::scenario_name;
pub use tezi_core::margin::*;
