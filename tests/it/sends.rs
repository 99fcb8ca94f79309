//! Sending a code: what begins, how it is answered, and who is never sent to.

use countersign::domain::{delivery::Channel, key::Scope, policy::Countries};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{Answer, NUMBER, TestApp, on_both, tenant},
    members::assert_faults,
};

/// The digits that a message begins with, however many.
fn digits(text: &str) -> String {
    text.chars().take_while(char::is_ascii_digit).collect()
}

fn only(countries: &[&str]) -> Countries {
    Countries::Only(
        countries
            .iter()
            .map(|country| (*country).to_owned())
            .collect(),
    )
}

/// The body of a refused destination, but for what differs from request to request.
fn refused_destination(body: &Value, detail: &str) -> Value {
    json!({
        "type": "https://otp.acme.test/problems/destination_not_allowed",
        "title": "This number cannot be sent to",
        "status": 403,
        "detail": detail,
        "instance": body["instance"],
        "code": "destination_not_allowed",
    })
}

on_both! {
    async fn a_new_verification_is_answered_whole_and_says_where_it_is(database) {
        let app = TestApp::spawn(database).await;
        let answer = app.post("/otp/send", json!({ "to": NUMBER })).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let body = answer.json();
        let id = body["id"].as_str().unwrap();
        assert!(id.len() == 34 && id.starts_with("otp_"), "{id}");
        assert_eq!(answer.header("location"), Some(format!("/otp/{id}").as_str()));
        assert_eq!(answer.header("preference-applied"), None);
        assert_eq!(
            body,
            json!({
                "id": id,
                "status": "pending",
                "to": "+351*******78",
                "channel": "sms",
                "purpose": "login",
                "delivery": { "channel": "sms", "status": "sent" },
                "attempts_left": 5,
                "created_at": "2026-01-31T12:00:00Z",
                "expires_at": "2026-01-31T12:05:00Z",
                "resend_after": "2026-01-31T12:00:30Z",
            })
        );
        assert_eq!(app.simulator.texts(NUMBER).len(), 1);
    }

    async fn a_code_never_crosses_purposes(database) {
        let app = TestApp::spawn(database).await;
        let login = app.send().await;
        let code_for_login = app.code();
        let answer = app.post("/otp/send", json!({ "to": NUMBER, "purpose": "payment" })).await;
        assert_eq!(answer.status, 201, "another purpose is another verification: {}", answer.text);
        let payment = answer.json();
        assert_eq!(payment["purpose"], "payment");
        let payment = payment["id"].as_str().unwrap();
        assert_ne!(payment, login);
        let wrong = app.verify(payment, &code_for_login).await.problem(422, "wrong_code");
        assert_eq!(wrong["attempts_left"], 4);
        assert_eq!(app.verify(payment, &app.code()).await.status, 200);
        assert_eq!(app.verify(&login, &code_for_login).await.status, 200, "the first is still alive");
    }

    async fn metadata_comes_back_in_the_status(database) {
        let app = TestApp::spawn(database).await;
        let metadata = json!({ "order": "4711", "note": "naïve ☎ \"quoted\"", "": "" });
        let answer = app.post("/otp/send", json!({ "to": NUMBER, "metadata": metadata })).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let body = answer.json();
        assert_eq!(body.get("metadata"), None, "the answer of a send has none");
        assert_eq!(app.status(body["id"].as_str().unwrap()).await["metadata"], metadata);
    }

    async fn who_prefers_not_to_wait_is_answered_at_once_and_the_message_follows(database) {
        let app = TestApp::spawn(database).await;
        let request = app.request(Method::POST, "/otp/send").header("Prefer", "respond-async, wait=1");
        let request = request.header("Content-Type", "application/json").body(json!({ "to": NUMBER }).to_string());
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        assert_eq!(answer.header("preference-applied"), Some("respond-async"));
        let body = answer.json();
        let id = body["id"].as_str().unwrap();
        assert_eq!(answer.header("location"), Some(format!("/otp/{id}").as_str()));
        assert_eq!(
            body,
            json!({
                "id": id,
                "status": "pending",
                "to": "+351*******78",
                "channel": "sms",
                "purpose": "login",
                "delivery": { "channel": "sms", "status": "queued" },
                "attempts_left": 5,
                "created_at": "2026-01-31T12:00:00Z",
                "expires_at": "2026-01-31T12:05:00Z",
                "resend_after": "2026-01-31T12:00:30Z",
            })
        );
        app.eventually("the message is sent", async |app| {
            app.status(id).await["delivery"]["status"] == "sent"
        })
        .await;
        assert_eq!(app.verify(id, &app.code()).await.status, 200);
    }

    async fn a_number_is_one_however_it_is_spelled(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        for spelling in ["+351 912 345 678", "+351-912-345-678", "+351.912.345.678", "+351(912)345678", " +351912345678 "] {
            let too_soon = app.post("/otp/send", json!({ "to": spelling })).await.problem(429, "resend_too_soon");
            assert_eq!(too_soon["id"], id, "{spelling:?}");
        }
        let body = json!({ "to": "+351 (912) 345-678", "code": app.code() });
        let approved = app.post("/otp/verify", body).await;
        assert_eq!((approved.status, approved.json()["id"].as_str()), (200, Some(id.as_str())));
    }

    async fn a_country_that_is_not_on_the_list_is_refused(database) {
        let app = TestApp::with(database, |config| config.tenants[0].policy.countries = only(&["PT", "CA"])).await;
        for abroad in ["+4915123456789", "+12125550123"] {
            let answer = app.post("/otp/send", json!({ "to": abroad })).await;
            let body = answer.problem(403, "destination_not_allowed");
            let detail = "The number's country is not among the tenant's countries.";
            assert_eq!(body, refused_destination(&body, detail));
        }
        app.send().await;
        // Canada shares its calling code with the United States, and is another country.
        app.send_to("+14165550123").await;
        assert_eq!(app.simulator.requests().posts, 2, "nothing went to the others");
    }

    async fn premium_and_personal_numbers_are_refused_wherever_a_tenant_may_send(database) {
        let app = TestApp::spawn(database).await;
        for never in ["+19005551234", "+447012345678", "+18005551234", "+4490 9879 0000", "+881612345678"] {
            let answer = app.post("/otp/send", json!({ "to": never })).await;
            let body = answer.problem(403, "destination_not_allowed");
            assert_eq!(body, refused_destination(&body, "Numbers of this kind are never sent to."), "{never}");
        }
        assert_eq!(app.simulator.requests().posts, 0);
    }

    async fn a_tenant_without_countries_sends_nothing(database) {
        let app = TestApp::with(database, |config| config.tenants[0].policy.countries = only(&[])).await;
        app.post("/otp/send", json!({ "to": NUMBER })).await.problem(403, "destination_not_allowed");
        assert_eq!(app.simulator.requests().posts, 0);
    }

    async fn a_code_is_as_long_as_the_policy_says(database) {
        for length in 6..=10 {
            let app = TestApp::with(database, |config| config.tenants[0].policy.code.length = length).await;
            let id = app.send().await;
            let code = digits(&app.simulator.texts(NUMBER)[0]);
            assert_eq!(code.len(), usize::from(length));
            let shorter = app.verify(&id, &code[..code.len() - 1]).await.problem(422, "wrong_code");
            assert_eq!(shorter["attempts_left"], 4);
            assert_eq!(app.verify(&id, &code).await.status, 200);
        }
    }

    async fn leading_zeros_belong_to_a_code(database) {
        let app = TestApp::spawn(database).await;
        for n in 0..500 {
            let number = format!("+35191234{n:04}");
            let id = app.send_to(&number).await;
            let code = app.code_at(&number);
            if let Some(bare) = code.strip_prefix('0') {
                app.verify(&id, bare).await.problem(422, "wrong_code");
                assert_eq!(app.verify(&id, &code).await.status, 200);
                return;
            }
        }
        panic!("of 500 codes none begins with a zero");
    }

    async fn a_channel_that_the_tenant_does_not_have_is_not_allowed(database) {
        let app = TestApp::with(database, |config| {
            let mut calls = tenant("calls");
            calls.policy.channels = vec![Channel::Voice, Channel::Flashcall];
            config.tenants.push(calls);
        })
        .await;
        let refused = async |channel: Option<&str>, key: &str, detail: &str| {
            let mut body = json!({ "to": NUMBER });
            if let Some(channel) = channel {
                body["channel"] = channel.into();
            }
            let answer = app.post_as(key, "/otp/send", body).await;
            let fault = json!({ "pointer": "#/channel", "code": "not_allowed", "detail": detail });
            assert_eq!(answer.problem(422, "invalid_request")["errors"], json!([fault]));
        };
        for channel in ["voice", "flashcall"] {
            let detail = format!("is {channel}, which is not among the tenant's channels: sms");
            refused(Some(channel), &app.key, &detail).await;
        }
        // What is not said is `sms`, and held to the same rule.
        let calls = app.key_of("calls", &[Scope::Send]).await;
        for channel in [None, Some("sms")] {
            let detail = "is sms, which is not among the tenant's channels: voice, flashcall";
            refused(channel, &calls, detail).await;
        }
        let national = json!({ "to": "912345678", "channel": "voice" });
        assert_faults(&app.post_as(&calls, "/otp/send", national).await, &[("#/to", "invalid")]);
        assert_eq!(app.post("/otp/send", json!({ "to": NUMBER, "channel": "sms" })).await.status, 201);
        assert_eq!(app.simulator.requests().posts, 1);
    }
}
