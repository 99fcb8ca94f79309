//! Base addresses: of this service, and of Restcomm; and the origins of pages.

use std::{fmt, net::IpAddr};

use reqwest::Url;

use super::fields::Parsed;

/// An absolute address without query or trailing slash, to which paths are appended. `http` only on loopback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Reads an address, or says what is wrong with it: the end of a sentence that begins with
    /// the name of the setting.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = absolute(text)?;
        if !url.username().is_empty() || url.password().is_some() {
            // Not repeated: it may be a password.
            return Err("holds a user or a password; remove what stands before the `@`".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(
                "holds a query or a fragment; remove all from the `?` or `#` on".to_owned(),
            );
        }
        let loopback = is_loopback(url.host_str().unwrap_or_default());
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => {
                return Err(format!(
                    "is {text:?}, and `http` is only for loopback; write `https`"
                ));
            }
            _ => return Err(format!("is {text:?}; write an address with `https`")),
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The origin of a page, spelled as browsers send it, since it is compared letter by letter.
pub(super) fn origin(text: &str) -> Parsed<String> {
    if text == "*" || text == "null" || text.contains('*') {
        return Err(format!(
            "holds {text:?}, and a pattern would let strangers' pages in; write each origin in full, such as \"https://app.example.com\""
        ));
    }
    let url = absolute(text).map_err(|_| {
        format!("holds {text:?}, which is not an origin; write it as \"https://app.example.com\"")
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        // Not repeated: it may be a password.
        return Err("holds a user or a password; remove what stands before the `@`".to_owned());
    }
    let loopback = is_loopback(url.host_str().unwrap_or_default());
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => {
            return Err(format!(
                "holds {text:?}, and `http` is only for loopback; write `https`"
            ));
        }
        _ => return Err(format!("holds {text:?}; write an origin with `https`")),
    }
    let sent = url.origin().ascii_serialization();
    if sent == text {
        return Ok(sent);
    }
    Err(format!(
        "holds {text:?}, which no browser sends; write it as {sent:?}"
    ))
}

fn absolute(text: &str) -> Parsed<Url> {
    // The parser would drop line breaks and blanks at the ends in silence.
    let blank = text.contains(|c: char| c.is_whitespace() || c.is_control());
    let url = Url::parse(text).ok().filter(|url| !blank && url.has_host());
    url.ok_or_else(|| {
        "is not an absolute address; write it as \"https://otp.example.com\"".to_owned()
    })
}

/// Whether `host`, as it stands in an address, is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
