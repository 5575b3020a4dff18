//! The story of one order, from a journal: what was known when each request was made, what each check
//! found, what the exchange said, and what came of it.
//!
//! Nothing of it is kept while a session runs. The journal's inputs go through the core again, and where
//! a request of the order is made the core is asked what it sees.

use std::path::Path;

use tezi_core::oms::Order;
use tezi_core::strategy::Recorded;
use tezi_core::{Emitted, Explanation, Origin, Output, Position, Refusal};
use tezi_model::{ClientOrderId, ExecutionReport, Instrument, Nanos, OrderCommand};

use crate::error::Error;
use crate::records::Entry;
use crate::replay::{JournalHead, Replay, ReplayReport, Step, recorded};

/// The story of one order.
#[derive(Clone, Debug)]
pub struct OrderAudit {
    /// The order.
    pub client_order_id: ClientOrderId,
    /// Who ran, under which settings.
    pub head: JournalHead,
    /// What the order is in; `None` when the journal does not know the order.
    pub instrument: Option<Instrument>,
    /// What happened, in order.
    pub chapters: Vec<Chapter>,
    /// The replay under it: what is not whole or differs makes the story doubtful.
    pub replay: ReplayReport,
}

/// One thing that happened to the order.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// The input's record.
    pub sequence: u64,
    /// The core's time.
    pub time: Nanos,
    /// What it was.
    pub event: AuditEvent,
    /// The order behind the input; `None` when the core does not know it.
    pub order: Option<Order>,
    /// The position in its instrument behind the input.
    pub position: Position,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum AuditEvent {
    /// A request left.
    Sent {
        /// The input in which it was made.
        cause: Box<Entry>,
        /// Which of the strategy's calls in it; [`Origin::CORE`] for a cancel by the core itself.
        origin: Origin,
        /// What left.
        command: OrderCommand,
        /// What was known; `None` for a cancel by the core itself.
        explanation: Option<Box<Explanation>>,
    },
    /// A change or cancel was refused.
    Refused {
        /// The input in which it was made.
        cause: Box<Entry>,
        /// What was asked, and why not.
        refusal: Refusal,
        /// What was known.
        explanation: Option<Box<Explanation>>,
    },
    /// The exchange, or who carries orders to it, said something.
    Report(ExecutionReport),
}

/// Tells the story of an order.
///
/// # Errors
///
/// [`Error::Journal`] when the journal cannot be opened, [`Error::JournalContent`] when it does not begin
/// as a session does. What is wrong further on is in [`OrderAudit::replay`].
pub fn audit_order(path: &Path, order: ClientOrderId) -> Result<OrderAudit, Error> {
    let load = |strategy: &mut Recorded, emitted: &Emitted| strategy.load(emitted);
    let mut replay = Replay::open(path, recorded(path)?, load, Recorded::left)?;
    let mut chapters = Vec::new();
    while let Some((step, is_last)) = replay.next_step() {
        if !concerns(&step, order) {
            if is_last {
                replay.act(&step);
            } else {
                replay.apply(&step);
            }
            continue;
        }
        replay.core.strategy_mut().witness();
        replay.act(&step);
        let witnessed = replay.core.strategy_mut().take_witnessed();
        let state = replay.core.orders().get(order);
        let position =
            state.map(|it| replay.core.positions().get(it.instrument)).unwrap_or_default();
        let events = events_of(&step, order, witnessed);
        let chapter = |event| Chapter {
            sequence: step.sequence,
            time: step.time,
            event,
            order: state,
            position,
        };
        chapters.extend(events.into_iter().map(chapter));
    }
    let last = chapters.iter().rev().find_map(|chapter| chapter.order);
    let instrument =
        last.and_then(|it| Some(replay.core.instruments().get(it.instrument)?.definition));
    let head = replay.head.clone();
    let replay = replay.finish(false);
    Ok(OrderAudit { client_order_id: order, head, instrument, chapters, replay })
}

/// Whether an input, or what came of it, is about the order.
fn concerns(step: &Step, order: ClientOrderId) -> bool {
    matches!(&step.input, Entry::Report(report) if report.client_order_id == order)
        || step.outputs.iter().any(|emitted| is_of(&emitted.output, order))
}

fn is_of(output: &Output, order: ClientOrderId) -> bool {
    match output {
        Output::Command(command) => command.client_order_id == order,
        Output::Refusal(refusal) => refusal.request.client_order_id == order,
        Output::Report(report) => report.client_order_id == order,
        Output::Timer(_)
        | Output::Kill
        | Output::Strategy(_)
        | Output::Account(_)
        | Output::Theoretical(_)
        | Output::RiskReduction(_)
        | Output::LimitUse(_) => false,
    }
}

/// What happened to the order in one input. `witnessed` has what each request of the strategy met.
fn events_of(step: &Step, order: ClientOrderId, witnessed: Vec<Explanation>) -> Vec<AuditEvent> {
    let mut events = Vec::new();
    if let Entry::Report(report) = &step.input
        && report.client_order_id == order
    {
        events.push(AuditEvent::Report(*report));
    }
    let mut witnessed = witnessed.into_iter();
    for Emitted { origin, output } in &step.outputs {
        let is_request = matches!(output, Output::Command(_) | Output::Refusal(_));
        // Each request of the strategy has one command or one refusal, in the same order.
        let explanation =
            if is_request && *origin != Origin::CORE { witnessed.next() } else { None };
        if !is_of(output, order) {
            continue;
        }
        let (cause, explanation) = (Box::new(step.input.clone()), explanation.map(Box::new));
        events.extend(match output {
            Output::Command(command) => {
                Some(AuditEvent::Sent { cause, origin: *origin, command: *command, explanation })
            }
            Output::Refusal(refusal) => {
                Some(AuditEvent::Refused { cause, refusal: *refusal, explanation })
            }
            Output::Report(report) => Some(AuditEvent::Report(*report)),
            Output::Timer(_)
            | Output::Kill
            | Output::Strategy(_)
            | Output::Account(_)
            | Output::Theoretical(_)
            | Output::RiskReduction(_)
            | Output::LimitUse(_) => None,
        });
    }
    events
}
