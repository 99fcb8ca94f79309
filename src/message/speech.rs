//! What the person hears on a call: who calls, and the code digit by digit.
//!
//! Of all that is said, only the code is in digits, and they are those of ASCII in every language: so neither a person who
//! reads along nor a machine takes anything else for the code. The digits of a tenant's name are therefore said in words.

mod aloud;
#[cfg(test)]
mod tests;

use std::fmt;

use zeroize::Zeroizing;

use self::aloud::aloud;
use super::{
    filling::{Filling, fill},
    texts,
};
use crate::domain::{code::Code, language::Language, policy::Policy};

/// What goes between two digits: a short silence.
const BETWEEN_DIGITS: &str = ", ";

/// What is to be said on one call, not in words yet: which languages can be heard is for the call to say. It holds the
/// code, and cannot be printed.
pub struct Speech {
    /// The tenant's.
    name: String,
    /// `None`: the call is only to ring.
    code: Option<Code>,
    language: Language,
}

/// The words of a [`Speech`] in one language. They hold the code, and cannot be printed.
pub struct Lines {
    sentences: Vec<Zeroizing<String>>,
    /// To press a key and hear all of it again.
    pub invitation: &'static str,
    pub goodbye: &'static str,
}

/// A call that says the code.
pub fn spoken_code(policy: &Policy, language: Language, code: &Code) -> Speech {
    Speech {
        name: policy.display_name.clone(),
        code: Some(code.clone()),
        language,
    }
}

/// What is said to who answers a call that was only to ring.
pub fn flash_call(policy: &Policy, language: Language) -> Speech {
    Speech {
        name: policy.display_name.clone(),
        code: None,
        language,
    }
}

impl Speech {
    /// The language that is wanted.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The words in `language`, which is the wanted one or one that can be heard in its place.
    pub fn lines(&self, language: Language) -> Lines {
        let texts = &texts::of(language).spoken;
        let digits = self.code.as_ref().map(one_by_one).unwrap_or_default();
        let name = aloud(&self.name, &texts.digits);
        let filling = Filling {
            code: &digits,
            name: &name,
            minutes: "",
            purpose: "",
        };
        let spoken = [texts.greeting, texts.code, texts.again, texts.never_tell];
        let templates = match self.code {
            Some(_) => &spoken,
            None => texts.flash_call,
        };
        let sentences = templates.iter().map(|text| fill(&[text], &filling));
        Lines {
            sentences: sentences.collect(),
            invitation: texts.invitation,
            goodbye: texts.goodbye,
        }
    }
}

impl Lines {
    /// The sentences in order, first who calls; without invitation and goodbye.
    pub fn sentences(&self) -> impl Iterator<Item = &str> {
        self.sentences.iter().map(|sentence| sentence.as_str())
    }
}

/// The digits of a code, apart, so that none is read as part of a number.
fn one_by_one(code: &Code) -> Zeroizing<String> {
    let digits = code.expose();
    let room = digits.len() * (1 + BETWEEN_DIGITS.len());
    let mut said = Zeroizing::new(String::with_capacity(room));
    for digit in digits.chars() {
        if !said.is_empty() {
            said.push_str(BETWEEN_DIGITS);
        }
        said.push(digit);
    }
    said
}

impl fmt::Debug for Speech {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Speech(hidden)")
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lines(hidden)")
    }
}
