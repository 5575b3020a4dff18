//! What goes between the control thread and the core: one request at a time, one answer each.

use std::time::{Duration, Instant};

use bytemuck::{Pod, Zeroable};
use tezi_core::control::{Assignment, Control, ControlError, ControlRecord, Limit, ParameterError};
use tezi_core::roster::StopCause;
use tezi_model::{Instrument, InstrumentId, Segment, Token};
use tezi_ring::{Consumer, Producer, ring};

use crate::error::Error;
use crate::records::{ControlEntry, WHO_MAX, WHY_MAX};

/// Positions told at once.
pub(super) const HELD_MAX: usize = 16;
/// Strategies told at once.
pub(super) const STANDINGS_MAX: usize = 16;
/// Instruments looked at for them, so that the core is held up for a few microseconds at most.
pub(super) const LOOK_MAX: u32 = 512;
/// How long the control thread waits for the core.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is asked of the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum AskKind {
    /// To act.
    Act = 1,
    /// How everything stands.
    Status = 2,
    /// Positions, from an instrument on.
    Positions = 3,
    /// The number of an instrument.
    Find = 4,
    /// To begin a new segment of the journal.
    Rotate = 5,
    /// How strategies stand, from one on.
    Strategies = 6,
    /// How accounts stand, from one on.
    Accounts = 7,
}

/// A request as the ring carries it.
#[derive(Clone, Copy, Zeroable)]
#[repr(C)]
pub(crate) struct Ask {
    kind_code: u32,
    uid: u32,
    control: ControlRecord,
    pub(super) from: u32,
    pub(super) token: u32,
    segment_code: u32,
    who_length: u16,
    why_length: u16,
    who: [u8; WHO_MAX],
    why: [u8; WHY_MAX],
    text_length: u16,
    /// [`Control::text`].
    text: [u8; Assignment::BYTES_MAX],
}

impl Ask {
    pub(super) fn new(kind: AskKind) -> Self {
        Self { kind_code: kind as u32, ..Self::zeroed() }
    }

    pub(super) fn act(entry: &ControlEntry) -> Self {
        let mut ask = Self::new(AskKind::Act);
        ask.uid = entry.uid;
        ask.control = ControlRecord::from(&entry.control);
        ask.who_length = copy(&entry.who, &mut ask.who);
        ask.why_length = copy(&entry.why, &mut ask.why);
        ask.text_length = copy(entry.control.text(), &mut ask.text);
        ask
    }

    pub(super) fn find(segment: Segment, token: Token) -> Self {
        let segment_code = u32::from(segment as u8);
        Self { segment_code, token: token.0, ..Self::new(AskKind::Find) }
    }

    pub(super) fn strategies(from: u32) -> Self {
        Self { from, ..Self::new(AskKind::Strategies) }
    }

    pub(super) fn accounts(from: u32) -> Self {
        Self { from, ..Self::new(AskKind::Accounts) }
    }

    pub(super) fn positions(from: u32) -> Self {
        Self { from, ..Self::new(AskKind::Positions) }
    }

    pub(super) fn kind(&self) -> Option<AskKind> {
        use AskKind::{Accounts, Act, Find, Positions, Rotate, Status, Strategies};
        let all = [Act, Status, Positions, Find, Rotate, Strategies, Accounts];
        all.into_iter().find(|it| *it as u32 == self.kind_code)
    }

    pub(super) fn segment(&self) -> Option<Segment> {
        u8::try_from(self.segment_code).ok().and_then(Segment::from_code)
    }

    /// Action, user, who and why.
    pub(super) fn action(&self) -> Option<(Control, u32, &[u8], &[u8])> {
        let who = self.who.get(..self.who_length.into())?;
        let why = self.why.get(..self.why_length.into())?;
        let text = self.text.get(..self.text_length.into())?;
        let control = self.control.control(core::str::from_utf8(text).ok()?)?;
        Some((control, self.uid, who, why))
    }
}

/// Copies as much of a text as there is room for, and whole letters only.
fn copy(text: &str, to: &mut [u8]) -> u16 {
    let mut length = text.len().min(to.len());
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    to[..length].copy_from_slice(&text.as_bytes()[..length]);
    length as u16
}

/// A position as an answer has it.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Held {
    pub(super) definition: Instrument,
    pub(super) net: i64,
    /// 10⁻⁸ rupees; 0 when flat.
    pub(super) average: i64,
    /// Paise.
    pub(super) realised: i64,
    /// Paise.
    pub(super) unrealised: i64,
}

/// Limits of one strategy or account, in the order in which an answer has them.
pub(super) const STANDING_LIMITS: [Limit; 5] =
    [Limit::Loss, Limit::Position, Limit::OpenOrders, Limit::OrderValue, Limit::OpenOrderValue];

/// A strategy or an account as an answer has it.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Standing {
    /// A code of [`StopCause`], 0 while it is not stopped.
    pub(super) stopped: i64,
    pub(super) asleep: i64,
    /// Of an account.
    pub(super) paused: i64,
    /// A code of `Restriction`, of an account.
    pub(super) restriction: i64,
    /// Paise, of an account.
    pub(super) open_value: i64,
    /// Paise.
    pub(super) profit: i64,
    pub(super) open_orders: i64,
    pub(super) new_orders: i64,
    pub(super) fills: i64,
    pub(super) refusals: i64,
    /// Loss, position, open orders; of an account order value and open order value as well.
    pub(super) limits: [i64; STANDING_LIMITS.len()],
}

impl Standing {
    /// A word for its state.
    pub(super) fn state(&self) -> String {
        let cause = u8::try_from(self.stopped).ok().and_then(StopCause::from_code);
        match cause {
            Some(cause) => format!("stopped-{}", cause.name()),
            None if self.asleep != 0 => "asleep".into(),
            None if self.paused != 0 => "paused".into(),
            None => "trading".into(),
        }
    }
}

/// How everything stands. Money is in paise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Figures {
    pub(super) time: i64,
    pub(super) exchange_time: i64,
    /// A code of `RejectReason`, 0 while trading is not stopped.
    pub(super) stopped: i64,
    pub(super) paused: i64,
    pub(super) sweeps: i64,
    pub(super) flattening: i64,
    /// 0 without an order session, 1 while it is down, 2 while it is live.
    pub(super) session: i64,
    pub(super) profit: i64,
    pub(super) drawdown: i64,
    pub(super) minute_loss: i64,
    /// 1 where margins are reckoned.
    pub(super) valued: i64,
    pub(super) margin: i64,
    pub(super) margin_worst: i64,
    pub(super) premium: i64,
    pub(super) reducing: i64,
    pub(super) open_orders: i64,
    pub(super) open_value: i64,
    pub(super) in_flight: i64,
    pub(super) instruments: i64,
    pub(super) events: i64,
    pub(super) new_orders: i64,
    pub(super) replaces: i64,
    pub(super) cancels: i64,
    pub(super) fills: i64,
    pub(super) refusals: i64,
    pub(super) messages_peak: i64,
    pub(super) controls: i64,
    /// Last sequence of the journal, 0 without one.
    pub(super) journal_records: i64,
    pub(super) journal_segments: i64,
    /// In order of [`Limit::ALL`].
    pub(super) limits: [i64; Limit::ALL.len()],
}

/// An answer as the ring carries it.
#[derive(Clone, Copy, Debug, Zeroable)]
#[repr(C)]
pub(crate) struct Told {
    error_code: u16,
    error_limit: u16,
    /// Of [`Told::held`].
    pub(super) count: u32,
    error_value: i64,
    /// Where positions go on; none do when it is 0.
    pub(super) next: u32,
    /// The number of an instrument and 1, 0 when there is none.
    pub(super) found: u32,
    /// The record of the journal, 0 without one.
    pub(super) sequence: u64,
    pub(super) figures: Figures,
    pub(super) held: [Held; HELD_MAX],
    pub(super) standings: [Standing; STANDINGS_MAX],
}

impl Told {
    pub(super) fn set_error(&mut self, error: ControlError) {
        (self.error_code, self.error_limit, self.error_value) = match error {
            ControlError::UnknownInstrument => (1, 0, 0),
            ControlError::Value { limit, value } => (2, limit as u16, value),
            ControlError::Range => (3, 0, 0),
            ControlError::Through => (4, 0, 0),
            ControlError::Busy => (5, 0, 0),
            ControlError::NotStopped => (6, 0, 0),
            ControlError::Stopped => (7, 0, 0),
            ControlError::UnknownStrategy => (8, 0, 0),
            ControlError::StrategyNotStopped => (9, 0, 0),
            ControlError::StrategyPanicked => (10, 0, 0),
            ControlError::NotOfStrategies(limit) => (11, limit as u16, 0),
            ControlError::Parameter(ParameterError::Unknown) => (12, 0, 0),
            ControlError::Parameter(ParameterError::Value) => (13, 0, 0),
            ControlError::UnknownAccount => (14, 0, 0),
            ControlError::AccountNotStopped => (15, 0, 0),
            ControlError::AccountStopped => (16, 0, 0),
            ControlError::NotOfAccounts(limit) => (17, limit as u16, 0),
            ControlError::Begun => (18, 0, 0),
            ControlError::AccountTwice => (19, 0, 0),
            ControlError::AccountsFull => (20, 0, 0),
        };
    }

    /// Why the action changed nothing, `None` when it did.
    pub(super) fn error(&self) -> Option<ControlError> {
        Some(match self.error_code {
            1 => ControlError::UnknownInstrument,
            2 => {
                let limit = Limit::from_code(self.error_limit)?;
                ControlError::Value { limit, value: self.error_value }
            }
            3 => ControlError::Range,
            4 => ControlError::Through,
            5 => ControlError::Busy,
            6 => ControlError::NotStopped,
            7 => ControlError::Stopped,
            8 => ControlError::UnknownStrategy,
            9 => ControlError::StrategyNotStopped,
            10 => ControlError::StrategyPanicked,
            11 => ControlError::NotOfStrategies(Limit::from_code(self.error_limit)?),
            12 => ControlError::Parameter(ParameterError::Unknown),
            13 => ControlError::Parameter(ParameterError::Value),
            14 => ControlError::UnknownAccount,
            15 => ControlError::AccountNotStopped,
            16 => ControlError::AccountStopped,
            17 => ControlError::NotOfAccounts(Limit::from_code(self.error_limit)?),
            18 => ControlError::Begun,
            19 => ControlError::AccountTwice,
            20 => ControlError::AccountsFull,
            _ => return None,
        })
    }

    pub(super) fn instrument(&self) -> Option<InstrumentId> {
        self.found.checked_sub(1).map(InstrumentId)
    }
}

/// The core's end.
pub(crate) struct CoreSeat {
    pub(super) asks: Consumer<Ask>,
    pub(super) answers: Producer<Told>,
}

impl CoreSeat {
    /// Whether nobody asks.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.asks.is_empty()
    }
}

/// The control thread's end.
pub(crate) struct ThreadSeat {
    asks: Producer<Ask>,
    answers: Consumer<Told>,
    number: u64,
}

/// Why the core did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// The session ends.
    Ending,
    /// It is busy with something else for seconds.
    Busy,
}

impl ThreadSeat {
    /// Asks the core and waits for its answer.
    pub(super) fn ask(&mut self, ask: &Ask) -> Result<Told, Silence> {
        self.number += 1;
        let asked = Instant::now();
        if self.asks.try_push(*ask, self.number).is_err() {
            return Err(Silence::Busy);
        }
        loop {
            // An answer that came too late for an earlier question is passed over.
            while let Some(item) = self.answers.pop() {
                if item.tag == self.number {
                    return Ok(item.payload);
                }
            }
            if self.answers.is_abandoned() {
                return Err(Silence::Ending);
            }
            let waited = asked.elapsed();
            if waited > PATIENCE {
                return Err(Silence::Busy);
            }
            if waited < Duration::from_micros(200) {
                std::thread::yield_now();
            } else {
                std::thread::sleep(Duration::from_micros(100));
            }
        }
    }
}

/// Both ends.
///
/// # Errors
///
/// [`Error::Parameter`] when a ring cannot be had.
pub(crate) fn control_link() -> Result<(CoreSeat, ThreadSeat), Error> {
    const SLOTS: usize = 8;
    let wrong = |error| Error::Parameter(format!("ring of the control plane: {error}"));
    let (ask, asks) = ring(SLOTS).map_err(wrong)?;
    let (answer, answers) = ring(SLOTS).map_err(wrong)?;
    let core = CoreSeat { asks, answers: answer };
    Ok((core, ThreadSeat { asks: ask, answers, number: 0 }))
}
