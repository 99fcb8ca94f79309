//! A send over another channel than the one before.

use std::time::Duration;

use countersign::{
    config::Config,
    domain::{delivery::Channel, policy::Resend},
    simulator::{CallFate, Script},
};
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    app::{Answer, NUMBER, TestApp, on_both},
    fallback::{
        LOST, answered, at, call_after_20_seconds, called, calls_to, code_of_last_message,
        deliveries, heard, noted, send_and_note, text_and_voice,
    },
    outbox::long_after,
};

fn every_channel(config: &mut Config) {
    text_and_voice(config);
    config.accounts[0].flashcall_from = (0..50).map(|n| format!("+1305555{n:04}")).collect();
    config.tenants[0].policy.channels.push(Channel::Flashcall);
}

async fn send_over(app: &TestApp, channel: &str) -> Answer {
    app.post("/otp/send", json!({ "to": NUMBER, "channel": channel }))
        .await
}

/// The digits that the last flash call showed.
fn shown(app: &TestApp) -> String {
    let from = app.simulator.calls().pop().unwrap().from;
    from[from.len() - 4..].to_owned()
}

on_both! {
    async fn the_first_change_to_another_channel_need_not_wait(database) {
        let app = TestApp::with(database, every_channel).await;
        let id = send_and_note(&app).await;
        let first_code = app.code();
        assert_eq!(app.verify(&id, app.wrong_code()).await.status, 422);
        app.advance(5);
        let answer = send_over(&app, "voice").await;
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({
                "id": id, "status": "pending", "to": "+351*******78", "channel": "voice", "purpose": "login",
                "delivery": { "channel": "voice", "status": "queued" }, "attempts_left": 4,
                "created_at": at(0), "expires_at": at(300), "resend_after": at(65),
            }))
        );
        noted(&app, &id).await;
        answered(&app, &id).await;
        let steps = deliveries(&app, &id).await;
        let steps: Vec<_> = steps.as_array().unwrap().iter().map(|one| [&one["channel"], &one["cause"]]).collect();
        assert_eq!(json!(steps), json!([["sms", "send"], ["voice", "resend"]]));
        assert_ne!(heard(&app), first_code);
        assert_eq!(app.verify(&id, &first_code).await.problem(422, "wrong_code")["attempts_left"], 3);
        assert_eq!(app.verify(&id, &heard(&app)).await.status, 200);
    }

    async fn every_further_change_and_every_way_back_waits(database) {
        let app = TestApp::with(database, every_channel).await;
        let id = send_and_note(&app).await;
        assert_eq!(send_over(&app, "sms").await.problem(429, "resend_too_soon")["id"], id);
        assert_eq!(send_over(&app, "voice").await.status, 200);
        noted(&app, &id).await;
        for channel in ["flashcall", "sms", "voice"] {
            let answer = send_over(&app, channel).await;
            let problem = answer.problem(429, "resend_too_soon");
            assert_eq!((&problem["id"], &problem["resend_after"]), (&json!(id), &json!(at(60))), "{channel}");
            assert_eq!(answer.header("retry-after"), Some("60"));
        }
        app.advance(60);
        assert_eq!(send_over(&app, "sms").await.status, 200);
        assert_eq!(send_over(&app, "voice").await.problem(429, "resend_too_soon")["resend_after"], at(180));
    }

    async fn a_change_that_waited_is_the_first_change_all_the_same(database) {
        let app = TestApp::with(database, every_channel).await;
        let id = send_and_note(&app).await;
        app.advance(30);
        assert_eq!(send_over(&app, "voice").await.status, 200);
        noted(&app, &id).await;
        send_over(&app, "flashcall").await.problem(429, "resend_too_soon");
    }

    async fn of_sixteen_changes_at_once_over_two_processes_one_goes_out(database) {
        let app = TestApp::with(database, every_channel).await;
        let replica = app.replica().await;
        let id = send_and_note(&app).await;
        let changes = (0..16).map(|turn| {
            let at = if turn % 2 == 0 { &app } else { &replica };
            send_over(at, if turn % 4 < 2 { "voice" } else { "flashcall" })
        });
        let answers = join_all(changes).await;
        let taken = answers.iter().filter(|answer| answer.status == 200).count();
        let refused = answers.iter().filter(|answer| answer.status == 429).count();
        assert_eq!((taken, refused), (1, 15));
        noted(&app, &id).await;
        long_after(&app).await;
        assert_eq!(calls_to(&app, NUMBER), 1);
        assert_eq!(deliveries(&app, &id).await.as_array().unwrap().len(), 2);
    }

    /// The service's own change is none of the caller's: its channel is used, and the caller's change is still free.
    async fn a_fallback_uses_its_channel_and_leaves_the_change_to_the_caller(database) {
        let app = TestApp::with(database, |config| {
            every_channel(config);
            call_after_20_seconds(config);
            config.tenants[0].policy.channels.push(Channel::Flashcall);
        }).await;
        app.simulator.script(NUMBER, LOST);
        let id = send_and_note(&app).await;
        app.advance(20);
        called(&app, 1).await;
        noted(&app, &id).await;
        answered(&app, &id).await;
        send_over(&app, "voice").await.problem(429, "resend_too_soon");
        send_over(&app, "sms").await.problem(429, "resend_too_soon");
        assert_eq!(send_over(&app, "flashcall").await.status, 200);
        noted(&app, &id).await;
        assert_eq!(app.verify(&id, &shown(&app)).await.status, 200);
    }

    async fn where_the_policy_says_so_message_and_call_carry_the_same_code_and_a_flash_call_never_does(database) {
        let app = TestApp::with(database, |config| {
            every_channel(config);
            config.tenants[0].policy.resend = Resend::Same;
            config.tenants[0].policy.code.ttl = Duration::from_mins(10);
        }).await;
        let id = send_and_note(&app).await;
        let code = app.code();
        assert_eq!(send_over(&app, "voice").await.status, 200);
        noted(&app, &id).await;
        answered(&app, &id).await;
        assert_eq!(heard(&app), code);
        app.advance(60);
        app.eventually("the call is over", async |app| app.simulator.calls()[0].ended.is_some()).await;
        app.simulator.script(NUMBER, Script { call: CallFate::Ignore, ..Script::default() });
        assert_eq!(send_over(&app, "flashcall").await.status, 200);
        noted(&app, &id).await;
        assert_eq!(app.status(&id).await["attempts_left"], 2);
        assert_eq!(app.verify(&id, &code).await.problem(422, "wrong_code")["attempts_left"], 1);
        let digits = shown(&app);
        app.advance(120);
        assert_eq!(send_over(&app, "sms").await.status, 200);
        noted(&app, &id).await;
        let last = code_of_last_message(&app);
        assert_eq!(last.len(), 6);
        assert_ne!(last, code);
        assert_eq!(app.verify(&id, &digits).await.problem(422, "wrong_code")["attempts_left"], 3);
        assert_eq!(app.verify(&id, &last).await.status, 200);
    }
}
