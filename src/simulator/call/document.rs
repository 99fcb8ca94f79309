//! An XML document as a tree, small enough for what a client may send.

use xml::{
    Encoding,
    name::OwnedName,
    reader::{EventReader, ParserConfig, XmlEvent},
};

/// Elements inside each other; RCML needs three.
const DEEPEST: usize = 32;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// With its prefix, if it has one: no verb has.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    /// Its own, without that of its children.
    text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The text in one line, however it was indented.
    pub(super) fn words(&self) -> String {
        let words: Vec<&str> = self.text.split_ascii_whitespace().collect();
        words.join(" ")
    }
}

/// The root of a document, or nothing where it is not well-formed. Whatever it says of its encoding, it
/// is UTF-8; an ampersand that begins no reference stands for itself.
pub(super) fn read(text: &str) -> Option<Element> {
    let text = with_references(text);
    let settings = ParserConfig::new()
        .cdata_to_characters(true)
        .whitespace_to_characters(true)
        .override_encoding(Some(Encoding::Utf8))
        .ignore_invalid_encoding_declarations(true)
        .allow_multiple_root_elements(false);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    for event in EventReader::new_with_config(text.as_bytes(), settings) {
        match event.ok()? {
            XmlEvent::StartElement {
                name, attributes, ..
            } => {
                if open.len() == DEEPEST {
                    return None;
                }
                let attributes = attributes
                    .into_iter()
                    .map(|attribute| (spelled(&attribute.name), attribute.value));
                open.push(Element {
                    name: spelled(&name),
                    attributes: attributes.collect(),
                    ..Element::default()
                });
            }
            XmlEvent::EndElement { .. } => {
                let closed = open.pop()?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(closed),
                    None => root = Some(closed),
                }
            }
            XmlEvent::Characters(text) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&text);
                }
            }
            XmlEvent::StartDocument { .. }
            | XmlEvent::EndDocument
            | XmlEvent::ProcessingInstruction { .. }
            | XmlEvent::CData(_)
            | XmlEvent::Comment(_)
            | XmlEvent::Whitespace(_)
            | XmlEvent::Doctype { .. } => {}
        }
    }
    root
}

fn spelled(name: &OwnedName) -> String {
    name.to_string()
}

/// Escapes each ampersand that begins no reference.
fn with_references(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (at, part) in text.split('&').enumerate() {
        if 0 < at {
            escaped.push('&');
            let name = part.split(';').next().unwrap_or_default();
            let reference = name.len() < part.len()
                && !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte == b'#' || byte.is_ascii_alphanumeric());
            if !reference {
                escaped.push_str("amp;");
            }
        }
        escaped.push_str(part);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(document: &str) -> Option<String> {
        read(document).map(|root| root.words())
    }

    #[test]
    fn text_is_what_references_and_literal_sections_stand_for() {
        for (document, text) in [
            ("<a>x &amp; y &#233; &lt;</a>", "x & y é <"),
            ("<a>x & y &co</a>", "x & y &co"),
            ("<a><![CDATA[1 < 2]]></a>", "1 < 2"),
            ("<a>one<b>two</b>\n   three<!-- four --></a>", "one three"),
            (
                "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>é</a>",
                "é",
            ),
            ("<a/>", ""),
        ] {
            assert_eq!(text_of(document).as_deref(), Some(text), "{document}");
        }
    }

    #[test]
    fn what_is_not_well_formed_is_nothing() {
        for document in [
            "",
            "plain words",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a x=1/>",
            "<a>&nbsp;</a>",
            "<!-- first --><?xml version=\"1.0\"?><a/>",
            "\n<?xml version=\"1.0\"?><a/>",
        ] {
            assert_eq!(text_of(document), None, "{document}");
        }
    }

    #[test]
    fn what_would_grow_without_bound_is_nothing() {
        let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
        assert_eq!(text_of(&deep), None);
        let twice = |number: usize| format!("&e{};", number - 1).repeat(2);
        let entity = |number| format!("<!ENTITY e{number} \"{}\">", twice(number));
        let entities: Vec<String> = (1..30).map(entity).collect();
        let entities = entities.concat();
        let laughs = format!("<!DOCTYPE a [<!ENTITY e0 \"ha\">{entities}]><a>&e29;</a>");
        assert_eq!(text_of(&laughs), None);
    }
}
