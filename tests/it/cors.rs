//! Which pages of other origins may call, and read what is answered.

use countersign::domain::key::{KeyKind, Scope};
use reqwest::Method;
use serde_json::json;

use crate::{
    app::{Answer, NUMBER, TestApp, on_both, tenant},
    database::Database,
    page::{ORIGIN_OF_ACME, Page, cors, readable_by, unreadable, with_origin},
};

/// What is not the origin, however much it looks like it.
const STRANGERS: [&str; 16] = [
    "https://evil.example",
    "null",
    "https://app.acme.example.evil.example",
    "https://evil.example/https://app.acme.example",
    "https://xapp.acme.example",
    "https://app-acme.example",
    "https://appxacme.example",
    "https://acme.example",
    "https://app.acme.exampl",
    "http://app.acme.example",
    "https://app.acme.example:443",
    "https://app.acme.example:8443",
    "https://APP.acme.example",
    "https://app.acme.example/",
    "https://app.acme.example https://evil.example",
    "*",
];

async fn preflight(app: &TestApp, path: &str, origin: &str) -> Answer {
    let request = app
        .http
        .request(Method::OPTIONS, format!("{}{path}", app.base));
    let request = request
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "POST")
        .header(
            "Access-Control-Request-Headers",
            "authorization,content-type",
        );
    Answer::of(request).await
}

on_both! {
    async fn a_browser_learns_that_pages_of_a_tenant_may_send_and_verify(database) {
        let app = with_origin(database).await;
        for path in ["/otp/send", "/otp/verify"] {
            let answer = preflight(&app, path, ORIGIN_OF_ACME).await;
            assert_eq!((answer.status, answer.text.as_str()), (204, ""));
            assert_eq!(
                cors(&answer.headers),
                [
                    ("allow-headers", "authorization, content-type, prefer, idempotency-key"),
                    ("allow-methods", "POST"),
                    ("allow-origin", ORIGIN_OF_ACME),
                    ("max-age", "600"),
                ]
            );
            assert_eq!(answer.header("vary"), Some("Origin"));
            for origin in STRANGERS {
                let answer = preflight(&app, path, origin).await;
                answer.problem(403, "forbidden");
                unreadable(&answer);
            }
        }
    }

    async fn pages_of_tenants_in_the_database_may_call_too(database) {
        let app = TestApp::spawn(database).await;
        let origin = "http://localhost:5173";
        let mut shop = tenant("shop");
        shop.policy.origins = vec![origin.to_owned()];
        let store = app.store().await;
        store.apply_tenants(&[shop], &app.clock).await.unwrap();
        store.close().await;
        assert_eq!(preflight(&app, "/otp/send", origin).await.status, 204);
        let key = app.make_key(KeyKind::Publishable, "shop", &[Scope::Send]).await;
        let page = Page { app: &app, key, origin };
        let answer = page.post("/otp/send", json!({ "to": NUMBER })).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        readable_by(&answer, origin);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_with_a_query_string_is_refused_like_a_call_with_one() {
    let app = with_origin(Database::Sqlite).await;
    for query in ["?x=1", "?key=cs_pk_AAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let path = format!("/otp/send{query}");
        let answer = preflight(&app, &path, ORIGIN_OF_ACME).await;
        answer.problem(400, "malformed_request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_question_of_a_browser_is_answered() {
    let app = with_origin(Database::Sqlite).await;
    let id = app.send().await;
    let (status, cancel) = (format!("/otp/{id}"), format!("/otp/{id}/cancel"));
    for path in [&status, &cancel, "/livez", "/openapi.json"] {
        preflight(&app, path, ORIGIN_OF_ACME)
            .await
            .problem(405, "method_not_allowed");
    }
    let plain = app
        .http
        .request(Method::OPTIONS, format!("{}/otp/send", app.base));
    let plain = Answer::of(plain).await;
    plain.problem(405, "method_not_allowed");
    assert_eq!(plain.header("allow"), Some("POST"));
    unreadable(&plain);
    let no_method = app
        .http
        .request(Method::OPTIONS, format!("{}/otp/send", app.base));
    let no_method = Answer::of(no_method.header("Origin", ORIGIN_OF_ACME)).await;
    no_method.problem(405, "method_not_allowed");
    readable_by(&no_method, ORIGIN_OF_ACME);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_s_page_sends_nothing_and_reads_nothing_with_a_key_it_copied() {
    let app = with_origin(Database::Sqlite).await;
    let page = Page::open(&app).await;
    let id = app.send().await;
    for origin in STRANGERS {
        let page = page.moved(origin);
        let sent = page
            .post("/otp/send", json!({ "to": "+351912345670" }))
            .await;
        let checked = page
            .post("/otp/verify", json!({ "id": id, "code": app.code() }))
            .await;
        for answer in [sent, checked] {
            let body = answer.problem(403, "forbidden");
            unreadable(&answer);
            assert!(!body.to_string().contains("evil"), "{body}");
        }
    }
    let without = Answer::of(
        app.http
            .post(format!("{}/otp/send", app.base))
            .bearer_auth(&page.key)
            .header("Content-Type", "application/json")
            .body(json!({ "to": NUMBER }).to_string()),
    )
    .await;
    without.problem(403, "forbidden");
    unreadable(&without);
    let both = page
        .request(Method::POST, "/otp/send")
        .header("Origin", ORIGIN_OF_ACME)
        .header("Content-Type", "application/json");
    let both = Answer::of(both.body(json!({ "to": NUMBER }).to_string())).await;
    both.problem(403, "forbidden");
    unreadable(&both);
    assert_eq!(app.simulator.requests().posts, 1);
    assert_eq!(app.status(&id).await["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_reads_every_error_of_its_calls() {
    let app = with_origin(Database::Sqlite).await;
    let page = Page::open(&app).await;
    let blank = || page.request(Method::POST, "/otp/send");
    let json = |body: &str| {
        blank()
            .header("Content-Type", "application/json")
            .body(body.to_owned())
    };
    let sent = Answer::of(json(r#"{"to":"+351912345678"}"#)).await;
    assert_eq!(sent.status, 201);
    let unknown_key = page.moved(ORIGIN_OF_ACME);
    let unknown_key = Page {
        key: "cs_pk_x".to_owned(),
        ..unknown_key
    };
    let answers = [
        (201, sent),
        (400, Answer::of(json("{")).await),
        (400, page.post("/otp/send?key=cs_pk_x", json!({})).await),
        (401, unknown_key.post("/otp/send", json!({})).await),
        (
            403,
            page.post("/otp/send", json!({ "to": "+351760100000" }))
                .await,
        ),
        (
            403,
            Answer::of(page.request(Method::GET, "/otp/otp_x")).await,
        ),
        (
            404,
            Answer::of(page.request(Method::GET, "/otp/x/y/z")).await,
        ),
        (
            405,
            Answer::of(page.request(Method::DELETE, "/otp/send")).await,
        ),
        (
            406,
            Answer::of(json("{}").header("Accept", "text/html")).await,
        ),
        (413, Answer::of(json(&"x".repeat(20_000))).await),
        (415, Answer::of(blank().body("{}")).await),
        (422, page.post("/otp/send", json!({})).await),
        (
            422,
            page.post("/otp/verify", json!({ "id": "x", "code": "123456" }))
                .await,
        ),
        (429, page.post("/otp/send", json!({ "to": NUMBER })).await),
    ];
    for (status, answer) in answers {
        assert_eq!(answer.status, status, "{}", answer.text);
        readable_by(&answer, ORIGIN_OF_ACME);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_is_told_to_pages_of_tenants_and_to_no_others() {
    let app = with_origin(Database::Sqlite).await;
    let page = Page::open(&app).await;
    let refused = |key: &str, origin: &'static str| {
        let page = Page {
            app: &app,
            key: key.to_owned(),
            origin,
        };
        async move { page.post("/otp/send", json!({ "to": NUMBER })).await }
    };
    for origin in STRANGERS {
        let answer = refused("cs_pk_x", origin).await;
        answer.problem(401, "unauthenticated");
        unreadable(&answer);
    }
    readable_by(&refused("cs_pk_x", ORIGIN_OF_ACME).await, ORIGIN_OF_ACME);

    assert_eq!(refused(&page.key, ORIGIN_OF_ACME).await.status, 201);
    let store = app.store().await;
    let now = app.clock.now();
    assert!(store.revoke_key(&page.key[..14], now).await.unwrap());
    store.close().await;
    let revoked = refused(&page.key, ORIGIN_OF_ACME).await;
    revoked.problem(401, "unauthenticated");
    readable_by(&revoked, ORIGIN_OF_ACME);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_tenant_is_a_stranger_s() {
    let app = TestApp::with(Database::Sqlite, |config| {
        config.tenants[0].policy.origins = vec![ORIGIN_OF_ACME.to_owned()];
        let mut other = tenant("other");
        other.policy.origins = vec!["https://other.example".to_owned()];
        config.tenants.push(other);
    })
    .await;
    // The browser may ask: it is not known yet with which key.
    let asked = preflight(&app, "/otp/send", "https://other.example").await;
    assert_eq!(asked.status, 204);
    let page = Page::open(&app).await.moved("https://other.example");
    let answer = page.post("/otp/send", json!({ "to": NUMBER })).await;
    answer.problem(403, "forbidden");
    unreadable(&answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_key_in_a_page_gives_it_nothing_to_read() {
    let app = with_origin(Database::Sqlite).await;
    let page = Page {
        app: &app,
        key: app.key.clone(),
        origin: ORIGIN_OF_ACME,
    };
    let sent = page.post("/otp/send", json!({ "to": NUMBER })).await;
    assert_eq!(sent.status, 201);
    unreadable(&sent);
    let refused = page.post("/otp/send", json!({ "to": "1" })).await;
    refused.problem(422, "invalid_request");
    unreadable(&refused);
    let elsewhere = Answer::of(
        app.http
            .get(format!("{}/livez", app.base))
            .header("Origin", ORIGIN_OF_ACME),
    )
    .await;
    assert_eq!((elsewhere.status, cors(&elsewhere.headers)), (200, vec![]));
}
