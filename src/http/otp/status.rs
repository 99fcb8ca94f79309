//! `GET /otp/{id}`

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

/// No body.
pub(in crate::http) struct Request;

impl Body for Request {
    const SCOPE: Scope = Scope::Read;
    const EXPECTED: bool = false;
    const REFUSALS: &'static [ProblemCode] = &[ProblemCode::NoSuchVerification];

    fn read(members: Members, _: &Caller) -> Result<Self, Problem> {
        members.finish(Some(Self))
    }
}

/// Tells how a verification stands.
///
/// Its state, its deliveries and what happened to it, as of now. It is no way to check a code. A verification can be
/// asked for until the tenant's retention is over, counted from its end. Scope: `read`.
#[utoipa::path(get, path = "/otp/{id}", tag = "otp", operation_id = "getVerification", security(("key" = [])),
    params(("id" = String, Path, description = "The verification, as answered by the send.",
        example = "otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN")),
    responses(
        (status = 200, description = "The verification as it stands now.", body = StatusView, example = json!(examples::status())),
        Refusals<Request>,
    ))]
pub(in crate::http) async fn status(
    call: Call<Request>,
    id: web::Path<String>,
    api: web::Data<Api>,
) -> Result<HttpResponse, Problem> {
    let snapshot = api.verifier.status(&call.caller, named(&id)?).await;
    let snapshot =
        snapshot.map_err(|refusal| Problem::of(refusal, call.caller.trust, api.clock.now()))?;
    let view =
        StatusView::new(snapshot).ok_or_else(|| Problem::new(ProblemCode::NoSuchVerification))?;
    Ok(HttpResponse::Ok().json(view))
}
