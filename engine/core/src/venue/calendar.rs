//! Trading days and expiry days of one exchange (rules 2.7 and 2.8).

use super::rules::{DayKind, MissingRule, Rules, key};
use super::{Date, Weekday};

/// The farthest a search for a trading day goes, in days: no exchange has closed for longer.
const SEARCH_DAYS: i32 = 60;
const DAYS_OF_WEEK: i32 = Weekday::ALL.len() as i32;

/// The calendar of an exchange. Borrowed from the rules; lookups cost O(log rows) a day.
#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a> {
    rules: &'a Rules,
    exchange: &'a str,
}

impl<'a> Calendar<'a> {
    /// The calendar of `exchange`, `NSE` or `BSE`.
    #[must_use]
    pub const fn new(rules: &'a Rules, exchange: &'a str) -> Self {
        Self { rules, exchange }
    }

    /// What kind of day a date is: its row, else open from Monday to Friday.
    #[must_use]
    pub fn day(&self, date: Date) -> DayKind {
        let weekend = date.weekday().is_weekend();
        let usual = if weekend { DayKind::Closed } else { DayKind::Open };
        self.rules.find(key::CALENDAR_DAY, self.exchange, date).copied().unwrap_or(usual)
    }

    /// Whether there is any trading on a date, at ordinary hours or at special ones.
    #[must_use]
    pub fn is_trading_day(&self, date: Date) -> bool {
        self.day(date) != DayKind::Closed
    }

    /// The last trading day on or before `date`; `None` when the rows close two months.
    #[must_use]
    pub fn on_or_before(&self, date: Date) -> Option<Date> {
        (0..SEARCH_DAYS).map(|days| date.plus_days(-days)).find(|&day| self.is_trading_day(day))
    }

    /// The first trading day on or after `date`; `None` when the rows close two months.
    #[must_use]
    pub fn on_or_after(&self, date: Date) -> Option<Date> {
        (0..SEARCH_DAYS).map(|days| date.plus_days(days)).find(|&day| self.is_trading_day(day))
    }

    /// How many trading days there are from `first` to `last`, both included. O(days); a span of
    /// more than two months counts its first two.
    #[must_use]
    pub fn trading_days(&self, first: Date, last: Date) -> u32 {
        let days = (0..SEARCH_DAYS).map(|days| first.plus_days(days));
        days.take_while(|&day| day <= last).map(|day| u32::from(self.is_trading_day(day))).sum()
    }

    /// The first weekly expiry on or after `date`: the exchange's expiry weekday, or the trading day
    /// before it when that is a holiday (NSE/FAOP/68747).
    ///
    /// # Errors
    ///
    /// [`MissingRule`] when no row gives the weekday, or when no trading day precedes it.
    pub fn weekly_expiry(&self, date: Date) -> Result<Date, MissingRule> {
        // The expiry of the week may be over, or lie in the week before: holidays move it back.
        let mut monday = date.plus_days(-(date.weekday() as i32));
        for _ in 0..SEARCH_DAYS / DAYS_OF_WEEK {
            let weekday = *self.rules.get(key::EXPIRY_WEEKDAY, self.exchange, date.max(monday))?;
            let expiry = self.trading_day_at(monday.plus_days(weekday as i32))?;
            if expiry >= date {
                return Ok(expiry);
            }
            monday = monday.plus_days(DAYS_OF_WEEK);
        }
        Err(self.no_trading_day(date))
    }

    /// The monthly expiry in the month of `date`: the last expiry weekday of the month, or the
    /// trading day before it.
    ///
    /// # Errors
    ///
    /// As [`Calendar::weekly_expiry`].
    pub fn monthly_expiry(&self, date: Date) -> Result<Date, MissingRule> {
        let last = last_of_month(date);
        let weekday = *self.rules.get(key::EXPIRY_WEEKDAY, self.exchange, last)?;
        let back = (last.weekday() as i32 - weekday as i32).rem_euclid(DAYS_OF_WEEK);
        self.trading_day_at(last.plus_days(-back))
    }

    fn trading_day_at(&self, date: Date) -> Result<Date, MissingRule> {
        self.on_or_before(date).ok_or_else(|| self.no_trading_day(date))
    }

    fn no_trading_day(&self, date: Date) -> MissingRule {
        MissingRule { key: key::CALENDAR_DAY.name(), scope: self.exchange.to_owned(), date }
    }
}

fn last_of_month(date: Date) -> Date {
    let (year, month, _) = date.civil();
    let lengths = (28..=31).rev();
    lengths.filter_map(|day| Date::new(year, month, day)).next().unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn rule_2_8_holidays_and_special_days_of_2026() {
        let rules = Rules::builtin().unwrap();
        let calendar = Calendar::new(&rules, "NSE");
        for (day, kind) in [
            ("2026-11-20", DayKind::Open),
            ("2026-11-21", DayKind::Closed), // a Saturday
            ("2026-11-24", DayKind::Closed),
            ("2026-01-15", DayKind::Closed),
            ("2026-02-01", DayKind::Open), // a Sunday
            ("2026-11-08", DayKind::Special),
        ] {
            assert_eq!(calendar.day(date(day)), kind, "{day}");
        }
        let closed = (0..365)
            .map(|days| date("2026-01-01").plus_days(days))
            .filter(|day| !day.weekday().is_weekend() && calendar.day(*day) == DayKind::Closed);
        assert_eq!(closed.count(), 16);
        assert_eq!(calendar.on_or_after(date("2026-11-07")), Some(date("2026-11-08")));
        assert_eq!(calendar.trading_days(date("2026-11-20"), date("2026-11-25")), 3);
    }

    #[test]
    fn rule_2_7_expiries_move_to_the_trading_day_before_a_holiday() {
        let rules = Rules::builtin().unwrap();
        let (nse, bse) = (Calendar::new(&rules, "NSE"), Calendar::new(&rules, "BSE"));
        for (day, expiry) in [
            ("2026-11-16", "2026-11-17"),
            ("2026-11-18", "2026-11-23"), // Tuesday 24 November is a holiday
            ("2026-11-23", "2026-11-23"),
            ("2026-11-24", "2026-12-01"), // and its expiry is over
            ("2026-11-22", "2026-11-23"), // a Sunday
            ("2026-11-09", "2026-11-09"), // 10 November is one too
            ("2025-08-26", "2025-08-28"), // still a Thursday
            ("2025-08-29", "2025-09-02"), // the next one is the first Tuesday
        ] {
            assert_eq!(nse.weekly_expiry(date(day)), Ok(date(expiry)), "{day}");
        }
        assert_eq!(nse.monthly_expiry(date("2026-11-02")), Ok(date("2026-11-23")));
        assert_eq!(nse.monthly_expiry(date("2026-09-30")), Ok(date("2026-09-29")));
        for day in (0..365).map(|days| date("2026-01-01").plus_days(days)) {
            let expiry = nse.weekly_expiry(day).unwrap();
            assert!(expiry >= day && nse.is_trading_day(expiry), "{day}");
            assert!(expiry <= day.plus_days(9), "{day}: {expiry}");
        }
        assert_eq!(bse.weekly_expiry(date("2026-11-25")), Ok(date("2026-11-26")));
        assert!(bse.weekly_expiry(date("2025-08-26")).is_err());
    }
}
