//! A SQLite file that another process has locked, or that somebody took away, under load.

use std::{fs, sync::Arc, time::Duration};

use futures_util::future::join_all;
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tokio::time::{Instant, sleep};

use super::{
    SLACK, eventually,
    load::Load,
    service::{Restcomm, Service, Settings},
};
use crate::database::Database;

/// Longer than a caller waits for an answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10).saturating_add(SLACK);
/// How soon after the database sends must be taken again.
const RECOVERY: Duration = Duration::from_secs(5).saturating_add(SLACK);
/// More than fit into one batch, and into two.
const CALLERS: u32 = 600;

#[tokio::test(flavor = "multi_thread")]
async fn while_another_process_has_a_sqlite_file_locked_everybody_is_soon_told() {
    let place = Database::Sqlite.create().await;
    let restcomm = Restcomm::start().await;
    let service = Service::start(&Settings::new(&place.url, &restcomm)).await;
    let client = &service.client;
    let id = client.sent("+351912345678").await;
    client.until_sent(&id).await;
    let code = restcomm.code("+351912345678").await;

    let mut other = SqliteConnection::connect(&place.url).await.unwrap();
    other.execute("begin exclusive").await.unwrap();
    // It may say what it saw up to a second ago.
    eventually("it is not ready", RECOVERY, async || {
        client.readiness().await == Some(503)
    })
    .await;
    let numbers: Vec<_> = (0..CALLERS).map(|n| format!("+3519200{n:05}")).collect();
    let sends = numbers.iter().map(|number| async {
        let start = Instant::now();
        (client.send(number).await.unwrap(), start.elapsed())
    });
    let (sends, check, ready) = tokio::join!(
        join_all(sends),
        client.verify(&id, &code),
        client.readiness()
    );
    for (answer, took) in sends {
        answer.problem(503, "unavailable");
        assert!(1 <= answer.retry_after());
        assert!(took < ANSWERED_WITHIN, "it took {took:?}");
    }
    check.unwrap().problem(503, "unavailable");
    assert_eq!(ready, Some(503));
    // Readers do not wait for who writes.
    assert_eq!(client.status(&id).await["attempts_left"], 5);

    other.execute("rollback").await.unwrap();
    eventually("it is ready again", RECOVERY, async || {
        client.readiness().await == Some(200)
    })
    .await;
    for number in &numbers {
        assert_eq!(restcomm.texts(number).await, [""; 0], "{number}");
    }
    let checks = join_all((0..3).map(|_| client.verify(&id, &code))).await;
    let approved = checks
        .iter()
        .flatten()
        .filter(|answer| answer.status == 200);
    assert_eq!(approved.count(), 1);
    client.sent(&numbers[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_outlives_locks_and_the_loss_of_its_sqlite_file_and_keeps_every_promise() {
    let place = Database::Sqlite.create().await;
    let restcomm = Arc::new(Restcomm::start().await);
    let mut service = Service::start(&Settings::new(&place.url, &restcomm)).await;
    let running = Load::start(&service.client, &restcomm, 16);
    let path = place.url.strip_prefix("sqlite://").unwrap();
    let directory = std::path::Path::new(path).parent().unwrap();
    let aside = directory.with_extension("aside");
    for round in 0..3 {
        sleep(Duration::from_millis(rand::random_range(300..1200))).await;
        match round {
            0 => {
                let mut other = SqliteConnection::connect(&place.url).await.unwrap();
                other.execute("begin immediate").await.unwrap();
                sleep(Duration::from_secs(7)).await;
                other.execute("rollback").await.unwrap();
            }
            // The file alone, and the directory that it is in.
            1 => {
                let aside = format!("{path}.aside");
                fs::rename(path, &aside).unwrap();
                sleep(Duration::from_secs(1)).await;
                fs::rename(&aside, path).unwrap();
            }
            _ => {
                fs::rename(directory, &aside).unwrap();
                sleep(Duration::from_secs(1)).await;
                fs::rename(&aside, directory).unwrap();
            }
        }
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
    let verdict = load.judge(&place.url).await;
    assert!(50 < verdict.promised, "{verdict:?}");
    assert!(0 < verdict.unanswered, "{verdict:?}");
    assert_eq!(verdict.failed, 0, "{verdict:?}");
    assert_eq!(verdict.sent_though_refused, 0, "{verdict:?}");
}
