//! Errors as RFC 9457 wants them, from one exhaustive table.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header, header::HeaderName},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{clock::Timestamp, failures::Block, verification::Reason},
    guard::DestinationRefused,
    store::StoreError,
    verifier::Refusal,
};

/// After this many seconds a database may be back.
const RETRY_UNAVAILABLE: u64 = 2;

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
    Expired,
    Canceled,
    MaxAttemptsReached,
    Failed,
    BodyTooLarge,
    UnsupportedMediaType,
    InvalidRequest,
    WrongCode,
    DeliveryRefused,
    ResendTooSoon,
    RateLimited,
    TooManyAttempts,
    Internal,
    Unavailable,
}

/// What stands in the table for a code.
pub(super) struct Entry {
    pub(super) status: StatusCode,
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What it means and what to do, for the page that explains it.
    pub(super) advice: &'static str,
}

impl ProblemCode {
    pub(super) const ALL: [Self; 24] = [
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
        Self::Expired,
        Self::Canceled,
        Self::MaxAttemptsReached,
        Self::Failed,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::InvalidRequest,
        Self::WrongCode,
        Self::DeliveryRefused,
        Self::ResendTooSoon,
        Self::RateLimited,
        Self::TooManyAttempts,
        Self::Internal,
        Self::Unavailable,
    ];

    /// The one table.
    pub(super) const fn entry(self) -> Entry {
        const fn row(
            status: StatusCode,
            name: &'static str,
            title: &'static str,
            advice: &'static str,
        ) -> Entry {
            Entry {
                status,
                name,
                title,
                advice,
            }
        }
        match self {
            Self::MalformedRequest => row(
                StatusCode::BAD_REQUEST,
                "malformed_request",
                "The request cannot be read",
                "Send one JSON object in UTF-8, each member once and nothing after it, and no query string.",
            ),
            Self::Unauthenticated => row(
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "No valid API key",
                "Send `Authorization: Bearer KEY` with a key that has neither expired nor been revoked.",
            ),
            Self::Forbidden => row(
                StatusCode::FORBIDDEN,
                "forbidden",
                "The API key does not allow this",
                "Use a key with the scope that the operation needs, or have one made.",
            ),
            Self::DestinationNotAllowed => row(
                StatusCode::FORBIDDEN,
                "destination_not_allowed",
                "This number cannot be sent to",
                "The tenant's policy does not include the number's country, or the number is of a kind that is never \
                 sent to, such as premium-rate, shared-cost, toll-free or satellite.",
            ),
            Self::NotFound => row(
                StatusCode::NOT_FOUND,
                "not_found",
                "There is nothing here",
                "Compare the path with the OpenAPI document at /openapi.json.",
            ),
            Self::NoSuchVerification => row(
                StatusCode::NOT_FOUND,
                "no_such_verification",
                "There is no such verification",
                "The id is not one of this tenant's, or it was deleted after the retention time.",
            ),
            Self::MethodNotAllowed => row(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This path has another method",
                "Use the method that the Allow header names.",
            ),
            Self::NotAcceptable => row(
                StatusCode::NOT_ACCEPTABLE,
                "not_acceptable",
                "Only JSON is answered",
                "Accept application/json, or leave the Accept header out.",
            ),
            Self::RequestTimeout => row(
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                "The body came too slowly",
                "Send the whole body within 10 seconds.",
            ),
            Self::AlreadyApproved => row(
                StatusCode::CONFLICT,
                "already_approved",
                "This verification was approved before",
                "A code is accepted once. If the answer to that check was lost, this is it: `approved_at` says when.",
            ),
            Self::Expired => row(
                StatusCode::GONE,
                "expired",
                "The code has expired",
                "Send a new code.",
            ),
            Self::Canceled => row(
                StatusCode::GONE,
                "canceled",
                "This verification was canceled",
                "It was canceled by a call, or a newer one took its place. Send a new code.",
            ),
            Self::MaxAttemptsReached => row(
                StatusCode::GONE,
                "max_attempts_reached",
                "All guesses are spent",
                "No guess is left, and the right code is refused, too. Send a new code.",
            ),
            Self::Failed => row(
                StatusCode::GONE,
                "failed",
                "This verification has failed",
                "No message reached the phone. Check the number, then send a new code.",
            ),
            Self::BodyTooLarge => row(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "The body is too large",
                "A body has at most 16 KiB.",
            ),
            Self::UnsupportedMediaType => row(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Only JSON is read",
                "Send `Content-Type: application/json` in UTF-8, without a content encoding.",
            ),
            Self::InvalidRequest => row(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_request",
                "Some members are not valid",
                "`errors` lists every fault with a pointer to where it is.",
            ),
            Self::WrongCode => row(
                StatusCode::UNPROCESSABLE_ENTITY,
                "wrong_code",
                "The code is wrong",
                "`attempts_left` says how many guesses are left for this verification; a resend adds none.",
            ),
            Self::DeliveryRefused => row(
                StatusCode::UNPROCESSABLE_ENTITY,
                "delivery_refused",
                "The message was refused for good",
                "The messaging platform will not take this message for this number. The verification has failed; \
                 check the number.",
            ),
            Self::ResendTooSoon => row(
                StatusCode::TOO_MANY_REQUESTS,
                "resend_too_soon",
                "A code was sent a moment ago",
                "Wait as many seconds as Retry-After says. The code that was sent is still good.",
            ),
            Self::RateLimited => row(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "A limit on sends is reached",
                "`limit` names it. Wait as many seconds as Retry-After says.",
            ),
            Self::TooManyAttempts => row(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_attempts",
                "Too many wrong codes for this number",
                "The number is blocked for as long as Retry-After says; without that header, until an operator unlocks \
                 it. The guess was not evaluated.",
            ),
            Self::Internal => row(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something is wrong on our side",
                "Quote the `instance` to whoever runs the service: the log says more.",
            ),
            Self::Unavailable => row(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The service cannot do this now",
                "The database does not answer. Try again after as many seconds as Retry-After says.",
            ),
        }
    }
}

/// An error on its way to the caller.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) code: ProblemCode,
    pub(super) body: Box<ProblemBody>,
    pub(super) headers: Vec<(HeaderName, String)>,
}

/// Every answer of 400 and above (RFC 9457, application/problem+json).
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody {
    /// The page that explains this error.
    #[schema(
        format = "uri",
        example = "https://otp.example.com/problems/wrong_code"
    )]
    pub(super) r#type: String,
    #[schema(example = "The code is wrong")]
    pub(super) title: &'static str,
    #[schema(example = 422)]
    pub(super) status: u16,
    #[schema(example = "The code is wrong; 4 guesses are left.")]
    pub(super) detail: String,
    /// The id of the request, as in the log.
    #[schema(example = "req_0VSf8NhIq9hrEKLPdl0iq7")]
    pub(super) instance: String,
    /// The stable name of the error.
    #[schema(example = "wrong_code")]
    pub(super) code: &'static str,
    /// Every fault of the request; with `invalid_request`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(super) errors: Vec<FieldError>,
    /// Guesses left; with `wrong_code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attempts_left: Option<u8>,
    /// Which limit is reached; with `rate_limited`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit: Option<&'static str>,
    /// When it was approved; with `already_approved`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    pub(super) approved_at: Option<String>,
    /// The pending verification; with `resend_too_soon`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// When it may be sent again, if it can; with `resend_too_soon`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    pub(super) resend_after: Option<String>,
    /// When its code expires; with `resend_too_soon`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    pub(super) expires_at: Option<String>,
    /// Why it failed; with `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'static str>,
}

/// One fault of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct FieldError {
    /// JSON pointer into the body as a URI fragment, or `#` and the name of a header.
    #[schema(example = "#/to")]
    pub(super) pointer: String,
    #[schema(example = "invalid")]
    pub(super) code: FieldCode,
    #[schema(example = "must begin with + and the country's calling code")]
    pub(super) detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum FieldCode {
    Required,
    UnknownMember,
    WrongType,
    Invalid,
    TooLong,
    NotAllowed,
}

impl Problem {
    pub(super) fn new(code: ProblemCode) -> Self {
        let detail = code.entry().advice.to_owned();
        Self {
            code,
            body: Box::new(ProblemBody {
                detail,
                ..ProblemBody::default()
            }),
            headers: Vec::new(),
        }
    }

    pub(super) fn invalid(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(ProblemCode::InvalidRequest);
        problem.body.errors = errors;
        problem
    }

    #[must_use]
    pub(super) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.body.detail = detail.into();
        self
    }

    #[must_use]
    pub(super) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, seconds.to_string())
    }

    /// What a refusal looks like to a caller with a secret key, who may know everything.
    pub(super) fn of(refusal: Refusal, now: Timestamp) -> Self {
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
            Refusal::DeliveryRefused => Self::new(ProblemCode::DeliveryRefused),
            Refusal::WrongCode { attempts_left } => {
                let mut problem = Self::new(ProblemCode::WrongCode);
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
            Refusal::Failed(reason) => {
                let mut problem = Self::new(ProblemCode::Failed);
                problem.body.reason = reason.map(Reason::as_str);
                problem
            }
            Refusal::Store(error) => Self::from(error),
            Refusal::KeyMissing => {
                tracing::error!("a root key that a pending code was made with is missing from keys.root");
                Self::new(ProblemCode::Unavailable).retry_after(RETRY_UNAVAILABLE)
            }
        }
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(ProblemCode::Unauthenticated).header(header::WWW_AUTHENTICATE, "Bearer")
    }

    /// The whole answer.
    pub(super) fn answer(&self, public_url: &str, request_id: &str) -> HttpResponse {
        let entry = self.code.entry();
        let mut answer = HttpResponse::build(entry.status);
        for (name, value) in &self.headers {
            answer.insert_header((name.clone(), value.as_str()));
        }
        let body = ProblemBody {
            r#type: format!("{public_url}/problems/{}", entry.name),
            title: entry.title,
            status: entry.status.as_u16(),
            instance: request_id.to_owned(),
            code: entry.name,
            detail: self.body.detail.clone(),
            errors: self.body.errors.clone(),
            approved_at: self.body.approved_at.clone(),
            id: self.body.id.clone(),
            resend_after: self.body.resend_after.clone(),
            expires_at: self.body.expires_at.clone(),
            ..*self.body
        };
        let body = serde_json::to_string(&body).expect("plain values always serialise");
        answer.content_type("application/problem+json").body(body)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_)
            | StoreError::Full
            | StoreError::Again
            | StoreError::NotOpened { .. }
            | StoreError::Migration(_) => {
                Self::new(ProblemCode::Unavailable).retry_after(RETRY_UNAVAILABLE)
            }
            StoreError::Damaged { .. } | StoreError::Refused(_) => {
                tracing::error!(%error, "request.failed");
                Self::new(ProblemCode::Internal)
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.entry().name)
    }
}

/// The envelope renders problems, since only it knows the request's id; this is for whoever bypasses it.
impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.entry().status
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_stands_in_the_list_of_all_once() {
        let names: HashSet<_> = ProblemCode::ALL
            .iter()
            .map(|code| code.entry().name)
            .collect();
        assert_eq!(names.len(), ProblemCode::ALL.len());
        assert!(
            ProblemCode::ALL
                .iter()
                .all(|code| 400 <= code.entry().status.as_u16())
        );
    }
}
