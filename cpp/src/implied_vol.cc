#include "../include/implied_vol.h"

namespace tezi {

// The loop of implied_vol_loop.h, once per target.
namespace baseline {
void implied_vol(const ImpliedVolInputs& in, const ImpliedVolOutputs& out,
                 std::size_t count) noexcept;
}
#if defined(__x86_64__)
namespace avx2 {
void implied_vol(const ImpliedVolInputs& in, const ImpliedVolOutputs& out,
                 std::size_t count) noexcept;
}
namespace avx512 {
void implied_vol(const ImpliedVolInputs& in, const ImpliedVolOutputs& out,
                 std::size_t count) noexcept;
}
#endif

void implied_vol(Target target, const ImpliedVolInputs& in, const ImpliedVolOutputs& out,
                 std::size_t count) noexcept {
  switch (target) {
#if defined(__x86_64__)
    case Target::kAvx512:
      return avx512::implied_vol(in, out, count);
    case Target::kAvx2:
      return avx2::implied_vol(in, out, count);
#endif
    default:
      return baseline::implied_vol(in, out, count);
  }
}

}  // namespace tezi
