//! A Sobol sequence with direction numbers of our own, and a seed.
//!
//! Each dimension belongs to a primitive polynomial over GF(2), found by search in order of degree;
//! its first direction numbers are odd integers drawn from a fixed generator, which is all that the
//! construction asks for (I. M. Sobol 1967; I. A. Antonov and V. M. Saleev 1979 for the order of
//! Gray's code). A digital shift by the seed makes a different, equally even sequence of each.

use super::MeasureError;

const BITS: usize = 52;

/// Points of the unit cube, evenly spread.
#[derive(Clone, Debug)]
pub struct Sobol {
    /// By dimension, then bit: in units of 2⁻⁵².
    directions: Box<[[u64; BITS]]>,
    state: Box<[u64]>,
    shift: Box<[u64]>,
    index: u64,
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Sobol {
    /// The largest number of dimensions.
    pub const DIMENSIONS_MAX: usize = 1_024;

    /// A sequence in `dimensions`. Allocates.
    ///
    /// # Errors
    ///
    /// [`MeasureError::Shape`] for no dimension or more than [`Self::DIMENSIONS_MAX`].
    pub fn new(dimensions: usize, seed: u64) -> Result<Self, MeasureError> {
        if dimensions == 0 || dimensions > Self::DIMENSIONS_MAX {
            return Err(MeasureError::Shape);
        }
        let mut directions = Vec::with_capacity(dimensions);
        // The first dimension is van der Corput's.
        directions.push(core::array::from_fn(|bit| 1 << (BITS - 1 - bit)));
        let (mut numbers, mut polynomial) = (0x50B0_1967, 2_u64);
        while directions.len() < dimensions {
            polynomial += 1;
            if is_primitive(polynomial) {
                directions.push(directions_of(polynomial, &mut numbers));
            }
        }
        let mut seed = seed;
        let shift = (0..dimensions).map(|_| mix(&mut seed) >> (64 - BITS)).collect();
        let state = vec![0; dimensions].into();
        Ok(Self { directions: directions.into(), state, shift, index: 0 })
    }

    /// Writes the next point, each coordinate above 0 and below 1. Coordinates beyond the
    /// dimensions are left as they were.
    pub fn next_point(&mut self, point: &mut [f64]) {
        let bit = (self.index.trailing_ones() as usize).min(BITS - 1);
        let all = point.iter_mut().zip(&mut self.state).zip(&self.shift).zip(&self.directions);
        for (((to, state), shift), directions) in all {
            // The middle of the cell: never 0, which has no quantile.
            *to = ((*state ^ shift) as f64 + 0.5) / (1_u64 << BITS) as f64;
            *state ^= directions[bit];
        }
        self.index += 1;
    }
}

/// m_k = 2a₁m_{k−1} ⊕ 4a₂m_{k−2} ⊕ … ⊕ 2ᵈm_{k−d} ⊕ m_{k−d}, scaled to the top bit.
fn directions_of(polynomial: u64, numbers: &mut u64) -> [u64; BITS] {
    let degree = polynomial.ilog2() as usize;
    let mut directions = [0; BITS];
    for k in 0..BITS {
        directions[k] = if k < degree {
            let odd = (mix(numbers) & ((1 << (k + 1)) - 1)) | 1;
            odd << (BITS - 1 - k)
        } else {
            let first = directions[k - degree];
            (1..degree).fold(first ^ (first >> degree), |sum, i| {
                let is_set = polynomial >> (degree - i) & 1 == 1;
                if is_set { sum ^ directions[k - i] } else { sum }
            })
        };
    }
    directions
}

/// Whether x generates every nonzero element modulo the polynomial: its order is 2ᵈ − 1.
fn is_primitive(polynomial: u64) -> bool {
    let degree = polynomial.ilog2();
    let order = (1_u64 << degree) - 1;
    let mut power = 1_u64;
    for step in 1..=order {
        power <<= 1;
        if power >> degree & 1 == 1 {
            power ^= polynomial;
        }
        if power == 1 {
            return step == order;
        }
        if power == 0 {
            return false;
        }
    }
    false
}
