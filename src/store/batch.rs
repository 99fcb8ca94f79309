//! One transaction for everybody who waits: gather the keys, load them under lock in a fixed order, decide, write each
//! changed row once, commit.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    Store, StoreError,
    batch_tx::BatchTx,
    fate::Traces,
    journal::{Command, Entry, Outcome},
    loading::{Needs, load, sorted},
    patience::Patience,
    record::{Change, Record},
    tally::{Ended, Open},
};
use crate::{
    crypto::KeyRing,
    domain::{
        clock::Timestamp,
        delivery::Delivery,
        ending::expire,
        failures::FailureBudget,
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
    pub(super) took: Took,
}

/// How long a batch was worked on, and then its commit.
#[derive(Clone, Copy, Default)]
pub(super) struct Took {
    pub(super) work: Duration,
    pub(super) commit: Duration,
}

/// Runs `entries` in order of arrival, as one transaction.
pub(super) async fn run(
    store: &Store,
    ring: &KeyRing,
    entries: &[Entry],
    now: Timestamp,
    patience: Patience,
) -> Result<Committed, StoreError> {
    let begun = Instant::now();
    let work = async {
        let mut tx = store.begin_batch().await?;
        let (decided, traces) = apply(&mut tx, ring, entries, now).await?;
        Ok((tx, decided, traces))
    };
    let (tx, mut decided, traces) = patience.to_work(work).await?;
    decided.took.work = begun.elapsed();
    if traces.is_empty() {
        // Nothing to keep: the transaction is dropped, and costs no write to the disk.
        return Ok(Committed::Yes(decided));
    }
    // Between us and PostgreSQL there may be others, who tell of a lost connection in words of their own.
    let is_told_first_hand = matches!(tx, BatchTx::Sqlite(_));
    let committed = patience.to_commit(tx.commit()).await;
    decided.took.commit = begun.elapsed().saturating_sub(decided.took.work);
    match committed {
        Some(Ok(())) => {
            store.wrote(traces.begin_any());
            Ok(Committed::Yes(decided))
        }
        Some(Err(error)) if is_told_first_hand || matches!(error, StoreError::Again) => Err(error),
        Some(Err(_)) | None => Ok(Committed::Perhaps(decided, Box::new(traces))),
    }
}

/// Makes way for `entries`, which are to be run again: another batch may have made the counters that they found missing,
/// or a third may do so meanwhile; and the budgets of numbers that they check may be gone. In transactions of their own,
/// which wait for nobody while they hold what others wait for.
pub(super) async fn make_way(
    store: &Store,
    entries: &[Entry],
    patience: Patience,
) -> Result<(), StoreError> {
    if store.is_sqlite() {
        return Ok(());
    }
    let needs = Needs::of(entries);
    let (counters, guessed) = (sorted(needs.counters), sorted(needs.guessed));
    patience
        .to_work(async {
            store.make_lockable::<Counter>(&counters).await?;
            store.make_budgets_of(&guessed).await
        })
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
    let took = Took::default();
    let decided = Decided {
        outcomes,
        ended,
        took,
    };
    Ok((decided, traces))
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
