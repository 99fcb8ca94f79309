//! The languages that messages are written in, and which of them a caller's wish leads to.

use super::words::words;

/// A language with texts of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    #[default]
    English,
    Portuguese,
    Spanish,
    French,
    German,
    Italian,
    Arabic,
    Hindi,
    Japanese,
    Chinese,
}

words!(Language {
    English => "en",
    Portuguese => "pt",
    Spanish => "es",
    French => "fr",
    German => "de",
    Italian => "it",
    Arabic => "ar",
    Hindi => "hi",
    Japanese => "ja",
    Chinese => "zh",
});

/// No language tag, by its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedTag;

/// Tags that the grammar of RFC 5646 lists one by one, since it would not read them.
const IRREGULAR: [&str; 17] = [
    "en-GB-oed",
    "i-ami",
    "i-bnn",
    "i-default",
    "i-enochian",
    "i-hak",
    "i-klingon",
    "i-lux",
    "i-mingo",
    "i-navajo",
    "i-pwn",
    "i-tao",
    "i-tay",
    "i-tsu",
    "sgn-BE-FR",
    "sgn-BE-NL",
    "sgn-CH-DE",
];

impl Language {
    pub const ALL: [Self; 10] = [
        Self::English,
        Self::Portuguese,
        Self::Spanish,
        Self::French,
        Self::German,
        Self::Italian,
        Self::Arabic,
        Self::Hindi,
        Self::Japanese,
        Self::Chinese,
    ];

    /// The language for a tag of BCP 47, by the look-up of RFC 4647: subtags are dropped from the end until a language is
    /// found. `None`: a tag of another language. What there is are whole languages, so the first subtag decides.
    pub fn look_up(tag: &str) -> Result<Option<Self>, MalformedTag> {
        if !is_well_formed(tag) {
            return Err(MalformedTag);
        }
        let first = tag.split('-').next().unwrap_or_default();
        Ok(Self::parse(&first.to_ascii_lowercase()))
    }
}

/// Whether `tag` follows the grammar of RFC 5646. Whether its subtags are registered is another question.
fn is_well_formed(tag: &str) -> bool {
    if IRREGULAR
        .iter()
        .any(|known| known.eq_ignore_ascii_case(tag))
    {
        return true;
    }
    let mut subtags = tag.split('-').peekable();
    let mut take = |fits: fn(&str) -> bool| subtags.next_if(|subtag| fits(subtag)).is_some();
    let short = take(|language| matches!(language.len(), 2 | 3) && is_letters(language));
    if short || take(|language| matches!(language.len(), 4..=8) && is_letters(language)) {
        // At most three extended languages, of which registered tags have one.
        for _ in 0..if short { 3 } else { 0 } {
            take(|extended| extended.len() == 3 && is_letters(extended));
        }
        take(|script| script.len() == 4 && is_letters(script));
        take(|region| {
            (region.len() == 2 && is_letters(region)) || (region.len() == 3 && is_digits(region))
        });
        while take(is_variant) {}
        while take(|singleton| singleton.len() == 1 && is_word(singleton) && !is_x(singleton)) {
            let part: fn(&str) -> bool = |part| matches!(part.len(), 2..=8) && is_word(part);
            if !take(part) {
                return false;
            }
            while take(part) {}
        }
        if !take(is_x) {
            return subtags.next().is_none();
        }
    } else if !take(is_x) {
        return false;
    }
    let private: fn(&str) -> bool = |part| matches!(part.len(), 1..=8) && is_word(part);
    if !take(private) {
        return false;
    }
    while take(private) {}
    subtags.next().is_none()
}

fn is_variant(subtag: &str) -> bool {
    let long = matches!(subtag.len(), 5..=8);
    let dated = subtag.len() == 4 && subtag.starts_with(|c: char| c.is_ascii_digit());
    (long || dated) && is_word(subtag)
}

fn is_x(subtag: &str) -> bool {
    subtag.eq_ignore_ascii_case("x")
}

fn is_letters(subtag: &str) -> bool {
    subtag.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_digits(subtag: &str) -> bool {
    subtag.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_word(subtag: &str) -> bool {
    subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_leads_to_its_language_whatever_its_case_and_its_subtags() {
        for (tag, language) in [
            ("en", Language::English),
            ("EN-us", Language::English),
            ("en-GB-oed", Language::English),
            ("pt-BR", Language::Portuguese),
            ("pT-pt", Language::Portuguese),
            ("es-419", Language::Spanish),
            ("de-CH-1996", Language::German),
            ("de-DE-u-co-phonebk", Language::German),
            ("fr-x-private", Language::French),
            ("it-Latn-IT", Language::Italian),
            ("ar-EG", Language::Arabic),
            ("hi-Deva-IN", Language::Hindi),
            ("ja-JP-u-ca-japanese", Language::Japanese),
            ("zh-Hant-TW", Language::Chinese),
            ("zh-cmn-Hans-CN", Language::Chinese),
        ] {
            assert_eq!(Language::look_up(tag), Ok(Some(language)), "{tag}");
        }
        for word in Language::WORDS {
            assert_eq!(Language::look_up(word).unwrap().unwrap().as_str(), *word);
        }
        assert_eq!(Language::ALL.map(Language::as_str), Language::WORDS);
    }

    #[test]
    fn a_tag_of_another_language_is_well_formed_and_leads_to_none() {
        for tag in [
            "nl",
            "sv-SE",
            "gsw",
            "cmn-Hans",
            "eng",
            "tlh",
            "i-klingon",
            "sgn-BE-FR",
            "x-en",
            "qaaa",
            "mul",
            "sl-rozaj-biske-1994",
        ] {
            assert_eq!(Language::look_up(tag), Ok(None), "{tag}");
        }
    }

    #[test]
    fn what_has_not_the_shape_of_a_tag_is_refused() {
        for tag in [
            "",
            "e",
            "*",
            "en-*",
            "pt_BR",
            "en-",
            "-en",
            "en--US",
            "en US",
            " en",
            "en\n",
            "1en",
            "englishes-x",
            "en-x",
            "en-u",
            "en-US-a",
            "en-abcdefghi",
            "en-US-US",
            "en-Latn-Latn",
            "i-unknown",
            "p\u{f6}",
            "\u{ff45}\u{ff4e}",
        ] {
            assert_eq!(Language::look_up(tag), Err(MalformedTag), "{tag}");
        }
    }
}
