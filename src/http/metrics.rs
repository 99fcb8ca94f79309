//! `GET /metrics`, for Prometheus.

use std::time::Duration;

use actix_web::{HttpResponse, web};

use super::Api;
use crate::domain::clock::Timestamp;

/// The text format of Prometheus, which every version of it reads.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The database is asked no more often than this, however many scrape.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// When the database was last looked at for a scrape.
#[derive(Default)]
pub struct Scrapes(tokio::sync::Mutex<Option<Timestamp>>);

pub(super) async fn metrics(api: web::Data<Api>) -> HttpResponse {
    // Who comes while another looks takes what is there: a scrape waits for nobody.
    if let Ok(mut last) = api.scrapes.0.try_lock() {
        let now = api.clock.now();
        if last.is_none_or(|last| last.plus(LOOK_EVERY) <= now) {
            api.store.observe(now).await;
            *last = Some(now);
        }
    }
    HttpResponse::Ok()
        .content_type(TEXT)
        .body(api.store.metrics().text())
}
