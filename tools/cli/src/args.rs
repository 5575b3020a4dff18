//! Arguments that commands share, and the parsers of single values.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::RangedI64ValueParser;
use clap::{Args, ValueEnum};
use tezi::control::Limit;
use tezi::model::Px;
use tezi::{
    ControlConfig, CoreConfig, JournalMode, Observation, Pinning, RiskLimits, SimulatedVenueConfig,
};

use crate::risk::RiskArgs;
use crate::roster;
use crate::strategies::StrategyWord;

/// Core numbers that the operating system's sets of cores have room for.
const CORES_MAX: usize = 1_024;
/// The longest way of an order or report, in microseconds.
const LATENCY_US_MAX: u32 = 60_000_000;

/// What decides.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Strategy")]
pub(crate) struct StrategyArgs {
    /// The strategy to run; several, or with a name of its own, run side by side on the core
    ///
    /// option-quoter quotes options around their Black-76 value and hedges fills with the future;
    /// twap, vwap, pov, iceberg, peg and spread work an order (docs/algos.md); watch keeps the books.
    /// --strategy NAME=KIND may be given several times: each has its own orders, positions, limits and
    /// hours, and one that panics or is stopped leaves the others running (docs/operating/strategies.md).
    #[arg(long, value_name = "KIND|NAME=KIND", verbatim_doc_comment, value_parser = roster::strategy_word)]
    pub(crate) strategy: Vec<StrategyWord>,
    /// Runs a strategy from this shared object, with its parameters by --set
    ///
    /// The file's code runs in this process: it has to be as trusted as tezi itself.
    /// examples/cpp/plugin.cpp is one; docs/operating/c-interface.md tells how to write it.
    #[arg(long, value_name = "FILE", verbatim_doc_comment, conflicts_with = "strategy")]
    pub(crate) strategy_library: Option<PathBuf>,
    /// Changes one parameter of the strategy; may be given several times
    ///
    /// option-quoter has options (how many, nearest the money), vol and rate (per year), edge_ticks
    /// (half the width), skew_ticks (per lot held), lots, lots_max, requote_ticks, requote_ms and
    /// hedge_lots. twap, vwap, pov, iceberg, peg and spread need instrument, side and quantity, and
    /// have more: docs/algos.md. watch has none. With several strategies it is NAME.KEY=VALUE.
    #[arg(long, value_name = "KEY=VALUE", verbatim_doc_comment)]
    pub(crate) set: Vec<String>,
    /// Lets a strategy trade only within hours, in Indian time; outside them its orders are cancelled
    ///
    /// HH:MM..HH:MM, or edges of the day's session with seconds, minutes or hours added: open+5m..close-10m is
    /// that of NSE F&O, NSE/cm:open..close another segment's. On a day without a session it does not trade.
    #[arg(long, value_name = "NAME=FROM..TO", verbatim_doc_comment)]
    pub(crate) strategy_hours: Vec<String>,
    /// Limits one strategy beside the limits of all: loss-max (rupees), position-max (units), open-orders-max
    ///
    /// `tezi ctl limit --strategy NAME` changes them while it runs.
    #[arg(long, value_name = "NAME.LIMIT=VALUE", verbatim_doc_comment)]
    pub(crate) strategy_limit: Vec<String>,
    /// Stops a strategy whose calls take longer than this too often
    #[arg(long, value_name = "MICROSECONDS", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) strategy_budget_us: Option<u64>,
    /// How many calls over the budget stop a strategy; the machine's own stalls are among them
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) strategy_overruns: u32,
}

/// What is written.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Keeps the journal in this directory [default: journals/, by date and time]
    #[arg(long, value_name = "DIR")]
    pub(crate) journal: Option<PathBuf>,
    /// Keeps no journal
    #[arg(long, conflicts_with = "journal")]
    pub(crate) no_journal: bool,
    /// How the journal is written
    #[arg(long, value_name = "MODE", value_enum, default_value_t = JournalModeArg::Auto)]
    pub(crate) journal_mode: JournalModeArg,
    /// Writes every message, once and in order, as CSV
    #[arg(long, value_name = "FILE")]
    pub(crate) decoded_csv: Option<PathBuf>,
    /// Writes every level of the books at the end as CSV
    #[arg(long, value_name = "FILE")]
    pub(crate) book_csv: Option<PathBuf>,
    /// Prints the summary as one JSON object
    ///
    /// Money and prices are strings, in rupees; times and latencies are integers, in nanoseconds;
    /// lost messages are [first, last] pairs by stream; the state hash is a string.
    #[arg(long, verbatim_doc_comment)]
    pub(crate) json: bool,
}

/// What `--journal-mode` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum JournalModeArg {
    /// Staged where a session goes with the clock and memory has room; mapped otherwise
    Auto,
    /// Live segments in memory (/dev/shm), and a thread that writes them to the disk
    Staged,
    /// Segment files mapped; the operating system writes them
    Mapped,
}

impl From<JournalModeArg> for JournalMode {
    fn from(mode: JournalModeArg) -> Self {
        match mode {
            JournalModeArg::Auto => Self::Auto,
            JournalModeArg::Staged => Self::Staged,
            JournalModeArg::Mapped => Self::Mapped,
        }
    }
}

/// What is observed while the session runs.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Observation")]
pub(crate) struct ObserveArgs {
    /// Writes the latency of every stage, interval by interval, as an HdrHistogram log
    ///
    /// `tezi latency FILE` makes tables and plots of it; so do other tools for histogram logs.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    latency_log: Option<PathBuf>,
    /// How long an interval of the latency log is
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = interval)]
    latency_interval: f64,
    /// Records the machine's own stalls beside the session's latencies
    ///
    /// A thread that only spins: it takes a core whole, and shows when the machine took it away.
    #[arg(long, verbatim_doc_comment)]
    hiccups: bool,
    /// Pins the thread that records stalls to this core
    #[arg(long, value_name = "CORE", requires = "hiccups")]
    hiccup_core: Option<usize>,
    /// Serves metrics for Prometheus at http://ADDRESS:PORT/metrics; a port alone is on loopback
    #[arg(long, value_name = "[ADDRESS:]PORT", value_parser = metrics)]
    metrics: Option<SocketAddr>,
    /// Writes notable events of the run, a JSON object a line; - is standard error
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

impl ObserveArgs {
    pub(crate) fn observation(&self) -> Observation {
        Observation {
            latency_log: self.latency_log.clone(),
            latency_interval: Duration::from_secs_f64(self.latency_interval),
            hiccups: self.hiccups,
            hiccup_core: self.hiccup_core,
            metrics: self.metrics,
            event_log: self.log.clone(),
        }
    }

    pub(crate) fn latency_log(&self) -> Option<&Path> {
        self.latency_log.as_deref()
    }

    /// The files written.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &Path> {
        let log = self.log.as_deref().filter(|path| *path != Path::new("-"));
        self.latency_log.as_deref().into_iter().chain(log)
    }
}

/// Where threads run.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Threads")]
pub(crate) struct PinArgs {
    /// Pins the feed's and the core's threads to these cores [default: the last two]
    #[arg(long, value_name = "FEED,CORE", value_parser = pin, conflicts_with = "no_pin")]
    pub(crate) pin: Option<(usize, usize)>,
    /// Pins no thread
    #[arg(long)]
    pub(crate) no_pin: bool,
}

impl PinArgs {
    pub(crate) fn pinning(&self) -> Pinning {
        match self.pin {
            Some((feed, core)) => Pinning::Cores { feed, core },
            None if self.no_pin => Pinning::Off,
            None => Pinning::Auto,
        }
    }
}

/// What the core refuses, and how far away the simulated venue is.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits (of every order before it leaves; 0 switches one off)")]
pub(crate) struct LimitArgs {
    #[command(flatten)]
    behind: BehindArgs,
    /// The most one order may be worth, in rupees
    #[arg(long, value_name = "RUPEES", value_parser = not_negative(), default_value_t = limits().order_value_max)]
    order_value_max: i64,
    /// The most all open orders together may be worth, in rupees
    #[arg(long, value_name = "RUPEES", value_parser = not_negative(), default_value_t = limits().open_order_value_max)]
    open_order_value_max: i64,
    /// The largest loss, in rupees; at it trading stops for good
    #[arg(long, value_name = "RUPEES", value_parser = not_negative(), default_value_t = limits().loss_max)]
    loss_max: i64,
    /// The largest position in one instrument, in units, were all open orders filled
    #[arg(long, value_name = "UNITS", value_parser = not_negative(), default_value_t = limits().position_max)]
    position_max: i64,
    /// Open orders at once
    #[arg(long, value_name = "COUNT", default_value_t = limits().open_orders_max)]
    open_orders_max: u32,
    /// New orders and changes in one second
    #[arg(long, value_name = "COUNT", default_value_t = limits().messages_per_second_max)]
    messages_per_second_max: u32,
    /// How far through the market a price may lie, in basis points
    #[arg(long, value_name = "BPS", default_value_t = limits().fat_finger_bps)]
    fat_finger_bps: u32,
    /// Lets orders out on books whose stream has lost messages
    #[arg(long)]
    trade_on_stale: bool,
    /// Lets orders out in what the exchange has halted or closed
    #[arg(long)]
    trade_when_halted: bool,
    /// From the core to the simulated venue, in microseconds
    #[arg(long, value_name = "US", value_parser = latency(), default_value_t = venue_us(|venue| venue.order_latency_ns), help_heading = "Simulated venue")]
    order_latency_us: u32,
    /// From the simulated venue back to the core, in microseconds
    #[arg(long, value_name = "US", value_parser = latency(), default_value_t = venue_us(|venue| venue.report_latency_ns), help_heading = "Simulated venue")]
    report_latency_us: u32,
    // Last, for its heading is that of all that follows.
    #[command(flatten)]
    pub(crate) risk: RiskArgs,
}

/// A limit behind those of the configuration.
macro_rules! behind {
    ($(#[doc = $doc:literal] $field:ident: $name:literal, $kind:literal, $limit:ident = $default:literal;)+) => {
        /// Limits that are off unless given, but for the marks of alerts.
        #[derive(Args, Clone, Debug, Default)]
        #[command(next_help_heading = "Limits (of every order before it leaves; 0 switches one off)")]
        pub(crate) struct BehindArgs {
            $(
                #[doc = $doc]
                #[arg(long = $name, value_name = $kind, value_parser = not_negative(), default_value_t = $default)]
                $field: i64,
            )+
        }

        impl BehindArgs {
            fn each(&self) -> Vec<(Limit, i64)> {
                vec![$((Limit::$limit, self.$field),)+]
            }
        }
    };
}

behind! {
    /// The largest net position in all instruments of one underlying, were all open orders filled
    underlying_net_max: "underlying-net-max", "UNITS", UnderlyingNet = 0;
    /// The most units held long and short in all instruments of one underlying
    underlying_gross_max: "underlying-gross-max", "UNITS", UnderlyingGross = 0;
    /// How long an equal order counts as the same once more
    duplicate_window_ms: "duplicate-window-ms", "MS", DuplicateWindow = 0;
    /// How often in a row the same order may leave within that window
    duplicates_max: "duplicates-max", "COUNT", Duplicates = 0;
    /// New orders in one instrument in one second: more is a loop
    instrument_orders_max: "instrument-orders-max", "COUNT", InstrumentOrders = 0;
    /// Requests without an answer at once
    in_flight_max: "in-flight-max", "COUNT", InFlight = 0;
    /// New orders and changes in one segment in one second (TOPS)
    segment_orders_max: "segment-orders-max", "COUNT", SegmentOrders = 0;
    /// How far through its theoretical price an order may lie, where the strategy says one
    theoretical_bps: "theoretical-bps", "BPS", Theoretical = 0;
    /// How far the profit may fall from the day's highest; at it trading stops for good
    drawdown_max: "drawdown-max", "RUPEES", Drawdown = 0;
    /// How far the profit may fall from the highest of the last minute; at it trading stops for good
    minute_loss_max: "minute-loss-max", "RUPEES", MinuteLoss = 0;
    /// Collateral: margin, premium and losses must stay within it, were the worst of all open orders filled
    margin_available: "margin-available", "RUPEES", MarginAvailable = 0;
    /// The largest net position by delta in an underlying, at its price
    futeq_net_max: "futeq-net-max", "RUPEES", FutEqNet = 0;
    /// The most that is long, and that is short, by delta in an underlying, at its price
    futeq_gross_max: "futeq-gross-max", "RUPEES", FutEqGross = 0;
    /// The part of the collateral at which everything open is cancelled and risk only reduced (NSE: 9000)
    reduction_at_bps: "reduction-at-bps", "BPS", ReductionAt = 0;
    /// The part below which that ends (NSE: 8500); 0 is the same as where it begins
    reduction_until_bps: "reduction-until-bps", "BPS", ReductionUntil = 0;
    /// The part of a limit at whose use an alert is told: in the log, the journal, the report of the day
    alert_at_bps: "alert-at-bps", "BPS", AlertAt = 8000;
    /// The part at whose use an alarm is told
    alarm_at_bps: "alarm-at-bps", "BPS", AlarmAt = 9500;
}

/// Who may act while it runs.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Control")]
pub(crate) struct ControlArgs {
    /// Lets operators act through a Unix socket made here: `tezi ctl`
    #[arg(long, value_name = "PATH")]
    control: Option<PathBuf>,
    /// Lets members of this group (by number) connect as well, not the socket's owner alone
    #[arg(long, value_name = "GID", requires = "control")]
    control_group: Option<u32>,
    /// Asks for two users where more is let through than before: a higher limit, a restriction less,
    /// the release of a stop
    #[arg(long, requires = "control")]
    control_dual: bool,
    /// Pauses trading when no operator was heard for this long (`tezi ctl watch` is heard)
    #[arg(long, value_name = "SECONDS", requires = "control", value_parser = seconds)]
    control_deadman: Option<f64>,
}

impl ControlArgs {
    /// How the host is controlled, if it is.
    pub(crate) fn config(&self) -> Option<ControlConfig> {
        let socket = self.control.as_ref()?;
        Some(ControlConfig {
            group: self.control_group,
            deadman: self.control_deadman.map(Duration::from_secs_f64),
            dual: self.control_dual,
            ..ControlConfig::new(socket)
        })
    }
}

impl LimitArgs {
    /// Limits that the configuration of the core has no place for, those that are on.
    pub(crate) fn behind(&self) -> Vec<(Limit, i64)> {
        self.behind.each().into_iter().filter(|(_, value)| *value > 0).collect()
    }

    /// Whether one of the limits needs margins.
    pub(crate) const fn needs_risk_file(&self) -> bool {
        let BehindArgs { margin_available, futeq_net_max, futeq_gross_max, .. } = self.behind;
        margin_available | futeq_net_max | futeq_gross_max > 0
    }

    /// The configuration of the core.
    pub(crate) fn config(&self) -> CoreConfig {
        CoreConfig {
            limits: RiskLimits {
                order_value_max: self.order_value_max,
                open_order_value_max: self.open_order_value_max,
                loss_max: self.loss_max,
                position_max: self.position_max,
                open_orders_max: self.open_orders_max,
                messages_per_second_max: self.messages_per_second_max,
                fat_finger_bps: self.fat_finger_bps,
                trade_on_stale: u16::from(self.trade_on_stale),
                trade_when_halted: u16::from(self.trade_when_halted),
            },
            venue: SimulatedVenueConfig {
                order_latency_ns: i64::from(self.order_latency_us) * 1_000,
                report_latency_ns: i64::from(self.report_latency_us) * 1_000,
            },
            ..CoreConfig::default()
        }
    }
}

fn limits() -> RiskLimits {
    RiskLimits::default()
}

fn venue_us(field: fn(&SimulatedVenueConfig) -> i64) -> u32 {
    (field(&SimulatedVenueConfig::default()) / 1_000) as u32
}

fn not_negative() -> RangedI64ValueParser<i64> {
    RangedI64ValueParser::new().range(0..)
}

fn latency() -> RangedI64ValueParser<u32> {
    RangedI64ValueParser::new().range(0..=i64::from(LATENCY_US_MAX))
}

/// A part of all: a number from 0 to 1.
pub(crate) fn probability(text: &str) -> Result<f64, String> {
    number(text, 0.0, 1.0)
}

/// A finite number within bounds, both included.
pub(crate) fn number(text: &str, low: f64, high: f64) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| (low..=high).contains(value));
    value.ok_or_else(|| format!("a number from {low} to {high} is needed"))
}

/// A positive length of time, up to a week.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    number(text, 0.001, 604_800.0)
}

/// Reads a number of seconds that may be 0, for none.
pub(crate) fn seconds_or_none(text: &str) -> Result<f64, String> {
    number(text, 0.0, 604_800.0)
}

/// Reads a length of time of at least a second and at most a day: `30s`, `5m` or `1h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600)];
    let read = |(unit, seconds): (&str, u64)| {
        text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(seconds)
    };
    let seconds = units.into_iter().find_map(read).filter(|it| (1..=86_400).contains(it));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "a time as 30s, 5m or 1h is needed, at most a day".to_string())
}

/// How fast a capture is replayed: `max`, or a positive number and `x`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Speed(pub(crate) Option<f64>);

/// Reads `1x`, `0.5x`, `10x` or `max`.
pub(crate) fn speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed(None));
    }
    let factor = text.strip_suffix('x').and_then(|factor| factor.parse::<f64>().ok());
    let factor = factor.filter(|factor| (0.001..=1e9).contains(factor));
    factor
        .map(|factor| Speed(Some(factor)))
        .ok_or_else(|| "1x, 10x, 0.5x (a number from 0.001 and x), or max is needed".to_string())
}

/// Reads `FEED,CORE`.
fn pin(text: &str) -> Result<(usize, usize), String> {
    let core = |text: &str| text.trim().parse().ok().filter(|core| *core < CORES_MAX);
    let cores = text.split_once(',').and_then(|(feed, this)| Some((core(feed)?, core(this)?)));
    cores.ok_or_else(|| format!("two core numbers below {CORES_MAX} are needed, as in 2,3"))
}

/// The length of a latency interval.
fn interval(text: &str) -> Result<f64, String> {
    number(text, 0.01, 3_600.0)
}

/// Reads `ADDRESS:PORT`, or a port of this machine alone.
fn metrics(text: &str) -> Result<SocketAddr, String> {
    let loopback = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    text.parse().or_else(|_| text.parse().map(loopback)).map_err(|_| {
        "a port or an address and port are needed, as in 9464 or 10.0.0.5:9464".to_string()
    })
}

/// Reads `GROUP:PORT`.
pub(crate) fn group(text: &str) -> Result<SocketAddrV4, String> {
    text.parse().map_err(|_| "an address and port are needed, as in 239.70.70.41:17741".to_string())
}

/// Reads `ADDRESS:PORT` of a service.
pub(crate) fn address(text: &str) -> Result<SocketAddrV4, String> {
    text.parse().map_err(|_| "an address and port are needed, as in 127.0.0.1:9001".to_string())
}

/// Parts of lines A and B, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Percent(pub(crate) [f64; 2]);

/// Reads `PCT`, for both lines, or `PCT,PCT`.
pub(crate) fn percent(text: &str) -> Result<Percent, String> {
    let (a, b) = text.split_once(',').unwrap_or((text, text));
    let part = |text: &str| number(text.trim(), 0.0, 100.0).map(|percent| percent / 100.0);
    match (part(a), part(b)) {
        (Ok(a), Ok(b)) => Ok(Percent([a, b])),
        _ => Err("a percentage from 0 to 100 is needed, or two, as in 1,10".to_string()),
    }
}

/// Reads a positive price in rupees.
pub(crate) fn price(text: &str) -> Result<Px, String> {
    let price = number(text, 0.0, 1e9).map(Px::from_rupees).ok().filter(|price| price.0 > 0);
    price.ok_or_else(|| "a positive price in rupees is needed, as in 0.05".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        limits: LimitArgs,
    }

    #[test]
    fn limits_not_given_are_those_of_the_core() {
        let line = Line::try_parse_from(["line"]).unwrap();
        assert_eq!(line.limits.config(), CoreConfig::default());
        let words = ["line", "--loss-max", "5", "--trade-on-stale", "--order-latency-us", "7"];
        let config = Line::try_parse_from(words).unwrap().limits.config();
        assert_eq!((config.limits.loss_max, config.limits.trade_on_stale), (5, 1));
        assert_eq!(config.venue.order_latency_ns, 7_000);
        assert!(Line::try_parse_from(["line", "--loss-max", "-1"]).is_err());
    }

    #[test]
    fn lengths_of_time_have_a_unit() {
        let seconds = |text| duration(text).map(|it| it.as_secs()).ok();
        let expected = [("30s", Some(30)), ("5m", Some(300)), ("24h", Some(86_400)), ("25h", None)];
        for (text, expected) in expected {
            assert_eq!(seconds(text), expected, "{text}");
        }
        for text in ["5", "0s", "m", "-5m", "5 m", "1.5m", "99999999999999999999h"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn values_that_cannot_be_are_refused() {
        assert_eq!(speed("max"), Ok(Speed(None)));
        assert_eq!(speed("2.5x"), Ok(Speed(Some(2.5))));
        for bad in ["", "x", "10", "0x", "-1x", "nanx", "infx", "1e400x", "MAX"] {
            assert!(speed(bad).is_err(), "{bad}");
        }
        assert_eq!((probability("0"), probability("1")), (Ok(0.0), Ok(1.0)));
        for bad in ["2.0", "-0.1", "nan", "", "half"] {
            assert!(probability(bad).is_err(), "{bad}");
        }
        assert_eq!(pin("0, 1"), Ok((0, 1)));
        for bad in ["1", "1,", "a,b", "0,1024", "-1,0"] {
            assert!(pin(bad).is_err(), "{bad}");
        }
        assert_eq!(percent("1"), Ok(Percent([0.01, 0.01])));
        assert_eq!(percent("0, 100"), Ok(Percent([0.0, 1.0])));
        for bad in ["", "101", "-1", "1,2,3", "1,", "nan", "1%"] {
            assert!(percent(bad).is_err(), "{bad}");
        }
        assert!(address("127.0.0.1").is_err() && address("[::1]:5").is_err());
        assert_eq!(price("0.05"), Ok(Px::from_paise(5)));
        assert_eq!(metrics("9464"), Ok(SocketAddr::from(([127, 0, 0, 1], 9464))));
        assert_eq!(metrics("[::1]:0").map(|it| it.port()), Ok(0));
        assert!(["", "localhost:1", "70000", "1.2.3.4"].iter().all(|bad| metrics(bad).is_err()));
        assert!(interval("0.001").is_err() && interval("1").is_ok());
        assert!(price("0").is_err() && price("x").is_err() && group("239.0.0.1").is_err());
    }
}
