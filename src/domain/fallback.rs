//! The next step of a tenant's plan: another channel, for a code whose delivery was not confirmed.

use std::sync::Arc;

use super::{
    clock::Timestamp,
    code::Code,
    delivery::{Cause, Channel, Delivery, DeliveryReason, NextStep},
    dispatch::{Beginning, Dispatch},
    id::Id,
    ledger::{Ledger, Op},
    policy::Tenant,
    verification::{Status, Verification},
};
use crate::crypto::KeyRing;

/// A fallback is due. Everything random in it was drawn before, so that deciding twice decides alike.
#[derive(Clone, Debug)]
pub struct FallBack {
    /// The delivery that was not confirmed, and its verification.
    pub delivery: Id,
    pub verification: Id,
    /// The counters that the delivery was charged to.
    pub charges: Vec<[u8; 16]>,
    /// What to do; `None`: nothing, since the plan has no such step any more, or no account can take it.
    pub step: Option<Step>,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub tenant: Arc<Tenant>,
    pub channel: Channel,
    /// The account that is tried first.
    pub account: String,
    /// What follows it.
    pub next: Option<NextStep>,
    /// The code, should a new one be needed.
    pub code: Code,
    pub delivery_seed: [u8; 16],
}

#[derive(Clone, Debug)]
pub enum FallBackOutcome {
    /// The code goes over another channel.
    Started(Dispatch),
    /// It is not needed any more, or cannot be.
    Dropped,
}

impl FallBack {
    pub fn decide(
        &self,
        ledger: &mut Ledger,
        ring: &KeyRing,
        op: Op,
        now: Timestamp,
    ) -> FallBackOutcome {
        let Some(mut previous) = ledger.deliveries.get(&self.delivery).cloned() else {
            return FallBackOutcome::Dropped;
        };
        if previous.fallback_at.is_none_or(|due| now < due) {
            // Another replica was faster, or news came in between.
            return FallBackOutcome::Dropped;
        }
        let verification = ledger.settled(self.verification, now);
        let verification = verification.filter(|found| found.delivery == previous.id);
        let is_blocked = verification.as_ref().is_some_and(|found| {
            let index = ledger.index_of(found);
            ledger.budget(&index, op).block(now).is_some()
        });
        let started = match (&self.step, verification.clone()) {
            (Some(step), Some(verification))
                if !is_blocked && may_begin(&verification, &previous, now) =>
            {
                step.begin(verification, &mut previous, ledger, ring, op, now)
            }
            _ => None,
        };
        previous.fallback_at = None;
        if started.is_none() {
            previous.next = None;
            ledger.give_back(&previous, now, op);
            if let Some(mut verification) = verification
                && previous.reason == Some(DeliveryReason::Refused)
            {
                verification.refuse(now);
                ledger.put_verification(verification, now, op);
                // Its end has erased the code of this delivery.
                previous.abandon(DeliveryReason::VerificationEnded, now);
            }
        }
        previous.charges.clear();
        ledger.deliveries.put(previous.id, previous, op);
        started.map_or(FallBackOutcome::Dropped, FallBackOutcome::Started)
    }
}

/// Whether somebody still waits for the code, and it would come in time.
fn may_begin(verification: &Verification, previous: &Delivery, now: Timestamp) -> bool {
    verification.status == Status::Pending && now < previous.give_up_at
}

impl Step {
    /// `None`: the code cannot be read, since its key is missing from the ring.
    fn begin(
        &self,
        mut verification: Verification,
        previous: &mut Delivery,
        ledger: &mut Ledger,
        ring: &KeyRing,
        op: Op,
        now: Timestamp,
    ) -> Option<Dispatch> {
        let (live, number) = previous.open(ring)?;
        // The digits of a caller's number are no code for another channel.
        let code = if previous.channel == Channel::Flashcall {
            verification.replace_code(&self.code, ring);
            self.code.clone()
        } else {
            live
        };
        let wording = previous.wording.clone();
        // A send that led to nothing hands on what it was charged to; one that led to a message has used it up.
        let charges = std::mem::take(&mut previous.charges);
        ledger.move_charges(&charges, previous.created_at, now, op);
        previous.abandon(DeliveryReason::Superseded, now);
        verification.send_over(self.channel);
        verification.delivery = Id::after(verification.delivery, now, self.delivery_seed);
        let beginning = Beginning {
            cause: Cause::Fallback,
            account: self.account.clone(),
            number,
            code,
            charges,
            next: self.next,
            wording,
        };
        Some(beginning.dispatch(verification, ledger, ring, op, now))
    }
}

#[cfg(test)]
mod tests;
