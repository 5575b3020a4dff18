//! Brings a parent's children to what its tactic wants.
//!
//! Every request counts from the moment it leaves: a child just sent with its whole quantity, a
//! change with the larger of both versions, a cancel not before it is confirmed. So nothing is sent
//! into room that something in flight may still need.

use tezi_model::{Nanos, Px, Qty, TimeInForce};

use super::access::MarketAccess;
use super::children::Child;
use super::parent::{Parent, ParentSpec};
use super::price;
use super::tactic::Plan;

impl Parent {
    /// Takes back what is too much, moves what lies at another price, sends what is missing.
    pub(super) fn work(&mut self, access: &mut impl MarketAccess, plan: &Plan) {
        let wanted = plan.open.min(self.remaining());
        let surplus = self.open().saturating_sub(wanted);
        if surplus > 0 {
            self.pull_back(access, surplus);
        }
        let Some(price) = plan.price.and_then(|price| price::within(self, price)) else {
            return self.take_back_beyond(access);
        };
        if self.is_down {
            return;
        }
        self.reprice(access, price, plan.is_urgent);
        self.add(access, price, wanted.saturating_sub(self.open()));
    }

    /// Sends one child of which what does not trade at once is cancelled. What is open counts: the
    /// quantity is cut to the room there is.
    pub(super) fn take(&mut self, access: &mut impl MarketAccess, price: Px, quantity: u64) {
        let Some(price) = price::within(self, price) else { return };
        let units = self.whole_lots(quantity.min(self.remaining().saturating_sub(self.open())));
        if units > 0 && self.may_send(access.now()) {
            self.submit(access, price, units.min(self.child_max()), TimeInForce::Ioc);
        }
    }

    /// Cancels the youngest children until `surplus` units are on their way back.
    pub(super) fn pull_back(&mut self, access: &mut impl MarketAccess, surplus: u64) {
        self.cancel_where(access, surplus, |_| true);
    }

    /// Cancels children that lie beyond a limit that got worse, where there is no price to move them to, or
    /// no leave to.
    fn take_back_beyond(&mut self, access: &mut impl MarketAccess) {
        let ParentSpec { side, limit, .. } = self.spec;
        let is_beyond = |child: &Child| side.is_better(child.order.price, limit);
        if self.children.open().any(is_beyond) {
            self.cancel_where(access, u64::MAX, is_beyond);
        }
    }

    /// Cancels the youngest of those children until `surplus` units are on their way back.
    fn cancel_where(
        &mut self,
        access: &mut impl MarketAccess,
        surplus: u64,
        is_meant: impl Fn(&Child) -> bool,
    ) {
        let (now, retry_ns) = (access.now(), self.policy.retry_ns);
        let (mut left, mut again_at, mut cancels, mut refused) = (surplus, Nanos::MAX, 0, 0);
        for child in self.children.open_mut().rev().filter(|child| is_meant(child)) {
            if left == 0 {
                break;
            }
            if self.is_down && child.is_stable() {
                continue;
            }
            if child.is_stable() && now >= child.cancel_at {
                let asked = access.cancel(child.order.client_order_id);
                child.is_cancel_asked = asked.is_ok();
                if asked.is_ok() {
                    cancels += 1;
                } else {
                    refused += 1;
                    child.cancel_at = now.plus(retry_ns);
                }
                if let Some(order) = access.order(child.order.client_order_id) {
                    child.order = order;
                }
            }
            if child.is_stable() {
                again_at = again_at.min(child.cancel_at);
            }
            left = left.saturating_sub(u64::from(child.order.leaves_worst().0));
        }
        self.counters.cancels += cancels;
        self.counters.refused += refused;
        if again_at < Nanos::MAX {
            self.look(now, again_at);
        }
    }

    /// Moves the children that lie off the price.
    fn reprice(&mut self, access: &mut impl MarketAccess, price: Px, is_urgent: bool) {
        let now = access.now();
        let tick = self.terms.tick.0.max(1);
        let ticks = if is_urgent { 1 } else { self.policy.requote_ticks.max(1) };
        let pause = if is_urgent { self.policy.chase_ns } else { self.policy.requote_ns };
        let least = tick.saturating_mul(i64::from(ticks));
        let ParentSpec { side, limit, .. } = self.spec;
        let (mut look_at, mut refusal) = (Nanos::MAX, None);
        for child in self.children.open_mut() {
            // Beyond a limit that got worse: not a moment longer than it must.
            let is_beyond = side.is_better(child.order.price, limit);
            let is_off = is_beyond || price.0.abs_diff(child.order.price.0) >= least.unsigned_abs();
            if !is_off || !child.is_stable() || child.is_cancel_asked {
                continue;
            }
            let moved_at = if is_beyond { Nanos::ZERO } else { child.moved_at.plus(pause) };
            let due = moved_at.max(self.retry_at);
            if now < due {
                look_at = look_at.min(due);
                continue;
            }
            let id = child.order.client_order_id;
            match access.replace(id, price, child.order.quantity) {
                Ok(_) => {
                    self.counters.replaces += 1;
                    child.moved_at = now;
                    child.order = access.order(id).unwrap_or(child.order);
                }
                Err(reason) => {
                    refusal = Some(reason);
                    break;
                }
            }
        }
        self.look(now, look_at);
        if let Some(reason) = refusal {
            self.refused(now, reason);
        }
        self.take_back_beyond(access);
    }

    /// Sends children until `missing` units are open, or there is no place for another.
    fn add(&mut self, access: &mut impl MarketAccess, price: Px, missing: u64) {
        let mut left = self.whole_lots(missing);
        while left > 0 && self.may_send(access.now()) {
            let units = left.min(self.child_max());
            if self.children.is_full() {
                self.enlarge(access, left);
                return;
            }
            if !self.submit(access, price, units, TimeInForce::Day) {
                return;
            }
            left -= units;
        }
    }

    /// With every place taken, gives one child what is missing, as far as it may grow. It loses its
    /// place in the queue, which a new one would not have had either.
    fn enlarge(&mut self, access: &mut impl MarketAccess, missing: u32) {
        let now = access.now();
        let most = self.child_max();
        let grows =
            |it: &&mut Child| it.is_stable() && !it.is_cancel_asked && it.order.quantity.0 < most;
        let child = self.children.open_mut().rev().find(grows);
        let Some(child) = child else { return };
        let id = child.order.client_order_id;
        let total = child.order.quantity.0.saturating_add(missing).min(most);
        match access.replace(id, child.order.price, Qty(total)) {
            Ok(_) => {
                self.counters.replaces += 1;
                child.order = access.order(id).unwrap_or(child.order);
            }
            Err(reason) => self.refused(now, reason),
        }
    }

    fn submit(
        &mut self,
        access: &mut impl MarketAccess,
        price: Px,
        units: u32,
        time_in_force: TimeInForce,
    ) -> bool {
        let now = access.now();
        if self.children.is_full() {
            return false;
        }
        let (instrument, side) = (self.spec.instrument, self.spec.side);
        match access.submit(instrument, side, price, Qty(units), time_in_force) {
            Ok(id) => {
                self.counters.children += 1;
                if let Some(order) = access.order(id) {
                    self.children.push(order, now);
                }
                true
            }
            Err(reason) => {
                self.refused(now, reason);
                false
            }
        }
    }

    /// Whether a child may be sent now.
    fn may_send(&self, now: Nanos) -> bool {
        now >= self.retry_at && !self.is_down && now < self.spec.end
    }

    /// The whole lots of a quantity, as far as an order can say it.
    fn whole_lots(&self, units: u64) -> u32 {
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        units - units % self.lot()
    }
}
