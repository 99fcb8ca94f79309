//! The digits a person receives, and nothing that could print them.

use std::fmt;

use zeroize::Zeroizing;

use super::random::Random;

/// A one-time code, or a guess at one. It can be neither printed nor serialised; [`Code::expose`] is
/// the one way to its digits.
#[derive(Clone)]
pub struct Code(Zeroizing<String>);

impl Code {
    /// A code of `length` digits, uniform over the whole space, leading zeros kept.
    pub fn generate(length: u8, random: &Random) -> Self {
        let number = random.below_u64(10_u64.pow(u32::from(length)));
        Self(Zeroizing::new(format!(
            "{number:0width$}",
            width = usize::from(length)
        )))
    }

    /// What somebody typed: ASCII spaces and hyphens are dropped, then 4 to 15 digits must remain, with or without
    /// a leading `+` (a flash call is checked by the number that rang).
    pub fn parse_guess(text: &str) -> Option<Self> {
        // A guess is short; what is longer is no guess and costs nothing.
        if 64 < text.len() {
            return None;
        }
        let typed: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|c| !matches!(c, ' ' | '-')).collect());
        let digits = typed.strip_prefix('+').unwrap_or(&typed);
        let shape_fits =
            (4..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        shape_fits.then(|| Self(typed.clone()))
    }

    /// A code that was kept sealed.
    pub fn from_sealed(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The digits. Every use of this is a place where a code leaves its type.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_uniform_over_the_whole_space_with_leading_zeros() {
        let random = Random::seeded(7);
        let mut counts = [[0_u32; 10]; 6];
        for _ in 0..20_000 {
            let code = Code::generate(6, &random);
            assert_eq!(code.expose().len(), 6);
            for (position, digit) in code.expose().bytes().enumerate() {
                counts[position][usize::from(digit - b'0')] += 1;
            }
        }
        // Chi-square with 9 degrees of freedom: 27.88 is exceeded by chance once in a thousand.
        for position in counts {
            let chi_square: f64 = position
                .iter()
                .map(|&seen| (f64::from(seen) - 2_000.0).powi(2) / 2_000.0)
                .sum();
            assert!(chi_square < 27.88, "digits are not uniform: {position:?}");
        }
    }

    #[test]
    fn the_longest_code_is_uniform_too() {
        let random = Random::seeded(7);
        let high = (0..1_000)
            .filter(|_| "5" <= Code::generate(10, &random).expose())
            .count();
        assert!(
            (400..600).contains(&high),
            "{high} of 1000 codes begin with 5 or more"
        );
    }

    #[test]
    fn spaces_and_hyphens_are_dropped_from_a_guess_and_nothing_else_is() {
        for (typed, read) in [
            ("123456", "123456"),
            (" 123 456 ", "123456"),
            ("123-456", "123456"),
            ("+13055550100", "+13055550100"),
        ] {
            assert_eq!(Code::parse_guess(typed).unwrap().expose(), read);
        }
        for typed in [
            "",
            "123",
            "1234567890123456",
            "12345a",
            "１２３４５６",
            "123456\0",
            "123\n456",
            "++12345",
            "+",
            "1+23456",
        ] {
            assert!(Code::parse_guess(typed).is_none(), "{typed:?} is no guess");
        }
        assert!(Code::parse_guess(&" ".repeat(10_000)).is_none());
    }

    #[test]
    fn a_code_cannot_be_printed() {
        let code = Code::parse_guess("123456").unwrap();
        assert_eq!(
            format!("{code:?} {:?}", Some(&code)),
            "Code(hidden) Some(Code(hidden))"
        );
    }
}
