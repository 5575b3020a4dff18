//! Percentiles of durations as an SVG: the axis counts nines, so that the tail has the room it needs.

use std::fmt::Write;

pub(crate) const WIDTH: f64 = 900.0;
pub(crate) const HEIGHT: f64 = 520.0;
pub(crate) const LEFT: f64 = 80.0;
pub(crate) const RIGHT: f64 = 30.0;
pub(crate) const TOP: f64 = 50.0;
pub(crate) const BOTTOM: f64 = 60.0;
/// Points of the curve between two nines.
const STEPS_PER_NINE: u32 = 40;
/// 99.99999 %: beyond it a plot of any run is its maximum.
const NINES_MAX: u32 = 7;

/// Colours of curves, told apart by those who do not see red and green as two (Okabe and Ito 2008).
pub(crate) const COLOURS: [&str; 8] =
    ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#000000", "#a0a000"];

/// One curve: durations, ns, at each quantile from 0 to 1, of `count` values.
pub(crate) struct Curve<'a> {
    pub(crate) name: String,
    pub(crate) count: u64,
    pub(crate) quantile: Box<dyn Fn(f64) -> u64 + 'a>,
}

/// A complete SVG document of one curve. Without values it says so in place of a curve.
pub(crate) fn percentiles(title: &str, count: u64, quantile: &dyn Fn(f64) -> u64) -> String {
    percentile_curves(title, &[Curve { name: String::new(), count, quantile: Box::new(quantile) }])
}

/// A complete SVG document of several curves, and a legend when they have names. Those without values
/// are left out.
pub(crate) fn percentile_curves(title: &str, curves: &[Curve<'_>]) -> String {
    let mut svg = document_head(title);
    let drawn: Vec<&Curve<'_>> = curves.iter().filter(|curve| curve.count > 0).collect();
    if drawn.is_empty() {
        // Writing to a string does not fail, here and below.
        let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{}\">no values</text>", HEIGHT / 2.0);
    } else {
        Frame::new(&drawn).draw(&mut svg, &drawn);
    }
    svg.push_str("</svg>\n");
    svg
}

/// The beginning of a document of this size: background and title.
pub(crate) fn document_head(title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <style>.grid{{stroke:#ddd}}.curve{{fill:none;stroke-width:2}}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"28\" font-size=\"16\">{}</text>\n",
        escaped(title)
    )
}

/// The colour of a curve by its place; from the ninth on dashed.
pub(crate) fn stroke(place: usize) -> String {
    let dash = if place >= COLOURS.len() { " stroke-dasharray=\"6 3\"" } else { "" };
    format!("stroke=\"{}\"{dash}", COLOURS[place % COLOURS.len()])
}

/// A legend in the upper left of the plot.
pub(crate) fn legend(svg: &mut String, names: &[&str]) {
    for (place, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        let (y, style) = (TOP + 14.0 + 16.0 * place as f64, stroke(place));
        let (from, to, text) = (LEFT + 10.0, LEFT + 34.0, LEFT + 40.0);
        let _ = writeln!(
            svg,
            "<line x1=\"{from}\" y1=\"{y}\" x2=\"{to}\" y2=\"{y}\" stroke-width=\"2\" {style}/>\
             <text x=\"{text}\" y=\"{}\">{}</text>",
            y + 4.0,
            escaped(name)
        );
    }
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
    fn new(curves: &[&Curve<'_>]) -> Self {
        let decade = |quantile: f64| {
            curves.iter().map(move |curve| (curve.quantile)(quantile).max(1).ilog10())
        };
        let decade_first = decade(0.0).min().unwrap_or(0);
        // The decade that holds the maximum ends at the next power of ten.
        let decade_last = decade(1.0).max().unwrap_or(0) + 1;
        let nines = curves.iter().map(|curve| nines(curve.count)).max().unwrap_or(1);
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

    fn draw(&self, svg: &mut String, curves: &[&Curve<'_>]) {
        self.axes(svg);
        for (place, curve) in curves.iter().enumerate() {
            let (points, style) = (self.points(curve), stroke(place));
            let _ = writeln!(svg, "<polyline class=\"curve\" {style} points=\"{points}\"/>");
        }
        let names: Vec<&str> = curves.iter().map(|curve| &*curve.name).collect();
        legend(svg, &names);
    }

    fn points(&self, curve: &Curve<'_>) -> String {
        let mut points = String::new();
        let last = nines(curve.count);
        for step in 0..=last * STEPS_PER_NINE {
            let nines = f64::from(step) / f64::from(STEPS_PER_NINE);
            let ns = (curve.quantile)(1.0 - 10_f64.powf(-nines));
            let _ = write!(points, "{:.1},{:.1} ", self.x(nines), self.y(ns));
        }
        // The maximum stands at the edge, where no quantile reaches.
        let (edge, highest) = (self.x(f64::from(last)), self.y((curve.quantile)(1.0)));
        let _ = write!(points, "{edge:.1},{highest:.1}");
        points
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

/// As many nines as so many values can fill.
fn nines(count: u64) -> u32 {
    (count.ilog10() + u32::from(!is_power_of_ten(count))).clamp(1, NINES_MAX)
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
pub(crate) fn duration(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{} us", ns / 1_000),
        1_000_000..1_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{} s", ns / 1_000_000_000),
    }
}

pub(crate) fn escaped(text: &str) -> String {
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
        let curve = Curve { name: String::new(), count: 10_000, quantile: Box::new(quantile) };
        let frame = Frame::new(&[&curve]);
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
        assert_eq!(nines(u64::MAX), NINES_MAX);
    }

    #[test]
    fn several_curves_share_the_axes_and_each_ends_where_its_values_do() {
        let (few, many) = (|_| 100, |quantile: f64| 1 + (quantile * 1e6) as u64);
        let curves = [
            Curve { name: "few & slow".into(), count: 10, quantile: Box::new(few) },
            Curve { name: "absent".into(), count: 0, quantile: Box::new(few) },
            Curve { name: "many".into(), count: 1_000_000, quantile: Box::new(many) },
        ];
        let svg = percentile_curves("two", &curves);
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(svg.contains("few &amp; slow") && !svg.contains("absent"));
        let last = points(&svg).last().unwrap().0;
        assert!((last - (LEFT + (WIDTH - LEFT - RIGHT) / 6.0)).abs() < 0.1, "{last}");
    }
}
