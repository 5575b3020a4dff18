//! What the host writes into a journal: record types, and the bytes of each.
//!
//! Inputs come first, in the order in which the core took them; the outputs an input caused follow
//! it, before the next input. Types and layouts are in `docs/wire/session.md`.

use bytemuck::{Pod, Zeroable};
use tezi_core::collateral::{ContractValuation, UnderlyingValuation, Valuation};
use tezi_core::control::{Control, ControlRecord};
use tezi_core::oms::OrderSessionState;
use tezi_core::roster::StrategyChange;
use tezi_core::{
    AccountChange, CoreConfig, Emitted, LimitUse, Opening, OpeningRecord, Origin, Output, Refusal,
    RiskReduction, Theoretical,
};
use tezi_journal::Record;
use tezi_model::{Event, ExecutionReport, Instrument, Nanos, OrderCommand};

/// Types of records. Numbers never change meaning.
pub(crate) struct RecordType;

impl RecordType {
    /// Text: engine, strategy, parameters, kernel. The first record.
    pub(crate) const SESSION: u16 = 1;
    /// A [`CoreConfig`]. The second record.
    pub(crate) const CONFIG: u16 = 2;
    /// An [`Instrument`] known from a master file.
    pub(crate) const INSTRUMENT: u16 = 3;
    /// The session begins.
    pub(crate) const START: u16 = 4;
    /// An [`Event`].
    pub(crate) const EVENT: u16 = 5;
    /// An [`ExecutionReport`] of a venue outside the core.
    pub(crate) const REPORT: u16 = 6;
    /// The session ends.
    pub(crate) const STOP: u16 = 7;
    /// An [`OrderSessionState`], in the first of 8 bytes.
    pub(crate) const ORDER_SESSION: u16 = 8;
    /// What an operator did: a [`ControlHead`], then who and why, then [`Control::text`].
    pub(crate) const CONTROL: u16 = 9;
    /// Text as of [`RecordType::SESSION`]: another process takes the session up again from here.
    pub(crate) const RESUME: u16 = 10;
    /// An [`ExecutionReport`] of an own trade that the exchange took back.
    pub(crate) const TRADE_CANCEL: u16 = 11;
    /// An [`UnderlyingValuation`].
    pub(crate) const UNDERLYING: u16 = 12;
    /// A [`ContractValuation`].
    pub(crate) const CONTRACT: u16 = 13;
    /// An [`OpeningRecord`].
    pub(crate) const OPENING: u16 = 14;
    /// Output: an [`OrderCommand`].
    pub(crate) const COMMAND: u16 = 16;
    /// Output: a [`Refusal`].
    pub(crate) const REFUSAL: u16 = 17;
    /// Output: an [`ExecutionReport`] of the simulated venue.
    pub(crate) const VENUE_REPORT: u16 = 18;
    /// Output: the time of a timer.
    pub(crate) const TIMER: u16 = 19;
    /// Output: the strategy stopped trading.
    pub(crate) const KILL: u16 = 20;
    /// Output: a [`StrategyChange`].
    pub(crate) const STRATEGY: u16 = 21;
    /// Output: a [`Theoretical`].
    pub(crate) const THEORETICAL: u16 = 22;
    /// Output: a [`RiskReduction`].
    pub(crate) const RISK_REDUCTION: u16 = 23;
    /// Output: a [`LimitUse`].
    pub(crate) const LIMIT_USE: u16 = 24;
    /// Output: an [`AccountChange`].
    pub(crate) const ACCOUNT: u16 = 25;
    /// The state hash after everything before it; the last record of a session that ended well.
    pub(crate) const END: u16 = 32;
}

/// The name of a record's type, in snake case; `None` for a type that this version does not know.
#[must_use]
pub const fn record_type_name(record_type: u16) -> Option<&'static str> {
    Some(match record_type {
        RecordType::SESSION => "session",
        RecordType::CONFIG => "config",
        RecordType::INSTRUMENT => "instrument",
        RecordType::START => "start",
        RecordType::EVENT => "event",
        RecordType::REPORT => "report",
        RecordType::STOP => "stop",
        RecordType::ORDER_SESSION => "order_session",
        RecordType::CONTROL => "control",
        RecordType::RESUME => "resume",
        RecordType::TRADE_CANCEL => "trade_cancel",
        RecordType::UNDERLYING => "underlying",
        RecordType::CONTRACT => "contract",
        RecordType::OPENING => "opening",
        RecordType::COMMAND => "command",
        RecordType::REFUSAL => "refusal",
        RecordType::VENUE_REPORT => "venue_report",
        RecordType::TIMER => "timer",
        RecordType::KILL => "kill",
        RecordType::STRATEGY => "strategy",
        RecordType::THEORETICAL => "theoretical",
        RecordType::RISK_REDUCTION => "risk_reduction",
        RecordType::LIMIT_USE => "limit_use",
        RecordType::ACCOUNT => "account",
        RecordType::END => "end",
        _ => return None,
    })
}

/// Bytes of the name of who acts.
pub(crate) const WHO_MAX: usize = 64;
/// Bytes of the reason.
pub(crate) const WHY_MAX: usize = 256;

/// What an operator did, by whom, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlEntry {
    /// The action.
    pub control: Control,
    /// The user, by number.
    pub uid: u32,
    /// The user, by name; both users, where two were needed.
    pub who: String,
    /// The reason given.
    pub why: String,
}

/// The head of a record of an action.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct ControlHead {
    pub(crate) record: ControlRecord,
    pub(crate) uid: u32,
    pub(crate) who_length: u16,
    pub(crate) why_length: u16,
}

impl ControlEntry {
    fn read(payload: &[u8]) -> Option<Self> {
        let (head, texts) = payload.split_at_checked(size_of::<ControlHead>())?;
        let head: ControlHead = pod(head)?;
        let (who, why) = texts.split_at_checked(head.who_length.into())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (why, behind) = why.split_at_checked(head.why_length.into())?;
        let control = head.record.control(core::str::from_utf8(behind).ok()?)?;
        Some(Self { control, uid: head.uid, who: text(who), why: text(why) })
    }
}

/// A record as the host understands it.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// Who runs: lines of `key value`.
    Session(String),
    /// Another process took the session up here: lines as of `Session`. The core does not act on it.
    Resume(String),
    /// The configuration of the core.
    Config(CoreConfig),
    /// An instrument known from the start.
    Instrument(Box<Instrument>),
    /// The session begins.
    Start,
    /// A market event, or the clock.
    Event(Event),
    /// A report of a venue outside the core.
    Report(ExecutionReport),
    /// The exchange took back an own trade: its number, price and quantity. The order's own number is 0
    /// where only the exchange's is known.
    TradeCanceled(ExecutionReport),
    /// The order session is live, or is not.
    OrderSession(OrderSessionState),
    /// A line of a risk file.
    Valuation(Box<Valuation>),
    /// What the session begins with: positions held since an earlier day.
    Opening(Opening),
    /// An operator acted.
    Control(Box<ControlEntry>),
    /// The session ends.
    Stop,
    /// What the core said back, and who caused it.
    Output(Emitted),
    /// The state hash at the end.
    End(u64),
    /// A type that this version does not know.
    Unknown(u16),
}

impl Entry {
    /// Whether the core acts on it.
    #[must_use]
    pub const fn is_input(&self) -> bool {
        matches!(
            self,
            Self::Instrument(_)
                | Self::Start
                | Self::Event(_)
                | Self::Report(_)
                | Self::TradeCanceled(_)
                | Self::OrderSession(_)
                | Self::Opening(_)
                | Self::Control(_)
                | Self::Stop
        )
    }

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// A sentence, when the payload is not what the type says.
    pub fn read(record: &Record<'_>) -> Result<Self, String> {
        let payload = record.payload;
        let output = |output| Self::Output(Emitted { origin: Origin(record.flags), output });
        let wrong = || format!("type {} with {} bytes", record.record_type, payload.len());
        Ok(match record.record_type {
            RecordType::SESSION => Self::Session(String::from_utf8_lossy(payload).into_owned()),
            RecordType::RESUME => Self::Resume(String::from_utf8_lossy(payload).into_owned()),
            RecordType::CONFIG => Self::Config(pod(payload).ok_or_else(wrong)?),
            RecordType::INSTRUMENT => Self::Instrument(Box::new(pod(payload).ok_or_else(wrong)?)),
            RecordType::START => Self::Start,
            RecordType::EVENT => Self::Event(pod(payload).ok_or_else(wrong)?),
            RecordType::REPORT => Self::Report(pod(payload).ok_or_else(wrong)?),
            RecordType::TRADE_CANCEL => Self::TradeCanceled(pod(payload).ok_or_else(wrong)?),
            RecordType::ORDER_SESSION => {
                let [code, ..] = pod::<[u8; 8]>(payload).ok_or_else(wrong)?;
                let state = OrderSessionState::from_code(code);
                Self::OrderSession(state.ok_or_else(|| format!("order session state {code}"))?)
            }
            RecordType::CONTROL => {
                Self::Control(Box::new(ControlEntry::read(payload).ok_or_else(wrong)?))
            }
            RecordType::OPENING => {
                let it: OpeningRecord = pod(payload).ok_or_else(wrong)?;
                let opening = it.opening();
                Self::Opening(opening.ok_or_else(|| format!("opening kind {}", it.kind_code))?)
            }
            RecordType::STOP => Self::Stop,
            RecordType::COMMAND => {
                output(Output::Command(pod::<OrderCommand>(payload).ok_or_else(wrong)?))
            }
            RecordType::REFUSAL => {
                output(Output::Refusal(pod::<Refusal>(payload).ok_or_else(wrong)?))
            }
            RecordType::VENUE_REPORT => {
                output(Output::Report(pod::<ExecutionReport>(payload).ok_or_else(wrong)?))
            }
            RecordType::TIMER => output(Output::Timer(pod::<Nanos>(payload).ok_or_else(wrong)?)),
            RecordType::KILL => output(Output::Kill),
            RecordType::STRATEGY => {
                output(Output::Strategy(pod::<StrategyChange>(payload).ok_or_else(wrong)?))
            }
            RecordType::THEORETICAL => {
                output(Output::Theoretical(pod::<Theoretical>(payload).ok_or_else(wrong)?))
            }
            RecordType::RISK_REDUCTION => {
                output(Output::RiskReduction(pod::<RiskReduction>(payload).ok_or_else(wrong)?))
            }
            RecordType::LIMIT_USE => {
                output(Output::LimitUse(pod::<LimitUse>(payload).ok_or_else(wrong)?))
            }
            RecordType::ACCOUNT => {
                output(Output::Account(pod::<AccountChange>(payload).ok_or_else(wrong)?))
            }
            RecordType::UNDERLYING => {
                let it = pod::<UnderlyingValuation>(payload).ok_or_else(wrong)?;
                Self::Valuation(Box::new(Valuation::Underlying(it)))
            }
            RecordType::CONTRACT => {
                let it = pod::<ContractValuation>(payload).ok_or_else(wrong)?;
                Self::Valuation(Box::new(Valuation::Contract(it)))
            }
            RecordType::END => Self::End(pod(payload).ok_or_else(wrong)?),
            unknown => Self::Unknown(unknown),
        })
    }
}

/// The type and bytes of an output.
#[inline]
pub(crate) fn output_bytes(output: &Output) -> (u16, &[u8]) {
    match output {
        Output::Command(command) => (RecordType::COMMAND, bytemuck::bytes_of(command)),
        Output::Refusal(refusal) => (RecordType::REFUSAL, bytemuck::bytes_of(refusal)),
        Output::Report(report) => (RecordType::VENUE_REPORT, bytemuck::bytes_of(report)),
        Output::Timer(at) => (RecordType::TIMER, bytemuck::bytes_of(at)),
        Output::Kill => (RecordType::KILL, &[]),
        Output::Strategy(change) => (RecordType::STRATEGY, bytemuck::bytes_of(change)),
        Output::Theoretical(said) => (RecordType::THEORETICAL, bytemuck::bytes_of(said)),
        Output::RiskReduction(change) => (RecordType::RISK_REDUCTION, bytemuck::bytes_of(change)),
        Output::Account(change) => (RecordType::ACCOUNT, bytemuck::bytes_of(change)),
        Output::LimitUse(told) => (RecordType::LIMIT_USE, bytemuck::bytes_of(told)),
    }
}

/// The type and bytes of a line of a risk file.
pub(crate) fn valuation_bytes(valuation: &Valuation) -> (u16, &[u8]) {
    match valuation {
        Valuation::Underlying(it) => (RecordType::UNDERLYING, bytemuck::bytes_of(it)),
        Valuation::Contract(it) => (RecordType::CONTRACT, bytemuck::bytes_of(it)),
    }
}

fn pod<T: Pod>(bytes: &[u8]) -> Option<T> {
    bytemuck::try_pod_read_unaligned(bytes).ok()
}
