//! What every answer of the API has in common: a request id, headers, one line in the log, and errors as problem+json.

use std::{
    cell::{Cell, RefCell},
    panic::AssertUnwindSafe,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    Error, HttpMessage as _, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::{InternalError, PayloadError},
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::{self, Bytes},
};
use futures_util::{FutureExt as _, Stream};

use super::{Api, codes::ProblemCode, cors::Page, observed::Observed, problem::Problem};
use crate::telemetry::{
    RequestId,
    labels::{Method, Place, Status},
};

/// The id of a request stands here, in the log, and as `instance` of a problem.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
];

pub(super) async fn wrap(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let api = request
        .app_data::<web::Data<Api>>()
        .expect("the routes carry it")
        .clone();
    let id = request_id(&api);
    let page = Page::note(&request);
    let observed = Observed::begin(&api, &request, id);
    let sent = SentBody::share(&mut request);
    let mut code = None;
    // A handler that panics must answer like any other fault, and take nobody with it.
    let answered = observed.context.within(next.call(request));
    let outcome = match AssertUnwindSafe(answered).catch_unwind().await {
        Ok(Ok(response)) => Ok(match response.response().error().map(problem_of) {
            Some(problem) => {
                code = Some(problem.code);
                response.into_response(problem.answer(&api.public_url, id.as_str()))
            }
            None => response.map_into_boxed_body(),
        }),
        Ok(Err(error)) => Err(problem_of(&error)),
        Err(_) => {
            api.store.metrics().panics.count(Place::Request);
            let context = observed.context;
            context.in_scope(|| tracing::error!("request.panicked"));
            Err(Problem::new(ProblemCode::Internal))
        }
    };
    let route = outcome
        .as_ref()
        .ok()
        .and_then(|response| response.request().match_pattern());
    let status = match &outcome {
        Ok(response) => response.status(),
        Err(problem) => problem.code.status(),
    };
    let code = outcome.as_ref().err().map(|problem| problem.code).or(code);
    match outcome {
        Ok(mut response) => {
            set_headers(response.response_mut(), id);
            page.mark(&api, response.headers_mut()).await;
            observed.done(route.as_deref(), status, code);
            Ok(response.map_body(|_, body| sent.hold(body)))
        }
        Err(problem) => {
            let mut answer = problem.answer(&api.public_url, id.as_str());
            set_headers(&mut answer, id);
            page.mark(&api, answer.headers_mut()).await;
            observed.done(route.as_deref(), status, code);
            let answer = answer.map_body(|_, body| sent.hold(body));
            Err(InternalError::from_response(problem, answer).into())
        }
    }
}

/// The whole answer to a request that is refused before it comes here.
pub(super) fn refuse(api: &Api, problem: &Problem) -> HttpResponse {
    let id = request_id(api);
    let status = problem.code.status().as_u16();
    tracing::info!(
        request.id = id.as_str(),
        http.status = status,
        "request.refused"
    );
    let metrics = api.store.metrics();
    metrics.refused(Method::Other, Status::of(status));
    let mut answer = problem.answer(&api.public_url, id.as_str());
    set_headers(&mut answer, id);
    answer
}

fn request_id(api: &Api) -> RequestId {
    RequestId::of(api.random.name())
}

fn set_headers(response: &mut HttpResponse, id: RequestId) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        // A page may have a looser policy of its own.
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    headers.insert(
        REQUEST_ID,
        HeaderValue::from_str(id.as_str()).expect("hexadecimal digits"),
    );
}

/// The body of a request, which may outlive its handler.
///
/// One that was not read to its end is held until the answer is out: then the connection ends. Let go earlier, it
/// would be drained for as long as the sender likes to go on.
#[derive(Clone)]
struct SentBody {
    payload: Rc<RefCell<Payload>>,
    ended: Rc<Cell<bool>>,
}

impl SentBody {
    fn share(request: &mut ServiceRequest) -> Self {
        let payload = request.take_payload();
        let sent = Self {
            ended: Rc::new(Cell::new(matches!(payload, Payload::None))),
            payload: Rc::new(RefCell::new(payload)),
        };
        if !sent.ended.get() {
            request.set_payload(Payload::Stream {
                payload: Box::pin(sent.clone()),
            });
        }
        sent
    }

    fn hold(self, answer: BoxBody) -> BoxBody {
        if self.ended.get() {
            return answer;
        }
        BoxBody::new(Holding {
            answer,
            _sent: self,
        })
    }
}

impl Stream for SentBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut *self.payload.borrow_mut()).poll_next(context);
        if matches!(next, Poll::Ready(None)) {
            self.ended.set(true);
        }
        next
    }
}

/// The body of an answer, and that of its request.
struct Holding {
    answer: BoxBody,
    _sent: SentBody,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(context)
    }
}

/// Our own problems are kept; the framework's errors become the problem of their status.
fn problem_of(error: &Error) -> Problem {
    if let Some(problem) = error.as_error::<Problem>() {
        return problem.clone();
    }
    let status = error.as_response_error().status_code();
    Problem::new(match status {
        StatusCode::NOT_FOUND => ProblemCode::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => ProblemCode::BodyTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ProblemCode::UnsupportedMediaType,
        StatusCode::REQUEST_TIMEOUT => ProblemCode::RequestTimeout,
        status if status.is_client_error() => ProblemCode::MalformedRequest,
        _ => {
            tracing::error!(%status, "request.failed");
            ProblemCode::Internal
        }
    })
}
