//! One send over a channel, from its first hand-off to what became of it.

use std::time::Duration;

use zeroize::Zeroizing;

use super::{clock::Timestamp, code::Code, id::Id, phone::PhoneNumber, wording::Wording};
use crate::crypto::KeyRing;

mod receipt;
mod report;
mod state;

pub use receipt::{News, Receipt};
pub use report::{Progress, Report, Work};
pub use state::{Cause, Channel, Channels, DeliveryReason, DeliveryStatus, Stage};

/// Restcomm's own "perhaps" is a 10 s time-out: a look-up before this says nothing.
pub const LOOK_UP_AFTER: Duration = Duration::from_secs(12);
/// A message that cannot be on the phone this long before its code dies is not sent any more.
pub const GIVE_UP_BEFORE_END: Duration = Duration::from_secs(30);
/// How long a process may hold a delivery before others take its silence for death. A hand-off begins only while
/// [`LOOK_UP_AFTER`] is left of it, so that a lapsed claim can be looked up at once; the rest is for what comes before.
pub const LEASE: Duration = Duration::from_secs(15);
/// Retries and look-ups are at most this far apart.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: Id,
    pub verification: Id,
    pub tenant: String,
    pub channel: Channel,
    pub status: DeliveryStatus,
    pub reason: Option<DeliveryReason>,
    pub cause: Cause,
    pub stage: Stage,
    /// When the courier must look at it again; `None`: never.
    pub due_at: Option<Timestamp>,
    /// Counts claims. A report that names an older one comes from a process that was given up.
    pub claim: u32,
    /// Hand-offs that ended without a message, for the backoff.
    pub tries: u32,
    /// The account that has, or may have, the message.
    pub account: Option<String>,
    /// Restcomm's name of the message.
    pub sid: Option<String>,
    /// Code and number, sealed under `key_id`; erased when the verification ends.
    pub sealed: Option<Vec<u8>>,
    pub key_id: String,
    /// Limit counters that this send was charged to, at `created_at`.
    pub charges: Vec<[u8; 16]>,
    /// After this instant the message would come too late.
    pub give_up_at: Timestamp,
    pub created_at: Timestamp,
    pub handed_at: Option<Timestamp>,
    pub sent_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub failed_at: Option<Timestamp>,
    pub wording: Wording,
    /// When Restcomm is asked how the message fares, should it not tell by itself; `None`: never.
    pub ask_at: Option<Timestamp>,
    /// How often a call was given the code to say.
    pub spoken: u8,
    /// When Restcomm told that the call is over.
    pub over_at: Option<Timestamp>,
    /// What the tenant's plan does next, should this one not be confirmed.
    pub next: Option<NextStep>,
    /// When that is due; `None`: not as things stand.
    pub fallback_at: Option<Timestamp>,
}

/// A step of the tenant's plan that is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextStep {
    /// Its place in the plan.
    pub index: u8,
    /// So long after a delivery was sent, if it is not confirmed by then.
    pub after: Duration,
}

impl Delivery {
    /// Keeps code and number sealed in this row, under the newest key.
    pub fn seal(&mut self, code: &Code, number: &PhoneNumber, ring: &KeyRing) {
        let secret = Zeroizing::new(format!("{}\n{}", code.expose(), number.expose()));
        ring.newest().clone_into(&mut self.key_id);
        self.sealed = Some(ring.seal(self.id.as_bytes(), secret.as_bytes()));
    }

    /// Code and number; `None` after the end of the verification, or when the key is gone.
    pub fn open(&self, ring: &KeyRing) -> Option<(Code, PhoneNumber)> {
        let secret = ring
            .open(&self.key_id, self.id.as_bytes(), self.sealed.as_deref()?)
            .ok()?;
        let (code, number) = std::str::from_utf8(&secret).ok()?.split_once('\n')?;
        Some((Code::from_sealed(code), PhoneNumber::parse(number).ok()?))
    }

    /// Applies what a hand-off led to. `jitter` is uniform in 0..1000 and spreads retries.
    pub fn report(&mut self, claim: u32, report: &Report, jitter: u32, now: Timestamp) -> Progress {
        if let Report::Accepted { account, sid } = report {
            return self.accept(account, sid, now);
        }
        if let Report::Receipt(receipt) = report {
            // True whoever holds the delivery.
            return self.receive(receipt, now);
        }
        if claim != self.claim || self.stage == Stage::Done {
            return Progress::Stale;
        }
        match report {
            Report::Accepted { .. } | Report::Receipt(_) => unreachable!("handled above"),
            Report::Refused => self.fail(DeliveryReason::Refused, now),
            // An account may have it still.
            Report::PutOff { until } if self.stage == Stage::Unknown => {
                if self.sealed.is_none() || self.give_up_at <= now {
                    self.fail(DeliveryReason::Unconfirmed, now);
                } else {
                    self.due_at = Some(self.no_later(*until, now));
                }
                Progress::Noted
            }
            Report::NotSent | Report::Moving { .. } | Report::PutOff { .. }
                if self.sealed.is_none() =>
            {
                self.fail(
                    self.reason.unwrap_or(DeliveryReason::VerificationEnded),
                    now,
                )
            }
            Report::NotSent | Report::PutOff { .. } if self.give_up_at <= now => {
                self.fail(DeliveryReason::NotDeliverable, now)
            }
            Report::PutOff { until } => {
                self.stage = Stage::Waiting;
                self.account = None;
                self.due_at = Some(self.no_later(*until, now));
                Progress::Noted
            }
            Report::NotSent => {
                self.stage = Stage::Waiting;
                self.account = None;
                self.due_at = Some(now.plus(self.pause(jitter)).min(self.give_up_at));
                self.tries += 1;
                Progress::Noted
            }
            Report::Unknown { .. } | Report::LookUpFailed if self.sealed.is_none() => {
                self.fail(DeliveryReason::Unconfirmed, now);
                Progress::Noted
            }
            Report::Unknown {
                account,
                requested_at,
            } => {
                self.stage = Stage::Unknown;
                self.account = Some(account.clone());
                self.handed_at = Some(*requested_at);
                self.due_at = Some(requested_at.plus(LOOK_UP_AFTER));
                Progress::Noted
            }
            Report::LookUpFailed if self.give_up_at <= now => {
                self.fail(DeliveryReason::Unconfirmed, now);
                Progress::Noted
            }
            Report::LookUpFailed => {
                self.due_at = Some(now.plus(self.pause(jitter)).min(self.give_up_at));
                self.tries += 1;
                Progress::Noted
            }
            Report::Moving { account } => {
                self.account = Some(account.clone());
                self.handed_at = Some(now);
                self.due_at = Some(now.plus(LEASE));
                Progress::Noted
            }
        }
    }

    /// Takes a due delivery for this process.
    pub fn claim(&mut self, now: Timestamp) -> Work {
        self.claim += 1;
        let work = if self.stage == Stage::Done {
            Work::Nothing
        } else if self.is_nowhere() && (self.sealed.is_none() || self.give_up_at <= now) {
            Work::GiveUp
        } else if self.is_nowhere() {
            self.stage = Stage::Claimed;
            self.handed_at = Some(now);
            Work::HandOff
        } else if self.sealed.is_some() {
            // The account a dead process was talking to, or one that never answered.
            self.stage = Stage::Unknown;
            Work::LookUp
        } else {
            self.fail(DeliveryReason::Unconfirmed, now);
            Work::Nothing
        };
        if work != Work::Nothing {
            self.due_at = Some(now.plus(LEASE));
        }
        work
    }

    /// Lets go of a delivery that nobody waits for any more, and erases code and number.
    pub fn abandon(&mut self, reason: DeliveryReason, now: Timestamp) {
        if self.sealed.take().is_none() {
            return;
        }
        (self.next, self.fallback_at) = (None, None);
        match self.stage {
            // Still due, so that the courier gives its limits back.
            Stage::Waiting => {
                self.status = DeliveryStatus::Failed;
                self.reason = Some(reason);
                self.failed_at = Some(now);
                self.due_at = Some(now);
            }
            Stage::Unknown => {
                self.fail(DeliveryReason::Unconfirmed, now);
            }
            // Somebody is at it this moment, and will report what came of it.
            Stage::Claimed => self.reason = Some(reason),
            // It failed, and its fallback, which will not come, would have taken over what it was charged to.
            Stage::Done if !self.charges.is_empty() && self.sent_at.is_none() => {
                self.stage = Stage::Waiting;
                self.due_at = Some(now);
            }
            // Of one whose verification ended, whoever is to ask for it finds that out.
            Stage::Done if reason == DeliveryReason::Superseded => self.outlive(now),
            Stage::Done => {}
        }
    }

    /// Whether certainly no account has the message. An account is durable before it can have it, so a process that died
    /// before it noted one has handed nothing over.
    fn is_nowhere(&self) -> bool {
        match self.stage {
            Stage::Waiting => true,
            Stage::Claimed => self.account.is_none(),
            Stage::Unknown | Stage::Done => false,
        }
    }

    /// The person gave its code back, so the account that may have had the message had it. A resend proves nothing,
    /// since its code may be that of an earlier message.
    pub fn prove(&mut self, now: Timestamp) {
        let perhaps = matches!(self.stage, Stage::Claimed | Stage::Unknown);
        if perhaps && self.cause == Cause::Send && self.status == DeliveryStatus::Queued {
            self.status = DeliveryStatus::Sent;
            self.sent_at = Some(now);
        }
    }

    fn accept(&mut self, account: &str, sid: &str, now: Timestamp) -> Progress {
        if self.sid.is_some() {
            return Progress::Stale;
        }
        self.sid = Some(sid.to_owned());
        self.account = Some(account.to_owned());
        self.taken(now);
        Progress::Sent
    }

    fn fail(&mut self, reason: DeliveryReason, now: Timestamp) -> Progress {
        self.stage = Stage::Done;
        self.due_at = None;
        // What was proved needs no confirmation.
        if reason != DeliveryReason::Unconfirmed || self.status != DeliveryStatus::Sent {
            self.status = DeliveryStatus::Failed;
            self.reason = Some(reason);
            self.failed_at = self.failed_at.or(Some(now));
        }
        if matches!(
            reason,
            DeliveryReason::Refused | DeliveryReason::NotDeliverable
        ) {
            self.fall_back(now);
        }
        Progress::NothingSent(reason)
    }

    /// `until`, unless the longest pause, or the time to give up, ends before it.
    fn no_later(&self, until: Timestamp, now: Timestamp) -> Timestamp {
        until.min(now.plus(LONGEST_PAUSE)).min(self.give_up_at)
    }

    /// 1, 2, 4, 8, then 15 s, less up to half of it by chance.
    fn pause(&self, jitter: u32) -> Duration {
        let full = Duration::from_secs(1 << self.tries.min(4)).min(LONGEST_PAUSE);
        full.saturating_sub(full * jitter.min(1000) / 2000)
    }
}

#[cfg(test)]
mod tests;
