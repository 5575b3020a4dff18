//! Sockets that are members of a group.
//!
//! Whatever hands the datagrams over, the network sends a group only to those that asked for it by
//! IGMP, and the kernel asks for as long as a socket is joined. So every source has one for each
//! group: [`UdpSource`](crate::UdpSource) reads from it, the rings only keep it.

use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::os::fd::AsFd;

use libc::{SO_RCVBUFFORCE, SOL_SOCKET};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockFilter, Socket, Type};

use crate::{GROUP_NONE, GroupConfig, Interface, ReceiveError, sys};

/// A joined, bound, non-blocking socket.
pub(crate) struct Membership {
    pub(crate) socket: Socket,
    /// The group, with the port the kernel gave.
    pub(crate) address: SocketAddrV4,
}

impl Membership {
    /// Binds to the address, and joins it when it is a group.
    pub(crate) fn join(
        config: &GroupConfig,
        notes: &mut Vec<String>,
    ) -> Result<Self, ReceiveError> {
        let group = config.group;
        let is_group = group.ip().is_multicast();
        if config.source.is_some() && !is_group {
            return Err(ReceiveError::Config(format!(
                "{config}: {} is not a multicast group, so it has no sources to choose from",
                group.ip()
            )));
        }
        let (socket, address) = bind(group)
            .map_err(ReceiveError::opening(|| format!("bind a datagram socket to {group}")))?;
        if is_group {
            // Only what this socket joined, on the interface it joined it on: the default hands
            // over what any socket of this machine joined on any interface.
            if let Err(error) = socket.set_multicast_all_v4(false) {
                notes.push(format!(
                    "{group}: asked for one interface's datagrams, get those of every interface \
                     it is joined on (IP_MULTICAST_ALL: {error})"
                ));
            }
            join(&socket, config)?;
        }
        Ok(Self { socket, address })
    }

    /// Joins every group of a configuration.
    pub(crate) fn join_all(
        groups: &[GroupConfig],
        notes: &mut Vec<String>,
    ) -> Result<Vec<Self>, ReceiveError> {
        if groups.is_empty() {
            return Err(ReceiveError::Config("no group to receive".into()));
        }
        if groups.len() >= usize::from(GROUP_NONE) {
            return Err(ReceiveError::Config(format!("{} groups are too many", groups.len())));
        }
        groups.iter().map(|group| Self::join(group, notes)).collect()
    }

    /// Makes the socket a member that receives nothing: what it would receive comes another way,
    /// and is not to be kept twice.
    pub(crate) fn mute(&self) -> Result<(), ReceiveError> {
        // One instruction of classic BPF: keep no byte of any packet.
        let keep_nothing = SockFilter::new((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, 0);
        self.socket.attach_filter(&[keep_nothing]).map_err(ReceiveError::opening(|| {
            format!("mute the socket that is joined to {}", self.address)
        }))
    }

    /// Asks for a receive buffer, and says so when less was granted.
    pub(crate) fn set_receive_buffer(
        &self,
        bytes: usize,
        notes: &mut Vec<String>,
    ) -> Result<(), ReceiveError> {
        let set = || -> io::Result<usize> {
            // The kernel takes 32 bits, and doubles the value for its own overhead.
            let asked = i32::try_from(bytes).unwrap_or(i32::MAX);
            self.socket.set_recv_buffer_size(asked as usize)?;
            let granted = self.socket.recv_buffer_size()? / 2;
            if granted >= bytes {
                return Ok(granted);
            }
            // A privileged process may go beyond `rmem_max`; any other is refused and keeps what
            // it has.
            let forced = sys::set_option(self.socket.as_fd(), SOL_SOCKET, SO_RCVBUFFORCE, &asked);
            drop(forced);
            Ok(self.socket.recv_buffer_size()? / 2)
        };
        let granted = set().map_err(ReceiveError::opening(|| {
            format!("set the receive buffer of {}", self.address)
        }))?;
        notes.extend(buffer_note(self.address, bytes, granted));
        Ok(())
    }
}

/// Bound to the group's address, so that other groups on the same port do not mix in.
fn bind(group: SocketAddrV4) -> io::Result<(Socket, SocketAddrV4)> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    // Others of this machine may listen to the group too, a recorder say: each gets a copy. Not
    // before a free port was chosen, which would then be free only of those who do not share.
    let is_shared = group.ip().is_multicast();
    if is_shared && group.port() != 0 {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&group.into())?;
    if is_shared {
        socket.set_reuse_address(true)?;
    }
    socket.set_nonblocking(true)?;
    match socket.local_addr()?.as_socket() {
        Some(SocketAddr::V4(address)) => {
            Ok((socket, SocketAddrV4::new(*group.ip(), address.port())))
        }
        _ => Err(io::Error::other("an IPv4 socket without an IPv4 address")),
    }
}

fn join(socket: &Socket, config: &GroupConfig) -> Result<(), ReceiveError> {
    let group = config.group.ip();
    let joined = match config.source {
        // By address: the one form that libraries standing in for the kernel know as well.
        Some(source) => socket.join_ssm_v4(&source, group, &config.interface.address()?),
        None => {
            let interface = match &config.interface {
                Interface::Address(address) => InterfaceIndexOrAddress::Address(*address),
                other => InterfaceIndexOrAddress::Index(other.index()?),
            };
            socket.join_multicast_v4_n(group, &interface)
        }
    };
    joined.map_err(ReceiveError::opening(|| format!("join multicast group {config}")))
}

/// What to say of a buffer that is smaller than asked for.
fn buffer_note(address: SocketAddrV4, asked: usize, granted: usize) -> Option<String> {
    (granted < asked).then(|| {
        format!(
            "receive buffer of {address}: asked {}, granted {}: set net.core.rmem_max={asked} \
             (sysctl -w net.core.rmem_max={asked})",
            size_text(asked),
            size_text(granted)
        )
    })
}

fn size_text(bytes: usize) -> String {
    match bytes {
        _ if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes >= 1 << 10 => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_grant_is_told_with_what_to_set() {
        let address = "239.1.1.1:5000".parse().unwrap();
        assert_eq!(buffer_note(address, 16 << 20, 16 << 20), None);
        assert_eq!(
            buffer_note(address, 16 << 20, 212_992).as_deref(),
            Some(
                "receive buffer of 239.1.1.1:5000: asked 16 MiB, granted 208 KiB: \
                 set net.core.rmem_max=16777216 (sysctl -w net.core.rmem_max=16777216)"
            )
        );
    }

    #[test]
    fn what_no_kernel_grants_is_told() {
        let group = GroupConfig::new("127.0.0.1:0".parse().unwrap());
        let mut notes = Vec::new();
        let membership = Membership::join(&group, &mut notes).unwrap();
        membership.set_receive_buffer(4_096, &mut notes).unwrap();
        assert!(notes.is_empty(), "{notes:?}");
        membership.set_receive_buffer(3 << 30, &mut notes).unwrap();
        assert_eq!(notes.len(), 1);
        assert!(notes[0].contains("asked 3072 MiB, granted"), "{notes:?}");
    }
}
