//! May this code be sent, and as what: the beginning of a verification, or a resend of a pending one?

use std::{collections::BTreeMap, sync::Arc};

use super::{
    clock::Timestamp,
    code::Code,
    delivery::{Cause, Channel, Channels, DeliveryReason},
    dispatch::{Beginning, Dispatch},
    failures::Block,
    id::Id,
    idempotency::{Known, Once},
    language::Language,
    ledger::{Ledger, Op},
    limits::{LimitName, Rate},
    phone::PhoneNumber,
    policy::{Resend, Tenant},
    verification::{Status, Verification},
    wording::{Autofill, Wording},
};
use crate::crypto::{KeyRing, UnderEveryKey};

/// A code is to be sent. Everything random in it was drawn before, so that deciding twice decides alike.
#[derive(Clone, Debug)]
pub struct Send {
    pub tenant: Arc<Tenant>,
    /// Hash of the API key that asks; `None`: the caller needs none.
    pub key: Option<[u8; 32]>,
    pub number: PhoneNumber,
    pub index: UnderEveryKey<[u8; 32]>,
    pub channel: Channel,
    pub purpose: String,
    pub metadata: BTreeMap<String, String>,
    pub language: Language,
    pub autofill: Option<Autofill>,
    /// The code, should a new one be needed; of a flash call, what its number ends in.
    pub code: Code,
    pub verification_seed: [u8; 16],
    pub delivery_seed: [u8; 16],
    pub limits: Vec<LimitUse>,
    /// The account that is tried first.
    pub account: String,
    /// The caller may repeat it: it bears an `Idempotency-Key`.
    pub once: Option<Once>,
}

/// A limit that this send counts against.
#[derive(Clone, Debug)]
pub struct LimitUse {
    pub name: LimitName,
    pub counter: UnderEveryKey<[u8; 16]>,
    pub rates: Vec<Rate>,
}

#[derive(Clone, Debug)]
pub enum SendOutcome {
    Created(Dispatch),
    Resent(Dispatch),
    /// A pending verification was sent to too recently.
    TooSoon {
        verification: Box<Verification>,
        retry_at: Timestamp,
    },
    Limited {
        limit: LimitName,
        retry_at: Timestamp,
    },
    Blocked(Block),
    KeyRefused,
    /// The pending code was to be sent again, and cannot be read: its key is missing from the ring.
    Unreadable,
    /// A send with the same `Idempotency-Key` came before.
    Known(Known),
    /// None came, and this one may not begin anything.
    NotKnown,
}

impl Send {
    pub fn decide(
        &self,
        ledger: &mut Ledger,
        ring: &KeyRing,
        op: Op,
        now: Timestamp,
    ) -> SendOutcome {
        if !ledger.admits(self.key, now) {
            return SendOutcome::KeyRefused;
        }
        let Some(once) = &self.once else {
            return self.decide_anew(ledger, ring, op, now);
        };
        if let Some(known) = once.recall(ledger, now) {
            return SendOutcome::Known(known);
        }
        if once.only_repeats {
            return SendOutcome::NotKnown;
        }
        let outcome = self.decide_anew(ledger, ring, op, now);
        // What was refused stored nothing: it can be tried again with the same key.
        if let SendOutcome::Created(dispatch) | SendOutcome::Resent(dispatch) = &outcome {
            let resent = matches!(outcome, SendOutcome::Resent(_));
            once.remember(dispatch, resent, &self.tenant.policy, ledger, op, now);
        }
        outcome
    }

    fn decide_anew(
        &self,
        ledger: &mut Ledger,
        ring: &KeyRing,
        op: Op,
        now: Timestamp,
    ) -> SendOutcome {
        let budget = ledger.budget(&self.index, op);
        if let Some(block) = budget.block(now) {
            return SendOutcome::Blocked(block);
        }
        let current = ledger.youngest(&self.index, &self.purpose, now);
        let pending = current
            .clone()
            .filter(|found| found.status == Status::Pending);
        let resent = pending.clone().filter(|found| found.can_be_resent(now));
        if let Some(verification) = &resent
            && now < verification.resend_at
            && !verification.may_switch_to(self.channel)
        {
            let retry_at = verification.next_send();
            return SendOutcome::TooSoon {
                verification: Box::new(verification.clone()),
                retry_at,
            };
        }
        if let Some((limit, retry_at)) = self.exceeded(ledger, op, now) {
            return SendOutcome::Limited { limit, retry_at };
        }
        match (resent, current) {
            (Some(verification), _) => self.resend(verification, ledger, ring, op, now),
            (None, current) => {
                let older_than_this = current.as_ref().map(|old| old.id);
                if let Some(mut old) = current {
                    if pending.is_some() {
                        old.end(Status::Canceled, None, now);
                    }
                    ledger.put_verification(old, now, op);
                }
                SendOutcome::Created(self.begin(older_than_this, ledger, ring, op, now))
            }
        }
    }

    fn begin(
        &self,
        older_than_this: Option<Id>,
        ledger: &mut Ledger,
        ring: &KeyRing,
        op: Op,
        now: Timestamp,
    ) -> Dispatch {
        let policy = &self.tenant.policy;
        // Ids sort by age, also where the clocks of two replicas disagree, or several begin within a millisecond.
        let born = older_than_this.map_or(now, |old| {
            now.max(old.born().plus(std::time::Duration::from_millis(1)))
        });
        let mut verification = Verification {
            id: Id::new(born, self.verification_seed),
            tenant: self.tenant.name.clone(),
            number_index: self.index.newest,
            to: self.number.masked(),
            purpose: self.purpose.clone(),
            channel: self.channel,
            channels: Channels::only(self.channel),
            switched: false,
            metadata: self.metadata.clone(),
            status: Status::Pending,
            reason: None,
            code_hash: None,
            key_id: ring.newest().to_owned(),
            attempts: policy.code.attempts,
            wrong_at: Vec::new(),
            guessed_before: 0,
            sends: 0,
            resend_at: now,
            delivery: Id::new(now, self.delivery_seed),
            follow_up: None,
            sent: false,
            created_at: now,
            expires_at: now.plus(policy.code.ttl),
            approved_at: None,
            ended_at: None,
        };
        verification.bind_code(&self.code, ring);
        ledger.begin(&verification);
        self.dispatch(
            verification,
            self.code.clone(),
            Cause::Send,
            ledger,
            ring,
            op,
            now,
        )
    }

    fn resend(
        &self,
        mut verification: Verification,
        ledger: &mut Ledger,
        ring: &KeyRing,
        op: Op,
        now: Timestamp,
    ) -> SendOutcome {
        let previous = ledger.deliveries.get(&verification.delivery).cloned();
        // The digits of a caller's number are no code for another channel, nor the other way round.
        let is_flash_call = [self.channel, verification.channel].contains(&Channel::Flashcall);
        let code = match self.tenant.policy.resend {
            Resend::Same if !is_flash_call => {
                match previous.as_ref().and_then(|delivery| delivery.open(ring)) {
                    Some((code, _)) => code,
                    None => return SendOutcome::Unreadable,
                }
            }
            Resend::New | Resend::Same => self.code.clone(),
        };
        if let Some(mut delivery) = previous {
            delivery.abandon(DeliveryReason::Superseded, now);
            ledger.deliveries.put(delivery.id, delivery, op);
        }
        // With its code the verification moves to the newest key, or dropping the older one would lose sight of it.
        verification.number_index = self.index.newest;
        verification.replace_code(&code, ring);
        verification.switch_to(self.channel);
        verification.delivery = Id::after(verification.delivery, now, self.delivery_seed);
        SendOutcome::Resent(self.dispatch(verification, code, Cause::Resend, ledger, ring, op, now))
    }

    /// Counts the send, and puts verification and delivery into the ledger, the delivery already claimed.
    #[expect(
        clippy::too_many_arguments,
        reason = "the last four are the batch, in the order of every decision"
    )]
    fn dispatch(
        &self,
        mut verification: Verification,
        code: Code,
        cause: Cause,
        ledger: &mut Ledger,
        ring: &KeyRing,
        op: Op,
        now: Timestamp,
    ) -> Dispatch {
        for limit in &self.limits {
            let mut counter = ledger.counter(&limit.counter, op);
            counter.charge(&limit.rates, now);
            ledger.counters.put(limit.counter.newest, counter, op);
        }
        verification.count_send(&self.tenant.policy, now);
        let beginning = Beginning {
            cause,
            account: self.account.clone(),
            number: self.number.clone(),
            code,
            charges: self
                .limits
                .iter()
                .map(|limit| limit.counter.newest)
                .collect(),
            next: self.tenant.policy.next_step(0, self.channel),
            wording: Wording {
                language: self.language,
                purpose: self.purpose.clone(),
                autofill: self.autofill.clone(),
            },
        };
        beginning.dispatch(verification, ledger, ring, op, now)
    }

    /// The limit that holds this send back longest, if any does. Nothing is charged unless all admit it.
    fn exceeded(
        &self,
        ledger: &mut Ledger,
        op: Op,
        now: Timestamp,
    ) -> Option<(LimitName, Timestamp)> {
        let held = self.limits.iter().filter_map(|limit| {
            let counter = ledger.counter(&limit.counter, op);
            counter
                .admits(&limit.rates, now)
                .err()
                .map(|retry_at| (limit.name, retry_at))
        });
        held.max_by_key(|(_, retry_at)| *retry_at)
    }
}
