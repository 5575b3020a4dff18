//! Smiles as an SVG, an expiry under the other: volatilities of calls and puts over the strikes, and the
//! fitted curve through them.

use std::fmt::Write;

use tezi::pricing::{OptionChain, OptionSide};

use super::chain::expiry;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 520.0;
const MARGIN: f64 = 60.0;
const GRID_LINES: u32 = 8;

/// Straight pieces of a fitted curve.
const CURVE_PIECES: u32 = 160;

/// A complete SVG document with a panel an expiry. What has no volatility has no point.
pub(super) fn smiles(chains: &[OptionChain]) -> String {
    let mut svg = String::new();
    let height = HEIGHT * chains.len() as f64;
    // Writing to a string does not fail, here and below.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <style>.call{{fill:#1b6ca8}}.put{{fill:#c0392b}}.grid{{stroke:#ddd}}\
         .forward{{stroke:#888;stroke-dasharray:4}}\
         .fit{{fill:none;stroke:#222;stroke-width:1.5}}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
    );
    for (i, chain) in chains.iter().enumerate() {
        let _ = writeln!(svg, "<g transform=\"translate(0 {})\">", HEIGHT * i as f64);
        panel(&mut svg, chain);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, chain: &OptionChain) {
    let vol = |side: Option<OptionSide>| {
        let vol = 100.0 * side?.valued?.vol;
        (vol.is_finite() && vol > 0.0).then_some(vol)
    };
    let points: Vec<(f64, f64, &str)> = chain
        .strikes
        .iter()
        .flat_map(|row| [(row.strike, vol(row.call), "call"), (row.strike, vol(row.put), "put")])
        .filter_map(|(strike, vol, kind)| vol.map(|vol| (strike, vol, kind)))
        .collect();
    let x = Scale::of(points.iter().map(|point| point.0), MARGIN, WIDTH - 20.0);
    let y = Scale::of(points.iter().map(|point| point.1), HEIGHT - MARGIN, 40.0);
    head(svg, chain);
    axes(svg, &x, &y);
    if points.is_empty() {
        return;
    }
    if chain.forward.is_finite() {
        let at = x.place(chain.forward);
        line(svg, [at, 40.0, at, HEIGHT - MARGIN], "forward");
    }
    for (strike, vol, kind) in points {
        let (cx, cy) = (x.place(strike), y.place(vol));
        let _ = writeln!(svg, "<circle class=\"{kind}\" cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"3\"/>");
    }
    curve(svg, chain, &x, &y);
}

/// The fitted curve, where it is inside the panel.
fn curve(svg: &mut String, chain: &OptionChain, x: &Scale, y: &Scale) {
    let step = (x.high - x.low) / f64::from(CURVE_PIECES);
    let places = (0..=CURVE_PIECES).filter_map(|i| {
        let strike = x.low + step * f64::from(i);
        let vol = 100.0 * chain.smile_vol(strike)?;
        (y.low <= vol && vol <= y.high)
            .then(|| format!("{:.1},{:.1}", x.place(strike), y.place(vol)))
    });
    let places: Vec<String> = places.collect();
    if !places.is_empty() {
        let _ = writeln!(svg, "<polyline class=\"fit\" points=\"{}\"/>", places.join(" "));
    }
}

/// Values to pixels.
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = if low < high { (low, high) } else { (0.0, 1.0) };
        let room = 0.04 * (high - low);
        Self { low: low - room, high: high + room, from, to }
    }

    fn place(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    fn grid(&self) -> impl Iterator<Item = f64> {
        let step = (self.high - self.low) / f64::from(GRID_LINES);
        (0..=GRID_LINES).map(move |i| self.low + step * f64::from(i))
    }
}

fn head(svg: &mut String, chain: &OptionChain) {
    let symbol: String = chain.symbol.chars().filter(|c| !"<>&".contains(*c)).collect();
    let (expiry, forward, status) = (expiry(chain), chain.forward, chain.smile.status.name());
    let _ = writeln!(
        svg,
        "<text x=\"{MARGIN}\" y=\"22\" font-size=\"15\">{symbol} {expiry}: implied volatility, % \
         (forward {forward:.2}, smile {status})</text>\n\
         <text class=\"call\" x=\"{0}\" y=\"22\">calls</text>\n\
         <text class=\"put\" x=\"{1}\" y=\"22\">puts</text>",
        WIDTH - 110.0,
        WIDTH - 60.0
    );
}

fn axes(svg: &mut String, x: &Scale, y: &Scale) {
    for value in x.grid() {
        let at = x.place(value);
        line(svg, [at, 40.0, at, HEIGHT - MARGIN], "grid");
        let below = HEIGHT - MARGIN + 18.0;
        let _ = writeln!(
            svg,
            "<text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{value:.0}</text>"
        );
    }
    for value in y.grid() {
        let at = y.place(value);
        line(svg, [MARGIN, at, WIDTH - 20.0, at], "grid");
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value:.1}</text>",
            MARGIN - 6.0,
            at + 4.0
        );
    }
}

fn line(svg: &mut String, [x1, y1, x2, y2]: [f64; 4], class: &str) {
    let _ = writeln!(
        svg,
        "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
    );
}
