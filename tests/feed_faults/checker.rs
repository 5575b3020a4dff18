//! Holds every event, and the core's books, against what really happened.

use tezi::book::Books;
use tezi::model::{Event, FeedFault, InstrumentId, MarketFlags, Nanos, Segment, Side, StreamId};
use tezi::pricing::Reference;
use tezi::strategy::Watch;
use tezi::{Capacity, Core, CoreConfig};

use crate::market::{Run, order_digest};

/// What the events of one stream said.
#[derive(Debug, Default)]
pub struct Heard {
    run: usize,
    /// The number of the next message.
    expected: u32,
    /// Whether an image is being given out: `expected` is the last number it covers.
    is_image: bool,
    /// Whether the stream was stale until its restart, the last event.
    may_be_whole: bool,
    pub is_stale: bool,
    pub was_stale: bool,
    pub delivered: u64,
    pub recovered: u64,
    pub lost: u64,
    pub snapshot_orders: u64,
    pub resets: u32,
}

impl Heard {
    /// The last message delivered, and its run.
    pub fn last(&self) -> (usize, u32) {
        (self.run, self.expected - 1)
    }
}

/// The core behind the feed, and what it should hold.
pub struct Checker {
    core: Core<Watch, Reference>,
    pub streams: Vec<Heard>,
    /// How often books were compared.
    pub compared: u64,
}

impl Checker {
    pub fn new(streams: usize) -> Self {
        let capacity = Capacity {
            instruments_max: 16,
            market_orders_max: 4_096,
            levels_max: 2_048,
            own_orders_max: 64,
            timers_max: 8,
            outputs_max: 64,
        };
        let config = CoreConfig { capacity, ..CoreConfig::default() };
        let heard = || Heard { expected: 1, ..Heard::default() };
        Self {
            core: Core::new(&config, Watch, Reference).unwrap(),
            streams: (0..streams).map(|_| heard()).collect(),
            compared: 0,
        }
    }

    /// Takes an event; `truth` has the runs of every stream.
    pub fn on_event(&mut self, truth: &[Vec<Run>], event: &Event) {
        let index = usize::from(event.stream.number()) - 1;
        self.core.on_event(event.receive_time, event);
        let heard = &mut self.streams[index];
        let mut is_settled = false;
        match event.fault() {
            None if event.flags & MarketFlags::SNAPSHOT != 0 => {
                assert!(heard.is_image && event.sequence == heard.expected, "of the image");
                heard.snapshot_orders += 1;
                return;
            }
            None => is_settled = heard.on_message(&truth[index], event),
            Some(FeedFault::Stale { first }) => {
                assert!(!heard.is_stale && first == heard.expected, "stale at {first}");
                heard.is_stale = true;
            }
            Some(FeedFault::Whole) => {
                assert!(heard.is_stale || heard.may_be_whole, "whole without stale");
                heard.end_image();
                heard.is_stale = false;
                is_settled = true;
            }
            Some(FeedFault::Snapshot) => {
                assert!(heard.is_stale, "a snapshot for a stream that is whole");
                (heard.is_image, heard.expected) = (true, event.sequence);
            }
            Some(FeedFault::Gap { first, last }) => {
                if heard.is_image && first > heard.expected {
                    heard.end_image(); // whole, but what follows it is lost
                }
                assert!(first <= last && first == heard.expected, "gap {first}..={last}");
                (heard.is_stale, heard.is_image, heard.expected) = (true, false, last + 1);
                heard.lost += u64::from(last + 1 - first);
            }
            Some(FeedFault::Reset) => {
                heard.run += 1;
                heard.resets += 1;
                (heard.expected, heard.is_image) = (1, false);
                // The books are empty and right. `StreamWhole` follows where there is recovery.
                heard.may_be_whole = std::mem::take(&mut heard.is_stale);
            }
        }
        heard.may_be_whole &= event.fault() == Some(FeedFault::Reset);
        heard.was_stale |= heard.is_stale;
        if is_settled && !heard.is_stale && event.sequence.is_multiple_of(4) {
            self.check_books(index, truth);
        }
    }

    /// At any moment: the books of a stream are the truth after the last message delivered, or the
    /// stream is marked stale, in the core as here.
    pub fn check_books(&mut self, index: usize, truth: &[Vec<Run>]) {
        let heard = &self.streams[index];
        if heard.is_stale {
            return;
        }
        let stream = StreamId::new(Segment::NseFo, index as u16 + 1);
        let books = self.core.books();
        let mut sum = 0_u64;
        for (instrument, state) in self.core.instruments().iter() {
            if state.stream == Some(stream) {
                assert!(!self.core.is_stale(instrument), "the core knows that {stream} is whole");
                sum = sum.wrapping_add(digest(books, instrument, state.definition.token.0));
            }
        }
        let (run, last) = heard.last();
        assert_eq!(sum, truth[index][run].digests[last as usize], "books of {stream} at {last}");
        self.compared += 1;
    }

    /// The marks of the core are those of the events.
    pub fn check_marks(&self) {
        for (instrument, state) in self.core.instruments().iter() {
            let Some(stream) = state.stream else { continue };
            let heard = &self.streams[usize::from(stream.number()) - 1];
            assert_eq!(self.core.is_stale(instrument), heard.is_stale, "the mark of {stream}");
        }
        assert!(self.core.is_consistent());
    }
}

impl Heard {
    /// Takes a message; whether the books can be compared now.
    fn on_message(&mut self, runs: &[Run], event: &Event) -> bool {
        if event.sequence == self.expected + 1 {
            self.end_image();
        }
        self.is_image = false; // an image that was cut is followed by a held message or a gap
        assert_eq!(event.sequence, self.expected, "each number once and in order");
        let truth = &runs[self.run].events[event.sequence as usize - 1];
        let flags = event.flags & MarketFlags::SELL;
        let masked = Event { flags, receive_time: Nanos::ZERO, ..*event };
        assert_eq!(masked, *truth, "the event is the message");
        self.expected += 1;
        self.delivered += 1;
        self.recovered += u64::from(event.flags & MarketFlags::RECOVERED != 0);
        true
    }

    fn end_image(&mut self) {
        if std::mem::take(&mut self.is_image) {
            self.expected += 1;
        }
    }
}

fn digest(books: &Books, instrument: InstrumentId, token: u32) -> u64 {
    Side::BOTH
        .iter()
        .flat_map(|&side| books.orders(instrument, side))
        .map(|order| {
            let (price, quantity) = (order.price.0, order.quantity.0);
            order_digest(order.order_id, token, order.side, price, quantity)
        })
        .fold(0, u64::wrapping_add)
}
