//! Which paths and methods there are, and in which order a request that is wrong in several ways is refused.

use countersign::domain::key::Scope;
use reqwest::Method;

use crate::{
    app::{Answer, TENANT, TestApp},
    database::Database,
    requests::{BODIES, TOO_LARGE, json_post},
};

/// Every route of the public listener, with its one method and a path that it matches.
pub(crate) const ROUTES: [(Method, &str); 9] = [
    (Method::POST, "/otp/send"),
    (Method::POST, "/otp/verify"),
    (Method::GET, "/otp/otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN"),
    (
        Method::POST,
        "/otp/otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN/cancel",
    ),
    (Method::GET, "/.well-known/jwks.json"),
    (Method::GET, "/problems/wrong_code"),
    (Method::GET, "/openapi.json"),
    (Method::GET, "/livez"),
    (Method::GET, "/readyz"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_route_has_one_method_and_names_it_in_allow_and_what_has_get_has_head() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let methods = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
        Method::from_bytes(b"BREW").unwrap(),
        Method::from_bytes(b"post").unwrap(),
    ];
    for (allowed, path) in ROUTES {
        let named = if allowed == Method::GET {
            let [got, head] = [Method::GET, Method::HEAD].map(|method| app.request(method, path));
            let (got, head) = (Answer::of(got).await, Answer::of(head).await);
            assert_eq!(head.status, got.status, "{path}");
            assert_eq!(
                (head.text.as_str(), got.text.is_empty()),
                ("", false),
                "{path}"
            );
            "GET, HEAD"
        } else {
            "POST"
        };
        for method in methods
            .iter()
            .filter(|method| !named.split(", ").any(|named| named == method.as_str()))
        {
            let url = format!("{}{path}", app.base);
            let answer = Answer::of(app.http.request(method.clone(), url)).await;
            assert_eq!((answer.status, method, path), (405, method, path));
            assert_eq!(answer.header("allow"), Some(named));
            if *method == Method::HEAD {
                assert_eq!(answer.text, "");
            } else {
                answer.problem(405, "method_not_allowed");
            }
        }
    }
    let overridden =
        json_post(&app, "/otp/send", BODIES[0].1).header("X-HTTP-Method-Override", "DELETE");
    assert_eq!(Answer::of(overridden).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_a_route_is_not_found() {
    let app = TestApp::spawn(Database::Sqlite).await;
    for path in [
        "/",
        "/otp",
        "/otp/",
        "/otp/send/",
        "/otp/send/x",
        "/otp/x/cancel/",
        "/otp//cancel",
        "//otp/send",
        "/OTP/send",
        "/Otp/x",
        "/admin",
        "/metrics",
        "/docs",
        "/problems/",
        "/problems/nope",
        "/problems/wrong_code%00",
        "/.well-known/",
        "/.well-known/../otp/send",
        "/sim/phones/+351912345678",
        "/v2/Services",
        "/livez/",
        "/callbacks/restcomm/x/sms",
        "/otp/verify/..%2fsend",
        "*",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let answer = app.raw(app.head(&format!("{method} {path}"), "")).await;
            let is_page = path.starts_with("/problems/") && path != "/problems/" && method != "GET";
            if is_page || (path.starts_with("/callbacks/") && method == "DELETE") {
                answer.problem(405, "method_not_allowed");
            } else {
                assert_eq!(
                    (answer.status(), answer.body.is_empty()),
                    (404, false),
                    "{method} {path}"
                );
                answer.problem(404, "not_found");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_stands_for_an_id_in_a_path_names_nothing() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let real = app.send().await;
    let long = format!("otp_{}", "a".repeat(10_000));
    let beyond = format!("otp_{}", "z".repeat(30));
    let (upper, cut) = (real.to_uppercase(), &real[..33]);
    let (null, dressed) = (format!("{real}%00"), format!("%20{real}"));
    for id in [
        "x",
        "otp_",
        "%00",
        "%ff%fe",
        "%",
        "%zz",
        "..%2f..%2fetc%2fpasswd",
        "%27%20OR%201=1--",
        "otp_%F0%9F%98%80",
        "$ne",
        "%7B%22$gt%22:%22%22%7D",
        "%0d%0aSet-Cookie:%20a=b",
        "null",
        "0",
        "-1",
        &long,
        &beyond,
        &upper,
        cut,
        &null,
        &dressed,
    ] {
        let status = app.raw(app.head(&format!("GET /otp/{id}"), "")).await;
        assert_eq!(status.status(), 404, "{id}: {}", status.body);
        status.problem(404, "no_such_verification");
        let cancel = app
            .raw(app.head(&format!("POST /otp/{id}/cancel"), "Content-Length: 0\r\n"))
            .await;
        assert_eq!(cancel.status(), 404, "{id}: {}", cancel.body);
        cancel.problem(404, "no_such_verification");
    }
    assert_eq!(app.status(&real).await["status"], "pending");
}

/// 404/405, then 401, 415/406, 413, 400, 422, and 403/429 last.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_wrong_in_several_ways_is_refused_for_the_first_of_them() {
    let app = TestApp::spawn(Database::Sqlite).await;
    app.send().await;
    let reader = app.key_of(TENANT, &[Scope::Read]).await;
    let big = "x".repeat(TOO_LARGE);
    // Method and path, key, media types, body, answer.
    for row in [
        "POST /nothing/here?x | none | text | BIG | 404 not_found",
        "PUT /otp/send?x | none | text | BIG | 405 method_not_allowed",
        "POST /otp/send?x | none | text | BIG | 401 unauthenticated",
        "POST /otp/send?x | full | text | BIG | 415 unsupported_media_type",
        "POST /otp/send?x | full | html | BIG | 406 not_acceptable",
        "POST /otp/send?x | full | idempotent | BIG | 413 body_too_large",
        "POST /otp/send | reader | json | BIG | 413 body_too_large",
        "POST /otp/send?x | full | json | {\"to\":1} | 400 malformed_request",
        "POST /otp/send | reader | json | [] | 400 malformed_request",
        "POST /otp/send | full | idempotent | { | 400 malformed_request",
        "POST /otp/send | reader | json | {\"to\":1} | 422 invalid_request",
        "POST /otp/verify | reader | json | {\"id\":\"x\"} | 422 invalid_request",
        "POST /otp/send | full | json | {\"to\":\"+351912345678\",\"x\":1} | 422 invalid_request",
        "POST /otp/send | full | idempotent | {\"to\":\"+351912345678\"} | 422 invalid_request",
        "POST /otp/send | full | json | {\"to\":\"+351760100000\",\"x\":1} | 422 invalid_request",
        "POST /otp/send | full | json | {\"to\":\"+351760100000\"} | 403 destination_not_allowed",
        "POST /otp/send | reader | json | {\"to\":\"+351912345678\"} | 403 forbidden",
        "POST /otp/verify | reader | json | {\"id\":\"x\",\"code\":\"123456\"} | 403 forbidden",
        "POST /otp/x/cancel?x | reader | json |  | 400 malformed_request",
        "POST /otp/x/cancel | reader | json |  | 403 forbidden",
        "POST /otp/send | full | json | {\"to\":\"+351912345678\"} | 429 resend_too_soon",
    ] {
        let cells: Vec<&str> = row.split(" | ").collect();
        let (method, path) = cells[0].split_once(' ').unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = app.http.request(method, format!("{}{path}", app.base));
        request = match cells[1] {
            "full" => request.bearer_auth(&app.key),
            "reader" => request.bearer_auth(&reader),
            _ => request,
        };
        request = match cells[2] {
            "text" => request.header("Accept", "text/html"),
            kind => {
                let request = request.header("Content-Type", "application/json");
                match kind {
                    "html" => request.header("Accept", "text/html"),
                    "idempotent" => request.header("Idempotency-Key", "\""),
                    _ => request,
                }
            }
        };
        let answer = Answer::of(request.body(cells[3].replace("BIG", &big))).await;
        let told = format!("{} {}", answer.status, answer.code());
        assert_eq!((row, &*told), (row, cells[4]));
    }
    assert_eq!(app.simulator.requests().posts, 1);
}
