//! Enums whose variants are words that callers and the database see.

/// Gives an enum its words: `as_str` and `parse`, from one list.
macro_rules! words {
    ($type:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $type {
            /// All of its words.
            pub const WORDS: &[&str] = &[$($word),+];

            /// The word that callers and the database see.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(super) use words;
