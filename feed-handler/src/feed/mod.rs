//! One boundary over every market-data protocol: datagrams in, events in order out, whatever the
//! exchange.
//!
//! [`FeedHandler`] looks at the protocol once per datagram; behind that is each protocol's own code,
//! and none of it is repeated here. Feeds by price level ([`LevelBooks`]) give the same events as
//! feeds by order: one synthetic order for each level. [`FeedCounters`] says what came and what
//! became of it in terms that hold for all, and [`recognise`] tells which protocol a datagram is of.
//!
//! Promises: no socket and no clock; time is a parameter; nothing is allocated after construction
//! but by [`FeedHandler::report`]. What is done where protocols differ is in `docs/wire/feed.md`.

mod broadcast;
mod config;
mod counters;
mod eobi;
mod indices;
mod levels;
#[cfg(test)]
mod levels_tests;
mod mold;
mod mtbt;
mod nfcast;
mod protocol;
mod recognise;
#[cfg(test)]
mod recognise_tests;
#[cfg(test)]
mod samples;
mod shown;
#[cfg(test)]
mod tests;

use tezi_model::{Event, Nanos};

use crate::wire::bse_eobi;
use crate::wire::mold_udp64::RequestPacket;
use crate::{Arbiter, Line};
use broadcast::BroadcastFeed;
use mold::MoldFeed;
use nfcast::NfcastFeed;

pub use config::{FeedConfig, FeedConfigError};
pub use counters::{FeedCounters, LineCounts, LostNumbers, StreamCounts, UndecodedCode};
pub use indices::{IndexName, index_token};
pub use levels::{
    LEVELS_MAX, LevelBooks, LevelConfig, LevelContext, LevelCounters, LevelOutcome, Picture,
    PriceLevel,
};
pub use protocol::{Channel, Protocol};
pub use recognise::{Candidates, Recognised, Recogniser, Verdict, recognise};

/// The feed of one segment by one protocol, on up to two lines.
///
/// ```
/// use tezi_feed_handler::Line;
/// use tezi_feed_handler::feed::{Channel, FeedConfig, FeedHandler, Protocol};
/// use tezi_feed_handler::wire::nse_mtbt::encode_heartbeat;
/// use tezi_model::{Nanos, Segment};
///
/// let mut feed = FeedHandler::new(&FeedConfig::new(Protocol::NseMtbt, Segment::NseFo))?;
/// let datagram = encode_heartbeat(1, 40);
/// feed.on_packet(Channel::Line(Line::A), &datagram, Nanos(1), &mut |_| {});
/// assert_eq!(feed.report().lines[0].heartbeats, 1);
/// # Ok::<(), tezi_feed_handler::feed::FeedConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FeedHandler {
    inner: Inner,
    /// Datagrams of a channel that the protocol does not have.
    misdirected: u64,
}

/// The protocols' own handlers.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a feed thread has one handler, and the fastest feed is not to follow a pointer"
)]
enum Inner {
    Mtbt(Arbiter),
    Broadcast(Box<BroadcastFeed>),
    Eobi(Box<bse_eobi::Sequencer>),
    Nfcast(Box<NfcastFeed>),
    Mold(Box<MoldFeed>),
}

impl FeedHandler {
    /// A handler that has seen nothing. All its memory is taken here.
    ///
    /// # Errors
    ///
    /// [`FeedConfigError`] when the segment has no such feed, or a bound is out of range.
    pub fn new(config: &FeedConfig) -> Result<Self, FeedConfigError> {
        config.check()?;
        let inner = match config.protocol {
            Protocol::NseMtbt => Inner::Mtbt(Arbiter::new(config.arbiter_config())?),
            Protocol::NseBroadcast => Inner::Broadcast(Box::new(BroadcastFeed::new(config))),
            Protocol::BseEobi => {
                Inner::Eobi(Box::new(bse_eobi::Sequencer::new(config.eobi_config())?))
            }
            Protocol::BseNfcast => Inner::Nfcast(Box::new(NfcastFeed::new(config))),
            Protocol::MoldItch => Inner::Mold(Box::new(MoldFeed::new(config)?)),
        };
        Ok(Self { inner, misdirected: 0 })
    }

    /// The protocol.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        match self.inner {
            Inner::Mtbt(_) => Protocol::NseMtbt,
            Inner::Broadcast(_) => Protocol::NseBroadcast,
            Inner::Eobi(_) => Protocol::BseEobi,
            Inner::Nfcast(_) => Protocol::BseNfcast,
            Inner::Mold(_) => Protocol::MoldItch,
        }
    }

    /// Takes one datagram and gives out what it completes, in order.
    ///
    /// Waits that are over at `receive_time` end first, as by [`FeedHandler::on_timeout`]. A bad
    /// datagram or message is counted by its reason. All events of one call but the last have
    /// [`MORE_IN_PACKET`](tezi_model::MarketFlags::MORE_IN_PACKET) set (those of the timeout count
    /// apart). A datagram of a channel that the protocol does not have is counted and dropped.
    #[inline]
    pub fn on_packet(
        &mut self,
        channel: Channel,
        datagram: &[u8],
        receive_time: Nanos,
        sink: &mut impl FnMut(&Event),
    ) {
        match (&mut self.inner, channel) {
            (Inner::Mtbt(arbiter), Channel::Line(line)) => {
                arbiter.on_packet(line, datagram, receive_time, sink);
            }
            _ => self.on_other_packet(channel, datagram, receive_time, sink),
        }
    }

    /// What is not tick by tick: kept out of the caller, so that the fastest feed stays small.
    #[inline(never)]
    fn on_other_packet(
        &mut self,
        channel: Channel,
        datagram: &[u8],
        receive_time: Nanos,
        sink: &mut impl FnMut(&Event),
    ) {
        match (&mut self.inner, channel) {
            (Inner::Eobi(sequencer), Channel::Line(line)) => {
                let channel = bse_eobi::Channel::Incremental;
                sequencer.on_packet(channel, line, datagram, receive_time, sink);
            }
            (Inner::Eobi(sequencer), Channel::Snapshot(line)) => {
                let channel = bse_eobi::Channel::Snapshot;
                sequencer.on_packet(channel, line, datagram, receive_time, sink);
            }
            (Inner::Broadcast(feed), Channel::Line(line)) => {
                feed.on_packet(line, datagram, receive_time, sink);
            }
            (Inner::Nfcast(feed), Channel::Line(line)) => {
                feed.on_packet(line, datagram, receive_time, sink);
            }
            (Inner::Mold(feed), Channel::Line(_) | Channel::Reply) => {
                feed.on_packet(channel, datagram, receive_time, sink);
            }
            _ => self.misdirected += 1,
        }
    }

    /// Ends the waits that are over at `now`, and gives out what waited behind them.
    pub fn on_timeout(&mut self, now: Nanos, sink: &mut impl FnMut(&Event)) {
        match &mut self.inner {
            Inner::Mtbt(arbiter) => arbiter.on_timeout(now, sink),
            Inner::Eobi(sequencer) => sequencer.on_timeout(now, sink),
            Inner::Mold(feed) => feed.on_timeout(now, sink),
            Inner::Broadcast(_) | Inner::Nfcast(_) => {}
        }
    }

    /// When [`FeedHandler::on_timeout`], [`FeedHandler::poll_request`] or the arbiter's
    /// [`poll_recovery`](Arbiter::poll_recovery) next has something to do; `None` when nothing is
    /// waited for.
    #[inline]
    #[must_use]
    pub fn next_timeout(&self) -> Option<Nanos> {
        match &self.inner {
            Inner::Mtbt(arbiter) => arbiter.next_timeout(),
            Inner::Eobi(sequencer) => sequencer.next_timeout(),
            Inner::Mold(feed) => feed.next_timeout(),
            Inner::Broadcast(_) | Inner::Nfcast(_) => None,
        }
    }

    /// Whether something is missing that may still come, or is asked for.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        match &self.inner {
            Inner::Mtbt(arbiter) => arbiter.is_waiting(),
            _ => self.next_timeout().is_some(),
        }
    }

    /// Gives up everything that is missing: nothing more can come. `now` is the receive time of the
    /// events about it.
    pub fn finish(&mut self, now: Nanos, sink: &mut impl FnMut(&Event)) {
        match &mut self.inner {
            Inner::Mtbt(arbiter) => arbiter.finish(now, sink),
            Inner::Eobi(sequencer) => sequencer.finish(now, sink),
            Inner::Mold(feed) => feed.finish(now, sink),
            Inner::Broadcast(_) | Inner::Nfcast(_) => {}
        }
    }

    /// The bytes to send to the MoldUDP64 re-request server now, whose answer comes back by
    /// [`Channel::Reply`]; `None` when nothing is to be asked for, and for every other protocol.
    #[inline]
    pub fn poll_request(&mut self, now: Nanos) -> Option<[u8; size_of::<RequestPacket>()]> {
        match &mut self.inner {
            Inner::Mold(feed) => feed.poll_request(now),
            _ => None,
        }
    }

    /// The arbiter of tick-by-tick data, `None` for every other protocol.
    #[inline]
    #[must_use]
    pub const fn arbiter(&self) -> Option<&Arbiter> {
        match &self.inner {
            Inner::Mtbt(arbiter) => Some(arbiter),
            _ => None,
        }
    }

    /// The arbiter of tick-by-tick data, for its recovery over TCP.
    #[inline]
    pub const fn arbiter_mut(&mut self) -> Option<&mut Arbiter> {
        match &mut self.inner {
            Inner::Mtbt(arbiter) => Some(arbiter),
            _ => None,
        }
    }

    /// The indices seen, in the order in which they were: what the tokens of
    /// [`IndexValue`](tezi_model::EventKind::IndexValue) events stand for. Empty for feeds without.
    #[must_use]
    pub fn indices(&self) -> &[IndexName] {
        match &self.inner {
            Inner::Broadcast(feed) => feed.indices(),
            _ => &[],
        }
    }

    /// What a feed by price level shows, `None` for feeds by order.
    #[must_use]
    pub const fn levels(&self) -> Option<&LevelBooks> {
        match &self.inner {
            Inner::Broadcast(feed) => Some(feed.books()),
            Inner::Nfcast(feed) => Some(feed.books()),
            Inner::Mtbt(_) | Inner::Eobi(_) | Inner::Mold(_) => None,
        }
    }

    /// What came and what became of it. Allocates; for the end of a session and for displays.
    #[must_use]
    pub fn report(&self) -> FeedCounters {
        let mut counters = match &self.inner {
            Inner::Mtbt(arbiter) => mtbt::report(arbiter),
            Inner::Broadcast(feed) => feed.report(),
            Inner::Eobi(sequencer) => eobi::report(sequencer),
            Inner::Nfcast(feed) => feed.report(),
            Inner::Mold(feed) => feed.report(),
        };
        counters.misdirected = self.misdirected;
        counters
    }
}

/// The flag of the line an event came on.
const fn line_flag(line: Line) -> u8 {
    match line {
        Line::A => 0,
        Line::B => tezi_model::MarketFlags::LINE_B,
    }
}
