//! What the person reads: in their language, with the code first, in one segment wherever that can be.

mod filling;
mod isolation;
mod plural;
mod purpose;
pub mod segments;
pub mod speech;
pub mod template;
#[cfg(test)]
pub mod tests;
mod texts;

use std::time::Duration;

use zeroize::Zeroizing;

use self::{
    filling::{Filling, fill},
    isolation::isolated,
    purpose::Purpose,
    texts::Texts,
};
use crate::domain::{
    code::Code,
    language::Language,
    policy::Policy,
    wording::{Autofill, Wording},
};

/// What Google's SMS Retriever reads, in bytes of UTF-8.
const LONGEST_FOR_APPS: usize = 140;
/// A Restcomm that normalizes numbers cuts or refuses what is longer, in bytes of UTF-8.
const LONGEST_FOR_ALL: usize = 160;

/// The text message for a code that is valid for `validity` more: the tenant's own, or else the longest of the built-in
/// ones that fits a segment. The digits of the code stand together, so that phones can offer to fill them in.
pub fn sms(
    policy: &Policy,
    wording: &Wording,
    code: &Code,
    validity: Duration,
) -> Zeroizing<String> {
    let texts = texts::of(wording.language);
    let purpose = Purpose::named(&wording.purpose).map(|purpose| texts.purposes.of(purpose));
    let name = isolated(&policy.display_name, texts.right_to_left);
    let minutes = in_words(texts, wording.language, validity);
    let filling = Filling {
        code: code.expose(),
        name: &name,
        minutes: &minutes,
        purpose: purpose.unwrap_or_default(),
    };
    let autofill = wording.autofill.as_ref();
    let last_line = last_line(autofill, code);
    let own = policy.messages.get(&wording.language);
    if let Some(text) = own.map(|template| fill(&[template, &last_line], &filling))
        && (!is_for_app(autofill) || text.len() <= LONGEST_FOR_APPS)
    {
        return text;
    }
    let mut text = Zeroizing::default();
    for [first, validity, warning] in shapes(texts, purpose.is_some()) {
        text = fill(&[first, validity, warning, &last_line], &filling);
        if fits(&text, autofill) {
            break;
        }
    }
    text
}

/// What can be said, from all of it to the least. The warning goes first, then what the code is for, how long it is good,
/// and last whose it is.
fn shapes(texts: &'static Texts, has_purpose: bool) -> Vec<[&'static str; 3]> {
    let Texts {
        with_purpose,
        plain,
        nameless,
        validity,
        never_share,
        ..
    } = *texts;
    let mut shapes = vec![
        [plain, validity, never_share],
        [plain, validity, ""],
        [plain, "", ""],
        [nameless, validity, ""],
        [nameless, "", ""],
    ];
    if has_purpose {
        let told = [
            [with_purpose, validity, never_share],
            [with_purpose, validity, ""],
        ];
        shapes.splice(..0, told);
    }
    shapes
}

fn fits(text: &str, autofill: Option<&Autofill>) -> bool {
    let longest = if is_for_app(autofill) {
        LONGEST_FOR_APPS
    } else {
        LONGEST_FOR_ALL
    };
    segments::count(text) == 1 && text.len() <= longest
}

fn is_for_app(autofill: Option<&Autofill>) -> bool {
    matches!(autofill, Some(Autofill::App { .. }))
}

/// The line by which a phone fills the code in, and the break before it.
fn last_line(autofill: Option<&Autofill>, code: &Code) -> Zeroizing<String> {
    Zeroizing::new(match autofill {
        None => String::new(),
        Some(Autofill::Page { host }) => format!("\n@{host} #{}", code.expose()),
        Some(Autofill::App { hash }) => format!("\n{hash}"),
    })
}

/// How long the code is good: whole minutes, never more than is true by more than a few seconds.
fn in_words(texts: &Texts, language: Language, validity: Duration) -> String {
    // A hand-off takes a moment: what is a few seconds short of a whole minute counts as one.
    match (validity.as_secs() + 5) / 60 {
        0 => texts.under_a_minute.to_owned(),
        minutes => texts.minutes(language, minutes),
    }
}
