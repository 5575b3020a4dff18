//! What stops an account, and lets it go on.

use bytemuck::{Pod, Zeroable};
use tezi_model::AccountId;

use super::StopCause;

/// What happened to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountEvent {
    /// A stop was taken back; it is paused until it is resumed.
    Released,
    /// It is stopped: by an operator, or by its loss.
    Stopped(StopCause),
}

impl AccountEvent {
    /// A word for people and programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Stopped(StopCause::Loss) => "stopped_loss",
            Self::Stopped(_) => "stopped_operator",
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Released => 3,
            Self::Stopped(StopCause::Loss) => 19,
            Self::Stopped(_) => 17,
        }
    }
}

/// An event of an account as the journal has it. 8 bytes; codes are those of
/// [`StrategyChange`](super::StrategyChange) that mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct AccountChange {
    /// Which account.
    pub account: AccountId,
    /// A code of [`AccountEvent`].
    pub event_code: u8,
    /// Zero.
    pub reserved: [u8; 6],
}

const _: () = assert!(size_of::<AccountChange>() == 8);

impl AccountChange {
    /// The record of an event.
    #[must_use]
    pub const fn new(account: AccountId, event: AccountEvent) -> Self {
        Self { account, event_code: event.code(), reserved: [0; 6] }
    }

    /// What happened; `None` when the record holds no known code.
    #[must_use]
    pub const fn event(&self) -> Option<AccountEvent> {
        Some(match self.event_code {
            3 => AccountEvent::Released,
            17 => AccountEvent::Stopped(StopCause::Operator),
            19 => AccountEvent::Stopped(StopCause::Loss),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_comes_back_from_its_record() {
        let events = [
            AccountEvent::Released,
            AccountEvent::Stopped(StopCause::Operator),
            AccountEvent::Stopped(StopCause::Loss),
        ];
        for event in events {
            assert_eq!(AccountChange::new(AccountId(3), event).event(), Some(event));
        }
        let known = |code: &u8| {
            let change = AccountChange { event_code: *code, ..AccountChange::zeroed() };
            change.event().is_some()
        };
        assert_eq!((0..=u8::MAX).filter(known).collect::<Vec<_>>(), [3, 17, 19]);
    }
}
