//! `tezi demo`: a generated session on two multicast lines, and a strategy against it.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser};
use tezi::{DemoConfig, DemoSession, ReplayFrom, Session};

use crate::args::{number, probability};
use crate::files;
use crate::hosting::{Hint, HostArgs, Hosting, quoted};
use crate::outcome::{Failure, Verdict};
use crate::strategies::StrategyName;
use crate::text::grouped;

/// The whole session is made before it is sent, and kept in memory.
const MESSAGES_MAX: f64 = 10_000_000.0;

/// Generates a session, publishes it on two multicast lines and hosts a strategy against it
///
/// The session is NSE F&O tick-by-tick data as the exchange sends it: 2 futures and their options
/// on two streams, from one seed. Both lines lose, repeat and reorder messages; arbitration makes
/// them whole. What the strategy sends is filled by a simulated venue against the market's own
/// book. Everything goes through a journal from which the state can be rebuilt.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    market: MarketArgs,
    #[command(flatten)]
    pub(crate) host: HostArgs,
}

/// What the session is made of.
#[derive(ClapArgs, Clone, Debug)]
#[command(next_help_heading = "Session")]
struct MarketArgs {
    /// The session's number: the same one gives the same messages and faults
    #[arg(long, value_name = "N", default_value_t = defaults().seed)]
    seed: u64,
    /// How long the session is, on the exchange's clock
    #[arg(long, value_name = "S", default_value_t = defaults().seconds, value_parser = seconds)]
    seconds: f64,
    /// Messages a second, both streams together
    #[arg(long, value_name = "N", default_value_t = defaults().rate, value_parser = rate)]
    rate: f64,
    /// How much faster than the exchange's clock it is sent
    #[arg(long, value_name = "X", default_value_t = defaults().speed, value_parser = speed)]
    speed: f64,
    /// Part of the messages lost on each line, never on both: 0 to 1
    #[arg(long, value_name = "P", default_value_t = defaults().loss, value_parser = probability)]
    loss: f64,
    /// Part of the messages sent twice on each line: 0 to 1
    #[arg(long, value_name = "P", default_value_t = defaults().duplicate, value_parser = probability)]
    duplicate: f64,
    /// Part of the messages on each line that later ones overtake: 0 to 1
    #[arg(long, value_name = "P", default_value_t = defaults().reorder, value_parser = probability)]
    reorder: f64,
    /// How far line B is behind line A, in microseconds; negative when it is ahead
    #[arg(
        long,
        value_name = "N",
        default_value_t = defaults().lag_b_ns / 1_000,
        value_parser = clap::value_parser!(i64).range(-1_000_000..=1_000_000),
        allow_negative_numbers = true
    )]
    lag_us: i64,
    /// Messages lost on both lines, which only the exchange's recovery server can make good
    #[arg(long, value_name = "N", default_value_t = defaults().lose_both)]
    lose_both: u32,
    /// Runs without a recovery server: what both lines lose stays lost
    #[arg(long)]
    no_recovery: bool,
    /// Runs with tick recovery alone, without snapshots, as the CO segment does
    #[arg(long)]
    no_snapshot: bool,
    /// Writes what is sent, both lines, as a capture that `tezi replay` reads
    #[arg(long, value_name = "FILE")]
    save_pcap: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  tezi demo
      The main job: 12 seconds of market, about 144,000 messages on each line.
  tezi demo --seed 7 --loss 0.05 --reorder 0.02
      Rough lines. Every gap still closes, mostly from the other line; the summary says how.
  tezi demo --lose-both 5 --no-recovery
      Five messages that nothing brings back: named in the summary, books stale, exit code 1.
  tezi demo --seconds 5 --set options=8 --set edge_ticks=2 --loss-max 20000
      A keener quoter under a tighter loss limit: see the refusals by reason.
  tezi demo --lose-both 0 --save-pcap demo.pcap --journal demo.journal --json > demo.json
      Everything kept: the packets, the journal, the summary for programs.

Ctrl-C ends the session at once. The journal then has no end mark, but all of its records:
`tezi journal replay` rebuilds the state up to there and says so.

Exit codes: 0 all was fine; 1 something was lost or refused, or could not start; 2 wrong usage.";

fn defaults() -> DemoConfig {
    DemoConfig::default()
}

fn seconds(text: &str) -> Result<f64, String> {
    number(text, 0.01, 86_400.0)
}

fn rate(text: &str) -> Result<f64, String> {
    number(text, 1.0, 1_000_000.0)
}

fn speed(text: &str) -> Result<f64, String> {
    number(text, 0.01, 1_000.0)
}

impl Args {
    /// The demo as it is without any argument.
    pub(crate) fn default_demo() -> Self {
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            args: Args,
        }
        Line::parse_from(["tezi"]).args
    }

    fn config(&self) -> DemoConfig {
        let market = &self.market;
        DemoConfig {
            seed: market.seed,
            seconds: market.seconds,
            rate: market.rate,
            speed: market.speed,
            loss: market.loss,
            duplicate: market.duplicate,
            reorder: market.reorder,
            lag_b_ns: market.lag_us * 1_000,
            lose_both: market.lose_both,
            recovery: !market.no_recovery,
            snapshot: !market.no_snapshot,
        }
    }

    fn hints(&self) -> Vec<Hint> {
        let (command, shows) = match &self.market.save_pcap {
            Some(path) if self.host.output.no_journal => {
                (format!("{{tezi}} replay {}", quoted(path)), "the same packets, from the capture")
            }
            Some(path) => (
                format!("{{tezi}} replay {} --contracts {{journal}}", quoted(path)),
                "the same packets and strategy, from the capture",
            ),
            None => (
                "{tezi} demo --lose-both 0 --save-pcap demo.pcap".into(),
                "keeps the packets as a capture, for tezi replay",
            ),
        };
        vec![
            Hint { command, shows },
            Hint {
                command: "cargo run --release --example touch_joiner".into(),
                shows: "a strategy of your own, in 60 lines",
            },
            Hint { command: "{tezi} demo --help".into(), shows: "other sessions, limits, formats" },
        ]
    }
}

/// Runs the demo.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let config = args.config();
    if config.seconds * config.rate > MESSAGES_MAX {
        let most = grouped(MESSAGES_MAX as u64);
        return Err(Failure::Usage(format!(
            "--seconds {} at --rate {}: a session has at most {most} messages",
            config.seconds, config.rate
        )));
    }
    let mut outputs = args.host.outputs();
    outputs.extend(args.market.save_pcap.as_deref());
    let inputs: Vec<_> = args.host.inputs().collect();
    files::check_distinct(&inputs, &outputs)?;
    let save_pcap = args.market.save_pcap.clone();
    let hosting = Hosting {
        resume: false,
        resume_from: ReplayFrom::Snapshot,
        replication: None,
        snapshots: None,
        args: &args.host,
        kind: "demo",
        strategy_default: StrategyName::OptionQuoter,
        instruments: 0,
        opening: format!(
            "Demo: {} s of NSE F&O at {} messages a second on two multicast lines, seed {}",
            config.seconds,
            grouped(config.rate as u64),
            config.seed
        ),
        hints: args.hints(),
        risk_file: None,
    };
    hosting.run(&Session::Demo(DemoSession { config, save_pcap }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_without_arguments_is_the_default_session() {
        assert_eq!(Args::default_demo().config(), DemoConfig::default());
    }
}
