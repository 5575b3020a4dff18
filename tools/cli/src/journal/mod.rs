//! `tezi journal`: what a session left behind.

mod archive;
pub(crate) mod audit;
mod describe;
mod diff;
mod dump;
pub(crate) mod moment;
mod names;
mod recover;
mod replay;
mod snapshot;
mod verify;

use clap::{Args as ClapArgs, Subcommand};

use crate::outcome::{Failure, Verdict};

/// Looks into a journal: checks it, rebuilds the state from it, prints it
///
/// A journal is a directory of segment files (00000000.tzj and on) that hold every input of a
/// session before the core acted on it, and what came of each. It is the truth of the session.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Clone, Debug)]
enum Command {
    Verify(verify::Args),
    Replay(replay::Args),
    Snapshot(snapshot::Args),
    #[command(visible_alias = "grep")]
    Dump(dump::Args),
    Diff(diff::Args),
    Recover(recover::Args),
    Archive(archive::Args),
    Restore(archive::RestoreArgs),
}

const EXAMPLES: &str = "\
Examples:
  tezi journal verify journals/demo-20261120-091500   every byte checked, damage named
  tezi journal replay journals/demo-20261120-091500   the state rebuilt, the same hash
  tezi journal snapshot journals/host-20261120-091500 the state written down, for a quick restart
  tezi journal dump journals/demo-20261120-091500     its records, for people
  tezi journal grep journals/demo-20261120-091500 --order 7
                                                      all that was said of one order
  tezi journal archive journals/host-20261120-091500 --to /archive/20261120
                                                      compressed and sealed, for years
  tezi journal diff a.journal b.journal               the first record that differs
  tezi journal recover journals/host-20261120-091500  whole again after a kill

Exit codes: 0 all was fine; 1 the journal is damaged, cut, or gives another state; 2 wrong usage.";

/// Runs one of the commands.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    match &args.command {
        Command::Verify(args) => verify::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Snapshot(args) => snapshot::run(args),
        Command::Dump(args) => dump::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Recover(args) => recover::run(args),
        Command::Archive(args) => archive::run(args),
        Command::Restore(args) => archive::restore(args),
    }
}
