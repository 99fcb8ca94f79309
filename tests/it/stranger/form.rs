//! Forms and queries: `application/x-www-form-urlencoded`.

use std::fmt::Write as _;

/// Names and values, in the order in which they stand. A value that is `None` has no `=` either.
pub(super) type Pairs = Vec<(String, Option<String>)>;

pub(super) fn parse(text: &str) -> Pairs {
    let parts = text.split('&').filter(|part| !part.is_empty());
    let pairs = parts.map(|part| match part.split_once('=') {
        Some((name, value)) => (decode(name), Some(decode(value))),
        None => (decode(part), None),
    });
    pairs.collect()
}

/// The first value of a name. Names are told apart by case.
pub(super) fn value<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    let (_, value) = pairs.iter().find(|(known, _)| known == name)?;
    Some(value.as_deref().unwrap_or_default())
}

pub(super) fn write(pairs: &Pairs) -> String {
    let parts = pairs.iter().map(|(name, value)| match value {
        Some(value) => format!("{}={}", encode(name), encode(value)),
        None => encode(name),
    });
    parts.collect::<Vec<_>>().join("&")
}

fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    String::from_utf8(bytes).unwrap()
}
