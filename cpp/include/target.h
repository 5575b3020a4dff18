// The instruction sets that the kernels are compiled for.
//
// Every kernel has one source and one copy of it per target. The copies perform the same IEEE-754
// operations in the same order and none contracts a product and a sum into one rounding, so all of
// them give the same bits: a journal written on one machine replays on another.
#pragma once

#include <cstdint>

namespace tezi {

// The numeric values cross the language boundary and never change meaning.
enum class Target : std::uint8_t {
  kBaseline = 0,  // x86-64-v2 (2 lanes of double); on other machines, what the compiler assumes
  kAvx2 = 1,      // AVX2 (4 lanes)
  kAvx512 = 2,    // AVX-512 F, DQ, BW, VL (8 lanes)
};

// True when this processor and operating system can run `target`.
bool target_supported(Target target) noexcept;

// The widest supported target. Decided once, at the first call.
Target target_best() noexcept;

}  // namespace tezi
