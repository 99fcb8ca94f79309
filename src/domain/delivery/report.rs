//! What the courier tells of a delivery, and what it is told.

use super::{DeliveryReason, Receipt};
use crate::domain::clock::Timestamp;

/// What became of a hand-off or a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    Accepted {
        account: String,
        sid: String,
    },
    Refused,
    /// Certainly not at Restcomm.
    NotSent,
    /// Perhaps at Restcomm, since `requested_at`.
    Unknown {
        account: String,
        requested_at: Timestamp,
    },
    /// The account could not be asked.
    LookUpFailed,
    /// Nobody was asked: no account may be just now, as far as is known until `until`.
    PutOff {
        until: Timestamp,
    },
    /// This account is about to be tried.
    Moving {
        account: String,
    },
    /// Restcomm tells of the message.
    Receipt(Receipt),
}

impl Report {
    /// Whether it may mean that the delivery led to nothing, so that its limits are given back.
    pub const fn may_give_back(&self) -> bool {
        !matches!(self, Self::Accepted { .. })
    }
}

/// What a report led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Noted; the courier goes on as the row says.
    Noted,
    /// This delivery will never be a message, and none was sent.
    NothingSent(DeliveryReason),
    /// The message is Restcomm's.
    Sent,
    /// Somebody else has the delivery now, or it is over: stop.
    Stale,
}

/// What the courier must do with a delivery it claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    HandOff,
    LookUp,
    /// Report it as not sent: it is too late, or nobody waits for it any more.
    GiveUp,
    /// Nothing: it ended with the claim.
    Nothing,
}
