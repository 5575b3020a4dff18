#!/usr/bin/env python3
"""Writes svi_reference.csv: weighted total variances whose least-squares SVI smile is known.

    python3 tests/data/make_svi.py > tests/data/svi_reference.csv

Needs mpmath. A set is a line `fit` (weighted root mean square error, a, b, rho, m, sigma of the minimum)
and a line `quote` (k, total variance, weight; exact binary64) for each of 9 to 21 strikes: a random
smile with noise of 0.2 % to 2 %. The minimum is found from the smile itself by Newton's method with 50
digits on the five parameters (level, two slopes, place, width), in the inside of their bounds, which every
minimum kept here is.
"""

import random

from make_black76 import short_hex
from mpmath import lu_solve, matrix, mp, mpf, nstr, sqrt

mp.dps = 50
SEED = 2014


def terms(values, k):
    level, right, left, m, sigma = values
    y = k - m
    z = sqrt(y * y + sigma * sigma)
    p, q = (z - sigma + y) / 2, (z - sigma - y) / 2
    w = level + right * p + left * q
    c, d = (right + left) / 2, (right - left) / 2
    first = [mpf(1), p, q, -c * y / z - d, c * (sigma / z - 1)]
    second = matrix(5, 5)
    second[1, 3] = -(y / z + 1) / 2
    second[2, 3] = -(y / z - 1) / 2
    second[1, 4] = second[2, 4] = (sigma / z - 1) / 2
    second[3, 3] = c * sigma**2 / z**3
    second[3, 4] = c * y * sigma / z**3
    second[4, 4] = c * y**2 / z**3
    for i in range(5):
        for j in range(i):
            second[i, j] = second[j, i]
    return w, first, second


def equations(values, quotes):
    cost, gradient, hessian, gauss = mpf(0), matrix(5, 1), matrix(5, 5), matrix(5, 5)
    for k, w, weight in quotes:
        model, first, second = terms(values, k)
        r = model - w
        cost += weight * r * r
        for i in range(5):
            gradient[i] += weight * r * first[i]
            for j in range(5):
                gauss[i, j] += weight * first[i] * first[j]
                hessian[i, j] += weight * (first[i] * first[j] + r * second[i, j])
    return cost, gradient, hessian, gauss


def minimum(values, quotes):
    damping = mpf("1e-3")
    cost, gradient, hessian, gauss = equations(values, quotes)
    for _ in range(400):
        damped = hessian.copy()
        for i in range(5):
            damped[i, i] += damping * gauss[i, i]
        step = lu_solve(damped, -gradient)
        trial = [values[i] + step[i] for i in range(5)]
        if trial[4] > 0:
            found = equations(trial, quotes)
            if found[0] <= cost:
                gain = cost - found[0]
                values, (cost, gradient, hessian, gauss) = trial, found
                damping /= 10
                if gain <= cost * mpf(10) ** -40:
                    return values, cost
                continue
        damping *= 4
    return None


def main():
    rng = random.Random(SEED)
    print(f"# Written by make_svi.py, seed {SEED}. Quotes are exact binary64, minima to 17 digits.")
    print("kind,a,b,c,d,e,f")
    made = 0
    while made < 40:
        sd = 0.01 * 10 ** rng.uniform(0, 1.4)
        b, rho, sigma = rng.uniform(0.2, 0.8) * sd, rng.uniform(-0.7, 0.3), rng.uniform(0.5, 1.5) * sd
        m = rng.uniform(-0.3, 0.3) * sd
        level = sd * sd * rng.uniform(0.4, 0.9) + b * sigma
        values = [mpf(x) for x in (level, b * (1 + rho), b * (1 - rho), m, sigma)]
        count, noise = rng.randrange(9, 22), 10 ** rng.uniform(-2.7, -1.7)
        quotes = []
        for i in range(count):
            k = sd * (6 * i / (count - 1) - 3)
            w = float(terms(values, mpf(k))[0]) * (1 + noise * rng.uniform(-1, 1))
            quotes.append((k, w, rng.uniform(0.2, 1)))
        exact = [tuple(mpf(x) for x in row) for row in quotes]
        found = minimum(values, exact)
        if found is None:
            continue
        (level, right, left, m, sigma), cost = found
        width = quotes[-1][0] - quotes[0][0]
        is_inside = 0 < right < 2 and 0 < left < 2 and width / 250 < sigma < 4 * width
        if not is_inside or abs(m) > width:
            continue
        made += 1
        total = sum(row[2] for row in exact)
        b = (right + left) / 2
        numbers = [sqrt(cost / total), level - b * sigma, b, (right - left) / (right + left), m, sigma]
        print("fit," + ",".join(nstr(x, 17) for x in numbers))
        for row in quotes:
            print("quote," + ",".join(short_hex(x) for x in row))


main()
