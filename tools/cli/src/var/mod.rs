//! `tezi var`: value at risk and expected shortfall of positions, from past closes.

mod measures;
mod prices;
mod report;

use std::path::PathBuf;

use clap::Args as ClapArgs;
use tezi::risk_measures::{Confidence, Quantile};

use self::measures::Method;
use crate::outcome::{Failure, Verdict, print};

/// Value at risk and expected shortfall of positions for a day: historical, parametric, Monte Carlo
///
/// Closes are taken as they are. A move of a fifth or more near the ratio of a usual split or bonus is
/// left out and listed unless --actions says what it was. A loss is positive; amounts are rupees.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A CSV of daily closes: date (YYYY-MM-DD), symbol, close
    #[arg(value_name = "PRICES.csv")]
    prices: PathBuf,
    /// A CSV of positions: symbol, and value in rupees or quantity in units; negative when short
    #[arg(value_name = "POSITIONS.csv")]
    positions: PathBuf,
    /// A CSV of splits and bonuses: date (the first of the new base), symbol, factor
    ///
    /// The factor is the new price of an old rupee: 0.5 for a bonus of 1:1. A factor of 1 says that a
    /// move was true.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    actions: Option<PathBuf>,
    /// The confidence in percent, from 50 to 99.99
    #[arg(long, value_name = "PERCENT", default_value = "99", value_parser = confidence)]
    confidence: Confidence,
    /// Which number between two days is the quantile: the k-th worst day, or Hyndman and Fan's type 7
    #[arg(long, value_name = "RULE", default_value = "worst", value_parser = ["worst", "type7"])]
    quantile: String,
    /// Weight of a day over that of the day after it, for the covariance; 1 weighs all alike
    #[arg(long, value_name = "LAMBDA", default_value = "1", value_parser = lambda)]
    lambda: f64,
    /// Days drawn by Monte Carlo
    #[arg(long, value_name = "COUNT", default_value_t = 16_384,
          value_parser = clap::value_parser!(u32).range(100..=1 << 20))]
    draws: u32,
    /// The seed of the draws
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Days before the one that the back-test judges
    #[arg(long, value_name = "DAYS", default_value_t = 250,
          value_parser = clap::value_parser!(u32).range(20..=10_000))]
    window: u32,
    /// Prints one JSON object
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Prints a row a position as CSV
    #[arg(long)]
    csv: bool,
}

const EXAMPLES: &str = "\
Examples:
  tezi var closes.csv positions.csv
  tezi var closes.csv positions.csv --confidence 97.5 --quantile type7 --lambda 0.94
  tezi var closes.csv positions.csv --actions splits.csv --window 100 --json

Exit codes: 0 all was fine; 1 a row is not what it should be, or no measure came out; 2 wrong usage.";

pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let history = prices::read(&args.prices, &args.positions, args.actions.as_deref())?;
    let quantile =
        if args.quantile == "type7" { Quantile::Type7 } else { Quantile::OrderStatistic };
    let method = Method {
        confidence: args.confidence,
        quantile,
        lambda: args.lambda,
        draws: args.draws as usize,
        seed: args.seed,
        window: args.window as usize,
    };
    let measures = measures::measure(&history, &method)
        .map_err(|error| Failure::Failed(format!("no measure: {error}")))?;
    print(|out| {
        if args.json {
            report::json(out, &history, &method, &measures)
        } else if args.csv {
            report::csv(out, &history, &measures)
        } else {
            report::table(out, &history, &method, &measures)
        }
    })?;
    Ok(Verdict::Fine)
}

fn confidence(text: &str) -> Result<Confidence, String> {
    let bps = text.parse().ok().map(|percent: f64| percent * 100.0);
    // Whole basis points, but for what a decimal loses as a double.
    let bps = bps.filter(|bps| (bps - bps.round()).abs() < 1e-6 && (0.0..1e4).contains(bps));
    let found = bps.and_then(|bps| Confidence::from_bps(bps.round() as u16));
    found.ok_or_else(|| format!("{text} is no percentage from 50 to 99.99 with two decimals"))
}

fn lambda(text: &str) -> Result<f64, String> {
    let found = text.parse().ok().filter(|lambda| (0.5..=1.0).contains(lambda));
    found.ok_or_else(|| format!("{text} is no weight from 0.5 to 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_is_a_percentage_of_whole_basis_points() {
        for (text, bps) in [("99", 9_900), ("97.5", 9_750), ("99.99", 9_999), ("50", 5_000)] {
            assert_eq!(confidence(text), Ok(Confidence::from_bps(bps).unwrap()));
        }
        for text in ["100", "49.99", "99.995", "x", "NaN", "-99", ""] {
            assert!(confidence(text).is_err(), "{text}");
        }
    }
}
