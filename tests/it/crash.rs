//! Processes that die, stop or share their work: nothing is lost, and nothing is sent twice.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use countersign::{
    crypto::{KeyRing, RootKey},
    domain::{
        clock::Clock,
        code::Code,
        delivery::{Channel, LEASE, Stage, Work},
        language::Language,
        phone::PhoneNumber,
        random::Random,
        send::{Send, SendOutcome},
    },
    simulator::{Answer, CallFate, Script, SmsFate},
    store::{Claimed, Journal, Store},
};
use reqwest::Method;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::{
    app::{NUMBER, TENANT, TestApp, on_both, tenant},
    database::Database,
    outbox::{
        Outbox, delivery, failed, long_after, send_queued, send_without_waiting, sent, try_send,
    },
};

pub(crate) const OP: [u8; 16] = [7; 16];

pub(crate) fn ring() -> KeyRing {
    KeyRing::new(&[RootKey {
        id: "k1".to_owned(),
        secret: Zeroizing::new([1; 32]),
    }])
}

/// What a process commits before it dies: a send that nobody hands off.
pub(crate) async fn commit_a_send(store: Store, clock: &Clock) -> String {
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
        language: Language::English,
        autofill: None,
        code: Code::generate(6, &random),
        verification_seed: random.bytes(),
        delivery_seed: random.bytes(),
        limits: Vec::new(),
        account: "main".to_owned(),
        once: None,
    };
    let outcome = journal.send(send, None).await.unwrap();
    let SendOutcome::Created(dispatch) = outcome else {
        panic!("{outcome:?}")
    };
    dispatch.verification.id.to_string()
}

pub(crate) async fn claim_one(store: &Store, clock: &Clock) -> Claimed {
    let nothing = HashSet::new();
    let (mut claimed, _) = store
        .claim_due(64, OP, &nothing, clock.now())
        .await
        .unwrap();
    assert_eq!(claimed.len(), 1);
    claimed.remove(0)
}

on_both! {
    async fn what_a_process_committed_before_it_died_is_asked_for_and_sent_once(database) {
        let app = TestApp::spawn(database).await;
        let id = commit_a_send(app.store().await, &app.clock).await;
        let outbox = Outbox::of(&app).await;
        app.advance(LEASE.as_secs() - 1);
        app.get("/readyz").await;
        assert_eq!(app.simulator.requests().gets, 0, "it may be alive");
        outbox.wait_for(&id, "it is still claimed", |row| row.stage == Stage::Claimed && row.claim == 1).await;
        app.advance(1);
        outbox.wait_for(&id, "Restcomm denies it", |row| row.stage == Stage::Waiting).await;
        outbox.run_out(&app, &id).await;
        long_after(&app).await;
        let requests = app.simulator.requests();
        assert_eq!((requests.gets, requests.posts, requests.stored), (2, 1, 1));
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
        assert_eq!((requests.gets, requests.posts, requests.stored), (2, 2, 1));
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

    async fn wherever_a_process_dies_no_code_is_sent_twice_and_none_that_was_promised_is_lost(database) {
        let mut app = TestApp::mortal(database, |_| {}).await;
        let mut promised = Vec::new();
        let mut numbers = Vec::new();
        for round in 0_u64..8 {
            let sends = (0..8).map(|n| {
                let number = format!("+35191234{round:02}{n:02}");
                let request = app
                    .request(Method::POST, "/otp/send")
                    .header("Content-Type", "application/json")
                    .header("Prefer", "respond-async")
                    .body(json!({ "to": number }).to_string());
                numbers.push(number.clone());
                tokio::spawn(async move { (number, request.send().await) })
            });
            let sends: Vec<_> = sends.collect();
            let before = app.simulator.requests().posts;
            // Further on in each round: the first dies before anything is committed, the last after all is done.
            app.eventually("it is far enough", async |app| {
                before + round <= app.simulator.requests().posts
                    || sends.iter().all(JoinHandle::is_finished)
            })
            .await;
            app.crash().await;
            for send in sends {
                if let (number, Ok(answer)) = send.await.unwrap()
                    && answer.status() == 202
                {
                    promised.push(number);
                }
            }
            app.start_again().await;
            app.clock.advance(LEASE);
            long_after(&app).await;
        }
        for number in &numbers {
            let texts = app.simulator.texts(number).len();
            assert!(texts <= 1, "{number}: {texts}");
            assert!(texts == 1 || !promised.contains(number), "{number} was lost");
        }
        assert!(!promised.is_empty());
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
