//! One American option from the command line.

use serde_json::{Value, json};
use tezi::pricing::{
    AmericanInput, AmericanScheme, AmericanSheet, AmericanValued, Basis, Contract, DAYS_PER_YEAR,
    Quote,
};

use super::report::{american_numbers, object};
use crate::outcome::{Failure, Verdict, print};

/// The option with its exercise at any moment, `None` when it has a price in place of a volatility.
pub(super) fn option(contract: &Contract) -> Option<AmericanInput> {
    let Quote::Vol(vol) = contract.quote else { return None };
    let &Contract { strike, years, rate, is_call, .. } = contract;
    let (spot, dividend_yield) = match contract.basis {
        Basis::Forward(forward) => (forward, rate),
        Basis::Spot { spot, carry } => (spot, rate - carry),
    };
    Some(AmericanInput { spot, strike, years, vol, rate, dividend_yield, is_call })
}

pub(super) fn run(contract: &Contract, is_json: bool) -> Result<Verdict, Failure> {
    let needs_vol = || Failure::Usage("an American option needs --vol".into());
    let option = option(contract).ok_or_else(needs_vol)?;
    let mut result = None;
    AmericanSheet::new(AmericanScheme::Accurate)
        .value(&[option], |_, valued| result = Some(*valued));
    let Some(valued) = result else { return Ok(Verdict::NotFine) };
    print(|out| {
        if is_json {
            writeln!(out, "{:#}", json(&option, &valued))
        } else {
            out.write_all(table(&option, &valued).as_bytes())
        }
    })?;
    Ok(Verdict::of(valued.value.status.has_value()))
}

fn json(option: &AmericanInput, valued: &AmericanValued) -> Value {
    let mut map = object(american_numbers(option, valued), valued.value.status.name());
    map.insert("model".into(), json!("american"));
    map.insert("european".into(), json!(valued.value.european));
    map.insert("boundary".into(), json!(valued.value.boundary));
    let per_unit = json!({
        "vega_per_point": valued.vega / 100.0,
        "theta_per_day": valued.value.theta / DAYS_PER_YEAR,
    });
    map.insert("per_unit".into(), per_unit);
    Value::Object(map)
}

fn table(option: &AmericanInput, valued: &AmericanValued) -> String {
    let value = &valued.value;
    let kind = if option.is_call { "call" } else { "put" };
    let mut text = format!(
        "American {kind} {} on {} with a yield of {}, {} years, status {}; Greeks by the spot\n",
        option.strike,
        option.spot,
        option.dividend_yield,
        option.years,
        value.status.name()
    );
    let rows = [
        ("price", value.price, None),
        ("European", value.european, None),
        ("exercised at", value.boundary, None),
        ("delta", value.delta, None),
        ("gamma", value.gamma, None),
        ("vega", valued.vega, Some((valued.vega / 100.0, "a vol point"))),
        ("theta", value.theta, Some((value.theta / DAYS_PER_YEAR, "a day"))),
    ];
    for (name, raw, per_unit) in rows {
        let per = per_unit.map(|(x, what)| format!("   {x:.6e} {what}")).unwrap_or_default();
        text.push_str(&format!("  {name:<13}{raw:>23.15e}{per}\n"));
    }
    text
}
