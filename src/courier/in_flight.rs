//! The deliveries that this process has in its hands.
//!
//! A lease guards a delivery from others. Against a clock that jumps it does not guard a process from itself: what is
//! still being handed off here must not be looked up here.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::domain::id::Id;

#[derive(Clone, Default)]
pub(super) struct InFlight(Arc<Mutex<HashSet<Id>>>);

/// A delivery in hand, until this is dropped.
pub(super) struct InHand {
    all: InFlight,
    delivery: Id,
}

impl InFlight {
    /// Takes a delivery in hand; `None` when it is already.
    pub(super) fn take(&self, delivery: Id) -> Option<InHand> {
        let is_new = self.lock().insert(delivery);
        is_new.then(|| InHand {
            all: self.clone(),
            delivery,
        })
    }

    /// All of them now.
    pub(super) fn all(&self) -> HashSet<Id> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Id>> {
        // Nothing is left half done by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.all.lock().remove(&self.delivery);
    }
}
