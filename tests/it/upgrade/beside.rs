//! What a replica of the version before writes, which notes with the verification when Restcomm is asked for its message.

use std::time::Duration;

use crate::{
    app::{TestApp, on_both},
    fallback::noted,
};

/// Messages that Restcomm is to be asked for, as noted with deliveries and with verifications.
async fn asks(app: &TestApp) -> (i64, i64) {
    let of_deliveries = app.place.count("select count(ask_at) from deliveries");
    let of_verifications = app.place.count("select count(ask_at) from verifications");
    (of_deliveries.await, of_verifications.await)
}

/// A message that Restcomm has, noted as the version before does.
async fn sent_by_the_version_before(app: &TestApp) -> String {
    let id = app.send().await;
    noted(app, &id).await;
    for change in [
        "update verifications set ask_at = (select d.ask_at from deliveries d where d.id = verifications.delivery)",
        "update deliveries set ask_at = null",
    ] {
        app.place.change(change).await;
    }
    assert_eq!(asks(app).await, (0, 1));
    id
}

fn polls(app: &TestApp) -> u64 {
    app.simulator.requests().polls
}

on_both! {
    async fn what_the_version_before_handed_over_is_asked_for(database) {
        let app = TestApp::spawn(database).await;
        sent_by_the_version_before(&app).await;
        app.clock.advance(Duration::from_secs(11));
        app.eventually("Restcomm is asked", async |app| polls(app) == 1).await;
        assert_eq!(asks(&app).await, (1, 0), "and once more, later");
    }

    async fn what_ended_here_of_what_the_version_before_handed_over_is_not_asked_for(database) {
        let app = TestApp::spawn(database).await;
        let id = sent_by_the_version_before(&app).await;
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
        app.clock.advance(Duration::from_secs(11));
        app.eventually("it is let go of", async |app| asks(app).await == (0, 0)).await;
        assert_eq!(polls(&app), 0);
    }
}
