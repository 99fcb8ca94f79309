//! With a publishable key every failed check is the same: in what is answered, in what is written, and in time.

use std::time::Duration;

use countersign::{
    domain::key::Scope,
    simulator::{Script, SmsFate},
};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    app::{Answer, NUMBER, TestApp, on_both, tenant},
    database::Database,
    page::{ORIGIN_OF_ACME, Page},
};

/// A code that is as well-formed as any and never right.
const WRONG: &str = "0000000";
const CHECKS: usize = 2000;
/// How often it is measured at most.
const TURNS: usize = 3;
/// Wrong guesses at one number that do not block it.
const GUESSES: usize = 4;

async fn with_two_tenants(database: Database) -> TestApp {
    TestApp::with(database, |config| {
        config.tenants[0].policy.origins = vec![ORIGIN_OF_ACME.to_owned()];
        config.tenants.push(tenant("other"));
    })
    .await
}

async fn check(page: &Page<'_>, id: &str, code: &str) -> Answer {
    page.post("/otp/verify", json!({ "id": id, "code": code }))
        .await
}

/// One verification of every kind that a check can fail with, and what each is called.
async fn every_kind(app: &TestApp) -> Vec<(&'static str, String)> {
    let mut kinds = Vec::new();
    let expired = app.send_to("+351912345601").await;
    app.eventually("it is known to be sent", async |app| {
        app.status(&expired).await["delivery"]["status"] == "sent"
    })
    .await;
    app.advance(300);
    // Whoever finds it first writes it down.
    app.verify(&expired, WRONG).await.problem(410, "expired");
    kinds.push(("expired", expired));
    let canceled = app.send_to("+351912345602").await;
    let answer = app
        .post(&format!("/otp/{canceled}/cancel"), json!({}))
        .await;
    assert_eq!(answer.status, 200);
    kinds.push(("canceled", canceled));
    let used = app.send_to("+351912345603").await;
    assert_eq!(
        app.verify(&used, &app.code_at("+351912345603"))
            .await
            .status,
        200
    );
    kinds.push(("used", used));
    let spent = app.send_to("+351912345604").await;
    for _ in 0..5 {
        app.verify(&spent, WRONG).await.problem(422, "wrong_code");
    }
    kinds.push(("spent", spent));
    let failed = app
        .request(reqwest::Method::POST, "/otp/send")
        .header("Prefer", "respond-async");
    let script = Script {
        sms: SmsFate::Refuse,
        ..Script::default()
    };
    app.simulator.script("+351912345605", script);
    let body = json!({ "to": "+351912345605" }).to_string();
    let failed = Answer::of(failed.header("Content-Type", "application/json").body(body)).await;
    let failed = failed.json()["id"].as_str().unwrap().to_owned();
    app.eventually("it failed", async |app| {
        app.status(&failed).await["status"] == "failed"
    })
    .await;
    kinds.push(("failed", failed));
    let blocked = app.send_to("+351912345606").await;
    let other = app
        .post(
            "/otp/send",
            json!({ "to": "+351912345606", "purpose": "b" }),
        )
        .await;
    for _ in 0..5 {
        let id = other.json()["id"].as_str().unwrap().to_owned();
        app.verify(&id, WRONG).await.problem(422, "wrong_code");
    }
    kinds.push(("blocked", blocked));
    let key = app.key_of("other", &[Scope::Send, Scope::Read]).await;
    let foreign = app
        .post_as(&key, "/otp/send", json!({ "to": NUMBER }))
        .await;
    kinds.push(("foreign", foreign.json()["id"].as_str().unwrap().to_owned()));
    kinds.push(("unknown", "otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN".to_owned()));
    kinds.push(("no id", "otp_".to_owned()));
    kinds.push(("no id at all", "' or 1=1 --".to_owned()));
    kinds
}

/// How often rows of a table were written.
async fn writes(app: &TestApp, table: &str) -> i64 {
    let sql = format!("select cast(coalesce(sum(version), 0) as bigint) from {table}");
    app.place.count(&sql).await
}

on_both! {
    async fn whatever_fails_is_answered_alike(database) {
        let app = with_two_tenants(database).await;
        let kinds = every_kind(&app).await;
        let pending = app.send_to("+351912345600").await;
        let page = Page::open(&app).await;
        let wrong = check(&page, &pending, WRONG).await;
        let mut expected = wrong.problem(422, "not_approved");
        assert_eq!(
            expected,
            json!({
                "type": "https://otp.acme.test/problems/not_approved",
                "title": "The code was not accepted",
                "status": 422,
                "detail": "The code is wrong, or it is good for nothing any more. Check it, or send a new one. With a \
                           publishable key every failed check is answered like this; a secret key learns the reason.",
                "instance": expected["instance"],
                "code": "not_approved",
            })
        );
        let names = |answer: &Answer| -> Vec<String> {
            let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort_unstable();
            names
        };
        for (kind, id) in &kinds {
            for code in [WRONG, &app.code_at("+351912345606")] {
                let answer = check(&page, id, code).await;
                let body = answer.problem(422, "not_approved");
                assert_eq!(answer.text.len(), wrong.text.len(), "{kind}");
                expected["instance"] = body["instance"].clone();
                assert_eq!(body, expected, "{kind}");
                assert_eq!(names(&answer), names(&wrong), "{kind}");
            }
        }
        // To a backend, each is what it is.
        let mut told: Vec<String> = Vec::new();
        for (_, id) in &kinds {
            told.push(app.verify(id, WRONG).await.code());
        }
        assert_eq!(
            told,
            [
                "expired", "canceled", "already_approved", "max_attempts_reached", "failed", "too_many_attempts",
                "no_such_verification", "no_such_verification", "no_such_verification", "no_such_verification",
            ]
        );
    }

    async fn what_is_malformed_is_told_and_counts_nothing(database) {
        let app = with_two_tenants(database).await;
        let page = Page::open(&app).await;
        let id = app.send().await;
        for code in ["", "123", "1234567890123456", "12a456"] {
            check(&page, &id, code).await.problem(422, "invalid_request");
        }
        assert_eq!(app.status(&id).await["attempts_left"], 5);
        check(&page, &id, WRONG).await.problem(422, "not_approved");
        assert_eq!(app.status(&id).await["attempts_left"], 4);
    }

    async fn a_failed_check_writes_as_much_whatever_it_failed_with(database) {
        let app = with_two_tenants(database).await;
        let mut kinds = every_kind(&app).await;
        kinds.push(("wrong", app.send_to("+351912345600").await));
        let page = Page::open(&app).await;
        // Twice, since what is written first may be there already.
        for _ in 0..2 {
            for (kind, id) in &kinds {
                let mut before = Vec::new();
                for table in ["budgets", "verifications", "counters", "deliveries"] {
                    before.push(writes(&app, table).await);
                }
                check(&page, id, WRONG).await.problem(422, "not_approved");
                let mut written = Vec::new();
                for (table, before) in ["budgets", "verifications", "counters", "deliveries"].iter().zip(before) {
                    written.push(writes(&app, table).await - before);
                }
                let expected = if *kind == "wrong" { [1, 1, 0, 0] } else { [1, 0, 1, 0] };
                assert_eq!(written, expected, "{kind}");
            }
        }
    }

    /// Where no other check needs it: it reads as much whatever it finds.
    async fn a_check_reads_the_delivery_whatever_it_finds(database) {
        let app = with_two_tenants(database).await;
        let page = Page::open(&app).await;
        let id = app.send().await;
        app.eventually("it is known to be sent", async |app| app.status(&id).await["delivery"]["status"] == "sent").await;
        app.place.change("update deliveries set status = 'unheard of'").await;
        assert_eq!(check(&page, &id, WRONG).await.status, 503);
        app.place.change("update deliveries set status = 'sent'").await;
        check(&page, &id, WRONG).await.problem(422, "not_approved");
    }

    async fn what_is_written_for_nothing_blocks_nobody_and_goes_away(database) {
        let app = with_two_tenants(database).await;
        let page = Page::open(&app).await;
        let id = app.send().await;
        for n in 0..300 {
            check(&page, &format!("x{n}"), WRONG).await.problem(422, "not_approved");
        }
        let rows = async |table: &str| app.place.count(&format!("select count(*) from {table}")).await;
        for table in ["budgets", "counters"] {
            let rows = rows(table).await;
            assert!((32..=65).contains(&rows), "{table} has {rows} rows");
        }
        assert_eq!(app.place.count("select count(*) from budgets where blocked_until > 0").await, 0);
        assert_eq!(check(&page, &id, &app.code()).await.status, 200);
        let store = app.store().await;
        let in_a_month = app.clock.now().plus(Duration::from_hours(24 * 31));
        let unused = store.unused_budgets(&[], 500, in_a_month).await.unwrap().unused;
        store.delete_budgets(&unused, in_a_month).await.unwrap();
        store.purge_counters(in_a_month, 500).await.unwrap();
        store.close().await;
        assert_eq!((rows("budgets").await, rows("counters").await), (0, 0));
    }

    async fn a_tenant_s_page_touches_nothing_of_another_tenant(database) {
        let app = with_two_tenants(database).await;
        let page = Page::open(&app).await;
        let key = app.key_of("other", &[Scope::Send, Scope::Verify, Scope::Read]).await;
        let theirs = app.post_as(&key, "/otp/send", json!({ "to": NUMBER })).await;
        let id = theirs.json()["id"].as_str().unwrap().to_owned();
        for _ in 0..10 {
            check(&page, &id, WRONG).await.problem(422, "not_approved");
        }
        // Nor with the right code.
        check(&page, &id, &app.code()).await.problem(422, "not_approved");
        let approved = app.post_as(&key, "/otp/verify", json!({ "id": id, "code": app.code() })).await;
        assert_eq!(approved.status, 200, "{}", approved.text);
    }

    /// Over real connections, one check after the other, interleaved; the medians are compared.
    async fn known_and_unknown_take_the_same_time(database) {
        let app = with_two_tenants(database).await;
        let page = Page::open(&app).await;
        let ended = app.send().await;
        assert_eq!(app.post(&format!("/otp/{ended}/cancel"), json!({})).await.status, 200);
        // A machine that is busy may favour one of them once, and a difference in the code does so each time.
        for turn in 1.. {
            let pending = pending(&app, turn).await;
            let [unknown, wrong, ended] = medians(&page, &pending, &ended).await;
            eprintln!("{database:?}: unknown {unknown:?}, wrong {wrong:?}, ended {ended:?}");
            // Every guess was one.
            assert_eq!(app.status(&pending[0]).await["attempts_left"], 1);
            let gap = wrong.abs_diff(unknown).max(ended.abs_diff(unknown));
            if gap < Duration::from_millis(1) {
                break;
            }
            assert!(turn < TURNS, "unknown {unknown:?}, wrong {wrong:?}, ended {ended:?}");
        }
    }
}

/// Verifications that stand [`CHECKS`] guesses together.
async fn pending(app: &TestApp, turn: usize) -> Vec<String> {
    let mut pending = Vec::new();
    for n in 0..CHECKS / GUESSES {
        pending.push(app.send_to(&format!("+35191{turn}3{n:05}")).await);
    }
    pending
}

/// How long a check of an unknown, a pending and an ended verification takes.
async fn medians(page: &Page<'_>, pending: &[String], ended: &str) -> [Duration; 3] {
    let mut times: [Vec<Duration>; 3] = Default::default();
    for n in 0..CHECKS {
        let unknown = format!("otp_1hyfYUTqhJJB8gBoSXEvnuHbTn{n:04}");
        let wrong = &pending[n % pending.len()];
        let mut ids = [(0, unknown.as_str()), (1, wrong), (2, ended)];
        // Whatever follows whatever, none comes first.
        ids.rotate_left(n % 3);
        for (kind, id) in ids {
            let start = Instant::now();
            let answer = check(page, id, WRONG).await;
            times[kind].push(start.elapsed());
            assert_eq!(answer.status, 422);
        }
    }
    times.map(median)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
