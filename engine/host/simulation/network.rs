//! Connections without sockets: their bytes are late and come in pieces, stall, or never come.
//!
//! It promises what TCP promises: bytes arrive in order, once, without a hole, up to the end of the
//! connection. When, in which pieces, and how much of what was written before a break still arrives
//! is drawn from the seed.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddrV4;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::random::Random;

/// Bytes on their way in one direction at most.
const WINDOW: usize = 32 << 10;
/// What a way takes at least, in nanoseconds, and how much longer it may take.
const WAY_NS: u64 = 15_000;
const WAY_JITTER_NS: u64 = 60_000;
/// Never.
const NEVER: u64 = u64::MAX;

/// All connections, and what time it is for them.
#[derive(Clone)]
pub(crate) struct Network(Arc<Mutex<State>>);

struct State {
    /// Nanoseconds since the beginning.
    now: u64,
    random: Random,
    doors: Vec<Door>,
    links: Vec<Link>,
    /// Until when nobody is let in.
    refuses_until: u64,
    counts: NetworkCounts,
}

/// What was counted of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NetworkCounts {
    /// Asked for.
    pub(crate) asked: u64,
    /// Of them, refused.
    pub(crate) refused: u64,
    /// Broken.
    pub(crate) broken: u64,
    /// Stalled for a while.
    pub(crate) stalled: u64,
}

struct Door {
    address: SocketAddrV4,
    /// Who stands before it: connection, and when it is heard.
    waiting: VecDeque<(usize, u64)>,
}

/// One connection; side 0 asked for it.
struct Link {
    /// When the asking side hears that it stands.
    opens_at: u64,
    is_refused: bool,
    /// When a side hears that it is broken.
    breaks_at: [u64; 2],
    /// What each side wrote.
    ways: [Way; 2],
}

#[derive(Default)]
struct Way {
    /// When it arrives, and what is left of it.
    pieces: VecDeque<(u64, VecDeque<u8>)>,
    size: usize,
    /// Nothing arrives before this.
    last_due: u64,
    /// When the other side hears that no more comes.
    ends_at: Option<u64>,
}

/// One end of a connection.
pub(crate) struct SimulatedStream {
    network: Network,
    link: usize,
    side: usize,
}

/// Where connections come in.
pub(crate) struct SimulatedDoor {
    network: Network,
    door: usize,
}

impl Network {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            now: 0,
            random: Random::new(seed),
            doors: Vec::new(),
            links: Vec::new(),
            refuses_until: 0,
            counts: NetworkCounts::default(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is whole before the lock is let go.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the time on.
    pub(crate) fn set_now(&self, now: u64) {
        self.state().now = now;
    }

    /// The next time at which a side hears something; [`u64::MAX`] for never.
    pub(crate) fn next_due(&self) -> u64 {
        let state = self.state();
        let now = state.now;
        let of_link = |link: &Link| {
            let pieces = link.ways.iter().flat_map(|way| way.pieces.front().map(|it| it.0));
            let ends = link.ways.iter().filter_map(|way| way.ends_at);
            let rest = [link.opens_at, link.breaks_at[0], link.breaks_at[1]];
            pieces.chain(ends).chain(rest).filter(|&due| due > now).min()
        };
        state.links.iter().filter_map(of_link).min().unwrap_or(NEVER)
    }

    /// Listens.
    pub(crate) fn listen(&self, address: SocketAddrV4) -> SimulatedDoor {
        let mut state = self.state();
        state.doors.push(Door { address, waiting: VecDeque::new() });
        SimulatedDoor { network: self.clone(), door: state.doors.len() - 1 }
    }

    /// Asks for a connection.
    pub(crate) fn connect(&self, address: SocketAddrV4) -> SimulatedStream {
        let mut guard = self.state();
        let state = &mut *guard;
        let State { now, refuses_until, .. } = *state;
        let heard = now + state.way_ns();
        let opens_at = heard + state.way_ns();
        let door = state.doors.iter_mut().find(|door| door.address == address);
        let link = state.links.len();
        let door = door.filter(|_| now >= refuses_until);
        let is_refused = door.is_none();
        door.into_iter().for_each(|door| door.waiting.push_back((link, heard)));
        state.counts.asked += 1;
        state.counts.refused += u64::from(is_refused);
        state.links.push(Link {
            opens_at,
            is_refused,
            breaks_at: [NEVER; 2],
            ways: Default::default(),
        });
        drop(guard);
        SimulatedStream { network: self.clone(), link, side: 0 }
    }

    /// Breaks a connection that stands, if there is one. Each side hears of it in its own time, and
    /// of what is on its way until then.
    pub(crate) fn break_one(&self) {
        let mut state = self.state();
        let Some(at) = state.any_open() else { return };
        let (now, delays) = (state.now, [state.way_ns(), state.way_ns()]);
        state.counts.broken += 1;
        state.links[at].breaks_at = delays.map(|delay| now + delay);
    }

    /// Lets nothing through on a connection that stands, if there is one, for so long: then all of it
    /// comes, unless a side has lost patience.
    pub(crate) fn stall_one(&self, length_ns: u64) {
        let mut state = self.state();
        let Some(at) = state.any_open() else { return };
        let until = state.now + length_ns;
        state.counts.stalled += 1;
        for way in &mut state.links[at].ways {
            way.last_due = way.last_due.max(until);
            way.pieces.iter_mut().for_each(|(due, _)| *due = (*due).max(until));
            way.ends_at = way.ends_at.map(|due| due.max(until));
        }
    }

    /// Lets nobody in for so long.
    pub(crate) fn refuse(&self, length_ns: u64) {
        let mut state = self.state();
        state.refuses_until = state.now + length_ns;
    }

    pub(crate) fn counts(&self) -> NetworkCounts {
        self.state().counts
    }
}

impl State {
    fn way_ns(&mut self) -> u64 {
        WAY_NS + self.random.below(WAY_JITTER_NS)
    }

    /// A connection that stands.
    fn any_open(&mut self) -> Option<usize> {
        let now = self.now;
        let is_open = |link: &Link| {
            link.opens_at <= now
                && !link.is_refused
                && link.breaks_at == [NEVER; 2]
                && link.ways.iter().all(|way| way.ends_at.is_none())
        };
        let open: Vec<usize> =
            (0..self.links.len()).filter(|&at| is_open(&self.links[at])).collect();
        let count = open.len() as u64;
        (count > 0).then(|| open[self.random.below(count) as usize])
    }

    /// Whether a side has heard that the connection is broken.
    fn check(&self, link: usize, side: usize) -> io::Result<()> {
        let is_broken = self.links[link].breaks_at[side] <= self.now;
        if is_broken { Err(ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl SimulatedDoor {
    /// Lets the next one in.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nobody stands there.
    pub(crate) fn accept(&self) -> io::Result<SimulatedStream> {
        let mut state = self.network.state();
        let now = state.now;
        let waiting = &mut state.doors[self.door].waiting;
        match waiting.front() {
            Some(&(link, heard)) if heard <= now => {
                waiting.pop_front();
                Ok(SimulatedStream { network: self.network.clone(), link, side: 1 })
            }
            _ => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl SimulatedStream {
    /// Whether it stands.
    ///
    /// # Errors
    ///
    /// It was refused, or broke.
    pub(crate) fn has_opened(&self) -> io::Result<bool> {
        let state = self.network.state();
        state.check(self.link, self.side)?;
        let Link { opens_at, is_refused, .. } = state.links[self.link];
        match (opens_at <= state.now, is_refused) {
            (true, true) => Err(ErrorKind::ConnectionRefused.into()),
            (has_opened, _) => Ok(has_opened),
        }
    }

    /// Reads what has arrived, or a part of it; 0 at the end.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing has, `ConnectionReset` when it broke.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.network.state();
        let state = &mut *state;
        let (now, breaks_at) = (state.now, state.links[self.link].breaks_at[self.side]);
        let way = &mut state.links[self.link].ways[1 - self.side];
        let Some((due, piece)) = way.pieces.front_mut() else {
            let has_ended = way.ends_at.is_some_and(|due| due <= now);
            state.check(self.link, self.side)?;
            return if has_ended { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        };
        if *due > now || *due >= breaks_at {
            state.check(self.link, self.side)?;
            return Err(ErrorKind::WouldBlock.into());
        }
        let mut size = piece.len().min(buffer.len());
        if size > 1 && state.random.below(8) == 0 {
            size = 1 + state.random.below(size as u64) as usize;
        }
        for (to, from) in buffer.iter_mut().zip(piece.drain(..size)) {
            *to = from;
        }
        way.size -= size;
        if piece.is_empty() {
            way.pieces.pop_front();
        }
        Ok(size)
    }

    /// Takes bytes, or a part of them.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is no room, `ConnectionReset` when it broke, `BrokenPipe` when the
    /// other side has gone.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.has_opened()? {
            return Err(ErrorKind::WouldBlock.into());
        }
        let mut state = self.network.state();
        let state = &mut *state;
        let (now, delay) = (state.now, state.way_ns());
        let link = &mut state.links[self.link];
        if link.ways[1 - self.side].ends_at.is_some_and(|due| due <= now) {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let way = &mut link.ways[self.side];
        let mut size = bytes.len().min(WINDOW - way.size);
        if size == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        if state.random.below(16) == 0 {
            size = 1 + state.random.below(size as u64) as usize;
        }
        way.last_due = way.last_due.max(now + delay);
        way.size += size;
        way.pieces.push_back((way.last_due, bytes[..size].iter().copied().collect()));
        Ok(size)
    }

    /// Says that nothing more is sent.
    pub(crate) fn end(&mut self) {
        let mut state = self.network.state();
        let delay = state.way_ns();
        let now = state.now;
        let way = &mut state.links[self.link].ways[self.side];
        way.last_due = way.last_due.max(now + delay);
        way.ends_at.get_or_insert(way.last_due);
    }
}

impl Drop for SimulatedStream {
    /// The system closes what nobody has open any more, of a dead process as well.
    fn drop(&mut self) {
        self.end();
        let mut state = self.network.state();
        let link = &mut state.links[self.link];
        // What the other side still sends is answered with a reset.
        link.ways[1 - self.side].pieces.clear();
        link.ways[1 - self.side].size = 0;
    }
}
