//! An action as a journal has it.

use bytemuck::{Pod, Zeroable};
use tezi_model::{AccountDefinition, AccountId, InstrumentId, Px, StrategyId};

use super::{Assignment, Control, Limit};
use crate::output::StopCause;
use crate::risk::Restriction;

/// A [`Control`] in 24 bytes (`docs/wire/session.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ControlRecord {
    /// Value of a limit, low end of a range, basis points.
    pub first: i64,
    /// High end of a range; number of a strategy, and of an account in bits 8 to 15.
    pub second: i64,
    /// An [`InstrumentId`]; all ones for every instrument.
    pub instrument: u32,
    /// What is done.
    pub kind_code: u16,
    /// A [`Limit`], [`Restriction`] or [`StopCause`] code.
    pub detail: u16,
}

const _: () = assert!(size_of::<ControlRecord>() == 24);

/// Stands for every instrument.
const ALL: u32 = u32::MAX;

impl From<&Control> for ControlRecord {
    fn from(control: &Control) -> Self {
        let all = Self { instrument: ALL, ..Self::zeroed() };
        let of = |kind_code| Self { kind_code, ..all };
        let number = |instrument: Option<InstrumentId>| instrument.map_or(ALL, |id| id.0);
        match *control {
            Control::Pause => of(1),
            Control::Resume => of(2),
            Control::CancelAll { instrument } => Self { instrument: number(instrument), ..of(3) },
            Control::Flatten { instrument, through_bps } => {
                Self { instrument: number(instrument), first: through_bps.into(), ..of(4) }
            }
            Control::Kill => of(5),
            Control::KillUser => of(25),
            Control::Release => of(6),
            Control::SetLimit { limit, value } => {
                Self { detail: limit as u16, first: value, ..of(7) }
            }
            Control::Restrict { instrument, restriction } => {
                let detail = u16::from(restriction as u8);
                Self { instrument: instrument.0, detail, ..of(8) }
            }
            Control::PriceRange { instrument, low, high } => {
                Self { instrument: instrument.0, first: low.0, second: high.0, ..of(9) }
            }
            Control::StopStrategy { strategy, cause } => {
                Self { second: strategy.0.into(), detail: cause as u16, ..of(10) }
            }
            Control::StartStrategy { strategy } => Self { second: strategy.0.into(), ..of(11) },
            Control::SetStrategyLimit { strategy, limit, value } => {
                let second = strategy.0.into();
                Self { first: value, second, detail: limit as u16, ..of(12) }
            }
            Control::SetParameter { strategy, .. } => Self { second: strategy.0.into(), ..of(13) },
            Control::FlattenStrategy { strategy, through_bps } => {
                Self { first: through_bps.into(), second: strategy.0.into(), ..of(14) }
            }
            _ => Self::of_account(control),
        }
    }
}

/// The first kind that is about an account; the others follow it.
const ACCOUNT_KINDS: u16 = 15;

impl ControlRecord {
    /// The record of what is done to an account.
    fn of_account(control: &Control) -> Self {
        let (kind_code, first, detail) = match *control {
            Control::AssignAccount { .. } => (16, 0, 0),
            Control::SetAccountLimit { limit, value, .. } => (17, value, limit as u16),
            Control::PauseAccount { .. } => (18, 0, 0),
            Control::ResumeAccount { .. } => (19, 0, 0),
            Control::CancelAccount { .. } => (20, 0, 0),
            Control::FlattenAccount { through_bps, .. } => (21, through_bps.into(), 0),
            Control::KillAccount { .. } => (22, 0, 0),
            Control::ReleaseAccount { .. } => (23, 0, 0),
            Control::RestrictAccount { restriction, .. } => (24, 0, u16::from(restriction as u8)),
            _ => (ACCOUNT_KINDS, 0, 0),
        };
        let strategy = match *control {
            Control::AssignAccount { strategy, .. } => strategy,
            _ => StrategyId::NONE,
        };
        let account = control.account().unwrap_or_default();
        let second = i64::from(strategy.0) | i64::from(account.0) << 8;
        Self { first, second, instrument: ALL, kind_code, detail }
    }

    /// What is done to an account.
    fn control_of_account(&self, text: &str) -> Option<Control> {
        let account = AccountId(u8::try_from(self.second >> 8).ok()?);
        Some(match self.kind_code {
            ACCOUNT_KINDS => {
                let definition = AccountDefinition::parse(text).ok()?;
                Control::DeclareAccount { account, definition }
            }
            16 => {
                let strategy = StrategyId((self.second & 0xFF) as u8);
                Control::AssignAccount { strategy, account }
            }
            17 => {
                let limit = Limit::from_code(self.detail)?;
                Control::SetAccountLimit { account, limit, value: self.first }
            }
            18 => Control::PauseAccount { account },
            19 => Control::ResumeAccount { account },
            20 => Control::CancelAccount { account },
            21 => {
                let through_bps = u32::try_from(self.first).ok()?;
                Control::FlattenAccount { account, through_bps }
            }
            22 => Control::KillAccount { account },
            23 => Control::ReleaseAccount { account },
            24 => {
                let code = u8::try_from(self.detail).ok()?;
                let restriction = Restriction::from_code(code)?;
                Control::RestrictAccount { account, restriction }
            }
            _ => return None,
        })
    }

    /// The name of a kind of action, for what has no more than its code.
    #[must_use]
    pub const fn kind_name(kind_code: u16) -> Option<&'static str> {
        Some(match kind_code {
            1 => "pause",
            2 => "resume",
            3 => "cancel",
            4 => "flatten",
            5 => "kill",
            6 => "release",
            7 => "limit",
            8 => "restrict",
            9 => "range",
            10 => "stop",
            11 => "start",
            12 => "strategy_limit",
            13 => "set",
            14 => "strategy_flatten",
            15 => "account",
            16 => "account_assign",
            17 => "account_limit",
            18 => "account_pause",
            19 => "account_resume",
            20 => "account_cancel",
            21 => "account_flatten",
            22 => "account_kill",
            23 => "account_release",
            24 => "account_restrict",
            25 => "user_kill",
            _ => return None,
        })
    }

    /// The action, with [`Control::text`] where it has one; `None` when a code is not known.
    #[must_use]
    pub fn control(&self, text: &str) -> Option<Control> {
        let strategy = || u8::try_from(self.second).ok().map(StrategyId);
        let id = InstrumentId(self.instrument);
        let instrument = (self.instrument != ALL).then_some(id);
        Some(match self.kind_code {
            1 => Control::Pause,
            2 => Control::Resume,
            3 => Control::CancelAll { instrument },
            4 => Control::Flatten { instrument, through_bps: u32::try_from(self.first).ok()? },
            5 => Control::Kill,
            6 => Control::Release,
            7 => Control::SetLimit { limit: Limit::from_code(self.detail)?, value: self.first },
            8 => {
                let code = u8::try_from(self.detail).ok()?;
                Control::Restrict { instrument: id, restriction: Restriction::from_code(code)? }
            }
            9 => Control::PriceRange { instrument: id, low: Px(self.first), high: Px(self.second) },
            10 => {
                let cause = StopCause::from_code(u8::try_from(self.detail).ok()?)?;
                Control::StopStrategy { strategy: strategy()?, cause }
            }
            11 => Control::StartStrategy { strategy: strategy()? },
            12 => Control::SetStrategyLimit {
                strategy: strategy()?,
                limit: Limit::from_code(self.detail)?,
                value: self.first,
            },
            13 => {
                let assignment = Assignment::parse(text)?;
                Control::SetParameter { strategy: strategy()?, assignment }
            }
            14 => Control::FlattenStrategy {
                strategy: strategy()?,
                through_bps: u32::try_from(self.first).ok()?,
            },
            25 => Control::KillUser,
            _ => return self.control_of_account(text),
        })
    }
}
