//! What a request must look like before anybody reads what it says:
//! media types, size, query string.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use tokio::io::AsyncWriteExt as _;

use crate::{
    app::{Answer, TestApp},
    database::Database,
    routes::ROUTES,
    wire::Raw,
};

pub(crate) const BODIES: [(&str, &str); 2] = [
    ("/otp/send", r#"{"to":"+351912345678"}"#),
    (
        "/otp/verify",
        r#"{"id":"otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN","code":"123456"}"#,
    ),
];
pub(crate) const TOO_LARGE: usize = 16 * 1024 + 1;

pub(crate) fn post(app: &TestApp, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    app.request(Method::POST, path).body(body)
}

pub(crate) fn json_post(
    app: &TestApp,
    path: &str,
    body: impl Into<reqwest::Body>,
) -> RequestBuilder {
    post(app, path, body).header("Content-Type", "application/json")
}

#[tokio::test(flavor = "multi_thread")]
async fn only_json_in_utf_8_without_an_encoding_is_read() {
    let app = TestApp::spawn(Database::Sqlite).await;
    for (path, body) in BODIES {
        for media_type in [
            "text/plain",
            "text/json",
            "application/xml",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/problem+json",
            "application/json; charset=utf-16",
            "application/json; charset=latin1",
            "application/json; profile=x",
            "application/json, text/plain",
            "application/jsonx",
            "json",
            "",
        ] {
            let answer =
                Answer::of(post(&app, path, body).header("Content-Type", media_type)).await;
            assert_eq!(
                (answer.status, media_type),
                (415, media_type),
                "{}",
                answer.text
            );
            answer.problem(415, "unsupported_media_type");
        }
        Answer::of(post(&app, path, body))
            .await
            .problem(415, "unsupported_media_type");
        let two = json_post(&app, path, body).header("Content-Type", "text/plain");
        Answer::of(two).await.problem(415, "unsupported_media_type");
        for encoding in ["gzip", "br", "deflate", "zstd", "identity", "x"] {
            let encoded = json_post(&app, path, body).header("Content-Encoding", encoding);
            Answer::of(encoded)
                .await
                .problem(415, "unsupported_media_type");
        }
    }
    assert_eq!(app.simulator.requests().posts, 0);
    for (media_type, status) in [
        ("application/json; charset=utf-8", 201),
        ("application/json;charset=\"UTF-8\"", 429),
        ("Application/JSON", 429),
    ] {
        let answer =
            Answer::of(post(&app, "/otp/send", BODIES[0].1).header("Content-Type", media_type))
                .await;
        assert_eq!(
            (answer.status, media_type),
            (status, media_type),
            "{}",
            answer.text
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_takes_no_json_is_told_so() {
    let app = TestApp::spawn(Database::Sqlite).await;
    for (path, body) in BODIES {
        for range in [
            "text/html",
            "application/xml",
            "text/*",
            "image/png, text/html;q=0.9",
            "application/json;q=0",
            "*/*; q=0.0",
        ] {
            let answer = Answer::of(json_post(&app, path, body).header("Accept", range)).await;
            assert_eq!((answer.status, range), (406, range));
            answer.problem(406, "not_acceptable");
        }
    }
    assert_eq!(app.simulator.requests().posts, 0);
    for range in [
        "*/*",
        "application/*",
        "application/json",
        "APPLICATION/JSON;q=0.1",
        "text/html, */*;q=0.1",
        "",
    ] {
        let answer =
            Answer::of(json_post(&app, "/otp/verify", BODIES[1].1).header("Accept", range)).await;
        answer.problem(404, "no_such_verification");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_has_at_most_16_kib_whether_announced_or_not() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let padded =
        |length: usize| format!("{}{}", r#"{"to":"+351912345678"}"#, " ".repeat(length - 22));
    Answer::of(json_post(&app, "/otp/send", padded(TOO_LARGE)))
        .await
        .problem(413, "body_too_large");

    // Announced and never sent: nobody waits for it.
    let announced = app.head(
        "POST /otp/send",
        "Content-Type: application/json\r\nContent-Length: 10485760\r\n",
    );
    let answer = app.raw(announced).await;
    answer.problem(413, "body_too_large");
    assert_eq!(answer.header("connection"), Some("close"));

    // Without a length and without an end: it is cut off as soon as it is too long.
    let chunked = app.head(
        "POST /otp/send",
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n",
    );
    let chunk = format!("{TOO_LARGE:x}\r\n{}\r\n", padded(TOO_LARGE));
    app.raw(format!("{chunked}{chunk}"))
        .await
        .problem(413, "body_too_large");
    assert_eq!(app.simulator.requests().posts, 0);

    assert_eq!(
        Answer::of(json_post(&app, "/otp/send", padded(TOO_LARGE - 1)))
            .await
            .status,
        201
    );
    let chunk = format!(
        "{:x}\r\n{}\r\n0\r\n\r\n",
        TOO_LARGE - 1,
        padded(TOO_LARGE - 1)
    );
    app.raw(format!("{chunked}{chunk}"))
        .await
        .problem(429, "resend_too_soon");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_whose_body_nobody_reads_ends_with_the_answer() {
    let app = TestApp::spawn(Database::Sqlite).await;
    for (line, key, status) in [
        ("POST /otp/send", "cs_sk_x", 401),
        ("POST /otp/send", &*app.key, 415),
        ("PUT /otp/send", &*app.key, 405),
        ("POST /nothing", &*app.key, 404),
    ] {
        for length in ["Content-Length: 1000000", "Transfer-Encoding: chunked"] {
            let mut connection = app.connect().await;
            let head = format!(
                "{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{length}\r\n\r\n"
            );
            connection.write_all(head.as_bytes()).await.unwrap();
            connection.write_all(b"5\r\nhello\r\n").await.unwrap();
            let answer = Raw::read_to_end(connection).await;
            assert_eq!((answer.status(), line, length), (status, line, length));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_that_lies_makes_a_body_that_cannot_be_read() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let head = |length: &str| {
        let length = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
        app.head("POST /otp/send", &length)
    };
    let cut = format!("{}{{\"to\":\"+35", head("10"));
    app.raw(cut).await.problem(400, "malformed_request");
    for impossible in ["-1", "18446744073709551616", "1e1", "22, 22"] {
        let answer = app.raw(head(impossible)).await;
        assert_eq!(
            (answer.status(), answer.body.as_str()),
            (400, ""),
            "{impossible}"
        );
    }
    assert_eq!(app.simulator.requests().posts, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_too_slowly_is_given_up_after_10_seconds() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let head = app.head(
        "POST /otp/send",
        "Content-Type: application/json\r\nContent-Length: 22\r\n",
    );
    let mut connection = app.connect().await;
    connection
        .write_all(format!("{head}{{\"to\":").as_bytes())
        .await
        .unwrap();
    let answer = tokio::spawn(Raw::read(connection));
    app.eventually("an answer to half a body", async |app| {
        app.advance(10);
        tokio::time::sleep(Duration::from_millis(5)).await;
        answer.is_finished()
    })
    .await;
    let answer = answer.await.unwrap();
    answer.problem(408, "request_timeout");
    assert_eq!(answer.header("connection"), Some("close"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_slow_too_long_or_no_http_is_answered_by_the_parser() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let mut slow = app.connect().await;
    slow.write_all(b"POST /otp/send HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        .await
        .unwrap();
    let slow = tokio::spawn(Raw::read(slow));
    let many = app.head("GET /livez", &"X-Many: 1\r\n".repeat(200));
    let long = app.head(
        "GET /livez",
        &format!("X-Long: {}\r\n", "x".repeat(1_000_000)),
    );
    for (request, status) in [
        (many, 431),
        (long, 431),
        ("nonsense\r\n\r\n".to_owned(), 400),
        ("GET /livez HTTP/1.1\r\nA\x00B: c\r\n\r\n".to_owned(), 400),
        ("POST /otp/send HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), 400),
    ] {
        let answer = app.raw(request).await;
        assert_eq!((answer.status(), answer.body.as_str()), (status, ""), "{}", answer.head);
    }
    let slow = slow.await.unwrap();
    assert_eq!((slow.status(), slow.body.as_str()), (408, ""));
    assert_eq!(app.get("/livez").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_string_is_refused_and_a_key_in_it_most_of_all() {
    let app = TestApp::spawn(Database::Sqlite).await;
    for query in ["?", "?to=%2B351912345678", "?a=b&a=b"] {
        for (path, body) in BODIES {
            Answer::of(json_post(&app, &format!("{path}{query}"), body))
                .await
                .problem(400, "malformed_request");
        }
        app.get(&format!("{}{query}", ROUTES[2].1))
            .await
            .problem(400, "malformed_request");
        let cancel = app.request(Method::POST, &format!("{}{query}", ROUTES[3].1));
        Answer::of(cancel).await.problem(400, "malformed_request");
    }
    let with_key = format!("{}/otp/send?key={}", app.base, app.key);
    let body = Answer::of(app.http.post(with_key))
        .await
        .problem(400, "malformed_request");
    assert!(body["detail"].as_str().unwrap().contains("Revoke"));
    assert_eq!(app.simulator.requests().posts, 0);
}
