//! Calls as JSON, in Restcomm's order and spelling: members without a value are left out.

use serde::Serialize;

use super::Call;
use crate::simulator::{
    json::{Paging, iso8601, pretty, rfc2822},
    listing::Page,
    send::API_VERSION,
};

#[derive(Serialize)]
struct Resource<'a> {
    sid: &'a str,
    #[serde(rename = "InstanceId")]
    instance: &'a str,
    date_created: String,
    date_updated: String,
    account_sid: &'a str,
    to: &'a str,
    from: &'a str,
    status: &'a str,
    start_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
    price_unit: &'a str,
    direction: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_by: Option<&'a str>,
    api_version: &'a str,
    caller_name: &'a str,
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ring_duration: Option<u64>,
    subresource_uris: Subresources,
}

#[derive(Serialize)]
struct Subresources {
    notifications: String,
    recordings: String,
}

impl<'a> Resource<'a> {
    fn of(account: &'a str, call: &'a Call) -> Self {
        // Whatever version the client named, these have Restcomm's own.
        let below = path(API_VERSION, account, call);
        Self {
            sid: &call.sid,
            instance: call.instance(),
            date_created: rfc2822(call.created),
            date_updated: rfc2822(call.updated),
            account_sid: account,
            to: &call.to,
            from: &call.from,
            status: call.status.as_str(),
            start_time: iso8601(call.started),
            end_time: call.ended.map(iso8601),
            duration: call.duration,
            price_unit: "USD",
            direction: "outbound-api",
            answered_by: call.answered.then_some(&*call.to),
            api_version: &call.api_version,
            caller_name: &call.from,
            uri: format!("{}.json", path(&call.api_version, account, call)),
            ring_duration: call.ring_duration,
            subresource_uris: Subresources {
                notifications: format!("{below}/Notifications.json"),
                recordings: format!("{below}/Recordings.json"),
            },
        }
    }
}

#[derive(Serialize)]
struct List<'a> {
    #[serde(flatten)]
    paging: Paging<'a>,
    calls: Vec<Resource<'a>>,
}

pub(super) fn call(account: &str, call: &Call) -> String {
    pretty(&Resource::of(account, call))
}

pub(super) fn list(account: &str, path: &str, page: &Page<Call>) -> String {
    let calls = page.rows.iter().map(|call| Resource::of(account, call));
    pretty(&List {
        paging: Paging::of(path, page),
        calls: calls.collect(),
    })
}

/// Where the resource is, as Restcomm says it: without the context path.
pub(super) fn path(version: &str, account: &str, call: &Call) -> String {
    format!("/{version}/Accounts/{account}/Calls/{}", call.sid)
}
