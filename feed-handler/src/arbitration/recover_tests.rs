//! Scripted cases of a stream that recovers; `tests/recovery` has the seeded ones.

use tezi_model::{Event, EventKind, FeedFault, MarketFlags, Nanos, OrderId, Segment, Side};

use super::*;
use crate::recovery::{RecoveryFailure, Wanted};
use crate::wire::nse_mtbt::{
    Order, encode_heartbeat, encode_order, encode_snapshot_header, encode_snapshot_order,
    message_type,
};

const START: Nanos = Nanos::from_ist(2026, 9, 21, 9, 15, 0);
const MS: i64 = 1_000_000;

fn order(sequence: u32, later_ns: i64) -> Order {
    Order {
        message_type: message_type::ORDER_NEW,
        time: START.plus(i64::from(sequence) * 10_000 + later_ns),
        order_id: OrderId(u64::from(sequence)),
        token: 35_001,
        side: Side::Buy,
        price: 2_245_005,
        quantity: 65,
    }
}

fn message(sequence: u32) -> [u8; 38] {
    encode_order(1, sequence, &order(sequence, 0))
}

/// What comes out, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Out {
    Line(u32),
    Recovered(u32),
    Stale(u32),
    Whole,
    Image(u32),
    /// An order of a snapshot, by its id.
    Resting(u64),
    Gap(u32, u32),
    Reset,
}
use Out::{Gap, Image, Line as Came, Recovered, Reset, Resting, Stale, Whole};

fn out(event: &Event) -> Out {
    match event.fault() {
        Some(FeedFault::Gap { first, last }) => Gap(first, last),
        Some(FeedFault::Reset) => Reset,
        Some(FeedFault::Stale { first }) => Stale(first),
        Some(FeedFault::Whole) => Whole,
        Some(FeedFault::Snapshot) => Image(event.sequence),
        None if event.flags & MarketFlags::SNAPSHOT != 0 => Resting(event.order_id.0),
        None if event.flags & MarketFlags::RECOVERED != 0 => Recovered(event.sequence),
        None => {
            assert_eq!(event.kind(), Some(EventKind::OrderNew));
            Came(event.sequence)
        }
    }
}

struct Script {
    arbiter: Arbiter,
    outs: Vec<Out>,
    now: Nanos,
}

fn policy() -> RecoveryPolicy {
    RecoveryPolicy {
        hold_max: 128,
        hold_streams: 1,
        refusals_max: 1,
        failures_max: 1,
        snapshots_max: 2,
        ..RecoveryPolicy::default()
    }
}

impl Script {
    fn new(policy: RecoveryPolicy) -> Self {
        let config = ArbiterConfig {
            reorder_window: 64,
            recovery: Some(policy),
            ..ArbiterConfig::new(Segment::NseFo)
        };
        Self { arbiter: Arbiter::new(config).unwrap(), outs: Vec::new(), now: START }
    }

    fn at(&mut self, ms: i64) -> &mut Self {
        self.now = START.plus(ms * MS);
        let Self { arbiter, outs, now } = self;
        arbiter.on_timeout(*now, &mut |event| outs.push(out(event)));
        self
    }

    fn packet(&mut self, line: Line, bytes: &[u8]) -> &mut Self {
        let Self { arbiter, outs, now } = self;
        arbiter.on_packet(line, bytes, *now, &mut |event| outs.push(out(event)));
        assert!(arbiter.is_consistent());
        self
    }

    fn messages(&mut self, sequences: impl IntoIterator<Item = u32>) -> &mut Self {
        for sequence in sequences {
            self.packet(Line::A, &message(sequence));
        }
        self
    }

    /// The request that is due, which must be there.
    fn asked(&mut self) -> RecoveryRequest {
        self.arbiter.poll_recovery(self.now).unwrap()
    }

    fn reply(&mut self, request: &RecoveryRequest, reply: RecoveryReply<'_>) -> bool {
        let Self { arbiter, outs, now } = self;
        let more = arbiter.on_recovery(request, reply, *now, &mut |event| outs.push(out(event)));
        assert!(arbiter.is_consistent());
        more
    }

    fn recovered(&mut self, request: &RecoveryRequest, sequence: u32) -> bool {
        self.reply(request, RecoveryReply::Message(&message(sequence)))
    }

    fn image(&mut self, request: &RecoveryRequest, last: u32, orders: &[u32]) {
        let header = encode_snapshot_header(1, last, orders.len() as u32);
        self.reply(request, RecoveryReply::SnapshotHeader(bytemuck::cast_ref(&header)));
        for &id in orders {
            let bytes = encode_snapshot_order(&order(id, 0));
            self.reply(request, RecoveryReply::SnapshotOrder(bytemuck::cast_ref(&bytes)));
        }
    }

    fn take(&mut self) -> Vec<Out> {
        std::mem::take(&mut self.outs)
    }
}

#[test]
fn a_gap_is_asked_for_and_the_stream_is_whole_again() {
    let mut script = Script::new(policy());
    script.messages([1, 4, 6]).at(199);
    assert_eq!(script.arbiter.poll_recovery(script.now), None);
    script.at(200);
    assert_eq!(script.take(), [Came(1), Stale(2)]);
    let request = script.asked();
    assert_eq!(request.wanted, Wanted::Messages { first: 2, last: 5 }); // both gaps at once
    assert_eq!(script.arbiter.poll_recovery(script.now), None);
    assert!(script.recovered(&request, 2) && script.recovered(&request, 3));
    script.packet(Line::B, &message(5)); // a line was faster
    assert_eq!(script.take(), [Recovered(2), Recovered(3), Came(4), Came(5), Came(6), Whole]);
    assert!(!script.recovered(&request, 4), "nobody waits for it any more");
    let stream = script.arbiter.stream(1).unwrap();
    assert_eq!((stream.gaps().recovered, stream.gaps().filled_other_line), (2, 1));
    assert_eq!((stream.recovery().canceled, stream.delivered()), (1, 6));
    script.messages([7]);
    assert_eq!(script.take(), [Came(7)]);
}

#[test]
fn a_late_join_takes_a_snapshot_and_what_follows_it() {
    let mut script = Script::new(policy());
    script.messages([1_000, 1_001, 999, 1_003]);
    assert_eq!(script.take(), [Stale(1)]);
    let request = script.asked();
    assert_eq!(request.wanted, Wanted::Snapshot);
    script.image(&request, 997, &[3, 17]);
    assert_eq!(script.take(), [Image(997), Resting(3), Resting(17)]);
    let request = script.asked();
    assert_eq!(request.wanted, Wanted::Messages { first: 998, last: 999 });
    script.recovered(&request, 998);
    assert!(!script.recovered(&request, 999), "that was the last");
    let came = [Recovered(998), Recovered(999), Came(1_000), Came(1_001), Whole];
    assert_eq!(script.take(), came); // 1,002 is waited for as ever
    assert_eq!(script.arbiter.stream(1).unwrap().joined_at(), 1_000);
    script.messages([1_002]);
    assert_eq!(script.take(), [Came(1_002), Came(1_003)]);
}

#[test]
fn a_first_message_lost_on_the_faster_line_is_asked_for() {
    let ticks = RecoveryPolicy { snapshots: false, ..policy() };
    let mut script = Script::new(ticks);
    script.messages([2, 3]).at(199);
    assert_eq!(script.take(), []);
    script.at(200);
    let request = script.asked();
    assert_eq!(request.wanted, Wanted::Messages { first: 1, last: 1 });
    script.recovered(&request, 1);
    assert_eq!(script.take(), [Stale(1), Recovered(1), Came(2), Came(3), Whole]);
}

#[test]
fn a_late_join_without_snapshots_asks_for_the_day_up_to_its_bound() {
    let ticks = RecoveryPolicy { snapshots: false, range_max: 60, join_max: 99, ..policy() };
    let mut script = Script::new(ticks);
    script.messages([100, 101]);
    for (first, last) in [(1, 60), (61, 99)] {
        let request = script.asked();
        assert_eq!(request.wanted, Wanted::Messages { first, last });
        (first..=last).for_each(|sequence| _ = script.recovered(&request, sequence));
    }
    let outs = script.take();
    assert_eq!((outs[0], outs.len()), (Stale(1), 103));
    assert_eq!(outs[99..], [Recovered(99), Came(100), Came(101), Whole]);
    // One more than the bound is not asked for, and the books say so.
    let mut script = Script::new(ticks);
    script.messages([101, 100, 102]);
    assert!(script.arbiter.poll_recovery(script.now).is_none());
    assert_eq!(script.take(), [Gap(1, 100), Came(101), Came(102)]);
    let stream = script.arbiter.stream(1).unwrap();
    assert!(stream.is_stale() && stream.line(Line::A).before_join == 1);
    // A stream without room to hold says so too.
    let mut script = Script::new(RecoveryPolicy { hold_streams: 0, ..ticks });
    script.messages([99, 100]);
    assert_eq!(script.take(), [Gap(1, 98), Came(99), Came(100)]);
}

#[test]
fn messages_wait_until_the_image_is_complete() {
    let mut script = Script::new(policy());
    script.messages([500, 501]);
    let request = script.asked();
    let header = encode_snapshot_header(1, 501, 2);
    script.reply(&request, RecoveryReply::SnapshotHeader(bytemuck::cast_ref(&header)));
    script.messages([501, 502]).packet(Line::B, &message(500));
    let bytes = encode_snapshot_order(&order(9, 0));
    for _ in 0..2 {
        script.reply(&request, RecoveryReply::SnapshotOrder(bytemuck::cast_ref(&bytes)));
    }
    let expected = [Stale(1), Image(501), Resting(9), Resting(9), Came(502), Whole];
    assert_eq!(script.take(), expected);
    assert_eq!(script.arbiter.stream(1).unwrap().recovery().superseded, 2);
}

#[test]
fn what_cannot_be_had_is_given_up_and_healed_later() {
    let mut script = Script::new(policy());
    script.messages([1, 3]).at(200);
    let refused = RecoveryReply::Failed(RecoveryFailure::Refused);
    let request = script.asked();
    script.reply(&request, refused);
    assert_eq!(script.arbiter.poll_recovery(script.now), None); // a pause first
    script.at(250);
    let request = script.asked();
    script.reply(&request, refused);
    for ms in [250, 5_250] {
        script.at(ms);
        let request = script.asked();
        assert_eq!(request.wanted, Wanted::Snapshot);
        script.image(&request, 1, &[1]); // too old: we know as much
    }
    assert_eq!(script.take(), [Came(1), Stale(2), Gap(2, 2), Came(3)]);
    script.messages([4]);
    assert_eq!(script.take(), [Came(4)]);
    script.at(65_250);
    let request = script.asked();
    script.image(&request, 3, &[2]);
    let request = script.asked();
    script.messages([5]);
    script.recovered(&request, 4);
    assert_eq!(script.take(), [Image(3), Resting(2), Recovered(4), Came(5), Whole]);
    let recovery = script.arbiter.stream(1).unwrap().recovery();
    assert_eq!((recovery.given_up, recovery.rewound, recovery.snapshots), (1, 2, 1));
}

#[test]
fn lies_are_found_out() {
    let mut script = Script::new(policy());
    script.messages([1, 3]).at(200);
    let request = script.asked();
    assert!(!script.recovered(&request, 3));
    script.at(250);
    let request = script.asked();
    let other_day = encode_order(1, 2, &order(2, 60_000 * MS));
    assert!(!script.reply(&request, RecoveryReply::Message(&other_day)));
    let request = script.asked();
    script.image(&request, 4, &[]); // nobody has seen 4
    script.at(300);
    let request = script.asked();
    let mut order = encode_snapshot_order(&order(2, 0));
    order[21] = b'?';
    script.image(&request, 2, &[]);
    assert_eq!(script.take(), [Came(1), Stale(2), Image(2), Came(3), Whole]);
    assert!(!script.reply(&request, RecoveryReply::SnapshotOrder(bytemuck::cast_ref(&order))));
    let failures = script.arbiter.stream(1).unwrap().recovery().failures;
    let of = |reason: RecoveryFailure| failures[reason as usize];
    assert_eq!(of(RecoveryFailure::WrongSequence), 1);
    assert_eq!(of(RecoveryFailure::OtherRun), 1);
    assert_eq!(of(RecoveryFailure::SnapshotImplausible), 1);
}

#[test]
fn a_restart_ends_the_recovery_in_every_state() {
    let restart = |script: &mut Script| {
        script.packet(Line::A, &encode_order(1, 1, &order(1, 60_000 * MS)));
        assert!(script.arbiter.poll_recovery(script.now).is_none());
        script.take()
    };
    let mut recovering = Script::new(policy());
    recovering.messages([2, 3]).at(200).asked(); // 1 itself is missing
    assert_eq!(
        restart(&mut recovering),
        [Stale(1), Gap(1, 1), Came(2), Came(3), Reset, Whole, Came(1)]
    );
    let mut joining = Script::new(policy());
    joining.messages([700]);
    let request = joining.asked();
    assert_eq!(restart(&mut joining), [Stale(1), Gap(1, 699), Came(700), Reset, Whole, Came(1)]);
    joining.image(&request, 699, &[5]);
    assert_eq!(joining.take(), []); // the answer is of the other run
    let mut loading = Script::new(policy());
    loading.messages([700]);
    let request = loading.asked();
    let header = encode_snapshot_header(1, 650, 2);
    loading.reply(&request, RecoveryReply::SnapshotHeader(bytemuck::cast_ref(&header)));
    let outs = restart(&mut loading);
    assert_eq!(outs[1..], [Image(650), Gap(650, 699), Came(700), Reset, Whole, Came(1)]);
}

#[test]
fn a_number_one_that_was_recovered_tells_the_next_one_from_a_copy() {
    let mut script = Script::new(policy());
    script.packet(Line::A, &encode_heartbeat(1, 3)).at(200);
    let request = script.asked();
    (1..=3).for_each(|sequence| _ = script.recovered(&request, sequence));
    script.messages([4]).take();
    // The other line's copy of the run's own, and then one that follows number 4 at once.
    script.packet(Line::B, &message(1));
    assert_eq!(script.take(), []);
    script.packet(Line::B, &encode_order(1, 1, &order(1, 40_000)));
    assert_eq!(script.take(), [Reset, Came(1)]);
}

#[test]
fn a_full_hold_is_given_up_and_a_long_outage_is_not() {
    let mut script = Script::new(policy());
    script.messages([1, 3]).messages(4..130);
    assert_eq!(script.take(), [Came(1), Stale(2)]); // the small window was full at 66
    script.messages([130]);
    assert_eq!(script.take()[..2], [Gap(2, 2), Came(3)]);
    let mut script = Script::new(RecoveryPolicy { range_max: 50, ..policy() });
    script.messages([1]).packet(Line::A, &encode_heartbeat(1, 300)).messages([301]);
    script.at(200);
    for first in (2..=300).step_by(50) {
        let request = script.asked();
        let last = (first + 49).min(300);
        assert_eq!(request.wanted, Wanted::Messages { first, last });
        (first..=last).for_each(|sequence| _ = script.recovered(&request, sequence));
    }
    assert_eq!(script.take()[300..], [Recovered(300), Came(301), Whole]);
}

#[test]
fn silence_is_an_answer_and_the_end_of_the_feed_gives_up() {
    let mut script = Script::new(RecoveryPolicy { answer_ns: 100 * MS, ..policy() });
    script.messages([1, 3]).at(200);
    script.asked();
    assert_eq!(script.arbiter.next_timeout(), Some(START.plus(300 * MS)));
    script.at(300);
    assert_eq!(script.arbiter.next_timeout(), Some(START.plus(350 * MS)));
    let failures = script.arbiter.stream(1).unwrap().recovery().failures;
    assert_eq!(failures[RecoveryFailure::Unanswered as usize], 1);
    let Script { arbiter, outs, now } = &mut script;
    arbiter.finish(*now, &mut |event| outs.push(out(event)));
    assert!(arbiter.is_consistent() && arbiter.next_timeout().is_none());
    assert_eq!(script.take(), [Came(1), Stale(2), Gap(2, 2), Came(3)]);
    assert!(script.arbiter.stream(1).unwrap().is_stale());
}

#[test]
fn impossible_policies_are_named() {
    let refused = |policy: RecoveryPolicy| {
        let base = ArbiterConfig::new(Segment::NseFo);
        Arbiter::new(ArbiterConfig { recovery: Some(policy), ..base }).unwrap_err().name()
    };
    assert_eq!(refused(RecoveryPolicy { hold_max: 2_048, ..policy() }), "hold_max");
    let base = RecoveryPolicy::default();
    assert_eq!(refused(RecoveryPolicy { range_max: 300_001, ..base }), "range_max");
    assert_eq!(refused(RecoveryPolicy { retry_ns: 0, ..base }), "recovery_times");
    let join = |join, recovery| {
        let config = ArbiterConfig { join, recovery, ..ArbiterConfig::new(Segment::NseFo) };
        Arbiter::new(config).map(|_| ()).map_err(ConfigError::name)
    };
    let ticks = Some(RecoveryPolicy { snapshots: false, hold_max: 4_096, ..policy() });
    assert_eq!(join(JoinPolicy::Snapshot, ticks), Err("join"));
    assert_eq!(join(JoinPolicy::Recover, None), Err("join"));
    assert_eq!(join(JoinPolicy::Recover, ticks), Ok(()));
    assert_eq!(join(JoinPolicy::Best, None), Ok(()));
}
