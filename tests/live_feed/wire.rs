//! A live session on the loopback interface: groups of this test alone, what is sent there once the
//! host listens, and what the host made of it.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tezi::feed_handler::Line;
use tezi::feed_handler::feed::{Channel, FeedConfig, Protocol};
use tezi::model::{Nanos, Segment};
use tezi::publish::{MemoryDatagrams, Pace, PublishConfig, PublishReport, Publisher};
use tezi::receive::Interface;
use tezi::strategy::{Context, Strategy};
use tezi::{FeedGroup, Idle, LiveSession, Report, Session};

use crate::common::tape::{Message, contracts};
use crate::common::{Scratch, host, read};

/// A session that nothing else ends does not hang its test.
const DURATION_MAX: Duration = Duration::from_secs(30);
/// Longer than a sender on a busy machine stays away.
pub(crate) const SILENCE: Duration = Duration::from_millis(1_200);
/// Datagrams a second: slow enough for a receiver that shares its core with others.
const RATE: f64 = 8_000.0;

/// A group and port that nobody else on this machine uses.
pub(crate) fn fresh_group() -> SocketAddrV4 {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let group = Ipv4Addr::new(239, 208 + high % 16, low, NEXT.fetch_add(1, Ordering::Relaxed));
    free_port(group)
}

/// An address with a port that was free a moment ago.
pub(crate) fn free_port(address: Ipv4Addr) -> SocketAddrV4 {
    let socket = UdpSocket::bind(SocketAddrV4::new(address, 0)).unwrap();
    let SocketAddr::V4(bound) = socket.local_addr().unwrap() else { unreachable!() };
    SocketAddrV4::new(address, bound.port())
}

/// What comes by a group of the loopback interface.
pub(crate) fn feed_group(address: SocketAddrV4, channel: Channel) -> FeedGroup {
    let interface = Interface::Address(Ipv4Addr::LOCALHOST);
    FeedGroup { interface, ..FeedGroup::new(address, channel) }
}

/// A session of two lines that ends some time after the last datagram.
pub(crate) fn live(protocol: Protocol, segment: Segment, lines: [SocketAddrV4; 2]) -> LiveSession {
    let groups = lines.into_iter().zip(Line::BOTH);
    let groups = groups.map(|(address, line)| feed_group(address, Channel::Line(line)));
    let mut session = LiveSession::new(FeedConfig::new(protocol, segment), groups.collect());
    session.idle = Idle::Wait;
    session.silence_max = Some(SILENCE);
    session.duration_max = Some(DURATION_MAX);
    session
}

/// A session of the tape's MTBT streams, which knows its contracts.
pub(crate) fn live_mtbt(lines: [SocketAddrV4; 2]) -> LiveSession {
    let mut session = live(Protocol::NseMtbt, Segment::NseFo, lines);
    session.instruments = contracts();
    session
}

/// Clean lines at a moderate rate, with heartbeats at the end for what is lost there to be seen.
pub(crate) fn publish_config(lines: [SocketAddrV4; 2]) -> PublishConfig {
    let [a, b] = lines;
    let mut config = PublishConfig::new(a, b);
    (config.pace, config.final_heartbeats) = (Pace::Rate(RATE), 3);
    config
}

/// With tick recovery and snapshots on free ports, which go on until the sender is stopped.
pub(crate) fn with_services(mut config: PublishConfig) -> PublishConfig {
    let free = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    config.services.recovery = Some(free);
    config.services.snapshot = Some(free);
    config.services.snapshot_interval = Duration::from_millis(50);
    config.linger = DURATION_MAX;
    config
}

/// Lets a session ask a publisher's services.
pub(crate) fn ask(session: &mut LiveSession, publisher: &Publisher) {
    session.services.recovery = publisher.recovery_address();
    session.services.snapshot = publisher.snapshot_address();
}

/// The tape, for both lines.
pub(crate) fn datagrams(tape: &[Message]) -> MemoryDatagrams {
    let both = tape.iter().map(|message| (message.time, None, message.bytes()));
    MemoryDatagrams::new(both.collect())
}

/// Payloads, for both lines.
pub(crate) fn of_payloads(payloads: impl IntoIterator<Item = (Nanos, Vec<u8>)>) -> MemoryDatagrams {
    let both = payloads.into_iter().map(|(time, payload)| (time, None, payload));
    MemoryDatagrams::new(both.collect())
}

/// Says when the host listens.
struct Starter(mpsc::Sender<()>);

impl Strategy for Starter {
    fn name(&self) -> &'static str {
        "starter"
    }

    fn on_start(&mut self, _ctx: &mut Context<'_>) {
        self.0.send(()).unwrap();
    }
}

/// What a live session came to.
pub(crate) struct Lived<T> {
    pub(crate) report: Report,
    pub(crate) book: String,
    pub(crate) rows: String,
    /// What the sender returned.
    pub(crate) sent: T,
}

/// Runs a session; `send` begins when its groups are joined, and is told when it is over.
pub(crate) fn run_live<T: Send>(
    scratch: &Scratch,
    session: &LiveSession,
    send: impl FnOnce(&AtomicBool) -> T + Send,
) -> Lived<T> {
    let [book, decoded] = ["live_book.csv", "live_decoded.csv"].map(|name| scratch.path(name));
    let host = host().book_csv(&book).decoded_csv(&decoded);
    let (started, is_started) = mpsc::channel();
    let over = AtomicBool::new(false);
    let (report, sent) = thread::scope(|scope| {
        let over = &over;
        let sending = scope.spawn(move || {
            is_started.recv_timeout(DURATION_MAX).unwrap();
            send(over)
        });
        let report = host.run(&Session::Live(session.clone()), Starter(started));
        over.store(true, Ordering::Relaxed);
        (report, sending.join().unwrap())
    });
    let report = report.unwrap();
    assert!(report.core.is_consistent);
    Lived { report, book: read(&book), rows: read(&decoded), sent }
}

/// Sends everything; the publisher's services go on until `over`.
pub(crate) fn publish(
    publisher: &Publisher,
    source: MemoryDatagrams,
    over: &AtomicBool,
) -> PublishReport {
    publisher.run(source, over, &mut |_| {}).unwrap()
}
