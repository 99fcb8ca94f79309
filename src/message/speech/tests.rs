use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::message::tests::default_policy;

const DIGITS: &str = "012345";

fn code(digits: &str) -> Code {
    Code::parse_guess(digits).unwrap()
}

fn spoken(name: &str, language: Language) -> Lines {
    spoken_code(&default_policy(name), language, &code(DIGITS)).lines(language)
}

fn flash(name: &str, language: Language) -> Lines {
    flash_call(&default_policy(name), language).lines(language)
}

/// All that can be heard on a call, a line for each sentence.
fn heard(lines: &Lines) -> String {
    let all = lines.sentences().chain([lines.invitation, lines.goodbye]);
    all.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_language_says_who_calls_the_code_twice_and_to_keep_it_secret() {
    let mut found = String::new();
    for language in Language::ALL {
        let _ = writeln!(found, "{}", language.as_str());
        for line in heard(&spoken("Acme Bank", language)).lines() {
            let _ = writeln!(found, "    {line}");
        }
        let flash = flash("Acme Bank", language);
        let sentences: Vec<&str> = flash.sentences().collect();
        let _ = writeln!(found, "    ({} {})", sentences.join(" "), flash.goodbye);
    }
    assert_eq!(found, include_str!("../tests/spoken.txt"), "\n{found}");
}

#[test]
fn the_digits_of_a_name_are_said_in_the_words_of_the_language() {
    let mut found = String::new();
    for language in Language::ALL {
        let greeting = spoken("Acme 0123456789", language);
        let _ = writeln!(found, "{}", greeting.sentences().next().unwrap());
    }
    assert_eq!(
        found,
        include_str!("../tests/spoken_names.txt"),
        "\n{found}"
    );
}

#[test]
fn a_code_of_any_length_is_said_digit_by_digit() {
    for (digits, apart) in [
        ("123456", "1, 2, 3, 4, 5, 6"),
        ("0000000007", "0, 0, 0, 0, 0, 0, 0, 0, 0, 7"),
    ] {
        let said = one_by_one(&code(digits));
        assert_eq!(said.as_str(), apart);
        for language in Language::ALL {
            let speech = spoken_code(&default_policy("Acme"), language, &code(digits));
            let lines = speech.lines(language);
            let with_code = lines.sentences().filter(|line| line.contains(apart));
            assert_eq!(with_code.count(), 2, "{language:?}");
        }
    }
}

#[test]
fn what_is_wanted_in_one_language_can_be_said_in_another() {
    let speech = spoken_code(&default_policy("Acme"), Language::Hindi, &code(DIGITS));
    assert_eq!(speech.language(), Language::Hindi);
    assert_eq!(
        heard(&speech.lines(Language::English)),
        heard(&spoken("Acme", Language::English))
    );
}

/// Names as people make them, and names that try to be a code.
fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[0-9 ,.-]{1,40}",
        "[\u{660}-\u{669}\u{6f0}-\u{6f9}\u{966}-\u{96f}\u{ff10}-\u{ff19}0-9A-Z]{1,40}",
        "\\p{N}{1,40}",
        Just("Your code is: 6, 5, 4, 3, 2, 1.".to_owned()),
        Just("{code} {name} {code}".to_owned()),
    ]
}

proptest! {
    #[test]
    fn the_only_digits_that_are_heard_are_those_of_the_code(name in names()) {
        for language in Language::ALL {
            let text = heard(&spoken(&name, language));
            let digits: String = text.chars().filter(|sign| sign.is_numeric()).collect();
            prop_assert_eq!(digits, DIGITS.repeat(2), "{}", text);
            let text = heard(&flash(&name, language));
            prop_assert!(!text.contains(char::is_numeric), "{}", text);
        }
    }
}
