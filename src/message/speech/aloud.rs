//! A name in words, so that nothing in it can be taken for the code.

/// The zeros of the digits that names are written with: of ASCII, Arabic, Persian and Urdu, Hindi, and full width.
const ZEROS: [char; 5] = ['0', '\u{660}', '\u{6f0}', '\u{966}', '\u{ff10}'];

/// `name`, with each of its digits as one of the `words` from zero to nine. Signs of numbers that are no digits, such as
/// `½`, are left out, and so is what ends a sentence at its end: the name does not end ours.
pub(super) fn aloud(name: &str, words: &[&str; 10]) -> String {
    let name = name.trim_end_matches(['.', '!', '?', '。', '！', '？', '।', ' ']);
    let mut said = String::new();
    let mut behind_digit = false;
    for sign in name.chars() {
        if let Some(word) = digit(sign).and_then(|digit| words.get(digit)) {
            if said.ends_with(char::is_alphanumeric) {
                said.push(' ');
            }
            said.push_str(word);
            behind_digit = true;
        } else if !sign.is_numeric() {
            if behind_digit && sign.is_alphanumeric() {
                said.push(' ');
            }
            said.push(sign);
            behind_digit = false;
        }
    }
    said
}

/// What a decimal digit stands for.
fn digit(sign: char) -> Option<usize> {
    ZEROS.iter().find_map(|zero| {
        let above = u32::from(sign).checked_sub(u32::from(*zero))?;
        usize::try_from(above).ok().filter(|digit| *digit < 10)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: [&str; 10] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    ];

    #[test]
    fn digits_of_a_name_are_words_apart_from_what_stands_beside_them() {
        for (name, said) in [
            ("Acme Bank", "Acme Bank"),
            ("Acme24", "Acme two four"),
            ("7-Acme", "seven-Acme"),
            ("3A Health", "three A Health"),
            ("Bank 24/7", "Bank two four/seven"),
            ("4711", "four seven one one"),
            ("\u{662}\u{6f3}\u{96a}\u{ff18}", "two three four eight"),
            ("三日月銀行", "三日月銀行"),
            ("बैंक ९", "बैंक nine"),
        ] {
            assert_eq!(aloud(name, &ENGLISH), said);
        }
    }

    #[test]
    fn signs_of_numbers_that_are_no_digits_are_left_out() {
        for (name, said) in [
            ("Area²", "Area"),
            ("①Acme", "Acme"),
            ("\u{1d7d9}\u{1d7da} Acme", " Acme"),
            ("Henry Ⅷ", "Henry "),
        ] {
            assert_eq!(aloud(name, &ENGLISH), said);
        }
    }

    #[test]
    fn the_end_of_a_sentence_is_ours() {
        for (name, said) in [
            ("Acme Inc.", "Acme Inc"),
            ("Acme!", "Acme"),
            ("もしもし。", "もしもし"),
            ("acme.example", "acme.example"),
            ("Acme 2.", "Acme two"),
        ] {
            assert_eq!(aloud(name, &ENGLISH), said);
        }
    }
}
