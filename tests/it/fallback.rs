//! What the tenant's plan does where a code does not arrive.

mod crash;
mod failures;
mod flash;
mod plans;
mod races;

use std::time::Duration;

use countersign::{
    config::Config,
    domain::{
        delivery::{Channel, Stage},
        policy::FallbackStep,
    },
    simulator::{CallFate, Reports, Script, SmsFate},
};
use serde_json::{Value, json};

use crate::{
    app::{NOON, NUMBER, TestApp, on_both},
    database::Database,
    outbox::{Outbox, long_after, try_send},
};

const OTHER: &str = "+351912345679";
const VOICE_FROM: &str = "+13055550100";
/// The message is never heard of again, and whoever is called answers.
pub(crate) const LOST: Script = Script {
    sms: SmsFate::Lose,
    call: CallFate::Answer,
};

pub(crate) fn step(seconds: u64, channel: Channel) -> FallbackStep {
    FallbackStep {
        after: Duration::from_secs(seconds),
        channel,
    }
}

/// Text messages and calls, by the only account.
pub(crate) fn text_and_voice(config: &mut Config) {
    config.accounts[0].voice_from = Some(VOICE_FROM.to_owned());
    config.tenants[0].policy.channels = vec![Channel::Sms, Channel::Voice];
}

/// Whom a message does not reach within 20 s is called.
pub(crate) fn call_after_20_seconds(config: &mut Config) {
    text_and_voice(config);
    config.tenants[0].policy.fallback = vec![step(20, Channel::Voice)];
}

/// A service with that plan, whose Restcomm tells what becomes of messages; those to [`NUMBER`] get lost.
pub(crate) async fn losing(database: Database) -> TestApp {
    let app = TestApp::with(database, call_after_20_seconds).await;
    app.simulator.report(Reports::Told);
    app.simulator.script(NUMBER, LOST);
    app
}

/// Sends a code to [`NUMBER`], and waits until it is noted that Restcomm has it.
pub(crate) async fn send_and_note(app: &TestApp) -> String {
    let id = app.send().await;
    noted(app, &id).await;
    id
}

/// Waits until the hand-off of the latest delivery has left its mark.
pub(crate) async fn noted(app: &TestApp, id: &str) {
    let outbox = Outbox::of(app).await;
    outbox
        .wait_for(id, "the hand-off is noted", |row| row.stage == Stage::Done)
        .await;
}

/// The code in the last message that Restcomm took, whether or not it arrived.
pub(crate) fn code_of_last_message(app: &TestApp) -> String {
    app.simulator.messages().last().unwrap().body[..6].to_owned()
}

/// The code that was said on the last call to [`NUMBER`].
pub(crate) fn heard(app: &TestApp) -> String {
    let spoken = app.simulator.spoken(NUMBER).pop().unwrap();
    let digits = spoken.chars().filter(char::is_ascii_digit);
    digits.take(6).collect()
}

pub(crate) fn calls_to(app: &TestApp, number: &str) -> usize {
    let calls = app.simulator.calls();
    calls.iter().filter(|call| call.to == number).count()
}

/// Waits, without moving the clock, until [`NUMBER`] was called `count` times.
pub(crate) async fn called(app: &TestApp, count: usize) {
    app.eventually("the phone rings", async |app| {
        calls_to(app, NUMBER) == count
    })
    .await;
}

/// Lets 3 s pass, in which the phone rings and is answered, and waits until that is noted.
pub(crate) async fn answered(app: &TestApp, id: &str) {
    app.advance(3);
    app.eventually("the call is answered", async |app| {
        app.status(id).await["delivery"] == json!({ "channel": "voice", "status": "answered" })
            && app
                .simulator
                .spoken(NUMBER)
                .last()
                .is_some_and(|spoken| !spoken.is_empty())
    })
    .await;
}

/// Waits until the plan, whose next step is due at once, has gone on; gives when that began, and when it was sent.
pub(crate) async fn followed_at_once(app: &TestApp, id: &str) -> (u64, u64) {
    let before = NOON.until(app.clock.now()).as_secs();
    due(app, id).await;
    app.advance(1);
    app.eventually("the plan goes on", async |app| {
        deliveries(app, id).await.as_array().unwrap().len() == 2
    })
    .await;
    noted(app, id).await;
    let follower = deliveries(app, id).await[1].clone();
    let within_a_second = |instant: &Value| {
        let seconds = (before..=before + 1).find(|seconds| *instant == at(*seconds));
        seconds.expect("within a second")
    };
    (
        within_a_second(&follower["created_at"]),
        within_a_second(&follower["sent_at"]),
    )
}

/// Waits until it is noted that the plan is due: it is taken up within a second.
async fn due(app: &TestApp, id: &str) {
    let outbox = Outbox::of(app).await;
    app.eventually("the plan is due", async |app| {
        let deliveries = outbox.snapshot(id).await.deliveries;
        let last = deliveries.last().unwrap();
        let is_due = last.fallback_at.is_some_and(|due| due <= app.clock.now());
        1 < deliveries.len() || is_due
    })
    .await;
}

/// So many seconds after the start of the test.
pub(crate) fn at(seconds: u64) -> String {
    NOON.plus(Duration::from_secs(seconds)).rfc3339()
}

pub(crate) async fn deliveries(app: &TestApp, id: &str) -> Value {
    app.status(id).await["deliveries"].clone()
}

/// What happened, as callers see it.
pub(crate) async fn timeline(app: &TestApp, id: &str) -> Value {
    app.status(id).await["timeline"].clone()
}

pub(crate) fn events(events: &[(u64, &str)]) -> Value {
    let events = events.iter();
    events
        .map(|(seconds, event)| json!({ "at": at(*seconds), "event": event }))
        .collect()
}

on_both! {
    async fn a_message_that_gets_lost_is_followed_by_a_call_that_says_the_same_code(database) {
        let app = losing(database).await;
        app.simulator.script(OTHER, LOST);
        // Sent a second before: when its fallback has begun, the time of the other one was looked at, too.
        let other = app.send_to(OTHER).await;
        noted(&app, &other).await;
        app.advance(1);
        let id = send_and_note(&app).await;
        let code = code_of_last_message(&app);
        app.advance(19);
        app.eventually("the other one is called", async |app| calls_to(app, OTHER) == 1).await;
        assert_eq!(deliveries(&app, &id).await.as_array().unwrap().len(), 1, "19 s are not 20");
        app.advance(1);
        called(&app, 1).await;
        noted(&app, &id).await;
        assert_eq!(
            app.status(&id).await,
            json!({
                "id": id, "status": "pending", "to": "+351*******78", "channel": "voice", "purpose": "login",
                "delivery": { "channel": "voice", "status": "queued" }, "attempts_left": 5,
                "created_at": at(1), "expires_at": at(301), "resend_after": at(31),
                "deliveries": [
                    { "channel": "sms", "status": "sent", "cause": "send", "created_at": at(1), "sent_at": at(1) },
                    { "channel": "voice", "status": "queued", "cause": "fallback", "created_at": at(21), "sent_at": at(21) },
                ],
                "timeline": events(&[
                    (1, "created"), (1, "sms.queued"), (1, "sms.sent"), (21, "voice.queued"), (21, "voice.sent"),
                ]),
            })
        );
        answered(&app, &id).await;
        assert_eq!(heard(&app), code);
        let answer = app.verify(&id, &code).await;
        assert_eq!((answer.status, &answer.json()["channel"]), (200, &json!("voice")));
        let expected = [
            (1, "created"), (1, "sms.queued"), (1, "sms.sent"),
            (21, "voice.queued"), (21, "voice.sent"), (24, "voice.answered"), (24, "approved"),
        ];
        assert_eq!(timeline(&app, &id).await, events(&expected));
        long_after(&app).await;
        assert_eq!((calls_to(&app, NUMBER), app.simulator.requests().posts), (1, 2));
    }

    async fn whoever_gave_the_code_back_is_not_called(database) {
        let app = losing(database).await;
        let id = send_and_note(&app).await;
        app.advance(19);
        assert_eq!(app.verify(&id, &code_of_last_message(&app)).await.status, 200);
        long_after(&app).await;
        assert_eq!(calls_to(&app, NUMBER), 0);
        assert_eq!(
            deliveries(&app, &id).await,
            json!([{ "channel": "sms", "status": "sent", "cause": "send", "created_at": at(0), "sent_at": at(0) }])
        );
    }

    async fn who_cancels_is_not_called(database) {
        let app = losing(database).await;
        let id = send_and_note(&app).await;
        app.advance(19);
        assert_eq!(app.post(&format!("/otp/{id}/cancel"), json!({})).await.status, 200);
        long_after(&app).await;
        assert_eq!(calls_to(&app, NUMBER), 0);
    }

    /// The plan acts until the code is too old to be sent, and then the verification ends as without a plan.
    async fn where_the_code_is_about_to_die_nobody_is_called(database) {
        let app = TestApp::with(database, |config| {
            text_and_voice(config);
            let policy = &mut config.tenants[0].policy;
            policy.code.ttl = Duration::from_mins(1);
            policy.fallback = vec![step(51, Channel::Voice)];
        }).await;
        app.simulator.script(NUMBER, LOST);
        let id = send_and_note(&app).await;
        app.advance(51);
        let outbox = Outbox::of(&app).await;
        outbox.wait_for(&id, "the plan has ended", |row| row.fallback_at.is_none()).await;
        app.advance(10);
        app.eventually("it ends", async |app| app.status(&id).await["status"] == "expired").await;
        long_after(&app).await;
        assert_eq!(calls_to(&app, NUMBER), 0);
    }

    async fn a_message_that_arrives_in_time_needs_no_call(database) {
        let app = losing(database).await;
        app.simulator.script(NUMBER, Script::default());
        let id = send_and_note(&app).await;
        app.advance(1);
        app.eventually("the receipt is noted", async |app| {
            app.status(&id).await["delivery"]["status"] == "delivered"
        }).await;
        app.advance(29);
        long_after(&app).await;
        assert_eq!(calls_to(&app, NUMBER), 0);
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn news_of_a_message_after_its_fallback_changes_that_message_only(database) {
        let app = losing(database).await;
        app.simulator.script(NUMBER, Script { sms: SmsFate::Delay(Duration::from_secs(25)), ..Script::default() });
        let id = send_and_note(&app).await;
        app.advance(20);
        called(&app, 1).await;
        noted(&app, &id).await;
        let before = app.status(&id).await;
        app.advance(6);
        app.eventually("both are noted", async |app| {
            let deliveries = deliveries(app, &id).await;
            deliveries[0]["status"] == "delivered" && deliveries[1]["status"] == "answered"
        }).await;
        let mut after = app.status(&id).await;
        assert_eq!(
            after["deliveries"],
            json!([
                { "channel": "sms", "status": "delivered", "cause": "send", "created_at": at(0), "sent_at": at(0), "delivered_at": at(26) },
                { "channel": "voice", "status": "answered", "cause": "fallback", "created_at": at(20), "sent_at": at(20), "delivered_at": at(26) },
            ])
        );
        for member in ["delivery", "deliveries", "timeline"] {
            after[member] = before[member].clone();
        }
        assert_eq!(after, before);
        long_after(&app).await;
        assert_eq!((calls_to(&app, NUMBER), app.simulator.texts(NUMBER).len()), (1, 1));
        assert_eq!(heard(&app), app.code());
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn a_resend_begins_the_plan_anew(database) {
        let app = TestApp::with(database, |config| {
            text_and_voice(config);
            config.tenants[0].policy.fallback = vec![step(40, Channel::Voice)];
        }).await;
        app.simulator.script(NUMBER, LOST);
        app.simulator.script(OTHER, LOST);
        let id = send_and_note(&app).await;
        app.advance(10);
        // When its fallback has begun, the time of the first message was looked at, too.
        let other = app.send_to(OTHER).await;
        noted(&app, &other).await;
        app.advance(20);
        assert_eq!(try_send(&app).await.status, 200);
        noted(&app, &id).await;
        let code = code_of_last_message(&app);
        app.advance(20);
        app.eventually("the other one is called", async |app| calls_to(app, OTHER) == 1).await;
        assert_eq!(calls_to(&app, NUMBER), 0, "the first message is not waited for any more");
        app.advance(20);
        called(&app, 1).await;
        answered(&app, &id).await;
        let causes = deliveries(&app, &id).await;
        let causes: Vec<_> = causes.as_array().unwrap().iter().map(|one| (&one["cause"], &one["created_at"])).collect();
        assert_eq!(
            causes,
            [(&json!("send"), &json!(at(0))), (&json!("resend"), &json!(at(30))), (&json!("fallback"), &json!(at(70)))]
        );
        assert_eq!(heard(&app), code);
        assert_eq!(app.verify(&id, &code).await.status, 200);
    }
}
