//! Lists of messages: filters, pages, and what is odd about them.

use countersign::domain::clock::Timestamp;
use serde_json::{Value, json};

use super::{
    answering::Kind,
    form::{self, value},
    platform::Platform,
    resource::gson,
    wire::{Request, Response},
};

/// The messages of an account.
pub(super) fn messages(
    platform: &Platform,
    request: &Request,
    account: &str,
    kind: Kind,
) -> Response {
    let owned = platform
        .messages
        .iter()
        .filter(|sms| sms.account_sid == account);
    let rows = owned.map(|sms| Row {
        created_at: sms.created_at,
        sid: &sms.sid,
        filtered: [("To", &sms.to), ("From", &sms.from), ("Body", &sms.body)].into(),
        status: sms.status,
        shown: if kind == Kind::Xml {
            Value::String(sms.xml(platform))
        } else {
            sms.json(platform, false)
        },
    });
    list(request, rows.collect(), "messages", kind)
}

/// The calls of an account.
pub(super) fn calls(platform: &Platform, request: &Request, account: &str) -> Response {
    let owned = platform
        .calls
        .iter()
        .filter(|call| call.account_sid == account);
    let rows = owned.map(|call| Row {
        created_at: call.created_at,
        sid: &call.sid,
        filtered: [("To", &call.to), ("From", &call.from)].into(),
        status: call.status,
        shown: call.json(platform),
    });
    list(request, rows.collect(), "calls", Kind::Json)
}

/// What a list is made of.
struct Row<'a> {
    created_at: Timestamp,
    sid: &'a str,
    filtered: Vec<(&'static str, &'a String)>,
    status: &'static str,
    shown: Value,
}

fn list(request: &Request, mut found: Vec<Row>, key: &str, kind: Kind) -> Response {
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
    let like = |name: &str, text: &str| {
        let around = |wanted| match name {
            "Body" => format!("%{wanted}%"),
            "Status" => wanted,
            _ => format!("%{wanted}"),
        };
        value(&query, name)
            .is_none_or(|wanted| matches(around(wanted.to_owned()).as_bytes(), text.as_bytes()))
    };
    found.retain(|row| row.filtered.iter().all(|(name, text)| like(name, text)));
    // Newest first; of those of one instant, the last one.
    found.reverse();
    found.sort_by_key(|row| std::cmp::Reverse(row.created_at));
    let total = found.len();
    let last = total / size;
    if last < page {
        return Response::empty(400);
    }
    found.retain(|row| like("Status", row.status));
    let shown: Vec<Row> = found.into_iter().skip(page * size).take(size).collect();
    if kind == Kind::Xml {
        let all: String = shown.iter().filter_map(|row| row.shown.as_str()).collect();
        let text = format!("<RestcommResponse><SMSMessages>{all}</SMSMessages></RestcommResponse>");
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
    let after = shown
        .last()
        .map_or_else(String::new, |row| format!("&AfterSid={}", row.sid));
    let (previous, next) = (
        if page == 0 {
            nowhere.clone()
        } else {
            address(page - 1, "")
        },
        if page == last {
            nowhere
        } else {
            address(page + 1, &after)
        },
    );
    let rows: Vec<Value> = shown.into_iter().map(|row| row.shown).collect();
    let page = json!({
        "page": page, "num_pages": last, "page_size": size, "total": total,
        "start": start.to_string(), "end": end.to_string(), "uri": path,
        "first_page_uri": address(0, ""), "previous_page_uri": previous,
        "next_page_uri": next, "last_page_uri": address(last, ""),
        key: rows,
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
