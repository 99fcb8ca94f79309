//! Ranges that no code is sent to.

use rlibphonenumber::PHONE_NUMBER_UTIL;

use crate::domain::phone::{InvalidNumber, LineType, PhoneNumber, line_type::is_refused_code};

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn expensive_and_unmanned_ranges_are_refused() {
    let refused = [
        ("+19002345678", LineType::PremiumRate),
        ("+18002345678", LineType::TollFree),
        ("+448712345678", LineType::PremiumRate),
        ("+39848123456", LineType::SharedCost),
        ("+447012345678", LineType::PersonalNumber),
        ("+447640123456", LineType::Pager),
        ("+445512345678", LineType::Uan),
        ("+33899123456", LineType::PremiumRate),
        ("+41860123456789", LineType::Voicemail),
        ("+80012345678", LineType::TollFree),
        ("+80812345678", LineType::SharedCost),
        ("+870301234567", LineType::Satellite),
        ("+878101234567890", LineType::Voip),
        ("+881612345678", LineType::Satellite),
        ("+61147101234", LineType::Satellite),
        ("+61145101234", LineType::Satellite),
        ("+16005552345", LineType::Satellite),
        ("+79541234567", LineType::Satellite),
        ("+8823421234", LineType::Mobile),
        ("+883510012345", LineType::Voip),
        ("+88812345678901", LineType::Uan),
        ("+979123456789", LineType::PremiumRate),
    ];
    for (text, line_type) in refused {
        let number = number(text);
        assert_eq!(number.line_type(), line_type, "{text}");
        assert!(number.is_refused_range(), "{text}");
    }
}

#[test]
fn what_no_plan_has_behind_such_a_calling_code_is_refused_as_a_destination() {
    for text in [
        "+8001234",
        "+80812345678901",
        "+87012345678",
        "+8781234567",
        "+8811234567",
        "+8821234567",
        "+882999999999999",
        "+8831234567",
        "+8881234567",
        "+9791234567",
        "+9911234567",
        "+991234567890123",
    ] {
        let number = number(text);
        assert!(number.is_refused_range(), "{text}");
        assert_eq!(
            (
                number.expose(),
                number.region(),
                number.line_type().may_be_sent_to()
            ),
            (text, "001", false)
        );
        assert_eq!(&number.masked()[..4], &text[..4]);
    }
    for text in ["+881123", "+8811234567890123"] {
        assert_eq!(
            PhoneNumber::parse(text).err(),
            Some(InvalidNumber::WrongLength),
            "{text}"
        );
    }
}

#[test]
fn ordinary_lines_are_not_refused() {
    for text in [
        "+14155552671",
        "+351912345678",
        "+442079460018",
        "+447911123456",
        "+445612345678",
    ] {
        assert!(!number(text).is_refused_range(), "{text}");
    }
}

#[test]
fn every_calling_code_without_a_country_is_refused() {
    let mut codes = 0;
    for code in PHONE_NUMBER_UTIL.get_supported_global_network_calling_codes() {
        assert!(
            is_refused_code(u16::try_from(code).expect("three digits")),
            "+{code}"
        );
        codes += 1;
    }
    assert_eq!(codes, 9);
}
