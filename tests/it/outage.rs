//! While the database is gone, everybody is told so, and nothing is done that is not durable.

mod cable;
mod commit;
mod refused;
mod silence;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};

use crate::{
    app::{Answer, TestApp, on_both},
    database::{Database, Place, server},
    errors::body,
    page::{ORIGIN_OF_ACME, readable_by, unreadable, with_origin},
};

/// The database, out of reach until [`Outage::end`].
pub(crate) enum Outage {
    Locked(SqliteConnection),
    Gone(PgConnection, String),
}

impl Outage {
    pub(crate) async fn begin(place: &Place) -> Self {
        if place.url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(&place.url).await.unwrap();
            connection.execute("begin exclusive").await.unwrap();
            return Self::Locked(connection);
        }
        let (_, name) = place.url.rsplit_once('/').unwrap();
        let mut connection = PgConnection::connect(&server()).await.unwrap();
        for sql in [
            format!("alter database {name} with allow_connections false"),
            format!(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
            ),
        ] {
            connection.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
        }
        Self::Gone(connection, name.to_owned())
    }

    pub(crate) async fn end(self) {
        match self {
            Self::Locked(mut connection) => drop(connection.execute("rollback").await.unwrap()),
            Self::Gone(mut connection, name) => {
                let sql = format!("alter database {name} with allow_connections true");
                connection.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
            }
        }
    }
}

on_both! {
    /// Fails closed: nothing is stored, nothing is sent, no guess is spent; and it comes back by itself.
    async fn while_the_database_is_gone_nothing_is_done_and_everybody_is_told(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        assert_eq!(app.get("/readyz").await.status, 200);

        let outage = Outage::begin(&app.place).await;
        // What was seen less than a second ago is taken to be so.
        app.advance(1);
        let send = app.post("/otp/send", json!({ "to": "+351912345679" })).await;
        assert!(1 <= send.retry_after());
        assert_eq!(
            body(&send, 503, "unavailable"),
            json!({
                "type": "https://otp.acme.test/problems/unavailable",
                "title": "The service cannot do this now",
                "status": 503,
                "detail": "The database does not answer. Try again after as many seconds as Retry-After says.",
                "code": "unavailable",
            })
        );
        let (code, cancel) = (app.code(), format!("/otp/{id}/cancel"));
        let (right, wrong, cancel, ready) = tokio::join!(
            app.verify(&id, &code),
            app.verify(&id, app.wrong_code()),
            app.post(&cancel, json!({})),
            app.get("/readyz"),
        );
        for answer in [right, wrong, cancel, ready] {
            assert!(1 <= answer.retry_after());
            body(&answer, 503, "unavailable");
        }
        assert_eq!(app.get("/livez").await.status, 200);
        assert_eq!(app.simulator.requests().posts, 1);

        outage.end().await;
        app.eventually("it is ready again", async |app| app.get("/readyz").await.status == 200).await;
        assert_eq!(app.status(&id).await["attempts_left"], 5);
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
        app.send_to("+351912345679").await;
    }
}

/// On PostgreSQL only: readers of SQLite do not wait for anybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_hears_of_an_outage_as_soon_and_as_plainly_as_anybody() {
    let app = with_origin(Database::Postgres).await;
    let ask = async |origin: &str| {
        let request = app
            .http
            .request(Method::OPTIONS, format!("{}/otp/send", app.base));
        let request = request.header("Origin", origin);
        Answer::of(request.header("Access-Control-Request-Method", "POST")).await
    };
    let outage = Outage::begin(&app.place).await;
    for answer in join_all((0..8).map(|_| ask(ORIGIN_OF_ACME))).await {
        assert_eq!(answer.status, 204, "{}", answer.text);
    }
    let stranger = ask("https://evil.example").await;
    body(&stranger, 403, "forbidden");
    unreadable(&stranger);
    let request = app.http.post(format!("{}/otp/send", app.base));
    let refused = Answer::of(request.header("Origin", ORIGIN_OF_ACME)).await;
    body(&refused, 401, "unauthenticated");
    readable_by(&refused, ORIGIN_OF_ACME);
    outage.end().await;
}

/// What is written to a file that nobody can find any more is gone with the process.
#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite_file_that_was_taken_away_is_no_place_to_write_to() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let path = app.place.url.strip_prefix("sqlite://").unwrap();
    let id = app.send().await;
    let aside = format!("{path}.aside");
    std::fs::rename(path, &aside).unwrap();
    let send = json!({ "to": "+351912345679" });
    body(&app.post("/otp/send", send).await, 503, "unavailable");
    body(&app.verify(&id, &app.code()).await, 503, "unavailable");
    app.advance(2);
    assert_eq!(app.get("/readyz").await.status, 503);
    assert!(app.simulator.texts("+351912345679").is_empty());
    std::fs::rename(&aside, path).unwrap();
    assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    assert_eq!(app.get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_policy_that_cannot_be_read_is_no_other_tenants_trouble() {
    let app = with_origin(Database::Sqlite).await;
    let mut connection = SqliteConnection::connect(&app.place.url).await.unwrap();
    let damaged =
        "insert into tenants (name, policy, created_at, updated_at) values ('other', '{}', 0, 0)";
    connection.execute(damaged).await.unwrap();
    let request = app
        .http
        .request(Method::OPTIONS, format!("{}/otp/send", app.base));
    let request = request.header("Origin", ORIGIN_OF_ACME);
    let answer = Answer::of(request.header("Access-Control-Request-Method", "POST")).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
}
