//! Several strategies on one core: from the words of a command line, or again from a journal.

use tezi::Clock;
use tezi::control::{ControlError, Limit};
use tezi::model::StrategyId;
use tezi::roster::{Budget, Hours, Roster};

use crate::args::StrategyArgs;
use crate::strategies::{Shipped, StrategyName, StrategyWord};

/// Strategies with their names, hours, limits and budget.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RosterSpec {
    members: Vec<(String, Shipped, Option<Hours>)>,
    limits: Vec<(StrategyId, Limit, i64)>,
    budget: Option<Budget>,
}

impl RosterSpec {
    /// The strategies of a command line: more than one, or one that is given a name.
    ///
    /// # Errors
    ///
    /// A sentence that names what is wrong.
    pub(crate) fn new(args: &StrategyArgs) -> Result<Self, String> {
        let mut members = Vec::new();
        for StrategyWord { label, name } in &args.strategy {
            let label = label.clone().unwrap_or_else(|| name.word());
            let prefix = format!("{label}.");
            let own = args.set.iter().filter_map(|word| word.strip_prefix(&*prefix));
            let own: Vec<String> = own.map(Into::into).collect();
            let wrong = |error| format!("strategy {label}: {error}");
            let hours = args.strategy_hours.iter().find_map(|word| {
                word.split_once('=').filter(|(whose, _)| *whose == label).map(|(_, hours)| hours)
            });
            let hours = hours.map(Hours::parse).transpose();
            let hours = hours.map_err(|error| wrong(error.to_string()))?;
            let shipped = Shipped::new(*name, &own).map_err(wrong)?;
            members.push((label, shipped, hours));
        }
        let mut spec = Self { members, limits: Vec::new(), budget: budget(args) };
        spec.check_words(args)?;
        spec.limits =
            args.strategy_limit.iter().map(|word| spec.limit(word)).collect::<Result<_, _>>()?;
        // Names are checked where rosters are made.
        spec.roster().map(|_| spec)
    }

    /// Every word must be of one of the strategies.
    fn check_words(&self, args: &StrategyArgs) -> Result<(), String> {
        let is_known = |whose: &str| self.members.iter().any(|(label, ..)| label == whose);
        let names = || {
            let names: Vec<&str> = self.members.iter().map(|(label, ..)| label.as_str()).collect();
            names.join(", ")
        };
        for word in &args.set {
            let key = word.split_once('=').map_or(word.as_str(), |(key, _)| key);
            if !key.split_once('.').is_some_and(|(whose, _)| is_known(whose)) {
                let names = names();
                return Err(format!("--set {word}: say whose, NAME.KEY=VALUE, of {names}"));
            }
        }
        for word in &args.strategy_hours {
            if !word.split_once('=').is_some_and(|(whose, _)| is_known(whose)) {
                let names = names();
                return Err(format!("--strategy-hours {word}: NAME=FROM..TO, of {names}"));
            }
        }
        Ok(())
    }

    /// A limit of one strategy, `NAME.LIMIT=VALUE`.
    fn limit(&self, word: &str) -> Result<(StrategyId, Limit, i64), String> {
        let wrong = |what: &str| format!("--strategy-limit {word}: {what}");
        let parts =
            word.split_once('=').and_then(|(key, value)| Some((key.split_once('.')?, value)));
        let ((label, name), value) = parts.ok_or_else(|| wrong("NAME.LIMIT=VALUE"))?;
        let place = (1..).zip(&self.members).find(|(_, (other, ..))| other == label);
        let (number, _) = place.ok_or_else(|| wrong(&format!("no strategy is named {label}")))?;
        let limit = Limit::from_name(name).filter(|limit| limit.is_of_strategies());
        let limit = limit
            .ok_or_else(|| wrong("a strategy has loss-max, position-max and open-orders-max"))?;
        let value: i64 = value.parse().map_err(|_| wrong(limit.unit().rule()))?;
        limit.check(value).map_err(|error: ControlError| wrong(&error.to_string()))?;
        Ok((StrategyId(number), limit, value))
    }

    /// Names of its strategies, in order of number.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(label, ..)| label.as_str())
    }

    /// Limits of its strategies.
    pub(crate) fn limits(&self) -> &[(StrategyId, Limit, i64)] {
        &self.limits
    }

    /// The strategies that a journal names, as [`Roster::parameters`] has them.
    ///
    /// # Errors
    ///
    /// Why they cannot be built.
    ///
    /// [`Roster::parameters`]: tezi::strategy::Strategy::parameters
    pub(crate) fn of_journal(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' does not name strategies");
        let mut members = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (label, behind) = rest.split_once('=').ok_or_else(wrong)?;
            let (kind, behind) = behind.split_once('{').ok_or_else(wrong)?;
            let (parameters, behind) = behind.split_once('}').ok_or_else(wrong)?;
            let (hours, next) = behind.split_once("; ").unwrap_or((behind, ""));
            let hours = match hours.strip_prefix('@') {
                Some(hours) => Some(Hours::parse(hours).map_err(|error| error.to_string())?),
                None if hours.is_empty() => None,
                None => return Err(wrong()),
            };
            let shipped = Shipped::named(kind, parameters)?;
            members.push((label.into(), shipped, hours));
            rest = next;
        }
        // A journal's limits are among its inputs.
        Ok(Self { members, limits: Vec::new(), budget: None })
    }

    /// The same with no look at how long its strategies take: for a second core, whose processor says
    /// nothing of the first one's.
    pub(crate) fn without_budget(&self) -> Self {
        Self { budget: None, ..self.clone() }
    }

    /// The strategies themselves.
    ///
    /// # Errors
    ///
    /// A sentence that names the name that cannot be.
    pub(crate) fn roster(&self) -> Result<Roster, String> {
        let mut roster = Roster::new();
        for (label, shipped, hours) in &self.members {
            let strategy = shipped.clone().boxed()?;
            roster.add(label, strategy, *hours).map_err(|error| error.to_string())?;
        }
        let Some(budget) = self.budget else { return Ok(roster) };
        let clock = Clock::start();
        Ok(roster.with_budget(budget, move || clock.now().0.cast_unsigned()))
    }
}

fn budget(args: &StrategyArgs) -> Option<Budget> {
    let call_ns = args.strategy_budget_us? * 1_000;
    Some(Budget { call_ns, overruns_max: args.strategy_overruns })
}

/// Whether a command line asks for several strategies.
pub(crate) fn is_asked_for(args: &StrategyArgs) -> bool {
    args.strategy.len() > 1
        || args.strategy.iter().any(|word| word.label.is_some())
        || !args.strategy_hours.is_empty()
        || !args.strategy_limit.is_empty()
        || args.strategy_budget_us.is_some()
}

/// A word of a command line: `KIND`, or `NAME=KIND`.
///
/// # Errors
///
/// A sentence with the kinds that there are.
pub(crate) fn strategy_word(text: &str) -> Result<StrategyWord, String> {
    let (label, kind) = match text.split_once('=') {
        Some((label, kind)) => (Some(label.to_string()), kind),
        None => (None, text),
    };
    let name = StrategyName::of_word(kind).ok_or_else(|| {
        format!("'{kind}' is not a strategy: there are {}", StrategyName::words().join(", "))
    })?;
    Ok(StrategyWord { label, name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi::strategy::Strategy as _;

    fn args(strategies: &[&str], set: &[&str], hours: &[&str]) -> StrategyArgs {
        StrategyArgs {
            strategy: strategies.iter().map(|it| strategy_word(it).unwrap()).collect(),
            strategy_library: None,
            set: set.iter().map(ToString::to_string).collect(),
            strategy_hours: hours.iter().map(ToString::to_string).collect(),
            strategy_limit: Vec::new(),
            strategy_budget_us: None,
            strategy_overruns: 100,
        }
    }

    fn limited(word: &str) -> StrategyArgs {
        StrategyArgs { strategy_limit: vec![word.into()], ..args(&["a=watch"], &[], &[]) }
    }

    #[test]
    fn limits_are_of_the_strategy_they_name() {
        let limit = ["b.open-orders-max=4".to_string(), "a.loss-max=0".to_string()];
        let args = StrategyArgs {
            strategy_limit: limit.to_vec(),
            ..args(&["a=watch", "b=watch"], &[], &[])
        };
        let expected = [(StrategyId(2), Limit::OpenOrders, 4), (StrategyId(1), Limit::Loss, 0)];
        assert_eq!(RosterSpec::new(&args).unwrap().limits(), expected);
    }

    #[test]
    fn a_roster_comes_back_from_what_its_journal_says() {
        let set = ["q.vol=0.2", "q.lots=2", "sell.instrument=NIFTY", "sell.side=sell"];
        let set = [&set[..], &["sell.quantity=130"]].concat();
        let hours = ["q=09:20..15:15", "sell=open+5m..close-90s"];
        let args = args(&["q=option-quoter", "sell=twap", "watch"], &set, &hours);
        assert!(is_asked_for(&args));
        let spec = RosterSpec::new(&args).unwrap();
        let roster = spec.roster().unwrap();
        let names: Vec<_> = roster.members().map(|(_, name, kind)| (name, kind)).collect();
        assert_eq!(names, [("q", "option-quoter"), ("sell", "twap"), ("watch", "watch")]);
        let text = roster.parameters();
        let again = RosterSpec::of_journal(&text).unwrap();
        assert_eq!((again.roster().unwrap().parameters(), &again), (text, &spec));
    }

    #[test]
    fn what_cannot_be_is_named() {
        let cases = [
            (args(&["a=watch", "b=watch"], &["vol=2"], &[]), "say whose, NAME.KEY=VALUE, of a, b"),
            (args(&["a=watch", "b=watch"], &["c.vol=2"], &[]), "say whose"),
            (args(&["a=watch"], &["a.vol=2"], &[]), "strategy a: watch has no parameters"),
            (args(&["watch", "watch"], &[], &[]), "two strategies are named watch"),
            (args(&["A=watch"], &[], &[]), "lower-case"),
            (args(&["a=watch"], &[], &["a=9..10"]), "hours are HH:MM..HH:MM"),
            (args(&["a=watch"], &[], &["b=09:15..10:00"]), "NAME=FROM..TO, of a"),
            (limited("b.loss-max=5"), "no strategy is named b"),
            (limited("loss-max=5"), "NAME.LIMIT=VALUE"),
            (limited("a.fat-finger-bps=5"), "a strategy has loss-max"),
            (limited("a.loss-max=much"), "rupees, from 0"),
            (limited("a.position-max=-1"), "position-max cannot be -1"),
        ];
        for (args, expected) in cases {
            let error = RosterSpec::new(&args).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert!(strategy_word("a=dance").unwrap_err().contains("there are option-quoter, twap"));
        for text in ["a", "a=watch", "a=watch{", "a=watch{}x", "=dance{}", "a=watch{}@9"] {
            assert!(RosterSpec::of_journal(text).is_err(), "{text}");
        }
    }
}
