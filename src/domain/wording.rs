//! What a message says beside its code. It is kept with the delivery, since the text is written when it is handed off.

use super::language::Language;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wording {
    pub language: Language,
    /// What the code is for, by its name; a name that has no words is left out of the text.
    pub purpose: String,
    pub autofill: Option<Autofill>,
}

/// Who may take the code out of the message by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Autofill {
    /// Pages of this host, by a last line `@host #code` (WICG, origin-bound one-time codes).
    Page { host: String },
    /// The Android app with this hash, which is the last line (SMS Retriever).
    App { hash: String },
}

impl Autofill {
    /// As a row keeps it.
    pub fn kept(&self) -> String {
        match self {
            Self::Page { host } => format!("page:{host}"),
            Self::App { hash } => format!("app:{hash}"),
        }
    }

    /// What [`Autofill::kept`] wrote.
    pub fn read(kept: &str) -> Option<Self> {
        let (kind, value) = kept.split_once(':')?;
        match kind {
            "page" => Some(Self::Page {
                host: value.to_owned(),
            }),
            "app" => Some(Self::App {
                hash: value.to_owned(),
            }),
            _ => None,
        }
    }
}

/// The host in `text`, in lower case. It stands there alone, or as an https origin, whose port says nothing here: the
/// line in the message has none.
pub fn host(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let host = match text.strip_prefix("https://") {
        None => text.as_str(),
        Some(authority) => match authority.split_once(':') {
            None => authority,
            Some((host, port)) if is_port(port) => host,
            Some(_) => return None,
        },
    };
    is_host(host).then(|| host.to_owned())
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// Whether this is the name of a host, and not an address.
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253
        && text.split('.').all(is_label)
        && last.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_stands_alone_or_in_an_https_origin() {
        for text in [
            "app.acme.example",
            "App.Acme.Example",
            "https://app.acme.example",
            "https://app.acme.example:8443",
        ] {
            assert_eq!(host(text).as_deref(), Some("app.acme.example"), "{text}");
        }
        assert_eq!(
            host("xn--bcher-kva.example").as_deref(),
            Some("xn--bcher-kva.example")
        );
        for text in [
            "",
            "http://app.acme.example",
            "https://",
            "https://app.acme.example/",
            "https://app.acme.example/path",
            "https://user@app.acme.example",
            "https://app.acme.example:",
            "https://app.acme.example:65536",
            "app.acme.example:8443",
            "app.acme.example #1",
            "app.acme.example\n@evil.example",
            "app..example",
            ".example",
            "example.",
            "-a.example",
            "a_b.example",
            "b\u{fc}cher.example",
            "192.0.2.1",
            "https://[2001:db8::1]",
            "@app.acme.example",
        ] {
            assert_eq!(host(text), None, "{text:?}");
        }
        assert_eq!(host(&format!("{}example", "a.".repeat(130))), None);
    }

    #[test]
    fn autofill_survives_being_kept() {
        for autofill in [
            Autofill::Page {
                host: "app.acme.example".to_owned(),
            },
            Autofill::App {
                hash: "FA+9qCX9VSu".to_owned(),
            },
        ] {
            assert_eq!(Autofill::read(&autofill.kept()), Some(autofill));
        }
        assert_eq!(Autofill::read(""), None);
        assert_eq!(Autofill::read("x:y"), None);
    }
}
