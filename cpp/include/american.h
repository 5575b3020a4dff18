// American options on a spot with a continuous yield: the exercise boundary by collocation, then
// the early exercise premium and its derivatives by one integral.
//
// The integral equations are those of I. Kim (1990) and L. Andersen, M. Lake and D. Offengenden
// (2016), "High-performance American option pricing"; american_boundary.h says what is done
// otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

#include "target.h"

namespace tezi {

// One option a row; every pointer leads to `count` elements. Nothing need be aligned.
struct AmericanInputs {
  const double* spot;           // in currency units
  const double* strike;         // in currency units
  const double* years;          // to expiry
  const double* vol;            // annualised, as a fraction
  const double* rate;           // per year, continuously compounded
  const double* yield;          // of the spot, likewise: the rate less the carry
  const std::uint8_t* is_call;  // 0 is a put, any other value a call
};

// Every output but the status is NaN where the status is kInvalid, kTwoBoundaries or kUnsolved.
struct AmericanOutputs {
  double* price;         // in currency units
  double* delta;         // d price / d spot
  double* gamma;         // per currency unit
  double* theta;         // -d price / d years, per year
  double* european;      // the same option's price without early exercise
  double* boundary;      // the spot of exercise today; 0 (put), infinity (call): none
  std::uint8_t* status;  // AmericanStatus
  double* vega;          // per 1.00 of volatility, or null; makes a row take three times as long
};

// What became of a lane. The numeric values cross the language boundary and never change meaning.
enum class AmericanStatus : std::uint8_t {
  kOk = 0,
  kExercise = 1,       // the spot is at the boundary or beyond: worth its intrinsic value, now
  kEuropean = 2,       // exercise before expiry never pays: the European price
  kExpired = 3,        // years are zero or negative: the intrinsic value
  kInvalid = 4,        // an input is not a number or outside the domain
  kTwoBoundaries = 5,  // below zero both, and exercise pays between two spots; not done
  kUnsolved = 6,       // no boundary found; seen where one rate is 0, the other below -0.2
};

// How many places the boundary is kept at, and how fine the integrals are.
enum class AmericanScheme : std::uint8_t { kFast = 0, kAccurate = 1 };

// The domain; what lies outside is invalid.
inline constexpr double kAmericanMoneyMin = 1e-50;      // spot, strike
inline constexpr double kAmericanMoneyMax = 1e50;       // spot, strike
inline constexpr double kAmericanYearsMax = 30.0;
inline constexpr double kAmericanRateMax = 0.5;         // |rate|, |yield|
inline constexpr double kAmericanDeviationMin = 1e-3;   // vol sqrt(years)
inline constexpr double kAmericanDeviationMax = 3.0;    // vol sqrt(years)
// The greatest max(|rate|, |yield|) sqrt(years) / vol. Beyond it the boundary falls to its level
// for ever within a part of the time that the places do not resolve.
inline constexpr double kAmericanDriftMax = 6.0;

// Writes values and Greeks of `count` options to `out`.
//
// Requires: `target` is supported; no output overlaps an input or another output. Promises: a
// row's result depends on that row's inputs only and has the same bits on every target. No
// allocation, no exception, no errno, no locale. The first call fills a table, for a millisecond.
// Accuracy: docs/decisions/0022-american-options.md; tests/american_matches_reference.rs holds it.
void american(Target target, AmericanScheme scheme, const AmericanInputs& in,
              const AmericanOutputs& out, std::size_t count) noexcept;

}  // namespace tezi
