//! Percentiles of durations as an SVG: the axis counts nines, so that the tail has the room it needs.

use std::fmt::Write;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 60.0;
/// Points of the curve between two nines.
const STEPS_PER_NINE: u32 = 40;
/// 99.99999 %: beyond it a plot of any run is its maximum.
const NINES_MAX: u32 = 7;

/// A complete SVG document of one curve: durations, ns, at each quantile from 0 to 1, of `count`
/// values. Without values it says so in place of a curve.
pub(crate) fn percentiles(title: &str, count: u64, quantile: &dyn Fn(f64) -> u64) -> String {
    let mut svg = String::new();
    // Writing to a string does not fail, here and below.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <style>.grid{{stroke:#ddd}}.curve{{fill:none;stroke:#1b6ca8;stroke-width:2}}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"28\" font-size=\"16\">{}</text>",
        escaped(title)
    );
    match count {
        0 => {
            let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{}\">no values</text>", HEIGHT / 2.0);
        }
        _ => Frame::new(count, quantile).draw(&mut svg, quantile),
    }
    svg.push_str("</svg>\n");
    svg
}

/// What the axes span.
struct Frame {
    nines: u32,
    /// Powers of ten of ns.
    decade_first: u32,
    decade_last: u32,
}

impl Frame {
    /// As many nines as the count of values can fill, and whole decades.
    fn new(count: u64, quantile: &dyn Fn(f64) -> u64) -> Self {
        let decade_first = quantile(0.0).max(1).ilog10();
        // The decade that holds the maximum ends at the next power of ten.
        let decade_last = quantile(1.0).max(1).ilog10() + 1;
        let nines = (count.ilog10() + u32::from(!is_power_of_ten(count))).clamp(1, NINES_MAX);
        Self { nines, decade_first, decade_last: decade_last.max(decade_first + 1) }
    }

    fn x(&self, nines: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * nines / f64::from(self.nines)
    }

    fn y(&self, ns: u64) -> f64 {
        let decades = f64::from(self.decade_last - self.decade_first);
        let part = ((ns.max(1) as f64).log10() - f64::from(self.decade_first)) / decades;
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part
    }

    fn draw(&self, svg: &mut String, quantile: &dyn Fn(f64) -> u64) {
        self.axes(svg);
        let mut points = String::new();
        for step in 0..=self.nines * STEPS_PER_NINE {
            let nines = f64::from(step) / f64::from(STEPS_PER_NINE);
            let ns = quantile(1.0 - 10_f64.powf(-nines));
            let _ = write!(points, "{:.1},{:.1} ", self.x(nines), self.y(ns));
        }
        // The maximum stands at the edge, where no quantile reaches.
        let edge = f64::from(self.nines);
        let _ = write!(points, "{:.1},{:.1}", self.x(edge), self.y(quantile(1.0)));
        let _ = writeln!(svg, "<polyline class=\"curve\" points=\"{points}\"/>");
    }

    fn axes(&self, svg: &mut String) {
        for nines in 0..=self.nines {
            let (x, bottom) = (self.x(f64::from(nines)), HEIGHT - BOTTOM);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\
                 <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                bottom + 20.0,
                percent(nines)
            );
        }
        for decade in self.decade_first..=self.decade_last {
            let ns = 10_u64.saturating_pow(decade);
            let (y, right) = (self.y(ns), WIDTH - RIGHT);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 8.0,
                y + 4.0,
                duration(ns)
            );
        }
        let (middle, below) = ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 15.0);
        let _ = writeln!(
            svg,
            "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">percentile</text>"
        );
    }
}

const fn is_power_of_ten(number: u64) -> bool {
    number == 10_u64.pow(number.ilog10())
}

/// The percentile of this many nines: `0`, `90`, `99`, `99.9`.
fn percent(nines: u32) -> String {
    match nines {
        0 => "0".into(),
        1 => "90".into(),
        2 => "99".into(),
        _ => format!("99.{}", "9".repeat(nines as usize - 2)),
    }
}

/// A power of ten of nanoseconds.
fn duration(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{} us", ns / 1_000),
        1_000_000..1_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{} s", ns / 1_000_000_000),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(svg: &str) -> Vec<(f64, f64)> {
        let (_, rest) = svg.split_once("points=\"").unwrap();
        let (points, _) = rest.split_once('"').unwrap();
        let number = |text: &str| text.parse::<f64>().unwrap();
        let pairs = points.split(' ').map(|pair| pair.split_once(',').unwrap());
        pairs.map(|(x, y)| (number(x), number(y))).collect()
    }

    #[test]
    fn the_curve_ends_at_the_maximum_and_never_falls() {
        // 1 to 10,000 ns, each once: four nines, four decades.
        let quantile = |quantile: f64| ((quantile * 10_000.0).ceil() as u64).max(1);
        let svg = percentiles("gaps <1 & 2>", 10_000, &quantile);
        let points = points(&svg);
        assert_eq!(points.len(), 4 * STEPS_PER_NINE as usize + 2);
        assert!(points.windows(2).all(|it| it[0].0 <= it[1].0 && it[0].1 >= it[1].1));
        let frame = Frame::new(10_000, &quantile);
        assert_eq!((frame.nines, frame.decade_first, frame.decade_last), (4, 0, 5));
        let last = points.last().unwrap();
        assert!((last.0 - (WIDTH - RIGHT)).abs() < 0.1 && (last.1 - frame.y(10_000)).abs() < 0.1);
        assert!(
            svg.contains(">99.99<") && svg.contains(">100 us<") && svg.contains("&lt;1 &amp; 2")
        );
    }

    #[test]
    fn few_values_and_none_are_drawn() {
        assert!(percentiles("none", 0, &|_| 0).contains("no values"));
        let one = percentiles("one", 1, &|_| 1_500);
        assert!(points(&one).iter().all(|point| (point.1 - points(&one)[0].1).abs() < 0.01));
        assert_eq!(Frame::new(u64::MAX, &|_| u64::MAX).nines, NINES_MAX);
    }
}
