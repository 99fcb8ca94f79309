//! A page in a browser, as far as the service can tell.

use reqwest::{
    Method, RequestBuilder,
    header::{HeaderMap, ORIGIN},
};
use serde_json::Value;

use crate::{
    app::{Answer, TestApp},
    database::Database,
};

pub(crate) const ORIGIN_OF_ACME: &str = "https://app.acme.example";

/// What says nothing about origins begins otherwise.
const OF_CORS: &str = "access-control-";

/// A page of an origin, with a publishable key.
pub(crate) struct Page<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) key: String,
    pub(crate) origin: &'a str,
}

/// A service whose tenant has [`ORIGIN_OF_ACME`].
pub(crate) async fn with_origin(database: Database) -> TestApp {
    TestApp::with(database, |config| {
        config.tenants[0].policy.origins = vec![ORIGIN_OF_ACME.to_owned()];
    })
    .await
}

impl<'a> Page<'a> {
    /// A page of the tenant's own origin.
    pub(crate) async fn open(app: &'a TestApp) -> Self {
        let key = app.publishable_key().await;
        Self {
            app,
            key,
            origin: ORIGIN_OF_ACME,
        }
    }

    /// The same page and key, at another origin.
    pub(crate) fn moved(&self, origin: &'a str) -> Self {
        Self {
            app: self.app,
            key: self.key.clone(),
            origin,
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.app.base);
        let request = self.app.http.request(method, url).bearer_auth(&self.key);
        request.header(ORIGIN, self.origin)
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let request = self.request(Method::POST, path);
        let request = request.header("Content-Type", "application/json");
        Answer::of(request.body(body.to_string())).await
    }
}

/// Every header that lets a page of another origin do or read something, by name.
pub(crate) fn cors(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let mut found: Vec<_> = headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with(OF_CORS))
        .map(|(name, value)| (&name.as_str()[OF_CORS.len()..], value.to_str().unwrap()))
        .collect();
    found.sort_unstable();
    found
}

/// Asserts that pages of `origin` may read an answer, and no others.
#[track_caller]
pub(crate) fn readable_by(answer: &Answer, origin: &str) {
    let exposed = "location, retry-after, x-request-id, preference-applied, idempotent-replayed";
    assert_eq!(
        cors(&answer.headers),
        [("allow-origin", origin), ("expose-headers", exposed)],
        "{} {}",
        answer.status,
        answer.text
    );
    assert_eq!(answer.header("vary"), Some("Origin"));
}

/// Asserts that no page of another origin may read an answer.
#[track_caller]
pub(crate) fn unreadable(answer: &Answer) {
    assert_eq!(
        cors(&answer.headers),
        Vec::<(&str, &str)>::new(),
        "{} {}",
        answer.status,
        answer.text
    );
    assert_eq!(answer.header("vary"), Some("Origin"));
}
