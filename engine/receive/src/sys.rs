//! The system calls that have no safe wrapper elsewhere: socket options, bind, interfaces.
#![allow(unsafe_code, reason = "calls libc")]

use std::ffi::{CStr, CString, c_int};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::time::{SystemTime, UNIX_EPOCH};

use bytemuck::{NoUninit, Pod, Zeroable};
use libc::socklen_t;
use tezi_model::Nanos;

/// The wall clock; what every stamp of this process is taken from.
#[inline]
pub(crate) fn now() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// Sets a socket option whose value holds no addresses.
///
/// # Panics
///
/// For `XDP_UMEM_REG`, which gives memory away: see `crate::xdp`.
pub(crate) fn set_option<T: NoUninit>(
    socket: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
    value: &T,
) -> io::Result<()> {
    let gives_memory = level == libc::SOL_XDP && name == libc::XDP_UMEM_REG;
    assert!(!gives_memory, "an option that gives memory away is set where the memory is owned");
    let bytes = bytemuck::bytes_of(value);
    // SAFETY: the kernel reads that many bytes, all of them initialised, during the call.
    let code = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            bytes.as_ptr().cast(),
            bytes.len() as socklen_t,
        )
    };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Reads a socket option. What the kernel does not fill in is zero.
pub(crate) fn get_option<T: Pod>(
    socket: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
) -> io::Result<T> {
    let mut value = T::zeroed();
    let bytes = bytemuck::bytes_of_mut(&mut value);
    let mut length = bytes.len() as socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, which are there; any bytes are a `T`.
    let code = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            name,
            bytes.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if code == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
}

/// Binds to an address of a family the standard library does not know.
pub(crate) fn bind<T: NoUninit>(socket: BorrowedFd<'_>, address: &T) -> io::Result<()> {
    let bytes = bytemuck::bytes_of(address);
    // SAFETY: the kernel reads that many bytes, all of them initialised, during the call.
    let code =
        unsafe { libc::bind(socket.as_raw_fd(), bytes.as_ptr().cast(), bytes.len() as socklen_t) };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The index of an interface.
pub(crate) fn interface_index(name: &str) -> io::Result<u32> {
    let name = CString::new(name)?;
    // SAFETY: a string that ends in a zero byte, read during the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}

/// The IPv4 addresses of this machine, with the names of their interfaces.
pub(crate) fn interface_addresses() -> io::Result<Vec<(String, Ipv4Addr)>> {
    let mut list = ptr::null_mut();
    // SAFETY: the call stores a pointer there.
    if unsafe { libc::getifaddrs(&raw mut list) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut found = Vec::new();
    let mut next = list;
    // SAFETY: null, or an entry of the list, which lives until it is freed below.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ifa_next;
        // SAFETY: null, or an address that is part of the list.
        let family = unsafe { entry.ifa_addr.as_ref() }.map(|address| address.sa_family);
        if family != Some(libc::AF_INET as libc::sa_family_t) {
            continue;
        }
        // SAFETY: not null, and of this family, so it is an address of this type.
        let address = unsafe { entry.ifa_addr.cast::<libc::sockaddr_in>().read_unaligned() };
        // SAFETY: a string that ends in a zero byte, part of the list.
        let name = unsafe { CStr::from_ptr(entry.ifa_name) }.to_string_lossy().into_owned();
        found.push((name, Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr))));
    }
    // SAFETY: made by `getifaddrs` above, freed once; nothing of it was kept.
    unsafe { libc::freeifaddrs(list) };
    Ok(found)
}

/// Datagrams a socket has lost since it was opened, modulo 2³²: the kernel's `sk_drops`. `None`
/// where sockets do not tell (a library that stands in for the kernel may not).
pub(crate) fn socket_drops(socket: BorrowedFd<'_>) -> Option<u32> {
    /// What `SO_MEMINFO` answers: nine counts (linux/sock_diag.h), the last of them drops.
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    struct MemoryInfo {
        others: [u32; 8],
        drops: u32,
    }
    get_option::<MemoryInfo>(socket, libc::SOL_SOCKET, libc::SO_MEMINFO).ok().map(|info| info.drops)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_found_both_ways() {
        assert!(interface_index("lo").is_ok_and(|index| index > 0));
        let addresses = interface_addresses().unwrap();
        assert!(addresses.contains(&("lo".into(), Ipv4Addr::LOCALHOST)), "{addresses:?}");
        assert!(interface_index("no-such-iface").is_err());
        assert!(interface_index("a\0b").is_err());
    }
}
