//! Puts a tape on two lines, with the faults of real networks, from one seed.
//!
//! Each line has its own loss, duplicates and late packets; line B lags behind line A. Exactly as many
//! messages as asked for are lost on both: what arbitration cannot make good, and recovery can.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tezi_feed_handler::Line;
use tezi_feed_handler::wire::nse_mtbt::encode_heartbeat;
use tezi_model::Nanos;

use super::market::Tape;
use super::random::Random;
use super::{DemoConfig, session_start};

/// One datagram to send. `message` is an index into the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Departure {
    /// Nanoseconds from the start of the session.
    pub(crate) after_ns: i64,
    pub(crate) message: u32,
    pub(crate) line: u8,
}

/// Faults put in, for the summary to set beside what the feed handler found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InjectedFaults {
    /// Messages not sent, by line.
    pub dropped: [u64; 2],
    /// Of them, messages sent on neither line.
    pub dropped_on_both: u64,
    /// Messages sent twice, by line.
    pub duplicated: [u64; 2],
    /// Messages held back so that later ones overtake them, by line.
    pub reordered: [u64; 2],
}

/// When each datagram leaves, in order.
pub(crate) fn plan(tape: &Tape, config: &DemoConfig) -> (Vec<Departure>, InjectedFaults) {
    let mut random = Random::new(config.seed ^ 0x5EED_0F1A_0175);
    let mut faults = InjectedFaults::default();
    let mut departures = Vec::with_capacity(tape.messages.len() * 2 + tape.messages.len() / 16);
    // Spread over the session, away from its ends.
    let both_every = tape.messages.len() / (config.lose_both as usize + 1);
    for (index, message) in tape.messages.iter().enumerate() {
        let at = message.at.since(session_start());
        let both = config.lose_both > 0 && index > 0 && index % both_every == 0;
        let both = both && faults.dropped_on_both < u64::from(config.lose_both);
        faults.dropped_on_both += u64::from(both);
        let mut dropped_before = false;
        for line in Line::BOTH {
            let lag = if line == Line::B { config.lag_b_ns } else { 0 };
            // Always the same number of draws, so that one fault does not move the others.
            let draws = [random.unit(), random.unit(), random.unit()];
            let spread = random.below(20_000) as i64;
            let hold = 100_000 + random.below(900_000) as i64;
            if both || (draws[0] < config.loss && !dropped_before) {
                faults.dropped[line.index()] += 1;
                dropped_before = true;
                continue;
            }
            let held = draws[1] < config.reorder;
            faults.reordered[line.index()] += u64::from(held);
            let after_ns = at + lag + if held { hold } else { 0 };
            let departure = Departure { after_ns, message: index as u32, line: line as u8 };
            departures.push(departure);
            if draws[2] < config.duplicate {
                faults.duplicated[line.index()] += 1;
                departures.push(Departure { after_ns: after_ns + spread, ..departure });
            }
        }
    }
    departures.sort_unstable();
    (departures, faults)
}

/// What the publisher says while it runs.
#[derive(Debug, Default)]
pub(crate) struct Published {
    /// Datagrams sent on both lines.
    pub(crate) datagrams: AtomicU64,
    /// The highest number whose time has come, lost or not, of streams 1 and 2.
    pub(crate) last_sequences: [AtomicU32; 2],
    /// Whether everything is sent.
    pub(crate) is_done: AtomicBool,
}

/// Sends everything at its time, then heartbeats, until done or `stop` is set.
pub(crate) fn publish(
    tape: &Tape,
    departures: &[Departure],
    groups: [SocketAddrV4; 2],
    speed: f64,
    published: &Published,
    stop: &AtomicBool,
) -> io::Result<()> {
    let socket = loopback_sender()?;
    let start = Instant::now();
    for (count, departure) in departures.iter().enumerate() {
        let due = Duration::from_nanos((departure.after_ns.max(0) as f64 / speed) as u64);
        while let Some(left) = due.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            // Sleeping gives the core away, which on two cores the receiver needs.
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
        let message = &tape.messages[departure.message as usize];
        let (stream, sequence) = message.place();
        if let Some(last) = published.last_sequences.get(usize::from(stream) - 1) {
            last.fetch_max(sequence, Ordering::Release);
        }
        send(&socket, message.bytes(), groups[usize::from(departure.line)])?;
        published.datagrams.store(count as u64 + 1, Ordering::Relaxed);
    }
    for (published, &last) in published.last_sequences.iter().zip(&tape.last_sequences) {
        published.store(last, Ordering::Release);
    }
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(20));
        for (stream, &last) in (1..).zip(&tape.last_sequences) {
            let heartbeat = encode_heartbeat(stream, last);
            groups.iter().try_for_each(|&group| send(&socket, &heartbeat, group))?;
        }
    }
    published.is_done.store(true, Ordering::Release);
    Ok(())
}

/// A full send buffer empties by itself: the receiver is on this machine.
fn send(socket: &UdpSocket, bytes: &[u8], group: SocketAddrV4) -> io::Result<()> {
    /// "No buffer space available", which Linux says when a queue is full for the moment.
    const ENOBUFS: i32 = 105;
    loop {
        match socket.send_to(bytes, group) {
            Ok(_) => return Ok(()),
            Err(error)
                if error.raw_os_error() == Some(ENOBUFS)
                    || error.kind() == io::ErrorKind::Interrupted =>
            {
                std::thread::yield_now();
            }
            Err(error) => return Err(error),
        }
    }
}

/// A socket whose multicast stays on the loopback interface.
fn loopback_sender() -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(
        socket2::Domain::IPV4,
        socket2::Type::DGRAM,
        Some(socket2::Protocol::UDP),
    )?;
    socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST)?;
    socket.set_multicast_loop_v4(true)?;
    socket.set_multicast_ttl_v4(0)?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into())?;
    Ok(socket.into())
}

/// The time of a departure on the exchange's clock.
pub(crate) fn departure_time(departure: &Departure) -> Nanos {
    session_start().plus(departure.after_ns)
}

#[cfg(test)]
mod tests {
    use super::super::market::make_tape;
    use super::*;

    #[test]
    fn every_message_is_on_a_line_unless_asked_otherwise() {
        let tape = make_tape(4, 0.5, 10_000.0);
        for lose_both in [0, 7] {
            let config = DemoConfig { loss: 0.3, lose_both, ..DemoConfig::default() };
            let (departures, faults) = plan(&tape, &config);
            let mut sent = vec![false; tape.messages.len()];
            departures.iter().for_each(|d| sent[d.message as usize] = true);
            let lost = sent.iter().filter(|sent| !**sent).count() as u64;
            assert_eq!(
                (lost, faults.dropped_on_both),
                (u64::from(lose_both), u64::from(lose_both))
            );
            let expected = 2 * tape.messages.len() as u64 + faults.duplicated.iter().sum::<u64>()
                - faults.dropped.iter().sum::<u64>();
            assert_eq!(departures.len() as u64, expected);
        }
    }
}
