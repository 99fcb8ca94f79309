//! `POST /otp/{id}/cancel`

use actix_web::{HttpResponse, web};

use super::{StatusView, examples, named};
use crate::{
    domain::key::Scope,
    http::{
        Api,
        call::{Body, Call},
        codes::ProblemCode,
        json::Members,
        openapi::Refusals,
        problem::Problem,
    },
    store::Caller,
};

/// No body, or an empty object.
pub(in crate::http) struct Request;

impl Body for Request {
    const SCOPE: Scope = Scope::Send;
    const EXPECTED: bool = false;
    const REFUSALS: &'static [ProblemCode] = &[
        ProblemCode::NoSuchVerification,
        ProblemCode::AlreadyApproved,
        ProblemCode::Expired,
        ProblemCode::MaxAttemptsReached,
        ProblemCode::Failed,
    ];

    fn read(members: Members, _: &Caller) -> Result<Self, Problem> {
        members.finish(Some(Self))
    }
}

/// Ends a pending verification.
///
/// Its code is dead at once. Saying it twice changes nothing; one that is over in another way stays as it is (409, 410).
/// The body may be left out. Scope: `send`.
#[utoipa::path(post, path = "/otp/{id}/cancel", tag = "otp", operation_id = "cancelVerification",
    security(("key" = [])),
    params(("id" = String, Path, description = "The verification, as answered by the send.",
        example = "otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN")),
    responses(
        (status = 200, description = "It is canceled.", body = StatusView, example = json!(examples::canceled())),
        Refusals<Request>,
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
