//! Processes that die, stop or share their work: nothing is lost, and nothing is sent twice.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use countersign::{
    crypto::{KeyRing, RootKey},
    domain::{
        clock::Clock,
        code::Code,
        delivery::{Channel, Delivery, LEASE, Progress, Report, Stage, Work},
        outbox::DeliveryReport,
        phone::PhoneNumber,
        random::Random,
        send::{Send, SendOutcome},
    },
    simulator::{Answer, CallFate, Script, SmsFate},
    store::{Claimed, Journal, Store},
};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use zeroize::Zeroizing;

use crate::{
    app::{NOON, NUMBER, TENANT, TestApp, on_both, tenant},
    database::Database,
    outbox::{
        Outbox, delivery, failed, impatient, long_after, send_queued, send_without_waiting, sent,
        try_send,
    },
};

const OP: [u8; 16] = [7; 16];

fn ring() -> KeyRing {
    KeyRing::new(&[RootKey {
        id: "k1".to_owned(),
        secret: Zeroizing::new([1; 32]),
    }])
}

/// What a process commits before it dies: a send that nobody hands off.
async fn commit_a_send(store: Store, clock: &Clock) -> String {
    let (ring, random) = (ring(), Random::seeded(3));
    let (journal, started) = Journal::start(store, ring.clone(), clock.clone(), random.clone())
        .await
        .unwrap();
    drop(started);
    let number = PhoneNumber::parse(NUMBER).unwrap();
    let send = Send {
        tenant: Arc::new(tenant(TENANT)),
        key: None,
        index: ring.number_index(TENANT, NUMBER),
        number,
        channel: Channel::Sms,
        purpose: "login".to_owned(),
        metadata: BTreeMap::new(),
        code: Code::generate(6, &random),
        verification_seed: random.bytes(),
        delivery_seed: random.bytes(),
        limits: Vec::new(),
        account: "main".to_owned(),
    };
    match journal.send(send, None).await.unwrap() {
        SendOutcome::Created(dispatch) => dispatch.verification.id.to_string(),
        other => panic!("{other:?}"),
    }
}

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

async fn claim_one(store: &Store, clock: &Clock) -> Claimed {
    let mut claimed = store.claim_due(64, OP, clock.now()).await.unwrap();
    assert_eq!(claimed.len(), 1);
    claimed.remove(0)
}

on_both! {
    async fn what_a_process_committed_before_it_died_is_asked_for_and_sent_once(database) {
        let app = TestApp::spawn(database).await;
        let id = commit_a_send(app.store().await, &app.clock).await;
        let outbox = Outbox::of(&app).await;
        app.clock.advance(LEASE - Duration::from_secs(1));
        app.get("/readyz").await;
        assert_eq!(app.simulator.requests().gets, 0, "it may be alive");
        outbox.wait_for(&id, "it is still claimed", |row| row.stage == Stage::Claimed && row.claim == 1).await;
        app.advance(1);
        outbox.wait_for(&id, "Restcomm denies it", |row| row.stage == Stage::Waiting).await;
        outbox.run_out(&app, &id).await;
        long_after(&app).await;
        let requests = app.simulator.requests();
        assert_eq!((requests.gets, requests.posts, requests.stored), (1, 1, 1));
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn what_a_process_handed_off_before_it_died_is_found_and_not_sent_again(database) {
        let mut app = TestApp::mortal(database, |_| {}).await;
        app.simulator.answer_sends(Answer::Slow(Duration::from_hours(1)), Some(1));
        let id = send_without_waiting(&app).await;
        app.eventually("Restcomm has it", async |app| app.simulator.requests().stored == 1).await;
        app.crash().await;
        app.start_again().await;
        let outbox = Outbox::of(&app).await;
        app.clock.advance(LEASE);
        outbox.wait_for(&id, "it is found", |row| row.stage == Stage::Done).await;
        assert_eq!(delivery(&app, &id).await, sent());
        long_after(&app).await;
        let requests = app.simulator.requests();
        assert_eq!((requests.gets, requests.posts, requests.stored), (1, 1, 1));
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn what_a_process_was_handing_off_when_it_died_is_sent_once_after_restcomm_denied_it(database) {
        let mut app = TestApp::mortal(database, |_| {}).await;
        app.simulator.answer_sends(Answer::Hang, Some(1));
        let id = send_without_waiting(&app).await;
        app.eventually("it is being handed off", async |app| app.simulator.requests().posts == 1).await;
        app.crash().await;
        app.start_again().await;
        let outbox = Outbox::of(&app).await;
        app.clock.advance(LEASE);
        outbox.wait_for(&id, "Restcomm denies it", |row| row.stage == Stage::Waiting).await;
        assert_eq!(app.simulator.requests().posts, 1);
        outbox.run_out(&app, &id).await;
        long_after(&app).await;
        let requests = app.simulator.requests();
        assert_eq!((requests.gets, requests.posts, requests.stored), (1, 2, 1));
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn a_retry_that_was_claimed_and_not_begun_is_handed_off_without_asking(database) {
        let mut app = TestApp::spawn(database).await;
        app.simulator.answer_sends(Answer::ServerError, Some(1));
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        let row = outbox.settled(&id).await;
        app.stop().await;
        app.advance(1);
        let store = app.store().await;
        let claimed = claim_one(&store, &app.clock).await;
        assert_eq!((claimed.work, claimed.delivery.claim), (Work::HandOff, row.claim + 1));
        app.restart_with(|_| {}).await.unwrap();
        app.clock.advance(LEASE);
        outbox.wait_for(&id, "it is handed off", |row| row.stage == Stage::Done).await;
        assert_eq!(delivery(&app, &id).await, sent());
        let requests = app.simulator.requests();
        assert_eq!((requests.gets, requests.posts, requests.stored), (0, 2, 1), "no account was told of it");
    }

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
        assert!(store.claim_due(64, OP, clock.now()).await.unwrap().is_empty(), "it is held again");

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

    async fn a_service_that_is_stopped_finishes_what_it_hands_off(database) {
        let mut app = TestApp::spawn(database).await;
        app.simulator.answer_sends(Answer::Slow(Duration::from_secs(2)), Some(1));
        let id = send_without_waiting(&app).await;
        app.eventually("Restcomm has it", async |app| app.simulator.requests().stored == 1).await;
        let clock = app.clock.clone();
        let answers = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            clock.advance(Duration::from_secs(2));
        };
        tokio::join!(app.stop(), answers);
        let row = Outbox::of(&app).await.last(&id).await;
        assert_eq!(row.stage, Stage::Done);
        assert_eq!(row.sid, Some(app.simulator.messages()[0].sid.clone()));
    }

    async fn what_a_stopped_service_cannot_finish_the_next_one_asks_for(database) {
        let mut app = TestApp::spawn(database).await;
        app.simulator.answer_sends(Answer::CloseAfterAccept, None);
        app.simulator.answer_sends(Answer::Slow(Duration::from_hours(1)), Some(1));
        let id = send_without_waiting(&app).await;
        app.eventually("Restcomm has it", async |app| app.simulator.requests().stored == 1).await;
        app.restart_with(|_| {}).await.unwrap();
        let outbox = Outbox::of(&app).await;
        assert_eq!(outbox.last(&id).await.stage, Stage::Claimed);
        app.clock.advance(LEASE);
        outbox.wait_for(&id, "it is found", |row| row.stage == Stage::Done).await;
        let requests = app.simulator.requests();
        assert_eq!((requests.gets, requests.posts), (1, 1));
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
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
    app.advance(1);
    app.eventually("all are sent", async |app| {
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
    assert_eq!((requests.posts, requests.gets), (100, 0));
    for number in &numbers {
        assert_eq!(app.simulator.texts(number).len(), 1, "{number}");
    }
}

/// Hides the table of deliveries, so that nothing about them can be noted, or shows it again.
async fn rename(app: &TestApp, from: &str, to: &str) {
    let mut connection = PgConnection::connect(&app.place.url).await.unwrap();
    let sql = sqlx::AssertSqlSafe(format!("alter table {from} rename to {to}"));
    sqlx::query(sql).execute(&mut connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_whose_acceptance_could_not_be_noted_is_found_and_not_sent_again() {
    let app = TestApp::spawn(Database::Postgres).await;
    app.simulator
        .answer_sends(Answer::Slow(Duration::from_secs(1)), Some(1));
    let accepted = async {
        app.eventually("Restcomm has it", async |app| {
            app.simulator.requests().stored == 1
        })
        .await;
        rename(&app, "deliveries", "hidden").await;
        app.advance(1);
    };
    let (answer, ()) = tokio::join!(try_send(&app), accepted);
    assert_eq!(
        answer.status, 201,
        "the acceptance may be noted later: {}",
        answer.text
    );
    // The report comes after the answer, and nothing shows that it failed.
    tokio::time::sleep(Duration::from_secs(1)).await;
    rename(&app, "hidden", "deliveries").await;
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let outbox = Outbox::of(&app).await;
    assert_eq!(outbox.last(&id).await.stage, Stage::Claimed);
    app.clock.advance(LEASE);
    outbox
        .wait_for(&id, "it is found", |row| row.stage == Stage::Done)
        .await;
    assert_eq!(
        (
            app.simulator.requests().posts,
            app.simulator.requests().gets
        ),
        (1, 1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refusal_that_could_not_be_noted_is_not_answered() {
    let app = TestApp::spawn(Database::Postgres).await;
    app.simulator.script(
        NUMBER,
        Script {
            sms: SmsFate::Refuse,
            call: CallFate::Answer,
        },
    );
    app.simulator
        .answer_sends(Answer::Slow(Duration::from_secs(1)), Some(1));
    let refused = async {
        app.eventually("Restcomm has seen it", async |app| {
            app.simulator.requests().posts == 1
        })
        .await;
        rename(&app, "deliveries", "hidden").await;
        app.advance(1);
    };
    let (answer, ()) = tokio::join!(try_send(&app), refused);
    assert_eq!(answer.status, 202, "{}", answer.text);
    rename(&app, "hidden", "deliveries").await;
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let outbox = Outbox::of(&app).await;
    app.clock.advance(LEASE);
    outbox
        .wait_for(&id, "Restcomm denies it", |row| row.stage == Stage::Waiting)
        .await;
    outbox.run_out(&app, &id).await;
    assert_eq!(delivery(&app, &id).await, failed("refused"));
    assert_eq!(app.status(&id).await["status"], "failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_hand_offs_than_can_run_at_once_all_come_to_their_turn() {
    let app = TestApp::with(Database::Sqlite, impatient).await;
    // 600 silent hand-offs where 512 may run: the others wait, and are not forgotten.
    app.simulator.answer_sends(Answer::Hang, Some(600));
    let numbers: Vec<String> = (0..600).map(|n| format!("+351912340{n:03}")).collect();
    let sends = numbers
        .iter()
        .map(|number| app.post("/otp/send", json!({ "to": number })));
    for answer in futures_util::future::join_all(sends).await {
        assert_eq!(answer.status, 202, "{}", answer.text);
    }
    app.eventually_within(60, "all are sent", async |app| {
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
