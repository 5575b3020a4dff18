// Mills ratios R(z) = N(-z)/phi(z) at c -+ t, and the bracket of Black's formula that they make.
//
// Every kernel's formula stands on R(c - t) - R(c + t), c = |ln(F/K)|/s and t = s/2; the head of
// black76_loop.h says how.
#pragma once

#include "pack.h"

namespace tezi::TEZI_TARGET {

inline constexpr double kInverseSqrtTwoPi = 0x1.9884533d43651p-2;
// Beyond it phi0 is zero: what c and t are exactly no longer shows, and powers stay in range.
inline constexpr double kStandardMax = 64.0;
// The series serves t and c t up to these: eight odd terms leave 7e-18 of the sum, and the rounding
// of the recurrence grows as sinh(c t)/(c t).
inline constexpr double kSeriesT = 0.25;
inline constexpr double kSeriesCt = 3.0;
inline constexpr std::size_t kSeriesTerms = 16;

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

// R at c and the derivatives of its Taylor series there, normalised: r[n] = R^(n)(c)/n!.
//
// R' = z R - 1, so (n + 1) r[n+1] = c r[n] + r[n-1]. The first, -(1 - c R), comes from its own
// numerator.
template <std::size_t N>
TEZI_INLINE void mills_derivatives(Pack<N> c, Pack<N> (&r)[kSeriesTerms]) {
  const Pack<N> inverse = 1.0 / horner(kMillsQ, c);
  r[0] = horner(kMillsP, c) * inverse;
  r[1] = -(horner(kMillsC, c) * inverse);
  for (std::size_t n = 1; n + 1 < kSeriesTerms; ++n) {
    r[n + 1] = (c * r[n] + r[n - 1]) * (1.0 / static_cast<double>(n + 1));
  }
}

// Every second term of the series, from the `first`, as a polynomial in t^2.
template <std::size_t N>
TEZI_INLINE Pack<N> mills_part(const Pack<N> (&r)[kSeriesTerms], std::size_t first,
                               Pack<N> square) {
  Pack<N> sum = r[kSeriesTerms - 2 + first];
  for (std::size_t n = kSeriesTerms - 2; n > 0; n -= 2) sum = sum * square + r[n - 2 + first];
  return sum;
}

// Even and odd part: R(c -+ t) = even +- t odd, R(c - t) - R(c + t) = 2 t odd.
template <std::size_t N>
TEZI_INLINE Mills<N> mills_series(Pack<N> c, Pack<N> t, Pack<N> s) {
  Pack<N> r[kSeriesTerms];
  mills_derivatives(c, r);
  const Pack<N> square = t * t;
  const Pack<N> even = mills_part(r, 0, square);
  const Pack<N> odd = mills_part(r, 1, square);
  const Pack<N> swing = t * odd;
  return {even - swing, even + swing, -(s * odd), splat_bits<N>(0)};
}

// (R(c - t) - R(c + t)) / (2 t), where the series serves.
template <std::size_t N>
TEZI_INLINE Pack<N> mills_slope(Pack<N> c, Pack<N> t) {
  Pack<N> r[kSeriesTerms];
  mills_derivatives(c, r);
  return -mills_part(r, 1, t * t);
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

}  // namespace tezi::TEZI_TARGET
