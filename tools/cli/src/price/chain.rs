//! The chains of a bhavcopy: a table of expiries, or the strikes of those asked for.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};
use tezi::feed_handler::reference::{LoadOptions, Policy, load};
use tezi::pricing::{ChainOptions, OptionChain, OptionSide, StrikeRow, option_chains};

use super::report::{COLUMNS, numbers, object, push_number};
use super::{Args, plot};
use crate::files::check_distinct;
use crate::outcome::{Failure, Verdict, print};

/// How far, in rupees, a liquid chain's forward may be from its future without a remark.
const BASIS_MAX: f64 = 8.0;

pub(super) fn run(args: &Args, path: &Path) -> Result<Verdict, Failure> {
    let failed =
        |what: &dyn std::fmt::Display| Failure::Failed(format!("{}: {what}", path.display()));
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::Failed(format!("cannot open {}: {error}", path.display())))?;
    let options = LoadOptions { policy: Policy::Lenient, ..LoadOptions::default() };
    let loaded = load(&bytes, &options).map_err(|error| failed(&error))?;
    let symbol = args.files.symbol.as_deref();
    let wanted = ChainOptions { symbol, expiry: args.files.expiry, rate: args.option.rate };
    let chains = option_chains(&loaded.instruments, &wanted);
    if chains.is_empty() {
        return Err(failed(&"no option of that underlying and expiry has a day's prices"));
    }
    if let Some(file) = &args.plot {
        check_distinct(&[path], &[file])?;
        std::fs::write(file, plot::smiles(&chains)).map_err(|error| {
            Failure::Failed(format!("cannot write {}: {error}", file.display()))
        })?;
    }
    print(|out| {
        if args.json {
            let chains: Vec<Value> = chains.iter().map(json).collect();
            writeln!(out, "{:#}", json!({ "rate": args.option.rate, "chains": chains }))
        } else if args.csv {
            csv(out, &chains)
        } else {
            table(out, &chains, symbol.is_some())
        }
    })?;
    Ok(Verdict::Fine)
}

/// The date of an expiry, `2025-03-27`.
pub(super) fn expiry(chain: &OptionChain) -> String {
    let (year, month, day) = chain.expiry.ist_date();
    format!("{year:04}-{month:02}-{day:02}")
}

fn table(out: &mut dyn Write, chains: &[OptionChain], with_strikes: bool) -> io::Result<()> {
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
        let sides = chain.strikes.iter().flat_map(|row| [row.call, row.put]).flatten();
        let solved = sides.filter(|side| status(side) == "ok").count();
        let outliers = chain.strikes.iter().filter(|row| chain.is_outlier(row)).count();
        let price = |x: Option<f64>| x.map_or("-".into(), |x| format!("{x:.2}"));
        writeln!(
            out,
            "{:<12} {:<10} {:>5.0} {:>11} {:>11} {:>8} {:>5} {:>7} {:>8} {:>6} {:>7} {:<18}  {}",
            chain.symbol,
            expiry(chain),
            chain.years * 365.0,
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
        if with_strikes {
            strikes(out, chain)?;
        }
    }
    Ok(())
}

fn note(chain: &OptionChain) -> &'static str {
    if chain.years == 0.0 {
        "expires today: no time, no volatility"
    } else if chain.parity.is_none() {
        "no strike traded on both sides"
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
    writeln!(
        out,
        "  {:>10} | {:>9} {:>8} {:>7} {:<15} | {:>9} {:>8} {:>7} {:<15} |",
        "strike", "call", "contr.", "vol %", "status", "put", "contr.", "vol %", "status"
    )?;
    let traded = |side: &Option<OptionSide>| side.is_some_and(|side| side.volume > 0);
    for row in chain.strikes.iter().filter(|row| traded(&row.call) || traded(&row.put)) {
        let side = |side: Option<OptionSide>| {
            side.map_or_else(
                || format!("{:>9} {:>8} {:>7} {:<15}", "-", "-", "-", "-"),
                |side| {
                    let vol = side.valued.map_or(f64::NAN, |valued| 100.0 * valued.vol);
                    let vol = if vol.is_finite() { format!("{vol:.2}") } else { "-".into() };
                    let (close, volume) = (side.close, side.volume);
                    format!("{close:>9.2} {volume:>8} {vol:>7} {:<15}", status(&side))
                },
            )
        };
        let mark = if chain.is_outlier(row) { " outlier" } else { "" };
        writeln!(out, "  {:>10.2} | {} | {} |{mark}", row.strike, side(row.call), side(row.put))?;
    }
    Ok(())
}

/// The solver's word, or that nothing traded.
pub(super) fn status(side: &OptionSide) -> &'static str {
    side.valued.map_or("untraded", |valued| valued.status())
}

fn sides(row: &StrikeRow) -> impl Iterator<Item = (&'static str, OptionSide)> {
    [("call", row.call), ("put", row.put)]
        .into_iter()
        .filter_map(|(name, side)| side.map(|side| (name, side)))
}

fn csv(out: &mut dyn Write, chains: &[OptionChain]) -> io::Result<()> {
    writeln!(
        out,
        "symbol,expiry,years,type,strike,close,volume,outlier,{},smile_vol,svi_a,svi_b,svi_rho,svi_m,\
         svi_sigma,smile_error,smile_status",
        COLUMNS.join(",")
    )?;
    let mut line = String::new();
    let mut smile = String::new();
    for chain in chains {
        let svi = svi(chain).unwrap_or([f64::NAN; 5]);
        let smile_status = chain.smile.status.name();
        for row in &chain.strikes {
            let outlier = u8::from(chain.is_outlier(row));
            for (kind, side) in sides(row) {
                line.clear();
                for number in side.valued.as_ref().map_or([f64::NAN; 11], numbers) {
                    push_number(&mut line, number);
                    line.push(',');
                }
                smile.clear();
                push_number(&mut smile, chain.smile_vol(row.strike).unwrap_or(f64::NAN));
                for number in svi.into_iter().chain([chain.smile.error]) {
                    smile.push(',');
                    push_number(&mut smile, number);
                }
                let (symbol, expiry, years) = (&chain.symbol, expiry(chain), chain.years);
                let OptionSide { close, volume, .. } = side;
                let (strike, status) = (row.strike, status(&side));
                write!(out, "{symbol},{expiry},{years},{kind},{strike},{close},{volume},")?;
                writeln!(out, "{outlier},{line}{status},{smile},{smile_status}")?;
            }
        }
    }
    Ok(())
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

fn json(chain: &OptionChain) -> Value {
    let row = |row: &StrikeRow| {
        let side = |side: Option<OptionSide>| {
            side.map(|side| {
                let numbered = side.valued.as_ref().map(|of| object(numbers(of), of.status()));
                let mut map = numbered.unwrap_or_default();
                map.insert("close".into(), json!(side.close));
                map.insert("volume".into(), json!(side.volume));
                map.insert("status".into(), json!(status(&side)));
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
    json!({
        "symbol": chain.symbol,
        "expiry": expiry(chain),
        "years": chain.years,
        "forward": chain.forward,
        "future": chain.future.map(|(close, _)| close),
        "parity": chain.parity.map(|parity| json!({
            "forward": parity.forward,
            "pairs": parity.pairs,
            "contracts": parity.liquidity,
            "spread": parity.spread,
            "middle": parity.middle,
        })),
        "basis": chain.basis(),
        "is_liquid": chain.is_liquid(),
        "smile": smile(chain),
        "strikes": chain.strikes.iter().map(row).collect::<Vec<_>>(),
    })
}
