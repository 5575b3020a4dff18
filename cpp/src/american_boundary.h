// The exercise boundary of an American put, compiled once per target.
//
// With u the time left, X = K min(1, r/q) the boundary just before expiry, b(u) = ln(B(u)/X) and
// v the time left at an exercise in between, the put's slope of -1 at the boundary says
//
//   e^z (N(d+) + q Int e^{qv} N(d+(v)) dv) = Int e^{rv} (r - q B(v)/K) phi(d-(v)) / s dv,
//
// z = ln(B(u)/K) + (r - q) u, s = vol sqrt(u - v), d-(v) = (b(u) - b(v) + (r - q)(u - v))/s - s/2
// and d+ = d- + s; the first N(d+) is that of z and vol sqrt u. It is the fixed point FP-A of L.
// Andersen, M. Lake and D. Offengenden (2016) with what stands on both of its sides taken out:
// their terms in 1/(vol sqrt u), which near expiry drown the rest. r - q B/K is what an exercise
// earns: one density serves both sides.
//
// The square of b is nearly straight in u near expiry and is what interpolates between the places.
// Newton's method on the logarithm of the equation at all places together, with the whole matrix of
// derivatives, takes about five rounds; their fixed point takes a dozen, and with little volatility
// against a high rate does not end.
//
// A lane is a place, eight to a block, and two nodes of the rule go side by side: sums over the
// rule need no sum over lanes.
#pragma once

#include "../include/american.h"
#include "american_table.h"
#include "mills.h"

namespace tezi::TEZI_TARGET {

inline constexpr double kPi = 0x1.921fb54442d18p+1;
inline constexpr std::size_t kRoundsMax = 40;
// A step may make the square of b this many times larger or smaller; the second where that failed.
inline constexpr double kStepMax = 4.0;
inline constexpr double kSmallStepMax = 1.3;
// The least square of b: of an exercise within 1e-12 of X.
inline constexpr double kSquareMin = 1e-24;
// How far a logarithm of left over right side may be off before the last step.
inline constexpr double kOffMax = 0.1;
// The least part of N(d+) that the left side is taken for.
inline constexpr double kPartMin = 0.01;
// Stands for nothing at the places where a search begins or a sum should not have come to.
inline constexpr double kNothing = 1e-200;

// Eight lanes whatever the register, and sixteen.
inline constexpr std::size_t kEight = kBlock / kLanes;
using Eight = Pack<kEight>;
using Wide = Pack<2 * kEight>;

TEZI_INLINE Wide twice(Eight x) {
  double lane[2 * kBlock];
  store(lane, x);
  store(lane + kBlock, x);
  return load<2 * kEight>(lane);
}

TEZI_INLINE Eight halves(Wide x) {
  double lane[2 * kBlock];
  store(lane, x);
  return load<kEight>(lane) + load<kEight>(lane + kBlock);
}

TEZI_INLINE double first_of(Eight x) {
  double lane[kBlock];
  store(lane, x);
  return lane[0];
}

TEZI_INLINE double exp1(double x) { return first_of(exp(splat<kEight>(x))); }
TEZI_INLINE double log1(double a, double b) {
  return first_of(log_ratio(splat<kEight>(a), splat<kEight>(b)));
}

template <std::size_t N>
TEZI_INLINE Pack<N> density(Pack<N> d) {
  return exp(-0.5 * (d * d)) * kInverseSqrtTwoPi;
}

// phi(d) R(|d|): the smaller one of N(d) and N(-d).
template <std::size_t N>
TEZI_INLINE Pack<N> smaller_tail(Pack<N> d, Pack<N> phi) {
  return phi * mills(min(abs(d), splat<N>(kStandardMax)));
}

template <std::size_t N>
TEZI_INLINE Pack<N> normal(Pack<N> d, Pack<N> phi) {
  const Pack<N> tail = smaller_tail(d, phi);
  return select(d > 0.0, 1.0 - tail, tail);
}

// A put; a call is turned into one. `at_expiry` is X/K, `log_strike` is ln(K/X).
struct Put {
  double spot, strike, years, vol, rate, yield;
  double at_expiry, log_strike;
};

// Squares of b, and what does not change from round to round, node by node of each block.
template <class Table>
struct Search {
  static constexpr std::size_t kCells = Table::kBlocks * Table::kRule * kBlock;
  alignas(64) double square[Table::kPlaces];
  alignas(64) double deviation[kCells];   // s
  alignas(64) double inverse[kCells];     // 1/s
  alignas(64) double shift[kCells];       // d- where b(u) = b(v)
  alignas(64) double in_density[kCells];  // e^{rv} dv / s
  alignas(64) double in_normal[kCells];   // q e^{qv} dv
  // By column: [j][i] is how place i's equation changes with square j. The last is minus its value.
  alignas(64) double matrix[Table::kPlaces + 1][Table::kPlaces];
};

// One row of zeros with a one in it, to be read from any place on: the columns of the identity.
template <class Table>
struct Units {
  double number[2 * Table::kPlaces] = {};
  constexpr Units() { number[Table::kPlaces] = 1.0; }
  const double* column(std::size_t j) const { return number + Table::kPlaces - j; }
};

// P. Bjerksund and G. Stensland's (1993) boundary, of the mirrored call, never rising with u; next
// to expiry what the equation itself tends to, d+^2 = ln(vol^2 / (8 pi u g^2)) with g what an
// exercise earns there, when that is lower.
template <class Table>
TEZI_INLINE void guess(const Table& table, const Put& put, Search<Table>& search) {
  const double variance = put.vol * put.vol;
  const double carry = put.yield - put.rate;
  const double half = 0.5 - carry / variance;
  const double under = half * half + 2.0 * put.yield / variance;
  const double beta = half + __builtin_sqrt(under > 0.0 ? under : 0.0);
  // In parts of the strike, mirrored.
  const double forever = beta > 1.0 + 1e-12 ? beta / (beta - 1.0) : 1e12;
  const double start = 1.0 / put.at_expiry;
  const double room = forever > start ? forever - start : 0.0;
  const double pace = room > 1e-12 ? start / room : 0.0;
  const double most = 0.25 * log1(start + room, start) * log1(start + room, start);
  const bool is_below = put.at_expiry < 1.0;
  const double lost = put.yield * put.at_expiry;
  const Eight one = splat<kEight>(1.0);
  for (std::size_t i = 0; i < Table::kPlaces; i += kBlock) {
    const Eight years = put.years * load<kEight>(table.share + i);
    const Eight root = __builtin_sqrt(put.years) * load<kEight>(table.root + i);
    const Eight exponent = (carry * years + 2.0 * put.vol * root) * -pace;
    const Eight gone = 1.0 - exp(min(exponent, splat<kEight>(0.0)));
    const Eight b = log_ratio(start + room * gone, splat<kEight>(start));
    const Eight earned = max(put.rate - lost * (1.0 - 3.0 * put.vol * root), splat<kEight>(1e-9));
    const Eight odds = (variance / (8.0 * kPi)) / (years * earned * earned);
    const Eight against = max(odds, splat<kEight>(1.3));
    const Eight far = is_below ? splat<kEight>(0.41) : log_ratio(against, one);
    store(search.square + i, max(b * b, min(variance * years * far, splat<kEight>(most))));
  }
  // Neither falling with u nor rising faster.
  double low = kSquareMin, high = kSquareMin > search.square[0] ? kSquareMin : search.square[0];
  for (std::size_t i = 0; i < Table::kPlaces; ++i) {
    const double square = search.square[i] < high ? search.square[i] : high;
    search.square[i] = low = square > low ? square : low;
    if (i + 1 < Table::kPlaces) high = low * (table.share[i + 1] / table.share[i]);
  }
}

template <class Table>
TEZI_INLINE void prepare(const Table& table, const Put& put, Search<Table>& search) {
  const double drift = put.rate - put.yield;
  const double whole = put.vol * __builtin_sqrt(put.years);
  double* const columns[] = {search.deviation, search.inverse, search.shift, search.in_density,
                             search.in_normal};
  for (std::size_t i = 0; i < Table::kPlaces; i += kBlock) {
    const Eight years = put.years * load<kEight>(table.share + i);
    const Eight root = whole * load<kEight>(table.root + i);
    for (std::size_t k = 0; k < Table::kRule; ++k) {
      const std::size_t at = (i * Table::kRule) + k * kBlock;
      const Eight v = years * table.node[k];
      const Eight s = root * table.left_root[k];
      const Eight inverse = 1.0 / s;
      const Eight by = years * table.weight[k];
      const Eight shift = (drift * table.left[k]) * years * inverse - 0.5 * s;
      const Eight cells[] = {s, inverse, shift, exp(put.rate * v) * by * inverse,
                             put.yield * exp(put.yield * v) * by};
      for (std::size_t c = 0; c < 5; ++c) store(columns[c] + at, cells[c]);
    }
  }
}

// Both sides of a block's equations without e^z, and their slopes in b(u).
struct Sides {
  Eight left, left_slope, right, right_slope;
  Bits<kEight> is_alone;  // the left side is N(d+) in part, its integral left out
};

// With a yield below zero and b far too low the integral outweighs N(d+). What says how far is
// N(d+).
TEZI_INLINE Sides with_left(Sides both, Eight normal_part, Eight slope_part) {
  const Eight left = normal_part + both.left;
  both.is_alone = left < kPartMin * normal_part;
  both.left = select(both.is_alone, kPartMin * normal_part, left);
  both.left_slope = select(both.is_alone, kPartMin * slope_part, slope_part + both.left_slope);
  return both;
}

// Of the equations of a block; the slopes in b(v) go to `left_by` and `right_by`, node by node, and
// what b(v) changes with its square to `by_square`.
template <class Table>
TEZI_INLINE Sides sides(const Table& table, const Put& put, const Search<Table>& search,
                        std::size_t block, Eight b, double* left_by, double* right_by,
                        double* by_square) {
  const double drift = put.rate - put.yield;
  const double whole = put.vol * __builtin_sqrt(put.years);
  const Eight years = put.years * load<kEight>(table.share + block * kBlock);
  const Eight s = whole * load<kEight>(table.root + block * kBlock);
  const Eight z = b - put.log_strike + drift * years;
  const Eight d = z / s + 0.5 * s;
  const Eight first = density(d);
  const Wide by_level = twice(exp(-z));
  const Wide here = twice(b);
  const Wide zero = splat<2 * kEight>(0.0);
  Wide left = zero, left_slope = zero, right = zero, right_slope = zero;
  for (std::size_t pair = 0; pair < Table::kRule / 2; ++pair) {
    const std::size_t at = (block * Table::kRule + 2 * pair) * kBlock;
    Wide square = zero;
    for (std::size_t j = 0; j < Table::kPlaces; ++j) {
      square = square + search.square[j] * load<2 * kEight>(table.blend[block][pair][j]);
    }
    // Far from the solution the polynomial may dip below zero next to its end; there it is flat.
    const auto is_above = square > kSquareMin;
    const Wide there = -sqrt(max(square, splat<2 * kEight>(kSquareMin)));
    const Wide inverse = load<2 * kEight>(search.inverse + at);
    const Wide minus = (here - there) * inverse + load<2 * kEight>(search.shift + at);
    const Wide flow = load<2 * kEight>(search.in_density + at) * density(minus);
    const Wide lost = put.yield * exp(there - put.log_strike);
    const Wide earned = (put.rate - lost) * flow;
    const Wide bent = earned * minus * inverse;
    right = right + earned;
    right_slope = right_slope - bent;
    store(right_by + 2 * pair * kBlock, bent - lost * flow);
    store(by_square + 2 * pair * kBlock, select(is_above, 0.5 / there, zero));
    // q e^{qv} phi(d+) dv / s, from the same density.
    const Wide density_part = flow * lost * by_level;
    const Wide deviation = load<2 * kEight>(search.deviation + at);
    const Wide plus = minus + deviation;
    const Wide tail = smaller_tail(plus, density_part * deviation);
    left = left + select(plus > 0.0, load<2 * kEight>(search.in_normal + at) - tail, tail);
    left_slope = left_slope + density_part;
    store(left_by + 2 * pair * kBlock, -density_part);
  }
  const Sides sums = {halves(left), halves(left_slope), halves(right), halves(right_slope), {}};
  return with_left(sums, normal(d, first), first / s);
}

// The logarithm of left over right side at the places of a block, and its derivatives.
template <class Table>
TEZI_INLINE void equations(const Table& table, const Put& put, Search<Table>& search,
                           std::size_t block) {
  alignas(64) double left_by[Table::kRule * kBlock], right_by[Table::kRule * kBlock];
  alignas(64) double by_square[Table::kRule * kBlock];
  const std::size_t from = block * kBlock;
  const Eight b = -sqrt(load<kEight>(search.square + from));
  const Sides both = sides(table, put, search, block, b, left_by, right_by, by_square);
  const Eight years = put.years * load<kEight>(table.share + from);
  const Eight nothing = splat<kEight>(kNothing);
  const Eight left = max(both.left, nothing), right = max(both.right, nothing);
  const Eight z = b - put.log_strike + (put.rate - put.yield) * years;
  store(search.matrix[Table::kPlaces] + from, -(z + log_ratio(left, right)));
  const Eight in_left = 1.0 / left, in_right = 1.0 / right;
  const Eight own = (1.0 + both.left_slope * in_left - both.right_slope * in_right) * (0.5 / b);
  const Wide by_left = twice(select(both.is_alone, splat<kEight>(0.0), in_left));
  const Wide by_right = twice(in_right);
  for (std::size_t at = 0; at < Table::kRule * kBlock; at += 2 * kBlock) {
    const Wide change = load<2 * kEight>(left_by + at) * by_left -
                        load<2 * kEight>(right_by + at) * by_right;
    store(left_by + at, change * load<2 * kEight>(by_square + at));
  }
  static const constexpr Units<Table> units;
  for (std::size_t j = 0; j < Table::kPlaces; ++j) {
    Wide sum = splat<2 * kEight>(0.0);
    for (std::size_t pair = 0; pair < Table::kRule / 2; ++pair) {
      sum = sum + load<2 * kEight>(left_by + 2 * pair * kBlock) *
                      load<2 * kEight>(table.blend[block][pair][j]);
    }
    store(search.matrix[j] + from, halves(sum) + own * load<kEight>(units.column(j) + from));
  }
}

// Gauss and Jordan; the diagonal is the largest of its column or nearly so, and no rows are
// exchanged.
template <class Table>
TEZI_INLINE bool eliminate(Search<Table>& search) {
  static const constexpr Units<Table> units;
  for (std::size_t c = 0; c < Table::kPlaces; ++c) {
    const double pivot = search.matrix[c][c];
    if (!(__builtin_fabs(pivot) > kNothing)) return false;
    const double inverse = 1.0 / pivot;
    Eight factor[Table::kBlocks];
    for (std::size_t n = 0; n < Table::kBlocks; ++n) {
      const Eight unit = load<kEight>(units.column(c) + n * kBlock);
      factor[n] = (load<kEight>(search.matrix[c] + n * kBlock) - unit) * inverse;
    }
    for (std::size_t j = c + 1; j <= Table::kPlaces; ++j) {
      const double by = search.matrix[j][c];
      for (std::size_t n = 0; n < Table::kBlocks; ++n) {
        double* const rows = search.matrix[j] + n * kBlock;
        store(rows, load<kEight>(rows) - by * factor[n]);
      }
    }
  }
  return true;
}

// True when the boundary is found by steps of at most `step_max`. `tolerance` is of the last step,
// in parts of the square of b: with Newton's method what is left after it is about its square.
//
// The large functions are one copy each: inlined into each other they keep compilers busy for
// minutes.
template <class Table>
[[gnu::noinline]] static bool newton(const Table& table, const Put& put, double tolerance,
                                     double step_max, Search<Table>& search) {
  guess(table, put, search);
  for (std::size_t round = 0; round < kRoundsMax; ++round) {
    for (std::size_t block = 0; block < Table::kBlocks; ++block) {
      equations(table, put, search, block);
    }
    bool is_far = false;
    for (std::size_t i = 0; i < Table::kPlaces; i += kBlock) {
      const Eight off = load<kEight>(search.matrix[Table::kPlaces] + i);
      is_far = is_far || any(~(abs(off) <= kOffMax));
    }
    if (!eliminate(search)) return false;
    for (std::size_t i = 0; i < Table::kPlaces; i += kBlock) {
      const Eight square = load<kEight>(search.square + i);
      const Eight next = min(max(square + load<kEight>(search.matrix[Table::kPlaces] + i),
                                 square * (1.0 / step_max)),
                             square * step_max);
      store(search.square + i, next);
      // Not a number is far.
      is_far = is_far || any(~(abs(next - square) <= tolerance * next));
    }
    if (!is_far) return true;
  }
  return false;
}

template <class Table>
TEZI_INLINE bool find_boundary(const Table& table, const Put& put, double tolerance,
                               Search<Table>& search) {
  prepare(table, put, search);
  for (const double step_max : {kStepMax, kSmallStepMax}) {
    if (newton(table, put, tolerance, step_max, search)) return true;
  }
  return false;
}

}  // namespace tezi::TEZI_TARGET
