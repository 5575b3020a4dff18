//! `tezi host`: a strategy on a live feed, its orders to an exchange.

use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};
use tezi::gateway::nnf::{DynamicIvOrder, Encryption, SelfTrade};
use tezi::journal::Promise;
use tezi::model::{Instrument, InstrumentKind};
use tezi::orders::{RouterTls, UnknownOrders};
use tezi::{
    OnReplicaLoss, OrderSessionConfig, ReplayFrom, ReplicationConfig, Session, SnapshotConfig,
    StopSwitch,
};

use crate::args;
use crate::contracts::ContractArgs;
use crate::files;
use crate::hosting::{HostArgs, Hosting};
use crate::interrupt;
use crate::listen::ListenArgs;
use crate::outcome::{Failure, Verdict};
use crate::strategies::StrategyName;
use crate::wire::WireArgs;

/// Trades: a strategy on a live feed, its orders to an exchange's order gateway
///
/// Market data comes by the groups named; orders leave over an NNF session of one box and one user:
/// sign-on, heartbeats, message download after a lost connection. While the session is not live,
/// orders are refused. Ctrl-C ends it in order: open orders are cancelled, their answers awaited, the
/// user signs off.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    wire: WireArgs,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    orders: OrderArgs,
    #[command(flatten)]
    replica: ReplicaArgs,
    #[command(flatten)]
    snapshots: SnapshotArgs,
    #[command(flatten)]
    contracts: ContractArgs,
    #[command(flatten)]
    pub(crate) host: HostArgs,
}

/// Who trades, and where.
#[derive(ClapArgs, Clone, Debug)]
#[command(next_help_heading = "Order session")]
struct OrderArgs {
    /// The gateway router
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = args::address)]
    router: SocketAddrV4,
    /// The box
    #[arg(long = "box", value_name = "ID", value_parser = clap::value_parser!(i16).range(1..))]
    box_id: i16,
    /// The trading member, 1 to 5 characters
    #[arg(long, value_name = "ID")]
    member: String,
    /// The branch
    #[arg(long, value_name = "ID", default_value_t = 1, value_parser = clap::value_parser!(i16).range(1..))]
    branch: i16,
    /// The user
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i32).range(1..))]
    user: i32,
    /// The environment variable that holds the user's password
    #[arg(long, value_name = "VAR", default_value = "TEZI_PASSWORD")]
    password_env: String,
    /// What was agreed with the exchange for the box
    #[arg(long, value_name = "METHOD", value_enum, default_value_t = Method::Plain)]
    encryption: Method,
    /// Certificates of the authorities to trust on the way to the router, as PEM: switches TLS on
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// The name that the router's certificate is for [default: its address]
    #[arg(long, value_name = "NAME", requires = "tls_ca")]
    tls_name: Option<String>,
    /// The client's code [default: the member's own account]
    #[arg(long, value_name = "CODE")]
    client: Option<String>,
    /// The PAN, ten characters
    #[arg(long, value_name = "PAN", default_value = "PAN_EXEMPT")]
    pan: String,
    /// The 15-digit identifier of product and terminal
    #[arg(long, value_name = "ID", default_value_t = 111_111_111_111_000)]
    nnf_id: u64,
    /// The algorithm's number, issued by the exchange; 0 for orders of people
    #[arg(long, value_name = "ID", default_value_t = 0, value_parser = clap::value_parser!(i32).range(0..))]
    algo_id: i32,
    /// Order messages in any second, as subscribed; 0 for no limit
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    session_rate: u32,
    /// Leaves orders in the book when the session ends without a word, rather than having the
    /// exchange cancel them
    #[arg(long)]
    keep_on_logoff: bool,
    /// An order that would trade with an own one is cancelled itself, not the one that rests
    #[arg(long)]
    self_trade_cancels_active: bool,
    /// What happens to open orders of the user that this host did not send
    #[arg(long, value_name = "POLICY", value_enum, default_value_t = Unknown::Keep)]
    unknown_orders: Unknown,
    /// What an order's record in the journal must have reached before the order leaves
    #[arg(long, value_name = "PROMISE", value_enum, default_value_t = Wait::Appended)]
    orders_wait: Wait,
    /// An underlying that is an index; may be given several times [default: those of NSE]
    #[arg(long, value_name = "SYMBOL")]
    index: Vec<String>,
    /// Takes up the session of `--journal` where another process of the day left it; begins one where
    /// there is none yet
    ///
    /// The core is rebuilt from the journal, and what the exchange did meanwhile is downloaded before
    /// orders leave again. Strategy, parameters and limits must be those of the session.
    #[arg(long, verbatim_doc_comment)]
    resume: bool,
    /// How long open orders' answers are awaited at the end
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, value_parser = args::seconds)]
    stop_timeout: f64,
    /// Pins the orders' thread to this core
    #[arg(long, value_name = "CORE")]
    orders_core: Option<usize>,
}

/// Where the journal goes beside this host.
#[derive(ClapArgs, Clone, Debug)]
#[command(next_help_heading = "Replication")]
struct ReplicaArgs {
    /// Replicates the journal to a follower in a second host (`tezi follow`), while it is written
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = args::address)]
    replicate_to: Option<SocketAddrV4>,
    /// What orders do that wait for the follower when it does not answer
    #[arg(long, value_name = "POLICY", value_enum, default_value_t = Lost::Wait)]
    replica_lost: Lost,
    /// How long a record may wait before orders go on with what is durable
    #[arg(long, value_name = "MS", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=3_600_000))]
    replica_lost_after_ms: u32,
    /// Pins the thread that sends the journal to this core
    #[arg(long, value_name = "CORE", requires = "replicate_to")]
    replica_core: Option<usize>,
}

/// What a restart begins from.
#[derive(ClapArgs, Clone, Debug)]
#[command(next_help_heading = "Snapshots")]
struct SnapshotArgs {
    /// Writes a snapshot beside the journal each time so much of the session has passed, as 5m or 30s
    ///
    /// A second core follows the journal for it, on a thread and in memory of its own; --resume then
    /// begins from the newest snapshot. A snapshot that cannot be written is told, and stops nothing.
    #[arg(long, value_name = "TIME", value_parser = args::duration, verbatim_doc_comment)]
    snapshot_every: Option<Duration>,
    /// With --resume, begins from the first record of the journal, whatever snapshots there are: where one
    /// is in doubt, and for proof that the journal alone gives the session
    #[arg(long, requires = "resume")]
    no_snapshot: bool,
    /// How many snapshots are kept, the newest ones
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    snapshots_kept: u8,
    /// Pins the thread that writes snapshots to this core
    #[arg(long, value_name = "CORE", requires = "snapshot_every")]
    snapshot_core: Option<usize>,
}

impl SnapshotArgs {
    fn config(&self) -> Option<SnapshotConfig> {
        let mut config = SnapshotConfig::new(self.snapshot_every?);
        (config.kept, config.core) = (self.snapshots_kept.into(), self.snapshot_core);
        Some(config)
    }

    const fn resume_from(&self) -> ReplayFrom {
        if self.no_snapshot { ReplayFrom::Start } else { ReplayFrom::Snapshot }
    }
}

/// What orders do without a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Lost {
    /// They wait until it is back
    Wait,
    /// They leave when they are durable, until it has caught up
    Durable,
}

impl ReplicaArgs {
    fn config(&self) -> Option<ReplicationConfig> {
        let mut config = ReplicationConfig::new(self.replicate_to?.into());
        if self.replica_lost == Lost::Durable {
            let after = Duration::from_millis(self.replica_lost_after_ms.into());
            config.on_loss = OnReplicaLoss::Durable { after };
        }
        config.core = self.replica_core;
        Some(config)
    }
}

/// How packets are encrypted.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Method {
    /// Not at all: simulated exchanges
    Plain,
    /// AES-256-CTR over the whole session, MD5 of the message
    Existing,
    /// AES-256-GCM, each message by itself
    New,
    /// The same, with the counting half of the vector in network order
    NewBigEndian,
}

/// What an order waits for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Wait {
    /// It survives the end of the process
    Appended,
    /// It is on the disk: a power cut does not take it
    Durable,
    /// It is in a second host's journal (--replicate-to): the loss of this host does not take it
    Replicated,
}

/// What happens to unknown orders.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Unknown {
    /// They stay, and the report names them
    Keep,
    /// They are cancelled before trading begins
    Cancel,
}

const EXAMPLES: &str = "\
Examples:
  TEZI_PASSWORD=secret1 tezi host --a 239.255.70.41:17741 --b 239.255.70.31:10831 \\
       --interface 127.0.0.1 --contracts contract.gz --router 127.0.0.1:10999 \\
       --box 123 --member 12345 --user 678 --strategy option-quoter --set lots=1
      Against a simulated exchange on this machine, its market on two multicast lines.
  tezi host ... --encryption new --tls-ca nse_ca.pem
      As the exchange has it: TLS to the router, AES-256-GCM to the gateway.
  tezi host ... --strategy watch --seconds 60
      Signs on, watches for a minute, signs off: whether box, user and password are right.
  tezi host ... --unknown-orders cancel
      After a crash: what the last session left open is cancelled before trading begins.
  tezi host ... --journal /var/tezi/today --keep-on-logoff --resume
      Goes on with the orders and positions of its journal, however the process before it ended.
  tezi host ... --journal /var/tezi/today --keep-on-logoff --resume --snapshot-every 5m
      The same, up again in a moment: what it reads is a snapshot and what came behind it.
  tezi host ... --positions 2026-11-23.csv --write-positions 2026-11-24.csv
      Begins with what was held yesterday, and leaves the same for tomorrow.
  tezi host ... --journal /var/tezi/today --replicate-to 10.0.0.2:7411 --orders-wait replicated
      No order leaves before a second host has it: `tezi follow --listen 10.0.0.2:7411 ...` there.

Exit codes: 0 all was fine; 1 the session never went live, orders were left open or are unknown,
messages were lost on every line; 2 wrong usage.";

/// Trades.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let inputs = args.contracts.contracts.iter().map(PathBuf::as_path);
    let inputs: Vec<_> = inputs.chain(args.host.inputs()).collect();
    files::check_distinct(&inputs, &args.host.outputs())?;
    if matches!(args.orders.orders_wait, Wait::Replicated) && args.replica.replicate_to.is_none() {
        let what = "--orders-wait replicated needs a follower: --replicate-to ADDRESS:PORT";
        return Err(Failure::Usage(what.into()));
    }
    let stop = StopSwitch::default();
    interrupt::stops(&stop.flag());
    let mut session = args.listen.session(&args.wire)?;
    if session.groups.is_empty() {
        return Err(Failure::Usage("a group to listen to is needed: --a GROUP:PORT".into()));
    }
    session.instruments = args.contracts.instruments(args.wire.segment_or_default())?;
    session.stop = stop;
    let segment = args.wire.segment_or_default();
    session.orders = Some(args.orders.config()?.in_segment(segment));
    let has_options = session.instruments.iter().any(|it| it.kind() == InstrumentKind::Option);
    let limits = &args.host.limits;
    let hosting = Hosting {
        args: &args.host,
        kind: "host",
        strategy_default: if has_options {
            StrategyName::OptionQuoter
        } else {
            StrategyName::Watch
        },
        resume: args.orders.resume,
        resume_from: args.snapshots.resume_from(),
        replication: args.replica.config(),
        snapshots: args.snapshots.config(),
        instruments: session.instruments.len(),
        opening: args.opening(&session.instruments),
        hints: Vec::new(),
        risk_file: match limits.needs_risk_file() {
            true => Some(args.contracts.risk_file(&session.instruments, segment, &limits.risk)?),
            false => None,
        },
    };
    hosting.run(&Session::Live(session))
}

impl Args {
    fn opening(&self, instruments: &[Instrument]) -> String {
        let OrderArgs { router, box_id, member, user, .. } = &self.orders;
        format!(
            "Host: box {box_id}, member {member}, user {user} at {router}; {} contracts. Ctrl-C ends \
             it in order.",
            instruments.len()
        )
    }
}

impl OrderArgs {
    fn config(&self) -> Result<OrderSessionConfig, Failure> {
        let variable = &self.password_env;
        let password = std::env::var(variable).map_err(|_| {
            Failure::Usage(format!("{variable} must hold the user's password (--password-env)"))
        })?;
        let mut config =
            OrderSessionConfig::new(self.router, self.box_id, &self.member, self.user, &password);
        config.branch_id = self.branch;
        config.encryption = match self.encryption {
            Method::Plain => Encryption::Plain,
            Method::Existing => Encryption::Existing,
            Method::New => Encryption::New(DynamicIvOrder::LittleEndian),
            Method::NewBigEndian => Encryption::New(DynamicIvOrder::BigEndian),
        };
        let tls = |ca_file: &PathBuf| RouterTls {
            ca_file: ca_file.clone(),
            server_name: self.tls_name.clone(),
        };
        config.tls = self.tls_ca.as_ref().map(tls);
        config.client.clone_from(&self.client);
        config.pan.clone_from(&self.pan);
        (config.nnf_id, config.algo_id) = (self.nnf_id, self.algo_id);
        config.limits.messages_per_second = self.session_rate;
        config.cancel_on_logoff = !self.keep_on_logoff;
        if self.self_trade_cancels_active {
            config.self_trade = SelfTrade::CancelActive;
        }
        config.unknown_orders = match self.unknown_orders {
            Unknown::Keep => UnknownOrders::Keep,
            Unknown::Cancel => UnknownOrders::Cancel,
        };
        config.wait_for = match self.orders_wait {
            Wait::Appended => Promise::Appended,
            Wait::Durable => Promise::Durable,
            Wait::Replicated => Promise::Replicated,
        };
        if !self.index.is_empty() {
            config.index_symbols.clone_from(&self.index);
        }
        config.stop_timeout = Duration::from_secs_f64(self.stop_timeout);
        config.core = self.orders_core;
        Ok(config)
    }
}
