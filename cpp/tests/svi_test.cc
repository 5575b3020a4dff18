// The SVI fit by itself, for the sanitizers: every number of quotes up to several blocks over heap blocks
// of exactly that length, every target, regular and broken quotes, with and without a start.
//
// Accuracy is the business of tests/svi_matches_reference.rs.

#include "../include/svi.h"

#include <cmath>
#include <vector>

#include "support.h"

namespace {

struct Quotes {
  std::vector<double> k, total_variance, weight;

  tezi::SviQuotes columns() const {
    return {k.data(), total_variance.data(), weight.data(), k.size()};
  }
};

// Columns of exactly `count` rows, so that a read past the end is the sanitizer's.
Quotes random_quotes(std::size_t count, std::uint64_t seed) {
  Random random{seed};
  Quotes quotes{std::vector<double>(count), std::vector<double>(count), std::vector<double>(count)};
  for (std::size_t i = 0; i < count; ++i) {
    const double k = random.uniform(-0.2, 0.2);
    quotes.k[i] = k;
    quotes.total_variance[i] =
        0.001 + 0.02 * (std::sqrt(k * k + 0.0025) - 0.3 * k) * random.uniform(0.95, 1.05);
    quotes.weight[i] = random.uniform(0.01, 1);
    double* const columns[] = {&quotes.k[i], &quotes.total_variance[i], &quotes.weight[i]};
    const std::uint64_t which = random.next() % 40;
    if (which < 3) *columns[which] = kOdd[random.next() % 7];
  }
  return quotes;
}

bool same_fit(const tezi::SviFit& a, const tezi::SviFit& b) {
  return same(a.svi.a, b.svi.a) && same(a.svi.b, b.svi.b) && same(a.svi.rho, b.svi.rho) &&
         same(a.svi.m, b.svi.m) && same(a.svi.sigma, b.svi.sigma) && same(a.error, b.error) &&
         same(a.margin, b.margin) && a.passes == b.passes && a.used == b.used;
}

void fits_are_the_same_everywhere(tezi::Target target) {
  for (std::size_t count = 0; count <= 80; ++count) {
    const Quotes quotes = random_quotes(count, count);
    const tezi::SviFit cold = tezi::svi_fit(target, quotes.columns(), nullptr);
    const tezi::SviFit base = tezi::svi_fit(tezi::Target::kBaseline, quotes.columns(), nullptr);
    check(same_fit(cold, base), "the fit has the bits of the baseline", target, count);
    check((cold.used >= tezi::kSviQuotesMin) == (cold.error == cold.error),
          "a smile exactly from five quotes on", target, count);
    const tezi::SviFit warm = tezi::svi_fit(target, quotes.columns(), &cold.svi);
    check(!(warm.error > cold.error * (1 + 1e-9)), "a warm start makes it no worse", target, count);
    for (const double odd : kOdd) {
      const tezi::Svi start = {odd, 0.02, 0.1, 0.0, odd};
      const tezi::SviFit found = tezi::svi_fit(target, quotes.columns(), &start);
      check(found.used == cold.used && (found.error == found.error) == (cold.error == cold.error),
            "a broken start is none", target, count);
    }
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
    fits_are_the_same_everywhere(target);
  }
  return report("svi");
}
