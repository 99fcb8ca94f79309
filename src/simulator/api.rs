//! The REST API: every path below the version, by Restcomm's rules of order.

use std::sync::atomic::Ordering;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::AUTHORIZATION},
    web,
};

use super::{
    Simulator, answer, json, listing,
    reply::{self, Format},
    send, xml,
};

/// Restcomm refuses in this order: credentials (401), path (404), method (405), content type (415),
/// account (403), parameters (400).
pub(super) async fn dispatch(
    simulator: web::Data<Simulator>,
    request: HttpRequest,
    tail: web::Path<String>,
    body: web::Bytes,
) -> HttpResponse {
    let segments: Vec<&str> = tail.split('/').map(without_json).collect();
    let (account, sid) = match *segments {
        ["Accounts", account, "SMS", "Messages"] => (account, None),
        ["Accounts", account, "SMS", "Messages", sid] => (account, Some(sid)),
        _ => return unknown_path(&simulator, &request),
    };
    count(&simulator, request.method().as_str(), sid);
    if !authenticated(&simulator, &request) {
        return reply::unauthorized();
    }
    let format = Format::negotiate(&request, tail.split('/').any(|s| s != without_json(s)));
    let own = account == simulator.0.account.sid();
    match (request.method().as_str(), sid) {
        ("POST", None) if !send::is_form(&request) => {
            reply::empty(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        }
        ("POST", None) | ("GET", _) if !own => reply::empty(StatusCode::FORBIDDEN),
        ("POST", None) => send::send(&simulator, format, &body).await,
        ("GET", None) => list(&simulator, format, &request).await,
        ("GET", Some(sid)) => show(&simulator, format, sid).await,
        (_, None) => reply::method_not_allowed("GET, POST"),
        (_, Some(_)) => reply::method_not_allowed("GET"),
    }
}

/// Restcomm's `AcceptFilter` takes `.json` off every segment.
fn without_json(segment: &str) -> &str {
    segment.strip_suffix(".json").unwrap_or(segment)
}

fn authenticated(simulator: &Simulator, request: &HttpRequest) -> bool {
    let header = request.headers().get(AUTHORIZATION);
    simulator
        .0
        .account
        .opens_with(header.and_then(|value| value.to_str().ok()))
}

fn unknown_path(simulator: &Simulator, request: &HttpRequest) -> HttpResponse {
    if authenticated(simulator, request) {
        reply::empty(StatusCode::NOT_FOUND)
    } else {
        reply::unauthorized()
    }
}

fn count(simulator: &Simulator, method: &str, sid: Option<&str>) {
    match method {
        "POST" => simulator.0.posts.fetch_add(1, Ordering::Relaxed),
        "GET" if sid.is_some() => simulator.0.polls.fetch_add(1, Ordering::Relaxed),
        "GET" => simulator.0.gets.fetch_add(1, Ordering::Relaxed),
        _ => 0,
    };
}

async fn show(simulator: &Simulator, format: Format, sid: &str) -> HttpResponse {
    let planned = simulator.state().lookups.next();
    let proceed = || {
        if sid.len() != 34 || !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return reply::container_error();
        }
        let Some(message) = simulator.state().ledger.get(sid).cloned() else {
            return reply::empty(StatusCode::NOT_FOUND);
        };
        let account = simulator.0.account.sid();
        match format {
            Format::Json => reply::resource(format, json::message(account, &message)),
            Format::Xml => reply::resource(format, xml::message(account, &message)),
        }
    };
    answer::give(planned, &simulator.0.clock, format, proceed).await
}

async fn list(simulator: &Simulator, format: Format, request: &HttpRequest) -> HttpResponse {
    let planned = simulator.state().lookups.next();
    let proceed = || {
        let listing = match listing::Listing::parse(request.query_string()) {
            Ok(listing) => listing,
            Err(listing::Fault::Sort(reason)) => return reply::bad_sort(format, reason),
            Err(listing::Fault::Date) => return reply::empty(StatusCode::BAD_REQUEST),
            Err(listing::Fault::Number) => return reply::container_error(),
        };
        let page = listing.select(simulator.state().ledger.oldest_first());
        if page.last < page.number {
            return reply::empty(StatusCode::BAD_REQUEST);
        }
        let account = simulator.0.account.sid();
        if format == Format::Xml {
            return reply::resource(format, xml::list(account, &page.messages));
        }
        // Restcomm takes the sid of a full page's last row without looking whether the page is full.
        if page.number < page.last && page.messages.len() < page.size {
            return reply::container_error();
        }
        let path: Vec<&str> = request.path().split('/').map(without_json).collect();
        reply::resource(format, json::list(account, &path.join("/"), &page))
    };
    answer::give(planned, &simulator.0.clock, format, proceed).await
}
