//! What was told and is not written yet: that Restcomm took a message is told before it is durable. Whoever asks this
//! process next must not be told less.

use std::{collections::HashSet, sync::Arc};

use tokio::sync::watch;

use super::Journal;
use crate::domain::id::Id;

/// Verifications of which more was told than is written.
#[derive(Clone)]
pub(super) struct Riding(Arc<watch::Sender<HashSet<Id>>>);

/// More was told of a verification than is written, until this is dropped.
pub struct Ride {
    riding: Riding,
    verification: Id,
}

impl Riding {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(HashSet::new())))
    }
}

impl Journal {
    /// More is about to be told of a verification than is written.
    #[must_use]
    pub fn ride(&self, verification: Id) -> Ride {
        let riding = self.riding.clone();
        // Nobody waits for more to be told.
        riding.0.send_if_modified(|all| {
            all.insert(verification);
            false
        });
        Ride {
            riding,
            verification,
        }
    }

    /// Waits until what this process told of a verification is written, or is not going to be.
    pub async fn arrived(&self, verification: Id) {
        let mut riding = self.riding.0.subscribe();
        // The sender lives in `self`, so the channel cannot close while we wait.
        let _ = riding.wait_for(|all| !all.contains(&verification)).await;
    }
}

impl Drop for Ride {
    fn drop(&mut self) {
        let told = &self.riding.0;
        // Mostly nobody waits, and waking is dearer than looking. Who comes now waits for `all`, and then sees it changed.
        told.send_if_modified(|all| {
            all.remove(&self.verification);
            0 < told.receiver_count()
        });
    }
}
