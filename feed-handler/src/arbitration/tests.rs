//! Scripted cases, and seeded feeds of two lines against a naive model.

use std::collections::{BTreeMap, BTreeSet};

use tezi_model::{Event, EventKind, FeedFault, MarketFlags, Nanos, OrderId, Segment, Side};

use super::*;
use crate::wire::nse_mtbt::{Order, encode_heartbeat, encode_order, message_type};
use tezi_testing::Random;

const START: Nanos = Nanos::from_ist(2026, 9, 21, 9, 15, 0);
const MS: i64 = 1_000_000;

fn config() -> ArbiterConfig {
    ArbiterConfig {
        reorder_window: 64,
        jump_max: 10_000,
        join: JoinPolicy::Late,
        ..ArbiterConfig::new(Segment::NseFo)
    }
}

/// A message whose exchange time is `START` plus 10 µs for each number, plus `later_ns`.
fn message_later(sequence: u32, later_ns: i64) -> [u8; 38] {
    let order = Order {
        message_type: message_type::ORDER_NEW,
        time: START.plus(i64::from(sequence) * 10_000 + later_ns),
        order_id: OrderId(u64::from(sequence)),
        token: 35_001,
        side: Side::Buy,
        price: 2_245_005,
        quantity: 65,
    };
    encode_order(1, sequence, &order)
}

fn message(sequence: u32) -> [u8; 38] {
    message_later(sequence, 0)
}

/// What comes out, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Out {
    Message(u32),
    Gap(u32, u32),
    Reset,
}
use Out::{Gap, Message, Reset};

fn out(event: &Event) -> Out {
    match event.fault() {
        Some(FeedFault::Gap { first, last }) => Gap(first, last),
        Some(FeedFault::Reset) => Reset,
        Some(fault) => panic!("no recovery here: {fault:?}"),
        None => {
            assert_eq!(event.kind(), Some(EventKind::OrderNew));
            assert_eq!(event.order_id.0, u64::from(event.sequence), "the event is the message");
            Message(event.sequence)
        }
    }
}

/// An arbiter, and what came out of it.
struct Script {
    arbiter: Arbiter,
    outs: Vec<Out>,
}

impl Script {
    fn new(config: ArbiterConfig) -> Self {
        Self { arbiter: Arbiter::new(config).unwrap(), outs: Vec::new() }
    }

    fn packet(&mut self, line: Line, ms: i64, bytes: &[u8]) -> &mut Self {
        let Self { arbiter, outs } = self;
        arbiter.on_packet(line, bytes, START.plus(ms * MS), &mut |event| outs.push(out(event)));
        assert!(arbiter.is_consistent());
        self
    }

    fn messages(&mut self, line: Line, ms: i64, sequences: &[u32]) -> &mut Self {
        sequences.iter().for_each(|&sequence| {
            self.packet(line, ms, &message(sequence));
        });
        self
    }

    fn heartbeat(&mut self, line: Line, ms: i64, last: u32) -> &mut Self {
        self.packet(line, ms, &encode_heartbeat(1, last))
    }

    fn timeout(&mut self, ms: i64) -> &mut Self {
        let Self { arbiter, outs } = self;
        arbiter.on_timeout(START.plus(ms * MS), &mut |event| outs.push(out(event)));
        assert!(arbiter.is_consistent());
        self
    }

    /// What came out since the last call.
    fn take(&mut self) -> Vec<Out> {
        std::mem::take(&mut self.outs)
    }

    fn stream(&self) -> &Stream {
        self.arbiter.stream(1).unwrap()
    }
}

#[test]
fn copies_are_dropped_and_early_messages_wait() {
    let mut script = Script::new(config());
    script.messages(Line::A, 0, &[5, 6, 8, 9, 8]).messages(Line::B, 1, &[4, 5, 6, 8]);
    assert_eq!(script.take(), [Message(5), Message(6)]);
    assert_eq!(script.arbiter.next_timeout(), Some(START.plus(200 * MS)));
    script.messages(Line::B, 2, &[7]);
    assert_eq!(script.take(), [Message(7), Message(8), Message(9)]);
    assert_eq!(script.arbiter.next_timeout(), None);
    let expected_a = StreamLineCounters { first: 4, duplicates: 1, ..Default::default() };
    assert_eq!(*script.stream().line(Line::A), expected_a);
    let expected_b =
        StreamLineCounters { first: 1, redundant: 3, before_join: 1, ..Default::default() };
    assert_eq!(*script.stream().line(Line::B), expected_b);
    let gaps = GapCounters { opened: 1, numbers: 1, filled_other_line: 1, ..Default::default() };
    assert_eq!(*script.stream().gaps(), gaps);
    let missing = Line::BOTH.map(|line| script.stream().missing(line));
    assert_eq!(missing, [1, 1]); // A has not brought 7, B not 9
}

#[test]
fn a_gap_is_given_up_after_the_wait_and_once_for_each_range() {
    let mut script = Script::new(config());
    script.messages(Line::A, 0, &[1, 5, 6]).messages(Line::A, 50, &[9]).messages(Line::B, 60, &[3]);
    script.timeout(199);
    assert_eq!(script.take(), [Message(1)]);
    script.timeout(200);
    let first = [Gap(2, 2), Message(3), Gap(4, 4), Message(5), Message(6)];
    assert_eq!(script.take(), first);
    assert_eq!(script.arbiter.next_timeout(), Some(START.plus(250 * MS)));
    // The wait ends by the next packet's time too; 7 came too late then.
    script.messages(Line::B, 250, &[7, 2]);
    assert_eq!(script.take(), [Gap(7, 8), Message(9)]);
    assert_eq!(script.stream().line(Line::B).late, 2);
    let ranges: Vec<_> =
        script.stream().lost_ranges().iter().map(|range| (range.first, range.last)).collect();
    assert_eq!(ranges, [(2, 2), (4, 4), (7, 8)]);
    let gaps =
        GapCounters { opened: 2, numbers: 5, filled_other_line: 1, lost: 4, ..Default::default() };
    assert_eq!(*script.stream().gaps(), gaps);
}

#[test]
fn a_reordered_line_fills_its_own_gap() {
    let mut script = Script::new(config());
    script.messages(Line::A, 0, &[1, 3, 2, 4]);
    assert_eq!(script.take(), [1, 2, 3, 4].map(Message));
    assert_eq!(script.stream().gaps().filled_same_line, 1);
    assert_eq!(script.stream().missing(Line::A), 0);
}

#[test]
fn a_full_window_gives_up_whole_ranges() {
    let mut script = Script::new(config());
    script.messages(Line::A, 0, &[1, 4, 5, 8]).messages(Line::A, 1, &[2 + 63]);
    assert_eq!(script.take(), [Message(1)]); // 65 is the last that fits beside 2
    script.messages(Line::A, 2, &[66]);
    assert_eq!(script.take(), [Gap(2, 3), Message(4), Message(5)]);
    script.messages(Line::A, 3, &[9_000]); // nothing near it can be held
    let all = [Gap(6, 7), Message(8), Gap(9, 64), Message(65), Message(66), Gap(67, 8_999)];
    assert_eq!(script.take(), [&all[..], &[Message(9_000)]].concat());
}

#[test]
fn a_heartbeat_shows_the_tail_and_where_to_join() {
    let mut script = Script::new(config());
    script.heartbeat(Line::A, 0, 0).messages(Line::A, 1, &[2]);
    assert_eq!(script.take(), []);
    script.timeout(201);
    assert_eq!(script.take(), [Gap(1, 1), Message(2)]);
    script.heartbeat(Line::A, 300, 2).heartbeat(Line::B, 301, 4).messages(Line::A, 302, &[4]);
    assert_eq!(script.arbiter.next_timeout(), Some(START.plus(501 * MS)));
    script.timeout(501);
    assert_eq!(script.take(), [Gap(3, 3), Message(4)]);
    script.heartbeat(Line::B, 600, 4 + 200).timeout(800);
    assert_eq!(script.take(), [Gap(5, 204)]);
    assert_eq!(script.arbiter.line(Line::B).heartbeats, 2);
}

#[test]
fn a_near_join_waits_for_the_other_line() {
    let waiting = ArbiterConfig { join: JoinPolicy::Wait, ..config() };
    let mut script = Script::new(waiting);
    script.messages(Line::A, 0, &[2, 3]).messages(Line::B, 199, &[1]);
    assert_eq!(script.take(), [1, 2, 3].map(Message));
    assert_eq!(script.stream().joined_at(), 1);
    let mut script = Script::new(waiting);
    script.messages(Line::A, 0, &[3]).messages(Line::B, 10, &[2]).timeout(200);
    assert_eq!(script.take(), [Gap(1, 1), Message(2), Message(3)]);
    assert!(script.stream().is_stale());
    // A heartbeat shows as much. What is near has a bound.
    let mut script = Script::new(waiting);
    script.heartbeat(Line::A, 0, 2).messages(Line::B, 1, &[1, 2]);
    assert_eq!(script.take(), [1, 2].map(Message));
    for (first, outs) in [(9, vec![Gap(1, 8), Message(9)]), (10, vec![Message(10)])] {
        let mut script = Script::new(ArbiterConfig { join_near: 9, ..waiting });
        script.messages(Line::A, 0, &[first]).timeout(200);
        assert_eq!(script.take(), outs);
    }
}

#[test]
fn the_lead_of_a_line_is_measured_on_every_copy() {
    let mut script = Script::new(ArbiterConfig { lead_window: 64, ..config() });
    script.messages(Line::A, 0, &[1, 2, 4]).messages(Line::B, 3, &[1, 3, 5]);
    script.messages(Line::A, 10, &[3, 3, 5]).messages(Line::B, 20, &[4, 2]);
    let lead = script.stream().lead_times();
    let (of_a, of_b) = (lead.first_on(Line::A), lead.first_on(Line::B));
    let exact = |lead: &LeadHistogram| (lead.count(), lead.min_ns(), lead.max_ns());
    assert_eq!(exact(of_a), (3, Some(3_000_000), Some(20_000_000)));
    assert_eq!(exact(of_b), (2, Some(7_000_000), Some(7_000_000)));
    assert_eq!(script.arbiter.lead_times(), *lead);
    // The ring has forgotten 1 when 65 is there; after a restart 2 is another message.
    let numbers: Vec<u32> = (6..=66).collect();
    script.messages(Line::A, 30, &numbers).messages(Line::B, 31, &[6]);
    script.packet(Line::A, 60_000, &message_later(1, 60_000 * MS));
    script.packet(Line::B, 60_001, &message_later(1, 60_000 * MS));
    let lead = script.stream().lead_times();
    assert_eq!((lead.count(), lead.unmeasured()), (7, 0));
    assert_eq!(lead.first_on(Line::A).min_ns(), Some(1_000_000));
}

#[test]
fn a_tail_lost_long_ago_is_late_and_no_restart() {
    // The last messages before a long silence: younger by far than the last delivered.
    let mut script = Script::new(config());
    script.messages(Line::A, 0, &[1]).heartbeat(Line::A, 9_000, 3).timeout(9_200);
    script.packet(Line::B, 9_300, &message_later(2, 5_000 * MS));
    script.packet(Line::B, 9_300, &message_later(3, 5_000 * MS));
    assert_eq!(script.take(), [Message(1), Gap(2, 3)]);
    assert_eq!(script.stream().line(Line::B).late, 2);
}

#[test]
fn a_restart_at_one_flushes_and_begins_again() {
    let mut script = Script::new(config());
    script.messages(Line::A, 0, &[100, 101, 103]);
    script.packet(Line::A, 60_000, &message_later(1, 60_000 * MS));
    let expected = [Message(100), Message(101), Gap(102, 102), Message(103), Reset, Message(1)];
    assert_eq!(script.take(), expected);
    for (line, sequence) in [(Line::B, 1), (Line::A, 2), (Line::B, 2)] {
        script.packet(line, 60_000, &message_later(sequence, 60_000 * MS));
    }
    script.messages(Line::B, 60_001, &[101, 102, 103]); // the other site's, still on their way
    assert_eq!(script.take(), [Message(2)]);
    let stream = script.stream();
    assert_eq!((stream.restart_count(), stream.held()), (1, 0));
    assert_eq!(stream.lost_ranges()[0], LostRange { first: 102, last: 102, restart_count: 0 });
}

#[test]
fn a_restart_at_one_is_known_at_once_by_the_time_of_number_one() {
    let mut script = Script::new(config());
    script.messages(Line::A, 0, &[1, 2, 3]);
    // The other line's copies, and then another number 1, far within the margin.
    script.messages(Line::B, 1, &[1, 2, 3]);
    assert_eq!(script.take(), [1, 2, 3].map(Message));
    script.packet(Line::B, 4, &message_later(1, 4 * MS));
    script.packet(Line::A, 5, &message_later(1, 4 * MS));
    script.packet(Line::A, 5, &message_later(2, 5 * MS));
    assert_eq!(script.take(), [Reset, Message(1), Message(2)]);
    assert_eq!(script.stream().restart_count(), 1);
}

#[test]
fn a_restart_whose_first_messages_are_lost_needs_a_second_message() {
    let mut script = Script::new(config());
    script.messages(Line::A, 0, &[100]);
    script.packet(Line::A, 60_000, &message_later(3, 60_000 * MS));
    assert_eq!(script.take(), [Message(100)]);
    assert_eq!(script.stream().line(Line::A).implausible, 1);
    script.packet(Line::B, 60_001, &message_later(3, 60_000 * MS)).timeout(60_201);
    assert_eq!(script.take(), [Reset, Gap(1, 2), Message(3)]);
}

#[test]
fn one_wild_number_does_not_end_the_day() {
    let mut script = Script::new(config());
    script.messages(Line::A, 0, &[1, 4_000_000_000, 2]).heartbeat(Line::A, 0, u32::MAX);
    script.messages(Line::A, 0, &[3]);
    assert_eq!(script.take(), [1, 2, 3].map(Message));
    assert_eq!(script.stream().line(Line::A).implausible, 1);
    // A second number near it is an outage.
    script.messages(Line::A, 0, &[3_000_000, 3_000_001]);
    assert_eq!(script.take(), [Gap(4, 3_000_000), Message(3_000_001)]);
}

#[test]
fn the_lists_and_tables_are_bounded() {
    let mut script = Script::new(ArbiterConfig { lost_ranges_max: 2, streams_max: 1, ..config() });
    script.messages(Line::A, 0, &[1, 3, 5, 7, 9]).timeout(200);
    assert_eq!(script.stream().lost_ranges().len(), 2);
    assert_eq!(script.stream().lost_ranges_unlisted(), 2);
    assert_eq!(script.stream().gaps().lost, 4);
    script.packet(Line::A, 201, &encode_heartbeat(2, 5));
    assert!(script.arbiter.stream(2).is_none());
    assert_eq!(script.arbiter.line(Line::A).streams_refused, 1);
    let base = config();
    let refusals = [
        ArbiterConfig { reorder_window: 100, ..base },
        ArbiterConfig { reorder_window: 32, ..base },
        ArbiterConfig { wait_ns: -1, ..base },
        ArbiterConfig { jump_max: 63, ..base },
        ArbiterConfig { restart_margin_ns: -1, ..base },
        ArbiterConfig { streams_max: 0, ..base },
        ArbiterConfig { lead_window: 63, ..base },
        ArbiterConfig { join_near: 65, ..base },
    ]
    .map(|config| Arbiter::new(config).unwrap_err().name());
    let names = ["reorder_window", "reorder_window", "wait_ns", "jump_max", "restart_margin_ns"];
    assert_eq!(refusals, [&names[..], &["streams_max", "lead_window", "join_near"]].concat()[..]);
}

#[test]
fn a_bad_message_leaves_its_number_to_the_other_line() {
    let mut script = Script::new(config());
    let mut bad = message(2);
    bad[29] = b'?';
    script.packet(Line::A, 0, &[message(1), bad, message(3)].concat());
    assert_eq!(script.take(), [Message(1)]);
    assert_eq!(script.arbiter.line(Line::A).errors[DecodeError::UnknownSide as usize], 1);
    script.messages(Line::B, 1, &[2]);
    assert_eq!(script.take(), [Message(2), Message(3)]);
}

#[test]
fn an_old_master_record_takes_its_number() {
    let mut contract = [0; 41];
    contract[0] = 41;
    contract[2] = 1;
    contract[8] = b'C';
    let mut script = Script::new(config());
    script.packet(Line::A, 0, &contract); // without a number
    contract[4] = 2;
    script.messages(Line::A, 0, &[1]).packet(Line::A, 0, &contract).messages(Line::A, 0, &[3]);
    assert_eq!(script.take(), [Message(1), Message(3)]);
    assert_eq!(script.stream().gaps().numbers, 0);
    assert_eq!(script.arbiter.line(Line::A).unsequenced, 1);
}

/// The rules of the module, said with sets and maps.
struct Model {
    config: ArbiterConfig,
    next: u32,
    highest: u32,
    held: BTreeSet<u32>,
    /// When and by which line a number showed missing.
    missing: BTreeMap<u32, (Nanos, Line)>,
    lost: BTreeSet<u32>,
    seen: [BTreeSet<u32>; 2],
    lines: [StreamLineCounters; 2],
    filled: [u64; 2],
    outs: Vec<Out>,
}

impl Model {
    fn new(config: ArbiterConfig) -> Self {
        Self {
            config,
            next: 0,
            highest: 0,
            held: BTreeSet::new(),
            missing: BTreeMap::new(),
            lost: BTreeSet::new(),
            seen: [BTreeSet::new(), BTreeSet::new()],
            lines: [StreamLineCounters::default(); 2],
            filled: [0; 2],
            outs: Vec::new(),
        }
    }

    fn on_message(&mut self, line: Line, sequence: u32, now: Nanos) {
        self.expire(now);
        if self.next == 0 {
            (self.next, self.highest) = (sequence, sequence - 1);
        }
        let window = self.config.reorder_window as u32;
        let seen = &mut self.seen[line.index()];
        let is_old = seen.last().is_some_and(|&last| sequence.saturating_add(window) <= last);
        let is_new = !is_old && seen.insert(sequence);
        let counters = &mut self.lines[line.index()];
        if self.lost.contains(&sequence) {
            counters.late += 1;
        } else if sequence < self.next || self.held.contains(&sequence) {
            *(if is_new { &mut counters.redundant } else { &mut counters.duplicates }) += 1;
        } else {
            counters.first += 1;
            if let Some((_, shown_by)) = self.missing.remove(&sequence) {
                self.filled[usize::from(shown_by != line)] += 1;
            }
            self.show(sequence, line, now);
            while sequence - self.next >= window {
                self.lose_run();
            }
            self.held.insert(sequence);
            self.release();
        }
    }

    fn show(&mut self, last: u32, line: Line, now: Nanos) {
        let missing = self.highest + 1..last;
        self.missing.extend(missing.map(|sequence| (sequence, (now, line))));
        self.highest = self.highest.max(last);
    }

    fn on_heartbeat(&mut self, line: Line, last: u32, now: Nanos) {
        self.expire(now);
        if last > self.highest {
            self.show(last, line, now);
            self.missing.insert(last, (now, line));
            while last + 1 - self.next >= self.config.reorder_window as u32 {
                self.lose_run();
            }
        }
    }

    fn expire(&mut self, now: Nanos) {
        let is_due = |shown: Nanos| now.since(shown) >= self.config.wait_ns;
        let due: Vec<u32> =
            self.missing.iter().filter(|(_, (shown, _))| is_due(*shown)).map(|(&n, _)| n).collect();
        for sequence in due {
            self.lose(sequence);
            self.release();
        }
    }

    /// Gives up the missing numbers from `next` to the first that is held or not yet shown.
    fn lose_run(&mut self) {
        while self.missing.contains_key(&self.next) {
            self.lose(self.next);
        }
        self.release();
    }

    fn lose(&mut self, sequence: u32) {
        assert_eq!(sequence, self.next);
        self.missing.remove(&sequence);
        self.lost.insert(sequence);
        self.next += 1;
        match self.outs.last_mut() {
            Some(Gap(_, last)) if *last + 1 == sequence => *last = sequence,
            _ => self.outs.push(Gap(sequence, sequence)),
        }
    }

    fn release(&mut self) {
        while self.held.remove(&self.next) {
            self.outs.push(Message(self.next));
            self.next += 1;
        }
    }
}

/// One line's packets: when each comes, and the numbers in it.
fn line_schedule(
    random: &mut Random,
    count: u32,
    lost: &mut BTreeSet<u32>,
) -> Vec<(i64, Vec<u32>)> {
    let (loss, duplicates, reorder) = (random.below(30), random.below(10), random.below(10));
    let (lag_us, jitter_us) = (random.below(50_000), 1 + random.below(3_000));
    let mut packets = Vec::new();
    let mut sequence = 1;
    while sequence <= count {
        let size = if random.chance(80) { 1 } else { 1 + random.below(4) as u32 };
        let numbers: Vec<u32> = (sequence..=count.min(sequence + size - 1)).collect();
        let sent_us = i64::from(sequence) * 20 + lag_us as i64;
        sequence += size;
        if random.chance(loss) {
            lost.extend(numbers);
            continue;
        }
        let copies = if random.chance(duplicates) { 2 } else { 1 };
        for _ in 0..copies {
            let late = if random.chance(reorder) { random.below(jitter_us) as i64 } else { 0 };
            packets.push(((sent_us + late) * 1_000, numbers.clone()));
        }
    }
    packets
}

/// Flags of one call's events: all but the last say that more follow.
fn check_flags(events: &[Event]) {
    for (index, event) in events.iter().enumerate() {
        let more = event.flags & MarketFlags::MORE_IN_PACKET != 0;
        assert_eq!(more, index + 1 < events.len());
    }
}

/// Joins adjacent gaps: waits that end apart are reported apart.
fn joined(outs: &[Out]) -> Vec<Out> {
    let mut joined: Vec<Out> = Vec::new();
    for &out in outs {
        match (joined.last_mut(), out) {
            (Some(Gap(_, last)), Gap(first, end)) if *last + 1 == first => *last = end,
            _ => joined.push(out),
        }
    }
    joined
}

/// Runs one seeded feed; returns what was lost on both lines, and what came out.
fn run(seed: u64) -> (ArbiterConfig, BTreeSet<u32>, Vec<Out>) {
    let mut random = Random(seed);
    let count = 200 + random.below(800) as u32;
    let base = config();
    let config = ArbiterConfig {
        reorder_window: 64 << random.below(6),
        wait_ns: [200 * MS, 10 * MS, MS / 10, 0][random.below(4) as usize],
        jump_max: 1 << 20,
        lost_ranges_max: 10_000,
        ..base
    };
    let mut lost = [BTreeSet::new(), BTreeSet::new()];
    let mut packets = Vec::new();
    for line in Line::BOTH {
        let schedule = line_schedule(&mut random, count, &mut lost[line.index()]);
        packets.extend(schedule.into_iter().map(|(time, numbers)| (time, line, numbers)));
    }
    packets.sort_by_key(|&(time, line, _)| (time, line.index()));
    let mut arbiter = Arbiter::new(config).unwrap();
    let mut model = Model::new(config);
    let mut events = Vec::new();
    for (offset, line, numbers) in packets {
        let now = START.plus(offset);
        let datagram: Vec<u8> = numbers.iter().flat_map(|&number| message(number)).collect();
        let before = events.len();
        if arbiter.next_timeout().is_some_and(|due| due <= now) {
            arbiter.on_timeout(now, &mut |event| events.push(*event));
        }
        let after_timeout = events.len();
        arbiter.on_packet(line, &datagram, now, &mut |event| events.push(*event));
        check_flags(&events[before..after_timeout]);
        check_flags(&events[after_timeout..]);
        // Every datagram's numbers are looked at in order at one time.
        numbers.iter().for_each(|&number| model.on_message(line, number, now));
    }
    let end = START.plus(10_000 * MS);
    arbiter.on_packet(Line::A, &encode_heartbeat(1, count), end, &mut |event| events.push(*event));
    model.on_heartbeat(Line::A, count, end);
    assert!(arbiter.is_consistent());
    arbiter.finish(end, &mut |event| events.push(*event));
    model.expire(Nanos::MAX);
    assert!(arbiter.is_consistent());

    let outs: Vec<Out> = events.iter().map(out).collect();
    assert_eq!(joined(&outs), joined(&model.outs));
    check_counters(arbiter.stream(1).unwrap(), &model, expected_join(&outs));
    let [a, b] = lost;
    (config, &a & &b, outs)
}

/// The counters are the model's, which counts what precedes the join as copies.
fn check_counters(stream: &Stream, model: &Model, join: u32) {
    for line in Line::BOTH {
        let (counters, expected) = (stream.line(line), model.lines[line.index()]);
        assert_eq!((counters.first, counters.late), (expected.first, expected.late));
        let copies = counters.redundant + counters.duplicates + counters.before_join;
        assert_eq!(copies, expected.redundant + expected.duplicates);
        let brought = model.seen[line.index()].range(join..).count() as u64;
        assert_eq!(stream.missing(line) + brought, stream.known());
    }
    let gaps = stream.gaps();
    assert_eq!([gaps.filled_same_line, gaps.filled_other_line], model.filled);
    let listed: BTreeSet<u32> =
        stream.lost_ranges().iter().flat_map(|range| range.first..=range.last).collect();
    assert_eq!(listed, model.lost);
    assert_eq!(gaps.lost, model.lost.len() as u64);
}

/// Where the arbiter joined: at the first number that came out.
fn expected_join(outs: &[Out]) -> u32 {
    match outs.first() {
        Some(&(Message(first) | Gap(first, _))) => first,
        _ => 1,
    }
}

#[test]
fn seeded_feeds_on_two_lines_agree_with_the_naive_model() {
    let mut exact = 0;
    for seed in 0..600 {
        println!("seed {seed}"); // shown when it fails
        let (config, lost_on_both, outs) = run(seed);
        let join = expected_join(&outs);
        let given: Vec<u32> = outs
            .iter()
            .flat_map(|out| match *out {
                Message(number) => number..=number,
                Gap(first, last) => first..=last,
                Reset => panic!("no restart here"),
            })
            .collect();
        assert!(given.iter().copied().eq(join..join + given.len() as u32), "each number once");
        if config.wait_ns == 200 * MS && config.reorder_window >= 1024 {
            // With room and time enough, lost is exactly what no line brought.
            let mut lost = BTreeSet::new();
            for out in &outs {
                if let Gap(first, last) = *out {
                    lost.extend(first..=last);
                }
            }
            assert_eq!(lost, lost_on_both.range(join..).copied().collect());
            exact += 1;
        }
    }
    assert!(exact > 20);
}

#[test]
fn the_same_packets_give_the_same_events_and_backward_times_break_nothing() {
    let mut random = Random(7);
    let packets: Vec<_> = (0..2_000)
        .map(|index| {
            let line = Line::BOTH[random.below(2) as usize];
            (line, 1 + index / 2 + random.below(9) as u32, START.plus(random.next() as i64 / 4))
        })
        .collect();
    let run = || {
        let mut arbiter = Arbiter::new(config()).unwrap();
        let mut events = Vec::new();
        for (line, sequence, time) in &packets {
            arbiter.on_packet(*line, &message(*sequence), *time, &mut |event| events.push(*event));
            assert!(arbiter.is_consistent());
        }
        events
    };
    assert_eq!(run(), run());
}
