//! What becomes of a message, and how the platform tells of it: once, unsigned, and perhaps not at all.

use reqwest::{
    Client, Method, Response,
    header::{HeaderMap, HeaderValue, LOCATION},
};

use super::{
    form::{self, Pairs},
    platform::{Platform, Route},
    resource::{Fault, Sms},
    server::Stranger,
};

/// The life of a message after it was taken.
#[derive(Clone, Debug)]
pub(super) struct Fate {
    /// Each is told of, in this order.
    pub(super) steps: Vec<Step>,
    pub(super) way: Way,
    /// How often each is told of.
    pub(super) times: usize,
    /// Whether the last is told first.
    pub(super) backwards: bool,
    /// Whether all this happens before the request of the client is answered.
    pub(super) early: bool,
}

/// A status, and what is wrong.
pub(super) type Step = (&'static str, Option<Fault>);

/// How a callback reaches its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As Restcomm does it.
    Posted,
    ByGet,
    Lost,
}

impl Fate {
    pub(super) fn of(steps: &[Step]) -> Self {
        Self {
            steps: steps.to_vec(),
            way: Way::Posted,
            times: 1,
            backwards: false,
            early: false,
        }
    }

    /// The message stays `sending`: a known fault of Restcomm.
    pub(super) fn nothing() -> Self {
        Self::of(&[])
    }

    pub(super) fn delivered() -> Self {
        Self::of(&[("sent", None), ("delivered", None)])
    }

    pub(super) fn undelivered(fault: u32) -> Self {
        Self::of(&[
            ("sent", None),
            ("undelivered", Some(Fault::numbered(fault))),
        ])
    }

    pub(super) fn told(self, way: Way) -> Self {
        Self { way, ..self }
    }
}

impl Stranger {
    /// Lives the life of a message to its end.
    pub(super) async fn live(&self, sid: &str) {
        let mut fate = self.look(|platform| platform.fate.clone());
        if self.look(|platform| platform.route) == Route::Sip {
            fate = Fate::of(&[("sent", None)]).told(Way::Lost);
        }
        let now = self.now();
        let mut told: Vec<Pairs> = Vec::new();
        for (status, fault) in &fate.steps {
            told.push(self.change(|platform| step(platform, sid, status, *fault, now)));
        }
        if fate.backwards {
            told.reverse();
        }
        for pairs in told {
            for _ in 0..fate.times {
                self.tell(sid, fate.way, pairs.clone()).await;
            }
        }
    }

    /// Tells the receiver of a message, and notes what it answered.
    pub(super) async fn tell(&self, sid: &str, way: Way, pairs: Pairs) {
        let callback = self.change(|platform| platform.message(sid).callback.clone());
        let Some(callback) = callback.filter(|_| way != Way::Lost) else {
            return;
        };
        let answer = request(&callback, way, pairs).await;
        let noted = match answer {
            Some(response) => {
                let status = response.status().as_u16();
                Some((status, response.text().await.unwrap_or_default()))
            }
            None => None,
        };
        self.change(|platform| platform.called_back.push(noted));
    }
}

/// Moves a message on, and gives what is to be told of it.
fn step(
    platform: &mut Platform,
    sid: &str,
    status: &'static str,
    fault: Option<Fault>,
    now: countersign::domain::clock::Timestamp,
) -> Pairs {
    let message = platform.message(sid);
    message.status = status;
    message.error = fault.or(message.error);
    message.updated_at = now;
    if status == "sent" {
        message.sent_at = Some(now);
    }
    parameters(message)
}

/// In exactly this order, `Body` twice.
pub(super) fn parameters(message: &Sms) -> Pairs {
    let pair = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
    let mut pairs = vec![
        pair("From", &message.from),
        pair("To", &message.to),
        pair("Body", &message.body),
        pair("AccountSid", &message.account_sid),
    ];
    pairs.extend(message.error.map(|fault| pair("ErrorCode", fault.1)));
    pairs.extend([
        pair("MessageSid", &message.sid),
        pair("MessageStatus", message.status),
        pair("Body", &message.body),
    ]);
    pairs
}

/// One attempt. A redirect is followed by the same method with the same parameters.
pub(super) async fn request(callback: &str, way: Way, pairs: Pairs) -> Option<Response> {
    let mut headers = HeaderMap::new();
    headers.insert(
        "http.protocol.content-charset",
        HeaderValue::from_static("UTF-8"),
    );
    let client = Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none())
        .timeout(std::time::Duration::from_secs(6))
        .user_agent("Apache-HttpClient/4.5.5 (Java/1.8.0_181)")
        .default_headers(headers)
        .build()
        .unwrap();
    let mut place = callback.to_owned();
    for _ in 0..5 {
        // The query, too, becomes part of the form.
        let (path, query) = place.split_once('?').unwrap_or((&place, ""));
        let form = form::write(&[form::parse(query), pairs.clone()].concat());
        let request = match way {
            Way::ByGet => client.request(Method::GET, format!("{path}?{form}")),
            Way::Posted | Way::Lost => client
                .request(Method::POST, path)
                .header(
                    "Content-Type",
                    "application/x-www-form-urlencoded; charset=UTF-8",
                )
                .body(form),
        };
        let response = request.send().await.ok()?;
        if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307) {
            return Some(response);
        }
        let location = response.headers().get(LOCATION)?;
        location.to_str().ok()?.clone_into(&mut place);
    }
    None
}
