//! What may be seen of a number.

use crate::domain::phone::PhoneNumber;

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_mask_shows_the_calling_code_and_the_last_two_digits() {
    assert_eq!(number("+14155552671").masked(), "+1********71");
    assert_eq!(number("+442079460018").masked(), "+44********18");
    assert_eq!(number("+351912345678").masked(), "+351*******78");
}

#[test]
fn a_number_is_never_printed_in_full() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "only printed")]
    struct Send {
        to: PhoneNumber,
        also: Option<Vec<PhoneNumber>>,
    }
    let to = number("+351912345678");
    let send = Send {
        to: to.clone(),
        also: Some(vec![to.clone()]),
    };
    for printed in [
        format!("{send:?}"),
        format!("{send:#?}"),
        format!("{to}"),
        format!("{to:>40}"),
    ] {
        assert!(printed.contains("+351*******78"), "{printed}");
        assert!(!printed.contains("9123456"), "{printed}");
        // Nor as the bytes that spell it.
        assert!(!printed.contains("57, 49, 50"), "{printed}");
    }
}

#[test]
fn a_number_cannot_be_serialised() {
    /// Two blanket answers: asking is ambiguous, and does not compile, for whatever has both.
    trait Serialisable<Answer> {
        fn asked() {}
    }
    struct Yes;
    impl<T: ?Sized> Serialisable<()> for T {}
    impl<T: ?Sized + serde::Serialize> Serialisable<Yes> for T {}
    let asked = <PhoneNumber as Serialisable<_>>::asked;
    asked();
}

#[test]
fn an_error_explains_itself_without_the_number() {
    let errors = [
        "+14155552x",
        "0014155552671",
        "+14155552",
        "+1415",
        "+999123456789",
    ];
    for text in errors {
        let error = PhoneNumber::parse(text).expect_err("not a number");
        let explained = format!("{error} {error:?}");
        assert!(
            !explained.contains("415") && !explained.contains("999"),
            "{explained}"
        );
    }
}
