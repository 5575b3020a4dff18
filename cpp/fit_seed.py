#!/usr/bin/env python3
"""Writes src/seed_coefficients.h: where the search for an implied volatility starts.

    python3 cpp/fit_seed.py > cpp/src/seed_coefficients.h

Needs mpmath. Both fits are made from the definitions of the functions, with 40 digits:

* kSeedP/kSeedQ: the normal (Bachelier) implied volatility. With d = |F - K| / (sigma sqrt T) the
  out-of-the-money price p obeys p/|F - K| = phi(d) (1/d - R(d)), R the Mills ratio, and with
  u = ln(1 + |F - K|/(2p)) the quotient d/u is a smooth function of v = sqrt(u): P(v)/Q(v).
* kSeedShape: what turns it into Black's. With y the square of the normal volatility over
  sqrt(FK), times T, and X = ln(F/K)^2, Black's s is |ln(F/K)|/d (1 + y p(X, y)).

The rational and the polynomial are least-squares fits of the relative error on Chebyshev points
(the rational by the iteration of C. Sanathanan and J. Koerner 1963): seeds need no more.
"""

from mpmath import cos, erfc, exp, log, log1p, lu_solve, matrix, mp, mpf, nstr, pi, sinh, sqrt

mp.dps = 40
D_MAX = mpf(38)
P_DEGREE, Q_DEGREE = 5, 6
S_MAX, X_MAX = mpf("1.7"), mpf("1.25")
# The terms of p(X, y), as powers of X and y.
SHAPE = [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (2, 0), (1, 2), (0, 3), (0, 4)]


def mills(z):
    return sqrt(pi / 2) * exp(z * z / 2) * erfc(z / sqrt(mpf(2)))


def phi(z):
    return exp(-z * z / 2) / sqrt(2 * pi)


def horner(coefficients, z):
    value = mpf(0)
    for c in reversed(coefficients):
        value = value * z + c
    return value


def chebyshev(low, high, count):
    return [(low + high) / 2 - (high - low) / 2 * cos(pi * (2 * i + 1) / (2 * count))
            for i in range(count)]


def least_squares(rows, values):
    a, b = matrix(rows), matrix(values)
    return list(lu_solve(a.T * a, a.T * b))


def normal_rational():
    points = []
    v_max = sqrt(log1p(1 / (2 * phi(D_MAX) * (1 / D_MAX - mills(D_MAX)))))
    for w in chebyshev(mpf(0), mpf(1), 160):
        d = D_MAX * w * w  # dense where d is small
        u = log1p(1 / (2 * phi(d) * (1 / d - mills(d))))
        points.append((sqrt(u), d / u))
    q = [mpf(1)] + [mpf(0)] * Q_DEGREE
    best = None
    for _ in range(12):
        rows, values = [], []
        for v, r in points:
            weight = 1 / (r * horner(q, v))
            rows.append([v**j * weight for j in range(P_DEGREE + 1)]
                        + [-r * v**j * weight for j in range(1, Q_DEGREE + 1)])
            values.append(r * weight)
        x = least_squares(rows, values)
        p, q = x[: P_DEGREE + 1], [mpf(1)] + x[P_DEGREE + 1 :]
        worst = max(abs(horner(p, v) / horner(q, v) / r - 1) for v, r in points)
        if best is None or worst < best[0]:
            best = (worst, p, q)
    return best + (v_max,)


def normal_s(x, s):
    """The normal volatility over sqrt(FK), times sqrt(T), that gives Black's price."""
    c, t = x / s, s / 2
    beta = phi(0) * exp(-(c * c + t * t) / 2) * (mills(c - t) - mills(c + t))
    m = 2 * sinh(x / 2)
    d = x / s
    for _ in range(60):  # Newton on the logarithm, which is concave in d
        tail = 1 / d - mills(d)
        step = (log(phi(d) * tail) - log(beta / m)) * tail * d * d
        d += min(step, d)
        if abs(step) < mpf(10) ** -25 * d:
            return m / d
    raise SystemExit(f"no normal volatility for x = {x}, s = {s}")


def shape():
    rows, values, points = [], [], []
    for s in chebyshev(mpf("0.001"), S_MAX, 24):
        for x in chebyshev(mpf("0.001"), min(X_MAX, 30 * s), 14):
            n = normal_s(x, s)
            m = 2 * sinh(x / 2)
            y, square = n * n, x * x
            want = (s * m / (x * n) - 1) / y
            weight = y ** mpf("0.25") / (1 + want * y)  # small s should not pay for large
            rows.append([weight * square**i * y**j for i, j in SHAPE])
            values.append(weight * want)
            points.append((s, square, y, want))
    c = least_squares(rows, values)
    small = large = mpf(0)
    for s, square, y, want in points:
        got = sum(k * square**i * y**j for k, (i, j) in zip(c, SHAPE))
        error = abs((1 + y * got) / (1 + y * want) - 1)
        if s < 0.4:
            small = max(small, error)
        else:
            large = max(large, error)
    return c, small, large


def table(name, coefficients, note):
    print(f"\n// {note}")
    print(f"inline constexpr double {name}[{len(coefficients)}] = {{")
    for c in coefficients:
        print(f"    {float(c).hex()},  // {nstr(c, 20)}")
    print("};")


def main():
    print("// Where the search for an implied volatility starts; lowest degree first.")
    print("//")
    print("// Written by cpp/fit_seed.py, which says how they are found. Do not edit.")
    print("#pragma once\n\nnamespace tezi {")
    worst, p, q, v_max = normal_rational()
    note = f"d/u = P(v)/Q(v) for 0 < v <= {nstr(v_max, 4)}, to {nstr(worst, 2)} relative."
    table("kSeedP", p, note)
    table("kSeedQ", q, "Its denominator.")
    c, small, large = shape()
    powers = ", ".join(f"X^{i} y^{j}" for i, j in SHAPE)
    table("kSeedShape", c, f"p(X, y): {powers}.\n// s to {nstr(small, 2)} "
          f"below 0.4, {nstr(large, 2)} below {nstr(S_MAX, 3)}.")
    print("\n}  // namespace tezi")


if __name__ == "__main__":
    main()
