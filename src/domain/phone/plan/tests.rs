//! The plans say what the library says: verdict, E.164, region and line type.

use std::collections::{BTreeSet, HashMap, VecDeque};

use proptest::prelude::*;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType};

use super::{ASK, Plan, State, Verdict, look_up, pattern::Patterns, plan};
use crate::domain::phone::{Digits, LineType, MAX_DIGITS, PhoneNumber, line_type::is_refused_code};

const TYPES: [PhoneNumberType; 11] = [
    PhoneNumberType::FixedLine,
    PhoneNumberType::Mobile,
    PhoneNumberType::FixedLineOrMobile,
    PhoneNumberType::TollFree,
    PhoneNumberType::PremiumRate,
    PhoneNumberType::SharedCost,
    PhoneNumberType::VoIP,
    PhoneNumberType::PersonalNumber,
    PhoneNumberType::Pager,
    PhoneNumberType::UAN,
    PhoneNumberType::VoiceMail,
];

/// The library's example numbers of these types, of every region.
fn examples(types: &[PhoneNumberType]) -> BTreeSet<String> {
    let library = &PHONE_NUMBER_UTIL;
    let regional = library.get_supported_regions().flat_map(|region| {
        let example = move |kind: &_| {
            library
                .get_example_number_for_type_and_region(region, *kind)
                .ok()
        };
        types.iter().filter_map(example)
    });
    let global = library.get_supported_global_network_calling_codes();
    let global = global.filter_map(|code| library.get_example_number_for_non_geo_entity(code).ok());
    let all = regional.chain(global);
    all.map(|number| {
        library
            .format(&number, PhoneNumberFormat::E164)
            .into_owned()
    })
    .collect()
}

/// The number itself, a digit more and less, a trunk prefix, and each digit made every other.
fn mutations(number: &str) -> Vec<String> {
    let mut all = vec![number.to_owned(), number[..number.len() - 1].to_owned()];
    all.extend(('0'..='9').map(|digit| format!("{number}{digit}")));
    for at in 1..number.len() {
        let (before, after) = number.split_at(at);
        all.extend(["0", "1", "8", "06", "90"].map(|prefix| format!("{before}{prefix}{after}")));
        all.extend(('0'..='9').map(|digit| format!("{before}{digit}{}", &after[1..])));
    }
    all
}

/// For each state of a plan and each digit that may follow, a number that takes that step, and
/// goes on to a valid one if that can be.
fn steps(code: u16, plan: &Plan) -> Vec<String> {
    let longest = MAX_DIGITS - code.to_string().len();
    let mut paths = HashMap::from([(plan.start, String::new())]);
    let mut queue = VecDeque::from([plan.start]);
    let mut all = Vec::new();
    while let Some(state) = queue.pop_front() {
        let path = paths[&state].clone();
        for (digit, next) in plan.states[usize::from(state)].next.iter().enumerate() {
            let path = format!("{path}{digit}");
            let end = ending(plan, *next, longest.saturating_sub(path.len()));
            all.push(format!(
                "+{code}{path}{}",
                end.as_deref().unwrap_or("234567")
            ));
            if !paths.contains_key(next) {
                paths.insert(*next, path);
                queue.push_back(*next);
            }
        }
    }
    all
}

/// The first digits that lead from a state to a valid number.
fn ending(plan: &Plan, state: u16, longest: usize) -> Option<String> {
    let here = &plan.states[usize::from(state)];
    if matches!(here.verdict, Verdict::Valid(..)) {
        return Some(String::new());
    }
    let mut steps = here
        .next
        .iter()
        .enumerate()
        .filter(|(_, next)| state < **next || ASK < **next);
    let longest = longest.checked_sub(1)?;
    steps.find_map(|(digit, next)| Some(format!("{digit}{}", ending(plan, *next, longest)?)))
}

type Answer = (String, u16, String, LineType);

fn answer(number: &PhoneNumber) -> Answer {
    let region = number.region().to_owned();
    (
        number.expose().to_owned(),
        number.calling_code(),
        region,
        number.line_type(),
    )
}

fn ours(text: &str) -> Option<Answer> {
    PhoneNumber::parse(text).ok().as_ref().map(answer)
}

fn librarys(text: &str) -> Option<Answer> {
    let digits = Digits::read(text).ok()?;
    PhoneNumber::ask_library(&digits).ok().as_ref().map(answer)
}

/// What the library says, save for calling codes that are always refused: what it does not know there is a number all
/// the same, so that it is refused as a destination and not taken for a slip of the pen.
fn expected(text: &str) -> Option<Answer> {
    let code = text[1..].get(..3).and_then(|code| code.parse().ok());
    let refused = code.filter(|code| is_refused_code(*code));
    let unknown = |code| (text.to_owned(), code, "001".to_owned(), LineType::Unknown);
    let unknown = refused.filter(|_| Digits::read(text).is_ok()).map(unknown);
    librarys(text).or_else(|| {
        unknown.map(|(number, code, region, line)| (number, code, region, line.of_range(text)))
    })
}

/// Compares, and sees to it that what was accepted reads as itself. Tells how many were accepted.
fn compare(texts: &BTreeSet<String>) -> usize {
    let mut accepted = 0;
    for text in texts {
        let answer = ours(text);
        assert_eq!(answer, expected(text), "{text}");
        if let Some(answer) = answer {
            assert_eq!(ours(&answer.0), Some(answer), "{text}");
            accepted += 1;
        }
    }
    accepted
}

fn plans() -> impl Iterator<Item = (u16, &'static Plan)> {
    let codes = PHONE_NUMBER_UTIL.get_supported_calling_codes();
    let codes = codes.map(|code| u16::try_from(code).expect("three digits"));
    codes.map(|code| (code, plan(code).expect("a plan")))
}

#[test]
fn plans_agree_with_the_library_on_every_example_and_its_neighbours() {
    let texts = examples(&TYPES)
        .iter()
        .flat_map(|number| mutations(number))
        .collect::<BTreeSet<_>>();
    let accepted = compare(&texts);
    assert!(
        texts.len() > 100_000 && accepted > 50_000,
        "{} and {accepted}",
        texts.len()
    );
}

#[test]
fn plans_agree_with_the_library_on_every_step_of_every_plan() {
    let texts = plans()
        .flat_map(|(code, plan)| steps(code, plan))
        .collect::<BTreeSet<_>>();
    let accepted = compare(&texts);
    assert!(
        texts.len() > 20_000 && accepted > 10_000,
        "{} and {accepted}",
        texts.len()
    );
}

/// A change to the metadata that the plans cannot read must not pass unseen as a slow service.
#[test]
fn every_calling_code_has_a_plan_of_its_own_and_all_fit_into_a_mebibyte() {
    let mut states = 0;
    for (code, plan) in plans() {
        assert_ne!(plan.start, ASK, "+{code}");
        states += plan.states.len();
    }
    assert!(states * size_of::<State>() < 1 << 20, "{states} states");
}

#[test]
fn mobile_numbers_never_wait_for_the_library() {
    let slow = examples(&[PhoneNumberType::Mobile]);
    let slow = slow.iter().filter(|number| {
        !matches!(
            look_up(&number.as_bytes()[1..]),
            Some((_, Verdict::Valid(..)))
        )
    });
    assert_eq!(slow.collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn a_pattern_beyond_the_dialect_is_not_guessed_at() {
    let beyond = [
        "1+", "1*", "[^1]", r"\w", ".", "(?=1)2", "1{2,}", "1{3,2}", "(1", "1)", "[1", "1{2", "a",
        "^1",
    ];
    for text in beyond {
        assert_eq!(Patterns::new().read(text), None, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn plans_agree_with_the_library_on_random_numbers(text in r"\+[1-9][0-9]{6,14}") {
        prop_assert_eq!(ours(&text), expected(&text), "{}", text);
    }
}
