//! Running a strategy against a session: what the demo and the replay of captures share.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use tezi::margin::RiskFile;
use tezi::{Host, ReplayFrom, ReplicationConfig, Report, Session, SnapshotConfig};

use crate::accounts::AccountArgs;
use crate::args::{ControlArgs, LimitArgs, ObserveArgs, OutputArgs, PinArgs, StrategyArgs};
use crate::files;
use crate::json;
use crate::outcome::{Failure, Verdict, print};
use crate::positions::PositionArgs;
use crate::progress::ProgressLine;
use crate::settings::ConfigArgs;
use crate::strategies::{Chosen, StrategyName};

/// Arguments of every command that hosts a strategy.
#[derive(Args, Clone, Debug)]
pub(crate) struct HostArgs {
    #[command(flatten)]
    pub(crate) strategy: StrategyArgs,
    #[command(flatten)]
    pub(crate) accounts: AccountArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) pin: PinArgs,
    #[command(flatten)]
    pub(crate) observe: ObserveArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) positions: PositionArgs,
    #[command(flatten)]
    pub(crate) control: ControlArgs,
    #[command(flatten)]
    pub(crate) settings: ConfigArgs,
    /// What the run was told, a line each: for the journal.
    #[arg(skip)]
    pub(crate) in_force: Vec<String>,
}

impl HostArgs {
    /// The files that a run writes, beside its journal.
    pub(crate) fn outputs(&self) -> Vec<&Path> {
        let csv = [&self.output.decoded_csv, &self.output.book_csv];
        let csv = csv.into_iter().flatten().map(PathBuf::as_path);
        csv.chain(self.observe.outputs()).chain(self.positions.output()).collect()
    }

    /// The files that a run reads, beside those of its market.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Path> {
        self.positions.inputs()
    }
}

/// A run, and what to suggest after it.
pub(crate) struct Hosting<'a> {
    pub(crate) args: &'a HostArgs,
    /// `demo` or `replay`: names the default journal.
    pub(crate) kind: &'static str,
    /// The strategy where none is named.
    pub(crate) strategy_default: StrategyName,
    /// Whether the session of the journal is taken up, where there is one.
    pub(crate) resume: bool,
    /// What it is taken up from.
    pub(crate) resume_from: ReplayFrom,
    /// Where the journal is replicated to.
    pub(crate) replication: Option<ReplicationConfig>,
    /// When snapshots are written beside the journal.
    pub(crate) snapshots: Option<SnapshotConfig>,
    /// How many instruments are known beforehand.
    pub(crate) instruments: usize,
    /// One line before the run.
    pub(crate) opening: String,
    /// Commands to suggest beside those for the journal; `{tezi}` stands for the program and
    /// `{journal}` for the journal that was kept.
    pub(crate) hints: Vec<Hint>,
    /// What margin is reckoned with, where a limit asks for it.
    pub(crate) risk_file: Option<RiskFile>,
}

/// How many contracts are valued, and why others are not.
fn risk_line(file: &RiskFile) -> String {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, refusal) in file.left_out() {
        *reasons.entry(refusal.name()).or_default() += 1;
    }
    let mut line = format!("Margin: {} contracts valued", file.contracts());
    for (reason, count) in reasons {
        let _ = write!(line, ", {count} not ({reason})");
    }
    line.push('.');
    line
}

/// A command to go on with, and what it shows.
pub(crate) struct Hint {
    pub(crate) command: String,
    pub(crate) shows: &'static str,
}

impl Hosting<'_> {
    /// Runs the session and prints the summary.
    pub(crate) fn run(&self, session: &Session) -> Result<Verdict, Failure> {
        let strategy = Chosen::new(&self.args.strategy, self.strategy_default)?;
        let output = &self.args.output;
        if self.resume && output.journal.is_none() {
            let what = "a session is resumed from its journal: name it with --journal DIR";
            return Err(Failure::Usage(what.into()));
        }
        if self.risk_file.is_none() && self.args.limits.needs_risk_file() {
            let what = "limits on margin need contracts with prices (--contracts), which `tezi host` and \
                        `tezi replay` take";
            return Err(Failure::Usage(what.into()));
        }
        let made = match &output.journal {
            None if !output.no_journal => Some(files::make_journal_dir(self.kind)?),
            _ => None,
        };
        let host = self.host(made.as_ref().or(output.journal.as_ref()), &strategy)?;
        let mut progress = ProgressLine::new();
        progress.say(&self.opening);
        if let Some(file) = &self.risk_file {
            progress.say(&risk_line(file));
        }
        let ran = strategy.run(&host, session, &mut |update| progress.show(update));
        progress.finish();
        let report = ran.inspect_err(|_| {
            if let Some(path) = &made {
                files::remove_empty(path);
            }
        })?;
        self.show(&report)?;
        Ok(Verdict::of(report.is_fine()))
    }

    fn host(&self, journal: Option<&PathBuf>, strategy: &Chosen) -> Result<Host, Failure> {
        let output = &self.args.output;
        let mut config = self.args.limits.config();
        // Room for what is known and as many again that only show in the market.
        let needed = u32::try_from(self.instruments * 2).unwrap_or(u32::MAX);
        config.capacity.instruments_max = config.capacity.instruments_max.max(needed);
        let mut host = Host::new()
            .config(config)
            .pinning(self.args.pin.pinning())
            .observe(self.args.observe.observation())
            .settings(&self.args.in_force);
        if let Some(control) = self.args.control.config() {
            host = host.control(control);
        }
        for (limit, value) in self.args.limits.behind() {
            host = host.limit(limit, value).map_err(|error| Failure::Usage(error.to_string()))?;
        }
        for &(strategy, limit, value) in strategy.limits() {
            let set = host.strategy_limit(strategy, limit, value);
            host = set.map_err(|error| Failure::Usage(error.to_string()))?;
        }
        host = self.args.accounts.apply(host, &strategy.members()).map_err(Failure::Usage)?;
        host = self.args.positions.apply(host);
        if let Some(file) = &self.risk_file {
            host = host.risk_file(file.clone());
        }
        if let Some(path) = journal {
            host = host.journal(path).journal_mode(output.journal_mode.into());
            host = host.resume(self.resume).resume_from(self.resume_from);
        }
        if let Some(replication) = self.replication {
            host = host.replicate(replication);
        }
        if let Some(snapshots) = self.snapshots {
            host = host.snapshots(snapshots);
        }
        if let Some(path) = &output.decoded_csv {
            host = host.decoded_csv(path);
        }
        if let Some(path) = &output.book_csv {
            host = host.book_csv(path);
        }
        Ok(host)
    }

    fn show(&self, report: &Report) -> Result<(), Failure> {
        if self.args.output.json {
            let summary = json::of_report(report);
            return print(|out| writeln!(out, "{summary:#}"));
        }
        let hints = self.hints(report.journal.as_deref());
        print(|out| {
            write!(out, "{report}")?;
            writeln!(out, "\nTo look further:")?;
            let width = hints.iter().map(|hint| hint.command.len()).max().unwrap_or(0);
            for Hint { command, shows } in &hints {
                writeln!(out, "  {command:<width$}  {shows}")?;
            }
            Ok(())
        })
    }

    fn hints(&self, journal: Option<&Path>) -> Vec<Hint> {
        let tezi = program();
        let mut hints = Vec::new();
        if let Some(path) = journal {
            let path = quoted(path);
            for (command, shows) in [
                ("verify", "checks every byte of the journal"),
                ("replay", "rebuilds the state from it: the same hash"),
                ("dump", "prints its records; --type fill for the fills"),
            ] {
                hints.push(Hint { command: format!("{tezi} journal {command} {path}"), shows });
            }
        }
        if let Some(path) = self.args.observe.latency_log() {
            let command = format!("{tezi} latency {}", quoted(path));
            hints.push(Hint { command, shows: "latency by stage; --html FILE for plots" });
        }
        if let Some(path) = self.args.positions.output() {
            let command = format!("{tezi} host … --positions {}", quoted(path));
            hints.push(Hint { command, shows: "begins the next day with what is held" });
        }
        for Hint { command, shows } in &self.hints {
            let kept = journal.map_or("JOURNAL".into(), quoted);
            let command = command.replace("{tezi}", &tezi).replace("{journal}", &kept);
            hints.push(Hint { command, shows });
        }
        hints
    }
}

/// The program as it was called, so that a suggested command can be typed as it stands.
pub(crate) fn program() -> String {
    let Some(called) = std::env::args_os().next() else { return "tezi".into() };
    let called = Path::new(&called);
    let here = std::env::current_dir().ok();
    match here.and_then(|here| called.strip_prefix(here).ok()) {
        // A shell looks for a bare name elsewhere.
        Some(name) if name.components().count() == 1 => quoted(&Path::new(".").join(name)),
        Some(path) => quoted(path),
        None => quoted(called),
    }
}

/// A path as a shell takes it.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,@%=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted(Path::new("journals/demo-1")), "journals/demo-1");
        assert_eq!(quoted(Path::new("my day.pcap")), "'my day.pcap'");
        assert_eq!(quoted(Path::new("it's")), r"'it'\''s'");
    }
}
