//! The market that `tezi exchange` opens when no scenario is named, written as a scenario.

use core::fmt::Write;

use tezi::exchange::Scenario;
use tezi::exchange::population::PopulationConfig;
use tezi::model::{Nanos, Px};
use tezi::pricing::Black76Input;
use tezi::venue::Date;
use tezi::venue::calendar::Calendar;
use tezi::venue::rules::Rules;

use crate::outcome::Failure;

/// The future's level, and how far strikes are apart, in rupees.
const LEVEL: u32 = 24_500;
const STRIKE_STEP: u32 = 50;
/// What prices of its options are multiples of.
const TICK: Px = Px::from_paise(5);
/// Strikes on each side of the level.
const STRIKES_ASIDE: u32 = 4;

/// NIFTY's next expiry, a future and nine strikes, on the next trading day from `now` on; two boxes
/// with one password each, drawn from `now` and the process.
pub(super) fn nifty(now: Nanos) -> Result<Scenario, Failure> {
    let failed = |what: String| Failure::Failed(format!("the built-in market: {what}"));
    let rules = Rules::builtin().map_err(|error| failed(error.to_string()))?;
    let calendar = Calendar::new(&rules, "NSE");
    let date = calendar
        .on_or_after(Date::of(now))
        .ok_or_else(|| failed("no trading day is known from today on".into()))?;
    // Of this week or the next: options on their last day would be dead by the afternoon.
    let expiry = calendar.weekly_expiry(date.plus_days(1)).map_err(|it| failed(it.to_string()))?;
    let text = text(date, expiry, password(now));
    Scenario::parse(&text).map_err(|error| failed(error.to_string()))
}

fn text(date: Date, expiry: Date, password: u32) -> String {
    let mut text = format!(
        "[exchange]\nsegment = \"fo\"\ndate = \"{date}\"\nstart = \"09:15:00\"\nstreams = 2\n\
         nifty_close = {LEVEL}\n\n[population]\nseed = 1\nintensity = 5.0\n\n\
         [[instrument]]\nsymbol = \"NIFTY\"\ntoken = 35001\nkind = \"future\"\nexpiry = \"{expiry}\"\n\
         reference = {LEVEL}\ntick = 0.10\n\n"
    );
    let PopulationConfig { implied_volatility: vol, rate, .. } = PopulationConfig::default();
    let days = (expiry.midnight().0 - date.midnight().0) as f64 / 86_400e9;
    let first = LEVEL - STRIKES_ASIDE * STRIKE_STEP;
    for place in 0..=2 * STRIKES_ASIDE {
        for (kind, token) in [("call", 35_101 + 2 * place), ("put", 35_102 + 2 * place)] {
            let strike = first + place * STRIKE_STEP;
            // What the crowd will hold it to be worth: the base price, as no trade has made a close.
            let option = Black76Input {
                forward: LEVEL.into(),
                strike: strike.into(),
                years: days / 365.0,
                vol,
                rate,
                is_call: kind == "call",
            };
            let reference = Px::from_rupees(option.value().price).floor_to(TICK).max(TICK);
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "[[instrument]]\nsymbol = \"NIFTY\"\ntoken = {token}\nkind = \"{kind}\"\n\
                 expiry = \"{expiry}\"\nstrike = {strike}\nstream = 2\nreference = {reference}\n\n",
            );
        }
    }
    for (box_id, broker, user) in [(77, 90_001, 12_345), (78, 90_002, 22_345)] {
        let _ = write!(
            text,
            "[[box]]\nid = {box_id}\nbroker = \"{broker}\"\nuser = {user}\n\
             password = \"tz{password:06}\"\n\n"
        );
    }
    text
}

/// Six digits that another run does not have: nothing here is secret, but two exchanges on one
/// machine should not be mistaken for each other.
fn password(now: Nanos) -> u32 {
    let mixed =
        (now.0 as u64 ^ u64::from(std::process::id()) << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 40) as u32 % 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_a_year_has_a_market() {
        for day in 0..365 {
            let date = Date::parse("2026-01-01").unwrap().plus_days(day);
            let scenario = nifty(date.midnight()).unwrap();
            let config = scenario.config(&[]).unwrap();
            assert_eq!((config.listings.len(), config.boxes.len()), (19, 2), "{date}");
            let lists = config.listings_of_the_day().unwrap();
            assert!(lists.iter().all(|it| it.instrument.expiry > scenario.start()), "{date}");
        }
    }
}
