//! Little-endian numbers as wire structs hold them: bytes, so alignment is 1 and any offset is fine.

use bytemuck::{Pod, Zeroable};

macro_rules! little_endian {
    ($($name:ident $number:ident $size:literal;)+) => {$(
        #[doc = concat!("A little-endian `", stringify!($number), "`.")]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
        #[repr(transparent)]
        pub struct $name(pub [u8; $size]);

        impl $name {
            #[doc = concat!("The bytes of a `", stringify!($number), "`.")]
            #[inline]
            #[must_use]
            pub const fn new(value: $number) -> Self {
                Self(value.to_le_bytes())
            }

            /// The number.
            #[inline]
            #[must_use]
            pub const fn get(self) -> $number {
                $number::from_le_bytes(self.0)
            }
        }

        const _: () = assert!(align_of::<$name>() == 1 && size_of::<$name>() == $size);
    )+};
}

little_endian! {
    LeI16 i16 2;
    LeU16 u16 2;
    LeI32 i32 4;
    LeU32 u32 4;
    LeI64 i64 8;
    LeU64 u64 8;
    LeF64 f64 8;
}
