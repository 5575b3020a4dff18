// Black-76 value and Greeks of a batch of options on forwards.
//
// Source: F. Black (1976), "The pricing of commodity contracts", J. Financial Economics 3, eq. 16.
#pragma once

#include <cstddef>
#include <cstdint>

#include "target.h"

namespace tezi {

// One option a row; every pointer leads to `count` elements. Nothing need be aligned.
struct Black76Inputs {
  const double* forward;        // in currency units
  const double* strike;         // in currency units
  const double* years;          // to expiry
  const double* vol;            // annualised, as a fraction: 0.15 is 15 %
  const double* rate;           // per year, continuously compounded; discounts only
  const std::uint8_t* is_call;  // 0 is a put, any other value a call
};

struct Black76Outputs {
  double* price;         // discounted, in currency units
  double* delta;         // dV/dF, discounted
  double* gamma;         // d2V/dF2
  double* vega;          // dV/dvol, per 1.00 of vol
  double* theta;         // -dV/dT with F fixed, per year, the discount's part included
  std::uint8_t* status;  // LaneStatus

  // All four, or all null: then they are not computed.
  double* rho;    // dV/drate with F fixed, per 1.00 of rate
  double* vanna;  // d2V/(dF dvol), per 1.00 of vol
  double* volga;  // d2V/dvol2, per 1.00 of vol, twice
  double* charm;  // -d2V/(dF dT) with F fixed, per year
};

// What became of a lane. The numeric values cross the language boundary and never change meaning.
enum class LaneStatus : std::uint8_t {
  kOk = 0,
  kIntrinsic = 1,  // no time or no volatility is left, or forward or strike is zero
  kInvalid = 2,    // an input is not a number or outside the domain; every output is NaN
};

// The domain. Up to its upper ends no intermediate overflows; below its lower ends an input counts
// as zero and the lane is intrinsic.
inline constexpr double kMoneyMin = 1e-100;    // forward, strike
inline constexpr double kMoneyMax = 1e100;     // forward, strike
inline constexpr double kTimeVolMin = 1e-60;   // years, vol
inline constexpr double kTimeVolMax = 1e6;     // |years|, |vol|
inline constexpr double kDiscountMax = 700.0;  // |rate * years|: beyond it exp() leaves the range

// Writes price, Greeks and status of `count` options to `out`.
//
// Requires: `target` is supported; no output that is not null overlaps an input or another output.
// Promises: a lane's result depends on that lane's inputs only, not on its place or neighbours, and
// has the same bits on every target, with the last four outputs or without. No allocation, no exception, no errno, no locale.
// Accuracy: see core::pricing (Rust) and tests/kernels_match_reference.rs.
void black76(Target target, const Black76Inputs& in, const Black76Outputs& out,
             std::size_t count) noexcept;

}  // namespace tezi
