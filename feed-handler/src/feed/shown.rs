//! What is shown of one instrument, and the events that turn it into something else.

use bytemuck::Zeroable;
use tezi_model::{
    Event, EventKind, MarketFlags, Nanos, OrderId, Px, Qty, Side, Token, TradingStatus,
};

use super::{LEVELS_MAX, LevelContext, LevelCounters, PriceLevel};
use crate::arbitration::batch::Batch;

/// What an instrument's levels come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Basis {
    Nothing,
    /// The touch alone, or the last trade.
    Touch,
    Picture,
}

/// A level shown: the order in a slot, none when the quantity is 0.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    pub(super) price: Px,
    pub(super) quantity: u32,
}

/// What is shown of one instrument.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) token: Token,
    pub(super) basis: Basis,
    status: TradingStatus,
    status_time: Nanos,
    pub(super) time: Nanos,
    pub(super) volume: u64,
    /// The last trade told by itself: time, price, units.
    pub(super) last: (Nanos, Px, u64),
    pub(super) slots: [[Slot; LEVELS_MAX]; 2],
}

impl Shown {
    pub(super) const fn new(token: Token) -> Self {
        let nothing = Slot { price: Px::ZERO, quantity: 0 };
        Self {
            token,
            basis: Basis::Nothing,
            status: TradingStatus::Unknown,
            status_time: Nanos::ZERO,
            time: Nanos::ZERO,
            volume: 0,
            last: (Nanos::ZERO, Px::ZERO, 0),
            slots: [[nothing; LEVELS_MAX]; 2],
        }
    }

    /// Tells the status when it is another than before, and not older. Whether it did.
    pub(super) fn tell<F: FnMut(&Event)>(
        &mut self,
        status: TradingStatus,
        teller: &Teller<'_>,
        out: &mut Batch<'_, F>,
    ) -> bool {
        if teller.time < self.status_time {
            return false;
        }
        self.status_time = teller.time;
        let before = core::mem::replace(&mut self.status, status);
        if before != status {
            out.push(&teller.status(status));
        }
        before != status
    }

    /// Makes the slots what `levels` says, and tells each step. Returns how many there were.
    pub(super) fn show<F: FnMut(&Event)>(
        &mut self,
        levels: &[[PriceLevel; LEVELS_MAX]; 2],
        teller: &Teller<'_>,
        counters: &mut LevelCounters,
        out: &mut Batch<'_, F>,
    ) -> usize {
        let mut steps = 0;
        let wanted = Side::BOTH.map(|side| merged(&levels[side as usize], counters));
        for side in Side::BOTH {
            let wanted = &wanted[side as usize];
            for (number, slot) in self.slots[side as usize].iter_mut().enumerate() {
                let stays = wanted.iter().any(|one| one.quantity > 0 && one.price == slot.price);
                if slot.quantity > 0 && !stays {
                    out.push(&teller.order(EventKind::OrderCancel, side, number, *slot));
                    slot.quantity = 0;
                    steps += 1;
                }
            }
        }
        for side in Side::BOTH {
            let slots = &mut self.slots[side as usize];
            for one in wanted[side as usize].iter().filter(|one| one.quantity > 0) {
                let same = slots.iter().position(|s| s.quantity > 0 && s.price == one.price);
                let free = || slots.iter().position(|slot| slot.quantity == 0);
                // As many slots as levels, and none of a level that went: one is free.
                let Some(number) = same.or_else(free) else { continue };
                if same.is_some() && slots[number].quantity == one.quantity {
                    continue;
                }
                let is_known = same.is_some();
                let kind = if is_known { EventKind::OrderModify } else { EventKind::OrderNew };
                slots[number] = *one;
                out.push(&teller.order(kind, side, number, *one));
                steps += 1;
            }
        }
        steps
    }
}

/// A side as slots hold it: empty levels left out, those of one price added up, all cut to what an
/// event holds.
fn merged(levels: &[PriceLevel; LEVELS_MAX], counters: &mut LevelCounters) -> [Slot; LEVELS_MAX] {
    let mut slots = [Slot::default(); LEVELS_MAX];
    for (index, level) in levels.iter().enumerate().filter(|(_, level)| level.quantity > 0) {
        let first = levels[..index].iter().any(|one| one.quantity > 0 && one.price == level.price);
        if !first {
            let same = levels[index..].iter().filter(|one| one.price == level.price);
            let sum = same.fold(0, |sum: u64, one| sum.saturating_add(one.quantity));
            slots[index] = Slot { price: level.price, quantity: fit(sum, counters) };
        }
    }
    slots
}

/// A quantity as an event holds it.
pub(super) fn fit(quantity: u64, counters: &mut LevelCounters) -> u32 {
    u32::try_from(quantity).unwrap_or_else(|_| {
        counters.saturated += 1;
        u32::MAX
    })
}

/// Makes the events of one picture.
pub(super) struct Teller<'a> {
    pub(super) context: &'a LevelContext,
    pub(super) token: Token,
    pub(super) time: Nanos,
}

impl Teller<'_> {
    #[inline]
    fn event(&self, kind: EventKind, flags: u8) -> Event {
        Event {
            kind_code: kind as u8,
            flags: flags | super::line_flag(self.context.line),
            stream: self.context.stream,
            token: self.token,
            exchange_time: self.time,
            receive_time: self.context.receive_time,
            ..Event::zeroed()
        }
    }

    fn order(&self, kind: EventKind, side: Side, number: usize, slot: Slot) -> Event {
        let sell = if matches!(side, Side::Sell) { MarketFlags::SELL } else { 0 };
        let order_id = u64::from(self.token.0) << 8 | (side as u64) << 7 | number as u64;
        Event {
            quantity: Qty(slot.quantity),
            price: slot.price,
            order_id: OrderId(order_id),
            ..self.event(kind, MarketFlags::LEVEL | sell)
        }
    }

    pub(super) fn trade(&self, price: Px, quantity: u32) -> Event {
        Event { quantity: Qty(quantity), price, ..self.event(EventKind::Trade, MarketFlags::LEVEL) }
    }

    pub(super) fn status(&self, status: TradingStatus) -> Event {
        Event { quantity: Qty(status as u32), ..self.event(EventKind::TradingStatus, 0) }
    }
}
