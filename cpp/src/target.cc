#include "../include/target.h"

namespace tezi {

bool target_supported(Target target) noexcept {
  switch (target) {
    case Target::kBaseline:
      return true;
#if defined(__x86_64__)
    case Target::kAvx2:
      return __builtin_cpu_supports("avx2") != 0;
    case Target::kAvx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#endif
    default:
      return false;
  }
}

Target target_best() noexcept {
  static const Target best = target_supported(Target::kAvx512) ? Target::kAvx512
                             : target_supported(Target::kAvx2) ? Target::kAvx2
                                                               : Target::kBaseline;
  return best;
}

}  // namespace tezi
