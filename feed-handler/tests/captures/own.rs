//! Captures of our own making, through the writer, the reader and the arbiter.

use crate::common::{Random, capture, market, message, ng_capture, replay, sent};
use tezi_feed_handler::Line;
use tezi_feed_handler::capture::PcapFormat;
use tezi_feed_handler::wire::nse_mtbt::{Message, decode};
use tezi_model::{EventKind, FeedFault, MarketFlags};

const COUNT: u32 = 2_000;

fn formats() -> [PcapFormat; 4] {
    [(true, false), (true, true), (false, false), (false, true)]
        .map(|(nanoseconds, big_endian)| PcapFormat { nanoseconds, big_endian })
}

#[test]
fn every_format_gives_the_same_events() {
    let packets: Vec<_> =
        (1..=COUNT).map(|sequence| (Line::A, sent(sequence), vec![sequence])).collect();
    let [first, others @ ..] = formats().map(|format| replay(&capture(format, &packets)).0);
    assert_eq!(first.len(), COUNT as usize);
    for (index, event) in first.iter().enumerate() {
        let sequence = index as u32 + 1;
        assert_eq!((event.sequence, event.exchange_time), (sequence, sent(sequence)));
        assert_eq!((event.receive_time, event.token.0), (sent(sequence), 35_000 + sequence % 50));
        let bytes = message(sequence);
        match decode(&bytes).unwrap().0 {
            Message::Order(order) => assert_eq!(order.price.get(), 5 * (1 + sequence as i32)),
            other => assert!(matches!(other, Message::Trade(_))),
        }
    }
    assert!(others.iter().all(|other| *other == first));
    assert!(replay(&ng_capture(&packets)).0 == first, "pcapng reads differently");
}

#[test]
fn two_lines_with_loss_duplicates_and_reordering_give_the_single_line() {
    let single: Vec<_> = (1..=COUNT).map(|number| (Line::A, sent(number), vec![number])).collect();
    let (expected, _) = replay(&capture(PcapFormat::default(), &single));
    let mut random = Random(11);
    let mut packets = vec![(Line::A, sent(1), vec![1])];
    let mut lost_on_both = Vec::new();
    for number in 2..COUNT {
        let on = [random.index(100) >= 10, random.index(100) >= 10];
        if on == [false, false] {
            lost_on_both.push(number);
        }
        for line in Line::BOTH.into_iter().filter(|line| on[line.index()]) {
            let delay =
                random.index(3_000_000) as i64 + if line == Line::B { 2_000_000 } else { 0 };
            packets.push((line, sent(number).plus(delay), vec![number]));
        }
    }
    packets.push((Line::A, sent(COUNT).plus(100_000_000), vec![COUNT]));
    packets.sort_by_key(|packet| packet.1);
    let (events, arbiter) = replay(&capture(PcapFormat::default(), &packets));

    let lost: Vec<u32> = events
        .iter()
        .filter_map(|event| event.fault())
        .flat_map(|fault| match fault {
            FeedFault::Gap { first, last } => first..=last,
            other => panic!("neither restart nor recovery here: {other:?}"),
        })
        .collect();
    assert_eq!(lost, lost_on_both);
    let kept: Vec<_> =
        events.into_iter().filter(|event| event.kind() != Some(EventKind::StreamGap)).collect();
    let expected: Vec<_> =
        expected.into_iter().filter(|event| !lost.contains(&event.sequence)).collect();
    assert_eq!(market(&kept), market(&expected));
    let stream = arbiter.stream(2).unwrap();
    assert_eq!(stream.delivered() + stream.gaps().lost, u64::from(COUNT));
}

#[test]
fn all_but_the_last_event_of_a_datagram_say_that_more_follow() {
    let packets = [(Line::A, sent(1), vec![1, 2, 3]), (Line::B, sent(3), vec![2, 3, 4, 5, 3])];
    let (events, _) = replay(&capture(PcapFormat::default(), &packets));
    let more: Vec<_> =
        events.iter().map(|event| event.flags & MarketFlags::MORE_IN_PACKET != 0).collect();
    assert_eq!(more, [true, true, false, true, false]);
}
