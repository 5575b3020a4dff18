//! A strategy's parameter, to be changed while it runs.

/// `key=value` in as many bytes as a record has for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    bytes: [u8; Self::BYTES_MAX],
    length: u8,
    key_length: u8,
}

impl Assignment {
    /// The longest, in bytes.
    pub const BYTES_MAX: usize = 96;

    /// Reads `key=value`: letters, digits, `-`, `_` and `.` for the key, anything but control
    /// characters for the value. `None` when it is not that, or too long.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (key, value) = text.split_once('=')?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = text.len() <= Self::BYTES_MAX && !key.is_empty() && !value.is_empty();
        if !fits || !key.bytes().all(is_plain) || value.chars().any(char::is_control) {
            return None;
        }
        let mut bytes = [0; Self::BYTES_MAX];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Some(Self { bytes, length: text.len() as u8, key_length: key.len() as u8 })
    }

    /// All of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length.into()).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    /// Before the `=`.
    #[must_use]
    pub fn key(&self) -> &str {
        self.as_str().get(..self.key_length.into()).unwrap_or_default()
    }

    /// Behind the `=`.
    #[must_use]
    pub fn value(&self) -> &str {
        self.as_str().get(usize::from(self.key_length) + 1..).unwrap_or_default()
    }
}

impl core::fmt::Debug for Assignment {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Why a strategy did not take a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterError {
    /// It has none of that name that may change while it runs.
    Unknown,
    /// The parameter cannot have this value, or not now.
    Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_taken_apart() {
        let it = Assignment::parse("limit=102.50 paise=ok").unwrap();
        assert_eq!((it.key(), it.value()), ("limit", "102.50 paise=ok"));
        assert_eq!(Assignment::parse(it.as_str()), Some(it));
        let longest = format!("k={}", "v".repeat(94));
        assert_eq!(Assignment::parse(&longest).unwrap().as_str(), longest);
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "=", "k", "k=", "=v", "k k=v", "k=a\nb", &format!("k={}", "v".repeat(95))]
        {
            assert_eq!(Assignment::parse(text), None, "{text}");
        }
        assert_eq!(Assignment::parse("vol=₹20").unwrap().value(), "₹20");
    }
}
