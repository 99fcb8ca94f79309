//! Rows with words that only a newer version knows: they are left to its replicas, and hold up nobody here.

use countersign::{
    domain::{
        delivery::Stage,
        key::{KeyKind, Scope},
    },
    simulator::Answer as Platform,
};
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    app::{NUMBER, TENANT, TestApp, on_both},
    outbox::{Outbox, send_queued},
};

/// Asserts that whoever asks may ask another replica.
#[track_caller]
fn left_to_others(answer: &crate::app::Answer) {
    answer.problem(503, "unavailable");
    assert!(1 <= answer.retry_after());
}

/// Callers at once, of whom each finds another number.
const AT_ONCE: usize = 40;

on_both! {
    async fn a_verification_that_a_newer_version_wrote_is_answered_there_and_fails_nobody_else(database) {
        let app = TestApp::spawn(database).await;
        let others = (0..AT_ONCE).map(|n| format!("+3519123450{n:02}"));
        let others: Vec<String> = others.collect();
        let mut ids = Vec::new();
        for number in &others {
            ids.push(app.send_to(number).await);
        }
        let foreign = app.send().await;
        let code = app.code();
        for (column, word) in [("channel", "pigeon"), ("status", "paused")] {
            let set = |word: &str| format!("update verifications set {column} = '{word}' where to_masked like '%78'");
            let before = if column == "channel" { "sms" } else { "pending" };
            app.place.change(&set(word)).await;
            // In the same batches.
            let half = ids.len() / 2;
            let checks = if column == "channel" { &ids[..half] } else { &ids[half..] };
            let checks = checks.iter().map(|id| {
                let at = ids.iter().position(|other| other == id).unwrap();
                let code = app.code_at(&others[at]);
                let app = &app;
                async move { app.verify(id, &code).await }
            });
            let strange = join_all((0..5).map(|_| app.verify(&foreign, &code)));
            let (checks, strange) = tokio::join!(join_all(checks), strange);
            for answer in checks {
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
            strange.iter().for_each(left_to_others);
            left_to_others(&app.get(&format!("/otp/{foreign}")).await);
            left_to_others(&app.post("/otp/send", json!({ "to": NUMBER })).await);
            let cancel = app.post(&format!("/otp/{foreign}/cancel"), json!({})).await;
            left_to_others(&cancel);
            app.place.change(&set(before)).await;
        }
        assert_eq!(app.verify(&foreign, &code).await.status, 200);
        assert_eq!(app.simulator.texts(NUMBER).len(), 1);
    }

    async fn who_asks_for_what_a_newer_version_wrote_fails_nobody_who_asks_at_once(database) {
        let app = TestApp::spawn(database).await;
        let mut ids = Vec::new();
        for n in 0..AT_ONCE {
            ids.push(app.send_to(&format!("+3519123450{n:02}")).await);
        }
        let foreign = app.send().await;
        let its = "(select id from verifications where to_masked like '%78')";
        app.place.change(&format!("update deliveries set cause = 'whim' where verification in {its}")).await;
        let asked: Vec<&String> = ids.iter().chain([&foreign]).chain(&ids).collect();
        let answers = join_all(asked.iter().map(|id| {
            let (app, path) = (&app, format!("/otp/{id}"));
            async move { app.get(&path).await }
        })).await;
        for (id, answer) in asked.into_iter().zip(answers) {
            if *id == foreign {
                left_to_others(&answer);
                continue;
            }
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_eq!(answer.json()["id"], **id);
            assert_eq!(answer.json()["deliveries"][0]["cause"], "send");
        }
    }

    async fn a_message_of_a_newer_version_is_left_to_its_replicas_and_hardly_late(database) {
        let app = TestApp::spawn(database).await;
        app.simulator.answer_sends(Platform::ServerError, Some(1));
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        assert_eq!(outbox.settled(&id).await.stage, Stage::Waiting);
        app.place.change("update deliveries set cause = 'whim'").await;
        let due = "select max(due_at) from deliveries";
        let first = app.place.count(due).await;
        app.eventually_within(10, "it was seen, and left alone", async |app| app.place.count(due).await != first).await;
        assert_eq!(app.simulator.requests().posts, 1);
        assert!(app.place.count(due).await <= app.clock.now().as_millis() + 1000);
        // As long as nobody of that version is there, it stays.
        for _ in 0..5 {
            app.advance(1);
            app.get("/livez").await;
        }
        assert_eq!(app.simulator.requests().posts, 1);
        // A replica that can read it, here this one.
        app.place.change("update deliveries set cause = 'send'").await;
        app.advance(2);
        app.eventually("it is sent", async |app| app.simulator.texts(NUMBER).len() == 1).await;
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn keys_of_kinds_and_scopes_to_come_open_nothing_here_and_close_nothing(database) {
        let app = TestApp::spawn(database).await;
        let all = [Scope::Send, Scope::Verify, Scope::Read];
        let wide = app.make_key(KeyKind::Secret, TENANT, &all).await;
        let strange = app.make_key(KeyKind::Secret, TENANT, &all).await;
        let name = |key: &str| countersign::domain::key::ApiKey::parse(key).unwrap().1.name().to_owned();
        let wider = format!("update api_keys set scopes = 'send,admire' where name = '{}'", name(&wide));
        app.place.change(&wider).await;
        let stranger = format!("update api_keys set kind = 'oracle' where name = '{}'", name(&strange));
        app.place.change(&stranger).await;
        let to = json!({ "to": NUMBER });
        assert_eq!(app.post_as(&wide, "/otp/send", to.clone()).await.status, 201);
        let check = json!({ "to": NUMBER, "code": app.code() });
        app.post_as(&wide, "/otp/verify", check).await.problem(403, "forbidden");
        left_to_others(&app.post_as(&strange, "/otp/send", to).await);
        assert_eq!(app.simulator.texts(NUMBER).len(), 1);
    }
}
