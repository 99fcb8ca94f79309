//! What became of a commit whose answer did not come.

use std::{collections::HashMap, time::Duration};

use super::{
    Store, StoreError, Tx,
    patience::{self, Patience},
    record::{self, Record},
};
use crate::domain::{
    delivery::Delivery, failures::FailureBudget, id::Id, idempotency::Remembered, ledger::Op,
    limits::Counter, verification::Verification,
};

/// Between two questions: a restarted PostgreSQL leaves a pool of dead connections behind, and may take a while to be back.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// By which rows a commit of unknown fate can be recognised.
#[derive(Default)]
pub(super) struct Traces {
    pub(super) verifications: Vec<(Id, i64, Op)>,
    pub(super) deliveries: Vec<(Id, i64, Op)>,
    pub(super) budgets: Vec<([u8; 32], i64, Op)>,
    pub(super) counters: Vec<([u8; 16], i64, Op)>,
    pub(super) sends: Vec<([u8; 32], i64, Op)>,
    /// What every send and check holds until it is committed or gone: these can be waited for, also where they are new.
    pub(super) locked: Vec<[u8; 32]>,
}

impl Traces {
    pub(super) fn is_empty(&self) -> bool {
        self.verifications.is_empty()
            && self.deliveries.is_empty()
            && self.budgets.is_empty()
            && self.counters.is_empty()
            && self.sends.is_empty()
    }

    /// Whether a verification is among them that was not there before.
    pub(super) fn begin_any(&self) -> bool {
        self.verifications
            .iter()
            .any(|(_, version, _)| *version == 0)
    }

    /// Asks the database whether the batch was committed. `None`: others have written over every trace since.
    pub(super) async fn look(&self, store: &Store) -> Result<Option<bool>, StoreError> {
        let mut tx = store.begin().await?;
        // A commit that may still come is waited for: whoever makes a budget waits for who is just making it, and whoever
        // locks one for who has it locked.
        record::make_lockable::<FailureBudget>(&mut tx, &self.locked).await?;
        record::ops::<FailureBudget>(&mut tx, &self.locked).await?;
        let seen = [
            recognise::<Verification>(&mut tx, &self.verifications).await?,
            recognise::<Delivery>(&mut tx, &self.deliveries).await?,
            recognise::<FailureBudget>(&mut tx, &self.budgets).await?,
            recognise::<Counter>(&mut tx, &self.counters).await?,
            recognise::<Remembered>(&mut tx, &self.sends).await?,
        ];
        if seen.contains(&Some(true)) {
            Ok(Some(true))
        } else {
            Ok(seen.into_iter().flatten().next())
        }
    }

    /// Asks for as long as its callers may be kept waiting. `None`: others have written over every trace since.
    pub(super) async fn find_out(
        &self,
        store: &Store,
        patience: Patience,
    ) -> Result<Option<bool>, StoreError> {
        let verdict = async {
            loop {
                match patience::read(self.look(store)).await {
                    Err(StoreError::Lost(_) | StoreError::Unavailable(_) | StoreError::Again) => {
                        tokio::time::sleep(ASK_AGAIN).await;
                    }
                    verdict => return verdict,
                }
            }
        };
        patience.to_read_back(verdict).await
    }
}

/// Whether rows bear the mark of their command (`true`), or still what was loaded (`false`).
async fn recognise<T>(tx: &mut Tx, traces: &[(T::Key, i64, Op)]) -> Result<Option<bool>, StoreError>
where
    T: Record,
    T::Key: Copy,
{
    if traces.is_empty() {
        return Ok(None);
    }
    let keys: Vec<T::Key> = traces.iter().map(|(key, ..)| *key).collect();
    let rows: HashMap<Vec<u8>, (i64, Vec<u8>)> = record::ops::<T>(tx, &keys)
        .await?
        .into_iter()
        .map(|(key, version, op)| (key, (version, op)))
        .collect();
    let mut verdict = None;
    for (key, version, op) in traces {
        match rows.get(key.as_ref()) {
            Some((_, found)) if found == op => return Ok(Some(true)),
            Some((found, _)) if found == version => verdict = Some(false),
            None if *version == 0 => verdict = Some(false),
            Some(_) | None => {}
        }
    }
    Ok(verdict)
}
