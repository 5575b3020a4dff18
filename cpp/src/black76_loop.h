// The Black-76 loop, compiled once per target.
//
// With s = vol sqrt(T), c = |ln(F/K)| / s, t = s/2, phi0 = exp(-(c^2 + t^2)/2) / sqrt(2 pi) and the
// Mills ratio R(z) = N(-z)/phi(z), both terms of Black's formula carry the same factor
// sqrt(FK) phi0, and the out-of-the-money option is
//
//   V = D sqrt(FK) phi0 (R(c - t) - R(c + t))                 (1)
//     = D (min(F, K) - sqrt(FK) phi0 (R(t - c) + R(c + t)))   (2)
//
// (2), which is (1) by R(-z) = 1/phi(z) - R(z), serves c < t. For small t both cancel, and the odd
// part of R's Taylor series about c is summed instead (see mills_series). The in-the-money option
// follows by parity, V = D |F - K| + V_otm, which adds what is positive and loses nothing.
// P. Jaeckel (2013), "Let's be rational", writes (1) with erfcx.
#pragma once

#include "../include/black76.h"
#include "pack.h"

namespace tezi::TEZI_TARGET {

inline constexpr double kInverseSqrtTwoPi = 0x1.9884533d43651p-2;
// Beyond it phi0 is zero: what c and t are exactly no longer shows, and powers stay in range.
inline constexpr double kStandardMax = 64.0;
// The series serves t and c t up to these: eight odd terms leave 1e-18 of the sum, and the rounding
// of the recurrence grows as sinh(c t)/(c t).
inline constexpr double kSeriesT = 0.125;
inline constexpr double kSeriesCt = 3.0;
inline constexpr std::size_t kSeriesTerms = 16;

template <std::size_t N>
struct Rows {
  Pack<N> forward, strike, years, vol, rate;
  Bits<N> call;
};

template <std::size_t N>
struct Results {
  Pack<N> price, delta, gamma, vega, theta;
  Bits<N> status;
};

// R at c - t (at t - c when `crossed`), R at c + t, and the price's bracket: (1), -(2)'s sum when
// `crossed`.
template <std::size_t N>
struct Mills {
  Pack<N> minus, plus, bracket;
  Bits<N> crossed;
};

template <std::size_t N>
TEZI_INLINE Pack<N> mills(Pack<N> z) {
  return horner(kMillsP, z) / horner(kMillsQ, z);
}

// Even and odd part of R's Taylor series: R(c -+ t) = even +- t odd, R(c - t) - R(c + t) = 2 t odd.
//
// R' = z R - 1, so the normalised derivatives r_n = R^(n)(c)/n! obey
// (n + 1) r_(n+1) = c r_n + r_(n-1). The first, -(1 - c R), comes from its own numerator.
template <std::size_t N>
TEZI_INLINE Mills<N> mills_series(Pack<N> c, Pack<N> t, Pack<N> s) {
  const Pack<N> inverse = 1.0 / horner(kMillsQ, c);
  Pack<N> r[kSeriesTerms];
  r[0] = horner(kMillsP, c) * inverse;
  r[1] = -(horner(kMillsC, c) * inverse);
  for (std::size_t n = 1; n + 1 < kSeriesTerms; ++n) {
    r[n + 1] = (c * r[n] + r[n - 1]) * (1.0 / static_cast<double>(n + 1));
  }
  const Pack<N> square = t * t;
  Pack<N> even = r[kSeriesTerms - 2];
  Pack<N> odd = r[kSeriesTerms - 1];
  for (std::size_t n = kSeriesTerms - 2; n > 0; n -= 2) {
    even = even * square + r[n - 2];
    odd = odd * square + r[n - 1];
  }
  const Pack<N> swing = t * odd;
  return {even - swing, even + swing, -(s * odd), splat_bits<N>(0)};
}

template <std::size_t N>
TEZI_INLINE Mills<N> mills_direct(Pack<N> c, Pack<N> t) {
  const Bits<N> crossed = c < t;
  const Pack<N> minus = mills(abs(c - t));
  const Pack<N> plus = mills(c + t);
  return {minus, plus, select(crossed, -(minus + plus), minus - plus), crossed};
}

// Both ways only when the pack holds lanes of both kinds. Which one a lane gets is its own affair.
template <std::size_t N>
TEZI_INLINE Mills<N> mills_pair(Pack<N> c, Pack<N> t, Pack<N> s) {
  const Bits<N> near = (t <= kSeriesT) & (c * t <= kSeriesCt);
  if (!any(near)) return mills_direct(c, t);
  const Mills<N> series = mills_series(c, t, s);
  if (!any(~near)) return series;
  const Mills<N> direct = mills_direct(c, t);
  return {select(near, series.minus, direct.minus), select(near, series.plus, direct.plus),
          select(near, series.bracket, direct.bracket), direct.crossed & ~near};
}

// Splits the lanes by status. Comparisons are false on NaN, so what is not shown valid is invalid.
template <std::size_t N>
TEZI_INLINE Bits<N> classify(const Rows<N>& in) {
  const Pack<N> years = max(in.years, splat<N>(0.0));
  const Bits<N> valid = (in.forward >= 0.0) & (in.forward <= kMoneyMax) & (in.strike >= 0.0) &
                     (in.strike <= kMoneyMax) & (abs(in.years) <= kTimeVolMax) &
                     (abs(in.vol) <= kTimeVolMax) & (abs(in.rate * years) <= kDiscountMax);
  const Bits<N> regular = (in.forward >= kMoneyMin) & (in.strike >= kMoneyMin) &
                       (in.years >= kTimeVolMin) & (in.vol >= kTimeVolMin);
  const Bits<N> ok = select(regular, splat_bits<N>(0), splat_bits<N>(1));
  return select(valid, ok, splat_bits<N>(2));
}

// Price and Greeks of lanes inside the domain.
template <std::size_t N>
TEZI_INLINE Results<N> solve(const Rows<N>& in, Pack<N> discount) {
  const Pack<N> high = max(in.forward, in.strike);
  const Pack<N> low = min(in.forward, in.strike);
  const Bits<N> above = in.forward > in.strike;
  const Pack<N> root_years = sqrt(in.years);
  const Pack<N> s = in.vol * root_years;
  const Pack<N> c = min(log_ratio(high, low) / s, splat<N>(kStandardMax));
  const Pack<N> t = min(0.5 * s, splat<N>(kStandardMax));
  const Mills<N> r = mills_pair(c, t, s);

  // sqrt(FK) phi0 = F phi(d1) = K phi(d2).
  const Pack<N> phi0 = exp(-0.5 * (c * c + t * t)) * kInverseSqrtTwoPi;
  const Pack<N> density = sqrt(in.forward * in.strike) * phi0;
  const Pack<N> zero = splat<N>(0.0);
  const Pack<N> outside = max(density * r.bracket + select(r.crossed, low, zero), zero);
  const Bits<N> in_the_money = above == in.call;
  const Pack<N> value = outside + select(in_the_money, high - low, zero);

  // N(-d1) = phi(d1) R(d1) when F > K, else N(d1) = phi(d1) R(-d1); crossed lanes have d1 > 0.
  const Pack<N> density_d1 = density / in.forward;
  const Pack<N> tail = density_d1 * select(above, r.plus, r.minus);
  const Bits<N> tail_is_call = ~above & ~r.crossed;
  const Pack<N> probability = select(in.call == tail_is_call, tail, 1.0 - tail);

  Results<N> out;
  out.price = discount * value;
  out.delta = discount * select(in.call, probability, -probability);
  out.gamma = discount * (density_d1 / (in.forward * s));
  const Pack<N> scaled = discount * density;
  out.vega = scaled * root_years;
  out.theta = in.rate * out.price - scaled * (s / (2.0 * in.years));
  out.status = splat_bits<N>(0);
  return out;
}

// Discounted intrinsic value; a step delta, halfway at F = K; only the discount still moves.
template <std::size_t N>
TEZI_INLINE Results<N> intrinsic(const Rows<N>& in) {
  const Pack<N> zero = splat<N>(0.0);
  const Pack<N> one = splat<N>(1.0);
  const Pack<N> discount = exp(-(in.rate * max(in.years, zero)));
  const Pack<N> sign = select(in.call, one, -one);
  const Pack<N> inside = (in.forward - in.strike) * sign;
  const Pack<N> step = select(inside > 0.0, one, select(inside < 0.0, zero, splat<N>(0.5)));
  Results<N> out;
  out.price = discount * max(inside, zero);
  out.delta = discount * step * sign;
  out.gamma = zero;
  out.vega = zero;
  out.theta = select(in.years > 0.0, in.rate * out.price, zero);
  out.status = splat_bits<N>(1);
  return out;
}

template <std::size_t N>
TEZI_INLINE Results<N> blend(Bits<N> mask, const Results<N>& yes, const Results<N>& no) {
  return {select(mask, yes.price, no.price), select(mask, yes.delta, no.delta),
          select(mask, yes.gamma, no.gamma), select(mask, yes.vega, no.vega),
          select(mask, yes.theta, no.theta), select(mask, yes.status, no.status)};
}

template <std::size_t N>
TEZI_INLINE Results<N> evaluate(const Rows<N>& in) {
  const Bits<N> status = classify(in);
  const bool all_ok = !any(status);
  Rows<N> rows = in;
  if (!all_ok) {
    // Lanes outside the domain run on harmless inputs, so that nothing traps or slows down.
    const Bits<N> ok = status == std::int64_t{0};
    const Pack<N> zero = splat<N>(0.0);
    const Pack<N> one = splat<N>(1.0);
    rows = {select(ok, in.forward, one), select(ok, in.strike, one), select(ok, in.years, one),
            select(ok, in.vol, one),     select(ok, in.rate, zero),  in.call};
  }
  Results<N> out = solve(rows, exp(-(rows.rate * rows.years)));
  if (!all_ok) {
    const Pack<N> nan = splat<N>(__builtin_nan(""));
    const Results<N> invalid = {nan, nan, nan, nan, nan, splat_bits<N>(2)};
    out = blend(status == std::int64_t{1}, intrinsic(in), out);
    out = blend(status == std::int64_t{2}, invalid, out);
  }
  return out;
}

template <std::size_t N>
TEZI_INLINE Rows<N> load_rows(const Black76Inputs& in, std::size_t i) {
  return {load<N>(in.forward + i), load<N>(in.strike + i), load<N>(in.years + i),
          load<N>(in.vol + i),     load<N>(in.rate + i),
          load_bytes<N>(in.is_call + i) != std::int64_t{0}};
}

template <std::size_t N>
TEZI_INLINE void store_results(const Black76Outputs& out, std::size_t i, const Results<N>& from) {
  store(out.price + i, from.price);
  store(out.delta + i, from.delta);
  store(out.gamma + i, from.gamma);
  store(out.vega + i, from.vega);
  store(out.theta + i, from.theta);
  store_bytes(out.status + i, from.status);
}

template <std::size_t N>
[[gnu::noinline]] static void step(const Black76Inputs& in, const Black76Outputs& out,
                                   std::size_t i) {
  store_results(out, i, evaluate(load_rows<N>(in, i)));
}

// The last `count` < kLanes rows, padded with a harmless option.
static void tail(const Black76Inputs& in, const Black76Outputs& out, std::size_t from,
                 std::size_t count) {
  double rows[5][kLanes];
  std::uint8_t calls[kLanes] = {};
  const double* const sources[5] = {in.forward, in.strike, in.years, in.vol, in.rate};
  for (std::size_t column = 0; column < 5; ++column) {
    for (std::size_t i = 0; i < kLanes; ++i) rows[column][i] = 1.0;
    std::memcpy(rows[column], sources[column] + from, count * sizeof(double));
  }
  std::memcpy(calls, in.is_call + from, count);

  double results[5][kLanes];
  std::uint8_t status[kLanes];
  const Black76Inputs padded_in = {rows[0], rows[1], rows[2], rows[3], rows[4], calls};
  const Black76Outputs padded_out = {results[0], results[1], results[2],
                                     results[3], results[4], status};
  step<1>(padded_in, padded_out, 0);

  double* const sinks[5] = {out.price, out.delta, out.gamma, out.vega, out.theta};
  for (std::size_t column = 0; column < 5; ++column) {
    std::memcpy(sinks[column] + from, results[column], count * sizeof(double));
  }
  std::memcpy(out.status + from, status, count);
}

// As many rows as fit with `N` registers at once, from row `from` on; returns where it stopped.
template <std::size_t N>
static inline std::size_t steps(const Black76Inputs& in, const Black76Outputs& out,
                                std::size_t from, std::size_t count) {
  for (; from + Pack<N>::kRows <= count; from += Pack<N>::kRows) step<N>(in, out, from);
  return from;
}

void black76(const Black76Inputs& in, const Black76Outputs& out, std::size_t count) noexcept {
  std::size_t done = steps<4>(in, out, 0, count);
  done = steps<2>(in, out, done, count);
  done = steps<1>(in, out, done, count);
  if (done < count) tail(in, out, done, count - done);
}

}  // namespace tezi::TEZI_TARGET
