//! What the courier tells of its work: counts, and lines in the log.

use std::time::Duration;

use super::Courier;
use crate::{
    domain::{
        delivery::{Delivery, DeliveryReason, Progress, Report},
        phone::PhoneNumber,
    },
    restcomm::HandOff,
    store::channel_label,
    telemetry::labels::{HandedOff, Label as _, LookedUp},
};

impl Courier {
    /// One request to Restcomm has come to its end.
    pub(super) fn tell_hand_off(
        &self,
        delivery: &Delivery,
        to: &PhoneNumber,
        account: &str,
        outcome: &HandOff,
        took: Duration,
    ) {
        let outcome = match outcome {
            HandOff::Accepted { .. } => HandedOff::Accepted,
            HandOff::Refused => HandedOff::Refused,
            HandOff::NotSent => HandedOff::NotSent,
            HandOff::Unknown => HandedOff::Unknown,
        };
        let metrics = self.0.store.metrics();
        metrics.handed_off(channel_label(delivery.channel), outcome, took);
        macro_rules! tell {
            ($level:ident) => {
                tracing::$level!(
                    delivery.id = %delivery.id,
                    delivery.channel = delivery.channel.as_str(),
                    delivery.to = to.masked(),
                    delivery.outcome = outcome.word(),
                    account,
                    duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                    "delivery.handed_off"
                )
            };
        }
        if outcome == HandedOff::Accepted {
            tell!(info);
        } else {
            tell!(warn);
        }
    }

    /// Restcomm was asked for a message of unknown fate.
    pub(super) fn tell_look_up(&self, delivery: &Delivery, found: &Report) {
        let outcome = match found {
            Report::Accepted { .. } => LookedUp::Found,
            Report::NotSent => LookedUp::NotFound,
            Report::LookUpFailed
            | Report::Refused
            | Report::Unknown { .. }
            | Report::Moving { .. }
            | Report::Receipt(_) => LookedUp::Failed,
            // Nobody was asked.
            Report::PutOff { .. } => return,
        };
        self.0.store.metrics().look_ups.count(outcome);
        let outcome_word = outcome.word();
        if outcome == LookedUp::Failed {
            tracing::warn!(delivery.id = %delivery.id, delivery.outcome = outcome_word, "delivery.looked_up");
        } else {
            tracing::info!(delivery.id = %delivery.id, delivery.outcome = outcome_word, "delivery.looked_up");
        }
    }
}

/// A report was noted; where nothing will ever be sent, somebody may wait for it in vain.
pub(super) fn tell_end(delivery: &Delivery, progress: Progress) {
    let Progress::NothingSent(reason) = progress else {
        return;
    };
    let (id, why) = (delivery.id, reason.as_str());
    let is_wanted = !matches!(
        reason,
        DeliveryReason::Superseded | DeliveryReason::VerificationEnded
    );
    if is_wanted {
        tracing::warn!(delivery.id = %id, delivery.reason = why, "delivery.ended");
    } else {
        tracing::info!(delivery.id = %id, delivery.reason = why, "delivery.ended");
    }
}
