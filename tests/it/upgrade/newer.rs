//! A newer version has upgraded the schema: replicas of this one work on, and more of them can be started.

use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};

use super::traffic::Traffic;
use crate::{
    app::{TestApp, on_both},
    database::Database,
    process::{PATIENCE, eventually},
};

/// A step as a newer version may bring it, with the types of SQLite.
const STEP: &[&str] = &[
    "alter table deliveries add column weight integer not null default 7",
    "alter table verifications add column colour text",
    "create table colours (id blob primary key, name text not null)",
    "create index verifications_colour on verifications (colour) where colour is not null",
];

/// Runs the step underneath the replicas, as [`Store::migrate`](countersign::store::Store::migrate) of that version would.
async fn upgrade(app: &TestApp, database: Database) {
    let next = 1 + app
        .place
        .count("select max(version) from _sqlx_migrations")
        .await;
    let mark = format!(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
         values ({next}, 'step', true, '', 0)"
    );
    let script = [STEP.join("; "), mark].join("; ");
    match database {
        Database::Sqlite => {
            let mut connection = SqliteConnection::connect(&app.place.url).await.unwrap();
            let mut tx = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
            (*tx).execute(sqlx::AssertSqlSafe(script)).await.unwrap();
            tx.commit().await.unwrap();
        }
        Database::Postgres => {
            let script = script.replace("integer", "bigint").replace("blob", "bytea");
            eventually("the step finds its turn", PATIENCE, async || {
                let mut connection = PgConnection::connect(&app.place.url).await.unwrap();
                connection.execute("set lock_timeout = '3s'").await.unwrap();
                let mut tx = connection.begin().await.unwrap();
                let ran = (*tx).execute(sqlx::AssertSqlSafe(script.clone())).await;
                ran.is_ok() && tx.commit().await.is_ok()
            })
            .await;
        }
    }
}

on_both! {
    async fn under_a_newer_schema_traffic_goes_on_and_replicas_can_be_started(database) {
        let app = TestApp::spawn(database).await;
        let beside = app.replica().await;
        let pending = app.send_to("+351912345678").await;
        let traffic = Traffic::at(&[&app, &beside]);
        traffic.goes_on(30).await;
        upgrade(&app, database).await;
        traffic.goes_on(30).await;
        // It was looked at before.
        app.advance(2);
        assert_eq!(app.get("/readyz").await.status, 200);
        let late = app.replica().await;
        assert_eq!(late.get("/readyz").await.status, 200);
        traffic.ends_well(&late).await;
        assert_eq!(late.verify(&pending, &app.code()).await.status, 200);
        let rows = app.place.count("select count(*) from deliveries where weight = 7").await;
        assert_eq!(rows, app.place.count("select count(*) from verifications").await);
    }
}
