//! Checking a code: exactly one check is ever approved.

use std::{collections::HashMap, sync::Arc};

use futures_util::future::join_all;
use serde_json::json;

use crate::{
    app::{NUMBER, TestApp, on_both},
    fallback::noted,
};

on_both! {
    async fn the_right_code_is_approved_once(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        let approved = app.verify(&id, &app.code()).await;
        assert_eq!(approved.status, 200);
        assert_eq!(
            approved.json(),
            json!({
                "id": id,
                "status": "approved",
                "to": "+351*******78",
                "channel": "sms",
                "purpose": "login",
                "approved_at": "2026-01-31T12:00:00Z",
            })
        );
        let again = app.verify(&id, &app.code()).await.problem(409, "already_approved");
        assert_eq!(again["approved_at"], "2026-01-31T12:00:00Z");
    }

    /// All that a check must end stands with the verification then. So the row of the delivery may even be unreadable.
    async fn a_check_does_not_read_the_delivery_of_a_message_that_restcomm_has(database) {
        let app = TestApp::spawn(database).await;
        let other = "+351912345679";
        let (by_id, by_number) = (app.send().await, app.send_to(other).await);
        for id in [&by_id, &by_number] {
            noted(&app, id).await;
        }
        app.place.change("update deliveries set status = 'unheard of'").await;
        assert_eq!(app.verify(&by_id, &app.code()).await.status, 200);
        let check = json!({ "to": other, "code": app.code_at(other) });
        assert_eq!(app.post("/otp/verify", check).await.status, 200);
        let kept = "select count(sealed) from verifications";
        assert_eq!(app.place.count(kept).await, 0);
    }

    async fn of_sixteen_right_checks_at_once_exactly_one_is_approved_for_each_of_200_codes(database) {
        let app = Arc::new(TestApp::spawn(database).await);
        let numbers: Vec<String> = (0..200).map(|n| format!("+35191234{n:04}")).collect();
        let ids = join_all(numbers.iter().map(|number| app.send_to(number))).await;
        let codes: Vec<_> = ids.into_iter().zip(numbers.iter().map(|number| app.code_at(number))).collect();
        let mut approvals: HashMap<String, u32> = HashMap::new();
        // Twenty codes at a time: more than a busy machine answers in time are answered 503.
        for codes in codes.chunks(20) {
            let checks = codes.iter().flat_map(|code| std::iter::repeat_n(code, 16)).cloned();
            let racers: Vec<_> = checks
                .map(|(id, code)| {
                    let app = app.clone();
                    tokio::spawn(async move { (app.verify(&id, &code).await.status, id) })
                })
                .collect();
            for racer in racers {
                let (status, id) = racer.await.unwrap();
                match status {
                    200 => *approvals.entry(id).or_default() += 1,
                    409 => {}
                    other => panic!("a check was answered with {other}"),
                }
            }
        }
        assert_eq!(approvals.len(), 200);
        assert!(approvals.values().all(|count| *count == 1));
    }

    async fn of_64_wrong_guesses_at_once_five_are_evaluated_and_the_right_code_comes_too_late(database) {
        let app = Arc::new(TestApp::spawn(database).await);
        let id = app.send().await;
        let (wrong, right) = (app.wrong_code(), app.code());
        let guesses = (0..64).map(|_| {
            let (app, id) = (app.clone(), id.clone());
            tokio::spawn(async move { app.verify(&id, wrong).await })
        });
        let answers = join_all(guesses.collect::<Vec<_>>()).await;
        let mut evaluated = Vec::new();
        for answer in answers {
            let answer = answer.unwrap();
            match answer.status {
                422 => evaluated.push(answer.problem(422, "wrong_code")["attempts_left"].as_u64().unwrap()),
                _ => drop(answer.problem(410, "max_attempts_reached")),
            }
        }
        evaluated.sort_unstable();
        assert_eq!(evaluated, [0, 1, 2, 3, 4]);
        app.verify(&id, &right).await.problem(410, "max_attempts_reached");
    }

    async fn the_guess_budget_survives_a_resend(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        for left in [4, 3, 2] {
            assert_eq!(app.verify(&id, app.wrong_code()).await.problem(422, "wrong_code")["attempts_left"], left);
        }
        app.advance(30);
        assert_eq!(app.post("/otp/send", json!({ "to": NUMBER })).await.status, 200);
        for left in [1, 0] {
            assert_eq!(app.verify(&id, app.wrong_code()).await.problem(422, "wrong_code")["attempts_left"], left);
        }
        app.verify(&id, &app.code()).await.problem(410, "max_attempts_reached");
    }
}
