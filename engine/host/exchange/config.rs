//! What a served exchange is told beside its scenario: addresses, pace, files.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::time::Duration;

use tezi_exchange::ExchangeConfig;
use tezi_exchange::population::{Population, PopulationConfig, SpreadTraders, listed};
use tezi_exchange::scenario::{PopulationScenario, Scenario};
use tezi_exchange::{Background, NoBackground, RecordedMarket};
use tezi_model::{Event, Instrument, Nanos};

use crate::error::Error;
use crate::publish::ServiceConfig;

/// Certificate and key of the router's TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those between it and its authority, as PEM.
    pub certificate: PathBuf,
    /// Its key, as PEM.
    pub key: PathBuf,
}

/// What an [`ExchangeServer`](super::ExchangeServer) serves, and where.
#[derive(Clone, Debug)]
pub struct ExchangeServerConfig {
    /// The exchange. Gateways with port 0 get a free one.
    pub exchange: ExchangeConfig,
    /// A recorded market that trades beside the members, in place of a population; empty for none.
    pub recording: Vec<Event>,
    /// Who else trades.
    pub population: Option<PopulationScenario>,
    /// Where the exchange's clock begins.
    pub start: Nanos,
    /// How fast it runs: seconds of the exchange to one of ours.
    pub speed: f64,
    /// Where the gateway router listens; port 0 takes a free one.
    pub router: SocketAddrV4,
    /// TLS on the way to the router.
    pub tls: Option<TlsFiles>,
    /// The multicast groups of lines A and B.
    pub groups: [SocketAddrV4; 2],
    /// The group of the five-level feed, where the exchange has one.
    pub broadcast: SocketAddrV4,
    /// Whether a group may be the address of one receiver.
    pub unicast: bool,
    /// The address of the interface that multicast leaves by.
    pub interface: Ipv4Addr,
    /// How many routers multicast may pass; 0 stays on this machine.
    pub ttl: u32,
    /// Tick recovery and snapshots.
    pub services: ServiceConfig,
    /// Ends after so long, of our time.
    pub duration_max: Option<Duration>,
    /// Looks again at once while nothing comes: the least delay, for a core of its own.
    pub spin: bool,
    /// Every datagram of the market goes to this pcapng file too.
    pub record: Option<PathBuf>,
    /// The time between two views.
    pub view_interval: Duration,
    /// Levels of each side in a view.
    pub depth: usize,
    /// How long the recovery services go on after the end.
    pub linger: Duration,
}

impl ExchangeServerConfig {
    /// A scenario on this machine alone, on the addresses that the documentation uses. `contracts` as
    /// [`Scenario::config`].
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`] says what of the scenario cannot be.
    pub fn new(scenario: &Scenario, contracts: &[Instrument]) -> Result<Self, Error> {
        let exchange =
            scenario.config(contracts).map_err(|error| Error::Parameter(error.to_string()))?;
        let local = |port| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        let group = |last, port| SocketAddrV4::new(Ipv4Addr::new(239, 255, 70, last), port);
        Ok(Self {
            exchange,
            recording: Vec::new(),
            population: scenario.population,
            start: scenario.start(),
            speed: 1.0,
            router: local(9_601),
            tls: None,
            groups: [group(41, 17_741), group(31, 10_831)],
            broadcast: group(51, 34_330),
            unicast: false,
            interface: Ipv4Addr::LOCALHOST,
            ttl: 0,
            services: ServiceConfig {
                recovery: Some(local(9_603)),
                snapshot: Some(local(9_603)),
                ..ServiceConfig::default()
            },
            duration_max: None,
            spin: false,
            record: None,
            view_interval: Duration::from_millis(250),
            depth: 5,
            linger: Duration::from_millis(500),
        })
    }

    /// Who trades beside the members.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`]: an instrument or a number that no population can have.
    pub fn background(&self) -> Result<Box<dyn Background + Send>, Error> {
        if !self.recording.is_empty() {
            let listings = &self.exchange.listings;
            return Ok(Box::new(RecordedMarket::new(&self.recording, listings, self.start)));
        }
        let Some(wanted) = self.population else { return Ok(Box::new(NoBackground)) };
        let refused = |what: String| Error::Parameter(what);
        let config = PopulationConfig {
            seed: wanted.seed,
            start: self.start,
            intensity: PopulationConfig::default().intensity * wanted.intensity,
            ..PopulationConfig::default()
        };
        let listed = listed(&self.exchange).map_err(|error| refused(error.to_string()))?;
        let population =
            Population::new(&config, &listed).map_err(|error| refused(error.to_string()))?;
        if self.exchange.spreads.is_empty() {
            return Ok(Box::new(population));
        }
        let traders = SpreadTraders::new(population, &self.exchange, wanted.seed, self.start);
        Ok(Box::new(traders.map_err(|error| refused(error.to_string()))?))
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if !(0.01..=1_000.0).contains(&self.speed) {
            return Err(Error::Parameter(format!("a speed of {}: 0.01 to 1,000", self.speed)));
        }
        if self.tls.is_some() && !cfg!(feature = "tls") {
            let what = "TLS to the router: this program was built without the feature tls";
            return Err(Error::Parameter(what.into()));
        }
        Ok(())
    }
}
