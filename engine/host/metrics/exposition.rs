//! Prometheus' text format, version 0.0.4.

use std::fmt::Write;

use crate::observer::{Family, Kind};

/// An answer being written: each family's description, then its samples.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
}

impl Exposition {
    /// What the answer is, for its header.
    pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    pub(super) fn counter(&mut self, name: &str, help: &str) {
        self.family(name, "counter", help);
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str) {
        self.family(name, "gauge", help);
    }

    pub(super) fn summary(&mut self, name: &str, help: &str) {
        self.family(name, "summary", help);
    }

    /// A family of one sample.
    pub(super) fn figure(&mut self, family: &Family, value: i64) {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        self.family(family.name, kind, family.help);
        self.sample(family.name, &[], value as f64 / family.scale as f64);
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a string does not fail, here and below.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One sample; not a number is how the format says that there is none.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(name);
        for (place, (key, label)) in labels.iter().enumerate() {
            let label = label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let before = if place == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{key}=\"{label}\"");
        }
        self.text.push_str(if labels.is_empty() { " " } else { "} " });
        let _ = writeln!(self.text, "{value}");
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_help_are_escaped() {
        let mut out = Exposition::default();
        out.gauge("a", "one\ntwo \\");
        out.sample("a", &[("b", "x\"y\\z\n"), ("c", "")], f64::NAN);
        out.sample("a", &[], 0.000_000_12);
        let want = "# HELP a one\\ntwo \\\\\n# TYPE a gauge\na{b=\"x\\\"y\\\\z\\n\",c=\"\"} NaN\n\
                    a 0.00000012\n";
        assert_eq!(out.into_text(), want);
    }
}
