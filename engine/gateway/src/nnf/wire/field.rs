//! Field types of NNF: big-endian numbers and padded text, all of alignment 1.
//!
//! Wrapping the bytes keeps a structure `Pod` at any offset, so that no reference is ever
//! unaligned and the structure in memory is the layout on the wire.

use core::fmt;

use bytemuck::{Pod, Zeroable};

macro_rules! big_endian {
    ($($(#[$doc:meta])* $name:ident, $native:ty, $size:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Pod, Zeroable)]
        #[repr(transparent)]
        pub struct $name([u8; $size]);

        impl $name {
            /// The field that holds `value`.
            #[inline]
            #[must_use]
            pub const fn new(value: $native) -> Self {
                Self(value.to_be_bytes())
            }

            /// The value in the field.
            #[inline]
            #[must_use]
            pub const fn get(self) -> $native {
                <$native>::from_be_bytes(self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.get(), f)
            }
        }
    )+};
}

big_endian! {
    /// An unsigned 16-bit number.
    BeU16, u16, 2;
    /// An unsigned 32-bit number.
    BeU32, u32, 4;
    /// A signed 16-bit number, SHORT in the documents.
    BeI16, i16, 2;
    /// A signed 32-bit number, LONG in the documents.
    BeI32, i32, 4;
    /// A signed 64-bit number, LONG LONG in the documents.
    BeI64, i64, 8;
    /// An IEEE double. Order numbers travel in it as integers.
    BeF64, f64, 8;
}

/// Why a text cannot go into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextError {
    /// It has more characters than the field.
    TooLong,
    /// It has a character outside printable ASCII.
    NotPrintable,
}

/// A text field: upper case, left-justified, padded with blanks, without NUL (FO 9.48, chapter 2).
#[derive(Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Text<const N: usize>([u8; N]);

impl<const N: usize> Text<N> {
    /// The field with nothing in it.
    pub const BLANK: Self = Self([b' '; N]);

    /// The field that holds `text`, made upper case.
    ///
    /// # Errors
    ///
    /// [`TextError`] when the text does not fit or is not printable ASCII.
    pub fn new(text: &str) -> Result<Self, TextError> {
        if text.len() > N {
            return Err(TextError::TooLong);
        }
        let mut field = Self::BLANK;
        for (to, from) in field.0.iter_mut().zip(text.bytes()) {
            if !(b' '..=b'~').contains(&from) {
                return Err(TextError::NotPrintable);
            }
            *to = from.to_ascii_uppercase();
        }
        Ok(field)
    }

    /// The field without its padding. Blanks and NULs at the end count as padding, since members
    /// must pad with blanks but nothing says that the exchange does.
    #[must_use]
    pub fn trimmed(&self) -> &[u8] {
        let end = self.0.iter().rposition(|&byte| byte != b' ' && byte != 0).map_or(0, |at| at + 1);
        &self.0[..end]
    }
}

impl Text<1> {
    /// The field of one character.
    #[must_use]
    pub const fn letter(letter: u8) -> Self {
        Self([letter])
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    /// The text without padding; a byte that is not printable ASCII shows as `\xNN`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trimmed().escape_ascii().fmt(f)
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A password or key. Printing it shows that it is there and nothing of it.
#[derive(Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct Secret<const N: usize>(pub [u8; N]);

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_big_endian() {
        assert_eq!(bytemuck::bytes_of(&BeI16::new(20000)), [0x4e, 0x20]);
        assert_eq!(bytemuck::bytes_of(&BeI32::new(-1)), [0xff; 4]);
        assert_eq!(
            bytemuck::bytes_of(&BeI64::new(0x0102_0304_0506_0708)),
            [1, 2, 3, 4, 5, 6, 7, 8]
        );
        assert_eq!(bytemuck::bytes_of(&BeF64::new(1.0)), [0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(BeU16::new(1024).get(), 1024);
        assert_eq!(BeU32::new(u32::MAX).get(), u32::MAX);
    }

    #[test]
    fn text_is_upper_case_left_justified_and_blank_padded() {
        let cases: [(&str, Result<&[u8; 5], TextError>); 6] = [
            ("", Ok(b"     ")),
            ("ab", Ok(b"AB   ")),
            ("M&M-1", Ok(b"M&M-1")),
            ("ABCDEF", Err(TextError::TooLong)),
            ("a\0b", Err(TextError::NotPrintable)),
            ("\u{e9}", Err(TextError::NotPrintable)),
        ];
        for (text, field) in cases {
            assert_eq!(Text::<5>::new(text).map(|text| text.0), field.copied(), "{text:?}");
        }
    }

    #[test]
    fn padding_of_either_kind_is_trimmed_and_inner_blanks_stay() {
        let cases: [(&[u8; 5], &[u8]); 4] =
            [(b"     ", b""), (b"\0\0\0\0\0", b""), (b"A B \0", b"A B"), (b" AB  ", b" AB")];
        for (field, trimmed) in cases {
            assert_eq!(Text(*field).trimmed(), trimmed);
        }
        assert_eq!(format!("{:?} {}", Text(*b"A\x01   "), Text(*b"OK\0\0\0")), r#""A\x01" OK"#);
    }
}
