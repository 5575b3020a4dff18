//! The messages published so far, by stream and number: what the recovery service serves.
//!
//! A number that a capture lacks is a hole and cannot be served. Another message with number 1, or one
//! that is later in time than the newest of its stream but not in number, begins another run of the
//! stream, as after a move to the disaster-recovery site: the old run is forgotten.

use std::collections::VecDeque;

use tezi_feed_handler::wire::nse_mtbt::{Message, decode};
use tezi_model::NseTime;

/// The longest message with a number (MTBT 6.7, chapter 6).
const MESSAGE_SIZE_MAX: usize = 45;
/// A jump by more numbers than this is a damaged number.
const JUMP_MAX: u32 = 1 << 20;
/// How much later a lower number must be to be of another run, in nanoseconds. The clock's grain and
/// the lines' distance are far below.
const RUN_MARGIN_NS: i64 = 1_000_000_000;

/// One message as it was sent; a length of 0 is a hole.
#[derive(Clone, Copy, Debug)]
struct Record {
    length: u8,
    bytes: [u8; MESSAGE_SIZE_MAX],
}

impl Record {
    const HOLE: Self = Self { length: 0, bytes: [0; MESSAGE_SIZE_MAX] };

    fn bytes(&self) -> Option<&[u8]> {
        (self.length > 0).then(|| &self.bytes[..usize::from(self.length)])
    }
}

/// The messages of one stream.
#[derive(Debug)]
pub(super) struct StreamHistory {
    /// Counts the restarts.
    pub(super) run: u32,
    /// The number of the oldest message kept.
    pub(super) first: u32,
    records: VecDeque<Record>,
    /// The exchange's time of the newest message, UTC nanoseconds.
    newest_ns: i64,
}

impl StreamHistory {
    /// The highest number published; 0 before the first.
    pub(super) fn last(&self) -> u32 {
        (self.first - 1).saturating_add(self.records.len() as u32)
    }

    /// The bytes of a message; `None` when it is not, or no longer, there.
    pub(super) fn message(&self, sequence: u32) -> Option<&[u8]> {
        let index = sequence.checked_sub(self.first)? as usize;
        self.records.get(index)?.bytes()
    }

    fn put(&mut self, sequence: u32, time_ns: Option<i64>, bytes: &[u8], messages_max: usize) {
        let mut record = Record { length: bytes.len() as u8, bytes: [0; MESSAGE_SIZE_MAX] };
        record.bytes[..bytes.len()].copy_from_slice(bytes);
        let is_later =
            time_ns.is_some_and(|time| time.saturating_sub(self.newest_ns) > RUN_MARGIN_NS);
        // A run begins with number 1 (MTBT 6.7, chapter 2), and both lines say the same by a number.
        let is_another_first = sequence == 1 && self.message(1).is_some_and(|first| first != bytes);
        if sequence <= self.last() && (is_later || is_another_first) {
            (self.run, self.first) = (self.run + 1, sequence);
            self.records.clear();
        }
        self.newest_ns = self.newest_ns.max(time_ns.unwrap_or(i64::MIN));
        // Older than anything kept is not kept.
        let Some(index) = sequence.checked_sub(self.first) else { return };
        match self.records.get_mut(index as usize) {
            Some(hole) if hole.length == 0 => *hole = record,
            // The other line's copy.
            Some(_) => {}
            None => {
                self.records.resize(index as usize, Record::HOLE);
                self.records.push_back(record);
                while self.records.len() > messages_max.max(1) {
                    self.records.pop_front();
                    self.first += 1;
                }
            }
        }
    }
}

/// The messages of all streams.
#[derive(Debug)]
pub(crate) struct History {
    streams: Vec<Option<StreamHistory>>,
    messages_max: usize,
    messages: u64,
    refused: u64,
}

impl History {
    /// An empty history that keeps so many messages of each stream.
    pub(crate) fn new(messages_max: usize) -> Self {
        let streams = (0..256).map(|_| None).collect();
        Self { streams, messages_max, messages: 0, refused: 0 }
    }

    /// Keeps the messages of a datagram; one that is not of the protocol ends it.
    pub(crate) fn on_datagram(&mut self, payload: &[u8]) {
        let mut rest = payload;
        while !rest.is_empty() {
            let Ok((message, length)) = decode(rest) else {
                self.refused += 1;
                return;
            };
            let (bytes, after) = rest.split_at(length);
            rest = after;
            self.on_message(&message, bytes);
        }
    }

    fn on_message(&mut self, message: &Message<'_>, bytes: &[u8]) {
        let (header, time) = match message {
            Message::Order(order) => (&order.header, Some(order.timestamp.get())),
            Message::Trade(trade) => (&trade.header, Some(trade.timestamp.get())),
            Message::OldContract(contract) => (&contract.header, None),
            Message::OldCount(count) => (&count.header, None),
            Message::Heartbeat(_) | Message::Reply(_) => return,
        };
        let sequence = header.seq_no.get();
        let (Ok(number), 1..) = (header.stream_number(), sequence) else {
            self.refused += 1;
            return;
        };
        let time_ns = time.map(|time| NseTime(time).to_nanos().0);
        let stream = self.streams[usize::from(number)].get_or_insert_with(|| StreamHistory {
            run: 0,
            first: sequence,
            records: VecDeque::new(),
            newest_ns: time_ns.unwrap_or(i64::MIN),
        });
        if sequence.saturating_sub(stream.last()) > JUMP_MAX {
            self.refused += 1;
            return;
        }
        stream.put(sequence, time_ns, bytes, self.messages_max);
        self.messages += 1;
    }

    /// A stream, once a message of it was published.
    pub(super) fn stream(&self, number: u8) -> Option<&StreamHistory> {
        self.streams[usize::from(number)].as_ref()
    }

    /// The streams seen: number and last message.
    pub(super) fn streams(&self) -> impl Iterator<Item = (u8, u32)> {
        let numbered = (0..=u8::MAX).zip(&self.streams);
        numbered.filter_map(|(number, stream)| Some((number, stream.as_ref()?.last())))
    }

    /// Messages taken in, copies of the other line included.
    pub(super) const fn messages(&self) -> u64 {
        self.messages
    }

    /// Datagrams, or ends of them, that are no messages of the protocol.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tezi_feed_handler::wire::nse_mtbt::{Order, encode_heartbeat, encode_order, message_type};
    use tezi_model::{Nanos, OrderId, Side};

    use super::*;
    use crate::random::Random;

    fn message(stream: u8, sequence: u32, time: Nanos) -> [u8; 38] {
        let order = Order {
            message_type: message_type::ORDER_NEW,
            time,
            order_id: OrderId(1_100_000_000_000_000 + u64::from(sequence)),
            token: 35_001,
            side: Side::Buy,
            price: 100,
            quantity: 65,
        };
        encode_order(stream, sequence, &order)
    }

    const OPEN: Nanos = Nanos::from_ist(2026, 11, 20, 9, 15, 0);

    #[test]
    fn it_is_a_map_by_number_whatever_the_order() {
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let mut history = History::new(1 << 20);
            let mut model = BTreeMap::new();
            let first = 1 + random.below(50) as u32;
            // The first seen is the first kept.
            let of = |sequence| message(1, sequence, OPEN.plus(i64::from(sequence)));
            history.on_datagram(&of(first));
            model.insert(first, of(first));
            for _ in 0..200 {
                let sequence = 1 + random.below(300) as u32;
                let bytes = of(sequence);
                history.on_datagram(&bytes);
                if sequence >= first {
                    model.entry(sequence).or_insert(bytes);
                }
            }
            let stream = history.stream(1).unwrap();
            assert_eq!(stream.last(), *model.keys().last().unwrap(), "seed {seed}");
            for sequence in 0..=310 {
                let expected = model.get(&sequence).map(|bytes| &bytes[..]);
                assert_eq!(stream.message(sequence), expected, "seed {seed}: {sequence}");
            }
        }
    }

    #[test]
    fn only_so_many_are_kept() {
        let mut history = History::new(10);
        (1..=25).for_each(|sequence| history.on_datagram(&message(3, sequence, OPEN)));
        let stream = history.stream(3).unwrap();
        assert_eq!((stream.first, stream.last()), (16, 25));
        assert!(stream.message(15).is_none() && stream.message(16).is_some());
    }

    #[test]
    fn a_lower_number_much_later_begins_another_run() {
        let mut history = History::new(100);
        (1..=9).for_each(|sequence| history.on_datagram(&message(1, sequence, OPEN)));
        history.on_datagram(&message(1, 2, OPEN.plus(500_000_000)));
        assert_eq!((history.stream(1).unwrap().run, history.stream(1).unwrap().last()), (0, 9));
        let restart = message(1, 1, OPEN.plus(3_000_000_000));
        history.on_datagram(&restart);
        let stream = history.stream(1).unwrap();
        assert_eq!((stream.run, stream.last(), stream.message(1)), (1, 1, Some(&restart[..])));
    }

    #[test]
    fn another_number_one_begins_another_run_at_once() {
        let mut history = History::new(100);
        (1..=9).for_each(|sequence| history.on_datagram(&message(1, sequence, OPEN)));
        // The other line's copy does not.
        history.on_datagram(&message(1, 1, OPEN));
        assert_eq!((history.stream(1).unwrap().run, history.stream(1).unwrap().last()), (0, 9));
        let another = message(1, 1, OPEN.plus(1));
        history.on_datagram(&another);
        let stream = history.stream(1).unwrap();
        assert_eq!((stream.run, stream.last(), stream.message(1)), (1, 1, Some(&another[..])));
    }

    #[test]
    fn what_is_no_message_is_counted_and_changes_nothing() {
        let mut history = History::new(100);
        history.on_datagram(b"something else altogether");
        history.on_datagram(&encode_heartbeat(1, 50));
        assert_eq!((history.messages(), history.refused(), history.streams().count()), (0, 1, 0));
        let mut two = message(1, 1, OPEN).to_vec();
        two.extend(message(1, 2, OPEN));
        two.extend([38, 0, 1]);
        history.on_datagram(&two);
        history.on_datagram(&message(1, u32::MAX, OPEN));
        assert_eq!((history.messages(), history.refused()), (2, 3));
        assert!(history.streams().eq([(1, 2)]));
    }
}
