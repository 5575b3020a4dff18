//! What to receive, and how by ordinary sockets.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Where a group is joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Interface {
    /// Where the routing table says.
    #[default]
    Any,
    /// The interface with this address.
    Address(Ipv4Addr),
    /// The interface of this name, as `ip link` shows it.
    Name(String),
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// One group and port to receive; a unicast address is bound and nothing is joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// The address. Port 0 takes a free one.
    pub group: SocketAddrV4,
    /// Where it is joined.
    pub interface: Interface,
    /// The only sender to hear (source-specific multicast); everyone, when `None`.
    pub source: Option<Ipv4Addr>,
}

impl GroupConfig {
    /// A group on whichever interface the routing table says, from any sender.
    #[must_use]
    pub const fn new(group: SocketAddrV4) -> Self {
        Self { group, interface: Interface::Any, source: None }
    }
}

impl fmt::Display for GroupConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on interface {}", self.group, self.interface)?;
        self.source.map_or(Ok(()), |source| write!(f, " from source {source}"))
    }
}

/// How many datagrams a system call fetches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UdpMethod {
    /// One (`recvmsg`): the least latency of a datagram that comes alone.
    #[default]
    Recv,
    /// Up to 32 (`recvmmsg`): fewer calls in a burst.
    RecvMmsg,
}

/// How ordinary sockets receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpConfig {
    /// What to receive: a socket each.
    pub groups: Vec<GroupConfig>,
    /// How.
    pub method: UdpMethod,
    /// Receive buffer of each socket to ask for. The kernel counts its own overhead against it:
    /// a datagram of 100 bytes takes 800 or more.
    pub receive_buffer_bytes: usize,
    /// The longest datagram to expect; what is longer is cut, told and counted.
    pub datagram_bytes_max: usize,
    /// Microseconds for which the kernel polls the card in a blocking wait (`SO_BUSY_POLL`), where
    /// the driver can.
    pub busy_poll_us: Option<u32>,
    /// Whether the kernel stamps each datagram (`SO_TIMESTAMPNS`). Otherwise this process does,
    /// after the call, once a batch.
    pub kernel_stamps: bool,
}

impl Default for UdpConfig {
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            method: UdpMethod::default(),
            receive_buffer_bytes: 16 << 20,
            datagram_bytes_max: 2_048,
            busy_poll_us: None,
            kernel_stamps: true,
        }
    }
}
