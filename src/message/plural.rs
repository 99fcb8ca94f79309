//! Which form of a word goes with a number: the cardinal rules of the Unicode CLDR, for whole numbers below a million.

use crate::domain::language::Language;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plural {
    Zero,
    One,
    Two,
    Few,
    Many,
    Other,
}

impl Plural {
    pub(super) fn of(language: Language, number: u64) -> Self {
        match language {
            Language::English | Language::German | Language::Italian | Language::Spanish => {
                if number == 1 {
                    Self::One
                } else {
                    Self::Other
                }
            }
            Language::Portuguese | Language::French | Language::Hindi => {
                if number <= 1 {
                    Self::One
                } else {
                    Self::Other
                }
            }
            Language::Arabic => match (number, number % 100) {
                (0, _) => Self::Zero,
                (1, _) => Self::One,
                (2, _) => Self::Two,
                (_, 3..=10) => Self::Few,
                (_, 11..=99) => Self::Many,
                _ => Self::Other,
            },
            Language::Japanese | Language::Chinese => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_counts_in_its_own_way() {
        use Plural::{Few, One, Other, Two, Zero};
        let forms = |language| [0, 1, 2, 5].map(|number| Plural::of(language, number));
        for language in Language::ALL {
            let expected = match language {
                Language::English | Language::German | Language::Italian | Language::Spanish => {
                    [Other, One, Other, Other]
                }
                Language::Portuguese | Language::French | Language::Hindi => {
                    [One, One, Other, Other]
                }
                Language::Arabic => [Zero, One, Two, Few],
                Language::Japanese | Language::Chinese => [Other; 4],
            };
            assert_eq!(forms(language), expected, "{language:?}");
        }
    }

    #[test]
    fn arabic_has_a_dual_a_form_for_a_few_and_one_for_many() {
        let of = |number| Plural::of(Language::Arabic, number);
        for (number, form) in [
            (3, Plural::Few),
            (10, Plural::Few),
            (11, Plural::Many),
            (99, Plural::Many),
            (100, Plural::Other),
            (102, Plural::Other),
            (103, Plural::Few),
            (111, Plural::Many),
        ] {
            assert_eq!(of(number), form, "{number}");
        }
    }
}
