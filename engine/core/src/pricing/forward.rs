//! The forward that option prices imply: put-call parity over the strikes of one expiry.
//!
//! Call less put is the discounted distance of the forward from the strike, whatever the model, so
//! every strike with both prices names a forward. Their weighted median is what this returns: one
//! stale price moves it by a strike's share of the weight, never by its own size.

/// The prices of call and put at one strike, and how much they are trusted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParityPair {
    /// The strike, in currency units.
    pub strike: f64,
    /// The call's price, discounted.
    pub call: f64,
    /// The put's price, discounted.
    pub put: f64,
    /// Liquidity, in any unit; contracts traded on the thinner side, for one. Zero leaves the pair
    /// out.
    pub liquidity: f64,
}

/// The forward of one expiry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParityForward {
    /// In currency units.
    pub forward: f64,
    /// Pairs that took part.
    pub pairs: usize,
    /// The sum of their liquidity.
    pub liquidity: f64,
    /// The weighted median distance of the pairs' forwards from `forward`.
    pub spread: f64,
    /// The middle half, by weight, of what the pairs say: where its ends lie. A future outside them is
    /// off what the premiums themselves say, whatever pair is believed.
    pub middle: [f64; 2],
}

impl ParityPair {
    /// The forward this pair implies: K + (C − P)/D.
    #[must_use]
    pub fn forward(&self, discount: f64) -> f64 {
        self.strike + (self.call - self.put) / discount
    }

    /// Liquidity, less where one side is deep in the money: its price carries the whole move of the
    /// underlying since it last traded.
    fn weight(&self) -> f64 {
        let lean = 5.0 * (self.call - self.put) / (self.call + self.put);
        self.liquidity / (1.0 + lean * lean)
    }

    fn is_usable(&self) -> bool {
        let is_price = |x: f64| 0.0 < x && x < f64::INFINITY;
        is_price(self.strike)
            && is_price(self.call)
            && is_price(self.put)
            && is_price(self.weight())
    }
}

/// The forward of the `pairs` of one expiry, with `discount` the value today of 1 at expiry.
///
/// Reorders `pairs`. Pairs that are no prices, or have no liquidity, take no part. `None` when no
/// pair is left or `discount` is not positive. Cost: a sort. Equal input in any order gives the same
/// forward.
///
/// ```
/// use tezi_core::pricing::{ParityPair, parity_forward};
/// let pair = |strike, call, put| ParityPair { strike, call, put, liquidity: 1.0 };
/// // The last call has not traded since the forward was 40 lower.
/// let mut pairs = [pair(100.0, 12.0, 2.0), pair(110.0, 5.0, 5.0), pair(120.0, 1.0, 51.0)];
/// assert_eq!(parity_forward(&mut pairs, 1.0).unwrap().forward, 110.0);
/// ```
#[must_use]
pub fn parity_forward(pairs: &mut [ParityPair], discount: f64) -> Option<ParityForward> {
    if !(0.0 < discount && discount < f64::INFINITY) {
        return None;
    }
    let usable = partition(pairs);
    let used = &mut pairs[..usable];
    let of = |pair: &ParityPair| pair.forward(discount);
    let forward = weighted_quantile(used, 0.5, of)?;
    let middle = [weighted_quantile(used, 0.25, of)?, weighted_quantile(used, 0.75, of)?];
    let spread = weighted_quantile(used, 0.5, |pair| (of(pair) - forward).abs())?;
    let liquidity = used.iter().map(|pair| pair.liquidity).sum();
    Some(ParityForward { forward, pairs: usable, liquidity, spread, middle })
}

/// Moves the usable pairs to the front and counts them.
fn partition(pairs: &mut [ParityPair]) -> usize {
    let mut usable = 0;
    for i in 0..pairs.len() {
        if pairs[i].is_usable() {
            pairs.swap(i, usable);
            usable += 1;
        }
    }
    usable
}

/// The least value at which `part` of the weight is reached.
fn weighted_quantile(
    pairs: &mut [ParityPair],
    part: f64,
    value: impl Fn(&ParityPair) -> f64 + Copy,
) -> Option<f64> {
    // The strike parts equals, so that the order of the input does not show in the sums.
    pairs
        .sort_unstable_by(|a, b| value(a).total_cmp(&value(b)).then(a.strike.total_cmp(&b.strike)));
    let enough = part * pairs.iter().map(ParityPair::weight).sum::<f64>();
    let mut sum = 0.0;
    let mut reached = |pair: &&ParityPair| {
        sum += pair.weight();
        sum >= enough
    };
    pairs.iter().find(&mut reached).map(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::Black76Input;

    fn chain(forward: f64, rate: f64, years: f64) -> Vec<ParityPair> {
        let price = |strike, is_call| {
            let vol = 0.15;
            Black76Input { forward, strike, years, vol, rate, is_call }.value().price
        };
        let strikes = (0..41).map(|i| 22_000.0 + 50.0 * f64::from(i));
        let pair = |strike| ParityPair {
            strike,
            call: price(strike, true),
            put: price(strike, false),
            liquidity: 100.0,
        };
        strikes.map(pair).collect()
    }

    #[test]
    fn a_consistent_chain_gives_its_forward() {
        let discount = (-0.065f64 * 0.1).exp();
        let found = parity_forward(&mut chain(23_010.5, 0.065, 0.1), discount).unwrap();
        assert!((found.forward - 23_010.5).abs() < 1e-8, "{found:?}");
        assert_eq!((found.pairs, found.liquidity), (41, 4_100.0));
        assert!(found.spread < 1e-8);
        let [low, high] = found.middle;
        assert!(found.forward - low < 1e-8 && high - found.forward < 1e-8);
    }

    #[test]
    fn stale_prices_do_not_move_it() {
        let mut pairs = chain(23_010.5, 0.0, 0.1);
        for pair in pairs.iter_mut().step_by(4) {
            pair.call += 500.0;
        }
        pairs[1].call = f64::NAN;
        pairs[2].put = 0.0;
        pairs[3].liquidity = 0.0;
        let found = parity_forward(&mut pairs, 1.0).unwrap();
        assert!((found.forward - 23_010.5).abs() < 1e-8, "{found:?}");
        assert_eq!(found.pairs, 38);
        pairs.reverse();
        assert_eq!(parity_forward(&mut pairs, 1.0), Some(found));
    }

    #[test]
    fn the_middle_half_is_by_weight() {
        let pair =
            |forward, liquidity| ParityPair { strike: forward, call: 10.0, put: 10.0, liquidity };
        let mut pairs = [pair(100.0, 1.0), pair(104.0, 1.0), pair(102.0, 5.0), pair(103.0, 3.0)];
        let found = parity_forward(&mut pairs, 1.0).unwrap();
        assert_eq!((found.forward, found.middle), (102.0, [102.0, 103.0]));
    }

    #[test]
    fn nothing_gives_nothing() {
        assert_eq!(parity_forward(&mut [], 1.0), None);
        let mut pairs = chain(100.0, 0.0, 0.1);
        assert_eq!(parity_forward(&mut pairs, 0.0), None);
        assert_eq!(parity_forward(&mut pairs, f64::NAN), None);
    }
}
