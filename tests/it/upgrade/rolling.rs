//! A replica of the new version upgrades the schema underneath those of the version before, which go on with their work.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU8, Ordering},
};

use countersign::{
    domain::{
        delivery::{LEASE, Stage},
        id::Id,
    },
    simulator::Answer as Platform,
};
use serde_json::json;

use super::{take_back, take_back_one, take_back_repeats, traffic::Traffic};
use crate::{
    app::{Answer, NOON, NUMBER, TestApp, on_both},
    crash::commit_a_send,
    database::{Database, Place},
    outbox::{Outbox, delivery, long_after, once_an_hour, sent},
    process::{PATIENCE, eventually},
    schema,
};

/// Who has a code; who has been guessing; whose message waits for its next try.
const PENDING: &str = "+351912345001";
const BLOCKED: &str = "+351912345002";
const WAITING: &str = "+351912345003";

async fn send_once(app: &TestApp, number: &str) -> Answer {
    let request = app.request(reqwest::Method::POST, "/otp/send");
    let request = request
        .header("Content-Type", "application/json")
        .header("Idempotency-Key", "\"once\"");
    Answer::of(request.body(json!({ "to": number }).to_string())).await
}

/// A version before that writes rows all the time, in the columns that it knows.
pub(super) struct Before {
    place: Arc<Place>,
    database: Database,
    /// The columns of a table, as that version knows them.
    verification: Vec<String>,
    pub(super) delivery: Vec<String>,
    original: Id,
    written: AtomicU8,
    stop: AtomicBool,
}

async fn columns(place: &Place, database: Database, table: &str) -> Vec<String> {
    let schema = match database {
        Database::Sqlite => schema::of_sqlite(&place.url).await,
        Database::Postgres => schema::of_postgres(&place.url).await,
    };
    let prefix = format!("{table}.");
    let columns = schema.iter().filter_map(|line| line.strip_prefix(&prefix));
    columns
        .map(|rest| rest.split(' ').next().unwrap().to_owned())
        .collect()
}

impl Before {
    pub(super) async fn on(app: &TestApp, database: Database, original: &str) -> Arc<Self> {
        let place = app.place.clone();
        Arc::new(Self {
            verification: columns(&place, database, "verifications").await,
            delivery: columns(&place, database, "deliveries").await,
            original: Id::parse(original).unwrap(),
            written: AtomicU8::new(0),
            stop: AtomicBool::new(false),
            place,
            database,
        })
    }

    pub(super) fn literal(&self, id: Id) -> String {
        let digits: Vec<String> = id
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        match self.database {
            Database::Sqlite => format!("x'{}'", digits.concat()),
            Database::Postgres => format!("'\\x{}'::bytea", digits.concat()),
        }
    }

    /// A copy of the original's row, but for some columns.
    pub(super) fn copy(
        &self,
        table: &str,
        columns: &[String],
        which: &str,
        other: &[(&str, String)],
    ) -> String {
        let value = |column: &String| {
            let changed = other.iter().find(|(name, _)| name == column);
            changed.map_or_else(|| column.clone(), |(_, value)| value.clone())
        };
        let values: Vec<String> = columns.iter().map(value).collect();
        format!(
            "insert into {table} ({}) select {} from {table} where {which} = {}",
            columns.join(", "),
            values.join(", "),
            self.literal(self.original)
        )
    }

    /// The verification, and the delivery, of the copy so numbered.
    fn ids(serial: u8) -> (Id, Id) {
        (
            Id::new(NOON, [serial; 16]),
            Id::new(NOON, [100 + serial; 16]),
        )
    }

    async fn write(self: Arc<Self>) {
        while !self.stop.load(Ordering::Relaxed) {
            let serial = self.written.load(Ordering::Relaxed);
            assert!(serial < 100, "enough were written");
            let (verification, delivery) = Self::ids(serial);
            let purpose = ("purpose", format!("'copy{serial}'"));
            let other = [
                ("id", self.literal(verification)),
                ("delivery", self.literal(delivery)),
                purpose,
            ];
            self.place
                .change(&self.copy("verifications", &self.verification, "id", &other))
                .await;
            let other = [
                ("id", self.literal(delivery)),
                ("verification", self.literal(verification)),
            ];
            self.place
                .change(&self.copy("deliveries", &self.delivery, "verification", &other))
                .await;
            let guessed = format!(
                "update verifications set wrong_at = {}, version = version + 1 where id = {}",
                match self.database {
                    Database::Sqlite => "x'0000000000000001'",
                    Database::Postgres => "'\\x0000000000000001'::bytea",
                },
                self.literal(verification)
            );
            self.place.change(&guessed).await;
            self.written.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn goes_on(&self) {
        let enough = self.written.load(Ordering::Relaxed) + 5;
        eventually("it writes on", PATIENCE, async || {
            enough <= self.written.load(Ordering::Relaxed)
        })
        .await;
    }
}

on_both! {
    async fn a_new_replica_upgrades_the_schema_while_an_old_one_works_and_everything_begun_goes_on(database) {
        let app = TestApp::with(database, once_an_hour).await;
        let pending = app.send_to(PENDING).await;
        app.verify(&pending, "123456789").await.problem(422, "wrong_code");
        let blocked = app.send_to(BLOCKED).await;
        for _ in 0..5 {
            app.verify(&blocked, "123456789").await.problem(422, "wrong_code");
        }
        app.simulator.answer_sends(Platform::ServerError, Some(1));
        let waiting = app.post("/otp/send", json!({ "to": WAITING })).await;
        assert_eq!(waiting.status, 202, "{}", waiting.text);
        let waiting = waiting.json()["id"].as_str().unwrap().to_owned();
        let outbox = Outbox::of(&app).await;
        assert_eq!(outbox.settled(&waiting).await.stage, Stage::Waiting);
        // Somebody has it in hand, who dies.
        let claimed = commit_a_send(app.store().await, &app.clock).await;

        let old = Traffic::at(&[&app]);
        old.goes_on(10).await;
        take_back_one(&app, database).await;
        take_back_repeats(&app).await;
        old.goes_on(20).await;
        let new = app.replica().await;
        assert_eq!(new.get("/readyz").await.status, 200);
        old.goes_on(20).await;
        let first = send_once(&new, "+351912345004").await;
        assert_eq!(first.status, 201, "{}", first.text);
        let again = send_once(&app, "+351912345004").await;
        assert_eq!((again.status, &again.text), (201, &first.text));
        old.ends_well(&new).await;

        let answer = new.verify(&pending, "123456789").await.problem(422, "wrong_code");
        assert_eq!(answer["attempts_left"], 3);
        new.verify(&blocked, &app.code_at(BLOCKED)).await.problem(410, "max_attempts_reached");
        let again = json!({ "to": BLOCKED, "purpose": "another" });
        new.post("/otp/send", again).await.problem(429, "too_many_attempts");
        let again = json!({ "to": PENDING, "purpose": "another" });
        new.post("/otp/send", again).await.problem(429, "rate_limited");
        assert_eq!(new.verify(&pending, &app.code_at(PENDING)).await.status, 200);
        app.clock.advance(LEASE);
        for id in [&waiting, &claimed] {
            outbox.run_out(&app, id).await;
        }
        long_after(&app).await;
        for (number, id) in [(WAITING, &waiting), (NUMBER, &claimed)] {
            assert_eq!(app.simulator.texts(number).len(), 1, "{number}");
            assert_eq!(delivery(&new, id).await, sent());
            assert_eq!(new.verify(id, &app.code_at(number)).await.status, 200);
        }
    }

    async fn what_an_old_version_writes_during_and_after_the_upgrade_is_read_by_the_new_one(database) {
        let mut app = TestApp::spawn(database).await;
        let original = app.send().await;
        crate::fallback::noted(&app, &original).await;
        app.stop().await;
        take_back(&app, database).await;
        let before = Before::on(&app, database, &original).await;
        assert!(!before.verification.contains(&"channels".to_owned()));
        let writing = tokio::spawn(before.clone().write());
        before.goes_on().await;
        app.restart_with(|_| {}).await.unwrap();
        before.goes_on().await;
        before.stop.store(true, Ordering::Relaxed);
        writing.await.unwrap();
        let written = before.written.load(Ordering::Relaxed);
        assert!(10 <= written);
        for serial in 0..written {
            let id = Before::ids(serial).0.to_string();
            let status = app.status(&id).await;
            assert_eq!((&status["status"], &status["attempts_left"]), (&json!("pending"), &json!(4)), "{status}");
            assert_eq!(status["deliveries"].as_array().unwrap().len(), 1);
            assert_eq!(app.post(&format!("/otp/{id}/cancel"), json!({})).await.status, 200);
        }
        assert_eq!(app.verify(&original, &app.code()).await.status, 200);
    }
}
