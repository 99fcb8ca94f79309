//! A call of the API, taken apart in the order in which the contract refuses:
//! 401, then 415 and 406, 413, 400, 422, and 403 last.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    http::{
        header::{self, HeaderMap},
        uri::PathAndQuery,
    },
    web::{self, BytesMut},
};
use futures_util::StreamExt as _;

use super::{
    Api,
    codes::ProblemCode,
    cors::Page,
    json::Members,
    problem::{FieldCode, Problem},
};
use crate::{
    domain::{
        idempotency::{IdempotencyKey, KeyFault, LONGEST_KEY},
        key::{ApiKey, Scope, Trust},
    },
    store::Caller,
};

const LONGEST_BODY: usize = 16 * 1024;
const SLOWEST_BODY: Duration = Duration::from_secs(10);

/// What a body is read into.
pub(super) trait Body: Sized {
    /// What the caller's key must be allowed to do.
    const SCOPE: Scope;
    /// Whether there is a body at all.
    const EXPECTED: bool;
    /// What this call may be refused with beyond what every call may; the document tells it.
    const REFUSALS: &'static [ProblemCode];
    /// Whether publishable keys may call, too.
    const FOR_PAGES: bool = false;

    /// Whether it may be repeated under an `Idempotency-Key`.
    const MAY_BE_REPEATED: bool = false;

    /// Reads it; what may be said depends on the caller's trust and policy.
    fn read(members: Members, caller: &Caller) -> Result<Self, Problem>;
}

/// Who calls, and with what.
pub(super) struct Call<B> {
    pub(super) caller: Caller,
    pub(super) body: B,
    /// Only where [`Body::MAY_BE_REPEATED`].
    pub(super) key: Option<IdempotencyKey>,
}

impl<B: Body + 'static> FromRequest for Call<B> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            refuse_key_in_url(&request)?;
            let caller = authenticate(&request).await?;
            let page = Page::of(&request);
            page.is_of(&caller);
            if B::EXPECTED {
                check_content_type(&request)?;
            }
            check_accept(request.headers())?;
            let bytes = read_body(&request, payload, LONGEST_BODY).await?;
            refuse_query(&request)?;
            let mut members = if bytes.is_empty() && !B::EXPECTED {
                Members::none()
            } else {
                Members::parse(&bytes)?
            };
            let key = idempotency_key::<B>(request.headers(), &mut members);
            let body = B::read(members, &caller)?;
            if caller.trust == Trust::Public && !B::FOR_PAGES {
                return Err(Problem::new(ProblemCode::Forbidden).detail(
                    "A publishable key may only send and verify. Use a secret key, on a server.",
                ));
            }
            page.check(&caller, request.headers().get(header::HOST))?;
            if !caller.scopes.contains(&B::SCOPE) {
                return Err(Problem::new(ProblemCode::Forbidden).detail(format!(
                    "The API key lacks the scope `{}`.",
                    B::SCOPE.as_str()
                )));
            }
            Ok(Self { caller, body, key })
        })
    }
}

/// Nothing is ever read from a query string.
pub(super) fn refuse_query(request: &HttpRequest) -> Result<(), Problem> {
    refuse_key_in_url(request)?;
    if request.uri().query().is_some() {
        return Err(Problem::new(ProblemCode::MalformedRequest).detail(
            "A query string is never read here; what it says would end up in logs. Use the body.",
        ));
    }
    Ok(())
}

/// A key in a URL is in somebody's log already: say so, whatever else is wrong.
fn refuse_key_in_url(request: &HttpRequest) -> Result<(), Problem> {
    let url = request.uri().path_and_query();
    let url = url.map(PathAndQuery::as_str).unwrap_or_default();
    let kinds = ["cs_sk_", "cs_pk_", "cs_ak_"];
    // What all begin with is looked for first: nearly no URL has it.
    if url.contains("cs_") && kinds.iter().any(|kind| url.contains(kind)) {
        tracing::warn!("request.key_in_url");
        return Err(Problem::new(ProblemCode::MalformedRequest)
            .detail("An API key stands in the URL. Revoke it, and send the new one as `Authorization: Bearer KEY`."));
    }
    Ok(())
}

async fn authenticate(request: &HttpRequest) -> Result<Caller, Problem> {
    let api = request
        .app_data::<web::Data<Api>>()
        .expect("the routes carry it");
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let Some(header) = headers.next() else {
        let from_here = request
            .peer_addr()
            .is_some_and(|peer| peer.ip().is_loopback());
        return match &api.keyless {
            Some(tenant) if from_here => Ok(Caller {
                tenant: tenant.clone(),
                key: None,
                scopes: vec![Scope::Send, Scope::Verify, Scope::Read],
                trust: Trust::Full,
            }),
            _ => Err(Problem::unauthenticated()),
        };
    };
    let token = header.to_str().ok().and_then(|value| value.split_once(' '));
    let key = token
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer") && headers.next().is_none())
        .and_then(|(_, token)| ApiKey::parse(token.trim_matches(' ')));
    let (_, key) = key.ok_or_else(Problem::unauthenticated)?;
    let caller = api.directory.caller(&key).await;
    caller
        .inspect_err(|error| api.store.count_error(error))?
        .ok_or_else(Problem::unauthenticated)
}

fn check_content_type(request: &HttpRequest) -> Result<(), Problem> {
    let unsupported = || Problem::new(ProblemCode::UnsupportedMediaType);
    let several = 1 < request.headers().get_all(header::CONTENT_TYPE).count();
    if several || request.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(unsupported());
    }
    // So nearly everybody says it, and it need not be taken apart.
    let plain = request.headers().get(header::CONTENT_TYPE);
    if plain.is_some_and(|said| said == "application/json") {
        return Ok(());
    }
    let mime = request.mime_type().ok().flatten().ok_or_else(unsupported)?;
    let is_utf8 = mime
        .params()
        .all(|(name, value)| name == "charset" && value.as_ref().eq_ignore_ascii_case("utf-8"));
    if mime.essence_str() == "application/json" && is_utf8 {
        Ok(())
    } else {
        Err(unsupported())
    }
}

/// A caller who takes neither JSON nor anything is told; one without an opinion gets JSON.
fn check_accept(headers: &HeaderMap) -> Result<(), Problem> {
    let mut ranges = headers
        .get_all(header::ACCEPT)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|range| range.trim().to_ascii_lowercase())
        .filter(|range| !range.is_empty())
        .peekable();
    if ranges.peek().is_none() {
        return Ok(());
    }
    let accepted = ranges.any(|range| {
        let (kind, parameters) = range.split_once(';').unwrap_or((&range, ""));
        let refused = parameters.split(';').any(|parameter| {
            let weight = parameter.trim().strip_prefix("q=").map(str::parse::<f32>);
            matches!(weight, Some(Ok(weight)) if weight <= 0.0)
        });
        matches!(kind.trim(), "*/*" | "application/*" | "application/json") && !refused
    });
    if accepted {
        Ok(())
    } else {
        Err(Problem::new(ProblemCode::NotAcceptable))
    }
}

/// The body, which may have `most` bytes.
pub(super) async fn read_body(
    request: &HttpRequest,
    mut payload: Payload,
    most: usize,
) -> Result<BytesMut, Problem> {
    // What is left of the body is not worth reading, so the connection ends with the answer.
    let close = |code| Problem::new(code).header(header::CONNECTION, "close");
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| most < length) {
        return Err(close(ProblemCode::BodyTooLarge));
    }
    let whole = async {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| close(ProblemCode::MalformedRequest))?;
            if most < bytes.len() + chunk.len() {
                return Err(close(ProblemCode::BodyTooLarge));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    let api = request
        .app_data::<web::Data<Api>>()
        .expect("the routes carry it");
    let too_slow = async {
        // What came with the head is handed over right after it, and needs no timer.
        once_more().await;
        api.clock.sleep(SLOWEST_BODY).await;
    };
    tokio::select! {
        biased;
        bytes = whole => bytes,
        () = too_slow => Err(close(ProblemCode::RequestTimeout)),
    }
}

/// Lets everything else of this connection be done first.
async fn once_more() {
    let mut was_asked = false;
    poll_fn(|task| {
        if std::mem::replace(&mut was_asked, true) {
            return Poll::Ready(());
        }
        task.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The key under which a call may be repeated. What is wrong with it is told together with all other faults.
fn idempotency_key<B: Body>(headers: &HeaderMap, members: &mut Members) -> Option<IdempotencyKey> {
    let mut values = headers.get_all("idempotency-key");
    let value = values.next()?;
    let (code, detail) = if !B::MAY_BE_REPEATED {
        let detail = "is for `POST /otp/send` only; leave it out";
        (FieldCode::NotAllowed, detail.to_owned())
    } else if values.next().is_some() {
        let detail = "must be there once";
        (FieldCode::Invalid, detail.to_owned())
    } else {
        let text = value.to_str().map_err(|_| KeyFault::Malformed);
        match text.and_then(IdempotencyKey::parse) {
            Ok(key) => {
                members.may_be_a_repeat();
                return Some(key);
            }
            Err(KeyFault::TooLong) => {
                let detail = format!("must have at most {LONGEST_KEY} characters");
                (FieldCode::TooLong, detail)
            }
            Err(KeyFault::Malformed) => {
                let detail = "must be a string of visible ASCII and spaces in double quotes";
                (FieldCode::Invalid, detail.to_owned())
            }
        }
    };
    members.fault("#idempotency-key".to_owned(), code, detail)
}
