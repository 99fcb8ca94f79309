//! Members that hold one of a few words, as the document names them. The words are the domain's.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type, schema::AdditionalProperties},
};

use super::send::{LONGEST_METADATA, MOST_METADATA};
use crate::domain::{delivery, verification};

/// Makes a schema of the words of a type.
macro_rules! members {
    ($($(#[doc = $doc:literal])+ $name:ident: $words:expr;)+) => {
        $(
            $(#[doc = $doc])+
            pub(in crate::http) struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    one_of($words, concat!($($doc),+).trim())
                }
            }

            impl ToSchema for $name {}
        )+
    };
}

members! {
    /// `pending`, then once and for good one of the others.
    VerificationState: verification::Status::WORDS;
    /// Why a verification failed: `delivery_refused` (Restcomm refused the message for good) or `not_deliverable` (its
    /// time ran out before Restcomm took any message).
    VerificationReason: verification::Reason::WORDS;
    /// How far a delivery came; it never goes backwards. A text message is `queued`, then `sent`, then `delivered`,
    /// `undelivered` or `failed`, as the network reports. A call is `queued`, then `ringing`, then `answered`, `unanswered`,
    /// `busy` or `failed`. None of these says that the code was right.
    DeliveryState: delivery::DeliveryStatus::WORDS;
    /// Why a delivery failed, or did not arrive: `refused` by Restcomm, `not_deliverable` (no account took it in time), `unconfirmed`
    /// (nobody knows whether it was sent), `superseded` (a resend or a fallback took its place) or `verification_ended`. The others are
    /// what Restcomm reports of a message that it took, by its errors 30001 to 30010: `queue_overflow`,
    /// `account_suspended`, `handset_unreachable`, `message_blocked`, `handset_unknown`,
    /// `landline_or_unreachable_carrier`, `carrier_violation`, `unknown_error` (or none that is known),
    /// `missing_segment`, `price_too_high`.
    DeliveryReason: delivery::DeliveryReason::WORDS;
    /// Why there is a delivery: the first `send`, a `resend`, or a `fallback`, which the tenant's plan made because the one
    /// before was not confirmed.
    DeliveryCause: delivery::Cause::WORDS;
    /// How a code reaches the person: in a text message (`sms`), spoken on a call (`voice`), or as the last digits of the
    /// number of a call that need not be answered (`flashcall`).
    Channel: delivery::Channel::WORDS;
}

fn one_of(words: &[&str], description: &str) -> RefOr<Schema> {
    let object = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words.iter().copied()))
        .description(Some(description));
    Schema::from(object).into()
}

pub(super) fn approved() -> RefOr<Schema> {
    let word = verification::Status::Approved.as_str();
    one_of(&[word], "Nothing but `approved`.")
}

pub(super) fn metadata() -> RefOr<Schema> {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(LONGEST_METADATA));
    let object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::RefOr(Schema::from(text).into())))
        .max_properties(Some(MOST_METADATA))
        .description(Some(
            "At most 10 strings of at most 128 characters; given back in the status.",
        ))
        .examples([serde_json::json!({"order": "1001"})]);
    Schema::from(object).into()
}
