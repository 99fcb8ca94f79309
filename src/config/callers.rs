//! Who calls: the numbers that spoken calls and flash calls come from.

use std::collections::BTreeMap;

use super::{
    fields::{Fields, Parsed},
    values,
};

/// A flash call is checked by the number that rang: with fewer numbers it would soon be guessed.
const FEWEST_NUMBERS: usize = 50;
/// The digits at the end of a number that are its code.
const CODE_DIGITS: usize = 4;
const LONGEST_NAME: usize = 32;
/// A complaint about a list names so many of its items.
const NAMED: usize = 3;

/// Who a spoken call comes from: a number, or a name, which becomes the user in a SIP address.
pub(super) fn voice_from(text: &str) -> Parsed<String> {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let is_name = text.len() <= LONGEST_NAME
        && text.bytes().all(letter)
        && text.bytes().any(|b| b.is_ascii_alphabetic());
    if is_name || values::e164(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err(format!(
        "holds {text:?}, which is neither a number nor a name; write a number as \"+13055550100\", or a name of 1 to {LONGEST_NAME} letters, digits, `.`, `_` or `-` with at least one letter"
    ))
}

/// The numbers that flash calls come from: none, or enough of them, each with an end of its own.
pub(super) fn flashcall_from(fields: &Fields) -> Option<Vec<String>> {
    const KEY: &str = "flashcall_from";
    let numbers = fields.list(KEY).unwrap_or_default();
    let (well_formed, malformed): (Vec<&str>, Vec<&str>) = numbers
        .iter()
        .partition(|number| values::e164(number).is_ok());
    let mut faults = Vec::new();
    if !malformed.is_empty() {
        faults.push(format!(
            "holds what is no number in E.164: {}; write each as \"+13055550100\"",
            first_few(malformed.iter().map(|number| format!("{number:?}")))
        ));
    }
    let mut ends: BTreeMap<&str, u32> = BTreeMap::new();
    for number in well_formed {
        *ends
            .entry(&number[number.len() - CODE_DIGITS..])
            .or_default() += 1;
    }
    let mut shared = ends.iter().filter(|(_, count)| 1 < **count).peekable();
    if shared.peek().is_some() {
        faults.push(format!(
            "holds several numbers that end in {}; the last {CODE_DIGITS} digits are the code, so keep one number for each",
            first_few(shared.map(|(end, _)| format!("{end:?}")))
        ));
    }
    if (1..FEWEST_NUMBERS).contains(&numbers.len()) {
        faults.push(format!(
            "holds {} of the {FEWEST_NUMBERS} numbers that are needed; write more, or set []",
            numbers.len()
        ));
    }
    for fault in &faults {
        fields.complain(KEY, fault);
    }
    let numbers = numbers.into_iter().map(str::to_owned);
    faults.is_empty().then(|| numbers.collect())
}

/// The first items of a list that may be long, and how many more there are.
fn first_few(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    let named = items.len().min(NAMED);
    let listed = items[..named].join(", ");
    match items.len() - named {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}
