use std::{
    io,
    sync::{Arc, Mutex},
};

use tracing_subscriber::layer::SubscriberExt as _;

use super::*;
use crate::telemetry::{RequestId, TraceParent, layer};

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written of `events`, without the times.
fn lines(shape: Shape, colours: bool, events: impl FnOnce()) -> Vec<String> {
    let written = Written::default();
    let sink = written.clone();
    let layer = layer(shape, Some("trace"), colours, move || sink.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), events);
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let without_time = |line: &str| match shape {
        Shape::Text => line.split_once(' ').unwrap().1.to_owned(),
        Shape::Json => {
            let (begin, rest) = line.split_once("\"timestamp\":\"").unwrap();
            format!("{begin}{}", rest.split_once("\",").unwrap().1)
        }
    };
    text.lines().map(without_time).collect()
}

fn story() {
    let span = tracing::error_span!("connection", number = 7, peer = tracing::field::Empty);
    span.record("peer", "here");
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let trace = TraceParent::parse(trace).unwrap();
    let request = Context::of_request(RequestId::of([0xab; 12]), trace);
    let done =
        || tracing::info!(http.status = 201_u16, to = %"+351*******78", ok = true, "request.done");
    request.in_scope(|| span.in_scope(done));
    tracing::warn!(
        error = "two\nlines \"quoted\" \u{1b}[31m\u{2028}",
        empty = "",
        "sweep.failed"
    );
    tracing::info!(target: "sqlx::query", rows = -1_i64, ratio = 0.5, nothing = f64::NAN, "said in words");
    tracing::debug!(target: "reqwest", "the body is a secret");
}

#[test]
fn people_get_the_event_first_and_machines_a_flat_object() {
    assert_eq!(
        lines(Shape::Text, false, story),
        [
            " INFO request.done http.status=201 to=+351*******78 ok=true number=7 peer=here \
             request.id=req_abababababababababababab trace.id=4bf92f3577b34da6a3ce929d0e0e4736 span.id=00f067aa0ba902b7",
            r#" WARN sweep.failed error="two\nlines \"quoted\" \u{1b}[31m\u{2028}" empty="""#,
            r#" INFO library.said message="said in words" rows=-1 ratio=0.5"#,
        ]
    );
    assert_eq!(
        lines(Shape::Json, false, story),
        [
            r#"{"level":"INFO","target":"countersign::telemetry::line::tests","event":"request.done","http.status":201,"to":"+351*******78","ok":true,"number":7,"peer":"here","request.id":"req_abababababababababababab","trace.id":"4bf92f3577b34da6a3ce929d0e0e4736","span.id":"00f067aa0ba902b7"}"#,
            r#"{"level":"WARN","target":"countersign::telemetry::line::tests","event":"sweep.failed","error":"two\u000alines \"quoted\" \u001b[31m\u2028","empty":""}"#,
            r#"{"level":"INFO","target":"sqlx::query","event":"library.said","message":"said in words","rows":-1,"ratio":0.5}"#,
        ]
    );
}

#[test]
fn colours_are_for_text_alone() {
    let event = || tracing::error!("request.panicked");
    assert_eq!(
        lines(Shape::Text, true, event),
        ["\u{1b}[31mERROR\u{1b}[0m request.panicked"]
    );
    assert_eq!(
        lines(Shape::Json, true, event),
        [
            r#"{"level":"ERROR","target":"countersign::telemetry::line::tests","event":"request.panicked"}"#
        ]
    );
}
