//! From beginning to end: what a verification looks like, how it ends, and when it is forgotten.

use std::time::Duration;

use countersign::{
    domain::{clock::Timestamp, id::Id, key::Scope, limits::Rate},
    simulator::Answer as Platform,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, NUMBER, TENANT, TestApp, on_both, tenant};

async fn cancel(app: &TestApp, id: &str) -> Answer {
    app.post(&format!("/otp/{id}/cancel"), json!({})).await
}

/// The status of a verification once it is noted that its message was sent.
pub(crate) async fn status_when_sent(app: &TestApp, id: &str) -> Value {
    app.eventually("the hand-off is noted", async |app| {
        app.status(id).await["delivery"]["status"] == "sent"
    })
    .await;
    app.status(id).await
}

on_both! {
    async fn a_pending_verification_tells_all_but_its_code(database) {
        let app = TestApp::spawn(database).await;
        let body = json!({ "to": NUMBER, "purpose": "payment", "metadata": { "order": "4711" } });
        let id = app.post("/otp/send", body).await.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(
            status_when_sent(&app, &id).await,
            json!({
                "id": id,
                "status": "pending",
                "to": "+351*******78",
                "channel": "sms",
                "purpose": "payment",
                "delivery": { "channel": "sms", "status": "sent" },
                "attempts_left": 5,
                "created_at": "2026-01-31T12:00:00Z",
                "expires_at": "2026-01-31T12:05:00Z",
                "resend_after": "2026-01-31T12:00:30Z",
                "metadata": { "order": "4711" },
                "deliveries": [{
                    "channel": "sms",
                    "status": "sent",
                    "cause": "send",
                    "created_at": "2026-01-31T12:00:00Z",
                    "sent_at": "2026-01-31T12:00:00Z",
                }],
                "timeline": [
                    { "at": "2026-01-31T12:00:00Z", "event": "created" },
                    { "at": "2026-01-31T12:00:00Z", "event": "sms.queued" },
                    { "at": "2026-01-31T12:00:00Z", "event": "sms.sent" },
                ],
            })
        );
    }

    async fn an_approved_verification_tells_its_whole_story(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        status_when_sent(&app, &id).await;
        app.advance(10);
        app.verify(&id, app.wrong_code()).await.problem(422, "wrong_code");
        app.advance(20);
        assert_eq!(app.post("/otp/send", json!({ "to": NUMBER })).await.status, 200);
        status_when_sent(&app, &id).await;
        app.advance(5);
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
        let delivery = |cause: &str, at: &str| {
            json!({ "channel": "sms", "status": "sent", "cause": cause, "created_at": at, "sent_at": at })
        };
        assert_eq!(
            app.status(&id).await,
            json!({
                "id": id,
                "status": "approved",
                "to": "+351*******78",
                "channel": "sms",
                "purpose": "login",
                "delivery": { "channel": "sms", "status": "sent" },
                "attempts_left": 4,
                "created_at": "2026-01-31T12:00:00Z",
                "expires_at": "2026-01-31T12:05:00Z",
                "approved_at": "2026-01-31T12:00:35Z",
                "ended_at": "2026-01-31T12:00:35Z",
                "deliveries": [delivery("send", "2026-01-31T12:00:00Z"), delivery("resend", "2026-01-31T12:00:30Z")],
                "timeline": [
                    { "at": "2026-01-31T12:00:00Z", "event": "created" },
                    { "at": "2026-01-31T12:00:00Z", "event": "sms.queued" },
                    { "at": "2026-01-31T12:00:00Z", "event": "sms.sent" },
                    { "at": "2026-01-31T12:00:10Z", "event": "wrong_code" },
                    { "at": "2026-01-31T12:00:30Z", "event": "sms.queued" },
                    { "at": "2026-01-31T12:00:30Z", "event": "sms.sent" },
                    { "at": "2026-01-31T12:00:35Z", "event": "approved" },
                ],
            })
        );
    }

    async fn a_code_is_good_until_its_time_is_over(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        app.advance(299);
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn a_code_is_dead_once_its_time_is_over(database) {
        let app = TestApp::with(database, |config| {
            config.tenants[0].policy.code.ttl = Duration::from_secs(90);
        })
        .await;
        let id = app.send().await;
        status_when_sent(&app, &id).await;
        app.advance(91);
        app.verify(&id, &app.code()).await.problem(410, "expired");
        let status = app.status(&id).await;
        assert_eq!(
            (&status["status"], &status["ended_at"], &status["attempts_left"]),
            (&json!("expired"), &json!("2026-01-31T12:01:30Z"), &json!(5))
        );
        assert_eq!(status.get("resend_after"), None);
    }

    async fn a_verification_can_be_canceled_and_saying_it_twice_changes_nothing(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        let code = app.code();
        status_when_sent(&app, &id).await;
        app.advance(7);
        let canceled = cancel(&app, &id).await;
        assert_eq!(canceled.status, 200, "{}", canceled.text);
        let body = canceled.json();
        assert_eq!((&body["status"], &body["ended_at"]), (&json!("canceled"), &json!("2026-01-31T12:00:07Z")));
        assert_eq!(body["timeline"][3], json!({ "at": "2026-01-31T12:00:07Z", "event": "canceled" }));
        assert_eq!(body, app.status(&id).await);
        app.advance(1);
        let again = Answer::of(app.request(Method::POST, &format!("/otp/{id}/cancel"))).await;
        assert_eq!((again.status, again.json()), (200, body));
        app.verify(&id, &code).await.problem(410, "canceled");
    }

    async fn what_has_ended_cannot_be_canceled(database) {
        let app = TestApp::spawn(database).await;
        let approved = app.send().await;
        assert_eq!(app.verify(&approved, &app.code()).await.status, 200);
        let spent = app.send_to("+351912345601").await;
        for _ in 0..5 {
            app.verify(&spent, "123456789").await.problem(422, "wrong_code");
        }
        cancel(&app, &spent).await.problem(410, "max_attempts_reached");
        let overdue = app.send_to("+351912345602").await;
        status_when_sent(&app, &overdue).await;
        app.advance(301);
        cancel(&app, &overdue).await.problem(410, "expired");
        let body = cancel(&app, &approved).await.problem(409, "already_approved");
        assert_eq!(body["approved_at"], "2026-01-31T12:00:00Z");
        assert_eq!(app.status(&approved).await["status"], "approved");
    }

    async fn what_is_another_tenants_does_not_exist(database) {
        let app = TestApp::with(database, |config| config.tenants.push(tenant("other"))).await;
        let id = app.send().await;
        let before = status_when_sent(&app, &id).await;
        let stranger = app.key_of("other", &[Scope::Send, Scope::Verify, Scope::Read]).await;
        for _ in 0..6 {
            for code in [app.code().as_str(), app.wrong_code()] {
                let check = json!({ "id": id, "code": code });
                app.post_as(&stranger, "/otp/verify", check).await.problem(404, "no_such_verification");
                let check = json!({ "to": NUMBER, "code": code });
                app.post_as(&stranger, "/otp/verify", check).await.problem(404, "no_such_verification");
            }
        }
        app.post_as(&stranger, &format!("/otp/{id}/cancel"), json!({})).await.problem(404, "no_such_verification");
        let status = app.http.get(format!("{}/otp/{id}", app.base)).bearer_auth(&stranger);
        Answer::of(status).await.problem(404, "no_such_verification");
        assert_eq!(app.status(&id).await, before);
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn an_id_that_is_none_names_nothing(database) {
        let app = TestApp::spawn(database).await;
        let real = app.send().await;
        let other = format!("{}{}", &real[..33], if real.ends_with('A') { 'B' } else { 'A' });
        for id in ["otp_", "otp_000000000000000000000000000000", "x", &other] {
            app.verify(id, "123456").await.problem(404, "no_such_verification");
            app.get(&format!("/otp/{id}")).await.problem(404, "no_such_verification");
            cancel(&app, id).await.problem(404, "no_such_verification");
        }
    }

    async fn a_code_can_be_checked_by_number_which_means_the_youngest_of_its_purpose(database) {
        let app = TestApp::spawn(database).await;
        let by_number = async |purpose: &str, code: &str| {
            app.post("/otp/verify", json!({ "to": NUMBER, "purpose": purpose, "code": code })).await
        };
        by_number("login", "123456").await.problem(404, "no_such_verification");
        let first = app.send().await;
        let first_code = app.code();
        assert_eq!(cancel(&app, &first).await.status, 200);
        by_number("login", &first_code).await.problem(410, "canceled");
        app.advance(1);
        let second = app.send().await;
        let second_code = app.code();
        by_number("login", &first_code).await.problem(422, "wrong_code");
        by_number("payment", &second_code).await.problem(404, "no_such_verification");
        let payment = app.post("/otp/send", json!({ "to": NUMBER, "purpose": "payment" })).await.json();
        let approved = by_number("payment", &app.code()).await;
        assert_eq!((approved.status, &approved.json()["id"]), (200, &payment["id"]));
        // Without a purpose it is a login.
        let approved = app.post("/otp/verify", json!({ "to": NUMBER, "code": second_code })).await;
        assert_eq!((approved.status, approved.json()["id"].as_str()), (200, Some(second.as_str())));
        by_number("login", &second_code).await.problem(409, "already_approved");
    }

    async fn an_id_and_a_number_together_are_not_allowed_and_cost_nothing(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        let both = json!({ "id": id, "to": NUMBER, "code": app.code() });
        let fault = json!({ "pointer": "#/to", "code": "not_allowed", "detail": "stands in place of `id`, not beside it" });
        let answer = app.post("/otp/verify", both).await;
        assert_eq!(answer.problem(422, "invalid_request")["errors"], json!([fault]));
        assert_eq!(app.status(&id).await["attempts_left"], 5);
    }

    async fn a_verification_of_which_nothing_was_ever_sent_has_failed_at_the_end_of_its_life(database) {
        let app = TestApp::spawn(database).await;
        app.simulator.answer_sends(Platform::ServerError, None);
        let answer = app.post("/otp/send", json!({ "to": NUMBER })).await;
        assert_eq!((answer.status, &answer.json()["delivery"]["status"]), (202, &json!("queued")));
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        app.advance(299);
        assert_eq!(app.status(&id).await["status"], "pending");
        app.advance(1);
        let failed = app.verify(&id, "123456").await.problem(410, "failed");
        assert_eq!(failed["reason"], "not_deliverable");
        cancel(&app, &id).await.problem(410, "failed");
        app.eventually_within(60, "the delivery ends, too", async |app| app.status(&id).await["delivery"]["status"] == "failed").await;
        let status = app.status(&id).await;
        assert_eq!(
            (&status["status"], &status["reason"], &status["ended_at"]),
            (&json!("failed"), &json!("not_deliverable"), &json!("2026-01-31T12:05:00Z"))
        );
        assert!(app.simulator.texts(NUMBER).is_empty());
    }

    async fn what_nobody_asks_about_ends_all_the_same_and_its_code_is_erased(database) {
        let app = TestApp::spawn(database).await;
        let id = Id::parse(&app.send().await).unwrap();
        let store = app.store().await;
        let secrets = async || {
            let found = store.snapshot(TENANT, id).await.unwrap().unwrap();
            (found.verification.code_hash.is_some(), found.deliveries[0].sealed.is_some())
        };
        assert_eq!(secrets().await, (true, true));
        let end = app.clock.now().plus(Duration::from_mins(5));
        let overdue = async || store.overdue(Timestamp::default(), end, 10).await.unwrap();
        assert_eq!(overdue().await.pending, [(id, end)]);
        app.advance(300);
        app.eventually_within(60, "the sweeper has ended it", async |_| overdue().await.pending.is_empty()).await;
        assert_eq!(secrets().await, (false, false));
        store.close().await;
    }

    async fn what_was_counted_is_deleted_when_it_says_nothing_any_more(database) {
        let day = Rate { count: 5, window: Duration::from_hours(24) };
        let app = TestApp::with(database, |config| config.tenants[0].policy.limits.per_number = vec![day]).await;
        let rows = async |app: &TestApp, table: &str| app.place.count(&format!("select count(*) from {table}")).await;
        let id = app.send().await;
        app.verify(&id, app.wrong_code()).await;
        assert!(0 < rows(&app, "counters").await && rows(&app, "budgets").await == 1);
        app.advance(25 * 3600);
        app.eventually_within(60, "no limit counts it", async |app| rows(app, "counters").await == 0).await;
        assert_eq!(rows(&app, "budgets").await, 1, "failures are remembered for longer");
        app.advance(30 * 24 * 3600);
        app.eventually_within(60, "nor is the failure remembered", async |app| rows(app, "budgets").await == 0).await;
    }

    async fn what_has_ended_is_deleted_after_its_retention(database) {
        let app = TestApp::with(database, |config| {
            config.tenants[0].policy.retention = Duration::from_hours(1);
        })
        .await;
        let approved = app.send().await;
        assert_eq!(app.verify(&approved, &app.code()).await.status, 200);
        app.send_to("+351912345601").await;
        app.advance(3600 - 120);
        let pending = app.send_to("+351912345602").await;
        assert_eq!(app.status(&approved).await["status"], "approved");
        app.eventually_within(600, "it is deleted", async |app| app.get(&format!("/otp/{approved}")).await.status == 404)
            .await;
        app.verify(&approved, "123456").await.problem(404, "no_such_verification");
        let kept = app.status(&pending).await;
        assert!(kept["status"] == "pending" || kept["status"] == "expired", "{kept}");
        app.advance(3600);
        let store = app.store().await;
        app.eventually_within(600, "nothing is left", async |_| store.tenants_with_verifications().await.unwrap().is_empty())
            .await;
        store.close().await;
    }

    async fn what_could_only_be_ended_late_is_deleted_all_the_same(database) {
        let app = TestApp::with(database, |config| {
            config.tenants[0].policy.retention = Duration::from_hours(1);
        })
        .await;
        let (unreadable, other) = (app.send().await, app.send_to("+351912345601").await);
        let rows = async |app: &TestApp| app.place.count("select count(*) from verifications").await;
        app.place.change("update verifications set channel = 'pigeon' where to_masked like '%78'").await;
        app.advance(2 * 3600);
        app.eventually_within(600, "the other is deleted", async |app| app.get(&format!("/otp/{other}")).await.status == 404)
            .await;
        app.advance(2 * 3600);
        assert_eq!(rows(&app).await, 1);
        app.place.change("update verifications set channel = 'sms'").await;
        app.eventually_within(600, "so is this one", async |app| rows(app).await == 0).await;
        app.verify(&unreadable, "123456").await.problem(404, "no_such_verification");
    }
}
