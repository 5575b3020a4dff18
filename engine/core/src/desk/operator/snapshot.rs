//! What operators began, in a snapshot.

use tezi_model::{AccountId, ClientOrderId, InstrumentId, StrategyId};

use super::{Flatten, Operator, SWEEPS_MAX, Sweep};
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl Operator {
    /// Writes what is under way.
    pub(in crate::desk) fn save(&self, out: &mut SnapshotWriter) {
        let Self { count, sweeps, flatten } = self;
        let id = |out: &mut SnapshotWriter, id: InstrumentId| out.u32(id.0);
        out.part(part::OPERATOR, |out| {
            out.u64(*count);
            out.count(sweeps.len());
            for &Sweep { instrument, account, last } in sweeps {
                out.option(instrument, id);
                out.u8(account.0);
                out.u64(last.0);
            }
            out.option(*flatten, |out, flatten| {
                let Flatten { instrument, strategy, account, through_bps, again_at } = flatten;
                out.option(instrument, id);
                out.u8(strategy.0);
                out.u8(account.0);
                out.u32(through_bps);
                out.time(again_at);
            });
        });
    }

    /// Reads it into one that is idle.
    pub(in crate::desk) fn load(
        &mut self,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        fn id(input: &mut SnapshotReader<'_>) -> Result<InstrumentId, SnapshotError> {
            input.u32().map(InstrumentId)
        }
        input.part(part::OPERATOR, |input| {
            self.count = input.u64()?;
            for _ in 0..input.count(SWEEPS_MAX, "sweeps at once")? {
                let instrument = input.option(id)?;
                let account = AccountId(input.u8()?);
                let last = ClientOrderId(input.u64()?);
                self.sweeps.push(Sweep { instrument, account, last });
            }
            self.flatten = input.option(|input| {
                let (instrument, strategy) = (input.option(id)?, StrategyId(input.u8()?));
                let (account, through_bps) = (AccountId(input.u8()?), input.u32()?);
                input.ensure(through_bps <= 10_000, "basis points")?;
                let again_at = input.time()?;
                Ok(Flatten { instrument, strategy, account, through_bps, again_at })
            })?;
            Ok(())
        })
    }
}
