//! `POST /otp/verify`

use actix_web::{HttpResponse, web};
use utoipa::ToSchema;

use super::{ApprovedView, DEFAULT_PURPOSE, FieldResult, examples, number, purpose};
use crate::{
    domain::{
        code::Code,
        id::Id,
        key::{Scope, Trust},
    },
    http::{
        Api,
        call::{Body, Call},
        codes::ProblemCode,
        json::{Members, pointer},
        openapi::Refusals,
        problem::{FieldCode, Problem},
    },
    store::Caller,
    telemetry::labels::Check,
    verifier::CheckedBy,
};

/// A code, and which verification it is for: by `id`, or by `to` and `purpose`.
#[derive(ToSchema)]
#[schema(as = Verify)]
#[expect(
    dead_code,
    reason = "the document is made of it; members are read one by one, to name every fault"
)]
pub(in crate::http) struct VerifyBody {
    /// As answered by the send.
    #[schema(nullable = false, example = "otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN")]
    id: Option<String>,
    /// In place of `id`: the youngest verification of this number and purpose. Secret keys only.
    #[schema(nullable = false, example = "+351912345678", max_length = 32)]
    to: Option<String>,
    /// Only with `to`; `login` where this is absent. Secret keys only.
    #[schema(
        nullable = false,
        pattern = "^[a-z][a-z0-9_-]{0,31}$",
        example = "login"
    )]
    purpose: Option<String>,
    /// What the person typed. ASCII spaces and hyphens are dropped; then `^\+?[0-9]{4,15}$`.
    #[schema(example = "123456", max_length = 64)]
    code: String,
}

/// The body, read.
pub(in crate::http) struct Request {
    by: Wanted,
    code: Code,
}

/// Which verification is wanted.
enum Wanted {
    Known(CheckedBy),
    /// What stands for an id is none, and so names no verification; that is not a fault of the request.
    Nobodys,
}

impl Body for Request {
    const SCOPE: Scope = Scope::Verify;
    const EXPECTED: bool = true;
    const REFUSALS: &'static [ProblemCode] = &[
        ProblemCode::NoSuchVerification,
        ProblemCode::AlreadyApproved,
        ProblemCode::Expired,
        ProblemCode::Canceled,
        ProblemCode::MaxAttemptsReached,
        ProblemCode::Failed,
        ProblemCode::WrongCode,
        ProblemCode::NotApproved,
        ProblemCode::TooManyAttempts,
    ];
    const FOR_PAGES: bool = true;

    fn read(mut members: Members, caller: &Caller) -> Result<Self, Problem> {
        let by = match caller.trust {
            Trust::Full => which(&mut members),
            Trust::Public => by_id_alone(&mut members),
        };
        let code = members.required("code", code);
        let (by, code) = members.finish(by.zip(code))?;
        Ok(Self { by, code })
    }
}

fn which(members: &mut Members) -> Option<Wanted> {
    if members.has("to") && !members.has("id") {
        let number = members.required("to", number);
        let has_purpose = members.has("purpose");
        let purpose = members.optional("purpose", purpose);
        let purpose = if has_purpose {
            purpose?
        } else {
            DEFAULT_PURPOSE.to_owned()
        };
        return Some(Wanted::Known(CheckedBy::Number {
            number: number?,
            purpose,
        }));
    }
    for name in ["to", "purpose"] {
        if members.has(name) {
            members.ignore(name);
            members.fault::<()>(
                pointer(&[name]),
                FieldCode::NotAllowed,
                "stands in place of `id`, not beside it",
            );
        }
    }
    let id = members.required("id", |text| Ok(Id::parse(text)))?;
    Some(id.map_or(Wanted::Nobodys, |id| Wanted::Known(CheckedBy::Id(id))))
}

/// For publishable keys: whoever can name a number must not be told of its verifications. What is no id is looked for
/// all the same, so that it takes as long as any.
fn by_id_alone(members: &mut Members) -> Option<Wanted> {
    for name in ["to", "purpose"] {
        members.not_allowed::<()>(name, "is for secret keys only");
    }
    let id = |text: &str| Ok(Id::parse(text).unwrap_or_else(|| Id::standing_for(text)));
    let id = members.required("id", id)?;
    Some(Wanted::Known(CheckedBy::Id(id)))
}

fn code(text: &str) -> FieldResult<Code> {
    let detail = "must be 4 to 15 digits, spaces and hyphens aside";
    Code::parse_guess(text).ok_or_else(|| (FieldCode::Invalid, detail.to_owned()))
}

/// Checks a code. A 2xx means approved, and nothing else does.
///
/// Exactly one check of a verification is ever approved. Whatever is well-formed and not the code costs one guess;
/// what is refused with `invalid_request` costs none. If the answer to the right check is lost, check again:
/// `already_approved` is that answer. Scope: `verify`.
#[utoipa::path(post, path = "/otp/verify", tag = "otp", operation_id = "verifyCode", security(("key" = [])),
    request_body(content = VerifyBody, content_type = "application/json", description = "The code, and what it is for.",
        examples(
            ("id" = (summary = "By the id of the verification",
                value = json!({"id": "otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN", "code": "123456"}))),
            ("number" = (summary = "By number and purpose",
                value = json!({"to": "+351912345678", "purpose": "login", "code": "123456"}))),
        )),
    responses(
        (status = 200, description = "Approved: the person holds the phone.", body = ApprovedView,
            example = json!(examples::approved())),
        Refusals<Request>,
    ))]
pub(in crate::http) async fn verify(
    call: Call<Request>,
    api: web::Data<Api>,
) -> Result<HttpResponse, Problem> {
    let Request { by, code } = call.body;
    let Wanted::Known(by) = by else {
        api.store.metrics().checks.count(Check::Unknown);
        return Err(Problem::new(ProblemCode::NoSuchVerification));
    };
    let outcome = api.verifier.verify(&call.caller, by, code).await;
    let verification = outcome
        .map_err(|refusal| Problem::of_check(refusal, call.caller.trust, api.clock.now()))?;
    Ok(HttpResponse::Ok().json(ApprovedView::new(verification)))
}
