//! A moment of the exchange's day at which a monitor's books stop.
//!
//! What has no time of the exchange (a gap, a change of status) belongs before the message behind it. Of
//! two streams, what came of one later than the first message of the other behind the moment is not in
//! the books, though its time may be earlier: so a receiver would have seen it.

use std::time::Duration;

use tezi_model::{Event, Nanos};

use super::MomentView;

/// Decides, event by event, what is before the moment.
pub(super) struct Moment {
    /// Since midnight in India.
    time_of_day: Duration,
    view: MomentView,
}

impl Moment {
    pub(super) const fn new(time_of_day: Duration) -> Self {
        let view = MomentView { at: Nanos::ZERO, first: Nanos::ZERO, is_past: false };
        Self { time_of_day, view }
    }

    pub(super) const fn view(&self) -> MomentView {
        self.view
    }

    /// Whether an event is behind the moment, as is all that comes after the first such event. The
    /// day is that of the first event with a time.
    pub(super) fn is_past(&mut self, event: &Event) -> bool {
        let time = event.exchange_time;
        if self.view.is_past || time == Nanos::ZERO {
            return self.view.is_past;
        }
        if self.view.first == Nanos::ZERO {
            let (year, month, day) = time.ist_date();
            let since_midnight = i64::try_from(self.time_of_day.as_nanos()).unwrap_or(i64::MAX);
            self.view.first = time;
            self.view.at = Nanos::from_ist(year, month, day, 0, 0, 0).plus(since_midnight);
        }
        self.view.is_past = time > self.view.at;
        self.view.is_past
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_behind_the_moment_is_let_through() {
        let at = |hour, nanos| Event {
            exchange_time: Nanos::from_ist(2026, 11, 20, hour, 0, 0).plus(nanos),
            ..Event::clock(Nanos::ZERO)
        };
        let untimed = Event::clock(Nanos::from_ist(2026, 11, 20, 15, 0, 0));
        let mut moment = Moment::new(Duration::from_secs(10 * 3_600));
        let events =
            [untimed, at(9, 0), untimed, at(10, 0), at(9, 5), at(10, 1), at(9, 9), untimed];
        let past = events.map(|event| moment.is_past(&event));
        assert_eq!(past, [false, false, false, false, false, true, true, true]);
        let view = moment.view();
        assert_eq!(view.at, Nanos::from_ist(2026, 11, 20, 10, 0, 0));
        assert_eq!((view.first, view.is_past), (Nanos::from_ist(2026, 11, 20, 9, 0, 0), true));
    }
}
