//! Limits on sends: sliding, exact, shared, durable, and given back when nothing was sent.

use std::{collections::HashMap, sync::Arc, time::Duration};

use countersign::{
    domain::{key::Scope, limits::Rate},
    simulator::{Answer as Platform, Script, SmsFate},
};
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    app::{Answer, NUMBER, TestApp, on_both, tenant},
    database::Database,
};

fn rate(count: u32, seconds: u64) -> Rate {
    Rate {
        count,
        window: Duration::from_secs(seconds),
    }
}

async fn with_per_number(database: Database, rates: &[Rate]) -> TestApp {
    TestApp::with(database, |config| {
        config.tenants[0].policy.limits.per_number = rates.to_vec();
    })
    .await
}

/// Sends to [`NUMBER`] for a purpose, which no cool-down holds back.
async fn send_for(app: &TestApp, purpose: &str) -> Answer {
    app.post("/otp/send", json!({ "to": NUMBER, "purpose": purpose }))
        .await
}

async fn passes(app: &TestApp, purpose: &str) {
    let answer = send_for(app, purpose).await;
    assert_eq!(answer.status, 201, "{purpose}: {}", answer.text);
}

/// Asserts that a send is held back by `limit`, and for how long.
#[track_caller]
fn held(answer: &Answer, limit: &str, seconds: u64) {
    let body = answer.problem(429, "rate_limited");
    assert_eq!(
        (body["limit"].as_str(), answer.retry_after()),
        (Some(limit), seconds)
    );
}

/// Sends 64 times at once, each for another purpose and through the next of `apps`; five may pass.
async fn sixty_four_at_once(apps: &[Arc<TestApp>]) {
    let racers = (0..64).map(|n| {
        let app = apps[n % apps.len()].clone();
        tokio::spawn(async move { send_for(&app, &format!("p{n}")).await })
    });
    let answers = join_all(racers.collect::<Vec<_>>()).await;
    let mut counts: HashMap<u16, usize> = HashMap::new();
    for answer in answers {
        let answer = answer.unwrap();
        *counts.entry(answer.status).or_default() += 1;
        if answer.status != 201 {
            held(&answer, "per_number", 600);
        }
    }
    assert_eq!(counts, HashMap::from([(201, 5), (429, 59)]));
    assert_eq!(apps[0].simulator.texts(NUMBER).len(), 5);
}

on_both! {
    async fn three_in_ten_minutes_is_exact_over_the_edge_of_any_window(database) {
        let app = with_per_number(database, &[rate(3, 600)]).await;
        passes(&app, "a").await;
        app.advance(300);
        passes(&app, "b").await;
        app.advance(299);
        passes(&app, "c").await;
        held(&send_for(&app, "d").await, "per_number", 1);
        app.advance(1);
        passes(&app, "d").await;
        // Now the second must leave the window.
        held(&send_for(&app, "e").await, "per_number", 300);
        app.advance(299);
        held(&send_for(&app, "e").await, "per_number", 1);
        app.advance(1);
        passes(&app, "e").await;
    }

    async fn a_limited_send_says_which_limit_and_how_long(database) {
        let app = with_per_number(database, &[rate(1, 600)]).await;
        passes(&app, "a").await;
        let body = send_for(&app, "b").await.problem(429, "rate_limited");
        assert_eq!(
            body,
            json!({
                "type": "https://otp.acme.test/problems/rate_limited",
                "title": "A limit on sends is reached",
                "status": 429,
                "detail": "`limit` names it. Wait as many seconds as Retry-After says.",
                "instance": body["instance"],
                "code": "rate_limited",
                "limit": "per_number",
            })
        );
    }

    async fn of_several_rates_the_one_that_holds_longest_is_told(database) {
        let app = with_per_number(database, &[rate(1, 60), rate(2, 600), rate(3, 3600)]).await;
        passes(&app, "a").await;
        held(&send_for(&app, "b").await, "per_number", 60);
        app.advance(60);
        passes(&app, "b").await;
        held(&send_for(&app, "c").await, "per_number", 540);
        app.advance(540);
        passes(&app, "c").await;
        held(&send_for(&app, "d").await, "per_number", 3000);
        app.advance(3000);
        passes(&app, "d").await;
    }

    async fn what_was_held_back_does_not_count(database) {
        let app = with_per_number(database, &[rate(1, 60)]).await;
        passes(&app, "a").await;
        for left in (1..=60).rev() {
            held(&send_for(&app, "b").await, "per_number", left);
            app.advance(1);
        }
        passes(&app, "b").await;
    }

    async fn a_resend_counts_like_any_send(database) {
        let app = with_per_number(database, &[rate(2, 600)]).await;
        passes(&app, "login").await;
        app.advance(30);
        assert_eq!(send_for(&app, "login").await.status, 200);
        app.advance(60);
        held(&send_for(&app, "login").await, "per_number", 510);
    }

    async fn each_number_has_its_own_limit(database) {
        let app = with_per_number(database, &[rate(1, 600)]).await;
        passes(&app, "a").await;
        app.send_to("+351912345679").await;
        held(&send_for(&app, "b").await, "per_number", 600);
    }

    async fn each_key_has_its_own_limit(database) {
        let app = TestApp::with(database, |config| config.tenants[0].policy.limits.per_key = vec![rate(2, 3600)]).await;
        app.send_to("+351912345601").await;
        app.advance(10);
        app.send_to("+351912345602").await;
        held(&send_for(&app, "a").await, "per_key", 3590);
        let other = app.key_of("acme", &[Scope::Send]).await;
        assert_eq!(app.post_as(&other, "/otp/send", json!({ "to": NUMBER })).await.status, 201);
        app.advance(3590);
        passes(&app, "a").await;
    }

    async fn each_tenant_has_its_own_limit(database) {
        let app = TestApp::with(database, |config| {
            config.tenants.push(tenant("other"));
            config.tenants[0].policy.limits.per_tenant = vec![rate(2, 60)];
        })
        .await;
        app.send_to("+351912345601").await;
        app.send_to("+351912345602").await;
        let second_key = app.key_of("acme", &[Scope::Send]).await;
        let answer = app.post_as(&second_key, "/otp/send", json!({ "to": NUMBER })).await;
        held(&answer, "per_tenant", 60);
        let other = app.key_of("other", &[Scope::Send]).await;
        assert_eq!(app.post_as(&other, "/otp/send", json!({ "to": NUMBER })).await.status, 201);
    }

    async fn a_number_is_also_limited_over_all_tenants(database) {
        let app = TestApp::with(database, |config| {
            config.tenants.push(tenant("other"));
            config.limits.per_number = vec![rate(2, 600)];
        })
        .await;
        let other = app.key_of("other", &[Scope::Send]).await;
        passes(&app, "a").await;
        assert_eq!(app.post_as(&other, "/otp/send", json!({ "to": NUMBER })).await.status, 201);
        held(&send_for(&app, "b").await, "per_number", 600);
        let answer = app.post_as(&other, "/otp/send", json!({ "to": NUMBER, "purpose": "b" })).await;
        held(&answer, "per_number", 600);
        app.send_to("+351912345679").await;
    }

    async fn limits_survive_a_restart(database) {
        let mut app = TestApp::with(database, |config| {
            let limits = &mut config.tenants[0].policy.limits;
            limits.per_number = vec![rate(1, 600)];
            limits.per_tenant = vec![rate(65, 65)];
        })
        .await;
        passes(&app, "a").await;
        app.advance(100);
        app.restart_with(|_| {}).await.unwrap();
        held(&send_for(&app, "b").await, "per_number", 500);
        app.advance(500);
        passes(&app, "b").await;
    }

    async fn a_message_that_is_refused_gives_every_limit_back(database) {
        let app = TestApp::with(database, |config| {
            let limits = &mut config.tenants[0].policy.limits;
            limits.per_number = vec![rate(1, 600)];
            limits.per_key = vec![rate(1, 600)];
            limits.per_tenant = vec![rate(1, 600)];
            config.limits.per_number = vec![rate(1, 600)];
        })
        .await;
        app.simulator.script(NUMBER, Script { sms: SmsFate::Refuse, ..Script::default() });
        send_for(&app, "a").await.problem(422, "delivery_refused");
        app.advance(1);
        send_for(&app, "a").await.problem(422, "delivery_refused");
        app.simulator.script(NUMBER, Script::default());
        passes(&app, "a").await;
        send_for(&app, "b").await.problem(429, "rate_limited");
    }

    async fn a_message_that_never_left_gives_its_limit_back(database) {
        let app = with_per_number(database, &[rate(1, 600)]).await;
        app.simulator.answer_sends(Platform::ServerError, None);
        let answer = send_for(&app, "a").await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        held(&send_for(&app, "b").await, "per_number", 600);
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(app.post(&format!("/otp/{id}/cancel"), json!({})).await.status, 200);
        app.simulator.answer_sends(Platform::Ok, None);
        app.eventually_within(60, "the limit is given back", async |app| send_for(app, "b").await.status == 201).await;
        held(&send_for(&app, "c").await, "per_number", 600);
        assert_eq!(app.simulator.texts(NUMBER).len(), 1);
    }

    async fn a_large_limit_lets_its_count_pass_at_once_and_then_one_per_spacing(database) {
        let app = TestApp::with(database, |config| config.tenants[0].policy.limits.per_tenant = vec![rate(100, 100)]).await;
        let app = Arc::new(app);
        let racers = (0..120).map(|n| {
            let app = app.clone();
            tokio::spawn(async move { app.post("/otp/send", json!({ "to": format!("+35191234{n:04}") })).await })
        });
        let answers = join_all(racers.collect::<Vec<_>>()).await;
        let (passed, refused): (Vec<_>, Vec<_>) =
            answers.into_iter().map(Result::unwrap).partition(|answer| answer.status == 201);
        assert_eq!((passed.len(), refused.len()), (100, 20));
        for answer in &refused {
            held(answer, "per_tenant", 1);
        }
        for purpose in ["b", "c", "d"] {
            held(&send_for(&app, purpose).await, "per_tenant", 1);
            app.advance(1);
            passes(&app, purpose).await;
        }
        held(&send_for(&app, "a").await, "per_tenant", 1);
    }

    async fn of_64_sends_at_once_as_many_pass_as_the_limit_says(database) {
        sixty_four_at_once(&[Arc::new(with_per_number(database, &[rate(5, 600)]).await)]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_sends_at_once_over_two_replicas_as_many_pass_as_the_limit_says() {
    let app = with_per_number(Database::Postgres, &[rate(5, 600)]).await;
    let replica = app.replica().await;
    sixty_four_at_once(&[Arc::new(app), Arc::new(replica)]).await;
}
