//! Several replicas of a new version start at once, and each would upgrade the schema.

use futures_util::future::join_all;
use sqlx::{Connection as _, Executor as _, PgConnection, migrate::Migrate as _};

use super::{take_back, take_back_one};
use crate::{
    app::{TestApp, on_both},
    database::Database,
    log,
};

const AT_ONCE: usize = 6;

on_both! {
    async fn who_upgrades_at_the_same_time_waits_for_the_other(database) {
        for _ in 0..3 {
            let place = database.create().await;
            let mut stores = Vec::new();
            for _ in 0..AT_ONCE {
                // One after the other: SQLite begins its write-ahead log only where nobody else has the file open.
                stores.push(place.open().await);
            }
            let upgrades = stores.iter().map(|store| {
                let store = store.clone();
                tokio::spawn(async move { store.migrate().await })
            });
            for upgrade in join_all(upgrades).await {
                upgrade.unwrap().unwrap();
            }
            for store in stores {
                assert!(store.is_current().await.unwrap());
                store.close().await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_whose_schema_is_there_starts_while_another_upgrades_it_further() {
    let app = TestApp::spawn(Database::Postgres).await;
    // It is in the middle of a step.
    let mut other = PgConnection::connect(&app.place.url).await.unwrap();
    other.lock().await.unwrap();
    // Who waited for the lock would never start.
    let late = app.replica().await;
    assert_eq!(late.get("/readyz").await.status, 200);
    other.unlock().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_that_is_to_upgrade_a_busy_table_waits_its_turn_and_starts() {
    log::capture();
    let mut app = TestApp::spawn(Database::Postgres).await;
    let id = app.send().await;
    app.stop().await;
    take_back(&app, Database::Postgres).await;
    let mut reader = PgConnection::connect(&app.place.url).await.unwrap();
    let mut tx = reader.begin().await.unwrap();
    let lock = "lock table verifications in access share mode";
    (*tx).execute(lock).await.unwrap();
    let waits = || log::text().matches("schema.waits").count();
    let before = waits();
    let start = async { app.restart_with(|_| {}).await };
    let ends = async {
        crate::process::eventually("it waits", crate::process::PATIENCE, async || {
            before < waits()
        })
        .await;
        tx.commit().await.unwrap();
    };
    let (started, ()) = tokio::join!(start, ends);
    started.unwrap();
    assert_eq!(app.verify(&id, &app.code()).await.status, 200);
}

/// Batches lock rows before they write them. A step that let them lock, but not write, while it is to lock them out as well,
/// would never get through.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_step_does_not_come_between_what_a_batch_locks_and_what_it_writes() {
    let mut app = TestApp::spawn(Database::Postgres).await;
    let id = app.send().await;
    app.eventually("it is noted", async |app| {
        app.status(&id).await["delivery"]["status"] == "sent"
    })
    .await;
    app.stop().await;
    take_back_one(&app, Database::Postgres).await;
    let place = app.place.clone();
    let mut batch = PgConnection::connect(&place.url).await.unwrap();
    let mut tx = batch.begin().await.unwrap();
    let lock = "select id from verifications for update";
    (*tx).execute(lock).await.unwrap();
    let start = async { app.restart_with(|_| {}).await };
    let ends = async {
        let waiting = "select count(*) from pg_locks where not granted and relation = 'verifications'::regclass";
        crate::process::eventually("the step waits", crate::process::PATIENCE, async || {
            place.count(waiting).await == 1
        })
        .await;
        // Who waits for the step, which waits for it, is not to be saved by whoever finds the circle.
        (*tx)
            .execute("set local lock_timeout = '300ms'")
            .await
            .unwrap();
        let write = "update verifications set version = version + 1";
        (*tx).execute(write).await.unwrap();
        tx.commit().await.unwrap();
    };
    let (started, ()) = tokio::join!(start, ends);
    started.unwrap();
    assert_eq!(app.verify(&id, &app.code()).await.status, 200);
}

on_both! {
    /// Neither what was overdue nor what is pending is passed over by what looks for them from then on.
    async fn what_was_overdue_when_the_schema_was_upgraded_ends(database) {
        let mut app = TestApp::spawn(database).await;
        let first = app.send().await;
        app.eventually("it is noted", async |app| app.status(&first).await["delivery"]["status"] == "sent").await;
        let codes = async |app: &TestApp| app.place.count("select count(code_hash) from verifications").await;
        app.advance(305);
        app.eventually_within(60, "it has ended", async |app| codes(app).await == 0).await;
        let second = app.send_to("+351912345602").await;
        app.eventually("it is noted", async |app| app.status(&second).await["delivery"]["status"] == "sent").await;
        app.stop().await;
        // The first is overdue when a younger one is there.
        let first = "update verifications set status = 'pending', code_hash = number_index, ended_at = null, version = version + 1 \
                     where code_hash is null";
        app.place.change(first).await;
        take_back_one(&app, database).await;
        app.restart_with(|_| {}).await.unwrap();
        app.eventually_within(30, "it has ended", async |app| codes(app).await == 1).await;
        app.advance(300);
        app.eventually_within(30, "the other has, too", async |app| codes(app).await == 0).await;
    }
}
