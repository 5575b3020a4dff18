//! What stops a strategy of several, and lets it go on.

use bytemuck::{Pod, Zeroable};
use tezi_model::StrategyId;

/// Why a strategy is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum StopCause {
    /// An operator stopped it.
    Operator = 1,
    /// It used more time than it may.
    Budget = 2,
    /// It lost what it may lose.
    Loss = 3,
    /// Its code panicked. Its own state is not known any more: it never goes on.
    Panic = 4,
}

impl StopCause {
    /// The cause a record's number stands for.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Operator,
            2 => Self::Budget,
            3 => Self::Loss,
            4 => Self::Panic,
            _ => return None,
        })
    }

    /// A word for people and programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Budget => "budget",
            Self::Loss => "loss",
            Self::Panic => "panic",
        }
    }
}

/// What happened to a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrategyEvent {
    /// Its hours began.
    Woke,
    /// Its hours ended, or have not begun.
    Slept,
    /// It goes on after a stop.
    Started,
    /// It is stopped.
    Stopped(StopCause),
}

impl StrategyEvent {
    /// A word for people and programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Woke => "woke",
            Self::Slept => "slept",
            Self::Started => "started",
            Self::Stopped(StopCause::Operator) => "stopped_operator",
            Self::Stopped(StopCause::Budget) => "stopped_budget",
            Self::Stopped(StopCause::Loss) => "stopped_loss",
            Self::Stopped(StopCause::Panic) => "stopped_panic",
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Woke => 1,
            Self::Slept => 2,
            Self::Started => 3,
            Self::Stopped(cause) => STOPPED + cause as u8,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Woke,
            2 => Self::Slept,
            3 => Self::Started,
            _ => match StopCause::from_code(code.saturating_sub(STOPPED)) {
                Some(cause) => Self::Stopped(cause),
                None => return None,
            },
        })
    }
}

/// Added to the code of a cause.
const STOPPED: u8 = 16;

/// An event of a strategy as the journal has it. 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct StrategyChange {
    /// Which strategy.
    pub strategy: StrategyId,
    /// A code of [`StrategyEvent`].
    pub event_code: u8,
    /// Zero.
    pub reserved: [u8; 6],
}

const _: () = assert!(size_of::<StrategyChange>() == 8);

impl StrategyChange {
    /// The record of an event.
    #[must_use]
    pub const fn new(strategy: StrategyId, event: StrategyEvent) -> Self {
        Self { strategy, event_code: event.code(), reserved: [0; 6] }
    }

    /// What happened; `None` when the record holds no known code.
    #[must_use]
    pub const fn event(&self) -> Option<StrategyEvent> {
        StrategyEvent::from_code(self.event_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_comes_back_from_its_record() {
        let causes = (0..=u8::MAX).filter_map(StopCause::from_code);
        let events = [StrategyEvent::Woke, StrategyEvent::Slept, StrategyEvent::Started]
            .into_iter()
            .chain(causes.map(StrategyEvent::Stopped));
        let mut codes = Vec::new();
        for event in events {
            let change = StrategyChange::new(StrategyId(3), event);
            assert_eq!(change.event(), Some(event));
            codes.push(change.event_code);
        }
        assert_eq!(codes, [1, 2, 3, 17, 18, 19, 20]);
        for code in (0..=u8::MAX).filter(|code| !codes.contains(code)) {
            let change = StrategyChange { event_code: code, ..StrategyChange::zeroed() };
            assert_eq!(change.event(), None, "{code}");
        }
    }
}
