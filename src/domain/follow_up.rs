//! What may still be done about a message that Restcomm has: its code is said once more or sent again, the tenant's plan
//! goes on.
//!
//! Until Restcomm has it, all of this stands in the delivery's own row, which is what the courier works on. From then on it
//! stands in the row of the verification. So whatever ends the verification erases code and number by writing that one row,
//! and need not look at the delivery.

use super::{
    clock::Timestamp,
    delivery::{Delivery, NextStep, Stage},
    ledger::Ledger,
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowUp {
    /// As [`Delivery::sealed`], and bound to the row of the delivery.
    pub sealed: Option<Vec<u8>>,
    pub next: Option<NextStep>,
    pub fallback_at: Option<Timestamp>,
}

impl Delivery {
    /// Whether Restcomm has the message, so that what may still be done about it stands with the verification.
    fn is_followed_up(&self) -> bool {
        self.stage == Stage::Done && self.sent_at.is_some()
    }

    /// Takes out what may still be done, if there is anything.
    pub fn take_follow_up(&mut self) -> Option<FollowUp> {
        let follow_up = FollowUp {
            sealed: self.sealed.take(),
            next: self.next.take(),
            fallback_at: self.fallback_at.take(),
        };
        (follow_up != FollowUp::default()).then_some(follow_up)
    }

    /// Puts in what stands with the verification of which this is the latest delivery.
    pub fn put_follow_up(&mut self, follow_up: FollowUp) {
        self.sealed = follow_up.sealed;
        (self.next, self.fallback_at) = (follow_up.next, follow_up.fallback_at);
    }
}

impl Ledger {
    /// Completes the deliveries that were loaded: decisions find in them what stands with their verifications.
    pub fn join_follow_ups(&mut self) {
        for (_, verification) in self.verifications.iter() {
            let verification = &verification.value;
            if let Some(follow_up) = &verification.follow_up
                && let Some(row) = self.deliveries.row_mut(&verification.delivery)
            {
                row.value.put_follow_up(follow_up.clone());
            }
        }
    }

    /// The opposite, after all was decided: what changed goes to the row where it stands.
    pub fn part_follow_ups(&mut self) {
        let changed = self.deliveries.iter().filter_map(|(id, row)| {
            let op = row.changed_by?;
            Some((*id, row.value.verification, op))
        });
        for (id, verification, op) in changed.collect::<Vec<_>>() {
            let Some(of) = self.verifications.row(&verification) else {
                continue;
            };
            let loaded = of.before.as_ref().unwrap_or(&of.value);
            let was_joined = of.version != 0 && loaded.delivery == id && loaded.follow_up.is_some();
            let mut of = of.value.clone();
            let Some(row) = self.deliveries.row_mut(&id) else {
                continue;
            };
            if was_joined && let Some(before) = &mut row.before {
                before.take_follow_up();
            }
            let is_latest = of.delivery == id;
            if is_latest {
                let is_followed_up = row.value.is_followed_up();
                of.follow_up = is_followed_up.then(|| row.value.take_follow_up()).flatten();
            }
            if row.before.as_ref() == Some(&row.value) {
                (row.before, row.changed_by) = (None, None);
            }
            if is_latest {
                self.verifications.put(verification, of, op);
            }
        }
    }
}

#[cfg(test)]
mod tests;
