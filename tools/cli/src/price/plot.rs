//! The smile of one expiry as an SVG: volatilities of calls and puts over the strikes.

use std::fmt::Write;

use tezi::pricing::{OptionChain, OptionSide};

use super::chain::expiry;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 520.0;
const MARGIN: f64 = 60.0;
const GRID_LINES: u32 = 8;

/// A complete SVG document. What has no volatility has no point.
pub(super) fn smile(chain: &OptionChain) -> String {
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

    let mut svg = String::new();
    head(&mut svg, chain);
    axes(&mut svg, &x, &y);
    if chain.forward.is_finite() && !points.is_empty() {
        let at = x.place(chain.forward);
        line(&mut svg, [at, 40.0, at, HEIGHT - MARGIN], "forward");
    }
    for (strike, vol, kind) in points {
        let (cx, cy) = (x.place(strike), y.place(vol));
        // Writing to a string does not fail, here and below.
        let _ = writeln!(svg, "<circle class=\"{kind}\" cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"3\"/>");
    }
    svg.push_str("</svg>\n");
    svg
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
    let expiry = expiry(chain);
    let forward = chain.forward;
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <style>.call{{fill:#1b6ca8}}.put{{fill:#c0392b}}.grid{{stroke:#ddd}}\
         .forward{{stroke:#888;stroke-dasharray:4}}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{MARGIN}\" y=\"22\" font-size=\"15\">{symbol} {expiry}: implied volatility, % \
         (forward {forward:.2})</text>\n\
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
