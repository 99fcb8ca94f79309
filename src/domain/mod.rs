//! The rules, as pure functions over plain values: no IO, no SQL, no JSON, no ambient time.

pub mod check;
pub mod clock;
pub mod code;
pub mod delivery;
pub mod dispatch;
pub mod ending;
pub mod failures;
pub mod fallback;
pub mod follow_up;
pub mod id;
pub mod idempotency;
pub mod key;
pub mod language;
pub mod ledger;
pub mod limits;
pub mod outbox;
pub mod phone;
pub mod policy;
pub mod random;
pub mod send;
pub mod speak;
pub mod synthesizer;
pub mod take_back;
pub mod verification;
pub mod wording;
mod words;
