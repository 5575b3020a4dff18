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
// part of R's Taylor series about c is summed instead (see mills.h). The in-the-money option
// follows by parity, V = D |F - K| + V_otm, which adds what is positive and loses nothing.
// P. Jaeckel (2013), "Let's be rational", writes (1) with erfcx.
#pragma once

#include "../include/black76.h"
#include "mills.h"

namespace tezi::TEZI_TARGET {

template <std::size_t N>
struct Rows {
  Pack<N> forward, strike, years, vol, rate;
  Bits<N> call;
};

template <std::size_t N>
struct Results {
  Pack<N> price, delta, gamma, vega, theta;
  Bits<N> status;
  Pack<N> rho, vanna, volga, charm;
};

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

// Price and Greeks of lanes inside the domain; the last four are zero unless `kFull`.
template <bool kFull, std::size_t N>
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
  out.rho = out.vanna = out.volga = out.charm = zero;
  if constexpr (kFull) {
    const Pack<N> d2 = select(above, c, -c) - t;
    const Pack<N> scaled_d1 = discount * density_d1;
    const Pack<N> per_vol = d2 / in.vol;
    out.rho = -(in.years * out.price);
    out.vanna = -(scaled_d1 * per_vol);
    out.volga = out.vega * ((d2 + t + t) * per_vol);
    out.charm = in.rate * out.delta + scaled_d1 * (d2 / (2.0 * in.years));
  }
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
  out.rho = -(max(in.years, zero) * out.price);
  out.vanna = zero;
  out.volga = zero;
  out.charm = select(in.years > 0.0, in.rate * out.delta, zero);
  return out;
}

template <std::size_t N>
TEZI_INLINE Results<N> blend(Bits<N> mask, const Results<N>& yes, const Results<N>& no) {
  return {select(mask, yes.price, no.price), select(mask, yes.delta, no.delta),
          select(mask, yes.gamma, no.gamma), select(mask, yes.vega, no.vega),
          select(mask, yes.theta, no.theta), select(mask, yes.status, no.status),
          select(mask, yes.rho, no.rho),     select(mask, yes.vanna, no.vanna),
          select(mask, yes.volga, no.volga), select(mask, yes.charm, no.charm)};
}

template <bool kFull, std::size_t N>
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
  Results<N> out = solve<kFull>(rows, exp(-(rows.rate * rows.years)));
  if (!all_ok) {
    const Pack<N> nan = splat<N>(__builtin_nan(""));
    const Results<N> invalid = {nan, nan, nan, nan, nan, splat_bits<N>(2), nan, nan, nan, nan};
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

template <bool kFull, std::size_t N>
TEZI_INLINE void store_results(const Black76Outputs& out, std::size_t i, const Results<N>& from) {
  store(out.price + i, from.price);
  store(out.delta + i, from.delta);
  store(out.gamma + i, from.gamma);
  store(out.vega + i, from.vega);
  store(out.theta + i, from.theta);
  store_bytes(out.status + i, from.status);
  if constexpr (kFull) {
    store(out.rho + i, from.rho);
    store(out.vanna + i, from.vanna);
    store(out.volga + i, from.volga);
    store(out.charm + i, from.charm);
  }
}

template <bool kFull, std::size_t N>
[[gnu::noinline]] static void step(const Black76Inputs& in, const Black76Outputs& out,
                                   std::size_t i) {
  store_results<kFull>(out, i, evaluate<kFull>(load_rows<N>(in, i)));
}

// The last `count` < kLanes rows, padded with a harmless option.
template <bool kFull>
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

  double results[9][kLanes];
  std::uint8_t status[kLanes];
  const Black76Inputs padded_in = {rows[0], rows[1], rows[2], rows[3], rows[4], calls};
  const Black76Outputs padded_out = {results[0], results[1], results[2], results[3], results[4],
                                     status,     results[5], results[6], results[7], results[8]};
  step<kFull, 1>(padded_in, padded_out, 0);

  double* const sinks[9] = {out.price, out.delta, out.gamma, out.vega, out.theta,
                            out.rho,   out.vanna, out.volga, out.charm};
  for (std::size_t column = 0; column < (kFull ? 9 : 5); ++column) {
    std::memcpy(sinks[column] + from, results[column], count * sizeof(double));
  }
  std::memcpy(out.status + from, status, count);
}

// As many rows as fit with `N` registers at once, from row `from` on; returns where it stopped.
template <bool kFull, std::size_t N>
static inline std::size_t steps(const Black76Inputs& in, const Black76Outputs& out,
                                std::size_t from, std::size_t count) {
  for (; from + Pack<N>::kRows <= count; from += Pack<N>::kRows) step<kFull, N>(in, out, from);
  return from;
}

template <bool kFull>
static inline void batch(const Black76Inputs& in, const Black76Outputs& out, std::size_t count) {
  std::size_t done = steps<kFull, 4>(in, out, 0, count);
  done = steps<kFull, 2>(in, out, done, count);
  done = steps<kFull, 1>(in, out, done, count);
  if (done < count) tail<kFull>(in, out, done, count - done);
}

void black76(const Black76Inputs& in, const Black76Outputs& out, std::size_t count) noexcept {
  if (out.rho != nullptr) return batch<true>(in, out, count);
  batch<false>(in, out, count);
}

}  // namespace tezi::TEZI_TARGET
