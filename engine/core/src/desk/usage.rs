//! The desk's side of how much of its limits is used: what is looked at when, and told.

mod levels;
mod snapshot;

use tezi_model::{AccountId, InstrumentId, Money, Px};

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
        self.look_at_orders_of_accounts();
        let worst = self.guards.worst_position(instrument).into();
        let place = Some(Place::of_position(instrument));
        let position = (worst, limits.position_max.into(), 1);
        self.see(Limit::Position, place, Whose::of(instrument), position);
        let (underlying, net, gross) = self.guards.underlying_use(instrument);
        let units = [
            (Limit::UnderlyingNet, net, guards.underlying_net_max),
            (Limit::UnderlyingGross, gross, guards.underlying_gross_max),
        ];
        for (limit, value, most) in units {
            let place = Place::of_underlying(underlying, limit);
            self.see(limit, place, Whose::of(instrument), (value.into(), most.into(), 1));
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
            self.see(limit, place, Whose::of(instrument), in_rupees(value, most));
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
        self.look_at_losses_of_accounts();
        if let Some(collateral) = &self.collateral {
            let used = collateral.needed() + loss.max(Money::ZERO);
            self.see_rupees(Limit::MarginAvailable, used, guards.margin_available);
        }
    }

    /// The accounts there are, by number.
    fn account_numbers(&self) -> impl Iterator<Item = AccountId> + use<> {
        (1..=self.ledgers.accounts() as u8).map(AccountId)
    }

    fn look_at_orders_of_accounts(&mut self) {
        for account in self.account_numbers() {
            let limits = self.ledgers.account_limits(account);
            let orders = self.orders.open_count_of_account(account).into();
            let value = self.orders.open_value_of_account(account);
            let most = limits.open_orders_max.into();
            self.see_account(Limit::OpenOrders, account, (orders, most, 1));
            let use_of_value = in_rupees(value, limits.open_order_value_max);
            self.see_account(Limit::OpenOrderValue, account, use_of_value);
        }
    }

    /// Looks at what accounts lost of what they may lose.
    pub(super) fn look_at_losses_of_accounts(&mut self) {
        if !self.usage.is_on() {
            return;
        }
        for account in self.account_numbers() {
            let (loss, most) = self.ledgers.account_loss(account).unwrap_or_default();
            self.see_account(Limit::Loss, account, in_rupees(loss, most));
        }
    }

    fn see_account(&mut self, limit: Limit, account: AccountId, used: (i128, i128, i128)) {
        let whose = Whose { instrument: LimitUse::ALL, account };
        self.see(limit, Place::of_account(account, limit), whose, used);
    }

    fn see_rupees(&mut self, limit: Limit, value: Money, most: i64) {
        self.see(limit, Place::of_desk(limit), Whose::of(LimitUse::ALL), in_rupees(value, most));
    }

    fn see_desk(&mut self, limit: Limit, value: i128, most: i64) {
        self.see(limit, Place::of_desk(limit), Whose::of(LimitUse::ALL), (value, most.into(), 1));
    }

    /// Tells the level of a limit when it is another: of the value, the limit, and how many of their
    /// units make one of the record's.
    fn see(
        &mut self,
        limit: Limit,
        place: Option<Place>,
        whose: Whose,
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
                instrument: whose.instrument,
                limit_code: limit as u16,
                level_code: level as u8,
                account: whose.account,
            }),
        );
    }
}

/// An amount and a limit of so many rupees, in the unit of money.
fn in_rupees(value: Money, most: i64) -> (i128, i128, i128) {
    (value.0, Money::from_rupees(most).0, Px::SCALE.into())
}

/// Whose limit it is.
#[derive(Clone, Copy)]
struct Whose {
    instrument: InstrumentId,
    account: AccountId,
}

impl Whose {
    /// The desk's, of an instrument or of none.
    const fn of(instrument: InstrumentId) -> Self {
        Self { instrument, account: AccountId::NONE }
    }
}
