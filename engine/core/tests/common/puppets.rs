//! Strategies that do what a test asks, on a desk whose venue is the test.

use std::sync::{Arc, Mutex};

use bytemuck::Zeroable;
use tezi_core::control::{Control, ControlError, ParameterError};
use tezi_core::pricing::Reference;
use tezi_core::roster::{Hours, Roster, StrategyEvent};
use tezi_core::snapshot::{NoSnapshot, SnapshotError, SnapshotReader, SnapshotWriter};
use tezi_core::strategy::{BookUpdate, Context, Fill, OrderUpdate, Strategy, TimerId};
use tezi_core::{Core, CoreConfig, Emitted, Output};
use tezi_model::{
    ClientOrderId, Event, EventKind, ExecutionKind, ExecutionReport, InstrumentId, MarketFlags,
    Money, Nanos, OrderCommand, OrderId, OrderStatus, Px, Qty, Side, StrategyId, StreamId,
};

use super::market::{LOT, contracts, open};
use super::{core, external_config, hush};

pub const FUTURE: InstrumentId = InstrumentId(0);

/// What a puppet is to do at its next book, and what it was told.
#[derive(Default)]
pub struct Strings {
    pub orders: Vec<(Side, f64, u32)>,
    pub cancel: Option<ClientOrderId>,
    pub panics: bool,
    pub timer: Option<i64>,
    pub log: Vec<String>,
    /// Position and profit as it sees them.
    pub seen: Option<(i64, Money)>,
    pub vol: f64,
}

#[derive(Clone, Default)]
pub struct Puppet(Arc<Mutex<Strings>>);

impl Puppet {
    pub fn with<T>(&self, act: impl FnOnce(&mut Strings) -> T) -> T {
        act(&mut self.0.lock().unwrap())
    }

    pub fn log(&self) -> Vec<String> {
        self.with(|it| std::mem::take(&mut it.log))
    }
}

impl Strategy for Puppet {
    fn name(&self) -> &'static str {
        "puppet"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, _update: BookUpdate) {
        let (orders, cancel, panics, timer) = self.with(|it| {
            it.log.push("book".into());
            it.seen = Some((ctx.position(FUTURE).net, ctx.profit()));
            (std::mem::take(&mut it.orders), it.cancel.take(), it.panics, it.timer.take())
        });
        for (side, rupees, quantity) in orders {
            let outcome = ctx.submit(FUTURE, side, Px::from_rupees(rupees), Qty(quantity));
            if let Err(reason) = outcome {
                self.with(|it| it.log.push(reason.name().into()));
            }
        }
        if let Some(Err(reason)) = cancel.map(|id| ctx.cancel(id)) {
            self.with(|it| it.log.push(reason.name().into()));
        }
        if let Some(delay) = timer {
            ctx.set_timer(ctx.now().plus(delay)).unwrap();
        }
        assert!(!panics, "meant to");
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        assert_eq!(ctx.strategy(), update.order.strategy);
        self.with(|it| it.log.push(format!("order {}", update.order.status.name())));
    }

    fn on_fill(&mut self, _ctx: &mut Context<'_>, fill: &Fill) {
        self.with(|it| it.log.push(format!("fill {}", fill.quantity.0)));
    }

    fn on_timer(&mut self, _ctx: &mut Context<'_>, _timer: TimerId) {
        self.with(|it| it.log.push("timer".into()));
    }

    fn on_active(&mut self, _ctx: &mut Context<'_>, is_active: bool) {
        self.with(|it| it.log.push(format!("active {is_active}")));
    }

    // What it is to do next is the test's.
    fn save(&self, _out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        Ok(())
    }

    fn load(&mut self, _input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        Ok(())
    }

    fn set_parameter(
        &mut self,
        _ctx: &mut Context<'_>,
        key: &str,
        value: &str,
    ) -> Result<(), ParameterError> {
        if key != "vol" {
            return Err(ParameterError::Unknown);
        }
        let vol = value.parse().map_err(|_| ParameterError::Value)?;
        self.with(|it| it.vol = vol);
        Ok(())
    }
}

/// Three puppets on a desk whose venue is the test.
pub struct Bench {
    pub core: Core<Roster, Reference>,
    pub puppets: [Puppet; 3],
    pub now: Nanos,
    pub orders: u64,
}

fn config() -> CoreConfig {
    let mut config = external_config();
    config.limits.order_value_max = 0;
    config.limits.open_order_value_max = 0;
    config
}

fn roster(puppets: &[Puppet; 3], hours: Option<Hours>) -> Roster {
    let mut roster = Roster::new();
    for (name, puppet) in ["a", "b", "c"].into_iter().zip(puppets) {
        let hours = hours.filter(|_| name == "c");
        roster.add(name, Box::new(puppet.clone()), hours).unwrap();
    }
    roster
}

impl Bench {
    pub fn new() -> Self {
        Self::with_hours(None)
    }

    /// The third with hours.
    pub fn with_hours(hours: Option<Hours>) -> Self {
        Self::begun(open(), hours)
    }

    /// With what is set before the session begins.
    pub fn with_controls(controls: &[Control]) -> Self {
        Self::set_up(open(), None, controls)
    }

    pub fn begun(now: Nanos, hours: Option<Hours>) -> Self {
        Self::set_up(now, hours, &[])
    }

    /// A core of the same that nothing happened to, and that knows no instrument.
    pub fn fresh() -> Core<Roster, Reference> {
        let puppets = [(); 3].map(|()| Puppet::default());
        Core::new(&config(), roster(&puppets, None), Reference).unwrap()
    }

    fn set_up(now: Nanos, hours: Option<Hours>, controls: &[Control]) -> Self {
        hush();
        let puppets = [(); 3].map(|()| Puppet::default());
        let mut core = core(&config(), roster(&puppets, hours));
        for control in controls {
            core.on_control(now, control).unwrap();
        }
        core.on_start(now);
        Self { core, puppets, now, orders: 0 }
    }

    pub fn commands(&self) -> Vec<OrderCommand> {
        let of = |emitted: &Emitted| match emitted.output {
            Output::Command(command) => Some(command),
            _ => None,
        };
        self.core.outputs().iter().filter_map(of).collect()
    }

    pub fn events(&self) -> Vec<(StrategyId, StrategyEvent)> {
        let of = |emitted: &Emitted| match &emitted.output {
            Output::Strategy(change) => Some((change.strategy, change.event().unwrap())),
            _ => None,
        };
        self.core.outputs().iter().filter_map(of).collect()
    }

    /// A book that changes; what leaves.
    pub fn book(&mut self) -> Vec<OrderCommand> {
        self.orders += 1;
        let (contract, _) = contracts()[0];
        self.now = self.now.plus(1_000);
        let event = Event {
            kind_code: EventKind::OrderNew as u8,
            flags: MarketFlags::SELL,
            stream: StreamId::new(contract.segment().unwrap(), 1),
            token: contract.token,
            order_id: OrderId(self.orders),
            price: Px::from_rupees(24_100.0),
            quantity: Qty(LOT),
            ..Event::zeroed()
        };
        self.core.on_event(self.now, &event);
        self.commands()
    }

    pub fn control(&mut self, control: Control) -> Result<Vec<OrderCommand>, ControlError> {
        self.now = self.now.plus(1_000);
        self.core.on_control(self.now, &control)?;
        Ok(self.commands())
    }

    pub fn report(
        &mut self,
        to: &OrderCommand,
        kind: ExecutionKind,
        price: Px,
    ) -> Vec<OrderCommand> {
        self.now = self.now.plus(1_000);
        let is_fill = kind == ExecutionKind::Fill;
        let report = ExecutionReport {
            client_order_id: to.client_order_id,
            order_id: OrderId(1_000 + to.client_order_id.0),
            price,
            quantity: to.quantity,
            fill_id: if is_fill { to.client_order_id.0 as u32 } else { 0 },
            kind_code: kind as u8,
            ..ExecutionReport::zeroed()
        };
        self.core.on_report(self.now, &report).unwrap();
        self.commands()
    }

    /// Lets one puppet send an order that the exchange accepts.
    pub fn rest(&mut self, puppet: usize, side: Side, rupees: f64) -> OrderCommand {
        self.puppets[puppet].with(|it| it.orders.push((side, rupees, LOT)));
        let [order] = self.book()[..] else { panic!("one order: {:?}", self.core.outputs()) };
        self.report(&order, ExecutionKind::Accepted, order.price);
        order
    }

    pub fn hold(&mut self, puppet: usize, side: Side, rupees: f64) -> OrderCommand {
        let order = self.rest(puppet, side, rupees);
        self.report(&order, ExecutionKind::Fill, order.price);
        order
    }

    pub fn status(&self, order: &OrderCommand) -> OrderStatus {
        self.core.orders().get(order.client_order_id).unwrap().status
    }
}
