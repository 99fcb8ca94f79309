//! Forms, read as Restcomm reads them.

use actix_web::{
    HttpMessage as _, HttpRequest,
    web::{Bytes, Query},
};

pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn parse(body: &Bytes) -> Option<Self> {
        let body = String::from_utf8_lossy(body);
        let form = Query::<Vec<(String, String)>>::from_query(&body).ok()?;
        Some(Self(form.into_inner()))
    }

    /// Of a key that is repeated, the first value counts.
    pub(super) fn first(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }
}

pub(super) fn is_form(request: &HttpRequest) -> bool {
    let content_type = request.content_type();
    content_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Roughly what `java.net.URI.create` takes: relative references too, but no stray characters.
pub(super) fn is_uri(text: &str) -> bool {
    let stray = |c: char| c.is_control() || c.is_whitespace() || "\"<>\\^`{|}".contains(c);
    let mut escapes = text.split('%').skip(1);
    !text.contains(stray)
        && escapes.all(|rest| {
            let digits = rest.bytes().take(2).filter(u8::is_ascii_hexdigit);
            digits.count() == 2
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_uri_is_told_from_what_merely_leads_nowhere() {
        for uri in [
            "https://u:p@example.com:8080/a%2Fb?c=d#e",
            "foo",
            "",
            "/a;b",
        ] {
            assert!(is_uri(uri), "{uri}");
        }
        for text in ["http://example.com/a b", "a|b", "%", "%2", "%zz", "<a>"] {
            assert!(!is_uri(text), "{text}");
        }
    }

    #[test]
    fn the_first_value_of_a_key_counts() {
        let form = Form::parse(&Bytes::from_static(b"a=1&b=x+y&a=2")).unwrap();
        assert_eq!(
            (form.first("a"), form.first("b"), form.first("c")),
            (Some("1"), Some("x y"), None)
        );
    }
}
