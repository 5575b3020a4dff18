//! A second set of books: what the outputs of a core must add up to.
//!
//! It knows nothing but outputs and inputs, and says which rule an input broke.

use std::collections::BTreeMap;

use tezi_core::pricing::Reference;
use tezi_core::strategy::Strategy;
use tezi_core::{Core, CoreConfig, Emitted, Output};
use tezi_model::{
    ClientOrderId, CommandKind, ExecutionKind, ExecutionReport, InstrumentId, Money, Nanos,
    OrderCommand, Px, RejectReason, Side,
};

/// An own order as the reports of the venue tell it.
#[derive(Clone, Copy, Debug)]
struct Told {
    instrument: InstrumentId,
    side: Side,
    price: Px,
    quantity: u32,
    filled: u32,
}

/// What the outputs amount to.
pub struct Ledger {
    config: CoreConfig,
    orders: BTreeMap<ClientOrderId, Told>,
    closed: BTreeMap<ClientOrderId, String>,
    cash: BTreeMap<InstrumentId, (Money, i64)>,
    stopped: Option<RejectReason>,
    second: (i64, u32),
    pub commands: u64,
    pub refusals: u64,
    pub fills: u64,
    /// The most outputs of one input.
    pub outputs_peak: usize,
}

impl Ledger {
    pub fn new(config: &CoreConfig) -> Self {
        Self {
            config: *config,
            orders: BTreeMap::new(),
            closed: BTreeMap::new(),
            cash: BTreeMap::new(),
            stopped: None,
            second: (0, 0),
            commands: 0,
            refusals: 0,
            fills: 0,
            outputs_peak: 0,
        }
    }

    /// Takes in what the last input brought about, and checks what must hold after every input.
    pub fn check<S: Strategy>(&mut self, core: &Core<S, Reference>) -> Result<(), String> {
        let outputs = core.outputs();
        self.outputs_peak = self.outputs_peak.max(outputs.len());
        // Changes of strategies have places of their own.
        let changes = outputs.iter().filter(|it| matches!(it.output, Output::Strategy(_))).count();
        if outputs.len() - changes > self.config.capacity.outputs_max as usize {
            return Err(format!("{} outputs", outputs.len()));
        }
        for emitted in outputs {
            self.on_output(core.now(), emitted)?;
        }
        if self.stopped.is_none() {
            self.stopped = core.stopped();
        }
        self.check_positions(core)?;
        self.check_open(core)?;
        let profit = self.profit(core);
        if core.profit() != profit {
            return Err(format!("profit {:?}, by the fills {profit:?}", core.profit()));
        }
        Ok(())
    }

    /// What holds but costs more to look at: once in a while.
    pub fn check_slowly<S: Strategy>(&mut self, core: &Core<S, Reference>) -> Result<(), String> {
        if !core.is_consistent() {
            return Err("is_consistent is false".into());
        }
        let refused: u64 = core.refusals().map(|(_, count)| count).sum();
        if refused != self.refusals {
            return Err(format!("{refused} refusals counted, {} said", self.refusals));
        }
        for &id in self.orders.keys() {
            let Some(order) = core.orders().get(id) else { continue };
            if !order.status.is_terminal() {
                continue;
            }
            let now = format!("{order:?}");
            let then = self.closed.entry(id).or_insert_with(|| now.clone());
            if *then != now {
                return Err(format!("a closed order changed from {then} to {now}"));
            }
        }
        Ok(())
    }

    fn on_output(&mut self, now: Nanos, emitted: &Emitted) -> Result<(), String> {
        match &emitted.output {
            Output::Command(command) => self.on_command(now, command),
            Output::Refusal(refusal) => {
                self.refusals += 1;
                refusal.reason().map(|_| ()).ok_or_else(|| "a refusal without a reason".into())
            }
            Output::Report(report) => self.on_report(report),
            Output::Timer(_)
            | Output::Strategy(_)
            | Output::Account(_)
            | Output::Theoretical(_)
            | Output::RiskReduction(_)
            | Output::LimitUse(_) => Ok(()),
            Output::Kill => {
                self.stopped = self.stopped.or(Some(RejectReason::Killed));
                Ok(())
            }
        }
    }

    fn on_command(&mut self, now: Nanos, command: &OrderCommand) -> Result<(), String> {
        self.commands += 1;
        if self.second.0 != now.second() {
            self.second = (now.second(), 0);
        }
        let sent = self.second.1;
        self.second.1 += 1;
        let kind = command.kind().ok_or("a command without a kind")?;
        if kind == CommandKind::Cancel {
            return Ok(());
        }
        if let Some(reason) = self.stopped {
            return Err(format!("{kind:?} left while trading was stopped ({reason:?})"));
        }
        if sent >= self.config.limits.messages_per_second_max {
            return Err(format!("{kind:?} was message {} of its second", sent + 1));
        }
        let left = i64::from(command.quantity.0 - command.filled.0);
        if command.price.value(left) > Money::from_rupees(self.config.limits.order_value_max) {
            return Err(format!("{command:?} is worth too much"));
        }
        if kind == CommandKind::New {
            let told = Told {
                instrument: command.instrument,
                side: command.side(),
                price: command.price,
                quantity: command.quantity.0,
                filled: 0,
            };
            if self.orders.insert(command.client_order_id, told).is_some() {
                return Err(format!("{} was given out twice", command.client_order_id));
            }
        }
        Ok(())
    }

    /// The venue's reports come in the order in which it acted, so price and quantity of the last
    /// one are what it held the order at when it filled.
    fn on_report(&mut self, report: &ExecutionReport) -> Result<(), String> {
        let unknown = || format!("a report on {}", report.client_order_id);
        let told = self.orders.get_mut(&report.client_order_id).ok_or_else(unknown)?;
        match report.kind().ok_or("a report without a kind")? {
            ExecutionKind::Accepted | ExecutionKind::Replaced => {
                told.price = report.price;
                told.quantity = report.quantity.0;
            }
            ExecutionKind::Fill => {
                self.fills += 1;
                told.filled += report.quantity.0;
                if told.side.is_better(report.price, told.price) {
                    return Err(format!("{report:?} is worse than the limit {}", told.price));
                }
                let sign = told.side.sign() * i64::from(report.quantity.0);
                let (cash, net) = self.cash.entry(told.instrument).or_default();
                *cash -= report.price.value(sign);
                *net += sign;
            }
            _ => {}
        }
        if told.filled > told.quantity {
            return Err(format!("{} of {} filled: {report:?}", told.filled, told.quantity));
        }
        Ok(())
    }

    fn check_positions<S: Strategy>(&self, core: &Core<S, Reference>) -> Result<(), String> {
        let most = self.config.limits.position_max;
        for id in (0..self.config.capacity.instruments_max).map(InstrumentId) {
            let net = core.positions().get(id).net;
            let (_, by_fills) = self.cash.get(&id).copied().unwrap_or_default();
            let exposure = core.orders().exposure(id);
            if net != by_fills || net + exposure.buy > most || net - exposure.sell < -most {
                return Err(format!("{id:?}: net {net}, by fills {by_fills}, {exposure:?}"));
            }
        }
        Ok(())
    }

    fn check_open<S: Strategy>(&self, core: &Core<S, Reference>) -> Result<(), String> {
        let limits = &self.config.limits;
        let (count, value) = (core.orders().open_count(), core.orders().open_value());
        if count > limits.open_orders_max as usize {
            return Err(format!("{count} orders are open"));
        }
        if value > Money::from_rupees(limits.open_order_value_max) {
            return Err(format!("open orders are worth {value}"));
        }
        Ok(())
    }

    fn profit<S: Strategy>(&self, core: &Core<S, Reference>) -> Money {
        let of = |(&id, &(cash, net)): (&InstrumentId, &(Money, i64))| {
            let mark = core.positions().get(id).mark.unwrap_or_default();
            cash + mark.value(net)
        };
        self.cash.iter().map(of).sum()
    }
}
