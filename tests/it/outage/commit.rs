//! A commit whose answer never comes: nobody knows what became of it.

use countersign::config::Config;
use reqwest::Method;
use serde_json::json;

use super::{cable::Cable, silence::by_cable_with};
use crate::{
    app::{Answer, TestApp},
    outbox::{long_after, once_an_hour},
};

/// As it is said, to its end: whoever connects also says `synchronous_commit=on`.
const COMMIT: &str = "commit\0";
/// Rows of the send that was doubtful.
const BEGUN: &str = "select count(*) from verifications where status = 'pending'";
const TAKEN_BACK: &str = "select count(*) from verifications where status = 'canceled'";

/// A service that has nothing to write by itself: what is committed next is what a caller wants.
async fn calm(change: impl FnOnce(&mut Config)) -> (TestApp, Cable) {
    let (app, cable) = by_cable_with(change).await;
    app.eventually("it has swept for the first time", async |_| {
        cable.heard(&["delete from counters", COMMIT, "COMMIT"])
    })
    .await;
    (app, cable)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_send_whose_commit_was_not_answered_is_answered_when_it_is_found_in_time() {
    let (app, cable) = calm(once_an_hour).await;
    cable.cut_after(COMMIT);
    let (id, ()) = tokio::join!(app.send(), async {
        app.eventually("it is committed", async |app| {
            app.place.count(BEGUN).await == 1
        })
        .await;
        cable.mend();
    });
    assert_eq!(app.simulator.requests().posts, 1);
    assert_eq!(app.verify(&id, &app.code()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_send_that_was_answered_with_503_is_taken_back_though_it_was_committed() {
    let (app, cable) = calm(once_an_hour).await;
    let number = json!({ "to": "+351912345679" });
    cable.cut_after(COMMIT);
    let send = app.post("/otp/send", number.clone()).await;
    send.problem(503, "unavailable");
    assert_eq!(app.place.count(BEGUN).await, 1);

    cable.mend();
    app.eventually("it is taken back", async |app| {
        app.place.count(TAKEN_BACK).await == 1
    })
    .await;
    assert_eq!(app.place.count(BEGUN).await, 0);
    long_after(&app).await;
    assert_eq!(app.simulator.requests().posts, 0);
    // It counts against no limit.
    let again = app.post("/otp/send", number).await;
    assert_eq!(again.status, 201, "{}", again.text);
    assert_eq!(app.simulator.texts("+351912345679").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_repeatable_send_that_was_answered_with_503_is_found_by_its_repeat() {
    let (app, cable) = calm(once_an_hour).await;
    let send = async || {
        let request = app
            .request(Method::POST, "/otp/send")
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", "\"order-17\"")
            .body(json!({ "to": "+351912345679" }).to_string());
        Answer::of(request).await
    };
    cable.cut_after(COMMIT);
    send().await.problem(503, "unavailable");
    cable.mend();
    app.eventually("it is there", async |app| app.place.count(BEGUN).await == 1)
        .await;
    app.advance(3);
    let again = send().await;
    assert_eq!(again.status, 202, "{}", again.text);
    long_after(&app).await;
    assert_eq!(app.simulator.texts("+351912345679").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_check_whose_commit_was_not_answered_approves_once() {
    let (app, cable) = calm(|_| {}).await;
    let id = app.send().await;
    app.eventually("the send is recorded", async |app| {
        app.status(&id).await["delivery"]["status"] == "sent"
    })
    .await;
    let code = app.code();
    cable.cut_after(COMMIT);
    let check = app.verify(&id, &code).await;
    check.problem(503, "unavailable");
    cable.mend();
    app.eventually("it is ready again", async |app| {
        app.get("/readyz").await.status == 200
    })
    .await;
    let again = app.verify(&id, &code).await;
    let body = again.problem(409, "already_approved");
    assert!(body["approved_at"].is_string());
}
