//! Requests to commands, and reports back into orders and positions.

use bytemuck::Zeroable;
use tezi_model::{
    AccountId, ClientOrderId, CommandKind, ExecutionKind, ExecutionReport, InstrumentId, Money,
    OrderCommand, OrderStatus, Px, Qty, RejectReason, Side, StrategyId,
};

use super::Desk;
use crate::oms::{Applied, Order, OrderEvent, ReportError};
use crate::output::{Origin, Output, Refusal, Request};
use crate::risk::{Ask, Market, Proposal};

impl Desk {
    /// Takes a request: the order leaves, or it is refused and counted.
    ///
    /// # Errors
    ///
    /// The refusal of highest precedence; the state is as before.
    pub(crate) fn request(&mut self, request: &Request) -> Result<ClientOrderId, RejectReason> {
        self.is_entered = true;
        let result = match request.kind() {
            // One place stays free for the refusal of a later request.
            _ if !self.has_room(2) => Err(RejectReason::Capacity),
            Some(CommandKind::New) => self.new_order(request),
            Some(CommandKind::Replace) => self.replace_order(request),
            Some(CommandKind::Cancel) => self.cancel_own(request.client_order_id),
            None => Err(RejectReason::UnknownOrder),
        };
        if let Err(reason) = result {
            self.refuse(request, reason);
        }
        self.is_entered = false;
        result
    }

    /// Cancels an order that a strategy asks for: its own only.
    fn cancel_own(&mut self, id: ClientOrderId) -> Result<ClientOrderId, RejectReason> {
        self.own(id)?;
        self.cancel_order(id, self.origin)
    }

    /// An order that the strategy under way may speak of: one of several sees only its own.
    #[inline]
    fn own(&self, id: ClientOrderId) -> Result<(), RejectReason> {
        if self.strategy.is_none() {
            return Ok(());
        }
        let order = self.orders.get(id).filter(|order| order.strategy == self.strategy);
        order.map(|_| ()).ok_or(RejectReason::UnknownOrder)
    }

    /// Cancels everything open; orders not yet confirmed are cancelled when they are.
    pub(crate) fn cancel_all(&mut self) {
        self.cancel_where(|desk, order| !desk.is_closing(order));
    }

    /// As [`Desk::cancel_all`], of orders that a condition holds for.
    pub(super) fn cancel_where(&mut self, is_meant: impl Fn(&Self, &Order) -> bool) {
        for _ in 0..self.orders.open_count() {
            let cancelable = |order: &Order| {
                matches!(order.status, OrderStatus::New | OrderStatus::PartiallyFilled)
                    && is_meant(self, order)
            };
            let Some(order) = self.orders.open().find(cancelable) else { return };
            if !self.has_room(1) || self.cancel_order(order.client_order_id, Origin::CORE).is_err()
            {
                return;
            }
        }
    }

    /// Stops trading for good and cancels everything open.
    pub(crate) fn stop_trading(&mut self, reason: RejectReason) {
        self.risk.stop(reason);
        self.cancel_all();
    }

    /// Applies a report of the venue.
    pub(crate) fn on_report(
        &mut self,
        report: &ExecutionReport,
    ) -> Result<Option<Applied>, ReportError> {
        let applied = self.orders.on_report(report)?;
        let Some(applied) = applied else { return Ok(None) };
        let order = applied.order;
        if let Some((price, quantity)) = applied.filled {
            self.counters.fills += 1;
            self.counters.passive_fills += u64::from(report.passive);
            self.positions.on_fill(order.instrument, order.side, quantity, price);
            if order.strategy.0 | order.account.0 != 0 {
                let (trade, mark) = ((order.side, quantity, price), self.mark_of(order.instrument));
                self.ledgers.on_fill(whose(&order), order.instrument, trade, mark);
            }
            if self.carried.is_some() {
                self.book_holding(&order, quantity, price);
            }
            self.check_loss();
        }
        self.note_exposure(order.instrument);
        if self.risk.stopped().is_some() {
            self.on_report_when_stopped(report, &order);
        } else if !self.operator.is_idle() || self.ledgers.has_work() {
            self.note_refused_cancel(report);
        }
        Ok(Some(applied))
    }

    /// What the desk values an instrument at.
    fn mark_of(&self, instrument: InstrumentId) -> Option<Px> {
        self.positions.get(instrument).mark
    }

    /// Applies what happened to an order without numbers.
    #[cold]
    pub(crate) fn on_own_order_event(
        &mut self,
        id: ClientOrderId,
        event: OrderEvent,
    ) -> Result<Option<Applied>, ReportError> {
        let applied = self.orders.on_event(id, event)?;
        if let Some(applied) = &applied {
            self.note_exposure(applied.order.instrument);
        }
        Ok(applied)
    }

    /// Takes back an own trade that the exchange annulled; its order, `None` for a repeat.
    #[cold]
    pub(crate) fn on_trade_canceled(
        &mut self,
        report: &ExecutionReport,
    ) -> Result<Option<Order>, ReportError> {
        let Some(order) = self.orders.on_trade_canceled(report)? else { return Ok(None) };
        let &ExecutionReport { quantity, price, .. } = report;
        self.positions.on_trade_canceled(order.instrument, order.side, quantity, price);
        let (trade, mark) = ((order.side, quantity, price), self.mark_of(order.instrument));
        self.ledgers.on_trade_canceled(whose(&order), order.instrument, trade, mark);
        self.take_back_holding(&order, quantity, price);
        self.note_exposure(order.instrument);
        self.check_loss();
        Ok(Some(order))
    }

    /// After a stop, an order that was on its way is cancelled when the venue confirms it. One whose
    /// cancel the venue refuses is tried again a second later: at once, the two would go round in
    /// circles.
    #[cold]
    fn on_report_when_stopped(&mut self, report: &ExecutionReport, order: &Order) {
        if self.note_refused_cancel(report) {
            return;
        }
        let open = matches!(order.status, OrderStatus::New | OrderStatus::PartiallyFilled);
        if open && !self.is_closing(order) && self.now >= self.cancels_again_at && self.has_room(1)
        {
            // In flight or closed by now, it needs none.
            let _ = self.cancel_order(order.client_order_id, Origin::CORE);
        }
    }

    /// Notes when cancels are tried again after one was refused; whether this report says so.
    #[cold]
    fn note_refused_cancel(&mut self, report: &ExecutionReport) -> bool {
        const PAUSE_NS: i64 = 1_000_000_000;
        let is_refused = report.kind() == Some(ExecutionKind::CancelRejected);
        if is_refused {
            self.cancels_again_at = self.now.plus(PAUSE_NS);
        }
        is_refused
    }

    /// Stops trading when a loss limit is reached. While the profit stands still none can be: what was
    /// lost in the last minute only becomes less.
    #[inline]
    pub(crate) fn check_loss(&mut self) {
        if self.positions.profit() != self.losses.profit() {
            self.check_loss_limits();
        }
    }

    /// As [`Desk::check_loss`], whether or not the profit changed: a limit did.
    #[inline(never)]
    pub(super) fn check_loss_limits(&mut self) {
        let profit = self.positions.profit();
        self.losses.note(self.now, profit);
        self.look_at_collateral();
        self.look_at_money_use();
        if self.risk.stopped().is_some() {
            return;
        }
        let is_day = self.risk.is_loss_limit(profit).then_some(RejectReason::LossLimit);
        if let Some(reason) = is_day.or_else(|| self.losses.reached(self.now)) {
            self.stop_trading(reason);
        }
    }

    /// Ends an input. After a stop, cancels what found no room for its cancel then, or was refused it;
    /// goes on with what an operator began.
    #[inline]
    pub(crate) fn finish(&mut self) {
        let is_due = self.risk.stopped().is_some() && self.now >= self.cancels_again_at;
        if is_due && self.orders.open_count() > 0 {
            self.cancel_all();
        }
        if !self.operator.is_idle() {
            self.go_on();
        }
        if self.ledgers.has_work() {
            self.look_after_ledgers();
        }
    }

    fn new_order(&mut self, request: &Request) -> Result<ClientOrderId, RejectReason> {
        let proposal = Proposal::new_order(request.side(), request.price, request.quantity);
        self.check(request.instrument, &proposal)?;
        self.enter(request, &proposal, self.ledgers.account_of(self.strategy))
    }

    /// Sends a new order for an account that is checked.
    #[inline]
    pub(super) fn enter(
        &mut self,
        request: &Request,
        proposal: &Proposal,
        account: AccountId,
    ) -> Result<ClientOrderId, RejectReason> {
        let order = self
            .orders
            .enter_for(
                (self.strategy, account),
                request.instrument,
                request.side(),
                request.price,
                request.quantity,
                request.time_in_force(),
            )
            .ok_or(RejectReason::Capacity)?;
        self.count_request(request.instrument, proposal);
        self.counters.new_orders += 1;
        self.ledgers.count(whose(&order), |counts| counts.new_orders += 1);
        self.send(self.origin, &command(CommandKind::New, &order, order.price, order.quantity));
        Ok(order.client_order_id)
    }

    fn replace_order(&mut self, request: &Request) -> Result<ClientOrderId, RejectReason> {
        let id = request.client_order_id;
        self.own(id)?;
        let order = self.requestable(id)?;
        let proposal = Proposal {
            side: order.side,
            price: request.price,
            open_quantity: request.quantity.saturating_sub(order.filled),
            quantity: request.quantity,
            replaces: Some((order.leaves_worst(), order.open_value())),
        };
        self.check(order.instrument, &proposal)?;
        let order = self
            .orders
            .mark_replace(id, request.price, request.quantity)
            .ok_or(RejectReason::UnknownOrder)?;
        self.count_request(order.instrument, &proposal);
        self.counters.replaces += 1;
        self.ledgers.count(whose(&order), |counts| counts.replaces += 1);
        let command = command(CommandKind::Replace, &order, request.price, request.quantity);
        self.send(self.origin, &command);
        Ok(id)
    }

    fn cancel_order(
        &mut self,
        id: ClientOrderId,
        origin: Origin,
    ) -> Result<ClientOrderId, RejectReason> {
        self.requestable(id)?;
        let order = self.orders.mark_cancel(id).ok_or(RejectReason::UnknownOrder)?;
        self.counters.cancels += 1;
        self.ledgers.count(whose(&order), |counts| counts.cancels += 1);
        self.send(origin, &command(CommandKind::Cancel, &order, order.price, order.quantity));
        Ok(id)
    }

    /// An open order with no request in flight.
    fn requestable(&self, id: ClientOrderId) -> Result<Order, RejectReason> {
        let order = self.orders.get(id).ok_or(RejectReason::UnknownOrder)?;
        if order.status.is_terminal() {
            Err(RejectReason::OrderClosed)
        } else if order.status.is_in_flight() {
            Err(RejectReason::RequestPending)
        } else {
            Ok(order)
        }
    }

    /// Every check of a new order.
    pub(crate) fn check_new(
        &self,
        instrument: InstrumentId,
        side: Side,
        price: Px,
        quantity: Qty,
    ) -> Result<(), RejectReason> {
        self.check(instrument, &Proposal::new_order(side, price, quantity))
    }

    fn check(&self, instrument: InstrumentId, proposal: &Proposal) -> Result<(), RejectReason> {
        let state = self.instruments.get(instrument).ok_or(match self.risk.refuses() {
            Some(reason) => reason,
            None => RejectReason::UnknownInstrument,
        })?;
        let market = self.market(instrument, proposal.side);
        self.risk.check(self.now, &state.definition, &market, proposal)?;
        self.guards.check(&self.ask(instrument, proposal))?;
        self.check_share(instrument, proposal)?;
        self.check_collateral(instrument, proposal)?;
        self.check_account(instrument, proposal)
    }

    /// What the checks of an order on `side` look at.
    #[inline]
    pub(super) fn market(&self, instrument: InstrumentId, side: Side) -> Market {
        let opposite = side.opposite();
        Market {
            opposite_touch: self.books.touch(instrument, opposite).map(|level| level.price),
            last_trade: self.tape[instrument.index()].last_trade,
            own_opposite: self.orders.best_price(instrument, opposite),
            is_stale: self.is_stale(instrument),
            status: self.status(instrument),
            net: self.positions.get(instrument).net,
            exposure: self.orders.exposure(instrument),
            open_orders: self.orders.open_count(),
            open_value: self.orders.open_value(),
        }
    }

    pub(super) const fn ask<'a>(
        &self,
        instrument: InstrumentId,
        proposal: &'a Proposal,
    ) -> Ask<'a> {
        Ask { now: self.now, instrument, proposal, in_flight: self.orders.in_flight() }
    }

    /// Tells the checks of a new order or change that leaves.
    fn count_request(&mut self, instrument: InstrumentId, proposal: &Proposal) {
        let ask = self.ask(instrument, proposal);
        self.guards.count(&ask);
        self.note_exposure(instrument);
    }

    /// Tells the checks what is held and open of an instrument now.
    #[inline]
    pub(super) fn note_exposure(&mut self, instrument: InstrumentId) {
        let net = self.positions.get(instrument).net;
        self.guards.note(instrument, net, self.orders.exposure(instrument));
        self.note_collateral(instrument);
        self.look_at_use(instrument);
    }

    fn send(&mut self, origin: Origin, command: &OrderCommand) {
        self.risk.count_message(self.now);
        if let Some(venue) = &mut self.venue {
            venue.send(self.now, command);
        }
        self.emit(origin, Output::Command(*command));
    }

    /// Counts a refusal and says it. One that finds no room to be said is not among the refusals: a
    /// replay from the journal could not know of it, and its state would differ.
    #[cold]
    fn refuse(&mut self, request: &Request, reason: RejectReason) {
        if !self.has_room(1) {
            self.counters.requests_unsaid += 1;
            return;
        }
        let index = RejectReason::ALL.iter().position(|&other| other == reason);
        if let Some(count) = index.and_then(|index| self.refusals.get_mut(index)) {
            *count += 1;
        }
        let (strategy, account) = (self.strategy, self.ledgers.account_of(self.strategy));
        self.ledgers.count((strategy, account), |counts| counts.refusals += 1);
        let request = Request { strategy, account, ..*request };
        let refusal = Refusal { request, reason_code: reason as u16, reserved: [0; 6] };
        self.emit(self.origin, Output::Refusal(refusal));
    }

    /// Profit of the session, before charges.
    pub(crate) fn profit(&self) -> Money {
        self.positions.profit()
    }
}

fn command(kind: CommandKind, order: &Order, price: Px, quantity: Qty) -> OrderCommand {
    OrderCommand {
        client_order_id: order.client_order_id,
        order_id: order.order_id,
        price,
        quantity,
        filled: order.filled,
        instrument: order.instrument,
        kind_code: kind as u8,
        side_code: order.side as u8,
        time_in_force_code: order.time_in_force as u8,
        strategy: order.strategy,
        account: order.account,
        ..OrderCommand::zeroed()
    }
}

/// The strategy of an order, and the account it is for.
#[inline]
const fn whose(order: &Order) -> (StrategyId, AccountId) {
    (order.strategy, order.account)
}
