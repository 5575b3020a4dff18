#!/usr/bin/env python3
"""Writes src/coefficients.h: the polynomials and rationals of the vector kernels.

    python3 cpp/fit_coefficients.py > cpp/src/coefficients.h

Needs mpmath. Every fit is made here, at 60 digits, from the definition of the function:

* exp(r) = 1 + r + r^2 q(r) on |r| <= ln(2)/2, and atanh(u)/u = 1 + u^2 q(u^2) on |u| <= 0.2005:
  interpolation at Chebyshev points, which is minimax to within a small factor.
* Mills ratio R(z) = (1 - N(z)) / phi(z) = sqrt(pi/2) exp(z^2/2) erfc(z/sqrt 2) on 0 <= z <= 128:
  the best rational P_10/Q_11 in the relative sense, by the Remez exchange (E. W. Cheney 1966,
  Introduction to Approximation Theory, chapter 5), among those with z R(z) -> 1 and
  z^2 (1 - z R(z)) bounded: the two leading coefficients of Q are those of P.
  1 - z R(z) = (Q - z P)/Q is given by its own numerator, two degrees lower. All coefficients of P,
  Q and of that numerator are positive, so neither R nor 1 - z R loses a digit to cancellation at
  any z >= 0.
"""

from mpmath import atanh, cos, erfc, exp, log, lu_solve, matrix, mp, mpf, nstr, pi, sqrt

mp.dps = 60
Z_MAX = mpf(128)
HALF_WAY = mpf(3)  # the z that the map w = (z - 3)/(z + 3) sends to 0


def mills(z):
    return sqrt(pi / 2) * exp(z * z / 2) * erfc(z / sqrt(mpf(2)))


def horner(coefficients, z):
    value = mpf(0)
    for c in reversed(coefficients):
        value = value * z + c
    return value


def interpolate(f, low, high, degree):
    """Monomial coefficients of the polynomial through f at the Chebyshev points of [low, high]."""
    n = degree + 1
    nodes = [(low + high) / 2 + (high - low) / 2 * cos(pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    a, b = matrix(n, n), matrix(n, 1)
    for i, node in enumerate(nodes):
        b[i] = f(node)
        for j in range(n):
            a[i, j] = node**j
    return list(lu_solve(a, b))


def best_on(zs, values, degree, q):
    """P_n, Q_(n+1) with P/Q = R (1 + s E) at zs, s alternating, q_(n+1) = p_n and q_n = p_(n-1).

    The unknowns are p_0 .. p_n, q_1 .. q_(n-1) and E. The term E Q is linearised about `q`.
    """
    count = len(zs)
    for _ in range(8):
        a, b = matrix(count, count), matrix(count, 1)
        for i, (z, r) in enumerate(zip(zs, values)):
            scale = (1 + z) ** (degree + 1)  # keeps the rows of one size
            for j in range(degree + 1):
                shared = r * z ** (j + 1) if j >= degree - 1 else 0
                a[i, j] = (z**j - shared) / scale
            for j in range(1, degree):
                a[i, degree + j] = -r * z**j / scale
            a[i, count - 1] = -((-1) ** i) * r * horner(q, z) / scale
            b[i] = r / scale
        x = list(lu_solve(a, b))
        p = x[: degree + 1]
        q = [mpf(1)] + x[degree + 1 : 2 * degree] + p[-2:]
    return p, q


def remez(degree, points=2000, rounds=12):
    low, high = mpf(-1), (Z_MAX - HALF_WAY) / (Z_MAX + HALF_WAY)
    to_z = lambda w: HALF_WAY * (1 + w) / (1 - w)
    chebyshev = lambda i, n: (low + high) / 2 - (high - low) / 2 * cos(pi * i / n)
    grid = [to_z(chebyshev(i, mpf(points))) for i in range(points + 1)]
    truth = [mills(z) for z in grid]
    count = 2 * degree + 1
    chosen = [to_z(chebyshev(i, mpf(count - 1))) for i in range(count)]
    q = [mpf(1)]
    for _ in range(degree + 1):  # a start of the right growth: (1 + z)^(n + 1)
        q = [x + y for x, y in zip(q + [mpf(0)], [mpf(0)] + q)]
    for _ in range(rounds):
        p, q = best_on(chosen, [mills(z) for z in chosen], degree, q)
        error = [horner(p, z) / horner(q, z) / r - 1 for z, r in zip(grid, truth)]
        runs = [[0]]
        for i in range(1, len(grid)):
            if (error[i] > 0) == (error[runs[-1][-1]] > 0):
                runs[-1].append(i)
            else:
                runs.append([i])
        if len(runs) != count:
            raise SystemExit(f"the exchange lost its alternation: {len(runs)} of {count} runs")
        extrema = [max(run, key=lambda i: abs(error[i])) for run in runs]
        sizes = [abs(error[i]) for i in extrema]
        chosen = [grid[i] for i in extrema]
        if max(sizes) < min(sizes) * mpf("1.01"):
            break
    return p, q, max(sizes)


def table(name, coefficients, note):
    print(f"\n// {note}")
    print(f"inline constexpr double {name}[{len(coefficients)}] = {{")
    for c in coefficients:
        print(f"    {float(c).hex()},  // {nstr(c, 20)}")
    print("};")


def main():
    print("// Coefficients of the vector kernels, lowest degree first.")
    print("//")
    print("// Written by cpp/fit_coefficients.py, which says how they are found. Do not edit.")
    print("#pragma once\n\nnamespace tezi {")
    half = log(mpf(2)) / 2
    q = interpolate(lambda r: (exp(r) - 1 - r) / r**2 if r else mpf(1) / 2, -half, half, 9)
    worst = max(abs((1 + r + r * r * horner(q, r)) / exp(r) - 1)
                for r in (half * i / 500 for i in range(-500, 501)))
    table("kExp", q, f"(exp(r) - 1 - r) / r^2 on |r| <= ln(2)/2; exp to {nstr(worst, 2)} relative.")
    top = mpf("0.2005") ** 2
    q = interpolate(lambda y: (atanh(sqrt(y)) / sqrt(y) - 1) / y, mpf(0), top, 7)
    worst = max(abs((1 + y * horner(q, y)) * sqrt(y) / atanh(sqrt(y)) - 1)
                for y in (top * i / 500 for i in range(1, 501)))
    table("kAtanh", q, f"(atanh(u)/u - 1) / u^2 in u^2, |u| <= 0.2005; to {nstr(worst, 2)} relative.")
    p, q, worst = remez(10)
    table("kMillsP", p, f"Mills ratio R(z) = P/Q on 0 <= z <= 128, to {nstr(worst, 2)} relative.")
    table("kMillsQ", q, "Its denominator.")
    complement = [mpf(1)] + [q[i] - p[i - 1] for i in range(1, 10)]
    if min(p + q + complement) <= 0:
        raise SystemExit("a coefficient is not positive")
    table("kMillsC", complement, "Numerator of 1 - z R(z), over the same denominator.")
    print("\n}  // namespace tezi")


if __name__ == "__main__":
    main()
