//! Auditing a monitor's books: stream after stream against the exchange's own image.

use std::time::{Duration, Instant};

use tezi_core::book::Books;
use tezi_core::{InstrumentState, InstrumentTable};
use tezi_feed_handler::arbitration::Stream;
use tezi_feed_handler::recovery::{
    Audit, AuditConfig, AuditOrder, AuditReport, Difference, DifferenceKind, NotAudited,
};
use tezi_model::{InstrumentKind, Nanos, Side, StreamId};

use super::AuditView;

/// Findings kept for the view.
const FINDINGS_MAX: usize = 8;
/// Differences listed of one comparison.
const LISTED_MAX: usize = 4;

/// Audits one stream at a time, each in its turn.
pub(super) struct Auditor {
    audit: Audit,
    /// Between the end of one audit and the start of the next.
    pause: Duration,
    /// When the next one begins; `None` while one is under way.
    next_at: Option<Instant>,
    /// Audits begun.
    turn: usize,
    stream: StreamId,
    view: AuditView,
}

impl Auditor {
    pub(super) fn new(pause: Duration) -> Self {
        // A spread has one order here and two legs in the image, whose prices nobody else knows.
        let config = AuditConfig { spreads: false, ..AuditConfig::default() };
        Self {
            audit: Audit::new(config),
            pause,
            next_at: Some(Instant::now()),
            turn: 0,
            stream: StreamId::default(),
            view: AuditView::default(),
        }
    }

    pub(super) const fn audit_mut(&mut self) -> &mut Audit {
        &mut self.audit
    }

    pub(super) const fn view(&self) -> &AuditView {
        &self.view
    }

    /// Begins the next audit when its time has come, and compares when the image is here. The books
    /// hold every event that was given out.
    pub(super) fn on_turn(
        &mut self,
        streams: &[Stream],
        now: Nanos,
        instruments: &InstrumentTable,
        books: &Books,
    ) {
        match self.next_at {
            Some(at) if at <= Instant::now() && !streams.is_empty() => {
                let stream = &streams[self.turn % streams.len()];
                self.turn += 1;
                self.stream = stream.id();
                self.next_at = None;
                if let Err(reason) = self.audit.start(stream, now) {
                    self.end(Err(reason));
                }
            }
            Some(_) => {}
            None => match self.audit.ready() {
                Ok((_, last)) => {
                    let live = live_orders(instruments, books, self.stream);
                    let compared = self.audit.compare(last, live, LISTED_MAX);
                    self.end(compared);
                }
                Err(NotAudited::NotReady) => {}
                Err(reason) => self.end(Err(reason)),
            },
        }
    }

    fn end(&mut self, compared: Result<AuditReport, NotAudited>) {
        self.audit.stop();
        self.next_at = Some(Instant::now() + self.pause);
        let view = &mut self.view;
        let stream = self.stream;
        match compared {
            Ok(report) => {
                view.compared += 1;
                view.orders += report.live_orders;
                view.differences += report.counts.iter().sum::<u64>();
                let findings = report.differences.iter();
                view.findings.extend(findings.map(|it| describe(stream, report.at, it)));
            }
            Err(reason) => {
                view.not_made += 1;
                view.findings.push(format!("stream {stream}: not audited: {}", reason.name()));
            }
        }
        let surplus = view.findings.len().saturating_sub(FINDINGS_MAX);
        view.findings.drain(..surplus);
    }
}

/// The orders in the outright books of a stream.
fn live_orders<'a>(
    instruments: &'a InstrumentTable,
    books: &'a Books,
    stream: StreamId,
) -> impl Iterator<Item = AuditOrder> + 'a {
    let is_compared = move |state: &InstrumentState| {
        state.stream == Some(stream) && state.definition.kind() != InstrumentKind::Spread
    };
    let audited = instruments.iter().filter(move |(_, state)| is_compared(state));
    audited.flat_map(move |(id, state)| {
        let token = state.definition.token;
        Side::BOTH.into_iter().flat_map(move |side| {
            books.orders(id, side).map(move |order| AuditOrder {
                order_id: order.order_id,
                token,
                is_spread: false,
                side,
                price: order.price,
                quantity: order.quantity,
            })
        })
    })
}

fn describe(stream: StreamId, at: u32, difference: &Difference) -> String {
    let what = match difference.kind {
        DifferenceKind::Missing => "is missing here",
        DifferenceKind::Extra => "is not in the exchange's book",
        DifferenceKind::WrongPlace => "is in another book or on another side",
        DifferenceKind::WrongPrice => "has another price",
        DifferenceKind::WrongQuantity => "has another quantity",
    };
    let order = difference.live.or(difference.exchange);
    let name =
        order.map_or_else(String::new, |it| format!("{} of token {}", it.order_id, it.token));
    let text = |side: Option<AuditOrder>| {
        side.map_or_else(
            || "none".to_string(),
            |it| format!("{} {} at {}", it.side.letter(), it.quantity, it.price),
        )
    };
    let (live, exchange) = (text(difference.live), text(difference.exchange));
    format!("stream {stream} at {at}: order {name} {what}: here {live}, there {exchange}")
}
