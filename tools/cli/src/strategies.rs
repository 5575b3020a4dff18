//! Strategies by name, of those that ship, or from a shared object: built from the command line, or again
//! from a journal.

use std::path::Path;

use clap::ValueEnum;
use tezi::control::Limit;
use tezi::model::StrategyId;
use tezi::roster::Roster;
use tezi::strategy::{
    AlgoConfig, AlgoKind, AlgoTrader, OptionQuoter, OptionQuoterConfig, Strategy, Watch,
};
use tezi::{
    Error, Host, JournalHead, ProgressSink, ReplayFrom, ReplayReport, Report, Session,
    SnapshotReport, SnapshotWhen, replay_journal_from, write_snapshots,
};
use tezi_capi::ForeignStrategy;

use crate::args::StrategyArgs;
use crate::library;
use crate::outcome::Failure;
use crate::roster::{self, RosterSpec};

/// The names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StrategyName {
    /// Quotes options around their Black-76 value and hedges fills with the future
    OptionQuoter,
    /// Works an order in even slices of time
    Twap,
    /// Works an order along an expected volume curve
    Vwap,
    /// Works an order as a share of what others trade
    Pov,
    /// Works an order in parts at its limit, the next when one is gone
    Iceberg,
    /// Works an order at a price that follows the market
    Peg,
    /// Works one leg of a spread passively and hedges its fills with the other
    Spread,
    /// Keeps the books and sends no orders
    Watch,
}

/// A strategy as a command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StrategyWord {
    /// The name it is given.
    pub(crate) label: Option<String>,
    /// What it is.
    pub(crate) name: StrategyName,
}

impl StrategyName {
    /// Every word there is.
    pub(crate) fn words() -> Vec<String> {
        Self::value_variants().iter().map(|it| it.word()).collect()
    }

    /// The one of a word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::from_str(word, false).ok()
    }

    /// Its word.
    pub(crate) fn word(self) -> String {
        self.to_possible_value().map_or(String::new(), |it| it.get_name().into())
    }

    /// The execution algorithm of this name, where it is one.
    const fn algo(self) -> Option<AlgoKind> {
        match self {
            Self::Twap => Some(AlgoKind::Twap),
            Self::Vwap => Some(AlgoKind::Vwap),
            Self::Pov => Some(AlgoKind::Pov),
            Self::Iceberg => Some(AlgoKind::Iceberg),
            Self::Peg => Some(AlgoKind::Peg),
            Self::Spread => Some(AlgoKind::Spread),
            Self::OptionQuoter | Self::Watch => None,
        }
    }
}

/// The strategy of a command line.
pub(crate) enum Chosen {
    Shipped(Shipped),
    Library(ForeignStrategy),
}

impl Chosen {
    /// The one that is asked for; without a word the default.
    pub(crate) fn new(args: &StrategyArgs, default: StrategyName) -> Result<Self, Failure> {
        if let Some(path) = &args.strategy_library {
            return library::strategy(path, &args.set.join(" ")).map(Self::Library);
        }
        if roster::is_asked_for(args) {
            let spec = RosterSpec::new(args).map_err(Failure::Usage)?;
            return Ok(Self::Shipped(Shipped::Roster(spec)));
        }
        let name = args.strategy.first().map_or(default, |word| word.name);
        Shipped::new(name, &args.set).map(Self::Shipped).map_err(Failure::Usage)
    }

    /// Runs it against a session.
    pub(crate) fn run(
        self,
        host: &Host,
        session: &Session,
        progress: ProgressSink<'_>,
    ) -> Result<Report, Error> {
        match self {
            Self::Shipped(shipped) => shipped.run(host, session, progress),
            Self::Library(strategy) => host.run_with_progress(session, strategy, progress),
        }
    }

    /// Names of several strategies, in order of number; none of one alone.
    pub(crate) fn members(&self) -> Vec<&str> {
        match self {
            Self::Shipped(Shipped::Roster(spec)) => spec.names().collect(),
            _ => Vec::new(),
        }
    }

    /// Limits of single strategies, set before they begin.
    pub(crate) fn limits(&self) -> &[(StrategyId, Limit, i64)] {
        match self {
            Self::Shipped(Shipped::Roster(spec)) => spec.limits(),
            _ => &[],
        }
    }
}

/// A strategy with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shipped {
    OptionQuoter(OptionQuoterConfig),
    Algo(Box<AlgoConfig>),
    Watch,
    Roster(RosterSpec),
}

impl Shipped {
    /// A strategy of which some parameters (`KEY=VALUE`) are changed.
    ///
    /// # Errors
    ///
    /// A sentence that names the first parameter that cannot be.
    pub(crate) fn new(name: StrategyName, parameters: &[String]) -> Result<Self, String> {
        let words = parameters.join(" ");
        if let Some(kind) = name.algo() {
            return AlgoConfig::parse(kind, &words).map(|config| Self::Algo(Box::new(config)));
        }
        match (name, parameters.first()) {
            (StrategyName::Watch, None) => Ok(Self::Watch),
            (StrategyName::Watch, Some(parameter)) => {
                Err(format!("watch has no parameters; {parameter} is one"))
            }
            _ => OptionQuoterConfig::parse(&words).map(Self::OptionQuoter),
        }
    }

    /// The strategy that a journal names.
    ///
    /// # Errors
    ///
    /// Why it cannot be built: not one that ships, or parameters of another version.
    pub(crate) fn of_journal(head: &JournalHead) -> Result<Self, String> {
        if head.strategy == Roster::NAME {
            return RosterSpec::of_journal(&head.parameters).map(Self::Roster);
        }
        Self::named(&head.strategy, &head.parameters)
    }

    /// The strategy of a kind, with all its parameters.
    ///
    /// # Errors
    ///
    /// As [`Shipped::of_journal`].
    pub(crate) fn named(kind: &str, parameters: &str) -> Result<Self, String> {
        let name = StrategyName::of_word(kind)
            .ok_or_else(|| format!("{kind} is not a strategy that ships with tezi"))?;
        let words: Vec<String> = parameters.split_whitespace().map(Into::into).collect();
        Self::new(name, &words)
    }

    /// The strategy itself, for a roster.
    ///
    /// # Errors
    ///
    /// A roster's own names cannot be.
    pub(crate) fn boxed(self) -> Result<Box<dyn Strategy + Send>, String> {
        Ok(match self {
            Self::OptionQuoter(config) => Box::new(OptionQuoter::new(config)),
            Self::Algo(config) => Box::new(AlgoTrader::new(*config)),
            Self::Watch => Box::new(Watch),
            Self::Roster(spec) => Box::new(spec.roster()?),
        })
    }

    /// Runs it against a session.
    pub(crate) fn run(
        self,
        host: &Host,
        session: &Session,
        progress: ProgressSink<'_>,
    ) -> Result<Report, Error> {
        match self {
            Self::OptionQuoter(config) => {
                let new = || OptionQuoter::new(config);
                host.run_with_twin(session, new(), new(), progress)
            }
            Self::Algo(config) => {
                let new = || AlgoTrader::new(*config);
                host.run_with_twin(session, new(), new(), progress)
            }
            Self::Watch => host.run_with_twin(session, Watch, Watch, progress),
            Self::Roster(spec) => {
                let roster = spec.roster().map_err(Error::Parameter)?;
                let twin = spec.without_budget().roster().map_err(Error::Parameter)?;
                host.run_with_twin(session, roster, twin, progress)
            }
        }
    }

    /// Rebuilds a journal's state with its code.
    pub(crate) fn replay(self, journal: &Path, from: ReplayFrom) -> Result<ReplayReport, Error> {
        match self {
            Self::OptionQuoter(config) => {
                replay_journal_from(journal, OptionQuoter::new(config), from)
            }
            Self::Algo(config) => replay_journal_from(journal, AlgoTrader::new(*config), from),
            Self::Watch => replay_journal_from(journal, Watch, from),
            Self::Roster(spec) => {
                let roster = spec.roster().map_err(Error::Parameter)?;
                replay_journal_from(journal, roster, from)
            }
        }
    }

    /// Writes snapshots of a journal's states with its code.
    pub(crate) fn write_snapshots(
        self,
        journal: &Path,
        when: SnapshotWhen,
        from: ReplayFrom,
    ) -> Result<SnapshotReport, Error> {
        match self {
            Self::OptionQuoter(config) => {
                write_snapshots(journal, OptionQuoter::new(config), when, from)
            }
            Self::Algo(config) => write_snapshots(journal, AlgoTrader::new(*config), when, from),
            Self::Watch => write_snapshots(journal, Watch, when, from),
            Self::Roster(spec) => {
                let roster = spec.roster().map_err(Error::Parameter)?;
                write_snapshots(journal, roster, when, from)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_journals_bear() {
        use tezi::strategy::Strategy as _;
        let quoter = OptionQuoter::new(OptionQuoterConfig::default());
        for (name, parameters) in
            [(quoter.name(), quoter.parameters()), (Watch.name(), Watch.parameters())]
        {
            let head = JournalHead { strategy: name.into(), parameters, ..JournalHead::default() };
            assert!(Shipped::of_journal(&head).is_ok(), "{name}");
        }
        for kind in AlgoKind::ALL {
            let more = match kind {
                AlgoKind::Vwap => "curve=3,1,2",
                AlgoKind::Spread => "hedge=fo:7 price=-2.50",
                _ => "",
            };
            let words = format!("instrument=NIFTY side=buy quantity=65 {more}");
            let trader = AlgoTrader::new(AlgoConfig::parse(kind, &words).unwrap());
            let (strategy, parameters) = (trader.name().into(), trader.parameters());
            let head = JournalHead { strategy, parameters, ..JournalHead::default() };
            assert!(Shipped::of_journal(&head).is_ok(), "{kind:?}");
        }
        let head = JournalHead { strategy: "touch-joiner".into(), ..JournalHead::default() };
        assert!(Shipped::of_journal(&head).unwrap_err().starts_with("touch-joiner is not"));
    }

    #[test]
    fn parameters_that_cannot_be_are_named() {
        let new = |name, word: &str| Shipped::new(name, &[word.to_string()]);
        assert!(new(StrategyName::OptionQuoter, "vol=0.2").is_ok());
        for word in ["vol", "vol=-1", "volume=3"] {
            let error = new(StrategyName::OptionQuoter, word).unwrap_err();
            assert!(error.contains("vol"), "{error}");
        }
        assert!(new(StrategyName::Watch, "vol=0.2").is_err());
    }
}
