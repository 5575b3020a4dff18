//! What the tests of all sources share: datagrams collected, network namespaces, lost privileges.
#![allow(unsafe_code, reason = "gives up namespaces and capabilities of a test's thread")]
#![allow(dead_code, clippy::unwrap_used, reason = "a test takes what it needs, and may panic")]

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tezi_model::Nanos;
use tezi_receive::{PacketSource, Received, Stamp};

/// A datagram, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) payload: Vec<u8>,
    pub(crate) source: SocketAddrV4,
    pub(crate) destination: SocketAddrV4,
    pub(crate) group: u16,
    pub(crate) time: Nanos,
    pub(crate) stamp: Stamp,
    pub(crate) is_truncated: bool,
}

impl Kept {
    pub(crate) fn new(received: &Received<'_>) -> Self {
        Self {
            payload: received.payload.to_vec(),
            source: received.source,
            destination: received.destination,
            group: received.group,
            time: received.time,
            stamp: received.stamp,
            is_truncated: received.is_truncated,
        }
    }
}

pub(crate) fn now() -> Nanos {
    Nanos(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64)
}

/// Polls, and waits in between, until `count` datagrams are there or two seconds are over.
pub(crate) fn receive(source: &mut impl PacketSource, count: usize) -> Vec<Kept> {
    let end = Instant::now() + Duration::from_secs(2);
    let mut kept = Vec::new();
    while kept.len() < count && Instant::now() < end {
        let max = count - kept.len();
        source.poll(max, &mut |received| kept.push(Kept::new(received))).unwrap();
        if kept.len() < count {
            source.wait(Duration::from_millis(20)).unwrap();
        }
    }
    kept
}

/// What comes in 50 ms, when nothing should.
pub(crate) fn receive_stragglers(source: &mut impl PacketSource) -> Vec<Kept> {
    thread::sleep(Duration::from_millis(50));
    let mut kept = Vec::new();
    source.poll(1_000, &mut |received| kept.push(Kept::new(received))).unwrap();
    kept
}

/// A socket that sends multicast by the interface with this address.
pub(crate) fn sender(interface: Ipv4Addr) -> UdpSocket {
    let socket = UdpSocket::bind((interface, 0)).unwrap();
    let socket = socket2::Socket::from(socket);
    socket.set_multicast_if_v4(&interface).unwrap();
    socket.into()
}

/// Whether this process may make network namespaces and has `ip` to furnish them; says so when
/// not.
pub(crate) fn can_make_namespaces() -> bool {
    // SAFETY: asks for a number.
    let is_root = unsafe { libc::geteuid() } == 0;
    let has_ip = Command::new("ip").arg("-V").stdout(Stdio::null()).status().is_ok();
    let can = is_root && has_ip && thread::spawn(|| leave_namespace().is_ok()).join().unwrap();
    if !can {
        println!("skipped: needs root, unshare(CLONE_NEWNET) and ip (iproute2)");
    }
    can
}

/// Puts the calling thread, and no other, into a network namespace of its own.
pub(crate) fn leave_namespace() -> io::Result<()> {
    // SAFETY: passes no memory; it changes what this thread's later calls see of the network.
    match unsafe { libc::unshare(libc::CLONE_NEWNET) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The calling thread's number.
pub(crate) fn thread_id() -> i32 {
    // SAFETY: asks for a number.
    unsafe { libc::gettid() }
}

/// Puts the calling thread before all ordinary ones (`SCHED_FIFO`), or back among them. Without the
/// right to, nothing changes.
pub(crate) fn set_real_time(is_on: bool) {
    let (policy, sched_priority) =
        if is_on { (libc::SCHED_FIFO, 10) } else { (libc::SCHED_OTHER, 0) };
    let parameters = libc::sched_param { sched_priority };
    // SAFETY: the call reads the parameters; 0 is the calling thread.
    let _ = unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) };
}

/// Runs `ip` in the calling thread's namespace.
pub(crate) fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments}: {said}");
}

/// Waits until an interface is up at both ends: before that the kernel drops what is sent, and it
/// gets there a little after `ip` returns.
fn wait_for_link(interface: &str) {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let output = Command::new("ip").args(["-o", "link", "show", interface]).output().unwrap();
        if String::from_utf8_lossy(&output.stdout).contains("state UP") {
            return;
        }
        assert!(Instant::now() < end, "{interface} comes up");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Takes every capability from the calling thread, and from no other.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    let header: [u32; 2] = [0x2008_0522, 0]; // version 3, this thread
    let none = [0_u32; 6];
    // SAFETY: capset reads a header of two words and two triples of words.
    match unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The sender's end of the wire, `tezi0`, and the receiver's, `tezi1`.
pub(crate) const SENDER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
pub(crate) const RECEIVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// Two network namespaces with a virtual wire between them: `send` runs in the one, `receive` in
/// the other, on a thread each; the result is `receive`'s.
pub(crate) fn with_wire<S, R, T>(send: S, receive: R) -> T
where
    S: FnOnce() + Send + 'static,
    R: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (id_sender, id_of_receiver) = mpsc::channel();
    let (wire_sender, wire_is_there) = mpsc::channel();
    let receiver = thread::spawn(move || {
        leave_namespace().unwrap();
        id_sender.send(thread_id()).unwrap();
        wire_is_there.recv().unwrap();
        ip("link set lo up");
        ip(&format!("addr add {RECEIVER}/24 dev tezi1"));
        ip("link set tezi1 up");
        wait_for_link("tezi1");
        receive()
    });
    let sender = thread::spawn(move || {
        leave_namespace().unwrap();
        let peer = id_of_receiver.recv().unwrap();
        ip("link set lo up");
        ip(&format!("link add tezi0 type veth peer name tezi1 netns {peer}"));
        ip(&format!("addr add {SENDER}/24 dev tezi0"));
        ip("link set tezi0 up");
        wire_sender.send(()).unwrap();
        wait_for_link("tezi0");
        send();
    });
    let result = receiver.join();
    let sent = sender.join();
    sent.unwrap();
    result.unwrap()
}
