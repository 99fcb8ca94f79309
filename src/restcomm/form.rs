//! Forms as HTML writes them (`application/x-www-form-urlencoded`), in one piece.

use reqwest::header::HeaderValue;

pub(super) const CONTENT_TYPE: HeaderValue =
    HeaderValue::from_static("application/x-www-form-urlencoded");

/// Bytes that one may become.
const LONGEST_ESCAPE: usize = "%00".len();
const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// The members of a form. Their names are ours, and need no escape.
pub(super) fn encode(members: &[(&str, &str)]) -> Vec<u8> {
    // With room for all of it: what grows leaves the code behind in memory, and is copied each time.
    let room = |(name, value): &(&str, &str)| name.len() + value.len() * LONGEST_ESCAPE + 2;
    let mut form = Vec::with_capacity(members.iter().map(room).sum());
    for (name, value) in members {
        if !form.is_empty() {
            form.push(b'&');
        }
        form.extend_from_slice(name.as_bytes());
        form.push(b'=');
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => {
                    form.push(byte);
                }
                b' ' => form.push(b'+'),
                _ => {
                    let [high, low] = [byte >> 4, byte & 15].map(usize::from);
                    form.extend_from_slice(&[b'%', DIGITS[high], DIGITS[low]]);
                }
            }
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::Url;

    use super::*;

    #[test]
    fn a_message_is_written_as_forms_are() {
        let form = [("To", "+351912"), ("Body", "12 é?\n"), ("From", "a*-._~")];
        assert_eq!(
            encode(&form),
            b"To=%2B351912&Body=12+%C3%A9%3F%0A&From=a*-._%7E"
        );
        assert_eq!(encode(&[]), b"");
    }

    proptest! {
        #[test]
        fn every_text_is_written_as_an_address_writes_it(to in any::<String>(), body in any::<String>()) {
            let mut address = Url::parse("http://host/").unwrap();
            address.query_pairs_mut().append_pair("To", &to).append_pair("Body", &body);
            let form = encode(&[("To", &to), ("Body", &body)]);
            prop_assert_eq!(address.query().unwrap().as_bytes(), form);
        }

        #[test]
        fn a_form_never_grows(value in any::<String>()) {
            let form = encode(&[("Body", &value)]);
            let room = "Body=".len() + 1 + value.len() * LONGEST_ESCAPE;
            prop_assert_eq!(form.capacity(), room);
        }
    }
}
