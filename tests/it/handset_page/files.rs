//! How the page is served, and where it is not.

use std::{collections::BTreeSet, fs};

use reqwest::{Client, Method, Response};

use super::stage::Stage;
use crate::{answer::Answer, app::TestApp, database::Database};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/web");
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

fn names() -> BTreeSet<String> {
    let files = fs::read_dir(FOLDER).unwrap();
    files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect()
}

async fn get(base: &str, path: &str) -> Response {
    let http = Client::builder().no_proxy().tls_certs_only([]).build();
    http.unwrap()
        .get(format!("{base}{path}"))
        .send()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_serves_every_file_of_the_page_as_it_is() {
    let stage = Stage::start().await;
    let names = names();
    assert!(
        names.contains("index.html") && names.contains("settings.js"),
        "{names:?}"
    );
    for name in names {
        let (path, kind) = match name.rsplit_once('.').unwrap().1 {
            "html" => ("/".to_owned(), "text/html; charset=utf-8"),
            "css" => (format!("/{name}"), "text/css; charset=utf-8"),
            "js" => (format!("/{name}"), "text/javascript; charset=utf-8"),
            "svg" => (format!("/{name}"), "image/svg+xml; charset=utf-8"),
            other => panic!("{name}: what is a .{other}?"),
        };
        let answer = get(&stage.base, &path).await;
        assert_eq!(answer.status(), 200, "{path}");
        for (header, value) in [
            ("content-type", kind),
            ("content-security-policy", POLICY),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(answer.headers()[header], value, "{path}");
        }
        let expected = fs::read_to_string(format!("{FOLDER}/{name}")).unwrap();
        assert_eq!(answer.text().await.unwrap(), expected, "{path}");

        let refused = Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .unwrap();
        let refused =
            Answer::of(refused.request(Method::POST, format!("{}{path}", stage.base))).await;
        refused.problem(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    }
    for path in [
        "/index.html",
        "/web",
        "/web/main.js",
        "/nothing.js",
        "/screenshots",
    ] {
        assert_eq!(get(&stage.base, path).await.status(), 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_has_no_page() {
    let app = TestApp::spawn(Database::Sqlite).await;
    for name in names() {
        for method in [Method::GET, Method::POST] {
            let url = format!("{}/{name}", app.base);
            Answer::of(app.http.request(method, url))
                .await
                .problem(404, "not_found");
        }
    }
    let root = app.http.get(format!("{}/", app.base));
    Answer::of(root).await.problem(404, "not_found");
}
