//! `POST /otp/{id}/cancel`

use actix_web::{HttpResponse, web};

use super::{StatusView, named};
use crate::{
    domain::key::{Scope, Trust},
    http::{
        Api,
        call::{Body, Call},
        codes::ProblemCode,
        json::Members,
        problem::{Problem, ProblemBody},
    },
};

/// No body, or an empty object.
pub(in crate::http) struct Request;

impl Body for Request {
    const SCOPE: Scope = Scope::Send;
    const EXPECTED: bool = false;

    fn read(members: Members, _: Trust) -> Result<Self, Problem> {
        members.finish(Some(Self))
    }
}

/// Ends a pending verification. Saying it twice changes nothing.
#[utoipa::path(post, path = "/otp/{id}/cancel", tag = "otp", operation_id = "cancelVerification",
    security(("key" = [])),
    params(("id" = String, Path, description = "As answered by the send.",
        example = "otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN")),
    responses(
        (status = 200, description = "It is canceled.", body = StatusView),
        (status = 400, description = "`malformed_request`", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = ProblemBody,
            content_type = "application/problem+json", headers(("WWW-Authenticate" = String, description = "`Bearer`"))),
        (status = 403, description = "`forbidden` (scope)", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 404, description = "`no_such_verification`: also another tenant's", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 406, description = "`not_acceptable`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "`request_timeout`", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "`already_approved` with `approved_at`", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 410, description = "`expired`, `max_attempts_reached` or `failed`", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_request`: a member in the body", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 500, description = "`internal`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = ProblemBody, content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Whole seconds, at least 1."))),
    ))]
pub(in crate::http) async fn cancel(
    call: Call<Request>,
    id: web::Path<String>,
    api: web::Data<Api>,
) -> Result<HttpResponse, Problem> {
    let snapshot = api.verifier.cancel(&call.caller, named(&id)?).await;
    let snapshot =
        snapshot.map_err(|refusal| Problem::of(refusal, call.caller.trust, api.clock.now()))?;
    let view =
        StatusView::new(snapshot).ok_or_else(|| Problem::new(ProblemCode::NoSuchVerification))?;
    Ok(HttpResponse::Ok().json(view))
}
