//! A session taken up again by another process: the journal's inputs give the core back, and what the
//! exchange did meanwhile comes with the first message download. `docs/operating/resume.md`.

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use tezi_core::control::Control;
use tezi_core::strategy::Strategy;
use tezi_core::{Core, CoreConfig, Emitted, Opening, Output};
use tezi_gateway::nnf::client::ResumedOrder;
use tezi_journal::JournalReader;
use tezi_model::{ClientOrderId, CommandKind, IST_OFFSET_NS, Nanos, OrderId, OrderStatus};

use crate::core_loop::CONFIGURED;
use crate::error::Error;
use crate::kernels::CppKernels;
use crate::records::Entry;
use crate::replay::{Rebuilt, read_beginning, rebuild};
use crate::snapshots::{HeardOrders, ReplayFrom};

/// What the new process has from the journal.
pub(crate) struct Resumed<S> {
    pub(crate) core: Core<S, CppKernels>,
    /// Whether the old process had begun the session.
    pub(crate) has_started: bool,
    /// What the last input brought about and the journal does not hold. None of it left.
    pub(crate) unwritten: Vec<Emitted>,
    /// For the order session.
    pub(crate) orders: OrdersOfTheDay,
    /// What the session began with.
    pub(crate) openings: Vec<Opening>,
    pub(crate) summary: Resumption,
}

/// What a session was taken up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resumption {
    /// Records read.
    pub records: u64,
    /// The first of them, where the state before it came from a snapshot.
    pub snapshot: Option<u64>,
    /// Snapshots that did not fit; `tezi journal snapshot` names them.
    pub passed_over: usize,
    /// How long that took, acting on them included.
    pub took: Duration,
    /// The core's time when the old process died.
    pub died_at: Nanos,
    /// Orders open then, those in flight included.
    pub open_orders: usize,
    /// Of them, with a request in flight.
    pub in_flight: usize,
    /// Commands of the last input that had not left.
    pub unsent: usize,
}

impl fmt::Display for Resumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, snapshot, passed_over, took, open_orders, in_flight, unsent, .. } =
            self;
        let seconds = took.as_secs_f64();
        write!(f, "Resumed from ")?;
        if let Some(sequence) = snapshot {
            write!(f, "the snapshot before record {sequence} and ")?;
        }
        write!(
            f,
            "{records} records in {seconds:.3} s: {open_orders} orders open, {in_flight} requests in \
             flight, {unsent} that had not left"
        )?;
        match passed_over {
            0 => Ok(()),
            count => write!(f, "; {count} snapshots that do not fit were passed over"),
        }
    }
}

/// What a journal says of the orders that an exchange was told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OrdersOfTheDay {
    pub(crate) open: Vec<ResumedOrder>,
    /// The exchange's numbers of those that ended.
    pub(crate) closed: Vec<OrderId>,
}

/// Rebuilds what the journal in `path` says, for a host that would otherwise begin with this strategy,
/// `config` and `limits` now; `from` the newest snapshot that fits, or from the start.
///
/// # Errors
///
/// [`Error::Journal`] when it cannot be read or mended, [`Error::JournalContent`] when it is of another
/// day, strategy or configuration, ended in order, or does not give the same outputs again.
pub(crate) fn resume<S: Strategy>(
    path: &Path,
    strategy: S,
    config: &CoreConfig,
    limits: &[Control],
    from: ReplayFrom,
    now: Nanos,
) -> Result<Resumed<S>, Error> {
    let begun = Instant::now();
    let wrong = |what: String| Error::JournalContent { path: path.to_path_buf(), what };
    tezi_journal::recover(path)?;
    let (head, recorded) = read_beginning(path)?;
    let (name, parameters) = (strategy.name(), strategy.parameters());
    if (head.strategy.as_str(), &head.parameters) != (name, &parameters) {
        return Err(wrong(format!(
            "the session is of strategy {} {}, and this is {name} {parameters}",
            head.strategy, head.parameters
        )));
    }
    if let Some(what) = difference(&recorded, config) {
        return Err(wrong(format!("the session has other {what}; resume it with the same")));
    }
    let Configured { limits: first_controls, openings, has_begun } = configured(path)?;
    if !are_of(&first_controls, limits, has_begun) {
        return Err(wrong("the session has other limits; resume it with the same".into()));
    }
    let Rebuilt { core, outputs_recorded, has_started, records, heard, snapshot, passed_over } =
        rebuild(path, strategy, from)?;
    if core.now() > Nanos::ZERO && day(core.now()) != day(now) {
        let what = "the session is of another day: its orders are gone; begin another journal";
        return Err(wrong(what.into()));
    }
    let unwritten = core.outputs().get(outputs_recorded..).unwrap_or_default().to_vec();
    let never_left = |id: ClientOrderId| {
        unwritten.iter().find_map(|emitted| match &emitted.output {
            Output::Command(command) if command.client_order_id == id => command.kind(),
            _ => None,
        })
    };
    let mut orders = OrdersOfTheDay::new(heard, &core);
    orders.open.retain_mut(|order| match never_left(order.client_order_id) {
        // The exchange never heard of it, and will not: the core is told so.
        Some(CommandKind::New) => false,
        Some(_) => {
            order.pending = None;
            true
        }
        None => true,
    });
    let is_command = |emitted: &&Emitted| matches!(emitted.output, Output::Command(_));
    let summary = Resumption {
        records,
        snapshot,
        passed_over,
        took: begun.elapsed(),
        died_at: core.now(),
        open_orders: core.orders().open_count(),
        in_flight: core.orders().in_flight() as usize,
        unsent: unwritten.iter().filter(is_command).count(),
    };
    Ok(Resumed { core, has_started, unwritten, orders, openings, summary })
}

/// What a session was told before its start.
struct Configured {
    /// Limits beside those of the core's configuration.
    limits: Vec<Control>,
    openings: Vec<Opening>,
    has_begun: bool,
}

/// The limits and positions that a session began with, and whether it began.
fn configured(path: &Path) -> Result<Configured, Error> {
    let mut reader = JournalReader::open(path)?;
    let mut it = Configured { limits: Vec::new(), openings: Vec::new(), has_begun: false };
    while let Some(record) = reader.next_record() {
        match Entry::read(&record) {
            Ok(Entry::Start) => return Ok(Configured { has_begun: true, ..it }),
            Ok(Entry::Control(entry)) if entry.who == CONFIGURED => {
                it.limits.push(entry.control);
            }
            Ok(Entry::Opening(opening)) => it.openings.push(opening),
            _ => {}
        }
    }
    Ok(it)
}

/// Whether controls before a session's start are those of a configuration: each process that died before
/// the start left the first of them, some or all, and the one that started it left all.
fn are_of(recorded: &[Control], wanted: &[Control], has_begun: bool) -> bool {
    let mut rest = recorded;
    while !rest.is_empty() {
        let same = rest.iter().zip(wanted).take_while(|(one, other)| one == other).count();
        if same == 0 {
            return false;
        }
        rest = &rest[same..];
        if rest.is_empty() {
            return same == wanted.len() || !has_begun;
        }
    }
    wanted.is_empty() || !has_begun
}

impl OrdersOfTheDay {
    /// The orders that are open in `core`, and the numbers of the others.
    fn new<S: Strategy>(heard: HeardOrders, core: &Core<S, CppKernels>) -> Self {
        let open = core.orders().open().map(|order| {
            let pending = pending(order.status);
            let heard = heard.get(order.client_order_id);
            ResumedOrder {
                client_order_id: order.client_order_id,
                order_id: order.order_id,
                instrument: order.instrument,
                side: order.side,
                price: order.price,
                quantity: order.quantity,
                filled: order.filled,
                pending,
                heard_until: if pending.is_some() { heard.checkpoint } else { heard.until },
            }
        });
        let open: Vec<ResumedOrder> = open.collect();
        let closed = heard.numbers_without(open.iter().map(|order| order.order_id));
        Self { open, closed }
    }
}

/// The request that an order in this state waits for.
const fn pending(status: OrderStatus) -> Option<CommandKind> {
    match status {
        OrderStatus::PendingNew => Some(CommandKind::New),
        OrderStatus::PendingReplace => Some(CommandKind::Replace),
        OrderStatus::PendingCancel => Some(CommandKind::Cancel),
        _ => None,
    }
}

/// What of two configurations differs. The first order number of a session is its own.
fn difference(recorded: &CoreConfig, wanted: &CoreConfig) -> Option<&'static str> {
    if recorded.limits != wanted.limits {
        return Some("limits");
    }
    if (recorded.venue_mode, recorded.venue) != (wanted.venue_mode, wanted.venue) {
        return Some("way of its orders (an exchange, or the venue inside)");
    }
    (recorded.capacity != wanted.capacity).then_some("bounds (instruments, orders, levels)")
}

/// The day in India.
fn day(time: Nanos) -> i64 {
    const NANOS_PER_DAY: i64 = 86_400 * 1_000_000_000;
    time.plus(IST_OFFSET_NS).0.div_euclid(NANOS_PER_DAY)
}
