//! For whoever watches over the process.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use actix_web::{HttpResponse, web};
use tokio::sync::Mutex;

use super::{
    Api,
    codes::ProblemCode,
    openapi::{Refusals, Refused},
    problem::Problem,
};
use crate::{
    domain::clock::Timestamp,
    store::{Store, StoreError},
};

/// For so long a database that took a write is taken to take another, unless it refuses one meanwhile: whoever asks all the
/// time does not make it busy.
const READY_FOR: Duration = Duration::from_secs(1);
/// A database that needs longer is not ready. Shorter than those who ask are patient.
const PATIENCE: Duration = Duration::from_secs(2);
/// As many connections as the service may have.
const LOST_CONNECTIONS: usize = 16;

/// Whether the service can do its work. However many ask, one at a time tries the database; who waited for an answer
/// that was begun after they asked takes that one.
#[derive(Default)]
pub struct Readiness {
    begun: AtomicU64,
    last: Mutex<Option<Tried>>,
}

impl Refused for Readiness {
    fn codes() -> Vec<ProblemCode> {
        vec![ProblemCode::Unavailable]
    }
}

struct Tried {
    number: u64,
    at: Timestamp,
    verdict: Verdict,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ready,
    OldSchema,
    NotWritable,
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
/// The database takes writes and has the schema of this version, or of a newer one. While this fails, send calls elsewhere.
#[utoipa::path(get, path = "/readyz", tag = "health", operation_id = "getReadiness", security(()), responses(
    (status = 200, description = "Able to serve.", body = String, content_type = "text/plain", example = "ready\n"),
    (status = 400, description = "The request is no valid HTTP. There is no body."),
    Refusals<Readiness>,
))]
pub(super) async fn ready(api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    match api.readiness.ask(&api).await {
        Verdict::Ready => Ok(HttpResponse::Ok()
            .content_type("text/plain; charset=utf-8")
            .body("ready\n")),
        Verdict::OldSchema => Err(Problem::unavailable().detail(
            "The schema is older than the one this version writes; run `countersign migrate`.",
        )),
        Verdict::NotWritable => Err(Problem::unavailable()),
    }
}

impl Readiness {
    async fn ask(&self, api: &Api) -> Verdict {
        let before = self.begun.load(Ordering::Relaxed);
        let mut last = self.last.lock().await;
        let at = api.clock.now();
        if let Some(tried) = last.as_ref().filter(|tried| {
            before < tried.number
                || tried.verdict == Verdict::Ready
                    && at < tried.at.plus(READY_FOR)
                    && !api.store.may_lack_room()
        }) {
            return tried.verdict;
        }
        let number = 1 + self.begun.fetch_add(1, Ordering::Relaxed);
        let verdict = tokio::time::timeout(PATIENCE, look(api)).await;
        let verdict = verdict.unwrap_or_else(|_| {
            tracing::warn!(error = "it does not answer in time", "service.not_ready");
            Verdict::NotWritable
        });
        *last = Some(Tried {
            number,
            at,
            verdict,
        });
        verdict
    }
}

/// The keys need no look: without them there would be no service.
async fn look(api: &Api) -> Verdict {
    let mut lost = 0;
    loop {
        match try_database(&api.store, api.clock.now()).await {
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

async fn try_database(store: &Store, now: Timestamp) -> Result<bool, StoreError> {
    store.is_writable(now).await?;
    store.is_current().await
}
