#include "../include/bridge.h"

#include "../include/american.h"
#include "../include/black76.h"
#include "../include/implied_vol.h"
#include "../include/span.h"
#include "../include/svi.h"
#include "../include/target.h"

namespace tezi {

bool kernel_target_supported(std::uint8_t target) noexcept {
  return target_supported(static_cast<Target>(target));
}

std::uint8_t kernel_target_best() noexcept { return static_cast<std::uint8_t>(target_best()); }

void black76_batch(std::uint8_t target, std::size_t count, const double* forward,
                   const double* strike, const double* years, const double* vol,
                   const double* rate, const std::uint8_t* is_call, double* price, double* delta,
                   double* gamma, double* vega, double* theta, std::uint8_t* status, double* rho,
                   double* vanna, double* volga, double* charm) noexcept {
  const Black76Inputs in = {forward, strike, years, vol, rate, is_call};
  const Black76Outputs out = {price, delta, gamma, vega, theta, status, rho, vanna, volga, charm};
  black76(static_cast<Target>(target), in, out, count);
}

void american_batch(std::uint8_t target, std::uint8_t scheme, std::size_t count, const double* spot,
                    const double* strike, const double* years, const double* vol,
                    const double* rate, const double* yield, const std::uint8_t* is_call,
                    double* price, double* delta, double* gamma, double* theta, double* european,
                    double* boundary, std::uint8_t* status, double* vega) noexcept {
  const AmericanInputs in = {spot, strike, years, vol, rate, yield, is_call};
  american(static_cast<Target>(target), static_cast<AmericanScheme>(scheme), in,
           {price, delta, gamma, theta, european, boundary, status, vega}, count);
}

void implied_vol_batch(std::uint8_t target, std::size_t count, const double* forward,
                       const double* strike, const double* years, const double* price,
                       const double* rate, const std::uint8_t* is_call, const double* guess,
                       double* vol, std::uint8_t* status) noexcept {
  const ImpliedVolInputs in = {forward, strike, years, price, rate, is_call, guess};
  implied_vol(static_cast<Target>(target), in, {vol, status}, count);
}

void span_arrays_batch(std::uint8_t target, std::size_t count, const double* grid,
                       const double* underlying, const double* strike, const double* years,
                       const double* vol, const double* rate, const double* carry,
                       const double* price_scan, const double* vol_scan,
                       const std::uint8_t* is_call, double* value, double* loss, double* delta,
                       std::uint8_t* status) noexcept {
  const SpanGrid shared = {grid[0], grid[1], grid[2], {grid[3], grid[4], grid[5], grid[6]}};
  const SpanInputs in = {underlying, strike, years, vol, rate, carry, price_scan, vol_scan, is_call};
  span_arrays(static_cast<Target>(target), shared, in, {value, loss, delta, status}, count);
}

void svi_fit_quotes(std::uint8_t target, std::size_t count, const double* k,
                    const double* total_variance, const double* weight, const double* start,
                    double* numbers, std::uint64_t* counts) noexcept {
  Svi from = {};
  if (start != nullptr) from = {start[0], start[1], start[2], start[3], start[4]};
  const SviFit fit = svi_fit(static_cast<Target>(target), {k, total_variance, weight, count},
                             start != nullptr ? &from : nullptr);
  const double found[7] = {fit.svi.a,     fit.svi.b, fit.svi.rho, fit.svi.m,
                           fit.svi.sigma, fit.error, fit.margin};
  for (std::size_t i = 0; i < 7; ++i) numbers[i] = found[i];
  counts[0] = fit.passes;
  counts[1] = fit.used;
}

}  // namespace tezi
