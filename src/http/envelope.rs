//! What every answer of the API has in common: a request id, headers, one line in the log, and errors as problem+json.

use std::{fmt::Write as _, panic::AssertUnwindSafe};

use actix_web::{
    Error, HttpMessage as _, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use futures_util::FutureExt as _;

use super::{
    Api,
    problem::{Problem, ProblemCode},
};

/// The id of a request: in the log, in `X-Request-Id`, and as `instance` of a problem.
#[derive(Clone)]
struct RequestId(String);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
];

pub(super) async fn wrap(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let api = request.app_data::<web::Data<Api>>().expect("the routes carry it").clone();
    let id = request_id(&api);
    request.extensions_mut().insert(RequestId(id.clone()));
    let head = request.request().clone();
    let started = api.clock.now();
    // A handler that panics must answer like any other fault, and take nobody with it.
    let outcome = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    let mut response = match outcome {
        Ok(Ok(response)) => match response.response().error().map(problem_of) {
            Some(problem) => response.into_response(problem.answer(&api.public_url, &id)),
            None => response.map_into_boxed_body(),
        },
        Ok(Err(error)) => ServiceResponse::new(head, problem_of(&error).answer(&api.public_url, &id)),
        Err(_) => {
            tracing::error!(request.id = id, "request.panicked");
            let problem = Problem::new(ProblemCode::Internal);
            ServiceResponse::new(head, problem.answer(&api.public_url, &id))
        }
    };
    set_headers(response.response_mut(), &id);
    // The pattern of the route, never the path: paths carry ids, and tokens.
    tracing::info!(
        request.id = id,
        http.method = %response.request().method(),
        http.route = response.request().match_pattern().as_deref().unwrap_or("none"),
        http.status = response.status().as_u16(),
        duration_ms = u64::try_from(started.until(api.clock.now()).as_millis()).unwrap_or(u64::MAX),
        "request.done"
    );
    Ok(response)
}

fn request_id(api: &Api) -> String {
    let mut id = String::from("req_");
    for byte in api.random.bytes::<12>() {
        // Writing to a string does not fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

fn set_headers(response: &mut HttpResponse, id: &str) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        // A page may have a looser policy of its own.
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    headers.insert(REQUEST_ID, HeaderValue::from_str(id).expect("hexadecimal digits"));
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
