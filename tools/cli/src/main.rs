//! The `tezi` command: runs, replays and looks into the engine.
//!
//! A command is one module with `Args`, which clap fills, and `run`, which says whether all was
//! fine. Results go to standard output, progress and errors to standard error. The exit code is 0
//! when all was fine, 1 when what was run or checked was not, and 2 for wrong usage.

mod accounts;
mod args;
mod contracts;
mod ctl;
mod demo;
mod doctor;
mod exchange;
mod feed;
mod files;
mod follow;
mod host;
mod hosting;
mod interrupt;
mod journal;
mod json;
mod latency;
mod library;
mod listen;
mod margin;
mod match_command;
mod outcome;
mod percentile_plot;
mod positions;
mod price;
mod progress;
mod publish;
mod replay;
mod report;
mod risk;
mod roster;
mod settings;
mod simulate;
mod strategies;
mod table;
mod text;
mod var;
mod wire;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::hosting::HostArgs;
use crate::journal::audit;
use crate::outcome::{Failure, Verdict, print};
use crate::settings::Expanded;

/// Makes the enum of commands and the call of each: one line a command.
macro_rules! commands {
    ($($name:ident => $module:ident;)+) => {
        #[derive(Subcommand)]
        #[expect(clippy::large_enum_variant, reason = "a process has one command")]
        enum Command {
            $($name($module::Args),)+
        }

        impl Command {
            fn run(&self) -> Result<Verdict, Failure> {
                match self {
                    $(Self::$name(args) => $module::run(args),)+
                }
            }
        }
    };
}

commands! {
    Demo => demo;
    Replay => replay;
    Feed => feed;
    Exchange => exchange;
    Host => host;
    Follow => follow;
    Ctl => ctl;
    Publish => publish;
    Price => price;
    Margin => margin;
    Var => var;
    Match => match_command;
    Journal => journal;
    Audit => audit;
    Report => report;
    Simulate => simulate;
    Doctor => doctor;
    Latency => latency;
}

impl Command {
    /// What it hosts a strategy with, of the commands that do.
    fn host_args(&mut self) -> Option<&mut HostArgs> {
        match self {
            Self::Demo(args) => Some(&mut args.host),
            Self::Replay(args) => Some(&mut args.host),
            Self::Host(args) => Some(&mut args.host),
            _ => None,
        }
    }
}

/// A low-latency trading engine for Indian markets
///
/// Market data comes in as NSE's own multicast packets, from sockets or captures; a strategy runs on
/// one pinned core behind a journal, and its orders leave as the exchange's bytes. Without a command
/// tezi runs the demo: a generated session, start to finish, in a quarter of a minute.
#[derive(Parser)]
#[command(name = "tezi", version, verbatim_doc_comment, after_help = EXAMPLES, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  tezi                                 the demo: two multicast lines with faults, a strategy that
                                       quotes options and hedges, a summary, a journal
  tezi demo --seed 7 --seconds 30      another session, longer
  tezi replay day.pcap --json          a capture at full speed, the summary for programs
  tezi replay a.pcap b.pcap --speed 1x both lines in two files, in real time
  tezi publish day.pcap --a 239.1.1.1:5001 --b 239.1.1.2:5002
                                       a capture back onto the wire, with faults and recovery
  tezi exchange                        a simulated NSE on this machine, for `tezi host` and `tezi feed`
  tezi host --a 239.70.70.41:17741 --router 127.0.0.1:10999 --box 123 --member 12345 --user 678 ...
                                       a strategy on a live feed, its orders to an exchange
  tezi follow --listen 10.0.0.2:7411 --journal today
                                       a host's journal in a second host, before its orders leave
  tezi ctl flatten --why 'end of the strategy' --wait 60
                                       acts on a running host: pause, cancel, flatten, kill, limits
  tezi price --forward 24000 --strike 24100 --days 7 --type call --price 140
                                       price, Greeks, volatility: one option, a CSV, a bhavcopy
  tezi margin positions.csv --bhavcopy fo.csv.zip --what-if \"NIFTY 2026-11-24 24500 CE -75\"
                                       SPAN and exposure margin, and what an order would add
  tezi var closes.csv positions.csv    value at risk and expected shortfall, three ways
  tezi journal replay journals/demo-*  the state rebuilt from the journal, and the same hash
  tezi audit journals/demo-* 17        the story of one order: what was known, what each check found
  tezi report journals/demo-* --to day   a day's orders, trades, refusals, stops, order-to-trade ratio
  tezi simulate --days 100             whole days with every fault, each from a seed: what must hold
  tezi match orders.csv                orders through the exchange's rules: acknowledgements, trades
  tezi latency run.hlog --html run.html  latency by stage, of a run with --latency-log
  tezi doctor                          what costs tail latency on this machine, and what mends it

Exit codes: 0 all was fine; 1 what was run or checked is not fine; 2 wrong usage.
Each command teaches by example too: tezi replay --help";

fn main() -> ExitCode {
    let mut program = Cli::command();
    program.build();
    let result = match settings::expand(&program, std::env::args_os().collect()) {
        Ok(Expanded::Words(words)) => match parse(&program, words) {
            Ok(cli) => run(&cli),
            Err(error) => {
                // Nobody may be reading; there is no one to tell that to.
                let _ = error.print();
                return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
            }
        },
        Ok(Expanded::Template(text)) => {
            print(|out| out.write_all(text.as_bytes())).map(|()| Verdict::Fine)
        }
        Err(failure) => Err(failure),
    };
    match result {
        Ok(Verdict::Fine) => ExitCode::SUCCESS,
        Ok(Verdict::NotFine) => ExitCode::from(1),
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: &Cli) -> Result<Verdict, Failure> {
    match &cli.command {
        Some(command) => command.run(),
        None => demo::run(&demo::Args::default_demo()),
    }
}

/// Reads the command line; a command that hosts learns which settings are in force.
fn parse(program: &clap::Command, words: Vec<OsString>) -> Result<Cli, clap::Error> {
    let matches = program.clone().try_get_matches_from(words)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    if let Some((name, matches)) = matches.subcommand()
        && let Some(command) = program.find_subcommand(name)
        && let Some(host) = cli.command.as_mut().and_then(Command::host_args)
    {
        host.in_force = settings::in_force(command, matches);
    }
    Ok(cli)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
