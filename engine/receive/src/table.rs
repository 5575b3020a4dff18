//! Which group a datagram of a ring belongs to.

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::{GroupConfig, ReceiveError};

/// The groups of a ring, sorted by address and port.
pub(crate) struct GroupTable {
    entries: Box<[Entry]>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Address and port in one word, so that one comparison does.
    key: u64,
    /// The only sender to hear.
    source: Option<Ipv4Addr>,
    /// Index of the interface; 0 for any.
    interface: u32,
    group: u16,
}

impl GroupTable {
    /// For groups in the order of the configuration, with their real addresses.
    pub(crate) fn new(
        groups: &[GroupConfig],
        addresses: &[SocketAddrV4],
    ) -> Result<Self, ReceiveError> {
        let mut entries = Vec::with_capacity(groups.len());
        for (group, (config, address)) in groups.iter().zip(addresses).enumerate() {
            if address.ip().is_unspecified() {
                return Err(ReceiveError::Config(format!(
                    "{address}: a ring compares addresses, so it needs one that is in the packets"
                )));
            }
            entries.push(Entry {
                key: key(*address),
                source: config.source,
                interface: config.interface.index()?,
                group: group as u16,
            });
        }
        // Those that are choosier come first.
        entries.sort_by_key(|entry| (entry.key, entry.source.is_none(), entry.interface == 0));
        Ok(Self { entries: entries.into() })
    }

    /// The group of a datagram that came in by an interface; 0 where that is not known.
    #[inline]
    pub(crate) fn find(
        &self,
        destination: SocketAddrV4,
        source: Ipv4Addr,
        interface: u32,
    ) -> Option<u16> {
        let key = key(destination);
        let first = self.entries.partition_point(|entry| entry.key < key);
        let same = self.entries[first..].iter().take_while(|entry| entry.key == key);
        let mut fitting = same.filter(|entry| {
            entry.source.is_none_or(|only| only == source)
                && (entry.interface == 0 || interface == 0 || entry.interface == interface)
        });
        fitting.next().map(|entry| entry.group)
    }
}

#[inline]
fn key(address: SocketAddrV4) -> u64 {
    u64::from(address.ip().to_bits()) << 16 | u64::from(address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Interface;

    fn config(address: &str, source: Option<&str>, interface: Interface) -> GroupConfig {
        let source = source.map(|source| source.parse().unwrap());
        GroupConfig { group: address.parse().unwrap(), interface, source }
    }

    #[test]
    fn datagrams_find_their_group_by_address_port_source_and_interface() {
        let lo = Interface::Name("lo".into());
        let groups = [
            config("239.1.1.2:5000", None, Interface::Any),
            config("239.1.1.1:5001", None, Interface::Any),
            config("239.1.1.1:5000", None, lo.clone()),
            config("239.1.1.1:5000", Some("10.0.0.1"), Interface::Any),
            config("239.1.1.3:5000", Some("10.0.0.1"), Interface::Any),
        ];
        let addresses: Vec<_> = groups.iter().map(|group| group.group).collect();
        let table = GroupTable::new(&groups, &addresses).unwrap();
        let lo = lo.index().unwrap();
        let cases = [
            ("239.1.1.2:5000", "10.0.0.9", 77, Some(0)),
            ("239.1.1.1:5001", "10.0.0.9", 0, Some(1)),
            ("239.1.1.1:5000", "10.0.0.9", lo, Some(2)),
            ("239.1.1.1:5000", "10.0.0.9", lo + 1, None),
            ("239.1.1.1:5000", "10.0.0.1", lo + 1, Some(3)),
            ("239.1.1.3:5000", "10.0.0.1", 0, Some(4)),
            ("239.1.1.3:5000", "10.0.0.2", 0, None),
            ("239.1.1.2:5001", "10.0.0.9", 0, None),
            ("239.1.1.9:5000", "10.0.0.9", 0, None),
        ];
        for (destination, source, interface, expected) in cases {
            let destination = destination.parse().unwrap();
            let found = table.find(destination, source.parse().unwrap(), interface);
            assert_eq!(found, expected, "{destination} from {source} by {interface}");
        }
    }
}
