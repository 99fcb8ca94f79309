//! Headers of answers: each is described once, and operations refer to it.

use utoipa::openapi::{
    Header, HeaderBuilder, ObjectBuilder, OpenApi, PathItem, Ref, RefOr, Response, Type,
    path::Operation, schema::Schema,
};

/// An answer's header: its name, its component, what it says, and an example.
const HEADERS: [(&str, &str, &str, &str); 6] = [
    (
        "X-Request-Id",
        "RequestId",
        "The id of the request, as in the service's log.",
        "req_8f14e45fceea167a5a36dedd",
    ),
    (
        "Location",
        "Location",
        "Where the verification stands: `/otp/{id}`.",
        "/otp/otp_1hyfYUTqhJJB8gBoSXEvnuHbTnLiqN",
    ),
    (
        "Preference-Applied",
        "PreferenceApplied",
        "`respond-async`, where that was asked for (RFC 7240).",
        "respond-async",
    ),
    (
        "Idempotent-Replayed",
        "IdempotentReplayed",
        "`true`: this is the answer to an earlier send with the same `Idempotency-Key`; nothing was sent now.",
        "true",
    ),
    (
        "WWW-Authenticate",
        "WwwAuthenticate",
        "How to authenticate (RFC 9110): always `Bearer`.",
        "Bearer",
    ),
    (
        "Retry-After",
        RETRY_AFTER,
        "After how many whole seconds the same call can succeed; absent where waiting alone \
      does not help.",
        "18",
    ),
];
const RETRY_AFTER: &str = "RetryAfter";

/// Describes the headers, says that every answer has a request id, and refers to them wherever they are named.
pub(super) fn describe(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    for (_, component, description, example) in HEADERS {
        let header = header(component, description, example);
        components
            .headers
            .insert(component.to_owned(), header.into());
    }
    for response in document
        .paths
        .paths
        .values_mut()
        .flat_map(operations)
        .flat_map(responses)
    {
        response
            .headers
            .insert("X-Request-Id".to_owned(), Header::default().into());
        for (name, component, ..) in HEADERS {
            if let Some(header) = response.headers.get_mut(name) {
                *header = RefOr::Ref(Ref::new(format!("#/components/headers/{component}")));
            }
        }
    }
}

fn header(component: &str, description: &str, example: &str) -> Header {
    let schema = if component == RETRY_AFTER {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
    } else {
        ObjectBuilder::new().schema_type(Type::String)
    };
    let example = example
        .parse::<u32>()
        .map_or_else(|_| example.into(), Into::into);
    HeaderBuilder::new()
        .schema(Some(RefOr::T(Schema::from(schema))))
        .description(Some(description))
        .example(Some(example))
        .build()
}

pub(super) fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.post].into_iter().flatten()
}

fn responses(operation: &mut Operation) -> impl Iterator<Item = &mut Response> {
    let responses = operation.responses.responses.values_mut();
    responses.filter_map(|response| match response {
        RefOr::T(response) => Some(response),
        RefOr::Ref(_) => None,
    })
}
