//! Guards in a snapshot: limits, lists and ranges, and what of the rates is used.

use tezi_model::Px;

use super::{Guarded, Guards, Last, Second};
use crate::risk::Restriction;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl Guards {
    /// Writes what is known of so many instruments, and of every segment.
    pub(crate) fn save(&self, instruments: usize, out: &mut SnapshotWriter) {
        let Self { limits, is_on, instruments: guarded, underlyings, segments } = self;
        out.part(part::GUARDS, |out| {
            out.record(limits);
            out.flag(*is_on);
            guarded.iter().take(instruments).for_each(|it| it.save(out));
            out.count(segments.len());
            segments.iter().for_each(|second| second.save(out));
        });
        underlyings.save(instruments, out);
    }

    /// Reads it into guards that know nothing.
    pub(crate) fn load(
        &mut self,
        instruments: usize,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        input.part(part::GUARDS, |input| {
            self.limits = input.record()?;
            self.is_on = input.flag()?;
            for guarded in self.instruments.iter_mut().take(instruments) {
                *guarded = Guarded::load(input)?;
            }
            let segments = input.count(self.segments.len(), "segments")?;
            input.ensure(segments == self.segments.len(), "number of segments")?;
            for second in &mut self.segments {
                *second = Second::load(input)?;
            }
            Ok(())
        })?;
        self.underlyings.load(instruments, input)
    }
}

impl Guarded {
    fn save(&self, out: &mut SnapshotWriter) {
        let Self { segment_code, restriction, theoretical, low, high, last, new_orders } = *self;
        out.u8(segment_code);
        out.u8(restriction as u8);
        [theoretical, low, high].into_iter().for_each(|price: Px| out.price(price));
        let Last { at, price, quantity, side_code, times } = last;
        out.time(at);
        out.price(price);
        out.quantity(quantity);
        out.u8(side_code);
        out.u32(times);
        new_orders.save(out);
    }

    fn load(input: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        let segment_code = input.u8()?;
        let restriction = Restriction::from_code(input.u8()?);
        Ok(Self {
            segment_code,
            restriction: input.known(restriction, "restriction")?,
            theoretical: input.price()?,
            low: input.price()?,
            high: input.price()?,
            last: Last {
                at: input.time()?,
                price: input.price()?,
                quantity: input.quantity()?,
                side_code: input.u8()?,
                times: input.u32()?,
            },
            new_orders: Second::load(input)?,
        })
    }
}

impl Second {
    fn save(self, out: &mut SnapshotWriter) {
        let Self { second, count } = self;
        out.i64(second);
        out.u32(count);
    }

    fn load(input: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self { second: input.i64()?, count: input.u32()? })
    }
}
