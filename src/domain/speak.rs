//! May this call be told the code? Restcomm asks once somebody has answered, and again for each time it is to be repeated.

use std::time::Duration;

use super::{
    clock::Timestamp,
    code::Code,
    delivery::{Channel, Delivery, DeliveryStatus, News, Receipt},
    id::Id,
    language::Language,
    ledger::{Ledger, Op},
    verification::Status,
};
use crate::crypto::KeyRing;

/// How often one call may be told the code.
pub const MOST_READINGS: u8 = 3;

/// Three readings take less. That a call is over may never be told.
const LONGEST_CALL: Duration = Duration::from_mins(3);

/// A call asks what to say. Its token was right.
#[derive(Clone, Debug)]
pub struct Speak {
    pub delivery: Id,
    pub verification: Id,
    /// Restcomm's name of the call that asks, as far as it was told.
    pub call: Option<String>,
    /// Restcomm says that somebody has answered.
    pub is_answered: bool,
}

#[derive(Clone, Debug)]
pub enum SpeakOutcome {
    Say {
        code: Code,
        language: Language,
        /// Whether it may be asked for once more.
        again: bool,
    },
    HangUp,
}

impl Speak {
    pub fn decide(
        &self,
        ledger: &mut Ledger,
        ring: &KeyRing,
        op: Op,
        now: Timestamp,
    ) -> SpeakOutcome {
        let Some(mut delivery) = ledger.deliveries.get(&self.delivery).cloned() else {
            return SpeakOutcome::HangUp;
        };
        let Some(mut verification) = ledger.settled(self.verification, now) else {
            return SpeakOutcome::HangUp;
        };
        // A resend may have changed the code since the call was placed: what is said is the live one.
        let live = ledger.deliveries.get(&verification.delivery);
        let live = live.and_then(|latest| latest.open(ring));
        let may_know = verification.status == Status::Pending
            && verification.channel != Channel::Flashcall
            && delivery.is_asked_by(self.call.as_deref(), now);
        let (Some((code, _)), true) = (live, may_know) else {
            return SpeakOutcome::HangUp;
        };
        let news = if self.is_answered {
            News::Answered
        } else {
            News::OnItsWay
        };
        delivery.learn(
            &Receipt {
                account: None,
                // From now on only this call is told.
                sid: self.call.clone(),
                news,
            },
            now,
        );
        delivery.heard();
        let outcome = SpeakOutcome::Say {
            code,
            language: delivery.wording.language,
            again: delivery.spoken < MOST_READINGS,
        };
        verification.sent = true;
        ledger.deliveries.put(delivery.id, delivery, op);
        ledger.put_verification(verification, now, op);
        outcome
    }
}

impl Delivery {
    /// Whether the call that asks is the one that was placed, goes on, and has not asked too often. Until Restcomm told
    /// its name, the token alone proves which it is.
    fn is_asked_by(&self, call: Option<&str>, now: Timestamp) -> bool {
        let answered = self.delivered_at.unwrap_or(now);
        let is_over = self.over_at.is_some()
            || answered.plus(LONGEST_CALL) <= now
            || matches!(
                self.status,
                DeliveryStatus::Unanswered | DeliveryStatus::Busy | DeliveryStatus::Failed
            );
        let is_ours = self.sid.is_none() || self.sid.as_deref() == call;
        self.channel == Channel::Voice && !is_over && is_ours && self.spoken < MOST_READINGS
    }
}

#[cfg(test)]
mod tests;
