//! The smiles of option chains: total variance of what is out of the money, weighed by what its price
//! says (of a close, also by how much it traded), outliers weighed down, expiries held apart.
//!
//! The expiry with the most strikes that take part is fitted first and the others between those that are there,
//! so that what is thin bends to what is not, and wings known to the last strike bound those that
//! are not.

use tezi_core::pricing::{
    Neighbours, Smile, SmileFit, Svi, SviQuotes, fit_smile, fit_svi_smile, quote_weight,
};

use super::chain::{OptionChain, OptionSide};
use crate::kernels::CppKernels;

/// Refits with outliers weighed down.
const ROUNDS: u32 = 3;
/// A close tells no more than this of a price: two ticks of 0.05 ...
const NOISE_MIN: f64 = 0.1;
/// ... and a move of the underlying, in parts of it, since the last trade.
const MOVE: f64 = 0.000_2;

/// The quotes of one chain as columns.
#[derive(Default)]
struct Columns {
    k: Vec<f64>,
    total_variance: Vec<f64>,
    weight: Vec<f64>,
    robust: Vec<f64>,
}

impl Columns {
    fn quotes(&self) -> SviQuotes<'_> {
        SviQuotes { k: &self.k, total_variance: &self.total_variance, weight: &self.robust }
    }
}

/// Fits every chain; those of one underlying stand together.
pub(super) fn fit_smiles(chains: &mut [OptionChain]) {
    for of_symbol in chains.chunk_by_mut(|a, b| a.symbol == b.symbol) {
        let mut order: Vec<usize> = (0..of_symbol.len()).collect();
        let strikes = |i: &usize| core::cmp::Reverse(out_of_the_money(&of_symbol[*i]).count());
        order.sort_by_key(strikes);
        for i in order {
            let neighbours = neighbours(of_symbol, of_symbol[i].years);
            of_symbol[i].smile = fit(&of_symbol[i], &neighbours);
        }
    }
}

/// The smiles nearest in time among those that are free of arbitrage.
fn neighbours(chains: &[OptionChain], years: f64) -> Neighbours {
    let svi = |chain: &OptionChain| -> Option<Svi> {
        let smile = chain.smile.smile.filter(|_| chain.smile.status.is_arbitrage_free())?;
        smile.svi().copied()
    };
    // Chains stand by expiry.
    let earlier = chains.iter().rev().filter(|chain| chain.years < years).find_map(svi);
    let later = chains.iter().filter(|chain| chain.years > years).find_map(svi);
    Neighbours { earlier, later }
}

fn fit(chain: &OptionChain, neighbours: &Neighbours) -> SmileFit {
    let mut columns = columns(chain);
    let mut start: Option<Svi> = None;
    // An outlier must not make the case for a spline, so that SVI alone says which are.
    for _ in 0..ROUNDS {
        let found = fit_svi_smile(&CppKernels, &columns.quotes(), start.as_ref(), neighbours);
        let Some(smile) = &found.smile else { break };
        reweigh(&mut columns, smile);
        start = smile.svi().copied();
    }
    fit_smile(&CppKernels, &columns.quotes(), start.as_ref(), neighbours)
}

/// What is out of the money, takes part, and was solved: strike, whether a call, and the option.
fn out_of_the_money(chain: &OptionChain) -> impl Iterator<Item = (f64, bool, OptionSide)> {
    chain.strikes.iter().filter_map(|row| {
        let is_call = row.strike >= chain.forward;
        let side = if is_call { row.call? } else { row.put? };
        (side.status() == "ok").then_some((row.strike, is_call, side))
    })
}

fn columns(chain: &OptionChain) -> Columns {
    let mut columns = Columns::default();
    for (strike, _, side) in out_of_the_money(chain) {
        let Some(valued) = side.valued else { continue };
        let (vol, first) = (valued.vol, &valued.value.first);
        // What a close may be off by takes the place of a spread. The books of a chain are of one
        // moment, and say themselves how far the middle may be off.
        let (noise, liquidity) = side.half_spread().map_or_else(
            || {
                let moved = MOVE * chain.forward * first.delta.abs();
                (NOISE_MIN + moved, (1.0 + side.volume as f64).ln())
            },
            |half| (half, 1.0),
        );
        columns.k.push((strike / chain.forward).ln());
        columns.total_variance.push(vol * vol * chain.years);
        columns.weight.push(quote_weight(vol, chain.years, first.vega, noise, liquidity));
    }
    columns.robust = columns.weight.clone();
    columns
}

/// Tukey's biweight of the error in units of its expected size, scaled by six median deviations.
fn reweigh(columns: &mut Columns, smile: &Smile) {
    let rows = columns.k.iter().zip(&columns.total_variance).zip(&columns.weight);
    let off: Vec<f64> = rows
        .map(|((&k, &w), &weight)| weight.sqrt() * (smile.total_variance(k) - w).abs())
        .collect();
    let mut sorted = off.clone();
    sorted.sort_by(f64::total_cmp);
    let scale = 6.0 * sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let is_positive = scale > 0.0;
    if !is_positive {
        return;
    }
    for ((robust, &weight), off) in columns.robust.iter_mut().zip(&columns.weight).zip(off) {
        let part = (off / scale).min(1.0);
        *robust = weight * (1.0 - part * part) * (1.0 - part * part);
    }
}
