//! The protocols, and the ways a datagram of one can come.

use core::fmt;

use tezi_model::Segment;

use crate::Line;

/// A market-data protocol that comes in datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Protocol {
    /// NSE tick by tick, order by order (MTBT 6.7).
    NseMtbt = 0,
    /// NSE broadcast, five levels by price (FO 9.48, CM 6.3).
    NseBroadcast = 1,
    /// BSE order by order (EOBI 1.4).
    BseEobi = 2,
    /// BSE five levels by price (NFCAST 5.0).
    BseNfcast = 3,
    /// NASDAQ TotalView-ITCH 5.0 on MoldUDP64.
    MoldItch = 4,
}

impl Protocol {
    /// Every protocol, by code.
    pub const ALL: [Self; 5] =
        [Self::NseMtbt, Self::NseBroadcast, Self::BseEobi, Self::BseNfcast, Self::MoldItch];

    /// The name people type and programs print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NseMtbt => "mtbt",
            Self::NseBroadcast => "broadcast",
            Self::BseEobi => "eobi",
            Self::BseNfcast => "nfcast",
            Self::MoldItch => "mold",
        }
    }

    /// The protocol of a [name](Self::name), `None` for any other text.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.name() == name)
    }

    /// The segments that are sent by it.
    #[must_use]
    pub const fn segments(self) -> &'static [Segment] {
        match self {
            Self::NseMtbt => &[Segment::NseFo, Segment::NseCm, Segment::NseCd, Segment::NseCo],
            Self::NseBroadcast => &[Segment::NseFo, Segment::NseCm],
            Self::BseEobi | Self::BseNfcast => &[Segment::BseFo, Segment::BseCm, Segment::BseCd],
            Self::MoldItch => &[Segment::NasdaqUs],
        }
    }

    /// Whether it shows price levels, not orders.
    #[must_use]
    pub const fn is_by_level(self) -> bool {
        matches!(self, Self::NseBroadcast | Self::BseNfcast)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a datagram came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// A line of the feed itself; of EOBI, of its incremental channel.
    Line(Line),
    /// A line of EOBI's snapshot channel.
    Snapshot(Line),
    /// The socket that asked a MoldUDP64 re-request server.
    Reply,
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Line(Line::A) => "line A",
            Self::Line(Line::B) => "line B",
            Self::Snapshot(Line::A) => "snapshot A",
            Self::Snapshot(Line::B) => "snapshot B",
            Self::Reply => "reply",
        })
    }
}
