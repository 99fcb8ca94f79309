//! Calls: placed by a client, taken or not by a phone, told what to say by the client's RCML.
//!
//! Of changing a call that is live only its end is simulated (`Status`), not another `Url`; there are no
//! recordings, no conferences, no second leg.

mod document;
mod fetch;
mod handset;
mod json;
mod life;
mod lines;
mod modify;
mod notice;
mod parameters;
mod perform;
mod place;
mod rcml;
mod rest;
mod xml;

use std::time::Duration;

pub use self::{handset::Hand, lines::LiveCall};
pub(in crate::simulator) use self::{
    handset::{answer, decline, hang_up, press, show},
    lines::Lines,
    rest::{list, look_up},
};
pub(in crate::simulator) use self::{modify::modify, place::place};
use super::{errand::Address, ledger::Record, listing::Row};
use crate::domain::clock::Timestamp;

/// One call as the platform remembers it. Deliberately without `Debug`: an address may hold a secret.
#[derive(Clone)]
pub struct Call {
    /// The name of the platform, a hyphen, and `CA` with 32 digits.
    pub sid: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// When it was answered; until then, when it was placed.
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub from: String,
    pub to: String,
    pub status: CallStatus,
    pub answered: bool,
    /// In seconds: the talk, or the ringing of a call that nobody took.
    pub duration: Option<u64>,
    pub ring_duration: Option<u64>,
    pub api_version: String,
    /// Where the RCML comes from, and where it comes from when it cannot be had there.
    pub rcml: Address,
    pub fallback: Option<Address>,
    /// Where its progress is told.
    pub callback: Option<Address>,
    /// How long it may ring.
    pub timeout: Duration,
}

impl Call {
    /// The name of the platform, which its sid begins with.
    fn instance(&self) -> &str {
        self.sid.split('-').next().unwrap_or_default()
    }
}

impl Record for Call {
    fn sid(&self) -> &str {
        &self.sid
    }
}

impl Row for Call {
    fn created(&self) -> Timestamp {
        self.created
    }

    fn from(&self) -> &str {
        &self.from
    }

    fn to(&self) -> &str {
        &self.to
    }

    fn status(&self) -> &str {
        self.status.as_str()
    }

    fn duration(&self) -> Option<u64> {
        self.duration
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallStatus {
    Queued,
    Ringing,
    InProgress,
    Completed,
    Busy,
    Failed,
    Canceled,
}

impl CallStatus {
    /// In capitals or not, as Restcomm happens to store it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Ringing => "RINGING",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "BUSY",
            Self::Failed => "FAILED",
            Self::Canceled => "canceled",
        }
    }
}

/// How much of the progress of calls reaches the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallReports {
    #[default]
    Told,
    /// It gets lost on its way.
    Lost,
}

/// The name of a party without scheme and host, as callbacks and RCML requests show it.
fn user_part(party: &str) -> &str {
    let user = party.split('@').next().unwrap_or_default();
    let schemes = ["sip:", "sips:", "client:"];
    let without = schemes
        .iter()
        .find_map(|scheme| user.strip_prefix(scheme))
        .unwrap_or(user);
    without.trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_is_shown_without_scheme_and_host() {
        for (party, user) in [
            ("+351912345678", "+351912345678"),
            ("sip:bob@example.com:5060", "bob"),
            ("client:alice", "alice"),
        ] {
            assert_eq!(user_part(party), user);
        }
    }
}
