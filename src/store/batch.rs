//! One transaction for everybody who waits: gather the keys, load them under lock in a fixed order, decide, write each
//! changed row once, commit.

use std::collections::BTreeSet;

use super::{
    Store, StoreError,
    batch_tx::BatchTx,
    fate::Traces,
    journal::{Command, Entry, Outcome},
    patience::Patience,
    record::{Change, Record},
    tally::{Ended, Open},
};
use crate::{
    crypto::KeyRing,
    domain::{
        check::Target,
        clock::Timestamp,
        delivery::Delivery,
        ending::expire,
        failures::FailureBudget,
        id::Id,
        idempotency::Remembered,
        ledger::{Ledger, Op, Rows},
        limits::Counter,
        verification::Verification,
    },
};

/// What a batch came to.
pub(super) enum Committed {
    Yes(Decided),
    /// The connection was lost while committing, or the answer did not come in time: only the database knows.
    Perhaps(Decided, Box<Traces>),
}

/// The outcomes in the order of the commands, and what ended with them.
pub(super) struct Decided {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) ended: Ended,
}

/// The keys that the commands of a batch touch, each once and sorted.
#[derive(Default)]
struct Needs {
    api_keys: BTreeSet<[u8; 32]>,
    sends: BTreeSet<[u8; 32]>,
    indexes: BTreeSet<[u8; 32]>,
    youngest: BTreeSet<([u8; 32], String)>,
    counters: BTreeSet<[u8; 16]>,
    /// Verifications that are guessed at: the number's failures are needed as well.
    guessed: BTreeSet<Id>,
    verifications: BTreeSet<Id>,
    deliveries: BTreeSet<Id>,
    /// Verifications, and the number and purpose of others, whose latest delivery is needed whatever became of it.
    with_delivery: BTreeSet<Id>,
    youngest_with_delivery: BTreeSet<([u8; 32], String)>,
}

/// Runs `entries` in order of arrival, as one transaction.
pub(super) async fn run(
    store: &Store,
    ring: &KeyRing,
    entries: &[Entry],
    now: Timestamp,
    patience: Patience,
) -> Result<Committed, StoreError> {
    let work = async {
        let mut tx = store.begin_batch().await?;
        let (decided, traces) = apply(&mut tx, ring, entries, now).await?;
        Ok((tx, decided, traces))
    };
    let (tx, decided, traces) = patience.to_work(work).await?;
    if traces.is_empty() {
        // Nothing to keep: the transaction is dropped, and costs no write to the disk.
        return Ok(Committed::Yes(decided));
    }
    // Between us and PostgreSQL there may be others, who tell of a lost connection in words of their own.
    let is_told_first_hand = matches!(tx, BatchTx::Sqlite(_));
    match patience.to_commit(tx.commit()).await {
        Some(Ok(())) => {
            store.wrote();
            Ok(Committed::Yes(decided))
        }
        Some(Err(error)) if is_told_first_hand || matches!(error, StoreError::Again) => Err(error),
        Some(Err(_)) | None => Ok(Committed::Perhaps(decided, Box::new(traces))),
    }
}

/// Makes way for `entries`, which are to be run again: another batch may have made the counters that they found missing,
/// or a third may do so meanwhile. In a transaction of its own, which waits for nobody while it holds what others wait for.
pub(super) async fn make_way(
    store: &Store,
    entries: &[Entry],
    patience: Patience,
) -> Result<(), StoreError> {
    let counters = sorted(Needs::of(entries).counters);
    if store.is_sqlite() || counters.is_empty() {
        return Ok(());
    }
    patience
        .to_work(store.make_lockable::<Counter>(&counters))
        .await
}

/// Loads, decides and writes; the commit is still to come.
async fn apply(
    tx: &mut BatchTx,
    ring: &KeyRing,
    entries: &[Entry],
    now: Timestamp,
) -> Result<(Decided, Traces), StoreError> {
    let mut ledger = load(tx, Needs::of(entries), ring).await?;
    let open = Open::of(&ledger);
    let outcomes = entries
        .iter()
        .map(|entry| decide(entry, &mut ledger, ring, now))
        .collect();
    ledger.part_follow_ups();
    let traces = write(tx, &ledger, ring.newest())?;
    tx.written().await?;
    if let (BatchTx::Sqlite(tx), false) = (tx, traces.is_empty()) {
        // PostgreSQL has a clock of its own, and its replicas would wait for each other here.
        tx.note_now(now)?;
    }
    let ended = open.ended(&ledger);
    Ok((Decided { outcomes, ended }, traces))
}

fn decide(entry: &Entry, ledger: &mut Ledger, ring: &KeyRing, now: Timestamp) -> Outcome {
    let op = entry.op;
    match &entry.command {
        Command::Send(send) => Outcome::Send(send.decide(ledger, ring, op, now)),
        Command::Check(check) => Outcome::Check(check.decide(ledger, ring, op, now)),
        Command::Cancel(cancel) => Outcome::Cancel(cancel.decide(ledger, op, now)),
        Command::Report(report) => Outcome::Report(report.decide(ledger, op, now)),
        Command::Speak(speak) => Outcome::Spoke(speak.decide(ledger, ring, op, now)),
        Command::FallBack(due) => Outcome::FellBack(due.decide(ledger, ring, op, now)),
        Command::Keep(keep) => Outcome::Kept(keep.decide(ledger, op)),
        Command::Expire(id) => {
            expire(*id, ledger, op, now);
            Outcome::Expired
        }
        Command::TakeBack(take_back) => {
            take_back.decide(ledger, op, now);
            Outcome::TakenBack
        }
    }
}

impl Needs {
    fn of(entries: &[Entry]) -> Self {
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
async fn load(tx: &mut BatchTx, mut needs: Needs, ring: &KeyRing) -> Result<Ledger, StoreError> {
    let mut ledger = Ledger {
        keys: tx.key_states(&sorted(needs.api_keys)).await?,
        ..Ledger::default()
    };
    let sends = sorted(needs.sends);
    tx.make_lockable::<Remembered>(&sends).await?;
    load_rows(tx, &mut ledger.sends, &sends).await?;
    is_whole(tx, &ledger.sends, &sends)?;
    let guessed = sorted(needs.guessed);
    // Of numbers that are known by their verifications most have budgets, which need not be made.
    let mut without_budget = needs.indexes.clone();
    if ring.is_rotating() {
        // Which numbers they are of, read before the lock: the number never changes. Its index moves to a newer key with a
        // resend after a rotation; it is looked for under every key, so both are found.
        for (index, every) in tx.indexes_of(&guessed, ring).await? {
            needs.indexes.extend(every.all());
            without_budget.extend(every.all());
            ledger.indexes.insert(index, every);
        }
        needs.verifications.extend(guessed);
    } else if tx.is_locked() {
        // Nothing has an order here, and a number has one index: so each is read once.
        load_rows(tx, &mut ledger.verifications, &guessed).await?;
        let guessed = ledger.verifications.iter();
        needs
            .indexes
            .extend(guessed.map(|(_, row)| row.value.number_index));
    } else {
        for (index, has_budget) in tx.numbers_of(&guessed).await? {
            needs.indexes.insert(index);
            without_budget.extend((!has_budget).then_some(index));
        }
        needs.verifications.extend(guessed);
    }
    let indexes = sorted(needs.indexes);
    let without_budget = sorted(without_budget);
    tx.make_lockable::<FailureBudget>(&without_budget).await?;
    load_rows(tx, &mut ledger.budgets, &indexes).await?;
    is_whole(tx, &ledger.budgets, &indexes)?;
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
fn is_whole<K, T>(tx: &BatchTx, rows: &Rows<K, T>, keys: &[K]) -> Result<(), StoreError> {
    if tx.is_locked() || rows.count() == keys.len() {
        Ok(())
    } else {
        Err(StoreError::Again)
    }
}

/// Writes each changed row once.
fn write(tx: &mut BatchTx, ledger: &Ledger, key_id: &str) -> Result<Traces, StoreError> {
    Ok(Traces {
        sends: write_rows::<Remembered>(tx, &ledger.sends, key_id)?,
        budgets: write_rows::<FailureBudget>(tx, &ledger.budgets, key_id)?,
        counters: write_rows::<Counter>(tx, &ledger.counters, key_id)?,
        verifications: write_rows::<Verification>(tx, &ledger.verifications, key_id)?,
        deliveries: write_rows::<Delivery>(tx, &ledger.deliveries, key_id)?,
        locked: sorted(ledger.budgets.iter().map(|(index, _)| *index).collect()),
    })
}

fn write_rows<T>(
    tx: &mut BatchTx,
    rows: &Rows<T::Key, T>,
    key_id: &str,
) -> Result<Vec<(T::Key, i64, Op)>, StoreError>
where
    T: Record + Clone + PartialEq,
    T::Key: Copy + Ord + std::hash::Hash,
{
    let dirty = rows.iter().filter_map(|(key, row)| {
        row.changed_by.map(|op| Change {
            key: *key,
            value: &row.value,
            before: row.before.as_ref(),
            version: row.version,
            op,
        })
    });
    let mut changes: Vec<_> = dirty.collect();
    changes.sort_by_key(|change| change.key);
    tx.write(&changes, key_id)?;
    Ok(changes
        .iter()
        .map(|change| (change.key, change.version, change.op))
        .collect())
}

fn sorted<K>(keys: BTreeSet<K>) -> Vec<K> {
    keys.into_iter().collect()
}
