//! The desk as bytes: a part for each of its members, each written by the member itself.
//!
//! Outputs are not in it: they are those of the last input, and gone with the next.

use tezi_model::{RejectReason, StreamId};

use super::{Counters, Desk, STREAMS, Tape};
use crate::collateral::Collateral;
use crate::config::{Capacity, CoreConfig};
use crate::risk::Risk;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl Desk {
    /// Writes everything but the outputs of the last input.
    pub(crate) fn save(&self, out: &mut SnapshotWriter) {
        let Self {
            config,
            now: _,
            has_started: _,
            exchange_time: _,
            instruments,
            books,
            tape,
            stale: _,
            statuses,
            orders,
            positions,
            risk,
            guards,
            losses,
            usage,
            collateral,
            carried: _,
            operator,
            timers,
            venue,
            counters: _,
            refusals: _,
            outputs: _,
            changes: _,
            origin: _,
            strategy: _,
            is_entered: _,
            ledgers,
            cancels_again_at: _,
        } = self;
        out.record(config);
        out.u64(self.state_hash());
        out.part(part::DESK, |out| self.save_own(out));
        instruments.save(out);
        let known = instruments.len();
        books.save(out);
        out.part(part::TAPE, |out| tape.iter().take(known).for_each(|tape| tape.save(out)));
        statuses.save(known, out);
        ledgers.save_accounts(out);
        orders.save(out);
        positions.save(out);
        risk.save(out);
        guards.save(known, out);
        losses.save(out);
        usage.save(out);
        out.option(collateral.as_ref(), |out, collateral| collateral.save(out));
        self.save_carried(out);
        operator.save(out);
        timers.save(out);
        ledgers.save(out);
        out.option(venue.as_ref(), |out, venue| venue.save(out));
    }

    /// Reads it into a desk that has not acted, and sees that it is what was saved.
    pub(crate) fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        if self.has_started || !self.instruments.is_empty() || self.counters.events > 0 {
            return Err(SnapshotError::NotNew);
        }
        compare(&input.record()?, &self.config)?;
        let saved = input.u64()?;
        input.part(part::DESK, |input| self.load_own(input))?;
        self.instruments.load(input)?;
        let known = self.instruments.len();
        self.books.load(input)?;
        input.ensure(self.books.instruments_count() as usize == known, "number of books")?;
        input.part(part::TAPE, |input| {
            for tape in self.tape.iter_mut().take(known) {
                *tape = Tape::load(input)?;
            }
            Ok(())
        })?;
        self.statuses.load(known, input)?;
        self.ledgers.load_accounts(input)?;
        self.make_room_for_accounts();
        self.orders.load(known, input)?;
        self.positions.load(known, input)?;
        self.risk = Risk::load(input)?;
        self.guards.load(known, input)?;
        self.losses.load(input)?;
        self.usage.set_limits(self.guards.limits());
        self.usage.load(input)?;
        if input.flag()? {
            let (instruments, most) = (&self.instruments, self.tape.len());
            let (positions, orders) = (&self.positions, &self.orders);
            let it = Collateral::load(instruments, most, positions, orders, input)?;
            self.collateral = Some(Box::new(it));
        }
        self.load_carried(known, input)?;
        self.settle_collateral();
        self.operator.load(input)?;
        self.timers.load(input)?;
        self.ledgers.load(known, input)?;
        let has_venue = input.flag()?;
        input.ensure(has_venue == self.venue.is_some(), "venue")?;
        if let Some(venue) = &mut self.venue {
            venue.load(known, input)?;
        }
        let loaded = self.state_hash();
        if saved == loaded { Ok(()) } else { Err(SnapshotError::Hash { saved, loaded }) }
    }

    /// What is nobody else's: clocks, counts, streams with messages lost.
    fn save_own(&self, out: &mut SnapshotWriter) {
        for time in [self.now, self.exchange_time, self.cancels_again_at] {
            out.time(time);
        }
        out.flag(self.has_started);
        self.counters.save(out);
        let stale = || self.stale.iter().enumerate().filter(|&(_, &is_stale)| is_stale);
        out.count(stale().count());
        stale().for_each(|(stream, _)| out.u16(stream as u16));
        let refusals = || RejectReason::ALL.iter().zip(self.refusals).filter(|it| it.1 > 0);
        out.count(refusals().count());
        for (&reason, count) in refusals() {
            out.u16(reason as u16);
            out.u64(count);
        }
    }

    fn load_own(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        self.now = input.time()?;
        self.exchange_time = input.time()?;
        self.cancels_again_at = input.time()?;
        self.has_started = input.flag()?;
        self.counters = Counters::load(input)?;
        for _ in 0..input.count(STREAMS, "streams")? {
            let stream = StreamId(input.u16()?);
            self.set_stale(stream, true);
        }
        for _ in 0..input.count(self.refusals.len(), "reasons")? {
            let reason = RejectReason::from_code(input.u16()?);
            let reason = input.known(reason, "reason")?;
            let place = RejectReason::ALL.iter().position(|&it| it == reason);
            let place = input.known(place, "reason")?;
            self.refusals[place] = input.u64()?;
        }
        Ok(())
    }
}

/// Whether a state of a core of `saved` can be that of a core of `wanted`.
fn compare(saved: &CoreConfig, wanted: &CoreConfig) -> Result<(), SnapshotError> {
    let bounds = |capacity: &Capacity| {
        let Capacity {
            instruments_max,
            market_orders_max,
            levels_max,
            own_orders_max,
            timers_max,
            outputs_max,
        } = *capacity;
        [
            ("instruments_max", instruments_max),
            ("market_orders_max", market_orders_max),
            ("levels_max", levels_max),
            ("own_orders_max", own_orders_max),
            ("timers_max", timers_max),
            ("outputs_max", outputs_max),
        ]
    };
    let pairs = || bounds(&saved.capacity).into_iter().zip(bounds(&wanted.capacity));
    if let Some(((what, _), _)) = pairs().find(|((_, saved), (_, wanted))| saved > wanted) {
        return Err(SnapshotError::Capacity { what });
    }
    let CoreConfig { limits, venue, capacity, venue_mode, client_order_id_base } = *wanted;
    let differs = [
        ("limits", saved.limits != limits),
        ("venue", (saved.venue, saved.venue_mode) != (venue, venue_mode)),
        ("bounds", saved.capacity != capacity),
        ("first order number", saved.client_order_id_base != client_order_id_base),
    ];
    match differs.into_iter().find(|&(_, differs)| differs) {
        Some((what, _)) => Err(SnapshotError::Config { what }),
        None => Ok(()),
    }
}

impl Tape {
    fn save(&self, out: &mut SnapshotWriter) {
        let Self { last_trade, volume } = *self;
        out.option(last_trade, SnapshotWriter::price);
        out.u64(volume);
    }

    fn load(input: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        Ok(Self { last_trade: input.option(SnapshotReader::price)?, volume: input.u64()? })
    }
}

/// Writes and reads every counter, in this order.
macro_rules! counters {
    ($($name:ident)+) => {
        impl Counters {
            fn save(&self, out: &mut SnapshotWriter) {
                let Self { $($name),+ } = *self;
                $(out.u64($name);)+
            }

            fn load(input: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
                Ok(Self { $($name: input.u64()?),+ })
            }
        }
    };
}

counters! {
    events orders_applied orders_unknown trades spread_events spread_legs_given_up trade_cancels
    status_events gaps resets malformed book_refusals requests_unsaid clock_steps_back new_orders
    replaces cancels fills passive_fills
}
