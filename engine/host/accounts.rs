//! Accounts as a host declares them: who they are, which strategy trades for which, within which limits.

use tezi_core::control::{Control, ControlError, Limit};
use tezi_model::{AccountDefinition, AccountId, StrategyId};

use crate::error::Error;
use crate::host::Host;

/// Strategies and accounts that one core has room for.
const LEDGERS_MAX: usize = 64;

impl Host {
    /// Declares an account, `NAME=pro` or `NAME=client:CODE` with `,participant:CODE` and `,pan:PAN`
    /// behind it: orders for it carry that instead of what the order session is configured with. Accounts
    /// are numbered from 1 in the order in which they are declared, and are the same all session.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`] when the line declares no account, or another account has its name.
    pub fn account(mut self, line: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Error::Parameter(format!("account {line}: {what}"));
        let definition =
            AccountDefinition::parse(line).map_err(|error| wrong(&error.to_string()))?;
        if self.account_named(definition.name()).is_some() {
            return Err(wrong("another account has the name"));
        }
        let number = self.accounts().count() + 1;
        if number > LEDGERS_MAX {
            return Err(wrong(&ControlError::AccountsFull.to_string()));
        }
        let account = AccountId(number as u8);
        self.limits.push(Control::DeclareAccount { account, definition });
        Ok(self)
    }

    /// Says for which account a strategy trades: one of several by its number, the only one by
    /// [`StrategyId::NONE`]. Where accounts are declared every strategy needs one.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`] when no account has the name.
    pub fn trade_for(mut self, strategy: StrategyId, name: &str) -> Result<Self, Error> {
        let account = self.known_account(name)?;
        let is_same = |set: &Control| matches!(set, Control::AssignAccount { strategy: other, .. } if *other == strategy);
        self.limits.retain(|set| !is_same(set));
        self.limits.push(Control::AssignAccount { strategy, account });
        Ok(self)
    }

    /// As [`Host::limit`], of one account: `loss-max`, `position-max`, `open-orders-max`,
    /// `order-value-max` or `open-order-value-max`, beside the desk's and the strategies'.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`] when no account has the name, accounts have no such limit, or it cannot have
    /// this value.
    pub fn account_limit(mut self, name: &str, limit: Limit, value: i64) -> Result<Self, Error> {
        let account = self.known_account(name)?;
        let known = if limit.is_of_accounts() {
            limit.check(value)
        } else {
            Err(ControlError::NotOfAccounts(limit))
        };
        known.map_err(|error| Error::Parameter(error.to_string()))?;
        let is_same = |set: &Control| {
            matches!(set, Control::SetAccountLimit { account: whose, limit: other, .. }
                if (*whose, *other) == (account, limit))
        };
        self.limits.retain(|set| !is_same(set));
        self.limits.push(Control::SetAccountLimit { account, limit, value });
        Ok(self)
    }

    /// The accounts declared, in order of number.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = (AccountId, AccountDefinition)> + '_ {
        self.limits.iter().filter_map(|set| match *set {
            Control::DeclareAccount { account, definition } => Some((account, definition)),
            _ => None,
        })
    }

    /// What they were declared as, in order of number.
    pub(crate) fn account_definitions(&self) -> Vec<AccountDefinition> {
        self.accounts().map(|(_, definition)| definition).collect()
    }

    fn account_named(&self, name: &str) -> Option<AccountId> {
        self.accounts().find(|(_, it)| it.name() == name).map(|(account, _)| account)
    }

    /// For which account a strategy trades.
    pub(crate) fn account_of(&self, of: StrategyId) -> Option<AccountId> {
        self.limits.iter().find_map(|set| match *set {
            Control::AssignAccount { strategy, account } if strategy == of => Some(account),
            _ => None,
        })
    }

    fn known_account(&self, name: &str) -> Result<AccountId, Error> {
        self.account_named(name)
            .ok_or_else(|| Error::Parameter(format!("no account is declared as {name}")))
    }

    /// Whether every strategy of so many (0: one alone) trades for an account, where there are any, and
    /// every account is traded for by strategies that there are.
    pub(crate) fn check_accounts(&self, strategies: u8) -> Result<(), Error> {
        let wrong = |what: String| Err(Error::Parameter(what));
        let accounts = self.accounts().count();
        let assigned = self.limits.iter().filter_map(|set| match *set {
            Control::AssignAccount { strategy, .. } => Some(strategy),
            _ => None,
        });
        let assigned: Vec<StrategyId> = assigned.collect();
        let wanted = if strategies == 0 { 0..=0 } else { 1..=strategies };
        if let Some(id) = assigned.iter().find(|id| !wanted.contains(&id.0)) {
            return wrong(format!(
                "an account is named for strategy {}, and there are {strategies}",
                id.0
            ));
        }
        if accounts == 0 {
            return Ok(());
        }
        if accounts + usize::from(strategies) > LEDGERS_MAX {
            return wrong(ControlError::AccountsFull.to_string());
        }
        match wanted.clone().find(|number| !assigned.contains(&StrategyId(*number))) {
            None => Ok(()),
            Some(0) => wrong("accounts are declared, and the strategy trades for none".into()),
            Some(number) => {
                wrong(format!("accounts are declared, and strategy {number} trades for none"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Host {
        let host = Host::new().account("own=pro").unwrap();
        host.account("alpha=client:C1,pan:ABCDE1234F").unwrap()
    }

    #[test]
    fn accounts_are_numbered_and_named_once() {
        let host = two();
        let names: Vec<_> = host.accounts().map(|(id, it)| (id.0, it.name().to_string())).collect();
        assert_eq!(names, [(1, "own".into()), (2, "alpha".into())]);
        for line in ["own=client:C2,pan:ABCDE1234F", "own", "beta=client:C3"] {
            assert!(matches!(two().account(line), Err(Error::Parameter(_))), "{line}");
        }
    }

    #[test]
    fn limits_are_of_accounts_that_there_are_and_set_once() {
        let host = two().account_limit("alpha", Limit::Loss, 5).unwrap();
        let host = host.account_limit("alpha", Limit::Loss, 6).unwrap();
        let set = Control::SetAccountLimit { account: AccountId(2), limit: Limit::Loss, value: 6 };
        assert_eq!(host.limits[2..], [set]);
        assert!(two().account_limit("beta", Limit::Loss, 5).is_err());
        assert!(two().account_limit("own", Limit::Drawdown, 5).is_err());
        assert!(two().account_limit("own", Limit::Loss, -1).is_err());
    }

    #[test]
    fn every_strategy_trades_for_an_account_or_none_does() {
        assert!(Host::new().check_accounts(0).is_ok() && Host::new().check_accounts(3).is_ok());
        assert!(two().check_accounts(0).is_err());
        let one = two().trade_for(StrategyId::NONE, "own").unwrap();
        assert!(one.check_accounts(0).is_ok() && one.check_accounts(1).is_err());
        let first = two().trade_for(StrategyId(1), "alpha").unwrap();
        assert!(first.check_accounts(1).is_ok() && first.check_accounts(2).is_err());
        let both = first.trade_for(StrategyId(2), "alpha").unwrap();
        assert!(both.check_accounts(2).is_ok() && both.check_accounts(63).is_err());
        assert!(two().trade_for(StrategyId(1), "beta").is_err());
    }
}
