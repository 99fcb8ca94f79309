//! What a replica of the version before does to a verification whose code stands in columns that it does not know.

use std::time::Duration;

use countersign::domain::{delivery::LEASE, id::Id};
use serde_json::json;

use super::rolling::Before;
use crate::{
    app::{NOON, NUMBER, TestApp, on_both},
    fallback::noted,
    outbox::long_after,
};

/// Copies of code and number, in the rows of deliveries and of verifications.
async fn sealed(app: &TestApp) -> (i64, i64) {
    let of_deliveries = app.place.count("select count(sealed) from deliveries");
    let of_verifications = app.place.count("select count(sealed) from verifications");
    (of_deliveries.await, of_verifications.await)
}

async fn asked_for(app: &TestApp) -> i64 {
    app.place
        .count("select count(ask_at) from verifications")
        .await
}

/// Ends all verifications as the version before does: naming the columns that it knows.
async fn end_all(app: &TestApp, status: &str, after: Duration) {
    let at = app.clock.now().plus(after).as_millis();
    app.place
        .change(&format!(
            "update verifications set status = '{status}', code_hash = null, ended_at = {at}, version = version + 1"
        ))
        .await;
}

on_both! {
    async fn what_the_version_before_ends_keeps_no_sealed_copy(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        noted(&app, &id).await;
        assert_eq!((sealed(&app).await, asked_for(&app).await), ((0, 1), 1));
        end_all(&app, "approved", Duration::ZERO).await;
        assert_eq!((sealed(&app).await, asked_for(&app).await), ((0, 0), 0));
        app.verify(&id, &app.code()).await.problem(409, "already_approved");
    }

    async fn what_the_version_before_lets_expire_is_still_asked_for(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        noted(&app, &id).await;
        end_all(&app, "expired", Duration::from_hours(1)).await;
        assert_eq!((sealed(&app).await, asked_for(&app).await), ((0, 0), 1));
    }

    /// Its message waits for its next try when this version ends the verification.
    async fn what_the_version_before_sends_again_is_not_sent_any_more_after_the_end(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        noted(&app, &id).await;
        let before = Before::on(&app, database, &id).await;
        let latest = before.literal(Id::new(NOON, [9; 16]));
        let due = app.clock.now().plus(LEASE).as_millis();
        let other = [
            ("id", latest.clone()),
            ("stage", "'waiting'".to_owned()),
            ("status", "'queued'".to_owned()),
            ("sealed", latest.clone()),
            ("due_at", due.to_string()),
            ("sid", "null".to_owned()),
            ("sent_at", "null".to_owned()),
        ];
        let copy = before.copy("deliveries", &before.delivery, "verification", &other);
        app.place.change(&copy).await;
        app.place
            .change(&format!("update verifications set delivery = {latest}, sends = 2, version = version + 1"))
            .await;
        assert_eq!((sealed(&app).await, asked_for(&app).await), ((1, 0), 0));
        let canceled = app.post(&format!("/otp/{id}/cancel"), json!({})).await;
        assert_eq!(canceled.status, 200, "{}", canceled.text);
        assert_eq!(sealed(&app).await, (0, 0));
        app.clock.advance(LEASE);
        long_after(&app).await;
        assert_eq!(app.simulator.texts(NUMBER).len(), 1);
    }
}
