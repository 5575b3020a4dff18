//! Positions in a snapshot: those that are not as at the start.

use super::{Position, Positions};
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl Positions {
    /// Writes every position that was ever traded or valued, in order of instrument.
    pub(crate) fn save(&self, out: &mut SnapshotWriter) {
        let Self { positions, profit } = self;
        let changed = || positions.iter().enumerate().filter(|&(_, it)| *it != Position::default());
        out.part(part::POSITIONS, |out| {
            out.money(*profit);
            out.count(changed().count());
            for (index, position) in changed() {
                out.count(index);
                position.save(out);
            }
        });
    }

    /// Reads them into flat ones, for a core with so many instruments.
    pub(crate) fn load(
        &mut self,
        instruments: usize,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        let most = instruments.min(self.positions.len());
        input.part(part::POSITIONS, |input| {
            self.profit = input.money()?;
            for _ in 0..input.count(most, "instruments_max")? {
                let index = input.index(most, "instrument")?;
                input.ensure(self.positions[index] == Position::default(), "instrument")?;
                self.positions[index] = Position::load(input)?;
            }
            Ok(())
        })
    }
}

impl Position {
    fn save(&self, out: &mut SnapshotWriter) {
        let Self { net, cost, realised, bought, sold, turnover, mark } = *self;
        out.i64(net);
        out.money(cost);
        out.money(realised);
        out.u64(bought);
        out.u64(sold);
        out.money(turnover);
        out.option(mark, SnapshotWriter::price);
    }

    fn load(input: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self {
            net: input.i64()?,
            cost: input.money()?,
            realised: input.money()?,
            bought: input.u64()?,
            sold: input.u64()?,
            turnover: input.money()?,
            mark: input.option(SnapshotReader::price)?,
        })
    }
}
