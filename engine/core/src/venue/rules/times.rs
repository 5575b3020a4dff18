//! Timetables as rule values.

use super::value::named_times;
use crate::venue::TimeOfDay;

/// A stretch of the day, `start` included, `end` not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// When it begins.
    pub start: TimeOfDay,
    /// When it is over.
    pub end: TimeOfDay,
}

impl Window {
    /// Whether a time lies in it.
    #[must_use]
    pub fn contains(self, time: TimeOfDay) -> bool {
        self.start <= time && time < self.end
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (start, end) = text.split_once('-')?;
        let (start, end) = (TimeOfDay::parse(start)?, TimeOfDay::parse(end)?);
        (start < end).then_some(Self { start, end })
    }
}

/// A call auction at the open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreOpenTimes {
    /// Limit and market orders from here.
    pub start: TimeOfDay,
    /// Limit orders only from here; equal to `end` where the auction has no such part.
    pub limit_only: TimeOfDay,
    /// Entry closes at a random instant between here and `end`.
    pub random: TimeOfDay,
    /// Entry is over.
    pub end: TimeOfDay,
    /// Matching is over; a buffer follows.
    pub matched: TimeOfDay,
    /// Continuous trading may begin.
    pub open: TimeOfDay,
}

impl PreOpenTimes {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let names = ["start", "limit_only", "random", "end", "match", "open"];
        let [start, limit_only, random, end, matched, open] = named_times(text, names)?;
        let ordered = start < end && end <= matched && matched <= open;
        let inside = |time| start <= time && time <= end;
        (ordered && inside(limit_only) && inside(random)).then_some(Self {
            start,
            limit_only,
            random,
            end,
            matched,
            open,
        })
    }
}

/// The closing auction session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosingTimes {
    /// Continuous trading is over and the reference price is reckoned.
    pub start: TimeOfDay,
    /// Limit and market orders from here.
    pub entry: TimeOfDay,
    /// Limit orders only from here.
    pub limit_only: TimeOfDay,
    /// Entry closes at a random instant between here and `end`.
    pub random: TimeOfDay,
    /// Entry is over.
    pub end: TimeOfDay,
    /// Matching is over.
    pub matched: TimeOfDay,
}

impl ClosingTimes {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let names = ["start", "entry", "limit_only", "random", "end", "match"];
        let [start, entry, limit_only, random, end, matched] = named_times(text, names)?;
        let ordered = start <= entry && entry < end && end <= matched;
        let inside = |time| entry <= time && time <= end;
        (ordered && inside(limit_only) && inside(random)).then_some(Self {
            start,
            entry,
            limit_only,
            random,
            end,
            matched,
        })
    }
}

/// What kind of day a date is, where a row says so; other days are open from Monday to Friday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayKind {
    /// An ordinary trading day, on a weekend too.
    Open,
    /// No trading.
    Closed,
    /// Trading at hours of its own, which stand under the scope `special/…` for that date.
    Special,
}

impl DayKind {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "open" => Some(Self::Open),
            "closed" => Some(Self::Closed),
            "special" => Some(Self::Special),
            _ => None,
        }
    }
}
