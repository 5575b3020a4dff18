// Places, weights and interpolation that all American options share.
//
// With u the time left and T that of the option, the boundary is kept at Chebyshev's places of y,
// u = T y^3. Where the integrals look for it between those is the same for every option, so what
// the places count there is tabled once.
#pragma once

#include <cstddef>

namespace tezi {

// Places of the boundary in a block: a register of the widest target, and the same everywhere.
inline constexpr std::size_t kBlock = 8;

// `kPlaces_` places, `kRule_` nodes for each of them, `kPriceRule_` for the price.
template <std::size_t kPlaces_, std::size_t kRule_, std::size_t kPriceRule_>
struct AmericanTable {
  static constexpr std::size_t kPlaces = kPlaces_;
  static constexpr std::size_t kBlocks = kPlaces / kBlock;
  static constexpr std::size_t kRule = kRule_;
  static constexpr std::size_t kPriceRule = kPriceRule_;
  static_assert(kPlaces % kBlock == 0 && kRule % 2 == 0 && kPriceRule % 16 == 0);

  // u / T of a place and its root.
  alignas(64) double share[kPlaces];
  alignas(64) double root[kPlaces];
  // Of a node: v / u, (u - v) / u, its root, and the weight of dv / u.
  double node[kRule];
  double left[kRule];
  double left_root[kRule];
  double weight[kRule];
  // Two nodes by eight places: lane l of [block][pair][j] is what place j counts at node 2 pair +
  // l / 8 of place 8 block + l % 8.
  alignas(64) double blend[kBlocks][kRule / 2][kPlaces][2 * kBlock];
  // For the price: t / T, its root and the weight of dt / T, t the time from now.
  alignas(64) double price_left[kPriceRule];
  alignas(64) double price_root[kPriceRule];
  alignas(64) double price_weight[kPriceRule];
  alignas(64) double price_blend[kPlaces][kPriceRule];
};

using FastTable = AmericanTable<8, 16, 32>;
using AccurateTable = AmericanTable<24, 24, 48>;

// Filled at the first call.
const FastTable& american_fast_table() noexcept;
const AccurateTable& american_accurate_table() noexcept;

}  // namespace tezi
