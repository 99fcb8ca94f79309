//! What this process logs, at every level and in both shapes.

use std::{
    io,
    sync::{Mutex, OnceLock, PoisonError},
};

use countersign::telemetry::{self, Shape};
use serde_json::Value;
use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};

static TEXT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static JSON: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct To(&'static Mutex<Vec<u8>>);

impl io::Write for To {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Logs as `RUST_LOG=trace` would. All tests of this process share it.
pub(crate) fn capture() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let levels = Some("trace");
        tracing_subscriber::registry()
            .with(telemetry::layer(Shape::Text, levels, false, || To(&TEXT)))
            .with(telemetry::layer(Shape::Json, levels, false, || To(&JSON)))
            .init();
    });
}

fn read(log: &Mutex<Vec<u8>>) -> String {
    let bytes = log.lock().unwrap_or_else(PoisonError::into_inner).clone();
    String::from_utf8(bytes).unwrap()
}

pub(crate) fn text() -> String {
    read(&TEXT)
}

pub(crate) fn json() -> String {
    read(&JSON)
}

/// The events that are part of a trace, oldest first.
pub(crate) fn of_trace(trace: &str) -> Vec<Value> {
    json()
        .lines()
        .filter(|line| line.contains(trace))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
