//! Two lines and a recovery server on one virtual clock: what is sent, what arrives, and when.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use tezi::feed_handler::recovery::{
    ClientAction, ClientConfig, MessageStore, RecoveryClient, RecoveryFailure, RecoveryReply,
    RecoveryServer, ServerConfig,
};
use tezi::feed_handler::wire::nse_mtbt::{Message, encode_heartbeat, messages};
use tezi::feed_handler::{Arbiter, Line};
use tezi::model::{Event, Nanos};

use crate::checker::Checker;
use crate::market::{Random, Run};
use crate::plan::{MS, Mangle, Plan, QUIET, START};

/// What another protocol on the port looks like.
const FOREIGN: [&[u8]; 4] = [
    b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03nse\x02in\x00\x00\x01\x00\x01",
    b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n",
    b"\x80\x60",
    b"",
];

/// What was sent of one stream on one line, and what became of it. Counts of messages.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub sent: u64,
    pub copies: u64,
    pub dropped: u64,
    pub mangled: u64,
    pub arrived: u64,
    /// Different numbers that arrived, of all runs.
    pub numbers: BTreeSet<(usize, u32)>,
}

/// What arrived on one line, over all streams.
#[derive(Clone, Copy, Debug, Default)]
pub struct LineLedger {
    pub packets: u64,
    pub heartbeats: u64,
    pub errors: u64,
}

/// What the exchange can serve at a moment.
struct Store<'a> {
    plan: &'a Plan,
    truth: &'a [Vec<Run>],
    /// Run and last number of each stream.
    have: Vec<(usize, u32)>,
    snapshots: Vec<Vec<u8>>,
    refreshed: Nanos,
}

impl Store<'_> {
    fn update(&mut self, now: Nanos) {
        let have = now.plus(-self.plan.server_lag_ms * MS);
        for (runs, stream) in self.truth.iter().zip(&mut self.have) {
            let run = runs.iter().filter(|run| run.sent[0] <= have).count().saturating_sub(1);
            *stream = (run, runs[run].sent.partition_point(|&sent| sent <= have) as u32);
        }
        if now.since(self.refreshed) >= self.plan.refresh_ms * MS {
            self.refreshed = now;
            let streams = self.truth.iter().zip(&self.have).zip(1..);
            self.snapshots = streams
                .map(|((runs, &(run, last)), number)| runs[run].snapshot(number, last))
                .collect();
        }
    }
}

impl MessageStore for Store<'_> {
    fn message(&self, stream: u8, sequence: u32) -> Option<&[u8]> {
        let index = usize::from(stream).checked_sub(1)?;
        let &(run, _) = self.have.get(index)?;
        let bytes = self.truth[index][run].bytes.get((sequence as usize).checked_sub(1)?)?;
        Some(bytes)
    }

    fn last(&self, stream: u8) -> u32 {
        let index = usize::from(stream).checked_sub(1);
        index.and_then(|index| self.have.get(index)).map_or(0, |&(_, last)| last)
    }

    fn snapshot(&self, stream: u8) -> Option<&[u8]> {
        self.snapshots.get(usize::from(stream).checked_sub(1)?).map(Vec::as_slice)
    }
}

/// A datagram on its way.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    line: usize,
    stream: usize,
    /// Run and numbers of the messages that are whole.
    numbers: Vec<(usize, u32)>,
    bytes: Vec<u8>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Packet(Packet),
    Connect(usize),
    ToServer(usize, Vec<u8>),
    ToClient(usize, Vec<u8>),
    Serve(usize),
    /// The end of a connection reaches the client.
    Closed(usize),
}

/// One connection: the slots at both ends while they are open.
struct Link {
    client: Option<usize>,
    server: Option<usize>,
}

/// Everything, on one clock.
pub struct Network<'a> {
    plan: &'a Plan,
    random: Random,
    truth: &'a [Vec<Run>],
    pub arbiter: Arbiter,
    client: RecoveryClient,
    pub server: RecoveryServer,
    store: Store<'a>,
    pub checker: Checker,
    pub ledgers: Vec<[Ledger; 2]>,
    pub lines: [LineLedger; 2],
    links: Vec<Link>,
    queue: BinaryHeap<Reverse<(Nanos, u64, Happening)>>,
    order: u64,
    pub now: Nanos,
}

impl<'a> Network<'a> {
    pub fn new(plan: &'a Plan, mut random: Random, truth: &'a [Vec<Run>]) -> Self {
        let client = ClientConfig {
            connections_max: 3,
            connect_ns: 30 * MS,
            silence_ns: 50 * MS,
            ..ClientConfig::default()
        };
        let store = Store {
            plan,
            truth,
            have: vec![(0, 0); truth.len()],
            snapshots: Vec::new(),
            refreshed: Nanos::ZERO,
        };
        let arbiter = Arbiter::new(plan.config(&mut random)).unwrap();
        let mut network = Self {
            plan,
            random,
            truth,
            arbiter,
            client: RecoveryClient::new(client).unwrap(),
            server: RecoveryServer::new(ServerConfig::default()),
            store,
            checker: Checker::new(truth.len()),
            ledgers: vec![Default::default(); truth.len()],
            lines: Default::default(),
            links: Vec::new(),
            queue: BinaryHeap::new(),
            order: 0,
            now: START,
        };
        for (stream, runs) in truth.iter().enumerate() {
            for (run, messages) in runs.iter().enumerate() {
                network.schedule_run(stream, run, messages);
                let pause = match runs.get(run + 1) {
                    Some(next) => next.sent[0].since(messages.end()),
                    None => QUIET,
                };
                network.schedule_heartbeats(stream, messages, pause);
            }
        }
        network
    }

    fn at(&mut self, time: Nanos, happening: Happening) {
        self.order += 1;
        self.queue.push(Reverse((time, self.order, happening)));
    }

    /// The datagrams of one run, most of one message, the same on both lines.
    fn schedule_run(&mut self, stream: usize, run: usize, messages: &Run) {
        let mut first = 1;
        while first <= messages.count() {
            let size = if self.random.chance(80) { 1 } else { 1 + self.random.below(3) as u32 };
            let last = messages.count().min(first + size - 1);
            for line in 0..2 {
                self.schedule(line, stream, run, first, last);
            }
            first = last + 1;
        }
    }

    fn schedule(&mut self, line: usize, stream: usize, run: usize, first: u32, last: u32) {
        let plan = self.plan;
        let messages = &self.truth[stream][run];
        let count = u64::from(last - first + 1);
        self.ledgers[stream][line].sent += count;
        let is_out = run == 0 && plan.outage.start < last + 1 && first < plan.outage.end;
        let is_dead = plan.dead.is_some_and(|dead| dead as usize == line);
        if is_out || is_dead || self.random.chance(plan.loss[line]) {
            self.ledgers[stream][line].dropped += count;
            return;
        }
        let lag = if line == 1 { plan.lag_b_ns } else { 0 };
        let sent = messages.sent[last as usize - 1].plus(lag);
        let copies = if self.random.chance(plan.duplicates) { 2 } else { 1 };
        self.ledgers[stream][line].copies += (copies - 1) * count;
        for _ in 0..copies {
            let is_late = self.random.chance(plan.reorder);
            let late = if is_late { self.random.below(63 * plan.spacing_ns) } else { 0 };
            let mut packet = Packet {
                line,
                stream,
                numbers: (first..=last).map(|number| (run, number)).collect(),
                bytes: messages.bytes[first as usize - 1..last as usize].concat(),
            };
            self.mangle(&mut packet, last == messages.count());
            let lost = count - packet.numbers.len() as u64;
            self.ledgers[stream][line].mangled += lost;
            self.at(sent.plus(late.cast_signed()), Happening::Packet(packet));
            if self.random.chance(plan.foreign) {
                let bytes = self.random.pick(&FOREIGN).to_vec();
                let foreign = Packet { line, stream, numbers: Vec::new(), bytes };
                self.at(sent.plus(1), Happening::Packet(foreign));
            }
        }
    }

    fn mangle(&mut self, packet: &mut Packet, is_last: bool) {
        match self.plan.mangle {
            Mangle::TruncateLast if is_last => {
                let cut = 1 + self.random.below(37) as usize;
                packet.bytes.truncate(packet.bytes.len() - cut);
                packet.numbers.pop();
            }
            // Of one message, so that what is lost is known without reading it.
            Mangle::Lengths(percent)
                if packet.numbers.len() == 1 && self.random.chance(percent) =>
            {
                let size = packet.bytes.len() as i16;
                let wrong = self.random.pick(&[0, 1, -1, 8, 9, size - 1, size + 1, i16::MAX]);
                packet.bytes[..2].copy_from_slice(&wrong.to_le_bytes());
                packet.numbers.pop();
            }
            _ => {}
        }
    }

    fn schedule_heartbeats(&mut self, stream: usize, messages: &Run, pause: i64) {
        for line in 0..2 {
            if self.plan.dead.is_some_and(|dead| dead as usize == line) {
                continue;
            }
            for beat in 1..pause / (200 * MS) {
                if !self.random.chance(self.plan.loss[line]) {
                    let bytes = encode_heartbeat(stream as u8 + 1, messages.count()).to_vec();
                    let packet = Packet { line, stream, numbers: Vec::new(), bytes };
                    let lag = if line == 1 { self.plan.lag_b_ns } else { 0 };
                    let time = messages.end().plus(lag + beat * 200 * MS);
                    self.at(time, Happening::Packet(packet));
                }
            }
        }
    }

    /// Runs to the end; `look` is called at many moments within.
    pub fn run(&mut self, look: impl Fn(&mut Self)) {
        let end = self.truth.iter().map(|runs| runs[runs.len() - 1].end()).max().unwrap();
        let end = end.plus(QUIET);
        let mut steps = 0;
        while let Some(time) = self.next_time().filter(|&time| time <= end) {
            self.now = self.now.max(time);
            steps += 1;
            assert!(steps < 500_000, "it ends");
            if self.plan.services != crate::plan::Services::None {
                self.store.update(self.now);
            }
            self.step();
            self.pump();
            if steps % 128 == 0 {
                look(self);
            }
        }
        look(self);
    }

    fn next_time(&self) -> Option<Nanos> {
        let next = self.queue.peek().map(|Reverse((time, _, _))| *time);
        [next, self.arbiter.next_timeout(), self.client.next_timeout(), self.server.next_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Everything due now: timeouts, then at most one happening.
    fn step(&mut self) {
        let Self { arbiter, client, checker, truth, now, .. } = self;
        let mut events = |event: &Event| checker.on_event(truth, event);
        arbiter.on_timeout(*now, &mut events);
        client.on_timeout(*now, &mut |request, reply| {
            arbiter.on_recovery(request, reply, *now, &mut events)
        });
        self.server.on_timeout(self.now);
        if self.queue.peek().is_some_and(|Reverse((time, _, _))| *time <= self.now)
            && let Some(Reverse((_, _, happening))) = self.queue.pop()
        {
            self.happen(happening);
        }
    }

    fn happen(&mut self, happening: Happening) {
        let now = self.now;
        match happening {
            Happening::Packet(packet) => self.on_packet(&packet),
            Happening::Connect(link) => {
                let Some(slot) = self.links[link].client else { return };
                let fault = self.plan.fault(&mut self.random, now);
                self.server.inject(fault);
                self.links[link].server = self.server.on_connected(now);
                self.client.on_connected(slot, now);
            }
            Happening::ToServer(link, bytes) => {
                if let Some(slot) = self.links[link].server {
                    self.server.on_bytes(slot, &bytes, now, &self.store);
                    self.at(now, Happening::Serve(link));
                }
            }
            Happening::Serve(link) => self.serve(link),
            Happening::ToClient(link, bytes) => {
                let Self { arbiter, client, checker, truth, .. } = self;
                let mut events = |event: &Event| checker.on_event(truth, event);
                if let Some(slot) = self.links[link].client {
                    client.on_bytes(slot, &bytes, now, &mut |request, reply| {
                        arbiter.on_recovery(request, reply, now, &mut events)
                    });
                }
            }
            Happening::Closed(link) => {
                let Self { arbiter, client, checker, truth, .. } = self;
                let mut events = |event: &Event| checker.on_event(truth, event);
                if let Some(slot) = self.links[link].client.take() {
                    client.on_closed(slot, &mut |request, reply| {
                        arbiter.on_recovery(request, reply, now, &mut events)
                    });
                }
            }
        }
    }

    fn on_packet(&mut self, packet: &Packet) {
        let ledger = &mut self.ledgers[packet.stream][packet.line];
        ledger.arrived += packet.numbers.len() as u64;
        ledger.numbers.extend(&packet.numbers);
        let line = &mut self.lines[packet.line];
        line.packets += 1;
        let mut good = 0;
        for message in messages(&packet.bytes) {
            match message {
                Ok(Message::Heartbeat(_)) => line.heartbeats += 1,
                Ok(_) => good += 1,
                Err(_) => line.errors += 1,
            }
        }
        assert_eq!(good, packet.numbers.len(), "a datagram holds what was put into it");
        let Self { arbiter, checker, truth, now, .. } = self;
        arbiter.on_packet(Line::BOTH[packet.line], &packet.bytes, *now, &mut |event| {
            checker.on_event(truth, event);
        });
    }

    /// The server sends some bytes in chunks of any size, every millisecond; now and then the
    /// connection breaks.
    fn serve(&mut self, link: usize) {
        let Some(slot) = self.links[link].server else { return };
        let arrival = self.now.plus(MS);
        let mut is_sending = false;
        for _ in 0..8 {
            let mut buffer = vec![0; 1 + self.random.below(self.plan.chunk) as usize];
            let size = self.server.poll_transmit(slot, &mut buffer, &self.store);
            buffer.truncate(size);
            is_sending = size > 0;
            if is_sending {
                self.at(arrival, Happening::ToClient(link, buffer));
            }
            if is_sending && self.random.chance(self.plan.breaks) {
                self.server.on_closed(slot);
                self.links[link].server = None;
                return self.at(arrival, Happening::Closed(link));
            }
        }
        if is_sending {
            self.at(arrival, Happening::Serve(link));
        }
    }

    /// Moves requests, actions and bytes on until nothing moves.
    fn pump(&mut self) {
        let now = self.now;
        let Self { arbiter, client, checker, truth, .. } = self;
        let mut events = |event: &Event| checker.on_event(truth, event);
        while let Some(request) = arbiter.poll_recovery(now) {
            if !client.request(request) {
                let failed = RecoveryReply::Failed(RecoveryFailure::ConnectFailed);
                arbiter.on_recovery(&request, failed, now, &mut events);
            }
        }
        while let Some(action) = self.client.poll_action(now) {
            match action {
                ClientAction::Connect { slot, .. } => {
                    self.links.push(Link { client: Some(slot), server: None });
                    let latency = MS + self.random.below(15).cast_signed() * MS;
                    self.at(now.plus(latency), Happening::Connect(self.links.len() - 1));
                }
                ClientAction::Close { slot } => {
                    let link = self.links.iter_mut().rev().find(|link| link.client == Some(slot));
                    let link = link.expect("the client closes what it opened");
                    link.client = None;
                    if let Some(server) = link.server.take() {
                        self.server.on_closed(server);
                    }
                }
            }
        }
        let newest = self.links.len().saturating_sub(64);
        for index in newest..self.links.len() {
            let Some(slot) = self.links[index].client else { continue };
            let mut buffer = [0; 7];
            loop {
                let size = self.client.poll_transmit(slot, now, &mut buffer);
                if size == 0 {
                    break;
                }
                self.at(now.plus(MS), Happening::ToServer(index, buffer[..size].to_vec()));
            }
        }
        while let Some(slot) = self.server.poll_close() {
            let index = self.links.iter().rposition(|link| link.server == Some(slot));
            let index = index.expect("the server closes what is open");
            self.links[index].server = None;
            self.at(now.plus(MS), Happening::Closed(index));
        }
    }
}
