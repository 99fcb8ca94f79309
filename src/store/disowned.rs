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
        self.disown(entries, outcomes);
        Err(error)
    }

    /// Takes back, as soon as that is possible, what `entries` may have begun. It leaves alone what bears an
    /// `Idempotency-Key`: its caller will ask again, and is to find it.
    fn disown(self: &Arc<Self>, entries: &[Entry], outcomes: &[Outcome]) {
        let begun = entries.iter().zip(outcomes);
        let begun = begun.filter_map(|(entry, outcome)| match (&entry.command, outcome) {
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
            if self.run(&entries, Patience::begins()).await.is_ok() {
                return;
            }
            tokio::time::sleep(TRY_EVERY).await;
        }
    }
}
