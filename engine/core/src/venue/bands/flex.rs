//! Dynamic price bands: they move after enough trading near their edge (SEBI 24 May 2024 /58).
//!
//! A band starts ±10 % around the previous close. When trading within 0.10 % of an edge is broad
//! enough (trades, clients and members on each side), a cooling-off begins; at its end the edge
//! moves by a step and, where bands slide, the opposite edge moves along. Orders left outside leave
//! the book. ETFs use the same machine with their own rows: no sliding, twice at most, one way.

use core::fmt;

use tezi_model::{Nanos, Px};

use super::PriceBand;
use crate::venue::rules::{FlexEvidence, FlexSteps, MissingRule, Rules, Window, key};
use crate::venue::{Date, Rate, TimeOfDay};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Which way a band moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Up: trading at the upper edge.
    Up,
    /// Down: trading at the lower edge.
    Down,
}

/// Trading at or beyond the trigger price since the band last moved. Distinct clients and members
/// are counted by the venue: `[buyers, sellers]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turnover {
    /// Trades, in the cash market or the current month's future, on any exchange.
    pub trades: u32,
    /// Distinct clients (UCC).
    pub clients: [u32; 2],
    /// Distinct trading members.
    pub members: [u32; 2],
}

impl Turnover {
    /// Whether it is broad enough on each side.
    #[must_use]
    pub fn satisfies(&self, evidence: &FlexEvidence) -> bool {
        self.trades >= evidence.trades
            && self.clients.iter().all(|clients| *clients >= evidence.clients)
            && self.members.iter().all(|members| *members >= evidence.members)
    }
}

/// Why a band does not start to move, the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum FlexRefusal {
    /// The band of this instrument never moves, or has moved as often as it may.
    Exhausted = 1,
    /// It moved the other way before and may not turn.
    OtherDirection = 2,
    /// A cooling-off is running already.
    Cooling = 3,
    /// Bands do not move at this time of day.
    Suspended = 4,
    /// Not enough trades, clients or members.
    NotEnough = 5,
}

impl fmt::Display for FlexRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Exhausted => "the band does not move any more today",
            Self::OtherDirection => "the band has moved the other way and may not turn",
            Self::Cooling => "a cooling-off is running",
            Self::Suspended => "bands do not move at this time of day",
            Self::NotEnough => "too few trades, clients or members near the edge",
        })
    }
}

impl core::error::Error for FlexRefusal {}

/// The rows of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlexRules {
    start: Rate,
    trigger: Rate,
    evidence: FlexEvidence,
    steps: Option<FlexSteps>,
    slides: bool,
    /// Moves of a day at most, all one way.
    max: Option<u64>,
    late: Window,
    suspended: Option<Window>,
}

impl FlexRules {
    /// The rows of a scope: `NSE/cm` for shares with derivatives, `NSE/cm/etf`,
    /// `NSE/cm/etf/overnight`.
    ///
    /// # Errors
    ///
    /// [`MissingRule`] when a row that must be there is not.
    pub fn new(rules: &Rules, scope: &str, date: Date) -> Result<Self, MissingRule> {
        Ok(Self {
            start: *rules.get(key::BAND_DYNAMIC_START, scope, date)?,
            trigger: *rules.get(key::BAND_DYNAMIC_TRIGGER, scope, date)?,
            evidence: *rules.get(key::BAND_DYNAMIC_EVIDENCE, scope, date)?,
            steps: rules.find(key::BAND_DYNAMIC_STEPS, scope, date).cloned(),
            slides: *rules.get(key::BAND_DYNAMIC_SLIDES, scope, date)?,
            max: rules.find(key::BAND_DYNAMIC_MAX, scope, date).copied(),
            late: *rules.get(key::BAND_DYNAMIC_LATE, scope, date)?,
            suspended: rules.find(key::BAND_DYNAMIC_SUSPENDED, scope, date).copied(),
        })
    }

    fn is_suspended(&self, time: TimeOfDay) -> bool {
        self.suspended.is_some_and(|window| window.contains(time))
    }
}

/// A cooling-off. While it runs, options of the share have a cap (up) or a floor (down) at the
/// band's edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cooling {
    /// Which way the band is going to move.
    pub direction: Direction,
    /// When it does.
    pub until: Nanos,
}

/// The band moved: orders outside of it leave the book, unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BandMove {
    /// The new band.
    pub band: PriceBand,
    /// Which way it moved.
    pub direction: Direction,
    /// Its number within the day, counted from 1. Moves of both directions count together: a
    /// choice, no text was seen.
    pub number: u32,
}

/// The dynamic band of one instrument on one day.
///
/// # Invariants
///
/// - `low < high`, both fractions of the base price.
/// - Where bands slide, `high - low` never changes.
#[derive(Clone, Debug)]
pub struct FlexBand {
    rules: FlexRules,
    base: Px,
    tick: Px,
    /// The lower edge, a negative fraction of the base price at the start.
    low: Rate,
    high: Rate,
    moves: u32,
    last: Option<Direction>,
    cooling: Option<Cooling>,
}

impl FlexBand {
    /// The band at the start of the day, around the base price: the previous close, or for an ETF
    /// what [`super::etf_base`] says.
    #[must_use]
    pub fn new(rules: FlexRules, base: Px, tick: Px) -> Self {
        let (low, high) = (Rate(-rules.start.0), rules.start);
        Self { rules, base, tick, low, high, moves: 0, last: None, cooling: None }
    }

    /// The band now.
    #[must_use]
    pub fn band(&self) -> PriceBand {
        let edge = |rate: Rate| self.base + rate.of(self.base);
        PriceBand::between(edge(self.low), edge(self.high), self.tick)
    }

    /// The price at or beyond which trading counts towards the next move that way: 9.90 % at the
    /// start, then 14.90 % and so on.
    #[must_use]
    pub fn trigger_price(&self, direction: Direction) -> Px {
        let rate = match direction {
            Direction::Up => Rate(self.high.0 - self.rules.trigger.0),
            Direction::Down => Rate(self.low.0 + self.rules.trigger.0),
        };
        self.base + rate.of(self.base)
    }

    /// The cooling-off that is running.
    #[must_use]
    pub const fn cooling(&self) -> Option<Cooling> {
        self.cooling
    }

    /// Trading near an edge, as counted so far: starts a cooling-off when it is broad enough.
    ///
    /// # Errors
    ///
    /// The first [`FlexRefusal`] that applies; nothing changes then.
    pub fn on_turnover(
        &mut self,
        now: Nanos,
        direction: Direction,
        turnover: &Turnover,
    ) -> Result<Cooling, FlexRefusal> {
        let cooling = self.next_cooling(now, direction)?;
        if !turnover.satisfies(&self.rules.evidence) {
            return Err(FlexRefusal::NotEnough);
        }
        self.cooling = Some(cooling);
        Ok(cooling)
    }

    /// Another exchange found the trading broad enough: bands move together on all of them.
    ///
    /// # Errors
    ///
    /// The first [`FlexRefusal`] that applies; nothing changes then.
    pub fn on_notice(&mut self, now: Nanos, direction: Direction) -> Result<Cooling, FlexRefusal> {
        let cooling = self.next_cooling(now, direction)?;
        self.cooling = Some(cooling);
        Ok(cooling)
    }

    /// Time passed: moves the band when its cooling-off is over. A move that would fall into the
    /// time when bands stand still is dropped (a choice, no text was seen).
    pub fn on_timer(&mut self, now: Nanos) -> Option<BandMove> {
        let cooling = self.cooling.take_if(|cooling| cooling.until <= now)?;
        if self.rules.is_suspended(TimeOfDay::of(cooling.until)) {
            return None;
        }
        let number = self.moves + 1;
        let step = self.rules.steps.as_ref()?.at(number).step;
        let (low, high) = match cooling.direction {
            Direction::Up => (if self.rules.slides { step.0 } else { 0 }, step.0),
            Direction::Down => (-step.0, if self.rules.slides { -step.0 } else { 0 }),
        };
        self.low = Rate(self.low.0 + low);
        self.high = Rate(self.high.0 + high);
        self.moves = number;
        self.last = Some(cooling.direction);
        assert!(self.low < self.high, "the edges of a band stay in order");
        Some(BandMove { band: self.band(), direction: cooling.direction, number })
    }

    fn next_cooling(&self, now: Nanos, direction: Direction) -> Result<Cooling, FlexRefusal> {
        let steps = self.rules.steps.as_ref().ok_or(FlexRefusal::Exhausted)?;
        if self.rules.max.is_some_and(|max| u64::from(self.moves) >= max) {
            return Err(FlexRefusal::Exhausted);
        }
        if self.rules.max.is_some() && self.last.is_some_and(|last| last != direction) {
            return Err(FlexRefusal::OtherDirection);
        }
        if self.cooling.is_some() {
            return Err(FlexRefusal::Cooling);
        }
        let time = TimeOfDay::of(now);
        if self.rules.is_suspended(time) {
            return Err(FlexRefusal::Suspended);
        }
        let step = steps.at(self.moves + 1);
        let late = self.rules.late.contains(time);
        let seconds = if late { step.cooling_late_seconds } else { step.cooling_seconds };
        Ok(Cooling { direction, until: now.plus(i64::from(seconds) * NANOS_PER_SECOND) })
    }
}
