//! What the body of a send may say. Every fault is named at once.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{Answer, NUMBER, TestApp},
    database::Database,
};

async fn send(app: &TestApp, body: impl Into<reqwest::Body>) -> Answer {
    let request = app.request(Method::POST, "/otp/send");
    Answer::of(
        request
            .header("Content-Type", "application/json")
            .body(body),
    )
    .await
}

/// Pointer and code of every fault that an answer names.
#[track_caller]
fn faults(answer: &Answer) -> Vec<(String, String)> {
    let body = answer.problem(422, "invalid_request");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = body["errors"].as_array().unwrap().iter();
    errors
        .map(|error| {
            assert!(!text(&error["detail"]).is_empty());
            (text(&error["pointer"]), text(&error["code"]))
        })
        .collect()
}

#[track_caller]
pub(crate) fn assert_faults(answer: &Answer, expected: &[(&str, &str)]) {
    let found = faults(answer);
    let found: Vec<_> = found
        .iter()
        .map(|(pointer, code)| (pointer.as_str(), code.as_str()))
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_one_object_with_each_member_once_cannot_be_read() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let deep = |open: &str, close: &str| {
        format!("{{\"x\":{}{}}}", open.repeat(2_000), close.repeat(2_000))
    };
    let bodies: [&[u8]; 24] = [
        b"",
        b" ",
        b"null",
        b"1",
        b"\"text\"",
        b"[]",
        br#"["+351912345678","sms"]"#,
        br#"[{"to":"+351912345678"}]"#,
        br#"{"to":"+351912345678"}{"to":"+351912345678"}"#,
        br#"{"to":"+351912345678"} x"#,
        b"{\"to\":\"+351912345678\"}\0",
        br#"{"to":"+351912345678",}"#,
        br#"{"to":"+351912345678""#,
        b"{'to':'+351912345678'}",
        br#"{"to":"+351912345678"}//"#,
        br#"{"to":"+351912345678","to":"+351912345678"}"#,
        br#"{"to":"+351912345678","t\u006f":"+351912345679"}"#,
        br#"{"to":"+351912345678","metadata":{"a":"1","a":"1"}}"#,
        br#"{"to":"+351912345678","purpose":"\ud800"}"#,
        br#"{"to":"+351912345678","purpose":"\udc00\ud800"}"#,
        b"{\"to\":\"+351912345678\",\"purpose\":\"\xff\"}",
        b"{\"to\":\"+351912345678\",\"purpose\":\"a\nb\"}",
        b"\xef\xbb\xbf{\"to\":\"+351912345678\"}",
        b"to=%2B351912345678",
    ];
    for body in bodies {
        send(&app, body.to_vec())
            .await
            .problem(400, "malformed_request");
        let request = app
            .request(Method::POST, "/otp/verify")
            .header("Content-Type", "application/json");
        Answer::of(request.body(body.to_vec()))
            .await
            .problem(400, "malformed_request");
    }
    for body in [
        deep("[", "]"),
        deep("{\"x\":", "}").replace(":}", ":1}"),
        deep("[", ""),
    ] {
        send(&app, body).await.problem(400, "malformed_request");
    }
    assert_eq!(app.simulator.requests().posts, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_body_is_named_at_once() {
    let app = TestApp::spawn(Database::Sqlite).await;
    assert_faults(&send(&app, "{}").await, &[("#/to", "required")]);
    let wrong_types =
        json!({ "to": null, "channel": 1, "purpose": ["login"], "metadata": "x", "a/b~c": true });
    assert_faults(
        &app.post("/otp/send", wrong_types).await,
        &[
            ("#/to", "wrong_type"),
            ("#/channel", "wrong_type"),
            ("#/purpose", "wrong_type"),
            ("#/metadata", "wrong_type"),
            ("#/a~1b~0c", "unknown_member"),
        ],
    );
    let long = "x".repeat(129);
    let mut metadata = json!({ "long": long, "number": 1, "list": [], "null": null, "object": {} });
    metadata[&long] = json!("long name");
    let invalid =
        json!({ "to": "912345678", "channel": "fax", "purpose": "Login", "metadata": metadata });
    assert_faults(
        &app.post("/otp/send", invalid).await,
        &[
            ("#/to", "invalid"),
            ("#/channel", "invalid"),
            ("#/purpose", "invalid"),
            ("#/metadata/list", "wrong_type"),
            ("#/metadata/long", "too_long"),
            ("#/metadata/null", "wrong_type"),
            ("#/metadata/number", "wrong_type"),
            ("#/metadata/object", "wrong_type"),
            (&format!("#/metadata/{}", "x".repeat(64)), "too_long"),
        ],
    );
    let many: Value = (0..11)
        .map(|n| (n.to_string(), json!("")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let too_long = json!({ "to": format!("+351{}", "9".repeat(40)), "purpose": "p".repeat(33), "metadata": many });
    assert_faults(
        &app.post("/otp/send", too_long).await,
        &[
            ("#/to", "too_long"),
            ("#/purpose", "too_long"),
            ("#/metadata", "too_long"),
        ],
    );
    for channel in ["voice", "flashcall"] {
        let answer = app
            .post("/otp/send", json!({ "to": NUMBER, "channel": channel }))
            .await;
        assert_faults(&answer, &[("#/channel", "not_allowed")]);
    }
    for purpose in [
        "",
        "1a",
        "_a",
        "a b",
        "a.b",
        "\u{e9}",
        "log\u{0456}n",
        "a\u{0}",
        "' OR 1=1--",
    ] {
        let answer = app
            .post("/otp/send", json!({ "to": NUMBER, "purpose": purpose }))
            .await;
        assert_faults(&answer, &[("#/purpose", "invalid")]);
    }
    assert_eq!(app.simulator.requests().posts, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_built_yet_is_refused_as_unknown() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let id = app.send().await;
    let transaction = json!({ "amount": "1.00", "currency": "EUR", "payee": "Ana" });
    for (name, value) in [
        ("transaction", transaction.clone()),
        ("ttl", json!(600.5)),
        ("code", json!("000000")),
        ("length", json!(-1)),
        ("", json!(null)),
        ("__proto__", json!({ "a": 1 })),
    ] {
        let answer = app
            .post("/otp/send", json!({ "to": NUMBER, name: value }))
            .await;
        assert_faults(&answer, &[(&format!("#/{name}"), "unknown_member")]);
    }
    let check = json!({ "id": id, "code": app.code(), "transaction": transaction });
    assert_faults(
        &app.post("/otp/verify", check).await,
        &[("#/transaction", "unknown_member")],
    );
    let cancel = app
        .post(&format!("/otp/{id}/cancel"), json!({ "reason": "x" }))
        .await;
    assert_faults(&cancel, &[("#/reason", "unknown_member")]);
    assert_eq!(app.simulator.requests().posts, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_is_one_string_and_for_sends_only() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let with_key = |path: &str, keys: &[&str], body: Value| {
        let mut request = app
            .request(Method::POST, path)
            .header("Content-Type", "application/json");
        for key in keys {
            request = request.header("Idempotency-Key", *key);
        }
        Answer::of(request.body(body.to_string()))
    };
    let (long, quoted) = ("k".repeat(256), format!("\"{}\"", "k".repeat(256)));
    for (keys, code) in [
        (&[""][..], "invalid"),
        (&["\"\""], "invalid"),
        (&["\"a"], "invalid"),
        (&["a b"], "invalid"),
        (&["\"\u{e9}\""], "invalid"),
        (&["\"a\"", "\"a\""], "invalid"),
        (&["\"a\", \"b\""], "invalid"),
        (&[&long], "too_long"),
        (&[&quoted], "too_long"),
    ] {
        let answer = with_key("/otp/send", keys, json!({ "to": NUMBER })).await;
        assert_faults(&answer, &[("#idempotency-key", code)]);
        assert!(!answer.text.contains("kkk"), "{}", answer.text);
    }
    let answer = with_key("/otp/send", &[""], json!({ "x": 1 })).await;
    assert_faults(
        &answer,
        &[
            ("#idempotency-key", "invalid"),
            ("#/to", "required"),
            ("#/x", "unknown_member"),
        ],
    );
    assert_eq!(app.simulator.requests().posts, 0);
    let id = app.send().await;
    let check = json!({ "id": id, "code": app.code() });
    let answer = with_key("/otp/verify", &["\"a\""], check).await;
    assert_faults(&answer, &[("#idempotency-key", "not_allowed")]);
    let answer = with_key(&format!("/otp/{id}/cancel"), &["\"a\""], json!({})).await;
    assert_faults(&answer, &[("#idempotency-key", "not_allowed")]);
    assert_eq!(app.status(&id).await["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_read_in_one_spelling_or_not_at_all() {
    let app = TestApp::spawn(Database::Sqlite).await;
    for to in [
        "",
        "+",
        "351912345678",
        "00351912345678",
        "912345678",
        "++351912345678",
        "+351+912345678",
        "+351",
        "+35191234567",
        "+3519123456789",
        "+999123456789",
        "+0351912345678",
        "+351912345678x1",
        "+351912345678;ext=1",
        "+351912345678,1",
        "tel:+351912345678",
        "+351912345678\u{0}",
        "+351912345678\n",
        "+351\t912345678",
        "+351\u{a0}912345678",
        "\u{202e}+351912345678",
        "+351\u{200b}912345678",
        "\u{ff0b}351912345678",
        "+\u{ff13}51912345678",
        "+3519123\u{0664}5678",
        "+1800FLOWERS",
        "+351_912345678",
        "+351/912345678",
        "%2B351912345678",
        " 351912345678",
        "' OR 1=1--",
        "${jndi:ldap://x}",
        "+351912345678<Say>",
        "{\"$ne\":1}",
    ] {
        let answer = app.post("/otp/send", json!({ "to": to })).await;
        assert_eq!((answer.status, to), (422, to), "{}", answer.text);
        assert_faults(&answer, &[("#/to", "invalid")]);
        assert!(
            !answer.text.contains("912345678"),
            "the number is repeated: {}",
            answer.text
        );
        let answer = app
            .post("/otp/verify", json!({ "to": to, "code": "123456" }))
            .await;
        assert_faults(&answer, &[("#/to", "invalid")]);
    }
    for to in [
        json!(351_912_345_678_u64),
        json!(3.5e11),
        json!(true),
        json!([NUMBER]),
        json!({ "e164": NUMBER }),
    ] {
        assert_faults(
            &app.post("/otp/send", json!({ "to": to })).await,
            &[("#/to", "wrong_type")],
        );
    }
    assert_eq!(app.simulator.requests().posts, 0);

    let id = app.send().await;
    for to in [
        "+351 912 345 678",
        " +351912345678 ",
        "+351-912-345-678",
        "+351.912.345.678",
        "+351 (912) 345678",
    ] {
        let again = app
            .post("/otp/send", json!({ "to": to }))
            .await
            .problem(429, "resend_too_soon");
        assert_eq!(again["id"], id, "{to} is the same number");
    }
}
