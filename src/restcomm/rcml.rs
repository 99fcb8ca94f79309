//! What Restcomm is to do on a call that was answered: RCML, its markup.
//!
//! What Restcomm does with it is kept in mind here: nothing may stand before the declaration; a `<Pause>` that ends a
//! `<Gather>` breaks it; and each `<Say>` is fetched from the synthesizer by itself and kept on its disk, so that the
//! sentences without the code are there already on the next call. All of a `<Gather>` is fetched before the first of it
//! is heard: the greeting stands before it, so that who answers does not wait in silence.

mod escape;
#[cfg(test)]
mod tests;

use std::fmt;

use zeroize::Zeroizing;

use self::escape::{LONGEST_ESCAPE, escape};
use super::voices::{self, Heard};
use crate::{
    domain::synthesizer::Synthesizer,
    message::speech::{Lines, Speech},
};

const BEGIN: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#;
const END: &str = "<Hangup/></Response>";
const PAUSE: &str = r#"<Pause length="1"/>"#;
/// More than the tags around a sentence take.
const ROOM_FOR_TAGS: usize = 128;

/// A document. It holds the code, and cannot be printed.
pub struct Rcml(Zeroizing<String>);

/// Says the code. `again` is the absolute address that a pressed key leads to; without it, no key is asked for. What is
/// heard is written in a language that `engine` speaks: the wanted one, or English.
pub fn code(speech: &Speech, engine: Synthesizer, again: Option<&str>) -> Rcml {
    let heard = voices::heard(engine, speech.language());
    let lines = speech.lines(heard.language);
    let mut document = Document::begin(heard, &lines, again);
    let mut sentences = lines.sentences();
    if let Some(greeting) = sentences.next() {
        document.say(greeting);
    }
    if let Some(address) = again {
        document.text.push_str(r#"<Gather action=""#);
        escape(address, &mut document.text);
        let how = r##"" method="POST" numDigits="1" timeout="5" finishOnKey="#">"##;
        document.text.push_str(how);
    }
    for sentence in sentences {
        document.say(sentence);
        document.text.push_str(PAUSE);
    }
    if again.is_some() {
        document.say(lines.invitation);
        document.text.push_str("</Gather>");
    }
    document.say(lines.goodbye);
    document.end()
}

/// Says, to who answers a call that was only to ring, that there was no need to.
pub fn flash_call(speech: &Speech, engine: Synthesizer) -> Rcml {
    let heard = voices::heard(engine, speech.language());
    let lines = speech.lines(heard.language);
    let mut document = Document::begin(heard, &lines, None);
    for sentence in lines.sentences() {
        document.say(sentence);
    }
    document.say(lines.goodbye);
    document.end()
}

/// Ends the call: what anybody gets for whom there is nothing to say. Any other answer may leave the line open.
pub const fn hang_up() -> &'static str {
    "<Response><Hangup/></Response>"
}

struct Document {
    text: Zeroizing<String>,
    key: &'static str,
}

impl Document {
    /// With room for all of it: a string that grows leaves the code behind in memory.
    fn begin(heard: Heard, lines: &Lines, again: Option<&str>) -> Self {
        let said = lines.sentences().chain([lines.invitation, lines.goodbye]);
        let lengths = said.chain(again).map(str::len);
        let room = |length: usize| length * LONGEST_ESCAPE + ROOM_FOR_TAGS;
        let room = lengths.map(room).sum::<usize>() + BEGIN.len() + END.len();
        let mut text = Zeroizing::new(String::with_capacity(room));
        text.push_str(BEGIN);
        Self {
            text,
            key: heard.key,
        }
    }

    /// By a woman: her voice is there for each of our languages, whatever the synthesizer; that of a man is not.
    fn say(&mut self, sentence: &str) {
        self.text.push_str(r#"<Say voice="woman" language=""#);
        self.text.push_str(self.key);
        self.text.push_str(r#"">"#);
        escape(sentence, &mut self.text);
        self.text.push_str("</Say>");
    }

    fn end(mut self) -> Rcml {
        self.text.push_str(END);
        Rcml(self.text)
    }
}

impl Rcml {
    /// The document. Every use of this is a place where a code leaves its type.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Rcml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rcml(hidden)")
    }
}
