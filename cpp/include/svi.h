// Raw SVI fitted to the total variances of one expiry, by weighted least squares.
//
// The smile is w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)), k = ln(K/F). The method and
// every bound are those of core::pricing::svi_fit (Rust), which is the oracle; Zeliade Systems (2009),
// "Quasi-explicit calibration of Gatheral's SVI model", and G. Golub and V. Pereyra (1973).
#pragma once

#include <cstddef>
#include <cstdint>

#include "target.h"

namespace tezi {

// One quote a row; every pointer leads to `count` elements. Nothing need be aligned. A row takes
// part when its weight is positive and all three are finite, the total variance positive and |k| at
// most 1,000.
struct SviQuotes {
  const double* k;               // ln(K/F), in any order
  const double* total_variance;  // vol^2 years
  const double* weight;          // of the squared error of total variance
  std::size_t count;
};

struct Svi {
  double a, b, rho, m, sigma;
};

struct SviFit {
  Svi svi;              // NaN where nothing was fitted
  double error;         // weighted root mean square error of total variance
  double margin;        // the least g of Durrleman on 64 places: a screen for butterfly arbitrage
  std::uint32_t passes;  // over the quotes; 0 where fewer than kSviQuotesMin took part
  std::size_t used;
};

inline constexpr std::size_t kSviQuotesMin = 5;

// The least-squares smile, the wings' slopes between 0 and 2, searched from `start` or, when that is
// null or no smile, from the best of nine places.
//
// Requires: `target` is supported.
// Promises: the same bits on every target; sums run in eight partial sums whatever the register. No
// allocation, no exception, no errno, no locale.
// Accuracy: a squared error within 1e-7 of the oracle's (tests/svi_matches_reference.rs).
SviFit svi_fit(Target target, const SviQuotes& quotes, const Svi* start) noexcept;

}  // namespace tezi
