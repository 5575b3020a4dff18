//! American options in batches by the C++ kernel, with vega.

use crate::kernels::CppKernels;
use tezi_core::pricing::{
    AmericanBatch, AmericanInput, AmericanScheme, AmericanStatus, AmericanValue, AmericanValues,
    PricingKernel,
};

/// What an American option came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AmericanValued {
    /// Price and Greeks.
    pub value: AmericanValue,
    /// ∂V/∂vol, per 1.00 of volatility; 0 where the option is exercised now.
    pub vega: f64,
}

/// Columns that options are turned into. Reused from batch to batch, so that only the first of a
/// size allocates.
#[derive(Debug)]
pub struct AmericanSheet {
    scheme: AmericanScheme,
    inputs: [Vec<f64>; 6],
    is_call: Vec<u8>,
    outputs: [Vec<f64>; 7],
    status: Vec<u8>,
}

impl AmericanSheet {
    /// An empty sheet whose options are valued by `scheme`.
    #[must_use]
    pub fn new(scheme: AmericanScheme) -> Self {
        let (inputs, outputs) = ([const { Vec::new() }; 6], [const { Vec::new() }; 7]);
        Self { scheme, inputs, is_call: Vec::new(), outputs, status: Vec::new() }
    }

    /// Values every one of `options`, in order, and hands each result to `each`.
    ///
    /// ```
    /// use tezi::pricing::{AmericanInput, AmericanScheme, AmericanSheet, AmericanStatus};
    /// let put = AmericanInput {
    ///     spot: 60.0, strike: 100.0, years: 1.0, vol: 0.2, rate: 0.06, dividend_yield: 0.0,
    ///     is_call: false,
    /// };
    /// AmericanSheet::new(AmericanScheme::Fast).value(&[put], |_, valued| {
    ///     assert_eq!(valued.value.status, AmericanStatus::Exercise);
    ///     assert_eq!(valued.value.price, 40.0);
    /// });
    /// ```
    pub fn value(
        &mut self,
        options: &[AmericanInput],
        mut each: impl FnMut(usize, &AmericanValued),
    ) {
        self.run(options);
        for i in 0..options.len() {
            let [price, delta, gamma, theta, european, boundary, vega] =
                core::array::from_fn(|column| self.outputs[column][i]);
            let status =
                AmericanStatus::from_code(self.status[i]).unwrap_or(AmericanStatus::Unsolved);
            let value = AmericanValue { price, delta, gamma, theta, european, boundary, status };
            each(i, &AmericanValued { value, vega });
        }
    }

    fn run(&mut self, options: &[AmericanInput]) {
        self.inputs.iter_mut().for_each(Vec::clear);
        self.is_call.clear();
        for option in options {
            let &AmericanInput { spot, strike, years, vol, rate, dividend_yield, is_call } = option;
            let row = [spot, strike, years, vol, rate, dividend_yield];
            self.inputs.iter_mut().zip(row).for_each(|(column, number)| column.push(number));
            self.is_call.push(u8::from(is_call));
        }
        self.outputs.iter_mut().for_each(|column| column.resize(options.len(), f64::NAN));
        self.status.resize(options.len(), 0);
        let [spot, strike, years, vol, rate, dividend_yield] = &self.inputs;
        let is_call = &self.is_call;
        let batch = AmericanBatch { spot, strike, years, vol, rate, dividend_yield, is_call };
        let [price, delta, gamma, theta, european, boundary, vega] = &mut self.outputs;
        let status = &mut self.status;
        let vega = Some(&mut vega[..]);
        CppKernels.american(
            self.scheme,
            &batch,
            &mut AmericanValues { price, delta, gamma, theta, european, boundary, status, vega },
        );
    }
}
