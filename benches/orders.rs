//! Orders: pre-trade checks, order management, and the NNF packet.
//!
//! Regimes: *check* (all pre-trade checks of a new order and of a replace, every limit on), *life*
//! (an order entered, confirmed, replaced, confirmed, cancelled, confirmed: six transitions with
//! the exposure kept, beside 8, 1,000 and 10,000 open orders of its instrument and side),
//! *partial_fill* (one transition by itself), *encode* (each kind of command; the live session seals
//! it by AES-GCM, elsewhere; MD5 is the older method's price). An order waits for all of it. The
//! checks of a whole desk are in `checks`.

#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

mod support;

use std::hint::black_box;
use std::time::Duration;

use bytemuck::Zeroable;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::path::{command, identity};
use support::scenario::instruments;
use tezi::RiskLimits;
use tezi::gateway::nnf::{
    Checksum, ORDER_PACKET_SIZE_MAX, OrderEncoder, Underlying, VenueOrderState,
};
use tezi::model::{
    CommandKind, ExecutionKind, ExecutionReport, InstrumentId, Money, Nanos, OrderId, Px, Qty,
    Side, TimeInForce, TradingStatus,
};
use tezi::oms::{Exposure, Order, Orders};
use tezi_core::{Market, Proposal, Risk};

const OPTION: InstrumentId = InstrumentId(2);

fn check(criterion: &mut Criterion) {
    let risk = Risk::new(RiskLimits::default());
    let instrument = instruments()[OPTION.index()];
    let market = Market {
        opposite_touch: Some(Px::from_paise(38_100)),
        last_trade: Some(Px::from_paise(38_050)),
        own_opposite: Some(Px::from_paise(38_200)),
        is_stale: false,
        status: TradingStatus::Open,
        net: 130,
        exposure: Exposure { buy: 65, sell: 65, orders: 2 },
        open_orders: 8,
        open_value: Money::from_rupees(200_000),
    };
    let new = Proposal {
        side: Side::Buy,
        price: Px::from_paise(38_000),
        open_quantity: Qty(65),
        quantity: Qty(65),
        replaces: None,
    };
    let replace = Proposal { replaces: Some((Qty(65), Money::from_rupees(24_000))), ..new };
    let now = Nanos::from_ist(2026, 11, 20, 10, 0, 0);
    let mut group = criterion.benchmark_group("core/check");
    for (name, proposal) in [("new", new), ("replace", replace)] {
        let verdict = risk.check(now, &instrument, &market, &proposal);
        assert_eq!(verdict, Ok(()), "the order may leave");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                risk.check(now, black_box(&instrument), black_box(&market), black_box(&proposal))
            });
        });
    }
    group.finish();
}

/// Six transitions, three of them the venue's.
fn live_once(orders: &mut Orders, price: Px) {
    let order = orders
        .enter(OPTION, Side::Buy, price, Qty(65), TimeInForce::Day)
        .expect("the table has room");
    let id = order.client_order_id;
    report(orders, &order, ExecutionKind::Accepted);
    let order = orders.mark_replace(id, price + Px::from_paise(5), Qty(130)).expect("open");
    report(orders, &order, ExecutionKind::Replaced);
    let order = orders.mark_cancel(id).expect("open");
    report(orders, &order, ExecutionKind::Canceled);
}

fn report(orders: &mut Orders, order: &Order, kind: ExecutionKind) {
    let (price, quantity) = order.pending.unwrap_or((order.price, order.quantity));
    let report = ExecutionReport {
        client_order_id: order.client_order_id,
        order_id: OrderId(1_200_000_001),
        price,
        quantity,
        fill_id: 0,
        kind_code: kind as u8,
        passive: 0,
        reason: 0,
        reserved: 0,
        venue_time: Nanos(0),
    };
    black_box(orders.on_report(&report).expect("the venue keeps its protocol"));
}

/// A table in which so many orders of one instrument and side are open.
fn with_open(open: u32) -> Orders {
    let mut orders = Orders::new(1 << 14, 16);
    for index in 0..open {
        let price = Px::from_paise(36_000 + 5 * i64::from(index % 600));
        let entered = orders.enter(OPTION, Side::Buy, price, Qty(65), TimeInForce::Day);
        report(&mut orders, &entered.expect("the table has room"), ExecutionKind::Accepted);
    }
    orders
}

fn life(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("core/orders");
    group.throughput(Throughput::Elements(6));
    // Eight others are open, as a quoter's are, and more.
    for open in [8, 1_000, 10_000] {
        let mut orders = with_open(open);
        group.bench_function(format!("life_of_6/{open}_open"), |bencher| {
            bencher.iter(|| live_once(&mut orders, black_box(Px::from_paise(37_000))));
        });
        assert!(orders.is_consistent(), "the orders are whole");
        assert_eq!(orders.open_count(), open as usize, "each life ended");
    }
    let mut orders = with_open(8);
    group.throughput(Throughput::Elements(1));
    // One transition by itself: an order's fills of one unit each, among the others.
    let fill = |orders: &mut Orders, order: &Order, fill_id: u32| {
        let report = ExecutionReport {
            client_order_id: order.client_order_id,
            quantity: Qty(1),
            fill_id,
            price: order.price,
            kind_code: ExecutionKind::Fill as u8,
            order_id: OrderId(1_200_000_001),
            ..ExecutionReport::zeroed()
        };
        black_box(orders.on_report(&report).expect("the order has enough left"));
    };
    let enter = |orders: &mut Orders| {
        let price = Px::from_paise(37_000);
        let most = Qty(u32::MAX);
        orders.enter(OPTION, Side::Buy, price, most, TimeInForce::Day).expect("room")
    };
    let (mut order, mut fill_id) = (enter(&mut orders), 0);
    group.bench_function("partial_fill", |bencher| {
        bencher.iter(|| {
            if fill_id == u32::MAX {
                (order, fill_id) = (enter(&mut orders), 0);
            }
            fill_id += 1;
            fill(&mut orders, black_box(&order), fill_id);
        });
    });
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gateway/nnf_encode");
    for (suffix, checksum) in [("", Checksum::None), ("_md5", Checksum::Md5)] {
        let mut encoder = OrderEncoder::new(&identity(), checksum, 16).expect("identity");
        for (index, instrument) in instruments().iter().enumerate() {
            let id = InstrumentId(index as u32);
            encoder.define(id, instrument, Underlying::Index).expect("every instrument is known");
        }
        let mut packet = [0; ORDER_PACKET_SIZE_MAX];
        for (name, kind) in [
            ("new", CommandKind::New),
            ("replace", CommandKind::Replace),
            ("cancel", CommandKind::Cancel),
        ] {
            let command = command(kind);
            let venue = VenueOrderState::default();
            group.bench_function(format!("{name}{suffix}"), |bencher| {
                bencher.iter(|| {
                    let size = encoder.encode(black_box(&command), &venue, 1, &mut packet);
                    black_box(&packet);
                    size.expect("the command can be said")
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = check, life, encode
}
criterion_main!(benches);
