//! A strict reader of Prometheus' text format 0.0.4: what it refuses, a scraper might.

use std::collections::{BTreeMap, BTreeSet};

/// Samples by name and labels, as they stand in the text.
pub(crate) type Samples = BTreeMap<String, f64>;

/// Reads an answer; the first thing that is not so, in words.
pub(crate) fn parse(text: &str) -> Result<Samples, String> {
    if !text.ends_with('\n') {
        return Err("the last line has no end".into());
    }
    let (mut samples, mut families) = (Samples::new(), BTreeSet::new());
    let (mut described, mut family): (Option<&str>, Option<(&str, &str)>) = (None, None);
    for (line, number) in text.lines().zip(1..) {
        let wrong = |what: &str| format!("line {number}, {what}: {line}");
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, _) = help.split_once(' ').ok_or_else(|| wrong("no help"))?;
            if described.is_some() || !is_name(name) || !families.insert(name) {
                return Err(wrong("a family described twice, or with no type, or no name"));
            }
            described = Some(name);
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').ok_or_else(|| wrong("no type"))?;
            let is_kind = ["counter", "gauge", "summary"].contains(&kind);
            if described.take() != Some(name) || !is_kind {
                return Err(wrong("a type without its help, or of no kind"));
            }
            if (kind == "counter") != name.ends_with("_total") {
                return Err(wrong("counters, and no others, end in _total"));
            }
            family = Some((name, kind));
        } else {
            let (name, labels, value) = sample(line).ok_or_else(|| wrong("no sample"))?;
            let (base, kind) = family.ok_or_else(|| wrong("a sample before its family"))?;
            let suffix = name.strip_prefix(base).ok_or_else(|| wrong("of another family"))?;
            let is_quantile = labels.iter().any(|(key, _)| key == "quantile");
            let is_right = match (kind, suffix) {
                ("summary", "") => is_quantile,
                ("summary", "_sum" | "_count") => !is_quantile && value >= 0.0,
                ("counter", "") => value >= 0.0 && value.fract() == 0.0,
                ("gauge", "") => true,
                _ => false,
            };
            let key = line.rsplit_once(' ').map_or(line, |(key, _)| key);
            if !is_right || samples.insert(key.to_owned(), value).is_some() {
                return Err(wrong("a value that cannot be, or twice"));
            }
        }
    }
    Ok(samples)
}

fn is_name(name: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    !name.is_empty()
        && name.chars().all(is_letter)
        && !name.starts_with(|it: char| it.is_ascii_digit())
}

type Labels = Vec<(String, String)>;

fn sample(line: &str) -> Option<(&str, Labels, f64)> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Labels::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (key, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            if !is_name(key) || labels.iter().any(|(known, _)| known == key) {
                return None;
            }
            labels.push((key.to_owned(), value));
            rest = match after.strip_prefix(',') {
                Some(next) => next,
                None => after.strip_prefix('}')?,
            };
            if after.starts_with('}') {
                break;
            }
        }
    }
    let value = rest.strip_prefix(' ')?;
    let is_plain = value.starts_with(|it: char| it.is_ascii_digit() || it == '-') || value == "NaN";
    (is_name(name) && is_plain).then_some(())?;
    Some((name, labels, value.parse().ok()?))
}

/// A label's value up to its closing quote, and what is behind that.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[place + 1..])),
            '\\' => value.push(match letters.next()?.1 {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                _ => return None,
            }),
            letter => value.push(letter),
        }
    }
    None
}
