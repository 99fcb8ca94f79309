//! The courier carries deliveries to Restcomm and brings back what became of them.
//!
//! Its promise: a delivery is handed over again only after Restcomm, asked, denied knowing it.

mod breaker;
mod fallback;
mod gate;
mod in_flight;
mod job;
mod look_up;
mod receipts;
mod shaper;
mod told;

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    gate::Gate,
    in_flight::{InFlight, InHand},
};
use crate::{
    crypto::KeyRing,
    domain::{
        clock::{Clock, Timestamp},
        id::Id,
        random::Random,
    },
    restcomm::{Account, Accounts},
    store::{Claimed, Directory, Journal, SetAside, Started, Store, StoreError},
};

/// Deliveries in hand at once, for all accounts.
const HAND_OFFS: usize = 512;
/// Due deliveries that are claimed at once.
const CLAIM: usize = 64;
/// The outbox is looked at no less often than this; another process may have left something in it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What is due and locked by somebody else is looked at again after this long: a lock is short, or its holder is dead.
const WAIT_FOR_LOCKS: Duration = Duration::from_millis(50);

/// Damaged deliveries that are remembered, so that each is told of once.
const DAMAGED: usize = 1024;

#[derive(Clone)]
pub struct Courier(Arc<Parts>, Arc<Own>);

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

/// What the courier of one process knows by itself.
struct Own {
    /// By the name of the account.
    gates: BTreeMap<String, Gate>,
    in_flight: InFlight,
    turns: look_up::Turns,
    damaged: Mutex<HashSet<Vec<u8>>>,
}

impl Courier {
    pub fn new(parts: Parts) -> Self {
        let (clock, random, metrics) = (&parts.clock, &parts.random, parts.store.metrics());
        let gates = parts.accounts.iter().zip(1..).map(|(account, position)| {
            let name = account.name();
            let pace = account.max_per_second();
            let gate = Gate::new(name, position, pace, clock, random, metrics);
            (name.to_owned(), gate)
        });
        let own = Own {
            gates: gates.collect(),
            in_flight: InFlight::default(),
            turns: look_up::Turns::default(),
            damaged: Mutex::default(),
        };
        Self(Arc::new(parts), Arc::new(own))
    }

    fn gate(&self, account: &Account) -> &Gate {
        &self.1.gates[account.name()]
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
        let fallbacks = tokio::spawn(self.clone().watch_fallbacks(stop.clone()));
        loop {
            let next = tokio::select! {
                biased;
                next = started.recv() => next,
                () = stop.cancelled() => None,
            };
            let Some(started) = next else { break };
            // What waits here for its turn is in hand, too.
            let Some(in_hand) = self.1.in_flight.take(started.dispatch.delivery.id) else {
                continue;
            };
            let Ok(permit) = permits.clone().acquire_owned().await else {
                break;
            };
            let courier = self.clone();
            let context = started.context;
            let work = async move {
                courier.start(started).await;
                drop((in_hand, permit));
            };
            tasks.spawn(context.within(work));
        }
        // The loop ends at the latest with its next look.
        let _ = outbox.await;
        let _ = receipts.await;
        let _ = fallbacks.await;
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
        let in_hand = self.1.in_flight.all();
        let (claimed, set_aside) = parts
            .store
            .claim_due(CLAIM, parts.random.name(), &in_hand, now)
            .await?;
        for damaged in set_aside {
            self.tell_damage(damaged);
        }
        if claimed.is_empty() {
            tokio::time::sleep(WAIT_FOR_LOCKS).await;
        }
        let claimed = claimed.into_iter().filter_map(|claimed| {
            let in_hand = self.1.in_flight.take(claimed.delivery.id)?;
            Some((claimed, in_hand))
        });
        let claimed: Vec<(Claimed, InHand)> = claimed.collect();
        for (claimed, in_hand) in claimed {
            let Ok(permit) = permits.clone().acquire_owned().await else {
                break;
            };
            let courier = self.clone();
            tasks.spawn(async move {
                courier.resume(claimed).await;
                drop((in_hand, permit));
            });
        }
        Ok(now)
    }

    /// A row that cannot be read was set aside: that is told once.
    fn tell_damage(&self, SetAside { id, error }: SetAside) {
        let damaged = self.1.damaged.lock();
        let mut damaged = damaged.unwrap_or_else(PoisonError::into_inner);
        if damaged.len() < DAMAGED && damaged.insert(id.clone()) {
            self.0.store.count_error(&error);
            let id = Id::from_bytes(&id).map(|id| id.to_string());
            tracing::error!(%error, delivery.id = id, "outbox.damaged");
        }
    }
}
