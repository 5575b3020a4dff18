#include "american_table.h"

namespace tezi {
namespace {

constexpr double kPi = 0x1.921fb54442d18p+1;

// sin(x) and cos(x) by Taylor's series for |x| <= 3.2. A library's may differ from machine to
// machine in the last bit, and prices with it.
double series(double x, int first, double term) noexcept {
  double sum = term;
  for (int n = first; n < 34; n += 2) {
    term *= -(x * x) / static_cast<double>(n * (n + 1));
    sum += term;
  }
  return sum;
}

double sine(double x) noexcept { return series(x, 2, x); }
double cosine(double x) noexcept { return series(x, 1, 1.0); }

double cube_root(double x) noexcept {
  double y = 1.0;
  for (int round = 0; round < 80; ++round) y = (2.0 * y + x / (y * y)) / 3.0;
  return y;
}

// Gauss's rule on (0, 1).
template <std::size_t kCount>
void gauss(double (&place)[kCount], double (&weight)[kCount]) noexcept {
  const double n = static_cast<double>(kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    double x = cosine(kPi * (static_cast<double>(i) + 0.75) / (n + 0.5));
    double slope = 1.0;
    for (int round = 0; round < 8; ++round) {
      double before = 1.0, now = x;
      for (std::size_t k = 2; k <= kCount; ++k) {
        const double of = static_cast<double>(k);
        const double next = ((2.0 * of - 1.0) * x * now - (of - 1.0) * before) / of;
        before = now;
        now = next;
      }
      slope = n * (x * now - before) / (x * x - 1.0);
      x -= now / slope;
    }
    place[i] = 0.5 * (1.0 + x);
    weight[i] = 1.0 / ((1.0 - x * x) * slope * slope);
  }
}

// The polynomial through kPlaces + 1 values, the first of them 0, in the barycentric form of J.-P.
// Berrut and L. Trefethen (2004).
template <std::size_t kPlaces>
struct Chebyshev {
  double y[kPlaces + 1];

  Chebyshev() noexcept {
    // The first half by differences that do not cancel.
    for (std::size_t i = 0; i <= kPlaces; ++i) {
      const double half = sine(0.5 * kPi * static_cast<double>(i) / static_cast<double>(kPlaces));
      y[i] = half * half;
    }
  }

  // What every place but the first counts at x.
  void blend(double x, double (&count)[kPlaces]) const noexcept {
    double sum = 0.0, part[kPlaces + 1];
    for (std::size_t j = 0; j <= kPlaces; ++j) {
      const double gap = x - y[j];
      const bool is_end = j == 0 || j == kPlaces;
      part[j] = (j % 2 == 0 ? 1.0 : -1.0) * (is_end ? 0.5 : 1.0) / (gap == 0.0 ? 1e-300 : gap);
      sum += part[j];
    }
    for (std::size_t j = 1; j <= kPlaces; ++j) count[j - 1] = part[j] / sum;
  }
};

// v = u cos^2 a makes both ends of the integrals smooth; a = (pi/2) (1 - (1 - x)^2) sets the nodes
// closer where v is small and the boundary steep.
template <class Table>
void fill_rule(Table& table, const Chebyshev<Table::kPlaces>& chebyshev) noexcept {
  double place[Table::kRule], weight[Table::kRule], count[Table::kPlaces];
  gauss(place, weight);
  for (std::size_t k = 0; k < Table::kRule; ++k) {
    const double rest = 1.0 - place[k];
    const double c = sine(0.5 * kPi * rest * rest), s = cosine(0.5 * kPi * rest * rest);
    table.node[k] = c * c;
    table.left[k] = s * s;
    table.left_root[k] = s;
    table.weight[k] = weight[k] * 2.0 * s * c * kPi * rest;
    for (std::size_t i = 0; i < Table::kPlaces; ++i) {
      chebyshev.blend(chebyshev.y[i + 1] * cube_root(c * c), count);
      for (std::size_t j = 0; j < Table::kPlaces; ++j) {
        table.blend[i / kBlock][k / 2][j][k % 2 * kBlock + i % kBlock] = count[j];
      }
    }
  }
}

// t = T sin^2 a with a = (pi/2) x^2: a spot near the boundary makes the integrand steep near now.
template <class Table>
void fill_price_rule(Table& table, const Chebyshev<Table::kPlaces>& chebyshev) noexcept {
  double place[Table::kPriceRule], weight[Table::kPriceRule], count[Table::kPlaces];
  gauss(place, weight);
  for (std::size_t k = 0; k < Table::kPriceRule; ++k) {
    const double angle = 0.5 * kPi * place[k] * place[k];
    const double s = sine(angle), c = cosine(angle);
    table.price_left[k] = s * s;
    table.price_root[k] = s;
    table.price_weight[k] = weight[k] * 2.0 * s * c * kPi * place[k];
    chebyshev.blend(cube_root(c * c), count);
    for (std::size_t j = 0; j < Table::kPlaces; ++j) table.price_blend[j][k] = count[j];
  }
}

template <class Table>
struct Filled {
  Table table;

  Filled() noexcept {
    const Chebyshev<Table::kPlaces> chebyshev;
    for (std::size_t i = 0; i < Table::kPlaces; ++i) {
      const double y = chebyshev.y[i + 1];
      table.share[i] = y * y * y;
      table.root[i] = __builtin_sqrt(table.share[i]);
    }
    fill_rule(table, chebyshev);
    fill_price_rule(table, chebyshev);
  }
};

}  // namespace

const FastTable& american_fast_table() noexcept {
  static const Filled<FastTable> filled;
  return filled.table;
}

const AccurateTable& american_accurate_table() noexcept {
  static const Filled<AccurateTable> filled;
  return filled.table;
}

}  // namespace tezi
