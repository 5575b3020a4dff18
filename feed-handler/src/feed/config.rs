//! What a feed handler is made from.

use core::fmt;

use tezi_model::Segment;

use super::{LevelConfig, Protocol};
use crate::ArbiterConfig;
use crate::arbitration;
use crate::wire::itch::SessionDate;
use crate::wire::{bse_eobi, bse_nfcast, mold_udp64};

/// The feed, and the bounds of its parts. Those of other protocols than [`FeedConfig::protocol`]
/// are not looked at.
#[derive(Clone, Copy, Debug)]
pub struct FeedConfig {
    /// The protocol.
    pub protocol: Protocol,
    /// The segment, one of [`Protocol::segments`].
    pub segment: Segment,
    /// The day, where times on the wire have none: the date in New York for ITCH, in India for
    /// NFCAST. `None` takes the date that the receive time of the first datagram (NFCAST: of each)
    /// lies on.
    pub session_date: Option<SessionDate>,
    /// Of [`Protocol::NseMtbt`]; its segment is [`FeedConfig::segment`], whatever it says.
    pub arbiter: ArbiterConfig,
    /// Of [`Protocol::BseEobi`]; its segment is [`FeedConfig::segment`], whatever it says.
    pub eobi: bse_eobi::SequencerConfig,
    /// Of [`Protocol::BseNfcast`].
    pub nfcast: bse_nfcast::Dialect,
    /// Of [`Protocol::MoldItch`]. Where there is a re-request server, `requests_max` is to be
    /// positive and [`FeedHandler::poll_request`](super::FeedHandler::poll_request) called.
    pub mold: mold_udp64::SequencerConfig,
    /// Lost ranges listed of a MoldUDP64 session; later ones are only counted.
    pub mold_lost_ranges_max: usize,
    /// Of feeds by price level.
    pub levels: LevelConfig,
}

impl FeedConfig {
    /// The usual bounds; no date, no recovery, no re-request server.
    #[must_use]
    pub fn new(protocol: Protocol, segment: Segment) -> Self {
        Self {
            protocol,
            segment,
            session_date: None,
            arbiter: ArbiterConfig::new(segment),
            eobi: bse_eobi::SequencerConfig::new(segment),
            nfcast: bse_nfcast::Dialect::default(),
            mold: mold_udp64::SequencerConfig {
                requests_max: 0,
                ..mold_udp64::SequencerConfig::default()
            },
            mold_lost_ranges_max: 1024,
            levels: LevelConfig::default(),
        }
    }

    /// Whether the segment has such a feed; the parts check their own bounds.
    pub(super) fn check(&self) -> Result<(), FeedConfigError> {
        if !self.protocol.segments().contains(&self.segment) {
            return Err(FeedConfigError::Segment);
        }
        if self.protocol.is_by_level() && !self.levels.is_possible() {
            return Err(FeedConfigError::Levels);
        }
        Ok(())
    }

    pub(super) const fn arbiter_config(&self) -> ArbiterConfig {
        ArbiterConfig { segment: self.segment, ..self.arbiter }
    }

    pub(super) const fn eobi_config(&self) -> bse_eobi::SequencerConfig {
        bse_eobi::SequencerConfig { segment: self.segment, ..self.eobi }
    }
}

/// Why a [`FeedConfig`] cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedConfigError {
    /// The segment is not sent by the protocol.
    Segment,
    /// A bound of [`LevelConfig`].
    Levels,
    /// A bound of the arbiter.
    Arbiter(arbitration::ConfigError),
    /// A bound of the EOBI sequencer.
    Eobi(bse_eobi::ConfigError),
    /// A bound of the MoldUDP64 sequencer.
    Mold(mold_udp64::ConfigError),
}

impl FeedConfigError {
    /// A name for programs, in snake case: of the field, where there is one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::Levels => "levels",
            Self::Arbiter(error) => error.name(),
            Self::Eobi(error) => error.name(),
            Self::Mold(error) => error.name(),
        }
    }
}

impl fmt::Display for FeedConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment => f.pad("the segment is not sent by this protocol"),
            Self::Levels => f.pad(
                "instruments_max must be 1 to 2^24, indices_max at most 65536, time_jump_ns positive",
            ),
            Self::Arbiter(error) => error.fmt(f),
            Self::Eobi(error) => error.fmt(f),
            Self::Mold(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for FeedConfigError {}

impl From<arbitration::ConfigError> for FeedConfigError {
    fn from(error: arbitration::ConfigError) -> Self {
        Self::Arbiter(error)
    }
}

impl From<bse_eobi::ConfigError> for FeedConfigError {
    fn from(error: bse_eobi::ConfigError) -> Self {
        Self::Eobi(error)
    }
}

impl From<mold_udp64::ConfigError> for FeedConfigError {
    fn from(error: mold_udp64::ConfigError) -> Self {
        Self::Mold(error)
    }
}
