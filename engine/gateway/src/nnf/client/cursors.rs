//! From where each stream's messages must be heard again.
//!
//! A stream's messages carry a rising `TimeStamp1`, and a download starts behind one. After a clean
//! cut that is the last one heard. But a request without an answer may have been answered by a
//! message that never arrived while later ones did, so the download then starts where the stream
//! was before the oldest such request left.

/// Streams a segment may have. The exchange numbers them from 1 in one byte, of which 127 may be.
pub(super) const STREAMS_MAX: usize = 127;

/// # Invariants
///
/// - `anchor` is where the streams were before the oldest open request left, or earlier.
/// - `candidate` is where they were after `candidate_request` requests had left; of those,
///   `candidate_open` are open.
pub(super) struct Cursors {
    streams: usize,
    /// Every message up to this one was heard.
    heard: [i64; STREAMS_MAX],
    /// The latest message heard, with a download outstanding perhaps not all before it.
    latest: [i64; STREAMS_MAX],
    /// Whether nothing is outstanding before `latest`.
    is_whole: [bool; STREAMS_MAX],
    /// The order of a message that is missing last spoke here.
    gap: [i64; STREAMS_MAX],
    anchor: [i64; STREAMS_MAX],
    candidate: [i64; STREAMS_MAX],
    candidate_request: u64,
    candidate_open: u32,
}

/// Means that no message is known to be missing.
const NO_GAP: i64 = i64::MAX;

impl Cursors {
    pub(super) const fn new() -> Self {
        Self {
            streams: 0,
            heard: [0; STREAMS_MAX],
            latest: [0; STREAMS_MAX],
            is_whole: [false; STREAMS_MAX],
            gap: [NO_GAP; STREAMS_MAX],
            anchor: [0; STREAMS_MAX],
            candidate: [0; STREAMS_MAX],
            candidate_request: 0,
            candidate_open: 0,
        }
    }

    pub(super) const fn streams(&self) -> usize {
        self.streams
    }

    pub(super) fn set_streams(&mut self, streams: usize) {
        self.streams = streams.min(STREAMS_MAX);
    }

    /// The connection ended: what follows it is unknown in every stream.
    pub(super) fn on_disconnect(&mut self) {
        self.is_whole = [false; STREAMS_MAX];
    }

    /// A message was heard, live or in the order of a download.
    pub(super) fn on_message(&mut self, stream: u8, jiffies: i64, is_download: bool) {
        let Some(index) = self.index(stream) else { return };
        self.latest[index] = self.latest[index].max(jiffies);
        if is_download || self.is_whole[index] {
            self.heard[index] = self.heard[index].max(jiffies);
        }
    }

    /// Whether everything of the stream up to this message was heard before.
    pub(super) fn has_heard(&self, stream: u8, jiffies: i64) -> bool {
        self.index(stream).is_some_and(|index| jiffies <= self.heard[index])
    }

    /// A message of an order last heard of at `jiffies` is missing, or one behind all heard so far.
    pub(super) fn on_gap(&mut self, stream: u8, jiffies: i64) {
        if let Some(index) = self.index(stream) {
            self.gap[index] = self.gap[index].min(jiffies).min(self.heard[index]);
        }
    }

    /// A download of the stream that started behind `from` is complete.
    pub(super) fn on_download(&mut self, stream: u8, from: i64) {
        let Some(index) = self.index(stream) else { return };
        self.is_whole[index] = true;
        self.heard[index] = self.latest[index];
        if from <= self.gap[index] {
            self.gap[index] = NO_GAP;
        }
    }

    /// A request leaves, the `number`-th of the session, with `in_flight` open before it.
    pub(super) fn on_request(&mut self, number: u64, in_flight: u32) {
        if self.candidate_open == 0 {
            self.promote();
            self.candidate_request = number - 1;
            self.candidate_open = in_flight;
        }
    }

    /// A request is answered.
    pub(super) fn on_answer(&mut self, number: u64, in_flight: u32, requests: u64) {
        if number > self.candidate_request || self.candidate_open == 0 {
            return;
        }
        self.candidate_open -= 1;
        if self.candidate_open == 0 {
            self.promote();
            self.candidate_request = requests;
            self.candidate_open = in_flight;
        }
    }

    /// Behind which message a download of the stream must start; 0 is the start of the day.
    ///
    /// One jiffy earlier than strictly needed: whether messages of that very jiffy come again is
    /// not written down, and one heard twice is passed over.
    pub(super) fn start(&self, stream: u8, has_open_requests: bool) -> i64 {
        let Some(index) = self.index(stream) else { return 0 };
        let anchor = if has_open_requests { self.anchor[index] } else { i64::MAX };
        (self.heard[index].min(anchor).min(self.gap[index]) - 1).max(0)
    }

    fn promote(&mut self) {
        let streams = self.streams;
        self.anchor[..streams].copy_from_slice(&self.candidate[..streams]);
        self.candidate[..streams].copy_from_slice(&self.heard[..streams]);
    }

    fn index(&self, stream: u8) -> Option<usize> {
        let index = usize::from(stream).checked_sub(1)?;
        (index < self.streams).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::Rng;
    use super::*;

    /// Against all requests kept with where the stream was when each left.
    #[test]
    fn a_download_starts_before_the_oldest_open_request() {
        const SEED: u64 = 0xc0_125;
        let (mut rng, mut cursors) = (Rng(SEED), Cursors::new());
        cursors.set_streams(2);
        cursors.on_download(1, 0);
        let (mut open, mut requests, mut jiffies): (Vec<(u64, i64)>, _, _) = (Vec::new(), 0, 1);
        let mut near = 0;
        for step in 0..50_000 {
            match rng.below(3) {
                0 => {
                    jiffies += 1 + rng.below(5) as i64;
                    cursors.on_message(1, jiffies, false);
                }
                1 if open.len() < 10 => {
                    requests += 1;
                    cursors.on_request(requests, open.len() as u32);
                    open.push((requests, jiffies));
                }
                _ if !open.is_empty() => {
                    let (number, _) = open.remove(rng.below(open.len()));
                    cursors.on_answer(number, open.len() as u32, requests);
                }
                _ => {}
            }
            let start = cursors.start(1, !open.is_empty());
            let oldest = open.iter().map(|&(_, at)| at).min().unwrap_or(jiffies);
            assert!(start < oldest, "seed {SEED:#x}, step {step}");
            near += usize::from(oldest - start < 400);
        }
        assert!(near > 25_000, "the start stays near, {near}");
    }

    #[test]
    fn what_came_live_before_a_download_ended_does_not_count_as_heard() {
        let mut cursors = Cursors::new();
        cursors.set_streams(1);
        cursors.on_message(1, 500, false);
        assert_eq!(cursors.start(1, false), 0);
        cursors.on_message(1, 100, true);
        assert_eq!(cursors.start(1, false), 99);
        cursors.on_download(1, 0);
        assert_eq!(cursors.start(1, false), 499);
        cursors.on_gap(1, 300);
        assert_eq!(cursors.start(1, false), 299);
        cursors.on_download(1, 400);
        assert_eq!(cursors.start(1, false), 299, "that download began too late");
        cursors.on_download(1, 299);
        assert_eq!(cursors.start(1, false), 499);
    }
}
