//! Reading RCML, what a client wants its call to do.

use std::time::Duration;

use super::{
    super::errand::Method,
    document::{self, Element},
};

/// How often a text is repeated at most.
const MOST_TIMES: u32 = 10;
/// The languages of all of Restcomm's synthesizers, since a client cannot know which of them is installed.
/// Anything else is read out as English, without a word of warning.
#[rustfmt::skip]
const LANGUAGES: [&str; 39] = [
    "ar", "bf", "bp", "ca", "cf", "cs", "cy-gb", "da", "dan", "de", "el", "en", "en-au", "en-ca",
    "en-gb", "en-in", "es", "es-mx", "fi", "fr", "fr-ca", "is", "it", "ja", "ko", "nb", "nl", "no",
    "pl", "pt", "pt-br", "ro", "ru", "sv", "tr", "tr-tr", "zh-cn", "zh-hk", "zh-tw",
];
pub(super) const ENGLISH: &str = "en";

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Say(Say),
    Pause(Duration),
    /// Nothing that could be read here is heard.
    Play,
    Gather(Gather),
    /// Relative to where the document came from.
    Redirect {
        to: String,
        method: Method,
    },
    /// `Hangup`, and `Reject`, which says the same once a call was answered.
    HangUp,
}

/// The voice makes no difference here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Say {
    pub(super) text: String,
    pub(super) language: &'static str,
    /// `None`: until the phone hangs up.
    pub(super) times: Option<u32>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gather {
    /// `Say`, `Pause` and `Play`.
    pub(super) prompts: Vec<Verb>,
    /// Relative to where the document came from.
    pub(super) action: Option<String>,
    pub(super) method: Method,
    /// For the first key, and for each that follows.
    pub(super) timeout: Duration,
    pub(super) digits: Option<usize>,
    /// Each of these keys ends it.
    pub(super) finish_on: String,
}

/// The verbs of a document, or nothing where it is not well-formed.
pub(super) fn read(text: &str) -> Option<Vec<Verb>> {
    Some(verbs(&document::read(text)?))
}

/// Unknown verbs are skipped. The name of the root does not matter.
fn verbs(parent: &Element) -> Vec<Verb> {
    parent.children.iter().filter_map(verb).collect()
}

fn verb(element: &Element) -> Option<Verb> {
    Some(match element.name.as_str() {
        "Say" => Verb::Say(Say {
            text: element.words(),
            language: language(element.attribute("language").unwrap_or(ENGLISH)),
            times: times(element.attribute("loop")),
        }),
        "Pause" => Verb::Pause(seconds(element.attribute("length"), 1)),
        "Play" => Verb::Play,
        "Gather" => Verb::Gather(gather(element)),
        "Redirect" if element.words().is_empty() => return None,
        "Redirect" => Verb::Redirect {
            to: element.words(),
            method: method(element),
        },
        "Hangup" | "Reject" => Verb::HangUp,
        _ => return None,
    })
}

fn gather(element: &Element) -> Gather {
    let prompts = verbs(element)
        .into_iter()
        .filter(|verb| matches!(verb, Verb::Say(_) | Verb::Pause(_) | Verb::Play));
    let finish_on = element.attribute("finishOnKey").unwrap_or_default();
    let keys = finish_on.bytes().all(|key| b"0123456789*#".contains(&key));
    let digits = element.attribute("numDigits");
    Gather {
        prompts: prompts.collect(),
        action: element
            .attribute("action")
            .filter(|action| !action.is_empty())
            .map(str::to_owned),
        method: method(element),
        timeout: seconds(element.attribute("timeout"), 5),
        digits: digits
            .and_then(|digits| digits.parse().ok())
            .filter(|digits| 0 < *digits),
        finish_on: if keys && (1..=12).contains(&finish_on.len()) {
            finish_on.to_owned()
        } else {
            "#".to_owned()
        },
    }
}

fn method(element: &Element) -> Method {
    element
        .attribute("method")
        .map(Method::parse)
        .unwrap_or_default()
}

fn language(key: &str) -> &'static str {
    let known = LANGUAGES.iter().find(|known| **known == key);
    known.copied().unwrap_or(ENGLISH)
}

fn times(text: Option<&str>) -> Option<u32> {
    let times = text.and_then(|text| text.parse().ok()).unwrap_or(1);
    (0 < times).then(|| times.min(MOST_TIMES))
}

/// What is no number of seconds counts as the default.
fn seconds(text: Option<&str>, default: u32) -> Duration {
    let seconds = text.and_then(|text| text.parse::<u32>().ok());
    Duration::from_secs(seconds.unwrap_or(default).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(text: &str, language: &'static str, times: Option<u32>) -> Verb {
        Verb::Say(Say {
            text: text.to_owned(),
            language,
            times,
        })
    }

    #[test]
    fn a_document_is_read_verb_by_verb() {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
            <Response>\n  <Gather action=\"/again\" method=\"get\" numDigits=\"1\" timeout=\"3\" finishOnKey=\"*\">\n\
            <Say voice=\"woman\" language=\"de\">Ihr Code: 1,\n 2.</Say><Pause/><Hangup/></Gather>\n\
            <Dial>+1</Dial><Play>a.wav</Play><Redirect method=\"GET\"> next </Redirect><Reject/></Response>";
        let gather = Gather {
            prompts: vec![
                say("Ihr Code: 1, 2.", "de", Some(1)),
                Verb::Pause(Duration::from_secs(1)),
            ],
            action: Some("/again".to_owned()),
            method: Method::Get,
            timeout: Duration::from_secs(3),
            digits: Some(1),
            finish_on: "*".to_owned(),
        };
        let redirect = Verb::Redirect {
            to: "next".to_owned(),
            method: Method::Get,
        };
        assert_eq!(
            read(text),
            Some(vec![
                Verb::Gather(gather),
                Verb::Play,
                redirect,
                Verb::HangUp
            ])
        );
    }

    #[test]
    fn what_a_verb_does_not_say_has_its_default() {
        let gather = Gather {
            prompts: Vec::new(),
            action: None,
            method: Method::Post,
            timeout: Duration::from_secs(5),
            digits: None,
            finish_on: "#".to_owned(),
        };
        for attributes in [
            "",
            " action='' timeout='soon' numDigits='0' finishOnKey=''",
            " finishOnKey='a'",
        ] {
            let text = format!("<Response><Gather{attributes}/></Response>");
            assert_eq!(
                read(&text).unwrap(),
                [Verb::Gather(Gather {
                    prompts: Vec::new(),
                    action: gather.action.clone(),
                    finish_on: gather.finish_on.clone(),
                    ..gather
                })]
            );
        }
        let text = "<Response><Pause length='x'/><Pause length='0'/><Redirect/></Response>";
        let pauses = [
            Verb::Pause(Duration::from_secs(1)),
            Verb::Pause(Duration::ZERO),
        ];
        assert_eq!(read(text).unwrap(), pauses);
    }

    #[test]
    fn a_language_that_no_synthesizer_knows_is_read_as_english() {
        for (written, spoken) in [
            ("language='pt-br'", "pt-br"),
            ("language='pt-BR'", "en"),
            ("language='hi'", "en"),
            ("", "en"),
        ] {
            let text = format!("<Response><Say {written}>x</Say></Response>");
            assert_eq!(
                read(&text).unwrap(),
                [say("x", spoken, Some(1))],
                "{written}"
            );
        }
    }

    #[test]
    fn a_text_is_repeated_as_often_as_it_says_within_bounds() {
        for (written, times) in [
            ("2", Some(2)),
            ("0", None),
            ("-1", Some(1)),
            ("often", Some(1)),
            ("1000000", Some(MOST_TIMES)),
        ] {
            let text = format!("<Response><Say loop='{written}'>x</Say></Response>");
            assert_eq!(read(&text).unwrap(), [say("x", "en", times)], "{written}");
        }
    }

    #[test]
    fn what_is_not_well_formed_has_no_verbs() {
        assert_eq!(read("<Response><Say>x</Response>"), None);
        assert_eq!(read("<Anything/>"), Some(Vec::new()));
    }
}
