#!/usr/bin/env python3
"""Writes implied_vol_reference.csv: option prices whose implied volatility is known to 17 digits.

    python3 tests/data/make_implied_vol.py > tests/data/implied_vol_reference.csv

Needs mpmath. Options are drawn as in make_black76.py; the price is Black's value of the drawn
volatility, rounded to binary64. A further set, far, has |ln(K/F)| from 0.5 to 3 where vol sqrt(T) is
between a twelfth and a half of it, about where a kernel's rational start ends. The volatility of a row is the root of Black's formula for exactly
the binary64 inputs of the row, that price among them, found with 100 digits; it is not the drawn
one. `condition` is price / (vol vega), the relative error of the volatility per relative error of
the price. Rows whose price carries no time value after rounding are left out.
"""

import math
import random

from make_black76 import broad, edges, extreme, nse, short_hex, upper
from mpmath import exp, log, mp, mpf, nstr, pi, sqrt

mp.dps = 100
SEED = 1976


def value_and_vega(f, k, t, v, d, sign):
    s = v * sqrt(t)
    d1 = log(f / k) / s + s / 2
    price = d * sign * (f * upper(-sign * d1) - k * upper(-sign * (d1 - s)))
    return price, d * f * exp(-d1 * d1 / 2) / sqrt(2 * pi) * sqrt(t)


def row(inputs, is_call):
    forward, strike, years, vol, rate = inputs
    f, k, t, r = (mpf(x) for x in (forward, strike, years, rate))
    d = exp(-r * t)
    sign = 1 if is_call else -1
    price = float(value_and_vega(f, k, t, mpf(vol), d, sign)[0])
    inside = d * max(sign * (f - k), mpf(0))
    bound = d * (f if is_call else k)
    if not (inside + price * mpf(2) ** -48 < price < bound * (1 - mpf(2) ** -48)):
        return None
    # Newton from the drawn volatility, which is off by the rounding of the price only.
    v = mpf(vol)
    for _ in range(200):
        value, vega = value_and_vega(f, k, t, v, d, sign)
        step = (value - price) / vega
        v -= max(min(step, v / 2), -v)
        if abs(step) < v * mpf(10) ** -40:
            value, vega = value_and_vega(f, k, t, v, d, sign)
            return forward, strike, years, price, rate, v, price / (v * vega)
    raise SystemExit(f"no root for {inputs}")


def far(rng):
    x = rng.uniform(0.5, 3.0)
    years = 10 ** rng.uniform(-3, 0)
    forward = 10 ** rng.uniform(1, 4.5)
    s = x / rng.uniform(2.0, 12.0)
    return forward, forward * math.exp(rng.choice([-1, 1]) * x), years, s / math.sqrt(years), 0.05


def main():
    rng = random.Random(SEED)
    drawn = [("nse", nse(rng)) for _ in range(700)]
    drawn += [("broad", broad(rng)) for _ in range(500)]
    drawn += [("extreme", extreme(rng)) for _ in range(700)]
    drawn += [("far", far(rng)) for _ in range(400)]
    drawn += [("edge", row) for row in edges()]
    print(f"# Written by make_implied_vol.py, seed {SEED}. Exact binary64 inputs, outputs to 17 digits.")
    print("set,forward,strike,years,price,rate,is_call,vol,condition")
    for index, (name, inputs) in enumerate(drawn):
        # The extremes are out of the money: the other side has no digits of time value.
        is_far = name in ("extreme", "far")
        is_call = int(inputs[1] >= inputs[0]) if is_far else index % 2
        found = row(inputs, is_call)
        if found is None:
            continue
        *exact, vol, condition = found
        inputs = ",".join(short_hex(x) for x in exact)
        print(f"{name},{inputs},{is_call},{nstr(vol, 17)},{nstr(condition, 4)}")


if __name__ == "__main__":
    main()
