//! Several processes, or more work than one can do at once: the outbox is shared, and every delivery has one holder.

use std::{collections::HashSet, time::Duration};

use countersign::{
    domain::{
        delivery::{Delivery, LEASE, Progress, Report, Stage, Work},
        outbox::DeliveryReport,
        random::Random,
    },
    simulator::Answer,
    store::{Claimed, Journal},
};
use reqwest::Method;
use serde_json::json;

use crate::{
    app::{Answer as Answered, NOON, TestApp, on_both},
    crash::{OP, claim_one, commit_a_send, ring},
    database::Database,
    outbox::{Outbox, impatient, long_after},
};

fn report_of(delivery: &Delivery, report: Report) -> DeliveryReport {
    DeliveryReport {
        delivery: delivery.id,
        verification: delivery.verification,
        claim: delivery.claim,
        report,
        jitter: 0,
        charges: Vec::new(),
    }
}

on_both! {
    async fn a_process_that_was_given_up_changes_nothing_any_more_unless_it_sent(database) {
        let mut app = TestApp::spawn(database).await;
        let clock = app.clock.clone();
        app.stop().await;
        let store = app.store().await;
        let id = commit_a_send(store.clone(), &clock).await;
        let outbox = Outbox::of(&app).await;
        let given_up = outbox.last(&id).await;
        clock.advance(LEASE);
        let Claimed { delivery: held, work } = claim_one(&store, &clock).await;
        assert_eq!((work, held.claim), (Work::LookUp, given_up.claim + 1));
        assert!(store.claim_due(64, OP, &HashSet::new(), clock.now()).await.unwrap().0.is_empty(), "it is held again");

        let (journal, _started) = Journal::start(store, ring(), clock.clone(), Random::seeded(5)).await.unwrap();
        let moving = Report::Moving { account: "second".to_owned() };
        let unknown = Report::Unknown { account: "second".to_owned(), requested_at: NOON };
        for report in [Report::NotSent, Report::Refused, Report::LookUpFailed, moving, unknown] {
            let outcome = journal.report(report_of(&given_up, report)).await.unwrap();
            assert_eq!(outcome.progress, Progress::Stale);
            assert_eq!(outbox.last(&id).await, held);
        }
        let accepted = Report::Accepted { account: "main".to_owned(), sid: "SM1".to_owned() };
        let outcome = journal.report(report_of(&given_up, accepted)).await.unwrap();
        assert_eq!(outcome.progress, Progress::Sent, "what Restcomm took is taken");
        let outcome = journal.report(report_of(&held, Report::NotSent)).await.unwrap();
        assert_eq!(outcome.progress, Progress::Stale);
        let row = outbox.last(&id).await;
        assert_eq!((row.stage, row.due_at, row.sid.as_deref()), (Stage::Done, None, Some("SM1")));
        assert!(outbox.snapshot(&id).await.verification.sent);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_due_deliveries_two_replicas_hand_off_each_once() {
    let app = TestApp::spawn(Database::Postgres).await;
    app.simulator.answer_sends(Answer::ServerError, None);
    let numbers: Vec<String> = (0..50).map(|n| format!("+3519123456{n:02}")).collect();
    let sends = numbers
        .iter()
        .map(|number| app.post("/otp/send", json!({ "to": number })));
    let mut ids = Vec::new();
    for answer in futures_util::future::join_all(sends).await {
        assert_eq!(answer.status, 202, "{}", answer.text);
        ids.push(answer.json()["id"].as_str().unwrap().to_owned());
    }
    let outbox = Outbox::of(&app).await;
    for id in &ids {
        outbox.settled(id).await;
    }
    let replica = app.replica().await;
    app.simulator.answer_sends(Answer::Ok, None);
    // Those that found the breaker open come back later than the others.
    app.eventually_within(60, "all are sent", async |app| {
        tokio::time::sleep(Duration::from_millis(5)).await;
        app.simulator.requests().stored == 50
    })
    .await;
    for id in &ids {
        outbox
            .wait_for(id, "it is noted", |row| row.stage == Stage::Done)
            .await;
    }
    long_after(&replica).await;
    let requests = app.simulator.requests();
    assert_eq!((requests.stored, requests.gets), (50, 0));
    for number in &numbers {
        assert_eq!(app.simulator.texts(number).len(), 1, "{number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_hand_offs_than_can_run_at_once_all_come_to_their_turn() {
    let app = TestApp::with(Database::Sqlite, impatient).await;
    app.simulator.answer_sends(Answer::Hang, Some(100));
    let numbers: Vec<String> = (0..600).map(|n| format!("+351912340{n:03}")).collect();
    let sends = numbers.iter().map(|number| {
        let request = app
            .request(Method::POST, "/otp/send")
            .header("Content-Type", "application/json")
            .header("Prefer", "respond-async");
        Answered::of(request.body(json!({ "to": number }).to_string()))
    });
    for answer in futures_util::future::join_all(sends).await {
        assert_eq!(answer.status, 202, "{}", answer.text);
    }
    // A hundred are silent, which opens the breaker; the others are put off, and all find their way in the end.
    app.eventually_within(120, "all are sent", async |app| {
        tokio::time::sleep(Duration::from_millis(1)).await;
        app.simulator.requests().stored == 600
    })
    .await;
    long_after(&app).await;
    assert_eq!(app.simulator.requests().stored, 600);
    for number in &numbers {
        assert_eq!(app.simulator.texts(number).len(), 1, "{number}");
    }
}
