//! What Restcomm may answer to a hand-off, and what follows from each answer.

use std::time::Duration;

use countersign::{
    config::BaseUrl,
    domain::{
        delivery::{DeliveryStatus, Stage},
        policy::Resend,
    },
    simulator::{Answer, CallFate, Script, SmsFate, serve},
};
use serde_json::json;

use crate::{
    app::{NOON, NUMBER, SID, TOKEN, TestApp, on_both},
    outbox::{
        Outbox, delivery, failed, impatient, long_after, once_an_hour, send_queued,
        send_without_waiting, sent, try_send,
    },
};

const REFUSING: Script = Script {
    sms: SmsFate::Refuse,
    call: CallFate::Answer,
};

on_both! {
    async fn what_is_accepted_is_sent(database) {
        let app = TestApp::spawn(database).await;
        let answer = try_send(&app).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(answer.json()["delivery"], sent());
        assert_eq!(app.simulator.requests().posts, 1);
        let message = app.simulator.messages().remove(0);
        assert_eq!((message.from.as_str(), message.to.as_str()), ("OTPApp", NUMBER));
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let row = Outbox::of(&app).await.wait_for(&id, "the answer is noted", |row| row.stage == Stage::Done).await;
        assert_eq!((row.sid.as_deref(), row.account.as_deref()), (Some(message.sid.as_str()), Some("main")));
    }

    async fn a_number_that_is_refused_ends_the_verification_and_costs_no_limit(database) {
        let app = TestApp::with(database, once_an_hour).await;
        app.simulator.script(NUMBER, REFUSING);
        for _ in 0..2 {
            // Were the limit not given back, the second would be answered with 429.
            try_send(&app).await.problem(422, "delivery_refused");
        }
        app.simulator.script(NUMBER, Script::default());
        let id = app.send().await;
        try_send(&app).await.problem(429, "resend_too_soon");
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
        assert_eq!(app.simulator.requests().posts, 3, "a refused message is not tried again");
    }

    async fn a_limit_of_the_platform_is_a_refusal_too_and_the_verification_says_so(database) {
        let app = TestApp::with(database, once_an_hour).await;
        app.simulator.answer_sends(Answer::LimitExceeded, None);
        let id = send_without_waiting(&app).await;
        let row = Outbox::of(&app).await.run_out(&app, &id).await;
        assert_eq!(row.sealed, None, "code and number are erased with the end");
        let status = app.status(&id).await;
        assert_eq!((&status["status"], &status["reason"]), (&json!("failed"), &json!("delivery_refused")));
        assert_eq!(status["delivery"], failed("refused"));
        app.verify(&id, "000000").await.problem(410, "failed");
        long_after(&app).await;
        assert_eq!(app.simulator.requests().posts, 1);
    }

    async fn what_was_not_sent_is_tried_again_and_arrives_once(database) {
        for answer in [Answer::ServerError, Answer::Unauthorized, Answer::Forbidden] {
            let app = TestApp::spawn(database).await;
            app.simulator.answer_sends(answer, Some(3));
            let id = send_queued(&app).await;
            let outbox = Outbox::of(&app).await;
            for pause in [1000, 2000] {
                let row = outbox.settled(&id).await;
                let ahead = app.clock.now().until(row.due_at.unwrap()).as_millis();
                assert!((pause / 2..=pause).contains(&ahead), "{answer:?}: {ahead} ms");
                assert_eq!(outbox.step(&app, &id).await.stage, Stage::Waiting, "{answer:?}");
            }
            outbox.step(&app, &id).await;
            assert_eq!(delivery(&app, &id).await, sent(), "{answer:?}");
            long_after(&app).await;
            assert_eq!(app.simulator.requests().posts, 4, "{answer:?}");
            assert_eq!(app.simulator.requests().gets, 0, "{answer:?}: there was nothing to ask");
            assert_eq!(app.simulator.texts(NUMBER).len(), 1, "{answer:?}");
            assert_eq!(app.verify(&id, &app.code()).await.status, 200);
        }
    }

    async fn an_account_that_nobody_answers_for_is_tried_until_somebody_does(database) {
        // Bound but not listening: the port is ours, and connections to it are refused.
        let port = tokio::net::TcpSocket::new_v4().unwrap();
        port.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = port.local_addr().unwrap();
        let app = TestApp::with(database, |config| {
            config.accounts[0].base_url =
                BaseUrl::parse(&format!("http://{address}/restcomm/2012-04-24")).unwrap();
        }).await;
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        assert_eq!(outbox.step(&app, &id).await.stage, Stage::Waiting);
        let listener = port.listen(64).unwrap().into_std().unwrap();
        tokio::spawn(serve(listener, app.simulator.clone(), std::future::pending()));
        outbox.run_out(&app, &id).await;
        assert_eq!(delivery(&app, &id).await, sent());
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
        assert_eq!(app.simulator.requests().posts, 1);
    }

    async fn what_may_have_been_sent_is_looked_up_and_not_repeated(database) {
        let slow = Answer::Slow(Duration::from_mins(1));
        for answer in [Answer::Garbage, Answer::CloseAfterAccept, slow] {
            let app = TestApp::with(database, impatient).await;
            app.simulator.answer_sends(answer, Some(1));
            let id = send_queued(&app).await;
            let outbox = Outbox::of(&app).await;
            let row = outbox.settled(&id).await;
            assert_eq!((row.stage, row.due_at), (Stage::Unknown, Some(NOON.plus(Duration::from_secs(12)))), "{answer:?}");
            app.advance(11);
            app.get("/readyz").await;
            assert_eq!(app.simulator.requests().gets, 0, "{answer:?}: Restcomm may not know it yet");
            outbox.step(&app, &id).await;
            assert_eq!(delivery(&app, &id).await, sent(), "{answer:?}");
            long_after(&app).await;
            let requests = app.simulator.requests();
            assert_eq!((requests.posts, requests.gets, requests.stored), (1, 1, 1), "{answer:?}");
            assert_eq!(outbox.last(&id).await.sid, Some(app.simulator.messages()[0].sid.clone()));
            assert_eq!(app.verify(&id, &app.code()).await.status, 200);
        }
    }

    async fn what_restcomm_denies_knowing_is_sent_again_once(database) {
        for answer in [Answer::Hang, Answer::Close, Answer::Html] {
            let app = TestApp::with(database, impatient).await;
            app.simulator.answer_sends(answer, Some(1));
            let id = send_queued(&app).await;
            let outbox = Outbox::of(&app).await;
            assert_eq!(outbox.settled(&id).await.stage, Stage::Unknown, "{answer:?}");
            assert_eq!(outbox.step(&app, &id).await.stage, Stage::Waiting, "{answer:?}");
            assert_eq!(app.simulator.requests().gets, 2, "{answer:?}: by sender, then by number alone");
            assert_eq!(app.simulator.requests().posts, 1, "{answer:?}: not repeated before the look-up");
            outbox.step(&app, &id).await;
            assert_eq!(delivery(&app, &id).await, sent(), "{answer:?}");
            long_after(&app).await;
            let requests = app.simulator.requests();
            assert_eq!((requests.posts, requests.stored), (2, 1), "{answer:?}");
            assert_eq!(app.verify(&id, &app.code()).await.status, 200);
        }
    }

    async fn a_message_is_found_although_the_sender_was_changed_meanwhile(database) {
        let mut app = TestApp::with(database, impatient).await;
        app.simulator.answer_sends(Answer::CloseAfterAccept, Some(1));
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        assert_eq!(outbox.settled(&id).await.stage, Stage::Unknown);
        app.restart_with(|config| config.tenants[0].policy.sender = Some("NewName".to_owned())).await.unwrap();
        outbox.run_out(&app, &id).await;
        assert_eq!(delivery(&app, &id).await, sent());
        assert_eq!(app.simulator.texts(NUMBER).len(), 1);
    }

    async fn who_cannot_be_asked_is_asked_again_until_it_is_too_late_and_never_sent_to(database) {
        let app = TestApp::with(database, impatient).await;
        app.simulator.answer_sends(Answer::Hang, Some(1));
        app.simulator.answer_lookups(Answer::ServerError, None);
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        let mut row = outbox.settled(&id).await;
        while row.stage != Stage::Done {
            assert_eq!(row.stage, Stage::Unknown);
            let pause = app.clock.now().until(row.due_at.unwrap());
            assert!(pause <= Duration::from_secs(15), "{pause:?}");
            row = outbox.step(&app, &id).await;
        }
        assert!(row.give_up_at <= app.clock.now());
        assert!(app.clock.now() <= row.give_up_at.plus(Duration::from_secs(1)));
        assert_eq!(delivery(&app, &id).await, failed("unconfirmed"));
        assert_eq!(app.status(&id).await["status"], "pending", "the message may be on the phone");
        long_after(&app).await;
        let requests = app.simulator.requests();
        assert_eq!(requests.posts, 1, "never a second time");
        assert!(20 <= requests.gets, "{requests:?}");
        app.eventually_within(5, "the verification ends", async |app| app.status(&id).await["status"] != "pending").await;
        assert_eq!(app.status(&id).await["reason"], "not_deliverable");
    }

    async fn what_cannot_be_sent_in_time_is_given_up_and_costs_no_limit(database) {
        let app = TestApp::with(database, once_an_hour).await;
        app.simulator.answer_sends(Answer::ServerError, None);
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        let mut row = outbox.settled(&id).await;
        while row.stage != Stage::Done {
            assert_eq!(row.stage, Stage::Waiting);
            let pause = app.clock.now().until(row.due_at.unwrap());
            assert!(pause <= Duration::from_secs(15), "{pause:?}");
            row = outbox.step(&app, &id).await;
        }
        assert_eq!(row.give_up_at, NOON.plus(Duration::from_secs(270)), "30 s before the code dies");
        let late = (row.give_up_at, app.clock.now());
        assert!(late.0 <= late.1 && late.1 <= late.0.plus(Duration::from_secs(1)), "{late:?}");
        assert_eq!(delivery(&app, &id).await, failed("not_deliverable"));
        assert_eq!(app.status(&id).await["status"], "pending");
        app.simulator.answer_sends(Answer::Ok, None);
        long_after(&app).await;
        let status = app.status(&id).await;
        assert_eq!((&status["status"], &status["reason"]), (&json!("failed"), &json!("not_deliverable")));
        assert_eq!(app.simulator.requests().stored, 0, "too late is not sent");
        app.send().await;
    }

    async fn a_look_up_tells_the_message_of_a_resend_from_the_one_before(database) {
        let app = TestApp::with(database, |config| {
            impatient(config);
            config.tenants[0].policy.resend = Resend::Same;
        }).await;
        let id = app.send().await;
        app.advance(30);
        app.simulator.answer_sends(Answer::Hang, Some(1));
        assert_eq!(try_send(&app).await.json()["delivery"]["status"], "queued");
        let outbox = Outbox::of(&app).await;
        assert_eq!(outbox.settled(&id).await.stage, Stage::Unknown);
        outbox.run_out(&app, &id).await;
        assert_eq!(app.simulator.texts(NUMBER).len(), 2, "the same code was sent again");
        assert_eq!(delivery(&app, &id).await, sent());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_that_may_be_on_a_later_page_is_not_denied() {
    let mut base_url = String::new();
    let app = TestApp::with(crate::database::Database::Sqlite, |config| {
        impatient(config);
        config.accounts[0]
            .base_url
            .as_str()
            .clone_into(&mut base_url);
    })
    .await;
    app.simulator
        .answer_sends(Answer::CloseAfterAccept, Some(1));
    let id = send_queued(&app).await;
    let outbox = Outbox::of(&app).await;
    assert_eq!(outbox.settled(&id).await.stage, Stage::Unknown);
    // Another application of the same account writes to the same number.
    for _ in 0..50 {
        let form = [("From", "OTPApp"), ("To", NUMBER), ("Body", "Sale!")];
        let url = format!("{base_url}/Accounts/{SID}/SMS/Messages.json");
        let request = app.http.post(url).basic_auth(SID, Some(TOKEN));
        assert_eq!(request.form(&form).send().await.unwrap().status(), 200);
    }
    let row = outbox.run_out(&app, &id).await;
    assert_eq!(row.status, DeliveryStatus::Failed);
    assert_eq!(delivery(&app, &id).await, failed("unconfirmed"));
    assert_eq!(app.simulator.texts(NUMBER).len(), 51);
}
