//! The one table of errors: every code with its status, its title, and what to do about it.

use actix_web::http::StatusCode;

/// The stable names that clients match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProblemCode {
    MalformedRequest,
    Unauthenticated,
    Forbidden,
    DestinationNotAllowed,
    NotFound,
    NoSuchVerification,
    MethodNotAllowed,
    NotAcceptable,
    RequestTimeout,
    AlreadyApproved,
    IdempotencyInProgress,
    Expired,
    Canceled,
    MaxAttemptsReached,
    Failed,
    BodyTooLarge,
    UnsupportedMediaType,
    InvalidRequest,
    WrongCode,
    NotApproved,
    IdempotencyMismatch,
    DeliveryRefused,
    ResendTooSoon,
    RateLimited,
    TooManyAttempts,
    Internal,
    Unavailable,
}

impl ProblemCode {
    pub(super) const ALL: [Self; 27] = [
        Self::MalformedRequest,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::DestinationNotAllowed,
        Self::NotFound,
        Self::NoSuchVerification,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::RequestTimeout,
        Self::AlreadyApproved,
        Self::IdempotencyInProgress,
        Self::Expired,
        Self::Canceled,
        Self::MaxAttemptsReached,
        Self::Failed,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::InvalidRequest,
        Self::WrongCode,
        Self::NotApproved,
        Self::IdempotencyMismatch,
        Self::DeliveryRefused,
        Self::ResendTooSoon,
        Self::RateLimited,
        Self::TooManyAttempts,
        Self::Internal,
        Self::Unavailable,
    ];

    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::MalformedRequest => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::DestinationNotAllowed => StatusCode::FORBIDDEN,
            Self::NotFound | Self::NoSuchVerification => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::AlreadyApproved | Self::IdempotencyInProgress => StatusCode::CONFLICT,
            Self::Expired | Self::Canceled | Self::MaxAttemptsReached | Self::Failed => {
                StatusCode::GONE
            }
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidRequest
            | Self::WrongCode
            | Self::NotApproved
            | Self::IdempotencyMismatch
            | Self::DeliveryRefused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::ResendTooSoon | Self::RateLimited | Self::TooManyAttempts => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::MalformedRequest => "malformed_request",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::DestinationNotAllowed => "destination_not_allowed",
            Self::NotFound => "not_found",
            Self::NoSuchVerification => "no_such_verification",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotAcceptable => "not_acceptable",
            Self::RequestTimeout => "request_timeout",
            Self::AlreadyApproved => "already_approved",
            Self::IdempotencyInProgress => "idempotency_in_progress",
            Self::Expired => "expired",
            Self::Canceled => "canceled",
            Self::MaxAttemptsReached => "max_attempts_reached",
            Self::Failed => "failed",
            Self::BodyTooLarge => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::InvalidRequest => "invalid_request",
            Self::WrongCode => "wrong_code",
            Self::NotApproved => "not_approved",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::DeliveryRefused => "delivery_refused",
            Self::ResendTooSoon => "resend_too_soon",
            Self::RateLimited => "rate_limited",
            Self::TooManyAttempts => "too_many_attempts",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::MalformedRequest => "The request cannot be read",
            Self::Unauthenticated => "No valid API key",
            Self::Forbidden => "The API key does not allow this",
            Self::DestinationNotAllowed => "This number cannot be sent to",
            Self::NotFound => "There is nothing here",
            Self::NoSuchVerification => "There is no such verification",
            Self::MethodNotAllowed => "This path has another method",
            Self::NotAcceptable => "Only JSON is answered",
            Self::RequestTimeout => "The body came too slowly",
            Self::AlreadyApproved => "This verification was approved before",
            Self::IdempotencyInProgress => "The same send is under way",
            Self::Expired => "The code has expired",
            Self::Canceled => "This verification was canceled",
            Self::MaxAttemptsReached => "All guesses are spent",
            Self::Failed => "This verification has failed",
            Self::BodyTooLarge => "The body is too large",
            Self::UnsupportedMediaType => "Only JSON is read",
            Self::InvalidRequest => "Some members are not valid",
            Self::WrongCode => "The code is wrong",
            Self::NotApproved => "The code was not accepted",
            Self::IdempotencyMismatch => "This idempotency key names another send",
            Self::DeliveryRefused => "The message was refused for good",
            Self::ResendTooSoon => "A code was sent a moment ago",
            Self::RateLimited => "A limit on sends is reached",
            Self::TooManyAttempts => "Too many wrong codes for this number",
            Self::Internal => "Something is wrong on our side",
            Self::Unavailable => "The service cannot do this now",
        }
    }

    /// What it means and what to do: the detail where nothing more precise is known, and the page that explains it.
    pub(super) const fn advice(self) -> &'static str {
        match self {
            Self::MalformedRequest => {
                "Send one JSON object in UTF-8, each member once and nothing after it, and no query string."
            }
            Self::Unauthenticated => {
                "Send `Authorization: Bearer KEY` with a key that has neither expired nor been revoked."
            }
            Self::Forbidden => {
                "Use a key with the scope that the operation needs, or have one made. A publishable key works only from \
                 the origins of its tenant."
            }
            Self::DestinationNotAllowed => {
                "The tenant's policy does not include the number's country, or the number is of a kind that is never \
                 sent to, such as premium-rate, shared-cost, toll-free or satellite."
            }
            Self::NotFound => "Compare the path with the OpenAPI document at /openapi.json.",
            Self::NoSuchVerification => {
                "The id is not one of this tenant's, or it was deleted after the retention time."
            }
            Self::MethodNotAllowed => "Use the method that the Allow header names.",
            Self::NotAcceptable => "Accept application/json, or leave the Accept header out.",
            Self::RequestTimeout => "Send the whole body within 10 seconds.",
            Self::AlreadyApproved => {
                "A code is accepted once. If the answer to that check was lost, this is it: `approved_at` says when."
            }
            Self::IdempotencyInProgress => {
                "A send with this `Idempotency-Key` is waiting for its answer. Repeat it after as many seconds as Retry-After \
                 says: the answer will be the same, and no second message is sent."
            }
            Self::Expired => "Send a new code.",
            Self::Canceled => {
                "It was canceled by a call, or a newer one took its place. Send a new code."
            }
            Self::MaxAttemptsReached => {
                "No guess is left, and the right code is refused, too. Send a new code."
            }
            Self::Failed => "No message reached the phone. Check the number, then send a new code.",
            Self::BodyTooLarge => "A body has at most 16 KiB.",
            Self::UnsupportedMediaType => {
                "Send `Content-Type: application/json` in UTF-8, without a content encoding."
            }
            Self::InvalidRequest => "`errors` lists every fault with a pointer to where it is.",
            Self::WrongCode => {
                "`attempts_left` says how many guesses are left for this verification; a resend adds none."
            }
            Self::NotApproved => {
                "The code is wrong, or it is good for nothing any more. Check it, or send a new one. With a publishable \
                 key every failed check is answered like this; a secret key learns the reason."
            }
            Self::IdempotencyMismatch => {
                "Repeat the very same request, body and `Prefer`, or give a new send an `Idempotency-Key` of its own. \
                 Nothing was sent."
            }
            Self::DeliveryRefused => {
                "The messaging platform will not take this message for this number. The verification has failed; \
                 check the number."
            }
            Self::ResendTooSoon => {
                "Wait as many seconds as Retry-After says. The code that was sent is still good."
            }
            Self::RateLimited => "`limit` names it. Wait as many seconds as Retry-After says.",
            Self::TooManyAttempts => {
                "The number is blocked for as long as Retry-After says; without that header, until an operator unlocks \
                 it. The guess was not evaluated."
            }
            Self::Internal => {
                "Quote the `instance` to whoever runs the service: the log says more."
            }
            Self::Unavailable => {
                "The database does not answer. Try again after as many seconds as Retry-After says."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_stands_in_the_list_of_all_once() {
        let names: HashSet<_> = ProblemCode::ALL
            .into_iter()
            .map(ProblemCode::name)
            .collect();
        assert_eq!(names.len(), ProblemCode::ALL.len());
        assert!(
            ProblemCode::ALL
                .iter()
                .all(|code| 400 <= code.status().as_u16())
        );
    }
}
