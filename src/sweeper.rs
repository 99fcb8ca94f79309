//! The sweeper: ends what is overdue, and deletes what need not be kept.

mod expiries;
mod pace;
mod reach;
mod sweep;
mod walk;

use std::{collections::HashMap, time::Duration};

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use self::{
    expiries::Expiries,
    reach::Reach,
    sweep::Sweep,
    walk::{STRETCH, Walk},
};
use crate::{
    domain::{
        clock::{Clock, Timestamp},
        id::Id,
    },
    store::{Directory, Journal, Store, StoreError, Stretch},
};

/// How often overdue verifications are ended.
const END_EVERY: Duration = Duration::from_secs(1);
/// How long after the start, and how often from then on, is looked for what the walk through expiries has passed over: a
/// database that was put back to an earlier state, for instance.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(10);
const FORGOTTEN_EVERY: Duration = Duration::from_hours(24);
/// How often what is older than its retention is deleted.
const PURGE_EVERY: Duration = Duration::from_secs(15);
/// Overdue verifications that are ended together.
const CHUNK: usize = 500;
/// Verifications that expired one after another and are looked at together, ended or not.
const STRETCH_OF_EXPIRIES: i64 = 5000;
/// What is kept of a tenant that is gone.
const RETENTION_OF_NOBODY: Duration = Duration::from_hours(24);

/// What the last purge left.
#[derive(Default)]
struct Purged {
    /// How far it came for each tenant.
    tenants: HashMap<String, Reach>,
    /// Tenants that are gone, and left something behind, are among them, too.
    knows_the_gone: bool,
}

impl Purged {
    /// What was ended late may lie where a walk has been already.
    fn begins_again(&mut self) {
        for reach in self.tenants.values_mut() {
            *reach = Reach::beginning();
        }
    }
}

pub struct Sweeper {
    pub store: Store,
    pub journal: Journal,
    pub directory: Directory,
    pub clock: Clock,
}

impl Sweeper {
    /// Works until `stop`. A long purge must not keep overdue verifications from being ended.
    pub async fn run(self, stop: CancellationToken) {
        let mut expiries = None;
        // What ran out while nobody was there has to end before it can be deleted.
        self.note(self.end_overdue(&mut expiries, self.clock.now()).await);
        let end = async {
            loop {
                self.rest(END_EVERY, &stop).await;
                if stop.is_cancelled() {
                    break;
                }
                let now = self.clock.now();
                self.note(self.end_overdue(&mut expiries, now).await);
            }
        };
        let delete = async {
            let mut purged = Purged::default();
            let mut sweep = Sweep::new(&self.clock);
            let mut walk = Walk::default();
            let mut forgotten_at = self.clock.now().plus(FORGOTTEN_AFTER);
            while !stop.is_cancelled() {
                // That one fails must not keep the others from being done.
                let now = self.clock.now();
                // A clock that was ahead may have been set back.
                forgotten_at = forgotten_at.min(now.plus(FORGOTTEN_EVERY));
                if forgotten_at <= now {
                    let ended = self.end_forgotten(now, &stop).await;
                    let next = if ended.is_ok() {
                        FORGOTTEN_EVERY
                    } else {
                        FORGOTTEN_AFTER
                    };
                    forgotten_at = now.plus(next);
                    if !matches!(ended, Ok(false)) {
                        purged.begins_again();
                    }
                    self.note(ended.map(drop));
                }
                self.note(self.purge(now, &mut purged, &mut sweep, &stop).await);
                self.note(self.purge_counters(now, &mut sweep, &stop).await);
                let budgets = self.purge_budgets(&mut walk, now, &mut sweep, &stop);
                self.note(budgets.await);
                if sweep.is_done() {
                    self.rest(PURGE_EVERY, &stop).await;
                }
            }
        };
        tokio::join!(end, delete);
    }

    async fn rest(&self, time: Duration, stop: &CancellationToken) {
        tokio::select! {
            () = self.clock.sleep(time) => {}
            () = stop.cancelled() => {}
        }
    }

    /// Deletes counters that say nothing any more, and sends that cannot be repeated.
    async fn purge_counters(
        &self,
        now: Timestamp,
        sweep: &mut Sweep,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        sweep.begins_turn();
        loop {
            let clock = self.clock.stopwatch();
            let is_full = self.store.purge_counters(now, sweep.pace.chunk()).await?;
            if !is_full || !self.goes_on(sweep, clock.elapsed(), is_full, stop).await? {
                return Ok(());
            }
        }
    }

    /// Walks on through the failure budgets, and deletes those that are unused.
    async fn purge_budgets(
        &self,
        walk: &mut Walk,
        now: Timestamp,
        sweep: &mut Sweep,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        sweep.begins_turn();
        loop {
            let stretch = self.store.unused_budgets(&walk.after, STRETCH, now);
            let Stretch { mut unused, end } = stretch.await?;
            let found = unused.len();
            while !unused.is_empty() {
                let clock = self.clock.stopwatch();
                let most = usize::try_from(sweep.pace.chunk()).expect("a small number");
                let chunk = unused.split_off(unused.len().saturating_sub(most));
                self.store.delete_budgets(&chunk, now).await?;
                if !self.goes_on(sweep, clock.elapsed(), true, stop).await? {
                    return Ok(());
                }
            }
            if !walk.goes_on(found, end) || stop.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// After a chunk: others have their turn. Tells whether there is time for another one.
    async fn goes_on(
        &self,
        sweep: &mut Sweep,
        took: Duration,
        is_full: bool,
        stop: &CancellationToken,
    ) -> Result<bool, StoreError> {
        if sweep.pace.fills_log() {
            self.store.take_in_log().await?;
        }
        self.rest(sweep.rest_after(took, is_full), stop).await;
        Ok(sweep.goes_on() && !stop.is_cancelled())
    }

    /// Ends what is overdue. `expiries`: how far that was done, once it is known.
    async fn end_overdue(
        &self,
        expiries: &mut Option<Expiries>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let expiries = match expiries {
            Some(expiries) => expiries,
            None => expiries.insert(Expiries::after(self.store.ended_until().await?)),
        };
        let again = expiries.goes_on(now);
        for chunk in again.chunks(CHUNK) {
            self.end(chunk, expiries).await?;
        }
        loop {
            let from = expiries.from();
            let overdue = self.store.overdue(from, now, STRETCH_OF_EXPIRIES).await?;
            for chunk in overdue.pending.chunks(CHUNK) {
                self.end(chunk, expiries).await?;
            }
            expiries.went(overdue.until, overdue.count);
            if overdue.is_last {
                break;
            }
        }
        match expiries.arrives(now) {
            Some(until) => self.store.note_ended(until).await,
            None => Ok(()),
        }
    }

    /// Ends what expired longer ago than anything that the walk may still come to. Tells whether there was any.
    async fn end_forgotten(
        &self,
        now: Timestamp,
        stop: &CancellationToken,
    ) -> Result<bool, StoreError> {
        let before = now.minus(FORGOTTEN_AFTER);
        let (mut from, mut any) = (Timestamp::default(), false);
        loop {
            let forgotten = self.store.forgotten(from, before, CHUNK).await?;
            let ended = join_all(forgotten.iter().map(|(id, _)| self.journal.expire(*id))).await;
            for ended in ended {
                match ended {
                    Ok(()) => any = true,
                    Err(error) if error.is_of_a_row() => self.note(Err(error)),
                    Err(error) => return Err(error),
                }
            }
            match forgotten.last() {
                Some((_, last)) if CHUNK <= forgotten.len() && !stop.is_cancelled() => {
                    from = last.plus(Duration::from_millis(1));
                }
                _ => return Ok(any),
            }
        }
    }

    /// Ends verifications. What cannot be read is left.
    async fn end(
        &self,
        overdue: &[(Id, Timestamp)],
        expiries: &mut Expiries,
    ) -> Result<(), StoreError> {
        // Together, so that they share batches.
        let ended = join_all(overdue.iter().map(|(id, _)| self.journal.expire(*id))).await;
        let mut outcome = Ok(());
        for ((id, expired_at), ended) in overdue.iter().zip(ended) {
            let Err(error) = ended else {
                expiries.ended(id);
                continue;
            };
            if error.is_of_a_row() {
                expiries.leaves(*id, *expired_at);
                self.note(Err(error));
            } else {
                outcome = Err(error);
            }
        }
        outcome
    }

    /// Deletes what ended longer ago than its tenant's retention. Ids begin with time, so it lies in a range of the
    /// primary key.
    async fn purge(
        &self,
        now: Timestamp,
        purged: &mut Purged,
        sweep: &mut Sweep,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        if !purged.knows_the_gone {
            // It reads the whole table: on a large one it may take more than one attempt, and the others do not wait.
            match self.store.tenants_with_verifications().await {
                Ok(all) => {
                    for tenant in all {
                        purged
                            .tenants
                            .entry(tenant)
                            .or_insert_with(Reach::beginning);
                    }
                    purged.knows_the_gone = true;
                }
                Err(error) => tracing::warn!(%error, "sweep.tenants_unknown"),
            }
        }
        for tenant in self.directory.names().await? {
            purged
                .tenants
                .entry(tenant)
                .or_insert_with(Reach::beginning);
        }
        let mut outcome = Ok(());
        for (tenant, reach) in &mut purged.tenants {
            // One tenant's trouble is not another's.
            let done = self.purge_tenant(tenant, reach, now, sweep, stop).await;
            let is_away = matches!(done, Err(StoreError::Unavailable(_)));
            outcome = outcome.and(done);
            if is_away || stop.is_cancelled() {
                break;
            }
        }
        outcome
    }

    async fn purge_tenant(
        &self,
        tenant: &str,
        reach: &mut Reach,
        now: Timestamp,
        sweep: &mut Sweep,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let retention = match self.directory.tenant(tenant).await? {
            Some(tenant) => tenant.policy.retention,
            None => RETENTION_OF_NOBODY,
        };
        // What would become too old before the next round goes now.
        let ended_before = now.minus(retention).plus(PURGE_EVERY);
        let end = Id::smallest_at(ended_before);
        if !reach.is_under_way() {
            reach.begins(ended_before, self.store.ended_until().await?);
        }
        sweep.begins_turn();
        loop {
            let clock = self.clock.stopwatch();
            let most = sweep.pace.chunk();
            let born = reach.from()..end;
            let purge = self.store.purge(tenant, born, ended_before, most);
            let Some(gone) = purge.await? else { break };
            reach.went(gone.last);
            let is_full = i64::try_from(gone.count).is_ok_and(|count| most <= count);
            let goes_on = self.goes_on(sweep, clock.elapsed(), is_full, stop).await?;
            if !is_full {
                break;
            }
            if !goes_on {
                return Ok(());
            }
        }
        reach.ends();
        Ok(())
    }

    fn note(&self, outcome: Result<(), StoreError>) {
        if let Err(error) = outcome {
            self.store.count_error(&error);
            tracing::warn!(%error, "sweep.failed");
        }
    }
}
