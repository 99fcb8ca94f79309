//! Sends of which nobody knew in time whether they were committed. They were answered with 503, which says that nothing is
//! stored and nothing will be sent: as soon as the database can be asked, this is made true.

use std::{sync::Arc, time::Duration};

use super::{
    StoreError,
    fate::Traces,
    journal::{Command, Entry, Outcome, Shared},
    patience::Patience,
};
use crate::domain::{clock::Timestamp, send::SendOutcome, take_back::TakeBack};

/// Sooner than a delivery whose lease lapsed is looked up and handed over.
const TRY_EVERY: Duration = Duration::from_millis(100);
/// Where a row is at fault.
const TRY_AGAIN: Duration = Duration::from_secs(5);

impl Shared {
    /// Whether what was decided was committed.
    pub(super) async fn find_out(
        self: &Arc<Self>,
        entries: &[Entry],
        outcomes: &[Outcome],
        traces: &Traces,
        patience: Patience,
    ) -> Result<bool, StoreError> {
        let error = match traces.find_out(&self.store, patience).await {
            Ok(Some(verdict)) => return Ok(verdict),
            Ok(None) => StoreError::Unavailable("a commit of unknown fate".to_owned()),
            // Whatever else it was: what may have been done already is not done again, all together or one by one.
            Err(error @ StoreError::Unavailable(_)) => error,
            Err(error) => StoreError::Unavailable(error.to_string()),
        };
        self.disown(entries.iter().zip(outcomes));
        Err(error)
    }

    /// Takes back sends that were decided so late that their callers may have been told already that nothing was done. All
    /// else stands, and goes its way though nobody waits for the answer.
    pub(super) fn disown_late(
        self: &Arc<Self>,
        entries: &[Entry],
        outcomes: Vec<Outcome>,
    ) -> Vec<Result<Outcome, StoreError>> {
        let is_late = |(entry, outcome): (&Entry, &Outcome)| {
            entry.waiting.was_in_vain() && begun(entry, outcome).is_some()
        };
        let late: Vec<bool> = entries.iter().zip(&outcomes).map(is_late).collect();
        let count = late.iter().filter(|late| **late).count();
        if 0 < count {
            let error = "they were decided too late";
            tracing::warn!(error, commands = count, "journal.refused");
            let all = entries.iter().zip(&outcomes).zip(&late);
            self.disown(all.filter(|(_, late)| **late).map(|(pair, _)| pair));
        }
        let too_late = || StoreError::Unavailable("it is too slow".to_owned());
        let outcomes = outcomes.into_iter().zip(late);
        outcomes
            .map(|(outcome, late)| if late { Err(too_late()) } else { Ok(outcome) })
            .collect()
    }

    /// Takes back, as soon as that is possible, what some commands may have begun. It leaves alone what bears an
    /// `Idempotency-Key`: its caller will ask again, and is to find it. A resend stands, too: what it took the place of is
    /// gone.
    fn disown<'a>(self: &Arc<Self>, decided: impl Iterator<Item = (&'a Entry, &'a Outcome)>) {
        let begun = decided.filter_map(|(entry, outcome)| begun(entry, outcome));
        let (entries, ends): (Vec<_>, Vec<_>) = begun.unzip();
        if let Some(end) = ends.into_iter().max() {
            tokio::spawn(self.clone().take_back(entries, end));
        }
    }

    async fn take_back(self: Arc<Self>, mut entries: Vec<Entry>, end: Timestamp) {
        while self.clock.now() < end && !entries.is_empty() {
            match self.run(&entries, Patience::begins()).await {
                Ok(_) => return,
                // One row that cannot be read must not keep the others.
                Err(
                    StoreError::Damaged { .. } | StoreError::Newer { .. } | StoreError::Refused(_),
                ) => {
                    let mut left = Vec::new();
                    for entry in entries {
                        let alone = std::slice::from_ref(&entry);
                        if self.run(alone, Patience::begins()).await.is_err() {
                            left.push(entry);
                        }
                    }
                    entries = left;
                    tokio::time::sleep(TRY_AGAIN).await;
                }
                Err(_) => tokio::time::sleep(TRY_EVERY).await,
            }
        }
    }
}

/// The command that takes back what another has begun, and until when that matters.
fn begun(entry: &Entry, outcome: &Outcome) -> Option<(Entry, Timestamp)> {
    let (Command::Send(send), Outcome::Send(SendOutcome::Created(dispatch))) =
        (&entry.command, outcome)
    else {
        return None;
    };
    if send.once.is_some() {
        return None;
    }
    let take_back = TakeBack {
        verification: dispatch.verification.id,
        delivery: dispatch.delivery.id,
        indexes: send.index.all().copied().collect(),
        charges: dispatch.delivery.charges.clone(),
    };
    // Rows must show which of the two commands wrote them.
    let op = entry.op.map(|byte| !byte);
    let entry = Entry::unattended(Command::TakeBack(take_back), op);
    Some((entry, dispatch.verification.expires_at))
}
