//! Calls as XML, what a client gets that does not ask for JSON.

use super::{Call, json::path};
use crate::simulator::{
    json::{Paging, iso8601, rfc2822},
    listing::Page,
    send::API_VERSION,
    xml::escape,
};

/// The answer to placing a call has another root than those to looking it up.
pub(super) fn placed(account: &str, call: &Call) -> String {
    let root = "org.restcomm.connect.dao.entities.CallDetailRecord";
    format!("<{root}>\n{}</{root}>", element(account, call))
}

pub(super) fn call(account: &str, call: &Call) -> String {
    format!(
        "<RestcommResponse>\n{}</RestcommResponse>",
        element(account, call)
    )
}

/// With attributes about paging, of which `total` is the number of pages by mistake.
pub(super) fn list(account: &str, path: &str, page: &Page<Call>) -> String {
    let paging = Paging::of(path, page);
    let attributes: String = [
        ("page", paging.page.to_string()),
        ("numpages", paging.num_pages.to_string()),
        ("pagesize", paging.page_size.to_string()),
        ("total", paging.num_pages.to_string()),
        ("start", paging.start),
        ("end", paging.end),
        ("uri", paging.uri.to_owned()),
        ("firstpageuri", paging.first_page_uri),
        ("previouspageuri", paging.previous_page_uri),
        ("nextpageuri", paging.next_page_uri),
        ("lastpageuri", paging.last_page_uri),
    ]
    .map(|(name, value)| format!(" {name}=\"{}\"", escape(&value)))
    .concat();
    let elements: String = page
        .rows
        .iter()
        .map(|call| element(account, call))
        .collect();
    format!("<RestcommResponse>\n<Calls{attributes}>\n{elements}</Calls>\n</RestcommResponse>")
}

fn element(account: &str, call: &Call) -> String {
    let tag = |name: &str, value: &str| {
        if value.is_empty() {
            format!("<{name}/>\n")
        } else {
            format!("<{name}>{}</{name}>\n", escape(value))
        }
    };
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    let below = path(API_VERSION, account, call);
    [
        "<Call>\n".to_owned(),
        tag("Sid", &call.sid),
        tag("InstanceId", call.instance()),
        tag("DateCreated", &rfc2822(call.created)),
        tag("DateUpdated", &rfc2822(call.updated)),
        tag("ParentCallSid", ""),
        tag("AccountSid", account),
        tag("To", &call.to),
        tag("From", &call.from),
        tag("PhoneNumberSid", ""),
        tag("Status", call.status.as_str()),
        tag("StartTime", &iso8601(call.started)),
        tag("EndTime", &call.ended.map(iso8601).unwrap_or_default()),
        tag("Duration", &number(call.duration)),
        tag("Price", ""),
        tag("PriceUnit", "USD"),
        tag("Direction", "outbound-api"),
        tag("AnsweredBy", if call.answered { &call.to } else { "" }),
        tag("ApiVersion", &call.api_version),
        tag("ForwardedFrom", ""),
        tag("CallerName", &call.from),
        tag("Uri", &path(&call.api_version, account, call)),
        "<SubresourceUris>\n".to_owned(),
        tag("Notifications", &format!("{below}/Notifications")),
        tag("Recordings", &format!("{below}/Recordings")),
        "</SubresourceUris>\n".to_owned(),
        tag("Ring_duration", &number(call.ring_duration)),
        "</Call>\n".to_owned(),
    ]
    .concat()
}
