//! What costs tail latency on this machine: settings, and a measurement.
//!
//! [`examine`] runs every check on a [`Subject`], a machine's `/proc`, `/sys` and `/dev` and the cores
//! to be traded on, and gives one [`Finding`] each. It only reads, never changes a setting, and what it
//! cannot read is [`Status::Unknown`], never good. [`HiccupMeter`] measures what the settings come to.
//!
//! Source: the kernel's documentation: `admin-guide/kernel-parameters`, `admin-guide/sysctl`,
//! `timers/no_hz`, `admin-guide/pm/cpuidle`, `admin-guide/mm/transhuge`, `proc(5)`.

mod hiccup;
mod kernel;
mod memory;
mod network;
mod processor;
mod subject;
#[cfg(test)]
mod tests;

pub use hiccup::{HiccupMeter, SIZE_CLASSES};
pub use subject::Subject;

/// What a check comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Set as low latency wants it.
    Good,
    /// It costs tail latency, or may.
    Costs,
    /// Not to be read here: not permitted, or this kernel does not show it.
    Unknown,
}

impl Status {
    /// What a table calls it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Costs => "costs",
            Self::Unknown => "unknown",
        }
    }
}

/// What one check found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What of the machine it is about: processor, memory, kernel or network.
    pub area: &'static str,
    /// The check's name, stable for programs.
    pub name: &'static str,
    /// Good, costs, or unknown.
    pub status: Status,
    /// What was found, in a few words.
    pub found: String,
    /// Why it matters, one sentence.
    pub why: &'static str,
    /// The command or setting that mends it. Empty exactly when the status is good.
    pub mend: String,
}

/// One check: its name, why it matters, what mends it, and how to look.
struct Check {
    name: &'static str,
    why: &'static str,
    /// `{cores}` stands for the list of cores.
    mend: &'static str,
    look: fn(&Subject) -> Answer,
}

/// A status and what was found.
type Answer = (Status, String);

fn good(found: impl Into<String>) -> Answer {
    (Status::Good, found.into())
}

fn costs(found: impl Into<String>) -> Answer {
    (Status::Costs, found.into())
}

fn unknown(found: impl Into<String>) -> Answer {
    (Status::Unknown, found.into())
}

/// Good or costing, by whether it is as wanted.
fn judged(is_good: bool, found: impl Into<String>) -> Answer {
    if is_good { good(found) } else { costs(found) }
}

/// Every check's finding, in a fixed order: processor, memory, kernel, network.
#[must_use]
pub fn examine(subject: &Subject) -> Vec<Finding> {
    let areas = [
        ("processor", processor::CHECKS),
        ("memory", memory::CHECKS),
        ("kernel", kernel::CHECKS),
        ("network", network::CHECKS),
    ];
    let of_area = |(area, checks): (_, &'static [Check])| {
        checks.iter().map(move |check| finding(area, check, subject))
    };
    areas.into_iter().flat_map(of_area).collect()
}

fn finding(area: &'static str, check: &Check, subject: &Subject) -> Finding {
    let (status, found) = (check.look)(subject);
    let mend = match status {
        Status::Good => String::new(),
        _ => check.mend.replace("{cores}", &subject.cores_text()),
    };
    Finding { area, name: check.name, status, found, why: check.why, mend }
}
