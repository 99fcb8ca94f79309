//! Sends of which nobody knew in time whether they were committed. They were answered with 503, which says that nothing is
//! stored and nothing will be sent: as soon as the database can be asked, this is made true.

use std::{sync::Arc, time::Duration};

use super::{
    StoreError,
    batch::Traces,
    journal::{Command, Entry, Outcome, Shared},
    patience::Patience,
};
use crate::domain::{clock::Timestamp, send::SendOutcome, take_back::TakeBack};

/// Sooner than a delivery whose lease lapsed is looked up and handed over.
const TRY_EVERY: Duration = Duration::from_millis(100);

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
            Err(error) => error,
        };
        self.disown(entries.iter().zip(outcomes));
        Err(error)
    }

    /// Takes back sends that were decided so late that their callers may have been told already that nothing was done.
    pub(super) fn disown_late(
        self: &Arc<Self>,
        entries: &[Entry],
        outcomes: Vec<Outcome>,
    ) -> Vec<Result<Outcome, StoreError>> {
        let is_late = |entry: &Entry| {
            matches!(entry.command, Command::Send(_)) && entry.waiting.was_in_vain()
        };
        if !entries.iter().any(is_late) {
            return outcomes.into_iter().map(Ok).collect();
        }
        let pairs = || entries.iter().zip(&outcomes);
        self.disown(pairs().filter(|(entry, _)| is_late(entry)));
        let too_late = || StoreError::Unavailable("it is too slow".to_owned());
        let pairs = entries.iter().zip(outcomes);
        pairs
            .map(|(entry, outcome)| {
                if is_late(entry) {
                    Err(too_late())
                } else {
                    Ok(outcome)
                }
            })
            .collect()
    }

    /// Takes back, as soon as that is possible, what some commands may have begun. It leaves alone what bears an
    /// `Idempotency-Key`: its caller will ask again, and is to find it. A resend stands, too: what it took the place of is
    /// gone.
    fn disown<'a>(self: &Arc<Self>, decided: impl Iterator<Item = (&'a Entry, &'a Outcome)>) {
        let begun = decided.filter_map(|(entry, outcome)| match (&entry.command, outcome) {
            (Command::Send(send), Outcome::Send(SendOutcome::Created(dispatch)))
                if send.once.is_none() =>
            {
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
            _ => None,
        });
        let (entries, ends): (Vec<_>, Vec<_>) = begun.unzip();
        if let Some(end) = ends.into_iter().max() {
            tokio::spawn(self.clone().take_back(entries, end));
        }
    }

    async fn take_back(self: Arc<Self>, entries: Vec<Entry>, end: Timestamp) {
        while self.clock.now() < end {
            match self.run(&entries, Patience::begins()).await {
                Ok(_) => return,
                // One row that cannot be read must not keep the others.
                Err(
                    StoreError::Damaged { .. } | StoreError::Newer { .. } | StoreError::Refused(_),
                ) => {
                    for entry in &entries {
                        let alone = std::slice::from_ref(entry);
                        let _ = self.run(alone, Patience::begins()).await;
                    }
                    return;
                }
                Err(_) => tokio::time::sleep(TRY_EVERY).await,
            }
        }
    }
}
