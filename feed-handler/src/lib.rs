//! Market data in: from packets of Indian exchanges to [`tezi_model::Event`]s in order.
//!
//! - [`wire`]: one module per protocol. The structs are the layouts; decoding copies nothing and
//!   ends in model types; the encoders are the same layouts the other way.
//! - [`arbitration`]: two lines in, one sequence out. Duplicates go, early messages wait, what is
//!   lost on both lines is reported at its place.
//! - [`feed`]: one boundary over every protocol that comes in datagrams: what hosts use.
//! - [`capture`]: packets from and to capture files: pcap and pcapng, plain, gzip or zstd.
//! - [`recovery`]: what both lines lost, asked for over TCP; the client and the server.
//! - [`reference`](mod@reference): the exchanges' daily files into one model of an instrument.
//!
//! Promises: no socket, clock, thread or `unsafe`; time is a parameter, so a replay repeats
//! exactly; no allocation after construction; outside bytes never panic, and every refusal has a
//! name and a counter.

pub mod arbitration;
pub mod capture;
pub mod feed;
mod line;
mod named;
pub mod recovery;
pub mod reference;
pub mod wire;

pub use arbitration::{Arbiter, ArbiterConfig};
pub use line::Line;
pub use recovery::RecoveryPolicy;
