//! Measures as a table, as JSON and as CSV.

use std::io::{self, Write};

use serde_json::{Value, json};
use tezi::risk_measures::{Quantile, Suspect, TailRisk, TrafficLight};
use tezi::venue::Date;

use super::measures::{Backtest, Measures, Method};
use super::prices::History;

/// The 95 % point of χ² with one degree of freedom.
const CHI_SQUARE_95: f64 = 3.841_458_820_694_124;

/// Returns that were left out: symbol, day, and what was seen.
fn suspects(history: &History) -> impl Iterator<Item = (&str, Date, Suspect)> {
    history.holdings.iter().flat_map(|holding| {
        let of_day =
            |suspect: &Suspect| history.dates.get(suspect.day).map(|date| (*date, *suspect));
        let found = holding.report.suspects.iter().filter_map(of_day);
        found.map(|(date, suspect)| (holding.symbol.as_str(), date, suspect))
    })
}

fn percent(method: &Method) -> f64 {
    100.0 * (1.0 - method.confidence.tail())
}

/// The convention in words.
fn convention(history: &History, method: &Method) -> String {
    let k = method.confidence.tail_count(history.days());
    match method.quantile {
        Quantile::OrderStatistic => {
            format!("VaR is loss number {} of {} days, worst first", k.max(1), history.days())
        }
        Quantile::Type7 => {
            format!("VaR lies between order statistics of {} days (type 7)", history.days())
        }
    }
}

const fn light(light: TrafficLight) -> &'static str {
    match light {
        TrafficLight::Green => "green",
        TrafficLight::Yellow => "yellow",
        TrafficLight::Red => "red",
    }
}

pub(super) fn table(
    out: &mut dyn Write,
    history: &History,
    method: &Method,
    measures: &Measures,
) -> io::Result<()> {
    let (first, last) = (history.dates.first(), history.dates.last());
    if let (Some(first), Some(last)) = (first, last) {
        let (count, days) = (history.holdings.len(), history.days());
        writeln!(out, "{count} positions, {days} returns from {first} to {last}")?;
    }
    let k = method.confidence.tail_count(history.days()).max(1);
    writeln!(
        out,
        "{}; expected shortfall is the mean of the {k} worst",
        convention(history, method)
    )?;
    let percent = percent(method);
    writeln!(out, "\n{:<24}{:>18}{:>18}", format!("at {percent:.2} %"), "VaR", "shortfall")?;
    let rows = [
        ("historical", Ok(measures.historical)),
        ("parametric", Ok(measures.parametric)),
        ("Monte Carlo", measures.monte_carlo),
    ];
    for (name, risk) in rows {
        match risk {
            Ok(TailRisk { var, expected_shortfall }) => {
                writeln!(out, "  {name:<22}{var:>18.2}{expected_shortfall:>18.2}")?;
            }
            Err(error) => writeln!(out, "  {name:<22}none: {error}")?,
        }
    }
    writeln!(
        out,
        "\n{:<24}{:>18}{:>18}{:>18}",
        "position", "value", "part of VaR", "of shortfall"
    )?;
    for (holding, parts) in history.holdings.iter().zip(&measures.parts) {
        let (symbol, value) = (&holding.symbol, holding.value);
        writeln!(
            out,
            "  {symbol:<22}{value:>18.2}{:>18.2}{:>18.2}",
            parts.var, parts.expected_shortfall
        )?;
    }
    writeln!(out, "  parts: of the parametric VaR, of the historical shortfall")?;
    write_backtest(out, method, measures.backtest)?;
    for (index, (symbol, date, Suspect { ratio, nearest, .. })) in suspects(history).enumerate() {
        if index == 0 {
            writeln!(
                out,
                "\nleft out: near a usual split, or no close (--actions says what they were)"
            )?;
        }
        if ratio.is_nan() {
            writeln!(out, "  {symbol:<22}{date}  no close on it or the day before")?;
        } else {
            writeln!(
                out,
                "  {symbol:<22}{date}  close over close before {ratio:.4}, near {nearest:.4}"
            )?;
        }
    }
    Ok(())
}

fn write_backtest(out: &mut dyn Write, method: &Method, test: Option<Backtest>) -> io::Result<()> {
    let window = method.window;
    let Some(test) = test else {
        return writeln!(
            out,
            "\nback-test: none, there are no more than {window} returns (--window)"
        );
    };
    let verdict = |ratio: f64| if ratio > CHI_SQUARE_95 { "refused" } else { "not refused" };
    let Backtest { days, exceptions, kupiec, christoffersen, light: zone } = test;
    let expected = f64::from(days) * method.confidence.tail();
    writeln!(out, "\nback-test of the historical VaR on the {window} days before each of {days}")?;
    writeln!(
        out,
        "  exceptions            {exceptions} ({expected:.2} expected), traffic light {}",
        light(zone)
    )?;
    if let Some(kupiec) = kupiec {
        writeln!(out, "  Kupiec                {kupiec:.3}, {} at 95 %", verdict(kupiec))?;
    }
    writeln!(
        out,
        "  Christoffersen        {christoffersen:.3}, {} at 95 %",
        verdict(christoffersen)
    )
}

pub(super) fn csv(out: &mut dyn Write, history: &History, measures: &Measures) -> io::Result<()> {
    writeln!(out, "symbol,value,var_part,shortfall_part,adjusted,left_out")?;
    for (holding, parts) in history.holdings.iter().zip(&measures.parts) {
        let (symbol, value, report) = (&holding.symbol, holding.value, &holding.report);
        let (var, shortfall) = (parts.var, parts.expected_shortfall);
        let (adjusted, left_out) = (report.adjusted, report.suspects.len());
        writeln!(out, "{symbol},{value},{var},{shortfall},{adjusted},{left_out}")?;
    }
    Ok(())
}

pub(super) fn json(
    out: &mut dyn Write,
    history: &History,
    method: &Method,
    measures: &Measures,
) -> io::Result<()> {
    let risk =
        |risk: TailRisk| json!({ "var": risk.var, "expected_shortfall": risk.expected_shortfall });
    let positions = history.holdings.iter().zip(&measures.parts).map(|(holding, parts)| {
        json!({
            "symbol": holding.symbol,
            "value": holding.value,
            "var_part": parts.var,
            "shortfall_part": parts.expected_shortfall,
            "adjusted": holding.report.adjusted,
        })
    });
    let left_out = suspects(history).map(|(symbol, date, Suspect { ratio, nearest, .. })| {
        json!({ "symbol": symbol, "date": date.to_string(), "ratio": ratio, "nearest": nearest })
    });
    let quantile = match method.quantile {
        Quantile::OrderStatistic => "worst",
        Quantile::Type7 => "type7",
    };
    let backtest = measures.backtest.map(|test| {
        json!({
            "window": method.window,
            "days": test.days,
            "exceptions": test.exceptions,
            "kupiec": test.kupiec,
            "christoffersen": test.christoffersen,
            "traffic_light": light(test.light),
        })
    });
    let monte_carlo = match measures.monte_carlo {
        Ok(drawn) => risk(drawn),
        Err(error) => json!({ "error": error.to_string() }),
    };
    let whole = json!({
        "confidence": percent(method),
        "quantile": quantile,
        "convention": convention(history, method),
        "returns": history.days(),
        "from": history.dates.first().map(Date::to_string),
        "to": history.dates.last().map(Date::to_string),
        "historical": risk(measures.historical),
        "parametric": risk(measures.parametric),
        "monte_carlo": monte_carlo,
        "positions": positions.collect::<Vec<Value>>(),
        "backtest": backtest,
        "left_out": left_out.collect::<Vec<Value>>(),
    });
    writeln!(out, "{whole:#}")
}
