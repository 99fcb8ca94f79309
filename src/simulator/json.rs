//! Resources as JSON, in Restcomm's order and spelling: members without a value are left out.

use serde::Serialize;

use super::{
    listing::{Page, Row},
    message::Message,
};
use crate::domain::clock::Timestamp;

#[derive(Serialize)]
struct Resource<'a> {
    sid: &'a str,
    date_created: String,
    date_updated: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_sent: Option<String>,
    account_sid: &'a str,
    from: &'a str,
    to: &'a str,
    body: &'a str,
    status: &'a str,
    direction: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    price: &'a str,
    price_unit: &'a str,
    api_version: &'a str,
    uri: String,
}

impl<'a> Resource<'a> {
    fn of(account: &'a str, message: &'a Message) -> Self {
        Self {
            sid: &message.sid,
            date_created: rfc2822(message.created),
            date_updated: rfc2822(message.updated),
            date_sent: message.sent.map(iso8601),
            account_sid: account,
            from: &message.from,
            to: &message.to,
            body: &message.body,
            status: message.status.as_str(),
            direction: "outbound-api",
            error_code: message.failure.map(super::Failure::code),
            error_message: message.failure.map(super::Failure::message),
            price: "0",
            price_unit: "USD",
            api_version: &message.api_version,
            uri: format!("{}.json", uri(account, message)),
        }
    }
}

#[derive(Serialize)]
struct List<'a> {
    #[serde(flatten)]
    paging: Paging<'a>,
    messages: Vec<Resource<'a>>,
}

/// What every list begins with.
#[derive(Serialize)]
pub(super) struct Paging<'a> {
    pub(super) page: usize,
    pub(super) num_pages: usize,
    pub(super) page_size: usize,
    pub(super) total: usize,
    pub(super) start: String,
    pub(super) end: String,
    pub(super) uri: &'a str,
    pub(super) first_page_uri: String,
    pub(super) previous_page_uri: String,
    pub(super) next_page_uri: String,
    pub(super) last_page_uri: String,
}

impl<'a> Paging<'a> {
    /// `start` and `end` are strings, and a page that does not exist is the string "null".
    pub(super) fn of<R: Row>(path: &'a str, page: &Page<R>) -> Self {
        let Page {
            number, size, last, ..
        } = *page;
        let start = number * size;
        let uri = |page: usize| format!("{path}?Page={page}&PageSize={size}");
        let (end, next) = match page.rows.last() {
            Some(row) if number < last => {
                let next = format!("{}&AfterSid={}", uri(number + 1), row.sid());
                (start + size - 1, next)
            }
            _ => (start + page.rows.len(), "null".to_owned()),
        };
        Self {
            page: number,
            num_pages: last,
            page_size: size,
            total: page.total,
            start: start.to_string(),
            end: end.to_string(),
            uri: path,
            first_page_uri: uri(0),
            previous_page_uri: number.checked_sub(1).map_or_else(|| "null".to_owned(), uri),
            next_page_uri: next,
            last_page_uri: uri(last),
        }
    }
}

pub(super) fn message(account: &str, message: &Message) -> String {
    pretty(&Resource::of(account, message))
}

pub(super) fn list(account: &str, path: &str, page: &Page<Message>) -> String {
    pretty(&List {
        paging: Paging::of(path, page),
        messages: page
            .rows
            .iter()
            .map(|message| Resource::of(account, message))
            .collect(),
    })
}

/// Where the resource is, as Restcomm says it: without the context path.
pub(super) fn uri(account: &str, message: &Message) -> String {
    format!(
        "/{}/Accounts/{account}/SMS/Messages/{}",
        message.api_version, message.sid
    )
}

/// `EEE, d MMM yyyy HH:mm:ss Z`: the day may have one digit.
pub(super) fn rfc2822(at: Timestamp) -> String {
    instant(at)
        .strftime("%a, %-d %b %Y %H:%M:%S %z")
        .to_string()
}

pub(super) fn iso8601(at: Timestamp) -> String {
    instant(at).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

pub(super) fn instant(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::MAX)
}

/// Gson's layout: indented, and with what HTML minds written as escapes.
pub(super) fn pretty(value: &impl Serialize) -> String {
    let plain = serde_json::to_string_pretty(value).expect("strings and numbers always serialise");
    let mut escaped = String::with_capacity(plain.len());
    for c in plain.chars() {
        // These characters occur in strings only.
        match c {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            '=' => escaped.push_str("\\u003d"),
            '\'' => escaped.push_str("\\u0027"),
            _ => escaped.push(c),
        }
    }
    escaped
}
