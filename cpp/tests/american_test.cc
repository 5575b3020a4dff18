// The American option kernel by itself, for the sanitizers: batch lengths over heap blocks of
// exactly that length, both schemes, every target, regular and broken input.
//
// Accuracy is the business of tests/american_matches_reference.rs, which sees the same kernel.

#include "../include/american.h"
#include "support.h"

#include <cmath>
#include <vector>

namespace {

using tezi::AmericanScheme;
using tezi::AmericanStatus;

// Columns of exactly `count` rows, so that a read or write past the end is the sanitizer's.
struct Batch {
  std::vector<double> in[6], out[7];
  std::vector<std::uint8_t> is_call, status;

  explicit Batch(std::size_t count) : is_call(count), status(count, 9) {
    for (auto& column : in) column.resize(count);
    for (auto& column : out) column.resize(count);
  }

  void run(tezi::Target target, AmericanScheme scheme, bool with_vega) {
    tezi::american(target, scheme,
                   {in[0].data(), in[1].data(), in[2].data(), in[3].data(), in[4].data(),
                    in[5].data(), is_call.data()},
                   {out[0].data(), out[1].data(), out[2].data(), out[3].data(), out[4].data(),
                    out[5].data(), status.data(), with_vega ? out[6].data() : nullptr},
                   status.size());
  }
};

Batch random_batch(std::size_t count, std::uint64_t seed) {
  Random random{seed};
  Batch batch(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double strike = std::exp2(random.uniform(3, 16));
    const double row[6] = {strike * std::exp(random.uniform(-0.7, 0.7)),
                           strike,
                           std::exp(random.uniform(-6, 1.1)),
                           std::exp(random.uniform(-3, 0.4)),
                           random.uniform(-0.05, 0.15),
                           random.uniform(-0.05, 0.15)};
    for (std::size_t k = 0; k < 6; ++k) batch.in[k][i] = row[k];
    batch.is_call[i] = random.next() % 2 == 0;
    const std::uint64_t which = random.next() % 30;
    if (which < 6) batch.in[which][i] = kOdd[random.next() % 7];
  }
  return batch;
}

void check_lane(const Batch& batch, std::size_t i, tezi::Target target) {
  const auto status = static_cast<AmericanStatus>(batch.status[i]);
  check(batch.status[i] <= 6, "a status is one of those that there are", target, i);
  check(status != AmericanStatus::kUnsolved, "a boundary is found", target, i);
  const bool has_value = batch.status[i] <= 3;
  for (std::size_t k = 0; k < 5; ++k) {
    check(std::isfinite(batch.out[k][i]) == has_value, "a value is finite, or none", target, i);
  }
  if (!has_value) return;
  const double gain = batch.in[0][i] - batch.in[1][i];
  const double intrinsic = batch.is_call[i] ? gain : -gain;
  if (status != AmericanStatus::kEuropean) {
    check(batch.out[0][i] >= intrinsic, "worth its intrinsic value or more", target, i);
  }
  check(batch.out[0][i] >= batch.out[4][i], "worth the European option or more", target, i);
}

}  // namespace

int main() {
  for (const auto scheme : {AmericanScheme::kFast, AmericanScheme::kAccurate}) {
    for (std::size_t count = 0; count <= 12; ++count) {
      Batch want = random_batch(count, count + 1);
      want.run(tezi::Target::kBaseline, scheme, true);
      for (const auto target :
           {tezi::Target::kBaseline, tezi::Target::kAvx2, tezi::Target::kAvx512}) {
        if (!tezi::target_supported(target)) continue;
        Batch got = random_batch(count, count + 1);
        got.run(target, scheme, count % 2 == 0);
        for (std::size_t i = 0; i < count; ++i) {
          check_lane(got, i, target);
          bool all = got.status[i] == want.status[i];
          const std::size_t columns = count % 2 == 0 ? 7 : 6;
          for (std::size_t k = 0; k < columns; ++k) {
            all = all && same(got.out[k][i], want.out[k][i]);
          }
          check(all, "targets give the same bits", target, i);
        }
      }
    }
  }
  return report("american_test");
}
