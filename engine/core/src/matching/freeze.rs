//! Orders above the freeze quantity wait for the exchange's decision (2170, then 2073 or 2074, or
//! 2231 or 2042).

use tezi_model::{InstrumentId, Nanos, OrderId};

use super::matcher::{Matcher, check_target};
use super::order::{Order, OrderForm, Target};
use super::refusal::Refusal;
use super::report::{CancelReason, Report, RequestKind, Sink};
use super::state::Active;

/// A request that waits. A spread is never frozen, nor is an order of several legs.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrozenRequest {
    pub(super) order_id: OrderId,
    pub(super) order: Order,
    pub(super) request: RequestKind,
}

/// Requests that wait, in the order in which they came. There are few.
#[derive(Clone)]
pub(super) struct Freezer {
    requests: Vec<FrozenRequest>,
    bound: usize,
}

impl Freezer {
    pub(super) fn new(bound: usize) -> Self {
        Self { requests: Vec::with_capacity(bound), bound }
    }

    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.requests.len() < self.bound
    }

    /// Keeps a request. [`Self::has_room`] must hold.
    pub(super) fn keep(&mut self, order_id: OrderId, order: &Order, request: RequestKind) {
        assert!(self.has_room(), "a request is frozen only where there is room");
        self.requests.push(FrozenRequest { order_id, order: *order, request });
    }

    pub(super) fn holds(&self, order_id: OrderId) -> bool {
        self.requests.iter().any(|frozen| frozen.order_id == order_id)
    }

    /// The requests that wait, the oldest first.
    pub(super) fn requests(&self) -> &[FrozenRequest] {
        &self.requests
    }

    fn position(&self, order_id: OrderId) -> Option<usize> {
        self.requests.iter().position(|frozen| frozen.order_id == order_id)
    }
}

impl Matcher {
    /// The exchange decides on a frozen request. A released order arrives now, and its time is now.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownOrder`] when nothing of this number is frozen. A released change that is no
    /// longer possible is refused with its reason, which is reported as well.
    pub fn decide_freeze<S: Sink>(
        &mut self,
        now: Nanos,
        order_id: OrderId,
        is_released: bool,
        sink: &mut S,
    ) -> Result<(), Refusal> {
        let position = self.freezer.position(order_id).ok_or(Refusal::UnknownOrder)?;
        let FrozenRequest { order, request, .. } = self.freezer.requests.remove(position);
        let active = Active::new(now, order_id, &order, OrderForm::Regular, 0);
        match (request, is_released) {
            (RequestKind::Modify, true) => {
                let target = Target::new(order_id, order.member);
                return self.modify_released(now, target, &order, sink).map_err(|refusal| {
                    self.refuse_order(now, RequestKind::Modify, order_id, &order, refusal, sink)
                });
            }
            (RequestKind::Modify, false) => {
                let refusal = Refusal::FreezeRefused;
                self.refuse_order(now, RequestKind::Modify, order_id, &order, refusal, sink);
            }
            (_, true) if self.check_new(&order).is_ok() => self.admit(now, active, sink),
            (_, true) => {
                let reason = CancelReason::Session;
                sink.on_report(&Report::Canceled(active.state(now), reason));
            }
            (_, false) => {
                let reason = CancelReason::FreezeRefused;
                sink.on_report(&Report::Canceled(active.state(now), reason));
            }
        }
        Ok(())
    }

    /// Cancels a frozen order at its member's wish. Of a frozen change the order itself is meant,
    /// and was found before.
    pub(super) fn cancel_frozen<S: Sink>(
        &mut self,
        now: Nanos,
        target: Target,
        sink: &mut S,
    ) -> Result<(), Refusal> {
        let position = self.freezer.position(target.order_id).ok_or(Refusal::UnknownOrder)?;
        let FrozenRequest { order, request, .. } = self.freezer.requests[position];
        if request != RequestKind::New {
            return Err(Refusal::UnknownOrder);
        }
        check_target(target, order.member, target.last_activity)?;
        self.freezer.requests.remove(position);
        let active = Active::new(now, target.order_id, &order, OrderForm::Regular, 0);
        sink.on_report(&Report::Canceled(active.state(now), CancelReason::Requested));
        Ok(())
    }

    /// Cancels every frozen new order of an instrument and drops every frozen change.
    pub(super) fn cancel_all_frozen<S: Sink>(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        sink: &mut S,
    ) {
        self.freezer.requests.retain(|frozen| {
            let is_here = frozen.order.instrument == instrument;
            if is_here && frozen.request == RequestKind::New {
                let form = OrderForm::Regular;
                let active = Active::new(now, frozen.order_id, &frozen.order, form, 0);
                let reason = CancelReason::Session;
                sink.on_report(&Report::Canceled(active.state(now), reason));
            }
            !is_here
        });
    }
}
