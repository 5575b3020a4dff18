//! The simulated venue in a snapshot: its book of own orders, and what is on its way.

use tezi_model::{ExecutionReport, OrderCommand, OrderId, Side};

use super::{Shadow, SimulatedVenue, Taken};
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl SimulatedVenue {
    /// Writes everything but the configuration.
    pub(crate) fn save(&self, out: &mut SnapshotWriter) {
        let Self {
            config: _,
            commands,
            reports,
            shadows,
            taken,
            fills_max: _,
            next_order_id,
            next_fill_id,
        } = self;
        out.part(part::VENUE, |out| {
            out.u64(*next_order_id);
            out.u32(*next_fill_id);
            out.count(commands.len());
            for (due, command) in commands {
                out.time(*due);
                out.record(command);
            }
            out.count(reports.len());
            for (due, report) in reports {
                out.time(*due);
                out.record(report);
            }
            out.count(shadows.len());
            shadows.iter().for_each(|shadow| shadow.save(out));
            out.count(taken.len());
            for &Taken { segment_code, order_id, quantity } in taken {
                out.u8(segment_code);
                out.u64(order_id.0);
                out.u32(quantity);
            }
        });
    }

    /// Reads it into an empty venue, for a core with so many instruments.
    pub(crate) fn load(
        &mut self,
        instruments: usize,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        let is_command = |command: &OrderCommand| {
            command.kind().is_some()
                && Side::from_code(command.side_code).is_some()
                && command.instrument.index() < instruments
        };
        input.part(part::VENUE, |input| {
            self.next_order_id = input.u64()?;
            self.next_fill_id = input.u32()?;
            for _ in 0..input.count(self.commands.capacity(), "own_orders_max")? {
                let (due, command) = (input.time()?, input.record::<OrderCommand>()?);
                let in_order = self.commands.back().is_none_or(|&(before, _)| before <= due);
                input.ensure(in_order && is_command(&command), "command")?;
                self.commands.push_back((due, command));
            }
            for _ in 0..input.count(self.reports.capacity(), "own_orders_max")? {
                let (due, report) = (input.time()?, input.record::<ExecutionReport>()?);
                let in_order = self.reports.back().is_none_or(|&(before, _)| before <= due);
                input.ensure(in_order && report.kind().is_some(), "report")?;
                self.reports.push_back((due, report));
            }
            for _ in 0..input.count(self.shadows.capacity(), "own_orders_max")? {
                let shadow = Shadow::load(input)?;
                let in_order = self.shadows.last().is_none_or(|last| last.is_ahead_of(&shadow));
                input.ensure(in_order && is_command(&shadow.command), "order of the venue")?;
                self.shadows.push(shadow);
            }
            for _ in 0..input.count(Self::TAKEN_MAX, "orders partly taken")? {
                let (segment_code, order_id) = (input.u8()?, OrderId(input.u64()?));
                self.taken.push(Taken { segment_code, order_id, quantity: input.u32()? });
            }
            Ok(())
        })
    }
}

impl Shadow {
    fn save(&self, out: &mut SnapshotWriter) {
        let Self { command, order_id, leaves, priority } = *self;
        out.record(&command);
        out.u64(order_id.0);
        out.quantity(leaves);
        out.u64(priority);
    }

    fn load(input: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self {
            command: input.record()?,
            order_id: OrderId(input.u64()?),
            leaves: input.quantity()?,
            priority: input.u64()?,
        })
    }

    /// Whether another may lie behind it in the list.
    fn is_ahead_of(&self, other: &Self) -> bool {
        let key = |shadow: &Self| (shadow.command.instrument, shadow.command.side_code);
        key(self) < key(other)
            || key(self) == key(other) && !other.is_before(self.command.price, self.priority)
    }
}
