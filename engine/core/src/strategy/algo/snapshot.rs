//! An execution strategy in a snapshot: what its algorithm was made of beside the parameters, and what it
//! came to.

use tezi_model::{Instrument, InstrumentId};

use super::{AlgoTrader, Running};
use crate::execution::{Parent, ParentError};
use crate::snapshot::{NoSnapshot, SnapshotError, SnapshotReader, SnapshotWriter};
use crate::strategy::AlgoConfig;

impl AlgoTrader {
    /// One that found a problem sends nothing, and has nothing to go on with.
    pub(super) fn save_state(&self, out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        let Self { parameters: _, config, began, running, problem } = self;
        if problem.is_some() {
            return Err(NoSnapshot);
        }
        out.text(&config.to_string());
        out.time(*began);
        out.option(running.as_ref(), |out, running| match running {
            Running::Scheduled(it) => {
                save_parent(it.parent(), out);
                it.tactic().save_state(out);
            }
            // What they want follows from the parent and the market.
            Running::Participation(it) => save_parent(it.parent(), out),
            Running::Iceberg(it) => save_parent(it.parent(), out),
            Running::Pegged(it) => save_parent(it.parent(), out),
            Running::Legging(it) => {
                let (spec, terms) = (it.spec(), it.terms());
                for (instrument, terms) in spec.legs.iter().zip(terms) {
                    save_leg(*instrument, terms, out);
                }
                spec.limits.iter().for_each(|&limit| out.price(limit));
                it.save_state(out);
            }
        });
        Ok(())
    }

    pub(super) fn load_state(
        &mut self,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        let mut loaded = Self::new(self.parameters);
        let config = AlgoConfig::parse(self.parameters.kind, input.text()?).ok();
        loaded.config = input.known(config, "parameters")?;
        loaded.began = input.time()?;
        loaded.running = input.option(|input| loaded.load_running(input))?;
        input.finish()?;
        *self = loaded;
        Ok(())
    }

    fn load_running(&self, input: &mut SnapshotReader<'_>) -> Result<Running, SnapshotError> {
        let wrong = |_: ParentError| SnapshotError::Strategy;
        let leg = load_leg(input)?;
        if self.is_spread() {
            let legs = [leg, load_leg(input)?];
            let limits = [input.price()?, input.price()?, input.price()?];
            let mut legging = self.spread(legs, limits).map_err(wrong)?;
            legging.load_state(input)?;
            return Ok(Running::Legging(legging));
        }
        let limit = input.price()?;
        let mut running = self.single(leg, limit).map_err(wrong)?;
        match &mut running {
            Running::Scheduled(it) => {
                let (parent, tactic) = it.parts_mut();
                parent.load_state(input)?;
                tactic.load_state(input)?;
            }
            Running::Participation(it) => it.parts_mut().0.load_state(input)?,
            Running::Iceberg(it) => it.parts_mut().0.load_state(input)?,
            Running::Pegged(it) => it.parts_mut().0.load_state(input)?,
            Running::Legging(it) => it.load_state(input)?,
        }
        Ok(running)
    }
}

fn save_parent(parent: &Parent, out: &mut SnapshotWriter) {
    let spec = parent.spec();
    save_leg(spec.instrument, parent.terms(), out);
    out.price(spec.limit);
    parent.save_state(out);
}

fn save_leg(instrument: InstrumentId, terms: &Instrument, out: &mut SnapshotWriter) {
    out.u32(instrument.0);
    out.record(terms);
}

fn load_leg(input: &mut SnapshotReader<'_>) -> Result<(InstrumentId, Instrument), SnapshotError> {
    Ok((InstrumentId(input.u32()?), input.record()?))
}
