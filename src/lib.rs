//! Countersign proves that a person holds a phone number, with one-time codes sent through Restcomm.

pub mod app;
pub mod cli;
pub mod config;
pub mod courier;
pub mod crypto;
pub mod domain;
pub mod guard;
pub mod http;
pub mod message;
pub mod restcomm;
pub mod simulator;
pub mod store;
pub mod sweeper;
pub mod telemetry;
pub mod verifier;
