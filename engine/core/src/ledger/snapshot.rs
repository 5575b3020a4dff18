//! Ledgers in a snapshot. Whose orders are cancelled, who holds what and who has a loss limit follow
//! from them, and are made again.

use tezi_model::{AccountDefinition, AccountId};

use super::accounts::Account;
use super::{Ledger, Ledgers, STRATEGIES_MAX, StrategyCounts, StrategyLimits, low_bits};
use crate::output::StopCause;
use crate::risk::Restriction;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl Ledgers {
    /// Writes which accounts there are and who trades for them: a place for them is needed before
    /// orders are read.
    pub(crate) fn save_accounts(&self, out: &mut SnapshotWriter) {
        out.part(part::ACCOUNTS, |out| {
            out.count(self.accounts.len());
            for Account { definition, .. } in &self.accounts {
                out.text(definition.as_str());
            }
            let known = self.assigned.iter().take(self.strategies + 1);
            known.for_each(|account| out.u8(account.0));
        });
    }

    /// Declares them in new ledgers.
    pub(crate) fn load_accounts(
        &mut self,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        input.part(part::ACCOUNTS, |input| {
            for number in 1..=input.count(STRATEGIES_MAX, "accounts")? as u8 {
                let definition = AccountDefinition::parse(input.text()?).ok();
                let definition = input.known(definition, "account")?;
                let declared = self.declare(AccountId(number), &definition);
                input.ensure(declared.is_ok(), "account")?;
            }
            for strategy in 0..=self.strategies {
                let account = AccountId(input.u8()?);
                let is_known = account.is_none() || self.is_account(account);
                input.ensure(is_known, "account of a strategy")?;
                self.assigned[strategy] = account;
            }
            Ok(())
        })
    }

    /// Writes the ledger of each of several strategies and of each account; nothing for one strategy
    /// alone without accounts.
    pub(crate) fn save(&self, out: &mut SnapshotWriter) {
        let Self {
            each,
            strategies: _,
            accounts,
            assigned: _,
            holders: _,
            instruments_max: _,
            inactive: _,
            silent: _,
            limited: _,
            changed,
        } = self;
        out.part(part::LEDGERS, |out| {
            out.count(each.len());
            out.u64(*changed);
            each.iter().for_each(|ledger| ledger.save(out));
            for account in accounts {
                let Account { definition: _, is_paused, restriction, .. } = account;
                out.flag(*is_paused);
                out.u8(*restriction as u8);
                out.i64(account.order_value_max);
                out.i64(account.open_order_value_max);
            }
        });
    }

    /// Reads them into new ones, for a core with so many instruments.
    pub(crate) fn load(
        &mut self,
        instruments: usize,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        input.part(part::LEDGERS, |input| {
            let count = input.count(self.each.len(), "strategies")?;
            input.ensure(count == self.each.len(), "number of strategies")?;
            let changed = input.u64()?;
            input.ensure(changed & !low_bits(count) == 0, "strategy")?;
            self.changed = changed;
            let mut inactive = 0;
            for (index, ledger) in self.each.iter_mut().enumerate() {
                ledger.load(instruments, input)?;
                let bit = 1 << index;
                let is_inactive = ledger.is_asleep || ledger.stopped.is_some();
                inactive |= if is_inactive { bit } else { 0 };
                self.limited |= if ledger.limits.loss_max > 0 { bit } else { 0 };
                for (instrument, position) in ledger.positions.iter() {
                    let holders = self.holders.get_mut(instrument.index());
                    let holders = input.known(holders, "instrument")?;
                    *holders |= if position.net == 0 { 0 } else { bit };
                }
            }
            for index in super::bits(inactive) {
                self.set_inactive(index, true);
            }
            for account in &mut self.accounts {
                account.is_paused = input.flag()?;
                let restriction = Restriction::from_code(input.u8()?);
                account.restriction = input.known(restriction, "restriction")?;
                account.order_value_max = input.i64()?;
                account.open_order_value_max = input.i64()?;
            }
            Ok(())
        })
    }
}

impl Ledger {
    fn save(&self, out: &mut SnapshotWriter) {
        let Self { positions, limits, counts, base, stopped, is_asleep } = self;
        positions.save(out);
        let StrategyLimits { loss_max, position_max, open_orders_max } = *limits;
        out.i64(loss_max);
        out.i64(position_max);
        out.u32(open_orders_max);
        let StrategyCounts { new_orders, replaces, cancels, fills, refusals } = *counts;
        [new_orders, replaces, cancels, fills, refusals].into_iter().for_each(|it| out.u64(it));
        out.money(*base);
        out.option(*stopped, |out, cause| out.u8(cause as u8));
        out.flag(*is_asleep);
    }

    fn load(
        &mut self,
        instruments: usize,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        self.positions.load(instruments, input)?;
        self.limits = StrategyLimits {
            loss_max: input.i64()?,
            position_max: input.i64()?,
            open_orders_max: input.u32()?,
        };
        self.counts = StrategyCounts {
            new_orders: input.u64()?,
            replaces: input.u64()?,
            cancels: input.u64()?,
            fills: input.u64()?,
            refusals: input.u64()?,
        };
        self.base = input.money()?;
        self.stopped = input.option(|input| {
            let cause = StopCause::from_code(input.u8()?);
            input.known(cause, "cause of a stop")
        })?;
        self.is_asleep = input.flag()?;
        Ok(())
    }
}
