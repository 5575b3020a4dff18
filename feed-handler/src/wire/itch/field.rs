//! What ITCH holds beside plain numbers: 48-bit times and padded text.

use bytemuck::{Pod, Zeroable};

/// A big-endian number of 48 bits: nanoseconds since midnight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub struct BeU48(pub [u8; 6]);

impl BeU48 {
    /// The bytes of the low 48 bits of a number.
    #[inline]
    #[must_use]
    pub const fn new(value: u64) -> Self {
        let [_, _, a, b, c, d, e, f] = value.to_be_bytes();
        Self([a, b, c, d, e, f])
    }

    /// The number.
    #[inline]
    #[must_use]
    pub const fn get(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        (u16::from_be_bytes([a, b]) as u64) << 32 | u32::from_be_bytes([c, d, e, f]) as u64
    }
}

const _: () = assert!(align_of::<BeU48>() == 1 && size_of::<BeU48>() == 6);

/// Text that is padded with spaces on the right, as text; `?` when it is not ASCII.
#[must_use]
pub fn text(bytes: &[u8]) -> &str {
    if !bytes.is_ascii() {
        return "?";
    }
    core::str::from_utf8(bytes).unwrap_or("?").trim_end_matches(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_big_endian_in_six_bytes() {
        assert_eq!(BeU48([1, 2, 3, 4, 5, 6]).get(), 0x0102_0304_0506);
        assert_eq!(BeU48::new(u64::MAX).get(), (1 << 48) - 1);
    }

    #[test]
    fn padding_is_no_part_of_a_text() {
        assert_eq!(
            (text(b"ZVZZT   "), text(b"        "), text(b"A\xff      ")),
            ("ZVZZT", "", "?")
        );
    }
}
