//! For whoever watches over the process.

use actix_web::{HttpResponse, web};

use super::{
    Api,
    codes::ProblemCode,
    openapi::{Refusals, Refused},
    problem::Problem,
};

struct Readiness;

impl Refused for Readiness {
    fn codes() -> Vec<ProblemCode> {
        vec![ProblemCode::Unavailable]
    }
}

/// The process is alive.
///
/// It says nothing about the database: a process that lives but cannot serve is left alone, not restarted.
#[utoipa::path(get, path = "/livez", tag = "health", operation_id = "getLiveness", security(()), responses(
    (status = 200, description = "The process is alive.", body = String, content_type = "text/plain",
        example = "alive\n"),
    (status = 400, description = "The request is no valid HTTP. There is no body."),
))]
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("alive\n")
}

/// The service can do its work.
///
/// The database takes writes and has the schema of this version. While this fails, send calls elsewhere.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "getReadiness", security(()), responses(
    (status = 200, description = "Able to serve.", body = String, content_type = "text/plain", example = "ready\n"),
    (status = 400, description = "The request is no valid HTTP. There is no body."),
    Refusals<Readiness>,
))]
pub(super) async fn ready(api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    let _alone = api.readiness.lock().await;
    api.store.is_writable().await?;
    if !api.store.is_current().await? {
        return Err(Problem::unavailable()
            .detail("The schema is not the one this version writes; run `countersign migrate`."));
    }
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("ready\n"))
}
