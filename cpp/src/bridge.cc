#include "../include/bridge.h"

#include "../include/black76.h"
#include "../include/target.h"

namespace tezi {

bool kernel_target_supported(std::uint8_t target) noexcept {
  return target_supported(static_cast<Target>(target));
}

std::uint8_t kernel_target_best() noexcept { return static_cast<std::uint8_t>(target_best()); }

void black76_batch(std::uint8_t target, std::size_t count, const double* forward,
                   const double* strike, const double* years, const double* vol,
                   const double* rate, const std::uint8_t* is_call, double* price, double* delta,
                   double* gamma, double* vega, double* theta, std::uint8_t* status) noexcept {
  const Black76Inputs in = {forward, strike, years, vol, rate, is_call};
  const Black76Outputs out = {price, delta, gamma, vega, theta, status};
  black76(static_cast<Target>(target), in, out, count);
}

}  // namespace tezi
