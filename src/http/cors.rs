//! Which pages of other origins may call, and read what is answered (the CORS protocol of the Fetch standard).
//!
//! actix-cors does not fit: its origins are fixed at the start or decided without waiting, while ours are kept for each
//! tenant in the database; and it refuses in plain text, not in problems.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    dev::ServiceRequest,
    guard::GuardContext,
    http::header::{self, HeaderMap, HeaderValue},
    web,
};

use super::{Api, call::refuse_query, codes::ProblemCode, problem::Problem};
use crate::{
    domain::{key::Trust, policy::Tenant},
    store::Caller,
};

/// What a page may read beside the body.
const EXPOSED: &str =
    "location, retry-after, x-request-id, preference-applied, idempotent-replayed";
/// What a page may send.
const ALLOWED: &str = "authorization, content-type, prefer, idempotency-key";
/// For how many seconds a browser need not ask again.
const REMEMBERED: &str = "600";

/// The page that calls, if one does. It goes along with the request.
#[derive(Clone)]
pub(super) struct Page(Rc<Parts>);

struct Parts {
    sent: Sent,
    /// Answers under this path depend on the origin.
    under_otp: bool,
    readers: RefCell<Readers>,
}

/// What the request says of its origin.
enum Sent {
    /// Nothing: not a browser, or a page of our own that reads.
    Nothing,
    One(String),
    /// Several, or no text: no page.
    Nonsense,
}

/// Whose pages may read the answer.
#[derive(Clone)]
enum Readers {
    /// Nobody is known yet: those of any tenant, or none could read why its key is refused.
    AnyTenant,
    Tenant(Arc<Tenant>),
    Nobody,
}

impl Page {
    /// Takes down what the request says of its origin.
    pub(super) fn note(request: &ServiceRequest) -> Self {
        let mut origins = request.headers().get_all(header::ORIGIN);
        let sent = match (origins.next(), origins.next()) {
            (None, _) => Sent::Nothing,
            (Some(one), None) => one
                .to_str()
                .map_or(Sent::Nonsense, |one| Sent::One(one.to_owned())),
            (Some(_), Some(_)) => Sent::Nonsense,
        };
        let page = Self(Rc::new(Parts {
            sent,
            under_otp: request.match_info().as_str().starts_with("/otp/"),
            readers: RefCell::new(Readers::AnyTenant),
        }));
        request.extensions_mut().insert(page.clone());
        page
    }

    pub(super) fn of(request: &HttpRequest) -> Self {
        let extensions = request.extensions();
        extensions.get().cloned().expect("the envelope notes it")
    }

    /// From now on it is known who calls.
    pub(super) fn is_of(&self, caller: &Caller) {
        let readers = match caller.trust {
            Trust::Full => Readers::Nobody,
            Trust::Public => Readers::Tenant(caller.tenant.clone()),
        };
        self.0.readers.replace(readers);
    }

    /// Whether `caller` may call from here: a publishable key only from its tenant's pages; whoever needs no key from no
    /// page but our own, since any page can make a browser on this machine call.
    pub(super) fn check(&self, caller: &Caller, host: Option<&HeaderValue>) -> Result<(), Problem> {
        let refused = |detail| Err(Problem::new(ProblemCode::Forbidden).detail(detail));
        let origin = match &self.0.sent {
            Sent::One(origin) => Some(origin),
            Sent::Nothing | Sent::Nonsense => None,
        };
        let is_silent = matches!(self.0.sent, Sent::Nothing);
        match (caller.trust, caller.key) {
            (Trust::Public, _)
                if origin.is_some_and(|origin| caller.tenant.policy.origins.contains(origin)) =>
            {
                Ok(())
            }
            (Trust::Public, _) => refused(
                "A publishable key works only from a page whose origin is among the tenant's `origins`.",
            ),
            (Trust::Full, Some(_)) => Ok(()),
            (Trust::Full, None)
                if is_silent || origin.is_some_and(|origin| is_own(origin, host)) =>
            {
                Ok(())
            }
            (Trust::Full, None) => refused(
                "A page of another origin needs a publishable key, and `countersign dev` started with --origin.",
            ),
        }
    }

    /// Tells the browser which page may read the answer. The value is the one that the tenant's policy holds.
    pub(super) async fn mark(&self, api: &Api, headers: &mut HeaderMap) {
        if !self.0.under_otp {
            return;
        }
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            return;
        }
        let Sent::One(origin) = &self.0.sent else {
            return;
        };
        let readers = self.0.readers.borrow().clone();
        let reader = match readers {
            Readers::Nobody => None,
            Readers::Tenant(tenant) => {
                let mut origins = tenant.policy.origins.iter();
                origins.find(|known| *known == origin).cloned()
            }
            Readers::AnyTenant => api.directory.known_origin(origin).await,
        };
        if let Some(reader) = reader.and_then(|reader| HeaderValue::from_str(&reader).ok()) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, reader);
            headers.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(EXPOSED),
            );
        }
    }
}

/// Whether a page of `origin` came from here, under the name that it calls now.
fn is_own(origin: &str, host: Option<&HeaderValue>) -> bool {
    let host = host.and_then(|host| host.to_str().ok());
    host.is_some_and(|host| origin.strip_prefix("http://") == Some(host))
}

/// A browser asks whether a page may call.
pub(super) fn is_preflight(context: &GuardContext<'_>) -> bool {
    let headers = context.head().headers();
    context.head().method == actix_web::http::Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Answers such a question: yes to pages of any tenant, since the key is not known yet. Credentials are never allowed.
pub(super) async fn preflight(
    request: HttpRequest,
    api: web::Data<Api>,
) -> Result<HttpResponse, Problem> {
    refuse_query(&request)?;
    let page = Page::of(&request);
    let known = match &page.0.sent {
        Sent::One(origin) => api.directory.known_origin(origin).await,
        Sent::Nothing | Sent::Nonsense => None,
    };
    let Some(origin) = known else {
        page.0.readers.replace(Readers::Nobody);
        return Err(Problem::new(ProblemCode::Forbidden).detail(
            "Pages of this origin may not call: it is not among the `origins` of a tenant.",
        ));
    };
    Ok(HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, origin))
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "POST"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, REMEMBERED))
        .finish())
}
