//! Calls of which nobody knows whether they were placed, and accounts that do not take them.

use std::time::Duration;

use countersign::{
    domain::policy::FallbackStep,
    simulator::{Answer as Fault, CallFate, Script},
};

use super::*;
use crate::{
    app::{NOON, account, on_both, restcomm, tenant},
    outbox::Outbox,
};

on_both! {
    async fn a_call_whose_answer_was_lost_is_looked_up_and_not_placed_twice(database) {
        for fault in [Fault::CloseAfterAccept, Fault::Garbage] {
            let app = calling(database).await;
            silent(&app);
            app.simulator.script(NUMBER, Script { call: CallFate::Ignore, ..Script::default() });
            app.simulator.answer_calls(fault, Some(1));
            let answer = try_over(&app, "voice").await;
            assert_eq!(answer.status, 202, "{fault:?}");
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            let row = Outbox::of(&app).await.run_out(&app, &id).await;
            assert_eq!(row.sid, Some(last_call(&app).sid));
            assert_eq!(app.simulator.calls().len(), 1, "{fault:?}");
        }
    }

    async fn a_call_that_restcomm_denies_is_placed_once_more_and_another_is_not_taken_for_it(database) {
        let app = calling(database).await;
        app.simulator.script(NUMBER, Script { call: CallFate::Ignore, ..Script::default() });
        let outbox = Outbox::of(&app).await;
        // Two calls to one number, for two purposes, at the same time: they look alike.
        let (_, first) = send_over_purpose(&app, "signup").await;
        outbox.settled(&first).await;
        app.simulator.answer_calls(Fault::Close, Some(1));
        let answer = try_over(&app, "voice").await;
        assert_eq!(answer.status, 202);
        let second = answer.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(app.simulator.calls().len(), 1, "the second was not placed");
        let second = outbox.run_out(&app, &second).await;
        let calls: Vec<_> = app.simulator.calls().into_iter().map(|call| Some(call.sid)).collect();
        assert_eq!(calls, [outbox.last(&first).await.sid, second.sid]);
    }

    async fn the_next_account_calls_where_the_first_fails(database) {
        let (second, base_url) = restcomm(&countersign::domain::clock::Clock::manual(NOON));
        let app = TestApp::with(database, |config| {
            config.accounts.push(account("second", &base_url));
            callers(config);
        })
        .await;
        app.simulator.answer_calls(Fault::ServerError, None);
        send_over(&app, "voice").await;
        assert_eq!((app.simulator.calls().len(), second.calls().len()), (0, 1));
        // An account that has no number to call from is passed over.
        let (third, base_url) = restcomm(&countersign::domain::clock::Clock::manual(NOON));
        let app = TestApp::with(database, |config| {
            config.accounts.push(account("third", &base_url));
            callers(config);
            config.accounts[0].voice_from = None;
        })
        .await;
        send_over(&app, "voice").await;
        assert_eq!((app.simulator.calls().len(), third.calls().len()), (0, 1));
    }

    /// Restcomm's extensions deny calls with a 500, which would open the breaker, and hold up text messages, too.
    async fn denied_calls_fail_and_say_nothing_against_the_account(database) {
        let app = calling(database).await;
        app.simulator.answer_calls(Fault::LimitExceeded, None);
        for turn in 0..12 {
            let body = json!({ "to": format!("+3519123456{turn:02}"), "channel": "voice" });
            app.post("/otp/send", body).await.problem(422, "delivery_refused");
        }
        app.send().await;
        assert_eq!(app.simulator.call_requests().posts, 12);
        assert!(app.simulator.calls().is_empty());
    }

    async fn what_one_account_denies_another_may_allow(database) {
        let (second, base_url) = restcomm(&countersign::domain::clock::Clock::manual(NOON));
        let app = TestApp::with(database, |config| {
            config.accounts.push(account("second", &base_url));
            callers(config);
        })
        .await;
        app.simulator.answer_calls(Fault::LimitExceeded, None);
        send_over(&app, "voice").await;
        assert_eq!((app.simulator.call_requests().posts, second.calls().len()), (1, 1));
    }

    async fn a_call_of_another_tenant_is_not_taken_for_the_one_that_is_looked_for(database) {
        let app = TestApp::with(database, |config| {
            config.tenants.push(tenant("beta"));
            callers(config);
        })
        .await;
        app.simulator.script(NUMBER, Script { call: CallFate::Ignore, ..Script::default() });
        let key = app.key_of("beta", countersign::domain::key::KeyKind::Secret.scopes()).await;
        send_over(&app, "voice").await;
        app.simulator.answer_calls(Fault::Close, Some(1));
        let body = json!({ "to": NUMBER, "channel": "voice" });
        let answer = app.post_as(&key, "/otp/send", body).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        assert_eq!(app.simulator.calls().len(), 1);
        in_haste(&app, "the call of beta is placed, too", async |app| {
            app.simulator.calls().len() == 2
        })
        .await;
    }

    /// Restcomm answers the call, cannot have what to say, and hangs up: nobody has heard the code.
    async fn a_call_that_said_nothing_is_followed_by_a_message(database) {
        let app = TestApp::with(database, |config| {
            callers(config);
            config.tenants[0].policy.fallback = vec![FallbackStep {
                after: Duration::from_mins(2),
                channel: Channel::Sms,
            }];
        })
        .await;
        app.simulator.script(NUMBER, Script { call: CallFate::Ignore, ..Script::default() });
        silent(&app);
        let (_, id) = send_over(&app, "voice").await;
        Outbox::of(&app).await.settled(&id).await;
        let callback = path_of(&last_call(&app).callback.unwrap().url);
        let sid = last_call(&app).sid;
        for status in ["ringing", "answered", "completed"] {
            let form = format!("CallSid={sid}&CallStatus={status}");
            let request = app.http.post(format!("{}{callback}", app.base)).body(form);
            assert_eq!(Answer::of(request).await.status, 204);
        }
        in_haste(&app, "the message arrives", async |app| !app.simulator.texts(NUMBER).is_empty()).await;
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn without_a_number_to_call_from_nothing_is_called(database) {
        let app = TestApp::with(database, |config| {
            callers(config);
            config.accounts[0].voice_from = None;
        })
        .await;
        try_over(&app, "voice").await.problem(403, "destination_not_allowed");
    }

    async fn a_call_that_is_slow_to_be_taken_is_answered_with_202_and_rings_all_the_same(database) {
        let app = TestApp::with(database, |config| {
            callers(config);
            config.delivery.wait = Duration::from_millis(50);
            config.accounts[0].timeout = Duration::from_secs(8);
        })
        .await;
        app.simulator.answer_calls(Fault::Slow(Duration::from_secs(3)), None);
        let moving = meanwhile(&app, "the answer is there", async |_| false);
        let answer = tokio::select! {
            answer = try_over(&app, "voice") => answer,
            () = moving => unreachable!("the clock is moved until the answer is there"),
        };
        assert_eq!(answer.status, 202);
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let code = listen(&app).await;
        assert_eq!(app.verify(&id, &code).await.status, 200);
    }
}

async fn send_over_purpose(app: &TestApp, purpose: &str) -> (Answer, String) {
    let body = json!({ "to": NUMBER, "channel": "voice", "purpose": purpose });
    let answer = app.post("/otp/send", body).await;
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    (answer, id)
}
