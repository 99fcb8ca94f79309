//! What becomes of a message after Restcomm took it: states only go forward, whatever order the news comes in.

use std::time::Duration;

use super::{Delivery, DeliveryReason, DeliveryStatus, GIVE_UP_BEFORE_END, LEASE, Progress, Stage};
use crate::domain::clock::Timestamp;

/// When Restcomm is asked for the first time how a message fares. Where it reports by itself, it has by then.
const FIRST_ASK: Duration = Duration::from_secs(10);
const SECOND_ASK: Duration = Duration::from_secs(30);
/// From then on.
const ASK_EVERY: Duration = Duration::from_mins(1);
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
}

impl News {
    pub const fn status(self) -> DeliveryStatus {
        match self {
            Self::OnItsWay => DeliveryStatus::Sent,
            Self::Delivered => DeliveryStatus::Delivered,
            Self::Undelivered(_) => DeliveryStatus::Undelivered,
            Self::Failed(_) => DeliveryStatus::Failed,
        }
    }
}

impl Delivery {
    /// Whether nothing more can be learnt of it.
    pub const fn is_final(&self) -> bool {
        match self.status {
            DeliveryStatus::Queued | DeliveryStatus::Sent => false,
            DeliveryStatus::Delivered | DeliveryStatus::Undelivered | DeliveryStatus::Failed => {
                true
            }
        }
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
    }

    /// The code of a message that Restcomm has is dead. Ended early, its fate matters to nobody; else it may have been why.
    pub(super) fn outlive(&mut self, now: Timestamp) {
        if now < self.end_of_code() {
            self.ask_at = None;
        }
    }

    /// Whether Restcomm is to be asked now how the message fares. When it is asked again is noted before: so one process
    /// asks, and one that dies over it is replaced.
    pub fn ask(&mut self, now: Timestamp) -> bool {
        let matters = self.status == DeliveryStatus::Sent
            && self.account.is_some()
            && self.sid.is_some()
            && now <= self.end_of_code().plus(ASK_AFTER_END);
        let second = self.sent_at.unwrap_or(self.created_at).plus(SECOND_ASK);
        self.ask_at = matters.then(|| {
            if now.plus(LEASE) <= second {
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
        if self.status != DeliveryStatus::Sent {
            return self.status == news.status();
        }
        match news {
            News::OnItsWay => return true,
            News::Delivered => self.delivered_at = Some(now),
            News::Undelivered(reason) | News::Failed(reason) => {
                self.reason = Some(reason);
                self.failed_at = Some(now);
            }
        }
        self.status = news.status();
        self.ask_at = None;
        true
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
mod tests;
