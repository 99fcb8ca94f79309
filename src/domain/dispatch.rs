//! The beginning of a delivery: with it the code goes to the courier, once it is durable.

use super::{
    clock::Timestamp,
    code::Code,
    delivery::{Cause, Delivery, DeliveryStatus, GIVE_UP_BEFORE_END, LEASE, NextStep, Stage},
    ledger::{Ledger, Op},
    phone::PhoneNumber,
    verification::Verification,
    wording::Wording,
};
use crate::crypto::KeyRing;

/// What goes to the courier.
#[derive(Clone, Debug)]
pub struct Dispatch {
    pub verification: Box<Verification>,
    pub delivery: Box<Delivery>,
    pub number: PhoneNumber,
    pub code: Code,
}

/// A delivery that is about to begin.
pub struct Beginning {
    pub cause: Cause,
    /// The account that is tried first.
    pub account: String,
    pub number: PhoneNumber,
    pub code: Code,
    /// Limit counters that it was charged to.
    pub charges: Vec<[u8; 16]>,
    /// What the tenant's plan does after it.
    pub next: Option<NextStep>,
    pub wording: Wording,
}

impl Beginning {
    /// Puts the latest delivery of `verification` into the ledger, already claimed by this process, and the verification.
    pub fn dispatch(
        self,
        verification: Verification,
        ledger: &mut Ledger,
        ring: &KeyRing,
        op: Op,
        now: Timestamp,
    ) -> Dispatch {
        let mut delivery = Delivery {
            id: verification.delivery,
            verification: verification.id,
            tenant: verification.tenant.clone(),
            channel: verification.channel,
            status: DeliveryStatus::Queued,
            reason: None,
            cause: self.cause,
            stage: Stage::Claimed,
            due_at: Some(now.plus(LEASE)),
            claim: 1,
            tries: 0,
            account: Some(self.account),
            sid: None,
            sealed: None,
            key_id: ring.newest().to_owned(),
            charges: self.charges,
            give_up_at: verification.expires_at.minus(GIVE_UP_BEFORE_END),
            created_at: now,
            handed_at: Some(now),
            sent_at: None,
            delivered_at: None,
            failed_at: None,
            wording: self.wording,
            ask_at: None,
            spoken: 0,
            over_at: None,
            next: self.next,
            fallback_at: None,
        };
        delivery.seal(&self.code, &self.number, ring);
        ledger.deliveries.put(delivery.id, delivery.clone(), op);
        ledger.put_verification(verification.clone(), now, op);
        Dispatch {
            verification: Box::new(verification),
            delivery: Box::new(delivery),
            number: self.number,
            code: self.code,
        }
    }
}
