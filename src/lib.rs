//! Countersign proves that a person holds a phone number, with one-time codes sent through Restcomm.

pub mod config;
pub mod domain;
