//! Answers as the document shows them: all of them tell one story.

use serde_json::{Value, json};

const ID: &str = "otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN";

/// A new verification whose message was taken.
pub(super) fn sent() -> Value {
    json!({
        "id": ID, "status": "pending", "to": "+351*******78", "channel": "sms", "purpose": "login",
        "delivery": { "channel": "sms", "status": "sent" }, "attempts_left": 5,
        "created_at": "2026-01-31T12:00:00Z", "expires_at": "2026-01-31T12:05:00Z",
        "resend_after": "2026-01-31T12:00:30Z",
    })
}

/// One whose message nobody has taken yet.
pub(super) fn queued() -> Value {
    let mut queued = sent();
    queued["delivery"]["status"] = json!("queued");
    queued
}

/// The same, sent again, after one wrong guess.
pub(super) fn resent() -> Value {
    let mut resent = sent();
    resent["attempts_left"] = json!(4);
    resent["resend_after"] = json!("2026-01-31T12:01:32Z");
    resent
}

pub(super) fn approved() -> Value {
    json!({
        "id": ID, "status": "approved", "to": "+351*******78", "channel": "sms", "purpose": "login",
        "approved_at": "2026-01-31T12:01:00Z",
    })
}

pub(super) fn status() -> Value {
    let mut status = resent();
    status["status"] = json!("approved");
    status
        .as_object_mut()
        .map(|members| members.remove("resend_after"));
    add(
        &mut status,
        json!({
            "approved_at": "2026-01-31T12:01:00Z", "ended_at": "2026-01-31T12:01:00Z",
            "metadata": { "order": "1001" },
            "deliveries": [
                { "channel": "sms", "status": "sent", "cause": "send",
                  "created_at": "2026-01-31T12:00:00Z", "sent_at": "2026-01-31T12:00:00Z" },
                { "channel": "sms", "status": "sent", "cause": "resend",
                  "created_at": "2026-01-31T12:00:32Z", "sent_at": "2026-01-31T12:00:32Z" },
            ],
            "timeline": [
                { "at": "2026-01-31T12:00:00Z", "event": "created" },
                { "at": "2026-01-31T12:00:00Z", "event": "sms.queued" },
                { "at": "2026-01-31T12:00:00Z", "event": "sms.sent" },
                { "at": "2026-01-31T12:00:20Z", "event": "wrong_code" },
                { "at": "2026-01-31T12:00:32Z", "event": "sms.queued" },
                { "at": "2026-01-31T12:00:32Z", "event": "sms.sent" },
                { "at": "2026-01-31T12:01:00Z", "event": "approved" },
            ],
        }),
    );
    status
}

pub(super) fn canceled() -> Value {
    let mut canceled = sent();
    canceled["status"] = json!("canceled");
    canceled
        .as_object_mut()
        .map(|members| members.remove("resend_after"));
    add(
        &mut canceled,
        json!({
            "ended_at": "2026-01-31T12:00:10Z",
            "deliveries": [
                { "channel": "sms", "status": "sent", "cause": "send",
                  "created_at": "2026-01-31T12:00:00Z", "sent_at": "2026-01-31T12:00:00Z" },
            ],
            "timeline": [
                { "at": "2026-01-31T12:00:00Z", "event": "created" },
                { "at": "2026-01-31T12:00:00Z", "event": "sms.queued" },
                { "at": "2026-01-31T12:00:00Z", "event": "sms.sent" },
                { "at": "2026-01-31T12:00:10Z", "event": "canceled" },
            ],
        }),
    );
    canceled
}

fn add(answer: &mut Value, members: Value) {
    if let (Value::Object(answer), Value::Object(members)) = (answer, members) {
        answer.extend(members);
    }
}
