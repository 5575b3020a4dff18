//! What the desk knows when a request is made, and what each check says of it: for audits.

use tezi_model::{ClientOrderId, CommandKind, InstrumentId, Money, Nanos, RejectReason, Side};

use super::Desk;
use crate::book::Level;
use crate::collateral::Collateral;
use crate::output::Request;
use crate::position::Position;
use crate::risk::{Check, Checks, Market, Measure, Proposal};

/// Levels of each side that an audit shows.
const LEVELS: usize = 5;

/// The state of the desk as a request met it.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// What was asked.
    pub request: Request,
    /// The core's time.
    pub now: Nanos,
    /// The latest time of the exchange seen.
    pub exchange_time: Nanos,
    /// The instrument; `None` for a number not given out, or an order not known.
    pub instrument: Option<InstrumentId>,
    /// What the checks looked at; `None` where there is no instrument.
    pub market: Option<Market>,
    /// Five levels of each side, best first.
    pub bids: Vec<Level>,
    /// The other side.
    pub asks: Vec<Level>,
    /// The position in the instrument.
    pub position: Position,
    /// Profit of the session.
    pub profit: Money,
    /// Requests without an answer.
    pub in_flight: u32,
    /// Every check, by precedence; those of an order that a change or cancel names come first.
    pub checks: Vec<Check>,
}

impl Desk {
    /// Tells what a request would meet now. Allocates; for audits.
    #[cold]
    pub(crate) fn explain(&self, request: &Request) -> Explanation {
        let mut checks = Checks(Vec::with_capacity(40));
        let (instrument, proposal) = match request.kind() {
            Some(CommandKind::New) => (
                Some(request.instrument),
                Some(Proposal::new_order(request.side(), request.price, request.quantity)),
            ),
            _ => self.explain_order(request, &mut checks),
        };
        let instrument = instrument.filter(|&id| self.instruments.get(id).is_some());
        let side = proposal.map_or(Side::Buy, |proposal| proposal.side);
        let market = instrument.map(|id| self.market(id, side));
        if let (Some(id), Some(market), Some(proposal)) = (instrument, market, proposal)
            && let Some(state) = self.instruments.get(id)
        {
            self.risk.explain(self.now, &state.definition, &market, &proposal, &mut checks);
            self.guards.explain(&self.ask(id, &proposal), &mut checks);
            self.ledgers.explain(&self.share(id, &proposal), &mut checks);
            if let Some(ask) = self.collateral_ask(id, &proposal) {
                Collateral::explain(self.collateral.as_deref(), &ask, &mut checks);
            }
            self.ledgers.explain_account(&self.account_share(id, &proposal), &mut checks);
        }
        let levels = |side| {
            instrument.map_or(Vec::new(), |id| self.books.levels(id, side).take(LEVELS).collect())
        };
        Explanation {
            request: *request,
            now: self.now,
            exchange_time: self.exchange_time,
            instrument,
            market,
            bids: levels(Side::Buy),
            asks: levels(Side::Sell),
            position: instrument.map(|id| self.positions.get(id)).unwrap_or_default(),
            profit: self.profit(),
            in_flight: self.orders.in_flight(),
            checks: checks.0,
        }
    }

    /// The order that a change or cancel names: what is said of it, and of what it would become.
    fn explain_order(
        &self,
        request: &Request,
        checks: &mut Checks,
    ) -> (Option<InstrumentId>, Option<Proposal>) {
        let id: ClientOrderId = request.client_order_id;
        let order = self.orders.get(id);
        let status = order.map_or(Measure::None, |order| Measure::Word(order.status.name()));
        let is_closed = order.is_some_and(|order| order.status.is_terminal());
        let is_pending = order.is_some_and(|order| order.status.is_in_flight());
        checks.add(RejectReason::UnknownOrder, order.is_some(), status, Measure::Word("known"));
        checks.add(RejectReason::OrderClosed, !is_closed, status, Measure::Word("open"));
        checks.add(RejectReason::RequestPending, !is_pending, status, Measure::Word("answered"));
        let Some(order) = order else { return (None, None) };
        let proposal = (request.kind() == Some(CommandKind::Replace)).then(|| Proposal {
            side: order.side,
            price: request.price,
            open_quantity: request.quantity.saturating_sub(order.filled),
            quantity: request.quantity,
            replaces: Some((order.leaves_worst(), order.open_value())),
        });
        (Some(order.instrument), proposal)
    }
}
