//! What callers see of a verification.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::words;
use crate::{
    domain::{
        clock::Timestamp,
        delivery::{Channel, Delivery, DeliveryReason, DeliveryStatus},
        key::Trust,
        verification::{Reason, Status, Verification},
    },
    store::Snapshot,
};

/// A verification as it was sent. Members without a value are absent; times are whole seconds, UTC.
#[derive(Serialize, ToSchema)]
#[schema(as = Verification)]
pub(in crate::http) struct VerificationView {
    /// Random and unguessable: `otp_` and 30 letters and digits.
    #[schema(
        pattern = "^otp_[0-9A-Za-z]{30}$",
        example = "otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN"
    )]
    id: String,
    #[schema(value_type = words::VerificationState)]
    status: &'static str,
    /// The number, masked: calling code and last two digits.
    #[schema(pattern = r"^\+[0-9]+\*+[0-9]{2}$", example = "+351*******78")]
    to: String,
    #[schema(value_type = words::Channel)]
    channel: &'static str,
    /// What the code is for, as given at send.
    #[schema(example = "login")]
    purpose: String,
    /// The latest send.
    delivery: DeliveryView,
    /// Guesses left. A resend adds none. Absent with a publishable key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, maximum = 5, example = 5)]
    attempts_left: Option<u8>,
    /// When the verification began.
    #[schema(format = "date-time", example = "2026-01-31T12:00:00Z")]
    created_at: String,
    /// When it ends by itself. A resend does not move it.
    #[schema(format = "date-time", example = "2026-01-31T12:05:00Z")]
    expires_at: String,
    /// When a resend may come; absent when none can.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        format = "date-time",
        example = "2026-01-31T12:00:30Z"
    )]
    resend_after: Option<String>,
}

/// One send over a channel, in short.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(in crate::http) struct DeliveryView {
    #[schema(value_type = words::Channel)]
    channel: &'static str,
    #[schema(value_type = words::DeliveryState)]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<words::DeliveryReason>)]
    reason: Option<&'static str>,
}

/// A verification with everything that is known of it.
#[derive(Serialize, ToSchema)]
#[schema(as = VerificationStatus)]
pub(in crate::http) struct StatusView {
    #[serde(flatten)]
    verification: VerificationView,
    /// When the right code came.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        format = "date-time",
        example = "2026-01-31T12:01:00Z"
    )]
    approved_at: Option<String>,
    /// When it came to its end state, whichever.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        format = "date-time",
        example = "2026-01-31T12:01:00Z"
    )]
    ended_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<words::VerificationReason>)]
    reason: Option<&'static str>,
    /// As it was given.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false, schema_with = words::metadata)]
    metadata: BTreeMap<String, String>,
    /// Oldest first.
    deliveries: Vec<DeliveryHistory>,
    /// What happened, oldest first.
    timeline: Vec<Event>,
}

/// One send over a channel, in full.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct DeliveryHistory {
    #[schema(value_type = words::Channel)]
    channel: &'static str,
    #[schema(value_type = words::DeliveryState)]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<words::DeliveryReason>)]
    reason: Option<&'static str>,
    #[schema(value_type = words::DeliveryCause)]
    cause: &'static str,
    /// When it was asked for.
    #[schema(format = "date-time", example = "2026-01-31T12:00:00Z")]
    created_at: String,
    /// When Restcomm took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        format = "date-time",
        example = "2026-01-31T12:00:00Z"
    )]
    sent_at: Option<String>,
    /// When the network reported that the phone has it: that a message is there, that somebody answered, or, for a flash
    /// call, that it rang.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        format = "date-time",
        example = "2026-01-31T12:00:02Z"
    )]
    delivered_at: Option<String>,
}

/// Something that happened to a verification.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Event {
    /// When it happened.
    #[schema(format = "date-time", example = "2026-01-31T12:00:00Z")]
    at: String,
    /// Such as `created`, `sms.sent`, `wrong_code` or `approved`.
    #[schema(example = "sms.sent")]
    event: String,
}

/// The answer to the one check that was right.
#[derive(Serialize, ToSchema)]
#[schema(as = Approved)]
pub(in crate::http) struct ApprovedView {
    /// Random and unguessable: `otp_` and 30 letters and digits.
    #[schema(
        pattern = "^otp_[0-9A-Za-z]{30}$",
        example = "otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN"
    )]
    id: String,
    #[schema(schema_with = words::approved)]
    status: &'static str,
    /// The number, masked: calling code and last two digits.
    #[schema(pattern = r"^\+[0-9]+\*+[0-9]{2}$", example = "+351*******78")]
    to: String,
    #[schema(value_type = words::Channel)]
    channel: &'static str,
    /// What the code is for, as given at send.
    #[schema(example = "login")]
    purpose: String,
    /// When the right code came.
    #[schema(format = "date-time", example = "2026-01-31T12:01:00Z")]
    approved_at: String,
}

impl VerificationView {
    pub(super) fn new(verification: &Verification, delivery: &Delivery, trust: Trust) -> Self {
        Self {
            id: verification.id.to_string(),
            status: verification.status.as_str(),
            to: verification.to.clone(),
            channel: verification.channel.as_str(),
            purpose: verification.purpose.clone(),
            delivery: DeliveryView {
                channel: delivery.channel.as_str(),
                status: status_of(delivery).as_str(),
                reason: reason_of(delivery),
            },
            attempts_left: (trust == Trust::Full).then(|| verification.attempts_left()),
            created_at: verification.created_at.rfc3339(),
            expires_at: verification.expires_at.rfc3339(),
            resend_after: verification
                .resend_after()
                .map(Timestamp::rfc3339_not_before),
        }
    }
}

impl StatusView {
    /// `None`: its deliveries were just deleted, and it is about to be.
    pub(super) fn new(snapshot: Snapshot) -> Option<Self> {
        let Snapshot {
            verification,
            deliveries,
        } = snapshot;
        Some(Self {
            approved_at: verification.approved_at.map(Timestamp::rfc3339),
            ended_at: verification.ended_at.map(Timestamp::rfc3339),
            reason: verification.reason.map(Reason::as_str),
            timeline: timeline(&verification, &deliveries),
            verification: VerificationView::new(&verification, deliveries.last()?, Trust::Full),
            deliveries: deliveries.iter().map(DeliveryHistory::new).collect(),
            metadata: verification.metadata,
        })
    }
}

impl DeliveryHistory {
    fn new(delivery: &Delivery) -> Self {
        Self {
            channel: delivery.channel.as_str(),
            status: status_of(delivery).as_str(),
            reason: reason_of(delivery),
            cause: delivery.cause.as_str(),
            created_at: delivery.created_at.rfc3339(),
            sent_at: delivery.sent_at.map(Timestamp::rfc3339),
            delivered_at: delivery.delivered_at.map(Timestamp::rfc3339),
        }
    }
}

impl ApprovedView {
    pub(super) fn new(verification: Verification) -> Self {
        Self {
            id: verification.id.to_string(),
            status: verification.status.as_str(),
            channel: verification.channel.as_str(),
            approved_at: verification.approved_at.unwrap_or_default().rfc3339(),
            to: verification.to,
            purpose: verification.purpose,
        }
    }
}

/// A call that Restcomm has is still `queued` until it rings: so Restcomm calls it itself.
fn status_of(delivery: &Delivery) -> DeliveryStatus {
    if delivery.channel.is_call() && delivery.status == DeliveryStatus::Sent {
        DeliveryStatus::Queued
    } else {
        delivery.status
    }
}

fn reason_of(delivery: &Delivery) -> Option<&'static str> {
    let in_vain = matches!(
        delivery.status,
        DeliveryStatus::Failed | DeliveryStatus::Undelivered
    );
    delivery
        .reason
        .filter(|_| in_vain)
        .map(DeliveryReason::as_str)
}

/// What happened, told by the instants that the rows keep.
fn timeline(verification: &Verification, deliveries: &[Delivery]) -> Vec<Event> {
    let mut events = vec![(verification.created_at, "created".to_owned())];
    for delivery in deliveries {
        let channel = delivery.channel.as_str();
        let is_told = matches!(
            delivery.status,
            DeliveryStatus::Undelivered | DeliveryStatus::Unanswered | DeliveryStatus::Busy
        );
        let in_vain = if is_told {
            delivery.status.as_str()
        } else {
            "failed"
        };
        let reached = match delivery.channel {
            Channel::Sms => "delivered",
            Channel::Voice => "answered",
            Channel::Flashcall => "ringing",
        };
        let steps = [
            (Some(delivery.created_at), "queued"),
            (delivery.sent_at, "sent"),
            (delivery.delivered_at, reached),
            (delivery.failed_at, in_vain),
        ];
        let happened = steps
            .into_iter()
            .filter_map(|(at, step)| Some((at?, format!("{channel}.{step}"))));
        events.extend(happened);
    }
    events.extend(
        verification
            .wrong_at
            .iter()
            .map(|at| (*at, "wrong_code".to_owned())),
    );
    if verification.status != Status::Pending
        && let Some(ended_at) = verification.ended_at
    {
        events.push((ended_at, verification.status.as_str().to_owned()));
    }
    // Stable: what happened in the same millisecond stays in the order of the rules.
    events.sort_by_key(|(at, _)| *at);
    events
        .into_iter()
        .map(|(at, event)| Event {
            at: at.rfc3339(),
            event,
        })
        .collect()
}
