#!/usr/bin/env python3
"""Writes black76_reference.csv: options whose value and Greeks are known to 17 digits.

    python3 tests/data/make_black76.py > tests/data/black76_reference.csv

Needs mpmath. Inputs are drawn from a seeded generator, rounded to binary64 and written as hex
floats; every output is Black's formula (F. Black 1976, eq. 16) evaluated on exactly those binary64
inputs with 120 digits, so that not even the plain difference of two normal probabilities loses
what matters. The columns are those of `tezi_core::pricing`: rupees, years, vol and rate as
fractions; delta and gamma with respect to the forward, vega per 1.00 of vol, theta per year with
the forward fixed. Rho is per 1.00 of rate with the forward fixed, vanna and charm are the
derivatives of delta by vol and by passing time, volga that of vega by vol.

* nse: an index near 24,000, strikes on a 50 grid, five minutes to 90 days, a skewed smile, 6.5 %.
* broad: |ln(K/F)| <= 0.5, vol 5 % to 150 %, 0.01 to 2 years.
* extreme: |ln(K/F)| from 1e-8 to 20, vol sqrt(T) from 1e-4 to 8; prices down to 1e-290.
* edge: at the money exactly and one ulp away, tiny and large vol, negative rates, long expiries.
"""

import math
import random

from mpmath import erfc, exp, log, mp, mpf, nstr, pi, sqrt

mp.dps = 120
SEED = 76


def upper(z):
    """1 - N(z)."""
    return erfc(z / sqrt(mpf(2))) / 2


def black76(forward, strike, years, vol, rate, is_call):
    f, k, t, v, r = (mpf(x) for x in (forward, strike, years, vol, rate))
    s = v * sqrt(t)
    d1 = log(f / k) / s + s / 2
    d2 = d1 - s
    discount = exp(-r * t)
    density = exp(-d1 * d1 / 2) / sqrt(2 * pi)
    sign = 1 if is_call else -1
    price = discount * sign * (f * upper(-sign * d1) - k * upper(-sign * d2))
    delta = discount * sign * upper(-sign * d1)
    gamma = discount * density / (f * s)
    vega = discount * f * density * sqrt(t)
    theta = r * price - discount * f * density * v / (2 * sqrt(t))
    rho = -t * price
    vanna = -discount * density * d2 / v
    volga = vega * d1 * d2 / v
    charm = r * delta + discount * density * d2 / (2 * t)
    return price, delta, gamma, vega, theta, rho, vanna, volga, charm


def nse(rng):
    forward = round(rng.gauss(24000, 400) / 0.05) * 0.05
    years = rng.choice([5 / 525600, 1 / 365, 3 / 365, 7 / 365, 15 / 365, 30 / 365, 60 / 365, 90 / 365])
    vol = rng.uniform(0.09, 0.25)
    strike = round(forward * math.exp(rng.gauss(0, 2.5) * vol * math.sqrt(years)) / 50) * 50.0
    x = math.log(strike / forward)
    return forward, strike, years, vol - 0.3 * x + 1.5 * x * x, 0.065


def broad(rng):
    forward = 100.0 * rng.uniform(0.5, 2.0)
    strike = forward * math.exp(rng.uniform(-0.5, 0.5))
    return forward, strike, rng.uniform(0.01, 2.0), rng.uniform(0.05, 1.5), rng.uniform(-0.02, 0.12)


def extreme(rng):
    while True:
        x = rng.choice([-1, 1]) * 10 ** rng.uniform(-8, math.log10(20))
        s = 10 ** rng.uniform(-4, math.log10(8))
        if (x / s) ** 2 + s * s / 4 < 1280:
            years = 10 ** rng.uniform(-4, 1)
            forward = 10 ** rng.uniform(-2, 5)
            return forward, forward * math.exp(x), years, s / math.sqrt(years), rng.uniform(-0.1, 0.2)


def edges():
    for forward in (100.0, 23456.05):
        for strike in (forward, math.nextafter(forward, 0), math.nextafter(forward, math.inf)):
            for years in (1e-6, 0.25, 30.0):
                for vol in (0.001, 0.2, 10.0):
                    for rate in (0.0, -0.01):
                        yield forward, strike, years, vol, rate


def main():
    rng = random.Random(SEED)
    rows = [("nse", nse(rng)) for _ in range(700)]
    rows += [("broad", broad(rng)) for _ in range(550)]
    rows += [("extreme", extreme(rng)) for _ in range(640)]
    rows += [("edge", row) for row in edges()]
    print(f"# Written by make_black76.py, seed {SEED}. Exact binary64 inputs, outputs to 17 digits.")
    print("set,forward,strike,years,vol,rate,is_call,price,delta,gamma,vega,theta,"
          "rho,vanna,volga,charm")
    for index, (name, row) in enumerate(rows):
        is_call = index % 2
        inputs = ",".join(short_hex(x) for x in row)
        outputs = ",".join(nstr(y, 17) for y in black76(*row, is_call))
        print(f"{name},{inputs},{is_call},{outputs}")


def short_hex(x):
    """float.hex without the zeros that end the mantissa."""
    mantissa, exponent = float(x).hex().split("p")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}p{exponent}"


if __name__ == "__main__":
    main()
