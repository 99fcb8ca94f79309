//! Hand-offs and repeats whose replicas do not agree on the time: nothing is sent twice, and all are answered alike.

use std::time::Duration;

use countersign::{domain::delivery::Stage, simulator::Answer as Platform};
use reqwest::Method;
use serde_json::json;

use super::{APART, Two, WAYS};
use crate::{
    app::{Answer, NUMBER, TestApp},
    crash::commit_a_send,
    outbox::{Outbox, send_without_waiting},
};

/// Lets both clocks go on, second by second, and gives what is done time to be done.
async fn pass(two: &Two, seconds: u64) {
    for _ in 0..seconds {
        two.advance(1);
        for app in two.both() {
            app.get("/readyz").await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn repeat(app: &TestApp) -> Answer {
    let request = app.request(Method::POST, "/otp/send");
    let request = request
        .header("Content-Type", "application/json")
        .header("Idempotency-Key", "\"once\"");
    Answer::of(request.body(json!({ "to": NUMBER }).to_string())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_hands_off_the_other_leaves_alone() {
    for way in WAYS {
        let two = Two::start(way, |_| {}).await;
        // Nearly as long as it may take.
        let slow = Duration::from_secs(7);
        two.app
            .simulator
            .answer_sends(Platform::Slow(slow), Some(1));
        let id = send_without_waiting(&two.app).await;
        two.app
            .eventually("Restcomm has it", async |app| {
                app.simulator.requests().posts == 1
            })
            .await;
        // It begins to wait a moment after it was counted.
        pass(&two, 8).await;
        let outbox = Outbox::of(&two.app).await;
        outbox
            .wait_for(&id, "it is noted", |row| row.stage == Stage::Done)
            .await;
        pass(&two, 30).await;
        assert_eq!(two.app.simulator.requests().posts, 1);
        assert_eq!(two.app.simulator.texts(NUMBER).len(), 1);
        assert_eq!(two.beside.verify(&id, &two.app.code()).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_dead_replica_had_in_hand_is_sent_once_by_the_other() {
    for way in WAYS {
        let two = Two::start(way, |_| {}).await;
        let id = commit_a_send(two.app.store().await, &two.app.clock).await;
        pass(&two, 45).await;
        let requests = two.app.simulator.requests();
        assert_eq!((requests.posts, requests.stored), (1, 1));
        assert_eq!(two.beside.verify(&id, &two.app.code()).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn repeats_at_both_are_answered_alike_and_send_one_message() {
    for way in WAYS {
        let two = Two::start(way, |_| {}).await;
        let slow = Duration::from_secs(5);
        two.app
            .simulator
            .answer_sends(Platform::Slow(slow), Some(1));
        let repeats = async {
            two.app
                .eventually("Restcomm has it", async |app| {
                    app.simulator.requests().posts == 1
                })
                .await;
            // To the other, the first may be overdue already.
            let early = repeat(&two.beside).await;
            assert!([202, 409].contains(&early.status), "{}", early.text);
            two.advance(3);
            early
        };
        let (first, early) = tokio::join!(repeat(&two.app), repeats);
        assert_eq!(first.status, 202);
        if early.status == 202 {
            assert_eq!(early.text, first.text);
        }
        pass(&two, 20).await;
        for seconds in [0, 24 * 3600 - 30 - APART] {
            two.advance(seconds);
            for app in two.both() {
                let again = repeat(app).await;
                assert_eq!((again.status, &again.text), (202, &first.text));
            }
        }
        assert_eq!(two.app.simulator.requests().posts, 1);
        two.advance(30 + 2 * APART);
        let anew = repeat(two.last()).await;
        assert_eq!(anew.status, 201, "{}", anew.text);
        let again = repeat(two.first()).await;
        assert_eq!((again.status, &again.text), (201, &anew.text));
    }
}
