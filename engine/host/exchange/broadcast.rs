//! The five-level feed's way out: one group, one socket.

use std::net::{SocketAddrV4, UdpSocket};

use tezi_exchange::Exchange;
use tezi_feed_handler::wire::nse_broadcast::DATAGRAM_SIZE_MAX;

use super::config::ExchangeServerConfig;
use crate::error::Error;
use crate::publish::{PublishConfig, open_socket, transmit};

/// Sends what the exchange broadcasts.
pub(super) struct BroadcastLine {
    socket: UdpSocket,
    group: SocketAddrV4,
}

impl BroadcastLine {
    /// Opens the socket, where there is anything to send.
    pub(super) fn open(config: &ExchangeServerConfig) -> Result<Option<Self>, Error> {
        if config.exchange.broadcast.is_none() {
            return Ok(None);
        }
        let group = config.broadcast;
        let settings = PublishConfig {
            unicast: config.unicast,
            interface: config.interface,
            ttl: config.ttl,
            ..PublishConfig::new(group, group)
        };
        let failed =
            |source| Error::Network { doing: format!("open a socket to send to {group}"), source };
        if !group.ip().is_multicast() && !config.unicast {
            let what = format!("the five-level feed goes to a multicast group, {group} is none");
            return Err(Error::Parameter(what));
        }
        let socket = open_socket(&settings).map_err(failed)?;
        Ok(Some(Self { socket, group }))
    }

    /// Sends what waits; how many datagrams.
    pub(super) fn send(&self, exchange: &mut Exchange) -> Result<usize, Error> {
        let mut buffer = [0; DATAGRAM_SIZE_MAX];
        let mut count = 0;
        while let Some(size) = exchange.poll_broadcast(&mut buffer) {
            transmit(&self.socket, &buffer[..size], self.group).map_err(|source| {
                Error::Network { doing: format!("send to {}", self.group), source }
            })?;
            count += 1;
        }
        Ok(count)
    }
}
