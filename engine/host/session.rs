//! Where a session's market comes from.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tezi_feed_handler::feed::{self, Channel, FeedConfig};
use tezi_feed_handler::wire::itch::SessionDate;
use tezi_model::{Instrument, Segment};
use tezi_receive::Interface;

use crate::demo::DemoConfig;
use crate::feed::{FullRing, Idle, Services};
use crate::orders::OrderSessionConfig;

/// A market to run a strategy against.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a process has one or two sessions")]
pub enum Session {
    /// The demo: generated, on two multicast lines of this machine.
    Demo(DemoSession),
    /// Captures or recordings, replayed.
    Capture(CaptureSession),
    /// The wire.
    Live(LiveSession),
}

/// The demo and what to keep of it.
#[derive(Clone, Debug, Default)]
pub struct DemoSession {
    /// What it is made of.
    pub config: DemoConfig,
    /// Where to write what was sent, as a capture of both lines.
    pub save_pcap: Option<PathBuf>,
}

/// Captures and how to replay them.
#[derive(Clone, Debug, Default)]
pub struct CaptureSession {
    /// The files; several (one a line, say) are merged by time.
    pub files: Vec<PathBuf>,
    /// How much faster than recorded; `None` is as fast as it goes.
    pub speed: Option<f64>,
    /// What is in the files.
    pub protocol: Protocol,
    /// The segment they are of; `None` takes the first that the protocol has.
    pub segment: Option<Segment>,
    /// The day, where times on the wire have none; `None` takes that of the packets.
    pub date: Option<SessionDate>,
    /// The groups of the feed and what comes by each; empty finds them out.
    pub groups: Vec<(SocketAddrV4, Channel)>,
    /// Instruments known beforehand.
    pub instruments: Vec<Instrument>,
}

/// What recorded files hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Found out: DBN by its first bytes, packets by what is in them.
    #[default]
    Auto,
    /// Captured packets.
    Packets(feed::Protocol),
    /// Databento's DBN, market by order, plain or compressed.
    Dbn,
    /// NASDAQ's ITCH 5.0 as raw files have it, each message behind its length. The messages do not
    /// say their day.
    Itch(SessionDate),
}

/// How datagrams are fetched from the kernel. `docs/operating/receiving.md` says which one when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReceiveMethod {
    /// One system call a datagram.
    #[default]
    Recv,
    /// Up to 32 datagrams a system call.
    RecvMmsg,
    /// A ring of packets shared with the kernel: no system call a datagram. Needs `CAP_NET_RAW`.
    PacketRing,
    /// AF_XDP on queue 0 of the interface, past the kernel's network stack; zero copy where the
    /// driver can. Needs `CAP_NET_ADMIN` and `CAP_BPF`, and every group on one named interface.
    #[cfg(feature = "af-xdp")]
    AfXdp,
}

/// One group of a live feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedGroup {
    /// Group and port; port 0 takes a free one. A unicast address is bound, and nothing is joined.
    pub address: SocketAddrV4,
    /// What comes by it.
    pub channel: Channel,
    /// Where it is joined.
    pub interface: Interface,
    /// The only sender to hear; everyone, when `None`.
    pub source: Option<Ipv4Addr>,
}

impl FeedGroup {
    /// A group on whichever interface the routing table says, from any sender.
    #[must_use]
    pub const fn new(address: SocketAddrV4, channel: Channel) -> Self {
        Self { address, channel, interface: Interface::Any, source: None }
    }
}

/// Tells a live session from any thread that it is over.
#[derive(Clone, Debug, Default)]
pub struct StopSwitch(Arc<AtomicBool>);

impl StopSwitch {
    /// Ends the session in order: what is missing is given up, open orders are cancelled.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The flag itself, for those who can only set a flag: a signal handler.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

/// How long a stream of tick-by-tick data may be silent: above NSE's heartbeats, which come after "a
/// few seconds" (MTBT 6.7, chapter 10), two of which may get lost.
pub const STREAM_SILENCE: Duration = Duration::from_secs(10);

/// The wire and how to listen to it.
#[derive(Clone, Debug)]
pub struct LiveSession {
    /// The protocol, the segment, and their bounds.
    pub feed: FeedConfig,
    /// What to listen to.
    pub groups: Vec<FeedGroup>,
    /// What to ask when messages are missing on every line.
    pub services: Services,
    /// How datagrams are fetched.
    pub method: ReceiveMethod,
    /// What the feed's thread does while nothing comes.
    pub idle: Idle,
    /// What happens when the core is behind by a whole ring.
    pub full_ring: FullRing,
    /// Receive buffer of each socket to ask for.
    pub receive_buffer_bytes: usize,
    /// Where to write every datagram, as pcapng with times in nanoseconds.
    pub record: Option<PathBuf>,
    /// Instruments known beforehand.
    pub instruments: Vec<Instrument>,
    /// Where orders go; to the venue inside the core, when `None`. With it the core's configuration
    /// gets the venue outside and its own range of order numbers.
    pub orders: Option<OrderSessionConfig>,
    /// The session ends this long after its start.
    pub duration_max: Option<Duration>,
    /// The session ends when nothing has come for this long and nothing is being recovered.
    pub silence_max: Option<Duration>,
    /// The session ends when this is set.
    pub stop: StopSwitch,
}

impl LiveSession {
    /// Listens to groups until it is stopped. A stream of tick-by-tick data is stale when nothing was
    /// heard of it for [`STREAM_SILENCE`], where `feed` says nothing else.
    #[must_use]
    pub fn new(mut feed: FeedConfig, groups: Vec<FeedGroup>) -> Self {
        if feed.arbiter.silence_ns == 0 {
            feed.arbiter.silence_ns = STREAM_SILENCE.as_nanos() as i64;
        }
        Self {
            feed,
            groups,
            services: Services::default(),
            method: ReceiveMethod::default(),
            idle: Idle::default(),
            full_ring: FullRing::Drop,
            receive_buffer_bytes: 16 << 20,
            record: None,
            instruments: Vec::new(),
            orders: None,
            duration_max: None,
            silence_max: None,
            stop: StopSwitch::default(),
        }
    }
}

impl Session {
    /// The default demo.
    #[must_use]
    pub fn demo() -> Self {
        Self::Demo(DemoSession::default())
    }

    /// Captures, as fast as they go; what is in them is found out.
    #[must_use]
    pub fn captures(files: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        let files = files.into_iter().map(Into::into).collect();
        Self::Capture(CaptureSession { files, ..CaptureSession::default() })
    }

    /// The demo when no file is named, the captures otherwise: what an example wants of its
    /// command line.
    ///
    /// ```
    /// use tezi::Session;
    /// assert!(matches!(Session::of_files(Vec::<String>::new()), Session::Demo(_)));
    /// assert!(matches!(Session::of_files(["a.pcap"]), Session::Capture(_)));
    /// ```
    #[must_use]
    pub fn of_files(files: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        let files: Vec<PathBuf> = files.into_iter().map(Into::into).collect();
        if files.is_empty() { Self::demo() } else { Self::captures(files) }
    }
}
