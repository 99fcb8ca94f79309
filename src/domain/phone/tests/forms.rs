//! Spellings of one number, and forms that are refused.

use proptest::prelude::*;

use crate::domain::phone::{InvalidNumber, LineType, PhoneNumber};

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn spellings_of_one_number_are_one_number() {
    let spellings = [
        "+14155552671",
        "+1 (415) 555-2671",
        "+1.415.555.2671",
        " +14155552671",
        "+14155552671 ",
        "(+1) 415-555-2671",
        "+ 1 4 1 5 5 5 5 2 6 7 1",
    ];
    for spelling in spellings {
        assert_eq!(number(spelling).expose(), "+14155552671", "{spelling}");
        assert_eq!(number(spelling), number("+14155552671"));
    }
}

#[test]
fn a_trunk_zero_is_taken_out() {
    for spelling in ["+4402079460018", "+44 (0)20 7946 0018", "+442079460018"] {
        assert_eq!(number(spelling).expose(), "+442079460018", "{spelling}");
    }
    assert_eq!(number("+33 (0)6 12 34 56 78").expose(), "+33612345678");
    assert_eq!(
        number("+390612345678").expose(),
        "+390612345678",
        "in Italy the zero is part of the number"
    );
}

#[test]
fn a_number_knows_its_region_calling_code_and_line_type() {
    let lisbon = number("+351912345678");
    assert_eq!(
        (lisbon.region(), lisbon.calling_code(), lisbon.line_type()),
        ("PT", 351, LineType::Mobile)
    );
    let toronto = number("+14165550123");
    assert_eq!((toronto.region(), toronto.calling_code()), ("CA", 1));
    assert_eq!(toronto.line_type(), LineType::FixedLineOrMobile);
    assert_eq!(number("+442079460018").line_type(), LineType::FixedLine);
    assert_eq!(number("+77011234567").region(), "KZ");
    assert_eq!(number("+80012345678").region(), "001");
}

#[test]
fn nothing_is_guessed_about_a_number_without_a_calling_code() {
    for text in [
        "",
        "   ",
        "0014155552671",
        "01114155552671",
        "14155552671",
        "4155552671",
        "020 7946 0018",
        "4155552671;phone-context=+1",
        "+0044",
    ] {
        assert_eq!(
            PhoneNumber::parse(text).err(),
            Some(InvalidNumber::NotInternational),
            "{text:?}"
        );
    }
}

#[test]
fn hidden_characters_are_refused_and_not_stripped() {
    let hidden = [
        '\0', '\n', '\r', '\t', '\u{7f}', '\u{a0}', '\u{ad}', '\u{200b}', '\u{200e}', '\u{200f}',
        '\u{202a}', '\u{202e}', '\u{2060}', '\u{2066}', '\u{2069}', '\u{3000}', '\u{feff}',
    ];
    for character in hidden {
        for place in [0, 1, 5, 12] {
            let mut text = String::from("+14155552671");
            text.insert(place, character);
            let refused = PhoneNumber::parse(&text).err();
            assert_eq!(refused, Some(InvalidNumber::StrangeCharacter), "{text:?}");
        }
    }
}

#[test]
fn other_notations_are_refused() {
    let texts = [
        "++14155552671",
        "+1+4155552671",
        "+14155552671+",
        "tel:+14155552671",
        "+14155552671;ext=5",
        "+14155552671,5",
        "+14155552671#5",
        "+14155552671x5",
        "+14155552671 ext 5",
        "+1415555267a",
        "+1800FLOWERS",
        "%2B14155552671",
        "+1/415/5552671",
        "*#06#",
        "\u{ff0b}14155552671",
        "+\u{ff11}4155552671",
        "+1415555\u{0662}671",
        "+1415555267\u{b2}",
        "+351\u{2013}912345678",
    ];
    for text in texts {
        assert_eq!(
            PhoneNumber::parse(text).err(),
            Some(InvalidNumber::StrangeCharacter),
            "{text}"
        );
    }
}

#[test]
fn a_number_has_seven_to_fifteen_digits() {
    for text in [
        "+",
        "+1",
        "+123456",
        "+1234567890123456",
        "+12345678901234567890",
    ] {
        assert_eq!(
            PhoneNumber::parse(text).err(),
            Some(InvalidNumber::WrongLength),
            "{text}"
        );
    }
}

#[test]
fn a_number_that_no_plan_has_is_refused() {
    for text in [
        "+14155552",
        "+449999999999",
        "+351012345678",
        "+3519123456789",
    ] {
        assert_eq!(
            PhoneNumber::parse(text).err(),
            Some(InvalidNumber::NotInPlan),
            "{text}"
        );
    }
    for text in ["+2101234567", "+999123456789"] {
        assert_eq!(
            PhoneNumber::parse(text).err(),
            Some(InvalidNumber::UnknownCallingCode),
            "{text}"
        );
    }
}

#[test]
fn a_megabyte_is_refused_by_its_length_alone() {
    // Its first character would be refused for what it is, had anybody looked at it.
    let text = "x".repeat(1 << 20);
    assert_eq!(
        PhoneNumber::parse(&text).err(),
        Some(InvalidNumber::TooLong)
    );
    let spaces = format!("{}+14155552671", " ".repeat(21));
    assert_eq!(
        PhoneNumber::parse(&spaces).err(),
        Some(InvalidNumber::TooLong)
    );
    assert!(PhoneNumber::parse(&spaces[1..]).is_ok());
}

proptest! {
    #[test]
    fn reading_never_panics(text in any::<String>(), near in "[+ ().x\u{200e}-]{0,3}[0-9 +().a-]{0,30}") {
        let _ = PhoneNumber::parse(&text);
        let _ = PhoneNumber::parse(&near);
    }

    #[test]
    fn what_was_accepted_reads_as_itself(text in r"\+[1-9][0-9]{6,14}") {
        if let Ok(number) = PhoneNumber::parse(&text) {
            let again = PhoneNumber::parse(number.expose()).expect("a canonical number");
            prop_assert_eq!(number.expose(), again.expose());
            prop_assert_eq!(number.region(), again.region());
            prop_assert_eq!(number.line_type(), again.line_type());
        }
    }
}
