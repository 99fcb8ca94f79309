//! Everything that is tested through its own front door.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod app;
mod checks;
mod crash;
mod database;
mod deliveries;
mod failover;
mod failure_budget;
mod keys;
mod lifecycle;
mod limits;
mod outbox;
mod overtaken;
mod replicas;
mod resends;
mod rotation;
mod schema;
mod sends;
mod simulator;
