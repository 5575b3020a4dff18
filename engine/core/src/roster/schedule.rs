//! The hours a strategy trades in.

use tezi_model::{Nanos, Segment};

use crate::venue::calendar::Calendar;
use crate::venue::rules::{DayKind, Rules, Window, key};
use crate::venue::{Date, TimeOfDay, segment_scope};

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Segments whose sessions are among the rules.
const SEGMENTS: [Segment; 4] = [Segment::NseFo, Segment::NseCm, Segment::BseFo, Segment::BseCm];

/// From when to when a strategy trades each day, the end not included: times of day in India, or so
/// long before or after the continuous session of a segment begins or ends on that day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    segment: Segment,
    from: Edge,
    to: Edge,
}

/// Where hours begin or end. Units: seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    /// Since midnight.
    At(TimeOfDay),
    /// After the session begins; negative, before.
    Open(i64),
    /// After the session ends; negative, before.
    Close(i64),
}

/// Why hours cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoursError {
    /// Neither `HH:MM..HH:MM` nor edges of a session.
    Form,
    /// They end before they begin.
    Order,
    /// Edges of a session in a segment whose sessions are not known.
    Segment,
}

impl core::fmt::Display for HoursError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Form => {
                "hours are HH:MM..HH:MM in Indian time, seconds optional (09:20..15:15:30), or edges \
                 of the session (open+5m..close-10m; NSE/cm:open..close)"
            }
            Self::Order => "hours end after they begin, on the same day",
            Self::Segment => "sessions are known of NSE/fo, NSE/cm, BSE/fo and BSE/cm",
        })
    }
}

impl core::error::Error for HoursError {}

impl Hours {
    /// Reads `HH:MM..HH:MM`, seconds optional. Either side can be `open` or `close` instead, with so many
    /// `s`, `m` or `h` before or behind it: `open+5m`, `close-90s`. The session is that of NSE F&O, or of
    /// the segment named in front: `NSE/cm:open..14:00`.
    ///
    /// # Errors
    ///
    /// [`HoursError`].
    pub fn parse(text: &str) -> Result<Self, HoursError> {
        let (scope, hours) = match text.split_once(':') {
            Some((scope, hours)) if scope.contains('/') => (Some(scope), hours),
            _ => (None, text),
        };
        let segment = match scope {
            None => Segment::NseFo,
            Some(scope) => {
                let is_named = |segment: &Segment| segment_scope(*segment) == Some(scope);
                SEGMENTS.into_iter().find(is_named).ok_or(HoursError::Segment)?
            }
        };
        let (from, to) = hours.split_once("..").ok_or(HoursError::Form)?;
        let edge = |text| Edge::parse(text).ok_or(HoursError::Form);
        let (from, to) = (edge(from)?, edge(to)?);
        if from.is_surely_before(to) {
            Ok(Self { segment, from, to })
        } else {
            Err(HoursError::Order)
        }
    }

    /// Whether the day's session has to be known.
    pub(super) const fn needs_session(&self) -> bool {
        !matches!((self.from, self.to), (Edge::At(_), Edge::At(_)))
    }

    /// Beginning and end on the day of `now`; `None` when the segment has no session then, or the rules
    /// do not know of one.
    pub(super) fn on_day_of(&self, now: Nanos, rules: Option<&Rules>) -> Option<(Nanos, Nanos)> {
        let date = Date::of(now);
        let session = match (self.needs_session(), rules) {
            (false, _) => None,
            (true, rules) => Some(session_of(rules?, self.segment, date)?),
        };
        let midnight = date.midnight();
        let at = |edge: Edge| {
            let seconds = edge.seconds(session)?.clamp(0, SECONDS_PER_DAY);
            Some(midnight.plus(seconds * NANOS_PER_SECOND))
        };
        Some((at(self.from)?, at(self.to)?))
    }
}

/// The continuous session of a segment's options, or of its shares without a closing auction.
fn session_of(rules: &Rules, segment: Segment, date: Date) -> Option<Window> {
    let scope = segment_scope(segment)?;
    let exchange = scope.split('/').next()?;
    match Calendar::new(rules, exchange).day(date) {
        DayKind::Closed => None,
        DayKind::Special => {
            rules.find(key::SESSION_CONTINUOUS, &format!("special/{scope}"), date).copied()
        }
        DayKind::Open => rules.find(key::SESSION_CONTINUOUS, scope, date).copied(),
    }
}

impl Edge {
    fn parse(text: &str) -> Option<Self> {
        let (make, rest): (fn(i64) -> Self, &str) = if let Some(rest) = text.strip_prefix("open") {
            (Self::Open, rest)
        } else if let Some(rest) = text.strip_prefix("close") {
            (Self::Close, rest)
        } else {
            return TimeOfDay::parse(text).map(Self::At);
        };
        if rest.is_empty() {
            return Some(make(0));
        }
        let (sign, length) = match rest.split_at_checked(1)? {
            ("+", length) => (1, length),
            ("-", length) => (-1, length),
            _ => return None,
        };
        let (digits, unit) = length.split_at_checked(length.len().checked_sub(1)?)?;
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            _ => return None,
        };
        let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let count = digits.parse::<i64>().ok().filter(|_| is_plain)?;
        let seconds = count.checked_mul(unit).filter(|seconds| *seconds < SECONDS_PER_DAY)?;
        Some(make(sign * seconds))
    }

    /// Whether hours from here to there are not empty on any day that can be told now. A session is at
    /// least as long as a moment; how it lies to a time of day is known on its day.
    fn is_surely_before(self, to: Self) -> bool {
        match (self, to) {
            (Self::At(from), Self::At(to)) => from < to,
            (Self::Open(from), Self::Open(to)) | (Self::Close(from), Self::Close(to)) => from < to,
            (Self::Close(from), Self::Open(to)) => from < to,
            _ => true,
        }
    }

    /// Seconds since midnight.
    fn seconds(self, session: Option<Window>) -> Option<i64> {
        match self {
            Self::At(time) => Some(time.seconds().into()),
            Self::Open(after) => Some(i64::from(session?.start.seconds()) + after),
            Self::Close(after) => Some(i64::from(session?.end.seconds()) + after),
        }
    }
}

impl core::fmt::Display for Edge {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (word, after) = match *self {
            Self::At(time) => return time.fmt(f),
            Self::Open(after) => ("open", after),
            Self::Close(after) => ("close", after),
        };
        match after {
            0 => f.write_str(word),
            _ => write!(f, "{word}{after:+}s"),
        }
    }
}

impl core::fmt::Display for Hours {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.needs_session()
            && let Some(scope) = segment_scope(self.segment)
        {
            write!(f, "{scope}:")?;
        }
        write!(f, "{}..{}", self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str, of: &str) -> Nanos {
        Date::parse(of).unwrap().at(TimeOfDay::parse(text).unwrap())
    }

    #[test]
    fn hours_are_read_written_and_placed_on_a_day() {
        let hours = Hours::parse("09:20..15:15:30").unwrap();
        assert_eq!(hours.to_string(), "09:20:00..15:15:30");
        assert_eq!(Hours::parse(&hours.to_string()), Ok(hours));
        // 2026-11-23 10:00 in India is 04:30 UTC.
        let ten = Nanos(1_795_408_200_000_000_000);
        let (from, to) = hours.on_day_of(ten, None).unwrap();
        assert_eq!((ten.0 - from.0) / NANOS_PER_SECOND, 40 * 60);
        assert_eq!((to.0 - ten.0) / NANOS_PER_SECOND, 5 * 3600 + 15 * 60 + 30);
        // Just after midnight in India it is another day there, not yet in UTC.
        let night = Nanos(ten.0 + 14 * 3600 * NANOS_PER_SECOND);
        let next = from.plus(SECONDS_PER_DAY * NANOS_PER_SECOND);
        assert_eq!(hours.on_day_of(night, None).unwrap().0, next);
        assert!(Hours::parse("00:00..24:00").is_ok());
    }

    #[test]
    fn edges_of_a_session_are_those_of_the_day() {
        let rules = Rules::builtin().unwrap();
        let cases = [
            // Derivatives trade until 15:40 since shares have a closing auction.
            ("open+5m..close-10m", "2026-07-31", Some(("09:20", "15:20"))),
            ("open+5m..close-10m", "2026-08-03", Some(("09:20", "15:30"))),
            ("NSE/cm:open..close+30s", "2026-08-03", Some(("09:15", "15:30:30"))),
            ("NSE/cm:open-1h..10:00", "2026-08-03", Some(("08:15", "10:00"))),
            ("close-23h..close+23h", "2026-08-03", Some(("00:00", "24:00"))),
            // A Sunday.
            ("open+5m..close-10m", "2026-08-02", None),
        ];
        for (text, day, expected) in cases {
            let hours = Hours::parse(text).unwrap();
            let noon = time("12:00", day);
            let expected = expected.map(|(from, to)| (time(from, day), time(to, day)));
            assert_eq!(hours.on_day_of(noon, Some(&rules)), expected, "{text} {day}");
            assert_eq!(hours.on_day_of(noon, None), None, "{text} without rules");
            assert_eq!(Hours::parse(&hours.to_string()), Ok(hours), "{hours}");
        }
        let words = Hours::parse("open+5m..close").unwrap().to_string();
        assert_eq!(words, "NSE/fo:open+300s..close");
    }

    #[test]
    fn what_are_no_hours_is_refused() {
        for text in ["", "09:20", "9:20..15:15", "09:20..15:60", "09:20..24:01", "09:20:..15:15"] {
            assert_eq!(Hours::parse(text), Err(HoursError::Form), "{text}");
        }
        for text in ["09:20..15:15:30:10", "+9:20..15:15", "09:20...15:15", "open..closed"] {
            assert_eq!(Hours::parse(text), Err(HoursError::Form), "{text}");
        }
        for text in [
            "open+5..close",
            "open+m..close",
            "open5m..close",
            "open+-5m..close",
            "open+24h..close",
        ] {
            assert_eq!(Hours::parse(text), Err(HoursError::Form), "{text}");
        }
        for text in ["15:15..15:15", "close..open", "open+5m..open", "close..close-1s"] {
            assert_eq!(Hours::parse(text), Err(HoursError::Order), "{text}");
        }
        assert_eq!(Hours::parse("MCX/fo:open..close"), Err(HoursError::Segment));
    }
}
