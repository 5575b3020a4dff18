//! The C++ kernels behind safe Rust: the one bridge of the project.
//!
//! A whole batch crosses in one call, as column pointers and one count; lengths are checked here,
//! once. Nothing else crosses: no ownership, no callback, no exception. `cpp/include` holds the contracts,
//! `tezi_core::pricing` the definitions, the units and the oracle.
//!
//! Unsafe island: calls into C++, each with a count that no column is shorter than and a supported
//! target.

#![allow(unsafe_code)]

use core::ptr::{null, null_mut};

use tezi_core::pricing::{
    AmericanBatch, AmericanScheme, AmericanValues, Black76Batch, Black76FullGreeks, Black76Greeks,
    ImpliedVolBatch, ImpliedVols, PricingKernel, SpanArrays, SpanBatch, SpanGrid, Svi, SviFit,
    SviQuotes,
};

// cxx writes the `extern` declarations and their shims; their safety is argued at the one call.
#[allow(unreachable_pub)]
#[allow(clippy::too_many_arguments)] // a column an argument
#[allow(clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]
#[cxx::bridge(namespace = "tezi")]
mod ffi {
    unsafe extern "C++" {
        include!("tezi/cpp/include/bridge.h");

        fn kernel_target_supported(target: u8) -> bool;
        fn kernel_target_best() -> u8;

        /// # Safety
        ///
        /// Every pointer leads to `count` elements, the outputs writable and apart from all else;
        /// the last four may be null, all together. The processor supports `target`.
        unsafe fn black76_batch(
            target: u8,
            count: usize,
            forward: *const f64,
            strike: *const f64,
            years: *const f64,
            vol: *const f64,
            rate: *const f64,
            is_call: *const u8,
            price: *mut f64,
            delta: *mut f64,
            gamma: *mut f64,
            vega: *mut f64,
            theta: *mut f64,
            status: *mut u8,
            rho: *mut f64,
            vanna: *mut f64,
            volga: *mut f64,
            charm: *mut f64,
        );

        /// # Safety
        ///
        /// As for `black76_batch`; `vega` may be null.
        unsafe fn american_batch(
            target: u8,
            scheme: u8,
            count: usize,
            spot: *const f64,
            strike: *const f64,
            years: *const f64,
            vol: *const f64,
            rate: *const f64,
            yield_: *const f64,
            is_call: *const u8,
            price: *mut f64,
            delta: *mut f64,
            gamma: *mut f64,
            theta: *mut f64,
            european: *mut f64,
            boundary: *mut f64,
            status: *mut u8,
            vega: *mut f64,
        );

        /// # Safety
        ///
        /// As for `black76_batch`; `guess` may be null.
        unsafe fn implied_vol_batch(
            target: u8,
            count: usize,
            forward: *const f64,
            strike: *const f64,
            years: *const f64,
            price: *const f64,
            rate: *const f64,
            is_call: *const u8,
            guess: *const f64,
            vol: *mut f64,
            status: *mut u8,
        );

        /// # Safety
        ///
        /// As for `black76_batch`; `grid` leads to 7 elements and `loss` to 16 a row.
        unsafe fn span_arrays_batch(
            target: u8,
            count: usize,
            grid: *const f64,
            underlying: *const f64,
            strike: *const f64,
            years: *const f64,
            vol: *const f64,
            rate: *const f64,
            carry: *const f64,
            price_scan: *const f64,
            vol_scan: *const f64,
            is_call: *const u8,
            value: *mut f64,
            loss: *mut f64,
            delta: *mut f64,
            status: *mut u8,
        );

        /// # Safety
        ///
        /// The columns lead to `count` elements, `start` to 5 or nowhere, `numbers` to 7 and
        /// `counts` to 2 that are writable. The processor supports `target`.
        unsafe fn svi_fit_quotes(
            target: u8,
            count: usize,
            k: *const f64,
            total_variance: *const f64,
            weight: *const f64,
            start: *const f64,
            numbers: *mut f64,
            counts: *mut u64,
        );
    }
}

/// An instruction set that the kernels are compiled for and this machine can run.
///
/// All give the same bits; they differ in speed only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelTarget(u8);

impl KernelTarget {
    /// Every supported target, the narrowest first. The first, the baseline, is always there.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=2).filter(|&code| ffi::kernel_target_supported(code)).map(Self)
    }

    /// The widest supported target.
    #[must_use]
    pub fn best() -> Self {
        Self(ffi::kernel_target_best())
    }

    /// `"cpp-baseline"`, `"cpp-avx2"` or `"cpp-avx512"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            1 => "cpp-avx2",
            2 => "cpp-avx512",
            _ => "cpp-baseline",
        }
    }
}

impl PricingKernel for KernelTarget {
    fn name(&self) -> &'static str {
        (*self).name()
    }

    fn black76(&self, batch: &Black76Batch<'_>, out: &mut Black76Greeks<'_>) -> usize {
        let lanes = batch.lanes(out);
        self.black76_lanes(lanes, batch, out, None);
        lanes
    }

    fn black76_full(&self, batch: &Black76Batch<'_>, out: &mut Black76FullGreeks<'_>) -> usize {
        let lanes = out.lanes(batch);
        let Black76FullGreeks { first, rho, vanna, volga, charm } = out;
        self.black76_lanes(lanes, batch, first, Some([rho, vanna, volga, charm]));
        lanes
    }

    fn implied_vol(&self, batch: &ImpliedVolBatch<'_>, out: &mut ImpliedVols<'_>) -> usize {
        let lanes = batch.lanes(out);
        // SAFETY: as in `black76_lanes`; the guess is null or as long as the others.
        unsafe {
            ffi::implied_vol_batch(
                self.0,
                lanes,
                batch.forward.as_ptr(),
                batch.strike.as_ptr(),
                batch.years.as_ptr(),
                batch.price.as_ptr(),
                batch.rate.as_ptr(),
                batch.is_call.as_ptr(),
                batch.guess.map_or(null(), <[f64]>::as_ptr),
                out.vol.as_mut_ptr(),
                out.status.as_mut_ptr(),
            );
        }
        lanes
    }

    fn american(
        &self,
        scheme: AmericanScheme,
        batch: &AmericanBatch<'_>,
        out: &mut AmericanValues<'_>,
    ) -> usize {
        let lanes = batch.lanes(out);
        // SAFETY: as in `black76_lanes`; vega is null or no shorter than the others.
        unsafe {
            ffi::american_batch(
                self.0,
                scheme as u8,
                lanes,
                batch.spot.as_ptr(),
                batch.strike.as_ptr(),
                batch.years.as_ptr(),
                batch.vol.as_ptr(),
                batch.rate.as_ptr(),
                batch.dividend_yield.as_ptr(),
                batch.is_call.as_ptr(),
                out.price.as_mut_ptr(),
                out.delta.as_mut_ptr(),
                out.gamma.as_mut_ptr(),
                out.theta.as_mut_ptr(),
                out.european.as_mut_ptr(),
                out.boundary.as_mut_ptr(),
                out.status.as_mut_ptr(),
                out.vega.as_mut().map_or(null_mut(), |column| column.as_mut_ptr()),
            );
        }
        lanes
    }

    fn span_arrays(
        &self,
        grid: &SpanGrid,
        batch: &SpanBatch<'_>,
        out: &mut SpanArrays<'_>,
    ) -> usize {
        let lanes = batch.lanes(out);
        let grid = grid.as_row();
        // SAFETY: as in `black76_lanes`; the grid has 7 numbers, and `lanes` counts a row of losses
        // as 16 of them.
        unsafe {
            ffi::span_arrays_batch(
                self.0,
                lanes,
                grid.as_ptr(),
                batch.underlying.as_ptr(),
                batch.strike.as_ptr(),
                batch.years.as_ptr(),
                batch.vol.as_ptr(),
                batch.rate.as_ptr(),
                batch.carry.as_ptr(),
                batch.price_scan.as_ptr(),
                batch.vol_scan.as_ptr(),
                batch.is_call.as_ptr(),
                out.value.as_mut_ptr(),
                out.loss.as_mut_ptr().cast(),
                out.delta.as_mut_ptr(),
                out.status.as_mut_ptr(),
            );
        }
        lanes
    }

    fn svi_fit(&self, quotes: &SviQuotes<'_>, start: Option<&Svi>) -> SviFit {
        let from = start.map(|svi| [svi.a, svi.b, svi.rho, svi.m, svi.sigma]);
        let (mut numbers, mut counts) = ([f64::NAN; 7], [0; 2]);
        // SAFETY: no column is shorter than `len`; `start` is null or five numbers; the outputs are
        // arrays of this frame of the lengths that C++ writes. `self` is a supported target.
        unsafe {
            ffi::svi_fit_quotes(
                self.0,
                quotes.len(),
                quotes.k.as_ptr(),
                quotes.total_variance.as_ptr(),
                quotes.weight.as_ptr(),
                from.as_ref().map_or(null(), |start| start.as_ptr()),
                numbers.as_mut_ptr(),
                counts.as_mut_ptr(),
            );
        }
        let [a, b, rho, m, sigma, error, margin] = numbers;
        let [passes, used] = counts;
        let svi = Svi { a, b, rho, m, sigma };
        SviFit { svi, error, margin, passes: passes as u32, used: used as usize }
    }
}

impl KernelTarget {
    /// The first `lanes` rows; the caller has found no column shorter.
    fn black76_lanes(
        self,
        lanes: usize,
        batch: &Black76Batch<'_>,
        out: &mut Black76Greeks<'_>,
        more: Option<[&mut [f64]; 4]>,
    ) {
        assert!(
            lanes <= batch.lanes(out) && more.iter().flatten().all(|column| lanes <= column.len()),
            "no column is shorter than the batch"
        );
        let [rho, vanna, volga, charm] =
            more.map_or([null_mut(); 4], |columns| columns.map(<[f64]>::as_mut_ptr));
        // SAFETY: no column is shorter than `lanes`; the outputs are exclusive borrows; `self`
        // exists only for targets that C++ reported as supported. C++ keeps none of the pointers.
        unsafe {
            ffi::black76_batch(
                self.0,
                lanes,
                batch.forward.as_ptr(),
                batch.strike.as_ptr(),
                batch.years.as_ptr(),
                batch.vol.as_ptr(),
                batch.rate.as_ptr(),
                batch.is_call.as_ptr(),
                out.price.as_mut_ptr(),
                out.delta.as_mut_ptr(),
                out.gamma.as_mut_ptr(),
                out.vega.as_mut_ptr(),
                out.theta.as_mut_ptr(),
                out.status.as_mut_ptr(),
                rho,
                vanna,
                volga,
                charm,
            );
        }
    }
}

/// The C++ kernels on the widest instruction set of this machine.
///
/// ```
/// use tezi::kernels::CppKernels;
/// use tezi_core::pricing::PricingKernel;
/// let kernel: &dyn PricingKernel = &CppKernels;
/// assert!(kernel.name().starts_with("cpp-"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct CppKernels;

impl PricingKernel for CppKernels {
    fn name(&self) -> &'static str {
        KernelTarget::best().name()
    }

    fn black76(&self, batch: &Black76Batch<'_>, out: &mut Black76Greeks<'_>) -> usize {
        KernelTarget::best().black76(batch, out)
    }

    fn black76_full(&self, batch: &Black76Batch<'_>, out: &mut Black76FullGreeks<'_>) -> usize {
        KernelTarget::best().black76_full(batch, out)
    }

    fn implied_vol(&self, batch: &ImpliedVolBatch<'_>, out: &mut ImpliedVols<'_>) -> usize {
        KernelTarget::best().implied_vol(batch, out)
    }

    fn american(
        &self,
        scheme: AmericanScheme,
        batch: &AmericanBatch<'_>,
        out: &mut AmericanValues<'_>,
    ) -> usize {
        KernelTarget::best().american(scheme, batch, out)
    }

    fn span_arrays(
        &self,
        grid: &SpanGrid,
        batch: &SpanBatch<'_>,
        out: &mut SpanArrays<'_>,
    ) -> usize {
        KernelTarget::best().span_arrays(grid, batch, out)
    }

    fn svi_fit(&self, quotes: &SviQuotes<'_>, start: Option<&Svi>) -> SviFit {
        KernelTarget::best().svi_fit(quotes, start)
    }
}
