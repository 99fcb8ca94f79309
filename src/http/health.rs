//! For whoever watches over the process.

use actix_web::{HttpResponse, web};

use super::{Api, problem::Problem};

/// The process is alive.
#[utoipa::path(get, path = "/livez", tag = "health", operation_id = "getLiveness", responses(
    (status = 200, description = "The process is alive.", body = String, content_type = "text/plain"),
))]
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("alive\n")
}

/// The service can do its work: the database takes writes and has the right schema.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "getReadiness", responses(
    (status = 200, description = "Able to serve.", body = String, content_type = "text/plain"),
    (status = 503, description = "`unavailable`: not able to serve now.", body = super::problem::ProblemBody,
        content_type = "application/problem+json",
        headers(("Retry-After" = u64, description = "Whole seconds, at least 1."))),
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
