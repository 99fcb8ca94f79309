//! The next step of a tenant's plan: another channel, for a code whose delivery was not confirmed.

use std::{sync::Arc, time::Duration};

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

/// A fallback may begin so long after retries have ended: 10 s before the code dies.
const LATEST: Duration = Duration::from_secs(20);
/// A process that cannot tell what to do leaves it to others for this long.
const LATER: Duration = Duration::from_secs(2);

/// A fallback is due. Everything random in it was drawn before, so that deciding twice decides alike.
#[derive(Clone, Debug)]
pub struct FallBack {
    /// The delivery that was not confirmed, and its verification.
    pub delivery: Id,
    pub verification: Id,
    /// The counters that the delivery was charged to.
    pub charges: Vec<[u8; 16]>,
    pub step: Due,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Due {
    Step(Box<Step>),
    /// Nothing: the plan has no step any more that an account could take.
    Nothing,
    /// This process cannot tell: it does not know the tenant, or lacks the key. Another one may.
    Unknown,
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
    /// Somebody else may know what to do.
    Postponed,
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
        let in_time = now < previous.give_up_at.plus(LATEST);
        if let (Due::Unknown, Some(_), true) = (&self.step, &verification, in_time) {
            previous.fallback_at = Some(now.plus(LATER));
            ledger.deliveries.put(previous.id, previous, op);
            return FallBackOutcome::Postponed;
        }
        let started = match (&self.step, verification.clone()) {
            (Due::Step(step), Some(verification))
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
                if verification.status != Status::Pending {
                    // Its end erases the code of this delivery.
                    previous.charges.clear();
                    previous.abandon(DeliveryReason::VerificationEnded, now);
                }
                ledger.deliveries.put(previous.id, previous.clone(), op);
                ledger.put_verification(verification, now, op);
            }
        }
        previous.charges.clear();
        ledger.deliveries.put(previous.id, previous, op);
        started.map_or(FallBackOutcome::Dropped, FallBackOutcome::Started)
    }
}

/// Whether somebody still waits for the code, and it would come in time.
fn may_begin(verification: &Verification, previous: &Delivery, now: Timestamp) -> bool {
    verification.status == Status::Pending
        && now < previous.give_up_at.plus(LATEST)
        && !previous.is_confirmed()
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
