//! Receiving UDP multicast: every source of `tezi-receive` side by side, datagrams of 100 bytes.
//!
//! Regimes: *latency* (50,000 packets a second, from before `send` to the callback), *flat out* (one
//! sender as fast as one `send` a packet goes: packets a second, median of the shots, and how many were
//! lost), *drain* (a queue of 3,000 packets, the sender silent: what the receiver alone takes for one, at
//! best). Sender and receiver are pinned to a core each. Latency is taken over the shots in which the
//! scheduler took the core from neither of them, which the table counts: the others say what else the
//! machine was doing. As root both threads run before all ordinary ones (`SCHED_FIFO`) during a shot.
//! On loopback, and as root over a virtual wire (veth) between two network namespaces; on both the
//! sender's own system call carries the packet into the receiver's queue, which is the floor of every
//! row. The feed waits for the result.
//!
//! As root everything happens in namespaces of the bench's own. Without root, sockets on loopback.

#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

mod support;
#[path = "../engine/receive/tests/support/mod.rs"]
mod wire;

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use support::{is_measuring, median};
use tezi_receive::{
    GroupConfig, Interface, PacketRing, PacketRingConfig, PacketSource, ReceiveError, UdpConfig,
    UdpMethod, UdpSource, XdpConfig, XdpMode, XdpSource,
};

const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 77, 9, 1), 7_001);
const PAYLOAD_BYTES: usize = 100;
const DRAINED: usize = 3_000;
const RATE: u64 = 50_000;
const BATCH: usize = 64;
/// Of the rings: some 50 ms flat out, as a socket's buffer of 16 MiB holds.
const FRAMES: usize = 16_384;
/// So many empty looks, and so long, after the sender is done: nothing more comes. Both, since a
/// receiver that is kept from its core for a while has looked only once.
const EMPTY_LOOKS: u32 = 10;
const SILENCE: Duration = Duration::from_millis(10);

/// What the sender is to do next; it answers with the number of packets it sent, and how often the
/// scheduler took its core meanwhile.
enum Order {
    Paced(Duration),
    FlatOut(Duration),
    Burst(usize),
}

/// The sources, and whether the receiver waits in them or spins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    RecvWaiting,
    Recv,
    RecvMmsg,
    Ring,
    XdpGeneric,
    XdpNative,
}

impl Method {
    const SOCKETS: [Self; 3] = [Self::RecvWaiting, Self::Recv, Self::RecvMmsg];
    const LOOPBACK: [Self; 5] =
        [Self::RecvWaiting, Self::Recv, Self::RecvMmsg, Self::Ring, Self::XdpGeneric];
    const WIRE: [Self; 6] = [
        Self::RecvWaiting,
        Self::Recv,
        Self::RecvMmsg,
        Self::Ring,
        Self::XdpGeneric,
        Self::XdpNative,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::RecvWaiting => "recvmsg, waiting",
            Self::Recv => "recvmsg, spinning",
            Self::RecvMmsg => "recvmmsg, spinning",
            Self::Ring => "packet ring, spinning",
            Self::XdpGeneric => "AF_XDP generic, spinning",
            Self::XdpNative => "AF_XDP native, spinning",
        }
    }
}

/// How much is measured.
#[derive(Clone, Copy)]
struct Effort {
    /// Shots at most, and undisturbed ones that are enough.
    shots: usize,
    undisturbed: usize,
    shot: Duration,
    flat_out: Duration,
}

/// The figures of one row.
struct Figures {
    /// Of the undisturbed shots.
    latency: Histogram<u64>,
    undisturbed: usize,
    shots: usize,
    packets_per_second: f64,
    lost: u64,
    /// Of the lost, those the source's counters tell.
    told: u64,
    sent: u64,
    drain_ns: f64,
}

/// What became of one order.
struct Outcome {
    sent: u64,
    received: u64,
    /// From the first packet to the last.
    took: Duration,
    /// How often the scheduler took the core from the sender.
    switches: u64,
}

/// The other end of a receiver.
struct Remote {
    orders: Sender<Order>,
    sent: Receiver<(u64, u64)>,
    clock: Instant,
}

fn main() {
    let millis = Duration::from_millis;
    let effort = if is_measuring() {
        Effort { shots: 40, undisturbed: 20, shot: millis(40), flat_out: millis(150) }
    } else {
        Effort { shots: 1, undisturbed: 1, shot: millis(10), flat_out: millis(10) }
    };
    println!("receive: shots of {} ms, {RATE} packets/s", effort.shot.as_millis());
    if !wire::can_make_namespaces() {
        table("loopback", &Method::SOCKETS, |method| on_loopback(method, effort));
        return;
    }
    table("loopback", &Method::LOOPBACK, |method| {
        let run = move || {
            wire::leave_namespace().expect("a namespace");
            wire::ip("link set lo up");
            on_loopback(method, effort)
        };
        thread::spawn(run).join().expect("the receiver")
    });
    table("veth", &Method::WIRE, |method| {
        let (orders, ordered) = channel();
        let (sent_sender, sent) = channel();
        let clock = Instant::now();
        let remote = Remote { orders, sent, clock };
        wire::with_wire(
            move || send(wire::SENDER, clock, &ordered, &sent_sender),
            move || receive(method, "tezi1", &remote, effort),
        )
    });
}

fn on_loopback(method: Method, effort: Effort) -> Result<Figures, ReceiveError> {
    let (orders, ordered) = channel();
    let (sent_sender, sent) = channel();
    let clock = Instant::now();
    let sender = thread::spawn(move || send(Ipv4Addr::LOCALHOST, clock, &ordered, &sent_sender));
    // On a thread of its own, which may be pinned.
    let remote = Remote { orders, sent, clock };
    let receiver = thread::spawn(move || receive(method, "lo", &remote, effort));
    let figures = receiver.join().expect("the receiver");
    sender.join().expect("the sender");
    figures
}

fn table(
    path: &str,
    methods: &[Method],
    measure: impl Fn(Method) -> Result<Figures, ReceiveError>,
) {
    println!(
        "\n{path:<25}{:>8}{:>8}{:>8}{:>10}{:>12}{:>9}{:>7}{:>7}{:>10}",
        "p50 us", "p99", "p99.9", "of shots", "packets/s", "sent", "lost", "told", "drain ns"
    );
    for method in methods {
        match measure(*method) {
            Ok(figures) => {
                let us = |quantile| match figures.undisturbed {
                    0 => "-".to_string(),
                    _ => {
                        let nanos = figures.latency.value_at_quantile(quantile);
                        format!("{:.1}", nanos as f64 / 1_000.0)
                    }
                };
                println!(
                    "{:<25}{:>8}{:>8}{:>8}{:>10}{:>12.0}{:>9}{:>7}{:>7}{:>10.0}",
                    method.name(),
                    us(0.5),
                    us(0.99),
                    us(0.999),
                    format!("{}/{}", figures.undisturbed, figures.shots),
                    figures.packets_per_second,
                    figures.sent,
                    figures.lost,
                    figures.told,
                    figures.drain_ns
                );
            }
            Err(error) => println!("{:<25}not possible here: {error}", method.name()),
        }
    }
}

/// How often the scheduler took the core from this thread.
fn switches() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"));
    line.and_then(|count| count.trim().parse().ok()).unwrap_or_default()
}

fn pin(index: usize) {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    if cores.len() > 1 {
        core_affinity::set_for_current(cores[index]);
    }
}

/// Does what it is told until nobody tells it anything. A packet begins with the time it is sent.
fn send(interface: Ipv4Addr, clock: Instant, orders: &Receiver<Order>, sent: &Sender<(u64, u64)>) {
    pin(0);
    let socket: UdpSocket = wire::sender(interface);
    socket.connect(GROUP).expect("a group to send to");
    let mut payload = [0; PAYLOAD_BYTES];
    let mut send = || {
        payload[..8].copy_from_slice(&(clock.elapsed().as_nanos() as u64).to_le_bytes());
        u64::from(socket.send(&payload).is_ok())
    };
    while let Ok(order) = orders.recv() {
        wire::set_real_time(true);
        let switches_before = switches();
        let start = Instant::now();
        let mut count = 0;
        match order {
            Order::Paced(duration) => {
                let interval = Duration::from_nanos(1_000_000_000 / RATE);
                let mut due = start;
                while due < start + duration {
                    while Instant::now() < due {
                        std::hint::spin_loop();
                    }
                    count += send();
                    due += interval;
                }
            }
            Order::FlatOut(duration) => {
                while start.elapsed() < duration {
                    count += send();
                }
            }
            Order::Burst(packets) => (0..packets).for_each(|_| count += send()),
        }
        let switches = switches() - switches_before;
        wire::set_real_time(false);
        if sent.send((count, switches)).is_err() {
            return;
        }
    }
}

fn receive(
    method: Method,
    interface: &str,
    remote: &Remote,
    effort: Effort,
) -> Result<Figures, ReceiveError> {
    pin(1);
    let interface = Interface::Name(interface.into());
    let groups = vec![GroupConfig { interface, ..GroupConfig::new(GROUP) }];
    let udp = |udp_method| {
        UdpSource::open(&UdpConfig {
            groups: groups.clone(),
            method: udp_method,
            ..Default::default()
        })
    };
    let xdp = |mode| {
        let base = XdpConfig { frames: FRAMES, verifies_checksums: false, ..Default::default() };
        XdpSource::open(&XdpConfig { groups: groups.clone(), mode, ..base })
    };
    Ok(match method {
        Method::RecvWaiting => figures(&mut udp(UdpMethod::Recv)?, true, remote, effort),
        Method::Recv => figures(&mut udp(UdpMethod::Recv)?, false, remote, effort),
        Method::RecvMmsg => figures(&mut udp(UdpMethod::RecvMmsg)?, false, remote, effort),
        Method::Ring => {
            let config = PacketRingConfig { groups, frames: FRAMES, ..Default::default() };
            figures(&mut PacketRing::open(&config)?, false, remote, effort)
        }
        Method::XdpGeneric => figures(&mut xdp(XdpMode::Generic)?, false, remote, effort),
        Method::XdpNative => figures(&mut xdp(XdpMode::Native)?, false, remote, effort),
    })
}

fn figures(
    source: &mut impl PacketSource,
    waits: bool,
    remote: &Remote,
    effort: Effort,
) -> Figures {
    source.notes().iter().for_each(|note| println!("note: {note}"));
    let clock = remote.clock;
    let bounded = || Histogram::<u64>::new_with_bounds(1, 10_000_000_000, 3).expect("bounds");
    let mut latency = bounded();
    let (mut lost, mut sent, mut undisturbed, mut shots) = (0, 0, 0, 0);
    while shots < effort.shots && undisturbed < effort.undisturbed {
        let mut histogram = bounded();
        let before = switches();
        let outcome = follow(source, waits, remote, Order::Paced(effort.shot), |sent| {
            histogram.saturating_record((clock.elapsed().as_nanos() as u64).saturating_sub(sent));
        });
        if outcome.switches + switches() - before == 0 {
            latency.add(&histogram).expect("the same bounds");
            undisturbed += 1;
        }
        shots += 1;
        sent += outcome.sent;
        lost += outcome.sent.saturating_sub(outcome.received);
    }
    let mut rates = Vec::new();
    for _ in 0..effort.shots.min(3) {
        let order = Order::FlatOut(effort.flat_out);
        let outcome = follow(source, waits, remote, order, |_| ());
        rates.push(outcome.received as f64 / outcome.took.as_secs_f64());
        sent += outcome.sent;
        lost += outcome.sent.saturating_sub(outcome.received);
    }
    let told = source.counters().dropped_by_kernel;
    let drains = (0..effort.shots.min(15)).map(|_| drain(source, remote));
    Figures {
        latency,
        undisturbed,
        shots,
        packets_per_second: median(&mut rates),
        lost,
        told,
        sent,
        drain_ns: drains.fold(f64::INFINITY, f64::min),
    }
}

/// Receives while the sender does as it is told.
fn follow(
    source: &mut impl PacketSource,
    waits: bool,
    remote: &Remote,
    order: Order,
    mut on_packet: impl FnMut(u64),
) -> Outcome {
    remote.orders.send(order).expect("a sender");
    wire::set_real_time(true);
    let (mut received, mut first, mut last) = (0, None, Instant::now());
    let (mut sent, mut empty_looks) = (None, 0);
    loop {
        let got = source
            .poll(BATCH, &mut |received| {
                let time = received.payload.first_chunk().copied().unwrap_or_default();
                on_packet(u64::from_le_bytes(time));
            })
            .expect("a source that goes on");
        if got > 0 {
            received += got as u64;
            last = Instant::now();
            first.get_or_insert(last);
            empty_looks = 0;
            continue;
        }
        if waits {
            source.wait(Duration::from_millis(1)).expect("a source that waits");
        }
        sent = sent.or_else(|| remote.sent.try_recv().ok());
        let Some((sent, switches)) = sent else { continue };
        empty_looks += 1;
        if received == sent || (empty_looks > EMPTY_LOOKS && last.elapsed() > SILENCE) {
            wire::set_real_time(false);
            return Outcome { sent, received, took: last - first.unwrap_or(last), switches };
        }
    }
}

/// Nanoseconds a packet of a queue that is full when the receiver begins.
fn drain(source: &mut impl PacketSource, remote: &Remote) -> f64 {
    remote.orders.send(Order::Burst(DRAINED)).expect("a sender");
    remote.sent.recv().expect("a sender");
    // What a driver still holds arrives meanwhile.
    thread::sleep(Duration::from_millis(2));
    let start = Instant::now();
    let mut received = 0;
    loop {
        let got = source
            .poll(BATCH, &mut |received| {
                std::hint::black_box(received.payload.first());
            })
            .expect("a source that goes on");
        if got == 0 {
            break;
        }
        received += got;
    }
    start.elapsed().as_nanos() as f64 / received.max(1) as f64
}
