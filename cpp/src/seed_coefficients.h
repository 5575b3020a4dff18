// Where the search for an implied volatility starts; lowest degree first.
//
// Written by cpp/fit_seed.py, which says how they are found. Do not edit.
#pragma once

namespace tezi {

// d/u = P(v)/Q(v) for 0 < v <= 27.08, to 1.5e-5 relative.
inline constexpr double kSeedP[6] = {
    0x1.9883ad6ab4620p-1,  // 0.79787961890741950397
    -0x1.189f25e45de77p-4,  // -0.06851115037522413532
    0x1.2fd4e1e343b42p-1,  // 0.59342103862022833
    0x1.19c38d33ebf07p-6,  // 0.017197502034547641073
    -0x1.b686297d655cbp-6,  // -0.026765385167512959355
    0x1.0f3bd3cd563e8p-4,  // 0.066219165183965982477
};

// Its denominator.
inline constexpr double kSeedQ[7] = {
    0x1.0000000000000p+0,  // 1.0
    -0x1.61e65695a3449p-4,  // -0.086401308270255174873
    0x1.4056cb3821a39p+0,  // 1.2513243686713749651
    -0x1.f84ae2943a001p-5,  // -0.06155914548600094753
    0x1.a23e9adc65c0fp-3,  // 0.20422097191905704949
    -0x1.de0ee56f0da85p-7,  // -0.014589178112243370922
    0x1.7f34e9bc47b40p-5,  // 0.046778160585964289939
};

// p(X, y): X^0 y^0, X^1 y^0, X^0 y^1, X^1 y^1, X^0 y^2, X^2 y^0, X^1 y^2, X^0 y^3, X^0 y^4.
// s to 7.1e-6 below 0.4, 8.0e-5 below 1.7.
inline constexpr double kSeedShape[9] = {
    0x1.559682598f277p-5,  // 0.041697744931728782607
    -0x1.08070995e3dd1p-8,  // -0.0040287397768134648871
    0x1.d8c13296bf07dp-9,  // 0.0036068319562883573857
    -0x1.079eb9c7a081bp-11,  // -0.00050281528906759596583
    0x1.a5e0f7c1a6a18p-12,  // 0.00040233495756472743156
    0x1.5bc1d08eaf878p-12,  // 0.00033164700372968020773
    -0x1.5642aa35cf2abp-13,  // -0.00016320248112746312782
    0x1.e99232e31db11p-15,  // 0.000058361421701505257554
    0x1.860611438f3b5p-19,  // 2.9059030184617191357e-6
};

}  // namespace tezi
