//! A call that speaks the code.

use countersign::{
    domain::synthesizer::Synthesizer,
    simulator::{CallFate, Script},
};

use super::*;
use crate::app::{NOON, on_both};

on_both! {
    async fn a_code_that_was_spoken_on_a_call_is_approved(database) {
        let app = calling(database).await;
        let (answer, id) = send_over(&app, "voice").await;
        assert_eq!(
            answer,
            json!({
                "id": id, "status": "pending", "to": "+351*******78", "channel": "voice", "purpose": "login",
                "delivery": { "channel": "voice", "status": "queued" }, "attempts_left": 5,
                "created_at": "2026-01-31T12:00:00Z", "expires_at": "2026-01-31T12:05:00Z",
                "resend_after": "2026-01-31T12:00:30Z",
            })
        );
        let call = last_call(&app);
        assert_eq!((call.from.as_str(), call.to.as_str(), call.timeout.as_secs()), (CALLER, NUMBER, 30));
        becomes(&app, &id, "ringing").await;
        let code = listen(&app).await;
        let digits: Vec<String> = code.chars().map(String::from).collect();
        let digits = digits.join(", ");
        assert!(said(&app).starts_with(&format!(
            "Hello. This is Acme Bank. Your code is: {digits}. Again: {digits}."
        )), "{}", said(&app));
        becomes(&app, &id, "answered").await;
        let status = app.status(&id).await;
        assert_eq!(status["status"], "pending", "who answered has proved nothing yet");
        assert_eq!(app.verify(&id, &code).await.status, 200);
        let events: Vec<Value> = app.status(&id).await["timeline"].as_array().unwrap().iter()
            .map(|event| event["event"].clone()).collect();
        assert_eq!(events, ["created", "voice.queued", "voice.sent", "voice.answered", "approved"]);
        let delivery = &app.status(&id).await["deliveries"][0];
        assert_eq!(delivery["sent_at"], NOON.rfc3339());
        assert_eq!((&delivery["cause"], &delivery["status"]), (&json!("send"), &json!("answered")));
        assert!(app.simulator.messages().is_empty(), "no text is sent besides");
    }

    async fn a_key_repeats_the_code_twice_and_no_more(database) {
        let app = calling(database).await;
        send_over(&app, "voice").await;
        for round in 1..=2 {
            meanwhile(&app, "a key is asked for", async |app| said(app).matches("press one").count() == round).await;
            press(&app, "1").await;
        }
        meanwhile(&app, "the call ends", async |app| app.simulator.live_call(NUMBER).is_none()).await;
        assert_eq!(said(&app).matches("press one").count(), 2);
        assert!(said(&app).ends_with("Goodbye."));
        let code = spoken_code(&app);
        let digits: String = said(&app).chars().filter(char::is_ascii_digit).collect();
        assert_eq!(digits, code.repeat(6), "the same code each time, and no other digit");
    }

    async fn another_key_ends_the_call(database) {
        let app = calling(database).await;
        send_over(&app, "voice").await;
        listen(&app).await;
        press(&app, "2").await;
        meanwhile(&app, "the call ends", async |app| app.simulator.live_call(NUMBER).is_none()).await;
        assert_eq!(said(&app).matches("Your code is").count(), 1);
    }

    async fn how_a_call_ended_is_told_in_one_word(database) {
        for (fate, word) in [
            (CallFate::Busy, "busy"),
            (CallFate::Fail, "failed"),
            (CallFate::Ignore, "unanswered"),
        ] {
            for told in [CallReports::Told, CallReports::Lost] {
                let app = calling(database).await;
                app.simulator.report_calls(told);
                app.simulator.script(NUMBER, Script { call: fate, ..Script::default() });
                let (_, id) = send_over(&app, "voice").await;
                becomes(&app, &id, word).await;
                let delivery = app.status(&id).await["deliveries"][0].clone();
                assert_eq!(delivery.get("delivered_at"), None);
                assert_eq!(said(&app), "");
                let events = app.status(&id).await["timeline"].to_string();
                assert!(events.contains(&format!("voice.{word}")), "{events}");
                assert_eq!(app.status(&id).await["status"], "pending", "a resend can come");
            }
        }
    }

    async fn a_call_speaks_the_language_of_the_send_where_it_is_spoken(database) {
        for (engine, locale, begins) in [
            (Synthesizer::Any, "pt-BR", "Olá."),
            (Synthesizer::Any, "it", "Hello."),
            (Synthesizer::AwsPolly, "it", "Salve."),
            (Synthesizer::Acapela, "hi", "Hello."),
        ] {
            let app = TestApp::with(database, |config| {
                callers(config);
                config.accounts[0].synthesizer = engine;
            })
            .await;
            let body = json!({ "to": NUMBER, "channel": "voice", "locale": locale });
            let answer = app.post("/otp/send", body).await;
            assert_eq!(answer.status, 201);
            meanwhile(&app, "something is said", async |app| !said(app).is_empty()).await;
            assert!(said(&app).starts_with(begins), "{locale}: {}", said(&app));
        }
    }
}
