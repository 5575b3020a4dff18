// Risk arrays: what a long option loses in the sixteen scenarios of SPAN.
//
// Source: NSE Clearing, SPAN risk parameters (price and volatility scan ranges, extreme moves); the
// order of the scenarios is that of the risk parameter file.
#pragma once

#include <cstddef>
#include <cstdint>

#include "target.h"

namespace tezi {

inline constexpr std::size_t kSpanScenarios = 16;

// One option a row; every pointer leads to `count` elements. Nothing need be aligned.
struct SpanInputs {
  const double* underlying;     // in currency units: what the price scan moves
  const double* strike;         // in currency units
  const double* years;          // to expiry, now; zero or less is none
  const double* vol;            // annualised, as a fraction
  const double* rate;           // per year, continuously compounded; discounts
  const double* carry;          // per year: the forward is underlying * exp(carry * years)
  const double* price_scan;     // price scan range, in currency units
  const double* vol_scan;       // volatility scan range, absolute: 0.04 is four points
  const std::uint8_t* is_call;  // 0 is a put, any other value a call
};

// What all options of a batch share.
struct SpanGrid {
  double decay_years;      // time that passes in every scenario
  double extreme_move;     // of scenarios 15 and 16, in price scan ranges
  double extreme_cover;    // the part of their loss that counts
  double delta_weight[4];  // of price moves by 0, 1/3, 2/3 and 3/3 (each side); they sum to 1
};

struct SpanOutputs {
  double* value;         // of the option now, in currency units
  double* loss;          // 16 numbers a row: value now less value in the scenario, weighted
  double* delta;         // composite: dV/d(underlying), averaged over the price scan
  std::uint8_t* status;  // 0 regular, 2 invalid (every output is NaN), as LaneStatus
};

// The domain; what lies outside is invalid.
inline constexpr double kSpanMoneyMin = 1e-50;   // underlying, strike
inline constexpr double kSpanMoneyMax = 1e50;    // underlying, strike, price scan range
inline constexpr double kSpanTimeVolMax = 1e3;   // |years|, vol, vol scan range
inline constexpr double kSpanGrowthMax = 50.0;   // |rate * years|, |carry * years|
// What stands for no volatility left, and for an underlying that fell to nothing.
inline constexpr double kSpanDeviationMin = 1e-14;
inline constexpr double kSpanForwardMin = 1e-100;

// Writes value, risk array, composite delta and status of `count` options to `out`.
//
// Requires: `target` is supported; no output overlaps an input or another output.
// Promises: a row's result depends on that row's inputs and the grid only and has the same bits on
// every target. No allocation, no exception, no errno, no locale.
// Accuracy: within 1e-13 of underlying + strike + price scan range, times exp(|rate| years +
// |carry| years), of core::pricing::span_reference (tests/span_matches_reference.rs).
void span_arrays(Target target, const SpanGrid& grid, const SpanInputs& in, const SpanOutputs& out,
                 std::size_t count) noexcept;

}  // namespace tezi
