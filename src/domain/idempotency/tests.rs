//! Tests of keys, and of what is known of a send under one.

use std::time::Duration;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);
const ANSWER_BY: Timestamp = Timestamp::from_millis(1_769_860_802_500);
const EXPIRES_AT: Timestamp = Timestamp::from_millis(1_769_947_200_000);

fn read(field: &str) -> Result<Vec<u8>, KeyFault> {
    IdempotencyKey::parse(field).map(|key| key.as_bytes().to_vec())
}

/// A send under a ring whose newest key is `newest`, and whose older one, if any, is `older`.
fn once(newest: u8, older: Option<u8>) -> Once {
    let under = |newest: u8, older: Option<u8>| UnderEveryKey {
        newest: [newest; 32],
        older: older.into_iter().map(|older| [older; 32]).collect(),
    };
    Once {
        row: under(newest, older),
        fingerprint: under(newest + 100, older.map(|older| older + 100)),
        answer_by: ANSWER_BY,
        only_repeats: false,
    }
}

fn begun() -> Remembered {
    Remembered {
        fingerprint: [101; 32],
        verification: Id::new(NOW, [2; 16]),
        delivery: Id::new(NOW, [3; 16]),
        resent: false,
        answer_by: ANSWER_BY,
        answer: None,
        expires_at: EXPIRES_AT,
    }
}

fn ledger_with(row: u8, begun: Remembered) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.sends.load([row; 32], begun, 1);
    ledger
}

fn place() -> Place {
    Place {
        row: [1; 32],
        delivery: begun().delivery,
    }
}

fn given(status: u16) -> Answer {
    Answer::Given {
        status,
        body: "{}".to_owned(),
    }
}

#[test]
fn a_key_is_a_structured_string_or_the_same_without_quotes() {
    for (field, key) in [
        ("\"8e03978e\"", "8e03978e"),
        ("8e03978e", "8e03978e"),
        (" \"a b\" ", "a b"),
        ("\" \"", " "),
        (r#""a\"b\\c""#, r#"a"b\c"#),
        ("order:1001;try=2", "order:1001;try=2"),
    ] {
        assert_eq!(read(field), Ok(key.as_bytes().to_vec()), "{field}");
    }
    for field in [
        "",
        " ",
        "\"",
        "\"\"",
        "\"a",
        "a\"",
        "\"a\"b\"",
        "\"a\";b=1",
        "\"a\", \"b\"",
        "a, b",
        "a,b",
        "a b",
        r#""a\b""#,
        r#""a\""#,
        "\"\u{e9}\"",
        "\u{e9}",
        "\"\t\"",
        "a\u{7f}",
    ] {
        assert_eq!(read(field), Err(KeyFault::Malformed), "{field:?}");
    }
}

#[test]
fn a_key_has_up_to_255_characters() {
    let longest = "k".repeat(LONGEST_KEY);
    assert!(read(&longest).is_ok() && read(&format!("\"{longest}\"")).is_ok());
    assert_eq!(read(&format!("{longest}k")), Err(KeyFault::TooLong));
    assert_eq!(read(&format!("\"{longest}k\"")), Err(KeyFault::TooLong));
}

#[test]
fn the_first_answer_is_waited_for_until_it_is_overdue() {
    let ledger = ledger_with(1, begun());
    let known = |now| once(1, None).recall(&ledger, now);
    assert!(matches!(known(NOW), Some(Known::InProgress { .. })));
    let just_before = ANSWER_BY.minus(Duration::from_millis(1));
    assert!(matches!(known(just_before), Some(Known::InProgress { .. })));
    let Some(Known::Unanswered { place: found, .. }) = known(ANSWER_BY) else {
        panic!("it is overdue");
    };
    assert_eq!(found, place());
}

#[test]
fn a_repeat_waits_for_the_first_answer_but_no_longer_than_a_send_takes() {
    let repeated = |answer_by| {
        let repeat = Once {
            answer_by,
            ..once(1, None)
        };
        match repeat.recall(&ledger_with(1, begun()), NOW) {
            Some(Known::InProgress { answered_by }) => answered_by,
            other => panic!("it is under way: {other:?}"),
        }
    };
    let second = Duration::from_secs(1);
    assert_eq!(repeated(ANSWER_BY.plus(second)), ANSWER_BY);
    // The clock was set back after the first had begun.
    let earlier = ANSWER_BY.minus(second);
    assert_eq!(repeated(earlier), earlier);
}

#[test]
fn another_request_is_noticed_whether_the_first_is_answered_or_not() {
    for answer in [None, Some(given(201)), Some(Answer::Refused)] {
        let other = Remembered {
            fingerprint: [7; 32],
            answer,
            ..begun()
        };
        let known = once(1, None).recall(&ledger_with(1, other), NOW);
        assert!(matches!(known, Some(Known::Mismatch)));
    }
}

#[test]
fn a_key_is_as_good_as_new_once_its_time_is_over() {
    let ledger = ledger_with(1, begun());
    assert!(once(1, None).recall(&ledger, EXPIRES_AT).is_none());
    let never = Remembered {
        expires_at: Timestamp::default(),
        ..begun()
    };
    assert!(once(1, None).recall(&ledger_with(1, never), NOW).is_none());
}

#[test]
fn what_was_begun_under_an_older_root_key_is_known_under_the_newest() {
    let answered = Remembered {
        answer: Some(given(201)),
        ..begun()
    };
    let mut ledger = ledger_with(1, answered);
    let expired = Remembered {
        expires_at: NOW,
        ..begun()
    };
    ledger.sends.load([9; 32], expired, 1);
    let known = once(9, Some(1)).recall(&ledger, NOW);
    assert!(matches!(known, Some(Known::Answered { answer, .. }) if answer == given(201)));
}

#[test]
fn of_two_answers_the_first_counts() {
    let mut ledger = ledger_with(1, begun());
    let mut keep = |answer: Answer, op: Op| {
        let place = place();
        Keep { place, answer }.decide(&mut ledger, op)
    };
    assert_eq!(keep(given(202), [1; 16]), given(202));
    assert_eq!(keep(given(201), [2; 16]), given(202));
    assert_eq!(keep(Answer::Refused, [3; 16]), given(202));
    assert!(ledger.sends.is_changed_by(&[1; 32], [1; 16]));
}

#[test]
fn an_answer_that_comes_after_its_key_was_used_anew_is_not_noted() {
    let newer = Remembered {
        delivery: Id::new(NOW, [4; 16]),
        ..begun()
    };
    let mut ledger = ledger_with(1, newer.clone());
    let late = Keep {
        place: place(),
        answer: given(201),
    };
    assert_eq!(late.decide(&mut ledger, [1; 16]), given(201));
    assert_eq!(ledger.sends.get(&[1; 32]), Some(&newer));
}
