//! Listening to the wire: the arguments that every command with a live feed shares.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use clap::{Args, ValueEnum};
use tezi::feed_handler::feed::{self, FeedConfig};
use tezi::receive::Interface;
use tezi::{FeedGroup, Idle, LiveSession, Protocol, ReceiveMethod, Services};

use crate::args;
use crate::outcome::Failure;
use crate::wire::WireArgs;

/// How the wire is listened to.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Listening")]
pub(crate) struct ListenArgs {
    /// The interface to join on: its name, or its address
    #[arg(long, value_name = "INTERFACE")]
    interface: Option<String>,
    /// The only sender to hear on every group (source-specific multicast)
    #[arg(long, value_name = "ADDRESS")]
    source: Option<Ipv4Addr>,
    /// The only sender to hear on the groups of line B
    #[arg(long, value_name = "ADDRESS", requires = "source")]
    source_b: Option<Ipv4Addr>,
    /// How datagrams are fetched from the kernel
    #[arg(long, value_name = "METHOD", value_enum, default_value_t = Method::Recv)]
    method: Method,
    /// Looks again at once while nothing comes: the least delay, for a core of its own
    #[arg(long)]
    spin: bool,
    /// Tick recovery of NSE, over TCP
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = args::address)]
    recovery: Option<SocketAddrV4>,
    /// Snapshots of NSE, over TCP
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = args::address, requires = "recovery")]
    snapshot: Option<SocketAddrV4>,
    /// The re-request server of a MoldUDP64 session
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = args::address)]
    requests: Option<SocketAddrV4>,
    /// Books of an NSE stream are stale when nothing was heard of it for this many seconds; 0 for never.
    /// The exchange sends a heartbeat when there is nothing else to say
    #[arg(long, value_name = "SECONDS", value_parser = args::seconds_or_none, default_value = "10")]
    stream_silence: f64,
    /// Ends after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = args::seconds)]
    seconds: Option<f64>,
    /// Ends when nothing has come for this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = args::seconds)]
    silence: Option<f64>,
}

/// How datagrams are fetched.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Method {
    /// One system call a datagram
    Recv,
    /// Up to 32 datagrams a system call
    Recvmmsg,
    /// A ring shared with the kernel: no system call a datagram; needs CAP_NET_RAW
    Ring,
    /// AF_XDP, past the kernel's network stack, on a named interface; needs root
    #[cfg(feature = "af-xdp")]
    Xdp,
}

impl ListenArgs {
    /// A session of the groups named, until it is stopped.
    pub(crate) fn session(&self, wire: &WireArgs) -> Result<LiveSession, Failure> {
        let protocol = match wire.protocol() {
            Protocol::Packets(protocol) => protocol,
            Protocol::Auto => feed::Protocol::NseMtbt,
            Protocol::Dbn | Protocol::Itch(_) => {
                let protocol = &wire.protocol;
                let why = format!("{protocol} comes in files: name one, or another --protocol");
                return Err(Failure::Usage(why));
            }
        };
        let segment = wire.segment_or_default();
        let mut config = FeedConfig::new(protocol, segment);
        config.session_date = wire.date;
        let interface = self.interface.as_ref().map_or(Interface::Any, |name| {
            name.parse().map_or_else(|_| Interface::Name(name.clone()), Interface::Address)
        });
        let groups = wire.groups()?;
        let groups = groups.into_iter().map(|(address, channel)| {
            let is_b = matches!(channel, feed::Channel::Line(line) | feed::Channel::Snapshot(line)
                if line == tezi::feed_handler::Line::B);
            let source = self.source_b.filter(|_| is_b).or(self.source);
            FeedGroup { address, channel, interface: interface.clone(), source }
        });
        let mut session = LiveSession::new(config, groups.collect());
        session.feed.arbiter.silence_ns = (self.stream_silence * 1e9) as i64;
        session.services =
            Services { recovery: self.recovery, snapshot: self.snapshot, requests: self.requests };
        session.method = match self.method {
            Method::Recv => ReceiveMethod::Recv,
            Method::Recvmmsg => ReceiveMethod::RecvMmsg,
            Method::Ring => ReceiveMethod::PacketRing,
            #[cfg(feature = "af-xdp")]
            Method::Xdp => ReceiveMethod::AfXdp,
        };
        session.idle = if self.spin { Idle::Spin } else { Idle::Wait };
        session.duration_max = self.seconds.map(Duration::from_secs_f64);
        session.silence_max = self.silence.map(Duration::from_secs_f64);
        Ok(session)
    }
}
