// American options from their boundary, compiled once per target.
//
// A put is worth the European one and, for every moment t of its life at which it would have been
// exercised, what that earns: the interest on the strike less the yield of the spot,
//
//   P = p + Int r K e^{-rt} N(-d-) - q S e^{-qt} N(-d+) dt, d-+ of S against B at T - t.
//
// Delta and gamma are derivatives of that under the integral, the boundary not depending on the
// spot; theta is what the Black-Scholes equation leaves for it; vega is a difference of two
// prices, for with the boundary held it would be wrong by several percent. A call is the put with
// spot and strike, and rate and yield, exchanged (R. McDonald and M. Schroder 1998), and its
// derivatives follow since the price is homogeneous.
#pragma once

#include "american_boundary.h"

namespace tezi::TEZI_TARGET {

// Half the distance of the two prices of a vega, in parts of the volatility.
inline constexpr double kVegaStep = 0x1p-10;

TEZI_INLINE double sum_of(Wide x) {
  double lane[2 * kBlock];
  store(lane, x);
  for (std::size_t width = kBlock; width > 0; width /= 2) {
    for (std::size_t i = 0; i < width; ++i) lane[i] += lane[i + width];
  }
  return lane[0];
}

TEZI_INLINE double density1(double d) { return first_of(density(splat<kEight>(d))); }
TEZI_INLINE double normal1(double d) {
  const Eight x = splat<kEight>(d);
  return first_of(normal(x, density(x)));
}

// Price and its derivatives in the spot.
struct Slopes {
  double price, delta, gamma;
};

struct American {
  Slopes value;
  double european, boundary;
  AmericanStatus status;
};

TEZI_INLINE Slopes european_put(const Put& put) {
  const double s = put.vol * __builtin_sqrt(put.years);
  const double mean = log1(put.spot, put.strike) + (put.rate - put.yield) * put.years;
  const double lanes[kBlock] = {mean / s - 0.5 * s, mean / s + 0.5 * s};
  double below[kBlock], densities[kBlock];
  const Eight d = load<kEight>(lanes), phi = density(d);
  store(below, normal(-d, phi));
  store(densities, phi);
  const double by_strike = exp1(-put.rate * put.years) * put.strike;
  const double by_spot = exp1(-put.yield * put.years);
  return {by_strike * below[0] - by_spot * put.spot * below[1], -by_spot * below[1],
          by_spot * densities[1] / (put.spot * s)};
}

// The early exercise premium.
//
// A spot near the boundary makes the integrands of delta and gamma steep near now, as if the
// boundary stayed where it is, phi(x)/s and x phi(x)/s^2 with x = ln(S/B)/s: that part has a
// closed form, and the rule is left with the rest.
template <class Table>
[[gnu::noinline]] static Slopes premium(const Table& table, const Put& put,
                                        const Search<Table>& search) {
  const double drift = put.rate - put.yield;
  const double whole = put.vol * __builtin_sqrt(put.years);
  const double log_spot = log1(put.spot, put.strike) + put.log_strike;
  const double gap = log_spot + __builtin_sqrt(search.square[Table::kPlaces - 1]);
  const double earned_now = put.rate - put.yield * exp1(log_spot - gap - put.log_strike);
  const Wide zero = splat<2 * kEight>(0.0);
  Wide price = zero, delta = zero, gamma = zero;
  for (std::size_t k = 0; k < Table::kPriceRule; k += 2 * kBlock) {
    Wide square = zero;
    for (std::size_t j = 0; j < Table::kPlaces; ++j) {
      square = square + search.square[j] * load<2 * kEight>(table.price_blend[j] + k);
    }
    const Wide b = -sqrt(max(square, zero));
    const Wide t = put.years * load<2 * kEight>(table.price_left + k);
    const Wide inverse = 1.0 / (whole * load<2 * kEight>(table.price_root + k));
    const Wide s = whole * load<2 * kEight>(table.price_root + k);
    const Wide minus = (log_spot - b + drift * t) * inverse - 0.5 * s;
    const Wide plus = minus + s;
    const Wide by = put.years * load<2 * kEight>(table.price_weight + k);
    const Wide by_strike = by * put.strike * exp(-(put.rate * t));
    const Wide lost_now = by * put.yield * exp(-(put.yield * t)) * normal(-plus, density(plus));
    const Wide phi = density(minus);
    price = price + (by_strike * put.rate * normal(-minus, phi) - put.spot * lost_now);
    const Wide lost = put.yield * exp(b - put.log_strike);
    const Wide flow = by_strike * phi * inverse;
    const Wide x = gap * inverse;
    const Wide still = (by * put.strike * earned_now) * density(x) * inverse;
    delta = delta - (((put.rate - lost) * flow - still) * (1.0 / put.spot) + lost_now);
    gamma = gamma + (flow * ((put.rate - lost) * (1.0 + minus * inverse) + lost) -
                     still * x * inverse);
  }
  const double last = gap / whole;
  const double tail = normal1(-last);
  const double level = put.strike / put.spot * earned_now * (2.0 / put.vol);
  const double reached = __builtin_sqrt(put.years) * density1(last);
  const double by_level = level * (reached - gap / put.vol * tail);
  const double bend = level * tail / (put.vol * put.spot);
  return {sum_of(price), sum_of(delta) - by_level, sum_of(gamma) / (put.spot * put.spot) + bend};
}

template <class Table>
TEZI_INLINE American value_put(const Table& table, Put put, double tolerance) {
  const Slopes european = european_put(put);
  const double none = __builtin_nan("");
  const American unknown = {{none, none, none}, none, none, AmericanStatus::kTwoBoundaries};
  if (put.rate < 0.0 && put.yield < put.rate) return unknown;
  if (put.rate < 0.0 || (put.rate == 0.0 && put.yield >= 0.0)) {
    return {european, european.price, 0.0, AmericanStatus::kEuropean};
  }
  const bool is_below = put.yield > put.rate;
  put.at_expiry = is_below ? put.rate / put.yield : 1.0;
  put.log_strike = is_below ? log1(put.yield, put.rate) : 0.0;
  Search<Table> search;
  if (!find_boundary(table, put, tolerance, search)) {
    return {{none, none, none}, none, none, AmericanStatus::kUnsolved};
  }
  const double last = __builtin_sqrt(search.square[Table::kPlaces - 1]);
  const double boundary = put.strike * put.at_expiry * exp1(-last);
  const double intrinsic = put.strike - put.spot;
  if (put.spot <= boundary) {
    return {{intrinsic, -1.0, 0.0}, european.price, boundary, AmericanStatus::kExercise};
  }
  const Slopes early = premium(table, put, search);
  const double least = intrinsic > european.price ? intrinsic : european.price;
  const double price = european.price + early.price;
  return {{price > least ? price : least, european.delta + early.delta,
           european.gamma + early.gamma},
          european.price, boundary, AmericanStatus::kOk};
}

// `put` is the mirrored one where `is_call`; the answer is of the option itself.
template <class Table>
[[gnu::noinline]] static American value(const Table& table, const Put& put, bool is_call,
                                        double tolerance) {
  American found = value_put(table, put, tolerance);
  if (!is_call) return found;
  const Slopes of = found.value;
  const double ratio = put.spot / put.strike;
  found.value.delta = (of.price - put.spot * of.delta) / put.strike;
  found.value.gamma = ratio * ratio * of.gamma;
  found.boundary = put.strike * put.spot / found.boundary;
  return found;
}

TEZI_INLINE bool is_inside(double x, double low, double high) { return low <= x && x <= high; }

TEZI_INLINE bool is_valid(const Put& put) {
  const double root = __builtin_sqrt(put.years > 0.0 ? put.years : 0.0);
  const double rate = __builtin_fabs(put.rate), yield = __builtin_fabs(put.yield);
  const bool is_basic = is_inside(put.spot, kAmericanMoneyMin, kAmericanMoneyMax) &&
                        is_inside(put.strike, kAmericanMoneyMin, kAmericanMoneyMax) &&
                        put.years <= kAmericanYearsMax && put.vol >= 0.0 &&
                        rate <= kAmericanRateMax && yield <= kAmericanRateMax;
  if (!is_basic || !(put.years > 0.0)) return is_basic;
  const double most = (rate > yield ? rate : yield) * root;
  return is_inside(put.vol * root, kAmericanDeviationMin, kAmericanDeviationMax) &&
         most <= kAmericanDriftMax * put.vol;
}

template <class Table>
TEZI_INLINE American row(const Table& table, const Put& put, bool is_call, double tolerance) {
  const double none = __builtin_nan("");
  if (!is_valid(put)) return {{none, none, none}, none, none, AmericanStatus::kInvalid};
  if (put.years > 0.0) return value(table, put, is_call, tolerance);
  const double spot = is_call ? put.strike : put.spot, strike = is_call ? put.spot : put.strike;
  const double gain = is_call ? spot - strike : strike - spot;
  const double slope = is_call ? 1.0 : -1.0;
  const double price = gain > 0.0 ? gain : 0.0;
  const double delta = gain > 0.0 ? slope : gain < 0.0 ? 0.0 : 0.5 * slope;
  return {{price, delta, 0.0}, price, strike, AmericanStatus::kExpired};
}

template <class Table>
TEZI_INLINE double vega_of(const Table& table, Put put, bool is_call, double tolerance,
                           const American& at) {
  if (at.status == AmericanStatus::kExercise || at.status == AmericanStatus::kExpired) return 0.0;
  if (at.value.price != at.value.price) return at.value.price;
  const double vol = put.vol;
  put.vol = vol * (1.0 + kVegaStep);
  const double above = value(table, put, is_call, tolerance).value.price;
  put.vol = vol * (1.0 - kVegaStep);
  const double below = value(table, put, is_call, tolerance).value.price;
  return (above - below) / (2.0 * kVegaStep * vol);
}

template <class Table>
void american_rows(const Table& table, double tolerance, const AmericanInputs& in,
                   const AmericanOutputs& out, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_call = in.is_call[i] != 0;
    const double spot = in.spot[i], strike = in.strike[i], rate = in.rate[i], yield = in.yield[i];
    const double years = in.years[i], vol = in.vol[i];
    const Put put = is_call ? Put{strike, spot, years, vol, yield, rate, 1.0, 0.0}
                            : Put{spot, strike, years, vol, rate, yield, 1.0, 0.0};
    const American found = row(table, put, is_call, tolerance);
    const Slopes& of = found.value;
    const bool is_still =
        found.status == AmericanStatus::kExercise || found.status == AmericanStatus::kExpired;
    const double theta = rate * of.price - (rate - yield) * spot * of.delta -
                         0.5 * vol * vol * spot * spot * of.gamma;
    out.price[i] = of.price;
    out.delta[i] = of.delta;
    out.gamma[i] = of.gamma;
    out.theta[i] = is_still ? 0.0 : theta;
    out.european[i] = found.european;
    out.boundary[i] = found.boundary;
    out.status[i] = static_cast<std::uint8_t>(found.status);
    if (out.vega != nullptr) out.vega[i] = vega_of(table, put, is_call, tolerance, found);
  }
}

void american(AmericanScheme scheme, const AmericanInputs& in, const AmericanOutputs& out,
              std::size_t count) noexcept {
  if (scheme == AmericanScheme::kFast) {
    american_rows(american_fast_table(), 1e-4, in, out, count);
  } else {
    american_rows(american_accurate_table(), 1e-5, in, out, count);
  }
}

}  // namespace tezi::TEZI_TARGET
