use std::fmt::Write as _;

use proptest::prelude::*;
use xml::reader::{EventReader, XmlEvent};

use super::*;
use crate::{
    domain::{code::Code, language::Language},
    message::{
        speech::{self, spoken_code},
        tests::default_policy,
    },
};

const DIGITS: &str = "123456";
const AGAIN: &str = "https://otp.example.com/callbacks/restcomm/token/rcml";

fn speech(name: &str, language: Language) -> Speech {
    let code = Code::parse_guess(DIGITS).unwrap();
    spoken_code(&default_policy(name), language, &code)
}

/// What a parser of XML reads: a line for each element, its attributes and its text, indented by its depth.
fn parsed(document: &str) -> Vec<String> {
    assert!(document.starts_with("<?xml ") || document.starts_with("<Response>"));
    let mut lines: Vec<String> = Vec::new();
    let mut depth = 0;
    for event in EventReader::from_str(document) {
        match event.expect("the document is well-formed") {
            XmlEvent::StartElement {
                name, attributes, ..
            } => {
                let attributes = attributes.iter();
                let attributes: Vec<String> = attributes
                    .map(|attribute| format!(" {}={}", attribute.name, attribute.value))
                    .collect();
                lines.push(format!(
                    "{}{name}{}",
                    "  ".repeat(depth),
                    attributes.concat()
                ));
                depth += 1;
            }
            XmlEvent::Characters(text) | XmlEvent::Whitespace(text) => {
                let _ = write!(lines.last_mut().unwrap(), ": {text}");
            }
            XmlEvent::EndElement { .. } => depth -= 1,
            XmlEvent::StartDocument { .. }
            | XmlEvent::EndDocument
            | XmlEvent::ProcessingInstruction { .. }
            | XmlEvent::CData(_)
            | XmlEvent::Comment(_)
            | XmlEvent::Doctype { .. } => {}
        }
    }
    lines
}

/// The texts that are said, one after another.
fn said(document: &str) -> Vec<String> {
    let lines = parsed(document).into_iter();
    let says = lines.filter(|line| line.trim_start().starts_with("Say "));
    says.map(|line| line.split_once(": ").unwrap().1.to_owned())
        .collect()
}

#[test]
fn a_code_is_said_twice_and_again_at_the_press_of_a_key() {
    let rcml = code(
        &speech("Acme Bank", Language::English),
        Synthesizer::Any,
        Some(AGAIN),
    );
    let how = "method=POST numDigits=1 timeout=5 finishOnKey=#";
    assert_eq!(
        parsed(rcml.expose()),
        [
            "Response",
            "  Say voice=woman language=en: Hello. This is Acme Bank.",
            &format!("  Gather action={AGAIN} {how}"),
            "    Say voice=woman language=en: Your code is: 1, 2, 3, 4, 5, 6.",
            "    Pause length=1",
            "    Say voice=woman language=en: Again: 1, 2, 3, 4, 5, 6.",
            "    Pause length=1",
            "    Say voice=woman language=en: Never tell this code to anyone who calls you or writes to you.",
            "    Pause length=1",
            "    Say voice=woman language=en: To hear it again, press one.",
            "  Say voice=woman language=en: Goodbye.",
            "  Hangup",
        ]
    );
    assert!(
        rcml.expose()
            .starts_with(r#"<?xml version="1.0" encoding="UTF-8"?><Response><Say "#)
    );
}

#[test]
fn in_the_last_round_no_key_is_asked_for() {
    let rcml = code(
        &speech("Acme Bank", Language::German),
        Synthesizer::VoiceRss,
        None,
    );
    assert_eq!(
        parsed(rcml.expose()),
        [
            "Response",
            "  Say voice=woman language=de: Hallo. Hier ist Acme Bank.",
            "  Say voice=woman language=de: Ihr Code lautet: 1, 2, 3, 4, 5, 6.",
            "  Pause length=1",
            "  Say voice=woman language=de: Noch einmal: 1, 2, 3, 4, 5, 6.",
            "  Pause length=1",
            "  Say voice=woman language=de: Nennen Sie diesen Code niemandem, der Sie anruft oder Ihnen schreibt.",
            "  Pause length=1",
            "  Say voice=woman language=de: Auf Wiederhören.",
            "  Hangup",
        ]
    );
}

#[test]
fn who_answers_a_flash_call_hears_that_it_only_shows_its_number() {
    let speech = speech::flash_call(&default_policy("Acme Bank"), Language::English);
    assert_eq!(
        parsed(flash_call(&speech, Synthesizer::Any).expose()),
        [
            "Response",
            "  Say voice=woman language=en: This call is from Acme Bank and only shows its number.",
            "  Say voice=woman language=en: You need not answer.",
            "  Say voice=woman language=en: Goodbye.",
            "  Hangup",
        ]
    );
}

#[test]
fn who_may_hear_nothing_is_hung_up_on() {
    assert_eq!(hang_up(), "<Response><Hangup/></Response>");
    assert_eq!(parsed(hang_up()), ["Response", "  Hangup"]);
}

#[test]
fn text_and_language_always_agree() {
    for engine in Synthesizer::ALL {
        for wanted in Language::ALL {
            let heard = voices::heard(engine, wanted);
            let wanted_speech = speech("Acme", wanted);
            let rcml = code(&wanted_speech, engine, Some(AGAIN));
            let lines = wanted_speech.lines(heard.language);
            let expected: Vec<&str> = lines
                .sentences()
                .chain([lines.invitation, lines.goodbye])
                .collect();
            assert_eq!(said(rcml.expose()), expected, "{engine:?} {wanted:?}");
            let key = format!("language=\"{}\"", heard.key);
            let count = rcml.expose().matches(&key).count();
            assert_eq!(count, rcml.expose().matches("<Say ").count());
        }
    }
}

#[test]
fn a_hostile_name_or_address_stays_text() {
    let name = r#"A & B's "</Say><Hangup/>" <![CDATA["#;
    let address = "https://otp.example.com/x?a=1&b='\"<";
    let rcml = code(
        &speech(name, Language::English),
        Synthesizer::Any,
        Some(address),
    );
    let lines = parsed(rcml.expose());
    assert_eq!(lines.len(), 12);
    assert_eq!(
        said(rcml.expose())[0],
        r#"Hello. This is A & B's "</Say><Hangup/>" <![CDATA[."#
    );
    assert!(lines[2].contains(&format!("action={address} ")));
}

#[test]
fn neither_a_speech_nor_a_document_can_be_printed() {
    let speech = speech("Acme", Language::English);
    let rcml = code(&speech, Synthesizer::Any, None);
    let lines = speech.lines(Language::English);
    assert_eq!(
        format!("{speech:?} {lines:?} {rcml:?}"),
        "Speech(hidden) Lines(hidden) Rcml(hidden)"
    );
}

proptest! {
    #[test]
    fn any_name_gives_a_document_that_is_well_formed_and_fits_its_room(name in any::<String>(), language in 0..10_usize) {
        let speech = speech(&name, Language::ALL[language]);
        for engine in Synthesizer::ALL {
            let rcml = code(&speech, engine, Some(AGAIN));
            prop_assert_eq!(parsed(rcml.expose()).len(), 12);
            let heard = voices::heard(engine, speech.language());
            let room = Document::begin(heard, &speech.lines(heard.language), Some(AGAIN)).text.capacity();
            prop_assert!(rcml.expose().len() <= room);
        }
    }
}
