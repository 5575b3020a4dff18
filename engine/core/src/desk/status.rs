//! What the exchange says of trading: the status of each instrument and of each segment.

mod snapshot;

use tezi_model::{InstrumentId, Segment, StateHasher, TradingStatus};

use crate::instruments::InstrumentTable;

/// Segment codes are below this.
const SEGMENTS: usize = 16;
const _: () = {
    let mut index = 0;
    while index < Segment::ALL.len() {
        assert!((Segment::ALL[index] as usize) < SEGMENTS);
        index += 1;
    }
};

/// The last status said of each instrument and segment.
pub(crate) struct Statuses {
    instruments: Box<[TradingStatus]>,
    segments: [TradingStatus; SEGMENTS],
}

impl Statuses {
    /// All unknown.
    pub(crate) fn new(instruments_max: u32) -> Self {
        Self {
            instruments: vec![TradingStatus::Unknown; instruments_max as usize].into_boxed_slice(),
            segments: [TradingStatus::Unknown; SEGMENTS],
        }
    }

    /// Notes the status of one instrument; whether it is another than before.
    pub(crate) fn set(&mut self, instrument: InstrumentId, status: TradingStatus) -> bool {
        let Some(known) = self.instruments.get_mut(instrument.index()) else { return false };
        core::mem::replace(known, status) != status
    }

    /// Notes the status of a segment; whether it is another than before. It goes for every
    /// instrument of the segment but those halted or closed by a word of their own. O(instruments),
    /// some times a day.
    pub(crate) fn set_segment(
        &mut self,
        segment: Segment,
        status: TradingStatus,
        instruments: &InstrumentTable,
    ) -> bool {
        for ((_, state), own) in instruments.iter().zip(&mut self.instruments) {
            if state.definition.segment_code == segment as u8 && !is_stopped(*own) {
                *own = TradingStatus::Unknown;
            }
        }
        let known = &mut self.segments[segment as usize];
        core::mem::replace(known, status) != status
    }

    /// The status that counts for an instrument: a halt or close, its own before its segment's;
    /// else the later of what was said of it and of its segment.
    #[inline]
    pub(crate) fn get(&self, instrument: InstrumentId, segment_code: u8) -> TradingStatus {
        let own = self.instruments.get(instrument.index()).copied().unwrap_or_default();
        let segment = self.segments.get(segment_code as usize).copied().unwrap_or_default();
        let is_own = is_stopped(own) || (own != TradingStatus::Unknown && !is_stopped(segment));
        if is_own { own } else { segment }
    }

    /// The last status said of a whole segment.
    pub(crate) const fn of_segment(&self, segment: Segment) -> TradingStatus {
        self.segments[segment as usize]
    }

    /// Folds every status that was said into the state hash.
    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        for (index, &status) in self.segments.iter().chain(&self.instruments).enumerate() {
            if status != TradingStatus::Unknown {
                hasher.write((index as u64) << 8 | status as u64);
            }
        }
    }
}

const fn is_stopped(status: TradingStatus) -> bool {
    matches!(status, TradingStatus::Halted | TradingStatus::Closed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use TradingStatus::{Auction, Closed, Halted, Open, PreOpen, Unknown};
    use tezi_model::Token;

    #[test]
    fn a_stop_counts_first_and_else_the_later_word() {
        const FO: Segment = Segment::NseFo;
        let mut table = InstrumentTable::new(4);
        let future = table.find_or_insert(FO, Token(1)).unwrap();
        let share = table.find_or_insert(Segment::NseCm, Token(1)).unwrap();
        // What is said of the future, of its segment, and what counts for it then.
        let story = [
            (None, Some(PreOpen), PreOpen),
            (Some(Auction), None, Auction),
            (None, Some(Open), Open),
            (Some(Halted), None, Halted),
            (None, Some(Open), Halted),
            (None, Some(Closed), Halted),
            (Some(Open), None, Closed),
            (None, Some(Open), Open),
            (Some(Unknown), None, Open),
        ];
        let mut statuses = Statuses::new(4);
        assert_eq!(statuses.get(future, FO as u8), Unknown);
        for (step, (own, segment, counts)) in story.into_iter().enumerate() {
            if let Some(own) = own {
                statuses.set(future, own);
            }
            if let Some(segment) = segment {
                statuses.set_segment(FO, segment, &table);
            }
            assert_eq!(statuses.get(future, FO as u8), counts, "step {step}");
        }
        assert_eq!(statuses.get(share, Segment::NseCm as u8), Unknown);
        assert_eq!(statuses.get(InstrumentId(99), 99), Unknown);
        assert!(!statuses.set(future, Unknown) && statuses.set(future, Open));
    }
}
