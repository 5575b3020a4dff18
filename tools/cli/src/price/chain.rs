//! Option chains as people and programs read them: a table of expiries with the strikes of those asked
//! for, CSV, JSON, and the smiles as a drawing.

use std::io::{self, Write};

use serde_json::{Value, json};
use tezi::pricing::{LeftOut, OptionChain, OptionSide, PriceSource, StrikeRow};

use super::report::{COLUMNS, numbers, object, push_number};
use super::{Args, plot};
use crate::outcome::Failure;

/// How far, in rupees, a liquid chain's forward may be from its future without a remark.
const BASIS_MAX: f64 = 8.0;

/// Writes the drawing, where one is asked for.
pub(super) fn draw(args: &Args, chains: &[OptionChain]) -> Result<(), Failure> {
    let Some(file) = &args.plot else { return Ok(()) };
    std::fs::write(file, plot::smiles(chains))
        .map_err(|error| Failure::Failed(format!("cannot write {}: {error}", file.display())))
}

/// The date of an expiry, `2025-03-27`.
pub(super) fn expiry(chain: &OptionChain) -> String {
    let (year, month, day) = chain.expiry.ist_date();
    format!("{year:04}-{month:02}-{day:02}")
}

/// A line an expiry, with a line a strike behind it where those are wanted.
pub(super) fn table(
    out: &mut dyn Write,
    chains: &[OptionChain],
    with_strikes: bool,
) -> io::Result<()> {
    writeln!(
        out,
        "{:<12} {:<10} {:>5} {:>11} {:>11} {:>8} {:>5} {:>7} {:>8} {:>6} {:>7} {:<18}  note",
        "symbol",
        "expiry",
        "days",
        "parity",
        "future",
        "diff",
        "pairs",
        "solved",
        "outliers",
        "vol %",
        "error %",
        "smile"
    )?;
    for chain in chains {
        let solved = chain.sides().filter(|side| side.status() == "ok").count();
        let outliers = chain.strikes.iter().filter(|row| chain.is_outlier(row)).count();
        let price = |x: Option<f64>| x.map_or("-".into(), |x| format!("{x:.2}"));
        writeln!(
            out,
            "{:<12} {:<10} {:>5} {:>11} {:>11} {:>8} {:>5} {:>7} {:>8} {:>6} {:>7} {:<18}  {}",
            chain.symbol,
            expiry(chain),
            days(chain),
            price(chain.parity.map(|parity| parity.forward)),
            price(chain.future.map(|(close, _)| close)),
            price(chain.basis()),
            chain.parity.map_or(0, |parity| parity.pairs),
            solved,
            outliers,
            price(chain.smile_vol(chain.forward).map(|vol| 100.0 * vol)),
            price(relative_error(chain).map(|error| 100.0 * error)),
            chain.smile.status.name(),
            note(chain)
        )?;
        if chain.source == PriceSource::Books && !chain.left_out().is_empty() {
            let count = chain.sides().count();
            writeln!(out, "  left out: {} of {count} options", left_out(chain))?;
        }
        if with_strikes {
            strikes(out, chain)?;
        }
    }
    Ok(())
}

/// Whole days from a close, which are exact; else to a quarter of an hour.
fn days(chain: &OptionChain) -> String {
    let days = chain.years * 365.0;
    match chain.source {
        PriceSource::Closes => format!("{days:.0}"),
        PriceSource::Books => format!("{days:.2}"),
    }
}

/// How many options are left out, by reason: `3 one_sided, 1 too_wide`.
pub(super) fn left_out(chain: &OptionChain) -> String {
    let counts: Vec<String> = chain
        .left_out()
        .iter()
        .map(|(reason, count)| format!("{count} {}", reason.name()))
        .collect();
    counts.join(", ")
}

fn note(chain: &OptionChain) -> &'static str {
    if chain.years == 0.0 {
        match chain.source {
            PriceSource::Closes => "expires today: no time, no volatility",
            PriceSource::Books => "expired: no time, no volatility",
        }
    } else if chain.parity.is_none() {
        match chain.source {
            PriceSource::Closes => "no strike traded on both sides",
            PriceSource::Books => "no strike has books of call and put that say a price",
        }
    } else if chain.is_liquid() && chain.basis().is_some_and(|basis| basis.abs() > BASIS_MAX) {
        if chain.is_off_its_premiums() {
            "liquid; half of the premiums' weight lies on one side of its future, more than 8 points off"
        } else {
            "liquid, and more than 8 points off its future"
        }
    } else if chain.is_liquid() {
        "liquid"
    } else {
        "thin"
    }
}

/// The smile's weighted error at the forward, as a part of its total variance there.
fn relative_error(chain: &OptionChain) -> Option<f64> {
    Some(chain.smile.error / chain.smile.smile?.total_variance(0.0))
}

fn strikes(out: &mut dyn Write, chain: &OptionChain) -> io::Result<()> {
    let beside = match chain.source {
        PriceSource::Closes => "contr.",
        PriceSource::Books => "spread",
    };
    writeln!(
        out,
        "  {:>10} | {:>9} {:>8} {:>7} {:<15} | {:>9} {:>8} {:>7} {:<15} |",
        "strike", "call", beside, "vol %", "status", "put", beside, "vol %", "status"
    )?;
    let is_shown = |side: &Option<OptionSide>| {
        let reason = side.map(|side| side.left_out);
        reason.is_some_and(|it| !matches!(it, Some(LeftOut::Untraded | LeftOut::Empty)))
    };
    for row in chain.strikes.iter().filter(|row| is_shown(&row.call) || is_shown(&row.put)) {
        let [call, put] = [row.call, row.put].map(|side| strike_side(side, chain.source));
        let mark = if chain.is_outlier(row) { " outlier" } else { "" };
        writeln!(out, "  {:>10.2} | {call} | {put} |{mark}", row.strike)?;
    }
    Ok(())
}

fn strike_side(side: Option<OptionSide>, source: PriceSource) -> String {
    let Some(side) = side else {
        return format!("{:>9} {:>8} {:>7} {:<15}", "-", "-", "-", "-");
    };
    let number = |x: f64| if x.is_finite() { format!("{x:.2}") } else { "-".into() };
    let beside = match source {
        PriceSource::Closes => side.volume.to_string(),
        PriceSource::Books => number(side.half_spread().map_or(f64::NAN, |half| 2.0 * half)),
    };
    let vol = number(side.valued.map_or(f64::NAN, |valued| 100.0 * valued.vol));
    format!("{:>9} {beside:>8} {vol:>7} {:<15}", number(side.price), side.status())
}

fn sides(row: &StrikeRow) -> impl Iterator<Item = (&'static str, OptionSide)> {
    [("call", row.call), ("put", row.put)]
        .into_iter()
        .filter_map(|(name, side)| side.map(|side| (name, side)))
}

/// The header of [`csv`]: `source` decides what is known of a price.
pub(super) fn csv_header(out: &mut dyn Write, source: PriceSource) -> io::Result<()> {
    let (time, price) = match source {
        PriceSource::Closes => ("", "close"),
        PriceSource::Books => ("time,", "mid,bid,ask"),
    };
    writeln!(
        out,
        "{time}symbol,expiry,years,type,strike,{price},volume,outlier,{},smile_vol,svi_a,svi_b,\
         svi_rho,svi_m,svi_sigma,smile_error,smile_status",
        COLUMNS.join(",")
    )
}

/// A row an option; `time` leads the rows of books.
pub(super) fn csv(out: &mut dyn Write, chains: &[OptionChain], time: &str) -> io::Result<()> {
    let mut line = String::new();
    for chain in chains {
        let svi = svi(chain).unwrap_or([f64::NAN; 5]);
        let smile_status = chain.smile.status.name();
        for row in &chain.strikes {
            let outlier = u8::from(chain.is_outlier(row));
            for (kind, side) in sides(row) {
                line.clear();
                if chain.source == PriceSource::Books {
                    line.push_str(time);
                    line.push(',');
                }
                let (symbol, expiry, years) = (&chain.symbol, expiry(chain), chain.years);
                let strike = row.strike;
                line.push_str(&format!("{symbol},{expiry},{years},{kind},{strike},"));
                push_price(&mut line, chain.source, &side);
                line.push_str(&format!("{},{outlier},", side.volume));
                push_numbers(&mut line, side.valued.as_ref().map_or([f64::NAN; 11], numbers));
                line.push_str(&format!("{},", side.status()));
                push_numbers(&mut line, [chain.smile_vol(strike).unwrap_or(f64::NAN)]);
                push_numbers(&mut line, svi.into_iter().chain([chain.smile.error]));
                writeln!(out, "{line}{smile_status}")?;
            }
        }
    }
    Ok(())
}

/// What is known of a price, with a comma behind each.
fn push_price(line: &mut String, source: PriceSource, side: &OptionSide) {
    push_numbers(line, [side.price]);
    if source == PriceSource::Books {
        push_numbers(line, [side.bid, side.ask].map(|price| price.unwrap_or(f64::NAN)));
    }
}

/// Numbers at full precision, with a comma behind each.
fn push_numbers(line: &mut String, numbers: impl IntoIterator<Item = f64>) {
    for number in numbers {
        push_number(line, number);
        line.push(',');
    }
}

/// a, b, ρ, m and σ, where the smile has them.
fn svi(chain: &OptionChain) -> Option<[f64; 5]> {
    let smile = chain.smile.smile?;
    smile.svi().map(|svi| [svi.a, svi.b, svi.rho, svi.m, svi.sigma])
}

fn smile(chain: &OptionChain) -> Value {
    let fit = &chain.smile;
    json!({
        "status": fit.status.name(),
        "is_arbitrage_free": fit.status.is_arbitrage_free(),
        "svi": svi(chain).map(|[a, b, rho, m, sigma]| {
            json!({ "a": a, "b": b, "rho": rho, "m": m, "sigma": sigma })
        }),
        "error": fit.error,
        "quotes": fit.used,
        "vol_at_forward": chain.smile_vol(chain.forward),
        "butterfly_margin": fit.smile.and_then(|s| s.svi().map(|svi| svi.butterfly_margin())),
    })
}

/// Everything of a chain.
pub(super) fn json(chain: &OptionChain) -> Value {
    let is_book = chain.source == PriceSource::Books;
    let row = |row: &StrikeRow| {
        let side = |side: Option<OptionSide>| {
            side.map(|side| {
                let numbered = side.valued.as_ref().map(|of| object(numbers(of), of.status()));
                let mut map = numbered.unwrap_or_default();
                map.insert(if is_book { "mid" } else { "close" }.into(), json!(side.price));
                if is_book {
                    map.insert("bid".into(), json!(side.bid));
                    map.insert("ask".into(), json!(side.ask));
                }
                map.insert("volume".into(), json!(side.volume));
                map.insert("status".into(), json!(side.status()));
                Value::Object(map)
            })
        };
        json!({
            "strike": row.strike,
            "call": side(row.call),
            "put": side(row.put),
            "is_outlier": chain.is_outlier(row),
            "smile_vol": chain.smile_vol(row.strike),
        })
    };
    let mut map = json!({
        "symbol": chain.symbol,
        "expiry": expiry(chain),
        "years": chain.years,
        "forward": chain.forward,
        "future": chain.future.map(|(price, _)| price),
        "parity": chain.parity.map(|parity| json!({
            "forward": parity.forward,
            "pairs": parity.pairs,
            "contracts": (!is_book).then_some(parity.liquidity),
            "spread": parity.spread,
            "middle": parity.middle,
        })),
        "basis": chain.basis(),
        "is_liquid": chain.is_liquid(),
        "smile": smile(chain),
        "strikes": chain.strikes.iter().map(row).collect::<Vec<_>>(),
    });
    if is_book {
        let counts = chain.left_out();
        let counts = counts.into_iter().map(|(reason, count)| (reason.name().to_string(), count));
        map["left_out"] = counts.collect();
    }
    map
}
