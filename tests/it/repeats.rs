//! Sends that are repeated under an `Idempotency-Key`: one message, and always the same answer.

use std::time::Duration;

use countersign::simulator::{Answer as Platform, CallFate, Script, SmsFate};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    app::{Answer, NUMBER, TestApp, on_both, root_key},
    outage::Outage,
    outbox::{long_after, once_an_hour},
    page::{Page, with_origin},
};

mod policy;
mod races;

const KEY: &str = "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"";

fn request(app: &TestApp, key: &str, body: &Value) -> RequestBuilder {
    app.request(Method::POST, "/otp/send")
        .header("Content-Type", "application/json")
        .header("Idempotency-Key", key)
        .body(body.to_string())
}

async fn send(app: &TestApp, key: &str) -> Answer {
    Answer::of(request(app, key, &json!({ "to": NUMBER }))).await
}

/// Asserts that `again` is what was answered `before`, and says so.
#[track_caller]
fn assert_replayed(again: &Answer, before: &Answer) {
    assert_eq!((again.status, &again.text), (before.status, &before.text));
    for name in ["location", "content-type", "preference-applied"] {
        assert_eq!(again.header(name), before.header(name), "{name}");
    }
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
}

fn id_of(answer: &Answer) -> String {
    answer.json()["id"].as_str().unwrap().to_owned()
}

on_both! {
    async fn a_repeated_send_is_answered_alike_and_sends_nothing(database) {
        let mut app = TestApp::spawn(database).await;
        let first = send(&app, KEY).await;
        let id = id_of(&first);
        assert_eq!((first.status, first.header("idempotent-replayed")), (201, None));
        assert_eq!(
            first.json(),
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
        assert_eq!(first.header("location"), Some(format!("/otp/{id}").as_str()));
        assert_replayed(&send(&app, KEY).await, &first);
        // The same key, as those write it who know nothing of structured fields.
        assert_replayed(&send(&app, KEY.trim_matches('"')).await, &first);
        assert_replayed(&send(&app.replica().await, KEY).await, &first);
        app.advance(31);
        assert_replayed(&send(&app, KEY).await, &first);
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
        app.restart_with(|_| {}).await.unwrap();
        assert_replayed(&send(&app, KEY).await, &first);
        assert!(!first.text.contains(&app.code()), "{}", first.text);
        let kept = String::from_utf8_lossy(&app.place.dump().await).into_owned();
        assert!(kept.contains(&id) && !kept.contains("8e03978e") && !kept.contains(NUMBER), "{kept}");
        assert_eq!(app.simulator.texts(NUMBER).len(), 1);
        assert_eq!(app.simulator.requests().posts, 1);
    }

    async fn while_a_send_waits_for_restcomm_a_repeat_is_refused_and_then_answered_alike(database) {
        let app = TestApp::spawn(database).await;
        let replica = app.replica().await;
        app.simulator.answer_sends(Platform::Slow(Duration::from_secs(5)), Some(1));
        let repeats = async {
            app.eventually("Restcomm has it", async |app| app.simulator.requests().posts == 1).await;
            for service in [&app, &replica] {
                let again = send(service, KEY).await;
                again.problem(409, "idempotency_in_progress");
                // By then the first has its answer, whatever Restcomm does.
                assert_eq!(again.retry_after(), 3);
                let other = Answer::of(request(service, KEY, &json!({ "to": "+351912345679" }))).await;
                other.problem(422, "idempotency_mismatch");
            }
            app.advance(3);
        };
        let (first, ()) = tokio::join!(send(&app, KEY), repeats);
        assert_eq!((first.status, &first.json()["delivery"]["status"]), (202, &json!("queued")));
        for _ in 0..2 {
            assert_replayed(&send(&replica, KEY).await, &first);
            // What becomes of the message later changes nothing of what was answered.
            long_after(&app).await;
        }
        assert_eq!(app.status(&id_of(&first)).await["delivery"]["status"], "sent");
        assert_eq!(app.simulator.texts(NUMBER).len(), 1);
    }

    async fn an_answer_that_cannot_be_noted_is_not_given_and_a_repeat_tells_what_became_of_the_send(database) {
        let app = TestApp::spawn(database).await;
        let replica = app.replica().await;
        app.simulator.answer_sends(Platform::Slow(Duration::from_secs(5)), Some(1));
        let outage = async {
            app.eventually("Restcomm has it", async |app| app.simulator.requests().posts == 1).await;
            let outage = Outage::begin(&app.place).await;
            app.advance(3);
            outage
        };
        let (unheard, outage) = tokio::join!(send(&app, KEY), outage);
        unheard.problem(503, "unavailable");
        assert!(1 <= unheard.retry_after());
        outage.end().await;
        app.eventually("it is ready again", async |app| app.get("/readyz").await.status == 200).await;
        long_after(&app).await;

        let told = send(&replica, KEY).await;
        assert_eq!((told.status, told.header("idempotent-replayed")), (201, Some("true")));
        assert_eq!(told.json()["delivery"]["status"], "sent");
        assert_eq!(app.verify(&id_of(&told), &app.code()).await.status, 200);
        for service in [&app, &replica] {
            assert_replayed(&send(service, KEY).await, &told);
        }
        assert_eq!(app.simulator.texts(NUMBER).len(), 1);
    }

    async fn a_key_names_one_request_whatever_its_spelling(database) {
        let app = TestApp::spawn(database).await;
        let body = json!({ "to": NUMBER, "metadata": { "order": "7" }, "client_ip": "192.0.2.1" });
        let first = Answer::of(request(&app, KEY, &body)).await;
        let spelled = json!({
            "client_ip": "::ffff:192.0.2.1", "metadata": { "order": "7" }, "purpose": "login", "channel": "sms",
            "to": "+351 912 345 678",
        });
        assert_replayed(&Answer::of(request(&app, KEY, &spelled)).await, &first);
        for (member, value) in [
            ("to", json!("+351912345679")),
            ("purpose", json!("signup")),
            ("locale", json!("pt")),
            ("metadata", json!({ "order": "8" })),
            ("metadata", json!({})),
            ("client_ip", json!("192.0.2.2")),
            ("autofill", json!({ "app_hash": "FA+9qCX9VSu" })),
        ] {
            let mut other = body.clone();
            other[member] = value;
            Answer::of(request(&app, KEY, &other)).await.problem(422, "idempotency_mismatch");
        }
        let other = request(&app, KEY, &body).header("Prefer", "respond-async");
        Answer::of(other).await.problem(422, "idempotency_mismatch");
        assert_eq!(app.simulator.requests().posts, 1);
    }

    async fn a_send_that_does_not_wait_is_repeated_like_any_other(database) {
        let app = TestApp::spawn(database).await;
        let without_waiting = || {
            Answer::of(request(&app, KEY, &json!({ "to": NUMBER })).header("Prefer", "respond-async"))
        };
        let first = without_waiting().await;
        assert_eq!((first.status, first.header("preference-applied")), (202, Some("respond-async")));
        long_after(&app).await;
        assert_replayed(&without_waiting().await, &first);
        assert_eq!(app.simulator.requests().posts, 1);
    }

    async fn a_resend_is_repeated_like_any_other(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        app.advance(30);
        let resent = send(&app, KEY).await;
        assert_eq!((resent.status, id_of(&resent)), (200, id));
        assert_replayed(&send(&app, KEY).await, &resent);
        assert_eq!(app.simulator.texts(NUMBER).len(), 2);
    }

    async fn what_was_refused_and_stored_nothing_can_be_tried_again_with_its_key(database) {
        let app = TestApp::with(database, once_an_hour).await;
        let first = send(&app, KEY).await;
        let other_purpose = json!({ "to": NUMBER, "purpose": "signup" });
        let limited = || Answer::of(request(&app, "\"other\"", &other_purpose));
        limited().await.problem(429, "rate_limited");
        send(&app, "\"third\"").await.problem(429, "resend_too_soon");
        // A repeat costs no limit, and none holds it back.
        assert_replayed(&send(&app, KEY).await, &first);
        app.advance(3600);
        assert_eq!(limited().await.status, 201);
        assert_eq!(app.simulator.requests().posts, 2);
    }

    async fn that_restcomm_refused_a_message_is_an_answer(database) {
        let app = TestApp::spawn(database).await;
        app.simulator.script(NUMBER, Script { sms: SmsFate::Refuse, call: CallFate::Answer });
        let first = send(&app, KEY).await;
        first.problem(422, "delivery_refused");
        assert_eq!(first.header("idempotent-replayed"), None);
        app.simulator.script(NUMBER, Script::default());
        for service in [&app, &app.replica().await] {
            let again = send(service, KEY).await;
            again.problem(422, "delivery_refused");
            assert_eq!(again.header("idempotent-replayed"), Some("true"));
        }
        assert_eq!(app.simulator.requests().posts, 1);
        assert_eq!(send(&app, "\"another\"").await.status, 201);
    }

    async fn pages_and_backends_name_their_sends_apart(database) {
        let app = with_origin(database).await;
        let page = Page::open(&app).await;
        let of_page = |to: &str| {
            let request = page.request(Method::POST, "/otp/send").header("Content-Type", "application/json");
            Answer::of(request.header("Idempotency-Key", KEY).body(json!({ "to": to }).to_string()))
        };
        let of_backend = send(&app, KEY).await;
        let first = of_page("+351912345679").await;
        assert_eq!((first.status, first.json().get("attempts_left")), (201, None));
        assert_replayed(&of_page("+351912345679").await, &first);
        of_page(NUMBER).await.problem(422, "idempotency_mismatch");
        assert_replayed(&send(&app, KEY).await, &of_backend);
    }

    async fn a_key_is_forgotten_after_a_day(database) {
        let app = TestApp::spawn(database).await;
        let first = send(&app, KEY).await;
        app.advance(24 * 3600 - 1);
        assert_replayed(&send(&app, KEY).await, &first);
        app.advance(1);
        let anew = send(&app, KEY).await;
        assert_eq!((anew.status, anew.header("idempotent-replayed")), (201, None));
        assert_ne!(id_of(&anew), id_of(&first));
        app.advance(24 * 3600);
        app.eventually_within(60, "its row is deleted", async |app| {
            app.place.count("select count(*) from idempotency").await == 0
        })
        .await;
    }

    async fn nothing_is_kept_longer_than_the_tenant_keeps_it(database) {
        let app = TestApp::with(database, |config| {
            config.tenants[0].policy.retention = Duration::from_mins(10);
        })
        .await;
        let first = send(&app, KEY).await;
        app.advance(599);
        assert_replayed(&send(&app, KEY).await, &first);
        app.advance(1);
        assert_ne!(id_of(&send(&app, KEY).await), id_of(&first));
    }

    async fn a_send_is_known_under_a_new_root_key_and_the_old_one_is_needed_for_it(database) {
        let mut app = TestApp::spawn(database).await;
        let first = send(&app, KEY).await;
        let roots = |ids: [u8; 2]| {
            let keys = ids.map(|n| root_key(&format!("k{n}"), n)).to_vec();
            move |config: &mut countersign::config::Config| config.keys.root = keys
        };
        app.restart_with(roots([2, 1])).await.unwrap();
        assert_replayed(&send(&app, KEY).await, &first);
        app.advance(3600);
        let error = app.restart_with(roots([3, 2])).await.unwrap_err().to_string();
        assert!(error.contains("k1") && error.contains("2026-02-01T12:00:00Z"), "{error}");
    }
}
