//! Big-endian numbers as wire structs hold them: bytes, so alignment is 1 and any offset is fine.

use bytemuck::{Pod, Zeroable};

macro_rules! big_endian {
    ($($name:ident $number:ident $size:literal;)+) => {$(
        #[doc = concat!("A big-endian `", stringify!($number), "`.")]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
        #[repr(transparent)]
        pub struct $name(pub [u8; $size]);

        impl $name {
            #[doc = concat!("The bytes of a `", stringify!($number), "`.")]
            #[inline]
            #[must_use]
            pub const fn new(value: $number) -> Self {
                Self(value.to_be_bytes())
            }

            /// The number.
            #[inline]
            #[must_use]
            pub const fn get(self) -> $number {
                $number::from_be_bytes(self.0)
            }
        }

        const _: () = assert!(align_of::<$name>() == 1 && size_of::<$name>() == $size);
    )+};
}

big_endian! {
    BeI16 i16 2;
    BeU16 u16 2;
    BeI32 i32 4;
    BeU32 u32 4;
    BeI64 i64 8;
    BeU64 u64 8;
    BeF64 f64 8;
}
