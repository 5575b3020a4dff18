//! The volatility surface of one underlying: a smile for each expiry, refitted one expiry at a time, and
//! option values from it in nanoseconds.
//!
//! The holder says what it knows (forwards, volatilities with weights) and asks when it wants. A refit
//! starts from the last smile, is held between the smiles of the expiries before and after, and makes the
//! table that values come from; so the surface is free of arbitrage after every refit whose status says so.
//! Nothing allocates after [`Surface::new`], and equal calls give equal bits.
//!
//! ```
//! use tezi_core::pricing::{Reference, SmileStatus, Surface, SurfaceCapacity, SurfaceQuote};
//! let mut surface = Surface::new(SurfaceCapacity { expiries: 2, strikes: 16 });
//! surface.set_expiry(0, 30.0 / 365.0, 0.065).unwrap();
//! surface.set_forward(0, 24_000.0).unwrap();
//! for i in 0..11u32 {
//!     let strike = 23_000.0 + 200.0 * f64::from(i);
//!     let vol = 0.12 + 0.000_000_008 * (strike - 24_200.0).powi(2);
//!     surface.set_quote(0, i as usize, SurfaceQuote { strike, vol, weight: 1.0 }).unwrap();
//! }
//! assert_eq!(surface.refit(0, &Reference).unwrap(), SmileStatus::Fitted);
//! let call = surface.theo(0, 24_100.0, true).unwrap();
//! assert!(250.0 < call.price && call.price < 300.0 && call.delta > 0.4);
//! ```

use super::elementary::exp;
use super::repair::Neighbours;
use super::smile::{SmileFit, SmileStatus, fit_smile};
use super::svi_fit::SviQuotes;
use super::theo::{Theo, TheoTable, direct, log_moneyness};
use super::{PricingKernel, Svi};

/// How much room a surface has; all of it is allocated at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SurfaceCapacity {
    /// Expiries.
    pub expiries: usize,
    /// Strikes of each expiry.
    pub strikes: usize,
}

/// What is known of one strike. A weight of zero takes it out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurfaceQuote {
    /// In currency units.
    pub strike: f64,
    /// The implied volatility, as a fraction.
    pub vol: f64,
    /// How much it counts: see [`super::quote_weight`].
    pub weight: f64,
}

/// Why a surface did not take something. Its state is as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SurfaceError {
    /// There is no expiry of that index.
    NoExpiry,
    /// There is no room for a strike of that index.
    NoStrike,
    /// A number that is not finite, or not positive where it must be.
    BadNumber,
    /// The expiry has no forward yet.
    NoForward,
}

/// The smiles of an underlying's expiries.
#[derive(Clone, Debug)]
pub struct Surface {
    slices: Box<[Slice]>,
}

#[derive(Clone, Debug)]
struct Slice {
    years: f64,
    discount: f64,
    forward: f64,
    log_forward: f64,
    log_strike: Box<[f64]>,
    strike: Box<[f64]>,
    vol: Box<[f64]>,
    weight: Box<[f64]>,
    k: Box<[f64]>,
    total_variance: Box<[f64]>,
    /// One more than the highest strike index in use.
    used: usize,
    fit: SmileFit,
    table: TheoTable,
}

impl Slice {
    fn new(strikes: usize) -> Self {
        let column = || vec![0.0; strikes].into_boxed_slice();
        Self {
            years: f64::NAN,
            discount: f64::NAN,
            forward: f64::NAN,
            log_forward: f64::NAN,
            log_strike: column(),
            strike: column(),
            vol: column(),
            weight: column(),
            k: column(),
            total_variance: column(),
            used: 0,
            fit: SmileFit::EMPTY,
            table: TheoTable::new(),
        }
    }

    /// The smile, where it is shown to be free of arbitrage.
    fn svi(&self) -> Option<Svi> {
        let smile = self.fit.smile.filter(|_| self.fit.status.is_arbitrage_free())?;
        smile.svi().copied()
    }
}

impl Surface {
    /// An empty surface.
    #[must_use]
    pub fn new(capacity: SurfaceCapacity) -> Self {
        Self { slices: (0..capacity.expiries).map(|_| Slice::new(capacity.strikes)).collect() }
    }

    /// Says how far an expiry is and at what rate it is discounted, per year, continuously compounded.
    ///
    /// # Errors
    ///
    /// [`SurfaceError::NoExpiry`]; [`SurfaceError::BadNumber`] unless the years are positive.
    pub fn set_expiry(&mut self, index: usize, years: f64, rate: f64) -> Result<(), SurfaceError> {
        let slice = self.slices.get_mut(index).ok_or(SurfaceError::NoExpiry)?;
        let exponent = -rate * years;
        if !((1e-60..=1e6).contains(&years) && exponent.abs() <= 700.0) {
            return Err(SurfaceError::BadNumber);
        }
        (slice.years, slice.discount) = (years, exp(exponent));
        Ok(())
    }

    /// Moves the forward of an expiry. The smile moves along, as a function of ln(K/F), until the
    /// next refit; values follow at once.
    ///
    /// # Errors
    ///
    /// [`SurfaceError::NoExpiry`]; [`SurfaceError::BadNumber`] unless the forward is a price.
    pub fn set_forward(&mut self, index: usize, forward: f64) -> Result<(), SurfaceError> {
        let slice = self.slices.get_mut(index).ok_or(SurfaceError::NoExpiry)?;
        let log_forward = log_moneyness(1.0, forward);
        if log_forward.is_nan() {
            return Err(SurfaceError::BadNumber);
        }
        (slice.forward, slice.log_forward) = (forward, log_forward);
        Ok(())
    }

    /// Sets what is known of one strike, by the holder's own numbering from 0.
    ///
    /// # Errors
    ///
    /// [`SurfaceError::NoExpiry`], [`SurfaceError::NoStrike`]; [`SurfaceError::BadNumber`] unless the
    /// strike is a price, the volatility positive and the weight not negative.
    pub fn set_quote(
        &mut self,
        index: usize,
        at: usize,
        quote: SurfaceQuote,
    ) -> Result<(), SurfaceError> {
        let slice = self.slices.get_mut(index).ok_or(SurfaceError::NoExpiry)?;
        if at >= slice.strike.len() {
            return Err(SurfaceError::NoStrike);
        }
        let SurfaceQuote { strike, vol, weight } = quote;
        let is_good = 0.0 < vol && vol <= 1e6 && (0.0..f64::INFINITY).contains(&weight);
        if strike != slice.strike[at] {
            let log_strike = log_moneyness(1.0, strike);
            if log_strike.is_nan() || !is_good {
                return Err(SurfaceError::BadNumber);
            }
            (slice.strike[at], slice.log_strike[at]) = (strike, log_strike);
        }
        if !is_good {
            return Err(SurfaceError::BadNumber);
        }
        (slice.vol[at], slice.weight[at]) = (vol, weight);
        slice.used = slice.used.max(at + 1);
        Ok(())
    }

    /// Fits the smile of one expiry to its quotes, between those of the neighbouring expiries, and
    /// makes its table. When no quote is left the last smile stays.
    ///
    /// # Errors
    ///
    /// [`SurfaceError::NoExpiry`] for an index without an expiry, [`SurfaceError::NoForward`].
    pub fn refit(
        &mut self,
        index: usize,
        kernel: &dyn PricingKernel,
    ) -> Result<SmileStatus, SurfaceError> {
        let neighbours = self.neighbours(index);
        let slice = self.slices.get_mut(index).ok_or(SurfaceError::NoExpiry)?;
        if slice.years.is_nan() {
            return Err(SurfaceError::NoExpiry);
        }
        if slice.forward.is_nan() {
            return Err(SurfaceError::NoForward);
        }
        let used = slice.used;
        for i in 0..used {
            slice.k[i] = slice.log_strike[i] - slice.log_forward;
            slice.total_variance[i] = slice.vol[i] * slice.vol[i] * slice.years;
        }
        let quotes = SviQuotes {
            k: &slice.k[..used],
            total_variance: &slice.total_variance[..used],
            weight: &slice.weight[..used],
        };
        let start = slice.fit.smile.as_ref().and_then(|smile| smile.svi()).copied();
        let fit = fit_smile(kernel, &quotes, start.as_ref(), &neighbours);
        if let Some(smile) = &fit.smile {
            slice.table.fill(smile, kernel);
            slice.fit = fit;
        }
        Ok(fit.status)
    }

    /// The arbitrage-free smiles nearest in time to that of `index`, before and after it.
    #[must_use]
    pub fn neighbours(&self, index: usize) -> Neighbours {
        let years = self.slices.get(index).map_or(f64::NAN, |slice| slice.years);
        let svi = |slice: &Slice| slice.svi().map(|svi| (slice.years, svi));
        let mut earlier: Option<(f64, Svi)> = None;
        let mut later: Option<(f64, Svi)> = None;
        for (at, svi) in self.slices.iter().filter_map(svi) {
            if at < years && earlier.is_none_or(|(best, _)| at > best) {
                earlier = Some((at, svi));
            }
            if at > years && later.is_none_or(|(best, _)| at < best) {
                later = Some((at, svi));
            }
        }
        Neighbours { earlier: earlier.map(|found| found.1), later: later.map(|found| found.1) }
    }

    /// The last fit of an expiry; empty before the first.
    #[must_use]
    pub fn fit(&self, index: usize) -> SmileFit {
        self.slices.get(index).map_or(SmileFit::EMPTY, |slice| slice.fit)
    }

    /// The volatility of a strike; `None` before the first fit.
    #[must_use]
    pub fn vol(&self, index: usize, strike: f64) -> Option<f64> {
        let slice = self.slices.get(index)?;
        let w = slice.fit.smile?.total_variance(log_moneyness(slice.forward, strike));
        Some((w / slice.years).sqrt()).filter(|vol| vol.is_finite())
    }

    /// The value of any strike; `None` before the first fit, or for no price. Some thirty nanoseconds
    /// within six standard deviations of the forward.
    #[must_use]
    pub fn theo(&self, index: usize, strike: f64, is_call: bool) -> Option<Theo> {
        let slice = self.slices.get(index)?;
        let k = log_moneyness(slice.forward, strike);
        slice.theo(strike, k, is_call)
    }

    /// The value of a strike that has been set, by its index: without a logarithm.
    #[must_use]
    pub fn theo_at(&self, index: usize, at: usize, is_call: bool) -> Option<Theo> {
        let slice = self.slices.get(index)?;
        let (&strike, &log_strike) =
            (slice.strike[..slice.used].get(at)?, slice.log_strike.get(at)?);
        slice.theo(strike, log_strike - slice.log_forward, is_call)
    }
}

impl Slice {
    fn theo(&self, strike: f64, k: f64, is_call: bool) -> Option<Theo> {
        let Some([value, slope]) = self.table.call(k) else {
            let smile = self.fit.smile.as_ref().filter(|_| !k.is_nan())?;
            return Some(direct(smile, self.forward, strike, self.discount, is_call));
        };
        let call = Theo {
            price: self.discount * (self.forward * value),
            delta: self.discount * (value - slope),
        };
        if is_call {
            return Some(call);
        }
        // What interpolation leaves below nothing is nothing.
        let price = call.price - self.discount * (self.forward - strike);
        Some(Theo { price: price.max(0.0), delta: call.delta - self.discount })
    }
}

#[cfg(test)]
#[path = "surface_tests.rs"]
mod tests;
