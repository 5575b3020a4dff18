// Implied volatility of a batch of options on forwards: Black's formula (black76.h) solved for vol.
#pragma once

#include <cstddef>
#include <cstdint>

#include "target.h"

namespace tezi {

// One option a row; every pointer leads to `count` elements. Nothing need be aligned.
struct ImpliedVolInputs {
  const double* forward;        // in currency units
  const double* strike;         // in currency units
  const double* years;          // to expiry
  const double* price;          // of the option, discounted, in currency units
  const double* rate;           // per year, continuously compounded; discounts only
  const std::uint8_t* is_call;  // 0 is a put, any other value a call
  const double* guess;          // a volatility near the answer, or null: no guesses
};

struct ImpliedVolOutputs {
  double* vol;           // annualised, as a fraction
  std::uint8_t* status;  // ImpliedVolStatus
};

// What became of a lane. The numeric values cross the language boundary and never change meaning.
enum class ImpliedVolStatus : std::uint8_t {
  kOk = 0,
  kAtIntrinsic = 1,     // no time value shows: vol is 0, and so is every answer small enough
  kBelowIntrinsic = 2,  // the price is less than the discounted intrinsic value; vol is NaN
  kAboveBound = 3,      // the price reaches the discounted forward (call) or strike (put); NaN
  kNoTime = 4,          // years are zero or negative; NaN
  kInvalid = 5,         // an input is not a number or outside the domain; NaN
  kUnsolved = 6,        // the search ended without an answer; NaN. Not seen in any test
};

// Time value, in units of sqrt(forward * strike), below which none shows: vol sqrt(T) is then less
// than a 36th of |ln(F/K)|.
inline constexpr double kTimeValueMin = 1e-295;
// A price that misses its intrinsic value by no more than this part of itself is at it: that is
// what rounding in the price and the discount factor can do.
inline constexpr double kIntrinsicSlack = 0x1p-50;

// Writes volatility and status of `count` options to `out`.
//
// Requires: `target` is supported; no output overlaps an input or another output.
// Promises: a lane's result depends on that lane's inputs only and has the same bits on every
// target. A guess that is far off or no number costs time, never accuracy. No allocation, no
// exception, no errno, no locale.
// Accuracy: within 4 times 2^-52 (1 + price / (vol vega)), what the inputs' own rounding costs.
void implied_vol(Target target, const ImpliedVolInputs& in, const ImpliedVolOutputs& out,
                 std::size_t count) noexcept;

}  // namespace tezi
