//! For whoever watches over the process.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use actix_web::{HttpResponse, web};
use tokio::sync::Mutex;

use super::{Api, problem::Problem};
use crate::store::{Store, StoreError};

/// A database that needs longer is not ready. Shorter than those who ask are patient.
const PATIENCE: Duration = Duration::from_secs(2);
/// As many connections as the service may have.
const LOST_CONNECTIONS: usize = 16;

/// Whether the service can do its work. However many ask, one at a time tries the database; who waited for an answer
/// that was begun after they asked takes that one.
#[derive(Default)]
pub struct Readiness {
    begun: AtomicU64,
    last: Mutex<(u64, Option<Verdict>)>,
}

#[derive(Clone, Copy)]
enum Verdict {
    Ready,
    OldSchema,
    NotWritable,
}

/// The process is alive.
#[utoipa::path(get, path = "/livez", tag = "health", operation_id = "getLiveness", responses(
    (status = 200, description = "The process is alive.", body = String, content_type = "text/plain"),
))]
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("alive\n")
}

/// The service can do its work: the database takes writes and has the right schema. The keys were loaded at the start.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "getReadiness", responses(
    (status = 200, description = "Able to serve.", body = String, content_type = "text/plain"),
    (status = 503, description = "`unavailable`: not able to serve now.", body = super::problem::ProblemBody,
        content_type = "application/problem+json",
        headers(("Retry-After" = u64, description = "Whole seconds, at least 1."))),
))]
pub(super) async fn ready(api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    match api.readiness.ask(&api).await {
        Verdict::Ready => Ok(HttpResponse::Ok()
            .content_type("text/plain; charset=utf-8")
            .body("ready\n")),
        Verdict::OldSchema => Err(Problem::unavailable()
            .detail("The schema is not the one this version writes; run `countersign migrate`.")),
        Verdict::NotWritable => Err(Problem::unavailable()),
    }
}

impl Readiness {
    async fn ask(&self, api: &Api) -> Verdict {
        let before = self.begun.load(Ordering::Relaxed);
        let mut last = self.last.lock().await;
        if let (number, Some(verdict)) = *last
            && before < number
        {
            return verdict;
        }
        let number = 1 + self.begun.fetch_add(1, Ordering::Relaxed);
        let verdict = tokio::time::timeout(PATIENCE, look(api)).await;
        let verdict = verdict.unwrap_or_else(|_| {
            tracing::warn!(error = "it does not answer in time", "service.not_ready");
            Verdict::NotWritable
        });
        *last = (number, Some(verdict));
        verdict
    }
}

async fn look(api: &Api) -> Verdict {
    let mut lost = 0;
    loop {
        match try_database(&api.store).await {
            Ok(true) => return Verdict::Ready,
            Ok(false) => return Verdict::OldSchema,
            // A restarted PostgreSQL leaves dead connections behind, which say nothing of how it is now.
            Err(StoreError::Lost(_)) if lost < LOST_CONNECTIONS => lost += 1,
            Err(error) => {
                api.store.count_error(&error);
                tracing::warn!(%error, "service.not_ready");
                return Verdict::NotWritable;
            }
        }
    }
}

async fn try_database(store: &Store) -> Result<bool, StoreError> {
    store.is_writable().await?;
    store.is_current().await
}
