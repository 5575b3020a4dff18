#!/usr/bin/env python3
"""Writes american_reference.csv: American options on a spot with a continuous yield, valued another way.

    python3 tests/data/make_american.py > tests/data/american_reference.csv     some ten minutes
    python3 tests/data/make_american.py --check                                 thirty digits; needs mpmath

The exercise boundary is found panel by panel from expiry on, each panel twice as long in the root of
the time left as the one before, so that what is not smooth at expiry lies in panels that do not matter.
On each the square of ln(B/X) over the time left goes through Gauss's places, and the put's slope of -1
at the boundary is solved for on each panel by itself, by Newton's method. The price's integral runs over
the panels as well, the last of them cut up towards now.

Two things are checked for every option, and it is left out if they fail: finer panels and rules give
the same price within 2e-11, and at the boundary the value itself, which nothing here was solved for, is
the intrinsic one within 2e-11 (both of the greater of spot and strike). --check values six options with
mpmath, a minute or more each, and prints the early exercise premium, how far binary64 is off it, and how
far the value is from the intrinsic one.
"""

import math
import random
import sys

from make_black76 import short_hex

SEED = 2016


class Floats:
    exp, log, sqrt, erfc, pi = math.exp, math.log, math.sqrt, math.erfc, math.pi
    expm1 = math.expm1
    one = 1.0


def gauss(count, m):
    """Nodes and weights on (0, 1)."""
    found = []
    for i in range(count):
        x = m.one * math.cos(math.pi * (i + 0.75) / (count + 0.5))
        for _ in range(60):
            before, now = m.one, x
            for k in range(2, count + 1):
                before, now = now, ((2 * k - 1) * x * now - (k - 1) * before) / k
            slope = count * (x * now - before) / (x * x - 1)
            x -= now / slope
        found.append(((1 + x) / 2, 1 / ((1 - x * x) * slope * slope)))
    return sorted(found)


def eliminated(rows):
    """The solution of linear equations, each a row with its right side last."""
    for c in range(len(rows)):
        best = max(range(c, len(rows)), key=lambda r: abs(rows[r][c]))
        rows[c], rows[best] = rows[best], rows[c]
        rows[c] = [x / rows[c][c] for x in rows[c]]
        for r in range(len(rows)):
            if r != c:
                factor = rows[r][c]
                rows[r] = [x - factor * p for x, p in zip(rows[r], rows[c])]
    return [row[-1] for row in rows]


class Put:
    def __init__(self, spot, strike, years, vol, rate, lost, m=Floats, places=10, nodes=16, panels=15):
        self.m, self.vol, self.rate, self.lost = m, m.one * vol, m.one * rate, m.one * lost
        self.spot, self.strike, self.years = m.one * spot, m.one * strike, m.one * years
        self.top = self.strike * (min(m.one, self.rate / self.lost) if lost > 0 else m.one)
        self.log_strike = m.log(self.strike / self.top)
        self.nodes = gauss(nodes, m)
        self.fine = gauss(2 * nodes, m)
        at = gauss(places, m)
        self.places = [x for x, _ in at]
        sign = [(-1) ** i for i in range(places)]
        self.bary = [s * m.sqrt(x * (1 - x) * w) for s, (x, w) in zip(sign, at)]
        root = m.sqrt(self.years)
        self.edge = [m.one * 0] + [root / m.one / 2 ** (panels - j) for j in range(1, panels + 1)]
        self.squares = []
        for panel in range(panels):
            self.solve(panel)

    def normal(self, d):
        return self.m.erfc(-d / self.m.sqrt(2 * self.m.one)) / 2

    def density(self, d):
        return self.m.exp(-d * d / 2) / self.m.sqrt(2 * self.m.pi)

    def blend(self, panel, y):
        """What the places of a panel count at y."""
        low, high = self.edge[panel], self.edge[panel + 1]
        x = (y - low) / (high - low)
        if x in self.places:
            return [self.m.one * (place == x) for place in self.places]
        parts = [weight / (x - place) for place, weight in zip(self.places, self.bary)]
        whole = sum(parts)
        return [part / whole for part in parts]

    def b(self, panel, y):
        counts = self.blend(panel, y)
        return -y * self.m.sqrt(sum(c * square for c, square in zip(counts, self.squares[panel])))

    def between(self, x, panels, nodes):
        """Times left and weights of the time gone, for what is sharp at the time left x^2."""
        for panel in panels:
            low, high = self.edge[panel], min(self.edge[panel + 1], x)
            if low >= x:
                return
            w0, w1 = self.m.sqrt(x - high), self.m.sqrt(x - low)
            for node, weight in nodes:
                w = w0 + (w1 - w0) * node
                y = x - w * w
                yield panel, y, w * w * (x + y), weight * (w1 - w0) * 4 * w * y

    def earned(self, there):
        """Interest less yield of an exercise, and the yield, a unit of strike."""
        lost = self.lost * self.m.exp(there - self.log_strike)
        if self.lost > self.rate:  # both are nearly the same close to expiry
            return -self.rate * self.m.expm1(there), lost
        return self.rate - lost, lost

    def equation(self, x, b, panel):
        """How far the slope at the boundary is off, as a logarithm, and by ln(b) here and there."""
        m, drift, u = self.m, self.rate - self.lost, x * x
        z = b - self.log_strike + drift * u
        s = self.vol * x
        d = z / s + s / 2
        left, left_slope = self.normal(d), self.density(d) / s
        right = right_slope = 0
        there_slopes = []
        for at, y, gone, weight in self.between(x, range(panel + 1), self.nodes):
            there = self.b(at, y)
            s = self.vol * m.sqrt(gone)
            minus = (b - there + drift * gone) / s - s / 2
            plus, v = minus + s, y * y
            by_lost = self.lost * m.exp(self.lost * v) * weight
            earned, lost = self.earned(there)
            flow = m.exp(self.rate * v) * weight * self.density(minus) / s
            left += by_lost * self.normal(plus)
            left_slope += by_lost * self.density(plus) / s
            right += earned * flow
            right_slope -= earned * flow * minus / s
            if at == panel:
                by_left = -by_lost * self.density(plus) / s
                by_right = earned * flow * minus / s - lost * flow
                there_slopes.append((y, y * y / (2 * there), by_left, by_right))
        slopes = [m.one * 0] * len(self.places)
        for y, by_square, by_left, by_right in there_slopes:
            change = (by_left / left - by_right / right) * by_square
            slopes = [a + change * c for a, c in zip(slopes, self.blend(panel, y))]
        own = 1 + left_slope / left - right_slope / right
        return z + m.log(left / right), own * u / (2 * b), slopes

    def guess(self, panel):
        if panel:
            low = self.edge[panel]
            return (self.b(panel - 1, low) / low) ** 2
        earned = max(self.rate - self.lost, 1e-4)
        odds = self.vol**2 / (8 * math.pi * self.edge[1] ** 2 * earned**2)
        return self.vol**2 * (0.41 if self.lost > self.rate else max(0.5, math.log(max(odds, 1.1))))

    def solve(self, panel):
        """Newton's method on the squares of a panel."""
        low, high, count = self.edge[panel], self.edge[panel + 1], len(self.places)
        self.squares.append([self.guess(panel)] * count)
        for _ in range(40):
            matrix = []
            for i, place in enumerate(self.places):
                x = low + (high - low) * place
                b = -x * self.m.sqrt(self.squares[panel][i])
                off, own, slopes = self.equation(x, b, panel)
                slopes[i] += own
                matrix.append([*slopes, -off])
            moved = 0
            for i, step in enumerate(eliminated(matrix)):
                square = self.squares[panel][i]
                self.squares[panel][i] = min(max(square + step, square / 2), square * 2)
                moved = max(moved, abs(step) / square)
            if moved < 1e-10:
                return
        raise ArithmeticError("no boundary")

    def boundary(self):
        return self.top * self.m.exp(self.b(len(self.squares) - 1, self.edge[-1]))

    def european(self, spot):
        m, s = self.m, self.vol * self.m.sqrt(self.years)
        mean = m.log(spot / self.strike) + (self.rate - self.lost) * self.years
        minus, plus = mean / s - s / 2, mean / s + s / 2
        by_strike, by_spot = m.exp(-self.rate * self.years), m.exp(-self.lost * self.years)
        price = self.strike * by_strike * self.normal(-minus) - spot * by_spot * self.normal(-plus)
        delta = -by_spot * self.normal(-plus)
        return [price, delta, by_spot * self.density(plus) / (spot * s)]

    def moments(self):
        """As `between`, for the whole life: the last panel cut up towards now, where x = root."""
        m, root, last = self.m, self.edge[-1], len(self.squares) - 1
        yield from self.between(root, range(last), self.fine)
        w1 = m.sqrt(root - self.edge[last])
        for cut in range(26):
            w0 = w1 / 3 if cut < 25 else 0 * w1
            for node, weight in self.fine:
                w = w0 + (w1 - w0) * node
                y = root - w * w
                yield last, y, w * w * (root + y), weight * (w1 - w0) * 4 * w * y
            w1 = w0

    def value(self, spot):
        """Price, delta and gamma of the put alive."""
        m, sums = self.m, [0, 0, 0]
        level = m.log(spot / self.top)
        for panel, y, t, weight in self.moments():
            s = self.vol * m.sqrt(t)
            minus = (level - self.b(panel, y) + (self.rate - self.lost) * t) / s - s / 2
            plus = minus + s
            by_strike = self.rate * self.strike * m.exp(-self.rate * t) * weight
            by_spot = self.lost * m.exp(-self.lost * t) * weight
            slope = spot * s
            sums[0] += by_strike * self.normal(-minus) - by_spot * spot * self.normal(-plus)
            sums[1] -= by_strike * self.density(minus) / slope
            sums[1] -= by_spot * (self.normal(-plus) - self.density(plus) / s)
            sums[2] += by_strike * self.density(minus) * (1 + minus / s) / (spot * slope)
            sums[2] += by_spot * self.density(plus) * (1 - plus / s) / slope
        return [a + b for a, b in zip(self.european(spot), sums)]


def mirrored(option):
    spot, strike, years, vol, rate, lost, is_call = option
    return (strike, spot, years, vol, lost, rate) if is_call else option[:6]


def valued(option, **sizes):
    """Price, delta, gamma, European price and boundary of the option."""
    turned = mirrored(option)
    put = Put(*turned, **sizes)
    spot, strike, boundary = put.spot, put.strike, put.boundary()
    off = put.value(boundary)[0] - (strike - boundary)
    price, delta, gamma = put.value(spot) if spot > boundary else (strike - spot, -1.0, 0.0)
    european = put.european(spot)[0]
    if option[6]:
        delta, gamma = (price - spot * delta) / strike, (spot / strike) ** 2 * gamma
        boundary = spot * strike / boundary
    return [price, delta, gamma, european, boundary], off, spot > put.boundary()


def draw(rng, kind):
    """An option as (spot, strike, years, vol, rate, yield, is_call); of a call the put it mirrors is drawn."""
    strike = 100.0
    spot = strike * math.exp(rng.uniform(-0.69, 0.69))
    years = math.exp(rng.uniform(math.log(1 / 365), math.log(3)))
    vol = math.exp(rng.uniform(math.log(0.05), math.log(1.5)))
    rate, lost = rng.uniform(0.001, 0.15), rng.uniform(-0.05, 0.15)
    if kind == "plain":
        spot, vol = rng.uniform(80, 120), rng.uniform(0.1, 0.6)
        years, rate, lost = rng.uniform(0.02, 2), rng.uniform(0.02, 0.08), rng.choice([0.0, 0.015, 0.03])
    elif kind == "level":
        lost = rate * (1 + rng.uniform(-0.02, 0.02))
    elif kind == "low":
        rate = math.exp(rng.uniform(math.log(1e-6), math.log(1e-2)))
    return [spot, strike, years, vol, rate, lost]


def rows():
    rng = random.Random(SEED)
    for kind, count in [("plain", 50), ("broad", 70), ("near", 40), ("level", 30), ("low", 20)]:
        done = 0
        while done < count:
            option = [float(x) for x in draw(rng, kind)]
            if kind == "near":
                top = Put(*option).boundary()
                reach = option[3] * math.sqrt(option[2])
                option[0] = top * math.exp(reach * 2 * rng.random() ** 3)
            spot, strike, years, vol, rate, lost = option
            is_call = rng.random() < 0.4
            if is_call:
                spot, strike, rate, lost = strike, spot, lost, rate
            if max(abs(rate), abs(lost)) * math.sqrt(years) > 6 * vol or not 0.45 < spot / strike < 2.2:
                continue
            option = (spot, strike, years, vol, rate, lost, is_call)
            found, off, is_alive = valued(option)
            finer, off_finer, _ = valued(option, places=13, nodes=22, panels=17)
            scale = max(spot, strike)
            doubt = max(abs(off_finer), abs(finer[0] - found[0])) / scale
            if doubt > 2e-11:
                print(f"left out: {kind} {option} {doubt:.1e}", file=sys.stderr)
                continue
            shift = 2.0**-10
            bumped = [valued((*option[:3], vol * (1 + by), *option[4:]))[0][0] for by in (shift, -shift)]
            vega = (bumped[0] - bumped[1]) / (2 * shift * vol) if is_alive else 0.0
            done += 1
            yield kind, option, finer + [vega], doubt


def check():
    import mpmath

    class Digits:
        exp, log, sqrt, erfc, pi = mpmath.exp, mpmath.log, mpmath.sqrt, mpmath.erfc, mpmath.pi
        expm1 = mpmath.expm1
        one = mpmath.mpf(1)

    mpmath.mp.dps = 30
    for option in [
        (100.0, 100.0, 1.0, 0.25, 0.05, 0.05, False),
        (100.0, 100.0, 1.0, 0.25, 0.075, 0.05, False),
        (100.0, 95.0, 1.0, 0.25, 0.075, 0.05, False),
        (100.0, 100.0, 3.0, 0.2, 0.03, 0.07, True),
        (90.0, 100.0, 0.5, 0.6, 0.04, 0.09, False),
        (97.0, 100.0, 0.1, 0.15, 0.06, 0.0, False),
    ]:
        floats = valued(option, places=13, nodes=22, panels=17)[0]
        digits, off, _ = valued(option, m=Digits, places=14, nodes=22, panels=17)
        premium = digits[0] - digits[3]
        print(option, mpmath.nstr(premium, 16), mpmath.nstr(premium - floats[0] + floats[3], 3), mpmath.nstr(off, 3))
        sys.stdout.flush()


if __name__ == "__main__":
    if "--check" in sys.argv:
        check()
    else:
        print(f"# Written by make_american.py, seed {SEED}. Exact binary64 inputs; prices to 2e-11 of the")
        print("# greater of spot and strike, vega the difference over vol (1 +- 2^-10).")
        print("set,spot,strike,years,vol,rate,yield,is_call,price,delta,gamma,european,boundary,vega,doubt")
        for kind, option, results, doubt in rows():
            inputs = ",".join(short_hex(x) for x in option[:6])
            outputs = ",".join(f"{x:.15g}" for x in results)
            print(f"{kind},{inputs},{int(option[6])},{outputs},{doubt:.1e}", flush=True)
