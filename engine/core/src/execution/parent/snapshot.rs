//! A parent order in a snapshot: what it came to. What it is to do follows from the strategy's
//! parameters.

use tezi_model::{Instrument, RejectReason};

use super::{Parent, ParentCounters};
use crate::execution::benchmark::Benchmark;
use crate::execution::children::Children;
use crate::execution::state::{DoneReason, Ending, FailReason, ParentState};
use crate::execution::wake::Wake;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter};

impl Parent {
    /// Writes everything but what it was made of.
    pub(crate) fn save_state(&self, out: &mut SnapshotWriter) {
        let Self {
            spec: _,
            policy: _,
            terms: _,
            children,
            counters,
            retry_at,
            is_down,
            state,
            executed,
            value,
            benchmark,
            strikes,
            struck_at,
            look_at,
            wake,
        } = self;
        children.save(out);
        counters.save(out);
        out.time(*retry_at);
        out.flag(*is_down);
        state.save(out);
        out.u64(*executed);
        out.money(*value);
        benchmark.save(out);
        out.u32(*strikes);
        out.time(*struck_at);
        out.time(*look_at);
        wake.save(out);
    }

    /// What it is in.
    pub(crate) const fn terms(&self) -> &Instrument {
        &self.terms
    }

    /// Reads it into a parent that was made of the same.
    pub(crate) fn load_state(
        &mut self,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        self.children = Children::load(input)?;
        self.counters = ParentCounters::load(input)?;
        self.retry_at = input.time()?;
        self.is_down = input.flag()?;
        self.state = ParentState::load(input)?;
        self.executed = input.u64()?;
        self.value = input.money()?;
        self.benchmark = Benchmark::load(input)?;
        self.strikes = input.u32()?;
        self.struck_at = input.time()?;
        self.look_at = input.time()?;
        self.wake = Wake::load(input)?;
        Ok(())
    }
}

impl ParentCounters {
    fn save(&self, out: &mut SnapshotWriter) {
        let Self {
            children,
            replaces,
            cancels,
            refused,
            rejected,
            unsolicited,
            late_fills,
            annulled,
        } = *self;
        let counts = [children, replaces, cancels, refused, rejected, unsolicited, late_fills];
        counts.into_iter().for_each(|count| out.u32(count));
        out.u64(annulled);
    }

    fn load(input: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self {
            children: input.u32()?,
            replaces: input.u32()?,
            cancels: input.u32()?,
            refused: input.u32()?,
            rejected: input.u32()?,
            unsolicited: input.u32()?,
            late_fills: input.u32()?,
            annulled: input.u64()?,
        })
    }
}

impl ParentState {
    fn save(self, out: &mut SnapshotWriter) {
        let (code, ending) = match self {
            Self::Waiting => (0, None),
            Self::Working => (1, None),
            Self::Paused => (2, None),
            Self::Cancelling(ending) => (3, Some(ending)),
            Self::Ended(ending) => (4, Some(ending)),
        };
        out.u8(code);
        out.option(ending, |out, ending| ending.save(out));
    }

    fn load(input: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        let (code, ending) = (input.u8()?, input.option(Ending::load)?);
        Ok(match (code, ending) {
            (0, None) => Self::Waiting,
            (1, None) => Self::Working,
            (2, None) => Self::Paused,
            (3, Some(ending)) => Self::Cancelling(ending),
            (4, Some(ending)) => Self::Ended(ending),
            _ => return Err(input.refuse("state of a parent order")),
        })
    }
}

impl Ending {
    /// A code, and the reason of a refusal or 0.
    fn save(self, out: &mut SnapshotWriter) {
        let (code, reason) = match self {
            Self::Done(DoneReason::Filled) => (0, 0),
            Self::Done(DoneReason::Residual) => (1, 0),
            Self::Done(DoneReason::Expired) => (2, 0),
            Self::Done(DoneReason::Canceled) => (3, 0),
            Self::Failed(FailReason::Refused(reason)) => (4, reason as u16),
            Self::Failed(FailReason::Rejected) => (5, 0),
            Self::Failed(FailReason::LegRisk) => (6, 0),
        };
        out.u8(code);
        out.u16(reason);
    }

    fn load(input: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        let (code, reason) = (input.u8()?, RejectReason::from_code(input.u16()?));
        Ok(match (code, reason) {
            (0, None) => Self::Done(DoneReason::Filled),
            (1, None) => Self::Done(DoneReason::Residual),
            (2, None) => Self::Done(DoneReason::Expired),
            (3, None) => Self::Done(DoneReason::Canceled),
            (4, Some(reason)) => Self::Failed(FailReason::Refused(reason)),
            (5, None) => Self::Failed(FailReason::Rejected),
            (6, None) => Self::Failed(FailReason::LegRisk),
            _ => return Err(input.refuse("end of a parent order")),
        })
    }
}
