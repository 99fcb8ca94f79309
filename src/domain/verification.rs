//! One phone number being proved, from start to end state.

use std::collections::BTreeMap;

use super::{
    clock::Timestamp,
    code::Code,
    delivery::{Channel, Channels},
    follow_up::FollowUp,
    id::Id,
    policy::Policy,
    words::words,
};
use crate::crypto::{CryptoError, KeyRing, equal_in_constant_time};

/// With less life left than this, a send begins a new verification in place of a resend.
pub const RESEND_NEEDS: std::time::Duration = std::time::Duration::from_mins(1);
/// Guesses at the number that a flash call showed, while it is the live code: there are few numbers to guess from.
pub const FLASH_CALL_GUESSES: u8 = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    pub id: Id,
    pub tenant: String,
    /// Blind index of the number, under the key that was newest at creation.
    pub number_index: [u8; 32],
    /// The number as it may be shown.
    pub to: String,
    pub purpose: String,
    /// The channel of the latest delivery, and so of the live code.
    pub channel: Channel,
    /// All channels it was sent over.
    pub channels: Channels,
    /// Whether a caller has changed the channel: only the first time need not wait for the cool-down.
    pub switched: bool,
    pub metadata: BTreeMap<String, String>,
    pub status: Status,
    pub reason: Option<Reason>,
    /// Keyed hash of the live code, under `key_id`; erased at the end.
    pub code_hash: Option<[u8; 32]>,
    pub key_id: String,
    /// Guesses allowed in all.
    pub attempts: u8,
    /// When each wrong guess was. Its length is the spent part of the budget.
    pub wrong_at: Vec<Timestamp>,
    /// Wrong guesses at codes before the live one.
    pub guessed_before: u8,
    /// Sends so far, the first included.
    pub sends: u32,
    /// No resend before this.
    pub resend_at: Timestamp,
    /// The latest delivery.
    pub delivery: Id,
    /// What may still be done about that, once Restcomm has it.
    pub follow_up: Option<FollowUp>,
    /// Whether Restcomm ever took a message of it.
    pub sent: bool,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub approved_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Pending,
    Approved,
    Expired,
    Canceled,
    MaxAttemptsReached,
    Failed,
}

/// Why a verification failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    DeliveryRefused,
    NotDeliverable,
}

/// Under what a code is hashed. All but the code comes from the locked row, so that a code can serve no other
/// tenant, verification, number or purpose.
struct CodeBinding<'a>(&'a Verification);

impl Verification {
    /// The verification as it stands at `now`: time alone may have ended it.
    pub fn settle(&mut self, now: Timestamp) {
        if self.status == Status::Pending && self.expires_at <= now {
            if self.sent {
                self.end(Status::Expired, None, self.expires_at);
            } else {
                self.end(
                    Status::Failed,
                    Some(Reason::NotDeliverable),
                    self.expires_at,
                );
            }
        }
    }

    pub fn end(&mut self, status: Status, reason: Option<Reason>, at: Timestamp) {
        self.status = status;
        self.reason = reason;
        self.code_hash = None;
        self.ended_at = Some(at);
        self.follow_up = None;
    }

    /// Whether it ended before its time: what becomes of its messages matters to nobody any more. One that expired may
    /// have done so because they did not arrive.
    pub fn ended_early(&self) -> bool {
        self.ended_at.is_some_and(|ended| ended < self.expires_at)
    }

    /// Restcomm refused its message for good, and nothing else will be tried.
    pub fn refuse(&mut self, at: Timestamp) {
        if self.status == Status::Pending && !self.sent {
            self.end(Status::Failed, Some(Reason::DeliveryRefused), at);
        }
    }

    /// Guesses that are left now. A flash call allows fewer than the verification has; another code makes up for that.
    pub fn attempts_left(&self) -> u8 {
        let left = self.attempts.saturating_sub(self.spent());
        if self.channel == Channel::Flashcall {
            let of_this_code = self.spent().saturating_sub(self.guessed_before);
            left.min(FLASH_CALL_GUESSES.saturating_sub(of_this_code))
        } else {
            left
        }
    }

    /// Whether no guess is left, at no code.
    pub fn is_spent(&self) -> bool {
        self.attempts <= self.spent()
    }

    /// Whether a send over `channel` need not wait for the cool-down.
    pub fn may_switch_to(&self, channel: Channel) -> bool {
        !self.switched && !self.channels.has(channel)
    }

    /// A caller has it sent over `channel` from now on.
    pub fn switch_to(&mut self, channel: Channel) {
        self.switched |= !self.channels.has(channel);
        self.send_over(channel);
    }

    /// Its code goes over `channel` from now on.
    pub fn send_over(&mut self, channel: Channel) {
        self.channel = channel;
        self.channels = self.channels.with(channel);
    }

    fn spent(&self) -> u8 {
        u8::try_from(self.wrong_at.len()).unwrap_or(u8::MAX)
    }

    /// Whether `code` is the live one; the comparison takes the same time wherever they differ.
    pub fn code_matches(&self, code: &Code, ring: &KeyRing) -> Result<bool, CryptoError> {
        let Some(expected) = &self.code_hash else {
            return Ok(false);
        };
        let given = CodeBinding(self).hash(code, ring)?;
        Ok(equal_in_constant_time(expected, &given))
    }

    /// Makes `code` the live one, under the newest key.
    pub fn bind_code(&mut self, code: &Code, ring: &KeyRing) {
        ring.newest().clone_into(&mut self.key_id);
        let hash = CodeBinding(self)
            .hash(code, ring)
            .expect("the newest key is in the ring");
        self.code_hash = Some(hash);
    }

    /// Makes `code` the live one in place of another: guesses at that one do not count against what this one allows.
    pub fn replace_code(&mut self, code: &Code, ring: &KeyRing) {
        self.guessed_before = self.spent();
        self.bind_code(code, ring);
    }

    /// When the next resend may come: never earlier than the cool-down, and only while a resend still can come.
    pub fn resend_after(&self) -> Option<Timestamp> {
        let possible = self.status == Status::Pending && self.resend_at <= self.last_resend();
        possible.then_some(self.resend_at)
    }

    /// Whether a send at `now` is a resend; later it begins a new verification.
    pub fn can_be_resent(&self, now: Timestamp) -> bool {
        now <= self.last_resend()
    }

    /// When any next send will be taken: as a resend, or as the beginning of a new verification.
    pub fn next_send(&self) -> Timestamp {
        let new_one = self.last_resend().plus(std::time::Duration::from_millis(1));
        self.resend_after().unwrap_or(new_one)
    }

    /// Counts a send and starts its cool-down: 30, 60, 120, … s.
    pub fn count_send(&mut self, policy: &Policy, now: Timestamp) {
        self.resend_at = now.plus(policy.cool_down * 2_u32.saturating_pow(self.sends.min(16)));
        self.sends += 1;
    }

    fn last_resend(&self) -> Timestamp {
        self.expires_at.minus(RESEND_NEEDS)
    }
}

impl CodeBinding<'_> {
    fn hash(&self, code: &Code, ring: &KeyRing) -> Result<[u8; 32], CryptoError> {
        let Self(row) = self;
        let no_transaction: &[u8] = b"";
        ring.hash_code(
            &row.key_id,
            &[
                b"code/v1",
                row.tenant.as_bytes(),
                row.id.as_bytes(),
                &row.number_index,
                row.purpose.as_bytes(),
                no_transaction,
                code.expose().as_bytes(),
            ],
        )
    }
}

words!(Status {
    Pending => "pending",
    Approved => "approved",
    Expired => "expired",
    Canceled => "canceled",
    MaxAttemptsReached => "max_attempts_reached",
    Failed => "failed",
});
words!(Reason { DeliveryRefused => "delivery_refused", NotDeliverable => "not_deliverable" });

#[cfg(test)]
pub mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use super::*;

    /// A verification that began at `now`, lives for 5 minutes, and has no code yet.
    pub fn pending(channel: Channel, now: Timestamp) -> Verification {
        Verification {
            id: Id::new(now, [1; 16]),
            tenant: "acme".to_owned(),
            number_index: [3; 32],
            to: "+351*******78".to_owned(),
            purpose: "login".to_owned(),
            channel,
            channels: Channels::only(channel),
            switched: false,
            metadata: BTreeMap::new(),
            status: Status::Pending,
            reason: None,
            code_hash: None,
            key_id: "k1".to_owned(),
            attempts: 5,
            wrong_at: Vec::new(),
            guessed_before: 0,
            sends: 1,
            resend_at: now,
            delivery: Id::new(now, [2; 16]),
            follow_up: None,
            sent: true,
            created_at: now,
            expires_at: now.plus(Duration::from_mins(5)),
            approved_at: None,
            ended_at: None,
        }
    }
}
