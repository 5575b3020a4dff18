// The loop over risk arrays, compiled once per target.
//
// The formula is black76_loop.h's, in its direct form only: margins need the value to a part of the
// underlying, not of itself, and the direct form errs by an ulp of that. What depends on the price
// move alone (logarithm, square root, quotient) is shared by the two volatilities, and both Mills
// ratios of an option come out of one division.
//
// A pack holds one number of several options, so sixteen scenarios are sixteen packs; they pass
// through a small block of memory into the rows of the output.
#pragma once

#include "../include/span.h"
#include "mills.h"

namespace tezi::TEZI_TARGET {

template <std::size_t N>
struct SpanRows {
  Pack<N> underlying, strike, years, vol, rate, carry, price_scan, vol_scan;
  Bits<N> call;
};

// What the price move alone decides.
template <std::size_t N>
struct SpanMove {
  Pack<N> distance;  // |ln(F/K)|
  Pack<N> root;      // sqrt(F K) / sqrt(2 pi)
  Pack<N> inverse;   // 1 / F
  Pack<N> low, inside;  // min(F, K); |F - K| in the money, else 0
  Bits<N> above;        // F > K
};

// Standard deviation over the time left, with its inverse.
template <std::size_t N>
struct Deviation {
  Pack<N> s, inverse;
};

// Undiscounted value, and N(d1) with the option's sign.
template <std::size_t N>
struct SpanValue {
  Pack<N> value, delta;
};

template <std::size_t N>
TEZI_INLINE SpanMove<N> span_move(const SpanRows<N>& in, Pack<N> moved, Pack<N> growth) {
  const Pack<N> forward = max(moved * growth, splat<N>(kSpanForwardMin));
  const Pack<N> high = max(forward, in.strike);
  const Pack<N> low = min(forward, in.strike);
  const Bits<N> above = forward > in.strike;
  const Pack<N> inside = select(above == in.call, high - low, splat<N>(0.0));
  return {log_ratio(high, low), sqrt(forward * in.strike) * kInverseSqrtTwoPi, 1.0 / forward, low,
          inside, above};
}

template <std::size_t N>
TEZI_INLINE Deviation<N> deviation(Pack<N> vol, Pack<N> root_years) {
  const Pack<N> s = max(vol * root_years, splat<N>(kSpanDeviationMin));
  return {s, 1.0 / s};
}

// Needs c + t <= 128, where the product of both denominators stays below 1e50.
template <std::size_t N>
TEZI_INLINE SpanValue<N> span_value(Bits<N> call, const SpanMove<N>& move, const Deviation<N>& of) {
  const Pack<N> c = min(move.distance * of.inverse, splat<N>(kStandardMax));
  const Pack<N> t = min(0.5 * of.s, splat<N>(kStandardMax));
  const Bits<N> crossed = c < t;
  const Pack<N> near = abs(c - t);
  const Pack<N> far = c + t;
  const Pack<N> near_q = horner(kMillsQ, near);
  const Pack<N> far_q = horner(kMillsQ, far);
  const Pack<N> density = move.root * exp(-0.5 * (c * c + t * t));
  const Pack<N> scale = density / (near_q * far_q);
  const Pack<N> minus = horner(kMillsP, near) * far_q * scale;
  const Pack<N> plus = horner(kMillsP, far) * near_q * scale;

  const Pack<N> zero = splat<N>(0.0);
  const Pack<N> outside = max(select(crossed, move.low - (minus + plus), minus - plus), zero);
  const Pack<N> tail = move.inverse * select(move.above, plus, minus);
  const Bits<N> tail_is_call = ~move.above & ~crossed;
  const Pack<N> probability = select(call == tail_is_call, tail, 1.0 - tail);
  return {outside + move.inside, select(call, probability, -probability)};
}

template <std::size_t N>
TEZI_INLINE Bits<N> span_valid(const SpanRows<N>& in) {
  const Pack<N> years = max(in.years, splat<N>(0.0));
  return (in.underlying >= kSpanMoneyMin) & (in.underlying <= kSpanMoneyMax) &
         (in.strike >= kSpanMoneyMin) & (in.strike <= kSpanMoneyMax) & (in.price_scan >= 0.0) &
         (in.price_scan <= kSpanMoneyMax) & (abs(in.years) <= kSpanTimeVolMax) & (in.vol >= 0.0) &
         (in.vol <= kSpanTimeVolMax) & (in.vol_scan >= 0.0) & (in.vol_scan <= kSpanTimeVolMax) &
         (abs(in.rate * years) <= kSpanGrowthMax) & (abs(in.carry * years) <= kSpanGrowthMax);
}

// Lanes outside the domain run on harmless inputs.
template <std::size_t N>
TEZI_INLINE SpanRows<N> span_safe(const SpanRows<N>& in, Bits<N> valid) {
  const Pack<N> one = splat<N>(1.0);
  const Pack<N> zero = splat<N>(0.0);
  return {select(valid, in.underlying, one), select(valid, in.strike, one),
          select(valid, in.years, one),      select(valid, in.vol, one),
          select(valid, in.rate, zero),      select(valid, in.carry, zero),
          select(valid, in.price_scan, one), select(valid, in.vol_scan, zero),
          in.call};
}

// Where a pack of rows writes: sixteen packs of losses that are yet to be turned into rows.
template <std::size_t N>
struct SpanScratch {
  alignas(64) double loss[kSpanScenarios][Pack<N>::kRows];
};

template <std::size_t N>
struct SpanResults {
  Pack<N> value, delta;
};

template <std::size_t N>
TEZI_INLINE SpanResults<N> span_evaluate(const SpanGrid& grid, const SpanRows<N>& in,
                                         SpanScratch<N>& scratch) {
  // 0, +1/3, -1/3, +2/3, -2/3, +1, -1: scenarios 1 to 14 by pairs.
  constexpr double kThirds[7] = {0, 1.0 / 3, -1.0 / 3, 2.0 / 3, -2.0 / 3, 1, -1};
  const Pack<N> zero = splat<N>(0.0);
  const Pack<N> years = max(in.years, zero);
  const Pack<N> later = max(in.years - grid.decay_years, zero);
  const Pack<N> growth_now = exp(in.carry * years);
  const SpanMove<N> here = span_move(in, in.underlying, growth_now);
  const Pack<N> value = exp(-(in.rate * years)) *
                        span_value(in.call, here, deviation(in.vol, sqrt(years))).value;

  const Pack<N> growth = exp(in.carry * later);
  const Pack<N> discount = exp(-(in.rate * later));
  const Pack<N> root_years = sqrt(later);
  const Deviation<N> up = deviation(in.vol + in.vol_scan, root_years);
  const Deviation<N> down = deviation(in.vol - in.vol_scan, root_years);
  Pack<N> delta = zero;
  for (std::size_t k = 0; k < 7; ++k) {
    const Pack<N> moved = in.underlying + in.price_scan * kThirds[k];
    const SpanMove<N> move = span_move(in, moved, growth);
    const SpanValue<N> high = span_value(in.call, move, up);
    const SpanValue<N> low = span_value(in.call, move, down);
    store(scratch.loss[2 * k], value - discount * high.value);
    store(scratch.loss[2 * k + 1], value - discount * low.value);
    delta = delta + (high.delta + low.delta) * (0.5 * grid.delta_weight[(k + 1) / 2]);
  }

  const Deviation<N> same = deviation(in.vol, root_years);
  for (std::size_t side = 0; side < 2; ++side) {
    const double by = side == 0 ? grid.extreme_move : -grid.extreme_move;
    const SpanMove<N> move = span_move(in, in.underlying + in.price_scan * by, growth);
    const Pack<N> then = discount * span_value(in.call, move, same).value;
    store(scratch.loss[14 + side], (value - then) * grid.extreme_cover);
  }
  return {value, delta * (discount * growth)};
}

template <std::size_t N>
TEZI_INLINE SpanRows<N> span_load(const SpanInputs& in, std::size_t i) {
  return {load<N>(in.underlying + i), load<N>(in.strike + i), load<N>(in.years + i),
          load<N>(in.vol + i),        load<N>(in.rate + i),   load<N>(in.carry + i),
          load<N>(in.price_scan + i), load<N>(in.vol_scan + i),
          load_bytes<N>(in.is_call + i) != std::int64_t{0}};
}

template <std::size_t N>
[[gnu::noinline]] static void span_step(const SpanGrid& grid, const SpanInputs& in,
                                        const SpanOutputs& out, std::size_t i) {
  const SpanRows<N> rows = span_load<N>(in, i);
  const Bits<N> valid = span_valid(rows);
  const bool all_valid = !any(~valid);
  SpanScratch<N> scratch;
  SpanResults<N> results = span_evaluate(grid, all_valid ? rows : span_safe(rows, valid), scratch);
  if (!all_valid) {
    const Pack<N> nan = splat<N>(__builtin_nan(""));
    results = {select(valid, results.value, nan), select(valid, results.delta, nan)};
    for (std::size_t k = 0; k < kSpanScenarios; ++k) {
      store(scratch.loss[k], select(valid, load<N>(scratch.loss[k]), nan));
    }
  }
  store(out.value + i, results.value);
  store(out.delta + i, results.delta);
  store_bytes(out.status + i, select(valid, splat_bits<N>(0), splat_bits<N>(2)));
  for (std::size_t row = 0; row < Pack<N>::kRows; ++row) {
    double* const to = out.loss + (i + row) * kSpanScenarios;
    for (std::size_t k = 0; k < kSpanScenarios; ++k) to[k] = scratch.loss[k][row];
  }
}

// The last `count` < kLanes rows, padded with a harmless option.
static void span_tail(const SpanGrid& grid, const SpanInputs& in, const SpanOutputs& out,
                      std::size_t from, std::size_t count) {
  double rows[8][kLanes];
  std::uint8_t calls[kLanes] = {};
  const double* const sources[8] = {in.underlying, in.strike, in.years,      in.vol,
                                    in.rate,       in.carry,  in.price_scan, in.vol_scan};
  for (std::size_t column = 0; column < 8; ++column) {
    for (std::size_t i = 0; i < kLanes; ++i) rows[column][i] = 1.0;
    std::memcpy(rows[column], sources[column] + from, count * sizeof(double));
  }
  std::memcpy(calls, in.is_call + from, count);
  double value[kLanes], delta[kLanes], loss[kLanes * kSpanScenarios];
  std::uint8_t status[kLanes];
  span_step<1>(grid,
               {rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], rows[6], rows[7], calls},
               {value, loss, delta, status}, 0);
  std::memcpy(out.value + from, value, count * sizeof(double));
  std::memcpy(out.delta + from, delta, count * sizeof(double));
  std::memcpy(out.loss + from * kSpanScenarios, loss, count * kSpanScenarios * sizeof(double));
  std::memcpy(out.status + from, status, count);
}

template <std::size_t N>
static inline std::size_t span_steps(const SpanGrid& grid, const SpanInputs& in,
                                     const SpanOutputs& out, std::size_t from, std::size_t count) {
  for (; from + Pack<N>::kRows <= count; from += Pack<N>::kRows) span_step<N>(grid, in, out, from);
  return from;
}

void span_arrays(const SpanGrid& grid, const SpanInputs& in, const SpanOutputs& out,
                 std::size_t count) noexcept {
  std::size_t done = span_steps<4>(grid, in, out, 0, count);
  done = span_steps<2>(grid, in, out, done, count);
  done = span_steps<1>(grid, in, out, done, count);
  if (done < count) span_tail(grid, in, out, done, count - done);
}

}  // namespace tezi::TEZI_TARGET
