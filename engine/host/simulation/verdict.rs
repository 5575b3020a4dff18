//! What must hold when the day is over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use tezi_core::Output;
use tezi_journal::JournalReader;
use tezi_model::{ClientOrderId, CommandKind, ExecutionKind, ExecutionReport, OrderId, Side};

use super::desk::Ended;
use super::restless::Restless;
use super::truth::Truth;
use super::world::World;
use crate::records::Entry;
use crate::replay::{replay_journal, replay_recorded};

/// Holds what the host says against what the exchange knows.
pub(super) struct Judge<'a, 'w> {
    pub(super) world: &'a World<'w>,
    pub(super) ended: &'a Ended,
    pub(super) journal: &'a Path,
    pub(super) seed: u64,
}

/// What a journal holds of orders.
#[derive(Default)]
struct Written {
    records: u64,
    /// Orders that were to be sent.
    new_orders: BTreeSet<ClientOrderId>,
    /// Orders asked for more than once.
    twice: Vec<ClientOrderId>,
    /// By the exchange's number, whose order it is.
    owners: BTreeMap<OrderId, BTreeSet<ClientOrderId>>,
    /// Fills by order, as the exchange numbers them.
    fills: BTreeSet<(OrderId, u64)>,
    taken_back: BTreeSet<(OrderId, u64)>,
}

impl Written {
    fn read(journal: &Path) -> Result<Self, String> {
        let mut reader = JournalReader::open(journal).map_err(|error| error.to_string())?;
        let mut written = Self::default();
        while let Some(record) = reader.next_record() {
            written.records += 1;
            match Entry::read(&record) {
                Ok(Entry::Output(emitted)) => {
                    if let Output::Command(command) = &emitted.output
                        && command.kind() == Some(CommandKind::New)
                        && !written.new_orders.insert(command.client_order_id)
                    {
                        written.twice.push(command.client_order_id);
                    }
                }
                Ok(Entry::Report(report)) => written.on_report(&report),
                Ok(Entry::TradeCanceled(report)) => {
                    written.taken_back.insert((report.order_id, u64::from(report.fill_id)));
                }
                _ => {}
            }
        }
        Ok(written)
    }

    fn on_report(&mut self, report: &ExecutionReport) {
        if report.order_id.0 == 0 {
            return;
        }
        self.owners.entry(report.order_id).or_default().insert(report.client_order_id);
        if report.kind() == Some(ExecutionKind::Fill) {
            self.fills.insert((report.order_id, u64::from(report.fill_id)));
        }
    }
}

impl Judge<'_, '_> {
    /// What does not hold, and how many records the journal has.
    pub(super) fn judge(&self) -> (Vec<String>, u64) {
        let mut faults = Vec::new();
        let truth = self.world.truth.get().clone();
        self.judge_end(&truth, &mut faults);
        self.judge_positions(&truth, &mut faults);
        self.judge_books(&mut faults);
        let records = match Written::read(self.journal) {
            Ok(written) => {
                judge_orders(&written, &truth, &mut faults);
                written.records
            }
            Err(what) => {
                faults.push(format!("the journal cannot be read: {what}"));
                0
            }
        };
        self.judge_replays(&mut faults);
        (faults, records)
    }

    /// Everybody went home with nothing open.
    fn judge_end(&self, truth: &Truth, faults: &mut Vec<String>) {
        let Self { world, ended, .. } = self;
        if ended.is_late {
            faults.push("the session did not end in time".into());
        }
        if ended.open > 0 {
            faults.push(format!("{} orders of the core are open after the end", ended.open));
        }
        let open: Vec<String> = truth.open().map(|id| id.to_string()).collect();
        if !open.is_empty() {
            faults.push(format!("orders left open at the exchange: {}", open.join(", ")));
        }
        if truth.impossible > 0 {
            faults.push(format!("{} changes of orders that did not live", truth.impossible));
        }
        if !world.exchange.matcher().is_consistent() {
            faults.push("the exchange's matcher is not consistent".into());
        }
        if !ended.core.is_consistent {
            faults.push("the core is not consistent".into());
        }
        if ended.orders.session.malformed > 0 {
            faults.push(format!("{} packets malformed", ended.orders.session.malformed));
        }
        // A fill that crosses a cancel is exposure from the order's first moment: counted beforehand.
        let position_max = world.plan.position_max;
        if truth.net_max > position_max {
            let net_max = truth.net_max;
            faults.push(format!("a position of {net_max} under a limit of {position_max}"));
        }
    }

    fn judge_positions(&self, truth: &Truth, faults: &mut Vec<String>) {
        let exchange = &self.world.exchange;
        let held = self.ended.core.positions.iter();
        let held: BTreeMap<_, _> = held.map(|it| (it.instrument.token, it.position.net)).collect();
        for listing in exchange.listings() {
            let token = listing.instrument.token;
            let own = held.get(&token).copied().unwrap_or(0);
            let net = exchange.instrument(token).and_then(|id| truth.net.get(&id));
            let really = net.copied().unwrap_or(0);
            if own != really {
                faults.push(format!("position in {token}: {own} held, {really} traded"));
            }
        }
    }

    /// The host's books are the exchange's, or it knows that they are not.
    fn judge_books(&self, faults: &mut Vec<String>) {
        if self.ended.is_stale {
            // A stream that began again in the midst of losses may stay stale, and says so
            // (`docs/decisions/0008-gap-policy.md`); any other is whole again when the losses end.
            if !self.world.plan.restarts_stream() {
                faults.push("books are stale at the end of a calm".into());
            }
            return;
        }
        let expected = books_of(self.world);
        let pairs = self.ended.books.lines().zip(expected.lines());
        if let Some((own, other)) = pairs.into_iter().find(|(own, other)| own != other) {
            faults.push(format!("books: {own} and not {other}"));
        } else if self.ended.books.lines().count() != expected.lines().count() {
            faults.push("books: of another length".into());
        }
    }

    /// The journal gives the state again, with the strategy's code and without it.
    fn judge_replays(&self, faults: &mut Vec<String>) {
        let with = replay_journal(self.journal, Restless::new(self.seed));
        for (how, replay) in [("with", with), ("without", replay_recorded(self.journal))] {
            let replay = match replay {
                Ok(replay) => replay,
                Err(error) => {
                    faults.push(format!("replay {how} the strategy: {error}"));
                    continue;
                }
            };
            if replay.divergences > 0 {
                let first = replay.first_divergence;
                faults.push(format!("replay {how} the strategy diverges: {first:?}"));
            }
            if replay.core.state_hash != self.ended.core.state_hash {
                faults.push(format!("replay {how} the strategy ends in another state"));
            }
        }
    }
}

/// No order was sent twice, none is unknown to the journal, and every trade is in it once.
fn judge_orders(written: &Written, truth: &Truth, faults: &mut Vec<String>) {
    for id in &written.twice {
        faults.push(format!("order {id} was asked for twice"));
    }
    let mut accepted: BTreeMap<ClientOrderId, OrderId> = BTreeMap::new();
    for order_id in truth.orders.keys() {
        let owners = written.owners.get(order_id);
        let owner = owners.filter(|it| it.len() == 1).and_then(BTreeSet::first);
        let Some(owner) = owner else {
            faults.push(format!("order {order_id} of the exchange is whose? {owners:?}"));
            continue;
        };
        if let Some(other) = accepted.insert(*owner, *order_id) {
            faults.push(format!("order {owner} was sent twice: {other} and {order_id}"));
        }
        if !written.new_orders.contains(owner) {
            faults.push(format!("order {owner} was sent and never asked for"));
        }
    }
    for ((trade, _), own) in &truth.trades {
        if !written.fills.contains(&(own.order_id, *trade)) {
            let order_id = own.order_id;
            faults.push(format!("trade {trade} of order {order_id} is not in the journal"));
        }
        if written.taken_back.contains(&(own.order_id, *trade)) {
            faults.push(format!("trade {trade} stands, and the journal says it was taken back"));
        }
    }
    let standing = truth.trades.len() as u64 + truth.taken_back;
    let written_fills = written.fills.len() as u64;
    if written_fills > standing {
        faults.push(format!("{written_fills} fills in the journal of {standing} trades"));
    }
}

/// The exchange's books as a host writes its own.
fn books_of(world: &World<'_>) -> String {
    let exchange = &world.exchange;
    let mut text = String::from("token,side,level,price_paise,qty,orders\n");
    for listing in exchange.listings() {
        let token = listing.instrument.token;
        let Some(id) = exchange.instrument(token) else { continue };
        for side in Side::BOTH {
            for (place, level) in (1..).zip(exchange.matcher().books().levels(id, side)) {
                let paise = level.price.to_paise().unwrap_or_default();
                let letter = side.letter();
                // A string takes everything.
                let _ = writeln!(
                    text,
                    "{token},{letter},{place},{paise},{},{}",
                    level.quantity, level.orders
                );
            }
        }
    }
    text
}
