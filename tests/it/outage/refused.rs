//! A database that answers, but takes nothing: full, or too slow for all that want something.

use std::{fs, time::Duration};

use countersign::{
    crypto::{KeyRing, ROOT_KEY_LENGTH, RootKey},
    domain::{clock::Clock, id::Id, random::Random},
    store::{Journal, StoreError},
};
use futures_util::future::join_all;
use serde_json::json;
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tokio::time::timeout;

use crate::{
    app::{NOON, PATIENCE, SLACK, TestApp, on_both},
    database::{Database, Place},
    fallback::noted,
};

/// As many commands as may wait, and as are worked on.
const QUEUED: usize = 4096 + 256;

/// PostgreSQL has no room for new rows, but for changes of old ones: what a full disk does.
const FULL: [&str; 3] = [
    "create function no_room() returns trigger language plpgsql as \
     $$begin raise exception 'No space left on device' using errcode = '53100'; end$$",
    "create trigger no_room before insert on verifications execute function no_room()",
    "create trigger no_room before insert on tenants execute function no_room()",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_postgresql_that_has_no_room_is_not_ready_though_it_updates_rows() {
    let app = TestApp::spawn(Database::Postgres).await;
    let id = app.send().await;
    // What Restcomm answered is noted by a row that is inserted or updated: it must not find the database full.
    noted(&app, &id).await;
    assert_eq!(app.get("/readyz").await.status, 200);
    for sql in FULL {
        app.place.change(sql).await;
    }
    // Nothing was refused yet, so nobody knows.
    assert_eq!(app.get("/readyz").await.status, 200);
    let send = json!({ "to": "+351912345679" });
    let refused = app.post("/otp/send", send.clone()).await;
    refused.problem(503, "unavailable");
    assert!(1 <= refused.retry_after());
    for _ in 0..3 {
        app.get("/readyz").await.problem(503, "unavailable");
        app.advance(2);
        // Guesses are counted in rows that are there: that they can be written says nothing of new ones.
        let guess = app.verify(&id, app.wrong_code()).await;
        guess.problem(422, "wrong_code");
    }
    assert!(app.simulator.texts("+351912345679").is_empty());

    for sql in [
        "drop trigger no_room on verifications",
        "drop trigger no_room on tenants",
    ] {
        app.place.change(sql).await;
    }
    assert_eq!(app.get("/readyz").await.status, 200);
    assert_eq!(app.post("/otp/send", send).await.status, 201);
    assert_eq!(
        app.place.count("select count(*) from tenants").await,
        0,
        "what was tried has left nothing behind"
    );
}

on_both! {
    /// A disk that is full, or hangs, is noticed by nothing less.
    async fn each_look_whether_the_database_takes_writes_writes_whatever_the_clock_shows(database) {
        let place = database.create().await;
        let store = place.open().await;
        store.migrate().await.unwrap();
        store.is_writable(NOON).await.unwrap();
        let hour = Duration::from_hours(1);
        for (now, shown) in [(NOON, NOON), (NOON.minus(hour), NOON), (NOON.plus(hour), NOON.plus(hour))] {
            let before = written(&place).await;
            store.is_writable(now).await.unwrap();
            assert_ne!(written(&place).await, before, "{now:?}");
            assert_eq!(store.highest_now().await.unwrap(), shown);
        }
    }
}

/// Something that every write changes: how long SQLite's log is, or who wrote the row last.
async fn written(place: &Place) -> u64 {
    if let Some(file) = place.url.strip_prefix("sqlite://") {
        return fs::metadata(format!("{file}-wal")).unwrap().len();
    }
    let writer = place.count("select xmin::text::bigint from clock").await;
    writer.unsigned_abs()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_finds_the_queue_full_is_told_at_once_and_who_waits_in_it_soon() {
    let place = Database::Sqlite.create().await;
    let store = place.open().await;
    store.migrate().await.unwrap();
    let ring = KeyRing::new(&[RootKey {
        id: "k1".to_owned(),
        secret: [1; ROOT_KEY_LENGTH].into(),
    }]);
    let (clock, random) = (Clock::manual(NOON), Random::seeded(42));
    let started = Journal::start(store.clone(), ring, clock, random).await;
    let (journal, _deliveries) = started.unwrap();
    let mut other = SqliteConnection::connect(&place.url).await.unwrap();
    other.execute("begin exclusive").await.unwrap();

    let waiting = (0..QUEUED).map(|_| {
        let journal = journal.clone();
        tokio::spawn(async move { journal.expire(Id::new(NOON, [1; 16])).await })
    });
    let waiting: Vec<_> = waiting.collect();
    // Whoever comes now is refused, as soon as all the others have found their place.
    let full = async {
        while !matches!(
            timeout(
                Duration::from_millis(100),
                journal.expire(Id::new(NOON, [1; 16]))
            )
            .await,
            Ok(Err(StoreError::Full))
        ) {}
    };
    timeout(PATIENCE, full).await.expect("the queue is full");
    let all = timeout(Duration::from_secs(10) + SLACK, join_all(waiting)).await;
    for answer in all.expect("everybody is told") {
        let error = answer.unwrap().expect_err("nothing was done");
        assert!(
            matches!(error, StoreError::Unavailable(_) | StoreError::Full),
            "{error}"
        );
    }
    other.execute("rollback").await.unwrap();
    let again = async { while journal.expire(Id::new(NOON, [1; 16])).await.is_err() {} };
    timeout(PATIENCE, again).await.expect("it works again");
}
