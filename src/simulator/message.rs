//! One SMS as the platform remembers it.

use super::{ledger::Record, listing::Row};
use crate::domain::clock::Timestamp;

/// Deliberately without `Debug`: a body holds a code.
#[derive(Clone)]
pub struct Message {
    pub sid: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub sent: Option<Timestamp>,
    pub from: String,
    pub to: String,
    pub body: String,
    /// What the client said of the body: `GSM`, `UCS-2` or `UTF-8`; `None`: nothing, which means `GSM`.
    pub encoding: Option<String>,
    pub status: Status,
    pub failure: Option<Failure>,
    pub api_version: String,
    /// Where each change of `status` is reported.
    pub callback: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Sending,
    Sent,
    Delivered,
    Undelivered,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
        }
    }
}

/// Why a message failed. The resource shows the number, the callback the name of the Java constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    LandlineOrUnreachableCarrier,
}

impl Failure {
    pub(super) const fn code(self) -> u32 {
        match self {
            Self::LandlineOrUnreachableCarrier => 30006,
        }
    }

    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::LandlineOrUnreachableCarrier => "Landline or unreachable carrier",
        }
    }

    pub(super) const fn constant(self) -> &'static str {
        match self {
            Self::LandlineOrUnreachableCarrier => "LANDLINE_OR_UNREACHABLE_CARRIER",
        }
    }
}

impl Record for Message {
    fn sid(&self) -> &str {
        &self.sid
    }
}

impl Row for Message {
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

    fn body(&self) -> Option<&str> {
        Some(&self.body)
    }
}
