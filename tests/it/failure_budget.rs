//! The failure budget: wrong guesses in a row on one number block it, whatever verification they were made on.

use std::{collections::HashMap, sync::Arc};

use countersign::domain::key::Scope;
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    app::{Answer, NUMBER, TestApp, on_both, tenant},
    database::Database,
};

const HOUR: u64 = 3600;

async fn send_for(app: &TestApp, purpose: &str) -> Answer {
    app.post("/otp/send", json!({ "to": NUMBER, "purpose": purpose }))
        .await
}

async fn begin(app: &TestApp, purpose: &str) -> String {
    let answer = send_for(app, purpose).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// Guesses wrong `times`, and asserts that each guess was evaluated.
async fn fail(app: &TestApp, id: &str, times: u32) {
    // Three digits more than any code has.
    for _ in 0..times {
        app.verify(id, "123456789").await.problem(422, "wrong_code");
    }
}

/// Asserts that a check or a send is refused for so many seconds.
#[track_caller]
fn blocked(answer: &Answer, seconds: u64) {
    answer.problem(429, "too_many_attempts");
    assert_eq!(answer.retry_after(), seconds);
}

/// Eight wrong guesses at each of eight verifications of one number, all at once and each through the next of `apps`:
/// five are evaluated.
async fn sixty_four_at_once(apps: &[Arc<TestApp>]) {
    let app = &apps[0];
    let mut ids = Vec::new();
    for n in 0..8 {
        ids.push(begin(app, &format!("p{n}")).await);
    }
    let guesses = (0..64).map(|n| {
        let (app, id) = (apps[n % apps.len()].clone(), ids[n / 8].clone());
        tokio::spawn(async move { app.verify(&id, "123456789").await })
    });
    let answers = join_all(guesses.collect::<Vec<_>>()).await;
    let mut counts: HashMap<String, usize> = HashMap::new();
    for answer in answers {
        *counts.entry(answer.unwrap().code()).or_default() += 1;
    }
    assert_eq!(counts.remove("wrong_code"), Some(5), "{counts:?}");
    let mut spent = 0;
    for id in &ids {
        spent += 5 - app.status(id).await["attempts_left"].as_u64().unwrap();
    }
    assert_eq!(spent, 5);
    blocked(&send_for(app, "another").await, 900);
}

on_both! {
    async fn five_failures_over_several_verifications_block_checks_and_sends_for_15_minutes(database) {
        let app = TestApp::spawn(database).await;
        let login = begin(&app, "login").await;
        fail(&app, &login, 3).await;
        let payment = begin(&app, "payment").await;
        fail(&app, &payment, 2).await;
        let answer = app.verify(&login, "123456789").await;
        blocked(&answer, 900);
        let body = answer.json();
        assert_eq!(
            body,
            json!({
                "type": "https://otp.acme.test/problems/too_many_attempts",
                "title": "Too many wrong codes for this number",
                "status": 429,
                "detail": "The number is blocked for as long as Retry-After says; without that header, until an operator \
                           unlocks it. The guess was not evaluated.",
                "instance": body["instance"],
                "code": "too_many_attempts",
            })
        );
        blocked(&send_for(&app, "login").await, 900);
        blocked(&send_for(&app, "another").await, 900);
        app.advance(899);
        blocked(&send_for(&app, "login").await, 1);
        app.advance(1);
        let id = begin(&app, "login").await;
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn while_a_number_is_blocked_no_guess_is_evaluated_and_none_is_spent(database) {
        let app = TestApp::spawn(database).await;
        let login = begin(&app, "login").await;
        fail(&app, &login, 3).await;
        let payment = begin(&app, "payment").await;
        let right = app.code();
        fail(&app, &payment, 2).await;
        for _ in 0..10 {
            blocked(&app.verify(&payment, "123456789").await, 900);
            blocked(&app.verify(&payment, &right).await, 900);
            let by_number = json!({ "to": NUMBER, "purpose": "payment", "code": right });
            blocked(&app.post("/otp/verify", by_number).await, 900);
        }
        let status = app.status(&payment).await;
        assert_eq!((&status["status"], &status["attempts_left"]), (&json!("pending"), &json!(3)));
        // Nor did they count towards the next block.
        app.advance(900);
        let id = begin(&app, "login").await;
        fail(&app, &id, 4).await;
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn the_guess_after_the_last_is_told_so_whatever_else_is_blocked(database) {
        let app = TestApp::spawn(database).await;
        let id = begin(&app, "login").await;
        fail(&app, &id, 5).await;
        app.verify(&id, &app.code()).await.problem(410, "max_attempts_reached");
        blocked(&send_for(&app, "login").await, 900);
    }

    async fn every_further_five_block_for_an_hour(database) {
        let app = TestApp::spawn(database).await;
        for (round, block) in [900, HOUR, HOUR].into_iter().enumerate() {
            let id = begin(&app, "login").await;
            fail(&app, &id, 5).await;
            blocked(&send_for(&app, "login").await, block);
            app.advance(block - 1);
            blocked(&send_for(&app, "login").await, 1);
            app.advance(1);
            let payment = begin(&app, &format!("payment{round}")).await;
            assert_eq!(app.status(&payment).await["attempts_left"], 5);
        }
    }

    async fn a_success_clears_the_failures_before_it(database) {
        let app = TestApp::spawn(database).await;
        for _ in 0..3 {
            let id = begin(&app, "login").await;
            fail(&app, &id, 4).await;
            assert_eq!(app.verify(&id, &app.code()).await.status, 200);
        }
        // It also takes back that the next block would be one of an hour.
        let id = begin(&app, "login").await;
        fail(&app, &id, 5).await;
        blocked(&send_for(&app, "login").await, 900);
    }

    async fn a_hundred_failures_lock_the_number_until_somebody_unlocks_it(database) {
        let mut app = TestApp::spawn(database).await;
        for round in 0..20 {
            let id = begin(&app, "login").await;
            fail(&app, &id, 5).await;
            if round < 19 {
                app.advance(HOUR);
            }
        }
        let locked = async |app: &TestApp| {
            let answer = send_for(app, "another").await;
            let detail = "The number is locked after 100 wrong codes in a row, until an operator unlocks it.";
            assert_eq!(answer.problem(429, "too_many_attempts")["detail"], detail);
            assert_eq!(answer.header("retry-after"), None);
        };
        locked(&app).await;
        app.advance(365 * 24 * HOUR);
        locked(&app).await;
        app.restart_with(|_| {}).await.unwrap();
        locked(&app).await;
        app.send_to("+351912345679").await;
    }

    async fn the_budget_outlives_verifications_and_a_restart(database) {
        let mut app = TestApp::spawn(database).await;
        let first = begin(&app, "login").await;
        fail(&app, &first, 2).await;
        assert_eq!(app.post(&format!("/otp/{first}/cancel"), json!({})).await.status, 200);
        let second = begin(&app, "login").await;
        fail(&app, &second, 2).await;
        // Long enough for both to be deleted.
        app.advance(25 * HOUR);
        app.restart_with(|_| {}).await.unwrap();
        app.eventually("the verifications are deleted", async |app| {
            app.get(&format!("/otp/{second}")).await.status == 404
        })
        .await;
        let third = begin(&app, "login").await;
        fail(&app, &third, 1).await;
        blocked(&app.verify(&third, "123456789").await, 900);
        app.restart_with(|_| {}).await.unwrap();
        blocked(&send_for(&app, "login").await, 900);
    }

    async fn failures_stay_with_their_tenant_and_their_number(database) {
        let app = TestApp::with(database, |config| config.tenants.push(tenant("other"))).await;
        let id = begin(&app, "login").await;
        fail(&app, &id, 5).await;
        blocked(&send_for(&app, "login").await, 900);
        app.send_to("+351912345679").await;
        let other = app.key_of("other", &[Scope::Send, Scope::Verify]).await;
        let theirs = app.post_as(&other, "/otp/send", json!({ "to": NUMBER })).await;
        assert_eq!(theirs.status, 201, "{}", theirs.text);
        let check = json!({ "id": theirs.json()["id"], "code": app.code() });
        assert_eq!(app.post_as(&other, "/otp/verify", check).await.status, 200);
        blocked(&send_for(&app, "login").await, 900);
    }

    async fn of_64_wrong_guesses_at_once_over_eight_verifications_five_are_evaluated(database) {
        sixty_four_at_once(&[Arc::new(TestApp::spawn(database).await)]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_wrong_guesses_at_once_over_two_replicas_five_are_evaluated() {
    let app = TestApp::spawn(Database::Postgres).await;
    let replica = app.replica().await;
    sixty_four_at_once(&[Arc::new(app), Arc::new(replica)]).await;
}

on_both! {
    async fn the_sweeper_takes_no_failure_that_was_just_counted(database) {
        let app = Arc::new(TestApp::spawn(database).await);
        let guessing = tokio::spawn({
            let app = app.clone();
            async move {
                for n in 0..40 {
                    let number = format!("+35191234{n:04}");
                    let id = app.send_to(&number).await;
                    fail(&app, &id, 4).await;
                    assert_eq!(app.verify(&id, &app.code_at(&number)).await.status, 200);
                    let id = app.send_to(&number).await;
                    fail(&app, &id, 5).await;
                    let again = app.post("/otp/send", json!({ "to": number })).await;
                    blocked(&again, 900);
                }
            }
        });
        let store = app.store().await;
        // The version before takes empty ones of numbers that have a code, too.
        let empty = match database {
            Database::Sqlite => "delete from budgets where failures = 0",
            Database::Postgres => "delete from budgets where failures = 0 and id = any(array( \
                                   select id from budgets order by id for update skip locked))",
        };
        while !guessing.is_finished() {
            let unused = store.unused_budgets(&[], 500, app.clock.now()).await.unwrap().unused;
            store.delete_budgets(&unused, app.clock.now()).await.unwrap();
            app.place.change(empty).await;
        }
        guessing.await.unwrap();
    }

    /// On PostgreSQL an empty one is made to be locked. Whoever checks the code finds it.
    async fn an_empty_budget_stays_as_long_as_its_number_has_a_code(database) {
        let app = TestApp::spawn(database).await;
        let store = app.store().await;
        let unused = async || store.unused_budgets(&[], 500, app.clock.now()).await.unwrap().unused;
        let made = usize::from(database == Database::Postgres);
        let id = app.send().await;
        let rows = app.place.count("select count(*) from budgets").await;
        assert_eq!((usize::try_from(rows).unwrap(), unused().await.len()), (made, 0));
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
        let unused = unused().await;
        assert_eq!(unused.len(), made);
        store.delete_budgets(&unused, app.clock.now()).await.unwrap();
        let rows = async || app.place.count("select count(*) from budgets").await;
        assert_eq!(rows().await, 0);
        // Nothing waits for one to be made again: with a publishable key the time would tell.
        app.verify(&id, &app.code()).await.problem(409, "already_approved");
        assert_eq!(rows().await, 0);
    }
}
