//! A call whose number is the code.

use std::collections::BTreeSet;

use countersign::simulator::{CallFate, Script};

use super::*;
use crate::app::on_both;

/// A phone that nobody picks up, as it should be.
fn ignored(app: &TestApp) {
    let script = Script {
        call: CallFate::Ignore,
        ..Script::default()
    };
    app.simulator.script(NUMBER, script);
}

async fn flash_call(app: &TestApp) -> (String, String) {
    let (_, id) = send_over(app, "flashcall").await;
    meanwhile(app, "the phone rings", async |app| {
        !app.simulator.inbox(NUMBER).is_empty()
    })
    .await;
    (id, shown(app).0)
}

on_both! {
    async fn a_number_that_rang_is_approved_by_its_last_digits_or_as_a_whole(database) {
        for typed in ["last", "whole", "without plus", "with blanks"] {
            let app = calling(database).await;
            ignored(&app);
            let (id, caller) = flash_call(&app).await;
            assert!(caller.starts_with("+130555501"), "{caller}");
            let call = last_call(&app);
            assert_eq!((call.from.as_str(), call.timeout.as_secs()), (caller.as_str(), 10));
            let code = match typed {
                "last" => caller[caller.len() - 4..].to_owned(),
                "whole" => caller.clone(),
                "without plus" => caller[1..].to_owned(),
                _ => format!("{} {}-{}", &caller[..2], &caller[2..5], &caller[5..]),
            };
            let answer = app.verify(&id, &code).await;
            assert_eq!(answer.status, 200, "{typed}: {}", answer.text);
            assert_eq!(answer.json()["channel"], "flashcall");
        }
    }

    async fn ringing_is_all_that_a_flash_call_is_for(database) {
        let app = calling(database).await;
        ignored(&app);
        let (id, _) = flash_call(&app).await;
        becomes(&app, &id, "ringing").await;
        assert!(app.status(&id).await["deliveries"][0]["delivered_at"].is_string());
        becomes(&app, &id, "unanswered").await;
        let status = app.status(&id).await;
        assert_eq!(status["status"], "pending");
        let events: Vec<&str> = status["timeline"].as_array().unwrap().iter()
            .map(|event| event["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["created", "flashcall.queued", "flashcall.sent", "flashcall.ringing"]);
    }

    async fn who_answers_hears_that_there_was_no_need_to_and_no_digit(database) {
        let app = calling(database).await;
        let (id, caller) = flash_call(&app).await;
        meanwhile(&app, "something is said", async |app| said(app).contains("Goodbye")).await;
        assert_eq!(said(&app), "This call is from Acme Bank and only shows its number. You need not answer. Goodbye.");
        assert_eq!(app.verify(&id, &caller).await.status, 200);
    }

    async fn a_flash_call_allows_two_guesses_and_another_code_the_rest(database) {
        let app = calling(database).await;
        ignored(&app);
        let (answer, id) = send_over(&app, "flashcall").await;
        assert_eq!(answer["attempts_left"], 2);
        meanwhile(&app, "the phone rings", async |app| !app.simulator.inbox(NUMBER).is_empty()).await;
        let caller = shown(&app).0;
        for (guess, left) in [("9999", 1), ("+13055559999", 0)] {
            let problem = app.verify(&id, guess).await.problem(422, "wrong_code");
            assert_eq!(problem["attempts_left"], left);
        }
        // Not even the right one is looked at, and that costs nothing.
        for _ in 0..3 {
            app.verify(&id, &caller).await.problem(410, "max_attempts_reached");
        }
        let status = app.status(&id).await;
        assert_eq!((&status["status"], &status["attempts_left"]), (&json!("pending"), &json!(0)));
        let resent = try_over(&app, "sms").await;
        assert_eq!((resent.status, &resent.json()["attempts_left"]), (200, &json!(3)));
        app.verify(&id, &caller).await.problem(422, "wrong_code");
        let approved = app.verify(&id, &app.code()).await;
        assert_eq!(approved.status, 200, "{}", approved.text);
    }

    async fn of_sixteen_guesses_at_once_two_are_looked_at(database) {
        let app = calling(database).await;
        ignored(&app);
        let (_, id) = send_over(&app, "flashcall").await;
        let guesses = (0..16).map(|_| app.verify(&id, "9999"));
        let answers = futures_util::future::join_all(guesses).await;
        let count = |status| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!((count(422), count(410)), (2, 14));
        assert_eq!(app.status(&id).await["timeline"].to_string().matches("wrong_code").count(), 2);
    }

    async fn another_call_brings_another_number_and_the_old_one_is_dead(database) {
        let app = calling(database).await;
        ignored(&app);
        let mut seen = BTreeSet::new();
        let (id, first) = flash_call(&app).await;
        seen.insert(first.clone());
        for wait in [30, 60] {
            app.advance(wait);
            let answer = try_over(&app, "flashcall").await;
            assert_eq!((answer.status, &answer.json()["attempts_left"]), (200, &json!(2)));
            seen.insert(last_call(&app).from);
        }
        assert!(1 < seen.len(), "numbers are drawn: {seen:?}");
        let live = last_call(&app).from;
        assert_ne!(live, first);
        app.verify(&id, &first).await.problem(422, "wrong_code");
        assert_eq!(app.verify(&id, &live).await.status, 200);
    }

    async fn a_whole_number_is_no_code_of_another_channel(database) {
        let app = calling(database).await;
        let id = app.send().await;
        app.verify(&id, "+13055550123").await.problem(422, "wrong_code");
        app.verify(&id, "0123").await.problem(422, "wrong_code");
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn a_tenant_may_use_the_channels_that_it_has(database) {
        let app = TestApp::with(database, |config| {
            callers(config);
            config.tenants[0].policy.channels = vec![Channel::Sms];
        })
        .await;
        for channel in ["voice", "flashcall"] {
            let problem = try_over(&app, channel).await.problem(422, "invalid_request");
            assert_eq!(problem["errors"][0]["pointer"], "#/channel");
            assert_eq!(problem["errors"][0]["code"], "not_allowed");
        }
        assert!(app.simulator.calls().is_empty());
    }
}
