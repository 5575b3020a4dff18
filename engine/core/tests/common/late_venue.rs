//! A strategy that asks for anything, and a venue with its own truth that answers late, twice and across
//! requests.

use std::collections::{BTreeMap, VecDeque};

use tezi_core::strategy::{Context, Strategy, TimerId};
use tezi_model::{
    AccountId, ClientOrderId, CommandKind, ExecutionKind, ExecutionReport, Instrument,
    InstrumentId, InstrumentKind, Nanos, OrderCommand, OrderId, Px, Qty, Segment, Side, Symbol,
    Token,
};
use tezi_testing::Random;

pub const INSTRUMENTS: usize = 4;
/// No account, and two that are declared.
pub const ACCOUNTS: usize = 3;

pub fn definitions() -> [Instrument; INSTRUMENTS] {
    let contract = |segment, token, symbol| {
        let mut it = Instrument::unknown(segment, Token(token));
        it.symbol = Symbol::new(symbol);
        it.kind_code = InstrumentKind::Future as u8;
        it.tick = Px::from_paise(5);
        it.lot = Qty(1);
        it
    };
    [
        contract(Segment::NseFo, 1, "NIFTY"),
        contract(Segment::NseFo, 2, "NIFTY"),
        contract(Segment::NseFo, 3, "INFY"),
        contract(Segment::NseCm, 3, "INFY"),
    ]
}

/// Asks for one thing at every timer, and sets the next.
pub struct Asker {
    pub random: Random,
    pub ids: Vec<ClientOrderId>,
}

impl Strategy for Asker {
    fn name(&self) -> &'static str {
        "asker"
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        ctx.set_timer(ctx.now().plus(1)).unwrap();
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, _timer: TimerId) {
        let random = &mut self.random;
        let instrument = InstrumentId(random.below(INSTRUMENTS as u64) as u32);
        let price = Px::from_paise(9_600 + 5 * random.below(160) as i64);
        let quantity = Qty(1 + random.below(20) as u32);
        let side = Side::BOTH[random.below(2) as usize];
        let id = self.ids.get(random.below(40) as usize).copied().unwrap_or_default();
        match random.below(16) {
            0..=6 => {
                if let Ok(id) = ctx.submit(instrument, side, price, quantity) {
                    self.ids.insert(0, id);
                    self.ids.truncate(40);
                }
            }
            // A loop: the same once more and once more.
            7 => {
                for _ in 0..4 {
                    let _ = ctx.submit(instrument, side, Px::from_paise(10_000), Qty(1));
                }
            }
            8..=11 => drop(ctx.replace(id, price, quantity)),
            12..=14 => drop(ctx.cancel(id)),
            _ => {
                let theoretical = Px::from_paise(9_900 + random.below(200) as i64);
                let _ = ctx.set_theoretical(instrument, Some(theoretical));
            }
        }
        ctx.set_timer(ctx.now().plus(1 + self.random.below(20_000_000) as i64)).unwrap();
    }
}

/// An order as the venue knows it.
#[derive(Clone, Copy, Debug)]
pub struct Resting {
    pub instrument: usize,
    pub account: AccountId,
    pub side: Side,
    pub quantity: u32,
    pub filled: u32,
    pub is_open: bool,
}

/// A venue with its own truth. Commands and reports take their time, each in their order.
pub struct Venue {
    pub random: Random,
    pub orders: BTreeMap<u64, Resting>,
    pub commands: VecDeque<OrderCommand>,
    pub reports: VecDeque<ExecutionReport>,
    /// By account and instrument.
    pub net: [[i64; INSTRUMENTS]; ACCOUNTS],
    pub fill_id: u32,
}

impl Venue {
    /// Nothing is held and open.
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random(seed),
            orders: BTreeMap::new(),
            commands: VecDeque::new(),
            reports: VecDeque::new(),
            net: [[0; INSTRUMENTS]; ACCOUNTS],
            fill_id: 0,
        }
    }

    fn report(&mut self, id: u64, kind: ExecutionKind, price: Px, quantity: u32) {
        let fill_id = if kind == ExecutionKind::Fill { self.fill_id } else { 0 };
        let report = ExecutionReport {
            client_order_id: ClientOrderId(id),
            order_id: OrderId(id + 1_000_000),
            price,
            quantity: Qty(quantity),
            fill_id,
            kind_code: kind as u8,
            passive: 0,
            reason: 0,
            reserved: 0,
            venue_time: Nanos::ZERO,
        };
        self.reports.push_back(report);
        if fill_id != 0 && self.random.one_in(8) {
            self.reports.push_back(report);
        }
    }

    /// One command arrives.
    pub fn take_command(&mut self) {
        use ExecutionKind as K;
        let Some(command) = self.commands.pop_front() else { return };
        let id = command.client_order_id.0;
        let is_refused = self.random.one_in(6);
        match command.kind().unwrap() {
            CommandKind::New => {
                let resting = Resting {
                    instrument: command.instrument.index(),
                    account: command.account,
                    side: command.side(),
                    quantity: command.quantity.0,
                    filled: 0,
                    is_open: !is_refused,
                };
                self.orders.insert(id, resting);
                let kind = if is_refused { K::Rejected } else { K::Accepted };
                self.report(id, kind, command.price, command.quantity.0);
            }
            CommandKind::Replace => {
                let order = self.orders.get_mut(&id).unwrap();
                let is_taken = order.is_open && !is_refused && command.quantity.0 > order.filled;
                if is_taken {
                    order.quantity = command.quantity.0;
                }
                let kind = if is_taken { K::Replaced } else { K::ReplaceRejected };
                self.report(id, kind, command.price, command.quantity.0);
            }
            CommandKind::Cancel => {
                let order = self.orders.get_mut(&id).unwrap();
                let is_taken = order.is_open && !is_refused;
                order.is_open &= !is_taken;
                let kind = if is_taken { K::Canceled } else { K::CancelRejected };
                self.report(id, kind, command.price, 0);
            }
        }
    }

    /// An open order trades, or is cancelled unasked.
    pub fn act(&mut self) {
        let at = self.random.below(32) as usize;
        let open = self.orders.iter().filter(|(_, order)| order.is_open).map(|(&id, _)| id).nth(at);
        let Some(id) = open else { return };
        let order = self.orders.get_mut(&id).unwrap();
        if self.random.one_in(10) {
            order.is_open = false;
            return self.report(id, ExecutionKind::Canceled, Px::ZERO, 0);
        }
        let quantity = 1 + self.random.below(u64::from(order.quantity - order.filled)) as u32;
        order.filled += quantity;
        order.is_open = order.filled < order.quantity;
        self.net[usize::from(order.account.0)][order.instrument] +=
            order.side.sign() * i64::from(quantity);
        self.fill_id += 1;
        self.report(id, ExecutionKind::Fill, Px::from_paise(10_000), quantity);
    }

    /// Forgets what is closed, with nothing of it on its way in either direction.
    pub fn forget_closed(&mut self) {
        let Self { commands, reports, .. } = self;
        let is_asked = |id: u64| commands.iter().any(|it| it.client_order_id.0 == id);
        let is_told = |id: u64| reports.iter().any(|it| it.client_order_id.0 == id);
        self.orders.retain(|&id, order| order.is_open || is_asked(id) || is_told(id));
    }

    /// Position, and what may still be bought and sold, with every command on its way.
    pub fn worst(&self, instrument: usize) -> (i64, i64, i64) {
        self.worst_where(instrument, |_| true)
    }

    /// The same of one account.
    pub fn worst_of(&self, account: AccountId, instrument: usize) -> (i64, i64, i64) {
        self.worst_where(instrument, |other| other == account)
    }

    fn worst_where(
        &self,
        instrument: usize,
        is_meant: impl Fn(AccountId) -> bool,
    ) -> (i64, i64, i64) {
        let mut leaves: BTreeMap<u64, (Side, u32)> = BTreeMap::new();
        for (&id, order) in &self.orders {
            if order.is_open && order.instrument == instrument && is_meant(order.account) {
                leaves.insert(id, (order.side, order.quantity - order.filled));
            }
        }
        let is_its =
            |it: &&OrderCommand| it.instrument.index() == instrument && is_meant(it.account);
        for command in self.commands.iter().filter(is_its) {
            let id = command.client_order_id.0;
            let known = self.orders.get(&id);
            let asked = command.quantity.0.saturating_sub(known.map_or(0, |order| order.filled));
            let is_able = known.is_none_or(|order| order.is_open);
            if is_able && command.kind() != Some(CommandKind::Cancel) {
                let entry = leaves.entry(id).or_insert((command.side(), 0));
                entry.1 = entry.1.max(asked);
            }
        }
        let sum = |of| {
            leaves.values().filter(|(side, _)| *side == of).map(|(_, left)| i64::from(*left)).sum()
        };
        let accounts = (0..).map(AccountId).zip(&self.net);
        let net = accounts.filter(|(account, _)| is_meant(*account)).map(|(_, it)| it[instrument]);
        (net.sum(), sum(Side::Buy), sum(Side::Sell))
    }
}
