//! Contracts in any convention, valued in batches by the C++ kernels.

use crate::kernels::CppKernels;
use tezi_core::pricing::{
    Black76Batch, Black76FullGreeks, Black76FullValue, Black76Greeks, Black76Value, Carry,
    ImpliedVolBatch, ImpliedVolStatus, ImpliedVols, LaneStatus, PricingKernel,
};

/// What the option is on, which is also the convention of its Greeks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Basis {
    /// A forward or future: Black-76.
    Forward(f64),
    /// A spot that grows at `carry` a year, continuously compounded: Black-Scholes-Merton.
    Spot {
        /// The price, in currency units, less the present value of dividends in money.
        spot: f64,
        /// The rate less the yield.
        carry: f64,
    },
}

/// What is known of the option's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quote {
    /// The annualised volatility, as a fraction.
    Vol(f64),
    /// The discounted price, in currency units.
    Price(f64),
}

/// One option and what is known of its value. Units as in [`super::Black76Input`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contract {
    /// What it is on.
    pub basis: Basis,
    /// The strike, in currency units.
    pub strike: f64,
    /// Time to expiry, in years.
    pub years: f64,
    /// The interest rate per year, continuously compounded.
    pub rate: f64,
    /// A call when true, a put when false.
    pub is_call: bool,
    /// A volatility, to be priced, or a price, to be solved for volatility.
    pub quote: Quote,
}

/// What a contract came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Valued {
    /// The forward it was valued on.
    pub forward: f64,
    /// The volatility given or solved for; NaN where there is none.
    pub vol: f64,
    /// Price and Greeks in the convention of the [`Basis`]. The price is the given one where that
    /// was the quote; the Greeks are NaN where no volatility was found.
    pub value: Black76FullValue,
    /// What the solver said, where a price was the quote.
    pub solved: Option<ImpliedVolStatus>,
}

impl Valued {
    /// One word for what became of it: the solver's where a price was the quote, else `"ok"`,
    /// `"intrinsic"` or `"invalid"`.
    #[must_use]
    pub const fn status(&self) -> &'static str {
        match (self.solved, self.value.first.status) {
            (Some(solved), _) => solved.name(),
            (None, LaneStatus::Ok) => "ok",
            (None, LaneStatus::Intrinsic) => "intrinsic",
            (None, LaneStatus::Invalid) => "invalid",
        }
    }
}

/// Columns that contracts are turned into. Reused from batch to batch, so that only the first of a
/// size allocates.
#[derive(Debug, Default)]
pub struct Sheet {
    inputs: [Vec<f64>; 5],
    is_call: Vec<u8>,
    outputs: [Vec<f64>; 9],
    status: Vec<u8>,
    asked: Vec<usize>,
    quotes: [Vec<f64>; 5],
    quote_is_call: Vec<u8>,
    solved_vol: Vec<f64>,
    solved_status: Vec<u8>,
}

impl Sheet {
    /// An empty sheet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Values every one of `contracts`, in order, and hands each result to `each`.
    ///
    /// ```
    /// use tezi::pricing::{Basis, Contract, Quote, Sheet};
    /// let contract = Contract {
    ///     basis: Basis::Forward(24_000.0),
    ///     strike: 24_100.0,
    ///     years: 7.0 / 365.0,
    ///     rate: 0.065,
    ///     is_call: true,
    ///     quote: Quote::Price(140.0),
    /// };
    /// Sheet::new().value(&[contract], |_, valued| {
    ///     assert_eq!(valued.status(), "ok");
    ///     assert!(0.1 < valued.vol && valued.vol < 0.2);
    /// });
    /// ```
    pub fn value(&mut self, contracts: &[Contract], mut each: impl FnMut(usize, &Valued)) {
        self.fill(contracts);
        self.solve();
        self.price();
        let mut asked = 0;
        for (i, contract) in contracts.iter().enumerate() {
            let solved = matches!(contract.quote, Quote::Price(_)).then(|| {
                asked += 1;
                let code = self.solved_status[asked - 1];
                ImpliedVolStatus::from_code(code).unwrap_or(ImpliedVolStatus::Unsolved)
            });
            each(i, &self.valued(i, contract, solved));
        }
    }

    fn fill(&mut self, contracts: &[Contract]) {
        self.inputs.iter_mut().chain(&mut self.quotes).for_each(Vec::clear);
        self.is_call.clear();
        self.quote_is_call.clear();
        self.asked.clear();
        for (i, contract) in contracts.iter().enumerate() {
            let &Contract { strike, years, rate, is_call, .. } = contract;
            let forward = match contract.basis {
                Basis::Forward(forward) => forward,
                Basis::Spot { spot, carry } => spot * Carry { carry, years }.growth(),
            };
            let vol = match contract.quote {
                Quote::Vol(vol) => vol,
                Quote::Price(price) => {
                    self.asked.push(i);
                    push(&mut self.quotes, [forward, strike, years, price, rate]);
                    self.quote_is_call.push(u8::from(is_call));
                    f64::NAN
                }
            };
            push(&mut self.inputs, [forward, strike, years, vol, rate]);
            self.is_call.push(u8::from(is_call));
        }
    }

    fn solve(&mut self) {
        self.solved_vol.resize(self.asked.len(), 0.0);
        self.solved_status.resize(self.asked.len(), 0);
        let [forward, strike, years, price, rate] = &self.quotes;
        let is_call = &self.quote_is_call;
        let batch = ImpliedVolBatch { forward, strike, years, price, rate, is_call, guess: None };
        let (vol, status) = (&mut self.solved_vol, &mut self.solved_status);
        CppKernels.implied_vol(&batch, &mut ImpliedVols { vol, status });
        for (&i, &vol) in self.asked.iter().zip(&self.solved_vol) {
            self.inputs[3][i] = vol;
        }
    }

    fn price(&mut self) {
        let count = self.is_call.len();
        self.outputs.iter_mut().for_each(|column| column.resize(count, 0.0));
        self.status.resize(count, 0);
        let [forward, strike, years, vol, rate] = &self.inputs;
        let batch = Black76Batch { forward, strike, years, vol, rate, is_call: &self.is_call };
        let [price, delta, gamma, vega, theta, rho, vanna, volga, charm] = &mut self.outputs;
        let first = Black76Greeks { price, delta, gamma, vega, theta, status: &mut self.status };
        CppKernels.black76_full(&batch, &mut Black76FullGreeks { first, rho, vanna, volga, charm });
    }

    fn valued(&self, i: usize, contract: &Contract, solved: Option<ImpliedVolStatus>) -> Valued {
        let [price, delta, gamma, vega, theta, rho, vanna, volga, charm] =
            core::array::from_fn(|column| self.outputs[column][i]);
        let status = LaneStatus::from_code(self.status[i]).unwrap_or(LaneStatus::Invalid);
        let first = Black76Value { price, delta, gamma, vega, theta, status };
        let mut value = Black76FullValue { first, rho, vanna, volga, charm };
        let forward = self.inputs[0][i];
        if let Basis::Spot { carry, .. } = contract.basis {
            value = value.spot(forward, Carry { carry, years: contract.years });
        }
        if let Quote::Price(price) = contract.quote {
            value.first.price = price;
        }
        Valued { forward, vol: self.inputs[3][i], value, solved }
    }
}

fn push<const N: usize>(columns: &mut [Vec<f64>; N], row: [f64; N]) {
    for (column, value) in columns.iter_mut().zip(row) {
        column.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi_core::pricing::Black76Input;

    fn contract(basis: Basis, quote: Quote) -> Contract {
        Contract { basis, strike: 100.0, years: 0.5, rate: 0.05, is_call: true, quote }
    }

    #[test]
    fn prices_and_volatilities_mix_in_one_batch() {
        let spot = Basis::Spot { spot: 98.0, carry: 0.03 };
        let forward = Basis::Forward(98.0 * 0.015f64.exp());
        let option = Black76Input {
            forward: 98.0 * 0.015f64.exp(),
            strike: 100.0,
            years: 0.5,
            vol: 0.2,
            rate: 0.05,
            is_call: true,
        };
        let price = option.value().price;
        let contracts = [
            contract(forward, Quote::Vol(0.2)),
            contract(spot, Quote::Price(price)),
            contract(spot, Quote::Price(-1.0)),
            contract(forward, Quote::Price(price)),
            contract(forward, Quote::Vol(0.0)),
        ];
        let mut seen = Vec::new();
        let mut sheet = Sheet::new();
        sheet.value(&contracts[..1], |_, _| {});
        sheet.value(&contracts, |_, valued| seen.push(*valued));
        let statuses: Vec<_> = seen.iter().map(Valued::status).collect();
        assert_eq!(statuses, ["ok", "ok", "below_intrinsic", "ok", "intrinsic"]);
        assert!((seen[0].value.first.price - price).abs() < 1e-13);
        for solved in [&seen[1], &seen[3]] {
            assert!((solved.vol - 0.2).abs() < 1e-14);
            assert_eq!(solved.value.first.price, price);
        }
        let delta = seen[0].value.first.delta;
        assert!((seen[1].value.first.delta - delta * 0.015f64.exp()).abs() < 1e-12);
        assert!(seen[2].vol.is_nan() && seen[2].value.first.delta.is_nan());
    }
}
