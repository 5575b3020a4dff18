// The risk array kernel by itself, for the sanitizers: every batch length up to several packs over
// heap blocks of exactly that length, every target, regular and broken input.
//
// Accuracy is the business of tests/span_matches_reference.rs, which sees the same kernel.

#include "../include/span.h"
#include "support.h"

#include <cmath>
#include <vector>

namespace {

constexpr tezi::SpanGrid kGrid = {1.0 / 365, 2, 0.35, {0.27, 0.217, 0.11, 0.038}};

// Columns of exactly `count` rows, so that a read or write past the end is the sanitizer's.
struct Batch {
  std::vector<double> columns[8], value, loss, delta;
  std::vector<std::uint8_t> is_call, status;

  explicit Batch(std::size_t count)
      : value(count), loss(count * tezi::kSpanScenarios), delta(count), is_call(count),
        status(count, 9) {
    for (auto& column : columns) column.resize(count);
  }

  void run(tezi::Target target) {
    tezi::span_arrays(target, kGrid,
                      {columns[0].data(), columns[1].data(), columns[2].data(), columns[3].data(),
                       columns[4].data(), columns[5].data(), columns[6].data(), columns[7].data(),
                       is_call.data()},
                      {value.data(), loss.data(), delta.data(), status.data()}, value.size());
  }
};

Batch random_batch(std::size_t count, std::uint64_t seed) {
  Random random{seed};
  Batch batch(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double underlying = std::exp2(random.uniform(3, 16));
    const double row[8] = {underlying,
                           underlying * std::exp(random.uniform(-1, 1)),
                           random.uniform(-0.001, 1),
                           random.uniform(0, 1.5),
                           random.uniform(-0.05, 0.15),
                           random.uniform(-0.05, 0.15),
                           underlying * random.uniform(0, 0.7),
                           random.uniform(0, 0.2)};
    for (std::size_t k = 0; k < 8; ++k) batch.columns[k][i] = row[k];
    batch.is_call[i] = random.next() % 2 == 0;
    const std::uint64_t which = random.next() % 60;
    if (which < 8) batch.columns[which][i] = kOdd[random.next() % 7];
  }
  return batch;
}

bool same_lane(const Batch& a, const Batch& b, std::size_t i) {
  bool all = a.status[i] == b.status[i] && same(a.value[i], b.value[i]) &&
             same(a.delta[i], b.delta[i]);
  for (std::size_t k = 16 * i; k < 16 * i + 16; ++k) all = all && same(a.loss[k], b.loss[k]);
  return all;
}

void check_lane(const Batch& batch, std::size_t i, tezi::Target target) {
  const bool valid = batch.status[i] == 0;
  check(valid || batch.status[i] == 2, "a status is regular or invalid", target, i);
  check((batch.value[i] >= 0) == valid, "a value is not negative, or none", target, i);
  for (std::size_t k = 16 * i; k < 16 * i + 16; ++k) {
    check(std::isfinite(batch.loss[k]) == valid, "a loss is finite, or none", target, i);
    // Nobody loses more than an option costs, but for the rounding of what was left.
    const double most = batch.value[i] + 1e-9;
    check(!valid || batch.loss[k] <= most, "a loss is at most the value", target, i);
  }
}

}  // namespace

int main() {
  for (std::size_t count = 0; count <= 70; ++count) {
    Batch want = random_batch(count, count + 1);
    want.run(tezi::Target::kBaseline);
    for (const auto target :
         {tezi::Target::kBaseline, tezi::Target::kAvx2, tezi::Target::kAvx512}) {
      if (!tezi::target_supported(target)) continue;
      Batch got = random_batch(count, count + 1);
      got.run(target);
      for (std::size_t i = 0; i < count; ++i) {
        check_lane(got, i, target);
        check(same_lane(got, want, i), "targets give the same bits", target, i);
      }
    }
  }
  return report("span_test");
}
