//! What a batch works on: the rows that its commands touch, gathered once each, and locked in an order that every batch
//! keeps.

use std::collections::BTreeSet;

use super::{
    StoreError,
    batch_tx::BatchTx,
    journal::{Command, Entry},
    record::Record,
};
use crate::{
    crypto::KeyRing,
    domain::{
        check::Target,
        failures::FailureBudget,
        id::Id,
        idempotency::Remembered,
        ledger::{Ledger, Rows},
        limits::Counter,
        verification::Status,
    },
};

/// The keys that the commands of a batch touch, each once and sorted.
#[derive(Default)]
pub(super) struct Needs {
    api_keys: BTreeSet<[u8; 32]>,
    sends: BTreeSet<[u8; 32]>,
    indexes: BTreeSet<[u8; 32]>,
    youngest: BTreeSet<([u8; 32], String)>,
    pub(super) counters: BTreeSet<[u8; 16]>,
    /// Verifications that are guessed at: the number's failures are needed as well.
    pub(super) guessed: BTreeSet<Id>,
    verifications: BTreeSet<Id>,
    deliveries: BTreeSet<Id>,
    /// Verifications, and the number and purpose of others, whose latest delivery is needed whatever became of it.
    with_delivery: BTreeSet<Id>,
    youngest_with_delivery: BTreeSet<([u8; 32], String)>,
}

impl Needs {
    pub(super) fn of(entries: &[Entry]) -> Self {
        let mut needs = Self::default();
        for entry in entries {
            needs.add(&entry.command);
        }
        needs
    }

    fn add(&mut self, command: &Command) {
        match command {
            Command::Send(send) => {
                self.api_keys.extend(send.key);
                self.indexes.extend(send.index.all());
                let youngest = send.index.all().map(|index| (*index, send.purpose.clone()));
                self.youngest_with_delivery.extend(youngest);
                self.sends
                    .extend(send.once.iter().flat_map(|once| once.row.all()));
                self.counters
                    .extend(send.limits.iter().flat_map(|limit| limit.counter.all()));
            }
            Command::Check(check) => {
                self.api_keys.extend(check.key);
                if let Some(decoys) = &check.uniform {
                    self.indexes.insert(decoys.budget);
                    self.counters.insert(decoys.counter);
                    self.deliveries.insert(decoys.delivery);
                }
                let is_uniform = check.uniform.is_some();
                match &check.target {
                    Target::Id(id) => {
                        self.guessed.insert(*id);
                        self.with_delivery.extend(is_uniform.then_some(*id));
                    }
                    Target::Number { index, purpose } => {
                        self.indexes.extend(index.all());
                        let youngest = if is_uniform {
                            &mut self.youngest_with_delivery
                        } else {
                            &mut self.youngest
                        };
                        youngest.extend(index.all().map(|index| (*index, purpose.clone())));
                    }
                }
            }
            Command::Cancel(cancel) => {
                self.api_keys.extend(cancel.key);
                self.verifications.insert(cancel.id);
            }
            Command::Report(report) => {
                self.deliveries.insert(report.delivery);
                self.verifications.insert(report.verification);
                if report.report.may_give_back() {
                    self.counters.extend(&report.charges);
                }
            }
            Command::Speak(speak) => {
                self.deliveries.insert(speak.delivery);
                self.verifications.insert(speak.verification);
                self.with_delivery.insert(speak.verification);
            }
            Command::FallBack(due) => {
                self.deliveries.insert(due.delivery);
                // Nothing falls back to a number that is blocked.
                self.guessed.insert(due.verification);
                self.counters.extend(&due.charges);
            }
            Command::Keep(keep) => {
                self.sends.insert(keep.place.row);
            }
            Command::Expire(id) => {
                self.verifications.insert(*id);
            }
            Command::TakeBack(take_back) => {
                self.indexes.extend(&take_back.indexes);
                self.counters.extend(&take_back.charges);
                self.verifications.insert(take_back.verification);
                self.deliveries.insert(take_back.delivery);
            }
        }
    }
}

/// Loads and locks, in the order that every batch keeps: keys, sends with an `Idempotency-Key`, budgets, counters, verifications, deliveries.
pub(super) async fn load(
    tx: &mut BatchTx,
    mut needs: Needs,
    ring: &KeyRing,
) -> Result<Ledger, StoreError> {
    let mut ledger = Ledger {
        keys: tx
            .key_states(&sorted(std::mem::take(&mut needs.api_keys)))
            .await?,
        ..Ledger::default()
    };
    let sends = sorted(std::mem::take(&mut needs.sends));
    tx.make_lockable::<Remembered>(&sends).await?;
    load_rows(tx, &mut ledger.sends, &sends).await?;
    is_whole(tx, &ledger.sends, &sends)?;
    load_budgets(tx, &mut ledger, &mut needs, ring).await?;
    let counters = sorted(needs.counters);
    if ring.is_rotating() {
        // Two batches that find the same counter missing both write it, and one of them is run again. But now it has several
        // names, and they may write it by others.
        tx.make_lockable::<Counter>(&counters).await?;
        load_rows(tx, &mut ledger.counters, &counters).await?;
        is_whole(tx, &ledger.counters, &counters)?;
    } else {
        load_rows(tx, &mut ledger.counters, &counters).await?;
    }
    needs
        .youngest
        .extend(needs.youngest_with_delivery.iter().cloned());
    ledger.youngest = tx.youngest(&needs.youngest).await?;
    for (subject, id) in &ledger.youngest {
        needs.verifications.insert(*id);
        if needs.youngest_with_delivery.contains(subject) {
            needs.with_delivery.insert(*id);
        }
    }
    needs
        .verifications
        .retain(|id| ledger.verifications.get(id).is_none());
    load_rows(tx, &mut ledger.verifications, &sorted(needs.verifications)).await?;
    if !tx.is_locked() && !ring.is_rotating() {
        has_budgets(&ledger, &needs.guessed)?;
    }
    // Where Restcomm has the message, what ends with a verification stands in its row.
    for (id, row) in ledger.verifications.iter() {
        if row.value.follow_up.is_none() || needs.with_delivery.contains(id) {
            needs.deliveries.insert(row.value.delivery);
        }
    }
    load_rows(tx, &mut ledger.deliveries, &sorted(needs.deliveries)).await?;
    ledger.join_follow_ups();
    Ok(ledger)
}

/// Loads and locks failure budgets: those of numbers that are known, and those of numbers that only their verifications know.
async fn load_budgets(
    tx: &mut BatchTx,
    ledger: &mut Ledger,
    needs: &mut Needs,
    ring: &KeyRing,
) -> Result<(), StoreError> {
    let guessed = sorted(needs.guessed.clone());
    if ring.is_rotating() {
        // Which numbers they are of, read before the lock: the number never changes. Its index moves to a newer key with a
        // resend after a rotation; it is looked for under every key, so both are found.
        for (index, every) in tx.indexes_of(&guessed, ring).await? {
            needs.indexes.extend(every.all());
            ledger.indexes.insert(index, every);
        }
        needs.verifications.extend(guessed.iter().copied());
    } else if tx.is_locked() {
        // Nothing has an order here, and a number has one index: so each is read once.
        load_rows(tx, &mut ledger.verifications, &guessed).await?;
        let guessed = ledger.verifications.iter();
        needs
            .indexes
            .extend(guessed.map(|(_, row)| row.value.number_index));
    }
    let indexes = sorted(needs.indexes.clone());
    tx.make_lockable::<FailureBudget>(&indexes).await?;
    if tx.is_locked() || ring.is_rotating() || guessed.is_empty() {
        load_rows(tx, &mut ledger.budgets, &indexes).await?;
    } else {
        needs.verifications.extend(guessed.iter().copied());
        for row in tx.budgets_of(&guessed, &indexes).await? {
            ledger.budgets.load(row.key, row.value, row.version);
        }
    }
    is_whole(tx, &ledger.budgets, &indexes)
}

/// Whether the budget of every number that is guessed at was there to be locked. Most are: as long as a number has a code, its
/// budget stays. One that is gone is made by `make_way`: made here, after others were locked, it would be waited for by those
/// who hold what is still to be locked. Whoever guesses at what has ended needs none, and must not wait for one either.
fn has_budgets(ledger: &Ledger, guessed: &BTreeSet<Id>) -> Result<(), StoreError> {
    let guessed = guessed.iter().filter_map(|id| ledger.verifications.get(id));
    for verification in guessed.filter(|guessed| guessed.status == Status::Pending) {
        if ledger.budgets.get(&verification.number_index).is_none() {
            return Err(StoreError::Again);
        }
    }
    Ok(())
}

/// Loads and locks rows of one table.
async fn load_rows<T>(
    tx: &mut BatchTx,
    rows: &mut Rows<T::Key, T>,
    keys: &[T::Key],
) -> Result<(), StoreError>
where
    T: Record + Clone + PartialEq,
    T::Key: Copy + Eq + std::hash::Hash,
{
    let loaded = tx.load::<T>(keys).await?;
    // Most of what is looked for and is not there is made.
    rows.reserve(keys.len());
    for row in loaded {
        rows.load(row.key, row.value, row.version);
    }
    Ok(())
}

/// Whether a row of each key was there to be locked. The sweeper may have taken an empty one just before.
fn is_whole<K, T>(tx: &BatchTx, rows: &Rows<K, T>, keys: &[K]) -> Result<(), StoreError>
where
    K: Copy + Eq + std::hash::Hash,
    T: Clone + PartialEq,
{
    if tx.is_locked() || keys.iter().all(|key| rows.get(key).is_some()) {
        Ok(())
    } else {
        Err(StoreError::Again)
    }
}

pub(super) fn sorted<K>(keys: BTreeSet<K>) -> Vec<K> {
    keys.into_iter().collect()
}
