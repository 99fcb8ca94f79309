//! The rules, as pure functions over plain values: no IO, no SQL, no JSON, no ambient time.

pub mod clock;
pub mod limits;
pub mod phone;
pub mod policy;
