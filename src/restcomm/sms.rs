//! Text messages: `POST` and `GET …/SMS/Messages.json`.

use serde::Deserialize;

use super::{
    Account, HandedOver, LookUpFailed, Notice,
    callback::is_name,
    exchange::{PAGE, instant},
};
use crate::domain::{
    clock::{Clock, Timestamp},
    phone::PhoneNumber,
};

pub(super) const MESSAGES: &str = "SMS/Messages.json";

/// A message as a list of them shows it.
#[derive(Deserialize)]
pub struct Message {
    pub sid: String,
    /// Restcomm leaves out what it does not know.
    #[serde(default)]
    pub body: String,
    date_created: Option<String>,
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
    ) -> HandedOver {
        let mut form = vec![
            ("From", from),
            ("To", to.expose()),
            ("Body", body),
            ("StatusCallback", callback),
        ];
        if unicode {
            form.push(("Encoding", "UCS-2"));
        }
        self.hand_over(&self.new_message, &form, clock).await
    }

    /// How one message fares, as Restcomm's resource of it says.
    pub async fn ask_sms(&self, sid: &str) -> Result<Notice, LookUpFailed> {
        let body = self.ask("SMS/Messages", sid).await?;
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

    /// The messages to `to` that this account was given at `since` or later by our clock, newest first. If there may be more than it
    /// tells, or one has a name that cannot be one, that is no answer.
    ///
    /// With `from`, only those of that sender.
    pub async fn find_sms(
        &self,
        to: &PhoneNumber,
        from: Option<&str>,
        since: Timestamp,
        clock: &Clock,
    ) -> Result<Vec<Message>, LookUpFailed> {
        let page = self.list(MESSAGES, to, from).await?;
        let since = page.on_their_clock(since, clock);
        let list = serde_json::from_slice(&page.body);
        let List { mut messages } = list.map_err(|_| LookUpFailed::Unclear)?;
        let on_page = messages.len();
        messages.retain(|message| message.is_since(since));
        let are_named = messages.iter().all(|message| is_name(&message.sid));
        if !are_named || PAGE <= messages.len() && messages.len() == on_page {
            return Err(LookUpFailed::Unclear);
        }
        Ok(messages)
    }
}

impl Message {
    /// Whether it was made at `since` or later. A date that cannot be read does not exclude a message.
    fn is_since(&self, since: Timestamp) -> bool {
        let created = self.date_created.as_deref().and_then(instant);
        created.is_none_or(|date| since <= date)
    }
}

#[cfg(test)]
mod tests;
