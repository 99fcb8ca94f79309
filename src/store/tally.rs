//! What is decided, as counts. Here, where it is decided, nothing is missed because a caller has gone.

use std::collections::HashSet;

use super::{
    StoreError,
    journal::{Command, Outcome},
};
use crate::{
    domain::{
        check::CheckOutcome,
        delivery::{
            Channel, Delivery, DeliveryReason, DeliveryStatus, News, Progress, Report, Stage,
        },
        ending::CancelOutcome,
        fallback::FallBackOutcome,
        id::Id,
        idempotency::Known,
        ledger::Ledger,
        limits::LimitName,
        send::SendOutcome,
        verification::{Status, Verification},
    },
    telemetry::{
        Metrics,
        labels::{
            self, Cancel, Check, Delivered, End, Fault, FellBack, Label as _, Limit, Reported, Send,
        },
    },
};

/// What stood open when a batch had loaded its rows.
pub(super) struct Open {
    verifications: HashSet<Id>,
    deliveries: HashSet<Id>,
    unreported: HashSet<Id>,
}

/// What a batch ended, each once: it was open before, and is not any more.
#[derive(Default)]
pub(super) struct Ended {
    verifications: Vec<End>,
    deliveries: Vec<(labels::Channel, Delivered)>,
    receipts: Vec<(labels::Channel, Reported)>,
}

impl Open {
    pub(super) fn of(ledger: &Ledger) -> Self {
        let verifications = ledger.verifications.iter();
        let deliveries = ledger.deliveries.iter();
        Self {
            verifications: verifications
                .filter(|(_, row)| end(&row.value).is_none())
                .map(|(id, _)| *id)
                .collect(),
            deliveries: deliveries
                .filter(|(_, row)| row.value.stage != Stage::Done)
                .map(|(id, _)| *id)
                .collect(),
            unreported: ledger
                .deliveries
                .iter()
                .filter(|(_, row)| !row.value.is_final())
                .map(|(id, _)| *id)
                .collect(),
        }
    }

    /// What has ended since, in `ledger`.
    pub(super) fn ended(&self, ledger: &Ledger) -> Ended {
        let verifications = ledger.verifications.iter().filter(|(id, row)| {
            row.changed_by.is_some() && (row.version == 0 || self.verifications.contains(id))
        });
        let deliveries = ledger.deliveries.iter().filter(|(id, row)| {
            row.changed_by.is_some() && (row.version == 0 || self.deliveries.contains(id))
        });
        let reported = ledger
            .deliveries
            .iter()
            .filter(|(id, row)| row.changed_by.is_some() && self.unreported.contains(id));
        Ended {
            receipts: reported
                .filter_map(|(_, row)| reported_of(&row.value))
                .collect(),
            verifications: verifications
                .filter_map(|(_, row)| end(&row.value))
                .collect(),
            deliveries: deliveries
                .filter_map(|(_, row)| delivered(&row.value))
                .collect(),
        }
    }
}

impl Ended {
    pub(super) fn count(&self, metrics: &Metrics) {
        for end in &self.verifications {
            metrics.verifications_ended.count(*end);
        }
        for (channel, delivered) in &self.deliveries {
            metrics.deliveries.count(*channel, *delivered);
        }
        for (channel, reported) in &self.receipts {
            metrics.receipts.count(*channel, *reported);
        }
    }
}

/// Counts the answer to a command, and tells of it where somebody looks that closely: the id of a verification lets its
/// holder spend guesses, so that it stays out of the ordinary log.
pub(super) fn answer(metrics: &Metrics, command: &Command, outcome: Result<&Outcome, &StoreError>) {
    tell(outcome);
    tell_receipt(command, outcome);
    match (command, outcome) {
        (Command::Send(send), Ok(Outcome::Send(outcome))) => {
            if let SendOutcome::Limited { limit, .. } = outcome {
                metrics.limits_hit.count(limit_name(*limit));
            }
            // Why it may not begin anything is known, and counted, where it was refused.
            if !matches!(outcome, SendOutcome::NotKnown) {
                metrics
                    .sends
                    .count(channel_label(send.channel), sent(outcome));
            }
        }
        (Command::Send(send), Err(error)) => {
            let outcome = if is_outage(error) {
                Send::Unavailable
            } else {
                Send::Internal
            };
            metrics.sends.count(channel_label(send.channel), outcome);
        }
        (Command::Check(_), Ok(Outcome::Check(outcome))) => metrics.checks.count(checked(outcome)),
        (Command::Check(_), Err(error)) => metrics.checks.count(if is_outage(error) {
            Check::Unavailable
        } else {
            Check::Internal
        }),
        (Command::Cancel(_), Ok(Outcome::Cancel(outcome))) => {
            metrics.cancels.count(match outcome {
                CancelOutcome::Canceled(_) => Cancel::Canceled,
                CancelOutcome::Ended(_) => Cancel::Ended,
                CancelOutcome::Unknown => Cancel::Unknown,
                CancelOutcome::KeyRefused => Cancel::KeyRefused,
            });
        }
        (Command::Cancel(_), Err(error)) => metrics.cancels.count(if is_outage(error) {
            Cancel::Unavailable
        } else {
            Cancel::Internal
        }),
        (Command::FallBack(due), Ok(Outcome::FellBack(outcome))) => {
            tell_fallback(due.delivery, outcome);
            metrics.fallbacks.count(match outcome {
                FallBackOutcome::Started(_) => FellBack::Started,
                FallBackOutcome::Dropped => FellBack::Dropped,
                FallBackOutcome::Postponed => FellBack::Postponed,
            });
        }
        // What these change is counted where it ends.
        (
            Command::Report(_)
            | Command::Expire(_)
            | Command::TakeBack(_)
            | Command::Speak(_)
            | Command::FallBack(_)
            | Command::Keep(_),
            _,
        )
        | (Command::Send(_) | Command::Check(_) | Command::Cancel(_), Ok(_)) => {}
    }
}

fn tell(outcome: Result<&Outcome, &StoreError>) {
    match outcome {
        Ok(Outcome::Send(outcome)) => {
            let verification = match outcome {
                SendOutcome::Created(dispatch) | SendOutcome::Resent(dispatch) => {
                    Some(dispatch.verification.id)
                }
                SendOutcome::TooSoon { verification, .. } => Some(verification.id),
                SendOutcome::Known(
                    Known::Answered { verification, .. } | Known::Unanswered { verification, .. },
                ) => Some(*verification),
                SendOutcome::Limited { .. }
                | SendOutcome::Blocked(_)
                | SendOutcome::KeyRefused
                | SendOutcome::Unreadable
                | SendOutcome::NotKnown
                | SendOutcome::Known(Known::InProgress { .. } | Known::Mismatch) => None,
            };
            let id = verification.map(tracing::field::display);
            tracing::debug!(
                verification.id = id,
                outcome = sent(outcome).word(),
                "send.decided"
            );
        }
        Ok(Outcome::Check(outcome)) => {
            let verification = match outcome {
                CheckOutcome::Approved(found) | CheckOutcome::Ended(found) => Some(found.id),
                CheckOutcome::Wrong { .. }
                | CheckOutcome::Blocked(_)
                | CheckOutcome::Unknown
                | CheckOutcome::CodeSpent
                | CheckOutcome::KeyRefused
                | CheckOutcome::Undecidable => None,
            };
            let id = verification.map(tracing::field::display);
            tracing::debug!(
                verification.id = id,
                outcome = checked(outcome).word(),
                "check.decided"
            );
        }
        Ok(
            Outcome::Cancel(_)
            | Outcome::Report(_)
            | Outcome::Spoke(_)
            | Outcome::FellBack(_)
            | Outcome::Kept(_)
            | Outcome::Expired
            | Outcome::TakenBack,
        )
        | Err(_) => {}
    }
}

/// Restcomm reported something of a message that was not known before.
fn tell_receipt(command: &Command, outcome: Result<&Outcome, &StoreError>) {
    let (Command::Report(told), Ok(Outcome::Report(outcome))) = (command, outcome) else {
        return;
    };
    let Report::Receipt(receipt) = &told.report else {
        return;
    };
    if outcome.progress == Progress::Stale {
        return;
    }
    let status = receipt.news.status().map_or("over", DeliveryStatus::as_str);
    match receipt.news {
        News::OnItsWay
        | News::Delivered
        | News::Ringing
        | News::Answered
        | News::Completed
        | News::Unanswered
        | News::Busy
        | News::Over => {
            tracing::info!(delivery.id = %told.delivery, delivery.status = status, "delivery.reported");
        }
        News::Undelivered(reason) | News::Failed(reason) => {
            let reason = reason.as_str();
            tracing::warn!(delivery.id = %told.delivery, delivery.status = status, delivery.reason = reason, "delivery.reported");
        }
    }
}

/// The tenant's plan went on to its next step, or had no need to.
fn tell_fallback(from: Id, outcome: &FallBackOutcome) {
    match outcome {
        FallBackOutcome::Started(dispatch) => {
            let (to, channel) = (dispatch.delivery.id, dispatch.delivery.channel.as_str());
            tracing::info!(delivery.id = %to, delivery.channel = channel, delivery.after = %from, "fallback.started");
        }
        FallBackOutcome::Dropped | FallBackOutcome::Postponed => {
            tracing::debug!(delivery.id = %from, "fallback.dropped");
        }
    }
}

/// What Restcomm reported of a delivery, if it has.
fn reported_of(delivery: &Delivery) -> Option<(labels::Channel, Reported)> {
    let how = match delivery.status {
        DeliveryStatus::Delivered => Reported::Delivered,
        DeliveryStatus::Undelivered => Reported::Undelivered,
        DeliveryStatus::Failed if delivery.reason.is_some_and(DeliveryReason::is_reported) => {
            Reported::Failed
        }
        DeliveryStatus::Answered => Reported::Answered,
        DeliveryStatus::Unanswered => Reported::Unanswered,
        DeliveryStatus::Busy => Reported::Busy,
        DeliveryStatus::Queued
        | DeliveryStatus::Sent
        | DeliveryStatus::Ringing
        | DeliveryStatus::Failed => return None,
    };
    Some((channel_label(delivery.channel), how))
}

/// What was wrong with the database; `None` when it was not asked.
pub(super) fn fault(error: &StoreError) -> Option<Fault> {
    match error {
        StoreError::Unavailable(_) | StoreError::NotOpened { .. } => Some(Fault::Unavailable),
        StoreError::Lost(_) => Some(Fault::Lost),
        StoreError::Again => Some(Fault::Conflict),
        StoreError::Damaged { .. } => Some(Fault::Damaged),
        StoreError::Newer { .. } => Some(Fault::Newer),
        StoreError::Refused(_) | StoreError::Migration(_) => Some(Fault::Refused),
        StoreError::Full => None,
    }
}

/// The label of a channel.
pub const fn channel_label(channel: Channel) -> labels::Channel {
    match channel {
        Channel::Sms => labels::Channel::Sms,
        Channel::Voice => labels::Channel::Voice,
        Channel::Flashcall => labels::Channel::Flashcall,
    }
}

fn is_outage(error: &StoreError) -> bool {
    !matches!(error, StoreError::Damaged { .. } | StoreError::Refused(_))
}

fn sent(outcome: &SendOutcome) -> Send {
    match outcome {
        SendOutcome::Created(_) => Send::Created,
        SendOutcome::Resent(_) => Send::Resent,
        SendOutcome::TooSoon { .. } => Send::TooSoon,
        SendOutcome::Limited { .. } => Send::Limited,
        SendOutcome::Blocked(_) => Send::Blocked,
        SendOutcome::KeyRefused => Send::KeyRefused,
        SendOutcome::Unreadable => Send::KeyMissing,
        SendOutcome::Known(Known::Answered { .. } | Known::Unanswered { .. }) => Send::Replayed,
        SendOutcome::Known(Known::InProgress { .. }) => Send::InProgress,
        SendOutcome::Known(Known::Mismatch) => Send::Mismatch,
        SendOutcome::NotKnown => Send::Destination,
    }
}

fn checked(outcome: &CheckOutcome) -> Check {
    match outcome {
        CheckOutcome::Approved(_) => Check::Approved,
        CheckOutcome::Wrong { .. } => Check::Wrong,
        CheckOutcome::Ended(verification) => match verification.status {
            Status::Approved => Check::AlreadyApproved,
            Status::Expired => Check::Expired,
            Status::Canceled => Check::Canceled,
            Status::MaxAttemptsReached => Check::MaxAttemptsReached,
            Status::Failed | Status::Pending => Check::Failed,
        },
        CheckOutcome::Blocked(_) => Check::Blocked,
        CheckOutcome::Unknown => Check::Unknown,
        CheckOutcome::CodeSpent => Check::CodeSpent,
        CheckOutcome::KeyRefused => Check::KeyRefused,
        CheckOutcome::Undecidable => Check::KeyMissing,
    }
}

fn limit_name(limit: LimitName) -> Limit {
    match limit {
        LimitName::PerNumber => Limit::PerNumber,
        LimitName::PerIp => Limit::PerIp,
        LimitName::PerPrefix => Limit::PerPrefix,
        LimitName::PerCountry => Limit::PerCountry,
        LimitName::PerKey => Limit::PerKey,
        LimitName::PerTenant => Limit::PerTenant,
    }
}

fn end(verification: &Verification) -> Option<End> {
    match verification.status {
        Status::Pending => None,
        Status::Approved => Some(End::Approved),
        Status::Expired => Some(End::Expired),
        Status::Canceled => Some(End::Canceled),
        Status::MaxAttemptsReached => Some(End::MaxAttemptsReached),
        Status::Failed => Some(End::Failed),
    }
}

/// How a delivery ended, if it has.
pub(super) fn delivered(delivery: &Delivery) -> Option<(labels::Channel, Delivered)> {
    if delivery.stage != Stage::Done {
        return None;
    }
    let how = match (delivery.status, delivery.reason) {
        (
            DeliveryStatus::Sent
            | DeliveryStatus::Delivered
            | DeliveryStatus::Undelivered
            | DeliveryStatus::Ringing
            | DeliveryStatus::Answered
            | DeliveryStatus::Unanswered
            | DeliveryStatus::Busy,
            _,
        ) => Delivered::Sent,
        (_, Some(reason)) if reason.is_reported() => Delivered::Sent,
        (_, Some(DeliveryReason::Refused)) => Delivered::Refused,
        (_, Some(DeliveryReason::Superseded)) => Delivered::Superseded,
        (_, Some(DeliveryReason::VerificationEnded)) => Delivered::VerificationEnded,
        (_, Some(DeliveryReason::Unconfirmed)) => Delivered::Unconfirmed,
        (_, _) => Delivered::NotDeliverable,
    };
    Some((channel_label(delivery.channel), how))
}
