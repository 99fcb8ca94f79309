//! The courier carries deliveries to Restcomm and brings back what became of them.
//!
//! Its promise: a delivery is handed over again only after Restcomm, asked, denied knowing it.

mod job;
mod receipts;
mod told;

use std::{sync::Arc, time::Duration};

use tokio::sync::{Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument as _;

use crate::{
    crypto::KeyRing,
    domain::{
        clock::{Clock, Timestamp},
        random::Random,
    },
    restcomm::Accounts,
    store::{Directory, Journal, Started, Store, StoreError},
};

/// Hand-offs that run at once.
const HAND_OFFS: usize = 512;
/// Due deliveries that are claimed at once.
const CLAIM: i64 = 64;
/// The outbox is looked at no less often than this; another process may have left something in it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What is due and locked by somebody else is looked at again after this long: a lock is short, or its holder is dead.
const WAIT_FOR_LOCKS: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub struct Courier(Arc<Parts>);

pub struct Parts {
    pub store: Store,
    pub journal: Journal,
    pub directory: Directory,
    pub accounts: Arc<Accounts>,
    pub ring: KeyRing,
    pub clock: Clock,
    pub random: Random,
    /// Where Restcomm reaches this service; no slash at its end.
    pub callback_url: String,
}

impl Courier {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Works until `stop`, then finishes what it has begun.
    pub async fn run(self, mut started: mpsc::Receiver<Started>, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        let permits = Arc::new(Semaphore::new(HAND_OFFS));
        let outbox = tokio::spawn(self.clone().watch_outbox(
            tasks.clone(),
            permits.clone(),
            stop.clone(),
        ));
        let receipts = tokio::spawn(self.clone().watch_receipts(stop.clone()));
        loop {
            let next = tokio::select! {
                biased;
                next = started.recv() => next,
                () = stop.cancelled() => None,
            };
            let Some(started) = next else { break };
            let Ok(permit) = permits.clone().acquire_owned().await else {
                break;
            };
            let courier = self.clone();
            let span = started.span.clone();
            let work = async move {
                courier.start(started).await;
                drop(permit);
            };
            tasks.spawn(work.instrument(span));
        }
        // The loop ends at the latest with its next look.
        let _ = outbox.await;
        let _ = receipts.await;
        tasks.close();
        tasks.wait().await;
    }

    /// Claims what is due: retries, look-ups, and what a process that died left behind.
    async fn watch_outbox(
        self,
        tasks: TaskTracker,
        permits: Arc<Semaphore>,
        stop: CancellationToken,
    ) {
        while !stop.is_cancelled() {
            let now = self.0.clock.now();
            let next_look = match self.take_due(&tasks, &permits, now).await {
                Ok(next_look) => next_look,
                Err(error) => {
                    self.0.store.count_error(&error);
                    tracing::warn!(%error, "outbox.unreadable");
                    now.plus(LOOK_EVERY)
                }
            };
            tokio::select! {
                () = self.0.clock.sleep_until(next_look) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Starts work on what is due at `now`, and tells when to look again.
    async fn take_due(
        &self,
        tasks: &TaskTracker,
        permits: &Arc<Semaphore>,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let parts = &self.0;
        match parts.store.next_due().await? {
            Some(due) if due <= now => {}
            Some(due) => return Ok(due.min(now.plus(LOOK_EVERY))),
            None => return Ok(now.plus(LOOK_EVERY)),
        }
        let claimed = parts
            .store
            .claim_due(CLAIM, parts.random.bytes(), now)
            .await?;
        if claimed.is_empty() {
            tokio::time::sleep(WAIT_FOR_LOCKS).await;
        }
        for claimed in claimed {
            let Ok(permit) = permits.clone().acquire_owned().await else {
                break;
            };
            let courier = self.clone();
            tasks.spawn(async move {
                courier.resume(claimed).await;
                drop(permit);
            });
        }
        Ok(now)
    }
}
