//! A PostgreSQL that says nothing any more and closes nothing, or takes long over everything.

use std::time::Duration;

use countersign::{config::Config, simulator::Answer as Fault};
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::time::Instant;

use super::cable::Cable;
use crate::{
    app::{Answer, SLACK, TestApp},
    database::Database,
    errors::body,
};

/// Longer than anybody waits for an answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10).saturating_add(SLACK);
/// Who watches over the service is not that patient.
const WATCHED_WITHIN: Duration = Duration::from_secs(8);
/// How soon after the database all is well.
const RECOVERY: Duration = Duration::from_secs(5).saturating_add(SLACK);

async fn by_cable() -> (TestApp, Cable) {
    by_cable_with(|_| {}).await
}

/// A service, and the cable to its database.
pub(super) async fn by_cable_with(change: impl FnOnce(&mut Config)) -> (TestApp, Cable) {
    let mut cable = None;
    let app = TestApp::with(Database::Postgres, |config| {
        change(config);
        cable = Some(Cable::lay(config));
    })
    .await;
    (app, cable.unwrap())
}

fn timed<'a>(
    answer: impl Future<Output = Answer> + Send + 'a,
) -> BoxFuture<'a, (Answer, Duration)> {
    let start = Instant::now();
    Box::pin(async move { (answer.await, start.elapsed()) })
}

async fn metrics(app: &TestApp) -> Answer {
    Answer::of(app.http.get(format!("{}/metrics", app.admin))).await
}

/// All that can be asked, asked at once: nobody waits long, and everybody is told.
async fn everybody_is_told(app: &TestApp, id: &str) {
    let (code, send) = (app.code(), json!({ "to": "+351912345679" }));
    let (cancel, status) = (format!("/otp/{id}/cancel"), format!("/otp/{id}"));
    let (send, right, wrong, cancel, status, ready, metrics) = tokio::join!(
        timed(app.post("/otp/send", send)),
        timed(app.verify(id, &code)),
        timed(app.verify(id, app.wrong_code())),
        timed(app.post(&cancel, json!({}))),
        timed(app.get(&status)),
        timed(app.get("/readyz")),
        timed(metrics(app)),
    );
    assert_eq!(metrics.0.status, 200);
    assert!(
        ready.1 < WATCHED_WITHIN && metrics.1 < WATCHED_WITHIN,
        "{:?} and {:?}",
        ready.1,
        metrics.1
    );
    for (answer, took) in [send, right, wrong, cancel, status, ready] {
        body(&answer, 503, "unavailable");
        assert!(1 <= answer.retry_after());
        assert!(took < ANSWERED_WITHIN, "it took {took:?}");
    }
}

/// What was sent before is approved once, what waited is handed over once, and what is new is sent.
async fn all_is_well_again(app: &TestApp, id: &str, waiting: &str) {
    let back = Instant::now();
    app.eventually("it is ready again", async |app| {
        app.get("/readyz").await.status == 200
    })
    .await;
    assert!(back.elapsed() < RECOVERY, "it took {:?}", back.elapsed());
    let (new, took) = timed(app.post("/otp/send", json!({ "to": "+351912345679" }))).await;
    assert_eq!(new.status, 201, "{}", new.text);
    assert!(took < RECOVERY, "it took {took:?}");
    assert_eq!(app.status(id).await["attempts_left"], 5);
    let code = app.code();
    let checks = (0..4).map(|_| app.verify(id, &code));
    let checks = futures_util::future::join_all(checks).await;
    let mut statuses: Vec<_> = checks.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409]);
    app.eventually_within(60, "what waited is handed over", async |app| {
        let status = app.status(waiting).await;
        status["delivery"]["status"] == "sent"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_falls_silent_keeps_nobody_waiting_and_is_taken_up_again() {
    let (app, cable) = by_cable().await;
    let id = app.send().await;
    // This one waits in the outbox.
    app.simulator.answer_sends(Fault::ServerError, None);
    let waiting = app
        .post("/otp/send", json!({ "to": "+351912345670" }))
        .await;
    assert_eq!(waiting.status, 202, "{}", waiting.text);
    let waiting = waiting.id();
    app.simulator.answer_sends(Fault::Ok, None);
    assert_eq!(app.get("/readyz").await.status, 200);
    let sent = app.simulator.requests().posts;

    cable.cut();
    // What was seen less than a second ago is taken to be so, and the outbox is looked at.
    app.advance(1);
    // More often than there are connections.
    for _ in 0..4 {
        everybody_is_told(&app, &id).await;
    }
    assert_eq!(app.simulator.requests().posts, sent);

    cable.mend();
    all_is_well_again(&app, &id, &waiting).await;
    app.eventually("no connection is kept by what is over", async |app| {
        app.advance(6);
        let metrics = metrics(app).await.text;
        let is_idle = |pool| {
            let line =
                format!("countersign_database_connections{{pool=\"{pool}\",state=\"busy\"}} 0");
            metrics.lines().any(|found| found == line)
        };
        is_idle("writers") && is_idle("readers")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_slow_database_is_waited_for_and_one_that_is_too_slow_is_not() {
    let (app, cable) = by_cable().await;
    let id = app.send().await;
    cable.lengthen(Duration::from_millis(40));
    app.send_to("+351912345671").await;
    assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    assert_eq!(app.status(&id).await["status"], "approved");

    cable.lengthen(Duration::from_secs(1));
    app.advance(1);
    let second = app.code_at("+351912345671");
    everybody_is_told(&app, &id).await;
    assert!(app.simulator.texts("+351912345679").is_empty());

    cable.lengthen(Duration::ZERO);
    app.eventually("sends are taken again", async |app| {
        let answer = app
            .post("/otp/send", json!({ "to": "+351912345672" }))
            .await;
        answer.status == 201
    })
    .await;
    let check = json!({ "to": "+351912345671", "code": second });
    assert_eq!(app.post("/otp/verify", check).await.status, 200);
}
