// A pack of doubles in a few vector registers, and the elementary functions on it.
//
// Included once per target, with TEZI_TARGET (a namespace) and TEZI_LANES (doubles in a register)
// defined. A pack of four registers keeps four independent chains of operations in flight, which
// the processor's window is too short to find by itself across loop turns. Everything is
// branch-free: a lane's operations are the same whatever the other lanes hold.
//
// There is no fused multiply-add here, on purpose. Without it every target rounds alike, and the
// products and sums of these polynomials go to different execution ports, which fill about as fast.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "coefficients.h"

#if !defined(TEZI_TARGET) || !defined(TEZI_LANES)
#error "define TEZI_TARGET and TEZI_LANES before including pack.h"
#endif

namespace tezi::TEZI_TARGET {

inline constexpr std::size_t kLanes = TEZI_LANES;
using Vector = double __attribute__((vector_size(8 * TEZI_LANES)));
using VectorBits = std::int64_t __attribute__((vector_size(8 * TEZI_LANES)));
using UnsignedBits = std::uint64_t __attribute__((vector_size(8 * TEZI_LANES)));
using VectorBytes = std::uint8_t __attribute__((vector_size(TEZI_LANES)));

#define TEZI_INLINE [[gnu::always_inline]] static inline

// kCount registers of doubles.
template <std::size_t kCount>
struct Pack {
  static constexpr std::size_t kRows = kCount * kLanes;
  Vector v[kCount];
};

// kCount registers of 64-bit integers; also the masks, each lane 0 or -1.
template <std::size_t kCount>
struct Bits {
  VectorBits v[kCount];
};

// One register of `Out` after the other, from its index. Not a loop: the compiler must see constant
// indices before it decides to keep the registers of a pack out of memory.
template <class Out, class F, std::size_t... kIndex>
TEZI_INLINE Out build(F f, std::index_sequence<kIndex...>) {
  return Out{{f(kIndex)...}};
}

#define TEZI_EACH(Out, expression) \
  build<Out>([&](std::size_t i) __attribute__((always_inline)) { return expression; }, \
             std::make_index_sequence<N>{})

template <std::size_t N>
TEZI_INLINE Pack<N> splat(double x) {
  return TEZI_EACH(Pack<N>, ((void)i, x - Vector{}));
}

template <std::size_t N>
TEZI_INLINE Bits<N> splat_bits(std::int64_t x) {
  return TEZI_EACH(Bits<N>, ((void)i, x - VectorBits{}));
}

// One operator, between two packs and between a pack and a number on either side.
#define TEZI_OPERATOR(op, Result, Operand, Scalar)                \
  template <std::size_t N>                                        \
  TEZI_INLINE Result<N> operator op(Operand<N> a, Operand<N> b) { \
    return TEZI_EACH(Result<N>, a.v[i] op b.v[i]);                \
  }                                                               \
  template <std::size_t N>                                        \
  TEZI_INLINE Result<N> operator op(Operand<N> a, Scalar b) {     \
    return TEZI_EACH(Result<N>, a.v[i] op b);                     \
  }                                                               \
  template <std::size_t N>                                        \
  TEZI_INLINE Result<N> operator op(Scalar a, Operand<N> b) {     \
    return TEZI_EACH(Result<N>, a op b.v[i]);                     \
  }
TEZI_OPERATOR(+, Pack, Pack, double)
TEZI_OPERATOR(-, Pack, Pack, double)
TEZI_OPERATOR(*, Pack, Pack, double)
TEZI_OPERATOR(/, Pack, Pack, double)
TEZI_OPERATOR(<, Bits, Pack, double)
TEZI_OPERATOR(<=, Bits, Pack, double)
TEZI_OPERATOR(>, Bits, Pack, double)
TEZI_OPERATOR(>=, Bits, Pack, double)
TEZI_OPERATOR(+, Bits, Bits, std::int64_t)
TEZI_OPERATOR(-, Bits, Bits, std::int64_t)
TEZI_OPERATOR(&, Bits, Bits, std::int64_t)
TEZI_OPERATOR(|, Bits, Bits, std::int64_t)
TEZI_OPERATOR(<<, Bits, Bits, std::int64_t)
TEZI_OPERATOR(==, Bits, Bits, std::int64_t)
TEZI_OPERATOR(!=, Bits, Bits, std::int64_t)
#undef TEZI_OPERATOR

// Without the sign; narrow targets have no other for 64 bits.
template <std::size_t N>
TEZI_INLINE Bits<N> shift_right(Bits<N> x, int by) {
  return TEZI_EACH(Bits<N>,
                   reinterpret_cast<VectorBits>(reinterpret_cast<UnsignedBits>(x.v[i]) >> by));
}

template <std::size_t N>
TEZI_INLINE Pack<N> operator-(Pack<N> x) {
  return TEZI_EACH(Pack<N>, -x.v[i]);
}

template <std::size_t N>
TEZI_INLINE Bits<N> operator~(Bits<N> x) {
  return TEZI_EACH(Bits<N>, ~x.v[i]);
}

template <std::size_t N>
TEZI_INLINE Bits<N> bits_of(Pack<N> x) {
  return TEZI_EACH(Bits<N>, reinterpret_cast<VectorBits>(x.v[i]));
}

template <std::size_t N>
TEZI_INLINE Pack<N> pack_of(Bits<N> x) {
  return TEZI_EACH(Pack<N>, reinterpret_cast<Vector>(x.v[i]));
}

// `yes` where the mask is set, `no` elsewhere; of packs or of bits.
template <template <std::size_t> class Of, std::size_t N>
TEZI_INLINE Of<N> select(Bits<N> mask, Of<N> yes, Of<N> no) {
  return TEZI_EACH(Of<N>, (mask.v[i] ? yes.v[i] : no.v[i]));
}

template <std::size_t N>
TEZI_INLINE bool any(Bits<N> mask) {
  VectorBits all = mask.v[0];
  for (std::size_t i = 1; i < N; ++i) all |= mask.v[i];
  std::int64_t set = 0;
  for (std::size_t i = 0; i < kLanes; ++i) set |= all[i];
  return set != 0;
}

TEZI_INLINE Vector load_vector(const double* from) {
  Vector x;
  std::memcpy(&x, from, sizeof x);
  return x;
}

TEZI_INLINE VectorBits load_vector_bytes(const std::uint8_t* from) {
  VectorBytes narrow;
  std::memcpy(&narrow, from, sizeof narrow);
  return __builtin_convertvector(narrow, VectorBits);
}

template <std::size_t N>
TEZI_INLINE Pack<N> load(const double* from) {
  return TEZI_EACH(Pack<N>, load_vector(from + i * kLanes));
}

template <std::size_t N>
TEZI_INLINE Bits<N> load_bytes(const std::uint8_t* from) {
  return TEZI_EACH(Bits<N>, load_vector_bytes(from + i * kLanes));
}

template <std::size_t N>
TEZI_INLINE void store(double* to, Pack<N> x) {
  for (std::size_t i = 0; i < N; ++i) std::memcpy(to + i * kLanes, &x.v[i], sizeof x.v[i]);
}

template <std::size_t N>
TEZI_INLINE void store_bytes(std::uint8_t* to, Bits<N> x) {
  for (std::size_t i = 0; i < N; ++i) {
    const VectorBytes narrow = __builtin_convertvector(x.v[i], VectorBytes);
    std::memcpy(to + i * kLanes, &narrow, sizeof narrow);
  }
}

template <std::size_t N>
TEZI_INLINE Pack<N> abs(Pack<N> x) {
  return pack_of(bits_of(x) & std::int64_t{0x7fffffffffffffff});
}

template <std::size_t N>
TEZI_INLINE Pack<N> min(Pack<N> x, Pack<N> y) {
  return select(x < y, x, y);
}

template <std::size_t N>
TEZI_INLINE Pack<N> max(Pack<N> x, Pack<N> y) {
  return select(x > y, x, y);
}

// Correctly rounded, like the four operations.
TEZI_INLINE Vector sqrt_vector(Vector x) {
  for (std::size_t i = 0; i < kLanes; ++i) x[i] = __builtin_sqrt(x[i]);
  return x;
}

template <std::size_t N>
TEZI_INLINE Pack<N> sqrt(Pack<N> x) {
  return TEZI_EACH(Pack<N>, sqrt_vector(x.v[i]));
}

template <std::size_t kCoefficients, std::size_t N>
TEZI_INLINE Pack<N> horner(const double (&c)[kCoefficients], Pack<N> x) {
  Pack<N> value = splat<N>(c[kCoefficients - 1]);
  for (std::size_t i = kCoefficients - 1; i-- > 0;) value = value * x + c[i];
  return value;
}

// Adding and subtracting this rounds to an integer, which then stands in the low bits.
inline constexpr double kRound = 0x1.8p52;
inline constexpr double kLn2High = 0x1.62e42fefa0000p-1;  // ends in 17 zeros: k * kLn2High is exact
inline constexpr double kLn2Low = 0x1.cf79abc9e3b3ap-40;

// e^x to about one ulp for -700 <= x <= 700; 0 below -700, where it would be less than 1e-304.
template <std::size_t N>
TEZI_INLINE Pack<N> exp(Pack<N> x) {
  const Bits<N> underflow = x < -700.0;
  const Pack<N> zero = splat<N>(0.0);
  const Pack<N> safe = select(underflow, zero, x);
  const Pack<N> shifted = safe * 0x1.71547652b82fep0 + kRound;
  const Pack<N> k = shifted - kRound;
  const Pack<N> r = (safe - k * kLn2High) - k * kLn2Low;
  const Pack<N> e = 1.0 + (r + r * r * horner(kExp, r));
  // 2^k: the shift drops what kRound put above the low bits.
  const Pack<N> power = pack_of((bits_of(shifted) + std::int64_t{1023}) << std::int64_t{52});
  return select(underflow, zero, e * power);
}

// The power of two by which to multiply b to come nearest to a: its bits, which are a biased
// exponent and nothing else. Unsigned, so that a lane that is no number may wrap.
template <std::size_t N>
TEZI_INLINE Bits<N> nearest_power(Pack<N> a, Pack<N> b) {
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 51;
  constexpr std::uint64_t kOne = std::uint64_t{1023} << 52;
  constexpr std::uint64_t kExponent = ~((std::uint64_t{1} << 52) - 1);
  return TEZI_EACH(Bits<N>, reinterpret_cast<VectorBits>(
                                (reinterpret_cast<UnsignedBits>(a.v[i]) -
                                 reinterpret_cast<UnsignedBits>(b.v[i]) + (kOne + kHalf)) &
                                kExponent));
}

// ln(a/b) from 2^k b, where 2^k is their `nearest_power`, and `difference` = a - 2^k b.
template <std::size_t N>
TEZI_INLINE Pack<N> log_reduced(Pack<N> a, Pack<N> scaled, Pack<N> difference, Bits<N> power) {
  const Pack<N> u = difference / (a + scaled);
  const Pack<N> square = u * u;
  const Pack<N> near = 2.0 * (u + u * square * horner(kAtanh, square));
  // An integer below the exponent 52 is converted by one subtraction, here with the bias.
  const Bits<N> biased = shift_right(power, 52) | std::int64_t{0x4330000000000000};
  const Pack<N> count = pack_of(biased) - (0x1p52 + 1023.0);
  return count * kLn2High + (count * kLn2Low + near);
}

// ln(a/b) for positive normal numbers within 2^1000 of each other.
//
// Where the two are near, a - b is exact, so the result keeps its relative accuracy down to one ulp
// of difference; a rounded quotient would not.
template <std::size_t N>
TEZI_INLINE Pack<N> log_ratio(Pack<N> a, Pack<N> b) {
  const Bits<N> power = nearest_power(a, b);
  const Pack<N> scaled = b * pack_of(power);
  return log_reduced(a, scaled, a - scaled, power);
}

// ln(1 + part/whole) for part >= 0 and whole > 0, normal and within 2^1000 of each other; accurate
// however small the part.
template <std::size_t N>
TEZI_INLINE Pack<N> log1p_ratio(Pack<N> part, Pack<N> whole) {
  const Pack<N> sum = whole + part;
  const Bits<N> power = nearest_power(sum, whole);
  const Pack<N> scaled = whole * pack_of(power);
  const Bits<N> is_one = power == (std::int64_t{1023} << 52);
  return log_reduced(sum, scaled, select(is_one, part, sum - scaled), power);
}

}  // namespace tezi::TEZI_TARGET
