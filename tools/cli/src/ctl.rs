//! `tezi ctl`: acts on a running host through its control socket.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};
use tezi::control::{ControlAnswer, ControlClient, ControlOutcome};

use crate::args;
use crate::interrupt;
use crate::outcome::{Failure, Verdict, print};

/// Controls a running host: state, pause, cancel, flatten, kill, limits
///
/// The host listens where it was started with `--control PATH`. Who may connect is the socket file's
/// permission; who acted (by the kernel's word) and why goes into the host's journal before the action
/// does anything.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The control socket of the host
    #[arg(long, value_name = "PATH", default_value = "tezi.sock", global = true)]
    socket: PathBuf,
    /// Prints answers as JSON objects, one a line
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

/// Why, for the journal.
#[derive(ClapArgs, Clone, Debug)]
struct Why {
    /// Why: the journal keeps it
    #[arg(long, value_name = "TEXT")]
    why: String,
}

/// Everything, or one account.
#[derive(ClapArgs, Clone, Debug)]
struct Whole {
    /// Only of this account; the others trade on
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    #[command(flatten)]
    why: Why,
}

/// How long the end of an action is awaited.
#[derive(ClapArgs, Clone, Debug)]
struct Wait {
    /// Waits until it is done, this long at most
    #[arg(long, value_name = "SECONDS", value_parser = args::seconds)]
    wait: Option<f64>,
}

#[derive(Subcommand, Clone, Debug)]
enum Action {
    /// How everything stands
    Status,
    /// Positions and their profit
    Positions,
    /// Several strategies: state, profit, orders
    Strategies,
    /// Accounts: state, restriction, profit, orders
    Accounts,
    /// Every limit and what it is set to
    Limits,
    /// Shows the state every second until Ctrl-C; keeps the dead-man switch from tripping
    Watch,
    /// Begins a new segment of the journal
    Rotate,
    /// Refuses new orders and changes from now on; cancels leave
    Pause(Whole),
    /// Ends a pause
    Resume(Whole),
    /// Cancels every open order, or those of one instrument
    Cancel {
        /// The instrument, as positions have it, or SEGMENT:TOKEN
        instrument: Option<String>,
        /// Only of this account
        #[arg(long, value_name = "NAME", conflicts_with = "instrument")]
        account: Option<String>,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        wait: Wait,
    },
    /// Pauses, cancels everything, closes every position (or one) with IOC orders
    Flatten {
        /// The instrument, as positions have it, or SEGMENT:TOKEN
        instrument: Option<String>,
        /// Stops this one of several strategies and closes what it holds; the others trade on
        #[arg(long, value_name = "NAME", conflicts_with = "instrument")]
        strategy: Option<String>,
        /// Pauses this account and closes what it holds; the others trade on
        #[arg(long, value_name = "NAME", conflicts_with_all = ["instrument", "strategy"])]
        account: Option<String>,
        /// How far through the touch closing orders may trade, in basis points
        #[arg(long, value_name = "BPS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(..=10_000))]
        through: u32,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        wait: Wait,
    },
    /// Stops trading for good and cancels everything
    Kill {
        /// Asks the exchange as well to cancel every order of the session's user, by its own kill switch
        #[arg(long, conflicts_with = "account")]
        user: bool,
        #[command(flatten)]
        whole: Whole,
    },
    /// Takes a stop back; needs a second user and a host with --control-dual
    Release(Whole),
    /// Stops one of several strategies: its orders are cancelled, its requests refused
    Stop {
        /// The strategy
        strategy: String,
        #[command(flatten)]
        why: Why,
    },
    /// Lets a stopped strategy go on; needs a second user on a host with --control-dual
    Start {
        /// The strategy
        strategy: String,
        #[command(flatten)]
        why: Why,
    },
    /// Changes a parameter of a strategy while it runs
    Set {
        /// The parameter and its new value
        #[arg(value_name = "KEY=VALUE")]
        assignment: String,
        /// Whose, where there are several
        #[arg(long, value_name = "NAME")]
        strategy: Option<String>,
        #[command(flatten)]
        why: Why,
    },
    /// Sets a limit
    Limit {
        /// Of one of several strategies: loss-max, position-max or open-orders-max
        #[arg(long, value_name = "NAME")]
        strategy: Option<String>,
        /// Of one account: those of a strategy, order-value-max or open-order-value-max
        #[arg(long, value_name = "NAME", conflicts_with = "strategy")]
        account: Option<String>,
        /// Its name: `tezi ctl limits` has them
        name: String,
        /// Its value, in the unit of its setting, or off
        #[arg(allow_negative_numbers = true)]
        value: String,
        #[command(flatten)]
        why: Why,
    },
    /// Restricts what may be traded in an instrument, or for an account
    Restrict {
        /// What is allowed
        #[arg(value_enum)]
        what: Restricted,
        /// The instrument, as positions have it, or SEGMENT:TOKEN
        #[arg(required_unless_present = "account")]
        instrument: Option<String>,
        /// The account, in every instrument
        #[arg(long, value_name = "NAME", conflicts_with = "instrument")]
        account: Option<String>,
        #[command(flatten)]
        why: Why,
    },
    /// Takes a restriction back
    Unrestrict {
        /// The instrument
        #[arg(required_unless_present = "account")]
        instrument: Option<String>,
        /// The account
        #[arg(long, value_name = "NAME", conflicts_with = "instrument")]
        account: Option<String>,
        #[command(flatten)]
        why: Why,
    },
    /// Sets the exchange's limit price protection range of an instrument
    Range {
        /// Its low end in rupees, 0 for none
        low: String,
        /// Its high end in rupees, 0 for none
        high: String,
        /// The instrument
        instrument: String,
        #[command(flatten)]
        why: Why,
    },
}

/// What a restriction allows.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Restricted {
    /// Only what brings the position towards nought
    ReduceOnly,
    /// No buys
    NoBuys,
    /// No sells
    NoSells,
    /// Nothing at all
    Nothing,
}

const EXAMPLES: &str = "\
Examples:
  tezi ctl status                                how the host at ./tezi.sock stands
  tezi ctl --socket /run/tezi/ctl watch          looks on, and keeps the dead-man switch quiet
  tezi ctl pause --why 'news at 10:00'           no new orders until resume
  tezi ctl cancel 'NIFTY 2026-11-24 FUT' --why 'wrong contract' --wait 5
  tezi ctl flatten --through 20 --why 'end of the strategy' --wait 60
  tezi ctl limit loss-max 250000 --why 'half size today'
  tezi ctl stop quoter --why 'loses on every fill'      the other strategies go on
  tezi ctl set edge_ticks=8 --strategy quoter --why 'wider into the close'
  tezi ctl kill --account alpha --why 'client asked'     the other accounts go on
  tezi ctl kill --why 'runaway'                  one way: another start, or two users with --control-dual

Exit codes: 0 done; 1 refused, not done in time, or a second user is needed; 2 wrong usage.";

/// What a line has where one account is meant.
fn of_account(account: &Option<String>) -> String {
    account.as_ref().map_or(String::new(), |it| format!(" account={it}"))
}

impl Whole {
    fn line(&self, verb: &str) -> String {
        format!("{verb}{} why: {}", of_account(&self.account), self.why.why)
    }
}

impl Action {
    /// The line that asks for it.
    fn line(&self) -> String {
        let some = |instrument: &Option<String>| {
            instrument.as_ref().map_or(String::new(), |it| format!(" {it}"))
        };
        match self {
            Self::Status | Self::Watch => "status".into(),
            Self::Positions => "positions".into(),
            Self::Strategies => "strategies".into(),
            Self::Accounts => "accounts".into(),
            Self::Stop { strategy, why } => format!("stop {strategy} why: {}", why.why),
            Self::Start { strategy, why } => format!("start {strategy} why: {}", why.why),
            Self::Set { assignment, strategy, why } => {
                let whose = strategy.as_ref().map_or(String::new(), |it| format!("{it} "));
                format!("set {whose}{assignment} why: {}", why.why)
            }
            Self::Limits => "limits".into(),
            Self::Rotate => "rotate".into(),
            Self::Pause(it) => it.line("pause"),
            Self::Resume(it) => it.line("resume"),
            Self::Kill { user: true, whole } => whole.line("kill user"),
            Self::Kill { whole, .. } => whole.line("kill"),
            Self::Release(it) => it.line("release"),
            Self::Cancel { instrument, account, why, .. } => {
                format!("cancel{}{} why: {}", of_account(account), some(instrument), why.why)
            }
            Self::Flatten { account: Some(account), through, why, .. } => {
                format!("flatten account={account} through={through} why: {}", why.why)
            }
            Self::Flatten { instrument, strategy, through, why, .. } => {
                let of = strategy.as_ref().map(|it| format!("of={it}"));
                format!(
                    "flatten through={through}{} why: {}",
                    some(&of.or_else(|| instrument.clone())),
                    why.why
                )
            }
            Self::Limit { strategy, account, name, value, why } => {
                let of = strategy.as_ref().map_or(String::new(), |it| format!(" of={it}"));
                format!("limit{}{of} {name} {value} why: {}", of_account(account), why.why)
            }
            Self::Restrict { what, instrument, account, why } => {
                let what =
                    what.to_possible_value().map_or(String::new(), |it| it.get_name().into());
                let (account, instrument) = (of_account(account), some(instrument));
                format!("restrict{account} {what}{instrument} why: {}", why.why)
            }
            Self::Unrestrict { instrument, account, why } => {
                let (account, instrument) = (of_account(account), some(instrument));
                format!("unrestrict{account}{instrument} why: {}", why.why)
            }
            Self::Range { low, high, instrument, why } => {
                format!("range {low} {high} {instrument} why: {}", why.why)
            }
        }
    }

    const fn wait(&self) -> Option<f64> {
        match self {
            Self::Cancel { wait, .. } | Self::Flatten { wait, .. } => wait.wait,
            _ => None,
        }
    }
}

/// Asks, and shows the answer.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let failed = |error: tezi::Error| Failure::Failed(error.to_string());
    let mut client = ControlClient::connect(&args.socket).map_err(failed)?;
    if matches!(args.action, Action::Watch) {
        return watch(args, &mut client);
    }
    let answer = client.ask(&args.action.line()).map_err(failed)?;
    show(args, &answer)?;
    if answer.outcome != ControlOutcome::Done {
        return Ok(Verdict::NotFine);
    }
    match args.action.wait() {
        Some(seconds) => until_done(args, &mut client, Duration::from_secs_f64(seconds)),
        None => Ok(Verdict::Fine),
    }
}

/// Looks until nothing is under way any more.
fn until_done(args: &Args, client: &mut ControlClient, most: Duration) -> Result<Verdict, Failure> {
    let begun = Instant::now();
    loop {
        let status = client.ask("status").map_err(|error| Failure::Failed(error.to_string()))?;
        let is_done = status.value("sweeps") == Some("0")
            && !status.value("state").is_some_and(|state| state.contains("flattening"));
        if is_done || begun.elapsed() >= most {
            show(args, &status)?;
            return Ok(if is_done { Verdict::Fine } else { Verdict::NotFine });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn watch(args: &Args, client: &mut ControlClient) -> Result<Verdict, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    interrupt::stops(&stop);
    while !stop.load(Ordering::Relaxed) {
        let status = client.ask("status").map_err(|error| Failure::Failed(error.to_string()))?;
        if args.json {
            show(args, &status)?;
        } else {
            let value = |name| status.value(name).unwrap_or("?");
            print(|out| {
                writeln!(
                    out,
                    "{}  {}  orders {}  profit {}  open {}  fills {}  refused {}",
                    value("time").get(..8).unwrap_or("?"),
                    value("state"),
                    value("order-session"),
                    value("profit"),
                    value("open-orders"),
                    value("fills"),
                    value("refused")
                )
            })?;
        }
        let until = Instant::now() + Duration::from_secs(1);
        while Instant::now() < until && !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(Verdict::Fine)
}

fn show(args: &Args, answer: &ControlAnswer) -> Result<(), Failure> {
    if args.json {
        let object = in_json(answer, &args.action);
        return print(|out| writeln!(out, "{object}"));
    }
    let width = answer.values.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    print(|out| {
        if matches!(args.action, Action::Positions) && !answer.values.is_empty() {
            writeln!(out, "{:<width$}  net average realised unrealised", "instrument")?;
        }
        if matches!(args.action, Action::Strategies) && !answer.values.is_empty() {
            writeln!(out, "{:<width$}  kind state profit open orders fills refused", "strategy")?;
        }
        if matches!(args.action, Action::Accounts) && !answer.values.is_empty() {
            writeln!(
                out,
                "{:<width$}  client state restriction profit open value orders fills refused",
                "account"
            )?;
        }
        for (name, value) in &answer.values {
            // Names of instruments have spaces; those of accounts may have what stands for one.
            let is_account = matches!(args.action, Action::Accounts);
            let name = if is_account { name.clone() } else { name.replace('_', " ") };
            writeln!(out, "{name:<width$}  {value}")?;
        }
        match &answer.outcome {
            ControlOutcome::Done if answer.values.is_empty() => writeln!(out, "ok"),
            ControlOutcome::Done => Ok(()),
            ControlOutcome::Waiting(why) => writeln!(out, "waiting: {why}"),
            ControlOutcome::Refused(why) => writeln!(out, "refused: {why}"),
        }
    })
}

fn in_json(answer: &ControlAnswer, action: &Action) -> Value {
    let (word, why) = match &answer.outcome {
        ControlOutcome::Done => ("ok", None),
        ControlOutcome::Waiting(why) => ("waiting", Some(why)),
        ControlOutcome::Refused(why) => ("refused", Some(why)),
    };
    let mut object = Map::new();
    object.insert("outcome".into(), word.into());
    if let Some(why) = why {
        object.insert("why".into(), why.as_str().into());
    }
    if matches!(action, Action::Positions) {
        let of = |(name, value): &(String, String)| {
            let mut words = value.split(' ');
            let mut next = || words.next().unwrap_or_default();
            json!({
                "instrument": name.replace('_', " "),
                "net": next().parse::<i64>().unwrap_or_default(),
                "average": next(),
                "realised": next(),
                "unrealised": next(),
            })
        };
        object.insert("positions".into(), answer.values.iter().map(of).collect());
        return object.into();
    }
    if matches!(action, Action::Strategies) {
        let of = |(name, value): &(String, String)| {
            let mut words = value.split(' ');
            let mut next = || words.next().unwrap_or_default();
            let (kind, state, profit) = (next(), next(), next());
            let mut count = || next().parse::<u64>().unwrap_or_default();
            json!({
                "strategy": name,
                "kind": kind,
                "state": state,
                "profit": profit,
                "open_orders": count(),
                "new_orders": count(),
                "fills": count(),
                "refused": count(),
            })
        };
        object.insert("strategies".into(), answer.values.iter().map(of).collect());
        return object.into();
    }
    if matches!(action, Action::Accounts) {
        object.insert("accounts".into(), answer.values.iter().map(account_in_json).collect());
        return object.into();
    }
    for (name, value) in &answer.values {
        let number = value.parse::<i64>().map(Value::from);
        object.insert(name.replace('-', "_"), number.unwrap_or_else(|_| value.as_str().into()));
    }
    object.into()
}

fn account_in_json((name, value): &(String, String)) -> Value {
    let mut words = value.split(' ');
    let mut next = || words.next().unwrap_or_default();
    let (client, state, restriction, profit) = (next(), next(), next(), next());
    let (open_orders, open_value) = (next(), next());
    let mut count = || next().parse::<u64>().unwrap_or_default();
    json!({
        "account": name,
        "client": client,
        "state": state,
        "restriction": restriction,
        "profit": profit,
        "open_orders": open_orders.parse::<u64>().unwrap_or_default(),
        "open_order_value": open_value,
        "new_orders": count(),
        "fills": count(),
        "refused": count(),
    })
}
