//! What the tests of the pricing kernels share: numbers of reference files, and a seeded generator.

#![allow(dead_code, clippy::unwrap_used)] // not every test uses all of it

/// A decimal number or a hex float: `-0x1.8p-3`.
pub(crate) fn number(text: &str) -> f64 {
    if let Some(positive) = text.strip_prefix('-') {
        return -number(positive);
    }
    let Some(hex) = text.strip_prefix("0x") else { return text.parse().unwrap() };
    let (mantissa, exponent) = hex.split_once('p').unwrap();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = u64::from_str_radix(&format!("{whole}{fraction}"), 16).unwrap();
    let scale = exponent.parse::<i32>().unwrap() - 4 * fraction.len() as i32;
    // At most 53 significant bits, and two steps so that no power leaves the range.
    digits as f64 * 2f64.powi(scale / 2) * 2f64.powi(scale - scale / 2)
}

/// The fields of every row after the comments and the header.
pub(crate) fn rows(csv: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    let lines = csv.lines().filter(|line| !line.starts_with('#')).skip(1);
    lines.map(|line| line.split(',').collect())
}

pub(crate) use tezi_testing::Random;
