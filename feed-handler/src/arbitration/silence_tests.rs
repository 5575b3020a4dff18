//! Streams that fall silent, by script.

use tezi_model::{Event, EventKind, Nanos, OrderId, Segment, Side};

use super::*;
use crate::recovery::Wanted;
use crate::wire::nse_mtbt::{Order, encode_heartbeat, encode_order, message_type};

const START: Nanos = Nanos::from_ist(2026, 9, 21, 9, 15, 0);
const MS: i64 = 1_000_000;
/// How long streams may be silent here.
const LIMIT_MS: i64 = 1_000;

fn message(sequence: u32) -> [u8; 38] {
    let order = Order {
        message_type: message_type::ORDER_NEW,
        time: START.plus(i64::from(sequence) * 10_000),
        order_id: OrderId(u64::from(sequence)),
        token: 35_001,
        side: Side::Buy,
        price: 2_245_005,
        quantity: 65,
    };
    encode_order(1, sequence, &order)
}

/// A feed whose host looks at the time every millisecond, as one on a wire does.
struct Wire {
    arbiter: Arbiter,
    now_ms: i64,
    /// What was said of the stream, and when, in milliseconds.
    said: Vec<(EventKind, i64)>,
}

impl Wire {
    fn new(recovery: Option<RecoveryPolicy>) -> Self {
        let config = ArbiterConfig {
            silence_ns: LIMIT_MS * MS,
            recovery,
            ..ArbiterConfig::new(Segment::NseFo)
        };
        Self { arbiter: Arbiter::new(config).unwrap(), now_ms: 0, said: Vec::new() }
    }

    fn now(&self) -> Nanos {
        START.plus(self.now_ms * MS)
    }

    /// Lets time pass up to a moment.
    fn until(&mut self, ms: i64) -> &mut Self {
        while self.now_ms < ms {
            self.now_ms += 1;
            let (now, at) = (self.now(), self.now_ms);
            let Self { arbiter, said, .. } = self;
            if arbiter.next_timeout().is_some_and(|due| due <= now) {
                arbiter.on_timeout(now, &mut |event| note(said, event, at));
            }
            assert!(arbiter.is_consistent());
        }
        self
    }

    fn packet(&mut self, line: Line, bytes: &[u8]) -> &mut Self {
        let (now, at) = (self.now(), self.now_ms);
        let Self { arbiter, said, .. } = self;
        arbiter.on_packet(line, bytes, now, &mut |event| note(said, event, at));
        self
    }

    fn is_stale(&self) -> bool {
        self.arbiter.stream(1).unwrap().is_stale()
    }

    fn take(&mut self) -> Vec<(EventKind, i64)> {
        std::mem::take(&mut self.said)
    }
}

fn note(said: &mut Vec<(EventKind, i64)>, event: &Event, at: i64) {
    let kind = event.kind().unwrap();
    if kind != EventKind::OrderNew {
        said.push((kind, at));
    }
}

#[test]
fn a_silent_stream_is_stale_until_it_is_heard() {
    let mut wire = Wire::new(None);
    wire.packet(Line::A, &message(1)).until(900).packet(Line::A, &message(2)).until(1_800);
    assert_eq!(wire.take(), []);
    wire.until(3_000);
    let [(EventKind::StreamStale, at)] = wire.take()[..] else { panic!("stale once") };
    assert!((1_900..=900 + LIMIT_MS * 5 / 4 + 2).contains(&at), "{at}");
    assert!(wire.is_stale());
    wire.packet(Line::B, &message(3)).until(3_002);
    assert_eq!(wire.take(), [(EventKind::StreamWhole, 3_001)]);
    assert!(!wire.is_stale());
    assert_eq!(wire.arbiter.stream(1).unwrap().silences(), 1);
}

#[test]
fn a_heartbeat_and_a_copy_are_no_silence() {
    let mut wire = Wire::new(None);
    wire.packet(Line::A, &message(1));
    for second in 1..10 {
        wire.until(second * 990);
        if second % 2 == 0 {
            wire.packet(Line::A, &encode_heartbeat(1, 1));
        } else {
            wire.packet(Line::B, &message(1));
        }
    }
    assert_eq!(wire.take(), []);
    wire.until(12_000);
    assert_eq!(wire.take().len(), 1);
    wire.packet(Line::B, &encode_heartbeat(1, 1)).until(12_002);
    assert_eq!(wire.take(), [(EventKind::StreamWhole, 12_001)]);
}

#[test]
fn what_was_lost_in_the_silence_is_waited_for_first() {
    // Without recovery it is lost, and the books stay stale.
    let mut wire = Wire::new(None);
    wire.packet(Line::A, &message(1)).until(2_000).packet(Line::A, &message(4)).until(2_100);
    assert_eq!(wire.take().len(), 1);
    wire.until(2_300);
    assert_eq!(wire.take(), [(EventKind::StreamGap, 2_200)]);
    assert!(wire.is_stale());
    // The other line brings it: whole.
    let mut wire = Wire::new(None);
    wire.packet(Line::A, &message(1)).until(2_000).packet(Line::A, &message(3)).until(2_100);
    wire.packet(Line::B, &message(2)).until(2_110);
    let said = wire.take();
    assert_eq!((said.len(), said[1].0), (2, EventKind::StreamWhole));
    // With recovery it is asked for, without another word until it is here.
    let mut wire = Wire::new(Some(RecoveryPolicy::default()));
    wire.packet(Line::A, &message(1)).until(2_000).packet(Line::A, &message(3)).until(2_300);
    assert_eq!(wire.take().len(), 1);
    let now = wire.now();
    let request = wire.arbiter.poll_recovery(now).unwrap();
    assert_eq!(request.wanted, Wanted::Messages { first: 2, last: 2 });
    let Wire { arbiter, said, .. } = &mut wire;
    let reply = RecoveryReply::Message(&message(2));
    arbiter.on_recovery(&request, reply, now, &mut |event| note(said, event, 2_300));
    assert_eq!(wire.take(), [(EventKind::StreamWhole, 2_300)]);
    wire.until(2_400);
    assert_eq!(wire.take(), []);
}

#[test]
fn what_is_stale_already_is_not_said_to_be_silent_and_a_restart_is_heard() {
    let mut wire = Wire::new(None);
    wire.packet(Line::A, &message(1)).packet(Line::A, &message(3)).until(5_000);
    assert_eq!(wire.take(), [(EventKind::StreamGap, 200)]);
    assert_eq!(wire.arbiter.stream(1).unwrap().silences(), 0);
    let mut wire = Wire::new(None);
    wire.packet(Line::A, &message(1)).packet(Line::A, &message(2)).until(2_000);
    let mut again = message(1);
    again[10..18].copy_from_slice(&message(90)[10..18]); // another time
    wire.packet(Line::A, &again).until(2_010);
    let kinds: Vec<_> = wire.take().iter().map(|said| said.0).collect();
    assert_eq!(kinds, [EventKind::StreamStale, EventKind::StreamReset]);
    assert!(!wire.is_stale());
}

#[test]
fn a_stream_that_may_be_silent_never_is() {
    let mut arbiter = Arbiter::new(ArbiterConfig::new(Segment::NseFo)).unwrap();
    arbiter.on_packet(Line::A, &message(1), START, &mut |_| {});
    assert_eq!(arbiter.next_timeout(), None);
    let config = ArbiterConfig { silence_ns: -1, ..ArbiterConfig::new(Segment::NseFo) };
    assert_eq!(Arbiter::new(config).unwrap_err().name(), "silence_ns");
}
