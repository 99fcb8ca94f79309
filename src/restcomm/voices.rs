//! Which languages are heard on a call, and what Restcomm calls them.
//!
//! Its keys are no language tags, differ by synthesizer, and are compared letter by letter. A key that the synthesizer of a
//! Restcomm does not know is silently taken for `en`: a text in any other language would be read out by an English voice.
//! So [`heard`] decides language and key together, before a word is written.

use crate::domain::{language::Language, synthesizer::Synthesizer};

/// A language that a synthesizer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What the text is to be written in.
    pub language: Language,
    /// What `<Say language>` is to hold.
    pub key: &'static str,
}

/// What is heard where `wanted` is wanted: English, if nobody there speaks it.
pub fn heard(engine: Synthesizer, wanted: Language) -> Heard {
    let of = |language| key(engine, language).map(|key| Heard { language, key });
    of(wanted).unwrap_or(Heard {
        language: Language::English,
        key: "en",
    })
}

/// What `engine` calls `language`. Of an engine that is not known, what all of them speak under one key.
fn key(engine: Synthesizer, language: Language) -> Option<&'static str> {
    use Synthesizer::{Acapela, AwsPolly, VoiceRss};
    let (key, engines): (_, &[Synthesizer]) = match language {
        Language::English => ("en", &Synthesizer::ALL),
        Language::Portuguese => ("pt", &Synthesizer::ALL),
        Language::Spanish => ("es", &Synthesizer::ALL),
        Language::French => ("fr", &Synthesizer::ALL),
        Language::German => ("de", &Synthesizer::ALL),
        Language::Japanese => ("ja", &Synthesizer::ALL),
        // Restcomm misspells where VoiceRSS's voice for it stands, and hangs up.
        Language::Italian => ("it", &[AwsPolly, Acapela]),
        Language::Chinese => ("zh-cn", &[VoiceRss, Acapela]),
        Language::Arabic => ("ar", &[Acapela]),
        Language::Hindi => return None,
    };
    engines.contains(&engine).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_synthesizer_speaks_what_restcomm_lists_for_it_under_its_own_key() {
        let keys = |engine| Language::ALL.map(|language| key(engine, language).unwrap_or("-"));
        let columns = ["en", "pt", "es", "fr", "de", "it", "ar", "hi", "ja", "zh"];
        assert_eq!(Language::ALL.map(Language::as_str), columns);
        for (engine, expected) in [
            (
                Synthesizer::Any,
                ["en", "pt", "es", "fr", "de", "-", "-", "-", "ja", "-"],
            ),
            (
                Synthesizer::VoiceRss,
                ["en", "pt", "es", "fr", "de", "-", "-", "-", "ja", "zh-cn"],
            ),
            (
                Synthesizer::AwsPolly,
                ["en", "pt", "es", "fr", "de", "it", "-", "-", "ja", "-"],
            ),
            (
                Synthesizer::Acapela,
                ["en", "pt", "es", "fr", "de", "it", "ar", "-", "ja", "zh-cn"],
            ),
        ] {
            assert_eq!(keys(engine), expected, "{engine:?}");
        }
    }

    #[test]
    fn an_unknown_synthesizer_is_asked_for_what_all_of_them_speak_alike() {
        let known = [
            Synthesizer::VoiceRss,
            Synthesizer::AwsPolly,
            Synthesizer::Acapela,
        ];
        for language in Language::ALL {
            let keys = known.map(|engine| key(engine, language));
            let alike = keys[0].filter(|_| keys.iter().all(|key| *key == keys[0]));
            assert_eq!(key(Synthesizer::Any, language), alike, "{language:?}");
        }
    }

    #[test]
    fn what_cannot_be_spoken_is_said_in_english() {
        for engine in Synthesizer::ALL {
            for wanted in Language::ALL {
                let heard = heard(engine, wanted);
                if key(engine, wanted).is_some() {
                    assert_eq!(heard.language, wanted);
                } else {
                    assert_eq!((heard.language, heard.key), (Language::English, "en"));
                }
            }
        }
    }
}
