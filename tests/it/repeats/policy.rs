//! A tenant's policy has changed since: what was answered once stays the answer, and nothing new begins.

use countersign::{
    config::Config,
    domain::{
        delivery::Channel,
        key::{KeyKind, Scope},
        policy::Countries,
    },
};

use super::*;
use crate::app::TENANT;

fn closed(config: &mut Config) {
    config.tenants[0].policy.countries = Countries::Only(Vec::new());
}

/// Of a send that nobody has seen before.
async fn anew(app: &TestApp, body: &Value) -> Answer {
    Answer::of(request(app, "\"never seen\"", body)).await
}

on_both! {
    async fn a_send_is_repeated_after_its_country_was_closed(database) {
        let mut app = TestApp::spawn(database).await;
        let first = send(&app, KEY).await;
        assert_eq!(first.status, 201);
        app.restart_with(closed).await.unwrap();
        assert_replayed(&send(&app, KEY).await, &first);
        let body = json!({ "to": NUMBER });
        anew(&app, &body).await.problem(403, "destination_not_allowed");
        // It stored nothing: the same again.
        anew(&app, &body).await.problem(403, "destination_not_allowed");
        let other = json!({ "to": "+351912345679" });
        Answer::of(request(&app, KEY, &other)).await.problem(422, "idempotency_mismatch");
        app.post("/otp/send", body).await.problem(403, "destination_not_allowed");
        assert_eq!(app.simulator.requests().posts, 1);
        app.restart_with(|config| config.tenants[0].policy.countries = Countries::Anywhere).await.unwrap();
        assert_eq!(anew(&app, &json!({ "to": NUMBER, "purpose": "signup" })).await.status, 201);
    }

    async fn a_send_is_repeated_after_its_channel_and_its_page_were_taken_away(database) {
        let mut app = TestApp::with(database, |config| {
            config.tenants[0].policy.origins = vec!["https://app.acme.example".to_owned()];
        })
        .await;
        let body = json!({ "to": NUMBER, "autofill": { "origin": "app.acme.example" } });
        let again = |app: &TestApp| Answer::of(request(app, KEY, &body));
        let first = again(&app).await;
        assert_eq!(first.status, 201, "{}", first.text);
        app.restart_with(|config| {
            config.accounts[0].voice_from = Some("+13055550100".to_owned());
            config.tenants[0].policy.channels = vec![Channel::Voice];
            config.tenants[0].policy.origins.clear();
        })
        .await
        .unwrap();
        assert_replayed(&again(&app).await, &first);
        let refused = anew(&app, &body).await.problem(422, "invalid_request");
        let faults = json!([
            {
                "pointer": "#/channel", "code": "not_allowed",
                "detail": "is sms, which is not among the tenant's channels: voice",
            },
            {
                "pointer": "#/autofill/origin", "code": "not_allowed",
                "detail": "is not the host of one of the tenant's https origins",
            },
        ]);
        assert_eq!(refused["errors"], faults);
        let without_key = app.post("/otp/send", body.clone()).await.problem(422, "invalid_request");
        assert_eq!(without_key["errors"], faults);
        // A fault that is no matter of policy is told before anything is looked for, with the others.
        let mut odd = body.clone();
        odd["colour"] = json!("red");
        let refused = Answer::of(request(&app, KEY, &odd)).await.problem(422, "invalid_request");
        assert_eq!(refused["errors"].as_array().unwrap().len(), 3);
        let other = json!({ "to": NUMBER });
        Answer::of(request(&app, KEY, &other)).await.problem(422, "idempotency_mismatch");
        assert_eq!(app.simulator.requests().posts, 1);
    }

    async fn a_send_is_repeated_after_the_last_account_lost_its_sender(database) {
        let mut app = TestApp::spawn(database).await;
        let first = send(&app, KEY).await;
        app.restart_with(|config| config.accounts[0].sms_from.default = None).await.unwrap();
        assert_replayed(&send(&app, KEY).await, &first);
        anew(&app, &json!({ "to": NUMBER })).await.problem(403, "destination_not_allowed");
    }

    async fn what_a_dead_process_left_unanswered_is_answered_under_another_policy(database) {
        let mut app = TestApp::mortal(database, |_| {}).await;
        app.simulator.answer_sends(Platform::Slow(Duration::from_hours(1)), Some(1));
        let lost = tokio::spawn(request(&app, KEY, &json!({ "to": NUMBER })).send());
        app.eventually("Restcomm has it", async |app| app.simulator.requests().stored == 1).await;
        app.crash().await;
        let _ = lost.await.unwrap();
        app.restart_with(closed).await.unwrap();
        // In its last moment it may have noted that the message is queued.
        let first = send(&app, KEY).await;
        if first.status != 202 {
            first.problem(409, "idempotency_in_progress");
            app.advance(3);
        }
        let answered = send(&app, KEY).await;
        assert_eq!(answered.status, 202, "{}", answered.text);
        assert_replayed(&send(&app, KEY).await, &answered);
        assert_eq!(app.simulator.requests().stored, 1);
    }

    async fn a_key_that_was_revoked_repeats_nothing(database) {
        let mut app = TestApp::spawn(database).await;
        app.key = app.make_key(KeyKind::Secret, TENANT, &[Scope::Send]).await;
        assert_eq!(send(&app, KEY).await.status, 201);
        app.restart_with(closed).await.unwrap();
        assert_eq!(send(&app, KEY).await.status, 201);
        let store = app.store().await;
        let (_, key) = countersign::domain::key::ApiKey::parse(&app.key).unwrap();
        assert!(store.revoke_key(key.name(), app.clock.now()).await.unwrap());
        // It is remembered as valid for some seconds yet.
        send(&app, KEY).await.problem(401, "unauthenticated");
    }
}
