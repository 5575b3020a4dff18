//! One option from the command line.

use serde_json::{Value, json};
use tezi::pricing::{Basis, Carry, Contract, DAYS_PER_YEAR, Quote, Sheet, Valued};

use super::report::{numbers, object};
use super::{OptionArgs, american};
use crate::outcome::{Failure, Verdict, print};

pub(super) fn run(args: &OptionArgs, is_json: bool) -> Result<Verdict, Failure> {
    if args.style == "american" {
        if !args.dividend.is_empty() {
            let why = "an American option takes a yield by --carry, not --dividend";
            return Err(Failure::Usage(why.into()));
        }
        return american::run(&contract(args)?, is_json);
    }
    let contract = contract(args)?;
    let mut result = None;
    Sheet::new().value(&[contract], |_, valued| result = Some(*valued));
    let Some(valued) = result else { return Ok(Verdict::NotFine) };
    print(|out| {
        if is_json {
            writeln!(out, "{:#}", json(&contract, &valued))
        } else {
            out.write_all(table(&contract, &valued).as_bytes())
        }
    })?;
    Ok(Verdict::of(matches!(valued.status(), "ok" | "intrinsic" | "at_intrinsic")))
}

fn contract(args: &OptionArgs) -> Result<Contract, Failure> {
    let missing = |what: &str| Failure::Usage(format!("an option needs {what}"));
    let years = args.years.or(args.days.map(|days| days / DAYS_PER_YEAR));
    let years = years.ok_or_else(|| missing("--years or --days"))?;
    let basis = match (args.forward, args.spot) {
        (Some(forward), _) => Basis::Forward(forward),
        (None, Some(spot)) => {
            let carry = args.carry.unwrap_or(args.rate);
            let paid_in_full = Carry { carry: 0.0, years };
            let spot = paid_in_full.forward_of(spot, args.rate, &args.dividend);
            Basis::Spot { spot, carry }
        }
        (None, None) => return Err(missing("--forward or --spot")),
    };
    let quote = match (args.vol, args.price) {
        (Some(vol), _) => Quote::Vol(vol),
        (None, Some(price)) => Quote::Price(price),
        (None, None) => return Err(missing("--vol or --price")),
    };
    let is_call = args.option_type.as_ref().ok_or_else(|| missing("--type"))? == "call";
    let strike = args.strike.ok_or_else(|| missing("--strike"))?;
    Ok(Contract { basis, strike, years, rate: args.rate, is_call, quote })
}

fn json(contract: &Contract, valued: &Valued) -> Value {
    let unit = valued.value.per_unit();
    let mut map = object(numbers(valued), valued.status());
    let model = if is_spot(contract) { "bsm" } else { "black76" };
    map.insert("model".into(), json!(model));
    map.insert(
        "per_unit".into(),
        json!({
            "vega_per_point": unit.vega,
            "theta_per_day": unit.theta,
            "rho_per_point": unit.rho,
            "vanna_per_point": unit.vanna,
            "volga_per_point": unit.volga,
            "charm_per_day": unit.charm,
        }),
    );
    Value::Object(map)
}

const fn is_spot(contract: &Contract) -> bool {
    matches!(contract.basis, Basis::Spot { .. })
}

fn table(contract: &Contract, valued: &Valued) -> String {
    let (first, value, unit) = (&valued.value.first, &valued.value, valued.value.per_unit());
    let on = if is_spot(contract) { "spot" } else { "forward" };
    let kind = if contract.is_call { "call" } else { "put" };
    let rows = [
        ("price", first.price, None),
        ("implied vol", valued.vol, None),
        ("delta", first.delta, None),
        ("gamma", first.gamma, None),
        ("vega", first.vega, Some((unit.vega, "a vol point"))),
        ("theta", first.theta, Some((unit.theta, "a day"))),
        ("rho", value.rho, Some((unit.rho, "a point of rate"))),
        ("vanna", value.vanna, Some((unit.vanna, "a vol point"))),
        ("volga", value.volga, Some((unit.volga, "a vol point, of vega a vol point"))),
        ("charm", value.charm, Some((unit.charm, "a day"))),
    ];
    let mut text = format!(
        "{kind} {} on a forward of {}, {} years, status {}; Greeks by the {on}\n",
        contract.strike,
        valued.forward,
        contract.years,
        valued.status()
    );
    for (name, raw, per_unit) in rows {
        let per = per_unit.map(|(x, what)| format!("   {x:.6e} {what}")).unwrap_or_default();
        text.push_str(&format!("  {name:<12}{raw:>24.15e}{per}\n"));
    }
    text
}
