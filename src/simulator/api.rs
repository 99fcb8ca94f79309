//! The REST API: every path below the version, by Restcomm's rules of order.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{AUTHORIZATION, DATE, HeaderValue},
    },
    web,
};

use super::{
    Simulator,
    answer::{self, Service},
    call,
    form::is_form,
    json,
    listing::{Fault, Listing, Table},
    reply::{self, Format},
    send, xml,
};

/// What the path names.
#[derive(Clone, Copy)]
enum Target<'a> {
    Messages,
    Message(&'a str),
    Calls,
    Call(&'a str),
}

/// Whatever is answered, is answered at the time of this platform: the one by which its calls and messages are dated.
pub(super) async fn dispatch(
    simulator: web::Data<Simulator>,
    request: HttpRequest,
    tail: web::Path<String>,
    body: web::Bytes,
) -> HttpResponse {
    let mut answer = answer_to(&simulator, &request, &tail, &body).await;
    let now = json::rfc2822(simulator.0.clock.now());
    let date = HeaderValue::try_from(now.replace("+0000", "GMT"));
    let date = date.expect("a date is printable");
    answer.headers_mut().insert(DATE, date);
    answer
}

/// Restcomm refuses in this order: credentials (401), path (404), method (405), content type (415),
/// account (403), parameters (400).
async fn answer_to(
    simulator: &Simulator,
    request: &HttpRequest,
    tail: &str,
    body: &web::Bytes,
) -> HttpResponse {
    let segments: Vec<&str> = tail.split('/').map(without_json).collect();
    let (account, target) = match *segments {
        ["Accounts", account, "SMS", "Messages"] => (account, Target::Messages),
        ["Accounts", account, "SMS", "Messages", sid] => (account, Target::Message(sid)),
        ["Accounts", account, "Calls"] => (account, Target::Calls),
        ["Accounts", account, "Calls", sid] => (account, Target::Call(sid)),
        _ => return unknown_path(simulator, request),
    };
    count(simulator, request.method().as_str(), target);
    if !authenticated(simulator, request) {
        return reply::unauthorized();
    }
    let format = Format::negotiate(request, tail.split('/').any(|s| s != without_json(s)));
    let own = account == simulator.0.account.sid();
    let query = request.query_string();
    match (request.method().as_str(), target) {
        ("POST", Target::Message(_)) => reply::method_not_allowed("GET"),
        ("POST", _) if !is_form(request) => reply::empty(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("POST" | "GET", _) if !own => reply::empty(StatusCode::FORBIDDEN),
        ("POST", Target::Messages) => send::send(simulator, format, body).await,
        ("POST", Target::Calls) => call::place(simulator, format, body).await,
        ("POST", Target::Call(sid)) => call::modify(simulator, format, sid, body).await,
        ("GET", Target::Messages) => list(simulator, format, request).await,
        ("GET", Target::Message(sid)) => show(simulator, format, sid).await,
        ("GET", Target::Calls) => call::list(simulator, format, query).await,
        ("GET", Target::Call(sid)) => call::look_up(simulator, format, sid).await,
        (_, Target::Message(_)) => reply::method_not_allowed("GET"),
        (_, Target::Messages | Target::Calls | Target::Call(_)) => {
            reply::method_not_allowed("GET, POST")
        }
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

/// Ending a live call is not counted: it is no request to place one.
fn count(simulator: &Simulator, method: &str, target: Target) {
    let tally = match target {
        Target::Messages | Target::Message(_) => &simulator.0.sms,
        Target::Calls | Target::Call(_) => &simulator.0.phoning,
    };
    match (method, target) {
        ("POST", Target::Messages | Target::Calls | Target::Message(_)) => tally.posts.add(),
        ("GET", Target::Messages | Target::Calls) => tally.gets.add(),
        ("GET", Target::Message(_) | Target::Call(_)) => tally.polls.add(),
        _ => {}
    }
}

async fn show(simulator: &Simulator, format: Format, sid: &str) -> HttpResponse {
    let planned = simulator.state().lookups.next();
    let proceed = || {
        if sid.len() != 34 || !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return reply::container_error();
        }
        let Some(message) = simulator.state().messages.get(sid).cloned() else {
            return reply::empty(StatusCode::NOT_FOUND);
        };
        let account = simulator.0.account.sid();
        match format {
            Format::Json => reply::resource(format, json::message(account, &message)),
            Format::Xml => reply::resource(format, xml::message(account, &message)),
        }
    };
    let clock = &simulator.0.clock;
    answer::give(Service::Sms, planned, clock, format, proceed).await
}

async fn list(simulator: &Simulator, format: Format, request: &HttpRequest) -> HttpResponse {
    let planned = simulator.state().lookups.next();
    let proceed = || {
        let query = request.query_string();
        let page = match Listing::page(query, Table::Messages, &simulator.state().messages) {
            Ok(page) => page,
            Err(fault) => return refuse_list(&fault, format),
        };
        let account = simulator.0.account.sid();
        if format == Format::Xml {
            return reply::resource(format, xml::list(account, &page.rows));
        }
        if page.is_short() {
            return reply::container_error();
        }
        let path: Vec<&str> = request.path().split('/').map(without_json).collect();
        reply::resource(format, json::list(account, &path.join("/"), &page))
    };
    let clock = &simulator.0.clock;
    answer::give(Service::Sms, planned, clock, format, proceed).await
}

pub(super) fn refuse_list(fault: &Fault, format: Format) -> HttpResponse {
    match fault {
        Fault::Sort(reason) => reply::bad_sort(format, reason),
        Fault::Date | Fault::Beyond => reply::empty(StatusCode::BAD_REQUEST),
        Fault::Number => reply::container_error(),
    }
}
