//! Ledgers in a snapshot. Whose orders are cancelled, who holds what and who has a loss limit follow
//! from them, and are made again.

use super::{Ledger, Ledgers, StrategyCounts, StrategyLimits};
use crate::output::StopCause;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl Ledgers {
    /// Writes the ledger of each of several strategies; nothing for one alone.
    pub(crate) fn save(&self, out: &mut SnapshotWriter) {
        let Self { each, holders: _, inactive: _, limited: _, changed } = self;
        out.part(part::LEDGERS, |out| {
            out.count(each.len());
            out.u64(*changed);
            each.iter().for_each(|ledger| ledger.save(out));
        });
    }

    /// Reads them into new ones, for a core with so many instruments.
    pub(crate) fn load(
        &mut self,
        instruments: usize,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        input.part(part::LEDGERS, |input| {
            let count = input.count(self.each.len(), "strategies")?;
            input.ensure(count == self.each.len(), "number of strategies")?;
            let changed = input.u64()?;
            let known = 1_u64.checked_shl(count as u32).map_or(u64::MAX, |bit| bit - 1);
            input.ensure(changed & !known == 0, "strategy")?;
            self.changed = changed;
            for (index, ledger) in self.each.iter_mut().enumerate() {
                ledger.load(instruments, input)?;
                let bit = 1 << index;
                let is_inactive = ledger.is_asleep || ledger.stopped.is_some();
                self.inactive |= if is_inactive { bit } else { 0 };
                self.limited |= if ledger.limits.loss_max > 0 { bit } else { 0 };
                for (instrument, position) in ledger.positions.iter() {
                    let holders = self.holders.get_mut(instrument.index());
                    let holders = input.known(holders, "instrument")?;
                    *holders |= if position.net == 0 { 0 } else { bit };
                }
            }
            Ok(())
        })
    }
}

impl Ledger {
    fn save(&self, out: &mut SnapshotWriter) {
        let Self { positions, limits, counts, base, stopped, is_asleep } = self;
        positions.save(out);
        let StrategyLimits { loss_max, position_max, open_orders_max } = *limits;
        out.i64(loss_max);
        out.i64(position_max);
        out.u32(open_orders_max);
        let StrategyCounts { new_orders, replaces, cancels, fills, refusals } = *counts;
        [new_orders, replaces, cancels, fills, refusals].into_iter().for_each(|it| out.u64(it));
        out.money(*base);
        out.option(*stopped, |out, cause| out.u8(cause as u8));
        out.flag(*is_asleep);
    }

    fn load(
        &mut self,
        instruments: usize,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        self.positions.load(instruments, input)?;
        self.limits = StrategyLimits {
            loss_max: input.i64()?,
            position_max: input.i64()?,
            open_orders_max: input.u32()?,
        };
        self.counts = StrategyCounts {
            new_orders: input.u64()?,
            replaces: input.u64()?,
            cancels: input.u64()?,
            fills: input.u64()?,
            refusals: input.u64()?,
        };
        self.base = input.money()?;
        self.stopped = input.option(|input| {
            let cause = StopCause::from_code(input.u8()?);
            input.known(cause, "cause of a stop")
        })?;
        self.is_asleep = input.flag()?;
        Ok(())
    }
}
