//! What is said in which language: data, one file for each. What follows from it stands in the tests of `message`.
//!
//! A text begins with the code: that is what a lock screen shows, and what phones look for. Digits are those of ASCII in
//! every language, since phones and forms know no others. Sentences bring the space that goes before them along.

mod arabic;
mod chinese;
mod english;
mod french;
mod german;
mod hindi;
mod italian;
mod japanese;
mod portuguese;
mod spanish;

use super::{plural::Plural, purpose::Purpose};
use crate::domain::language::Language;

pub(super) struct Texts {
    /// With `{code}`, `{name}` and `{purpose}`.
    pub(super) with_purpose: &'static str,
    /// With `{code}` and `{name}`.
    pub(super) plain: &'static str,
    /// With `{code}` only, where there is no room for the name.
    pub(super) nameless: &'static str,
    /// With `{minutes}`.
    pub(super) validity: &'static str,
    pub(super) never_share: &'static str,
    /// Forms of so many minutes, each with `{n}` or without; the last stands for all that are not listed.
    pub(super) minutes: &'static [(Plural, &'static str)],
    pub(super) under_a_minute: &'static str,
    /// In the place of `{purpose}`.
    pub(super) purposes: Purposes,
    pub(super) spoken: Spoken,
    pub(super) right_to_left: bool,
}

pub(super) struct Purposes {
    pub(super) login: &'static str,
    pub(super) signup: &'static str,
    pub(super) confirm: &'static str,
    pub(super) payment: &'static str,
    pub(super) password: &'static str,
}

/// What is said on a call, each a sentence by itself, in words that can be read aloud. Of numbers only the code is in
/// digits: whatever else is counted stands in words.
pub(super) struct Spoken {
    /// With `{name}`.
    pub(super) greeting: &'static str,
    /// With `{code}`, its digits one by one.
    pub(super) code: &'static str,
    /// The same once more, with `{code}`.
    pub(super) again: &'static str,
    pub(super) never_tell: &'static str,
    /// To have it said again by the key 1.
    pub(super) invitation: &'static str,
    pub(super) goodbye: &'static str,
    /// To who answered a call that was only to ring; `{name}` may stand in each.
    pub(super) flash_call: &'static [&'static str],
    /// From zero to nine, for the digits of a name.
    pub(super) digits: [&'static str; 10],
}

pub(super) fn of(language: Language) -> &'static Texts {
    match language {
        Language::English => &english::TEXTS,
        Language::Portuguese => &portuguese::TEXTS,
        Language::Spanish => &spanish::TEXTS,
        Language::French => &french::TEXTS,
        Language::German => &german::TEXTS,
        Language::Italian => &italian::TEXTS,
        Language::Arabic => &arabic::TEXTS,
        Language::Hindi => &hindi::TEXTS,
        Language::Japanese => &japanese::TEXTS,
        Language::Chinese => &chinese::TEXTS,
    }
}

impl Texts {
    /// So many minutes, in words.
    pub(super) fn minutes(&self, language: Language, minutes: u64) -> String {
        let form = Plural::of(language, minutes);
        let (_, words) = self
            .minutes
            .iter()
            .find(|(listed, _)| *listed == form)
            .or(self.minutes.last())
            .expect("every language has a form");
        words.replace("{n}", &minutes.to_string())
    }
}

impl Purposes {
    pub(super) fn of(&self, purpose: Purpose) -> &'static str {
        match purpose {
            Purpose::Login => self.login,
            Purpose::Signup => self.signup,
            Purpose::Confirm => self.confirm,
            Purpose::Payment => self.payment,
            Purpose::Password => self.password,
        }
    }
}
