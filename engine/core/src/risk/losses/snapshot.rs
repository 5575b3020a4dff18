//! The profit's highs in a snapshot.

use super::{Losses, MINUTE};
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl Losses {
    /// Writes limits, profit and highs.
    pub(crate) fn save(&self, out: &mut SnapshotWriter) {
        let Self { drawdown_max, minute_max, profit, highest, highs } = self;
        out.part(part::LOSSES, |out| {
            for money in [drawdown_max, minute_max, profit, highest] {
                out.money(*money);
            }
            out.count(highs.len());
            for &(second, high) in highs {
                out.i64(second);
                out.money(high);
            }
        });
    }

    /// Reads them into one without highs.
    pub(crate) fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        input.part(part::LOSSES, |input| {
            self.drawdown_max = input.money()?;
            self.minute_max = input.money()?;
            self.profit = input.money()?;
            self.highest = input.money()?;
            for _ in 0..input.count(MINUTE as usize + 1, "highs of a minute")? {
                let high = (input.i64()?, input.money()?);
                let falls = self.highs.back().is_none_or(|last| high.0 > last.0 && high.1 < last.1);
                input.ensure(falls, "high")?;
                self.highs.push_back(high);
            }
            Ok(())
        })
    }
}
