//! Opening what a live session receives from.

use std::net::SocketAddrV4;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use tezi_receive::{
    GroupConfig, PacketRing, PacketRingConfig, PacketSource, UdpConfig, UdpMethod, UdpSource,
};

#[cfg(feature = "af-xdp")]
use tezi_receive::{Interface, XdpConfig, XdpSource};

use super::placement::Placement;
use super::run::{Duties, FeedTime, Run, Silence};
use super::tap::Tap;
use super::{EventSink, Feed, FeedReport};
use crate::error::Error;
use crate::session::{LiveSession, ReceiveMethod};

/// A source of one of the kinds there are, opened.
pub(crate) enum LiveSource {
    Udp(UdpSource),
    PacketRing(PacketRing),
    #[cfg(feature = "af-xdp")]
    Xdp(XdpSource),
}

impl LiveSource {
    /// Joins every group of the session.
    pub(crate) fn open(session: &LiveSession) -> Result<Self, Error> {
        let groups: Vec<GroupConfig> = session
            .groups
            .iter()
            .map(|group| GroupConfig {
                group: group.address,
                interface: group.interface.clone(),
                source: group.source,
            })
            .collect();
        let udp = |method: UdpMethod| UdpConfig {
            groups: groups.clone(),
            method,
            receive_buffer_bytes: session.receive_buffer_bytes,
            ..UdpConfig::default()
        };
        let opened = match session.method {
            ReceiveMethod::Recv => UdpSource::open(&udp(UdpMethod::Recv)).map(Self::Udp),
            ReceiveMethod::RecvMmsg => UdpSource::open(&udp(UdpMethod::RecvMmsg)).map(Self::Udp),
            ReceiveMethod::PacketRing => {
                let config = PacketRingConfig { groups, ..PacketRingConfig::default() };
                PacketRing::open(&config).map(Self::PacketRing)
            }
            #[cfg(feature = "af-xdp")]
            ReceiveMethod::AfXdp => {
                // What this machine sends to itself has no checksum yet when it is received.
                let verifies_checksums = !groups.iter().all(is_loopback);
                let config = XdpConfig { groups, verifies_checksums, ..XdpConfig::default() };
                XdpSource::open(&config).map(Self::Xdp)
            }
        };
        opened.map_err(Error::Receive)
    }

    /// The groups, with the ports the kernel gave.
    pub(crate) fn groups(&self) -> &[SocketAddrV4] {
        match self {
            Self::Udp(source) => source.groups(),
            Self::PacketRing(source) => source.groups(),
            #[cfg(feature = "af-xdp")]
            Self::Xdp(source) => source.groups(),
        }
    }

    /// Receives until the session's end.
    pub(crate) fn run<O: EventSink>(
        &mut self,
        feed: Feed<'_, O>,
        listening: Listening<'_>,
        duties: &mut impl AnyDuties<O>,
    ) -> FeedReport {
        match self {
            Self::Udp(source) => listening.run(feed, source, duties),
            Self::PacketRing(source) => listening.run(feed, source, duties),
            #[cfg(feature = "af-xdp")]
            Self::Xdp(source) => listening.run(feed, source, duties),
        }
    }
}

#[cfg(feature = "af-xdp")]
fn is_loopback(group: &GroupConfig) -> bool {
    match &group.interface {
        Interface::Any => false,
        Interface::Address(address) => address.is_loopback(),
        Interface::Name(name) => name == "lo",
    }
}

/// Duties beside whichever source a live session has.
#[cfg(not(feature = "af-xdp"))]
pub(crate) trait AnyDuties<O>: Duties<UdpSource, O> + Duties<PacketRing, O> {}
#[cfg(not(feature = "af-xdp"))]
impl<D: Duties<UdpSource, O> + Duties<PacketRing, O>, O> AnyDuties<O> for D {}

/// Duties beside whichever source a live session has.
#[cfg(feature = "af-xdp")]
pub(crate) trait AnyDuties<O>:
    Duties<UdpSource, O> + Duties<PacketRing, O> + Duties<XdpSource, O>
{
}
#[cfg(feature = "af-xdp")]
impl<D, O> AnyDuties<O> for D where
    D: Duties<UdpSource, O> + Duties<PacketRing, O> + Duties<XdpSource, O>
{
}

/// A live session being listened to.
pub(crate) struct Listening<'a> {
    pub(crate) session: &'a LiveSession,
    pub(crate) tap: Option<Tap>,
    pub(crate) stop: &'a AtomicBool,
}

impl Listening<'_> {
    fn run<S: PacketSource, O: EventSink>(
        self,
        feed: Feed<'_, O>,
        source: &mut S,
        duties: &mut impl Duties<S, O>,
    ) -> FeedReport {
        let groups = self.session.groups.iter();
        let mut placement =
            Placement::of_groups(groups.map(|group| (group.address, group.channel)));
        let run = Run {
            source,
            placement: &mut placement,
            tap: self.tap,
            idle: self.session.idle,
            time: FeedTime::Clock,
            stop: self.stop,
        };
        run.receive(feed, duties)
    }
}

/// The end of a live session, and nothing else to do.
pub(crate) struct UntilOver<'a> {
    session: &'a LiveSession,
    started: Instant,
}

impl<'a> UntilOver<'a> {
    pub(crate) fn new(session: &'a LiveSession) -> Self {
        Self { session, started: Instant::now() }
    }

    /// Whether nothing more is to be waited for.
    pub(crate) fn is_over(&self, silence: &Silence) -> bool {
        let session = self.session;
        let is_silent =
            session.silence_max.is_some_and(|max| silence.since >= max && !silence.is_recovering);
        let is_late = session.duration_max.is_some_and(|max| self.started.elapsed() >= max);
        is_silent || is_late || session.stop.is_set()
    }
}

impl<S, O> Duties<S, O> for UntilOver<'_> {
    fn is_over(&mut self, _source: &S, silence: &Silence) -> bool {
        Self::is_over(self, silence)
    }
}
