//! What callers are told of a refusal. Backends learn everything; pages, and so strangers, learn what to do next.

use super::{
    codes::ProblemCode,
    problem::{Problem, REPLAYED},
};
use crate::{
    domain::{clock::Timestamp, failures::Block, key::Trust, verification::Reason},
    guard::DestinationRefused,
    verifier::Refusal,
};

/// Strangers learn to this many seconds when a limit lets them go on, so that it tells little of what others sent.
const COARSE: u64 = 30;

impl Problem {
    /// Of a send, or of any call that is no check.
    pub(super) fn of(refusal: Refusal, trust: Trust, now: Timestamp) -> Self {
        match trust {
            Trust::Full => Self::told_in_full(refusal, now),
            Trust::Public => Self::told_to_pages(refusal, now),
        }
    }

    /// Of a check.
    pub(super) fn of_check(refusal: Refusal, trust: Trust, now: Timestamp) -> Self {
        match trust {
            Trust::Full => Self::told_in_full(refusal, now),
            Trust::Public => Self::uniform(refusal),
        }
    }

    /// One answer for all that can be wrong with a code or its verification.
    fn uniform(refusal: Refusal) -> Self {
        match refusal {
            Refusal::WrongCode { .. }
            | Refusal::Unknown
            | Refusal::AlreadyApproved { .. }
            | Refusal::Expired
            | Refusal::Canceled
            | Refusal::MaxAttemptsReached
            | Refusal::CodeSpent
            | Refusal::Failed(_)
            | Refusal::Blocked(_)
            | Refusal::TooSoon { .. }
            | Refusal::Limited { .. }
            | Refusal::Destination(_)
            | Refusal::DeliveryRefused { .. }
            | Refusal::InProgress { .. }
            | Refusal::Mismatch => Self::new(ProblemCode::NotApproved),
            Refusal::KeyRefused => Self::unauthenticated(),
            Refusal::Store(error) => Self::from(error),
            Refusal::KeyMissing => Self::key_missing(),
        }
    }

    fn told_to_pages(refusal: Refusal, now: Timestamp) -> Self {
        let limited = || {
            Self::new(ProblemCode::RateLimited)
                .detail("Wait as many seconds as Retry-After says. Without that header, ask whoever runs the service.")
        };
        let coarse = |until| now.whole_seconds_until(until).div_ceil(COARSE) * COARSE;
        match refusal {
            // When the next may come stood in the answer to the send before.
            Refusal::TooSoon { retry_at, .. } => {
                Self::new(ProblemCode::ResendTooSoon).retry_after(now.whole_seconds_until(retry_at))
            }
            Refusal::Limited { retry_at, .. } => limited().retry_after(coarse(retry_at)),
            // That somebody guessed is not for strangers. A lock has no end that could be told.
            Refusal::Blocked(Block::Until(until)) => limited().retry_after(coarse(until)),
            Refusal::Blocked(Block::Locked) => limited(),
            Refusal::KeyMissing => Self::key_missing(),
            Refusal::KeyRefused
            | Refusal::Destination(_)
            | Refusal::DeliveryRefused { .. }
            | Refusal::InProgress { .. }
            | Refusal::Mismatch
            | Refusal::Store(_) => Self::told_in_full(refusal, now),
            Refusal::WrongCode { .. }
            | Refusal::Unknown
            | Refusal::AlreadyApproved { .. }
            | Refusal::Expired
            | Refusal::Canceled
            | Refusal::MaxAttemptsReached
            | Refusal::CodeSpent
            | Refusal::Failed(_) => Self::uniform(refusal),
        }
    }

    /// Without a word of the code that it stands for.
    fn key_missing() -> Self {
        tracing::error!("root_key.missing");
        Self::unavailable()
    }

    fn told_in_full(refusal: Refusal, now: Timestamp) -> Self {
        match refusal {
            Refusal::KeyRefused => Self::unauthenticated(),
            Refusal::Destination(refused) => {
                Self::new(ProblemCode::DestinationNotAllowed).detail(match refused {
                    DestinationRefused::Country => "The number's country is not among the tenant's countries.",
                    DestinationRefused::Range => "Numbers of this kind are never sent to.",
                    DestinationRefused::NoSender => "No account has a sender for the number's country.",
                })
            }
            Refusal::TooSoon { id, resend_after, expires_at, retry_at } => {
                let mut problem = Self::new(ProblemCode::ResendTooSoon).retry_after(now.whole_seconds_until(retry_at));
                problem.body.id = Some(id.to_string());
                problem.body.resend_after = resend_after.map(Timestamp::rfc3339_not_before);
                problem.body.expires_at = Some(expires_at.rfc3339());
                problem
            }
            Refusal::Limited { limit, retry_at } => {
                let mut problem = Self::new(ProblemCode::RateLimited).retry_after(now.whole_seconds_until(retry_at));
                problem.body.limit = Some(limit.as_str());
                problem
            }
            Refusal::Blocked(Block::Until(until)) => {
                Self::new(ProblemCode::TooManyAttempts).retry_after(now.whole_seconds_until(until))
            }
            Refusal::Blocked(Block::Locked) => Self::new(ProblemCode::TooManyAttempts)
                .detail("The number is locked after 100 wrong codes in a row, until an operator unlocks it."),
            Refusal::DeliveryRefused { replayed } => {
                let problem = Self::new(ProblemCode::DeliveryRefused);
                if replayed { problem.header(REPLAYED, "true") } else { problem }
            }
            Refusal::InProgress { answered_by } => Self::new(ProblemCode::IdempotencyInProgress)
                .retry_after(now.whole_seconds_until(answered_by)),
            Refusal::Mismatch => Self::new(ProblemCode::IdempotencyMismatch),
            Refusal::WrongCode { attempts_left } => {
                let left = match attempts_left {
                    0 => "no guess is left".to_owned(),
                    1 => "1 guess is left".to_owned(),
                    more => format!("{more} guesses are left"),
                };
                let mut problem = Self::new(ProblemCode::WrongCode).detail(format!("The code is wrong; {left}."));
                problem.body.attempts_left = Some(attempts_left);
                problem
            }
            Refusal::Unknown => Self::new(ProblemCode::NoSuchVerification),
            Refusal::AlreadyApproved { approved_at } => {
                let mut problem = Self::new(ProblemCode::AlreadyApproved);
                problem.body.approved_at = approved_at.map(Timestamp::rfc3339);
                problem
            }
            Refusal::Expired => Self::new(ProblemCode::Expired),
            Refusal::Canceled => Self::new(ProblemCode::Canceled),
            Refusal::MaxAttemptsReached => Self::new(ProblemCode::MaxAttemptsReached),
            Refusal::CodeSpent => Self::new(ProblemCode::MaxAttemptsReached).detail(
                "A flash call allows two guesses. Send a code over another channel, or call again.",
            ),
            Refusal::Failed(reason) => {
                let mut problem = Self::new(ProblemCode::Failed);
                problem.body.reason = reason.map(Reason::as_str);
                problem
            }
            Refusal::Store(error) => Self::from(error),
            Refusal::KeyMissing => Self::key_missing()
                .detail("This code was made under a key that the service cannot use now."),
        }
    }
}
