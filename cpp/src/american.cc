#include "../include/american.h"

namespace tezi {

// The loop of american_loop.h, once per target.
namespace baseline {
void american(AmericanScheme scheme, const AmericanInputs& in, const AmericanOutputs& out,
              std::size_t count) noexcept;
}
#if defined(__x86_64__)
namespace avx2 {
void american(AmericanScheme scheme, const AmericanInputs& in, const AmericanOutputs& out,
              std::size_t count) noexcept;
}
namespace avx512 {
void american(AmericanScheme scheme, const AmericanInputs& in, const AmericanOutputs& out,
              std::size_t count) noexcept;
}
#endif

void american(Target target, AmericanScheme scheme, const AmericanInputs& in,
              const AmericanOutputs& out, std::size_t count) noexcept {
  switch (target) {
#if defined(__x86_64__)
    case Target::kAvx512:
      return avx512::american(scheme, in, out, count);
    case Target::kAvx2:
      return avx2::american(scheme, in, out, count);
#endif
    default:
      return baseline::american(scheme, in, out, count);
  }
}

}  // namespace tezi
