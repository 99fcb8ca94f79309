//! What becomes of a message after Restcomm took it: states only go forward, whatever order the news comes in.

use std::time::Duration;

use super::{
    Channel, Delivery, DeliveryReason, DeliveryStatus, GIVE_UP_BEFORE_END, LEASE, Progress, Stage,
};
use crate::domain::clock::Timestamp;

/// When Restcomm is asked for the first time how a message fares. Where it reports by itself, it has by then.
const FIRST_ASK: Duration = Duration::from_secs(10);
const SECOND_ASK: Duration = Duration::from_secs(30);
/// The same of a call: by then it rings no more.
const SECOND_ASK_OF_CALL: Duration = Duration::from_secs(40);
/// From then on.
const ASK_EVERY: Duration = Duration::from_mins(1);
/// Of a call that is over, for a minute.
const ASK_OF_END: Duration = Duration::from_secs(5);
/// So long after its code is dead a message may still be asked for.
const ASK_AFTER_END: Duration = Duration::from_mins(2);

/// What Restcomm tells of a message: by itself, or asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The account that has the message, as far as that was told.
    pub account: Option<String>,
    /// Restcomm's name of the message, as far as it was told.
    pub sid: Option<String>,
    pub news: News,
}

/// How far the message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Restcomm has it, and nothing more is known.
    OnItsWay,
    Delivered,
    Undelivered(DeliveryReason),
    Failed(DeliveryReason),
    Ringing,
    Answered,
    /// Somebody answered, and the call is over.
    Completed,
    Unanswered,
    Busy,
    /// The call is over, and how is not told: Restcomm reports every end as the same.
    Over,
}

impl News {
    /// The state that it tells of, if it tells of one.
    pub const fn status(self) -> Option<DeliveryStatus> {
        match self {
            Self::OnItsWay => Some(DeliveryStatus::Sent),
            Self::Delivered => Some(DeliveryStatus::Delivered),
            Self::Undelivered(_) => Some(DeliveryStatus::Undelivered),
            Self::Failed(_) => Some(DeliveryStatus::Failed),
            Self::Ringing => Some(DeliveryStatus::Ringing),
            Self::Answered | Self::Completed => Some(DeliveryStatus::Answered),
            Self::Unanswered => Some(DeliveryStatus::Unanswered),
            Self::Busy => Some(DeliveryStatus::Busy),
            Self::Over => None,
        }
    }
}

impl Delivery {
    /// Whether nothing more can be learnt of it.
    pub const fn is_final(&self) -> bool {
        match self.status {
            DeliveryStatus::Queued | DeliveryStatus::Sent | DeliveryStatus::Ringing => false,
            DeliveryStatus::Delivered
            | DeliveryStatus::Undelivered
            | DeliveryStatus::Failed
            | DeliveryStatus::Answered
            | DeliveryStatus::Unanswered
            | DeliveryStatus::Busy => true,
        }
    }

    /// Notes what is true whoever holds the delivery.
    pub fn learn(&mut self, receipt: &Receipt, now: Timestamp) {
        self.receive(receipt, now);
    }

    /// Takes news of the message. Any news proves that Restcomm has it, also where nobody knew that yet.
    pub(super) fn receive(&mut self, receipt: &Receipt, now: Timestamp) -> Progress {
        if !self.fits(receipt) {
            return Progress::Stale;
        }
        let is_proof = self.stage != Stage::Done || (self.sid.is_none() && receipt.sid.is_some());
        if is_proof {
            self.account = receipt.account.clone().or(self.account.take());
            self.sid.clone_from(&receipt.sid);
            self.taken(now);
        }
        let is_news = self.note(receipt.news, now);
        match (is_proof, is_news) {
            (true, _) => Progress::Sent,
            (false, true) => Progress::Noted,
            (false, false) => Progress::Stale,
        }
    }

    /// The message is Restcomm's: nothing is left to hand over, and what becomes of it is asked for in a while.
    pub(super) fn taken(&mut self, now: Timestamp) {
        self.sent_at = self.sent_at.or(Some(now));
        self.stage = Stage::Done;
        self.due_at = None;
        if self.status == DeliveryStatus::Queued {
            self.status = DeliveryStatus::Sent;
            self.reason = None;
        }
        // Without its code it is nobody's any more: its verification has ended, or another message took its place.
        let matters = self.status == DeliveryStatus::Sent && self.sealed.is_some();
        self.ask_at = matters.then(|| now.plus(FIRST_ASK));
        if let (true, Some(next)) = (matters, self.next) {
            self.fallback_at = Some(now.plus(next.after));
        }
    }

    /// It did not reach the person: what the plan does next is due at once.
    pub(super) fn fall_back(&mut self, now: Timestamp) {
        let can = self.next.is_some() && self.sealed.is_some();
        self.fallback_at = can.then_some(now);
    }

    /// Another message took the place of this one, which Restcomm has: while a code lives its fate matters to nobody.
    pub(super) fn outlive(&mut self, now: Timestamp) {
        if now < self.end_of_code() {
            self.ask_at = None;
        }
    }

    /// Whether Restcomm is to be asked now how the message fares. When it is asked again is noted before: so one process
    /// asks, and one that dies over it is replaced.
    pub fn ask(&mut self, now: Timestamp) -> bool {
        let matters = !self.is_final()
            && self.status != DeliveryStatus::Queued
            && self.account.is_some()
            && self.sid.is_some()
            && now <= self.end_of_code().plus(ASK_AFTER_END);
        let second = if self.channel.is_call() {
            SECOND_ASK_OF_CALL
        } else {
            SECOND_ASK
        };
        let second = self.sent_at.unwrap_or(self.created_at).plus(second);
        self.ask_at = matters.then(|| {
            if self.over_at.is_some_and(|over| now < over.plus(ASK_EVERY)) {
                // Restcomm told of the end of the call before it wrote down which it was.
                now.plus(ASK_OF_END)
            } else if now.plus(LEASE) <= second {
                second
            } else {
                now.plus(ASK_EVERY)
            }
        });
        matters
    }

    fn end_of_code(&self) -> Timestamp {
        self.give_up_at.plus(GIVE_UP_BEFORE_END)
    }

    /// What is known of the message must not be contradicted: a token proves whose news it is, not which message's.
    fn fits(&self, receipt: &Receipt) -> bool {
        let agree = |known: &Option<String>, told: &Option<String>| {
            known.is_none() || told.is_none() || known == told
        };
        let is_known = self.sid.is_some();
        agree(&self.sid, &receipt.sid) && (!is_known || agree(&self.account, &receipt.account))
    }

    /// Moves forward, or tells whether the news is what is known.
    fn note(&mut self, news: News, now: Timestamp) -> bool {
        if matches!(news, News::Completed | News::Over) {
            self.over_at = self.over_at.or(Some(now));
            if self.was_answered_in_vain() {
                self.fall_back(now);
            }
        }
        let Some(status) = news.status() else {
            // How it ended is asked for at once. Of a call that was answered nothing more need be known.
            if !self.is_final() {
                self.ask_at = Some(now);
            }
            return true;
        };
        let is_open = matches!(self.status, DeliveryStatus::Sent | DeliveryStatus::Ringing);
        if !is_open || status == self.status || status == DeliveryStatus::Sent {
            return status == self.status;
        }
        self.status = status;
        match news {
            // It has shown its number, which is what it was made for.
            News::Ringing | News::Unanswered if self.channel == Channel::Flashcall => {
                self.confirm(now);
            }
            News::OnItsWay | News::Ringing | News::Over => {}
            // Whoever answered has to hear the code yet.
            News::Answered | News::Completed if self.channel == Channel::Voice => {
                self.delivered_at = Some(now);
            }
            News::Delivered | News::Answered | News::Completed => self.confirm(now),
            News::Undelivered(reason) | News::Failed(reason) => {
                self.reason = Some(reason);
                self.missed(now);
            }
            News::Unanswered | News::Busy => self.missed(now),
        }
        if self.is_final() {
            self.ask_at = None;
        }
        if self.over_at.is_some() && self.was_answered_in_vain() {
            self.fall_back(now);
        }
        true
    }

    /// Somebody answered, and what to say was never asked for: it could not be had, or not be read.
    fn was_answered_in_vain(&self) -> bool {
        self.channel == Channel::Voice
            && self.status == DeliveryStatus::Answered
            && self.spoken == 0
    }

    /// Whether it reached the person.
    pub fn is_confirmed(&self) -> bool {
        self.delivered_at.is_some() && !self.was_answered_in_vain()
    }

    /// The code is being said to whoever answered: no fallback is needed.
    pub fn heard(&mut self) {
        self.spoken += 1;
        self.fallback_at = None;
    }

    /// It reached the person: no fallback is needed.
    fn confirm(&mut self, now: Timestamp) {
        self.delivered_at = self.delivered_at.or(Some(now));
        self.fallback_at = None;
        self.ask_at = None;
    }

    /// It did not reach the person. What was confirmed before stays so.
    fn missed(&mut self, now: Timestamp) {
        self.failed_at = Some(now);
        if self.delivered_at.is_none() {
            self.fall_back(now);
        }
    }
}

impl DeliveryReason {
    /// By Restcomm's number of the error, or its name: callbacks tell one, its messages the other.
    pub fn of_error(code: &str) -> Self {
        let code = code.trim().to_ascii_lowercase();
        match code.as_str() {
            "30001" | "queue_overflow" => Self::QueueOverflow,
            "30002" | "account_suspended" => Self::AccountSuspended,
            "30003" | "unreachable_destination_handset" => Self::HandsetUnreachable,
            "30004" | "message_blocked" => Self::MessageBlocked,
            "30005" | "unknown_destination_handset" => Self::HandsetUnknown,
            "30006" | "landline_or_unreachable_carrier" => Self::LandlineOrUnreachableCarrier,
            "30007" | "carrier_violation" => Self::CarrierViolation,
            "30009" | "missing_segment" => Self::MissingSegment,
            "30010" | "message_price_exceeds_max_price" => Self::PriceTooHigh,
            _ => Self::UnknownError,
        }
    }

    /// Whether Restcomm took the message, and reported this of it.
    pub const fn is_reported(self) -> bool {
        match self {
            Self::Refused
            | Self::NotDeliverable
            | Self::Unconfirmed
            | Self::Superseded
            | Self::VerificationEnded => false,
            Self::QueueOverflow
            | Self::AccountSuspended
            | Self::HandsetUnreachable
            | Self::MessageBlocked
            | Self::HandsetUnknown
            | Self::LandlineOrUnreachableCarrier
            | Self::CarrierViolation
            | Self::UnknownError
            | Self::MissingSegment
            | Self::PriceTooHigh => true,
        }
    }
}

#[cfg(test)]
mod calls;
#[cfg(test)]
mod tests;
