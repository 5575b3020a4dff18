//! What margin and positions by delta are reckoned with.

use clap::Args;
use tezi::margin::MarginDayOptions;
use tezi::venue::Date;

/// What margin is reckoned with.
#[derive(Args, Clone, Debug)]
#[command(
    next_help_heading = "Margin (with --margin-available, --futeq-net-max or --futeq-gross-max)"
)]
pub(crate) struct RiskArgs {
    /// The interest rate per year of margins and deltas, as a fraction (the RBI's repo rate)
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0525, value_parser = fraction)]
    risk_rate: f64,
    /// Daily volatility of an underlying, as a fraction: the exchange's EWMA; else the least the rules have
    #[arg(long, value_name = "SYMBOL=FRACTION", value_parser = daily_vol)]
    daily_vol: Vec<(String, f64)>,
    /// The day of the session, where it is not that of the prices or today
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    risk_date: Option<Date>,
}

impl RiskArgs {
    /// What arrays are made with.
    pub(crate) fn options(&self) -> MarginDayOptions {
        MarginDayOptions {
            rate: self.risk_rate,
            daily_vol: self.daily_vol.iter().cloned().collect(),
        }
    }

    /// The day asked for.
    pub(crate) const fn date(&self) -> Option<Date> {
        self.risk_date
    }
}

fn fraction(text: &str) -> Result<f64, String> {
    let fraction: f64 = text.parse().map_err(|_| "not a number".to_string())?;
    if fraction.is_finite() && fraction.abs() < 1.0 {
        Ok(fraction)
    } else {
        Err("a fraction, as 0.0525".into())
    }
}

fn daily_vol(text: &str) -> Result<(String, f64), String> {
    let (symbol, vol) = text.split_once('=').ok_or("SYMBOL=FRACTION, as NIFTY=0.0121")?;
    let vol = fraction(vol)?;
    if vol > 0.0 { Ok((symbol.to_string(), vol)) } else { Err("above 0".into()) }
}

fn date(text: &str) -> Result<Date, String> {
    Date::parse(text).ok_or_else(|| "a date, as 2026-11-24".into())
}
