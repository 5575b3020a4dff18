//! The simulated exchange on the wire: members over TCP, market data on two multicast lines, tick
//! recovery and snapshots beside them.
//!
//! [`ExchangeServer`] opens the sockets of a [`Scenario`] and runs it: one thread owns the
//! [`Exchange`], reads a clock, moves bytes and never waits for anybody; the recovery services have a
//! thread of their own. What the exchange says leaves in the order in which it was said. After a
//! stall of the machine the exchange's time goes on in small steps, or, after a long one, later than
//! it should: it never jumps.

mod broadcast;
mod config;
mod masters;
mod members;
mod pace;
mod recording;
mod server;
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod view;

pub use config::{ExchangeServerConfig, TlsFiles};
pub use masters::{
    contract_file, security_file, spread_file, spread_stream_information, stream_information,
};
pub use members::ConnectionCounts;
pub(crate) use members::Members;
pub use recording::read_recording;
pub use server::ExchangeServer;
pub use view::{ExchangeReport, ExchangeView, InstrumentView, LineCounts};

pub use tezi_exchange::population::{self, Population};
pub use tezi_exchange::scenario::{self, Scenario, ScenarioError};
pub use tezi_exchange::{
    Background, BoxConfig, BoxView, BroadcastConfig, Counters, Exchange, ExchangeConfig,
    GatewayFaults, Limits, Lines, Listing, ListingsOfRecording, NoBackground, OperatorCommand,
    RecordedMarket, SpreadListing, SpreadOfTheDay, StreamState, TimedEvent, VenueEvent,
    recorded_listings,
};
