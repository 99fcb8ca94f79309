//! Lists of messages: filters, pages, and what is odd about them.

use serde_json::{Value, json};

use super::{
    answering::Kind,
    form::{self, value},
    platform::Platform,
    resource::{Sms, gson},
    wire::{Request, Response},
};

pub(super) fn list(platform: &Platform, request: &Request, account: &str, kind: Kind) -> Response {
    let query = form::parse(&request.query);
    for (name, _) in &query {
        let known = ["To", "From", "Body", "Status", "Page", "PageSize"];
        assert!(known.contains(&name.as_str()), "{name} is not known here");
    }
    let number = |name: &str, usual: usize| match value(&query, name) {
        None => Some(usual),
        Some(text) => text.parse().ok(),
    };
    let broken = Response::of(500, "text/plain", "/ by zero");
    let (Some(page), Some(size @ 1..)) = (number("Page", 0), number("PageSize", 50)) else {
        return broken;
    };
    let like = |name: &str, text: &str, before: &str, after: &str| {
        value(&query, name).is_none_or(|wanted| {
            let pattern = format!("{before}{wanted}{after}");
            matches(pattern.as_bytes(), text.as_bytes())
        })
    };
    let fits = |sms: &&Sms| {
        sms.account_sid == account
            && like("To", &sms.to, "%", "")
            && like("From", &sms.from, "%", "")
            && like("Body", &sms.body, "%", "%")
    };
    // Newest first; of those of one instant, the last one.
    let mut found: Vec<&Sms> = platform.messages.iter().rev().filter(fits).collect();
    found.sort_by_key(|sms| std::cmp::Reverse(sms.created_at));
    let total = found.len();
    let last = total / size;
    if last < page {
        return Response::empty(400);
    }
    found.retain(|sms| like("Status", sms.status, "", ""));
    let shown: Vec<&Sms> = found.into_iter().skip(page * size).take(size).collect();
    if kind == Kind::Xml {
        let messages: String = shown.iter().map(|sms| sms.xml(platform)).collect();
        let text =
            format!("<RestcommResponse><SMSMessages>{messages}</SMSMessages></RestcommResponse>");
        return Response::of(200, kind.media_type(), &text);
    }
    if page < last && shown.len() < size {
        return Response::of(500, "text/plain", "Index: 49, Size: 3");
    }
    let path = request.path.replace(".json", "");
    let address =
        |page: usize, after: &str| json!(format!("{path}?Page={page}&PageSize={size}{after}"));
    let nowhere = json!("null");
    let start = page * size;
    let end = start + if page == last { shown.len() } else { size - 1 };
    let after = |sms: &&Sms| format!("&AfterSid={}", sms.sid);
    let messages: Vec<Value> = shown.iter().map(|sms| sms.json(platform, false)).collect();
    let page = json!({
        "page": page, "num_pages": last, "page_size": size, "total": total,
        "start": start.to_string(), "end": end.to_string(), "uri": path,
        "first_page_uri": address(0, ""),
        "previous_page_uri": if page == 0 { nowhere.clone() } else { address(page - 1, "") },
        "next_page_uri": if page == last { nowhere } else { address(page + 1, &shown.last().map_or_else(String::new, after)) },
        "last_page_uri": address(last, ""),
        "messages": messages,
    });
    Response::of(200, kind.media_type(), &gson(&page))
}

/// SQL's `LIKE`.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, rest) => rest.is_none(),
        (Some((b'%', pattern)), _) => (0..=text.len()).any(|at| matches(pattern, &text[at..])),
        (Some((b'_', pattern)), Some((_, text))) => matches(pattern, text),
        (Some((sign, pattern)), Some((first, text))) => sign == first && matches(pattern, text),
        (Some(_), None) => false,
    }
}
