//! Scenarios in words.

use tezi_core::pricing::{SpanGrid, SpanMove};

/// What a scenario does, in words: `price +2/3, volatility up`. Counted from 1, as in
/// [`tezi_core::margin::SpanBreakdown::scenario`]; of 0 and what is no scenario, `none`.
#[must_use]
pub fn scenario_name(grid: &SpanGrid, scenario: u8) -> String {
    let index = usize::from(scenario).checked_sub(1);
    let Some(by) = index.and_then(|index| grid.moves().get(index).copied()) else {
        return "none".to_string();
    };
    let SpanMove { price, vol, cover } = by;
    if cover != 1.0 {
        return format!("price {price:+} ranges, {:.0} % of it", 100.0 * cover);
    }
    let vol = if vol > 0.0 { "volatility up" } else { "volatility down" };
    match (3.0 * price).round() as i64 {
        0 => format!("price still, {vol}"),
        thirds => format!("price {thirds:+}/3, {vol}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_are_named_in_the_order_of_the_parameter_file() {
        let grid = SpanGrid {
            decay_years: 1.0 / 365.0,
            extreme_move: 2.0,
            extreme_cover: 0.35,
            delta_weights: [0.27, 0.217, 0.11, 0.038],
        };
        for (scenario, name) in [
            (0, "none"),
            (1, "price still, volatility up"),
            (6, "price -1/3, volatility down"),
            (7, "price +2/3, volatility up"),
            (14, "price -3/3, volatility down"),
            (15, "price +2 ranges, 35 % of it"),
            (16, "price -2 ranges, 35 % of it"),
            (17, "none"),
        ] {
            assert_eq!(scenario_name(&grid, scenario), name);
        }
    }
}
