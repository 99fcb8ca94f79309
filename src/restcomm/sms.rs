//! Text messages: `POST` and `GET …/SMS/Messages.json`.

use reqwest::{Response, StatusCode};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use thiserror::Error;

use super::{Account, Notice};
use crate::domain::{
    clock::{Clock, Timestamp},
    phone::PhoneNumber,
};

/// An answer to a hand-off is a few hundred bytes.
const LONGEST_ANSWER: usize = 64 * 1024;
/// A page of messages of at most 999 characters, JSON-escaped.
const LONGEST_LIST: usize = 1024 * 1024;
/// Messages on a page.
const PAGE: usize = 50;
/// Restcomm answers 500 when its own 10 s time-out ends, and may have sent the message all the same; an earlier 5xx
/// means that it did not get so far.
const OWN_TIMEOUT_NEAR: std::time::Duration = std::time::Duration::from_secs(9);

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

/// A message as a list of them shows it.
#[derive(Deserialize)]
pub struct Message {
    pub sid: String,
    /// Restcomm leaves out what it does not know.
    #[serde(default)]
    pub body: String,
    date_created: Option<String>,
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

#[derive(Deserialize)]
struct Created {
    sid: String,
}

/// What the resource of a message says of its fate.
#[derive(Deserialize)]
struct Resource {
    status: String,
    error_code: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct List {
    messages: Vec<Message>,
}

impl Account {
    /// Hands one text message over; `unicode` where the GSM alphabet does not hold it. Restcomm tells `callback`, which
    /// is a secret, what becomes of it.
    pub async fn send_sms(
        &self,
        to: &PhoneNumber,
        from: &str,
        body: &str,
        unicode: bool,
        callback: &str,
        clock: &Clock,
    ) -> HandOff {
        let started = clock.now();
        let mut form = vec![
            ("From", from),
            ("To", to.expose()),
            ("Body", body),
            ("StatusCallback", callback),
        ];
        if unicode {
            form.push(("Encoding", "UCS-2"));
        }
        let request = self
            .client
            .post(self.messages_url())
            .basic_auth(
                &self.settings.account_sid,
                Some(self.settings.auth_token.expose_secret()),
            )
            .form(&form);
        match request.send().await {
            Ok(response) => judge(response, started, clock).await,
            // The request was not written: no name, no connection, no TLS, or no valid URL.
            Err(error) if error.is_connect() || error.is_builder() => {
                tracing::warn!(account = self.name(), "restcomm.unreachable");
                HandOff::NotSent
            }
            Err(error) => {
                let timeout = error.is_timeout();
                tracing::warn!(account = self.name(), timeout, "restcomm.no_answer");
                HandOff::Unknown
            }
        }
    }

    /// How one message fares, as Restcomm's resource of it says.
    pub async fn ask_sms(&self, sid: &str) -> Result<Notice, LookUpFailed> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !sid.bytes().all(is_plain) {
            // It would be another path.
            return Err(LookUpFailed::Unclear);
        }
        let url = format!(
            "{}/Accounts/{}/SMS/Messages/{sid}.json",
            self.settings.base_url, self.settings.account_sid
        );
        let request = self.client.get(url).basic_auth(
            &self.settings.account_sid,
            Some(self.settings.auth_token.expose_secret()),
        );
        let response = request.send().await.map_err(|_| LookUpFailed::Down)?;
        if response.status() != StatusCode::OK {
            return Err(LookUpFailed::Unclear);
        }
        let body = read(response, LONGEST_ANSWER)
            .await
            .ok_or(LookUpFailed::Unclear)?;
        let Resource { status, error_code } =
            serde_json::from_slice(&body).map_err(|_| LookUpFailed::Unclear)?;
        // A number at Restcomm, a text elsewhere.
        let text = |code: serde_json::Value| match code.as_str() {
            Some(text) => text.to_owned(),
            None => code.to_string(),
        };
        let error = error_code.map(text);
        Notice::read(&status, error.as_deref()).ok_or(LookUpFailed::Unclear)
    }

    /// The messages to `to` that this account was given at `since` or later, newest first. If there may be more than it
    /// tells, that is no answer.
    ///
    /// With `from`, only those of that sender.
    pub async fn find_sms(
        &self,
        to: &PhoneNumber,
        from: Option<&str>,
        since: Timestamp,
    ) -> Result<Vec<Message>, LookUpFailed> {
        let page = PAGE.to_string();
        let request = self
            .client
            .get(self.messages_url())
            .basic_auth(
                &self.settings.account_sid,
                Some(self.settings.auth_token.expose_secret()),
            )
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
        let body = read(response, LONGEST_LIST).await;
        let body = body.ok_or(LookUpFailed::Unclear)?;
        let list = serde_json::from_slice(&body);
        let List { mut messages } = list.map_err(|_| LookUpFailed::Unclear)?;
        let on_page = messages.len();
        messages.retain(|message| message.is_since(since));
        if PAGE <= messages.len() && messages.len() == on_page {
            return Err(LookUpFailed::Unclear);
        }
        Ok(messages)
    }

    fn messages_url(&self) -> String {
        format!(
            "{}/Accounts/{}/SMS/Messages.json",
            self.settings.base_url, self.settings.account_sid
        )
    }
}

impl Message {
    /// Whether it was made at `instant` or later. A date that cannot be read does not exclude a message.
    fn is_since(&self, instant: Timestamp) -> bool {
        let created = self
            .date_created
            .as_deref()
            .and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
        created
            .is_none_or(|date| instant <= Timestamp::from_millis(date.timestamp().as_millisecond()))
    }
}

async fn judge(response: Response, started: Timestamp, clock: &Clock) -> HandOff {
    let status = response.status();
    let is_json = response
        .headers()
        .get(reqwest::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"));
    let body = read(response, LONGEST_ANSWER).await;
    match status.as_u16() {
        200..=299 => match body.and_then(|body| serde_json::from_slice::<Created>(&body).ok()) {
            Some(Created { sid }) if !sid.is_empty() && sid.len() <= 128 => {
                HandOff::Accepted { sid }
            }
            _ => {
                tracing::warn!(http.status = status.as_u16(), "restcomm.unreadable_answer");
                HandOff::Unknown
            }
        },
        400 => HandOff::Refused,
        // Restcomm's extensions refuse a message so; without JSON it is the account that is refused.
        403 if is_json && body.is_some_and(|body| is_json_object(&body)) => HandOff::Refused,
        500..=599 if OWN_TIMEOUT_NEAR <= started.until(clock.now()) => HandOff::Unknown,
        code => {
            tracing::warn!(http.status = code, "restcomm.refused_request");
            HandOff::NotSent
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

#[cfg(test)]
mod tests;
