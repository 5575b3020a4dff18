//! `tezi margin`: SPAN and exposure margin of positions, on the prices of a bhavcopy.

mod positions;
mod report;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args as ClapArgs;
use tezi::feed_handler::reference::{InstrumentRecord, LoadOptions, Policy, load};
use tezi::margin::{ContractId, ContractKey, Margin, MarginDay, MarginDayOptions};
use tezi::venue::rules::Rules;

use self::positions::Holding;
use crate::outcome::{Failure, Verdict, print};
use crate::table::{Fault, Table};

/// SPAN and exposure margin of futures and options positions, and what an order would add
///
/// Risk arrays are made here, from the day's prices and the dated rules, and approximate those of the
/// clearing house's file. A contract's price is its close, or where it did not trade the settlement
/// price; its volatility is that of its price, or the smile's. Without --daily-vol an underlying's scan
/// ranges are the least of the rules.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A CSV of positions
    ///
    /// Its header names the columns, in any order: symbol, expiry (YYYY-MM-DD), strike (empty for a
    /// future), type (FUT, CE or PE), or instead of the four token; and quantity, in units, negative
    /// when short. Rows of one contract add up. Others are passed over.
    #[arg(value_name = "POSITIONS.csv", verbatim_doc_comment, required_unless_present = "what_if")]
    positions: Option<PathBuf>,
    /// The UDiFF bhavcopy of the day, plain, gzip or zip
    #[arg(long, value_name = "FILE")]
    bhavcopy: PathBuf,
    /// An order: what would it add? May be given several times; each stands on those before it
    #[arg(long, value_name = "ORDER", value_parser = positions::order)]
    what_if: Vec<Holding>,
    /// Shows what is lost in each of the sixteen scenarios
    #[arg(long)]
    scenarios: bool,
    /// The daily volatility of an underlying (the exchange's EWMA), as a fraction
    #[arg(long, value_name = "SYMBOL=VOL", value_parser = daily_vol)]
    daily_vol: Vec<(String, f64)>,
    /// The interest rate per year, continuously compounded, as a fraction
    #[arg(long, value_name = "RATE", default_value_t = 0.0, allow_negative_numbers = true)]
    rate: f64,
    /// Prints one JSON object
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Prints a row an underlying as CSV; without orders
    #[arg(long, conflicts_with = "what_if")]
    csv: bool,
}

const EXAMPLES: &str = "\
Examples:
  tezi margin positions.csv --bhavcopy BhavCopy_NSE_FO_0_0_0_20250227_F_0000.csv.zip --rate 0.065
  tezi margin positions.csv --bhavcopy fo.csv.zip --scenarios --daily-vol NIFTY=0.0121
  tezi margin positions.csv --bhavcopy fo.csv.zip --what-if \"NIFTY 2026-11-24 24500 CE -75\"
  tezi margin --bhavcopy fo.csv.zip --what-if \"NIFTY 2026-11-24 FUT 75\" --json

Exit codes: 0 all was fine; 1 a row has no margin, or a file is not what it should be; 2 wrong usage.";

/// An order and what it would make of the margin.
struct Asked {
    order: Holding,
    name: String,
    before: Margin,
    after: Margin,
}

pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let listed = args.positions.as_deref().map(positions::read).transpose()?;
    let records = bhavcopy(args)?;
    let rules = Rules::builtin().map_err(|error| Failure::Failed(error.to_string()))?;
    let daily_vol: BTreeMap<String, f64> = args.daily_vol.iter().cloned().collect();
    let options = MarginDayOptions { rate: args.rate, daily_vol };
    let mut day = MarginDay::new(&records, &rules, options)
        .map_err(|error| Failure::Failed(format!("{}: {error}", args.bhavcopy.display())))?;
    if let Some((table, holdings)) = &listed {
        take(&mut day, table, holdings)?;
    }
    let held = report::Held { margin: day.portfolio().margin(), groups: day.groups() };
    let asked = ask(&mut day, &args.what_if)?;
    print(|out| {
        if args.json {
            report::json(out, &day, &held, &asked)
        } else if args.csv {
            report::csv(out, &day, &held)
        } else {
            report::table(out, &day, &held, &asked, args.scenarios)
        }
    })?;
    Ok(Verdict::Fine)
}

fn bhavcopy(args: &Args) -> Result<Vec<InstrumentRecord>, Failure> {
    let name = args.bhavcopy.display();
    let bytes = std::fs::read(&args.bhavcopy)
        .map_err(|error| Failure::Failed(format!("cannot open {name}: {error}")))?;
    let options = LoadOptions { policy: Policy::Lenient, ..LoadOptions::default() };
    let loaded = load(&bytes, &options);
    Ok(loaded.map_err(|error| Failure::Failed(format!("{name}: {error}")))?.instruments)
}

/// Puts every holding into the portfolio. A margin that leaves one out would be wrong, so all are
/// taken or none.
fn take(day: &mut MarginDay<'_>, table: &Table, holdings: &[Holding]) -> Result<(), Failure> {
    let mut faults = Vec::new();
    for holding in holdings {
        let taken = day.contract(&holding.key).and_then(|id| {
            odd_lot(day, id, holding);
            day.apply(id, holding.quantity)
        });
        if let Err(refusal) = taken {
            let column = match holding.key {
                ContractKey::Token(_) => "token",
                ContractKey::Named { .. } => "symbol",
            };
            let why = format!("{}: {refusal}", holding.key);
            faults.push((holding.line, Fault::new(column, why)));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(table.refuse(&faults)) }
}

/// Says when a quantity is no number of lots: it may have been meant as one.
fn odd_lot(day: &MarginDay<'_>, id: ContractId, holding: &Holding) {
    let lot = day.record(id).map_or(0, |record| i64::from(record.instrument.lot.0));
    if lot > 1 && holding.quantity % lot != 0 {
        let Holding { line, key, quantity } = holding;
        eprintln!("line {line}: {key}: {quantity} units are no whole lots of {lot}");
    }
}

fn ask(day: &mut MarginDay<'_>, orders: &[Holding]) -> Result<Vec<Asked>, Failure> {
    let mut asked = Vec::new();
    for order in orders {
        let failed = |refusal| Failure::Failed(format!("--what-if {}: {refusal}", order.key));
        let id = day.contract(&order.key).map_err(failed)?;
        odd_lot(day, id, order);
        let change = day.what_if(id, order.quantity).map_err(failed)?;
        day.apply(id, order.quantity).map_err(failed)?;
        let name = order.key.to_string();
        let (before, after) = (change.before, change.after);
        asked.push(Asked { order: order.clone(), name, before, after });
    }
    Ok(asked)
}

fn daily_vol(text: &str) -> Result<(String, f64), String> {
    let parts = text.split_once('=').and_then(|(symbol, vol)| {
        let vol = vol.parse().ok().filter(|vol| (0.0..1.0).contains(vol))?;
        (!symbol.is_empty()).then(|| (symbol.to_string(), vol))
    });
    parts.ok_or_else(|| format!("{text} is not SYMBOL=VOL, as in NIFTY=0.0121"))
}
