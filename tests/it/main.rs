//! Everything that is tested through its own front door.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod app;
mod checks;
mod database;
mod errors;
mod members;
mod requests;
mod routes;
mod schema;
mod simulator;
mod wire;
