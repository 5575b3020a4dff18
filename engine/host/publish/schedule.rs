//! Which datagram leaves when on which line. Sans-I/O: time comes in, and what is due goes out.
//!
//! A datagram is taken from the source at its time and given to the lines that carry it; each line's
//! faults decide what comes of it, and what the line carries waits in the line's queue for its lag.
//! Payloads lie in a pool of buffers that are used again.

use std::collections::VecDeque;
use std::io;

use tezi_feed_handler::Line;
use tezi_model::Nanos;

use super::config::{Pace, PublishConfig};
use super::faults::{Fate, FaultyLine};
use super::report::{PublishReport, SentCounts};
use super::{Datagram, DatagramSource};

/// Datagrams that wait for a line's lag at most; then the source waits too.
const QUEUED_MAX: usize = 1 << 20;
/// Sets the two lines' random numbers apart.
const LINE_SEEDS: [u64; 2] = [0x5EED_0F1A_0175_000A, 0x5EED_0F1A_0175_000B];

/// How the losses of the two lines go together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Losses {
    /// Not at all: both may lose the same datagram.
    #[default]
    Independent,
    /// No datagram is lost on both, but for `both` of them, every `every`th.
    Apart {
        /// How many are lost on both.
        both: u64,
        /// The distance between them, at least 1.
        every: u64,
        /// Datagrams at the start that have no faults: a receiver joins a stream at the first number
        /// it sees.
        clean: u64,
    },
}

impl Losses {
    /// Changes the fate of datagram `index` on a line so that losses go together as they should.
    const fn join(self, index: u64, fate: &mut Fate, is_dropped_before: bool) {
        let Self::Apart { both, every, clean } = self else { return };
        let faulty = index.saturating_sub(clean);
        if index < clean {
            *fate = Fate::CLEAN;
        } else if faulty > 0 && faulty.is_multiple_of(every) && faulty / every <= both {
            fate.is_dropped = true;
        } else {
            fate.is_dropped &= !is_dropped_before;
        }
    }
}

/// Where what is due goes.
pub(crate) trait Wire {
    /// A datagram's time has come, whatever becomes of it on the lines.
    fn on_published(&mut self, datagram: &Datagram<'_>);

    /// A line carries a payload, due this long after the start.
    ///
    /// # Errors
    ///
    /// What ends the sending.
    fn send(&mut self, line: Line, due_ns: u64, payload: &[u8]) -> io::Result<()>;
}

/// The order of everything that is sent.
pub(crate) struct Schedule<S> {
    source: S,
    pace: Pace,
    losses: Losses,
    passes_left: u32,
    lines: [FaultyLine; 2],
    lags_ns: [u64; 2],
    queues: [VecDeque<Queued>; 2],
    pool: Pool,
    /// When the pass began, after the start, and the recorded time that stands for it.
    pass_ns: u64,
    pass_time: Option<Nanos>,
    /// Datagrams taken from the source, in this pass and in all.
    pass_read: u64,
    read: u64,
    /// When the last datagram was due.
    last_ns: u64,
    on_line: [u64; 2],
    dropped_on_both: u64,
    span: Option<(Nanos, Nanos)>,
}

#[derive(Clone, Copy, Debug)]
struct Queued {
    due_ns: u64,
    handle: u32,
}

impl<S: DatagramSource> Schedule<S> {
    /// A schedule before the first datagram.
    pub(crate) fn new(mut source: S, config: &PublishConfig, losses: Losses) -> Self {
        source.advance();
        let line = |line: Line| {
            FaultyLine::new(config.faults[line.index()], config.seed ^ LINE_SEEDS[line.index()])
        };
        Self {
            source,
            pace: config.pace,
            losses,
            passes_left: config.passes.saturating_sub(1),
            lines: Line::BOTH.map(line),
            lags_ns: config.faults.map(|faults| faults.lag_ns),
            queues: [VecDeque::new(), VecDeque::new()],
            pool: Pool::default(),
            pass_ns: 0,
            pass_time: None,
            pass_read: 0,
            read: 0,
            last_ns: 0,
            on_line: [0; 2],
            dropped_on_both: 0,
            span: None,
        }
    }

    /// When something is next due, after the start; `None` when all is sent.
    pub(crate) fn next_ns(&self) -> Option<u64> {
        match (self.next_departure(), self.next_datagram_ns()) {
            (Some((_, departure)), Some(datagram)) => Some(departure.min(datagram)),
            (departure, datagram) => departure.map(|(_, due)| due).or(datagram),
        }
    }

    /// Does what is next due. Departures come before a datagram of the same time.
    pub(crate) fn step(&mut self, now_ns: u64, wire: &mut impl Wire) -> io::Result<()> {
        let departure = self.next_departure();
        let datagram = self.next_datagram_ns();
        match departure {
            Some((line, due)) if datagram.is_none_or(|datagram| due <= datagram) => {
                let Some(queued) = self.queues[line.index()].pop_front() else { return Ok(()) };
                wire.send(line, due, self.pool.bytes(queued.handle))?;
                self.pool.release(queued.handle);
            }
            _ => {
                if let Some(due_ns) = datagram {
                    self.take(due_ns, now_ns, wire);
                }
            }
        }
        Ok(())
    }

    /// What was read, and what the lines made of it. Sent datagrams are the wire's to count.
    pub(crate) fn report(&self) -> PublishReport {
        let line = |line: Line| {
            let faults = self.lines[line.index()].counts();
            SentCounts {
                read: self.on_line[line.index()],
                dropped: faults.dropped,
                duplicated: faults.duplicated,
                reordered: faults.reordered,
                ..SentCounts::default()
            }
        };
        PublishReport {
            lines: Line::BOTH.map(line),
            dropped_on_both: self.dropped_on_both,
            datagrams: self.read,
            span: self.span,
            source: self.source.report(),
            ..PublishReport::default()
        }
    }

    fn next_departure(&self) -> Option<(Line, u64)> {
        let front =
            |line: Line| self.queues[line.index()].front().map(|queued| (line, queued.due_ns));
        Line::BOTH.into_iter().filter_map(front).min_by_key(|&(_, due)| due)
    }

    /// When the source's next datagram is due; `None` at the end, or while a queue is full.
    fn next_datagram_ns(&self) -> Option<u64> {
        let datagram = self.source.current()?;
        if self.queues.iter().any(|queue| queue.len() >= QUEUED_MAX) {
            return None;
        }
        let since = |start: Nanos| datagram.time.since(start).max(0) as f64;
        let after_ns = match self.pace {
            Pace::Speed(speed) => self.pass_time.map_or(0.0, since) / speed,
            Pace::Rate(rate) => self.pass_read as f64 * 1e9 / rate,
            Pace::Max => 0.0,
        };
        // Recorded times may step back by a little; the order is kept.
        Some(self.last_ns.max(self.pass_ns + after_ns as u64))
    }

    /// Takes the source's datagram to the lines that carry it, and goes on to the next.
    fn take(&mut self, due_ns: u64, now_ns: u64, wire: &mut impl Wire) {
        let Some(datagram) = self.source.current() else { return };
        // Flat out there are no times but those of the clock, which lags are counted from.
        let due_ns = if self.pace == Pace::Max { due_ns.max(now_ns) } else { due_ns };
        self.last_ns = due_ns;
        self.pass_time.get_or_insert(datagram.time);
        let (first, _) = *self.span.get_or_insert((datagram.time, datagram.time));
        self.span = Some((first, datagram.time));
        wire.on_published(&datagram);
        let mut handle = None;
        let mut dropped = 0;
        for line in Line::BOTH {
            if datagram.line.is_some_and(|own| own != line) {
                continue;
            }
            self.on_line[line.index()] += 1;
            let mut fate = self.lines[line.index()].draw();
            self.losses.join(self.read, &mut fate, dropped > 0);
            dropped += u32::from(fate.is_dropped);
            let uses = fate.uses();
            let handle = match handle {
                Some(handle) if uses > 0 => handle,
                None if uses > 0 => *handle.insert(self.pool.hold(datagram.payload)),
                // Nothing of it is carried: the handle never comes out.
                _ => 0,
            };
            self.pool.retain(handle, uses);
            let (queue, lag_ns) = (&mut self.queues[line.index()], self.lags_ns[line.index()]);
            self.lines[line.index()].on_datagram(handle, fate, datagram.time, &mut |handle| {
                queue.push_back(Queued { due_ns: due_ns + lag_ns, handle });
            });
        }
        self.dropped_on_both += u64::from(dropped == 2);
        self.read += 1;
        self.pass_read += 1;
        self.advance();
    }

    fn advance(&mut self) {
        if self.source.advance() {
            return;
        }
        for ((line, queue), lag_ns) in self.lines.iter_mut().zip(&mut self.queues).zip(self.lags_ns)
        {
            let due_ns = queue.back().map_or(self.last_ns + lag_ns, |last| last.due_ns);
            line.flush(&mut |handle| queue.push_back(Queued { due_ns, handle }));
        }
        if self.passes_left > 0 {
            self.passes_left -= 1;
            self.source.rewind();
            self.source.advance();
            (self.pass_ns, self.pass_time, self.pass_read) = (self.last_ns, None, 0);
        }
    }
}

/// Buffers by handle, each with the number of times it will still be asked for.
#[derive(Debug, Default)]
struct Pool {
    buffers: Vec<(Vec<u8>, u32)>,
    free: Vec<u32>,
}

impl Pool {
    /// Keeps a copy of these bytes, not yet asked for by anyone.
    fn hold(&mut self, bytes: &[u8]) -> u32 {
        let handle = self.free.pop().unwrap_or_else(|| {
            self.buffers.push((Vec::new(), 0));
            (self.buffers.len() - 1) as u32
        });
        let (buffer, uses) = &mut self.buffers[handle as usize];
        debug_assert!(*uses == 0, "a free buffer is asked for by nobody");
        buffer.clear();
        buffer.extend_from_slice(bytes);
        handle
    }

    fn retain(&mut self, handle: u32, uses: u32) {
        if uses > 0 {
            self.buffers[handle as usize].1 += uses;
        }
    }

    fn bytes(&self, handle: u32) -> &[u8] {
        &self.buffers[handle as usize].0
    }

    fn release(&mut self, handle: u32) {
        let uses = &mut self.buffers[handle as usize].1;
        assert!(*uses > 0, "each use is given back once");
        *uses -= 1;
        if *uses == 0 {
            self.free.push(handle);
        }
    }
}
