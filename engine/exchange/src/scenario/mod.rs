//! A day of the exchange as a TOML file: what is listed, who may connect, what happens, what fails.
//!
//! `examples/scenarios/nifty.toml` explains every key. A key that nobody knows, a value that cannot be
//! and a reference to what is not there are errors that name their line and key. Reading files is the
//! caller's: [`Scenario::parse`] takes the text, [`Scenario::config`] the contracts of a master file.

mod build;
mod fields;

use core::fmt;
use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use serde::Deserialize;
use tezi_core::venue::rules::RuleError;

use crate::config::ConfigError;
pub use fields::{Clock, Day, Expiry, Length, Rupees};

/// Why a scenario cannot be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The line, counted from 1; 0 when it is about no single line.
    pub line: usize,
    /// The key or table.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.key, self.message),
            line => write!(f, "line {line}, {}: {}", self.key, self.message),
        }
    }
}

impl core::error::Error for ScenarioError {}

impl From<ConfigError> for ScenarioError {
    fn from(error: ConfigError) -> Self {
        Self { line: 0, key: "scenario".into(), message: error.to_string() }
    }
}

impl From<RuleError> for ScenarioError {
    fn from(error: RuleError) -> Self {
        Self { line: 0, key: "rules".into(), message: error.to_string() }
    }
}

/// A scenario as it was read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The day.
    pub exchange: ExchangeTable,
    /// What becomes of orders above the freeze quantity.
    #[serde(default)]
    pub freeze: FreezeTable,
    /// The feed of five levels, beside the streams.
    pub broadcast: Option<BroadcastTable>,
    /// Contracts that the scenario itself lists.
    #[serde(default, rename = "instrument")]
    pub instruments: Vec<toml::Spanned<InstrumentTable>>,
    /// Calendar spreads of what is listed.
    #[serde(default, rename = "spread")]
    pub spreads: Vec<toml::Spanned<SpreadTable>>,
    /// Contracts drawn from a master file.
    pub contracts: Option<ContractsTable>,
    /// Who may connect.
    #[serde(default, rename = "box")]
    pub boxes: Vec<toml::Spanned<BoxTable>>,
    /// Who else trades.
    pub population: Option<PopulationScenario>,
    /// What happens.
    #[serde(default, rename = "event")]
    pub events: Vec<toml::Spanned<EventTable>>,
    /// The text, so that errors found later have lines.
    #[serde(skip)]
    text: String,
}

/// The day itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeTable {
    /// Futures and options, or the capital market.
    pub segment: SegmentName,
    /// The day.
    pub date: Day,
    /// Where the clock begins.
    pub start: Clock,
    /// From it comes everything that is drawn.
    #[serde(default = "one")]
    pub seed: u64,
    /// Market-data streams.
    #[serde(default = "one")]
    pub streams: u8,
    /// Silence after which a stream says that it lives.
    #[serde(default = "two_seconds")]
    pub heartbeat: Length,
    /// The first two digits of order numbers.
    #[serde(default = "eleven")]
    pub order_prefix: u8,
    /// Previous close of NIFTY 50, for the circuit breaker.
    pub nifty_close: Option<Rupees>,
    /// Previous close of SENSEX.
    pub sensex_close: Option<Rupees>,
}

/// The segments that are simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SegmentName {
    /// Futures and options.
    Fo,
    /// The capital market.
    Cm,
}

fn one<T: From<u8>>() -> T {
    T::from(1)
}

const fn eleven() -> u8 {
    11
}

const fn two_seconds() -> Length {
    Length(2_000_000_000)
}

/// What becomes of orders above the freeze quantity.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreezeTable {
    /// Whether they are let in.
    pub approves: bool,
    /// How long the exchange takes to decide.
    pub after: Length,
}

impl Default for FreezeTable {
    fn default() -> Self {
        Self { approves: true, after: two_seconds() }
    }
}

/// The feed of five levels.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BroadcastTable {
    /// From one look at what changed to the next.
    #[serde(default = "one_second")]
    pub interval: Length,
    /// Every contract is sent after so many looks, changed or not; 0 for never.
    #[serde(default = "sixty")]
    pub refresh: u32,
}

const fn one_second() -> Length {
    Length(1_000_000_000)
}

const fn sixty() -> u32 {
    60
}

/// What kind of contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A future.
    Future,
    /// A call.
    Call,
    /// A put.
    Put,
    /// A share, in the capital market.
    Share,
}

/// What a contract is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum On {
    /// An index.
    Index,
    /// A share.
    Stock,
}

/// One contract.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstrumentTable {
    /// The underlying; of a share its name.
    pub symbol: String,
    /// Of a share; `EQ` where it is not said.
    pub series: Option<String>,
    /// The exchange's number.
    pub token: u32,
    /// Future, call or put; or a share.
    pub kind: Kind,
    /// When it expires; a share never does.
    pub expiry: Option<Expiry>,
    /// Of an option.
    pub strike: Option<Rupees>,
    /// Index or share.
    #[serde(default = "index")]
    pub underlying: On,
    /// The stream that carries it.
    #[serde(default = "one")]
    pub stream: u8,
    /// Previous close or base price.
    pub reference: Rupees,
    /// Price step; where it is not said, 0.05.
    pub tick: Option<Rupees>,
    /// Units in a lot; where it is not said, the day's rules do.
    pub lot: Option<u32>,
    /// The most of one order; where it is not said, the day's rules do.
    pub freeze: Option<u32>,
    /// The lowest price.
    pub low: Option<Rupees>,
    /// The highest price.
    pub high: Option<Rupees>,
}

const fn index() -> On {
    On::Index
}

/// One calendar spread.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpreadTable {
    /// The contract that expires first.
    pub near: u32,
    /// The contract that expires last.
    pub far: u32,
    /// The stream that carries it; where it is not said, the near leg's.
    pub stream: Option<u8>,
    /// How far from the difference of the legs' references orders may lie; where it is not said, as
    /// far as the wire lets them.
    pub range: Option<Rupees>,
}

/// Which contracts of a master file are listed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractsTable {
    /// The file, for the caller to load.
    pub file: String,
    /// Level of each underlying that is listed: `NIFTY = 24500`.
    pub underlyings: BTreeMap<String, Rupees>,
    /// How many expiries of each kind, the nearest first.
    #[serde(default = "one")]
    pub expiries: u32,
    /// How many strikes each side of the level.
    pub strikes: u32,
    /// Index or share.
    #[serde(default = "index")]
    pub underlying: On,
}

/// How a box's messages are guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EncryptionName {
    /// Not at all: for a laptop.
    Plain,
    /// The older method.
    Existing,
    /// AES-GCM.
    New,
}

/// One box.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxTable {
    /// The box.
    pub id: i16,
    /// The trading member.
    pub broker: String,
    /// The user.
    pub user: i32,
    /// The user's password.
    pub password: String,
    /// How its messages are guarded.
    #[serde(default = "plain")]
    pub encryption: EncryptionName,
    /// The gateway that the router names.
    pub gateway: Option<GatewayTable>,
    /// Order messages in any second; 0 for no limit.
    #[serde(default)]
    pub messages_per_second: u32,
    /// What goes wrong at its gateway.
    #[serde(default)]
    pub faults: FaultsTable,
}

const fn plain() -> EncryptionName {
    EncryptionName::Plain
}

/// Where a gateway listens.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayTable {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its port.
    pub port: u16,
}

/// What goes wrong at a gateway.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultsTable {
    /// The part of answers that are lost, 0 to 1.
    #[serde(default)]
    pub drop_answers: f64,
    /// Order requests after which the connection breaks; 0 for never.
    #[serde(default)]
    pub disconnect_after: u32,
    /// How long a request is on its way to the matching engine.
    pub delay: Option<Length>,
}

/// Who else trades: handed on as it is.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PopulationScenario {
    /// From it comes everything that is drawn.
    pub seed: u64,
    /// How busy they are; 1 is as on a real day.
    #[serde(default = "usual")]
    pub intensity: f64,
}

const fn usual() -> f64 {
    1.0
}

/// Lines of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinesName {
    /// The first source.
    A,
    /// The second source.
    B,
    /// Both.
    Both,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// All trading stops: by the circuit breaker at `level`, or without one by hand.
    Halt,
    /// Trading goes on after a halt by hand.
    Resume,
    /// The contract `token` has the price band from `low` to `high`.
    BandFlex,
    /// Until `until` datagrams get lost on `lines`, of `stream` or of all.
    FeedLoss,
    /// Trading in what expires today ends.
    Expiry,
    /// `stream` begins anew at 1.
    StreamRestart,
    /// The exchange takes `trade` back.
    TradeCancel,
}

/// Something that happens.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventTable {
    /// When.
    pub at: Clock,
    /// What. Which of the other keys it takes is said there.
    pub kind: EventKind,
    /// 1 to 3.
    pub level: Option<u8>,
    /// A contract.
    pub token: Option<u32>,
    /// The lowest price.
    pub low: Option<Rupees>,
    /// The highest price.
    pub high: Option<Rupees>,
    /// An end.
    pub until: Option<Clock>,
    /// Lines of a stream.
    pub lines: Option<LinesName>,
    /// A stream.
    pub stream: Option<u8>,
    /// A trade's number.
    pub trade: Option<u64>,
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`] for the first thing that is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let mut scenario: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let (line, key) = place_of(text, at);
            ScenarioError { line, key, message: error.message().to_string() }
        })?;
        scenario.text = text.to_string();
        Ok(scenario)
    }

    /// An error about a table that begins at a byte of the text.
    fn error(&self, at: usize, key: &str, message: impl Into<String>) -> ScenarioError {
        let (line, table) = place_of(&self.text, at);
        ScenarioError { line, key: format!("{table} {key}"), message: message.into() }
    }
}

/// The line of a byte, counted from 1, and what stands there: the key, or the table.
fn place_of(text: &str, at: usize) -> (usize, String) {
    let before = text.get(..at).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(start..).unwrap_or("").lines().next().unwrap_or("");
    let key = line.split('=').next().unwrap_or("").trim();
    (before.matches('\n').count() + 1, key.to_string())
}
