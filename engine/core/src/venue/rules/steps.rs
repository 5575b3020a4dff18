//! Rule values that depend on something else: a price, a count, the time of day.

use tezi_model::Px;

use super::value::parse_seconds;
use crate::venue::rate::parse_px;
use crate::venue::{Rate, TimeOfDay};

/// A number that depends on a price (or a ratio): a tick size table, a charge by slab.
///
/// **Shape**: bounds rise strictly; the last step has none and takes the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    steps: Vec<Step>,
    rest: Px,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    bound: Px,
    /// Whether a price equal to the bound belongs to this step (`<=`) or to the next (`<`).
    inclusive: bool,
    value: Px,
}

impl Steps {
    /// The value at `price`. O(steps), a handful.
    #[must_use]
    pub fn at(&self, price: Px) -> Px {
        let holds = |step: &&Step| price < step.bound || (step.inclusive && price == step.bound);
        self.steps.iter().find(holds).map_or(self.rest, |step| step.value)
    }

    /// Each step with its upper bound, in order; the last has none.
    pub fn steps(&self) -> impl Iterator<Item = (Option<Px>, Px)> + '_ {
        let bounded = self.steps.iter().map(|step| (Some(step.bound), step.value));
        bounded.chain([(None, self.rest)])
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (steps, rest) = split_rest(text)?;
        let steps = steps.map(Self::parse_step).collect::<Option<Vec<_>>>()?;
        let rest = parse_px(rest)?;
        let rising = steps.is_sorted_by(|a, b| a.bound < b.bound);
        let positive = steps.iter().all(|step| step.value >= Px::ZERO) && rest >= Px::ZERO;
        (rising && positive).then_some(Self { steps, rest })
    }

    fn parse_step(text: &str) -> Option<Step> {
        let (bound, value) = text.strip_prefix('<')?.split_once(':')?;
        let (bound, inclusive) = match bound.strip_prefix('=') {
            Some(bound) => (bound, true),
            None => (bound, false),
        };
        Some(Step { bound: parse_px(bound)?, inclusive, value: parse_px(value)? })
    }
}

/// The text of every step but the last, and that of `else:`, which must be last.
fn split_rest(text: &str) -> Option<(impl Iterator<Item = &str>, &str)> {
    let (steps, rest) = text.rsplit_once(';').unwrap_or(("", text));
    Some((steps.split(';').filter(|step| !step.is_empty()), rest.strip_prefix("else:")?))
}

/// One flex of a dynamic price band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlexStep {
    /// How far the band moves, as a fraction of the base price.
    pub step: Rate,
    /// How long after the trigger it moves, in seconds.
    pub cooling_seconds: u32,
    /// The same when the trigger falls into the last half hour.
    pub cooling_late_seconds: u32,
}

/// The flexes of a day in their order.
///
/// **Shape**: bounds on the number of the flex rise strictly; the last step takes the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlexSteps {
    steps: Vec<(u32, FlexStep)>,
    rest: FlexStep,
}

impl FlexSteps {
    /// The `number`th flex of the day, counted from 1.
    #[must_use]
    pub fn at(&self, number: u32) -> FlexStep {
        self.steps.iter().find(|(last, _)| number <= *last).map_or(self.rest, |&(_, step)| step)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (steps, rest) = split_rest(text)?;
        let numbered = |text: &str| {
            let (last, step) = text.strip_prefix("<=")?.split_once(':')?;
            Some((last.parse().ok()?, Self::parse_step(step)?))
        };
        let steps = steps.map(numbered).collect::<Option<Vec<(u32, FlexStep)>>>()?;
        let rising = steps.is_sorted_by(|a, b| a.0 < b.0);
        let rest = Self::parse_step(rest)?;
        rising.then_some(Self { steps, rest })
    }

    fn parse_step(text: &str) -> Option<FlexStep> {
        let mut parts = text.split(':');
        let step = Rate::parse(parts.next()?).filter(|rate| rate.0 > 0)?;
        let cooling_seconds = parse_seconds(parts.next()?)?;
        let cooling_late_seconds = parse_seconds(parts.next()?)?;
        parts.next().is_none().then_some(FlexStep { step, cooling_seconds, cooling_late_seconds })
    }
}

/// How long the market stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaltLength {
    /// Not at all.
    None,
    /// So many seconds.
    Seconds(u32),
    /// For the rest of the day.
    Day,
}

/// One level of the market-wide circuit breaker.
///
/// **Shape**: cut-off times rise strictly; the last takes the rest of the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerLevel {
    /// The move of the index, either way, as a fraction of its previous close.
    pub rate: Rate,
    cutoffs: Vec<(TimeOfDay, HaltLength)>,
    rest: HaltLength,
}

impl BreakerLevel {
    /// How long the market stands still when the level is reached at `time`.
    #[must_use]
    pub fn halt_at(&self, time: TimeOfDay) -> HaltLength {
        self.cutoffs.iter().find(|(end, _)| time < *end).map_or(self.rest, |&(_, halt)| halt)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (rate, rest) = text.split_once(';')?;
        let rate = Rate::parse(rate).filter(|rate| rate.0 > 0)?;
        let (cutoffs, rest) = split_rest(rest)?;
        let cutoff = |text: &str| {
            let (time, halt) = text.strip_prefix('<')?.rsplit_once(':')?;
            Some((TimeOfDay::parse(time)?, Self::parse_halt(halt)?))
        };
        let cutoffs = cutoffs.map(cutoff).collect::<Option<Vec<_>>>()?;
        let rising = cutoffs.is_sorted_by(|a, b| a.0 < b.0);
        let rest = Self::parse_halt(rest)?;
        rising.then_some(Self { rate, cutoffs, rest })
    }

    fn parse_halt(text: &str) -> Option<HaltLength> {
        match text {
            "none" => Some(HaltLength::None),
            "day" => Some(HaltLength::Day),
            _ => parse_seconds(text).map(HaltLength::Seconds),
        }
    }
}
