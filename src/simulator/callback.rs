//! Telling a client what became of its message, as Restcomm's SMPP route does.

use std::time::Duration;

use reqwest::{
    Client, Response, StatusCode, Url,
    header::{CONTENT_TYPE, LOCATION},
};

use super::message::Message;

const MAX_REDIRECTS: usize = 10;

/// One attempt of six seconds, redirects by hand because Restcomm posts again to each.
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

/// A status callback, fixed at the moment of the change it tells of.
pub(super) struct Notice {
    url: String,
    sid: String,
    form: Vec<(String, String)>,
}

impl Notice {
    /// Nothing where the client asked for no callback.
    pub(super) fn about(message: &Message, account: &str) -> Option<Self> {
        let url = message.callback.clone()?;
        let mut form = vec![
            ("From", &*message.from),
            ("To", &message.to),
            ("Body", &message.body),
            ("AccountSid", account),
        ];
        if let Some(failure) = message.failure {
            form.push(("ErrorCode", failure.constant()));
        }
        form.extend([
            ("MessageSid", &*message.sid),
            ("MessageStatus", message.status.as_str()),
            // Restcomm really says it twice.
            ("Body", &message.body),
        ]);
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Some(Self {
            url,
            sid: message.sid.clone(),
            form: form.into_iter().map(owned).collect(),
        })
    }

    /// Failures are logged and nothing more. The address stays out of the log: it may hold a secret.
    pub(super) async fn post(mut self, http: &Client) {
        let Ok(mut url) = Url::parse(&self.url) else {
            tracing::warn!(message.sid = %self.sid, "simulator.callback_not_absolute");
            return;
        };
        for _ in 0..=MAX_REDIRECTS {
            match self.post_to(http, url.clone()).await {
                Ok(response) => match redirected(&url, &response) {
                    Some(next) => url = next,
                    None => return,
                },
                Err(error) => {
                    let error = error.without_url();
                    tracing::warn!(message.sid = %self.sid, %error, "simulator.callback_failed");
                    return;
                }
            }
        }
    }

    /// The query of the address is moved to the end of the form; credentials in it are not volunteered.
    async fn post_to(&mut self, http: &Client, mut url: Url) -> reqwest::Result<Response> {
        let query = url.query_pairs();
        self.form
            .extend(query.map(|(name, value)| (name.into_owned(), value.into_owned())));
        url.set_query(None);
        url.set_fragment(None);
        // Both fail only where an address cannot have credentials.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        // The content type comes first: `form` leaves one that is already there alone.
        http.post(url)
            .header(
                CONTENT_TYPE,
                "application/x-www-form-urlencoded; charset=UTF-8",
            )
            .header("http.protocol.content-charset", "UTF-8")
            .form(&self.form)
            .send()
            .await
    }
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
