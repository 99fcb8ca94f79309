use super::*;
use crate::domain::synthesizer::Synthesizer;

/// A line with `count` numbers that differ in their last four digits.
fn pool(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("+1305555{n:04}")).collect()
}

fn line(numbers: &[String]) -> String {
    format!("flashcall_from = {numbers:?}")
}

fn account(line: &str) -> AccountConfig {
    let config = load(&with("[[restcomm]]", line), &NOTHING).unwrap();
    config.accounts.into_iter().next().unwrap()
}

#[test]
fn a_spoken_call_comes_from_a_number_or_a_name() {
    let longest = "a".repeat(32);
    for caller in ["+13055550100", "OTPApp", "acme.otp_1-a", "A", &longest] {
        let account = account(&format!("voice_from = \"{caller}\""));
        assert_eq!(account.voice_from.as_deref(), Some(caller));
    }
    let too_long = "a".repeat(33);
    for caller in [
        "",
        "3055550100",
        "+0123456",
        "Acme Bank",
        "sip:acme@example",
        "Ação",
        &too_long,
    ] {
        let expected = format!(
            "`restcomm.main.voice_from` holds {caller:?}, which is neither a number nor a name; write a number as \"+13055550100\", or a name of 1 to 32 letters, digits, `.`, `_` or `-` with at least one letter"
        );
        let found = fault_with("[[restcomm]]", &format!("voice_from = \"{caller}\""));
        assert_eq!(found, expected);
    }
}

#[test]
fn flash_calls_come_from_no_number_or_from_at_least_fifty() {
    for count in [0, 50, 51, 10_000] {
        let numbers = pool(count);
        assert_eq!(account(&line(&numbers)).flashcall_from, numbers);
    }
    for count in [1, 49] {
        assert_eq!(
            fault_with("[[restcomm]]", &line(&pool(count))),
            format!(
                "`restcomm.main.flashcall_from` holds {count} of the 50 numbers that are needed; write more, or set []"
            )
        );
    }
}

#[test]
fn no_two_numbers_of_flash_calls_end_alike() {
    let mut numbers = pool(50);
    numbers[7] = "+442071230008".to_owned();
    let ends = |which: &str| {
        format!(
            "`restcomm.main.flashcall_from` holds several numbers that end in {which}; the last 4 digits are the code, so keep one number for each"
        )
    };
    assert_eq!(
        fault_with("[[restcomm]]", &line(&numbers)),
        ends("\"0008\"")
    );
    let twice = [pool(50), pool(50)].concat();
    assert_eq!(
        fault_with("[[restcomm]]", &line(&twice)),
        ends("\"0000\", \"0001\", \"0002\" and 47 more")
    );
}

#[test]
fn every_fault_of_the_numbers_is_named_and_of_each_the_first_few() {
    let mut numbers = pool(2);
    numbers.extend(["+1305", "1", "x", "+", "+13056660001"].map(str::to_owned));
    let found = faults(&with("[[restcomm]]", &line(&numbers)), &NOTHING);
    assert_eq!(
        found,
        [
            "`restcomm.main.flashcall_from` holds what is no number in E.164: \"+1305\", \"1\", \"x\" and 1 more; write each as \"+13055550100\"",
            "`restcomm.main.flashcall_from` holds several numbers that end in \"0001\"; the last 4 digits are the code, so keep one number for each",
            "`restcomm.main.flashcall_from` holds 7 of the 50 numbers that are needed; write more, or set []",
        ]
    );
}

#[test]
fn numbers_of_flash_calls_can_come_from_a_variable() {
    let numbers = pool(50);
    let joined = numbers.join(",");
    let variables = [(
        "COUNTERSIGN__RESTCOMM__MAIN__FLASHCALL_FROM",
        joined.as_str(),
    )];
    let config = load(LEAST, &variables).unwrap();
    assert_eq!(config.accounts[0].flashcall_from, numbers);
}

#[test]
fn a_synthesizer_is_one_that_restcomm_knows_or_any() {
    for (word, engine) in [
        ("any", Synthesizer::Any),
        ("voicerss", Synthesizer::VoiceRss),
        ("awspolly", Synthesizer::AwsPolly),
        ("acapela", Synthesizer::Acapela),
    ] {
        let account = account(&format!("synthesizer = \"{word}\""));
        assert_eq!(account.synthesizer, engine);
    }
    for word in ["", "VoiceRSS", "att"] {
        assert_eq!(
            fault_with("[[restcomm]]", &format!("synthesizer = \"{word}\"")),
            format!(
                "`restcomm.main.synthesizer` is {word:?}; set \"any\" or \"voicerss\" or \"awspolly\" or \"acapela\""
            )
        );
    }
}
