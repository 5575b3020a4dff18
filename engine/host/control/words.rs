//! What an operator may write: one line, a verb, its arguments, and why.

use tezi_core::Restriction;
use tezi_core::control::{Assignment, Limit};
use tezi_model::Px;

use crate::records::WHY_MAX;

/// What stands before the reason of an action.
const WHY: &str = " why: ";
/// What stands before the name of an account that alone is meant.
const ACCOUNT: &str = "account=";
/// How far closing orders go through the touch when nothing is said, in basis points.
const THROUGH_BPS: u32 = 50;

/// A line that was understood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Words<'a> {
    Status,
    Positions,
    Limits,
    Watch,
    Rotate,
    Strategies,
    Accounts,
    Act { wanted: Wanted<'a>, why: &'a str },
}

/// An action; instruments and strategies by name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wanted<'a> {
    Pause,
    Resume,
    Cancel(Option<&'a str>),
    Flatten { through_bps: u32, instrument: Option<&'a str> },
    FlattenStrategy { through_bps: u32, of: &'a str },
    Kill,
    KillUser,
    Release,
    Limit { of: Option<&'a str>, limit: Limit, value: i64 },
    Stop(&'a str),
    Start(&'a str),
    Set(Option<&'a str>, Assignment),
    Restrict(Restriction, &'a str),
    Range(Px, Px, &'a str),
    Account(&'a str, OfAccount),
}

/// An action on one account.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum OfAccount {
    Pause,
    Resume,
    Cancel,
    Flatten { through_bps: u32 },
    Kill,
    Release,
    Limit(Limit, i64),
    Restrict(Restriction),
}

/// Reads a line.
///
/// # Errors
///
/// What is wrong with it, and what would be right.
pub(super) fn parse(line: &str) -> Result<Words<'_>, String> {
    if line.chars().any(char::is_control) {
        return Err("a line of plain text is needed".into());
    }
    let (asked, why) = match line.split_once(WHY) {
        Some((asked, why)) => (asked.trim(), Some(why.trim())),
        None => (line.trim(), None),
    };
    let (verb, rest) = asked.split_once(' ').unwrap_or((asked, ""));
    let rest = rest.trim();
    let plain = match verb {
        "status" => Some(Words::Status),
        "positions" => Some(Words::Positions),
        "limits" => Some(Words::Limits),
        "watch" => Some(Words::Watch),
        "rotate" => Some(Words::Rotate),
        "strategies" => Some(Words::Strategies),
        "accounts" => Some(Words::Accounts),
        _ => None,
    };
    if let Some(plain) = plain {
        return if rest.is_empty() { Ok(plain) } else { Err(format!("{verb} takes nothing")) };
    }
    let wanted = match rest.strip_prefix(ACCOUNT) {
        Some(rest) => of_account(verb, rest)?,
        None => action(verb, rest)?,
    };
    match why {
        Some(why) if !why.is_empty() && why.len() <= WHY_MAX => Ok(Words::Act { wanted, why }),
        Some(why) if !why.is_empty() => Err(format!("a reason has at most {WHY_MAX} bytes")),
        _ => {
            Err(format!("say why: {verb} changes what is traded, and the journal keeps the reason"))
        }
    }
}

fn action<'a>(verb: &str, rest: &'a str) -> Result<Wanted<'a>, String> {
    let some = (!rest.is_empty()).then_some(rest);
    let alone = |wanted| match some {
        None => Ok(wanted),
        Some(_) => Err(format!("{verb} takes nothing but a reason")),
    };
    match verb {
        "pause" => alone(Wanted::Pause),
        "resume" => alone(Wanted::Resume),
        "kill" if rest == "user" => Ok(Wanted::KillUser),
        "kill" => alone(Wanted::Kill),
        "release" => alone(Wanted::Release),
        "cancel" => Ok(Wanted::Cancel(some)),
        "flatten" => flatten(rest),
        "limit" => limit(rest),
        "stop" => some.map(Wanted::Stop).ok_or_else(|| "stop STRATEGY".into()),
        "start" => some.map(Wanted::Start).ok_or_else(|| "start STRATEGY".into()),
        "set" => set(rest),
        "restrict" => restrict(rest),
        "unrestrict" => {
            let instrument = some.ok_or("unrestrict INSTRUMENT")?;
            Ok(Wanted::Restrict(Restriction::None, instrument))
        }
        "range" => range(rest),
        _ => Err(format!(
            "'{verb}' is nothing that can be done: there are status, positions, strategies, accounts, limits, \
             watch, rotate, pause, resume, cancel, flatten, kill, release, stop, start, set, limit, \
             restrict, unrestrict, range"
        )),
    }
}

/// `account=NAME` and what the verb takes behind it.
fn of_account<'a>(verb: &str, rest: &'a str) -> Result<Wanted<'a>, String> {
    let (name, behind) = rest.split_once(' ').unwrap_or((rest, ""));
    let behind = behind.trim();
    let alone = |what| match behind {
        "" => Ok(what),
        _ => Err(format!("{verb} account=NAME takes nothing but a reason")),
    };
    let what = match verb {
        "pause" => alone(OfAccount::Pause)?,
        "resume" => alone(OfAccount::Resume)?,
        "cancel" => alone(OfAccount::Cancel)?,
        "kill" => alone(OfAccount::Kill)?,
        "release" => alone(OfAccount::Release)?,
        "unrestrict" => alone(OfAccount::Restrict(Restriction::None))?,
        "flatten" => match through(behind)? {
            (through_bps, "") => OfAccount::Flatten { through_bps },
            _ => return Err("flatten account=NAME [through=BPS]".into()),
        },
        "restrict" => {
            let usage = "restrict account=NAME reduce-only|no-buys|no-sells|nothing";
            OfAccount::Restrict(restriction(behind).ok_or(usage)?)
        }
        "limit" => {
            let (limit, value) = limit_and_value(behind)?;
            OfAccount::Limit(limit, value)
        }
        _ => return Err(format!("{verb} is not of one account")),
    };
    Ok(Wanted::Account(name, what))
}

/// How far closing orders go through the touch, and what stands behind that.
fn through(rest: &str) -> Result<(u32, &str), String> {
    let (first, behind) = rest.split_once(' ').unwrap_or((rest, ""));
    match first.strip_prefix("through=") {
        None => Ok((THROUGH_BPS, rest)),
        Some(bps) => {
            let bps = bps.parse().ok().filter(|bps| *bps <= 10_000);
            Ok((bps.ok_or("through= takes basis points, 0 to 10000")?, behind.trim()))
        }
    }
}

fn flatten(rest: &str) -> Result<Wanted<'_>, String> {
    let (through_bps, instrument) = through(rest)?;
    Ok(match instrument.strip_prefix("of=") {
        Some(of) if !of.is_empty() => Wanted::FlattenStrategy { through_bps, of },
        Some(_) => return Err("flatten [through=BPS] of=STRATEGY".into()),
        None => {
            let instrument = (!instrument.is_empty()).then_some(instrument);
            Wanted::Flatten { through_bps, instrument }
        }
    })
}

/// `[STRATEGY] KEY=VALUE`; values may have spaces.
fn set(rest: &str) -> Result<Wanted<'_>, String> {
    let wrong = || {
        let most = Assignment::BYTES_MAX;
        format!("set [STRATEGY] KEY=VALUE, {most} bytes of it at most")
    };
    let (strategy, text) = match rest.split_once(' ') {
        Some((strategy, text)) if !strategy.contains('=') => (Some(strategy), text.trim()),
        _ => (None, rest),
    };
    Assignment::parse(text).map(|it| Wanted::Set(strategy, it)).ok_or_else(wrong)
}

fn limit(rest: &str) -> Result<Wanted<'_>, String> {
    let (of, rest) = match rest.strip_prefix("of=").and_then(|rest| rest.split_once(' ')) {
        Some((strategy, rest)) => (Some(strategy), rest.trim()),
        None => (None, rest),
    };
    let (limit, value) = limit_and_value(rest)?;
    Ok(Wanted::Limit { of, limit, value })
}

fn limit_and_value(rest: &str) -> Result<(Limit, i64), String> {
    let (name, value) = rest.split_once(' ').ok_or("limit NAME VALUE")?;
    let limit = Limit::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Limit::ALL.iter().map(|limit| limit.name()).collect();
        format!("'{name}' is no limit: there are {}", names.join(", "))
    })?;
    let value = value.trim();
    let number = match value {
        "off" => Some(0),
        _ => value.parse().ok().filter(|number| limit.check(*number).is_ok()),
    };
    let number = number
        .ok_or_else(|| format!("{name} cannot be '{value}': it is {}", limit.unit().rule()))?;
    Ok((limit, number))
}

fn restrict(rest: &str) -> Result<Wanted<'_>, String> {
    const USAGE: &str = "restrict reduce-only|no-buys|no-sells|nothing INSTRUMENT";
    let (word, instrument) = rest.split_once(' ').ok_or(USAGE)?;
    Ok(Wanted::Restrict(restriction(word).ok_or(USAGE)?, instrument.trim()))
}

fn restriction(word: &str) -> Option<Restriction> {
    Some(match word {
        "reduce-only" => Restriction::ReduceOnly,
        "no-buys" => Restriction::NoBuys,
        "no-sells" => Restriction::NoSells,
        "nothing" => Restriction::Nothing,
        _ => return None,
    })
}

fn range(rest: &str) -> Result<Wanted<'_>, String> {
    const USAGE: &str = "range LOW HIGH INSTRUMENT, prices in rupees, 0 for an open end";
    let mut words = rest.splitn(3, ' ');
    let mut price = || words.next().and_then(rupees).ok_or(USAGE);
    let (low, high) = (price()?, price()?);
    let instrument = words.next().map(str::trim).filter(|it| !it.is_empty()).ok_or(USAGE)?;
    if high.0 > 0 && low > high {
        return Err("the range begins above its end".into());
    }
    Ok(Wanted::Range(low, high, instrument))
}

/// A price from nought, to the paisa.
fn rupees(text: &str) -> Option<Px> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || part.len() > 2 {
        return None;
    }
    let whole: i64 = whole.parse().ok().filter(|it| *it < 10_000_000_000)?;
    let paise: i64 = format!("{part:0<2}").parse().ok()?;
    Some(Px::from_paise(whole * 100 + paise))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(line: &str) -> Result<Wanted<'_>, String> {
        match parse(line)? {
            Words::Act { wanted, why: "a test" } => Ok(wanted),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_line_says_what_and_why() {
        let nifty = "NIFTY 2026-11-24 FUT";
        let lines = [
            ("pause why: a test", Wanted::Pause),
            ("  kill  why: a test ", Wanted::Kill),
            ("kill user why: a test", Wanted::KillUser),
            ("cancel why: a test", Wanted::Cancel(None)),
            ("cancel NIFTY 2026-11-24 FUT why: a test", Wanted::Cancel(Some(nifty))),
            ("flatten why: a test", Wanted::Flatten { through_bps: 50, instrument: None }),
            (
                "flatten through=7 NIFTY 2026-11-24 FUT why: a test",
                Wanted::Flatten { through_bps: 7, instrument: Some(nifty) },
            ),
            (
                "flatten through=7 of=quoter why: a test",
                Wanted::FlattenStrategy { through_bps: 7, of: "quoter" },
            ),
            (
                "limit loss-max 500 why: a test",
                Wanted::Limit { of: None, limit: Limit::Loss, value: 500 },
            ),
            (
                "limit of=quoter loss-max off why: a test",
                Wanted::Limit { of: Some("quoter"), limit: Limit::Loss, value: 0 },
            ),
            ("kill account=alpha why: a test", Wanted::Account("alpha", OfAccount::Kill)),
            (
                "flatten account=alpha through=7 why: a test",
                Wanted::Account("alpha", OfAccount::Flatten { through_bps: 7 }),
            ),
            (
                "limit account=alpha order-value-max off why: a test",
                Wanted::Account("alpha", OfAccount::Limit(Limit::OrderValue, 0)),
            ),
            (
                "restrict account=alpha no-sells why: a test",
                Wanted::Account("alpha", OfAccount::Restrict(Restriction::NoSells)),
            ),
            (
                "unrestrict account=alpha why: a test",
                Wanted::Account("alpha", OfAccount::Restrict(Restriction::None)),
            ),
            ("stop quoter why: a test", Wanted::Stop("quoter")),
            ("start quoter why: a test", Wanted::Start("quoter")),
            (
                "set quoter name=two words why: a test",
                Wanted::Set(Some("quoter"), Assignment::parse("name=two words").unwrap()),
            ),
            (
                "set name=two words why: a test",
                Wanted::Set(None, Assignment::parse("name=two words").unwrap()),
            ),
            ("restrict no-buys fo:7 why: a test", Wanted::Restrict(Restriction::NoBuys, "fo:7")),
            ("unrestrict fo:7 why: a test", Wanted::Restrict(Restriction::None, "fo:7")),
            (
                "range 12.5 0 fo:7 why: a test",
                Wanted::Range(Px::from_paise(1_250), Px::ZERO, "fo:7"),
            ),
        ];
        for (line, expected) in lines {
            assert_eq!(wanted(line), Ok(expected), "{line}");
        }
        assert_eq!(parse("status"), Ok(Words::Status));
        let why = parse("pause why: why: not").unwrap();
        assert_eq!(why, Words::Act { wanted: Wanted::Pause, why: "why: not" });
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = format!("pause why: {}", "x".repeat(WHY_MAX + 1));
        let lines = [
            ("pause", "say why"),
            ("pause why: ", "say why"),
            (&*long, "at most 256 bytes"),
            ("pause now why: a test", "takes nothing but a reason"),
            ("status now", "status takes nothing"),
            ("", "is nothing that can be done"),
            ("dance why: a test", "'dance' is nothing that can be done"),
            ("limit loss-max why: a test", "limit NAME VALUE"),
            ("limit losses 5 why: a test", "'losses' is no limit: there are order-value-max"),
            ("limit loss-max -5 why: a test", "cannot be '-5': it is rupees"),
            ("limit open-orders-max 4294967296 why: a test", "it is a count"),
            ("flatten through=10001 why: a test", "basis points"),
            ("restrict all fo:7 why: a test", "reduce-only"),
            ("unrestrict why: a test", "unrestrict INSTRUMENT"),
            ("range 5 4 fo:7 why: a test", "begins above its end"),
            ("range 5.123 6 fo:7 why: a test", "prices in rupees"),
            ("range 5 6 why: a test", "prices in rupees"),
            ("pause account=alpha now why: a test", "nothing but a reason"),
            ("flatten account=alpha fo:7 why: a test", "[through=BPS]"),
            ("restrict account=alpha all why: a test", "reduce-only|"),
            ("limit account=alpha loss-max why: a test", "limit NAME VALUE"),
            ("rotate account=alpha", "rotate takes nothing"),
            ("range account=alpha why: a test", "not of one account"),
            ("stop why: a test", "stop STRATEGY"),
            ("start why: a test", "start STRATEGY"),
            ("set quoter why: a test", "KEY=VALUE"),
            ("set quoter vol why: a test", "KEY=VALUE"),
            ("pause\twhy: a test", "plain text"),
        ];
        for (line, expected) in lines {
            let error = parse(line).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }
}
