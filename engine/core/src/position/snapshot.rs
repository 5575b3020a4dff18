//! Positions in a snapshot: those that are not as at the start; and holdings with their lots.

use tezi_model::{InstrumentId, Money};

use super::{Holding, HoldingKey, Holdings, Lot, Lots, Position, Positions};
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

impl Holdings {
    /// Writes every holding, in order of key.
    pub(crate) fn save(&self, out: &mut SnapshotWriter) {
        let Self { holdings, spare: _, day } = self;
        out.i64((*day).into());
        out.count(holdings.len());
        for Holding { key, average, lots } in holdings {
            let HoldingKey { account, strategy, instrument } = *key;
            [account, strategy, instrument.0].into_iter().for_each(|it| out.u32(it));
            average.save(out);
            lots.save(out);
        }
    }

    /// Reads them into new ones.
    pub(crate) fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        let day = i32::try_from(input.i64()?).ok();
        self.day = input.known(day, "day")?;
        for _ in 0..input.count(self.spare.len(), "holdings")? {
            let [account, strategy, instrument] = [input.u32()?, input.u32()?, input.u32()?];
            let key = HoldingKey { account, strategy, instrument: InstrumentId(instrument) };
            let average = Position::load(input)?;
            let lots = self.spare.pop();
            let mut lots = input.known(lots, "holding")?;
            lots.load(input)?;
            self.holdings.push(Holding { key, average, lots });
        }
        input.ensure(self.is_consistent(), "holding")
    }
}

impl Lots {
    fn save(&self, out: &mut SnapshotWriter) {
        let Self { lots, lots_max: _, realised, merged } = self;
        out.money(*realised);
        out.u64(*merged);
        out.count(lots.len());
        for Lot { net, cost, day } in lots {
            out.i64(*net);
            out.money(*cost);
            out.i64((*day).into());
        }
    }

    fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        (self.realised, self.merged) = (input.money()?, input.u64()?);
        let mut held: i64 = 0;
        let mut cost = Money::ZERO;
        for _ in 0..input.count(self.lots_max, "lots")? {
            let lot_net = input.i64()?;
            let is_one_sided = lot_net != 0 && held.signum() * lot_net.signum() >= 0;
            input.ensure(is_one_sided, "lot")?;
            // Units and cost of all lots are sums that positions have too: neither overflows.
            let sum = held.checked_add(lot_net);
            held = input.known(sum, "lot")?;
            let lot_cost = input.money()?;
            let sum = cost.0.checked_add(lot_cost.0).map(Money);
            cost = input.known(sum, "lot")?;
            let day = i32::try_from(input.i64()?).ok();
            let day = input.known(day, "day")?;
            self.lots.push_back(Lot { net: lot_net, cost: lot_cost, day });
        }
        Ok(())
    }
}
