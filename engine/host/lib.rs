//! Tezi: a low-latency trading engine for Indian markets, to embed.
//!
//! Implement [`strategy::Strategy`], choose a [`Session`], and let a [`Host`] run it: market data
//! from two multicast lines or captures through a ring into one pinned core, which journals every
//! input, keeps the books, prices through C++ kernels, checks risk and manages orders.
//!
//! ```no_run
//! use tezi::strategy::{OptionQuoter, OptionQuoterConfig};
//! use tezi::{Host, Session};
//!
//! let strategy = OptionQuoter::new(OptionQuoterConfig::default());
//! let report = Host::new().journal("demo.journal").run(&Session::demo(), strategy)?;
//! assert!(report.is_fine(), "{:?}", report.problems());
//! # Ok::<(), tezi::Error>(())
//! ```

mod accounts;
mod assembly;
pub mod audit;
mod backoff;
mod beginning;
mod carried;
mod clock;
pub mod control;
mod core_loop;
mod csv;
pub mod day_report;
mod demo;
pub mod doctor;
mod error;
pub mod exchange;
mod feed;
mod followers;
mod host;
mod huge_pages;
mod journaling;
pub mod kernels;
pub mod latency;
mod log;
mod mapped;
pub mod margin;
pub mod masters;
mod metrics;
pub mod monitor;
mod observer;
mod order_path;
pub mod orders;
mod pin;
pub mod pricing;
mod progress;
pub mod publish;
mod random;
mod recorder;
mod records;
mod replay;
pub mod replication;
mod report;
mod resume;
mod session;
pub mod simulation;
mod snapshots;
mod summary;
mod tcp;

pub use clock::Clock;
pub use control::ControlConfig;
pub use demo::{DemoConfig, InjectedFaults};
pub use error::Error;
pub use feed::{FeedReport, FullRing, Idle, RecordingCounts, Services};
pub use host::{Host, ProgressSink};
pub use huge_pages::advise_huge_pages;
pub use journaling::{DurabilityReport, JournalMode};
pub use latency::{Latencies, LatencyHistogram, PathStage};
pub use observer::Observation;
pub use orders::{OrderSessionConfig, OrdersReport};
pub use pin::Pinning;
pub use progress::{Progress, ProgressUpdate, TradingState};
pub use records::{ControlEntry, Entry, record_type_name};
pub use replay::{
    JournalHead, ReplayReport, read_head, replay_journal, replay_journal_from, replay_recorded,
    replay_recorded_from, replay_recorded_until, write_snapshots, write_snapshots_recorded,
};
pub use replication::{OnReplicaLoss, ReplicaLink, ReplicationConfig, ReplicationReport};
pub use report::{
    AccountReport, CoreReport, HoldingReport, PositionReport, Report, StrategyReport,
};
pub use resume::Resumption;
pub use session::{
    CaptureSession, DemoSession, FeedGroup, LiveSession, Protocol, ReceiveMethod, STREAM_SILENCE,
    Session, StopSwitch,
};
pub use snapshots::{
    ReplayFrom, SessionSnapshots, SnapshotConfig, SnapshotInfo, SnapshotReport, SnapshotWhen,
};

pub use tezi_core::collateral;
pub use tezi_core::execution;
pub use tezi_core::roster;
pub use tezi_core::strategy;
pub use tezi_core::{
    AccountChange, AccountEvent, AccountLimits, AccountView, Capacity, CarriedLot, Check, Core,
    CoreConfig, CorporateAction, CorporateActionKind, Counters, Emitted, Explanation, HoldingKey,
    InstrumentTable, LimitUse, Lot, Measure, Opening, OpeningRecord, OperatorWork, Origin, Output,
    Position, Ratio, Refusal, Request, RiskLimits, SimulatedVenueConfig, UseLevel, VenueMode, book,
    matching, oms, risk_measures, snapshot, venue,
};
pub use tezi_feed_handler as feed_handler;
pub use tezi_gateway as gateway;
pub use tezi_journal as journal;
pub use tezi_model as model;
pub use tezi_receive as receive;

/// The README's code, compiled with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
