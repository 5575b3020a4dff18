//! `tezi price`: options valued, from arguments, a CSV, a bhavcopy or the books of a feed.

mod american;
mod bhavcopy;
mod books;
mod chain;
mod csv;
mod one;
mod plot;
mod report;

use std::path::PathBuf;

use clap::{ArgGroup, Args as ClapArgs};
use tezi::pricing::ChainOptions;

use crate::contracts::ContractArgs;
use crate::listen::ListenArgs;
use crate::outcome::{Failure, Verdict};
use crate::wire::WireArgs;

/// Prices, Greeks and implied volatilities: of one option, of a CSV's rows, of a bhavcopy's or a feed's chains
///
/// One option comes from arguments. With --in every row of a CSV is one, and --out gets the same rows
/// with the results behind them, streaming. With --bhavcopy the options of a day are valued on the
/// forward that put-call parity gives, expiry by expiry, and held against the listed future. With --feed
/// (a capture, at --at) or --a (the wire) the prices are the middles of the books of that moment.
///
/// On a forward (--forward, Black-76) Greeks are the forward's; on a spot (--spot with --carry,
/// Black-Scholes-Merton) the spot's. Raw units: vega and rho per 1.00, theta and charm per year.
/// American options (--style american) are valued from their exercise boundary.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES,
          group = ArgGroup::new("chain").args(["bhavcopy", "feed", "a"]).multiple(true))]
pub(crate) struct Args {
    #[command(flatten)]
    option: OptionArgs,
    #[command(flatten)]
    files: FileArgs,
    #[command(flatten)]
    books: books::BookArgs,
    /// Prints one JSON object; with --every one a line
    #[arg(long, conflicts_with_all = ["csv", "input"])]
    json: bool,
    /// Prints a chain as CSV
    #[arg(long, requires = "chain")]
    csv: bool,
    /// Draws the smile and the fit of every expiry of a chain; needs --symbol
    #[arg(long, value_name = "FILE.svg", requires_all = ["chain", "symbol"])]
    plot: Option<PathBuf>,
    #[command(flatten)]
    wire: WireArgs,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    contracts: ContractArgs,
}

/// One option.
#[derive(ClapArgs, Clone, Debug)]
#[command(next_help_heading = "One option")]
struct OptionArgs {
    /// The forward or future the option is on
    #[arg(long, value_name = "PRICE", conflicts_with = "spot", allow_negative_numbers = true)]
    forward: Option<f64>,
    /// The spot the option is on
    #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
    spot: Option<f64>,
    /// What the spot grows at: the rate less the yield, as a fraction [default: the rate]
    #[arg(long, value_name = "RATE", requires = "spot", allow_negative_numbers = true)]
    carry: Option<f64>,
    /// A dividend in money, as AMOUNT@YEARS; may be given several times
    #[arg(long, value_name = "AMOUNT@YEARS", value_parser = dividend, requires = "spot")]
    dividend: Vec<(f64, f64)>,
    /// The strike
    #[arg(long, value_name = "PRICE", conflicts_with = "a", allow_negative_numbers = true)]
    strike: Option<f64>,
    /// Years to expiry
    #[arg(long, value_name = "YEARS", allow_negative_numbers = true)]
    years: Option<f64>,
    /// Days to expiry, of 365 to the year
    #[arg(long, value_name = "DAYS", conflicts_with = "years", allow_negative_numbers = true)]
    days: Option<f64>,
    /// The interest rate per year, continuously compounded, as a fraction; for a chain too
    #[arg(long, value_name = "RATE", default_value_t = 0.0, allow_negative_numbers = true)]
    rate: f64,
    /// A call or a put
    #[arg(long = "type", value_name = "TYPE", value_parser = ["call", "put"])]
    option_type: Option<String>,
    /// Exercise at expiry only, or at any moment before it too; that needs --vol
    #[arg(long, value_name = "STYLE", default_value = "european",
          value_parser = ["european", "american"])]
    style: String,
    /// The volatility per year, as a fraction: a price is wanted
    #[arg(long, value_name = "VOL", conflicts_with = "price", allow_negative_numbers = true)]
    vol: Option<f64>,
    /// The option's price: its volatility is wanted
    #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
    price: Option<f64>,
}

/// Many options.
#[derive(ClapArgs, Clone, Debug)]
#[command(next_help_heading = "Many options")]
struct FileArgs {
    /// A CSV with a row an option; a dash is standard input
    ///
    /// Its header names the columns, in any order: type (call or put), forward or spot, strike,
    /// years, and vol or price; optional are model (black76 or bsm), style (european or american), rate
    /// and carry. Empty is not given. Others are passed through.
    #[arg(long = "in", id = "input", value_name = "FILE", verbatim_doc_comment,
          conflicts_with_all = ["strike", "forward", "spot", "style", "chain"])]
    input: Option<PathBuf>,
    /// Where its rows go with their results [default: standard output]
    #[arg(long = "out", id = "output", value_name = "FILE", requires = "input")]
    output: Option<PathBuf>,
    /// A UDiFF bhavcopy, plain, gzip or zip
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["strike", "forward", "spot", "style", "feed", "a"])]
    bhavcopy: Option<PathBuf>,
    /// Only the options on this underlying
    #[arg(long, value_name = "SYMBOL", requires = "chain")]
    symbol: Option<String>,
    /// Only this expiry
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date, requires = "chain")]
    expiry: Option<(i64, i64, i64)>,
}

const EXAMPLES: &str = "\
Examples:
  tezi price --forward 24000 --strike 24100 --days 7 --rate 0.065 --type call --vol 0.12
  tezi price --spot 1500 --strike 1520 --years 0.1 --rate 0.065 --dividend 10@0.05 --type put --price 40
  tezi price --spot 100 --strike 105 --years 0.5 --rate 0.06 --type put --vol 0.25 --style american
  tezi price --in options.csv --out priced.csv
  tezi price --bhavcopy BhavCopy_NSE_FO_0_0_0_20250227_F_0000.csv.zip --rate 0.065
  tezi price --bhavcopy fo.csv.zip --symbol NIFTY --expiry 2025-03-27 --rate 0.065 --plot smile.svg
  tezi price --feed day.pcap --at 10:30:00 --contracts contract.gz --symbol NIFTY --rate 0.065
      The chains of NIFTY as the books of a capture had them at half past ten.
  tezi price --protocol mtbt --a 239.70.70.41:17741 --b 239.70.70.31:10831 --interface eth1 \\
             --contracts contract.gz --symbol NIFTY --rate 0.065 --every 5s --plot smile.svg
      From the wire, every five seconds again, until Ctrl-C.

Exit codes: 0 all was fine; 1 a row is no option, a file is not what it should be, a feed lost messages
or none of its books says a price; 2 wrong usage.";

impl Args {
    /// The chains asked for.
    fn wanted(&self) -> ChainOptions<'_> {
        let symbol = self.files.symbol.as_deref();
        ChainOptions { symbol, expiry: self.files.expiry, rate: self.option.rate }
    }
}

pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    if let Some(input) = &args.files.input {
        return csv::run(input, args.files.output.as_deref());
    }
    if let Some(bhavcopy) = &args.files.bhavcopy {
        return bhavcopy::run(args, bhavcopy);
    }
    if args.books.is_asked(&args.wire) {
        return books::run(args);
    }
    one::run(&args.option, args.json)
}

fn dividend(text: &str) -> Result<(f64, f64), String> {
    let parts = text.split_once('@').and_then(|(amount, years)| {
        let number = |text: &str| text.parse().ok().filter(|x: &f64| x.is_finite());
        Some((number(amount)?, number(years)?))
    });
    parts.ok_or_else(|| format!("{text} is not AMOUNT@YEARS, as in 12.5@0.25"))
}

fn date(text: &str) -> Result<(i64, i64, i64), String> {
    let mut parts = text.split('-').map(|part| part.parse().ok());
    match (parts.next().flatten(), parts.next().flatten(), parts.next().flatten(), parts.next()) {
        (Some(year), Some(month), Some(day), None) => Ok((year, month, day)),
        _ => Err(format!("{text} is not a date, as in 2025-03-27")),
    }
}
