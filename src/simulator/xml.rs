//! Resources as XML, what a client gets that does not ask for JSON.

use super::{
    json::{iso8601, rfc2822, uri},
    message::Message,
};

pub(super) fn message(account: &str, message: &Message) -> String {
    format!(
        "<RestcommResponse>\n{}</RestcommResponse>",
        element(account, message)
    )
}

/// Without any word about paging.
pub(super) fn list(account: &str, messages: &[Message]) -> String {
    let elements: String = messages
        .iter()
        .map(|message| element(account, message))
        .collect();
    format!("<RestcommResponse>\n<SMSMessages>\n{elements}</SMSMessages>\n</RestcommResponse>")
}

fn element(account: &str, message: &Message) -> String {
    let tag = |name: &str, value: &str| format!("<{name}>{}</{name}>\n", escape(value));
    let sent = message.sent.map_or_else(
        || "<DateSent/>\n".to_owned(),
        |sent| tag("DateSent", &iso8601(sent)),
    );
    let error = message.failure.map_or_else(String::new, |failure| {
        let code = tag("ErrorCode", &failure.code().to_string());
        format!(
            "<Error>\n{code}{}</Error>\n",
            tag("ErrorMessage", failure.message())
        )
    });
    [
        "<SMSMessage>\n".to_owned(),
        tag("Sid", &message.sid),
        tag("DateCreated", &rfc2822(message.created)),
        tag("DateUpdated", &rfc2822(message.updated)),
        sent,
        tag("AccountSid", account),
        tag("From", &message.from),
        tag("To", &message.to),
        tag("Body", &message.body),
        tag("Status", message.status.as_str()),
        tag("Direction", "outbound-api"),
        error,
        tag("Price", "0"),
        tag("PriceUnit", "USD"),
        tag("ApiVersion", &message.api_version),
        tag("Uri", &uri(account, message)),
        "</SMSMessage>\n".to_owned(),
    ]
    .concat()
}

pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            _ => escaped.push(c),
        }
    }
    escaped
}
