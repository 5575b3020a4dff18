// The implied-volatility kernel by itself, for the sanitizers: every batch length up to several
// packs over heap blocks of exactly that length, every target, regular and broken quotes, with and
// without guesses.
//
// Accuracy is the business of tests/implied_vol_matches_reference.rs.

#include "../include/implied_vol.h"

#include <cmath>
#include <vector>

#include "../include/black76.h"
#include "support.h"

namespace {

// Columns of exactly `count` rows, so that a read or write past the end is the sanitizer's.
struct Batch {
  std::vector<double> forward, strike, years, price, rate, guess, vol;
  std::vector<std::uint8_t> is_call, status;

  explicit Batch(std::size_t count)
      : forward(count), strike(count), years(count), price(count), rate(count), guess(count),
        vol(count), is_call(count), status(count, 99) {}

  void run(tezi::Target target, bool is_warm) {
    tezi::implied_vol(target,
                      {forward.data(), strike.data(), years.data(), price.data(), rate.data(),
                       is_call.data(), is_warm ? guess.data() : nullptr},
                      {vol.data(), status.data()}, forward.size());
  }

  Batch row(std::size_t i) const {
    Batch one(1);
    one.forward = {forward[i]}, one.strike = {strike[i]}, one.years = {years[i]};
    one.price = {price[i]}, one.rate = {rate[i]}, one.guess = {guess[i]};
    one.is_call = {is_call[i]};
    return one;
  }
};

// Prices of known volatilities, which become the guesses, and now and then something broken.
Batch random_batch(std::size_t count, std::uint64_t seed) {
  Random random{seed};
  Batch batch(count);
  std::vector<double> greeks(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double s = std::exp2(random.uniform(-9, 3));
    batch.forward[i] = std::exp2(random.uniform(0, 16));
    batch.strike[i] = batch.forward[i] * std::exp(s * random.uniform(-6, 6));
    batch.years[i] = random.uniform(0.001, 3);
    batch.rate[i] = random.uniform(-0.05, 0.15);
    batch.guess[i] = s / std::sqrt(batch.years[i]);
    // Out of the money: the other side has too few digits of time value to come back.
    batch.is_call[i] = batch.strike[i] > batch.forward[i];
  }
  std::vector<std::uint8_t> status(count);
  tezi::black76(tezi::Target::kBaseline,
                {batch.forward.data(), batch.strike.data(), batch.years.data(),
                 batch.guess.data(), batch.rate.data(), batch.is_call.data()},
                {batch.price.data(), greeks.data(), greeks.data(), greeks.data(), greeks.data(),
                 status.data(), nullptr, nullptr, nullptr, nullptr},
                count);
  for (std::size_t i = 0; i < count; ++i) {
    double* const columns[] = {&batch.forward[i], &batch.strike[i], &batch.years[i],
                               &batch.price[i],   &batch.rate[i],   &batch.guess[i]};
    const std::uint64_t which = random.next() % 40;
    if (which < 6) *columns[which] = kOdd[random.next() % 7];
  }
  return batch;
}

// A lane alone, in any batch and on any target has the same bits.
void lanes_do_not_depend_on_the_batch(tezi::Target target, bool is_warm) {
  for (std::size_t count = 0; count <= 80; ++count) {
    Batch batch = random_batch(count, count);
    batch.run(target, is_warm);
    for (std::size_t i = 0; i < count; ++i) {
      Batch alone = batch.row(i);
      alone.run(tezi::Target::kBaseline, is_warm);
      check(same(batch.vol[i], alone.vol[0]) && batch.status[i] == alone.status[0],
            "the lane has the bits it has alone", target, i);
    }
  }
}

void every_lane_has_a_status_and_bounds(tezi::Target target, bool is_warm) {
  Batch batch = random_batch(20'000, 7);
  batch.run(target, is_warm);
  std::size_t solved = 0;
  for (std::size_t i = 0; i < batch.vol.size(); ++i) {
    const bool is_nan = batch.vol[i] != batch.vol[i];
    check(batch.status[i] < 6, "the status is known, and no search fails", target, i);
    check(is_nan == (batch.status[i] >= 2), "NaN exactly where there is no answer", target, i);
    check((batch.vol[i] > 0) == (batch.status[i] == 0), "an answer is positive", target, i);
    if (batch.status[i] == 0) ++solved;
  }
  check(solved > 16'000, "most quotes have an answer", target, solved);
}

}  // namespace

int main() {
  using tezi::Target;
  for (Target target : {Target::kBaseline, Target::kAvx2, Target::kAvx512}) {
    if (!tezi::target_supported(target)) {
      std::printf("skipped: target %d is not supported here\n", static_cast<int>(target));
      continue;
    }
    for (bool is_warm : {false, true}) {
      lanes_do_not_depend_on_the_batch(target, is_warm);
      every_lane_has_a_status_and_bounds(target, is_warm);
    }
  }
  return report("implied_vol");
}
