//! Fetching RCML: what counts as an answer, and what is made of it.

use reqwest::{
    Client, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};

use super::rcml::{self, ENGLISH, Say, Verb};
use crate::simulator::errand::Errand;

/// More than any script needs; Restcomm has no such bound.
const LARGEST: usize = 256 * 1024;

pub(super) enum Page {
    Verbs(Vec<Verb>),
    /// Of a kind that Restcomm makes nothing of: the call stays as it is.
    Ignored,
    /// 404, which an answered call takes no notice of.
    Missing,
    /// No answer, another status than 200, or no RCML.
    Failed(String),
}

pub(super) async fn fetch(http: Client, errand: Errand) -> Page {
    let response = match errand.run(&http).await {
        Ok(response) => response,
        Err(fault) => return Page::Failed(fault.to_string()),
    };
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE).map(Kind::of);
    let body = match read(response).await {
        Ok(body) => body,
        Err(reason) => return Page::Failed(reason),
    };
    if status == StatusCode::NOT_FOUND && (body.is_empty() || rcml::read(&body).is_some()) {
        return Page::Missing;
    }
    if status != StatusCode::OK {
        return Page::Failed(format!("the status is {}", status.as_u16()));
    }
    match kind {
        Some(Kind::Rcml) => match rcml::read(&body) {
            Some(verbs) => Page::Verbs(verbs),
            None => Page::Failed("the document is not well-formed".to_owned()),
        },
        Some(Kind::Sound) => Page::Verbs(vec![Verb::Play]),
        Some(Kind::Text) => Page::Verbs(vec![Verb::Say(Say {
            text: body.trim().to_owned(),
            language: ENGLISH,
            times: Some(1),
        })]),
        Some(Kind::Other) => Page::Ignored,
        None => Page::Verbs(vec![Verb::HangUp]),
    }
}

/// Always as UTF-8.
async fn read(mut response: Response) -> Result<String, String> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LARGEST => body.extend(chunk),
            Ok(Some(_)) => return Err("the document is too large".to_owned()),
            Ok(None) => return Ok(String::from_utf8_lossy(&body).into_owned()),
            Err(error) => return Err(error.without_url().to_string()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rcml,
    Sound,
    Text,
    Other,
}

impl Kind {
    fn of(header: &HeaderValue) -> Self {
        let text = header.to_str().unwrap_or_default();
        let any = |kinds: &[&str]| kinds.iter().any(|kind| text.contains(kind));
        if any(&["text/xml", "application/xml", "text/html"]) {
            Self::Rcml
        } else if any(&["audio/wav", "audio/wave", "audio/x-wav"]) {
            Self::Sound
        } else if any(&["text/plain"]) {
            Self::Text
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart_by_what_their_names_contain() {
        for (header, kind) in [
            ("application/xml; charset=utf-8", Kind::Rcml),
            ("text/xml", Kind::Rcml),
            ("text/html", Kind::Rcml),
            ("audio/x-wav", Kind::Sound),
            ("text/plain;charset=UTF-8", Kind::Text),
            ("application/json", Kind::Other),
        ] {
            assert_eq!(
                Kind::of(&HeaderValue::from_static(header)),
                kind,
                "{header}"
            );
        }
    }
}
