//! How results are written: names, order and number formats that all forms share.

use serde_json::{Map, Value, json};
use tezi::pricing::{AmericanInput, AmericanValued, Carry, Valued};

/// The result columns, in order.
pub(super) const COLUMNS: [&str; 12] = [
    "price",
    "delta",
    "gamma",
    "vega",
    "theta",
    "rho",
    "vanna",
    "volga",
    "charm",
    "implied_vol",
    "forward",
    "status",
];

/// The numbers of a result in the order of [`COLUMNS`], without the status.
pub(super) fn numbers(valued: &Valued) -> [f64; 11] {
    let value = &valued.value;
    let first = &value.first;
    [
        first.price,
        first.delta,
        first.gamma,
        first.vega,
        first.theta,
        value.rho,
        value.vanna,
        value.volga,
        value.charm,
        valued.vol,
        valued.forward,
    ]
}

/// Likewise of an American option; what the kernel does not give is no number.
pub(super) fn american_numbers(option: &AmericanInput, valued: &AmericanValued) -> [f64; 11] {
    let value = &valued.value;
    let none = f64::NAN;
    let growth = Carry { carry: option.rate - option.dividend_yield, years: option.years }.growth();
    [
        value.price,
        value.delta,
        value.gamma,
        valued.vega,
        value.theta,
        none,
        none,
        none,
        none,
        option.vol,
        option.spot * growth,
    ]
}

/// A number at full precision; what is none is empty, as CSV readers expect.
pub(super) fn push_number(out: &mut String, number: f64) {
    use std::fmt::Write;
    if number.is_finite() {
        // Writing to a string does not fail.
        let magnitude = number.abs();
        let plain = number == 0.0 || (1e-5..1e16).contains(&magnitude);
        let _ = if plain { write!(out, "{number}") } else { write!(out, "{number:e}") };
    }
}

/// Results in the order of [`COLUMNS`] as a JSON object; what is no number is null.
pub(super) fn object(numbers: [f64; 11], status: &str) -> Map<String, Value> {
    let numbers = numbers.map(|number| json!(number));
    let mut map: Map<String, Value> =
        COLUMNS.iter().map(ToString::to_string).zip(numbers).collect();
    map.insert("status".into(), json!(status));
    map
}
