//! RCML, as far as it is spoken here: what stands in a document, and whether it is one.

/// A verb with its attributes, its text, and what stands inside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Verb {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) inside: Vec<Verb>,
}

impl Verb {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let (_, value) = attributes.find(|(known, _)| known == name)?;
        Some(value)
    }
}

/// The verbs of a document; `None` where it is not well-formed, or its root is another.
pub(super) fn parse(text: &str) -> Option<Vec<Verb>> {
    let mut rest = text;
    // Nothing may stand before it.
    if let Some(declared) = rest.strip_prefix("<?xml") {
        rest = declared.split_once("?>")?.1;
    }
    let (root, rest) = element(rest.trim_start())?;
    let is_document = root.name == "Response" && rest.trim().is_empty();
    is_document.then_some(root.inside)
}

/// The element that `text` begins with, and what comes behind it.
fn element(text: &str) -> Option<(Verb, &str)> {
    let (tag, mut rest) = text.strip_prefix('<')?.split_once('>')?;
    let (tag, is_empty) = match tag.strip_suffix('/') {
        Some(tag) => (tag, true),
        None => (tag, false),
    };
    let tag = tag.trim_end();
    let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
    let mut verb = Verb {
        name: name.to_owned(),
        attributes: read_attributes(attributes)?,
        ..Verb::default()
    };
    if is_empty {
        return Some((verb, rest));
    }
    loop {
        let (before, _) = rest.split_once('<')?;
        verb.text.push_str(&unescape(before)?);
        rest = &rest[before.len()..];
        if let Some(end) = rest.strip_prefix("</") {
            let (ended, behind) = end.split_once('>')?;
            return (ended.trim_end() == verb.name).then_some((verb, behind));
        }
        let (inner, behind) = element(rest)?;
        verb.inside.push(inner);
        rest = behind;
    }
}

fn read_attributes(text: &str) -> Option<Vec<(String, String)>> {
    let mut attributes = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"")?;
        let (value, behind) = value.split_once('"')?;
        attributes.push((name.to_owned(), unescape(value)?));
        rest = behind.trim_start();
    }
    Some(attributes)
}

fn unescape(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, entity)) = rest.split_once('&') {
        plain.push_str(before);
        let (name, behind) = entity.split_once(';')?;
        plain.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => {
                let number = number.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                char::from_u32(code.ok()?)?
            }
        });
        rest = behind;
    }
    plain.push_str(rest);
    Some(plain)
}
