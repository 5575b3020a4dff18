// What Rust calls: the kernels' contracts as cxx can say them. See engine/host/kernels.rs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tezi {

// `target_supported` for the numeric value of a Target; false for any other number.
bool kernel_target_supported(std::uint8_t target) noexcept;

// `target_best` as a number.
std::uint8_t kernel_target_best() noexcept;

// `black76` over columns that Rust has measured. Pointers and one count, not slices: each accessor
// of a slice is a call back into Rust, and twelve of them cost more than eight options. The last
// four outputs may be null, all together.
void black76_batch(std::uint8_t target, std::size_t count, const double* forward,
                   const double* strike, const double* years, const double* vol,
                   const double* rate, const std::uint8_t* is_call, double* price, double* delta,
                   double* gamma, double* vega, double* theta, std::uint8_t* status, double* rho,
                   double* vanna, double* volga, double* charm) noexcept;

// `american` likewise; `scheme` is the value of an AmericanScheme, `vega` may be null.
void american_batch(std::uint8_t target, std::uint8_t scheme, std::size_t count, const double* spot,
                    const double* strike, const double* years, const double* vol,
                    const double* rate, const double* yield, const std::uint8_t* is_call,
                    double* price, double* delta, double* gamma, double* theta, double* european,
                    double* boundary, std::uint8_t* status, double* vega) noexcept;

// `implied_vol` likewise; `guess` may be null.
void implied_vol_batch(std::uint8_t target, std::size_t count, const double* forward,
                       const double* strike, const double* years, const double* price,
                       const double* rate, const std::uint8_t* is_call, const double* guess,
                       double* vol, std::uint8_t* status) noexcept;

// `span_arrays` likewise; `grid` leads to seven numbers: the fields of a SpanGrid in order.
void span_arrays_batch(std::uint8_t target, std::size_t count, const double* grid,
                       const double* underlying, const double* strike, const double* years,
                       const double* vol, const double* rate, const double* carry,
                       const double* price_scan, const double* vol_scan,
                       const std::uint8_t* is_call, double* value, double* loss, double* delta,
                       std::uint8_t* status) noexcept;

// `svi_fit` of `count` quotes. `start` leads to a, b, rho, m and sigma or is null; `numbers` gets
// those five, the error and the margin, `counts` the passes and the quotes used.
void svi_fit_quotes(std::uint8_t target, std::size_t count, const double* k,
                    const double* total_variance, const double* weight, const double* start,
                    double* numbers, std::uint64_t* counts) noexcept;

}  // namespace tezi
