//! Swagger UI, from the program itself.

pub(crate) mod browser;

use countersign::http::openapi;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{Answer, TestApp},
    database::Database,
};
use browser::Browser;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// What the page loads, with its media type and whether it is compressed.
const FILES: [(&str, &str, bool); 5] = [
    ("start.js", "text/javascript; charset=utf-8", false),
    ("page.css", "text/css; charset=utf-8", false),
    ("swagger-ui.css", "text/css; charset=utf-8", true),
    (
        "swagger-ui-bundle.js",
        "text/javascript; charset=utf-8",
        true,
    ),
    ("favicon-32x32.png", "image/png", true),
];

async fn request(method: Method, url: String) -> Answer {
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    Answer::of(http.request(method, url)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_listener_serves_the_page_and_all_it_loads() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let entrance = request(Method::GET, format!("{}/docs", app.admin)).await;
    assert_eq!(entrance.status, 307);
    assert_eq!(entrance.header("location"), Some("docs/"));

    let page = request(Method::GET, format!("{}/docs/", app.admin)).await;
    assert_eq!(page.status, 200);
    let headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ];
    for (name, value) in headers {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
    for inline in ["<style", "style=", "onload=", "javascript:", "http"] {
        assert!(!page.text.contains(inline), "{inline}: {}", page.text);
    }
    for (name, media_type, compressed) in FILES {
        let file = request(Method::GET, format!("{}/docs/{name}", app.admin)).await;
        assert_eq!(file.status, 200, "{name}");
        assert_eq!(file.header("content-type"), Some(media_type));
        assert_eq!(
            file.header("content-encoding"),
            compressed.then_some("gzip")
        );
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
        let loaded = page.text.matches(&format!("\"{name}\"")).count();
        assert_eq!(loaded, 1, "{name}");
    }
    for path in [
        "/docs/x",
        "/docs/a/b",
        "/docs/..%2fopenapi.json",
        "/docs/index.html",
    ] {
        let answer = request(Method::GET, format!("{}{path}", app.admin)).await;
        answer.problem(404, "not_found");
    }
    for path in ["/docs", "/docs/", "/docs/start.js", "/openapi.json"] {
        let answer = request(Method::POST, format!("{}{path}", app.admin)).await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_find_no_page_beside_the_api_and_no_api_beside_the_page() {
    let app = TestApp::spawn(Database::Sqlite).await;
    for path in ["/docs", "/docs/", "/docs/start.js", "/docs/swagger-ui.css"] {
        app.get(path).await.problem(404, "not_found");
    }
    for path in [
        "/otp/send",
        "/otp/verify",
        "/.well-known/jwks.json",
        "/problems/wrong_code",
    ] {
        let answer = request(Method::GET, format!("{}{path}", app.admin)).await;
        answer.problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_document_is_the_same_but_says_where_the_api_is() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let answer = request(Method::GET, format!("{}/openapi.json", app.admin)).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let mut expected: Value = serde_json::from_str(openapi::text()).unwrap();
    expected["servers"] = json!([{
        "url": "https://otp.acme.test",
        "description": "The public listener of this service.",
    }]);
    assert_eq!(answer.json(), expected);
}

/// What a page without fault shows: every operation of the document, opened, from its own origin and without a word on
/// the console.
pub(crate) async fn assert_shows_every_operation(browser: &Browser, base: &str) {
    browser.open(&format!("{base}/docs")).await;
    assert_eq!(browser.address().await, format!("{base}/docs/"));
    let document: Value = serde_json::from_str(openapi::text()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations: usize = paths
        .values()
        .map(|methods| methods.as_object().unwrap().len())
        .sum();
    let shown = "return document.querySelectorAll('.opblock').length";
    assert_eq!(browser.eventually(shown).await, json!(operations));
    browser
        .run("document.querySelectorAll('.opblock-summary-control').forEach(control => control.click())")
        .await;
    let opened = format!(
        "return document.querySelectorAll('.opblock-body .responses-table').length === {operations}"
    );
    browser.eventually(&opened).await;
    let title = browser.run("return document.querySelector('.info h1, .info h2').innerText");
    assert!(title.await.as_str().unwrap().starts_with("Countersign"));
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

/// Asserts that the page asked nobody but `base`, and that it did ask.
pub(crate) async fn assert_asked_only(browser: &Browser, base: &str) {
    let requests = browser.requests().await;
    assert!(
        requests.contains(&format!("{base}/openapi.json")),
        "{requests:?}"
    );
    for url in requests {
        assert!(url.starts_with(&format!("{base}/")), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_page_shows_every_operation_and_offers_no_call_that_would_fail() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let browser = Browser::start().await;
    assert_shows_every_operation(&browser, &app.admin).await;
    let server = browser
        .run("return document.querySelector('.servers select').value")
        .await;
    assert_eq!(server, json!("https://otp.acme.test"));
    for button in [
        ".try-out__btn",
        ".execute",
        ".authorize",
        ".authorization__btn",
    ] {
        let count = format!("return document.querySelectorAll('{button}').length");
        assert_eq!(browser.run(&count).await, json!(0), "{button}");
    }
    assert_asked_only(&browser, &app.admin).await;
}
