//! A database that an earlier version made, with work under way, goes on under this one.

mod beside;
mod newer;
mod rolling;
mod rules;
mod traffic;
mod turns;
mod words;

use countersign::{
    domain::delivery::{LEASE, Stage},
    simulator::Answer as Platform,
};
use serde_json::json;

use crate::{
    app::{NUMBER, TestApp, on_both},
    database::Database,
    fallback::{answered, at, calls_to, heard, noted, text_and_voice},
    outbox::{Outbox, delivery, long_after, send_queued, sent},
    schema,
};

/// What the seventh migration brought: of verifications, what stood with their latest delivery before.
const FOLLOW_UP: [&str; 5] = ["sealed", "ask_at", "next_step", "next_after", "fallback_at"];

/// What the fourth migration brought.
const OF_CALLS: [(&str, &[&str]); 2] = [
    (
        "deliveries",
        &[
            "spoken",
            "over_at",
            "next_step",
            "next_after",
            "fallback_at",
        ],
    ),
    ("verifications", &["channels", "switched", "guessed_before"]),
];

/// The schema that the first three migrations make.
const BEFORE_CALLS: [&str; 3] = [
    include_str!("../../migrations/sqlite/0001_init.sql"),
    include_str!("../../migrations/sqlite/0002_message.sql"),
    include_str!("../../migrations/sqlite/0003_receipts.sql"),
];

/// Takes a database back to the schema before sends could be repeated. A service that runs on it is from then on like one
/// of that version: sends without a key do not name the table.
async fn take_back_repeats(app: &TestApp) {
    app.place.change("drop table idempotency").await;
    app.place
        .change("delete from _sqlx_migrations where version = 5")
        .await;
}

/// Takes a database back to when overdue verifications were found by an index of those that are pending.
async fn take_back_ended(app: &TestApp) {
    for change in [
        "drop table ended",
        "drop index verifications_expiring",
        "create index verifications_pending on verifications (expires_at) where status = 'pending'",
    ] {
        app.place.change(change).await;
    }
}

/// Takes a database back to the version before, with the trigger that one had.
async fn take_back_one(app: &TestApp, database: Database) {
    take_back_ended(app).await;
    let (step, trigger) = match database {
        Database::Sqlite => (
            include_str!("../../migrations/sqlite/0007_follow_up.sql"),
            "create trigger",
        ),
        Database::Postgres => (
            include_str!("../../migrations/postgres/0007_follow_up.sql"),
            "create function",
        ),
    };
    let (_, rest) = step.split_once(trigger).unwrap();
    app.place.change(&format!("{trigger}{rest}")).await;
    app.place
        .change("delete from _sqlx_migrations where version = 8")
        .await;
}

/// Takes a database back to when all of a delivery stood in its own row.
async fn take_back_follow_ups(app: &TestApp) {
    for column in FOLLOW_UP {
        app.place
            .change(&format!(
                "update deliveries set {column} = (select v.{column} from verifications v where v.delivery = deliveries.id) \
                 where {column} is null"
            ))
            .await;
    }
    for index in ["verifications_asked", "verifications_falling_back"] {
        app.place.change(&format!("drop index {index}")).await;
    }
    for column in FOLLOW_UP {
        app.place
            .change(&format!("alter table verifications drop column {column}"))
            .await;
    }
}

/// Takes a stopped service's database back to what the version before calls had written.
async fn take_back(app: &TestApp, database: Database) {
    take_back_repeats(app).await;
    take_back_ended(app).await;
    take_back_follow_ups(app).await;
    for index in ["deliveries_falling_back", "deliveries_calls"] {
        app.place.change(&format!("drop index {index}")).await;
    }
    for (table, columns) in OF_CALLS {
        for column in columns {
            app.place
                .change(&format!("alter table {table} drop column {column}"))
                .await;
        }
    }
    app.place
        .change("delete from _sqlx_migrations where version >= 4")
        .await;
    let made = Database::Sqlite.create().await;
    for step in BEFORE_CALLS {
        made.run(step).await;
    }
    let before = schema::of_sqlite(&made.url).await;
    let taken_back = match database {
        Database::Sqlite => schema::of_sqlite(&app.place.url).await,
        Database::Postgres => schema::of_postgres(&app.place.url).await,
    };
    assert_eq!(taken_back, before);
}

on_both! {
    async fn a_pending_verification_goes_on_after_the_upgrade(database) {
        let mut app = TestApp::spawn(database).await;
        let id = app.send().await;
        noted(&app, &id).await;
        let code = app.code();
        assert_eq!(app.verify(&id, app.wrong_code()).await.status, 422);
        let before = app.status(&id).await;
        app.stop().await;
        take_back(&app, database).await;
        app.restart_with(text_and_voice).await.unwrap();
        assert_eq!(app.status(&id).await, before);
        // It was sent by text message, so that a call is a change.
        let again = app.post("/otp/send", json!({ "to": NUMBER })).await;
        assert_eq!(again.problem(429, "resend_too_soon")["id"], id);
        assert_eq!(app.verify(&id, app.wrong_code()).await.problem(422, "wrong_code")["attempts_left"], 3);
        let change = app.post("/otp/send", json!({ "to": NUMBER, "channel": "voice" })).await;
        assert_eq!((change.status, &change.json()["id"]), (200, &json!(id)), "{}", change.text);
        noted(&app, &id).await;
        answered(&app, &id).await;
        assert_eq!(app.verify(&id, &code).await.problem(422, "wrong_code")["attempts_left"], 2);
        assert_eq!(app.verify(&id, &heard(&app)).await.status, 200);
    }

    async fn a_message_that_was_being_handed_off_is_found_after_the_upgrade_and_not_sent_again(database) {
        let mut app = TestApp::mortal(database, |_| {}).await;
        app.simulator.answer_sends(Platform::CloseAfterAccept, Some(1));
        let id = send_queued(&app).await;
        app.crash().await;
        take_back(&app, database).await;
        app.start_again().await;
        app.clock.advance(LEASE);
        let outbox = Outbox::of(&app).await;
        outbox.wait_for(&id, "it is found", |row| row.stage == Stage::Done).await;
        assert_eq!(delivery(&app, &id).await, sent());
        long_after(&app).await;
        assert_eq!((app.simulator.requests().stored, calls_to(&app, NUMBER)), (1, 0));
        let status = app.status(&id).await;
        assert_eq!(
            status["deliveries"],
            json!([{ "channel": "sms", "status": "sent", "cause": "send", "created_at": at(0), "sent_at": at(15) }])
        );
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    async fn a_message_that_waited_for_its_next_try_is_sent_after_the_upgrade(database) {
        let mut app = TestApp::spawn(database).await;
        app.simulator.answer_sends(Platform::ServerError, Some(1));
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        assert_eq!(outbox.settled(&id).await.stage, Stage::Waiting);
        app.stop().await;
        take_back(&app, database).await;
        app.restart_with(|_| {}).await.unwrap();
        let outbox = Outbox::of(&app).await;
        outbox.run_out(&app, &id).await;
        assert_eq!(delivery(&app, &id).await, sent());
        assert_eq!(app.simulator.texts(NUMBER).len(), 1);
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }
}
