//! `GET /otp/{id}`

use actix_web::{HttpResponse, web};

use super::{StatusView, named};
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
};

/// No body.
pub(in crate::http) struct Request;

impl Body for Request {
    const SCOPE: Scope = Scope::Read;
    const EXPECTED: bool = false;
    const REFUSALS: &'static [ProblemCode] = &[ProblemCode::NoSuchVerification];

    fn read(members: Members) -> Result<Self, Problem> {
        members.finish(Some(Self))
    }
}

/// Tells how a verification stands: its deliveries, its time line, and how it ended.
#[utoipa::path(get, path = "/otp/{id}", tag = "otp", operation_id = "getVerification", security(("key" = [])),
    params(("id" = String, Path, description = "As answered by the send.",
        example = "otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN")),
    responses(
        (status = 200, description = "The verification as it stands now.", body = StatusView),
        Refusals<Request>,
    ))]
pub(in crate::http) async fn status(
    call: Call<Request>,
    id: web::Path<String>,
    api: web::Data<Api>,
) -> Result<HttpResponse, Problem> {
    let snapshot = api.verifier.status(&call.caller, named(&id)?).await;
    let snapshot = snapshot.map_err(|refusal| Problem::of(refusal, api.clock.now()))?;
    let view =
        StatusView::new(snapshot).ok_or_else(|| Problem::new(ProblemCode::NoSuchVerification))?;
    Ok(HttpResponse::Ok().json(view))
}
