//! Errors as RFC 9457 wants them, from one exhaustive table.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header, header::HeaderName},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::codes::ProblemCode;
use crate::store::StoreError;

/// After this many seconds a database may be back.
const RETRY_UNAVAILABLE: u64 = 2;
/// Tells that this is the answer to an earlier send with the same `Idempotency-Key`.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

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
    /// The error in short, the same for all that have this `code`.
    #[schema(example = "The code is wrong")]
    pub(super) title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    pub(super) status: u16,
    /// For people: what is wrong, and what to do.
    #[schema(example = "The code is wrong; 4 guesses are left.")]
    pub(super) detail: String,
    /// The id of the request, as in the log and in `X-Request-Id`.
    #[schema(example = "req_8f14e45fceea167a5a36dedd")]
    pub(super) instance: String,
    #[schema(value_type = ProblemCode)]
    pub(super) code: &'static str,
    /// Every fault of the request; with `invalid_request`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(super) errors: Vec<FieldError>,
    /// Guesses left; with `wrong_code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, maximum = 5)]
    pub(super) attempts_left: Option<u8>,
    /// Which limit is reached, by its name in the policy; with `rate_limited`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "per_number")]
    pub(super) limit: Option<&'static str>,
    /// When it was approved; with `already_approved`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    pub(super) approved_at: Option<String>,
    /// The pending verification; with `resend_too_soon`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) id: Option<String>,
    /// When it may be sent again, if it can; with `resend_too_soon`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    pub(super) resend_after: Option<String>,
    /// When its code expires; with `resend_too_soon`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    pub(super) expires_at: Option<String>,
    /// With `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<super::otp::VerificationReason>)]
    pub(super) reason: Option<&'static str>,
}

/// One fault of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct FieldError {
    /// JSON pointer into the body as a URI fragment, or `#` and the name of a header.
    #[schema(example = "#/to")]
    pub(super) pointer: String,
    pub(super) code: FieldCode,
    /// For people: what is wrong with it.
    #[schema(example = "must begin with + and the country's calling code")]
    pub(super) detail: String,
}

/// What is wrong with a member or header: stable, like the `code` of a problem.
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
        let detail = code.advice().to_owned();
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
    pub(super) fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, seconds.to_string())
    }

    pub(super) fn unavailable() -> Self {
        Self::new(ProblemCode::Unavailable).retry_after(RETRY_UNAVAILABLE)
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(ProblemCode::Unauthenticated).header(header::WWW_AUTHENTICATE, "Bearer")
    }

    /// The whole answer.
    pub(super) fn answer(&self, public_url: &str, request_id: &str) -> HttpResponse {
        let mut answer = HttpResponse::build(self.code.status());
        for (name, value) in &self.headers {
            answer.insert_header((name.clone(), value.as_str()));
        }
        let body = self.body(public_url, request_id);
        let body = serde_json::to_string(&body).expect("plain values always serialise");
        answer.content_type("application/problem+json").body(body)
    }

    /// The whole body.
    pub(super) fn body(&self, public_url: &str, request_id: &str) -> ProblemBody {
        let code = self.code;
        ProblemBody {
            r#type: format!("{public_url}/problems/{}", code.name()),
            title: code.title(),
            status: code.status().as_u16(),
            instance: request_id.to_owned(),
            code: code.name(),
            detail: self.body.detail.clone(),
            errors: self.body.errors.clone(),
            approved_at: self.body.approved_at.clone(),
            id: self.body.id.clone(),
            resend_after: self.body.resend_after.clone(),
            expires_at: self.body.expires_at.clone(),
            ..*self.body
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_)
            | StoreError::Lost(_)
            | StoreError::Full
            | StoreError::Again
            | StoreError::NotOpened { .. }
            | StoreError::Migration(_) => Self::unavailable(),
            // Asked again, it may find a replica that can read it.
            StoreError::Newer { .. } => {
                tracing::warn!(%error, "request.for_a_newer_version");
                Self::unavailable()
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
        f.write_str(self.code.name())
    }
}

/// The envelope renders problems, since only it knows the request's id; this is for whoever bypasses it.
impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}
