//! The population's own orders, as reports left them.
//!
//! An order's slot and the slot's generation are the `reference` that goes out with it and comes
//! back in every report, so a report finds its order without a search. The first slots belong to
//! the makers' quotes, one each for ever; the others go round.

use tezi_core::matching::{OrderState, Trade};
use tezi_core::venue::session::OrderType;
use tezi_model::{OrderId, Px, Qty, Side};

const NONE: u32 = u32::MAX;

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// No order.
    Free,
    /// Sent, not yet answered.
    Sent,
    /// Confirmed, and not wholly traded or cancelled.
    Open,
}

/// One order. One cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Own {
    pub(super) order_id: OrderId,
    pub(super) price: Px,
    pub(super) trigger: Px,
    /// In total, what has traded included.
    pub(super) quantity: u32,
    pub(super) open: u32,
    /// Counts the orders this slot held; the next free slot while it holds none.
    generation: u32,
    next: u32,
    pub(super) product: u32,
    pub(super) member: u32,
    pub(super) disclosed: u32,
    pub(super) side: Side,
    pub(super) stage: Stage,
    pub(super) order_type: OrderType,
    /// A change is on its way.
    pub(super) is_changing: bool,
}

const _: () = assert!(size_of::<Own>() == 64);

impl Own {
    const FREE: Self = Self {
        order_id: OrderId(0),
        price: Px::ZERO,
        trigger: Px::ZERO,
        quantity: 0,
        open: 0,
        generation: 0,
        next: NONE,
        product: 0,
        member: 0,
        disclosed: 0,
        side: Side::Buy,
        stage: Stage::Free,
        order_type: OrderType::Limit,
        is_changing: false,
    };

    /// Whether it can be changed or cancelled now.
    #[inline]
    pub(super) fn is_settled(&self) -> bool {
        self.stage == Stage::Open && !self.is_changing
    }
}

/// An open order of the population, as its participants believe it to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// Its number.
    pub order_id: OrderId,
    /// Its side.
    pub side: Side,
    /// What kind it is by now.
    pub order_type: OrderType,
    /// Its limit.
    pub price: Px,
    /// Its trigger, zero of what waits for none.
    pub trigger: Px,
    /// What has not traded, hidden parts included.
    pub open: Qty,
    /// What it shows at a time, zero for all.
    pub disclosed: Qty,
}

/// All slots.
///
/// # Invariants
///
/// - `open_count` slots are not free.
/// - The free slots after the makers' are those on the list that begins at `free`.
#[derive(Clone, Debug)]
pub(super) struct Orders {
    slots: Box<[Own]>,
    free: u32,
    quotes: u32,
    open_count: u32,
}

impl Orders {
    /// `quotes` slots of the makers, and `others` that go round.
    pub(super) fn new(quotes: u32, others: u32) -> Self {
        let count = quotes + others;
        let slot = |index: u32| {
            let next = if index >= quotes && index + 1 < count { index + 1 } else { NONE };
            Own { next, ..Own::FREE }
        };
        let slots = (0..count).map(slot).collect();
        Self { slots, free: if others > 0 { quotes } else { NONE }, quotes, open_count: 0 }
    }

    #[inline]
    pub(super) fn at(&self, slot: u32) -> &Own {
        &self.slots[slot as usize]
    }

    #[inline]
    pub(super) fn at_mut(&mut self, slot: u32) -> &mut Own {
        &mut self.slots[slot as usize]
    }

    /// A slot that goes round, `None` when all are taken.
    #[inline]
    pub(super) fn vacant(&self) -> Option<u32> {
        (self.free != NONE).then_some(self.free)
    }

    /// What an order of this slot carries as its `reference`.
    #[inline]
    pub(super) fn reference(&self, slot: u32) -> u64 {
        u64::from(self.at(slot).generation) << 32 | u64::from(slot)
    }

    /// Takes a free slot for an order that is sent now, and returns its reference.
    #[inline]
    pub(super) fn take(&mut self, slot: u32) -> u64 {
        debug_assert!(self.at(slot).stage == Stage::Free, "a slot that is taken is free before");
        if slot >= self.quotes {
            debug_assert!(slot == self.free, "slots that go round are taken from the list");
            self.free = self.at(slot).next;
        }
        self.open_count += 1;
        let own = self.at_mut(slot);
        own.generation = own.generation.wrapping_add(1);
        own.stage = Stage::Sent;
        own.is_changing = false;
        self.reference(slot)
    }

    /// Gives a slot back.
    #[inline]
    pub(super) fn release(&mut self, slot: u32) {
        let (free, quotes) = (self.free, self.quotes);
        let own = self.at_mut(slot);
        own.stage = Stage::Free;
        own.open = 0;
        if slot >= quotes {
            own.next = free;
            self.free = slot;
        }
        self.open_count -= 1;
    }

    /// The slot a report is about; `None` of an order that is none of ours, or no longer.
    #[inline]
    pub(super) fn find(&self, reference: u64) -> Option<u32> {
        let slot = reference as u32;
        let own = self.slots.get(slot as usize)?;
        let is_it = own.stage != Stage::Free && self.reference(slot) == reference;
        is_it.then_some(slot)
    }

    /// The slot of an order by its number. O(slots): only for what should not happen.
    #[cold]
    pub(super) fn find_number(&self, order_id: OrderId) -> Option<u32> {
        let is_it = |own: &Own| own.stage == Stage::Open && own.order_id == order_id;
        self.slots.iter().position(is_it).map(|slot| slot as u32)
    }

    /// Takes over what a report says of an order.
    #[inline]
    pub(super) fn update(&mut self, slot: u32, state: &OrderState) {
        let own = self.at_mut(slot);
        own.stage = Stage::Open;
        own.is_changing = false;
        own.order_id = state.order_id;
        own.price = state.price;
        own.trigger = state.trigger;
        own.quantity = state.quantity.0;
        own.open = state.open().0;
        own.order_type = state.order_type;
    }

    /// Takes over what a trade left of an order, and returns whether anything is left.
    #[inline]
    pub(super) fn fill(&mut self, slot: u32, trade: &Trade, side: Side) -> bool {
        let own = self.at_mut(slot);
        own.open = trade.open[side as usize].0;
        own.open > 0
    }

    /// Orders sent or open.
    pub(super) const fn count(&self) -> u32 {
        self.open_count
    }

    /// Every confirmed order, by slot.
    pub(super) fn open(&self) -> impl Iterator<Item = OpenOrder> {
        self.slots.iter().filter(|own| own.stage == Stage::Open).map(|own| OpenOrder {
            order_id: own.order_id,
            side: own.side,
            order_type: own.order_type,
            price: own.price,
            trigger: own.trigger,
            open: Qty(own.open),
            disclosed: Qty(own.disclosed),
        })
    }
}
