//! Own orders in a snapshot. What follows from the open ones (places taken, exposures, best prices,
//! requests in flight) is made again.

use tezi_model::{
    AccountId, ClientOrderId, InstrumentId, OrderId, OrderStatus, Side, StrategyId, TimeInForce,
};

use super::annulled::AnnulledTrades;
use super::fills::{FillMemory, Trade};
use super::order::{Order, ReportCounters};
use super::{OrderSessionState, Orders};
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl Orders {
    /// Writes every order remembered, open or closed, and what is remembered of their fills.
    pub(crate) fn save(&self, out: &mut SnapshotWriter) {
        let Self {
            slots,
            taken: _,
            open,
            exposures: _,
            shares: _,
            open_value: _,
            best: _,
            fills,
            annulled,
            in_flight: _,
            next_id,
            entered,
            counters,
        } = self;
        out.part(part::ORDERS, |out| {
            out.u64(*next_id);
            out.u64(*entered);
            counters.save(out);
            out.count(slots.iter().flatten().count());
            slots.iter().flatten().for_each(|order| order.save(out));
            out.count(open.len());
            open.iter().for_each(|id| out.u64(id.0));
            fills.save(out);
            annulled.save(out);
        });
    }

    /// Reads them into an empty one, for a core with so many instruments.
    pub(crate) fn load(
        &mut self,
        instruments: usize,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        input.part(part::ORDERS, |input| {
            self.next_id = input.u64()?;
            self.entered = input.u64()?;
            self.counters = ReportCounters::load(input)?;
            let mut open = 0;
            for _ in 0..input.count(self.slots.len(), "own_orders_max")? {
                let order = Order::load(input)?;
                let slot = self.slot(order.client_order_id);
                let is_free = self.slots[slot].is_none();
                let is_known = order.instrument.index() < instruments;
                let is_given_out = order.client_order_id.0 < self.next_id;
                input.ensure(is_free && is_known && is_given_out, "order")?;
                open += usize::from(!order.status.is_terminal());
                self.slots[slot] = Some(order);
            }
            let count = input.count(self.slots.len(), "own_orders_max")?;
            input.ensure(count == open, "number of open orders")?;
            for index in 0..count {
                let id = ClientOrderId(input.u64()?);
                let order = self.get(id).filter(|it| it.open_index as usize == index);
                let order = order.filter(|it| !it.status.is_terminal());
                self.reopen(&input.known(order, "open order")?);
            }
            self.fills.load(input)?;
            self.annulled.load(input)
        })
    }

    /// Counts an open order in, as the last of the list.
    fn reopen(&mut self, order: &Order) {
        let slot = self.slot(order.client_order_id);
        self.open.push(order.client_order_id);
        self.taken.take(slot);
        self.best.insert(slot, order.instrument, order.side, order.price_best());
        self.in_flight += u32::from(order.status.is_in_flight());
        self.count_in(order);
    }
}

impl Order {
    pub(crate) fn save(&self, out: &mut SnapshotWriter) {
        let Self {
            client_order_id,
            order_id,
            instrument,
            side,
            time_in_force,
            status,
            strategy,
            account,
            price,
            quantity,
            filled,
            annulled,
            pending,
            last_fill_id,
            open_index,
            fills_before,
        } = *self;
        out.u64(client_order_id.0);
        out.u64(order_id.0);
        out.u32(instrument.0);
        out.u8(side as u8);
        out.u8(time_in_force as u8);
        out.u8(status as u8);
        out.u8(strategy.0);
        out.u8(account.0);
        out.price(price);
        out.quantity(quantity);
        out.quantity(filled);
        out.quantity(annulled);
        out.option(pending, |out, (price, quantity)| {
            out.price(price);
            out.quantity(quantity);
        });
        out.u32(last_fill_id);
        out.u32(open_index);
        out.u32(fills_before);
    }

    pub(crate) fn load(input: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        let client_order_id = ClientOrderId(input.u64()?);
        let order_id = OrderId(input.u64()?);
        let instrument = InstrumentId(input.u32()?);
        let side = Side::from_code(input.u8()?);
        let time_in_force = time_in_force(input.u8()?);
        let status = status(input.u8()?);
        let order = Self {
            client_order_id,
            order_id,
            instrument,
            side: input.known(side, "side")?,
            time_in_force: input.known(time_in_force, "time in force")?,
            status: input.known(status, "order status")?,
            strategy: StrategyId(input.u8()?),
            account: AccountId(input.u8()?),
            price: input.price()?,
            quantity: input.quantity()?,
            filled: input.quantity()?,
            annulled: input.quantity()?,
            pending: input.option(|input| Ok((input.price()?, input.quantity()?)))?,
            last_fill_id: input.u32()?,
            open_index: input.u32()?,
            fills_before: input.u32()?,
        };
        input.ensure(order.annulled <= order.filled, "quantity of trades taken back")?;
        Ok(order)
    }
}

impl ReportCounters {
    fn save(self, out: &mut SnapshotWriter) {
        let Self { applied, repeats, reordered_fills, late_fills, annulled, refused } = self;
        let all = [applied, repeats, reordered_fills, late_fills, annulled, refused];
        all.into_iter().for_each(|count| out.u64(count));
    }

    fn load(input: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self {
            applied: input.u64()?,
            repeats: input.u64()?,
            reordered_fills: input.u64()?,
            late_fills: input.u64()?,
            annulled: input.u64()?,
            refused: input.u64()?,
        })
    }
}

impl FillMemory {
    fn save(&self, out: &mut SnapshotWriter) {
        let Self { ring, capacity: _, count } = self;
        out.u64(*count);
        for &Trade { order, fill_id, quantity, price } in ring {
            out.u64(order.0);
            out.u32(fill_id);
            out.quantity(quantity);
            out.price(price);
        }
    }

    /// As many fills are there as were told, until the ring was full.
    fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        self.count = input.u64()?;
        for _ in 0..self.count.min(self.capacity as u64) {
            let order = ClientOrderId(input.u64()?);
            let (fill_id, quantity) = (input.u32()?, input.quantity()?);
            self.ring.push(Trade { order, fill_id, quantity, price: input.price()? });
        }
        Ok(())
    }
}

impl AnnulledTrades {
    fn save(&self, out: &mut SnapshotWriter) {
        let Self { trades, trades_max: _ } = self;
        out.count(trades.len());
        for &(order, fill_id) in trades {
            out.u64(order.0);
            out.u32(fill_id);
        }
    }

    fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        for _ in 0..input.count(self.trades_max, "trades taken back")? {
            let trade = (ClientOrderId(input.u64()?), input.u32()?);
            self.trades.push(trade);
        }
        Ok(())
    }
}

impl OrderSessionState {
    /// Writes how the session stands, where somebody said.
    pub(crate) fn save(state: Option<Self>, out: &mut SnapshotWriter) {
        out.option(state, |out, state| out.u8(state as u8));
    }

    /// Reads it.
    pub(crate) fn load(input: &mut SnapshotReader<'_>) -> Result<Option<Self>, SnapshotError> {
        input.option(|input| {
            let state = Self::from_code(input.u8()?);
            input.known(state, "state of the order session")
        })
    }
}

const fn time_in_force(code: u8) -> Option<TimeInForce> {
    match code {
        0 => Some(TimeInForce::Day),
        1 => Some(TimeInForce::Ioc),
        _ => None,
    }
}

const fn status(code: u8) -> Option<OrderStatus> {
    Some(match code {
        1 => OrderStatus::PendingNew,
        2 => OrderStatus::New,
        3 => OrderStatus::PartiallyFilled,
        4 => OrderStatus::PendingReplace,
        5 => OrderStatus::PendingCancel,
        6 => OrderStatus::Filled,
        7 => OrderStatus::Canceled,
        8 => OrderStatus::Rejected,
        _ => return None,
    })
}
