//! A send that was answered as not done, because nobody knew whether it was, is undone.

use super::{
    clock::Timestamp,
    delivery::{Report, Stage},
    id::Id,
    ledger::{Ledger, Op},
    outbox::DeliveryReport,
    verification::Status,
};

/// The claim with which a delivery begins.
const FIRST_CLAIM: u32 = 1;

/// A verification that began, if it did, without anybody being told.
#[derive(Clone, Debug)]
pub struct TakeBack {
    pub verification: Id,
    pub delivery: Id,
    /// Under which its number is counted, by every key: a send that is still being committed holds them locked.
    pub indexes: Vec<[u8; 32]>,
    /// What it was charged to.
    pub charges: Vec<[u8; 16]>,
}

impl TakeBack {
    /// Ends the verification before anything is sent. Where that is too late it stands: a resend may have been asked for
    /// meanwhile, or another process may have taken up the delivery after its lease, and is at it.
    pub fn decide(&self, ledger: &mut Ledger, op: Op, now: Timestamp) {
        let Some(mut verification) = ledger.settled(self.verification, now) else {
            return;
        };
        let Some(delivery) = ledger.deliveries.get(&self.delivery) else {
            return;
        };
        let is_ours = delivery.stage == Stage::Claimed && delivery.claim == FIRST_CLAIM;
        // Another process may look for it after its lease, in vain: until it hands it over itself, nobody has.
        let is_looked_for =
            delivery.stage == Stage::Unknown && delivery.handed_at == Some(delivery.created_at);
        let is_waiting = delivery.stage == Stage::Waiting || is_looked_for;
        if verification.status != Status::Pending
            || verification.delivery != self.delivery
            || !(is_ours || is_waiting)
        {
            return;
        }
        if is_looked_for {
            let delivery = delivery.clone();
            ledger.give_back(&delivery, now, op);
        }
        verification.end(Status::Canceled, None, now);
        ledger.put_verification(verification, now, op);
        if is_ours {
            // Nobody else will say what became of it.
            let report = DeliveryReport {
                delivery: self.delivery,
                verification: self.verification,
                claim: FIRST_CLAIM,
                report: Report::NotSent,
                jitter: 0,
                charges: self.charges.clone(),
            };
            report.decide(ledger, op, now);
        }
    }
}

#[cfg(test)]
mod tests;
