//! Text that stays text in a document of XML 1.0.

/// Bytes that one byte can become.
pub(super) const LONGEST_ESCAPE: usize = 6;

/// Appends `text` for a place between tags or between double quotes. Characters that no document may hold are left out.
pub(super) fn escape(text: &str, into: &mut String) {
    for sign in text.chars() {
        match sign {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\'' => into.push_str("&apos;"),
            _ if is_allowed(sign) => into.push(sign),
            _ => {}
        }
    }
}

/// XML 1.0, section 2.2. Surrogates, which it forbids too, are no characters in Rust.
fn is_allowed(sign: char) -> bool {
    !matches!(sign, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut into = String::new();
        escape(text, &mut into);
        into
    }

    #[test]
    fn what_means_something_in_markup_is_spelled_out() {
        assert_eq!(
            escaped(r#"A & B <"C"> 'D' &amp;"#),
            "A &amp; B &lt;&quot;C&quot;&gt; &apos;D&apos; &amp;amp;"
        );
        assert_eq!(escaped("Café 株式会社 😀"), "Café 株式会社 😀");
    }

    #[test]
    fn what_no_document_may_hold_is_left_out() {
        assert_eq!(escaped("A\0\u{1}\u{8}\u{b}\u{c}\u{e}\u{1f}B"), "AB");
        assert_eq!(escaped("A\u{fffe}\u{ffff}B"), "AB");
        assert_eq!(
            escaped("A\t\n\r\u{fffd}\u{10ffff}"),
            "A\t\n\r\u{fffd}\u{10ffff}"
        );
    }

    #[test]
    fn no_sign_becomes_longer_than_the_room_that_is_kept_for_it() {
        for sign in ['&', '<', '>', '"', '\'', 'a', 'é', '字', '😀'] {
            let length = escaped(&sign.to_string()).len();
            assert!(length <= sign.len_utf8() * LONGEST_ESCAPE, "{sign}");
        }
    }
}
