//! What is overdue ends, whatever comes between.

use std::time::Duration;

use crate::{
    app::{TestApp, on_both},
    lifecycle::status_when_sent,
};

on_both! {
    async fn a_verification_that_cannot_be_read_keeps_no_other_from_ending_and_ends_when_it_can(database) {
        let app = TestApp::spawn(database).await;
        let (damaged, other) = (app.send().await, app.send_to("+351912345602").await);
        for id in [&damaged, &other] {
            status_when_sent(&app, id).await;
        }
        app.place.change("update verifications set channel = 'x' || channel where to_masked = '+351*******78'").await;
        app.advance(300);
        let codes = async |app: &TestApp| app.place.count("select count(code_hash) from verifications").await;
        app.eventually_within(60, "the other has ended", async |app| codes(app).await == 1).await;
        app.place.change("update verifications set channel = 'sms'").await;
        app.advance(60);
        app.eventually_within(60, "it has ended, too", async |app| codes(app).await == 0).await;
        assert_eq!(app.status(&damaged).await["status"], "expired");
    }

    /// By a replica whose clock is behind, and that took long to commit: the others have looked beyond that already.
    async fn what_was_written_after_it_had_expired_ends_all_the_same(database) {
        let app = TestApp::spawn(database).await;
        let first = app.send().await;
        status_when_sent(&app, &first).await;
        app.advance(120);
        let late = app.send_to("+351912345602").await;
        status_when_sent(&app, &late).await;
        app.advance(180);
        let codes = async |app: &TestApp| app.place.count("select count(code_hash) from verifications").await;
        app.eventually_within(60, "the first has ended", async |app| codes(app).await == 1).await;
        let expired = app.clock.now().minus(Duration::from_secs(10)).as_millis();
        app.place.change(&format!("update verifications set expires_at = {expired} where code_hash is not null")).await;
        app.advance(60);
        app.eventually_within(60, "the other has, too", async |app| codes(app).await == 0).await;
    }

    async fn after_a_restart_overdue_verifications_are_looked_for_where_all_had_ended(database) {
        let mut app = TestApp::spawn(database).await;
        let first = app.send().await;
        status_when_sent(&app, &first).await;
        app.advance(300);
        let passed = async |app: &TestApp| {
            let sql = "select count(*) from verifications, ended where code_hash is null and expires_at < until";
            app.place.count(sql).await
        };
        app.eventually_within(120, "it is noted that it has ended", async |app| passed(app).await == 1).await;
        let second = app.send().await;
        status_when_sent(&app, &second).await;
        app.stop().await;
        app.clock.advance(Duration::from_hours(1));
        // The first is as if it had never ended: nobody looks there any more.
        app.place.change("update verifications set status = 'pending', code_hash = number_index, version = version + 1").await;
        app.restart_with(|_| {}).await.unwrap();
        let codes = async |app: &TestApp| app.place.count("select count(code_hash) from verifications").await;
        app.eventually_within(60, "the second has ended", async |app| codes(app).await == 1).await;
        let first = "select count(*) from verifications where code_hash is not null and expires_at = (select min(expires_at) from verifications)";
        assert_eq!(app.place.count(first).await, 1);
    }

    /// As in a database that was put back to an earlier state.
    async fn what_was_passed_over_ends_within_a_day(database) {
        let week = Duration::from_hours(24 * 7);
        let app = TestApp::with(database, |config| config.tenants[0].policy.retention = week).await;
        let id = app.send().await;
        status_when_sent(&app, &id).await;
        app.advance(2 * 3600);
        let codes = async |app: &TestApp| app.place.count("select count(code_hash) from verifications").await;
        app.eventually_within(60, "it has ended", async |app| codes(app).await == 0).await;
        app.advance(60);
        app.eventually_within(60, "that is noted", async |app| {
            app.place.count("select count(*) from verifications, ended where expires_at < until").await == 1
        })
        .await;
        let put_back = "update verifications set status = 'pending', code_hash = number_index, ended_at = null, version = version + 1";
        app.place.change(put_back).await;
        app.clock.advance(Duration::from_hours(25));
        app.eventually_within(60, "it has ended again", async |app| codes(app).await == 0).await;
        let rows = async |app: &TestApp| app.place.count("select count(*) from verifications").await;
        assert_eq!(rows(&app).await, 1);
        // In the end it is deleted like any other.
        app.clock.advance(week);
        app.eventually_within(60, "it is deleted", async |app| rows(app).await == 0).await;
    }

    /// The walk that deletes has been where it was born, and it was pending then.
    async fn what_ended_late_is_deleted_although_the_walk_that_deletes_has_passed_it(database) {
        let hour = Duration::from_hours(1);
        let app = TestApp::with(database, |config| config.tenants[0].policy.retention = hour).await;
        let rows = async |app: &TestApp| app.place.count("select count(*) from verifications").await;
        // The daily look comes soon after the start: when the second is deleted, it is over.
        for number in ["+351912345603", "+351912345604"] {
            let elder = app.send_to(number).await;
            status_when_sent(&app, &elder).await;
            app.advance(2 * 3600);
            app.eventually_within(60, "it is deleted", async |app| rows(app).await == 0).await;
        }
        let passed_over = app.send().await;
        status_when_sent(&app, &passed_over).await;
        app.advance(600);
        let codes = async |app: &TestApp| app.place.count("select count(code_hash) from verifications").await;
        app.eventually_within(60, "it has ended", async |app| codes(app).await == 0).await;
        app.place.change("update verifications set status = 'pending', code_hash = number_index, ended_at = null, version = version + 1").await;
        // Another one, three hours younger, is deleted: whatever is older than that has been looked at.
        app.advance(3 * 3600);
        let younger = app.send_to("+351912345602").await;
        status_when_sent(&app, &younger).await;
        app.advance(600);
        app.eventually_within(60, "the younger has ended", async |app| codes(app).await == 1).await;
        app.advance(60);
        app.eventually_within(60, "that is noted", async |app| {
            app.place.count("select count(*) from verifications, ended where expires_at < until").await == 2
        })
        .await;
        app.advance(3600);
        app.eventually_within(60, "the younger is deleted", async |app| rows(app).await == 1).await;
        assert_eq!(codes(&app).await, 1);
        // The next walk begins behind the one that was passed over. But first comes the daily look.
        app.clock.advance(Duration::from_hours(24));
        app.eventually_within(60, "it has ended again", async |app| codes(app).await == 0).await;
        app.advance(2 * 3600);
        app.eventually_within(60, "it is deleted, too", async |app| rows(app).await == 0).await;
    }
}
