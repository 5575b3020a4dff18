#include "../include/black76.h"

namespace tezi {

// The loop of black76_loop.h, once per target.
namespace baseline {
void black76(const Black76Inputs& in, const Black76Outputs& out, std::size_t count) noexcept;
}
#if defined(__x86_64__)
namespace avx2 {
void black76(const Black76Inputs& in, const Black76Outputs& out, std::size_t count) noexcept;
}
namespace avx512 {
void black76(const Black76Inputs& in, const Black76Outputs& out, std::size_t count) noexcept;
}
#endif

void black76(Target target, const Black76Inputs& in, const Black76Outputs& out,
             std::size_t count) noexcept {
  switch (target) {
#if defined(__x86_64__)
    case Target::kAvx512:
      return avx512::black76(in, out, count);
    case Target::kAvx2:
      return avx2::black76(in, out, count);
#endif
    default:
      return baseline::black76(in, out, count);
  }
}

}  // namespace tezi
