// The implied-volatility loop, compiled once per target.
//
// With s = vol sqrt(T), x = |ln(F/K)|, c = x/s and t = s/2, the out-of-the-money value over
// sqrt(FK) is b = phi0 B with B = R(c - t) - R(c + t) and phi0 = exp(-(c^2 + t^2)/2)/sqrt(2 pi) (see
// black76_loop.h). The equation ln b = ln beta needs no exponential:
//
//   f(s) = ln(B sqrt(FK) / (sqrt(2 pi) p)) - (c^2 + t^2)/2,   f'(s) = 1/B,
//
// p being the undiscounted out-of-the-money price. The start is the normal (Bachelier) implied
// volatility, by a rational, times what makes it Black's (cpp/fit_seed.py): good to 3e-5 where
// s < 0.4 and to 1e-4 where s < 1.7, for x < 1.25. One step of fourth order then ends within rounding. A lane whose step was
// not small goes with others of its kind into `search`, which brackets the root and solves
// f, or where the price is beyond half its bound the same equation for what is missing to it,
// from any start.
// P. Jaeckel (2013), "Let's be rational", shows both objectives and the attainable accuracy.
#pragma once

#include "../include/black76.h"
#include "../include/implied_vol.h"
#include "mills.h"
#include "seed_coefficients.h"

namespace tezi::TEZI_TARGET {

inline constexpr double kSqrtTwoPi = 0x1.40d931ff62706p+1;
// A relative step of this size leaves 6e-17: the factor of its fourth power is 4.4 in the wings,
// where ln b goes as -x^2/(2 s^2), and less elsewhere.
inline constexpr double kStepMax = 6e-5;
// ln(F/K) of an option at the money; it keeps the quotients of nothing by nothing apart.
inline constexpr double kLogMin = 1e-100;
inline constexpr int kRoundsMax = 64;
// Of a price above kTimeValueMin, c and t are less than these.
inline constexpr double kCentreMax = 40.0;
inline constexpr double kStandardDeviationMax = 80.0;
// In a register during the loop only: the lane waits for `search`.
inline constexpr std::int64_t kWaiting = 0xff;

template <std::size_t N>
struct Quotes {
  Pack<N> forward, strike, years, price, rate;
  Bits<N> call;
};

template <std::size_t N>
struct Problem {
  Pack<N> log;      // x
  Pack<N> apart;    // |F - K|
  Pack<N> low;      // min(F, K): the bound of `outside`
  Pack<N> root;     // sqrt(FK)
  Pack<N> outside;  // p, undiscounted
  Bits<N> status;   // lanes other than 0 hold a harmless problem
};

template <std::size_t N>
struct Answers {
  Pack<N> vol;
  Bits<N> status;
};

// Comparisons are false on NaN, so what is not shown valid is invalid.
template <std::size_t N>
TEZI_INLINE Bits<N> classify_quotes(const Quotes<N>& in, Pack<N> value, Pack<N> outside,
                                    Pack<N> low, Pack<N> root) {
  const auto code = [](ImpliedVolStatus status) __attribute__((always_inline)) {
    return splat_bits<N>(static_cast<std::int64_t>(status));
  };
  const Bits<N> valid = (in.forward >= kMoneyMin) & (in.forward <= kMoneyMax) &
                        (in.strike >= kMoneyMin) & (in.strike <= kMoneyMax) &
                        (abs(in.years) <= kTimeVolMax) & (abs(in.price) <= kMoneyMax) &
                        (abs(in.rate * max(in.years, splat<N>(0.0))) <= kDiscountMax);
  const Bits<N> shows = (outside >= root * kTimeValueMin) & (outside >= 1e-300);
  const Bits<N> below = outside < -(abs(value) * kIntrinsicSlack);
  Bits<N> status = select(shows, splat_bits<N>(0), code(ImpliedVolStatus::kAtIntrinsic));
  status = select(below, code(ImpliedVolStatus::kBelowIntrinsic), status);
  status = select(outside < low, status, code(ImpliedVolStatus::kAboveBound));
  status = select(in.years >= kTimeVolMin, status, code(ImpliedVolStatus::kNoTime));
  return select(valid, status, code(ImpliedVolStatus::kInvalid));
}

template <std::size_t N>
TEZI_INLINE Problem<N> pose(const Quotes<N>& in) {
  const Pack<N> zero = splat<N>(0.0);
  const Pack<N> one = splat<N>(1.0);
  const Pack<N> exponent = min(in.rate * max(in.years, zero), splat<N>(kDiscountMax));
  Problem<N> out;
  Pack<N> high = max(in.forward, in.strike);
  out.low = min(in.forward, in.strike);
  out.apart = high - out.low;
  out.root = sqrt(in.forward * in.strike);
  const Pack<N> value = in.price * exp(exponent);
  const Bits<N> inside = (in.forward > in.strike) == in.call;
  out.outside = value - select(inside, out.apart, zero);
  out.status = classify_quotes(in, value, out.outside, out.low, out.root);
  if (any(out.status)) {
    const Bits<N> ok = out.status == std::int64_t{0};
    high = select(ok, high, one);
    out.low = select(ok, out.low, one);
    out.apart = select(ok, out.apart, zero);
    out.root = select(ok, out.root, one);
    out.outside = select(ok, out.outside, splat<N>(0.1));
  }
  out.log = max(log_ratio(high, out.low), splat<N>(kLogMin));
  return out;
}

// The normal implied volatility as |ln(F/K)|/d, d its distance from the money.
template <std::size_t N>
TEZI_INLINE Pack<N> seed_distance(const Problem<N>& in) {
  // Beyond 1e290 the option is far outside the seed's domain, and the quotient stays in range.
  const Pack<N> twice = in.outside + in.outside;
  const Pack<N> part = max(min(in.apart, twice * 1e290), in.root * kLogMin);
  const Pack<N> u = log1p_ratio(part, twice);
  const Pack<N> v = sqrt(u);
  return horner(kSeedQ, v) / (u * horner(kSeedP, v));
}

template <std::size_t N>
TEZI_INLINE Pack<N> seed(const Problem<N>& in) {
  const Pack<N> inverse = seed_distance(in);
  const Pack<N> square = in.log * in.log;
  // |F - K|/sqrt(FK) = 2 sinh(x/2), to a seed's accuracy for x < 1.25.
  const Pack<N> n =
      in.log * (1.0 + square * (1.0 / 24.0 + square * (1.0 / 1920.0))) * inverse;
  const Pack<N> y = n * n;
  const double(&k)[9] = kSeedShape;
  const Pack<N> constant = k[0] + square * (k[1] + square * k[5]);
  const Pack<N> linear = k[2] + square * k[3];
  const Pack<N> quadratic = k[4] + square * k[6];
  const Pack<N> shape = constant + y * (linear + y * (quadratic + y * (k[7] + y * k[8])));
  return in.log * inverse * (1.0 + y * shape);
}

// R(-z) = 1/phi(z) - R(z), bounded where no search needs it.
template <std::size_t N>
TEZI_INLINE Pack<N> mills_reflected(Pack<N> z, Pack<N> r) {
  return kSqrtTwoPi * exp(min(0.5 * (z * z), splat<N>(690.0))) - r;
}

// B/s, each way only where the pack holds lanes of that kind.
template <std::size_t N>
TEZI_INLINE Pack<N> bracket_ratio(Pack<N> c, Pack<N> t, Pack<N> s) {
  const Bits<N> near = (t <= kSeriesT) & (c * t <= kSeriesCt);
  const Bits<N> far = ~near;
  if (!any(far)) return mills_slope(c, t);
  const Pack<N> z = abs(c - t);
  Pack<N> minus = mills(z);
  const Bits<N> crossed = (c < t) & far;
  if (any(crossed)) minus = select(crossed, mills_reflected(z, minus), minus);
  const Pack<N> direct = (minus - mills(c + t)) / s;
  return any(near) ? select(near, mills_slope(c, t), direct) : direct;
}

// What a step of fourth order needs: with a = B/s and f, the powers of the Newton step -f a times
// the ratios f''/f' and f'''/f', in units of s.
template <std::size_t N>
struct Local {
  Pack<N> newton, second, third;
};

template <std::size_t N>
TEZI_INLINE Local<N> local(Pack<N> f, Pack<N> a, Pack<N> c, Pack<N> t) {
  const Pack<N> cc = c * c;
  const Pack<N> tt = t * t;
  const Pack<N> h = a * (cc - tt);
  return {-(f * a), f * (1.0 - h), f * f * (h * h - 3.0 * h + 2.0 - a * a * (3.0 * cc + tt))};
}

// (s' - s)/s for one step on f. Small steps only: it is the inverse series, not its quotient.
template <std::size_t N>
TEZI_INLINE Pack<N> small_step(const Problem<N>& in, Pack<N> s) {
  const Pack<N> c = in.log / s;
  const Pack<N> t = 0.5 * s;
  const Pack<N> a = bracket_ratio(c, t, s);
  const Pack<N> scaled = a * s * (in.root * kInverseSqrtTwoPi);
  const Pack<N> f = log_ratio(scaled, in.outside) - 0.5 * (c * c + t * t);
  const Local<N> l = local(f, a, c, t);
  const Pack<N> second = l.second * 0.5;
  return l.newton * (1.0 - second + (2.0 * second * second - l.third * (1.0 / 6.0)));
}

// True where a step was so small that nothing is left to do. Near its bound the price says little,
// and f less than the other objective of `search`.
template <std::size_t N>
TEZI_INLINE Bits<N> settled(Pack<N> s, Pack<N> step, const Problem<N>& in) {
  return (abs(step) <= kStepMax) & (in.outside <= 0.75 * in.low) &
         (s <= kStandardDeviationMax) & (s * kCentreMax >= in.log);
}

template <std::size_t N>
TEZI_INLINE Answers<N> answer(const Quotes<N>& in, const Problem<N>& problem, Pack<N> s,
                              Bits<N> unsolved, std::int64_t otherwise) {
  Answers<N> out;
  out.vol = s / sqrt(in.years);
  out.status = select(unsolved & (problem.status == std::int64_t{0}),
                      splat_bits<N>(otherwise), problem.status);
  if (any(out.status)) {
    const Bits<N> at = out.status == static_cast<std::int64_t>(ImpliedVolStatus::kAtIntrinsic);
    const Pack<N> none = select(at, splat<N>(0.0), splat<N>(__builtin_nan("")));
    out.vol = select(out.status == std::int64_t{0}, out.vol, none);
  }
  return out;
}

template <std::size_t N>
TEZI_INLINE Answers<N> solve_cold(const Quotes<N>& in) {
  const Problem<N> problem = pose(in);
  const Pack<N> s = seed(problem);
  const Pack<N> step = small_step(problem, s);
  return answer(in, problem, s + s * step, ~settled(s, step, problem), kWaiting);
}

template <std::size_t N>
TEZI_INLINE Answers<N> solve_warm(const Quotes<N>& in, Pack<N> guess) {
  const Problem<N> problem = pose(in);
  const Bits<N> usable = (guess >= kTimeVolMin) & (guess <= kTimeVolMax);
  Pack<N> s = select(usable, guess, splat<N>(1.0)) * sqrt(in.years);
  s = select((s >= 1e-90) & (s <= kStandardDeviationMax), s, splat<N>(1.0));
  Pack<N> step = small_step(problem, s);
  Bits<N> done = settled(s, step, problem);
  s = s + s * step;
  if (any(~done)) {
    // The guess of 1 in 300 still needs no search, only a second step.
    const Pack<N> again = select(s > 0.0, s, splat<N>(1.0));
    step = small_step(problem, again);
    const Bits<N> settles = settled(again, step, problem);
    s = select(done, s, again + again * step);
    done = done | settles;
  }
  return answer(in, problem, s, ~done, kWaiting);
}

// The larger of two starts, both of which are below the root nearly everywhere.
template <std::size_t N>
TEZI_INLINE Pack<N> search_start(const Problem<N>& in, Bits<N> upper) {
  // p/min(F, K) = N(t - c) less what is smaller; the normal quantile z = c - t of it, M. Abramowitz
  // and I. Stegun (1964), 26.2.22.
  const Pack<N> rest = select(upper, in.low - in.outside, in.outside);
  const Pack<N> w = sqrt(2.0 * log_ratio(in.low, rest));
  const Pack<N> tail = w - (2.30753 + 0.27061 * w) / (1.0 + w * (0.99229 + w * 0.04481));
  const Pack<N> z = select(upper, -tail, tail);
  const Pack<N> root = sqrt(z * z + 2.0 * in.log);
  const Pack<N> start = select(z > 0.0, 2.0 * in.log / (z + root), root - z);
  return max(in.log * seed_distance(in), start);
}

// Solves what one step from the seed did not: any root, by safeguarded steps of fourth order.
template <std::size_t N>
TEZI_INLINE Answers<N> search(const Quotes<N>& in) {
  const Problem<N> problem = pose(in);
  const Bits<N> upper = problem.outside > 0.5 * problem.low;
  const Pack<N> target = select(upper, problem.low - problem.outside, problem.outside);
  Pack<N> from = problem.log * (1.0 / kCentreMax);
  Pack<N> to = splat<N>(kStandardDeviationMax);
  Pack<N> s = max(min(search_start(problem, upper), 0.5 * to), 1.5 * from);
  Bits<N> waiting = problem.status == std::int64_t{0};
  for (int round = 0; round < kRoundsMax && any(waiting); ++round) {
    const Pack<N> c = problem.log / s;
    const Pack<N> t = 0.5 * s;
    // B for p, and -(R(t - c) + R(c + t)) for min(F, K) - p, which obeys the same equation.
    const Pack<N> z = c - t;
    const Pack<N> r = mills(abs(z));
    const Bits<N> reflected = select(upper, z > 0.0, z < 0.0);
    const Pack<N> minus = select(reflected, mills_reflected(z, r), r);
    const Pack<N> plus = mills(c + t);
    const Bits<N> near = (t <= kSeriesT) & (c * t <= kSeriesCt) & ~upper;
    const Pack<N> direct = select(upper, -(minus + plus), minus - plus) / s;
    const Pack<N> a = select(near, mills_slope(c, t), direct);
    const Pack<N> scaled = abs(a) * s * (problem.root * kInverseSqrtTwoPi);
    const Pack<N> f = log_ratio(scaled, target) - 0.5 * (c * c + t * t);

    const Bits<N> high = select(upper, f < 0.0, f > 0.0);
    from = select(high, from, s);
    to = select(high, s, to);
    const Local<N> l = local(f, a, c, t);
    const Pack<N> step = l.newton * (1.0 + 0.5 * l.second) /
                         (1.0 + l.second + l.third * (1.0 / 6.0));
    const Pack<N> moved = s + s * step;
    const Bits<N> small = abs(step) <= kStepMax;
    const Bits<N> kept = small | ((moved > from) & (moved < to));
    s = select(waiting, select(kept, moved, sqrt(from * to)), s);
    waiting = waiting & ~small;
  }
  return answer(in, problem, s, waiting, static_cast<std::int64_t>(ImpliedVolStatus::kUnsolved));
}

// The rows of a batch that no small step solved, gathered to be searched in company. A lane's
// answer does not depend on which company.
static constexpr std::size_t kSearchRegisters = 2;

class Stragglers {
 public:
  Stragglers(const ImpliedVolInputs& in, const ImpliedVolOutputs& out) : in_(in), out_(out) {}

  void add(std::size_t row) {
    rows_[count_++] = row;
    if (count_ == kCapacity) flush();
  }

  void flush() {
    if (count_ == 0) return;
    double columns[5][kCapacity];
    std::uint8_t calls[kCapacity];
    const double* const sources[5] = {in_.forward, in_.strike, in_.years, in_.price, in_.rate};
    for (std::size_t lane = 0; lane < kCapacity; ++lane) {
      const std::size_t row = rows_[lane < count_ ? lane : 0];
      for (std::size_t column = 0; column < 5; ++column) columns[column][lane] = sources[column][row];
      calls[lane] = in_.is_call[row];
    }
    solve(columns, calls);
    count_ = 0;
  }

 private:
  static constexpr std::size_t kCapacity = Pack<kSearchRegisters>::kRows;

  [[gnu::noinline]] void solve(const double (&columns)[5][kCapacity],
                               const std::uint8_t (&calls)[kCapacity]) {
    constexpr std::size_t N = kSearchRegisters;
    const Quotes<N> quotes = {load<N>(columns[0]), load<N>(columns[1]), load<N>(columns[2]),
                              load<N>(columns[3]), load<N>(columns[4]),
                              load_bytes<N>(calls) != std::int64_t{0}};
    const Answers<N> answers = search(quotes);
    double vol[kCapacity];
    std::uint8_t status[kCapacity];
    store(vol, answers.vol);
    store_bytes(status, answers.status);
    for (std::size_t lane = 0; lane < count_; ++lane) {
      out_.vol[rows_[lane]] = vol[lane];
      out_.status[rows_[lane]] = status[lane];
    }
  }

  const ImpliedVolInputs& in_;
  const ImpliedVolOutputs& out_;
  std::size_t rows_[kCapacity];
  std::size_t count_ = 0;
};

template <std::size_t N>
[[gnu::noinline]] static bool iv_step(const ImpliedVolInputs& in, const ImpliedVolOutputs& out,
                                      std::size_t i) {
  const Quotes<N> quotes = {load<N>(in.forward + i), load<N>(in.strike + i), load<N>(in.years + i),
                            load<N>(in.price + i),   load<N>(in.rate + i),
                            load_bytes<N>(in.is_call + i) != std::int64_t{0}};
  const Answers<N> answers =
      in.guess ? solve_warm(quotes, load<N>(in.guess + i)) : solve_cold(quotes);
  store(out.vol + i, answers.vol);
  store_bytes(out.status + i, answers.status);
  return any(answers.status == kWaiting);
}

static void collect(Stragglers& stragglers, const std::uint8_t* status, std::size_t from,
                    std::size_t count) {
  for (std::size_t row = from; row < from + count; ++row) {
    if (status[row] == kWaiting) stragglers.add(row);
  }
}

template <std::size_t N>
static inline std::size_t iv_steps(const ImpliedVolInputs& in, const ImpliedVolOutputs& out,
                                   Stragglers& stragglers, std::size_t from, std::size_t count) {
  for (; from + Pack<N>::kRows <= count; from += Pack<N>::kRows) {
    if (iv_step<N>(in, out, from)) collect(stragglers, out.status, from, Pack<N>::kRows);
  }
  return from;
}

// The last `count` < kLanes rows, padded with a harmless option.
static void iv_tail(const ImpliedVolInputs& in, const ImpliedVolOutputs& out,
                    Stragglers& stragglers, std::size_t from, std::size_t count) {
  double rows[6][kLanes];
  std::uint8_t calls[kLanes] = {};
  const double* const sources[6] = {in.forward, in.strike, in.years, in.price, in.rate, in.guess};
  for (std::size_t column = 0; column < 6; ++column) {
    for (std::size_t i = 0; i < kLanes; ++i) rows[column][i] = column == 3 ? 0.1 : 1.0;
    if (sources[column]) std::memcpy(rows[column], sources[column] + from, count * sizeof(double));
  }
  std::memcpy(calls, in.is_call + from, count);
  double vol[kLanes];
  std::uint8_t status[kLanes];
  iv_step<1>({rows[0], rows[1], rows[2], rows[3], rows[4], calls, in.guess ? rows[5] : nullptr},
             {vol, status}, 0);
  std::memcpy(out.vol + from, vol, count * sizeof(double));
  std::memcpy(out.status + from, status, count);
  collect(stragglers, out.status, from, count);
}

void implied_vol(const ImpliedVolInputs& in, const ImpliedVolOutputs& out,
                 std::size_t count) noexcept {
  Stragglers stragglers(in, out);
  std::size_t done = iv_steps<4>(in, out, stragglers, 0, count);
  done = iv_steps<2>(in, out, stragglers, done, count);
  done = iv_steps<1>(in, out, stragglers, done, count);
  if (done < count) iv_tail(in, out, stragglers, done, count - done);
  stragglers.flush();
}

}  // namespace tezi::TEZI_TARGET
