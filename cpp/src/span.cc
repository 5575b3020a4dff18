#include "../include/span.h"

namespace tezi {

// The loop of span_loop.h, once per target.
namespace baseline {
void span_arrays(const SpanGrid& grid, const SpanInputs& in, const SpanOutputs& out,
                 std::size_t count) noexcept;
}
#if defined(__x86_64__)
namespace avx2 {
void span_arrays(const SpanGrid& grid, const SpanInputs& in, const SpanOutputs& out,
                 std::size_t count) noexcept;
}
namespace avx512 {
void span_arrays(const SpanGrid& grid, const SpanInputs& in, const SpanOutputs& out,
                 std::size_t count) noexcept;
}
#endif

void span_arrays(Target target, const SpanGrid& grid, const SpanInputs& in, const SpanOutputs& out,
                 std::size_t count) noexcept {
  switch (target) {
#if defined(__x86_64__)
    case Target::kAvx512:
      return avx512::span_arrays(grid, in, out, count);
    case Target::kAvx2:
      return avx2::span_arrays(grid, in, out, count);
#endif
    default:
      return baseline::span_arrays(grid, in, out, count);
  }
}

}  // namespace tezi
