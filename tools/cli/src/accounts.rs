//! Accounts on a command line: who they are, which strategy trades for which, within which limits.

use clap::Args;
use tezi::Host;
use tezi::control::Limit;
use tezi::model::StrategyId;

/// For whom strategies trade.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Accounts")]
pub(crate) struct AccountArgs {
    /// Declares an account that orders are for; may be given several times
    ///
    /// NAME=pro is the member's own, NAME=client:CODE,pan:PAN a client's; ,participant:CODE behind it names
    /// who settles. Orders carry that instead of what the order session has, and each account has
    /// positions, limits and stops of its own (docs/operating/accounts.md).
    #[arg(long, value_name = "NAME=WHO", verbatim_doc_comment)]
    pub(crate) account: Vec<String>,
    /// Says for which account a strategy trades; NAME alone where there is one strategy
    ///
    /// Where there is one account it is everybody's; where there are more, every strategy needs one.
    #[arg(long, value_name = "STRATEGY=NAME", verbatim_doc_comment)]
    pub(crate) trade_for: Vec<String>,
    /// Limits one account: loss-max (rupees), position-max (units), open-orders-max, order-value-max and
    /// open-order-value-max (rupees)
    ///
    /// `tezi ctl limit --account NAME` changes them while it runs.
    #[arg(long, value_name = "NAME.LIMIT=VALUE", verbatim_doc_comment)]
    pub(crate) account_limit: Vec<String>,
}

impl AccountArgs {
    /// Sets a host up with the accounts. `strategies` are names of several; none of one alone.
    ///
    /// # Errors
    ///
    /// A sentence that names what is wrong.
    pub(crate) fn apply(&self, mut host: Host, strategies: &[&str]) -> Result<Host, String> {
        for line in &self.account {
            host = host.account(line).map_err(|error| error.to_string())?;
        }
        for word in &self.trade_for {
            let (strategy, name) = Self::traded_for(word, strategies)?;
            let wrong = |error| format!("--trade-for {word}: {error}");
            host = host.trade_for(strategy, name).map_err(wrong)?;
        }
        if let ([line], []) = (&self.account[..], &self.trade_for[..])
            && let Some((name, _)) = line.split_once('=')
        {
            let all = if strategies.is_empty() { 0..=0 } else { 1..=strategies.len() as u8 };
            for number in all {
                let set = host.trade_for(StrategyId(number), name);
                host = set.map_err(|error| error.to_string())?;
            }
        }
        for word in &self.account_limit {
            let wrong = |what: &str| format!("--account-limit {word}: {what}");
            let parts =
                word.split_once('=').and_then(|(key, value)| Some((key.split_once('.')?, value)));
            let ((name, limit), value) = parts.ok_or_else(|| wrong("NAME.LIMIT=VALUE"))?;
            let limit = Limit::from_name(limit).ok_or_else(|| wrong("there is no such limit"))?;
            let value: i64 = value.parse().map_err(|_| wrong(limit.unit().rule()))?;
            let set = host.account_limit(name, limit, value);
            host = set.map_err(|error| wrong(&error.to_string()))?;
        }
        Ok(host)
    }

    fn traded_for<'a>(word: &'a str, strategies: &[&str]) -> Result<(StrategyId, &'a str), String> {
        let Some((strategy, name)) = word.split_once('=') else {
            return match strategies {
                [] => Ok((StrategyId::NONE, word)),
                _ => Err(format!("--trade-for {word}: STRATEGY=NAME, for there are several")),
            };
        };
        let place = (1..).zip(strategies).find(|(_, other)| **other == strategy);
        let (number, _) =
            place.ok_or_else(|| format!("--trade-for {word}: no strategy is named {strategy}"))?;
        Ok((StrategyId(number), name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(accounts: &[&str], trade_for: &[&str], limits: &[&str]) -> AccountArgs {
        let owned = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        AccountArgs {
            account: owned(accounts),
            trade_for: owned(trade_for),
            account_limit: owned(limits),
        }
    }

    /// Words of one kind.
    type Words = &'static [&'static str];

    const OWN: &str = "own=pro";
    const ALPHA: &str = "alpha=client:C1,pan:ABCDE1234F";

    #[test]
    fn what_can_be_is_taken() {
        let cases: [(Words, Words, Words, Words); 5] = [
            (&[], &[], &[], &[]),
            (&[OWN], &[], &["own.loss-max=5"], &[]),
            (&[ALPHA], &[], &[], &["a", "b"]),
            (&[OWN, ALPHA], &["alpha"], &[], &[]),
            (&[OWN, ALPHA], &["a=alpha", "b=own"], &["alpha.position-max=65"], &["a", "b"]),
        ];
        for (accounts, trade_for, limits, strategies) in cases {
            let set = args(accounts, trade_for, limits).apply(Host::new(), strategies);
            assert!(set.is_ok(), "{accounts:?} {trade_for:?}: {:?}", set.err());
        }
    }

    #[test]
    fn what_cannot_be_is_named() {
        let cases: [(Words, Words, Words, Words, &str); 8] = [
            (&["own"], &[], &[], &[], "NAME=pro"),
            (&[OWN, "own=pro"], &[], &[], &[], "another account has the name"),
            (&["beta=client:C2"], &[], &[], &[], "pan:PAN"),
            (&[OWN], &["beta"], &[], &[], "no account is declared as beta"),
            (&[OWN], &["own"], &[], &["a"], "STRATEGY=NAME"),
            (&[OWN], &["c=own"], &[], &["a"], "no strategy is named c"),
            (&[OWN], &[], &["own.loss=5"], &[], "no such limit"),
            (&[OWN], &[], &["own.drawdown-max=5"], &[], "drawdown-max is not an account's"),
        ];
        for (accounts, trade_for, limits, strategies, part) in cases {
            let error = args(accounts, trade_for, limits).apply(Host::new(), strategies);
            let error = error.unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
