//! The enums of named reasons: fixed codes, ordered by precedence, each with a name and a message.

/// Defines a `Copy` error enum whose variants carry a code, a snake-case name and a message.
macro_rules! named_reasons {
    ($(#[$outer:meta])* $enum:ident { $($(#[$doc:meta])* $name:ident = $code:literal, $text:literal, $message:literal;)+ }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $enum {
            $($(#[$doc])* $name = $code,)+
        }

        impl $enum {
            /// Every reason, by precedence. The code of the one at index `i` is `i`.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];
            /// How many reasons there are: the length of a table of counters indexed by code.
            pub const COUNT: usize = Self::ALL.len();

            /// A name for programs, in snake case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// What a person should read.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$name => $message,)+
                }
            }
        }

        const _: () = {
            let mut index = 0;
            while index < $enum::COUNT {
                assert!($enum::ALL[index] as usize == index, "codes count from 0 without holes");
                index += 1;
            }
        };

        impl core::fmt::Display for $enum {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.message())
            }
        }

        impl core::error::Error for $enum {}
    };
}

pub(crate) use named_reasons;
