//! From an interface as the configuration names it to what the kernel asks for.

use std::io;
use std::net::Ipv4Addr;

use crate::{Interface, ReceiveError, sys};

impl Interface {
    /// The interface's index; 0 for any.
    pub(crate) fn index(&self) -> Result<u32, ReceiveError> {
        let find = |name: &str| {
            sys::interface_index(name)
                .map_err(ReceiveError::opening(|| format!("find network interface {name}")))
        };
        match self {
            Self::Any => Ok(0),
            Self::Name(name) => find(name),
            Self::Address(address) => {
                find(&with_address(|(_, has)| has == address).map_err(no_interface(self))?.0)
            }
        }
    }

    /// An address of the interface; unspecified for any.
    pub(crate) fn address(&self) -> Result<Ipv4Addr, ReceiveError> {
        match self {
            Self::Any => Ok(Ipv4Addr::UNSPECIFIED),
            Self::Address(address) => Ok(*address),
            Self::Name(name) => {
                self.index()?;
                let found = with_address(|(has, _)| has == name);
                Ok(found
                    .map_err(ReceiveError::opening(|| {
                        format!("find an IPv4 address of network interface {name}")
                    }))?
                    .1)
            }
        }
    }
}

fn no_interface(interface: &Interface) -> impl FnOnce(io::Error) -> ReceiveError {
    ReceiveError::opening(move || format!("find the network interface with address {interface}"))
}

fn with_address(is_it: impl Fn(&(String, Ipv4Addr)) -> bool) -> io::Result<(String, Ipv4Addr)> {
    let found = sys::interface_addresses()?.into_iter().find(is_it);
    found.ok_or_else(|| io::Error::from_raw_os_error(libc::EADDRNOTAVAIL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_by_name_and_by_address_is_the_same() {
        let by_name = Interface::Name("lo".into());
        let by_address = Interface::Address(Ipv4Addr::LOCALHOST);
        assert_eq!(by_name.index().unwrap(), by_address.index().unwrap());
        assert_eq!(by_name.address().unwrap(), Ipv4Addr::LOCALHOST);
        assert_eq!(Interface::Any.index().unwrap(), 0);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let absent = Interface::Name("absent0".into());
        let text = absent.index().unwrap_err().to_string();
        assert!(
            text.starts_with("cannot find network interface absent0: No such device"),
            "{text}"
        );
        assert_eq!(absent.address().unwrap_err().to_string(), text);
        let text = Interface::Address("203.0.113.9".parse().unwrap()).index();
        let text = text.unwrap_err().to_string();
        let expected = "cannot find the network interface with address 203.0.113.9: Cannot assign";
        assert!(text.starts_with(expected), "{text}");
    }
}
