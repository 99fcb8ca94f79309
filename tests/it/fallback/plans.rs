//! Plans of more steps than one, and plans that change while a step is to come.

use super::*;
use crate::{app::TENANT, settings::tenant};

/// The story of a message that is sent under [`call_after_20_seconds`], and of a plan that `change` then alters.
async fn changed(database: Database, change: impl FnOnce(&mut Config)) -> TestApp {
    let mut app = losing(database).await;
    let id = send_and_note(&app).await;
    let code = code_of_last_message(&app);
    app.restart_with(change).await.unwrap();
    app.advance(20);
    let outbox = Outbox::of(&app).await;
    outbox
        .wait_for(&id, "the plan has ended", |row| {
            row.fallback_at.is_none() && row.next.is_none()
        })
        .await;
    long_after(&app).await;
    assert_eq!(calls_to(&app, NUMBER), 0);
    assert_eq!(deliveries(&app, &id).await.as_array().unwrap().len(), 1);
    assert_eq!(app.verify(&id, &code).await.status, 200);
    app
}

/// Keeps the tenant in the database, with another plan than before.
async fn apply(app: &TestApp, fallback: Vec<FallbackStep>) {
    let mut stored = tenant(TENANT);
    stored.policy.channels = vec![Channel::Sms, Channel::Voice];
    stored.policy.fallback = fallback;
    let store = app.store().await;
    store.apply_tenants(&[stored], &app.clock).await.unwrap();
    store.close().await;
}

on_both! {
    async fn a_plan_of_two_steps_goes_from_one_to_the_other_with_the_same_code(database) {
        let app = TestApp::with(database, |config| {
            text_and_voice(config);
            config.tenants[0].policy.fallback = vec![step(20, Channel::Voice), step(10, Channel::Sms)];
        }).await;
        app.simulator.script(NUMBER, Script { sms: SmsFate::Lose, call: CallFate::Ignore });
        let id = send_and_note(&app).await;
        let code = code_of_last_message(&app);
        app.advance(20);
        called(&app, 1).await;
        noted(&app, &id).await;
        app.advance(1);
        // It rings, which confirms nothing.
        app.eventually("it rings", async |app| app.status(&id).await["delivery"]["status"] == "ringing").await;
        app.simulator.script(NUMBER, Script::default());
        app.advance(9);
        app.eventually("it is written again", async |app| app.simulator.texts(NUMBER).len() == 1).await;
        noted(&app, &id).await;
        let status = app.status(&id).await;
        assert_eq!(
            status["deliveries"],
            json!([
                { "channel": "sms", "status": "sent", "cause": "send", "created_at": at(0), "sent_at": at(0) },
                { "channel": "voice", "status": "ringing", "cause": "fallback", "created_at": at(20), "sent_at": at(20) },
                { "channel": "sms", "status": "sent", "cause": "fallback", "created_at": at(30), "sent_at": at(30) },
            ])
        );
        assert_eq!((&status["channel"], &status["resend_after"]), (&json!("sms"), &json!(at(30))));
        assert_eq!(app.code(), code);
        long_after(&app).await;
        assert_eq!(deliveries(&app, &id).await.as_array().unwrap().len(), 3);
        assert_eq!(app.verify(&id, &code).await.status, 200);
    }

    async fn a_plan_that_is_emptied_does_nothing_more(database) {
        changed(database, |config| config.tenants[0].policy.fallback.clear()).await;
    }

    async fn a_plan_that_leads_to_the_channel_it_comes_from_does_nothing_more(database) {
        changed(database, |config| config.tenants[0].policy.fallback = vec![step(20, Channel::Sms)]).await;
    }

    async fn a_step_that_no_account_can_take_any_more_is_left_out(database) {
        changed(database, |config| config.accounts[0].voice_from = None).await;
    }

    /// When it is due was settled when the message was sent; what is done then, is what the plan says then.
    async fn a_plan_that_waits_longer_now_acts_at_the_time_that_stood_when_the_message_was_sent(database) {
        let mut app = losing(database).await;
        let id = send_and_note(&app).await;
        let code = code_of_last_message(&app);
        app.restart_with(|config| config.tenants[0].policy.fallback = vec![step(60, Channel::Voice)]).await.unwrap();
        app.advance(20);
        called(&app, 1).await;
        noted(&app, &id).await;
        answered(&app, &id).await;
        assert_eq!(heard(&app), code);
    }

    async fn a_tenant_that_is_applied_anew_without_a_plan_calls_nobody(database) {
        let mut app = TestApp::with(database, |config| {
            text_and_voice(config);
            config.tenants.clear();
        }).await;
        apply(&app, vec![step(20, Channel::Voice)]).await;
        let scopes = countersign::domain::key::KeyKind::Secret.scopes();
        let key = app.key_of(TENANT, scopes).await;
        app.simulator.script(NUMBER, LOST);
        let answer = app.post_as(&key, "/otp/send", json!({ "to": NUMBER })).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        noted(&app, &id).await;
        apply(&app, Vec::new()).await;
        // A policy may be 5 s old, of real time: a new process has read none yet.
        app.restart_with(|_| {}).await.unwrap();
        app.advance(20);
        let outbox = Outbox::of(&app).await;
        outbox.wait_for(&id, "the plan has ended", |row| row.fallback_at.is_none()).await;
        long_after(&app).await;
        assert_eq!(calls_to(&app, NUMBER), 0);
        let body = json!({ "id": id, "code": code_of_last_message(&app) });
        assert_eq!(app.post_as(&key, "/otp/verify", body).await.status, 200);
    }
}
