//! When requests left the core, to tell how long they took: to the socket, and to their answer.

use tezi_model::ClientOrderId;

use crate::clock::Clock;
use crate::latency::{PathStage, StageRecorder};

/// A request whose bytes the socket has not taken yet.
#[derive(Clone, Copy)]
struct Unwritten {
    emitted: u64,
    caused: u64,
}

/// Stamps of requests under way, and what they came to.
///
/// **Shape**: one place for each own order the core may have, by the low bits of its number; an order
/// has one request in flight. Nothing allocates after the start.
pub(crate) struct Stamps {
    unwritten: Vec<Unwritten>,
    requests: Box<[(ClientOrderId, u64)]>,
    /// What they came to: `Held`, `Wire`, `TickToWire` and `RoundTrip`.
    pub(crate) stages: StageRecorder,
}

impl Stamps {
    /// `own_orders_max` is a power of two, `unwritten_max` what may wait for the socket and be timed.
    pub(super) fn new(own_orders_max: u32, unwritten_max: usize) -> Self {
        Self {
            unwritten: Vec::with_capacity(unwritten_max),
            requests: vec![(ClientOrderId(0), 0); own_orders_max as usize].into_boxed_slice(),
            stages: StageRecorder::default(),
        }
    }

    /// What a command waited for has happened.
    #[inline]
    pub(super) fn on_released(&mut self, emitted: u64, clock: &Clock) {
        self.stages.record(PathStage::Held, clock.between(emitted, clock.raw()));
    }

    /// A request was sealed. `caused` is 0 when no packet caused it.
    #[inline]
    pub(super) fn on_request(&mut self, id: ClientOrderId, emitted: u64, caused: u64) {
        let place = id.0 as usize & (self.requests.len() - 1);
        self.requests[place] = (id, emitted);
        if self.unwritten.len() < self.unwritten.capacity() {
            self.unwritten.push(Unwritten { emitted, caused });
        }
    }

    /// Everything sealed so far is in the socket.
    #[inline]
    pub(super) fn on_written(&mut self, clock: &Clock) {
        if self.unwritten.is_empty() {
            return;
        }
        let now = clock.raw();
        for Unwritten { emitted, caused } in self.unwritten.drain(..) {
            self.stages.record(PathStage::Wire, clock.between(emitted, now));
            if caused != 0 {
                self.stages.record(PathStage::TickToWire, clock.between(caused, now));
            }
        }
    }

    /// The connection is lost: what the socket did not take has no time, and how long an answer took
    /// says nothing any more.
    pub(super) fn on_lost(&mut self) {
        self.unwritten.clear();
        self.requests.iter_mut().for_each(|(_, emitted)| *emitted = 0);
    }

    /// The exchange answered a request on an order, read at `read`; whether one was waiting.
    #[inline]
    pub(super) fn on_answer(&mut self, id: ClientOrderId, read: u64, clock: &Clock) -> bool {
        let place = id.0 as usize & (self.requests.len() - 1);
        let (waiting, emitted) = self.requests[place];
        if waiting != id {
            return false;
        }
        if emitted != 0 {
            self.stages.record(PathStage::RoundTrip, clock.between(emitted, read));
        }
        self.requests[place] = (ClientOrderId(0), 0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_is_timed_once_and_a_lost_connection_forgets() {
        let clock = Clock::start();
        let mut stamps = Stamps::new(4, 2);
        let raw = clock.raw();
        stamps.on_request(ClientOrderId(1), raw, raw);
        stamps.on_request(ClientOrderId(2), raw, 0);
        // A third finds no room among the unwritten; its round trip is timed all the same.
        stamps.on_request(ClientOrderId(3), raw, raw);
        stamps.on_written(&clock);
        stamps.on_written(&clock);
        let count = |stamps: &Stamps, stage| stamps.stages.count(stage);
        assert_eq!(count(&stamps, PathStage::Wire), 2);
        assert_eq!(count(&stamps, PathStage::TickToWire), 1);
        // An answer to another order in the same place, then the right one, then again.
        let mut answer = |id| stamps.on_answer(ClientOrderId(id), clock.raw(), &clock);
        assert_eq!([5, 1, 1, 3].map(&mut answer), [false, true, false, true]);
        assert_eq!(count(&stamps, PathStage::RoundTrip), 2);
        stamps.on_lost();
        assert!(stamps.on_answer(ClientOrderId(2), clock.raw(), &clock));
        assert_eq!(count(&stamps, PathStage::RoundTrip), 2);
    }
}
