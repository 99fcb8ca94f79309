//! `kill -9` of PostgreSQL, under load: the service needs no restart.

use std::{fs, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    SLACK,
    cluster::Cluster,
    countersign, eventually, finish,
    load::Load,
    service::{Restcomm, Service, Settings},
};

/// For how long it is away: shorter than a caller waits for an answer, and longer.
const AWAY: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(700),
    Duration::from_secs(22),
];
/// How long a caller may wait for an answer: behind batches that wait for the database, and in one.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10).saturating_add(SLACK);
/// How soon after the database sends must be taken again.
const RECOVERY: Duration = Duration::from_secs(5).saturating_add(SLACK);

#[tokio::test(flavor = "multi_thread")]
async fn a_service_outlives_the_sudden_death_of_its_database_and_keeps_every_promise() {
    let database = Cluster::start().await;
    let restcomm = Arc::new(Restcomm::start().await);
    let mut service = Service::start(&Settings::new(&database.url(), &restcomm)).await;
    let running = Load::start(&service.client, &restcomm, 16);
    for away in AWAY {
        sleep(Duration::from_millis(rand::random_range(300..1200))).await;
        database.kill().await;
        sleep(away).await;
        database.run().await;
        let back = Instant::now();
        eventually("sends are taken again", RECOVERY, async || {
            running.load.last_created().is_some_and(|last| back < last)
        })
        .await;
    }
    let load = running.stop().await;
    let slowest = load.slowest();
    assert!(slowest < ANSWERED_WITHIN, "an answer took {slowest:?}");
    let ended = service.process.status();
    assert_eq!(ended, None, "it is still the same process");
    let verdict = load.judge(&database.url()).await;
    assert!(50 < verdict.promised, "{verdict:?}");
    assert!(0 < verdict.unanswered, "{verdict:?}");
    assert_eq!(verdict.failed, 0, "{verdict:?}");
    assert_eq!(verdict.sent_though_refused, 0, "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_a_service_says_503_and_is_not_ready() {
    let database = Cluster::start().await;
    let restcomm = Restcomm::start().await;
    let service = Service::start(&Settings::new(&database.url(), &restcomm)).await;
    let id = service.client.sent("+351912345678").await;
    database.kill().await;

    // It may say what it saw up to a second ago.
    eventually("it is not ready", RECOVERY, async || {
        service.client.readiness().await == Some(503)
    })
    .await;
    let send = service.client.send("+351912345679").await.unwrap();
    let check = service.client.verify(&id, "000000").await.unwrap();
    for answer in [send, check] {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "unavailable")
        );
        assert!(1 <= answer.retry_after());
    }

    database.run().await;
    eventually("it is ready again", RECOVERY, async || {
        service.client.readiness().await == Some(200)
    })
    .await;
    assert_eq!(restcomm.texts("+351912345679").await, [""; 0]);
    let code = restcomm.code("+351912345678").await;
    assert_eq!(service.client.verify(&id, &code).await.unwrap().status, 200);

    let demand = "host all all 127.0.0.1/32 scram-sha-256\n";
    fs::write(database.data.join("pg_hba.conf"), demand).unwrap();
    assert!(database.command("pg_ctl", &["reload"]).status.success());
    let url = database
        .url()
        .replace("postgres@", "postgres:hunter2-hunter2@");
    let mut migrate = countersign(&["migrate"]);
    migrate.env("COUNTERSIGN__DATABASE__URL", &url);
    let said = finish(migrate).await.failed();
    assert!(said.contains("password authentication failed"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}
