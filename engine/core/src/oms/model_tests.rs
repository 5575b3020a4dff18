//! Order management against a naive model that knows no table: it keeps what is in flight as
//! separate facts and derives the state from them.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use tezi_model::Nanos;
use tezi_testing::Random;

const STEPS: u64 = if cfg!(debug_assertions) { 300_000 } else { 4_000_000 };

/// One order as facts.
#[derive(Clone, Debug)]
struct Naive {
    confirmed: bool,
    replace: Option<(Px, Qty)>,
    cancel: bool,
    end: Option<OrderStatus>,
    price: Px,
    quantity: u32,
    filled: u32,
    annulled: u32,
    fills: BTreeMap<u32, (Px, u32)>,
    taken_back: BTreeSet<u32>,
}

impl Naive {
    fn status(&self) -> OrderStatus {
        match self {
            Self { end: Some(end), .. } => *end,
            Self { cancel: true, .. } => OrderStatus::PendingCancel,
            Self { replace: Some(_), .. } => OrderStatus::PendingReplace,
            Self { filled: 1.., .. } => OrderStatus::PartiallyFilled,
            Self { confirmed: true, .. } => OrderStatus::New,
            _ => OrderStatus::PendingNew,
        }
    }

    fn is_pending_new(&self) -> bool {
        self.status() == OrderStatus::PendingNew
    }

    fn leaves(&self) -> u32 {
        // With the order's end, what a change asked for is gone.
        let asked = self.replace.filter(|_| self.end.is_none()).map_or(0, |(_, q)| q.0);
        self.quantity.max(asked).saturating_sub(self.filled)
    }

    fn end_if_full(&mut self) {
        if self.end.is_none() && self.leaves() == 0 {
            self.end = Some(OrderStatus::Filled);
        }
    }

    /// Whether a request may leave.
    fn may_request(&self) -> bool {
        self.end.is_none() && !self.cancel && self.replace.is_none() && !self.is_pending_new()
    }

    /// Whether the fill is new and possible.
    fn on_fill(&mut self, fill_id: u32, price: Px, quantity: u32) -> bool {
        if self.fills.contains_key(&fill_id) || quantity == 0 || quantity > self.leaves() {
            return false;
        }
        self.filled += quantity;
        self.fills.insert(fill_id, (price, quantity));
        self.end_if_full();
        true
    }

    /// Whether the trade was told like this and not taken back.
    fn on_trade_canceled(&mut self, fill_id: u32, price: Px, quantity: u32) -> bool {
        let is_told = self.fills.get(&fill_id) == Some(&(price, quantity));
        let is_first = is_told && self.taken_back.insert(fill_id);
        self.annulled += if is_first { quantity } else { 0 };
        is_first
    }

    fn on(&mut self, event: OrderEvent, price: Px, quantity: u32) {
        use OrderEvent as E;
        if self.end.is_some() {
            return;
        }
        match event {
            E::Accepted | E::Unfrozen | E::Triggered => self.confirmed = true,
            E::Rejected | E::DownloadedSilent if self.is_pending_new() => {
                self.end = Some(OrderStatus::Rejected);
            }
            E::Canceled => self.end = Some(OrderStatus::Canceled),
            E::CancelRejected => self.cancel = false,
            E::ReplaceRejected => self.replace = None,
            E::Replaced if !self.is_pending_new() => {
                (self.replace, self.price, self.quantity) = (None, price, quantity);
            }
            E::DownloadedOpen | E::DownloadedSilent => {
                (self.confirmed, self.replace, self.cancel) = (true, None, false);
            }
            _ => {}
        }
        self.end_if_full();
    }
}

fn report(id: ClientOrderId, kind: ExecutionKind, price: Px, quantity: u32) -> ExecutionReport {
    ExecutionReport {
        client_order_id: id,
        order_id: OrderId(7),
        price,
        quantity: Qty(quantity),
        fill_id: 0,
        kind_code: kind as u8,
        passive: 0,
        reason: 0,
        reserved: 0,
        venue_time: Nanos::ZERO,
    }
}

/// The orders, the model of the latest few, and the facts to compare in the end.
struct Rig {
    random: Random,
    orders: Orders,
    models: BTreeMap<u64, Naive>,
    seen: BTreeSet<(u8, u8)>,
    /// Fills refused because fills as old are forgotten.
    forgotten: u64,
}

impl Rig {
    fn enter(&mut self) {
        let price = Px(1 + self.random.below(100) as i64);
        let quantity = 1 + self.random.below(50) as u32;
        let side = Side::BOTH[self.random.below(2) as usize];
        let instrument = InstrumentId(self.random.below(4) as u32);
        let entered = self.orders.enter(instrument, side, price, Qty(quantity), TimeInForce::Day);
        let Some(order) = entered else { return };
        let naive = Naive {
            confirmed: false,
            replace: None,
            cancel: false,
            end: None,
            price,
            quantity,
            filled: 0,
            annulled: 0,
            fills: BTreeMap::new(),
            taken_back: BTreeSet::new(),
        };
        self.models.insert(order.client_order_id.0, naive);
        if self.models.len() > 48 {
            self.models.retain(|&id, _| self.orders.get(ClientOrderId(id)).is_some());
        }
    }

    fn step(&mut self) {
        if self.models.is_empty() || self.random.below(24) == 0 {
            return self.enter();
        }
        let at = self.random.below(self.models.len() as u64) as usize;
        let Some(id) = self.models.keys().nth(at).copied().map(ClientOrderId) else { return };
        if self.orders.get(id).is_none() {
            self.models.remove(&id.0);
            return;
        }
        let Some(mut naive) = self.models.remove(&id.0) else { return };
        let status_before = naive.status();
        let price = Px(1 + self.random.below(100) as i64);
        let quantity = self.random.below(40) as u32;
        let event = OrderEvent::ALL[self.random.below(OrderEvent::ALL.len() as u64) as usize];
        self.drive(id, event, price, quantity, &mut naive);
        self.seen.insert((status_before as u8, event as u8));
        self.compare(id, &naive, event);
        self.models.insert(id.0, naive);
    }

    fn drive(
        &mut self,
        id: ClientOrderId,
        event: OrderEvent,
        price: Px,
        quantity: u32,
        naive: &mut Naive,
    ) {
        use OrderEvent as E;
        let is_able = naive.may_request();
        let mut fill = report(id, ExecutionKind::Fill, price, quantity);
        match event {
            E::ReplaceSent => {
                let sent = self.orders.mark_replace(id, price, Qty(quantity)).is_some();
                assert_eq!(sent, is_able);
                naive.replace = if sent { Some((price, Qty(quantity))) } else { naive.replace };
            }
            E::CancelSent => {
                let sent = self.orders.mark_cancel(id).is_some();
                assert_eq!(sent, is_able);
                naive.cancel |= sent;
            }
            E::PartialFill | E::Fill => {
                fill.quantity = if event == E::Fill { Qty(naive.leaves()) } else { fill.quantity };
                // Numbers come in any order, and some come twice.
                fill.fill_id = 1 + self.random.below(1_000) as u32;
                let forgotten = self.orders.on_report(&fill) == Err(ReportError::ForgottenFill);
                self.forgotten += u64::from(forgotten);
                let _ = forgotten || naive.on_fill(fill.fill_id, price, fill.quantity.0);
            }
            E::RepeatedFill => {
                let Some(&fill_id) = naive.fills.keys().next() else { return };
                fill.fill_id = fill_id;
                let repeated = self.orders.on_report(&fill);
                assert!(matches!(repeated, Ok(None) | Err(ReportError::ForgottenFill)));
            }
            E::TradeCanceled => {
                let Some((&fill_id, &(price, quantity))) = naive.fills.iter().next_back() else {
                    return;
                };
                fill = ExecutionReport { fill_id, price, quantity: Qty(quantity), ..fill };
                let expected = naive.on_trade_canceled(fill_id, price, quantity);
                let done = self.orders.on_trade_canceled(&fill).unwrap();
                assert_eq!(done.is_some(), expected);
                assert_eq!(self.orders.on_trade_canceled(&fill), Ok(None), "once only");
            }
            _ if event.is_bare() => {
                naive.on(event, price, quantity);
                let _ = self.orders.on_event(id, event);
            }
            _ => {
                naive.on(event, price, quantity);
                let kind = (1..=7)
                    .filter_map(ExecutionKind::from_code)
                    .find(|&kind| OrderEvent::of_report(kind) == event);
                let _ = self.orders.on_report(&report(id, kind.unwrap(), price, quantity));
            }
        }
    }

    fn compare(&self, id: ClientOrderId, naive: &Naive, event: OrderEvent) {
        let order = self.orders.get(id).unwrap();
        assert_eq!(order.status, naive.status(), "{event:?} {naive:?}");
        let numbers = (order.price, order.quantity.0, order.filled.0, order.annulled.0);
        assert_eq!(numbers, (naive.price, naive.quantity, naive.filled, naive.annulled));
        assert_eq!(order.pending, naive.replace.filter(|_| naive.end.is_none()), "{event:?}");
    }
}

#[test]
fn random_events_agree_with_facts_and_reach_every_cell() {
    let mut rig = Rig {
        random: Random(2026),
        orders: Orders::new(64, 4),
        models: BTreeMap::new(),
        seen: BTreeSet::new(),
        forgotten: 0,
    };
    for step in 0..STEPS {
        rig.step();
        if step % 64 == 0 {
            assert!(rig.orders.is_consistent(), "seed 2026, step {step}");
        }
    }
    let told = rig.orders.counters();
    assert!(told.reordered_fills > 1_000 && told.annulled > 1_000, "{told:?}");
    assert!(rig.forgotten > 0, "some fills came too late to know them");
    assert_eq!(rig.seen.len(), 8 * OrderEvent::ALL.len(), "every state met every event");
}

/// A venue that keeps its own truth and tells it badly: late, twice, in any order, across other
/// reports of the order. In the end it has told everything.
#[test]
fn a_hostile_venue_cannot_make_the_engine_lose_or_invent_a_trade() {
    let lives = if cfg!(debug_assertions) { 5_000 } else { 100_000 };
    let mut random = Random(77);
    let mut orders = Orders::new(16, 1);
    for life in 0..lives {
        let total = 1 + random.below(100) as u32;
        let order = orders.enter(InstrumentId(0), Side::Buy, Px(5), Qty(total), TimeInForce::Day);
        let id = order.unwrap().client_order_id;
        let (fills, traded) = venue_fills(&mut random, id, total);
        let mut words = fills;
        for index in (1..words.len()).rev() {
            words.swap(index, random.below(index as u64 + 1) as usize);
        }
        words.insert(
            random.below(words.len() as u64 + 1) as usize,
            report(id, ExecutionKind::Accepted, Px(5), total),
        );
        // The cancel may cross the fills: they are told after it all the same.
        let ends = random.below(2) == 0 || traded < total;
        if ends {
            let at = random.below(words.len() as u64 + 1) as usize;
            words.insert(at, report(id, ExecutionKind::Canceled, Px(5), total));
        }
        let mut closed = None;
        for index in 0..words.len() {
            let again = random.below(index as u64 + 1) as usize;
            for word in [words[index], words[again]] {
                if word.kind() == Some(ExecutionKind::Fill) || random.below(8) > 0 || again != index
                {
                    let _ = orders.on_report(&word);
                }
                let now = orders.get(id).unwrap().status;
                assert!(closed.is_none_or(|end| end == now), "seed 77, life {life}");
                closed = Some(now).filter(|status| status.is_terminal());
            }
        }
        let _ = orders.on_report(&report(id, ExecutionKind::Canceled, Px(5), total));
        let order = orders.get(id).unwrap();
        assert_eq!(order.filled.0, traded, "seed 77, life {life}");
        assert_eq!(orders.exposure(InstrumentId(0)), Exposure::default(), "seed 77, life {life}");
        assert!(orders.is_consistent(), "seed 77, life {life}");
    }
}

/// The fills a venue made of an order, and their sum.
fn venue_fills(random: &mut Random, id: ClientOrderId, total: u32) -> (Vec<ExecutionReport>, u32) {
    let (mut traded, mut fill_id, mut fills) = (0, 0, Vec::new());
    while traded < total && random.below(4) > 0 {
        let quantity = 1 + random.below(u64::from(total - traded)) as u32;
        fill_id += 1 + random.below(1_000) as u32;
        traded += quantity;
        fills.push(ExecutionReport { fill_id, ..report(id, ExecutionKind::Fill, Px(5), quantity) });
    }
    (fills, traded)
}
