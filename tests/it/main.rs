//! Everything that is tested through its own front door.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod answer;
mod app;
mod checks;
mod crash;
mod database;
mod deliveries;
mod docs;
mod errors;
mod failover;
mod failure_budget;
mod guesses;
mod house;
mod keys;
mod lifecycle;
mod limits;
mod members;
mod openapi;
mod outage;
mod outbox;
mod overtaken;
mod process;
mod replicas;
mod requests;
mod resends;
mod rotation;
mod routes;
mod schema;
mod secrets;
mod sends;
mod settings;
mod simulator;
mod wire;
