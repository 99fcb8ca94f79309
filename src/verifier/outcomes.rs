//! What decisions come to, in the words of the rule book.

use super::{Refusal, Sent};
use crate::domain::{
    send::SendOutcome,
    verification::{Status, Verification},
};

/// What a send has begun, or why it has not.
pub(super) fn begun(outcome: SendOutcome) -> Result<Sent, Refusal> {
    let (dispatch, resent) = match outcome {
        SendOutcome::Created(dispatch) => (dispatch, false),
        SendOutcome::Resent(dispatch) => (dispatch, true),
        SendOutcome::TooSoon {
            verification,
            retry_at,
        } => {
            return Err(Refusal::TooSoon {
                id: verification.id,
                resend_after: verification.resend_after(),
                expires_at: verification.expires_at,
                retry_at,
            });
        }
        SendOutcome::Limited { limit, retry_at } => {
            return Err(Refusal::Limited { limit, retry_at });
        }
        SendOutcome::Blocked(block) => return Err(Refusal::Blocked(block)),
        SendOutcome::KeyRefused => return Err(Refusal::KeyRefused),
        SendOutcome::Unreadable => return Err(Refusal::KeyMissing),
        SendOutcome::Known(_) | SendOutcome::NotKnown => {
            unreachable!("only a send that may be repeated is known or not")
        }
    };
    Ok(Sent {
        verification: *dispatch.verification,
        delivery: *dispatch.delivery,
        resent,
    })
}

pub(super) fn why_ended(verification: &Verification) -> Refusal {
    match verification.status {
        Status::Approved => Refusal::AlreadyApproved {
            approved_at: verification.approved_at,
        },
        Status::Expired => Refusal::Expired,
        Status::Canceled => Refusal::Canceled,
        Status::MaxAttemptsReached => Refusal::MaxAttemptsReached,
        Status::Failed => Refusal::Failed(verification.reason),
        Status::Pending => unreachable!("a pending verification has not ended"),
    }
}
