//! Root keys that take over from each other while codes, blocks and limits stand.

use std::time::Duration;

use countersign::{
    config::Config,
    domain::limits::Rate,
    simulator::{Answer as Platform, Script, SmsFate},
};
use serde_json::json;

use crate::app::{Answer, NUMBER, TestApp, on_both, root_key};

/// Makes `ids` the root keys, newest first; each is always the same key.
fn roots(ids: &[u8]) -> impl FnOnce(&mut Config) {
    let keys = ids.iter().map(|n| root_key(&format!("k{n}"), *n)).collect();
    move |config| config.keys.root = keys
}

async fn rotate(app: &mut TestApp, ids: &[u8]) {
    app.restart_with(roots(ids)).await.unwrap();
}

/// Asserts that the service refuses to start with `ids` alone, and says why.
async fn refuses(app: &mut TestApp, ids: &[u8], why: &str) {
    let error = app.restart_with(roots(ids)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("it would not be safe to start:\n  - {why}")
    );
}

async fn with_limit(database: crate::database::Database, count: u32) -> TestApp {
    TestApp::with(database, |config| {
        let window = Duration::from_mins(10);
        config.tenants[0].policy.limits.per_number = vec![Rate { count, window }];
    })
    .await
}

async fn send_for(app: &TestApp, purpose: &str) -> Answer {
    app.post("/otp/send", json!({ "to": NUMBER, "purpose": purpose }))
        .await
}

async fn begin(app: &TestApp, purpose: &str) -> String {
    let answer = send_for(app, purpose).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn guess(app: &TestApp, id: &str) -> Answer {
    app.verify(id, "123456789").await
}

async fn guess_by_number(app: &TestApp, purpose: &str) -> Answer {
    let check = json!({ "to": NUMBER, "purpose": purpose, "code": "123456789" });
    app.post("/otp/verify", check).await
}

async fn fail(app: &TestApp, id: &str, times: u32) {
    for _ in 0..times {
        guess(app, id).await.problem(422, "wrong_code");
    }
}

on_both! {
    async fn codes_in_flight_are_good_under_a_new_key(database) {
        let mut app = TestApp::spawn(database).await;
        let by_id = app.send_to("+351912345601").await;
        app.send_to("+351912345602").await;
        rotate(&mut app, &[2, 1]).await;
        rotate(&mut app, &[3, 2, 1]).await;
        assert_eq!(app.verify(&by_id, &app.code_at("+351912345601")).await.status, 200);
        let by_number = json!({ "to": "+351912345602", "code": app.code_at("+351912345602") });
        assert_eq!(app.post("/otp/verify", by_number).await.status, 200);
    }

    async fn a_pending_verification_is_sent_to_again_under_a_new_key(database) {
        let mut app = TestApp::spawn(database).await;
        let id = app.send().await;
        rotate(&mut app, &[2, 1]).await;
        assert_eq!(send_for(&app, "login").await.problem(429, "resend_too_soon")["id"], id);
        app.advance(30);
        let resent = send_for(&app, "login").await;
        assert_eq!((resent.status, resent.json()["id"].as_str()), (200, Some(id.as_str())));
        // Nothing of it hangs on the old key any more.
        rotate(&mut app, &[2]).await;
        assert_eq!(send_for(&app, "login").await.problem(429, "resend_too_soon")["id"], id);
        fail(&app, &id, 4).await;
        let other = begin(&app, "other").await;
        fail(&app, &other, 1).await;
        guess(&app, &id).await.problem(429, "too_many_attempts");
    }

    async fn failures_under_the_old_key_and_the_new_are_one_row(database) {
        let mut app = TestApp::spawn(database).await;
        let old = begin(&app, "old").await;
        fail(&app, &old, 2).await;
        rotate(&mut app, &[2, 1]).await;
        let new = begin(&app, "new").await;
        fail(&app, &new, 1).await;
        fail(&app, &old, 1).await;
        guess_by_number(&app, "old").await.problem(422, "wrong_code");
        for answer in [
            guess(&app, &new).await,
            guess(&app, &old).await,
            guess_by_number(&app, "new").await,
            guess_by_number(&app, "old").await,
            send_for(&app, "another").await,
        ] {
            answer.problem(429, "too_many_attempts");
            assert_eq!(answer.retry_after(), 900);
        }
        assert_eq!(app.status(&old).await["attempts_left"], 1);
        assert_eq!(app.status(&new).await["attempts_left"], 4);
    }

    async fn a_success_under_the_new_key_clears_failures_under_the_old(database) {
        let mut app = TestApp::spawn(database).await;
        let old = begin(&app, "old").await;
        fail(&app, &old, 4).await;
        rotate(&mut app, &[2, 1]).await;
        begin(&app, "new").await;
        let right = json!({ "to": NUMBER, "purpose": "new", "code": app.code() });
        assert_eq!(app.post("/otp/verify", right).await.status, 200);
        fail(&app, &old, 1).await;
        let other = begin(&app, "other").await;
        fail(&app, &other, 3).await;
        assert_eq!(app.verify(&other, &app.code()).await.status, 200);
    }

    async fn sends_under_the_old_key_count_against_limits(database) {
        let mut app = with_limit(database, 2).await;
        begin(&app, "a").await;
        app.advance(10);
        rotate(&mut app, &[2, 1]).await;
        begin(&app, "b").await;
        let held = send_for(&app, "c").await;
        held.problem(429, "rate_limited");
        assert_eq!(held.retry_after(), 590);
    }

    async fn a_key_is_not_dropped_while_a_code_made_with_it_lives(database) {
        let mut app = TestApp::spawn(database).await;
        app.send().await;
        let why = "the root key `k1` is still needed until 2026-01-31T12:05:00Z; put it back at the end of keys.root";
        refuses(&mut app, &[2], why).await;
        app.advance(299);
        refuses(&mut app, &[2], why).await;
        app.advance(1);
        rotate(&mut app, &[2]).await;
        app.send().await;
    }

    async fn a_key_is_not_dropped_while_a_limit_counted_with_it_stands(database) {
        let mut app = with_limit(database, 1).await;
        begin(&app, "a").await;
        let why = "the root key `k1` is still needed until 2026-01-31T12:10:00Z; put it back at the end of keys.root";
        refuses(&mut app, &[2], why).await;
        app.advance(599);
        refuses(&mut app, &[2], why).await;
        app.advance(1);
        rotate(&mut app, &[2]).await;
        begin(&app, "b").await;
    }

    async fn giving_a_limit_back_does_not_hide_under_which_key_it_was_counted(database) {
        let mut app = with_limit(database, 2).await;
        begin(&app, "a").await;
        app.simulator.answer_sends(Platform::ServerError, None);
        let second = send_for(&app, "b").await;
        assert_eq!(second.status, 202, "{}", second.text);
        let second = second.json()["id"].as_str().unwrap().to_owned();
        rotate(&mut app, &[2, 1]).await;
        app.simulator.answer_sends(Platform::Ok, None);
        app.simulator.script(NUMBER, Script { sms: SmsFate::Refuse, ..Script::default() });
        app.eventually_within(200, "the second is refused", async |app| app.status(&second).await["status"] == "failed").await;
        app.advance(300);
        let why = "the root key `k1` is still needed until 2026-01-31T12:10:00Z; put it back at the end of keys.root";
        refuses(&mut app, &[2], why).await;
    }

    async fn a_key_is_not_dropped_while_a_number_is_blocked_under_it(database) {
        let mut app = TestApp::spawn(database).await;
        let id = begin(&app, "login").await;
        fail(&app, &id, 5).await;
        let why = "the root key `k1` is still needed until 2026-01-31T12:15:00Z; put it back at the end of keys.root";
        refuses(&mut app, &[2], why).await;
        rotate(&mut app, &[2, 1]).await;
        refuses(&mut app, &[2], why).await;
        app.advance(900);
        rotate(&mut app, &[2]).await;
        begin(&app, "login").await;
    }

    async fn a_block_moves_to_the_new_key_when_it_is_felt(database) {
        let mut app = TestApp::spawn(database).await;
        let id = begin(&app, "login").await;
        fail(&app, &id, 5).await;
        rotate(&mut app, &[2, 1]).await;
        send_for(&app, "login").await.problem(429, "too_many_attempts");
        rotate(&mut app, &[2]).await;
        app.advance(899);
        let answer = send_for(&app, "login").await;
        answer.problem(429, "too_many_attempts");
        assert_eq!(answer.retry_after(), 1);
    }

    async fn a_key_is_not_dropped_while_a_number_is_locked_under_it(database) {
        let mut app = TestApp::spawn(database).await;
        for _ in 0..20 {
            let id = begin(&app, "login").await;
            fail(&app, &id, 5).await;
            app.advance(3600);
        }
        app.advance(365 * 24 * 3600);
        let why = "the root key `k1` is still needed until an operator unlocks the numbers that are locked under it; \
                   put it back at the end of keys.root";
        refuses(&mut app, &[2], why).await;
        rotate(&mut app, &[2, 1]).await;
        send_for(&app, "login").await.problem(429, "too_many_attempts");
    }
}
