//! Child orders in a snapshot.

use tezi_model::ClientOrderId;

use super::{CHILDREN_MAX, CLOSED_MAX, Child, Children};
use crate::oms::Order;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter};

impl Children {
    pub(in crate::execution) fn save(&self, out: &mut SnapshotWriter) {
        let Self { open: _, open_count, closed, closed_next } = self;
        out.count(*open_count);
        for Child { order, moved_at, cancel_at, is_cancel_asked } in self.open() {
            order.save(out);
            out.time(*moved_at);
            out.time(*cancel_at);
            out.flag(*is_cancel_asked);
        }
        out.count(*closed_next);
        for child in closed {
            out.option(*child, |out, (id, filled)| {
                out.u64(id.0);
                out.quantity(filled);
            });
        }
    }

    pub(in crate::execution) fn load(
        input: &mut SnapshotReader<'_>,
    ) -> Result<Self, SnapshotError> {
        let mut this = Self::new();
        this.open_count = input.count(CHILDREN_MAX, "children")?;
        for place in this.open.iter_mut().take(this.open_count) {
            let order = Order::load(input)?;
            input.ensure(!order.status.is_terminal(), "open child")?;
            *place = Some(Child {
                order,
                moved_at: input.time()?,
                cancel_at: input.time()?,
                is_cancel_asked: input.flag()?,
            });
        }
        this.closed_next = input.index(CLOSED_MAX, "closed child")?;
        for place in &mut this.closed {
            *place = input.option(|input| {
                let id = ClientOrderId(input.u64()?);
                Ok((id, input.quantity()?))
            })?;
        }
        Ok(this)
    }
}
