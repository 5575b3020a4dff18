//! Who is at the other end of a Unix socket.
#![allow(unsafe_code, reason = "asks the system about a socket by its number")]

use std::os::fd::{AsRawFd, BorrowedFd};

/// The user whose process connected, as the kernel noted it then (`SO_PEERCRED`, unix(7)). `None` when
/// it cannot say.
pub(super) fn peer_uid(socket: BorrowedFd<'_>) -> Option<u32> {
    let mut credentials = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut size = size_of::<libc::ucred>() as libc::socklen_t;
    let to = (&raw mut credentials).cast();
    // SAFETY: the socket is open while it is borrowed; `to` and `size` describe one `ucred`, which is
    // plain data that the system fills in.
    let result = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, to, &mut size)
    };
    let is_whole = result == 0 && size as usize == size_of::<libc::ucred>();
    (is_whole && credentials.uid != u32::MAX).then_some(credentials.uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_socket_of_our_own_is_ours() {
        let (one, _other) = UnixStream::pair().unwrap();
        let own = std::fs::metadata("/proc/self").unwrap().uid();
        assert_eq!(peer_uid(one.as_fd()), Some(own));
        let file = std::fs::File::open("/proc/self/stat").unwrap();
        assert_eq!(peer_uid(file.as_fd()), None);
    }
}
