//! Everything that is tested through its own front door.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod app;
mod checks;
mod crash;
mod database;
mod deliveries;
mod failover;
mod outbox;
mod overtaken;
mod replicas;
mod schema;
mod simulator;
