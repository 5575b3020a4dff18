// The SVI fit, compiled once per target. See engine/core/src/pricing/svi_fit.rs for the method.
//
// A pass takes eight quotes at a time, in one, two or four registers, so that every target adds the
// same eight partial sums in the same order. Twenty sums of products are all that a step of the search
// needs; the rest is a few dozen scalar operations.
#pragma once

#include "../include/svi.h"
#include "pack.h"
#include "svi_grid.h"

namespace tezi::TEZI_TARGET {

inline constexpr std::size_t kBlock = 8;
inline constexpr std::size_t kRegisters = kBlock / kLanes;
using Block = Pack<kRegisters>;

inline constexpr double kWingMax = 2.0 - 1e-9;
inline constexpr double kSigmaMin = 1.0 / 256.0;
inline constexpr double kSigmaMax = 1.0;
inline constexpr double kReach = 0.5;
inline constexpr std::uint32_t kPassesMax = 64;
inline constexpr double kGainMin = 1e-8;
inline constexpr double kNothing = 1e-28;
inline constexpr double kDampingMin = 1e-9;
inline constexpr double kDampingRejected = 0.1;
inline constexpr double kDampingMax = 1e9;
inline constexpr double kRidge = 1.0 + 1e-13;
inline constexpr double kMoneynessMax = 1e3;
inline constexpr double kWidthMin = 1e-12;
inline constexpr double kInfinity = __builtin_inf();

TEZI_INLINE double least(double a, double b) { return a < b ? a : b; }
TEZI_INLINE double most(double a, double b) { return a > b ? a : b; }

struct QuoteBlock {
  Block k, w, weight;
};

// The eight lanes in the order in which registers of any width halve.
TEZI_INLINE double total(const Block& x) {
  double lane[kBlock];
  store(lane, x);
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

// What the quotes span, and the last rows filled up to a block with rows that weigh nothing.
struct QuoteRange {
  double low, width, weight, square;
  std::size_t used;
  std::size_t whole;  // rows in whole blocks
  double tail[3][kBlock];
};

// Rows that take no part weigh nothing and hold harmless numbers.
TEZI_INLINE QuoteBlock load_quotes(const double* k, const double* w, const double* weight) {
  QuoteBlock rows = {load<kRegisters>(k), load<kRegisters>(w), load<kRegisters>(weight)};
  const auto is_good = (abs(rows.k) <= kMoneynessMax) & (rows.w > 0.0) & (rows.w < kInfinity) &
                       (rows.weight > 0.0) & (rows.weight < kInfinity);
  const Block zero = splat<kRegisters>(0.0);
  rows.k = select(is_good, rows.k, zero);
  rows.w = select(is_good, rows.w, zero);
  rows.weight = select(is_good, rows.weight, zero);
  return rows;
}

// Every block of quotes in order.
template <class F>
TEZI_INLINE void each_block(const SviQuotes& quotes, const QuoteRange& range, F f) {
  for (std::size_t i = 0; i < range.whole; i += kBlock) {
    f(load_quotes(quotes.k + i, quotes.total_variance + i, quotes.weight + i));
  }
  if (range.whole < quotes.count) f(load_quotes(range.tail[0], range.tail[1], range.tail[2]));
}

static QuoteRange range_of(const SviQuotes& quotes) {
  QuoteRange range = {};
  range.whole = quotes.count / kBlock * kBlock;
  const double* const columns[3] = {quotes.k, quotes.total_variance, quotes.weight};
  for (std::size_t i = 0; i < 3; ++i) {
    if (range.whole == quotes.count) break;
    std::memcpy(range.tail[i], columns[i] + range.whole,
                (quotes.count - range.whole) * sizeof(double));
  }
  Block low = splat<kRegisters>(kInfinity);
  Block high = -low;
  Block weight = splat<kRegisters>(0.0), square = weight, used = weight;
  const Block one = splat<kRegisters>(1.0), zero = weight;
  each_block(quotes, range, [&](const QuoteBlock& rows) __attribute__((always_inline)) {
    const auto takes_part = rows.weight > 0.0;
    low = select(takes_part, min(low, rows.k), low);
    high = select(takes_part, max(high, rows.k), high);
    weight = weight + rows.weight;
    square = square + rows.weight * rows.w * rows.w;
    used = used + select(takes_part, one, zero);
  });
  double lows[kBlock], highs[kBlock];
  store(lows, low);
  store(highs, high);
  for (std::size_t i = 1; i < kBlock; ++i) {
    lows[0] = least(lows[0], lows[i]);
    highs[0] = most(highs[0], highs[i]);
  }
  range.low = lows[0];
  range.width = highs[0] - lows[0];
  range.weight = total(weight);
  range.square = total(square);
  range.used = static_cast<std::size_t>(total(used));
  return range;
}

// Level and wings.
struct Linear {
  double level, right, left;
};

// A place and width of the bend with the best of all else, and the way on from there.
struct Point {
  double m, sigma;
  Linear linear;
  double cost;
  double ss, st, tt;  // the projected normal matrix of the derivatives by place and width
  double s, t;        // the gradient
};

// Weighted sums of p, q, s = y/z, t = sigma/z - 1 and the residual r, and of their products, which
// are about the means.
struct Sums {
  double p, q, s, t, r;
  double pp, pq, ps, pt, pr, qq, qs, qt, qr, ss, st, sr, tt, tr, rr;
};

static Sums sums_of(const SviQuotes& quotes, const QuoteRange& range, double m, double sigma,
                    const Linear& near) {
  Block sum[20];
  for (Block& each : sum) each = splat<kRegisters>(0.0);
  const double square = sigma * sigma;
  each_block(quotes, range, [&](const QuoteBlock& rows) __attribute__((always_inline)) {
    const Block y = rows.k - m;
    const Block z = sqrt(y * y + square);
    const Block inverse = 1.0 / z;
    const Block h = z - sigma;
    const Block p = 0.5 * (h + y), q = 0.5 * (h - y);
    const Block s = y * inverse, t = sigma * inverse - 1.0;
    const Block r = rows.w - (near.level + near.right * p + near.left * q);
    const Block wp = rows.weight * p, wq = rows.weight * q, ws = rows.weight * s;
    const Block wt = rows.weight * t, wr = rows.weight * r;
    const Block terms[20] = {wp,     wq,     ws,     wt,     wr,     wp * p, wp * q,
                             wp * s, wp * t, wp * r, wq * q, wq * s, wq * t, wq * r,
                             ws * s, ws * t, ws * r, wt * t, wt * r, wr * r};
#pragma GCC unroll 20
    for (std::size_t i = 0; i < 20; ++i) sum[i] = sum[i] + terms[i];
  });
  double v[20];
  for (std::size_t i = 0; i < 20; ++i) v[i] = total(sum[i]);
  const double inverse = 1.0 / range.weight;
  const double p = v[0] * inverse, q = v[1] * inverse, s = v[2] * inverse, t = v[3] * inverse;
  const double r = v[4] * inverse;
  return {v[0], v[1], v[2], v[3], v[4],
          v[5] - p * v[0], v[6] - p * v[1], v[7] - p * v[2], v[8] - p * v[3], v[9] - p * v[4],
          v[10] - q * v[1], v[11] - q * v[2], v[12] - q * v[3], v[13] - q * v[4],
          v[14] - s * v[2], v[15] - s * v[3], v[16] - s * v[4],
          v[17] - t * v[3], v[18] - t * v[4], v[19] - r * v[4]};
}

struct Wings {
  double x, y;  // changes of the right and of the left slope
  bool right_is_free, left_is_free;
};

TEZI_INLINE double wings_objective(const Sums& o, double x, double y) {
  return (0.5 * o.pp * x + o.pq * y - o.pr) * x + (0.5 * o.qq * y - o.qr) * y;
}

// The best slopes on the edges of what is allowed: rare, and kept out of the common way.
[[gnu::noinline]] static Wings wings_on_edges(const Sums& o, double right_low, double right_high,
                                              double left_low, double left_high) {
  const auto clamp = [](double x, double low, double high) {
    return x > low ? least(x, high) : low;
  };
  const auto given_right = [&](double x) {
    return Wings{x, clamp((o.qr - o.pq * x) / o.qq, left_low, left_high), false, false};
  };
  const auto given_left = [&](double y) {
    return Wings{clamp((o.pr - o.pq * y) / o.pp, right_low, right_high), y, false, false};
  };
  const Wings edges[4] = {given_right(right_low), given_right(right_high), given_left(left_low),
                          given_left(left_high)};
  Wings best = edges[0];
  for (std::size_t i = 1; i < 4; ++i) {
    if (wings_objective(o, edges[i].x, edges[i].y) < wings_objective(o, best.x, best.y)) {
      best = edges[i];
    }
  }
  best.right_is_free = right_low < best.x && best.x < right_high;
  best.left_is_free = left_low < best.y && best.y < left_high;
  return best;
}

// The best wings and level for these sums, what is left, and the projected equations.
static Point solve(double m, double sigma, const Linear& near, Sums o, double weight) {
  o.pp *= kRidge;
  o.qq *= kRidge;
  const double inverse = 1.0 / (o.pp * o.qq - o.pq * o.pq);
  const double right_low = -near.right, right_high = kWingMax - near.right;
  const double left_low = -near.left, left_high = kWingMax - near.left;
  Wings wings = {(o.pr * o.qq - o.qr * o.pq) * inverse, (o.qr * o.pp - o.pr * o.pq) * inverse, true,
                 true};
  const bool is_inside = right_low <= wings.x && wings.x <= right_high && left_low <= wings.y &&
                         wings.y <= left_high;
  if (!is_inside) wings = wings_on_edges(o, right_low, right_high, left_low, left_high);

  const auto projected = [&](double ap, double aq, double bp, double bq) {
    if (wings.right_is_free && wings.left_is_free) {
      return (ap * (bp * o.qq - bq * o.pq) + aq * (bq * o.pp - bp * o.pq)) * inverse;
    }
    if (wings.right_is_free) return ap * bp / o.pp;
    return wings.left_is_free ? aq * bq / o.qq : 0.0;
  };
  Point out;
  out.m = m;
  out.sigma = sigma;
  out.linear.level = near.level + (o.r - o.p * wings.x - o.q * wings.y) / weight;
  out.linear.right = least(most(near.right + wings.x, 0.0), kWingMax);
  out.linear.left = least(most(near.left + wings.y, 0.0), kWingMax);
  out.cost = most(o.rr + 2.0 * wings_objective(o, wings.x, wings.y), 0.0);
  out.ss = o.ss - projected(o.ps, o.qs, o.ps, o.qs);
  out.st = o.st - projected(o.ps, o.qs, o.pt, o.qt);
  out.tt = o.tt - projected(o.pt, o.qt, o.pt, o.qt);
  out.s = o.sr - o.ps * wings.x - o.qs * wings.y;
  out.t = o.tr - o.pt * wings.x - o.qt * wings.y;
  return out;
}

struct Search {
  const SviQuotes& quotes;
  const QuoteRange& range;
  std::uint32_t passes;

  double inside_m(double m) const {
    return least(most(m, range.low - kReach * range.width),
                 range.low + range.width + kReach * range.width);
  }

  double inside_sigma(double sigma) const {
    return least(most(sigma, kSigmaMin * range.width), kSigmaMax * range.width);
  }

  Point pass(double m, double sigma, const Linear& near) {
    ++passes;
    return solve(m, sigma, near, sums_of(quotes, range, m, sigma, near), range.weight);
  }

  Point warm(const Svi& start) {
    const Linear near = {start.a + start.b * start.sigma, start.b * (1.0 + start.rho),
                         start.b * (1.0 - start.rho)};
    return pass(inside_m(start.m), inside_sigma(start.sigma), near);
  }

  // The best of nine places, its linear solution refined by a second pass.
  Point cold() {
    Point best = {};
    best.cost = kInfinity;
    for (const double place : {0.5, 0.3, 0.7}) {
      for (const double width : {0.1, 0.3, 1.0}) {
        const Point point = pass(range.low + place * range.width, width * range.width, Linear{});
        if (point.cost < best.cost) best = point;
      }
    }
    if (!(best.cost < kInfinity)) return pass(range.low, range.width, Linear{});
    return pass(best.m, best.sigma, best.linear);
  }

  // Levenberg and Marquardt's search, damped by Nielsen's rule.
  void improve(Point& best) {
    double damping = 1e-3, raise = 2.0;
    while (passes < kPassesMax && damping < kDampingMax) {
      if (best.cost <= kNothing * range.square) return;
      double m, sigma, gain;
      if (!step(best, damping, m, sigma, gain) || gain <= kGainMin * best.cost) return;
      const Point trial = pass(m, sigma, best.linear);
      const double ratio = (best.cost - trial.cost) / gain;
      if (ratio > 0.0) {
        best = trial;
        const double surprise = 2.0 * least(ratio, 1.0) - 1.0;
        damping = most(damping * most(1.0 - surprise * surprise * surprise, 0.1), kDampingMin);
        raise = 2.0;
      } else {
        damping = most(damping * raise, kDampingRejected);
        raise *= 2.0;
      }
    }
  }

  // Where the damped equations lead, and what they promise; false when there is no way on.
  bool step(const Point& from, double damping, double& m, double& sigma, double& gain) const {
    const double bend = 0.5 * (from.linear.right + from.linear.left);
    const double ss = from.ss * (1.0 + damping), tt = from.tt * (1.0 + damping);
    const double determinant = ss * tt - from.st * from.st;
    if (!(bend > 0.0 && determinant > 0.0)) return false;
    const double inverse = 1.0 / determinant, per_bend = 1.0 / bend;
    double by_s = (from.s * tt - from.t * from.st) * inverse;
    double by_t = (from.t * ss - from.s * from.st) * inverse;
    // At a bound that the step would cross, the other unknown is searched alone.
    if (inside_sigma(from.sigma + by_t * per_bend) == from.sigma) {
      by_s = from.s / ss;
      by_t = 0.0;
    } else if (inside_m(from.m - by_s * per_bend) == from.m) {
      by_s = 0.0;
      by_t = from.t / tt;
    }
    gain = by_s * (damping * from.ss * by_s + from.s) + by_t * (damping * from.tt * by_t + from.t);
    const double limit = 0.5 * range.width;
    m = inside_m(from.m + least(most(-by_s * per_bend, -limit), limit));
    const double wide = from.sigma + by_t * per_bend;
    sigma = inside_sigma(least(most(wide, 0.25 * from.sigma), 4.0 * from.sigma));
    return m != from.m || sigma != from.sigma;
  }
};

// The least g where k = m + sigma sinh x, x evenly from -8 to 8; -1 without a positive least total
// variance. There sqrt((k - m)^2 + sigma^2) is sigma cosh x: one division a place.
static double screen(const Svi& svi) {
  const double least_bend = most(1.0 - svi.rho * svi.rho, 0.0);
  if (!(svi.a + svi.b * svi.sigma * __builtin_sqrt(least_bend) > 0.0)) return -1.0;
  const double scale = svi.b * svi.sigma, curve = 0.5 * svi.b / svi.sigma;
  Block lowest = splat<kRegisters>(kInfinity);
  for (std::size_t i = 0; i < kScreenPlaces; i += kBlock) {
    const Block sinh = load<kRegisters>(kScreenSinh + i);
    const Block k = svi.m + svi.sigma * sinh;
    const Block w = svi.a + scale * (svi.rho * sinh + load<kRegisters>(kScreenCosh + i));
    const Block slope = svi.b * (svi.rho + load<kRegisters>(kScreenTanh + i));
    const Block inverse = 1.0 / w;
    const Block rest = 1.0 - 0.5 * (k * slope * inverse);
    const Block fall = 0.25 * (slope * slope * (inverse + 0.25));
    lowest = min(rest * rest - fall + curve * load<kRegisters>(kScreenSechCubed + i), lowest);
  }
  double lanes[kBlock];
  store(lanes, lowest);
  for (std::size_t i = 1; i < kBlock; ++i) lanes[0] = least(lanes[i], lanes[0]);
  return lanes[0];
}

static bool is_smile(const Svi& svi) {
  const double sum = svi.a + svi.b + svi.rho + svi.m;
  return __builtin_fabs(sum) < kInfinity && svi.sigma > 0.0 && svi.sigma < kInfinity;
}

SviFit svi_fit(const SviQuotes& quotes, const Svi* start) noexcept {
  const double nan = __builtin_nan("");
  const QuoteRange range = range_of(quotes);
  SviFit out = {{nan, nan, nan, nan, nan}, nan, nan, 0, range.used};
  const bool is_enough = range.used >= kSviQuotesMin && range.width >= kWidthMin;
  if (!is_enough || !(range.square < kInfinity)) return out;
  Search search = {quotes, range, 0};
  Point best = start != nullptr && is_smile(*start) ? search.warm(*start) : search.cold();
  // From a start so far off that digits are lost, or from no number, nothing is better.
  if (!(best.cost <= range.square)) best = search.cold();
  search.improve(best);
  const double b = 0.5 * (best.linear.right + best.linear.left);
  const double rho = b > 0.0 ? 0.5 * (best.linear.right - best.linear.left) / b : 0.0;
  out.svi = {best.linear.level - b * best.sigma, b, rho, best.m, best.sigma};
  out.error = __builtin_sqrt(best.cost / range.weight);
  out.margin = screen(out.svi);
  out.passes = search.passes;
  return out;
}

}  // namespace tezi::TEZI_TARGET
