//! Everything that is tested through its own front door.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod app;
mod checks;
mod database;
mod process;
mod simulator;
