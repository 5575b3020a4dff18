// What the C++ tests share: checks that count, and a seeded generator.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>

#include "../include/target.h"

inline int failures = 0;

inline void check(bool holds, const char* rule, tezi::Target target, std::size_t lane) {
  if (holds) return;
  ++failures;
  std::printf("FAILED: %s (target %d, lane %zu)\n", rule, static_cast<int>(target), lane);
}

// Ends a test program: its exit code.
inline int report(const char* name) {
  if (failures == 0) {
    std::printf("%s: ok\n", name);
  } else {
    std::printf("%s: %d failures\n", name, failures);
  }
  return failures == 0 ? 0 : 1;
}

// SplitMix64 (Steele, Lea, Flood 2014).
struct Random {
  std::uint64_t state;

  std::uint64_t next() {
    std::uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(next() >> 11) * 0x1p-53;
  }
};

inline constexpr double kOdd[] = {0.0,
                                  -1.0,
                                  -0.0,
                                  1e-80,
                                  1e120,
                                  std::numeric_limits<double>::infinity(),
                                  std::numeric_limits<double>::quiet_NaN()};

inline bool same(double a, double b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b);
}
