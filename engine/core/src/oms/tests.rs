//! Tests of order management: named behaviours, and random reports against the invariants.

use super::*;
use tezi_model::Nanos;
use tezi_testing::Random;

const NIFTY: InstrumentId = InstrumentId(0);

fn report(id: ClientOrderId, kind: ExecutionKind, paise: i64, quantity: u32) -> ExecutionReport {
    ExecutionReport {
        client_order_id: id,
        order_id: OrderId(1_000 + id.0),
        price: Px::from_paise(paise),
        quantity: Qty(quantity),
        fill_id: 0,
        kind_code: kind as u8,
        passive: 0,
        reason: 0,
        reserved: 0,
        venue_time: Nanos::ZERO,
    }
}

fn with_order(quantity: u32) -> (Orders, ClientOrderId) {
    let mut orders = Orders::new(16, 2);
    let order =
        orders.enter(NIFTY, Side::Buy, Px::from_paise(100), Qty(quantity), TimeInForce::Day);
    (orders, order.unwrap().client_order_id)
}

/// The status after each report, in turn.
fn statuses(quantity: u32, reports: &[(ExecutionKind, u32)]) -> Vec<OrderStatus> {
    let (mut orders, id) = with_order(quantity);
    let apply = |&(kind, quantity)| {
        let _ = orders.on_report(&report(id, kind, 100, quantity));
        assert!(orders.is_consistent());
        orders.get(id).unwrap().status
    };
    reports.iter().map(apply).collect()
}

#[test]
fn an_order_lives_from_pending_to_filled() {
    use ExecutionKind as K;
    use OrderStatus as S;
    assert_eq!(
        statuses(100, &[(K::Accepted, 100), (K::Fill, 40), (K::Fill, 60), (K::Canceled, 0)]),
        [S::New, S::PartiallyFilled, S::Filled, S::Filled]
    );
}

#[test]
fn a_fill_before_the_acknowledgement_is_booked_and_the_late_acknowledgement_is_a_repeat() {
    use ExecutionKind as K;
    use OrderStatus as S;
    assert_eq!(
        statuses(100, &[(K::Fill, 40), (K::Accepted, 100), (K::Fill, 60), (K::Accepted, 100)]),
        [S::PartiallyFilled, S::PartiallyFilled, S::Filled, S::Filled]
    );
}

#[test]
fn a_fill_that_crosses_a_cancel_counts_and_the_rest_is_canceled() {
    let (mut orders, id) = with_order(100);
    orders.on_report(&report(id, ExecutionKind::Accepted, 100, 100)).unwrap();
    orders.mark_cancel(id).unwrap();
    let fill = orders.on_report(&report(id, ExecutionKind::Fill, 100, 30)).unwrap().unwrap();
    assert_eq!(fill.order.status, OrderStatus::PendingCancel);
    assert_eq!(orders.exposure(NIFTY).buy, 70);
    orders.on_report(&report(id, ExecutionKind::Canceled, 100, 30)).unwrap();
    let order = orders.get(id).unwrap();
    assert_eq!((order.status, order.filled), (OrderStatus::Canceled, Qty(30)));
    assert_eq!(orders.exposure(NIFTY), Exposure::default());
}

#[test]
fn a_change_in_flight_counts_at_the_worse_of_both() {
    let (mut orders, id) = with_order(100);
    orders.on_report(&report(id, ExecutionKind::Accepted, 100, 100)).unwrap();
    orders.mark_replace(id, Px::from_paise(90), Qty(150)).unwrap();
    assert_eq!(orders.exposure(NIFTY).buy, 150);
    assert_eq!(orders.open_value(), Px::from_paise(90).value(150));
    orders.on_report(&report(id, ExecutionKind::ReplaceRejected, 0, 0)).unwrap();
    assert_eq!(orders.exposure(NIFTY).buy, 100);
    assert_eq!(orders.get(id).unwrap().status, OrderStatus::New);
}

#[test]
fn a_late_fill_on_a_closed_order_is_booked_but_the_order_stays_closed() {
    let (mut orders, id) = with_order(100);
    orders.on_report(&report(id, ExecutionKind::Canceled, 0, 0)).unwrap();
    let late = orders.on_report(&report(id, ExecutionKind::Fill, 100, 10)).unwrap().unwrap();
    assert_eq!(late.order.status, OrderStatus::Canceled);
    assert_eq!(late.filled, Some((Px::from_paise(100), Qty(10))));
    assert_eq!(orders.counters().late_fills, 1);
}

#[test]
fn repeated_and_impossible_reports_change_nothing() {
    let (mut orders, id) = with_order(100);
    let mut fill = report(id, ExecutionKind::Fill, 100, 10);
    fill.fill_id = 7;
    assert!(orders.on_report(&fill).unwrap().is_some());
    assert_eq!(orders.on_report(&fill), Ok(None));
    let cases = [
        (report(ClientOrderId(9), ExecutionKind::Accepted, 0, 0), ReportError::UnknownOrder),
        (report(id, ExecutionKind::Rejected, 0, 0), ReportError::Impossible),
        (report(id, ExecutionKind::Fill, 100, 91), ReportError::Overfill),
        (report(id, ExecutionKind::Fill, 100, 0), ReportError::EmptyFill),
    ];
    let before = orders.get(id);
    for (bad, error) in cases {
        assert_eq!(orders.on_report(&bad), Err(error));
        assert_eq!(orders.get(id), before);
    }
}

#[test]
fn the_table_refuses_a_new_order_only_while_its_place_is_open() {
    let mut orders = Orders::new(2, 1);
    let enter = |orders: &mut Orders| {
        orders.enter(NIFTY, Side::Sell, Px::from_paise(100), Qty(1), TimeInForce::Day)
    };
    let first = enter(&mut orders).unwrap().client_order_id;
    enter(&mut orders).unwrap();
    assert_eq!(enter(&mut orders), None);
    orders.on_report(&report(first, ExecutionKind::Rejected, 0, 0)).unwrap();
    assert_eq!(enter(&mut orders).unwrap().client_order_id, ClientOrderId(3));
    assert_eq!(orders.get(first), None);
}

#[test]
fn an_order_that_rests_all_day_does_not_stand_in_the_way_of_others() {
    let mut orders = Orders::new(4, 1);
    let enter = |orders: &mut Orders| {
        let order = orders.enter(NIFTY, Side::Buy, Px::from_paise(100), Qty(1), TimeInForce::Day);
        order.map(|order| order.client_order_id)
    };
    let resting = enter(&mut orders).unwrap();
    let mut ids = Vec::new();
    for _ in 0..9 {
        let id = enter(&mut orders).unwrap();
        orders.on_report(&report(id, ExecutionKind::Canceled, 0, 0)).unwrap();
        ids.push(id.0);
    }
    // 5 and 9 would lie where 1 still does.
    assert_eq!(ids, [2, 3, 4, 6, 7, 8, 10, 11, 12]);
    assert_eq!(orders.get(resting).unwrap().status, OrderStatus::PendingNew);
    assert_eq!(orders.entered(), 10);
    assert!(orders.is_consistent());
}

#[test]
fn random_reports_never_break_the_sums_or_revive_an_order() {
    let mut random = Random(5);
    let mut orders = Orders::new(64, 4);
    let (mut bought, mut terminal) = (0_u64, std::collections::BTreeSet::new());
    for step in 0..100_000 {
        // An open order, or one of the last, closed or never given out.
        let open = orders.open().nth(random.below(80) as usize).map(|o| o.client_order_id);
        let recent = orders.next_id().map_or(0, |id| id.0).saturating_sub(random.below(40));
        let id = open.unwrap_or(ClientOrderId(recent));
        match random.below(6) {
            0 => {
                let instrument = InstrumentId(random.below(4) as u32);
                let price = Px(1 + random.below(1_000) as i64);
                let quantity = Qty(1 + random.below(100) as u32);
                let side = Side::BOTH[random.below(2) as usize];
                orders.enter(instrument, side, price, quantity, TimeInForce::Day);
            }
            1 => {
                let quantity = Qty(1 + random.below(150) as u32);
                orders.mark_replace(id, Px(1 + random.below(1_000) as i64), quantity);
            }
            2 => {
                orders.mark_cancel(id);
            }
            _ => {
                let kind = ExecutionKind::from_code(1 + random.below(7) as u8).unwrap();
                let quantity = 1 + random.below(120) as u32;
                let report = report(id, kind, 1 + random.below(9) as i64, quantity);
                if let Ok(Some(applied)) = orders.on_report(&report) {
                    bought += applied.filled.map_or(0, |(_, quantity)| u64::from(quantity.0));
                }
            }
        }
        assert!(orders.is_consistent(), "seed 5, step {step}");
        if let Some(order) = orders.get(id) {
            assert!(order.status.is_terminal() || !terminal.contains(&id), "seed 5, step {step}");
            if order.status.is_terminal() {
                terminal.insert(id);
            }
        }
    }
    assert!(bought > 1_000, "the run must have traded");
}
