//! A simulated NSE: futures and options orders come in as NNF bytes, market data goes out as MTBT
//! datagrams, and between them the exchange's own rules decide.
//!
//! [`Exchange`] owns a matching engine ([`tezi_core::matching`]), the dated rules of its day
//! ([`tezi_core::venue`]), a session for each box ([`tezi_gateway::nnf::server`]) and a tape of market
//! data ([`tezi_feed_handler::wire::nse_mtbt`]). What else trades is a [`Background`]:
//! simulated participants ([`population`]), a recorded market, or nothing. A [`scenario`] file sets day, contracts, boxes and events.
//!
//! It owns no socket, clock or thread: bytes and time come in, bytes go out, and the same calls give
//! the same bytes. Orders meet no allocation after start. Every refusal has the exchange's own number
//! where one is known, and is counted.

mod background;
mod broadcast;
mod check;
mod config;
mod contracts;
mod datagrams;
mod day;
mod events;
mod exchange;
mod floor;
mod images;
mod index;
mod legs;
mod members;
mod operator;
pub mod population;
mod random;
mod recorded;
mod requests;
pub mod scenario;
mod spreads;
mod tape;
mod view;

pub use background::{Action, BACKGROUND_MEMBERS, Background, NoBackground};
pub use broadcast::BroadcastConfig;
pub use config::{
    BoxConfig, ConfigError, ExchangeConfig, FreezePolicy, GatewayFaults, Limits, Listing,
    TimedEvent, VenueEvent,
};
pub use datagrams::{Datagram, Lines};
pub use exchange::Exchange;
pub use operator::OperatorCommand;
pub use recorded::{ListingsOfRecording, RecordedCounters, RecordedMarket, recorded_listings};
pub use spreads::{SpreadListing, SpreadOfTheDay};
pub use tape::StreamState;
pub use view::{Activity, BoxView, Counters, RecentTrades};
