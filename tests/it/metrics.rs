//! What Prometheus is told: true counts, under names and labels that hold nothing of callers.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use countersign::{
    domain::{key::Scope, limits::Rate, policy::Countries},
    simulator::{Answer as Fault, Script, SmsFate},
};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    app::{Answer, NUMBER, PATIENCE, TENANT, TestApp, on_both},
    database::Database,
    outage::Outage,
};

const TENANT_NAME: &str = "tenant-7f3a";
const PURPOSE: &str = "purpose-7f3a";
const REFUSED: &str = "+351912345600";
const CANCELED: &str = "+351912345611";
const RETRIED: &str = "+351912345622";

async fn scrape(app: &TestApp) -> String {
    let answer = Answer::of(app.http.get(format!("{}/metrics", app.admin))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let kind = Some("text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(answer.header("content-type"), kind);
    answer.text
}

/// Waits until every one of `lines` is among the metrics.
async fn shows(app: &TestApp, lines: &[&str]) {
    let start = Instant::now();
    loop {
        let text = scrape(app).await;
        let is_missing = |line: &&&str| !text.lines().any(|found| found == **line);
        let missing: Vec<_> = lines.iter().filter(is_missing).collect();
        if missing.is_empty() {
            return;
        }
        assert!(
            start.elapsed() < PATIENCE,
            "{missing:#?} are not in\n{text}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A service for which something of every kind has happened.
async fn eventful(database: Database) -> TestApp {
    let mut app = TestApp::with(database, |config| {
        let tenant = &mut config.tenants[0];
        tenant.policy.countries = Countries::Only(vec!["PT".to_owned()]);
        let rate = Rate {
            count: 2,
            window: Duration::from_mins(10),
        };
        tenant.policy.limits.per_number = vec![rate];
        let mut other = tenant.clone();
        TENANT_NAME.clone_into(&mut other.name);
        config.tenants.push(other);
    })
    .await;
    app.key = app
        .key_of(TENANT_NAME, &[Scope::Send, Scope::Verify, Scope::Read])
        .await;
    let send = async |to: &str, status: u16| {
        let body =
            json!({ "to": to, "purpose": PURPOSE, "metadata": { "meta-7f3a": "data-7f3a" } });
        let answer = app.post("/otp/send", body).await;
        assert_eq!(answer.status, status, "{to}: {}", answer.text);
        answer.json()["id"].as_str().unwrap_or_default().to_owned()
    };
    let check = async |id: &str, code: &str, status: u16| {
        assert_eq!(app.verify(id, code).await.status, status);
    };
    // Sent, too soon, sent again, over the limit, and elsewhere.
    let id = send(NUMBER, 201).await;
    send(NUMBER, 429).await;
    app.advance(30);
    send(NUMBER, 200).await;
    let wrong = app.wrong_code();
    check(&id, wrong, 422).await;
    check(&id, wrong, 422).await;
    check(&id, &app.code(), 200).await;
    check(&id, &app.code(), 409).await;
    check("otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN", wrong, 404).await;
    check("otp_7f3a", wrong, 404).await;
    send(NUMBER, 429).await;
    send("+442079460000", 403).await;
    send("+351760100000", 403).await;
    // Canceled, twice; and what is approved cannot be.
    let canceled = send(CANCELED, 201).await;
    for (id, status) in [(&canceled, 200), (&canceled, 200), (&id, 409)] {
        let answer = app.post(&format!("/otp/{id}/cancel"), json!({})).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    // Refused for good; and not taken at first.
    let refuse = Script {
        sms: SmsFate::Refuse,
        ..Script::default()
    };
    app.simulator.script(REFUSED, refuse);
    send(REFUSED, 422).await;
    app.simulator.answer_sends(Fault::ServerError, Some(1));
    send(RETRIED, 202).await;
    // Whatever the machine is busy with: a second of the service's is a moment of ours.
    for _ in 0..200 {
        if !app.simulator.texts(RETRIED).is_empty() {
            return app;
        }
        app.advance(1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it is never handed over again");
}

on_both! {
    async fn what_happened_is_counted_once_and_under_its_name(database) {
        let app = eventful(database).await;
        shows(&app, &[
            r#"countersign_sends_total{channel="sms",outcome="created"} 4"#,
            r#"countersign_sends_total{channel="sms",outcome="resent"} 1"#,
            r#"countersign_sends_total{channel="sms",outcome="resend_too_soon"} 1"#,
            r#"countersign_sends_total{channel="sms",outcome="rate_limited"} 1"#,
            r#"countersign_sends_total{channel="sms",outcome="destination_not_allowed"} 2"#,
            r#"countersign_sends_total{channel="voice",outcome="created"} 0"#,
            r#"countersign_limits_hit_total{limit="per_number"} 1"#,
            r#"countersign_limits_hit_total{limit="per_tenant"} 0"#,
            r#"countersign_checks_total{outcome="approved"} 1"#,
            r#"countersign_checks_total{outcome="wrong"} 2"#,
            r#"countersign_checks_total{outcome="already_approved"} 1"#,
            r#"countersign_checks_total{outcome="unknown"} 2"#,
            r#"countersign_checks_total{outcome="unavailable"} 0"#,
            r#"countersign_cancels_total{outcome="canceled"} 2"#,
            r#"countersign_cancels_total{outcome="already_ended"} 1"#,
            r#"countersign_verifications_ended_total{status="approved"} 1"#,
            r#"countersign_verifications_ended_total{status="canceled"} 1"#,
            r#"countersign_verifications_ended_total{status="failed"} 1"#,
            r#"countersign_verifications_ended_total{status="expired"} 0"#,
            r#"countersign_hand_offs_total{channel="sms",outcome="accepted"} 4"#,
            r#"countersign_hand_offs_total{channel="sms",outcome="refused"} 1"#,
            r#"countersign_hand_offs_total{channel="sms",outcome="not_sent"} 1"#,
            r#"countersign_hand_off_duration_seconds_count{channel="sms"} 6"#,
            r#"countersign_deliveries_total{channel="sms",outcome="sent"} 4"#,
            r#"countersign_deliveries_total{channel="sms",outcome="refused"} 1"#,
            "countersign_hand_offs_in_flight 0",
            r#"countersign_http_requests_total{method="POST",route="/otp/send",status="201"} 2"#,
            r#"countersign_http_requests_total{method="POST",route="/otp/send",status="202"} 1"#,
            r#"countersign_http_requests_total{method="POST",route="/otp/send",status="200"} 1"#,
            r#"countersign_http_requests_total{method="POST",route="/otp/send",status="429"} 2"#,
            r#"countersign_http_requests_total{method="POST",route="/otp/send",status="403"} 2"#,
            r#"countersign_http_requests_total{method="POST",route="/otp/send",status="422"} 1"#,
            r#"countersign_http_requests_total{method="POST",route="/otp/verify",status="422"} 2"#,
            r#"countersign_http_requests_total{method="POST",route="/otp/verify",status="404"} 2"#,
            r#"countersign_http_request_duration_seconds_count{route="/otp/verify"} 6"#,
            "countersign_http_requests_in_flight 1",
            "countersign_http_requests_abandoned_total 0",
            "countersign_journal_queue_commands 0",
            "countersign_journal_refused_total 0",
            r#"countersign_panics_total{place="request"} 0"#,
            "countersign_database_up 1",
            r#"countersign_database_errors_total{kind="refused"} 0"#,
        ]).await;
        // The gauges of the database are looked at anew every five seconds.
        app.advance(5);
        shows(&app, &[
            r#"countersign_outbox_deliveries{stage="waiting"} 0"#,
            r#"countersign_outbox_deliveries{stage="unknown"} 0"#,
            "countersign_outbox_oldest_age_seconds 0",
        ]).await;
        app.advance(300);
        // A look that a busy database does not answer in time is followed by another.
        app.eventually_within(60, "one has expired", async |app| {
            scrape(app).await.lines().any(|line| line == r#"countersign_verifications_ended_total{status="expired"} 1"#)
        }).await;
    }

    async fn what_waits_in_the_outbox_is_shown_with_its_age(database) {
        let app = TestApp::spawn(database).await;
        app.simulator.answer_sends(Fault::ServerError, None);
        let answer = app.post("/otp/send", json!({ "to": NUMBER })).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        app.advance(7);
        app.eventually_within(30, "one waits, and grows old", async |app| {
            let text = scrape(app).await;
            let oldest = text.lines().find_map(|line| line.strip_prefix("countersign_outbox_oldest_age_seconds "));
            let age: f64 = oldest.unwrap().parse().unwrap();
            text.contains("countersign_outbox_deliveries{stage=\"waiting\"} 1\n") && 6.0 < age && age < 60.0
        }).await;
    }

    async fn nothing_of_callers_and_tenants_becomes_a_label(database) {
        let app = eventful(database).await;
        for path in ["/forged-7f3a", "/otp/forged-7f3a", "/problems/forged-7f3a"] {
            app.get(path).await;
        }
        let text = scrape(&app).await;
        let (_, secret) = app.key.rsplit_once('_').unwrap();
        for foreign in ["7f3a", TENANT, "Acme", "127.0.0.1", "otp_", "cs_sk_", "main", secret]
            .into_iter()
            .chain([NUMBER, REFUSED, CANCELED, RETRIED].map(|number| &number[4..]))
        {
            assert!(!text.contains(foreign), "{foreign} is among the metrics:\n{text}");
        }
    }

    async fn a_scrape_outlives_the_database_and_says_that_it_is_away(database) {
        let app = TestApp::spawn(database).await;
        app.send().await;
        shows(&app, &["countersign_database_up 1"]).await;
        let outage = Outage::begin(&app.place).await;
        app.advance(5);
        let start = Instant::now();
        app.post("/otp/send", json!({ "to": CANCELED })).await.problem(503, "unavailable");
        let text = scrape(&app).await;
        assert!(start.elapsed() < Duration::from_secs(15), "nobody waits long");
        let is_shown = |line: &str| text.lines().any(|found| found == line);
        assert!(is_shown(r#"countersign_sends_total{channel="sms",outcome="unavailable"} 1"#), "{text}");
        // Readers of SQLite go on while somebody else holds its lock.
        if database == Database::Postgres {
            assert!(is_shown("countersign_database_up 0"), "{text}");
            assert!(is_shown("countersign_outbox_oldest_age_seconds NaN"), "{text}");
            assert!(is_shown(r#"countersign_outbox_deliveries{stage="waiting"} NaN"#), "{text}");
        }
        outage.end().await;
        app.advance(5);
        app.eventually("the database is up again", async |app| {
            app.advance(5);
            scrape(app).await.contains("countersign_database_up 1\n")
        }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_is_content() {
    let app = eventful(Database::Sqlite).await;
    let text = scrape(&app).await;
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("scripts/test installs promtool");
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let said = promtool.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
    assert_eq!((said.status.code(), words.as_str()), (Some(0), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_listener_has_no_metrics_and_the_operators_has_health_too() {
    let app = TestApp::spawn(Database::Sqlite).await;
    app.get("/metrics").await.problem(404, "not_found");
    for (path, body) in [("/livez", "alive\n"), ("/readyz", "ready\n")] {
        let answer = Answer::of(app.http.get(format!("{}{path}", app.admin))).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, body));
    }
    let posted = Answer::of(app.http.post(format!("{}/metrics", app.admin))).await;
    posted.problem(405, "method_not_allowed");
    assert_eq!(posted.header("allow"), Some("GET, HEAD"));
}

/// What is listed in the manual is there, and what is there is listed.
#[tokio::test(flavor = "multi_thread")]
async fn the_manual_lists_every_metric() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let text = scrape(&app).await;
    let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let there: BTreeSet<&str> = kinds.map(|kind| kind.split(' ').next().unwrap()).collect();
    assert!(30 < there.len(), "{there:?}");
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/OBSERVABILITY.md");
    let manual = fs::read_to_string(manual).unwrap();
    let rows = manual.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: BTreeSet<&str> = rows
        .map(|row| row.split(['`', '{']).next().unwrap())
        .filter(|name| name.starts_with("countersign_") || name.starts_with("process_"))
        .collect();
    assert_eq!(listed, there);
    // The alerts speak of metrics that there are.
    let (_, alerts) = manual.split_once("## Alerts").unwrap();
    let names = alerts.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    for name in names.filter(|name| name.starts_with("countersign_")) {
        let family = name.trim_end_matches("_bucket").trim_end_matches("_count");
        assert!(there.contains(family), "{name}");
    }
}
