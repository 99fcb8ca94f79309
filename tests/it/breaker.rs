//! Accounts that fail: they are left alone, found out about, and loaded again little by little; and accounts that may
//! not be asked as often as there is something to ask.

use std::{collections::BTreeMap, time::Duration};

use countersign::{
    domain::delivery::Stage,
    simulator::{Answer, Simulator},
};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::{
    app::{Answer as Answered, NOON, TestApp, account, on_both, restcomm},
    outbox::Outbox,
};

fn number(n: usize) -> String {
    format!("+35191234{n:04}")
}

async fn send(app: &TestApp, n: usize) -> Answered {
    app.post("/otp/send", json!({ "to": number(n) })).await
}

async fn send_without_waiting(app: &TestApp, n: usize) {
    let request = app
        .request(Method::POST, "/otp/send")
        .header("Content-Type", "application/json")
        .header("Prefer", "respond-async");
    let answer = Answered::of(request.body(json!({ "to": number(n) }).to_string())).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
}

/// Five failures, which open the breaker of the first account.
async fn break_first(app: &TestApp) {
    app.simulator.answer_sends(Answer::ServerError, None);
    for n in 0..5 {
        send(app, 9000 + n).await;
    }
    assert_eq!(app.simulator.requests().posts, 5);
}

async fn scrape(app: &TestApp) -> String {
    Answered::of(app.http.get(format!("{}/metrics", app.admin)))
        .await
        .text
}

async fn shows(app: &TestApp, line: &str) {
    app.eventually(line, async |app| {
        scrape(app).await.lines().any(|found| found == line)
    })
    .await;
}

fn each_got_one(simulator: &Simulator, numbers: impl Iterator<Item = usize>) {
    for n in numbers {
        assert_eq!(simulator.texts(&number(n)).len(), 1, "{}", number(n));
    }
}

on_both! {
    async fn an_account_that_fails_is_passed_over_until_it_is_back(database) {
        let (second, base_url) = restcomm(&countersign::domain::clock::Clock::manual(NOON));
        let app = TestApp::with(database, |config| {
            config.accounts.push(account("second", &base_url));
        }).await;
        break_first(&app).await;
        for n in 0..20 {
            assert_eq!(send(&app, n).await.status, 201);
        }
        assert_eq!((app.simulator.requests().posts, second.requests().posts), (5, 25));
        app.simulator.answer_sends(Answer::Ok, None);
        app.advance(2);
        assert_eq!(send(&app, 20).await.status, 201);
        assert_eq!((app.simulator.requests().posts, second.requests().posts), (6, 25), "the probe");
        assert_eq!(send(&app, 21).await.status, 201);
        assert_eq!(app.simulator.requests().posts, 7);
    }

    async fn where_every_account_is_down_a_send_is_answered_at_once_and_goes_out_when_one_is_back(database) {
        let app = TestApp::spawn(database).await;
        break_first(&app).await;
        shows(&app, r#"countersign_account_breaker{account="1",state="open"} 1"#).await;
        shows(&app, r#"countersign_account_breaker{account="2",state="closed"} 0"#).await;
        // On a clock that stands still: nobody waits for anything.
        let answer = send(&app, 1).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        assert_eq!(answer.json()["delivery"], json!({ "channel": "sms", "status": "queued" }));
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let row = Outbox::of(&app).await.settled(&id).await;
        assert_eq!((row.stage, row.tries, row.account), (Stage::Waiting, 0, None));
        assert!(row.due_at.unwrap() <= app.clock.now().plus(Duration::from_secs(15)));
        assert_eq!(app.simulator.requests().posts, 5);
        app.simulator.answer_sends(Answer::Ok, None);
        app.eventually_within(60, "all are sent", async |app| {
            tokio::time::sleep(Duration::from_millis(2)).await;
            app.simulator.requests().stored == 6
        }).await;
        each_got_one(&app.simulator, [1, 9000, 9001, 9002, 9003, 9004].into_iter());
        assert_eq!(app.simulator.requests().gets, 0);
        shows(&app, r#"countersign_account_breaker_changes_total{account="1",state="open"} 1"#).await;
    }

    async fn what_waits_for_an_account_probes_one_at_a_time(database) {
        let app = TestApp::spawn(database).await;
        break_first(&app).await;
        for n in 0..50 {
            send_without_waiting(&app, n).await;
        }
        // It stays down: whatever comes due, one request finds out, and then it is left alone again.
        let before = app.simulator.requests().posts;
        for second in 1..=60 {
            app.advance(1);
            tokio::time::sleep(Duration::from_millis(20)).await;
            let posts = app.simulator.requests().posts - before;
            assert!(posts <= 2 * second, "{posts} in {second} s: a pause takes half a second at least");
        }
        let posts = app.simulator.requests().posts - before;
        assert!((4..35).contains(&posts), "{posts} in a minute");
        app.simulator.answer_sends(Answer::Ok, None);
        app.eventually_within(60, "all are sent", async |app| {
            tokio::time::sleep(Duration::from_millis(2)).await;
            app.simulator.requests().stored == 55
        }).await;
        each_got_one(&app.simulator, 0..50);
    }

    async fn no_second_sees_more_requests_than_the_account_allows(database) {
        let app = TestApp::with(database, |config| config.accounts[0].max_per_second = 10).await;
        let sends = (0..60).map(|n| send_without_waiting(&app, n));
        join_all(sends).await;
        // A tenth of a second each time, and mostly when what it lets through has arrived.
        let mut quiet = 0;
        while app.simulator.requests().stored < 60 {
            let before = app.simulator.requests().posts;
            app.clock.advance(Duration::from_millis(100));
            for _ in 0..40 {
                tokio::time::sleep(Duration::from_millis(5)).await;
                if before < app.simulator.requests().posts { break }
            }
            quiet = if before < app.simulator.requests().posts { 0 } else { quiet + 1 };
            assert!(quiet < 300, "{:?}", app.simulator.requests());
        }
        let mut seconds = BTreeMap::<i64, usize>::new();
        for message in app.simulator.messages() {
            *seconds.entry(message.created.as_millis() / 1000 - NOON.as_millis() / 1000).or_default() += 1;
        }
        // All of them wait from the beginning, so nobody has anything to catch up on. Of what left in time one may arrive
        // when the clock has moved on: it is counted a second too late, never too early.
        let mut arrived = 0;
        for (second, count) in &seconds {
            arrived += count;
            assert!(i64::try_from(arrived).is_ok_and(|arrived| arrived <= 10 * (second + 1)), "{seconds:?}");
        }
        each_got_one(&app.simulator, 0..60);
        assert_eq!((app.simulator.requests().posts, app.simulator.requests().gets), (60, 0));
    }

    async fn what_this_process_hands_off_it_does_not_take_again_whatever_the_clock_says(database) {
        let app = TestApp::spawn(database).await;
        app.simulator.answer_sends(Answer::Slow(Duration::from_mins(3)), Some(1));
        send_without_waiting(&app, 1).await;
        app.eventually("it is being handed off", async |app| app.simulator.requests().stored == 1).await;
        for _ in 0..4 {
            app.advance(40);
            send(&app, 2).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(app.simulator.requests().gets, 0, "its lease has lapsed long ago");
        app.advance(60);
        app.eventually("it ends by itself", async |app| {
            app.place.count("select count(*) from deliveries where due_at is not null").await == 0
        }).await;
        assert_eq!(app.simulator.requests().gets, 0);
        each_got_one(&app.simulator, 1..2);
    }

    async fn a_damaged_row_holds_up_nobody(database) {
        crate::log::capture();
        let app = TestApp::seeded(database, 8500 + database as u64).await;
        app.simulator.answer_sends(Answer::ServerError, Some(2));
        for n in 1..3 {
            assert_eq!(send(&app, n).await.status, 202);
        }
        app.eventually("both wait", async |app| {
            app.place.count("select count(*) from deliveries where stage = 'waiting'").await == 2
        }).await;
        app.place.change("update deliveries set claim = -1 where id in (select id from deliveries order by id limit 1)").await;
        app.eventually_within(60, "the other is sent", async |app| {
            tokio::time::sleep(Duration::from_millis(5)).await;
            app.simulator.requests().stored == 1
        }).await;
        app.eventually_within(60, "it is told of", async |_| {
            crate::log::json().lines().any(|line| line.contains("outbox.damaged"))
        }).await;
        shows(&app, r#"countersign_database_errors_total{kind="damaged"} 1"#).await;
    }
}
