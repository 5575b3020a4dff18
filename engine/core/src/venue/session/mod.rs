//! The session clock: which phase an instrument is in, when that changes, and what it takes.
//!
//! A [`DaySession`] is built once for a class of instruments and a date from dated rows (rule 2.2),
//! with random closes drawn from a seed; a market-wide halt cuts into it. After that a lookup is a
//! search over some ten spans and nothing allocates.

mod block;
mod phase;
mod random;
#[cfg(test)]
mod tests;

use core::fmt;

pub use block::{BlockClass, BlockRefusal, BlockSession, BlockWindow};
pub use phase::{OrderAction, OrderRules, OrderTerms, OrderType, Phase, PhaseTask, SessionRefusal};
use tezi_model::{Nanos, Segment};

use self::random::Draw;
use super::breaker::{Halt, Reopening};
use super::calendar::Calendar;
use super::rules::{ClosingTimes, DayKind, MissingRule, PreOpenTimes, Rules, key};
use super::{Date, TimeOfDay, segment_scope};

/// Halts of a day at most: one for each level of the circuit breaker (1.9).
const HALTS_MAX: u8 = 3;

/// Spans of a day at most: thirteen as planned, and six more for each halt.
const SPANS_MAX: usize = 13 + 6 * HALTS_MAX as usize;

/// Instruments that share a timetable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionClass {
    /// A share with derivatives on any exchange: it has a closing auction (2.4).
    CasStock,
    /// Any other share, and ETFs.
    Stock,
    /// A share on the first day of its listing or relisting: the special pre-open (2.3).
    NewListing,
    /// A future of the current month.
    FutureNear,
    /// A future of the next month: in the pre-open only shortly before the current one expires.
    FutureNext {
        /// When the current month's future expires.
        near_expiry: Date,
    },
    /// A future beyond that.
    FutureFar,
    /// An option.
    Option,
    /// A calendar spread.
    Spread,
}

impl SessionClass {
    const fn is_cash(self) -> bool {
        matches!(self, Self::CasStock | Self::Stock | Self::NewListing)
    }

    const fn scope(self) -> &'static str {
        match self {
            Self::CasStock => "/cas",
            Self::Stock => "",
            Self::NewListing => "/special",
            Self::FutureNear | Self::FutureNext { .. } | Self::FutureFar => "/future",
            Self::Option => "/option",
            Self::Spread => "/spread",
        }
    }
}

/// Whose timetable, and of which day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionQuery {
    /// The segment.
    pub segment: Segment,
    /// The class of the instrument.
    pub class: SessionClass,
    /// The date.
    pub date: Date,
    /// Whether the underlying goes ex a scheme of arrangement on this date: its futures have no
    /// pre-open then (2.3).
    pub scheme_ex_date: bool,
}

/// Why a timetable cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionError {
    /// No rules of this segment are kept here.
    Segment(Segment),
    /// A share in a derivatives segment, or the reverse.
    Class,
    /// A row is missing. On a special day (Muhurat) the hours must come from an overlay.
    Missing(MissingRule),
    /// The rows of the date contradict each other: this phase begins before the one it follows.
    Order(Phase),
    /// A fourth halt: the circuit breaker has three levels, each once a day.
    TooManyHalts,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment(segment) => write!(f, "no session rules for segment {}", segment.name()),
            Self::Class => f.write_str("the class of instrument does not trade in the segment"),
            Self::Missing(missing) => missing.fmt(f),
            Self::Order(phase) => write!(f, "{phase} would begin before the phase it follows"),
            Self::TooManyHalts => f.write_str("a day has one halt for each of three levels"),
        }
    }
}

impl core::error::Error for SessionError {}

impl From<MissingRule> for SessionError {
    fn from(missing: MissingRule) -> Self {
        Self::Missing(missing)
    }
}

/// A phase from its start to the start of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseSpan {
    /// When it begins.
    pub start: Nanos,
    /// What it is.
    pub phase: Phase,
}

/// The timetable of one class of instruments on one day.
///
/// # Invariants
///
/// - Starts rise strictly; before the first the market is closed, the last phase is `Closed`.
#[derive(Clone, Debug)]
pub struct DaySession {
    query: SessionQuery,
    seed: u64,
    orders: OrderRules,
    preopen: Option<PreOpenTimes>,
    halts: u8,
    spans: Vec<PhaseSpan>,
    /// The other half of `apply_halt`, kept so that a halt allocates nothing.
    scratch: Vec<PhaseSpan>,
}

impl DaySession {
    /// Builds the timetable. On a day without trading it is empty.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when the class does not fit the segment, or rows are missing or contradict
    /// each other.
    pub fn new(rules: &Rules, query: SessionQuery, seed: u64) -> Result<Self, SessionError> {
        let segment = segment_scope(query.segment).ok_or(SessionError::Segment(query.segment))?;
        if query.class.is_cash() != segment.ends_with("cm") {
            return Err(SessionError::Class);
        }
        let calendar = Calendar::new(rules, segment.split('/').next().unwrap_or(segment));
        let kind = calendar.day(query.date);
        let special = if kind == DayKind::Special { "special/" } else { "" };
        let plain_scope = format!("{segment}{}", query.class.scope());
        let orders = OrderRules::new(rules, &plain_scope, query.date)?;
        let mut day = Self {
            query,
            seed,
            orders,
            preopen: None,
            halts: 0,
            spans: Vec::with_capacity(SPANS_MAX),
            scratch: Vec::with_capacity(SPANS_MAX),
        };
        if kind != DayKind::Closed {
            let scope = format!("{special}{plain_scope}");
            if takes_part_in_preopen(rules, &calendar, segment, query) {
                day.preopen = rules.find(key::SESSION_PREOPEN, &scope, query.date).copied();
            }
            day.plan(rules, &scope)?;
        }
        Ok(day)
    }

    /// The phase at a point in time. O(log spans).
    #[inline]
    #[must_use]
    pub fn phase_at(&self, now: Nanos) -> Phase {
        let after = self.spans.partition_point(|span| span.start <= now);
        after.checked_sub(1).map_or(Phase::Closed, |index| self.spans[index].phase)
    }

    /// When the phase next changes, `None` after the last change of the day.
    #[inline]
    #[must_use]
    pub fn next_change(&self, now: Nanos) -> Option<Nanos> {
        let after = self.spans.partition_point(|span| span.start <= now);
        self.spans.get(after).map(|span| span.start)
    }

    /// Whether a request is taken now.
    ///
    /// # Errors
    ///
    /// The first [`SessionRefusal`] that applies.
    #[inline]
    pub fn check(&self, now: Nanos, action: OrderAction) -> Result<(), SessionRefusal> {
        self.phase_at(now).check(self.orders, action)
    }

    /// Every phase of the day, in order.
    #[must_use]
    pub fn spans(&self) -> &[PhaseSpan] {
        &self.spans
    }

    /// Which order terms exist for this class on this day.
    #[must_use]
    pub const fn order_rules(&self) -> OrderRules {
        self.orders
    }

    /// Cuts a market-wide halt into the timetable (1.9). After the halt, instruments that have a
    /// pre-open go through one of the length the halt names, divided as the day's own was (a
    /// choice, no text was seen); the others wait for its end. When the halt reaches the end of
    /// continuous trading the day is over, closing auction and all. O(spans); allocates nothing.
    ///
    /// # Errors
    ///
    /// [`SessionError::TooManyHalts`] after three; nothing changes then.
    pub fn apply_halt(&mut self, halt: Halt) -> Result<(), SessionError> {
        if self.halts == HALTS_MAX {
            return Err(SessionError::TooManyHalts);
        }
        self.halts += 1;
        self.scratch.clear();
        self.scratch.extend(self.spans.iter().filter(|span| span.start < halt.from));
        let is_continuous = |time| self.phase_at(time) == Phase::Continuous;
        let resume = halt.reopen.filter(|reopen| is_continuous(reopen.auction_end));
        let phase = if resume.is_some() { Phase::Halted } else { Phase::Closed };
        self.scratch.push(PhaseSpan { start: halt.from, phase });
        if let Some(reopen) = resume {
            let later = self.spans.partition_point(|span| span.start <= reopen.auction_end);
            self.plan_reopening(reopen);
            self.scratch.extend(&self.spans[later..]);
        }
        core::mem::swap(&mut self.spans, &mut self.scratch);
        assert!(self.spans.len() <= SPANS_MAX, "a halt adds six spans at most");
        debug_assert!(self.is_consistent(), "starts rise after a halt");
        Ok(())
    }

    /// Checks every invariant by brute force. For tests; O(spans).
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        self.spans.is_sorted_by(|a, b| a.start < b.start)
            && self.spans.last().is_none_or(|span| span.phase == Phase::Closed)
    }

    fn plan(&mut self, rules: &Rules, scope: &str) -> Result<(), SessionError> {
        let date = self.query.date;
        let continuous = *rules.get(key::SESSION_CONTINUOUS, scope, date)?;
        if let Some(times) = self.preopen {
            self.plan_preopen(times)?;
        }
        self.push(continuous.start, Phase::Continuous)?;
        self.push(continuous.end, Phase::Recess)?;
        if self.query.class == SessionClass::CasStock
            && let Some(times) = rules.find(key::SESSION_CLOSING, scope, date)
        {
            self.plan_closing(*times)?;
        }
        if self.query.class.is_cash()
            && let Some(hours) = rules.find(key::SESSION_POST_CLOSE, scope, date)
        {
            self.push(hours.start, Phase::PostClose)?;
            self.push(hours.end, Phase::Closed)?;
        } else if let Some(last) = self.spans.last_mut() {
            last.phase = Phase::Closed;
        }
        Ok(())
    }

    fn plan_preopen(&mut self, times: PreOpenTimes) -> Result<(), SessionError> {
        let closes = self.draw(Draw::PreOpen as u8, [times.random, times.end]);
        self.push(times.start, Phase::PreOpenEntry)?;
        if self.query.date.at(times.limit_only) < closes {
            self.push(times.limit_only, Phase::PreOpenLimitOnly)?;
        }
        self.push_at(closes, Phase::PreOpenMatch)?;
        self.push(times.matched, Phase::PreOpenBuffer)
    }

    fn plan_closing(&mut self, times: ClosingTimes) -> Result<(), SessionError> {
        let closes = self.draw(Draw::Closing as u8, [times.random, times.end]);
        self.push(times.start, Phase::ClosingReference)?;
        self.push(times.entry, Phase::ClosingEntry)?;
        if self.query.date.at(times.limit_only) < closes {
            self.push(times.limit_only, Phase::ClosingLimitOnly)?;
        }
        self.push_at(closes, Phase::ClosingMatch)?;
        self.push(times.matched, Phase::Recess)
    }

    /// Appends the call auction after a halt to `scratch`.
    fn plan_reopening(&mut self, reopen: Reopening) {
        let Reopening { halt_end, auction_end } = reopen;
        let scratch = &mut self.scratch;
        let mut push = |start, phase| match scratch.last_mut() {
            Some(last) if start <= last.start => last.phase = phase,
            _ => scratch.push(PhaseSpan { start, phase }),
        };
        if let Some(times) = self.preopen {
            let length = i64::from(times.open.seconds() - times.start.seconds());
            let at = |time: TimeOfDay| {
                let part = i64::from(time.seconds() - times.start.seconds());
                halt_end.plus(auction_end.since(halt_end) / length * part)
            };
            let draw = Draw::Reopen as u8 + self.halts;
            let window = [at(times.random), at(times.end)];
            let (date, segment) = (self.query.date, self.query.segment);
            let closes = random::instant(self.seed, date, segment, draw, window);
            push(halt_end, Phase::PreOpenEntry);
            if at(times.limit_only) < closes {
                push(at(times.limit_only), Phase::PreOpenLimitOnly);
            }
            push(closes, Phase::PreOpenMatch);
            push(at(times.matched), Phase::PreOpenBuffer);
        }
        push(auction_end, Phase::Continuous);
    }

    fn draw(&self, draw: u8, window: [TimeOfDay; 2]) -> Nanos {
        let window = window.map(|time| self.query.date.at(time));
        random::instant(self.seed, self.query.date, self.query.segment, draw, window)
    }

    fn push(&mut self, time: TimeOfDay, phase: Phase) -> Result<(), SessionError> {
        self.push_at(self.query.date.at(time), phase)
    }

    /// Appends a phase; one that begins where the last does takes its place.
    fn push_at(&mut self, start: Nanos, phase: Phase) -> Result<(), SessionError> {
        if let Some(last) = self.spans.last_mut() {
            if start < last.start {
                return Err(SessionError::Order(phase));
            }
            if start == last.start {
                last.phase = phase;
                return Ok(());
            }
        }
        self.spans.push(PhaseSpan { start, phase });
        Ok(())
    }
}

impl OrderRules {
    /// The rules of a scope on a date.
    ///
    /// # Errors
    ///
    /// [`MissingRule`] when a row that must be there is not.
    pub fn new(rules: &Rules, scope: &str, date: Date) -> Result<Self, MissingRule> {
        Ok(Self {
            stop_limit: *rules.get(key::ORDER_STOP_LIMIT, scope, date)?,
            stop_market: *rules.get(key::ORDER_STOP_MARKET, scope, date)?,
            disclosed: rules.find(key::DISCLOSED_MIN, scope, date).is_some(),
            post_close_limit: rules
                .find(key::ORDER_POST_CLOSE_LIMIT, scope, date)
                .copied()
                .unwrap_or(false),
        })
    }
}

/// Rule 2.3: every share; of futures the current month, and the next in the last days before that
/// expires; never options, spreads, far months, or futures on the ex-date of a scheme.
fn takes_part_in_preopen(
    rules: &Rules,
    calendar: &Calendar<'_>,
    segment: &str,
    query: SessionQuery,
) -> bool {
    match query.class {
        SessionClass::CasStock | SessionClass::Stock | SessionClass::NewListing => true,
        SessionClass::FutureNear => !query.scheme_ex_date,
        SessionClass::FutureNext { near_expiry } => {
            let days = rules.find(key::PREOPEN_NEXT_MONTH_DAYS, segment, query.date);
            let left = u64::from(calendar.trading_days(query.date, near_expiry));
            !query.scheme_ex_date && days.is_some_and(|days| 0 < left && left <= *days)
        }
        SessionClass::FutureFar | SessionClass::Option | SessionClass::Spread => false,
    }
}
