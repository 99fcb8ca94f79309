//! What an operation may be refused with, told from the table of errors: nobody writes a list of answers twice.

use std::{collections::BTreeMap, marker::PhantomData};

use actix_web::http::header;
use utoipa::{
    IntoResponses, PartialSchema, ToSchema,
    openapi::{
        Content, Header, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Schema, Type,
        content::ContentBuilder, example::Example, example::ExampleBuilder,
        response::ResponsesBuilder,
    },
};

use crate::{
    domain::{clock::Timestamp, id::Id, key::Trust, limits::LimitName, verification::Reason},
    http::{
        call::Body,
        codes::ProblemCode,
        problem::{FieldCode, FieldError, Problem, REPLAYED},
    },
    verifier::Refusal,
};

/// What every call of the API may be refused with, before it is known what it wants.
const EVERY_CALL: [ProblemCode; 9] = [
    ProblemCode::MalformedRequest,
    ProblemCode::Unauthenticated,
    ProblemCode::Forbidden,
    ProblemCode::NotAcceptable,
    ProblemCode::RequestTimeout,
    ProblemCode::BodyTooLarge,
    ProblemCode::InvalidRequest,
    ProblemCode::Internal,
    ProblemCode::Unavailable,
];
const PROBLEM_JSON: &str = "application/problem+json";
/// The moment at which the examples play: 2026-01-31T12:00:00Z.
const NOON: i64 = 1_769_860_800_000;

/// An operation that may be refused.
pub(in crate::http) trait Refused {
    fn codes() -> Vec<ProblemCode>;
}

impl<B: Body> Refused for B {
    fn codes() -> Vec<ProblemCode> {
        let mut codes = EVERY_CALL.to_vec();
        if B::EXPECTED {
            codes.push(ProblemCode::UnsupportedMediaType);
        }
        codes.extend(B::REFUSALS);
        codes
    }
}

/// The answers of 400 and above of an operation.
pub(in crate::http) struct Refusals<T>(PhantomData<T>);

impl<T: Refused> IntoResponses for Refusals<T> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut by_status: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
        for code in T::codes() {
            let codes = by_status.entry(code.status().as_u16()).or_default();
            codes.push(code);
        }
        let responses = by_status
            .into_iter()
            .map(|(status, codes)| (status.to_string(), answer(&codes)));
        ResponsesBuilder::new()
            .responses_from_iter(responses)
            .build()
            .into()
    }
}

/// An example of every error that some operation may be refused with, by its code.
pub(super) fn examples() -> BTreeMap<String, RefOr<Example>> {
    let example = |code: ProblemCode| {
        let body = sample(code).body("https://otp.example.com", "req_8f14e45fceea167a5a36dedd");
        let body = serde_json::to_value(body).expect("plain values always serialise");
        let example = ExampleBuilder::new()
            .summary(code.title())
            .value(Some(body));
        (code.name().to_owned(), example.build().into())
    };
    ProblemCode::ALL
        .into_iter()
        // The one that no operation is refused with: another method is no operation.
        .filter(|code| *code != ProblemCode::MethodNotAllowed)
        .map(example)
        .collect()
}

/// The answer of one status, which some of `codes` explain more closely.
fn answer(codes: &[ProblemCode]) -> Response {
    let told: Vec<String> = codes
        .iter()
        .map(|code| format!("`{}`: {}. {}", code.name(), code.title(), code.advice()))
        .collect();
    let description = match told.as_slice() {
        [one] => one.clone(),
        several => format!("- {}", several.join("\n- ")),
    };
    let mut response = ResponseBuilder::new()
        .description(description)
        .content(PROBLEM_JSON, content(codes));
    for (name, sent) in [
        ("Retry-After", header::RETRY_AFTER),
        ("WWW-Authenticate", header::WWW_AUTHENTICATE),
        ("Idempotent-Replayed", REPLAYED),
    ] {
        let carries = |code: &ProblemCode| {
            let problem = sample(*code);
            problem.headers.iter().any(|(header, _)| *header == sent)
        };
        if codes.iter().any(carries) {
            response = response.header(name, Header::default());
        }
    }
    response.build()
}

fn content(codes: &[ProblemCode]) -> Content {
    let examples = codes.iter().map(|code| {
        let name = code.name();
        let shared = Ref::new(format!("#/components/examples/{name}"));
        (name, RefOr::<Example>::Ref(shared))
    });
    ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .examples_from_iter(examples)
        .build()
}

/// A problem as it is answered, made as the service makes it.
fn sample(code: ProblemCode) -> Problem {
    let now = Timestamp::from_millis(NOON);
    let later = |seconds| now.plus(std::time::Duration::from_secs(seconds));
    let refusals = [
        Refusal::TooSoon {
            id: Id::parse("otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN").expect("it is an id"),
            resend_after: Some(later(18)),
            expires_at: later(288),
            retry_at: later(18),
        },
        Refusal::Limited {
            limit: LimitName::PerNumber,
            retry_at: later(412),
        },
        Refusal::Blocked(crate::domain::failures::Block::Until(later(900))),
        Refusal::InProgress {
            answered_by: later(3),
        },
        Refusal::DeliveryRefused { replayed: true },
        Refusal::WrongCode { attempts_left: 4 },
        Refusal::AlreadyApproved {
            approved_at: Some(now),
        },
        Refusal::Failed(Some(Reason::NotDeliverable)),
    ];
    let invalid = FieldError {
        pointer: "#/to".to_owned(),
        code: FieldCode::Invalid,
        detail: "must begin with + and the country's calling code".to_owned(),
    };
    let others = [
        Problem::unauthenticated(),
        Problem::unavailable(),
        Problem::invalid(vec![invalid]),
    ];
    refusals
        .into_iter()
        .map(|refusal| Problem::of(refusal, Trust::Full, now))
        .chain(others)
        .find(|problem| problem.code == code)
        .unwrap_or_else(|| Problem::new(code))
}

/// The codes as the document lists them.
impl PartialSchema for ProblemCode {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(Self::ALL.map(Self::name)))
            .description(Some(
                "The stable name of the error; `/problems/{code}` explains it. A later version may add more.",
            ));
        Schema::from(object).into()
    }
}

impl ToSchema for ProblemCode {}
