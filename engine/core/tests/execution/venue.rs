//! A venue that does everything it may: it refuses, is slow, fills while a request is on its way,
//! cancels unasked, and loses its connection with requests in flight. It alone knows the truth.

use std::collections::{BTreeMap, VecDeque};

use bytemuck::Zeroable;
use tezi_model::{
    ClientOrderId, CommandKind, ExecutionKind, ExecutionReport, InstrumentId, OrderCommand,
    OrderId, Px, Qty, Side, TimeInForce,
};
use tezi_testing::Random;

/// An order as the venue holds it.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    pub instrument: InstrumentId,
    pub side: Side,
    pub price: Px,
    pub quantity: u32,
    pub filled: u32,
    /// Of it, in trades taken back.
    pub annulled: u32,
    pub is_open: bool,
}

/// A trade of an own order, for the tape.
#[derive(Clone, Copy, Debug)]
pub struct OwnTrade {
    pub instrument: InstrumentId,
    pub price: Px,
    pub quantity: u32,
}

/// See the module.
#[derive(Debug)]
pub struct Venue {
    random: Random,
    /// Commands on their way there.
    pub commands: VecDeque<OrderCommand>,
    /// Reports on their way back.
    pub reports: VecDeque<ExecutionReport>,
    /// Requests that were lost with the connection, for the download to be silent about.
    pub lost: Vec<ClientOrderId>,
    pub orders: BTreeMap<ClientOrderId, Held>,
    /// Own trades that the tape has still to show.
    pub tape: VecDeque<OwnTrade>,
    /// Of a hundred requests, so many are refused.
    pub refuses: u64,
    fills: u32,
}

impl Venue {
    pub fn new(seed: u64, refuses: u64) -> Self {
        Self {
            random: Random(seed),
            commands: VecDeque::new(),
            reports: VecDeque::new(),
            lost: Vec::new(),
            orders: BTreeMap::new(),
            tape: VecDeque::new(),
            refuses,
            fills: 0,
        }
    }

    /// Takes the oldest command in, if there is one.
    pub fn work(&mut self) {
        let Some(command) = self.commands.pop_front() else { return };
        let is_refused = self.random.chance(self.refuses);
        match command.kind().unwrap() {
            CommandKind::New => self.enter(&command, is_refused),
            CommandKind::Replace => {
                let held = self.orders.get_mut(&command.client_order_id).unwrap();
                let is_able = held.is_open && command.quantity.0 > held.filled && !is_refused;
                if is_able {
                    (held.price, held.quantity) = (command.price, command.quantity.0);
                }
                let kind =
                    if is_able { ExecutionKind::Replaced } else { ExecutionKind::ReplaceRejected };
                self.say(command.client_order_id, kind);
            }
            CommandKind::Cancel => {
                let held = self.orders.get_mut(&command.client_order_id).unwrap();
                let is_able = held.is_open && !is_refused;
                held.is_open &= !is_able;
                let kind =
                    if is_able { ExecutionKind::Canceled } else { ExecutionKind::CancelRejected };
                self.say(command.client_order_id, kind);
            }
        }
    }

    fn enter(&mut self, command: &OrderCommand, is_refused: bool) {
        let id = command.client_order_id;
        let held = Held {
            instrument: command.instrument,
            side: command.side(),
            price: command.price,
            quantity: command.quantity.0,
            filled: 0,
            annulled: 0,
            is_open: !is_refused,
        };
        self.orders.insert(id, held);
        if is_refused {
            return self.say(id, ExecutionKind::Rejected);
        }
        self.say(id, ExecutionKind::Accepted);
        if command.time_in_force() == TimeInForce::Ioc {
            let most = u64::from(held.quantity);
            let part = if self.random.one_in(3) { self.random.below(most + 1) } else { most };
            self.fill(id, part as u32);
            if self.orders[&id].is_open {
                self.end(id);
            }
        }
    }

    /// Cancels an order, asked or not.
    pub fn end(&mut self, id: ClientOrderId) {
        self.orders.get_mut(&id).unwrap().is_open = false;
        self.say(id, ExecutionKind::Canceled);
    }

    /// Trades so much of an order at its price, or a little better.
    pub fn fill(&mut self, id: ClientOrderId, quantity: u32) {
        let held = self.orders.get_mut(&id).unwrap();
        let quantity = quantity.min(held.quantity - held.filled);
        if quantity == 0 || !held.is_open {
            return;
        }
        held.filled += quantity;
        held.is_open = held.filled < held.quantity;
        let better = Px::from_paise(5 * self.random.below(3) as i64 * held.side.sign());
        let (price, instrument) = (held.price - better, held.instrument);
        self.fills += 1;
        self.tape.push_back(OwnTrade { instrument, price, quantity });
        self.reports.push_back(ExecutionReport {
            client_order_id: id,
            order_id: OrderId(1_000 + id.0),
            price,
            quantity: Qty(quantity),
            fill_id: self.fills,
            kind_code: ExecutionKind::Fill as u8,
            ..ExecutionReport::zeroed()
        });
    }

    fn say(&mut self, id: ClientOrderId, kind: ExecutionKind) {
        let held = self.orders[&id];
        self.reports.push_back(ExecutionReport {
            client_order_id: id,
            order_id: OrderId(1_000 + id.0),
            price: held.price,
            quantity: Qty(held.quantity),
            kind_code: kind as u8,
            ..ExecutionReport::zeroed()
        });
    }

    /// Puts a fill that is told next behind the cancel of its order, if that is next but one; its
    /// units.
    pub fn delay_fill(&mut self) -> u64 {
        let (Some(fill), Some(next)) = (self.reports.front(), self.reports.get(1)) else {
            return 0;
        };
        let is_crossed = fill.kind() == Some(ExecutionKind::Fill)
            && next.kind() == Some(ExecutionKind::Canceled)
            && fill.client_order_id == next.client_order_id;
        if !is_crossed {
            return 0;
        }
        let units = u64::from(fill.quantity.0);
        self.reports.swap(0, 1);
        units
    }

    /// One of the open orders.
    pub fn any_open(&mut self) -> Option<(ClientOrderId, Held)> {
        let open: Vec<_> = self.orders.iter().filter(|(_, it)| it.is_open).collect();
        let place = self.random.index(open.len().max(1));
        open.get(place).map(|(id, held)| (**id, **held))
    }

    /// The connection breaks: of the requests on their way, the last ones are lost.
    pub fn disconnect(&mut self) {
        let kept = self.random.index(self.commands.len() + 1);
        self.lost.extend(self.commands.drain(kept..).map(|command| command.client_order_id));
        // What arrived is worked off behind the broken line, so that the download has it all.
        while !self.commands.is_empty() {
            self.work();
        }
    }

    /// Units of a side that are executed, and those that would be with everything in flight granted
    /// and everything open filled.
    pub fn truth(&self, instrument: InstrumentId, side: Side) -> (u64, u64) {
        let (mut executed, mut worst) = (0, 0);
        for (id, held) in &self.orders {
            if held.instrument != instrument || held.side != side {
                continue;
            }
            let asked = self.commands.iter().filter(|it| it.client_order_id == *id);
            let asked = asked.map(|it| it.quantity.0).max().unwrap_or(0);
            let most = if held.is_open { held.quantity.max(asked) } else { held.filled };
            executed += u64::from(held.filled - held.annulled);
            worst += u64::from(most - held.annulled);
        }
        let is_new = |it: &&OrderCommand| it.kind() == Some(CommandKind::New);
        let of = |it: &&OrderCommand| it.instrument == instrument && it.side() == side;
        let new = self.commands.iter().filter(is_new).filter(of);
        (executed, worst + new.map(|it| u64::from(it.quantity.0)).sum::<u64>())
    }
}
