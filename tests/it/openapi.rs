//! The OpenAPI document says what the service does, and the service does what it says.

mod document;

use std::{collections::BTreeSet, path::Path};

use countersign::http::openapi;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{Answer, NUMBER, TestApp},
    database::Database,
    page::{Page, with_origin},
    routes::ROUTES,
};
use document::{assert_documented, assert_fits, document, operations, resolve};

#[test]
fn the_committed_document_is_the_one_that_the_code_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        committed == openapi::text(),
        "openapi/openapi.json is stale: run `just openapi`"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_has_every_route_and_no_other() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let served = app.get("/openapi.json").await;
    assert_eq!(served.header("content-type"), Some("application/json"));
    assert_eq!(served.text, openapi::text());

    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()));
        let path = path
            .replace("{id}", "otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN")
            .replace("{code}", "wrong_code");
        assert!(
            ROUTES.contains(&(method.clone(), path.as_str())),
            "{method} {path} is not among the routes"
        );
        let answer = Answer::of(app.request(method.clone(), &path)).await;
        assert_ne!(answer.status, 405, "{method} {path}");
        assert!(
            answer.status != 404 || answer.code() == "no_such_verification",
            "{method} {path}"
        );
        let is_public = operation["security"] == json!([{}]);
        assert!(is_public || operation["security"] == json!([{ "key": [] }]));
        let stranger = Answer::of(
            app.http
                .request(method.clone(), format!("{}{path}", app.base)),
        )
        .await;
        assert_eq!(stranger.status == 401, !is_public, "{method} {path}");
    }
    assert_eq!(ids.len(), ROUTES.len());
}

#[test]
fn every_status_has_a_shape_and_every_member_a_word() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        let place = format!("{method} {path}");
        assert!(
            operation["summary"].is_string() || operation["description"].is_string(),
            "{place}"
        );
        let statuses = operation["responses"].as_object().unwrap();
        assert!(
            statuses.keys().any(|status| status.starts_with('2')),
            "{place}"
        );
        for (status, response) in statuses {
            assert!(
                response["description"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{place} {status}"
            );
            // What the parser of HTTP refuses has no body.
            let contents = response["content"].as_object();
            assert!(contents.is_some() || status == "400", "{place} {status}");
            for content in contents.into_iter().flatten().map(|(_, content)| content) {
                assert!(content.get("schema").is_some(), "{place} {status}");
            }
        }
        for status in ["429", "503"] {
            let told = &operation["responses"][status];
            assert!(
                told.is_null() || told["headers"]["Retry-After"].is_object(),
                "{place} {status}"
            );
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (member, property) in schema["properties"].as_object().into_iter().flatten() {
            let types = property["type"].as_array();
            assert!(
                types.is_none(),
                "{name}.{member} may not be null: it is there or it is absent"
            );
            let inside = ["description", "example", "$ref", "items", "enum", "oneOf"];
            assert!(
                inside.iter().any(|word| property.get(word).is_some()),
                "{name}.{member} is not explained"
            );
        }
    }
}

/// What a media type shows as its examples.
fn examples_of(document: &Value, content: &Value) -> Vec<Value> {
    let named = content["examples"].as_object().into_iter().flatten();
    let named = named.map(|(_, example)| resolve(document, example)["value"].clone());
    named.chain(content.get("example").cloned()).collect()
}

#[test]
fn every_body_has_examples_and_each_fits_what_it_is_an_example_of() {
    let document = document();
    let mut seen = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let answers = operation["responses"].as_object().unwrap();
        let bodies = answers
            .iter()
            .map(|(status, answer)| (status.as_str(), answer));
        let request = operation.get("requestBody").map(|body| ("request", body));
        for (name, body) in bodies.chain(request) {
            for (media_type, content) in body["content"].as_object().into_iter().flatten() {
                let place = format!("{method} {path} {name} {media_type}");
                let examples = examples_of(&document, content);
                let is_json = matches!(
                    media_type.as_str(),
                    "application/json" | "application/problem+json"
                );
                if !is_json || path == "/openapi.json" {
                    continue;
                }
                assert!(!examples.is_empty(), "{place} has no example");
                for example in examples {
                    assert_fits(&document, &content["schema"], &example, &place);
                    if media_type == "application/problem+json" {
                        assert_eq!(example["status"].to_string(), name, "{place}");
                        seen.insert(example["code"].as_str().unwrap().to_owned());
                    }
                }
            }
        }
    }
    // Another method is no operation; all other errors are some operation's.
    seen.insert("method_not_allowed".to_owned());
    let codes = &document["components"]["schemas"]["ProblemCode"]["enum"];
    let codes = codes.as_array().unwrap().iter();
    let codes: BTreeSet<_> = codes
        .map(|code| code.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(seen, codes);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_answers_is_what_the_document_shows() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let document = document();
    let post = |path: &'static str, body: Value| app.post(path, body);
    let (send, verify) = ("/otp/send", "/otp/verify");
    let created = post(send, json!({ "to": NUMBER, "metadata": { "order": "7" } })).await;
    assert_eq!(created.status, 201);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let asynchronous = app
        .request(Method::POST, send)
        .header("Content-Type", "application/json")
        .header("Prefer", "respond-async");
    let asynchronous = Answer::of(asynchronous.body(r#"{"to":"+351912345679"}"#)).await;
    assert_eq!(asynchronous.status, 202);
    let too_soon = post(send, json!({ "to": NUMBER })).await;
    assert_eq!(too_soon.status, 429);
    app.advance(30);
    let resent = post(send, json!({ "to": NUMBER })).await;
    assert_eq!(resent.status, 200);
    let large = "x".repeat(20_000);
    for answer in [
        created,
        asynchronous,
        too_soon,
        resent,
        post(send, json!({ "to": "1", "x": 1 })).await,
        post(send, json!([])).await,
        post(send, json!({ "to": "+351760100000" })).await,
        post(send, json!(large)).await,
        Answer::of(app.request(Method::POST, send)).await,
        app.post_as("x", send, json!({})).await,
    ] {
        assert_documented(&document, &Method::POST, send, &answer);
    }
    let (one, cancel) = (format!("/otp/{id}"), format!("/otp/{id}/cancel"));
    let with_body = |method: Method, path: &str, body: &str| {
        let request = app
            .request(method, path)
            .header("Content-Type", "application/json")
            .body(body.to_owned());
        Answer::of(request)
    };
    for answer in [
        app.get(&one).await,
        app.get("/otp/x").await,
        app.get(&format!("{one}?x")).await,
        with_body(Method::GET, &one, r#"{"x":1}"#).await,
        with_body(Method::GET, &one, &large).await,
        Answer::of(app.request(Method::GET, &one).header("Accept", "text/html")).await,
    ] {
        assert_documented(&document, &Method::GET, "/otp/{id}", &answer);
    }
    let right = app.code();
    for (body, status) in [
        (json!({ "id": id, "code": app.wrong_code() }), 422),
        (json!({ "id": id, "code": right }), 200),
        (json!({ "id": id, "code": right }), 409),
        (json!({ "id": "x", "code": right }), 404),
    ] {
        let answer = post(verify, body).await;
        assert_eq!(answer.status, status);
        assert_documented(&document, &Method::POST, verify, &answer);
    }
    assert_documented(&document, &Method::GET, "/otp/{id}", &app.get(&one).await);
    let other = app.send_to("+351912345670").await;
    for answer in [
        app.post(&cancel, json!({})).await,
        app.post(&format!("/otp/{other}/cancel"), json!({})).await,
        app.post("/otp/x/cancel", json!({})).await,
        with_body(Method::POST, &cancel, &large).await,
        with_body(Method::POST, &cancel, r#"{"x":1}"#).await,
    ] {
        assert_documented(&document, &Method::POST, "/otp/{id}/cancel", &answer);
    }
    let canceled = post(verify, json!({ "id": other, "code": right })).await;
    assert_eq!(canceled.status, 410);
    assert_documented(&document, &Method::POST, verify, &canceled);
    for path in [
        "/.well-known/jwks.json",
        "/livez",
        "/readyz",
        "/openapi.json",
    ] {
        assert_documented(&document, &Method::GET, path, &app.get(path).await);
    }
    for code in ["wrong_code", "x"] {
        assert_documented(
            &document,
            &Method::GET,
            "/problems/{code}",
            &app.get(&format!("/problems/{code}")).await,
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_is_answered_is_what_the_document_shows() {
    let app = with_origin(Database::Sqlite).await;
    let page = Page::open(&app).await;
    let document = document();
    let (send, verify) = ("/otp/send", "/otp/verify");
    let created = page.post(send, json!({ "to": NUMBER })).await;
    let id = created.json()["id"].clone();
    let too_soon = page.post(send, json!({ "to": NUMBER })).await;
    let elsewhere = page
        .moved("https://evil.example")
        .post(send, json!({ "to": NUMBER }))
        .await;
    for (answer, status) in [(created, 201), (too_soon, 429), (elsewhere, 403)] {
        assert_eq!(answer.status, status);
        assert_documented(&document, &Method::POST, send, &answer);
    }
    for (code, status) in [
        (app.wrong_code(), 422),
        (&app.code(), 200),
        (&app.code(), 422),
    ] {
        let answer = page.post(verify, json!({ "id": id, "code": code })).await;
        assert_eq!(answer.status, status);
        assert_documented(&document, &Method::POST, verify, &answer);
    }
}
