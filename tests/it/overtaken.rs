//! What becomes of a delivery that a resend, a cancel or the right code overtakes.

use std::{sync::Arc, time::Duration};

use countersign::{
    domain::{
        delivery::{DeliveryStatus, Stage},
        policy::Resend,
        verification::Status,
    },
    simulator::{Answer, CallFate, Script, SmsFate},
};
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    app::{NOON, NUMBER, TestApp, on_both},
    fallback::text_and_voice,
    outbox::{
        Outbox, delivery, failed, impatient, long_after, once_an_hour, send_queued,
        send_without_waiting, sent, try_send,
    },
};

const REFUSING: Script = Script {
    sms: SmsFate::Refuse,
    call: CallFate::Answer,
};

/// Sends to somebody else, so that failures do not come one after another and the account is not left alone; gives how
/// many requests that took. From then on sends are answered with `next`.
async fn close_breaker(app: &TestApp, next: Answer) -> u64 {
    let before = app.simulator.requests().posts;
    app.simulator.answer_sends(Answer::Ok, None);
    app.post("/otp/send", json!({ "to": format!("+3519300{before:05}") }))
        .await;
    app.simulator.answer_sends(next, None);
    app.simulator.requests().posts - before
}

on_both! {
    async fn a_refused_resend_leaves_what_was_sent_before_pending(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        app.eventually("the first send is recorded", async |app| {
            app.status(&id).await["delivery"]["status"] == "sent"
        })
        .await;
        app.advance(30);
        app.simulator.script(NUMBER, REFUSING);
        let answer = try_send(&app).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json()["delivery"], failed("refused"));
        assert_eq!(answer.json()["status"], "pending");
        app.simulator.script(NUMBER, Script::default());
        app.advance(60);
        assert_eq!(try_send(&app).await.json()["delivery"], sent());
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn a_refused_resend_ends_what_was_never_sent(database) {
        let app = TestApp::spawn(database).await;
        app.simulator.answer_sends(Answer::ServerError, None);
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        while app.clock.now() < NOON.plus(Duration::from_secs(30)) {
            outbox.step(&app, &id).await;
            close_breaker(&app, Answer::ServerError).await;
        }
        app.simulator.answer_sends(Answer::LimitExceeded, None);
        let answer = try_send(&app).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json()["delivery"], failed("refused"));
        assert_eq!(answer.json()["status"], "failed");
        assert_eq!(app.status(&id).await["reason"], "delivery_refused");
    }

    async fn the_code_entered_before_a_retry_drops_it(database) {
        let app = TestApp::with(database, |config| config.tenants[0].policy.resend = Resend::Same).await;
        let id = app.send().await;
        app.advance(30);
        app.simulator.answer_sends(Answer::ServerError, Some(1));
        assert_eq!(try_send(&app).await.json()["delivery"]["status"], "queued");
        let outbox = Outbox::of(&app).await;
        assert_eq!(outbox.settled(&id).await.stage, Stage::Waiting);
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
        outbox.run_out(&app, &id).await;
        long_after(&app).await;
        assert_eq!(app.simulator.requests().posts, 2);
        assert_eq!(app.simulator.texts(NUMBER).len(), 1, "nothing is sent to who is through");
        assert_eq!(delivery(&app, &id).await, failed("verification_ended"));
    }

    async fn the_code_entered_before_a_look_up_drops_it(database) {
        let app = TestApp::with(database, impatient).await;
        app.simulator.answer_sends(Answer::CloseAfterAccept, Some(1));
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        assert_eq!(outbox.settled(&id).await.stage, Stage::Unknown);
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
        long_after(&app).await;
        assert_eq!((app.simulator.requests().posts, app.simulator.requests().gets), (1, 0));
        assert_eq!(outbox.last(&id).await.sealed, None);
    }

    async fn a_cancel_drops_what_was_not_sent_and_gives_its_limit_back(database) {
        let app = TestApp::with(database, once_an_hour).await;
        app.simulator.answer_sends(Answer::ServerError, Some(1));
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        assert_eq!(outbox.settled(&id).await.stage, Stage::Waiting);
        assert_eq!(app.post(&format!("/otp/{id}/cancel"), json!({})).await.status, 200);
        let row = outbox.run_out(&app, &id).await;
        assert_eq!((row.status, row.sealed), (DeliveryStatus::Failed, None));
        long_after(&app).await;
        assert_eq!(app.simulator.requests().posts, 1);
        assert_eq!(delivery(&app, &id).await, failed("verification_ended"));
        assert_eq!(outbox.snapshot(&id).await.verification.status, Status::Canceled);
        app.send().await;
    }

    async fn a_cancel_while_a_hand_off_is_under_way_lets_it_be_the_last(database) {
        let app = TestApp::with(database, impatient).await;
        app.simulator.answer_sends(Answer::Hang, Some(1));
        let id = send_without_waiting(&app).await;
        app.eventually("the hand-off begins", async |app| app.simulator.requests().posts == 1).await;
        assert_eq!(app.post(&format!("/otp/{id}/cancel"), json!({})).await.status, 200);
        let row = Outbox::of(&app).await.run_out(&app, &id).await;
        assert_eq!(row.sealed, None);
        long_after(&app).await;
        assert_eq!(app.simulator.requests().posts, 1);
        assert_eq!(delivery(&app, &id).await, failed("unconfirmed"));
    }

    async fn a_resend_takes_the_place_of_what_waits(database) {
        let app = TestApp::spawn(database).await;
        app.simulator.answer_sends(Answer::ServerError, None);
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        while app.clock.now() < NOON.plus(Duration::from_secs(30)) {
            outbox.step(&app, &id).await;
            close_breaker(&app, Answer::ServerError).await;
        }
        app.simulator.answer_sends(Answer::Ok, None);
        assert_eq!(try_send(&app).await.json()["delivery"], sent());
        long_after(&app).await;
        assert_eq!(app.simulator.texts(NUMBER).len(), 1, "the dead code is never sent");
        let first = outbox.snapshot(&id).await.deliveries.remove(0);
        assert_eq!((first.status, first.stage, first.sealed), (DeliveryStatus::Failed, Stage::Done, None));
        assert_eq!(app.status(&id).await["deliveries"][0]["reason"], "superseded");
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn a_resend_takes_the_place_of_what_cannot_be_asked_for(database) {
        let app = TestApp::with(database, impatient).await;
        app.simulator.answer_sends(Answer::Hang, Some(1));
        app.simulator.answer_lookups(Answer::Close, None);
        let mut others = 0;
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        while app.clock.now() < NOON.plus(Duration::from_secs(30)) {
            outbox.step(&app, &id).await;
            others += close_breaker(&app, Answer::Ok).await;
        }
        app.simulator.answer_lookups(Answer::Ok, None);
        assert_eq!(try_send(&app).await.json()["delivery"], sent());
        long_after(&app).await;
        assert_eq!(app.simulator.requests().posts, 2 + others);
        assert_eq!(app.status(&id).await["deliveries"][0]["reason"], "unconfirmed");
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    /// Each code is given back, sent by another channel and canceled at once, at two replicas.
    async fn an_end_that_races_with_another_message_leaves_no_copy_of_code_or_number(database) {
        let app = Arc::new(TestApp::with(database, text_and_voice).await);
        let other = Arc::new(app.replica().await);
        let mut begun: Vec<String> = Vec::new();
        let numbers: Vec<String> = (0..40).map(|n| format!("+35191234{n:04}")).collect();
        for round in 0..3 {
            let ids = join_all(numbers.iter().map(|number| app.send_to(number))).await;
            let races = ids.iter().zip(&numbers).enumerate().map(|(n, (id, number))| {
                let (app, other) = (app.clone(), other.clone());
                let (id, number, code) = (id.clone(), number.clone(), app.code_at(number));
                tokio::spawn(async move {
                    let call = json!({ "to": number, "channel": "voice" });
                    let (here, there) = if (n + round) % 2 == 0 { (&app, &other) } else { (&other, &app) };
                    let cancel = format!("/otp/{id}/cancel");
                    let (checked, sent, canceled) = tokio::join!(
                        here.verify(&id, &code),
                        there.post("/otp/send", call),
                        here.post(&cancel, json!({})),
                    );
                    let ends = [&checked, &canceled].map(|answer| answer.status == 200);
                    assert!(!(ends[0] && ends[1]), "{} {}", checked.text, canceled.text);
                    sent.json()["id"].as_str().map(str::to_owned)
                })
            });
            for sent in join_all(races.collect::<Vec<_>>()).await {
                begun.extend(sent.unwrap());
            }
            begun.extend(ids);
            for id in &begun {
                app.post(&format!("/otp/{id}/cancel"), json!({})).await;
            }
            let left = "select (select count(sealed) + count(fallback_at) from deliveries) \
                        + (select count(sealed) + count(fallback_at) from verifications)";
            assert_eq!(app.place.count(left).await, 0, "round {round}");
        }
    }
}
