//! What the positions may lose, by three methods, and how the historical one would have done.

use tezi::risk_measures::{
    Confidence, Covariance, HistoricalVar, MeasureError, MonteCarlo, Quantile, Sensitivity,
    TailRisk, TrafficLight, christoffersen, kupiec, normal_expected_shortfall, tail_risk,
};

use super::prices::History;

/// How to measure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Method {
    pub(super) confidence: Confidence,
    pub(super) quantile: Quantile,
    /// Weight of a day over that of the day after it.
    pub(super) lambda: f64,
    pub(super) draws: usize,
    pub(super) seed: u64,
    /// Days before the one that a back-test judges.
    pub(super) window: usize,
}

/// One holding's parts; each column sums to its whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Parts {
    /// Of the parametric VaR.
    pub(super) var: f64,
    /// Of the historical expected shortfall.
    pub(super) expected_shortfall: f64,
}

/// What a back-test counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Backtest {
    pub(super) days: u32,
    pub(super) exceptions: u32,
    pub(super) kupiec: Option<f64>,
    pub(super) christoffersen: f64,
    pub(super) light: TrafficLight,
}

/// All results, in rupees; a loss is positive.
pub(super) struct Measures {
    pub(super) historical: TailRisk,
    pub(super) parametric: TailRisk,
    pub(super) monte_carlo: Result<TailRisk, MeasureError>,
    /// By holding.
    pub(super) parts: Vec<Parts>,
    /// `None` when the window leaves no day to judge.
    pub(super) backtest: Option<Backtest>,
}

pub(super) fn measure(history: &History, method: &Method) -> Result<Measures, MeasureError> {
    let &Method { confidence, quantile, .. } = method;
    let values = history.values();
    let mut past = HistoricalVar::new(history.days(), &history.returns)?;
    past.set_positions(&values)?;
    let historical = past.measure(confidence, quantile).ok_or(MeasureError::Shape)?;
    let mut shortfalls = vec![0.0; values.len()];
    past.components(confidence, &mut shortfalls)?;
    let covariance = covariance(history, method.lambda)?;
    let mut vars = vec![0.0; values.len()];
    let deviation = covariance.deviation(&values, &mut vars)?;
    let var = covariance.components(&values, confidence, &mut vars)?;
    let expected_shortfall = normal_expected_shortfall(deviation, confidence);
    let parts = vars.into_iter().zip(shortfalls);
    Ok(Measures {
        historical,
        parametric: TailRisk { var, expected_shortfall },
        monte_carlo: monte_carlo(&covariance, &values, method),
        parts: parts.map(|(var, expected_shortfall)| Parts { var, expected_shortfall }).collect(),
        backtest: backtest(past.profits(), method),
    })
}

/// Σ λⁿ⁻ᵗ r rᵀ / Σ λⁿ⁻ᵗ, about a mean of nought: weights that sum to 1 from the first day on, so no
/// start has to be made up. λ = 1 weighs all days alike.
fn covariance(history: &History, lambda: f64) -> Result<Covariance, MeasureError> {
    let size = history.holdings.len();
    let cells = size.checked_mul(size).ok_or(MeasureError::Shape)?;
    let mut covariance = Covariance::new(size, &vec![0.0; cells])?;
    let mut returns = vec![0.0; size];
    let mut weights = 0.0;
    for day in 0..history.days() {
        returns.iter_mut().zip(history.day(day)).for_each(|(to, from)| *to = from);
        weights = lambda * weights + 1.0;
        covariance.update(1.0 - 1.0 / weights, &returns)?;
    }
    Ok(covariance)
}

fn monte_carlo(
    covariance: &Covariance,
    values: &[f64],
    method: &Method,
) -> Result<TailRisk, MeasureError> {
    let linear = |&delta: &f64| Sensitivity { delta, gamma: 0.0 };
    let portfolio: Vec<Sensitivity> = values.iter().map(linear).collect();
    MonteCarlo::new(covariance, method.draws, method.seed)?.measure(
        &portfolio,
        method.confidence,
        method.quantile,
    )
}

/// Holds each day's profit of today's portfolio against the VaR of the days before it.
fn backtest(profits: &[f64], method: &Method) -> Option<Backtest> {
    let window = method.window;
    let mut scratch = vec![0.0; window];
    let mut exceptions = Vec::new();
    for past_and_day in profits.windows(window.checked_add(1)?) {
        let (day, past) = past_and_day.split_last()?;
        let risk = tail_risk(past, method.confidence, method.quantile, &mut scratch)?;
        exceptions.push(-day > risk.var);
    }
    let days = u32::try_from(exceptions.len()).ok().filter(|days| *days > 0)?;
    let count = exceptions.iter().filter(|is| **is).count() as u32;
    Some(Backtest {
        days,
        exceptions: count,
        kupiec: kupiec(days, count, method.confidence),
        christoffersen: christoffersen(&exceptions),
        light: TrafficLight::of(days, count, method.confidence),
    })
}

#[cfg(test)]
mod tests {
    use super::super::prices::Holding;
    use super::*;
    use tezi::venue::Date;

    const METHOD: Method = Method {
        confidence: Confidence::P95,
        quantile: Quantile::OrderStatistic,
        lambda: 1.0,
        draws: 4_096,
        seed: 1,
        window: 20,
    };

    fn history(rows: &[&[f32]], values: &[f64]) -> History {
        let first = Date::parse("2026-01-01").unwrap();
        let days = rows[0].len() as i32;
        let holding = |&value: &f64| Holding {
            symbol: "X".into(),
            value,
            report: tezi::risk_measures::ReturnReport::default(),
        };
        History {
            dates: (0..=days).map(|day| first.plus_days(day)).collect(),
            holdings: values.iter().map(holding).collect(),
            returns: rows.concat(),
        }
    }

    #[test]
    fn weights_of_days_sum_to_one() {
        let row = [0.01, -0.02, 0.03];
        let it = history(&[&row], &[100.0]);
        let deviation = |lambda| {
            covariance(&it, lambda).unwrap().deviation(&[1.0], &mut [0.0]).unwrap().powi(2)
        };
        assert!((deviation(1.0) - 14e-4 / 3.0).abs() < 1e-10);
        let want = (0.25 * 1e-4 + 0.5 * 4e-4 + 9e-4) / 1.75;
        assert!((deviation(0.5) - want).abs() < 1e-10);
    }

    #[test]
    fn parts_sum_and_methods_agree_on_normal_days() {
        // Quantiles of a normal law, in an order that is no order: both rows are as good as normal.
        let normal = |i: usize| tezi::risk_measures::normal_quantile((i as f64 + 0.5) / 1_009.0);
        // Powers prime to 1,008 permute the numbers below the prime 1,009.
        let power = |i: usize, n: u32| (0..n).fold(1, |product, _| product * i % 1_009);
        let row = |n: u32| (0..1_009).map(|i| 0.01 * normal(power(i, n)) as f32).collect();
        let rows: [Vec<f32>; 2] = [row(5), row(11)];
        let it = history(&[&rows[0], &rows[1]], &[60_000.0, -80_000.0]);
        let got = measure(&it, &METHOD).unwrap();
        let var: f64 = got.parts.iter().map(|parts| parts.var).sum();
        let shortfall: f64 = got.parts.iter().map(|parts| parts.expected_shortfall).sum();
        assert!((var - got.parametric.var).abs() < 1e-9 * var);
        assert!((shortfall - got.historical.expected_shortfall).abs() < 1e-6 * shortfall);
        let drawn = got.monte_carlo.unwrap();
        assert!((drawn.var / got.parametric.var - 1.0).abs() < 0.02, "{drawn:?}");
        assert!((got.historical.var / got.parametric.var - 1.0).abs() < 0.2);
        // Two independent positions: 1.645 percent of the root of their squares.
        assert!((got.parametric.var / 1_645.0 - 1.0).abs() < 0.1, "{}", got.parametric.var);
        let test = got.backtest.unwrap();
        assert_eq!(test.days, 989);
        assert!((30..90).contains(&test.exceptions), "{test:?}");
    }

    #[test]
    fn a_back_test_sees_only_the_days_before() {
        let mut profits = vec![1.0; 20];
        profits.extend([-1.0, -1.0, -2.0]);
        let test = backtest(&profits, &METHOD).unwrap();
        // The first loss is beyond all before; then it is itself the worst, and the third is worse.
        assert_eq!((test.days, test.exceptions), (3, 2));
        assert_eq!(backtest(&profits[..20], &METHOD), None);
    }
}
