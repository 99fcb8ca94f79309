//! Codes, numbers, keys and tokens stay where they belong: never in a log, an answer, or the database.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use countersign::simulator::{Answer as Fault, Script, SmsFate};
use reqwest::Method;
use serde_json::json;
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use crate::{
    app::{Answer, TOKEN, TestApp, on_both, root_key},
    database::Place,
    log,
};

/// A number that no other test sends to.
const NUMBER: &str = "+351936170824";
const NATIONAL: &str = "936170824";
const SPACED: &str = "936 170 824";
const ROOT: u8 = 0xA7;

/// A story, and everything in it that must stay secret.
struct Story {
    app: TestApp,
    answers: Vec<Answer>,
    secrets: Vec<Vec<u8>>,
}

impl Story {
    async fn begin(database: crate::database::Database) -> Self {
        log::capture();
        let app = TestApp::with(database, |config| {
            config.keys.root = vec![root_key("k1", ROOT)];
            // Ten digits, so that nothing else looks like a code by chance.
            config.tenants[0].policy.code.length = 10;
        })
        .await;
        let (_, random_part) = app.key.rsplit_once('_').unwrap();
        let secrets = [
            NUMBER.as_bytes(),
            NATIONAL.as_bytes(),
            SPACED.as_bytes(),
            app.key.as_bytes(),
            random_part.as_bytes(),
            TOKEN.as_bytes(),
            &[ROOT; 32],
            BASE64_STANDARD.encode([ROOT; 32]).as_bytes(),
        ]
        .map(<[u8]>::to_vec)
        .to_vec();
        Self {
            app,
            answers: Vec::new(),
            secrets,
        }
    }

    async fn post(&mut self, path: &str, body: serde_json::Value) -> u16 {
        let answer = self.app.post(path, body).await;
        self.note(answer)
    }

    fn note(&mut self, answer: Answer) -> u16 {
        let status = answer.status;
        self.answers.push(answer);
        status
    }

    async fn send(&mut self) -> String {
        assert_eq!(self.post("/otp/send", json!({ "to": NUMBER })).await, 201);
        self.learn();
        self.answers.last().unwrap().json()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Adds what has arrived to the secrets, and gives the live code.
    fn learn(&mut self) -> String {
        let texts = self.app.simulator.texts(NUMBER);
        let codes: Vec<String> = texts
            .iter()
            .map(|text| text.chars().take(10).collect())
            .collect();
        assert!(
            codes
                .iter()
                .flat_map(|code| code.chars())
                .all(|c| c.is_ascii_digit()),
            "{texts:?}"
        );
        self.secrets
            .extend(codes.iter().map(|code| code.clone().into_bytes()));
        codes.last().cloned().unwrap_or_default()
    }

    #[track_caller]
    fn assert_secret(&self, place: &str, bytes: &[u8]) {
        for secret in &self.secrets {
            let as_hex = hex(secret);
            for form in [secret.as_slice(), as_hex.as_bytes()] {
                let found = bytes.windows(form.len()).any(|window| window == form);
                assert!(!found, "{place} has {}", String::from_utf8_lossy(secret));
            }
        }
    }

    /// Looks for every secret in everything that the story has left behind.
    async fn end(mut self) {
        self.learn();
        assert!(8 < self.secrets.len(), "no code ever arrived");
        let dump = self.app.place.dump().await;
        assert!(1_000 < dump.len(), "the dump is too small to be one");
        self.assert_secret("the database", &dump);
        for answer in &self.answers {
            let text = format!("{:?}\n{}", answer.headers, answer.text);
            self.assert_secret("an answer", text.as_bytes());
        }
        self.app.stop().await;
        let last = self
            .answers
            .last()
            .and_then(|answer| answer.header("x-request-id"))
            .unwrap();
        for lines in [log::text(), log::json()] {
            assert!(lines.contains(last), "the log was not captured");
            self.assert_secret("the log", lines.as_bytes());
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}

/// How many rows of a table have something in a column.
async fn kept(place: &Place, table: &str, column: &str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("select count({column}) from {table}"));
    if place.url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(&place.url).await.unwrap();
        sqlx::query_scalar(sql)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    } else {
        let mut connection = PgConnection::connect(&place.url).await.unwrap();
        sqlx::query_scalar(sql)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }
}

on_both! {
    async fn a_life_of_sends_checks_and_resends_leaves_no_secret_behind(database) {
        let mut story = Story::begin(database).await;
        let id = story.send().await;
        let first = story.learn();
        assert_eq!(story.post("/otp/send", json!({ "to": SPACED })).await, 422);
        assert_eq!(story.post("/otp/send", json!({ "to": NUMBER })).await, 429);
        assert_eq!(story.post("/otp/send", json!({ "to": NATIONAL, "purpose": NUMBER, "x": NUMBER })).await, 422);
        story.app.advance(30);
        assert_eq!(story.post("/otp/send", json!({ "to": "+351 936-170-824" })).await, 200);
        let live = story.learn();
        assert_ne!(first, live);
        for (code, status) in [(&*first, 422), ("12345", 422), (&*live, 200), (&*live, 409)] {
            let body = json!({ "id": id, "code": code });
            assert_eq!(story.post("/otp/verify", body).await, status);
        }
        let body = json!({ "to": NUMBER, "code": live });
        assert_eq!(story.post("/otp/verify", body).await, 409);
        assert_eq!(story.post("/otp/verify", json!({ "id": live, "code": live, "x": live })).await, 422);
        let answer = story.app.get(&format!("/otp/{id}")).await;
        assert_eq!(story.note(answer), 200);
        story.end().await;
    }

    async fn faults_of_restcomm_and_of_requests_leave_no_secret_behind(database) {
        let mut story = Story::begin(database).await;
        for fault in [
            Fault::ServerError,
            Fault::Unauthorized,
            Fault::Forbidden,
            Fault::LimitExceeded,
            Fault::Garbage,
            Fault::Close,
            Fault::CloseAfterAccept,
            Fault::Html,
        ] {
            let before = story.app.simulator.requests().posts;
            story.app.simulator.answer_sends(fault, Some(1));
            let body = json!({ "to": NUMBER, "purpose": format!("{fault:?}").to_lowercase() });
            let request = story.app.request(Method::POST, "/otp/send").header("Prefer", "respond-async");
            let request = request.header("Content-Type", "application/json").body(body.to_string());
            let status = story.note(Answer::of(request).await);
            assert_eq!((status, fault), (202, fault));
            let handed_over = async |app: &TestApp| before < app.simulator.requests().posts;
            story.app.eventually("the hand-off", handed_over).await;
            // What is unknown is looked up, and what was not sent is sent again.
            for _ in 0..30 {
                story.app.advance(1);
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
            }
        }
        story.app.simulator.answer_sends(Fault::Ok, None);
        story.app.simulator.script(NUMBER, Script { sms: SmsFate::Refuse, ..Script::default() });
        story.post("/otp/send", json!({ "to": NUMBER, "purpose": "refused" })).await;
        story.app.simulator.script(NUMBER, Script::default());
        story.send().await;
        let code = story.learn();

        // Secrets where they do not belong.
        let key = story.app.key.clone();
        for path in [
            format!("/otp/{code}"),
            format!("/otp/{key}"),
            format!("/otp/send?key={key}"),
            format!("/problems/{NATIONAL}"),
            format!("/nothing/{key}/{NUMBER}"),
        ] {
            let answer = story.app.get(&path).await;
            assert!(400 <= story.note(answer), "{path}");
        }
        let basic = story.app.http.get(format!("{}/otp/x", story.app.base)).basic_auth(&key, Some(&code));
        assert_eq!(story.note(Answer::of(basic).await), 401);
        let odd = story.app.request(Method::from_bytes(b"CODE").unwrap(), "/otp/send").header("User-Agent", &*code);
        let odd = odd.header("X-Request-Id", &*code).header("traceparent", &*code);
        assert_eq!(story.note(Answer::of(odd).await), 405);
        story.end().await;
    }

    async fn what_has_ended_keeps_neither_hash_nor_sealed_copy(database) {
        let mut story = Story::begin(database).await;
        let place = story.app.place.clone();
        let is_kept = async || {
            // In one look: it may be moving from the one to the other.
            let sealed = "(select sealed from deliveries union all select sealed from verifications) as seals";
            (kept(&place, "verifications", "code_hash").await, kept(&place, sealed, "sealed").await)
        };
        let approved = story.send().await;
        assert_eq!(is_kept().await, (1, 1), "a pending one can be checked and sent again");
        let code = story.learn();
        assert_eq!(story.post("/otp/verify", json!({ "id": approved, "code": code })).await, 200);
        assert_eq!(is_kept().await, (0, 0), "approved");

        let canceled = story.send().await;
        assert_eq!(story.post(&format!("/otp/{canceled}/cancel"), json!({})).await, 200);
        assert_eq!(is_kept().await, (0, 0), "canceled");

        let spent = story.send().await;
        let wrong = if story.learn() == "0000000000" { "1111111111" } else { "0000000000" };
        for _ in 0..5 {
            assert_eq!(story.post("/otp/verify", json!({ "id": spent, "code": wrong })).await, 422);
        }
        assert_eq!(is_kept().await, (0, 0), "its guesses are spent");

        story.app.simulator.script(NUMBER, Script { sms: SmsFate::Refuse, ..Script::default() });
        story.app.advance(15 * 60);
        story.post("/otp/send", json!({ "to": NUMBER, "purpose": "refused" })).await;
        story.app.simulator.script(NUMBER, Script::default());
        assert_eq!(is_kept().await, (0, 0), "refused");

        story.send().await;
        assert_eq!(is_kept().await, (1, 1));
        story.app.eventually("it expires", async |app| {
            app.advance(60);
            is_kept().await == (0, 0)
        }).await;
        story.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_the_database_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let app = TestApp::spawn(crate::database::Database::Sqlite).await;
    app.send().await;
    let path = app.place.url.strip_prefix("sqlite://").unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let mode = std::fs::metadata(format!("{path}{suffix}"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!((mode & 0o777, suffix), (0o600, suffix));
    }
}

on_both! {
    /// What callers send cannot make up lines, or colours, in the log.
    async fn nothing_that_a_caller_says_is_in_the_log(database) {
        let story = Story::begin(database).await;
        let forged = "forged-7f3a";
        let body = json!({ "to": format!("\n{forged}"), "purpose": forged, "metadata": { forged: "\u{1b}[31m" }, forged: "\u{2028}" });
        let request = story.app.request(Method::POST, "/otp/send").header("User-Agent", forged);
        let request = request.header("traceparent", forged).header("Content-Type", "application/json");
        Answer::of(request.body(body.to_string())).await.problem(422, "invalid_request");
        let path = format!("/otp/{forged}%0a%1b[31m");
        story.app.get(&path).await.problem(404, "no_such_verification");
        let odd = story.app.request(Method::from_bytes(forged.as_bytes()).unwrap(), "/otp/send");
        assert_eq!(Answer::of(odd).await.status, 405);
        for text in [log::text(), log::json()] {
            assert!(!text.contains(forged) && !text.contains('\u{1b}') && !text.contains('\u{2028}'));
            // Each line begins as lines do: with its time.
            assert!(text.lines().all(|line| line.trim_start_matches("{\"timestamp\":\"").starts_with("20")));
        }
    }
}
