//! What the exchange says of own orders beside reports: trades it takes back, triggers and freezes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use common::market::LOT;
use common::{core, external_config};
use tezi_core::Core;
use tezi_core::oms::{OrderEvent, ReportError};
use tezi_core::pricing::Reference;
use tezi_core::strategy::{Context, Fill, OrderUpdate, Strategy};
use tezi_model::{
    ClientOrderId, ExecutionKind, ExecutionReport, InstrumentId, Money, Nanos, OrderId,
    OrderStatus, Px, Qty, RejectReason, Side,
};

const FUTURE: InstrumentId = InstrumentId(1);
const ORDER: ClientOrderId = ClientOrderId(1);

/// Buys at the start, and notes what it hears.
#[derive(Default)]
struct Buyer {
    states: Vec<OrderStatus>,
    net: Vec<i64>,
}

impl Strategy for Buyer {
    fn name(&self) -> &'static str {
        "buyer"
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        ctx.submit(FUTURE, Side::Buy, Px::from_rupees(100.0), Qty(2 * LOT)).unwrap();
    }

    fn on_order(&mut self, _ctx: &mut Context<'_>, update: &OrderUpdate) {
        self.states.push(update.order.status);
    }

    fn on_fill(&mut self, _ctx: &mut Context<'_>, fill: &Fill) {
        self.net.push(i64::from(fill.quantity.0));
    }

    fn on_fill_canceled(&mut self, _ctx: &mut Context<'_>, fill: &Fill) {
        self.net.push(-i64::from(fill.quantity.0));
    }
}

fn fill(fill_id: u32, rupees: f64) -> ExecutionReport {
    ExecutionReport {
        client_order_id: ORDER,
        order_id: OrderId(77),
        price: Px::from_rupees(rupees),
        quantity: Qty(LOT),
        fill_id,
        kind_code: ExecutionKind::Fill as u8,
        passive: 1,
        reason: 0,
        reserved: 0,
        venue_time: Nanos::ZERO,
    }
}

fn started() -> Core<Buyer, Reference> {
    let mut core = core(&external_config(), Buyer::default());
    core.on_start(Nanos(1));
    core
}

#[test]
fn a_trade_the_exchange_takes_back_leaves_the_position_once() {
    let mut core = started();
    core.on_report(Nanos(2), &fill(5, 99.0)).unwrap();
    core.on_report(Nanos(3), &fill(6, 98.0)).unwrap();
    assert_eq!(core.positions().get(FUTURE).net, 2 * i64::from(LOT));
    assert_eq!(core.on_trade_canceled(Nanos(4), &fill(6, 97.0)), Err(ReportError::UnknownTrade));
    assert_eq!(core.on_trade_canceled(Nanos(5), &fill(4, 99.0)), Err(ReportError::UnknownTrade));
    for now in [6, 7] {
        assert_eq!(core.on_trade_canceled(Nanos(now), &fill(6, 98.0)), Ok(()));
    }
    let position = core.positions().get(FUTURE);
    assert_eq!((position.net, position.realised), (i64::from(LOT), Money::ZERO));
    assert_eq!(position.average_price(), Some(Px::from_rupees(99.0)));
    assert_eq!(core.orders().get(ORDER).unwrap().status, OrderStatus::Filled);
    let lot = i64::from(LOT);
    assert_eq!(core.strategy().net, [lot, lot, -lot]);
    assert!(core.is_consistent());
}

#[test]
fn a_trade_taken_back_is_found_by_the_venues_number_of_its_order() {
    let mut core = started();
    core.on_report(Nanos(2), &fill(5, 99.0)).unwrap();
    let by_number = |order_id| {
        let client_order_id = ClientOrderId(0);
        ExecutionReport { client_order_id, order_id: OrderId(order_id), ..fill(5, 99.0) }
    };
    for unknown in [0, 76] {
        let refused = core.on_trade_canceled(Nanos(3), &by_number(unknown));
        assert_eq!(refused, Err(ReportError::UnknownOrder));
    }
    for now in [4, 5] {
        assert_eq!(core.on_trade_canceled(Nanos(now), &by_number(77)), Ok(()));
    }
    assert_eq!((core.positions().get(FUTURE).net, core.strategy().net.len()), (0, 2));
}

#[test]
fn a_trade_taken_back_can_reach_the_loss_limit() {
    let mut config = external_config();
    config.limits.loss_max = 100;
    let mut core = common::core(&config, Buyer::default());
    core.on_start(Nanos(1));
    // The mark is that of the first fill, so the second is a profit that can be taken back.
    core.on_report(Nanos(2), &fill(5, 99.0)).unwrap();
    core.on_report(Nanos(3), &fill(6, 90.0)).unwrap();
    assert!(core.profit() > Money::ZERO);
    core.on_trade_canceled(Nanos(4), &fill(6, 90.0)).unwrap();
    assert_eq!((core.profit(), core.stopped()), (Money::ZERO, None));
    let mut core = common::core(&config, Buyer::default());
    core.on_start(Nanos(1));
    core.on_report(Nanos(2), &fill(5, 90.0)).unwrap();
    core.on_trade_canceled(Nanos(3), &fill(5, 90.0)).unwrap();
    assert_eq!(core.positions().get(FUTURE).net, 0);
    core.on_report(Nanos(4), &fill(6, 99.0)).unwrap();
    assert_eq!(core.stopped(), Some(RejectReason::LossLimit));
}

#[test]
fn a_freeze_and_a_trigger_change_the_state_and_a_later_report_brings_the_number() {
    let mut core = started();
    core.on_order_event(Nanos(2), ORDER, OrderEvent::Frozen).unwrap();
    assert_eq!(core.orders().get(ORDER).unwrap().status, OrderStatus::PendingNew);
    core.on_order_event(Nanos(3), ORDER, OrderEvent::Unfrozen).unwrap();
    let order = core.orders().get(ORDER).unwrap();
    assert_eq!((order.status, order.order_id), (OrderStatus::New, OrderId(0)));
    let late = ExecutionReport { kind_code: ExecutionKind::Accepted as u8, ..fill(0, 100.0) };
    core.on_report(Nanos(4), &late).unwrap();
    assert_eq!(core.orders().get(ORDER).unwrap().order_id, OrderId(77));
    assert_eq!(core.strategy().states, [OrderStatus::PendingNew, OrderStatus::New]);
    let refused = [
        (ClientOrderId(9), OrderEvent::Triggered, ReportError::UnknownOrder),
        (ORDER, OrderEvent::Fill, ReportError::Impossible),
    ];
    for (id, event, error) in refused {
        assert_eq!(core.on_order_event(Nanos(5), id, event), Err(error));
    }
}
