//! The way to the exchange opens and closes: what leaves, what is refused, who is told, and what of
//! it is in the state.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use common::market::LOT;
use common::{core, external_config};
use tezi_core::oms::OrderSessionState::{self, Down, Live};
use tezi_core::pricing::Reference;
use tezi_core::strategy::{Context, Strategy, TimerId};
use tezi_core::{Core, CoreConfig, Output};
use tezi_model::{
    ClientOrderId, Event, ExecutionKind, ExecutionReport, InstrumentId, Nanos, Px, Qty,
    RejectReason, Side,
};

/// Tries a new order at each timer, and notes what it hears of the session.
#[derive(Default)]
struct Trier {
    heard: Vec<OrderSessionState>,
    outcomes: Vec<Result<ClientOrderId, RejectReason>>,
}

impl Strategy for Trier {
    fn name(&self) -> &'static str {
        "trier"
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, _timer: TimerId) {
        let price = Px::from_rupees(100.0);
        self.outcomes.push(ctx.submit(InstrumentId(1), Side::Buy, price, Qty(LOT)));
    }

    fn on_session(&mut self, ctx: &mut Context<'_>, state: OrderSessionState) {
        self.heard.push(state);
        let _ = ctx.set_timer(ctx.now().plus(1));
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        let _ = ctx.set_timer(ctx.now().plus(1));
    }
}

fn tick(core: &mut Core<Trier, Reference>, at: i64) {
    core.on_event(Nanos(at), &Event::clock(Nanos(at)));
}

#[test]
fn while_the_session_is_down_nothing_new_leaves() {
    let mut core = core(&external_config(), Trier::default());
    core.on_session(Nanos(1), Down);
    core.on_start(Nanos(2));
    tick(&mut core, 10);
    assert_eq!(core.strategy().outcomes, [Err(RejectReason::SessionDown)]);
    core.on_session(Nanos(11), Live);
    tick(&mut core, 20);
    assert_eq!(core.strategy().outcomes[1], Ok(ClientOrderId(1)));
    assert!(matches!(core.outputs().last().unwrap().output, Output::Command(_)));
    core.on_session(Nanos(21), Live);
    core.on_session(Nanos(22), Down);
    tick(&mut core, 30);
    assert_eq!(core.strategy().outcomes[2], Err(RejectReason::SessionDown));
    // That nothing is live yet is no news, and neither is what was said before.
    assert_eq!(core.strategy().heard, [Live, Down]);
    assert_eq!(core.refusals().collect::<Vec<_>>(), [(RejectReason::SessionDown, 2)]);
    assert_eq!((core.session(), core.orders().open_count()), (Some(Down), 1));
}

#[test]
fn a_stop_while_the_session_is_down_cancels_when_it_is_live() {
    let mut core = core(&external_config(), Trier::default());
    core.on_start(Nanos(1));
    tick(&mut core, 10);
    let report = |kind: ExecutionKind| ExecutionReport {
        client_order_id: ClientOrderId(1),
        kind_code: kind as u8,
        ..bytemuck::Zeroable::zeroed()
    };
    core.on_report(Nanos(11), &report(ExecutionKind::Accepted)).unwrap();
    core.on_session(Nanos(12), Down);
    core.on_stop(Nanos(13));
    assert!(matches!(core.outputs(), [emitted] if matches!(emitted.output, Output::Command(_))));
    core.on_report(Nanos(14), &report(ExecutionKind::CancelRejected)).unwrap();
    // Whoever carries orders refused the cancel: it goes out again, a second later at the soonest.
    core.on_session(Nanos(15), Live);
    assert!(core.outputs().iter().all(|it| !matches!(it.output, Output::Command(_))));
    tick(&mut core, 2_000_000_000);
    assert!(core.outputs().iter().any(|it| matches!(it.output, Output::Command(_))));
}

#[test]
fn numbers_begin_behind_their_base_and_the_state_shows_a_session_that_is_down() {
    let config = CoreConfig { client_order_id_base: 556_204_032, ..external_config() };
    let mut core = core(&config, Trier::default());
    core.on_start(Nanos(1));
    tick(&mut core, 10);
    assert_eq!(core.strategy().outcomes, [Ok(ClientOrderId(556_204_033))]);
    let unsaid = core.state_hash();
    let told = |core: &mut Core<Trier, Reference>, state| {
        core.on_session(Nanos(10), state);
        core.state_hash()
    };
    let hashes = [Down, Live].map(|state| told(&mut core, state));
    assert_ne!(hashes[0], hashes[1]);
    assert_ne!(hashes[0], unsaid);
}
