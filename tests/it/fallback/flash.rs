//! After a flash call nobody can be told its code, which was the number: what follows has a code of its own.

use super::*;

/// Flash calls from 50 numbers, and an ordinary call where none rang.
fn flash_then_call(config: &mut Config) {
    call_after_20_seconds(config);
    config.accounts[0].flashcall_from = (0..50).map(|n| format!("+1305555{n:04}")).collect();
    config.tenants[0].policy.channels.push(Channel::Flashcall);
}

/// A flash call to [`NUMBER`] that finds it busy; gives the id and the digits that were its code.
async fn busy_flash_call(app: &TestApp) -> (String, String) {
    app.simulator.script(
        NUMBER,
        Script {
            call: CallFate::Busy,
            ..Script::default()
        },
    );
    let answer = app
        .post("/otp/send", json!({ "to": NUMBER, "channel": "flashcall" }))
        .await;
    assert_eq!(
        (answer.status, &answer.json()["attempts_left"]),
        (201, &json!(2)),
        "{}",
        answer.text
    );
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    noted(app, &id).await;
    app.simulator.script(NUMBER, Script::default());
    let from = app.simulator.calls()[0].from.clone();
    (id, from[from.len() - 4..].to_owned())
}

/// Lets the phone be found busy, and the plan go on.
async fn goes_on(app: &TestApp, id: &str) {
    app.advance(1);
    let outbox = Outbox::of(app).await;
    outbox
        .wait_for(id, "it is over", |row| {
            row.over_at.is_some() || row.channel == Channel::Voice
        })
        .await;
    // Restcomm is asked how it ended, within a second.
    app.advance(1);
    followed_at_once(app, id).await;
}

on_both! {
    async fn a_flash_call_is_followed_by_a_call_with_a_code_of_its_own(database) {
        let app = TestApp::with(database, flash_then_call).await;
        let (id, digits) = busy_flash_call(&app).await;
        goes_on(&app, &id).await;
        answered(&app, &id).await;
        let status = app.status(&id).await;
        assert_eq!((&status["channel"], &status["attempts_left"]), (&json!("voice"), &json!(5)));
        let steps = status["deliveries"].as_array().unwrap().iter();
        let steps: Vec<_> = steps.map(|one| [&one["channel"], &one["status"], &one["cause"]]).collect();
        assert_eq!(json!(steps), json!([["flashcall", "busy", "send"], ["voice", "answered", "fallback"]]));
        let code = heard(&app);
        assert_eq!(code.len(), 6);
        assert_eq!(app.verify(&id, &digits).await.problem(422, "wrong_code")["attempts_left"], 4);
        let whole = app.simulator.calls()[0].from.clone();
        assert_eq!(app.verify(&id, &whole).await.problem(422, "wrong_code")["attempts_left"], 3);
        assert_eq!(app.verify(&id, &code).await.status, 200);
    }

    /// Guesses at a flash call count for the verification; its own small number of guesses ends with it.
    async fn a_code_after_a_spent_flash_call_can_be_guessed_at_as_often_as_the_verification_allows(database) {
        let app = TestApp::with(database, flash_then_call).await;
        let (id, _) = busy_flash_call(&app).await;
        for left in [1, 0] {
            assert_eq!(app.verify(&id, "123456").await.problem(422, "wrong_code")["attempts_left"], left);
        }
        app.verify(&id, "123456").await.problem(410, "max_attempts_reached");
        goes_on(&app, &id).await;
        answered(&app, &id).await;
        assert_eq!(app.status(&id).await["attempts_left"], 3);
        assert_eq!(app.verify(&id, &heard(&app)).await.status, 200);
    }
}
