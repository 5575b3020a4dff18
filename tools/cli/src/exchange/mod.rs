//! `tezi exchange`: a simulated NSE on this machine.

mod keys;
mod market;
mod screen;

use std::io::{self, IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};
use tezi::Clock;
use tezi::exchange::{
    ExchangeReport, ExchangeServer, ExchangeServerConfig, ExchangeView, Scenario, TlsFiles,
    contract_file, read_recording, recorded_listings, security_file, spread_file,
    spread_stream_information, stream_information,
};
use tezi::gateway::nnf::{DynamicIvOrder, Encryption};
use tezi::masters::{LoadOptions, load};
use tezi::model::{Instrument, Segment};

use crate::args;
use crate::hosting::{program, quoted};
use crate::interrupt;
use crate::outcome::{Failure, Verdict, print};
use keys::Keys;
use screen::Books;

/// Runs a simulated NSE: orders over NNF, market data over MTBT, the exchange's rules between them
///
/// Members connect by TCP to the gateway router and are sent on to a gateway; the market leaves on two
/// multicast lines, with tick recovery and snapshots over TCP. Without SCENARIO it opens NIFTY with a
/// crowd of simulated participants and two boxes for you. The commands for the other terminals are
/// printed first.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The day: contracts, boxes, events, faults (examples/scenarios/nifty.toml explains every key)
    #[arg(value_name = "SCENARIO")]
    scenario: Option<PathBuf>,
    /// A recorded market that trades beside the members, from now on: a capture, DBN or raw ITCH. With
    /// SCENARIO what it lists is played, without one the busiest instruments of FILE are listed
    #[arg(long, value_name = "FILE", conflicts_with = "intensity")]
    background: Option<PathBuf>,
    /// How fast the exchange's clock runs: 2 or 2x
    #[arg(long, value_name = "SPEED", default_value = "1", value_parser = speed)]
    speed: f64,
    /// The seed of the day and its participants, in place of the scenario's
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// How busy participants are, in place of the scenario's; 0 for an empty market
    #[arg(long, value_name = "FACTOR", value_parser = intensity)]
    intensity: Option<f64>,
    /// Ends after this many seconds, of our time
    #[arg(long, value_name = "SECONDS", value_parser = args::seconds)]
    seconds: Option<f64>,
    /// Looks again at once while nothing comes: the least delay, for a core of its own
    #[arg(long)]
    spin: bool,
    #[command(flatten)]
    wire: ServeArgs,
    #[command(flatten)]
    show: ShowArgs,
}

/// Where it serves.
#[derive(ClapArgs, Clone, Debug)]
#[command(next_help_heading = "Network")]
struct ServeArgs {
    /// The group of line A
    #[arg(long, value_name = "GROUP:PORT", value_parser = args::group, default_value = "239.255.70.41:17741")]
    a: SocketAddrV4,
    /// The group of line B
    #[arg(long, value_name = "GROUP:PORT", value_parser = args::group, default_value = "239.255.70.31:10831")]
    b: SocketAddrV4,
    /// Also sends five levels of every contract that changed (7208, 17208), to this group; with a
    /// scenario that has a [broadcast] table, the group in place of 239.255.70.51:34330
    #[arg(long, value_name = "GROUP:PORT", value_parser = args::group)]
    broadcast: Option<SocketAddrV4>,
    /// The address of the interface that multicast leaves by
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    interface: Ipv4Addr,
    /// How many routers multicast may pass; 0 stays on this machine
    #[arg(long, value_name = "HOPS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=255))]
    ttl: u32,
    /// Where the gateway router listens; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9601")]
    router: SocketAddrV4,
    /// Where the gateway of all boxes listens, in place of the scenario's
    #[arg(long, value_name = "ADDRESS:PORT")]
    gateway: Option<SocketAddrV4>,
    /// Where tick recovery and snapshots are
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9603")]
    recovery: SocketAddrV4,
    /// How messages of all boxes are guarded, in place of the scenario's
    #[arg(long, value_name = "METHOD", value_enum)]
    encryption: Option<Method>,
    /// The same as --encryption plain
    #[arg(long, conflicts_with = "encryption")]
    plain: bool,
    /// The router's certificate, as PEM: switches TLS on
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

/// What is shown and kept.
#[derive(ClapArgs, Clone, Debug)]
#[command(next_help_heading = "Output")]
struct ShowArgs {
    /// Where the files for members go: contract.txt (or security.txt) and stream information [default: a
    /// directory of the system's for temporary files]
    #[arg(long, value_name = "DIR")]
    masters: Option<PathBuf>,
    /// Writes every datagram to this pcapng file
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Shows this book, by symbol, full name or token; may be given several times
    #[arg(long, value_name = "NAME")]
    book: Vec<String>,
    /// Shows so many books
    #[arg(long, value_name = "N", default_value_t = 3, conflicts_with = "book")]
    books: usize,
    /// Seconds between two views
    #[arg(long, value_name = "SECONDS", value_parser = args::seconds)]
    every: Option<f64>,
    /// Shows nothing while it runs
    #[arg(long)]
    quiet: bool,
}

/// How packets are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Not at all
    Plain,
    /// AES-256-CTR over the whole session, MD5 of the message
    Existing,
    /// AES-256-GCM, each message by itself
    New,
}

impl Method {
    const fn encryption(self) -> Encryption {
        match self {
            Self::Plain => Encryption::Plain,
            Self::Existing => Encryption::Existing,
            Self::New => Encryption::New(DynamicIvOrder::LittleEndian),
        }
    }
}

/// Instruments of a recording that are listed without a scenario, the busiest first.
const RECORDED_LISTINGS_MAX: usize = 512;

/// The spread master, beside the contract master.
const CONTRACT_FILE: &str = "contract.txt";
const SECURITY_FILE: &str = "security.txt";
const SPREAD_FILE: &str = "spd_contract.txt";

const EXAMPLES: &str = "\
Examples:
  tezi exchange
      NIFTY, its options and a crowd on this machine. Paste the printed commands into other terminals.
  tezi exchange examples/scenarios/faults.toml --seconds 120
      A scenario in which lines fail, answers get lost and a connection breaks.
  tezi exchange --encryption new --record day.pcapng
      Orders under AES-256-GCM; the market also into a capture, for `tezi replay` and `tezi feed`.
  tezi exchange --background day.pcapng --broadcast 239.255.70.51:34330
      A recorded market, your orders in its queues, and five levels of it once a second.
  tezi exchange --tls-cert router.pem --tls-key router.key
      TLS to the router (built with --features tls); members trust it with --tls-ca router.pem.

Exit codes: 0 all was fine; 1 market data was lost here, the clock went on late, or an event was not
possible; 2 wrong usage.";

fn speed(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('x').unwrap_or(text).parse::<f64>();
    number
        .ok()
        .filter(|speed| (0.01..=1_000.0).contains(speed))
        .ok_or_else(|| "a speed from 0.01 to 1000 is needed".into())
}

fn intensity(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|factor| (0.0..=1_000.0).contains(factor));
    number.ok_or_else(|| "a factor from 0 to 1000 is needed".into())
}

/// Runs the exchange.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    interrupt::stops(&stop);
    let config = args.config()?;
    let mut server = ExchangeServer::new(config)?;
    let masters = args.write_masters(&server)?;
    let opening = args.opening(&server, &masters);
    print(|out| out.write_all(opening.as_bytes()))?;
    let keys = if args.show.quiet {
        None
    } else {
        let boxes = server.config().exchange.boxes.len();
        Keys::listen(server.operator(), boxes, Arc::clone(&stop))
    };
    let report = args.serve(&mut server, &stop, &opening, keys.as_ref())?;
    drop(keys);
    print(|out| write!(out, "{report}"))?;
    Ok(Verdict::of(report.problems().is_empty()))
}

impl Args {
    fn config(&self) -> Result<ExchangeServerConfig, Failure> {
        let (scenario, contracts) = match &self.scenario {
            Some(path) => read_scenario(path)?,
            None => (market::nifty(Clock::start().now())?, Vec::new()),
        };
        let mut config = ExchangeServerConfig::new(&scenario, &contracts).map_err(|error| {
            let place = self.scenario.as_ref().map_or(String::new(), |path| quoted(path) + ": ");
            Failure::Usage(format!("{place}{error}"))
        })?;
        if let Some(path) = &self.background {
            self.play(path, &mut config)?;
        }
        if let Some(seed) = self.seed {
            config.exchange.seed = seed;
            config.population.iter_mut().for_each(|it| it.seed = seed);
        }
        match (self.intensity, &mut config.population) {
            (Some(0.0), population) => *population = None,
            (Some(factor), Some(population)) => population.intensity = factor,
            _ => {}
        }
        let method = if self.wire.plain { Some(Method::Plain) } else { self.wire.encryption };
        for own in &mut config.exchange.boxes {
            own.encryption = method.map_or(own.encryption, Method::encryption);
            if let Some(gateway) = self.wire.gateway {
                own.gateway = (*gateway.ip(), gateway.port());
            }
        }
        let tls = self.wire.tls_cert.clone().zip(self.wire.tls_key.clone());
        config.tls = tls.map(|(certificate, key)| TlsFiles { certificate, key });
        (config.speed, config.spin) = (self.speed, self.spin);
        (config.groups, config.interface) = ([self.wire.a, self.wire.b], self.wire.interface);
        if let Some(group) = self.wire.broadcast {
            config.broadcast = group;
            config.exchange.broadcast.get_or_insert_default();
        }
        (config.ttl, config.router) = (self.wire.ttl, self.wire.router);
        (config.services.recovery, config.services.snapshot) =
            (Some(self.wire.recovery), Some(self.wire.recovery));
        config.duration_max = self.seconds.map(Duration::from_secs_f64);
        config.record.clone_from(&self.show.record);
        config.view_interval = Duration::from_secs_f64(self.every());
        Ok(config)
    }

    /// Puts a recorded market in the population's place.
    fn play(&self, path: &Path, config: &mut ExchangeServerConfig) -> Result<(), Failure> {
        let events = read_recording(path, config.exchange.date)?;
        config.population = None;
        if self.scenario.is_none() {
            let found = recorded_listings(&events, config.exchange.date, RECORDED_LISTINGS_MAX);
            if found.listings.is_empty() {
                let what = "no instrument of it can be listed: prices are no whole paise";
                return Err(Failure::Usage(format!("{}: {what}", quoted(path))));
            }
            (config.exchange.listings, config.exchange.streams) = (found.listings, 1);
        }
        config.recording = events;
        Ok(())
    }

    /// A terminal is rewritten often; a file gets a line a second.
    fn every(&self) -> f64 {
        let usual = if io::stdout().is_terminal() { 0.25 } else { 1.0 };
        self.show.every.unwrap_or(usual)
    }

    /// Writes what members load: contracts, and which stream carries which.
    fn write_masters(&self, server: &ExchangeServer) -> Result<PathBuf, Failure> {
        let config = server.config();
        let listings = config.exchange.listings_of_the_day();
        let listings = listings.map_err(|error| Failure::Failed(error.to_string()))?;
        let dir = self.show.masters.clone().unwrap_or_else(|| {
            std::env::temp_dir().join(format!("tezi-exchange-{}", server.router_address().port()))
        });
        let spreads = config.exchange.spreads_of_the_day();
        let spreads = spreads.map_err(|error| Failure::Failed(error.to_string()))?;
        let streams = stream_information(&listings, config.start);
        let mut files = match config.exchange.segment {
            Segment::NseCm => vec![
                (SECURITY_FILE, security_file(&listings, config.start)),
                ("cm_contract_stream_info.csv", streams),
            ],
            _ => vec![
                (CONTRACT_FILE, contract_file(&listings)),
                ("fo_contract_stream_info.csv", streams),
            ],
        };
        if !spreads.is_empty() {
            let streams = spread_stream_information(&spreads, config.start);
            files.push((SPREAD_FILE, spread_file(&spreads)));
            files.push(("fo_spd_contract_stream_info.csv", streams));
        }
        let failed = |path: &Path, error: io::Error| {
            Failure::Failed(format!("cannot write {}: {error}", path.display()))
        };
        std::fs::create_dir_all(&dir).map_err(|error| failed(&dir, error))?;
        for (name, text) in files {
            let path = dir.join(name);
            std::fs::write(&path, text).map_err(|error| failed(&path, error))?;
        }
        Ok(dir)
    }

    /// What to paste into the other terminals.
    fn opening(&self, server: &ExchangeServer, masters: &Path) -> String {
        let (config, tezi) = (server.config(), program());
        let is_cash = config.exchange.segment == Segment::NseCm;
        let file = if is_cash { SECURITY_FILE } else { CONTRACT_FILE };
        let segment = if is_cash { " --segment cm" } else { "" };
        let mut contracts = quoted(&masters.join(file));
        if !config.exchange.spreads.is_empty() {
            contracts += &format!(" --contracts {}", quoted(&masters.join(SPREAD_FILE)));
        }
        let [a, b] = config.groups;
        let interface = config.interface;
        let recovery = server
            .recovery_address()
            .map_or(String::new(), |address| format!(" --recovery {address} --snapshot {address}"));
        let listen = format!("--a {a} --b {b} --interface {interface}{recovery}{segment}");
        let mut text = format!(
            "Exchange of {}: {} contracts, {} boxes; router {}, files in {}\n\n\
             The market, in another terminal:\n\
             {tezi} feed --protocol mtbt {listen} --contracts {contracts}\n",
            config.exchange.date,
            config.exchange.listings.len(),
            config.exchange.boxes.len(),
            server.router_address(),
            quoted(masters),
        );
        if config.exchange.broadcast.is_some() {
            let group = config.broadcast;
            text += &format!(
                "\nFive levels, in another:\n{tezi} feed --protocol broadcast --a {group} \
                 --interface {interface} --contracts {contracts}\n"
            );
        }
        let tls = self.wire.tls_cert.as_ref();
        let tls = tls.map_or(String::new(), |path| format!(" --tls-ca {}", quoted(path)));
        for own in &config.exchange.boxes {
            let method = match own.encryption {
                Encryption::Plain => "",
                Encryption::Existing => " --encryption existing",
                Encryption::New(DynamicIvOrder::LittleEndian) => " --encryption new",
                Encryption::New(DynamicIvOrder::BigEndian) => " --encryption new-big-endian",
            };
            let rate = match own.messages_per_second {
                0 => String::new(),
                rate => format!(" --session-rate {rate}"),
            };
            text += &format!(
                "\nBox {}, in another:\n\
                 TEZI_PASSWORD={} {tezi} host {listen} --contracts {contracts} --router {} --box {} \
                 --member {} --user {}{method}{rate}{tls}\n",
                own.box_id,
                quoted(Path::new(&own.password)),
                server.router_address(),
                own.box_id,
                own.broker_id,
                own.user_id,
            );
        }
        text.push('\n');
        text
    }

    /// Serves on a thread of its own and shows on this one, so that a slow terminal keeps nobody
    /// waiting.
    fn serve(
        &self,
        server: &mut ExchangeServer,
        stop: &AtomicBool,
        opening: &str,
        keys: Option<&Keys>,
    ) -> Result<ExchangeReport, Failure> {
        let (views, shown) = mpsc::sync_channel(2);
        let report = std::thread::scope(|scope| {
            let serving = scope.spawn(move || {
                // A view that finds no room is older than the next one.
                server.run(stop, &mut |view| drop(views.try_send(view)))
            });
            let mut screen = Screen::new(&self.show, opening);
            for view in shown {
                screen.show(view, keys.map(Keys::chosen));
            }
            screen.close();
            serving.join()
        });
        match report {
            Ok(report) => Ok(report?),
            Err(_) => Err(Failure::Failed("the exchange's thread stopped: a defect".into())),
        }
    }
}

fn read_scenario(path: &Path) -> Result<(Scenario, Vec<Instrument>), Failure> {
    let failed = |path: &Path, what: String| Failure::Usage(format!("{}: {what}", quoted(path)));
    let text = std::fs::read_to_string(path).map_err(|error| failed(path, error.to_string()))?;
    let scenario = Scenario::parse(&text).map_err(|error| failed(path, error.to_string()))?;
    let Some(wanted) = &scenario.contracts else { return Ok((scenario, Vec::new())) };
    // Named from where the scenario is.
    let file = path.parent().unwrap_or(Path::new(".")).join(&wanted.file);
    let bytes = std::fs::read(&file).map_err(|error| failed(&file, error.to_string()))?;
    let loaded = load(&bytes, &LoadOptions::of_segment(Segment::NseFo))
        .map_err(|error| failed(&file, error.to_string()))?;
    let instruments = loaded.instruments.iter().map(|record| record.instrument).collect();
    Ok((scenario, instruments))
}

/// Rewrites a terminal in place, or prints a line a view elsewhere.
struct Screen {
    books: Books,
    opening: Vec<String>,
    is_quiet: bool,
    is_terminal: bool,
    last: Option<ExchangeView>,
}

impl Screen {
    fn new(show: &ShowArgs, opening: &str) -> Self {
        let books = match &show.book[..] {
            [] => Books::First(show.books),
            names => Books::Named(names.to_vec()),
        };
        Self {
            books,
            opening: opening.lines().map(String::from).collect(),
            is_quiet: show.quiet,
            is_terminal: io::stdout().is_terminal(),
            last: None,
        }
    }

    /// Shows a view. That nobody looks any more stops no exchange.
    fn show(&mut self, view: ExchangeView, chosen: Option<usize>) {
        if self.is_quiet {
            return;
        }
        let mut text = String::new();
        if self.is_terminal {
            // As `tezi feed`: cleared once, then rewritten from home, each line to its end. What to
            // paste stays on top.
            text += if self.last.is_none() { "\x1b[2J\x1b[?25l\x1b[H" } else { "\x1b[H" };
            let lines = screen::lines(&view, self.last.as_ref(), &self.books, chosen);
            for line in self.opening.iter().chain(&lines) {
                text += line;
                text += "\x1b[K\r\n";
            }
            text += "\x1b[J";
        } else {
            text += &screen::summary_line(&view, self.last.as_ref());
            text.push('\n');
        }
        self.last = Some(view);
        let mut out = io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Gives the terminal back.
    fn close(&self) {
        if self.is_terminal && self.last.is_some() {
            let _ = io::stdout().write_all(b"\x1b[?25h\n");
        }
    }
}
