//! What the exchange said of trading, in a snapshot.

use tezi_model::TradingStatus;

use super::Statuses;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl Statuses {
    /// Writes the status of every segment and of so many instruments, a byte each.
    pub(in crate::desk) fn save(&self, instruments: usize, out: &mut SnapshotWriter) {
        let Self { instruments: own, segments } = self;
        out.part(part::STATUSES, |out| {
            let all = segments.iter().chain(own.iter().take(instruments));
            all.for_each(|&status| out.u8(status as u8));
        });
    }

    /// Reads them.
    pub(in crate::desk) fn load(
        &mut self,
        instruments: usize,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        input.part(part::STATUSES, |input| {
            let Self { instruments: own, segments } = self;
            for status in segments.iter_mut().chain(own.iter_mut().take(instruments)) {
                let known = TradingStatus::from_code(input.u8()?.into());
                *status = input.known(known, "trading status")?;
            }
            Ok(())
        })
    }
}
