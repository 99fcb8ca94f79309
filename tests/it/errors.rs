//! What every answer has in common, and errors as a whole.

use countersign::{domain::key::Scope, simulator::Answer as Fault};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{Answer, NUMBER, TENANT, TestApp},
    database::Database,
    routes::ROUTES,
};

/// Every code that this version can answer.
const CODES: [(u16, &str); 26] = [
    (400, "malformed_request"),
    (401, "unauthenticated"),
    (403, "forbidden"),
    (403, "destination_not_allowed"),
    (404, "not_found"),
    (404, "no_such_verification"),
    (405, "method_not_allowed"),
    (406, "not_acceptable"),
    (408, "request_timeout"),
    (409, "already_approved"),
    (409, "idempotency_in_progress"),
    (410, "expired"),
    (410, "canceled"),
    (410, "max_attempts_reached"),
    (410, "failed"),
    (413, "body_too_large"),
    (415, "unsupported_media_type"),
    (422, "invalid_request"),
    (422, "wrong_code"),
    (422, "idempotency_mismatch"),
    (422, "delivery_refused"),
    (429, "resend_too_soon"),
    (429, "rate_limited"),
    (429, "too_many_attempts"),
    (500, "internal"),
    (503, "unavailable"),
];

/// The body of an error without its `instance`, which [`Answer::problem`] has compared with the header.
#[track_caller]
pub(crate) fn body(answer: &Answer, status: u16, code: &str) -> Value {
    let mut body = answer.problem(status, code);
    let instance = body.as_object_mut().unwrap().remove("instance").unwrap();
    let instance = instance.as_str().unwrap();
    assert!(
        instance.starts_with("req_") && 20 < instance.len(),
        "{instance}"
    );
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_says_what_happened_and_nothing_of_how() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let id = app.send().await;
    let wrong = app.verify(&id, app.wrong_code()).await;
    assert_eq!(
        body(&wrong, 422, "wrong_code"),
        json!({
            "type": "https://otp.acme.test/problems/wrong_code",
            "title": "The code is wrong",
            "status": 422,
            "detail": "The code is wrong; 4 guesses are left.",
            "code": "wrong_code",
            "attempts_left": 4,
        })
    );
    let too_soon = app.post("/otp/send", json!({ "to": NUMBER })).await;
    assert_eq!(too_soon.retry_after(), 30);
    assert_eq!(
        body(&too_soon, 429, "resend_too_soon"),
        json!({
            "type": "https://otp.acme.test/problems/resend_too_soon",
            "title": "A code was sent a moment ago",
            "status": 429,
            "detail": "Wait as many seconds as Retry-After says. The code that was sent is still good.",
            "code": "resend_too_soon",
            "id": id,
            "resend_after": "2026-01-31T12:00:30Z",
            "expires_at": "2026-01-31T12:05:00Z",
        })
    );
    let invalid = app.post("/otp/send", json!({ "to": "1", "x": 1 })).await;
    assert_eq!(
        body(&invalid, 422, "invalid_request"),
        json!({
            "type": "https://otp.acme.test/problems/invalid_request",
            "title": "Some members are not valid",
            "status": 422,
            "detail": "`errors` lists every fault with a pointer to where it is.",
            "code": "invalid_request",
            "errors": [
                {
                    "pointer": "#/to",
                    "code": "invalid",
                    "detail": "the number does not begin with + and a calling code",
                },
                { "pointer": "#/x", "code": "unknown_member", "detail": "is not known here" },
            ],
        })
    );
    let stranger = app.post_as("cs_sk_x", "/otp/send", json!({})).await;
    assert_eq!(stranger.header("www-authenticate"), Some("Bearer"));
    assert_eq!(
        body(&stranger, 401, "unauthenticated"),
        json!({
            "type": "https://otp.acme.test/problems/unauthenticated",
            "title": "No valid API key",
            "status": 401,
            "detail": "Send `Authorization: Bearer KEY` with a key that has neither expired nor been revoked.",
            "code": "unauthenticated",
        })
    );
    assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    let again = body(&app.verify(&id, &app.code()).await, 409, "already_approved");
    let members: Vec<_> = again
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        members,
        ["type", "title", "status", "detail", "approved_at", "code"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_same_headers_and_tells_nothing_of_the_server() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let reader = app.key_of(TENANT, &[Scope::Read]).await;
    let id = app.send().await;
    let mut answers = vec![
        app.post("/otp/send", json!({ "to": "+351912345679" }))
            .await,
        app.post("/otp/send", json!({ "to": NUMBER })).await,
        app.post("/otp/send", json!({ "to": "+351760100000" }))
            .await,
        app.post("/otp/send", json!({})).await,
        app.post("/otp/send", json!([])).await,
        app.post_as(&reader, "/otp/send", json!({ "to": NUMBER }))
            .await,
        app.get(&format!("/otp/{id}")).await,
        app.verify(&id, app.wrong_code()).await,
        app.verify(&id, &app.code()).await,
        app.post(&format!("/otp/{id}/cancel"), json!({})).await,
        app.get("/nothing").await,
        app.get("/problems/nothing").await,
    ];
    for (method, path) in ROUTES {
        answers.push(Answer::of(app.http.request(method, format!("{}{path}", app.base))).await);
        answers
            .push(Answer::of(app.http.request(Method::PUT, format!("{}{path}", app.base))).await);
    }
    let mut ids = Vec::new();
    for answer in answers {
        let shown = format!("{} {:?} {}", answer.status, answer.headers, answer.text);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{shown}");
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{shown}"
        );
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{shown}"
        );
        assert!(!policy.contains("unsafe"), "{shown}");
        ids.push(answer.header("x-request-id").unwrap().to_owned());
        for told in [
            "server",
            "x-powered-by",
            "set-cookie",
            "access-control-allow-origin",
            "via",
        ] {
            assert_eq!(answer.header(told), None, "{shown}");
        }
        if 400 <= answer.status {
            assert_eq!(
                answer.header("content-type"),
                Some("application/problem+json"),
                "{shown}"
            );
            for told in [
                "actix",
                "serde",
                "sqlx",
                "sqlite",
                "postgres",
                "line 1",
                "column",
                "/src/",
                ".rs",
                env!("CARGO_PKG_VERSION"),
            ] {
                assert!(
                    !answer.text.to_lowercase().contains(told),
                    "{told}: {shown}"
                );
            }
        }
    }
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "every answer has an id of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_code_has_a_page_that_explains_it() {
    let app = TestApp::spawn(Database::Sqlite).await;
    for (status, code) in CODES {
        let page = app.get(&format!("/problems/{code}")).await;
        assert_eq!((page.status, code), (200, code));
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(
            page.text
                .contains(&format!("<code>{code}</code>, status {status}")),
            "{}",
            page.text
        );
        assert!(!page.text.contains("<script"));
    }
    for code in [
        "nope",
        "WRONG_CODE",
        "wrong_code%00",
        "%3Cscript%3E",
        "..%2Flivez",
    ] {
        let answer = app.get(&format!("/problems/{code}")).await;
        assert!(!answer.text.contains("script"));
        answer.problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_refused_for_good_and_what_becomes_of_its_verification() {
    let app = TestApp::spawn(Database::Sqlite).await;
    app.simulator.answer_sends(Fault::LimitExceeded, Some(1));
    let refused = app.post("/otp/send", json!({ "to": NUMBER })).await;
    assert_eq!(
        body(&refused, 422, "delivery_refused"),
        json!({
            "type": "https://otp.acme.test/problems/delivery_refused",
            "title": "The message was refused for good",
            "status": 422,
            "detail": "The messaging platform will not take this message for this number. The verification has failed; check the number.",
            "code": "delivery_refused",
        })
    );
}
