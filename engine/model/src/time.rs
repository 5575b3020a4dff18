//! Times: nanoseconds since the UNIX epoch, UTC, and the conversion from the exchange's own.

use core::fmt;

use bytemuck::{Pod, Zeroable};

/// Seconds from the UNIX epoch to 1980-01-01 00:00:00 UTC.
pub const NSE_EPOCH_UNIX_SECONDS: i64 = 315_532_800;

/// Indian Standard Time minus UTC, in nanoseconds. India keeps no summer time.
pub const IST_OFFSET_NS: i64 = 19_800 * NANOS_PER_SECOND;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A point in time: nanoseconds since the UNIX epoch, UTC. Zero means "not known".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct Nanos(pub i64);

impl Nanos {
    /// The time that means "not known".
    pub const ZERO: Self = Self(0);
    /// Later than every other time.
    pub const MAX: Self = Self(i64::MAX);

    /// This time moved by `nanos`.
    #[inline]
    #[must_use]
    pub const fn plus(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// Nanoseconds from `earlier` to this time; negative when `earlier` is later.
    #[inline]
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The whole second this time lies in, counted from the UNIX epoch.
    #[inline]
    #[must_use]
    pub const fn second(self) -> i64 {
        self.0.div_euclid(NANOS_PER_SECOND)
    }

    /// The time of a date and a wall clock in India. `month` and `day` count from 1.
    ///
    /// ```
    /// use tezi_model::Nanos;
    /// let open = Nanos::from_ist(2026, 9, 21, 9, 15, 0);
    /// assert_eq!(open.to_string(), "2026-09-21 09:15:00.000000000");
    /// ```
    #[must_use]
    pub const fn from_ist(year: i64, month: i64, day: i64, hour: i64, min: i64, sec: i64) -> Self {
        let seconds =
            days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + min * 60 + sec;
        Self(seconds * NANOS_PER_SECOND - IST_OFFSET_NS)
    }

    /// Year, month and day in India.
    #[must_use]
    pub const fn ist_date(self) -> (i64, i64, i64) {
        let seconds = self.0.saturating_add(IST_OFFSET_NS).div_euclid(NANOS_PER_SECOND);
        civil_from_days(seconds.div_euclid(SECONDS_PER_DAY))
    }
}

impl fmt::Display for Nanos {
    /// `YYYY-MM-DD HH:MM:SS.nnnnnnnnn`, the wall clock in India.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.0.saturating_add(IST_OFFSET_NS);
        let (year, month, day) = self.ist_date();
        let second = local.div_euclid(NANOS_PER_SECOND).rem_euclid(SECONDS_PER_DAY);
        write!(
            f,
            "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}.{:09}",
            second / 3600,
            second / 60 % 60,
            second % 60,
            local.rem_euclid(NANOS_PER_SECOND)
        )
    }
}

/// A time as NSE sends it in tick-by-tick data: nanoseconds since 1980-01-01 00:00:00, counted on
/// the wall clock in India with no zone shift (MTBT 6.7, chapter 6).
///
/// Captures from before the change of unit carry milliseconds; [`NseTime::to_nanos`] tells them
/// apart by magnitude, which is safe: 9·10¹² ns since 1980 is half past two on the first day of
/// 1980, and 9·10¹² ms is the year 2265.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NseTime(pub i64);

impl NseTime {
    const MILLISECONDS_BELOW: i64 = 9_000_000_000_000;

    /// The time in UTC. Out-of-range values saturate.
    #[inline]
    #[must_use]
    pub const fn to_nanos(self) -> Nanos {
        let nanos = if self.is_milliseconds() { self.0 * 1_000_000 } else { self.0 };
        Nanos(nanos.saturating_add(NSE_EPOCH_UNIX_SECONDS * NANOS_PER_SECOND - IST_OFFSET_NS))
    }

    /// Whether the value is a count of milliseconds, as in captures of 2016.
    #[inline]
    #[must_use]
    pub const fn is_milliseconds(self) -> bool {
        0 <= self.0 && self.0 < Self::MILLISECONDS_BELOW
    }

    /// The wire value, in nanoseconds, of a UTC time.
    #[inline]
    #[must_use]
    pub const fn from_nanos(time: Nanos) -> Self {
        Self(time.0.saturating_sub(NSE_EPOCH_UNIX_SECONDS * NANOS_PER_SECOND - IST_OFFSET_NS))
    }
}

/// Days from 1970-01-01 to a Gregorian date (H. Hinnant, "chrono-compatible low-level date
/// algorithms").
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The Gregorian date of a day count, the inverse of [`days_from_civil`].
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    (year_of_era + era * 400 + if month <= 2 { 1 } else { 0 }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nse_time_is_wall_clock_in_india() {
        // Golden vectors of the protocol reference: 2026-09-21 09:15:00.000001 and a capture of
        // 2016 in milliseconds.
        let spec = NseTime(1_474_449_300_000_001_000);
        assert_eq!(spec.to_nanos().to_string(), "2026-09-21 09:15:00.000001000");
        assert_eq!(NseTime::from_nanos(spec.to_nanos()), spec);
        let old = NseTime(1_148_204_256_775);
        assert!(old.is_milliseconds());
        assert_eq!(old.to_nanos().to_string(), "2016-05-20 09:37:36.775000000");
    }

    #[test]
    fn dates_round_trip_over_leap_years_and_centuries() {
        for days in (-800_000..800_000).step_by(97) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
        assert_eq!(civil_from_days(days_from_civil(2024, 2, 29)), (2024, 2, 29));
    }
}
