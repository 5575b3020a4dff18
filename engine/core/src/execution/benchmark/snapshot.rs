//! A benchmark in a snapshot.

use super::Benchmark;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter};

impl Benchmark {
    pub(in crate::execution) fn save(&self, out: &mut SnapshotWriter) {
        let Self { arrival, volume, turnover } = *self;
        out.option(arrival, SnapshotWriter::price);
        out.u64(volume);
        out.money(turnover);
    }

    pub(in crate::execution) fn load(
        input: &mut SnapshotReader<'_>,
    ) -> Result<Self, SnapshotError> {
        let arrival = input.option(SnapshotReader::price)?;
        Ok(Self { arrival, volume: input.u64()?, turnover: input.money()? })
    }
}
