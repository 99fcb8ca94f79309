//! Requests as Restcomm's own HTTP client makes them: what it tells a client, and what it asks of one.

use std::time::Duration;

use reqwest::{
    Client, Response, StatusCode, Url,
    header::{CONTENT_TYPE, LOCATION},
};

const MAX_REDIRECTS: usize = 10;

/// One attempt of six seconds, redirects by hand because Restcomm repeats the request to each.
pub(super) fn client() -> Client {
    let settings = || {
        Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .timeout(Duration::from_secs(6))
            .user_agent("Apache-HttpClient/4.3.6 (java 1.5)")
    };
    // A machine may have no certificates at all; plain HTTP must work there.
    settings()
        .build()
        .or_else(|_| settings().tls_certs_only([]).build())
        .expect("a client that trusts nobody can be built")
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    #[default]
    Post,
    Get,
}

impl Method {
    /// Whatever is not `GET` is posted.
    pub(super) fn parse(text: &str) -> Self {
        if text.trim().eq_ignore_ascii_case("GET") {
            Self::Get
        } else {
            Self::Post
        }
    }
}

/// Where a request goes. Deliberately without `Debug`: an address may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub url: String,
    pub method: Method,
}

/// Parameters in order; one without a value is a bare key.
pub(super) type Parameters = Vec<(String, Option<String>)>;

pub(super) struct Errand {
    pub(super) address: Address,
    pub(super) parameters: Parameters,
}

/// Why there is no answer. It says nothing of the address.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("the address is not absolute")]
    NotAbsolute,
    #[error(transparent)]
    Failed(reqwest::Error),
    #[error("too many redirects")]
    TooManyRedirects,
}

impl Errand {
    pub(super) async fn run(self, http: &Client) -> Result<Response, Fault> {
        let Self {
            address,
            mut parameters,
        } = self;
        let mut url = Url::parse(&address.url).map_err(|_| Fault::NotAbsolute)?;
        for _ in 0..=MAX_REDIRECTS {
            let asked = ask(http, address.method, url.clone(), &mut parameters);
            let response = asked
                .await
                .map_err(|error| Fault::Failed(error.without_url()))?;
            match redirected(&url, &response) {
                Some(next) => url = next,
                None => return Ok(response),
            }
        }
        Err(Fault::TooManyRedirects)
    }
}

/// The query of the address is moved to the end of the parameters; credentials in it are not volunteered.
async fn ask(
    http: &Client,
    method: Method,
    mut url: Url,
    parameters: &mut Parameters,
) -> reqwest::Result<Response> {
    let query = url.query_pairs();
    parameters.extend(query.map(|(name, value)| (name.into_owned(), Some(value.into_owned()))));
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only where an address cannot have credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let encoded = encode(url.clone(), parameters);
    let request = match method {
        Method::Get => http.get(encoded),
        Method::Post => {
            let form = "application/x-www-form-urlencoded; charset=UTF-8";
            let body = encoded.query().unwrap_or_default().to_owned();
            http.post(url).header(CONTENT_TYPE, form).body(body)
        }
    };
    let header = "http.protocol.content-charset";
    request.header(header, "UTF-8").send().await
}

/// As the query of an address, since a form is written alike.
fn encode(mut url: Url, parameters: &Parameters) -> Url {
    let mut query = url.query_pairs_mut();
    for (name, value) in parameters {
        match value {
            Some(value) => query.append_pair(name, value),
            None => query.append_key_only(name),
        };
    }
    drop(query);
    url
}

fn redirected(from: &Url, response: &Response) -> Option<Url> {
    if !matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
    ) {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    from.join(location).ok()
}
