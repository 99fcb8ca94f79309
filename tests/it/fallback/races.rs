//! What happens at the same time as a fallback, in one process or two.

use futures_util::future::join_all;

use super::*;
use crate::outbox::post_without_waiting;

const ROUNDS: usize = 6;
const AT_ONCE: usize = 10;

fn numbers(round: usize) -> Vec<String> {
    let numbers = (0..AT_ONCE).map(|n| format!("+3519123{round:02}0{n:02}"));
    numbers.collect()
}

/// Sends a code to each, which gets lost; gives the ids and the codes.
async fn send_to_all(app: &TestApp, numbers: &[String]) -> Vec<(String, String)> {
    let mut sent = Vec::new();
    for number in numbers {
        app.simulator.script(number, LOST);
        let id = app.send_to(number).await;
        sent.push((id, code_of_last_message(app)));
    }
    let outbox = Outbox::of(app).await;
    for (id, _) in &sent {
        outbox
            .wait_for(id, "it is noted", |row| row.stage == Stage::Done)
            .await;
    }
    sent
}

on_both! {
    async fn of_two_processes_that_see_the_same_fallback_one_calls(database) {
        let app = losing(database).await;
        let replica = app.replica().await;
        for round in 0..ROUNDS {
            let numbers = numbers(round);
            let sent = send_to_all(if round % 2 == 0 { &app } else { &replica }, &numbers).await;
            app.advance(20);
            app.eventually("all are called", async |app| {
                numbers.iter().all(|number| calls_to(app, number) == 1)
            }).await;
            // Both have looked again.
            app.advance(1);
            replica.advance(1);
            for (id, _) in &sent {
                noted(&app, id).await;
                let causes = deliveries(&app, id).await;
                let causes: Vec<_> = causes.as_array().unwrap().iter().map(|one| &one["cause"]).collect();
                assert_eq!(causes, ["send", "fallback"]);
            }
        }
        long_after(&app).await;
        for number in (0..ROUNDS).flat_map(numbers) {
            assert_eq!(calls_to(&app, &number), 1, "{number}");
        }
    }

    /// Either the code is too late and the call was begun, or it was in time and nobody is called.
    async fn a_code_that_comes_as_its_fallback_falls_due_is_approved_and_nobody_is_called_twice(database) {
        let app = losing(database).await;
        let replica = app.replica().await;
        for round in 0..ROUNDS {
            let numbers = numbers(round);
            let sent = send_to_all(&app, &numbers).await;
            app.advance(20);
            let checks = sent.iter().zip(0..).map(|((id, code), turn)| {
                let at = if turn % 2 == 0 { &app } else { &replica };
                async move { at.verify(id, code).await.status }
            });
            assert_eq!(join_all(checks).await, [200; AT_ONCE]);
            long_after(&app).await;
            for ((id, _), number) in sent.iter().zip(&numbers) {
                let status = app.status(id).await;
                assert_eq!(status["status"], "approved");
                let followers = &status["deliveries"].as_array().unwrap()[1..];
                let begun = followers.iter().filter(|one| one["reason"] != "verification_ended").count();
                assert_eq!(calls_to(&app, number), begun, "{status:#}");
                assert!(followers.len() <= 1, "{status:#}");
            }
        }
    }

    /// Between the decision and the call lies the wait for a turn at the account.
    async fn a_code_that_comes_while_its_call_waits_for_a_turn_keeps_the_phone_silent(database) {
        let app = TestApp::with(database, |config| {
            call_after_20_seconds(config);
            config.accounts[0].max_per_second = 1;
        }).await;
        app.simulator.script(NUMBER, LOST);
        app.simulator.script(OTHER, LOST);
        let other = app.send_to(OTHER).await;
        noted(&app, &other).await;
        app.advance(1);
        let id = send_and_note(&app).await;
        let code = code_of_last_message(&app);
        // What became of both messages is asked for before the fallback, so that it does not take a turn then.
        app.advance(10);
        app.eventually("one is asked for", async |app| app.simulator.requests().polls == 1).await;
        app.advance(1);
        app.eventually("both are asked for", async |app| app.simulator.requests().polls == 2).await;
        app.advance(8);
        app.eventually("the other one is called", async |app| calls_to(app, OTHER) == 1).await;
        // The next turn is taken.
        post_without_waiting(&app, json!({ "to": "+351912345670" })).await;
        app.advance(1);
        let outbox = Outbox::of(&app).await;
        outbox.wait_for(&id, "the plan has gone on", |row| row.channel == Channel::Voice).await;
        assert_eq!(app.verify(&id, &code).await.status, 200);
        long_after(&app).await;
        assert_eq!(calls_to(&app, NUMBER), 0, "nobody waits for it any more");
        let last = app.status(&id).await["delivery"].clone();
        assert_eq!(last, json!({ "channel": "voice", "status": "failed", "reason": "verification_ended" }));
    }
}
