//! What did not reach the person is followed at once, and a refused message is no end while there is another way.

use countersign::{
    domain::{delivery::DeliveryReason, limits::Rate},
    simulator::Answer as Platform,
};
use futures_util::future::join_all;

use super::*;
use crate::outbox::{failed, once_an_hour, post_without_waiting};

const REFUSED: Script = Script {
    sms: SmsFate::Refuse,
    call: CallFate::Answer,
};

fn twice_an_hour(config: &mut Config) {
    once_an_hour(config);
    config.tenants[0].policy.limits.per_number[0].count = 2;
}

/// Calls, and a message where nobody answers.
fn message_after_20_seconds(config: &mut Config) {
    text_and_voice(config);
    config.tenants[0].policy.fallback = vec![step(20, Channel::Sms)];
}

async fn send_for(app: &TestApp, purpose: &str) -> crate::app::Answer {
    app.post("/otp/send", json!({ "to": NUMBER, "purpose": purpose }))
        .await
}

/// A refused send, whose plan goes on; gives the id.
async fn refused(app: &TestApp) -> String {
    let answer = try_send(app).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let body = answer.json();
    let id = body["id"].as_str().unwrap().to_owned();
    assert_eq!(
        body,
        json!({
            "id": id, "status": "pending", "to": "+351*******78", "channel": "sms", "purpose": "login",
            "delivery": failed("refused"), "attempts_left": 5,
            "created_at": at(0), "expires_at": at(300), "resend_after": at(30),
        })
    );
    id
}

/// Waits until the plan has gone on to a call that cannot be placed.
async fn followed_at_once_in_vain(app: &TestApp, id: &str) {
    app.advance(1);
    app.eventually("the plan goes on", async |app| {
        deliveries(app, id).await.as_array().unwrap().len() == 2
    })
    .await;
}

/// Lets the plan go on, and waits until the verification has failed since Restcomm refused it.
async fn ends_as_refused(app: &TestApp, id: &str) {
    app.advance(1);
    app.eventually("it ends", async |app| {
        app.status(id).await["status"] == "failed"
    })
    .await;
    let status = app.status(id).await;
    assert_eq!(
        (&status["reason"], &status["attempts_left"]),
        (&json!("delivery_refused"), &json!(5))
    );
    app.verify(id, "123456").await.problem(410, "failed");
}

on_both! {
    async fn an_undelivered_message_is_followed_by_a_call_at_once(database) {
        let app = losing(database).await;
        app.simulator.script(NUMBER, Script { sms: SmsFate::Undeliver, ..Script::default() });
        let id = send_and_note(&app).await;
        let code = code_of_last_message(&app);
        app.advance(1);
        app.eventually("the report is noted", async |app| {
            deliveries(app, &id).await[0]["status"] == "undelivered"
        }).await;
        let (then, sent) = followed_at_once(&app, &id).await;
        answered(&app, &id).await;
        let status = app.status(&id).await;
        assert_eq!(
            status["deliveries"],
            json!([
                {
                    "channel": "sms", "status": "undelivered", "reason": "landline_or_unreachable_carrier",
                    "cause": "send", "created_at": at(0), "sent_at": at(0),
                },
                { "channel": "voice", "status": "answered", "cause": "fallback", "created_at": at(then), "sent_at": at(sent), "delivered_at": at(5) },
            ])
        );
        assert_eq!(
            status["timeline"],
            events(&[
                (0, "created"), (0, "sms.queued"), (0, "sms.sent"), (1, "sms.undelivered"),
                (then, "voice.queued"), (sent, "voice.sent"), (5, "voice.answered"),
            ])
        );
        assert_eq!(heard(&app), code);
        assert_eq!(app.verify(&id, &code).await.status, 200);
        long_after(&app).await;
        assert_eq!(calls_to(&app, NUMBER), 1);
    }

    /// Busy, failed, or not answered: Restcomm tells alike of all of them that they are over, and is asked how.
    async fn a_call_that_nobody_takes_is_followed_by_a_message_at_once(database) {
        for (fate, word, over) in [(CallFate::Busy, "busy", 1), (CallFate::Fail, "failed", 1), (CallFate::Ignore, "unanswered", 31)] {
            let app = TestApp::with(database, |config| {
                message_after_20_seconds(config);
                config.tenants[0].policy.fallback[0].after = Duration::from_mins(1);
            }).await;
            app.simulator.script(NUMBER, Script { call: fate, ..Script::default() });
            let answer = app.post("/otp/send", json!({ "to": NUMBER, "channel": "voice" })).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            noted(&app, &id).await;
            app.advance(over);
            let outbox = Outbox::of(&app).await;
            outbox.wait_for(&id, "it is over", |row| row.over_at.is_some()).await;
            // Restcomm is asked how it ended, within a second.
            app.advance(1);
            app.eventually("it is noted", async |app| deliveries(app, &id).await[0]["status"] == word).await;
            let (then, sent) = followed_at_once(&app, &id).await;
            let status = app.status(&id).await;
            let mut first = json!({ "channel": "voice", "status": word, "cause": "send", "created_at": at(0), "sent_at": at(0) });
            if word == "failed" {
                first["reason"] = json!("unknown_error");
            }
            assert_eq!(
                status["deliveries"],
                json!([
                    first,
                    { "channel": "sms", "status": "sent", "cause": "fallback", "created_at": at(then), "sent_at": at(sent) },
                ])
            );
            assert_eq!(app.simulator.texts(NUMBER).len(), 1);
            let answer = app.verify(&id, &app.code()).await;
            assert_eq!((answer.status, &answer.json()["channel"]), (200, &json!("sms")));
        }
    }

    async fn a_refused_message_with_a_plan_is_followed_by_a_call_and_counts_once(database) {
        let app = TestApp::with(database, |config| {
            call_after_20_seconds(config);
            twice_an_hour(config);
        }).await;
        app.simulator.script(NUMBER, REFUSED);
        let id = refused(&app).await;
        let (then, sent) = followed_at_once(&app, &id).await;
        answered(&app, &id).await;
        let status = app.status(&id).await;
        assert_eq!(
            status["deliveries"],
            json!([
                { "channel": "sms", "status": "failed", "reason": "refused", "cause": "send", "created_at": at(0) },
                { "channel": "voice", "status": "answered", "cause": "fallback", "created_at": at(then), "sent_at": at(sent), "delivered_at": at(4) },
            ])
        );
        assert_eq!(
            status["timeline"],
            events(&[
                (0, "created"), (0, "sms.queued"), (0, "sms.failed"),
                (then, "voice.queued"), (sent, "voice.sent"), (4, "voice.answered"),
            ])
        );
        assert_eq!(app.verify(&id, &heard(&app)).await.status, 200);
        app.simulator.script(NUMBER, Script::default());
        assert_eq!(send_for(&app, "second").await.status, 201);
        assert_eq!(send_for(&app, "third").await.problem(429, "rate_limited")["limit"], "per_number");
    }

    /// Nobody waits for the answer of Restcomm, which changes nothing.
    async fn a_refusal_that_nobody_waited_for_is_followed_all_the_same(database) {
        let app = TestApp::with(database, call_after_20_seconds).await;
        app.simulator.script(NUMBER, REFUSED);
        let id = post_without_waiting(&app, json!({ "to": NUMBER })).await;
        followed_at_once(&app, &id).await;
        answered(&app, &id).await;
        assert_eq!(app.verify(&id, &heard(&app)).await.status, 200);
    }

    /// Restcomm refuses calls with 500, so they are tried until it is too late.
    async fn where_no_call_can_be_placed_after_a_refused_message_the_limits_are_given_back(database) {
        let app = TestApp::with(database, |config| {
            call_after_20_seconds(config);
            once_an_hour(config);
            let window = Duration::from_hours(1);
            // Large: kept as one instant, and not as a list.
            config.tenants[0].policy.limits.per_tenant = vec![Rate { count: 65, window }];
        }).await;
        app.simulator.script(NUMBER, REFUSED);
        app.simulator.answer_calls(Platform::ServerError, None);
        let id = refused(&app).await;
        assert_eq!(send_for(&app, "other").await.problem(429, "rate_limited")["limit"], "per_number");
        followed_at_once_in_vain(&app, &id).await;
        let row = Outbox::of(&app).await.run_out(&app, &id).await;
        assert_eq!(row.reason, Some(DeliveryReason::NotDeliverable));
        assert_eq!(app.simulator.call_requests().stored, 0);
        let status = app.status(&id).await;
        let ends = status["deliveries"].as_array().unwrap().iter();
        let ends: Vec<_> = ends.map(|one| [&one["channel"], &one["status"], &one["reason"]]).collect();
        assert_eq!(json!(ends), json!([["sms", "failed", "refused"], ["voice", "failed", "not_deliverable"]]));

        app.simulator.script(NUMBER, Script::default());
        let answer = try_send(&app).await;
        // The account that refused every call may be left alone for a moment.
        assert!(matches!(answer.status, 201 | 202), "the limit is free again: {}", answer.text);
        assert_eq!(send_for(&app, "other").await.problem(429, "rate_limited")["limit"], "per_number");
        let others = join_all((0..64).map(|n| {
            let (app, body) = (&app, json!({ "to": format!("+3519300000{n:02}") }));
            async move { app.post("/otp/send", body).await.status }
        }));
        assert!(others.await.iter().all(|status| matches!(status, 201 | 202)));
        let answer = app.post("/otp/send", json!({ "to": OTHER })).await;
        assert_eq!(answer.problem(429, "rate_limited")["limit"], "per_tenant");
    }

    async fn a_refused_message_whose_plan_has_no_usable_account_fails_as_without_a_plan(database) {
        let app = TestApp::with(database, |config| {
            call_after_20_seconds(config);
            once_an_hour(config);
            config.accounts[0].voice_from = None;
        }).await;
        app.simulator.script(NUMBER, REFUSED);
        let answer = try_send(&app).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        ends_as_refused(&app, &id).await;
        assert_eq!(
            deliveries(&app, &id).await,
            json!([{ "channel": "sms", "status": "failed", "reason": "refused", "cause": "send", "created_at": at(0) }])
        );
        app.simulator.script(NUMBER, Script::default());
        app.send().await;
    }

    /// What was sent before may still be on its way: the plan goes on, and its end ends nothing.
    async fn a_refused_resend_is_followed_by_a_call_too(database) {
        let app = losing(database).await;
        let id = send_and_note(&app).await;
        app.advance(10);
        assert_eq!(app.post("/otp/send", json!({ "to": NUMBER, "channel": "voice" })).await.status, 200);
        noted(&app, &id).await;
        app.simulator.script(NUMBER, REFUSED);
        app.advance(60);
        app.eventually("the first call is over", async |app| app.simulator.calls()[0].ended.is_some()).await;
        let answer = try_send(&app).await;
        assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("pending")), "{}", answer.text);
        app.advance(1);
        called(&app, 2).await;
        noted(&app, &id).await;
        answered(&app, &id).await;
        assert_eq!(app.verify(&id, &heard(&app)).await.status, 200);
    }
}
