// The Black-76 kernel by itself, for the sanitizers: every batch length up to several packs over
// heap blocks of exactly that length, every target, regular and broken input.
//
// Accuracy is the business of tests/kernels_match_reference.rs, which sees the same kernels.

#include "../include/black76.h"
#include "support.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace {

// Columns of exactly `count` rows, so that a read or write past the end is the sanitizer's.
struct Batch {
  std::vector<double> forward, strike, years, vol, rate;
  std::vector<std::uint8_t> is_call;
  std::vector<double> price, delta, gamma, vega, theta, rho, vanna, volga, charm;
  std::vector<std::uint8_t> status;

  explicit Batch(std::size_t count)
      : forward(count), strike(count), years(count), vol(count), rate(count), is_call(count),
        price(count), delta(count), gamma(count), vega(count), theta(count), rho(count),
        vanna(count), volga(count), charm(count), status(count, 9) {}

  void set(std::size_t i, double f, double k, double t, double v, double r, bool call) {
    forward[i] = f, strike[i] = k, years[i] = t, vol[i] = v, rate[i] = r, is_call[i] = call;
  }

  void run(tezi::Target target, bool is_full = true) {
    tezi::black76(target,
                  {forward.data(), strike.data(), years.data(), vol.data(), rate.data(),
                   is_call.data()},
                  {price.data(), delta.data(), gamma.data(), vega.data(), theta.data(),
                   status.data(), is_full ? rho.data() : nullptr, is_full ? vanna.data() : nullptr,
                   is_full ? volga.data() : nullptr, is_full ? charm.data() : nullptr},
                  forward.size());
  }
};

Batch random_batch(std::size_t count, std::uint64_t seed) {
  Random random{seed};
  Batch batch(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double forward = std::exp2(random.uniform(0, 16));
    const double s = std::exp2(random.uniform(-9, 2));
    const double years = random.uniform(0.001, 3);
    batch.set(i, forward, forward * std::exp(s * random.uniform(-6, 6)), years,
              s / std::sqrt(years), random.uniform(-0.05, 0.15), random.next() % 2 == 0);
    double* const columns[] = {&batch.forward[i], &batch.strike[i], &batch.years[i], &batch.vol[i],
                               &batch.rate[i]};
    const std::uint64_t which = random.next() % 40;
    if (which < 5) *columns[which] = kOdd[random.next() % 7];
  }
  return batch;
}

bool same_lane(const Batch& a, std::size_t i, const Batch& b, std::size_t j) {
  return same(a.price[i], b.price[j]) && same(a.delta[i], b.delta[j]) &&
         same(a.gamma[i], b.gamma[j]) && same(a.vega[i], b.vega[j]) &&
         same(a.theta[i], b.theta[j]) && a.status[i] == b.status[j];
}

bool same_more(const Batch& a, std::size_t i, const Batch& b, std::size_t j) {
  return same(a.rho[i], b.rho[j]) && same(a.vanna[i], b.vanna[j]) &&
         same(a.volga[i], b.volga[j]) && same(a.charm[i], b.charm[j]);
}

// A lane alone, in any batch and on any target has the same bits.
void lanes_do_not_depend_on_the_batch(tezi::Target target) {
  for (std::size_t count = 0; count <= 80; ++count) {
    Batch batch = random_batch(count, count);
    batch.run(target);
    Batch few = batch;
    few.run(target, false);
    for (std::size_t i = 0; i < count; ++i) {
      Batch alone(1);
      alone.set(0, batch.forward[i], batch.strike[i], batch.years[i], batch.vol[i], batch.rate[i],
                batch.is_call[i] != 0);
      alone.run(tezi::Target::kBaseline);
      check(same_lane(batch, i, alone, 0), "the lane has the bits it has alone", target, i);
      check(same_more(batch, i, alone, 0), "so have the further Greeks", target, i);
      check(same_lane(batch, i, few, i), "and it has them without those", target, i);
    }
  }
}

void every_lane_has_a_status_and_bounds(tezi::Target target) {
  Batch batch = random_batch(20'000, 7);
  batch.run(target);
  for (std::size_t i = 0; i < batch.price.size(); ++i) {
    const bool is_nan = batch.price[i] != batch.price[i];
    check(batch.status[i] <= 2, "the status is known", target, i);
    check(is_nan == (batch.status[i] == 2), "NaN exactly where invalid", target, i);
    if (is_nan) continue;
    const double discount = std::exp(-batch.rate[i] * std::fmax(batch.years[i], 0.0));
    const double sign = batch.is_call[i] ? 1.0 : -1.0;
    const double inside = std::fmax((batch.forward[i] - batch.strike[i]) * sign, 0.0);
    const double most = batch.is_call[i] ? batch.forward[i] : batch.strike[i];
    const double price = batch.price[i] / discount;
    check(inside * (1 - 1e-14) <= price, "no less than intrinsic", target, i);
    check(price <= most * (1 + 1e-14), "no more than the forward or strike", target, i);
    check(batch.gamma[i] >= 0 && batch.vega[i] >= 0, "gamma and vega are not negative", target, i);
  }
}

// E. G. Haug (1998), The Complete Guide to Option Pricing Formulas, p. 24; F, T, vol, price at
// K = 100, r = 10 %; and two whose price at 17 digits is our own high-precision evaluation.
void known_values(tezi::Target target) {
  Batch batch(4);
  batch.set(0, 90, 100, 0.1, 0.15, 0.1, true);
  batch.set(1, 110, 100, 0.5, 0.35, 0.1, true);
  batch.set(2, 90, 100, 0.5, 0.15, 0.1, false);
  batch.set(3, 100, 100, 0.5, 0.2, 0.02, true);
  const double prices[] = {0.020490148536478184, 15.308599761080437, 10.319186658683074,
                           5.5811067246048101};
  batch.run(target);
  for (std::size_t i = 0; i < 4; ++i) {
    check(std::fabs(batch.price[i] / prices[i] - 1) < 1e-13, "the published price", target, i);
  }
}

}  // namespace

int main() {
  using tezi::Target;
  for (Target target : {Target::kBaseline, Target::kAvx2, Target::kAvx512}) {
    if (!tezi::target_supported(target)) {
      std::printf("skipped: target %d is not supported here\n", static_cast<int>(target));
      continue;
    }
    lanes_do_not_depend_on_the_batch(target);
    every_lane_has_a_status_and_bounds(target);
    known_values(target);
  }
  const Target best = tezi::target_best();
  check(tezi::target_supported(best), "the best target runs", best, 0);
  check(!tezi::target_supported(static_cast<Target>(77)), "others do not", Target::kBaseline, 0);
  return report("black76");
}
