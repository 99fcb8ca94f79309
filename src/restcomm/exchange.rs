//! One request to an account, and what its answer means: the same for text messages and calls.

use reqwest::{Request, Response, StatusCode, header};
use serde::Deserialize;
use thiserror::Error;

use super::{Account, callback::is_name, form};
use crate::domain::{
    clock::{Clock, Timestamp},
    phone::PhoneNumber,
};

/// An answer to a hand-off is a few hundred bytes.
pub(super) const LONGEST_ANSWER: usize = 64 * 1024;
/// Restcomm answers 500 when its own 10 s time-out ends, and may have sent the message all the same; an earlier 5xx
/// means that it did not get so far.
const OWN_TIMEOUT_NEAR: std::time::Duration = std::time::Duration::from_secs(9);
/// A page of resources, JSON-escaped.
pub(super) const LONGEST_LIST: usize = 1024 * 1024;
/// Resources on a page.
pub(super) const PAGE: usize = 50;

/// What became of handing a message over: these four, and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandOff {
    /// 2xx with a sid.
    Accepted { sid: String },
    /// 400, or 403 with a JSON body: this message will never be taken.
    Refused,
    /// Certainly not taken; another account or another time may do.
    NotSent,
    /// Perhaps taken: it must not be repeated before the account was asked.
    Unknown,
}

/// The end of a hand-off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOver {
    pub outcome: HandOff,
    pub standing: Standing,
    /// The account answered 500, which may be a fault of its own, or what it thinks of this request.
    pub(super) is_doubtful: bool,
}

/// What a hand-off says of the account, whatever it thinks of this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Well,
    Ill,
    Unclear,
}

impl HandedOver {
    const fn well(outcome: HandOff) -> Self {
        Self {
            outcome,
            standing: Standing::Well,
            is_doubtful: false,
        }
    }

    const fn ill(outcome: HandOff) -> Self {
        Self {
            outcome,
            standing: Standing::Ill,
            is_doubtful: false,
        }
    }
}

/// Why an account did not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LookUpFailed {
    /// It cannot be asked: no connection, no answer, a fault of its own, or it does not know us any more.
    #[error("the account could not be asked for its messages")]
    Down,
    /// It answers, but not this.
    #[error("the account did not tell of its messages")]
    Unclear,
}

/// A page of a list, and what time it was on the machine that gave it.
pub(super) struct Page {
    pub(super) body: Vec<u8>,
    pub(super) date: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Created {
    sid: String,
}

impl Account {
    /// Hands something over, and tells what became of it.
    pub(super) async fn hand_over(
        &self,
        request: &Request,
        form: &[(&str, &str)],
        clock: &Clock,
    ) -> HandedOver {
        let started = clock.now();
        let mut request = request.try_clone().expect("it has no body yet");
        *request.body_mut() = Some(form::encode(form).into());
        match self.client.execute(request).await {
            Ok(response) => judge(response, started, clock).await,
            // The request was not written: no name, no connection, no TLS, or no valid URL.
            Err(error) if error.is_connect() || error.is_builder() => {
                tracing::warn!(account = self.name(), "restcomm.unreachable");
                HandedOver::ill(HandOff::NotSent)
            }
            Err(error) => {
                let timeout = error.is_timeout();
                tracing::warn!(account = self.name(), timeout, "restcomm.no_answer");
                HandedOver::ill(HandOff::Unknown)
            }
        }
    }

    /// Asks for the one resource `sid` of `resources`.
    pub(super) async fn ask(&self, resources: &str, sid: &str) -> Result<Vec<u8>, LookUpFailed> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !sid.bytes().all(is_plain) {
            // It would be another path.
            return Err(LookUpFailed::Unclear);
        }
        let url = self.settings.url(&format!("{resources}/{sid}.json"));
        let response = self.settings.signed(self.client.get(url)).send().await;
        let response = response.map_err(|_| LookUpFailed::Down)?;
        if response.status() != StatusCode::OK {
            return Err(LookUpFailed::Unclear);
        }
        read(response, LONGEST_ANSWER)
            .await
            .ok_or(LookUpFailed::Unclear)
    }

    /// The newest of `resource` to a number; with `from`, only those of that sender.
    pub(super) async fn list(
        &self,
        resource: &str,
        to: &PhoneNumber,
        from: Option<&str>,
    ) -> Result<Page, LookUpFailed> {
        let page = PAGE.to_string();
        let settings = &self.settings;
        let request = settings
            .signed(self.client.get(settings.url(resource)))
            .query(&[("To", to.expose()), ("PageSize", &page)])
            .query(&from.map(|from| [("From", from)]));
        let response = request.send().await.map_err(|_| LookUpFailed::Down)?;
        if response.status() != StatusCode::OK {
            tracing::warn!(
                account = self.name(),
                http.status = response.status().as_u16(),
                "restcomm.look_up_refused"
            );
            let is_down = response.status().is_server_error()
                || response.status() == StatusCode::UNAUTHORIZED;
            return Err(if is_down {
                LookUpFailed::Down
            } else {
                LookUpFailed::Unclear
            });
        }
        let date = response.headers().get(header::DATE);
        let date = date.and_then(|date| instant(date.to_str().ok()?));
        let body = read(response, LONGEST_LIST).await;
        let body = body.ok_or(LookUpFailed::Unclear)?;
        Ok(Page { body, date })
    }
}

impl Page {
    /// What `instant` is on the clock of the machine that gave this page: how long ago something was, is the same on
    /// every clock.
    pub(super) fn on_their_clock(&self, instant: Timestamp, clock: &Clock) -> Timestamp {
        let now = clock.now();
        self.date.unwrap_or(now).minus(instant.until(now))
    }
}

/// A date as RFC 2822 writes it, and Restcomm and HTTP do.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp::from_millis(date.timestamp().as_millisecond()))
}

/// What an answer to a hand-off means.
async fn judge(response: Response, started: Timestamp, clock: &Clock) -> HandedOver {
    let status = response.status();
    let is_json = response
        .headers()
        .get(reqwest::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"));
    let body = read(response, LONGEST_ANSWER).await;
    match status.as_u16() {
        200..=299 => match body.and_then(|body| serde_json::from_slice::<Created>(&body).ok()) {
            Some(Created { sid }) if is_name(&sid) => HandedOver::well(HandOff::Accepted { sid }),
            _ => {
                tracing::warn!(http.status = status.as_u16(), "restcomm.unreadable_answer");
                HandedOver::ill(HandOff::Unknown)
            }
        },
        400 => HandedOver::well(HandOff::Refused),
        // Restcomm's extensions refuse a message so; without JSON it is the account that is refused.
        403 if is_json && body.as_deref().is_some_and(is_json_object) => {
            HandedOver::well(HandOff::Refused)
        }
        // A gateway says so of a request that it has passed on.
        504 => HandedOver::ill(HandOff::Unknown),
        500..=599 if OWN_TIMEOUT_NEAR <= started.until(clock.now()) => {
            HandedOver::ill(HandOff::Unknown)
        }
        code => {
            tracing::warn!(http.status = code, "restcomm.refused_request");
            HandedOver {
                is_doubtful: code == 500,
                ..HandedOver::ill(HandOff::NotSent)
            }
        }
    }
}

fn is_json_object(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body).is_ok()
}

/// The body, unless it is longer than `most` or does not come.
async fn read(mut response: Response, most: usize) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if most < body.len() + chunk.len() {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}
