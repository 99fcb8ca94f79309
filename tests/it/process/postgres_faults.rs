//! A PostgreSQL that is stopped, that stands still, or that has no connection left, under load.

use std::{sync::Arc, time::Duration};

use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::time::{Instant, sleep};

use super::{
    PATIENCE, SLACK,
    cluster::Cluster,
    eventually,
    load::Load,
    service::{Restcomm, Service, Settings},
    signal,
};

/// Longer than a caller waits for an answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10).saturating_add(SLACK);
/// How soon after the database sends must be taken again.
const RECOVERY: Duration = Duration::from_secs(5).saturating_add(SLACK);

#[derive(Clone, Copy)]
enum Fault {
    Stop(&'static str),
    StandStill(Duration),
}

const FAULTS: [Fault; 4] = [
    Fault::Stop("fast"),
    Fault::Stop("immediate"),
    // Shorter than anybody waits, and longer.
    Fault::StandStill(Duration::from_secs(1)),
    Fault::StandStill(Duration::from_secs(22)),
];

impl Fault {
    async fn befall(self, database: &Cluster) {
        match self {
            Self::Stop(how) => {
                let stopped = database.command("pg_ctl", &["stop", "-w", "-m", how]);
                assert!(stopped.status.success(), "{stopped:?}");
                sleep(Duration::from_millis(500)).await;
                database.run().await;
            }
            Self::StandStill(time) => {
                let processes = database.processes();
                signal("STOP", &processes);
                sleep(time).await;
                signal("CONT", &processes);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_outlives_a_database_that_is_stopped_or_stands_still_and_keeps_every_promise() {
    let database = Cluster::start().await;
    let restcomm = Arc::new(Restcomm::start().await);
    let mut service = Service::start(&Settings::new(&database.url(), &restcomm)).await;
    let running = Load::start(&service.client, &restcomm, 16);
    for fault in FAULTS {
        sleep(Duration::from_millis(rand::random_range(300..1200))).await;
        fault.befall(&database).await;
        let back = Instant::now();
        eventually("sends are taken again", RECOVERY, async || {
            running.load.last_created().is_some_and(|last| back < last)
        })
        .await;
    }
    let load = running.stop().await;
    let slowest = load.slowest();
    assert!(slowest < ANSWERED_WITHIN, "an answer took {slowest:?}");
    assert_eq!(service.process.status(), None, "it is the same process");
    let verdict = load.judge(&database.url()).await;
    assert!(50 < verdict.promised, "{verdict:?}");
    assert!(0 < verdict.unanswered, "{verdict:?}");
    assert_eq!(verdict.failed, 0, "{verdict:?}");
    assert_eq!(verdict.sent_though_refused, 0, "{verdict:?}");
}

/// Takes every connection that there is.
async fn take_all(database: &Cluster, taken: &mut Vec<PgConnection>) {
    while let Ok(connection) = PgConnection::connect(&database.url()).await {
        taken.push(connection);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_a_connection_says_503_and_takes_the_first_that_it_gets() {
    let database = Cluster::with("-c max_connections=20").await;
    let restcomm = Restcomm::start().await;
    let service = Service::start(&Settings::new(&database.url(), &restcomm)).await;
    let client = &service.client;
    let id = client.sent("+351912345678").await;
    client.until_sent(&id).await;

    let mut taken = Vec::new();
    take_all(&database, &mut taken).await;
    let of_the_service = "select pg_terminate_backend(pid) from pg_stat_activity \
                          where application_name = 'countersign'";
    eventually("it has none left", PATIENCE, async || {
        taken[0].execute(of_the_service).await.unwrap();
        take_all(&database, &mut taken).await;
        client.readiness().await == Some(503)
    })
    .await;
    let code = restcomm.code("+351912345678").await;
    let start = Instant::now();
    let (send, check) = tokio::join!(client.send("+351912345679"), client.verify(&id, &code));
    assert!(start.elapsed() < ANSWERED_WITHIN, "{:?}", start.elapsed());
    for answer in [send.unwrap(), check.unwrap()] {
        answer.problem(503, "unavailable");
        assert!(1 <= answer.retry_after());
    }

    drop(taken);
    eventually("it is ready again", RECOVERY, async || {
        client.readiness().await == Some(200)
    })
    .await;
    assert_eq!(restcomm.texts("+351912345679").await, [""; 0]);
    let checks = (0..3).map(|_| client.verify(&id, &code));
    let checks = futures_util::future::join_all(checks).await;
    let approved = checks
        .iter()
        .flatten()
        .filter(|answer| answer.status == 200);
    assert_eq!(approved.count(), 1);
    client.sent("+351912345679").await;
}
