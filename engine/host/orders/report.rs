//! What an order session came to, as plain data and for people.

use std::fmt;

use tezi_gateway::nnf::ErrorCode;
use tezi_gateway::nnf::client::{Counters, DisconnectReason};
use tezi_model::{ClientOrderId, OrderId, Qty, Segment};

use super::refusal::LocalRefusal;

/// What the thread counted, beside what the session itself counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderCounts {
    /// Requests that left.
    pub sent: u64,
    /// Requests the exchange carried out: confirmed, changed, cancelled.
    pub acknowledged: u64,
    /// Trades of own orders.
    pub fills: u64,
    /// Requests the exchange refused.
    pub rejected: u64,
    /// Orders the exchange ended unasked: immediate or cancel, self-trade, end of a session.
    pub cancelled_unasked: u64,
    /// Requests whose fate the session worked out itself, after a connection was lost.
    pub resolved: u64,
    /// Of them, orders of an earlier process that the exchange does not have.
    pub not_in_day: u64,
    /// Reports heard in a message download rather than live.
    pub downloaded: u64,
    /// Immediate acknowledgements of the gateway.
    pub acknowledged_by_gateway: u64,
    /// Notices: freezes, triggers, trade changes. They change no order by themselves.
    pub notices: u64,
    /// Of them, own trades that the exchange took back.
    pub trades_canceled: u64,
    /// Reports on orders that the core does not know.
    pub unknown_reports: u64,
    /// Times that requests waited too long for an answer.
    pub unanswered: u64,
    /// Reports that came when the core had ended.
    pub late_reports: u64,
    /// Connections opened, to the router and to gateways.
    pub connections: u64,
    /// Times the session went live.
    pub signed_on: u64,
    /// Bytes handed to sockets.
    pub bytes_out: u64,
    /// Bytes read from sockets.
    pub bytes_in: u64,
}

/// An order that the exchange has open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// The core's number; 0 for an order that the core does not know.
    pub client_order_id: ClientOrderId,
    /// The exchange's number; 0 when it never said one.
    pub order_id: OrderId,
    /// Of it, filled.
    pub filled: Qty,
    /// Whether a request on it is without an answer.
    pub is_in_flight: bool,
}

/// What an order session came to.
#[derive(Clone, Debug, Default)]
pub struct OrdersReport {
    /// What the thread counted.
    pub counts: OrderCounts,
    /// What the session counted.
    pub session: Counters,
    /// Commands that did not leave, by reason; reasons that never occurred left out.
    pub refused: Vec<(LocalRefusal, u64)>,
    /// Orders open in the journal that were taken over from an earlier process.
    pub taken_over: usize,
    /// Open orders that the core does not know, as they were when trading began and at the end.
    pub unknown_orders: Vec<OpenOrder>,
    /// Of them, cancelled before trading began.
    pub unknown_cancelled: usize,
    /// Own orders that the exchange still had open, or in flight, at the end.
    pub open_at_end: Vec<OpenOrder>,
    /// Why connections ended, the latest last.
    pub endings: Vec<String>,
    /// Instruments that orders can be in.
    pub instruments: usize,
    /// What could not be had and was done without.
    pub notes: Vec<String>,
}

impl OrdersReport {
    /// What is not fine, a sentence each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.counts.signed_on == 0 {
            let why = self.endings.last().map_or("it never got an answer", String::as_str);
            problems.push(format!("the order session never went live: {why}"));
        }
        let left =
            self.unknown_orders.len() - self.unknown_cancelled.min(self.unknown_orders.len());
        if left > 0 {
            problems.push(format!(
                "{left} orders of the user were open at the exchange and unknown to the core"
            ));
        }
        if self.counts.not_in_day > 0 {
            let lost = self.counts.not_in_day;
            problems.push(format!("{lost} orders open in the journal are not at the exchange"));
        }
        if !self.open_at_end.is_empty() {
            let open = self.open_at_end.len();
            problems.push(format!("{open} own orders were still open or in flight at the end"));
        }
        if self.counts.late_reports > 0 {
            let late = self.counts.late_reports;
            problems.push(format!("{late} reports came after the core had ended"));
        }
        problems
    }
}

impl fmt::Display for OrdersReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OrdersReport { counts, session, .. } = self;
        writeln!(f, "\nOrder session")?;
        writeln!(
            f,
            "  orders  {} sent, {} acknowledged, {} fills, {} rejected, {} cancelled unasked",
            counts.sent,
            counts.acknowledged,
            counts.fills,
            counts.rejected,
            counts.cancelled_unasked
        )?;
        if self.taken_over > 0 {
            writeln!(f, "  resumed {} open orders of the journal", self.taken_over)?;
        }
        for (reason, count) in &self.refused {
            writeln!(f, "          {count:>7} x not sent: {}", reason.message())?;
        }
        writeln!(
            f,
            "  wire    {} connections, live {} times; {} packets out ({} bytes), {} in ({} bytes)",
            counts.connections,
            counts.signed_on,
            session.packets_out,
            counts.bytes_out,
            session.packets_in,
            counts.bytes_in
        )?;
        writeln!(
            f,
            "  repair  {} downloads, {} gaps, {} heard again, {} heard in downloads, {} resolved \
             without an answer, {} malformed",
            session.downloads,
            session.gaps,
            session.duplicates,
            counts.downloaded,
            counts.resolved,
            session.malformed
        )?;
        for ending in &self.endings {
            writeln!(f, "          a connection ended: {ending}")?;
        }
        self.write_orders(f)
    }
}

impl OrdersReport {
    fn write_orders(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists =
            [("unknown to the core", &self.unknown_orders), ("open at the end", &self.open_at_end)];
        for (what, orders) in lists {
            for order in orders {
                writeln!(
                    f,
                    "  {what}: own number {}, exchange's {}, {} filled{}",
                    order.client_order_id,
                    order.order_id,
                    order.filled.0,
                    if order.is_in_flight { ", in flight" } else { "" }
                )?;
            }
        }
        if self.unknown_cancelled > 0 {
            writeln!(f, "  {} of the unknown ones were cancelled", self.unknown_cancelled)?;
        }
        Ok(())
    }
}

/// Why a connection ended, for people.
pub(super) fn describe(segment: Segment, reason: DisconnectReason) -> String {
    match reason {
        DisconnectReason::SignedOff => "signed off".into(),
        DisconnectReason::ReplyTimeout => "the exchange did not answer in time".into(),
        DisconnectReason::HeartbeatMissed => "heartbeats were not answered".into(),
        DisconnectReason::GatewaySignOff(code) => {
            format!("the gateway signed off: {}", named(segment, code))
        }
        DisconnectReason::Refused { transaction_code, error_code } => {
            let code = named(segment, error_code);
            format!("the exchange refused step {transaction_code} of signing on: {code}")
        }
        DisconnectReason::Cipher(error) => format!("what arrived cannot be decrypted: {error}"),
        DisconnectReason::Framing(error) => format!("the stream of bytes is lost: {error}"),
        DisconnectReason::RouterAnswer => {
            "the router's answer names no gateway, or suits another encryption".into()
        }
        DisconnectReason::LocalDatabase => "the market status was stale again and again".into(),
    }
}

/// A code of the exchange with what it says.
fn named(segment: Segment, code: i16) -> String {
    match ErrorCode::of(segment, code) {
        Some(known) => format!("{code}, {}", known.text()),
        None => format!("{code}"),
    }
}
