//! Sending again while a code is pending: the cool-down, the code, and what begins anew.

use std::{collections::HashMap, sync::Arc};

use countersign::domain::policy::Resend;
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    app::{Answer, NUMBER, TestApp, on_both},
    database::Database,
};

async fn resend(app: &TestApp) -> Answer {
    app.post("/otp/send", json!({ "to": NUMBER })).await
}

/// Asserts that a resend is too soon, and is not any more once `Retry-After` has passed.
async fn waits(app: &TestApp, seconds: u64) {
    let answer = resend(app).await;
    answer.problem(429, "resend_too_soon");
    assert_eq!(answer.retry_after(), seconds);
    app.advance(seconds - 1);
    let answer = resend(app).await;
    answer.problem(429, "resend_too_soon");
    assert_eq!(answer.retry_after(), 1);
    app.advance(1);
}

/// Sends 50 times at once, each time through the next of `apps`; one begins, and one message arrives.
async fn fifty_at_once(apps: &[Arc<TestApp>]) {
    let racers = (0..50).map(|n| {
        let app = apps[n % apps.len()].clone();
        tokio::spawn(async move { resend(&app).await })
    });
    let answers = join_all(racers.collect::<Vec<_>>()).await;
    let mut counts: HashMap<u16, usize> = HashMap::new();
    for answer in answers {
        let answer = answer.unwrap();
        *counts.entry(answer.status).or_default() += 1;
        if answer.status != 201 {
            answer.problem(429, "resend_too_soon");
            assert_eq!(answer.retry_after(), 30);
        }
    }
    assert_eq!(counts, HashMap::from([(201, 1), (429, 49)]));
    assert_eq!(apps[0].simulator.texts(NUMBER).len(), 1);
}

on_both! {
    async fn too_early_says_how_long_to_wait_and_for_what(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        app.advance(29);
        let answer = resend(&app).await;
        assert_eq!(answer.retry_after(), 1);
        let body = answer.problem(429, "resend_too_soon");
        assert_eq!(
            body,
            json!({
                "type": "https://otp.acme.test/problems/resend_too_soon",
                "title": "A code was sent a moment ago",
                "status": 429,
                "detail": "Wait as many seconds as Retry-After says. The code that was sent is still good.",
                "instance": body["instance"],
                "code": "resend_too_soon",
                "id": id,
                "resend_after": "2026-01-31T12:00:30Z",
                "expires_at": "2026-01-31T12:05:00Z",
            })
        );
        assert_eq!(app.simulator.texts(NUMBER).len(), 1);
    }

    async fn the_cool_down_is_30_then_60_then_120_seconds(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        let ladder = [
            (30, Some("2026-01-31T12:01:30Z")),
            (60, Some("2026-01-31T12:03:30Z")),
            // After 240 more seconds no life would be left.
            (120, None),
        ];
        for (cool_down, next) in ladder {
            waits(&app, cool_down).await;
            let answer = resend(&app).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let body = answer.json();
            assert_eq!((body["id"].as_str(), body.get("resend_after").and_then(|at| at.as_str())), (Some(id.as_str()), next));
        }
        assert_eq!(app.simulator.texts(NUMBER).len(), 4);
    }

    async fn a_resend_is_the_same_verification_with_the_same_end_and_the_same_guesses(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        app.verify(&id, app.wrong_code()).await.problem(422, "wrong_code");
        app.advance(30);
        let answer = resend(&app).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("location"), Some(format!("/otp/{id}").as_str()));
        assert_eq!(
            answer.json(),
            json!({
                "id": id,
                "status": "pending",
                "to": "+351*******78",
                "channel": "sms",
                "purpose": "login",
                "delivery": { "channel": "sms", "status": "sent" },
                "attempts_left": 4,
                "created_at": "2026-01-31T12:00:00Z",
                "expires_at": "2026-01-31T12:05:00Z",
                "resend_after": "2026-01-31T12:01:30Z",
            })
        );
    }

    async fn a_resend_makes_a_new_code_and_the_old_one_is_dead_at_once(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        let old = app.code();
        app.advance(30);
        assert_eq!(resend(&app).await.status, 200);
        assert_ne!(app.code(), old);
        let wrong = app.verify(&id, &old).await.problem(422, "wrong_code");
        assert_eq!(wrong["attempts_left"], 4, "it costs a guess like any other");
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn where_the_policy_says_so_a_resend_repeats_the_code(database) {
        let app = TestApp::with(database, |config| config.tenants[0].policy.resend = Resend::Same).await;
        let id = app.send().await;
        let first = app.code();
        for cool_down in [30, 60] {
            app.advance(cool_down);
            assert_eq!(resend(&app).await.status, 200);
        }
        let texts = app.simulator.texts(NUMBER);
        assert!(texts.len() == 3 && texts.iter().all(|text| text.starts_with(&first)), "{texts:?}");
        assert_eq!(app.verify(&id, &first).await.status, 200);
    }

    async fn with_exactly_a_minute_of_life_left_a_resend_can_still_come(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        app.advance(240);
        let answer = resend(&app).await;
        assert_eq!((answer.status, answer.json()["id"].as_str()), (200, Some(id.as_str())));
    }

    async fn with_less_than_a_minute_of_life_left_a_new_verification_begins(database) {
        let app = TestApp::spawn(database).await;
        let old = app.send().await;
        let old_code = app.code();
        app.advance(241);
        let answer = resend(&app).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let new = answer.json();
        assert_ne!(new["id"], old);
        assert_eq!((&new["created_at"], &new["expires_at"]), (&json!("2026-01-31T12:04:01Z"), &json!("2026-01-31T12:09:01Z")));
        app.verify(&old, &old_code).await.problem(410, "canceled");
        let ended = app.status(&old).await;
        assert_eq!((&ended["status"], &ended["ended_at"]), (&json!("canceled"), &json!("2026-01-31T12:04:01Z")));
        assert_eq!(app.verify(new["id"].as_str().unwrap(), &app.code()).await.status, 200);
    }

    async fn where_no_resend_can_come_the_wait_is_for_the_next_verification(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        for cool_down in [30, 60, 120] {
            app.advance(cool_down);
            assert_eq!(resend(&app).await.status, 200);
        }
        let body = resend(&app).await.problem(429, "resend_too_soon");
        assert_eq!((&body["id"], body.get("resend_after")), (&json!(id), None));
        assert_eq!(app.status(&id).await.get("resend_after"), None);
        waits(&app, 31).await;
        let answer = resend(&app).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_ne!(answer.json()["id"], id);
    }

    async fn after_an_end_a_send_begins_anew_without_a_cool_down(database) {
        let app = TestApp::spawn(database).await;
        let first = app.send().await;
        assert_eq!(app.verify(&first, &app.code()).await.status, 200);
        let second = app.send().await;
        assert_eq!(app.post(&format!("/otp/{second}/cancel"), json!({})).await.status, 200);
        let third = app.send().await;
        assert_eq!(resend(&app).await.problem(429, "resend_too_soon")["id"], third);
    }

    async fn of_fifty_sends_at_once_one_begins_and_one_message_arrives(database) {
        fifty_at_once(&[Arc::new(TestApp::spawn(database).await)]).await;
    }

    async fn of_fifty_resends_at_once_one_goes_out(database) {
        let app = Arc::new(TestApp::spawn(database).await);
        let id = app.send().await;
        app.advance(30);
        let racers = (0..50).map(|_| {
            let app = app.clone();
            tokio::spawn(async move { resend(&app).await.status })
        });
        let mut statuses: Vec<u16> = join_all(racers.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect();
        statuses.sort_unstable();
        assert_eq!((statuses[0], statuses[1]), (200, 429));
        assert_eq!(app.simulator.texts(NUMBER).len(), 2);
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_sends_at_once_over_two_replicas_one_begins() {
    let app = TestApp::spawn(Database::Postgres).await;
    let replica = app.replica().await;
    fifty_at_once(&[Arc::new(app), Arc::new(replica)]).await;
}
