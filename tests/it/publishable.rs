//! What a publishable key may do, and how little it learns.

use std::time::Duration;

use countersign::domain::{
    key::{KeyKind, Scope},
    limits::Rate,
};
use reqwest::Method;
use serde_json::json;

use crate::{
    app::{Answer, NUMBER, TENANT, TestApp, on_both},
    database::Database,
    members::assert_faults,
    page::{ORIGIN_OF_ACME, Page, with_origin},
};

fn rate(count: u32, seconds: u64) -> Vec<Rate> {
    let window = Duration::from_secs(seconds);
    vec![Rate { count, window }]
}

async fn limited(database: Database, per_number: Vec<Rate>) -> TestApp {
    TestApp::with(database, |config| {
        let policy = &mut config.tenants[0].policy;
        policy.origins = vec![ORIGIN_OF_ACME.to_owned()];
        policy.limits.per_number = per_number;
    })
    .await
}

async fn send(page: &Page<'_>, purpose: &str) -> Answer {
    page.post("/otp/send", json!({ "to": NUMBER, "purpose": purpose }))
        .await
}

on_both! {
    async fn a_page_sends_and_verifies_and_is_not_told_how_many_guesses_are_left(database) {
        let app = with_origin(database).await;
        let page = Page::open(&app).await;
        let sent = page.post("/otp/send", json!({ "to": NUMBER, "metadata": { "order": "7" } })).await;
        assert_eq!(sent.status, 201, "{}", sent.text);
        let id = sent.json()["id"].as_str().unwrap().to_owned();
        let mut expected = json!({
            "id": id,
            "status": "pending",
            "to": "+351*******78",
            "channel": "sms",
            "purpose": "login",
            "delivery": { "channel": "sms", "status": "sent" },
            "created_at": "2026-01-31T12:00:00Z",
            "expires_at": "2026-01-31T12:05:00Z",
            "resend_after": "2026-01-31T12:00:30Z",
        });
        assert_eq!(sent.json(), expected);
        assert_eq!(sent.header("location"), Some(format!("/otp/{id}").as_str()));

        let wrong = page.post("/otp/verify", json!({ "id": id, "code": app.wrong_code() })).await;
        wrong.problem(422, "not_approved");
        app.advance(30);
        let resent = page.post("/otp/send", json!({ "to": NUMBER })).await;
        expected["resend_after"] = json!("2026-01-31T12:01:30Z");
        assert_eq!((resent.status, resent.json()), (200, expected));

        let approved = page.post("/otp/verify", json!({ "id": id, "code": app.code() })).await;
        assert_eq!(approved.status, 200);
        assert_eq!(
            approved.json(),
            json!({
                "id": id,
                "status": "approved",
                "to": "+351*******78",
                "channel": "sms",
                "purpose": "login",
                "approved_at": "2026-01-31T12:00:30Z",
            })
        );
    }

    async fn a_resend_too_soon_says_how_long_and_nothing_else(database) {
        let app = with_origin(database).await;
        let page = Page::open(&app).await;
        assert_eq!(send(&page, "login").await.status, 201);
        app.advance(7);
        let answer = send(&page, "login").await;
        let body = answer.problem(429, "resend_too_soon");
        assert_eq!(answer.retry_after(), 23);
        assert_eq!(
            body,
            json!({
                "type": "https://otp.acme.test/problems/resend_too_soon",
                "title": "A code was sent a moment ago",
                "status": 429,
                "detail": "Wait as many seconds as Retry-After says. The code that was sent is still good.",
                "instance": body["instance"],
                "code": "resend_too_soon",
            })
        );
    }

    async fn a_limit_a_block_and_a_lock_read_alike_and_are_told_to_half_a_minute(database) {
        let app = limited(database, rate(2, 601)).await;
        let page = Page::open(&app).await;
        let first = send(&page, "login").await;
        let id = first.json()["id"].as_str().unwrap().to_owned();
        let told = |answer: &Answer| {
            let mut body = answer.problem(429, "rate_limited");
            body["instance"] = json!(null);
            (body, answer.header("retry-after").map(str::to_owned))
        };
        assert_eq!(send(&page, "b").await.status, 201);
        let limited = told(&send(&page, "c").await);
        assert_eq!(limited.1.as_deref(), Some("630"));
        assert!(limited.0.get("limit").is_none());
        app.advance(1);
        assert_eq!(told(&send(&page, "c").await), (limited.0.clone(), Some("600".to_owned())));

        for _ in 0..5 {
            page.post("/otp/verify", json!({ "id": id, "code": "0000000" })).await.problem(422, "not_approved");
        }
        // Five failures block for 15 minutes, which is longer than the limit; a second later, it is told as it was.
        app.advance(1);
        assert_eq!(told(&send(&page, "c").await), (limited.0.clone(), Some("900".to_owned())));
        // To a backend it is what it is.
        let answer = app.post("/otp/send", json!({ "to": NUMBER, "purpose": "c" })).await;
        answer.problem(429, "too_many_attempts");
        assert_eq!(answer.retry_after(), 899);

        for _ in 0..19 {
            app.advance(3600);
            let sent = send(&page, "login").await;
            assert_eq!(sent.status, 201, "{}", sent.text);
            let id = sent.json()["id"].as_str().unwrap().to_owned();
            for _ in 0..5 {
                page.post("/otp/verify", json!({ "id": id, "code": "0000000" })).await.problem(422, "not_approved");
            }
        }
        app.advance(86_400);
        assert_eq!(told(&send(&page, "c").await), (limited.0, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_neither_reads_nor_cancels() {
    let app = with_origin(Database::Sqlite).await;
    let page = Page::open(&app).await;
    let id = app.send().await;
    // Not even with a key that was given more than its kind may have.
    let scopes = [Scope::Send, Scope::Verify, Scope::Read];
    let key = app.make_key(KeyKind::Publishable, TENANT, &scopes).await;
    for page in [
        &page,
        &Page {
            key,
            ..page.moved(ORIGIN_OF_ACME)
        },
    ] {
        for path in [format!("/otp/{id}"), "/otp/x".to_owned()] {
            Answer::of(page.request(Method::GET, &path))
                .await
                .problem(403, "forbidden");
            let cancel = format!("{path}/cancel");
            Answer::of(page.request(Method::POST, &cancel))
                .await
                .problem(403, "forbidden");
        }
    }
    assert_eq!(app.status(&id).await["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_does_what_the_scopes_of_its_key_say() {
    let app = with_origin(Database::Sqlite).await;
    let id = app.send().await;
    let key = app
        .make_key(KeyKind::Publishable, TENANT, &[Scope::Verify])
        .await;
    let page = Page {
        app: &app,
        key,
        origin: ORIGIN_OF_ACME,
    };
    send(&page, "b").await.problem(403, "forbidden");
    let approved = page
        .post("/otp/verify", json!({ "id": id, "code": app.code() }))
        .await;
    assert_eq!(approved.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_backends_may_say_is_refused_from_pages() {
    let app = with_origin(Database::Sqlite).await;
    let page = Page::open(&app).await;
    let answer = page
        .post(
            "/otp/send",
            json!({ "to": NUMBER, "client_ip": "203.0.113.7" }),
        )
        .await;
    assert_faults(&answer, &[("#/client_ip", "not_allowed")]);
    let answer = page
        .post("/otp/send", json!({ "client_ip": 1, "x": 1 }))
        .await;
    assert_faults(
        &answer,
        &[
            ("#/to", "required"),
            ("#/client_ip", "not_allowed"),
            ("#/x", "unknown_member"),
        ],
    );
    let verify = async |body| page.post("/otp/verify", body).await;
    assert_faults(
        &verify(json!({ "to": NUMBER, "purpose": "login", "code": "123456" })).await,
        &[
            ("#/to", "not_allowed"),
            ("#/purpose", "not_allowed"),
            ("#/id", "required"),
        ],
    );
    assert_faults(
        &verify(json!({ "id": "x", "to": NUMBER, "code": "123456" })).await,
        &[("#/to", "not_allowed")],
    );
    assert_faults(
        &verify(json!({ "id": 1, "code": "x" })).await,
        &[("#/id", "wrong_type"), ("#/code", "invalid")],
    );
    assert_eq!(app.simulator.requests().posts, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_origin_is_refused_after_all_that_is_wrong_with_the_request() {
    let app = with_origin(Database::Sqlite).await;
    let page = Page::open(&app).await.moved("https://evil.example");
    let post = || page.request(Method::POST, "/otp/send");
    let json = "application/json";
    Answer::of(post().body("{}"))
        .await
        .problem(415, "unsupported_media_type");
    Answer::of(post().header("Content-Type", json).body("{"))
        .await
        .problem(400, "malformed_request");
    page.post("/otp/send", json!({}))
        .await
        .problem(422, "invalid_request");
    page.post("/otp/send", json!({ "to": NUMBER }))
        .await
        .problem(403, "forbidden");
    // Before the rules of the tenant, which a stranger need not learn.
    let body = page
        .post("/otp/send", json!({ "to": "+351760100000" }))
        .await
        .problem(403, "forbidden");
    assert_eq!(
        body["detail"],
        "A publishable key works only from a page whose origin is among the tenant's `origins`."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_names_the_address_of_its_user_in_any_spelling_that_is_one() {
    let app = TestApp::spawn(Database::Sqlite).await;
    for (n, address) in [
        "203.0.113.7",
        "2001:db8::7",
        "::ffff:203.0.113.7",
        "2001:DB8:0:0::7",
    ]
    .iter()
    .enumerate()
    {
        let body = json!({ "to": format!("+35191234567{n}"), "client_ip": address });
        assert_eq!(app.post("/otp/send", body).await.status, 201, "{address}");
    }
    for address in [
        "",
        "203.0.113",
        "203.0.113.7:80",
        "[2001:db8::7]",
        "fe80::1%eth0",
        "203.0.113.7/32",
        "localhost",
        " 203.0.113.7",
    ] {
        let answer = app
            .post("/otp/send", json!({ "to": NUMBER, "client_ip": address }))
            .await;
        assert_faults(&answer, &[("#/client_ip", "invalid")]);
    }
    let answer = app
        .post("/otp/send", json!({ "to": NUMBER, "client_ip": null }))
        .await;
    assert_faults(&answer, &[("#/client_ip", "wrong_type")]);
}
