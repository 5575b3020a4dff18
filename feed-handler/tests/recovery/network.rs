//! Two lossy lines, a recovery server with moods, and a virtual clock, all from one seed.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use tezi_feed_handler::arbitration::GapCounters;
use tezi_feed_handler::recovery::{
    ClientAction, ClientConfig, Fault, MessageStore, RecoveryClient, RecoveryCounters,
    RecoveryFailure, RecoveryReply, RecoveryServer, ServerConfig,
};
use tezi_feed_handler::wire::nse_mtbt::encode_heartbeat;
use tezi_feed_handler::{Arbiter, ArbiterConfig, Line, RecoveryPolicy};
use tezi_model::{Nanos, Segment};

use crate::truth::{Checker, Random, Run};

const START: Nanos = Nanos::from_ist(2026, 9, 21, 9, 15, 0);
const MS: i64 = 1_000_000;
/// How long the lines are silent but for heartbeats at the end, so that all can become whole.
const QUIET: i64 = 6_000 * MS;

/// How the server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerMood {
    Honest,
    /// Some answers are wrong.
    Moody,
    /// Moody for the first part of the day, honest then.
    Recovering,
    /// No answer is right.
    Broken,
}

/// What a run is like.
pub(crate) struct Scenario {
    random: Random,
    pub(crate) mood: ServerMood,
    config: ArbiterConfig,
    runs: Vec<Run>,
    /// Percent lost on each line.
    loss: [u64; 2],
    /// Numbers of the first run that both lines lose.
    outage: std::ops::Range<u32>,
    reorder: u64,
    duplicates: u64,
    lag_ns: [i64; 2],
    spacing_ns: u64,
    /// How far the server is behind the lines.
    server_lag_ns: i64,
    refresh_ns: i64,
}

impl Scenario {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let spacing_ns = random.pick(&[50_000, 200_000, 1_000_000]);
        let mut start = START;
        let mut runs = Vec::new();
        for _ in 0..if random.chance(25) { 2 } else { 1 } {
            let count = 200 + random.below(600) as u32;
            runs.push(Run::new(&mut random, count, start, spacing_ns));
            let pause = if random.chance(50) { QUIET } else { 1_500 * MS };
            start = runs[runs.len() - 1].sent[count as usize - 1].plus(pause);
        }
        let count = u64::from(runs[0].count());
        let outage = match random.below(4) {
            0 => 1..random.below(count / 2) as u32 + 1, // joined in mid-session
            1 => {
                let first = 1 + random.below(count) as u32;
                first..first + 1 + random.below(200) as u32
            }
            _ => 0..0,
        };
        let mut loss = [0; 2].map(|_| random.pick(&[0, 1, 10, 50]));
        if random.chance(10) {
            loss[random.below(2) as usize] = 100; // a line dead for the day
        }
        let moods = [
            ServerMood::Honest,
            ServerMood::Honest,
            ServerMood::Moody,
            ServerMood::Recovering,
            ServerMood::Broken,
        ];
        Self {
            mood: random.pick(&moods),
            config: Self::config(&mut random),
            runs,
            loss,
            outage,
            reorder: random.pick(&[0, 5, 30]),
            duplicates: random.pick(&[0, 5]),
            lag_ns: [0, random.pick(&[0, 20_000, 50 * MS])],
            spacing_ns,
            server_lag_ns: random.pick(&[0, 5, 100]) * MS,
            refresh_ns: random.pick(&[40, 300]) * MS,
            random,
        }
    }

    fn config(random: &mut Random) -> ArbiterConfig {
        let window = random.pick(&[64, 256]);
        let policy = RecoveryPolicy {
            hold_max: random.pick(&[window, 512, 4_096]),
            hold_streams: 1,
            join_max: 300_000,
            snapshots: true,
            range_max: random.pick(&[7, 300_000]),
            coalesce_max: random.pick(&[0, 20, 1_000]),
            refusals_max: random.pick(&[1, 8]),
            failures_max: 2,
            retry_ns: 5 * MS,
            retry_ns_max: 40 * MS,
            answer_ns: 500 * MS,
            snapshots_max: random.pick(&[1, 5]),
            refresh_ns: 100 * MS,
            pace_ns: 200 * MS,
        };
        ArbiterConfig {
            reorder_window: window,
            wait_ns: random.pick(&[1, 10, 60]) * MS,
            jump_max: 10_000,
            streams_max: 1,
            recovery: Some(policy),
            ..ArbiterConfig::new(Segment::NseFo)
        }
    }
}

/// What a run came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) is_stale: bool,
    pub(crate) restarts: u32,
    pub(crate) gaps: GapCounters,
    pub(crate) recovery: RecoveryCounters,
    digest: u64,
}

/// What the exchange can serve at a moment. Streams 1 and 2 carry the same messages.
struct Store {
    bytes: [Vec<Vec<u8>>; 2],
    /// Run and last number that the server has.
    run: usize,
    last: u32,
    snapshots: [Vec<u8>; 2],
    refreshed: Nanos,
}

impl Store {
    fn new() -> Self {
        let none = || [Vec::new(), Vec::new()];
        let bytes = [Vec::new(), Vec::new()];
        Self { bytes, run: usize::MAX, last: 0, snapshots: none(), refreshed: Nanos::ZERO }
    }

    fn update(&mut self, scenario: &Scenario, now: Nanos) {
        let have = now.plus(-scenario.server_lag_ns);
        let started = scenario.runs.iter().filter(|run| run.sent[0] <= have).count();
        let Some(index) = started.checked_sub(1) else { return };
        let run = &scenario.runs[index];
        if index != self.run {
            let mut other = run.bytes.clone();
            other.iter_mut().for_each(|bytes| bytes[2] = 2);
            (self.run, self.bytes) = (index, [run.bytes.clone(), other]);
            self.refreshed = Nanos::ZERO;
        }
        self.last = run.sent.partition_point(|&sent| sent <= have) as u32;
        if now.since(self.refreshed) >= scenario.refresh_ns {
            self.refreshed = now;
            self.snapshots = [1, 2].map(|stream| run.snapshot(stream, self.last));
        }
    }
}

impl MessageStore for Store {
    fn message(&self, stream: u8, sequence: u32) -> Option<&[u8]> {
        let bytes = self.bytes.get(usize::from(stream).checked_sub(1)?)?;
        bytes.get((sequence as usize).checked_sub(1)?).map(Vec::as_slice)
    }

    fn last(&self, _: u8) -> u32 {
        self.last
    }

    fn snapshot(&self, stream: u8) -> Option<&[u8]> {
        let bytes = self.snapshots.get(usize::from(stream).checked_sub(1)?)?;
        (!bytes.is_empty()).then_some(bytes)
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Packet(usize, Vec<u8>),
    /// A connection attempt reaches the server.
    Connect(usize),
    ToServer(usize, Vec<u8>),
    ToClient(usize, Vec<u8>),
    /// The server may send again.
    Serve(usize),
    ServerClosed(usize),
}

/// One connection: the slots at both ends while they are open.
struct Link {
    client: Option<usize>,
    server: Option<usize>,
}

/// Everything, on one clock.
pub(crate) struct Network {
    scenario: Scenario,
    arbiter: Arbiter,
    client: RecoveryClient,
    server: RecoveryServer,
    store: Store,
    checker: Checker,
    links: Vec<Link>,
    queue: BinaryHeap<Reverse<(Nanos, u64, Happening)>>,
    order: u64,
    now: Nanos,
}

impl Network {
    pub(crate) fn new(scenario: Scenario) -> Self {
        let client = ClientConfig {
            connections_max: 2,
            connect_ns: 20 * MS,
            silence_ns: 50 * MS,
            ..ClientConfig::default()
        };
        let server = ServerConfig { request_ns: 100 * MS, ..ServerConfig::default() };
        let mut network = Self {
            arbiter: Arbiter::new(scenario.config).unwrap(),
            client: RecoveryClient::new(client).unwrap(),
            server: RecoveryServer::new(server),
            store: Store::new(),
            checker: Checker::new(),
            links: Vec::new(),
            queue: BinaryHeap::new(),
            order: 0,
            now: START,
            scenario,
        };
        network.schedule_lines();
        network
    }

    fn at(&mut self, time: Nanos, happening: Happening) {
        self.order += 1;
        self.queue.push(Reverse((time, self.order, happening)));
    }

    /// What both lines bring: messages with the scenario's faults, and heartbeats in the pauses.
    fn schedule_lines(&mut self) {
        let mut random = self.scenario.random.clone();
        let mut packets = Vec::new();
        for (index, run) in self.scenario.runs.iter().enumerate() {
            for line in 0..2 {
                for sequence in 1..=run.count() {
                    let is_out = index == 0 && self.scenario.outage.contains(&sequence);
                    if is_out || random.chance(self.scenario.loss[line]) {
                        continue;
                    }
                    let sent = run.sent[sequence as usize - 1].plus(self.scenario.lag_ns[line]);
                    for _ in 0..if random.chance(self.scenario.duplicates) { 2 } else { 1 } {
                        let is_late = random.chance(self.scenario.reorder);
                        let late = if is_late { 64 * self.scenario.spacing_ns } else { 1 };
                        let time = sent.plus(random.below(late) as i64);
                        packets.push((time, line, run.bytes[sequence as usize - 1].clone()));
                    }
                }
                let end = run.sent[run.sent.len() - 1];
                let pause = match self.scenario.runs.get(index + 1) {
                    Some(next) => next.sent[0].since(end),
                    None => QUIET,
                };
                for beat in 1..pause / (200 * MS) {
                    if !random.chance(self.scenario.loss[line]) {
                        let bytes = encode_heartbeat(1, run.count()).to_vec();
                        packets.push((end.plus(beat * 200 * MS), line, bytes));
                    }
                }
            }
        }
        for (time, line, bytes) in packets {
            self.at(time, Happening::Packet(line, bytes));
        }
    }

    pub(crate) fn run(mut self) -> Outcome {
        let runs = &self.scenario.runs;
        let last = &runs[runs.len() - 1];
        let end = last.sent[last.sent.len() - 1].plus(QUIET);
        let mut steps = 0;
        while let Some(time) = self.next_time().filter(|&time| time <= end) {
            assert!(self.now <= time.max(self.now));
            self.now = self.now.max(time);
            steps += 1;
            assert!(steps < 200_000, "it ends");
            self.store.update(&self.scenario, self.now);
            self.step();
            self.pump();
            if steps % 64 == 0 {
                assert!(self.arbiter.is_consistent());
            }
        }
        self.outcome()
    }

    fn outcome(self) -> Outcome {
        assert!(self.arbiter.is_consistent());
        let stream = self.arbiter.stream(1).unwrap();
        let (runs, checker) = (&self.scenario.runs, &self.checker);
        assert_eq!(stream.is_stale(), checker.is_stale);
        if !checker.is_stale {
            assert_eq!(checker.run(), runs.len() - 1, "the restart was seen");
            assert_eq!(checker.expected(), runs[checker.run()].count() + 1, "nothing is missing");
            checker.check_books(runs);
        }
        assert_eq!(stream.delivered(), checker.delivered);
        assert_eq!(stream.gaps().recovered, checker.recovered);
        assert!(self.server.counters().too_fast == 0 && self.server.counters().turned_away == 0);
        Outcome {
            is_stale: checker.is_stale,
            restarts: stream.restart_count(),
            gaps: *stream.gaps(),
            recovery: stream.recovery(),
            digest: checker.digest,
        }
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
        let Self { arbiter, client, checker, scenario, now, .. } = self;
        let mut events = |event: &tezi_model::Event| checker.on_event(&scenario.runs, event);
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
        let Self { arbiter, client, checker, scenario, .. } = self;
        let mut events = |event: &tezi_model::Event| checker.on_event(&scenario.runs, event);
        match happening {
            Happening::Packet(line, bytes) => {
                arbiter.on_packet(Line::BOTH[line], &bytes, now, &mut events);
            }
            Happening::ToClient(link, bytes) => {
                if let Some(slot) = self.links[link].client {
                    client.on_bytes(slot, &bytes, now, &mut |request, reply| {
                        arbiter.on_recovery(request, reply, now, &mut events)
                    });
                }
            }
            Happening::ServerClosed(link) => {
                if let Some(slot) = self.links[link].client.take() {
                    client.on_closed(slot, &mut |request, reply| {
                        arbiter.on_recovery(request, reply, now, &mut events)
                    });
                }
            }
            Happening::Connect(link) => self.connect(link),
            Happening::ToServer(link, bytes) => {
                if let Some(slot) = self.links[link].server {
                    self.server.on_bytes(slot, &bytes, now, &self.store);
                    self.at(now, Happening::Serve(link));
                }
            }
            Happening::Serve(link) => self.serve(link),
        }
    }

    fn connect(&mut self, link: usize) {
        let Some(client_slot) = self.links[link].client else { return };
        let fault = self.fault();
        self.server.inject(fault);
        self.links[link].server = self.server.on_connected(self.now);
        self.client.on_connected(client_slot, self.now);
    }

    /// What goes wrong with the next connection.
    fn fault(&mut self) -> Fault {
        let random = &mut self.scenario.random;
        let is_early = self.now.since(START) < 400 * MS;
        let is_wrong = match self.scenario.mood {
            ServerMood::Honest => false,
            ServerMood::Moody => random.chance(40),
            ServerMood::Recovering => is_early,
            ServerMood::Broken => true,
        };
        if !is_wrong {
            return Fault::None;
        }
        let (early, late) = (random.below(12), 10 + random.below(600));
        let later = 1 + random.below(5) as u32;
        if self.scenario.mood == ServerMood::Broken {
            let none = Fault::Truncate(early);
            return random.pick(&[Fault::Refuse, Fault::Stall, none, Fault::Corrupt(0)]);
        }
        random.pick(&[
            Fault::Refuse,
            Fault::Stall,
            Fault::Truncate(early),
            Fault::Truncate(late),
            Fault::Corrupt(later - 1),
            Fault::Corrupt(early as u32 + 5),
            Fault::WrongSequence(later),
            Fault::WrongStream(2),
        ])
    }

    /// The server sends some bytes in chunks of any size, every millisecond.
    fn serve(&mut self, link: usize) {
        let Some(slot) = self.links[link].server else { return };
        let arrival = self.now.plus(MS);
        let mut is_sending = false;
        for _ in 0..8 {
            let mut buffer = vec![0; 1 + self.scenario.random.below(400) as usize];
            let size = self.server.poll_transmit(slot, &mut buffer, &self.store);
            buffer.truncate(size);
            is_sending = size > 0;
            if is_sending {
                self.at(arrival, Happening::ToClient(link, buffer));
            }
        }
        if is_sending {
            self.at(arrival, Happening::Serve(link));
        }
    }

    /// Moves requests, actions and bytes on until nothing moves.
    fn pump(&mut self) {
        let now = self.now;
        let Self { arbiter, client, checker, scenario, .. } = self;
        let mut events = |event: &tezi_model::Event| checker.on_event(&scenario.runs, event);
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
                    let latency = MS + self.scenario.random.below(15) as i64 * MS;
                    self.at(now.plus(latency), Happening::Connect(self.links.len() - 1));
                }
                ClientAction::Close { slot } => {
                    let link = self.links.iter_mut().find(|link| link.client == Some(slot));
                    let link = link.expect("the client closes what it opened");
                    link.client = None;
                    if let Some(server) = link.server.take() {
                        self.server.on_closed(server);
                    }
                }
            }
        }
        for index in 0..self.links.len() {
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
            let index = self.links.iter().position(|link| link.server == Some(slot));
            let index = index.expect("the server closes what is open");
            self.links[index].server = None;
            self.at(now.plus(MS), Happening::ServerClosed(index));
        }
        let open: BTreeSet<_> = self.links.iter().filter_map(|link| link.client).collect();
        assert!(open.len() <= 2);
    }
}
