//! A recorded market as the background: its orders stand in the exchange's books, yours among them.
//!
//! **The model.** Every recorded order is entered, changed and cancelled when it was, in the distances
//! of the recording, and the exchange's own matching decides what it meets: an order of the recording
//! that crosses trades with what stands first, be it recorded or yours. A trade whose aggressor the
//! recording never shows (a market order; ITCH and DBN show none) is played as an immediate-or-cancel
//! order at its price, against what stands first. Behind each trade what the recording still has of an
//! order is compared with what the book has: more here, because yours took its place, and the
//! difference leaves; less, because yours took from it, and what it lost stays lost. So without your
//! orders the books are the recording's, and with them yours wait in its queues.
//!
//! **Not modelled**: that others would have acted otherwise. As in the simulated venue of the backtest
//! (decision 6), results are those of a participant too small to matter. Status messages of the
//! recording are passed over, phases are those of the exchange's day; so are spreads. An auction of the
//! recording is played as continuous trading.
//!
//! Everything is laid out before the first action: nothing allocates and nothing is looked up by
//! number while it plays.

mod listings;
mod script;

use std::collections::VecDeque;

use tezi_core::matching::{Matcher, Order, OrderState, Report, Target, Trade};
use tezi_model::{
    Event, EventKind, InstrumentId, Nanos, OrderId, Px, Qty, Side, StreamId, TimeInForce,
};

pub use listings::{ListingsOfRecording, recorded_listings};
use script::{ALL, Entry, NONE, Script};

use crate::background::{Action, BACKGROUND_MEMBERS, Background};
use crate::config::Listing;

/// The member that recorded orders are of, and the one of aggressors the recording does not show.
const RECORDED: u32 = BACKGROUND_MEMBERS - 3;
const UNSEEN: u32 = BACKGROUND_MEMBERS - 4;

/// What a recording came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordedCounters {
    /// Events played.
    pub events: u64,
    /// Events of instruments that are not listed, left out.
    pub unlisted: u64,
    /// Events without a meaning here: statuses, spreads, clocks.
    pub passed_over: u64,
    /// Gaps in the recording: books may be wrong from there on.
    pub gaps: u64,
    /// Orders and changes that the exchange refused.
    pub refused: u64,
    /// Changes and trades of orders that have left here already, or never came.
    pub gone: u64,
}

/// One order of the recording and what became of it here.
#[derive(Clone, Copy, Debug)]
struct Copied {
    order_id: OrderId,
    price: Px,
    instrument: InstrumentId,
    stream: StreamId,
    /// What the recording says is open.
    recorded: u32,
    /// What is open here.
    open: u32,
    /// What has traded here.
    traded: u32,
    side: Side,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Not yet in the recording.
    Unseen,
    /// Sent, not answered.
    Asked,
    Lives,
    Gone,
}

/// What is still to be done of an event.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Enters an order, or changes it to what the recording says of it.
    Place(u32),
    Cancel(u32),
    /// Takes away what the recording has no more.
    Reconcile(u32),
    /// An aggressor that the recording does not show.
    Take {
        instrument: InstrumentId,
        side: Side,
        price: Px,
        quantity: u32,
    },
    /// Cancels every order of an instrument, or of all on a stream, from this place on.
    Clear {
        instrument: u32,
        stream: StreamId,
        from: u32,
    },
}

/// A recording that plays.
pub struct RecordedMarket {
    script: Script,
    /// The next entry.
    cursor: usize,
    orders: Box<[Copied]>,
    steps: VecDeque<Step>,
    counters: RecordedCounters,
}

impl RecordedMarket {
    /// A recording of events in order, to begin at `start`, for what is listed; instruments go by their
    /// tokens.
    #[must_use]
    pub fn new(events: &[Event], listings: &[Listing], start: Nanos) -> Self {
        let (script, counters) = Script::new(events, listings, start);
        let blank = Copied {
            order_id: OrderId(0),
            price: Px::ZERO,
            instrument: InstrumentId(0),
            stream: StreamId::default(),
            recorded: 0,
            open: 0,
            traded: 0,
            side: Side::Buy,
            stage: Stage::Unseen,
        };
        let orders = vec![blank; script.orders as usize].into_boxed_slice();
        Self { script, cursor: 0, orders, steps: VecDeque::with_capacity(4), counters }
    }

    /// What it came to so far.
    #[must_use]
    pub const fn counters(&self) -> &RecordedCounters {
        &self.counters
    }

    /// When its last event is; `None` without events.
    #[must_use]
    pub fn end(&self) -> Option<Nanos> {
        self.script.entries.last().map(|entry| entry.at)
    }

    /// What an event asks for, as steps.
    fn begin(&mut self, entry: &Entry) {
        use EventKind as K;
        self.counters.events += 1;
        let Entry { orders: [first, second], .. } = *entry;
        match entry.kind {
            K::OrderNew | K::OrderModify => self.place(first, entry, entry.side),
            K::OrderReplace => {
                let side = self.orders[first as usize].side;
                self.end_of(first);
                self.place(second, entry, side);
            }
            K::OrderCancel => self.end_of(first),
            K::OrderReduce => {
                self.take_off(first, entry.quantity);
                self.steps.push_back(Step::Reconcile(first));
            }
            K::OrderExecute => {
                let order = self.orders[first as usize];
                self.on_trade(entry, [(first, order.side), (NONE, order.side.opposite())]);
            }
            K::Trade => self.on_trade(entry, [(first, Side::Buy), (second, Side::Sell)]),
            _ => {
                let Entry { instrument, stream, .. } = *entry;
                self.steps.push_back(Step::Clear { instrument, stream, from: 0 });
            }
        }
    }

    fn place(&mut self, at: u32, entry: &Entry, side: Side) {
        let order = &mut self.orders[at as usize];
        (order.price, order.recorded, order.side) = (entry.price, entry.quantity, side);
        (order.instrument, order.stream) = (InstrumentId(entry.instrument), entry.stream);
        self.steps.push_back(if entry.quantity == 0 { Step::Cancel(at) } else { Step::Place(at) });
    }

    fn end_of(&mut self, at: u32) {
        self.orders[at as usize].recorded = 0;
        self.steps.push_back(Step::Cancel(at));
    }

    fn take_off(&mut self, at: u32, quantity: u32) {
        if let Some(order) = self.orders.get_mut(at as usize) {
            order.recorded = order.recorded.saturating_sub(quantity);
        }
    }

    /// A trade of two orders, one of which may never have been shown.
    fn on_trade(&mut self, entry: &Entry, sides: [(u32, Side); 2]) {
        let is_known = |at: u32| {
            self.orders.get(at as usize).is_some_and(|order| order.stage != Stage::Unseen)
        };
        let known = sides.map(|(at, _)| is_known(at));
        if known == [false; 2] {
            self.counters.gone += 1;
            return;
        }
        for (place, (at, side)) in sides.into_iter().enumerate() {
            // The other order stands in the book: this one came to it and was never shown.
            if at == NONE && known[1 - place] {
                let resting = &self.orders[sides[1 - place].0 as usize];
                let (price, instrument) = (resting.price, resting.instrument);
                self.steps.push_back(Step::Take {
                    instrument,
                    side,
                    price,
                    quantity: entry.quantity,
                });
            }
        }
        for (at, _) in sides.into_iter().zip(known).filter(|(_, known)| *known).map(|(it, _)| it) {
            self.take_off(at, entry.quantity);
            self.steps.push_back(Step::Reconcile(at));
        }
    }

    /// The request of a step, `None` where nothing is to be asked.
    fn act(&mut self, step: Step) -> Option<Action> {
        match step {
            Step::Place(at) => self.act_place(at),
            Step::Cancel(at) => self.cancel(at),
            Step::Reconcile(at) => {
                let order = &self.orders[at as usize];
                if order.stage != Stage::Lives || order.open <= order.recorded {
                    return None;
                }
                if order.recorded == 0 { self.cancel(at) } else { Some(self.change(at)) }
            }
            Step::Take { instrument, side, price, quantity } => {
                let order = Order::limit(instrument, side, price, Qty(quantity));
                let order = Order { time_in_force: TimeInForce::Ioc, member: UNSEEN, ..order };
                Some(Action::Submit(order))
            }
            Step::Clear { instrument, stream, from } => {
                let is_meant = |order: &Copied| match instrument {
                    ALL => order.stream == stream,
                    one => order.instrument.0 == one,
                };
                let is_it = |order: &Copied| order.stage == Stage::Lives && is_meant(order);
                let at = self.orders[from as usize..].iter().position(is_it)? as u32 + from;
                self.steps.push_front(Step::Clear { instrument, stream, from: at + 1 });
                self.orders[at as usize].recorded = 0;
                self.cancel(at)
            }
        }
    }

    fn act_place(&mut self, at: u32) -> Option<Action> {
        let order = &mut self.orders[at as usize];
        match order.stage {
            Stage::Unseen => {
                order.stage = Stage::Asked;
                Some(Action::Submit(self.order(at)))
            }
            Stage::Lives => Some(self.change(at)),
            Stage::Asked | Stage::Gone => {
                self.counters.gone += 1;
                None
            }
        }
    }

    /// The order as the recording has it; what has traded here is part of its total.
    fn order(&self, at: u32) -> Order {
        let Copied { instrument, side, price, recorded, traded, .. } = self.orders[at as usize];
        let order = Order::limit(instrument, side, price, Qty(recorded.saturating_add(traded)));
        Order { member: RECORDED, reference: at.into(), ..order }
    }

    fn change(&self, at: u32) -> Action {
        let target = Target::new(self.orders[at as usize].order_id, RECORDED);
        Action::Modify { target, order: self.order(at) }
    }

    fn cancel(&self, at: u32) -> Option<Action> {
        let order = &self.orders[at as usize];
        let lives = order.stage == Stage::Lives;
        lives.then(|| Action::Cancel(Target::new(order.order_id, RECORDED)))
    }

    fn on_state(&mut self, state: &OrderState, lives: bool) {
        if state.member != RECORDED {
            return;
        }
        if let Some(order) = self.orders.get_mut(state.reference as usize) {
            order.order_id = state.order_id;
            (order.open, order.traded) = (state.open().0, state.traded.0);
            order.stage = if lives { Stage::Lives } else { Stage::Gone };
        }
    }

    fn on_fill(&mut self, trade: &Trade, side: Side) {
        let side = side as usize;
        if trade.members[side] != RECORDED {
            return;
        }
        if let Some(order) = self.orders.get_mut(trade.references[side] as usize) {
            order.open = trade.open[side].0;
            order.traded = order.traded.saturating_add(trade.quantity.0);
            if order.open == 0 {
                order.stage = Stage::Gone;
            }
        }
    }
}

impl Background for RecordedMarket {
    fn next_due(&self) -> Option<Nanos> {
        let at = if self.steps.is_empty() { self.cursor } else { self.cursor - 1 };
        self.script.entries.get(at).map(|entry| entry.at)
    }

    fn poll(&mut self, now: Nanos, _matcher: &Matcher) -> Option<Action> {
        loop {
            while let Some(step) = self.steps.pop_front() {
                let action = self.act(step);
                if action.is_some() {
                    return action;
                }
            }
            let entry = *self.script.entries.get(self.cursor).filter(|entry| entry.at <= now)?;
            self.cursor += 1;
            self.begin(&entry);
        }
    }

    fn on_report(&mut self, report: &Report) {
        match report {
            Report::Accepted(state) | Report::Modified(state) => self.on_state(state, true),
            Report::Canceled(state, _) => self.on_state(state, false),
            Report::Traded(trade) => {
                for side in Side::BOTH {
                    self.on_fill(trade, side);
                }
            }
            &Report::Refused { member, reference, order_id, .. }
                if member == RECORDED || member == UNSEEN =>
            {
                self.counters.refused += 1;
                let asked = self.orders.get_mut(reference as usize);
                if let Some(order) = asked.filter(|_| member == RECORDED && order_id == OrderId(0))
                {
                    order.stage = Stage::Gone;
                }
            }
            _ => {}
        }
    }

    /// What an exchange let in once is let in again.
    fn is_protected(&self) -> bool {
        false
    }
}
