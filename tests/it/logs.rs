//! What operators read: one flat object a line, dotted names, and the trace that a request is part of.

use std::{collections::BTreeSet, fs, path::Path};

use countersign::simulator::Answer as Fault;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{Answer, NUMBER, TestApp, on_both},
    database::Database,
    log,
};

const SPAN: &str = "00f067aa0ba902b7";

async fn send_in(app: &TestApp, purpose: &str, traceparent: &[&str]) -> Answer {
    let mut request = app.request(Method::POST, "/otp/send");
    for header in traceparent {
        request = request.header("traceparent", *header);
    }
    let body = json!({ "to": NUMBER, "purpose": purpose });
    let request = request.header("Content-Type", "application/json");
    Answer::of(request.body(body.to_string())).await
}

/// The line that tells of a whole request.
fn done(answer: &Answer) -> Value {
    let id = answer.header("x-request-id").unwrap();
    let lines = log::of_trace(id);
    let line = lines.iter().find(|line| line["event"] == "request.done");
    line.unwrap_or_else(|| panic!("no line for {id}")).clone()
}

on_both! {
    async fn every_line_that_a_request_causes_tells_of_its_trace(database) {
        log::capture();
        let app = TestApp::seeded(database, 8000 + database as u64).await;
        let trace = match database {
            Database::Sqlite => "4bf92f3577b34da6a3ce929d0e0e4736",
            Database::Postgres => "4bf92f3577b34da6a3ce929d0e0e4737",
        };
        app.simulator.answer_sends(Fault::ServerError, Some(1));
        let sent = send_in(&app, "login", &[&format!("00-{trace}-{SPAN}-01")]).await;
        assert_eq!(sent.status, 202, "{}", sent.text);
        app.eventually("the hand-off is told of", async |_| {
            log::of_trace(trace).iter().any(|line| line["event"] == "delivery.handed_off")
        }).await;
        let lines = log::of_trace(trace);
        let events: BTreeSet<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
        for event in ["request.done", "send.decided", "delivery.handed_off", "restcomm.refused_request"] {
            assert!(events.contains(event), "{event} is not among {events:?}");
        }
        for line in &lines {
            assert_eq!(line["trace.id"], trace, "{line}");
            assert_eq!(line["span.id"], SPAN, "{line}");
            assert_eq!(line["request.id"].as_str(), sent.header("x-request-id"), "{line}");
        }
        let mut handed = lines.into_iter().find(|line| line["event"] == "delivery.handed_off").unwrap();
        let handed = handed.as_object_mut().unwrap();
        for (name, kind) in [("timestamp", 27), ("delivery.id", 34), ("request.id", 28)] {
            let value = handed.remove(name).unwrap();
            assert_eq!(value.as_str().map(str::len), Some(kind), "{name}: {value}");
        }
        assert_eq!(
            json!(handed),
            json!({
                "level": "WARN",
                "target": "countersign::courier::told",
                "event": "delivery.handed_off",
                "delivery.channel": "sms",
                "delivery.to": "+351*******78",
                "delivery.outcome": "not_sent",
                "account": "main",
                "duration_ms": 0,
                "trace.id": trace,
                "span.id": SPAN,
            })
        );
    }

    async fn a_trace_that_nobody_named_well_begins_with_the_request(database) {
        log::capture();
        let app = TestApp::seeded(database, 8100 + database as u64).await;
        let named = "4bf92f3577b34da6a3ce929d0e0e47ff";
        let valid = format!("00-{named}-{SPAN}-01");
        let mut seen = BTreeSet::new();
        for (n, headers) in [
            &[][..],
            &["00-00000000000000000000000000000000-00f067aa0ba902b7-01"],
            &["what-7f3a"],
            // Two of them are none.
            &[&valid, &valid],
        ].into_iter().enumerate() {
            let sent = send_in(&app, &format!("p{n}"), headers).await;
            let line = done(&sent);
            let trace = line["trace.id"].as_str().unwrap();
            assert!(trace.len() == 32 && trace.bytes().all(|digit| digit.is_ascii_hexdigit()), "{line}");
            assert_ne!(trace, named);
            assert_eq!(line.get("span.id"), None, "{line}");
            assert!(seen.insert(trace.to_owned()), "each has a trace of its own");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_of_a_request_tells_route_status_and_problem() {
    log::capture();
    let app = TestApp::seeded(Database::Sqlite, 8200).await;
    let id = app.send().await;
    let wrong = app.verify(&id, app.wrong_code()).await;
    let mut line = done(&wrong);
    let fields = line.as_object_mut().unwrap();
    for unsteady in ["timestamp", "request.id", "trace.id"] {
        assert!(fields.remove(unsteady).is_some(), "{unsteady}");
    }
    assert_eq!(
        line,
        json!({
            "level": "INFO",
            "target": "countersign::http::observed",
            "event": "request.done",
            "http.method": "POST",
            "http.route": "/otp/verify",
            "http.status": 422,
            "problem.code": "wrong_code",
            "duration_ms": 0,
        })
    );
    let ordinary = log::json();
    let with_id = ordinary.lines().filter(|line| line.contains(&id));
    for line in with_id {
        assert!(
            line.contains("\"level\":\"DEBUG\""),
            "a verification's id is for the finest log: {line}"
        );
    }
    for line in ordinary.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let fields = event.as_object().unwrap();
        assert!(
            fields
                .values()
                .all(|value| !value.is_object() && !value.is_array()),
            "{line}"
        );
        let name = event["event"].as_str().unwrap();
        assert!(is_dotted(name), "{line}");
    }
}

fn is_dotted(name: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    name.contains('.') && name.split('.').all(word)
}

/// The names of all events in the source: what stands last in a call of a macro of `tracing`.
fn events_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            events_in(&path, found);
        } else if !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            for (at, _) in text.match_indices("tracing::") {
                let call = &text[at + "tracing::".len()..];
                let Some((level, rest)) = call.split_once("!(") else {
                    continue;
                };
                if !["error", "warn", "info", "debug", "trace", "$level"].contains(&level) {
                    continue;
                }
                let end = [rest.find(");"), rest.find(")\n")]
                    .into_iter()
                    .flatten()
                    .min();
                let said = &rest[..end.unwrap()];
                let name = said
                    .trim_end()
                    .trim_end_matches('"')
                    .rsplit('"')
                    .next()
                    .unwrap();
                found.insert(name.to_owned());
            }
        }
    }
}

#[test]
fn every_event_has_a_dotted_name_and_a_line_in_the_manual() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut events = BTreeSet::from(["library.said".to_owned()]);
    events_in(&root.join("src"), &mut events);
    assert!(
        20 < events.len(),
        "the events are no longer found: {events:?}"
    );
    for event in &events {
        assert!(is_dotted(event), "{event}");
    }
    let manual = fs::read_to_string(root.join("docs/OBSERVABILITY.md")).unwrap();
    let (_, part) = manual.split_once("## Events").unwrap();
    let part = part.split("\n## ").next().unwrap();
    let rows = part.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: BTreeSet<String> = rows
        .map(|row| row.split('`').next().unwrap().to_owned())
        .collect();
    assert_eq!(listed, events);
}
