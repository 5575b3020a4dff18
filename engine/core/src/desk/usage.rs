//! The desk's side of how much of its limits is used: what is looked at when, and told.

mod levels;
mod snapshot;

use tezi_model::{InstrumentId, Money, Px};

use super::Desk;
use crate::control::Limit;
use crate::output::{LimitUse, Origin, Output};

use levels::Place;
pub(in crate::desk) use levels::Usage;

impl Desk {
    /// How many limits are nearly used, or all used.
    pub(crate) const fn limits_near(&self) -> u32 {
        self.usage.near()
    }

    /// Looks at what position and open orders of an instrument use.
    #[inline]
    pub(super) fn look_at_use(&mut self, instrument: InstrumentId) {
        if self.usage.is_on() {
            self.look_at_orders(instrument);
        }
    }

    #[inline(never)]
    fn look_at_orders(&mut self, instrument: InstrumentId) {
        let (limits, guards) = (*self.risk.limits(), *self.guards.limits());
        let orders = self.orders.open_count() as i128;
        self.see_desk(Limit::OpenOrders, orders, limits.open_orders_max.into());
        self.see_rupees(
            Limit::OpenOrderValue,
            self.orders.open_value(),
            limits.open_order_value_max,
        );
        let worst = self.guards.worst_position(instrument).into();
        let place = Place::of_position(instrument);
        self.see(Limit::Position, Some(place), instrument, (worst, limits.position_max.into(), 1));
        let (underlying, net, gross) = self.guards.underlying_use(instrument);
        let units = [
            (Limit::UnderlyingNet, net, guards.underlying_net_max),
            (Limit::UnderlyingGross, gross, guards.underlying_gross_max),
        ];
        for (limit, value, most) in units {
            let place = Place::of_underlying(underlying, limit);
            self.see(limit, place, instrument, (value.into(), most.into(), 1));
        }
        let Some((net, gross)) = self.collateral.as_ref().and_then(|it| it.futeq_of(instrument))
        else {
            return;
        };
        let money = [
            (Limit::FutEqNet, net, guards.futeq_net_max),
            (Limit::FutEqGross, gross, guards.futeq_gross_max),
        ];
        for (limit, value, most) in money {
            let place = Place::of_underlying(underlying, limit);
            self.see(limit, place, instrument, in_rupees(value, most));
        }
    }

    /// Looks at what the profit, and the margin of what is held and open, use.
    #[inline]
    pub(super) fn look_at_money_use(&mut self) {
        if self.usage.is_on() {
            self.look_at_money();
        }
    }

    #[inline(never)]
    fn look_at_money(&mut self) {
        let (loss_max, guards) = (self.risk.limits().loss_max, *self.guards.limits());
        let loss = Money::ZERO - self.positions.profit();
        let minute = self.losses.lost_in_minute(self.now);
        self.see_rupees(Limit::Loss, loss, loss_max);
        self.see_rupees(Limit::Drawdown, self.losses.drawdown(), guards.drawdown_max);
        self.see_rupees(Limit::MinuteLoss, minute, guards.minute_loss_max);
        if let Some(collateral) = &self.collateral {
            let used = collateral.needed() + loss.max(Money::ZERO);
            self.see_rupees(Limit::MarginAvailable, used, guards.margin_available);
        }
    }

    fn see_rupees(&mut self, limit: Limit, value: Money, most: i64) {
        self.see(limit, Place::of_desk(limit), LimitUse::ALL, in_rupees(value, most));
    }

    fn see_desk(&mut self, limit: Limit, value: i128, most: i64) {
        self.see(limit, Place::of_desk(limit), LimitUse::ALL, (value, most.into(), 1));
    }

    /// Tells the level of a limit when it is another: of the value, the limit, and how many of their
    /// units make one of the record's.
    fn see(
        &mut self,
        limit: Limit,
        place: Option<Place>,
        instrument: InstrumentId,
        (value, most, unit): (i128, i128, i128),
    ) {
        let Some(place) = place else { return };
        let Some(level) = self.usage.change(place, value, most) else { return };
        // Room stays for a command, and for the refusal of a later request. What finds none is told when
        // the limit is looked at next.
        if !self.has_room(3) {
            return;
        }
        self.usage.tell(place, level);
        let whole = |value: i128| {
            let whole = value / unit;
            whole.clamp(i64::MIN.into(), i64::MAX.into()) as i64
        };
        self.emit(
            Origin::CORE,
            Output::LimitUse(LimitUse {
                value: whole(value),
                most: whole(most),
                instrument,
                limit_code: limit as u16,
                level_code: level as u8,
                reserved: 0,
            }),
        );
    }
}

/// An amount and a limit of so many rupees, in the unit of money.
fn in_rupees(value: Money, most: i64) -> (i128, i128, i128) {
    (value.0, Money::from_rupees(most).0, Px::SCALE.into())
}
