//! What happens by the timetable and by the scenario: phases, halts, bands, expiries, lost lines.

use tezi_core::venue::Date;
use tezi_core::venue::bands::PriceBand;
use tezi_core::venue::session::{Phase, PhaseTask};
use tezi_model::{InstrumentId, Nanos, Px, Token};

use crate::config::VenueEvent;
use crate::exchange::Exchange;

impl Exchange {
    /// The next phase of the timetable begins for its class.
    pub(crate) fn begin_next_phase(&mut self, now: Nanos) {
        let Some(beginning) = self.day.next_beginning() else { return };
        self.day.began(&beginning);
        // While trading is stopped by hand only the end of the day goes on.
        let is_held = self.day.is_halted && beginning.phase.task() != PhaseTask::CancelAll;
        let count = self.day.classes[beginning.class].instruments.len();
        for at in 0..count {
            let instrument = self.day.classes[beginning.class].instruments[at];
            if !is_held && !self.expired[instrument.index()] {
                self.enter(instrument, beginning.phase, now);
            }
        }
        let status = self.day.market_status();
        for member in &mut self.floor.members {
            member.session.set_market_status(status);
        }
    }

    /// An instrument enters a phase: what of its book shows changes with it.
    fn enter(&mut self, instrument: InstrumentId, phase: Phase, now: Nanos) {
        let collects = matches!(
            phase,
            Phase::PreOpenEntry
                | Phase::PreOpenLimitOnly
                | Phase::ClosingEntry
                | Phase::ClosingLimitOnly
        );
        self.floor.broadcast.iter_mut().for_each(|it| it.touch(instrument));
        if collects {
            self.floor.tape.hide(instrument, self.matcher.books(), now);
        }
        self.floor.asked.is_batch = true;
        let entered = self.matcher.set_phase(now, instrument, phase, &mut self.floor);
        self.floor.asked.is_batch = false;
        self.settle(now);
        if entered.is_ok() && phase == Phase::Continuous {
            self.floor.tape.show(instrument, self.matcher.books(), now);
        }
    }

    /// The next event of the scenario happens.
    pub(crate) fn happen(&mut self, now: Nanos) {
        let Some(timed) = self.day.take_event() else { return };
        let is_done = match timed.event {
            VenueEvent::Breaker(level) => self.reach_level(level, now),
            VenueEvent::Halt => self.halt(now),
            VenueEvent::Resume => self.resume(now),
            VenueEvent::Band { token, low, high } => self.set_band(token, low, high, now),
            VenueEvent::LossBegins { stream, lines } => {
                self.floor.tape.lose(stream, lines, true);
                true
            }
            VenueEvent::LossEnds { stream, lines } => {
                self.floor.tape.lose(stream, lines, false);
                true
            }
            VenueEvent::StreamRestart(stream) => {
                let is_there = self.streams().any(|state| state.stream == stream);
                self.floor.tape.restart(stream, self.matcher.books(), now);
                is_there
            }
            VenueEvent::Expiry => self.expire(now),
            VenueEvent::TradeCancel(trade_id) => {
                let done = self.matcher.cancel_trade(now, trade_id, &mut self.floor);
                self.settle(now);
                done.is_ok()
            }
        };
        self.floor.counters.events_refused += u64::from(!is_done);
    }

    /// A level of the circuit breaker is reached; the phases that follow are the timetable's.
    fn reach_level(&mut self, level: u8, now: Nanos) -> bool {
        let Some((index, value)) = self.day.level_value(level) else { return false };
        self.day.on_index(now, index, value) == Some(true)
    }

    pub(crate) fn halt(&mut self, now: Nanos) -> bool {
        if core::mem::replace(&mut self.day.is_halted, true) {
            return false;
        }
        for at in 0..self.expired.len() {
            let instrument = InstrumentId(at as u32);
            if self.matcher.phase(instrument) != Phase::Closed {
                self.enter(instrument, Phase::Halted, now);
            }
        }
        true
    }

    /// Trading goes on with the phase that the timetable has now.
    pub(crate) fn resume(&mut self, now: Nanos) -> bool {
        if !core::mem::take(&mut self.day.is_halted) {
            return false;
        }
        for class in 0..self.day.classes.len() {
            let phase = self.day.classes[class].session.phase_at(now);
            for at in 0..self.day.classes[class].instruments.len() {
                let instrument = self.day.classes[class].instruments[at];
                if self.matcher.phase(instrument) == Phase::Halted {
                    self.enter(instrument, phase, now);
                }
            }
        }
        true
    }

    fn set_band(&mut self, token: Token, low: Px, high: Px, now: Nanos) -> bool {
        let Some(instrument) = self.contracts.by_token(token.0) else { return false };
        let band = PriceBand { low, high };
        let is_set = self.matcher.set_band(now, instrument, band, &mut self.floor).is_ok();
        if is_set {
            self.floor.background.on_band(instrument, band);
        }
        self.settle(now);
        is_set
    }

    /// Contracts that expire today are over.
    fn expire(&mut self, now: Nanos) -> bool {
        let today = Date::of(now);
        let mut is_any = false;
        for at in 0..self.expired.len() {
            let expiry = match self.contracts.listings().get(at) {
                Some(listing) => listing.instrument.expiry,
                // A spread ends with its near leg.
                None => self.spreads[at - self.contracts.listings().len()].expiry(),
            };
            if Date::of(expiry) == today && !self.expired[at] {
                self.expired[at] = true;
                is_any = true;
                self.enter(InstrumentId(at as u32), Phase::Closed, now);
            }
        }
        is_any
    }
}
