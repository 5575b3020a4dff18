#include "../include/svi.h"

namespace tezi {

// The fit of svi_loop.h, once per target.
namespace baseline {
SviFit svi_fit(const SviQuotes& quotes, const Svi* start) noexcept;
}
#if defined(__x86_64__)
namespace avx2 {
SviFit svi_fit(const SviQuotes& quotes, const Svi* start) noexcept;
}
namespace avx512 {
SviFit svi_fit(const SviQuotes& quotes, const Svi* start) noexcept;
}
#endif

SviFit svi_fit(Target target, const SviQuotes& quotes, const Svi* start) noexcept {
  switch (target) {
#if defined(__x86_64__)
    case Target::kAvx512:
      return avx512::svi_fit(quotes, start);
    case Target::kAvx2:
      return avx2::svi_fit(quotes, start);
#endif
    default:
      return baseline::svi_fit(quotes, start);
  }
}

}  // namespace tezi
