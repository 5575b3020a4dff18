#!/usr/bin/env python3
"""Writes src/svi_grid.h: hyperbolic functions at the 64 places where an SVI fit is screened.

    python3 cpp/make_svi_grid.py > cpp/src/svi_grid.h

Needs mpmath. The places are x = -8 ... 8, evenly; the smile is looked at where k = m + sigma sinh x.
"""

from mpmath import cosh, mp, mpf, sech, sinh, tanh

mp.dps = 40
PLACES = 64
REACH = 8


def table(name, function):
    xs = [mpf(REACH * (2 * i - PLACES + 1)) / (PLACES - 1) for i in range(PLACES)]
    numbers = [float(function(x)).hex() for x in xs]
    lines = [", ".join(numbers[i : i + 3]) for i in range(0, PLACES, 3)]
    body = ",\n    ".join(lines)
    return f"inline constexpr double {name}[kScreenPlaces] = {{\n    {body}}};"


def main():
    print("// Written by cpp/make_svi_grid.py: x = -8 ... 8 in 63 steps.")
    print("#pragma once\n\n#include <cstddef>\n\nnamespace tezi {\n")
    print(f"inline constexpr std::size_t kScreenPlaces = {PLACES};")
    print(table("kScreenSinh", sinh))
    print(table("kScreenCosh", cosh))
    print(table("kScreenTanh", tanh))
    print(table("kScreenSechCubed", lambda x: sech(x) ** 3))
    print("\n}  // namespace tezi")


main()
