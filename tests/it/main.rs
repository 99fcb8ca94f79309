//! Everything that is tested through its own front door.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod answer;
mod app;
mod checks;
mod database;
mod errors;
mod guesses;
mod house;
mod members;
mod openapi;
mod outage;
mod requests;
mod routes;
mod schema;
mod secrets;
mod simulator;
mod wire;
