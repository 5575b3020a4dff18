//! Lines of comma-separated values, the part of RFC 4180 that fits on one line.

/// The fields of a line: plain, or in double quotes with `""` for a quotation mark inside. `None`
/// when a quotation mark stands where it has no partner.
pub(super) fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = Vec::with_capacity(super::COLUMNS.len());
    let mut rest = line;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        if !rest.starts_with('"') && field.contains('"') {
            return None;
        }
        fields.push(field.trim().to_owned());
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return after.is_empty().then_some(fields),
        }
    }
}

/// A field after its opening mark, and what follows the closing one.
fn quoted_field(text: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"')?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None => return Some((field, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_commas_and_must_have_partners() {
        let read = |line| fields(line).map(|fields| fields.join("|"));
        assert_eq!(read("a, b ,,d"), Some("a|b||d".into()));
        assert_eq!(read("\"a,b\",\"say \"\"so\"\"\""), Some("a,b|say \"so\"".into()));
        assert_eq!(read(""), Some(String::new()));
        for line in ["\"a", "a\"b", "\"a\"b,c", "a,\""] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
